//! `fingerprint`: what to put into an allowed list or a pin, without logging in.

use ftp_connect::{ConnectParams, Error, ErrorKind, sftp, tls};
use serde_json::json;

use super::Outcome;
use crate::{
    args::Connection,
    connection,
    output::{Failure, Output, one_line},
};

pub(super) async fn fingerprint(
    url: Option<&str>,
    options: &Connection,
    output: &mut Output,
) -> Outcome {
    let (params, _) = connection::server(url, options).map_err(Failure::connecting)?;
    match params.encryption() {
        encryption if encryption.is_ssh() => host_key(&params, output).await,
        encryption if encryption.is_tls() => certificate(&params, output).await,
        _ => Err(Failure::connecting(
            Error::new(ErrorKind::InvalidParameter)
                .with_message("FTP in the clear has neither host key nor certificate")
                .with_hint("use sftp://, ftpes:// or ftps://"),
        )),
    }
}

async fn host_key(params: &ConnectParams, output: &mut Output) -> Outcome {
    let key = sftp::host_key(params).await.map_err(Failure::connecting)?;
    let all = key.fingerprints.map(|print| print.to_string());
    output.field(
        "host_key",
        json!({ "algorithm": key.algorithm, "md5": all[0], "sha1": all[1], "sha256": all[2] }),
    );
    for hash in all {
        output.line(format!("{} {hash}", key.algorithm))?;
    }
    Ok(())
}

async fn certificate(params: &ConnectParams, output: &mut Output) -> Outcome {
    let report = tls::server_certificate(params)
        .await
        .map_err(Failure::connecting)?;
    for certificate in &report.certificates {
        output.line(format!(
            "SHA256 {}  {}",
            certificate.sha256,
            one_line(&certificate.subject)
        ))?;
    }
    output.field("certificates", report.certificates);
    Ok(())
}
