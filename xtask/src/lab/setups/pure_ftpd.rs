//! Pure-FTPd: in the clear and with explicit TLS.

use std::process::Command;

use super::{Kind, Setup, Site, Variant, config, draft, run_file};
use crate::Outcome;
use crate::lab::account::user;
use crate::lab::install;
use crate::process::quietly;

pub(super) const VARIANTS: &[Variant] = &[
    Variant::common("pure-ftpd-plain", Kind::Plain),
    Variant::common("pure-ftpd-explicit", Kind::Explicit),
    Variant::special(
        "pure-ftpd-short-lists",
        Kind::Plain,
        &["ten-entries"],
        "--limitrecursion 10:5",
    ),
];

/// Pure-FTPd; with TLS it refuses logins in the clear. It asks for no session reuse and has no implicit TLS.
pub(super) fn pure_ftpd(site: &Site, variant: &Variant) -> Outcome<Setup> {
    let Variant { name, kind, .. } = *variant;
    let mut setup = draft(site, variant, "pure-ftpd", install::version("pure-ftpd"))?;
    let users = config(
        site,
        &format!("{name}.passwd"),
        &format!(
            "{user}:{hash}:{uid}:{gid}::{root}/./::::::::::::\n",
            user = user(),
            hash = site.account.hash,
            uid = site.account.uid,
            gid = site.account.gid,
            root = setup.root.display(),
        ),
    )?;
    let database = users.with_extension("pdb");
    quietly(
        Command::new(install::root("pure-ftpd").join("usr/bin/pure-pw"))
            .arg("mkdb")
            .arg(&database)
            .arg("-f")
            .arg(&users),
    )?;
    setup.notes = "the log holds finished transfers only: commands go to the system's log";
    setup.command = Command::new(install::root("pure-ftpd").join("usr/sbin/pure-ftpd"));
    setup
        .command
        .args(["--bind", &format!("{},{}", setup.host, setup.port)])
        .args(["--login", &format!("puredb:{}", database.display())])
        .args(["--altlog", &format!("clf:{}", setup.log_file.display())])
        .arg("--pidfile")
        .arg(run_file(site, &format!("{name}.pid")))
        // The account is a system one, below the usual least number.
        .args(["--minuid", "1"])
        .args([
            "--noanonymous",
            "--chrooteveryone",
            "--dontresolve",
            "--verboselog",
        ])
        .args(["--maxclientsnumber", "200", "--maxclientsperip", "200"])
        .args(variant.lines.split_whitespace());
    if kind == Kind::Plain {
        setup.command.args(["--tls", "0"]);
    } else {
        setup
            .command
            .args(["--tls", "2", "--certfile"])
            .arg(&site.certificates.both);
    }
    Ok(setup)
}
