//! `demo`: the main job on one machine. Embedded servers are started on loopback, and each of the
//! seven encryption values connects, lists, uploads, downloads and compares.

use std::time::Instant;

use ftp_connect::{
    ConnectParams, Encryption, Error, ErrorKind, RemotePath, Result, SessionExt as _, WriteOptions,
    params::TlsTrust,
};
use ftp_connect_testkit::{Embedded, ftp::FtpServer};
use serde_json::json;

use super::Outcome;
use crate::output::Output;

pub(super) async fn demo(output: &mut Output) -> Outcome {
    let servers = Embedded::start().await?;
    output.line(format!(
        "{:>3}  {:<22} {:<10} {:>8}  {:<28} result",
        "no.", "encryption", "backend", "connect", "secured by"
    ))?;
    let mut rows = Vec::new();
    let mut failed = 0;
    for encryption in Encryption::ALL {
        let row = match run(encryption, &servers).await {
            Ok(row) => row,
            Err(error) => {
                failed += 1;
                Row {
                    result: error.to_string(),
                    ..Row::default()
                }
            }
        };
        output.line(format!(
            "{:>3}  {:<22} {:<10} {:>5.1} ms  {:<28} {}",
            encryption.number(),
            encryption.short_name(),
            row.backend,
            row.connect_ms,
            row.secured_by,
            row.result
        ))?;
        rows.push(json!({
            "encryption": encryption.short_name(),
            "number": encryption.number(),
            "backend": row.backend,
            "connect_ms": row.connect_ms,
            "secured_by": row.secured_by,
            "result": row.result,
        }));
    }
    output.field("rows", rows);
    if failed > 0 {
        return Err(Error::new(ErrorKind::Refused)
            .with_message(format!("{failed} of {} failed", Encryption::ALL.len()))
            .with_hint("the table says which and why")
            .into());
    }
    output.line(format!("all {} work", Encryption::ALL.len()))?;
    Ok(())
}

#[derive(Default)]
struct Row {
    backend: &'static str,
    connect_ms: f64,
    secured_by: String,
    result: String,
}

async fn run(encryption: Encryption, servers: &Embedded) -> Result<Row> {
    let params = parameters(encryption, servers)?;
    let started = Instant::now();
    let mut session = ftp_connect::connect(&params).await?;
    let connect_ms = started.elapsed().as_secs_f64() * 1e3;
    let report = session.report();
    let secured_by = match (&report.tls, &report.host_key) {
        (Some(tls), _) => format!(
            "{} {}",
            tls.version,
            tls.key_exchange.as_deref().unwrap_or("")
        ),
        (None, Some(key)) => format!("{} host key", key.algorithm),
        (None, None) => "nothing".to_owned(),
    };
    let backend = report.transport;

    let content: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
    let name = RemotePath::new(format!("demo {}.bin", encryption.short_name()))?;
    session
        .write_all(&name, &content, WriteOptions::default())
        .await?;
    let listed = session.list_all(&RemotePath::login_folder()).await?;
    let entry = listed.iter().find(|entry| entry.name == name);
    if entry.and_then(|entry| entry.size) != Some(content.len() as u64) {
        return Err(wrong(
            "the uploaded file is not in the listing with its size",
        ));
    }
    if session.read_to_vec(&name, content.len() as u64).await? != content {
        return Err(wrong("the downloaded bytes are not the uploaded ones"));
    }
    session.remove_file(&name).await?;
    session.close().await?;
    let result = format!("ok: listed, {} kB up and down, equal", content.len() / 1000);
    Ok(Row {
        backend,
        connect_ms,
        secured_by,
        result,
    })
}

fn parameters(encryption: Encryption, servers: &Embedded) -> Result<ConnectParams> {
    let ftp = |server: &FtpServer| {
        (
            server.addr(),
            server.user().to_owned(),
            server.password().to_owned(),
        )
    };
    let (address, user, password) = match encryption {
        Encryption::None => ftp(&servers.plain),
        Encryption::ExplicitTls | Encryption::ExplicitTlsReuse => ftp(&servers.explicit),
        Encryption::ImplicitTls => ftp(&servers.implicit),
        _ => {
            let server = &servers.sftp;
            (
                server.addr(),
                server.user().to_owned(),
                server.password().to_owned(),
            )
        }
    };
    let params = ConnectParams::new(address.ip())?
        .with_port(std::num::NonZeroU16::new(address.port()))
        .with_username(user)
        .with_encryption(encryption);
    let file = |path: &std::path::Path| path.to_string_lossy().into_owned();
    Ok(match encryption {
        Encryption::SshKeyFile => params.with_key_file(file(servers.key.private_file())),
        Encryption::SshKeyContent => params.with_key_content(servers.key.private()),
        _ => params.with_password(password),
    }
    .with_tls(TlsTrust::default().with_ca_file(file(servers.ca.pem_file())))
    .with_allowed_fingerprints(servers.sftp.host_key_sha256().parse()?))
}

fn wrong(message: &str) -> Error {
    Error::new(ErrorKind::TransferNotWhole).with_message(message)
}
