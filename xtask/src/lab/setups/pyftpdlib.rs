//! pyftpdlib, a library in Python, behind a small program of the lab's own.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use super::{Kind, Setup, Site, Variant, config, draft};
use crate::Outcome;
use crate::lab::account::user;
use crate::lab::python;

pub(super) const VARIANTS: &[Variant] = &[
    Variant::common("pyftpdlib-plain", Kind::Plain),
    Variant::common("pyftpdlib-explicit", Kind::Explicit),
];

/// pyftpdlib; with TLS it refuses logins and data in the clear, and asks for no session reuse.
pub(super) fn pyftpdlib(site: &Site, variant: &Variant) -> Outcome<Setup> {
    let mut setup = draft(site, variant, "pyftpdlib", python::version())?;
    let certificate = (variant.kind != Kind::Plain).then_some(&site.certificates.both);
    let values = serde_json::json!({
        "host": setup.host,
        "port": setup.port,
        "user": user(),
        "password": site.password,
        "root": setup.root,
        "uid": site.account.uid,
        "gid": site.account.gid,
        "log": setup.log_file,
        "certificate": certificate,
    });
    let values = config(site, &format!("{}.json", setup.name), &values.to_string())?;
    fs::set_permissions(&values, fs::Permissions::from_mode(0o600))?;
    let program = config(
        site,
        "serve-pyftpdlib.py",
        include_str!("pyftpdlib/server.py"),
    )?;
    setup.command = Command::new(python::interpreter());
    setup.command.arg(program).arg(values);
    Ok(setup)
}
