//! `connect`: the report.

use ftp_connect::{ConnectReport, HostKeyCheck, Session};

use super::{Open, Outcome};
use crate::{
    args::Connection,
    output::{Output, fitted, one_line},
};

pub(super) async fn connect(
    url: Option<&str>,
    options: &Connection,
    output: &mut Output,
) -> Outcome {
    let open = Open::new(url, options, output).await?;
    print(&*open.session, output)?;
    open.leave(output).await;
    Ok(())
}

fn print(session: &dyn Session, output: &mut Output) -> std::io::Result<()> {
    let report = session.report();
    output.field("report", report);
    output.field("capabilities", session.capabilities());
    output.field("total_ms", report.timings.total().as_secs_f64() * 1e3);
    for (label, value) in rows(report) {
        let line = format!("{label:<14}{}", one_line(&value));
        output.line(fitted(&line, 14))?;
    }
    Ok(())
}

fn rows(report: &ConnectReport) -> Vec<(&'static str, String)> {
    let mut rows = vec![("Server", format!("{} port {}", report.server, report.port))];
    if let Some(peer) = report.peer {
        rows.push(("Address", peer.to_string()));
    }
    if let Some(proxy) = &report.proxy {
        rows.push(("Proxy", proxy.clone()));
    }
    rows.push(("Greeting", report.banner.clone()));
    rows.push(("Backend", report.transport.to_owned()));
    rows.push((
        "Encryption",
        format!("{} ({})", report.encryption.label(), report.encryption),
    ));
    if let Some(mode) = report.mode {
        rows.push(("Mode", mode.label().to_owned()));
    }
    if let Some(method) = report.data_method {
        rows.push(("Data by", method.to_string()));
    }
    rows.push(("User", report.username.clone()));
    if let Some(folder) = &report.login_folder {
        rows.push(("Login folder", folder.to_string()));
    }
    if let Some(tls) = &report.tls {
        rows.push(("TLS version", tls.version.clone()));
        rows.push(("TLS cipher", tls.cipher.clone()));
        if let Some(group) = &tls.key_exchange {
            rows.push(("Key exchange", group.clone()));
        }
        rows.push(("Certificate", format!("trusted by {}", tls.trust)));
        for certificate in &tls.certificates {
            rows.push(("  subject", certificate.subject.clone()));
            rows.push(("  issuer", certificate.issuer.clone()));
            if !certificate.names.is_empty() {
                rows.push(("  names", certificate.names.join(", ")));
            }
            let validity = format!("{} to {}", certificate.not_before, certificate.not_after);
            rows.push(("  valid", validity));
            rows.push(("  sha256", certificate.sha256.clone()));
        }
    }
    if let Some(key) = &report.host_key {
        let check = match key.check {
            HostKeyCheck::AllowedList => "in the allowed list",
            HostKeyCheck::KnownHosts => "known host",
            HostKeyCheck::CertificateAuthority => "vouched for by a known authority",
            HostKeyCheck::AcceptedNew => "new, remembered from now on",
            _ => "not checked",
        };
        rows.push((
            "Host key",
            format!("{} {} ({check})", key.algorithm, key.fingerprint),
        ));
    }
    if !report.features.is_empty() {
        rows.push(("Features", report.features.join(", ")));
    }
    let ms = |took: std::time::Duration| format!("{:.1} ms", took.as_secs_f64() * 1e3);
    let steps = &report.timings.steps;
    let mut steps: Vec<_> = steps
        .iter()
        .map(|s| format!("{} {}", s.name, ms(s.took)))
        .collect();
    steps.push(format!("in all {}", ms(report.timings.total())));
    rows.push(("Timings", steps.join(", ")));
    rows
}
