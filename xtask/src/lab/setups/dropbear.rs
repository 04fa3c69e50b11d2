//! dropbear, with OpenSSH's `sftp-server`.

use std::process::Command;

use super::openssh::sftp_server;
use super::{Kind, Setup, Site, Variant, draft, run_file};
use crate::Outcome;
use crate::lab::install;
use crate::process::quietly;

const VARIANT: Variant = Variant {
    notes: "at most 5 connections that are not logged in yet; each attempt to log in is in the log as \
            `auth succeeded` or `attempt for`",
    ..Variant::common("dropbear", Kind::Ssh)
};

/// dropbear, which says in its log which method failed or succeeded for whom.
pub(super) fn dropbear(site: &Site) -> Outcome<Setup> {
    let mut setup = draft(site, &VARIANT, "dropbear", install::version("dropbear-bin"))?;
    setup.login_path = setup.root.display().to_string();
    setup.auth = vec!["password", "publickey"];
    let unpacked = install::root("dropbear-bin");
    setup.command = Command::new(unpacked.join("usr/sbin/dropbear"));
    // The forced command puts every session into the set-up's folder: dropbear has no setting for that.
    let serve = format!(
        "{} -d {}",
        sftp_server(site)?.display(),
        setup.root.display()
    );
    setup
        .command
        .args(["-F", "-E", "-p", &format!("{}:{}", setup.host, setup.port)])
        .args(["-c", &serve, "-P"])
        .arg(run_file(site, "dropbear.pid"));
    for (algorithm, key) in &site.host_keys {
        let own = site
            .state
            .join("keys")
            .join(format!("dropbear_{algorithm}"));
        quietly(
            Command::new(unpacked.join("usr/bin/dropbearconvert"))
                .args(["openssh", "dropbear"])
                .arg(key)
                .arg(&own),
        )?;
        setup.command.arg("-r").arg(own);
    }
    Ok(setup)
}
