//! vsftpd, ProFTPD and Pure-FTPd: in the clear, with explicit and with implicit TLS.
//!
//! All of them shut a login into its own folder, so the login path is `/`. Active mode works on each: the
//! server connects from any port, not from 20.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use super::{Kind, Setup, Site, config, draft, passwd_line, quoted, run_file};
use crate::Outcome;
use crate::lab::account::{PAM_SERVICE, user};
use crate::lab::install;
use crate::process::quietly;

/// vsftpd; with TLS it refuses logins and data in the clear, and data connections that resume no session.
pub(super) fn vsftpd(site: &Site, kind: Kind) -> Outcome<Setup> {
    let name = format!("vsftpd-{}", kind.suffix());
    let mut setup = draft(site, &name, kind, "vsftpd", "vsftpd")?;
    let mut text = format!(
        "listen=YES\n\
         listen_address=127.0.0.1\n\
         listen_port={port}\n\
         background=NO\n\
         anonymous_enable=NO\n\
         local_enable=YES\n\
         write_enable=YES\n\
         local_umask=022\n\
         pam_service_name={PAM_SERVICE}\n\
         local_root={root}\n\
         chroot_local_user=YES\n\
         allow_writeable_chroot=YES\n\
         secure_chroot_dir={empty}\n\
         tcp_wrappers=NO\n\
         seccomp_sandbox=NO\n\
         isolate_network=NO\n\
         xferlog_enable=YES\n\
         xferlog_std_format=NO\n\
         log_ftp_protocol=YES\n\
         vsftpd_log_file={log}\n",
        port = setup.port,
        root = setup.root.display(),
        empty = site.state.join("empty").display(),
        log = setup.log_file.display(),
    );
    if kind != Kind::Plain {
        setup.reuse_required = true;
        let _ = write!(
            text,
            "ssl_enable=YES\n\
             rsa_cert_file={certificate}\n\
             rsa_private_key_file={key}\n\
             force_local_logins_ssl=YES\n\
             force_local_data_ssl=YES\n\
             require_ssl_reuse=YES\n\
             ssl_ciphers=HIGH\n\
             debug_ssl=YES\n",
            certificate = site.certificates.certificate.display(),
            key = site.certificates.key.display(),
        );
    }
    if kind == Kind::Implicit {
        text += "implicit_ssl=YES\n";
    }
    let file = config(site, &format!("{name}.conf"), &text)?;
    setup.command = Command::new(install::root("vsftpd").join("usr/sbin/vsftpd"));
    setup.command.arg(file);
    Ok(setup)
}

/// ProFTPD; with TLS it refuses logins and data in the clear, and data connections that resume no session.
pub(super) fn proftpd(site: &Site, kind: Kind) -> Outcome<Setup> {
    let name = format!("proftpd-{}", kind.suffix());
    let mut setup = draft(site, &name, kind, "proftpd", "proftpd-core")?;
    let mut text = proftpd_common(site, &setup)?;
    if kind != Kind::Plain {
        setup.reuse_required = true;
        let _ = write!(
            text,
            "TLSEngine on\n\
             TLSRequired on\n\
             TLSProtocol TLSv1.2 TLSv1.3\n\
             TLSECCertificateFile {certificate}\n\
             TLSECCertificateKeyFile {key}\n\
             TLSVerifyClient off\n\
             TLSRenegotiate none\n\
             TLSLog {log}\n",
            certificate = quoted(&site.certificates.certificate),
            key = quoted(&site.certificates.key),
            log = quoted(&site.state.join("log").join(format!("{name}-tls.log"))),
        );
    }
    if kind == Kind::Implicit {
        text += "TLSOptions UseImplicitSSL\n";
    }
    setup.command = proftpd_command(site, &name, &text)?;
    Ok(setup)
}

/// Pure-FTPd; with TLS it refuses logins in the clear. It asks for no session reuse and has no implicit TLS.
pub(super) fn pure_ftpd(site: &Site, kind: Kind) -> Outcome<Setup> {
    let name = format!("pure-ftpd-{}", kind.suffix());
    let mut setup = draft(site, &name, kind, "pure-ftpd", "pure-ftpd")?;
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
        .args(["--bind", &format!("127.0.0.1,{}", setup.port)])
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
        .args(["--maxclientsnumber", "200", "--maxclientsperip", "200"]);
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

/// What ProFTPD needs whatever it serves: its modules, the account, logs of every command.
pub(super) fn proftpd_common(site: &Site, setup: &Setup) -> Outcome<String> {
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
         UseIPv6 off\n\
         UseReverseDNS off\n\
         DefaultAddress 127.0.0.1\n\
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
pub(super) fn proftpd_command(site: &Site, name: &str, text: &str) -> Outcome<Command> {
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
