//! OpenSSH: what it asks of a login, and which algorithms it still or no longer knows.
//!
//! `sftp-server` starts in the set-up's folder but is not shut into it: the login path is the folder's own path.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Kind, Setup, Site, Variant, config, draft};
use crate::Outcome;
use crate::lab::account::{PAM_SERVICE, user};
use crate::lab::install;
use crate::process::quietly;

/// A set-up and how it lets a user in: the methods it offers, and `AuthenticationMethods`, which says what is
/// enough.
pub(super) const VARIANTS: &[(Variant, &[&str], &str)] = &[
    (common("openssh"), &["password", "publickey"], "any"),
    (
        common("openssh-keyboard-interactive"),
        &["keyboard-interactive"],
        "any",
    ),
    (
        special("openssh-two-factors", &["two-factors"], ""),
        &["publickey", "password"],
        "publickey,password",
    ),
    (
        special("openssh-two-factors-interactive", &["two-factors"], ""),
        &["publickey", "keyboard-interactive"],
        "publickey,keyboard-interactive",
    ),
    (
        special("openssh-user-ca", &["user-ca"], ""),
        &["publickey"],
        "any",
    ),
    // What OpenSSH of 2010 had in common with everybody.
    (
        special(
            "openssh-legacy",
            &["legacy", "ssh-rsa"],
            "KexAlgorithms diffie-hellman-group14-sha1,diffie-hellman-group-exchange-sha1,diffie-hellman-group1-sha1\n\
             Ciphers aes128-cbc,aes256-cbc,3des-cbc\n\
             MACs hmac-sha1,hmac-md5\n\
             HostKeyAlgorithms ssh-rsa\n\
             PubkeyAcceptedAlgorithms ssh-rsa\n",
        ),
        &["password", "publickey"],
        "any",
    ),
    (
        special(
            "openssh-ssh-rsa",
            &["ssh-rsa"],
            "HostKeyAlgorithms ssh-rsa\nPubkeyAcceptedAlgorithms ssh-rsa\n",
        ),
        &["password", "publickey"],
        "any",
    ),
    (
        special("openssh-two-sessions", &["two-sessions"], "MaxSessions 2\n"),
        &["password", "publickey"],
        "any",
    ),
];

const fn common(name: &'static str) -> Variant {
    special(name, &[], "")
}

const fn special(
    name: &'static str,
    traits: &'static [&'static str],
    lines: &'static str,
) -> Variant {
    Variant {
        notes: "each attempt to log in is in the log as `userauth-request`",
        ..Variant::special(name, Kind::Ssh, traits, lines)
    }
}

/// OpenSSH, logging at its DEBUG level: every authentication request is in the log.
pub(super) fn openssh(
    site: &Site,
    (variant, methods, enough): &(Variant, &'static [&'static str], &str),
) -> Outcome<Setup> {
    let name = variant.name;
    let mut setup = draft(site, variant, "openssh", install::version("openssh-server"))?;
    setup.login_path = setup.root.display().to_string();
    setup.auth = methods.to_vec();
    let offers = |method: &str| {
        if methods.contains(&method) {
            "yes"
        } else {
            "no"
        }
    };
    // Only a key that the authority signed is let in, none by itself.
    let (keys, authority) = if variant.has("user-ca") {
        (Path::new("none"), site.user_ca.as_path())
    } else {
        (site.authorized_keys.as_path(), Path::new("none"))
    };
    let mut text = format!(
        "# Of two lines the first counts.\n\
         {lines}\
         ListenAddress {host}:{port}\n\
         AuthorizedKeysFile {keys}\n\
         # The keys lie below /tmp, which anybody may write.\n\
         StrictModes no\n\
         AllowUsers {user}\n\
         UsePAM yes\n\
         TrustedUserCAKeys {authority}\n\
         PasswordAuthentication {password}\n\
         PubkeyAuthentication {publickey}\n\
         KbdInteractiveAuthentication {interactive}\n\
         AuthenticationMethods {enough}\n\
         PidFile none\n\
         UseDNS no\n\
         PrintMotd no\n\
         PrintLastLog no\n\
         MaxStartups 200\n\
         LoginGraceTime 60\n\
         LogLevel DEBUG\n\
         Subsystem sftp {sftp} -d {root}\n",
        lines = variant.lines,
        host = setup.host,
        port = setup.port,
        user = user(),
        keys = keys.display(),
        authority = authority.display(),
        password = offers("password"),
        publickey = offers("publickey"),
        interactive = offers("keyboard-interactive"),
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

/// A copy that the account may run: the clone, where it was unpacked, may be closed to others.
pub(super) fn sftp_server(site: &Site) -> Outcome<PathBuf> {
    let copy = site.state.join("bin").join("sftp-server");
    if !copy.exists() {
        let unpacked = install::root("openssh-sftp-server").join("usr/lib/openssh/sftp-server");
        fs::copy(unpacked, &copy)?;
        fs::set_permissions(&copy, fs::Permissions::from_mode(0o755))?;
    }
    Ok(copy)
}
