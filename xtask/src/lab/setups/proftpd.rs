//! ProFTPD: FTP in the clear, with explicit and with implicit TLS, and its mod_sftp.
//!
//! It shuts a login into its own folder, so the login path is `/`.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

use super::{Kind, Setup, Site, Variant, config, draft, passwd_line, quoted, run_file};
use crate::Outcome;
use crate::lab::install;
use crate::process::quietly;

pub(super) const VARIANTS: &[Variant] = &[
    Variant::common("proftpd-plain", Kind::Plain),
    Variant::common("proftpd-explicit", Kind::Explicit),
    Variant::common("proftpd-implicit", Kind::Implicit),
    Variant::special(
        "proftpd-no-mlsd-epsv",
        Kind::Plain,
        &["no-epsv", "no-mlsd"],
        "FactsAdvertise off\n<Limit MLSD MLST EPSV EPRT>\nDenyAll\n</Limit>\n",
    ),
    Variant::special(
        "proftpd-two-logins",
        Kind::Plain,
        &["two-logins"],
        "MaxClients 2\n",
    ),
    Variant::special("proftpd-ipv6", Kind::Plain, &["ipv6"], "").on_ipv6(),
    Variant::special(
        "proftpd-client-certificate",
        Kind::Explicit,
        &["client-certificate"],
        "",
    ),
];

const SFTP: Variant = Variant {
    notes: "each attempt to log in is in the log as `USERAUTH_REQUEST`",
    ..Variant::common("proftpd-sftp", Kind::Ssh)
};

/// ProFTPD; with TLS it refuses logins and data in the clear, and data connections that resume no session.
pub(super) fn proftpd(site: &Site, variant: &Variant) -> Outcome<Setup> {
    let Variant { name, kind, .. } = *variant;
    let mut setup = draft(site, variant, "proftpd", install::version("proftpd-core"))?;
    let mut text = common(site, &setup)?;
    if kind != Kind::Plain {
        setup.reuse_required = true;
        let _ = write!(
            text,
            "TLSEngine on\n\
             TLSRequired on\n\
             TLSProtocol TLSv1.2 TLSv1.3\n\
             TLSECCertificateFile {certificate}\n\
             TLSECCertificateKeyFile {key}\n\
             TLSVerifyClient {verify}\n\
             TLSCACertificateFile {ca}\n\
             TLSRenegotiate none\n\
             TLSLog {log}\n",
            certificate = quoted(&site.certificates.server.certificate),
            key = quoted(&site.certificates.server.key),
            verify = if variant.has("client-certificate") {
                "on"
            } else {
                "off"
            },
            ca = quoted(&site.certificates.ca),
            log = quoted(&site.state.join("log").join(format!("{name}-tls.log"))),
        );
    }
    if kind == Kind::Implicit {
        text += "TLSOptions UseImplicitSSL\n";
    }
    text += variant.lines;
    setup.command = command(site, name, &text)?;
    Ok(setup)
}

/// ProFTPD's mod_sftp: an SFTP server that shares no code with OpenSSH, and shuts a login into its folder.
pub(super) fn sftp(site: &Site) -> Outcome<Setup> {
    let mut setup = draft(site, &SFTP, "proftpd", install::version("proftpd-core"))?;
    setup.auth = vec!["password", "publickey"];
    let mut text = common(site, &setup)?;
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
    setup.command = command(site, "proftpd-sftp", &text)?;
    Ok(setup)
}

/// What ProFTPD needs whatever it serves: its modules, the account, logs of every command.
fn common(site: &Site, setup: &Setup) -> Outcome<String> {
    let name = &setup.name;
    let users = config(
        site,
        &format!("{name}.passwd"),
        &passwd_line(site, &setup.root),
    )?;
    // ProFTPD refuses a table that others may read.
    fs::set_permissions(&users, fs::Permissions::from_mode(0o600))?;
    // Built in on Debian 12, in modules that are not loaded on Debian 13.
    let optional: String = [
        ("mod_delay.c", "DelayEngine off"),
        ("mod_ctrls.c", "ControlsEngine off"),
        ("mod_auth_pam.c", "AuthPAM off"),
    ]
    .iter()
    .map(|(module, line)| format!("<IfModule {module}>\n{line}\n</IfModule>\n"))
    .collect();
    Ok(format!(
        "ModulePath {folder}\n\
         {modules}\
         ServerName \"FTP Connect lab\"\n\
         ServerType standalone\n\
         DefaultServer on\n\
         UseIPv6 {ipv6}\n\
         UseReverseDNS off\n\
         DefaultAddress {host}\n\
         SocketBindTight on\n\
         Port {port}\n\
         User nobody\n\
         Group nogroup\n\
         MaxInstances 200\n\
         PidFile {pid}\n\
         ScoreboardFile {scoreboard}\n\
         ScoreboardMutex {mutex}\n\
         {optional}\
         AuthOrder mod_auth_file.c\n\
         AuthUserFile {users}\n\
         RequireValidShell off\n\
         RootLogin off\n\
         DefaultRoot ~\n\
         Umask 022\n\
         AllowOverwrite on\n\
         AllowStoreRestart on\n\
         AllowRetrieveRestart on\n\
         WtmpLog off\n\
         TransferLog none\n\
         SystemLog {system}\n\
         LogFormat lab \"%t %a %u \\\"%r\\\" %s\"\n\
         ExtendedLog {log} ALL lab\n",
        folder = quoted(&site.state.join("modules")),
        modules = modules(site)?,
        ipv6 = if setup.host.is_ipv6() { "on" } else { "off" },
        host = setup.host,
        port = setup.port,
        pid = quoted(&run_file(site, &format!("{name}.pid"))),
        scoreboard = quoted(&run_file(site, &format!("{name}.scoreboard"))),
        mutex = quoted(&run_file(site, &format!("{name}.mutex"))),
        users = quoted(&users),
        system = quoted(&site.state.join("log").join(format!("{name}-system.log"))),
        log = quoted(&setup.log_file),
    ))
}

/// ProFTPD in the foreground.
fn command(site: &Site, name: &str, text: &str) -> Outcome<Command> {
    let file = config(site, &format!("{name}.conf"), text)?;
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600))?;
    let mut command = Command::new(install::root("proftpd-core").join("usr/sbin/proftpd"));
    command.args(["--nodaemon", "--config"]).arg(file);
    Ok(command)
}

/// Puts the modules of the two packages into one folder, and says how they are loaded. The first two are built
/// in on Debian 12.
fn modules(site: &Site) -> Outcome<String> {
    let folder = site.state.join("modules");
    fs::create_dir_all(&folder)?;
    let mut lines = String::new();
    for name in ["mod_ls", "mod_xfer", "mod_tls", "mod_sftp"] {
        let file = format!("{name}.so");
        for package in ["proftpd-core", "proftpd-mod-crypto"] {
            let unpacked = install::root(package).join("usr/lib/proftpd").join(&file);
            if unpacked.exists() {
                // Once: a running server has it mapped.
                if !folder.join(&file).exists() {
                    fs::copy(unpacked, folder.join(&file))?;
                }
                let _ = writeln!(lines, "LoadModule {name}.c");
            }
        }
    }
    Ok(lines)
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
