//! OpenSSH, dropbear and ProFTPD's mod_sftp.
//!
//! OpenSSH and dropbear run OpenSSH's `sftp-server`, which starts in the set-up's folder but is not shut into
//! it: the login path is the folder's own path.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;
use std::process::Command;

use super::{Kind, Setup, Site, config, draft, ftp, quoted, run_file};
use crate::Outcome;
use crate::lab::account::{PAM_SERVICE, user};
use crate::lab::install;
use crate::process::quietly;

/// How OpenSSH lets a user in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Login {
    /// `password` and `publickey`.
    PasswordAndKey,
    /// `keyboard-interactive` alone.
    KeyboardInteractive,
}

/// OpenSSH, logging at its DEBUG level: every authentication request is in the log.
pub(super) fn openssh(site: &Site, login: Login) -> Outcome<Setup> {
    let (name, yes, no) = match login {
        Login::PasswordAndKey => ("openssh", "yes", "no"),
        Login::KeyboardInteractive => ("openssh-keyboard-interactive", "no", "yes"),
    };
    let mut setup = draft(site, name, Kind::Ssh, "openssh", "openssh-server")?;
    setup.login_path = setup.root.display().to_string();
    setup.notes = "each attempt to log in is in the log as `userauth-request`";
    setup.auth = match login {
        Login::PasswordAndKey => vec!["password", "publickey"],
        Login::KeyboardInteractive => vec!["keyboard-interactive"],
    };
    let mut text = format!(
        "ListenAddress 127.0.0.1:{port}\n\
         AuthorizedKeysFile {keys}\n\
         # The keys lie below /tmp, which anybody may write.\n\
         StrictModes no\n\
         AllowUsers {user}\n\
         UsePAM yes\n\
         PasswordAuthentication {yes}\n\
         PubkeyAuthentication {yes}\n\
         KbdInteractiveAuthentication {no}\n\
         PidFile none\n\
         UseDNS no\n\
         PrintMotd no\n\
         PrintLastLog no\n\
         MaxStartups 200\n\
         LoginGraceTime 60\n\
         LogLevel DEBUG\n\
         Subsystem sftp {sftp} -d {root}\n",
        port = setup.port,
        user = user(),
        keys = site.authorized_keys.display(),
        sftp = sftp_server(site)?.display(),
        root = setup.root.display(),
    );
    for key in site.host_keys.values() {
        let _ = writeln!(text, "HostKey {}", key.display());
    }
    let unpacked = install::root("openssh-server");
    let session = unpacked.join("usr/lib/openssh/sshd-session");
    let mut program = unpacked.join("usr/sbin/sshd");
    if session.exists() {
        // OpenSSH 9.8 and later: a program for each session, a name for PAM, and a penalty for refused logins,
        // which would shut out the tests that follow one.
        let _ = write!(
            text,
            "SshdSessionPath {}\nPAMServiceName {PAM_SERVICE}\nPerSourcePenalties no\n",
            session.display()
        );
        let authenticator = unpacked.join("usr/lib/openssh/sshd-auth");
        if authenticator.exists() {
            let _ = writeln!(text, "SshdAuthPath {}", authenticator.display());
        }
    } else {
        // Before that the PAM service is called as the program is.
        let link = site.state.join("bin").join(PAM_SERVICE);
        if !link.exists() {
            symlink(&program, &link)?;
        }
        program = link;
    }
    // DSA keys are asked for by the parameters that the client must serve; OpenSSH 10 has forgotten them.
    let with_dsa = format!("{text}PubkeyAcceptedAlgorithms +ssh-dss\n");
    let file = config(site, &format!("{name}.conf"), &with_dsa)?;
    let mut check = Command::new(&program);
    if quietly(check.arg("-t").arg("-f").arg(&file)).is_err() {
        fs::write(&file, &text)?;
    }
    setup.command = Command::new(program);
    setup
        .command
        .args(["-D", "-f"])
        .arg(file)
        .arg("-E")
        .arg(&setup.log_file);
    Ok(setup)
}

/// dropbear, which says in its log which method failed or succeeded for whom.
pub(super) fn dropbear(site: &Site) -> Outcome<Setup> {
    let mut setup = draft(site, "dropbear", Kind::Ssh, "dropbear", "dropbear-bin")?;
    setup.login_path = setup.root.display().to_string();
    setup.auth = vec!["password", "publickey"];
    setup.notes = "at most 5 connections that are not logged in yet; each attempt to log in is in the log as \
                   `auth succeeded` or `attempt for`";
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
        .args(["-F", "-E", "-p", &format!("127.0.0.1:{}", setup.port)])
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

/// ProFTPD's mod_sftp: an SFTP server that shares no code with OpenSSH, and shuts a login into its folder.
pub(super) fn proftpd(site: &Site) -> Outcome<Setup> {
    let mut setup = draft(site, "proftpd-sftp", Kind::Ssh, "proftpd", "proftpd-core")?;
    setup.auth = vec!["password", "publickey"];
    setup.notes = "each attempt to log in is in the log as `USERAUTH_REQUEST`";
    let mut text = ftp::proftpd_common(site, &setup)?;
    let _ = write!(
        text,
        "SFTPEngine on\n\
         SFTPLog {log}\n\
         SFTPAuthMethods publickey password\n\
         SFTPAuthorizedUserKeys file:{keys}\n",
        log = quoted(&site.state.join("log").join("proftpd-sftp-ssh.log")),
        keys = rfc4716_keys(site)?.display(),
    );
    for key in site.host_keys.values() {
        let _ = writeln!(text, "SFTPHostKey {}", quoted(key));
    }
    setup.command = ftp::proftpd_command(site, "proftpd-sftp", &text)?;
    Ok(setup)
}

/// A copy that the account may run: the clone, where it was unpacked, may be closed to others.
fn sftp_server(site: &Site) -> Outcome<PathBuf> {
    let copy = site.state.join("bin").join("sftp-server");
    if !copy.exists() {
        let unpacked = install::root("openssh-sftp-server").join("usr/lib/openssh/sftp-server");
        fs::copy(unpacked, &copy)?;
        fs::set_permissions(&copy, fs::Permissions::from_mode(0o755))?;
    }
    Ok(copy)
}

/// mod_sftp reads public keys in the form of RFC 4716 only.
fn rfc4716_keys(site: &Site) -> Outcome<PathBuf> {
    let mut converted = String::new();
    let one = site.state.join("keys").join("one.pub");
    for line in fs::read_to_string(&site.authorized_keys)?.lines() {
        fs::write(&one, format!("{line}\n"))?;
        converted += &quietly(
            Command::new("ssh-keygen")
                .args(["-e", "-m", "RFC4716", "-f"])
                .arg(&one),
        )?;
    }
    fs::remove_file(one)?;
    config(site, "proftpd-sftp.keys", &converted)
}
