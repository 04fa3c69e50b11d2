//! vsftpd: in the clear, with explicit and with implicit TLS, and as servers of the world are set up.
//!
//! It shuts a login into its own folder, so the login path is `/`. In active mode it connects from any port.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::process::Command;

use super::{Kind, Setup, Site, Variant, config, draft};
use crate::Outcome;
use crate::lab::account::PAM_SERVICE;
use crate::lab::credentials::Pair;
use crate::lab::install;

pub(super) const VARIANTS: &[Variant] = &[
    Variant::common("vsftpd-plain", Kind::Plain),
    Variant::common("vsftpd-explicit", Kind::Explicit),
    Variant::common("vsftpd-implicit", Kind::Implicit),
    Variant::special(
        "vsftpd-no-passive",
        Kind::Plain,
        &["no-passive"],
        "pasv_enable=NO\n",
    ),
    // Without EPSV nobody would read the address.
    Variant::special(
        "vsftpd-wrong-address",
        Kind::Plain,
        &["no-epsv", "wrong-passive-address"],
        "cmds_denied=EPSV\npasv_address=127.0.0.99\n",
    ),
    Variant::special(
        "vsftpd-two-connections",
        Kind::Plain,
        &["two-connections"],
        "max_clients=2\n",
    ),
    Variant::special(
        "vsftpd-idle",
        Kind::Plain,
        &["idle-5s"],
        "idle_session_timeout=5\n",
    ),
    Variant::special("vsftpd-ipv6", Kind::Plain, &["ipv6"], "").on_ipv6(),
    Variant::special("vsftpd-ipv6-explicit", Kind::Explicit, &["ipv6"], "").on_ipv6(),
    Variant::special(
        "vsftpd-client-certificate",
        Kind::Explicit,
        &["client-certificate"],
        "",
    ),
    Variant::special("vsftpd-wrong-name", Kind::Explicit, &["wrong-name"], ""),
    Variant::special("vsftpd-expired", Kind::Explicit, &["expired"], ""),
    Variant::special("vsftpd-self-signed", Kind::Explicit, &["self-signed"], ""),
];

/// vsftpd; with TLS it refuses logins and data in the clear, and data connections that resume no session.
pub(super) fn vsftpd(site: &Site, variant: &Variant) -> Outcome<Setup> {
    let Variant { name, kind, .. } = *variant;
    let mut setup = draft(site, variant, "vsftpd", install::version("vsftpd"))?;
    let listen = match setup.host {
        IpAddr::V4(host) => format!("listen=YES\nlisten_address={host}\n"),
        IpAddr::V6(host) => format!("listen=NO\nlisten_ipv6=YES\nlisten_address6={host}\n"),
    };
    let mut text = format!(
        "{listen}\
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
        let pair = certificate(site, variant);
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
            certificate = pair.certificate.display(),
            key = pair.key.display(),
        );
    }
    if kind == Kind::Implicit {
        text += "implicit_ssl=YES\n";
    }
    if variant.has("client-certificate") {
        let _ = write!(
            text,
            "require_cert=YES\nvalidate_cert=YES\nca_certs_file={}\n",
            site.certificates.ca.display()
        );
    }
    text += variant.lines;
    let file = config(site, &format!("{name}.conf"), &text)?;
    setup.command = Command::new(install::root("vsftpd").join("usr/sbin/vsftpd"));
    setup.command.arg(file);
    Ok(setup)
}

/// The server's certificate, right or wrong.
fn certificate<'s>(site: &'s Site, variant: &Variant) -> &'s Pair {
    let all = &site.certificates;
    [
        ("wrong-name", &all.wrong_name),
        ("expired", &all.expired),
        ("self-signed", &all.self_signed),
    ]
    .into_iter()
    .find_map(|(wrong, pair)| variant.has(wrong).then_some(pair))
    .unwrap_or(&all.server)
}
