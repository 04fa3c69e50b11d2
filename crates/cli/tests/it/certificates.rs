//! Certificates of either side that are not trusted: status 5, the reason, and no password sent.

use std::sync::Arc;

use ftp_connect_testkit::{
    ca::{CertificateRequest, ServerCertificate, TestCa},
    client::ClientIdentity,
    ftp::{FtpSecurity, FtpServer},
    handshake,
};

use crate::program::{Call, Said};

const SECURITIES: [FtpSecurity; 2] = [FtpSecurity::Explicit, FtpSecurity::Implicit];

async fn start(security: FtpSecurity, certificate: &ServerCertificate) -> FtpServer {
    let builder = FtpServer::builder(security).with_certificate(certificate.clone());
    builder.start().await.unwrap()
}

/// Connects over each backend that serves the server.
fn connects(server: &FtpServer, options: &[&str], judge: impl Fn(Said)) {
    let scheme = match server.security() {
        FtpSecurity::Implicit => "ftps",
        _ => "ftpes",
    };
    let url = format!(
        "{scheme}://{}:{}@{}",
        server.user(),
        server.password(),
        server.addr()
    );
    for reuse in [None, Some("prefer")] {
        let mut arguments = vec!["connect", url.as_str()];
        arguments.extend(options);
        arguments.extend(reuse.iter().flat_map(|policy| ["--session-reuse", policy]));
        judge(Call::new(arguments).run());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn server_certificates_that_are_not_trusted() {
    let ca = TestCa::new().unwrap();
    let issue = |request: CertificateRequest| ca.issue(&request).unwrap();
    let good = issue(CertificateRequest::default());
    let expired = issue(CertificateRequest::default().with_expired(true));
    let other_name = issue(CertificateRequest::default().with_names(["elsewhere.example"]));
    let own = ServerCertificate::self_signed().unwrap();
    let trusted = ["--ca-file", ca.pem_file().to_str().unwrap()];
    let revoked = ["--pin-sha256", &"ab".repeat(32)];
    let cases: [(&ServerCertificate, &[&str], &str); 5] = [
        (&good, &[], "unknown issuer"),
        (&good, &revoked, "none of the pinned"),
        (&expired, &trusted, "expired on 2002-01-01"),
        (&other_name, &trusted, "issued for elsewhere.example"),
        (&own, &trusted, "self-signed"),
    ];
    for security in SECURITIES {
        for (certificate, options, cause) in cases {
            let server = start(security, certificate).await;
            let pin = format!("--pin-sha256 {}", certificate.sha256_hex());
            connects(&server, options, |said| {
                let said = said.badly(5, cause);
                assert!(said.stderr.contains(&pin), "{said:#?}");
            });
            assert_eq!(server.login_attempts(), 0);
            let accepted = ["--pin-sha256", &certificate.sha256_hex()];
            connects(&server, &accepted, |said| drop(said.well()));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn client_certificates_that_are_missing_or_not_trusted() {
    let clients = Arc::new(TestCa::new().unwrap());
    let known = ClientIdentity::issued_by(&clients);
    let unknown = ClientIdentity::issued_by(&TestCa::new().unwrap());
    let certificate = handshake::certificate();
    let ca = certificate.ca_file().to_str().unwrap();
    for security in SECURITIES {
        let server = FtpServer::builder(security)
            .with_certificate(certificate.clone())
            .with_client_authority(Arc::clone(&clients))
            .start()
            .await
            .unwrap();
        let files = |identity: &ClientIdentity| {
            let (certificate, key) = (&identity.certificate_file, &identity.key_file);
            [certificate, key].map(String::clone)
        };
        connects(&server, &["--ca-file", ca], |said| {
            assert!(said.badly(5, "").stderr.contains("client certificate"));
        });
        for (identity, status) in [(&known, 0), (&unknown, 5)] {
            let [certificate, key] = files(identity);
            let apart = ["--client-certificate", &certificate, "--client-key", &key];
            // The password opens what is encrypted, where nothing else does.
            let [pkcs12, _] = identity.pkcs12(server.password());
            let together = ["--client-certificate", pkcs12.as_str()];
            for options in [&apart[..], &together[..]] {
                let options = [&["--ca-file", ca], options].concat();
                connects(&server, &options, |said| assert_eq!(said.status, status));
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_in_the_clear_is_warned_of() {
    let certificate = handshake::certificate();
    let server = FtpServer::builder(FtpSecurity::Explicit)
        .with_certificate(certificate.clone())
        .with_tls_required(false)
        .start()
        .await
        .unwrap();
    let ca = ["--ca-file", certificate.ca_file().to_str().unwrap()];
    for (option, warning) in [
        ("--danger-clear-data", "PROT C"),
        // libunftp does not know CCC, and the session stays protected.
        ("--danger-clear-command-channel", "CCC was refused"),
        ("--legacy", "outdated TLS was allowed"),
    ] {
        connects(&server, &[&ca[..], &[option]].concat(), |said| {
            let said = said.well();
            assert!(said.stderr.contains(warning), "{said:#?}");
        });
    }
    connects(&server, &ca, |said| assert_eq!(said.well().stderr, ""));
}
