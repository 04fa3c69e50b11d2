//! What FTPS owes its users, as checks that any backend for it can be put to.
//!
//! Why: two TLS libraries mean two ways to get trust wrong. Which certificate is refused and for
//! which reason, that no credential leaves before, and that clear text is never taken for TLS must
//! not depend on the library, so the checks are here, once. Each starts its own server and panics with
//! what went wrong, and [`ftps_tests`](crate::ftps_tests) makes a test of each.
//!
//! ```no_run
//! # use ftp_connect_core::Transport;
//! use ftp_connect_testkit::ftps::Ftps;
//!
//! # async fn check(transport: impl Transport) {
//! let backend = Ftps::new(transport);
//! backend.refuses_an_expired_certificate().await;
//! # }
//! ```
//!
//! Not here: session reuse and client certificates, which are in [`handshake`](mod@crate::handshake).

mod fallback;
mod inspection;
mod scripted;

use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ftp_connect_core::params::{SessionReuse, Timeouts, TlsTrust, TlsVersion};
use ftp_connect_core::{
    CertificateProblem, ConnectParams, Encryption, Error, ErrorKind, Fingerprint, FingerprintType,
    Mode, RemotePath, Result, Session, SessionExt as _, Transport, WriteOptions,
};

use crate::ca::{CertificateRequest, TestCa, TlsVersions};
use crate::cancellation::cancellation;
use crate::client::ClientIdentity;
use crate::conformance::{Options, conformance};
use crate::ftp::{FtpSecurity, FtpServer};
use crate::peer::{Peer, Script};
use crate::proxy;

/// Makes a test of each check for a backend, by an expression for its [`Ftps`](crate::ftps::Ftps) and the
/// path of its function that shows a server's certificate. The calling crate needs `tokio` with its
/// macros.
#[macro_export]
macro_rules! ftps_tests {
    (@each $backend:expr, $given:tt: $($check:ident),+ $(,)?) => {
        $(#[tokio::test]
        async fn $check() {
            $backend.$check $given.await;
        })+
    };
    ($backend:expr, $certificate:path $(,)?) => {
        $crate::ftps_tests!(@each $backend, ():
            keeps_the_contract_explicit,
            keeps_the_contract_implicit,
            survives_dropped_operations,
            carries_files,
            goes_through_proxies,
            refuses_an_unknown_issuer,
            accepts_a_pin_alone,
            refuses_another_than_the_pinned,
            accepts_any_certificate_when_told,
            refuses_another_name,
            refuses_an_expired_certificate,
            trusts_a_listed_server_certificate,
            shows_a_client_certificate_or_is_told_to,
            says_that_no_version_is_common,
            does_not_go_on_in_the_clear,
            refuses_bytes_before_tls,
            recognises_clear_text_on_a_tls_port,
            recognises_tls_on_a_clear_port,
            gives_up_on_a_silent_handshake,
            notices_a_server_that_hangs_up,
            leaves_data_in_the_clear_when_told,
            clears_the_command_channel_when_told,
            stays_in_tls_where_clearing_is_refused,
            notices_a_download_cut_at_any_byte,
            believes_no_cut_download_of_unknown_size,
            waits_for_the_servers_end_as_long_as_told,
            judges_data_connections_by_the_control_connections_name,
            falls_back_to_tls12_where_tls13_resumes_nothing,
            says_that_reuse_is_required_where_nothing_else_is_allowed,
            stays_with_tls13_where_nothing_need_be_resumed,
        );
        $crate::ftps_tests!(@each $backend, ($certificate):
            shows_the_certificate_explicit,
            shows_the_certificate_implicit,
            shows_no_certificate_without_tls,
            shows_no_certificate_of_a_server_without_tls,
        );
    };
}

/// A backend for FTPS under test.
#[derive(Debug)]
pub struct Ftps {
    transport: Box<dyn Transport>,
    reuse: Option<SessionReuse>,
}

impl Ftps {
    /// Tests this backend with parameters that say nothing of session reuse.
    pub fn new(transport: impl Transport) -> Self {
        Self {
            transport: Box::new(transport),
            reuse: None,
        }
    }

    /// Sets what the parameters say of session reuse.
    #[must_use]
    pub fn with_session_reuse(mut self, reuse: SessionReuse) -> Self {
        self.reuse = Some(reuse);
        self
    }

    /// What [`conformance`](mod@crate::conformance) asks of every session, in explicit TLS.
    pub async fn keeps_the_contract_explicit(&self) {
        self.keeps_the_contract(FtpSecurity::Explicit).await;
    }

    /// What [`conformance`](mod@crate::conformance) asks of every session, in implicit TLS.
    pub async fn keeps_the_contract_implicit(&self) {
        self.keeps_the_contract(FtpSecurity::Implicit).await;
    }

    /// What [`cancellation`](mod@crate::cancellation) asks of every session.
    pub async fn survives_dropped_operations(&self) {
        let server = start(FtpSecurity::Explicit, |builder| builder).await;
        let params = self
            .params_for("localhost", &server)
            .with_tls(with_ca(&server));
        let dropped = cancellation(async || self.transport.connect(&params).await).await;
        let dropped = dropped.unwrap_or_else(|why| panic!("{why}"));
        let often = |name| dropped.iter().any(|(one, count)| one == name && count > 1);
        assert!(
            ["stat", "list", "read", "write"]
                .iter()
                .all(|name| often(*name)),
            "{dropped:?}"
        );
    }

    /// Files go up and down, explicit and implicit, with each TLS version, and the report says what was
    /// negotiated.
    pub async fn carries_files(&self) {
        for security in [FtpSecurity::Explicit, FtpSecurity::Implicit] {
            for (versions, name) in [
                (TlsVersions::Tls12, "TLSv1.2"),
                (TlsVersions::Tls13, "TLSv1.3"),
            ] {
                let server = start(security, |builder| builder.with_tls_versions(versions)).await;
                let params = self.params(&server).with_tls(with_ca(&server));
                let mut session = self.transport.connect(&params).await.expect("connects");
                check_report(session.as_ref(), &server, name);
                check_files(session.as_mut(), &server).await;
                session.close().await.expect("takes leave");
            }
        }
    }

    /// Control and data connections go through proxies, and certificates are checked all the same.
    pub async fn goes_through_proxies(&self) {
        let server = start(FtpSecurity::Explicit, |builder| builder).await;
        let params = self
            .params_for("localhost", &server)
            .with_tls(with_ca(&server));
        proxy::goes_through_proxies(&*self.transport, &params).await;
    }

    /// A certificate that nobody known signed is refused before anything of the user is sent, and the
    /// hint has the pin that would accept it.
    pub async fn refuses_an_unknown_issuer(&self) {
        for security in [FtpSecurity::Explicit, FtpSecurity::Implicit] {
            let server = start(security, |builder| builder).await;
            let stranger = TestCa::new().expect("an authority");
            let other = TlsTrust::default().with_ca_file(path(&stranger));
            for trust in [TlsTrust::default(), other] {
                let params = self.params(&server).with_tls(trust);
                let error = self.refused(&params, &server).await;
                check_problem(&error, CertificateProblem::UnknownIssuer);
                let pin = format!("--pin-sha256 {}", certificate(&server).sha256_hex());
                let hint = error.hint().unwrap_or_default();
                assert!(hint.contains(&pin), "{hint}");
            }
        }
    }

    /// A pin accepts its certificate, whoever signed it and whatever stands in it.
    pub async fn accepts_a_pin_alone(&self) {
        let wrong_in_all = CertificateRequest::default()
            .with_names(["elsewhere.example"])
            .with_expired(true);
        let server = start_with(wrong_in_all).await;
        let trust = TlsTrust::default()
            .with_pin(fingerprint(b"another certificate"))
            .with_pin(fingerprint(certificate(&server).der()));
        let params = self.params(&server).with_tls(trust);
        let mut session = self.transport.connect(&params).await.expect("connects");
        let tls = session.report().tls.clone().expect("TLS is reported");
        assert_eq!(tls.trust, "pin");
        check_files(session.as_mut(), &server).await;
    }

    /// With pins, a certificate that is none of them is refused even if its chain is good.
    pub async fn refuses_another_than_the_pinned(&self) {
        let server = start(FtpSecurity::Explicit, |builder| builder).await;
        let trust = with_ca(&server).with_pin(fingerprint(b"another certificate"));
        let params = self.params(&server).with_tls(trust);
        let error = self.refused(&params, &server).await;
        check_problem(&error, CertificateProblem::PinMismatch);
        let seen = certificate(&server).sha256_hex();
        assert!(error.to_string().contains(&seen), "{error}");
    }

    /// Any certificate is accepted when told so, and the report warns of it.
    pub async fn accepts_any_certificate_when_told(&self) {
        let server = start_with(CertificateRequest::default().with_expired(true)).await;
        let trust = TlsTrust::default().with_danger_accept_any_certificate(true);
        let params = self.params(&server).with_tls(trust);
        let mut session = self.transport.connect(&params).await.expect("connects");
        let report = session.report();
        assert_eq!(
            report.tls.as_ref().map(|tls| &*tls.trust),
            Some("not checked")
        );
        assert!(
            report
                .warnings
                .iter()
                .any(|line| line.contains("certificate")),
            "{:?}",
            report.warnings
        );
        check_files(session.as_mut(), &server).await;
    }

    /// A certificate for another name is refused, and the message has its names.
    pub async fn refuses_another_name(&self) {
        let server = start_with(CertificateRequest::default().with_names(["a.example"])).await;
        for host in ["127.0.0.1", "localhost"] {
            let params = self.params_for(host, &server).with_tls(with_ca(&server));
            let error = self.refused(&params, &server).await;
            check_problem(&error, CertificateProblem::WrongName);
            let message = error.to_string();
            assert!(message.contains("a.example"), "{message}");
            assert!(message.contains(host), "{message}");
        }
    }

    /// A certificate whose time is over is refused, and the message says since when.
    pub async fn refuses_an_expired_certificate(&self) {
        let server = start_with(CertificateRequest::default().with_expired(true)).await;
        let params = self.params(&server).with_tls(with_ca(&server));
        let error = self.refused(&params, &server).await;
        check_problem(&error, CertificateProblem::Expired);
        assert!(error.to_string().contains("2002-01-01"), "{error}");
    }

    /// The server's own certificate as CA file is enough.
    pub async fn trusts_a_listed_server_certificate(&self) {
        let server = start(FtpSecurity::Implicit, |builder| builder).await;
        let file = server.root().join("server.pem");
        std::fs::write(&file, certificate(&server).pem()).expect("the file is written");
        let trust = TlsTrust::default().with_ca_file(file.to_str().expect("a path in UTF-8"));
        let params = self.params(&server).with_tls(trust);
        self.transport.connect(&params).await.expect("connects");
    }

    /// A server that wants a client certificate gets one on every connection, or else the error says that it
    /// wants one that it trusts.
    pub async fn shows_a_client_certificate_or_is_told_to(&self) {
        let clients = Arc::new(TestCa::new().expect("an authority"));
        let known = ClientIdentity::issued_by(&clients);
        let unknown = ClientIdentity::issued_by(&TestCa::new().expect("an authority"));
        for security in [FtpSecurity::Explicit, FtpSecurity::Implicit] {
            for versions in [TlsVersions::Tls12, TlsVersions::Tls13] {
                let server = start(security, |builder| {
                    builder
                        .with_tls_versions(versions)
                        .with_client_authority(Arc::clone(&clients))
                })
                .await;
                let trust = with_ca(&server);
                let given = |identity: &ClientIdentity| {
                    let (certificate, key) = (&identity.certificate_file, &identity.key_file);
                    trust.clone().with_client_certificate(certificate, key)
                };
                for trust in [trust.clone(), given(&unknown)] {
                    let error = self
                        .refused(&self.params(&server).with_tls(trust), &server)
                        .await;
                    let expected = ErrorKind::ClientCertificateRefused;
                    assert_eq!(*error.kind(), expected, "{versions:?} {error:?}");
                }
                let params = self.params(&server).with_tls(given(&known));
                let mut session = self.transport.connect(&params).await.expect("connects");
                check_files(session.as_mut(), &server).await;
                session.close().await.expect("takes leave");
            }
        }
    }

    /// A server without an allowed TLS version is told from other failures.
    pub async fn says_that_no_version_is_common(&self) {
        let only = |version| {
            TlsTrust::default()
                .with_min_version(version)
                .with_max_version(version)
                .with_danger_accept_any_certificate(true)
        };
        for (offered, wanted) in [
            (TlsVersions::Tls12, TlsVersion::Tls13),
            (TlsVersions::Tls13, TlsVersion::Tls12),
        ] {
            let server = start(FtpSecurity::Explicit, |builder| {
                builder.with_tls_versions(offered)
            })
            .await;
            let params = self.params(&server).with_tls(only(wanted));
            let error = self.refused(&params, &server).await;
            assert_eq!(*error.kind(), ErrorKind::TlsFailed, "{error:?}");
            let hint = error.hint().unwrap_or_default();
            assert!(hint.contains("--tls-m"), "{error}: {hint}");
        }
    }

    /// A server without TLS never sees a user's name.
    pub async fn does_not_go_on_in_the_clear(&self) {
        let server = start(FtpSecurity::Plain, |builder| builder).await;
        let params = self
            .params(&server)
            .with_encryption(Encryption::ExplicitTls);
        let error = self.refused(&params, &server).await;
        assert_eq!(*error.kind(), ErrorKind::TlsNotOffered, "{error:?}");
    }

    /// Bytes that follow the answer to AUTH in the clear are an attack, not replies.
    pub async fn refuses_bytes_before_tls(&self) {
        let script = "
            S: 220 hello
            C: AUTH TLS
            S! 234 go\\r\\n230 you are logged in already\\r\\n
            end
        ";
        let (error, peer) = self.plays(script, Encryption::ExplicitTls).await;
        assert_eq!(*error.kind(), ErrorKind::PlaintextBeforeTls, "{error:?}");
        peer.finish().await.expect("nothing more was sent");
    }

    /// A greeting in the clear where TLS was expected.
    pub async fn recognises_clear_text_on_a_tls_port(&self) {
        let script = "
            S: 220 hello
            pause 300ms
            close
        ";
        let (error, _) = self.plays(script, Encryption::ImplicitTls).await;
        assert_eq!(*error.kind(), ErrorKind::PlaintextOnTlsPort, "{error:?}");
    }

    /// A server that waits for TLS where a greeting was expected.
    pub async fn recognises_tls_on_a_clear_port(&self) {
        let server = start(FtpSecurity::Implicit, |builder| builder).await;
        let params = self
            .params(&server)
            .with_encryption(Encryption::ExplicitTls)
            .with_timeouts(Timeouts::default().with_reply(Duration::from_millis(400)));
        let error = self.refused(&params, &server).await;
        assert_eq!(*error.kind(), ErrorKind::TlsOnPlaintextPort, "{error:?}");
    }

    /// A server that says nothing in the handshake is left when the time for a reply is over.
    pub async fn gives_up_on_a_silent_handshake(&self) {
        let script = "
            S: 220 hello
            C: AUTH TLS
            S: 234 go
            pause 10s
        ";
        let started = Instant::now();
        let (error, _) = self.plays(script, Encryption::ExplicitTls).await;
        assert_eq!(*error.kind(), ErrorKind::TimedOut, "{error:?}");
        assert!(started.elapsed() < Duration::from_secs(8));
    }

    /// A server that hangs up in the handshake.
    pub async fn notices_a_server_that_hangs_up(&self) {
        let script = "
            S: 220 hello
            C: AUTH TLS
            S: 234 go
            close
        ";
        let (error, _) = self.plays(script, Encryption::ExplicitTls).await;
        assert!(
            matches!(error.kind(), ErrorKind::TlsFailed | ErrorKind::Closed),
            "{error:?}"
        );
    }

    async fn keeps_the_contract(&self, security: FtpSecurity) {
        let server = start(security, |builder| builder).await;
        let params = self
            .params_for("localhost", &server)
            .with_mode(Mode::default())
            .with_tls(with_ca(&server));
        let open = async || self.transport.connect(&params).await;
        // The embedded server has names in UTF-8 only.
        let options = Options::default().with_known_deviation(
            r#"name: "latin-1 caf\xe9""#,
            "libunftp lists names as UTF-8",
        );
        conformance(open, options).await.assert_passed();
    }

    fn params(&self, server: &FtpServer) -> ConnectParams {
        self.params_for("127.0.0.1", server)
    }

    fn params_for(&self, host: &str, server: &FtpServer) -> ConnectParams {
        self.params_at(host, server.addr().port())
            .with_encryption(match server.security() {
                FtpSecurity::Implicit => Encryption::ImplicitTls,
                _ => Encryption::ExplicitTls,
            })
            .with_username(server.user())
            .with_password(server.password())
    }

    fn params_at(&self, host: &str, port: u16) -> ConnectParams {
        ConnectParams::new(host)
            .expect("a host")
            .with_port(NonZeroU16::new(port))
            .with_mode(Mode::Passive)
            .with_session_reuse(self.reuse)
    }

    /// Connects, which must fail and must not show the server a password.
    async fn refused(&self, params: &ConnectParams, server: &FtpServer) -> Error {
        let error = self
            .transport
            .connect(params)
            .await
            .expect_err("the connection is refused");
        assert_eq!(server.login_attempts(), 0, "a password was sent: {error}");
        error
    }

    /// Connects to a scripted peer, which must fail.
    async fn plays(&self, script: &str, encryption: Encryption) -> (Error, Peer) {
        let peer = Script::parse(script)
            .expect("a script")
            .start()
            .await
            .expect("the peer starts");
        let params = self
            .params_at("127.0.0.1", peer.addr().port())
            .with_encryption(encryption)
            .with_username("ada")
            .with_password("secret")
            .with_tls(TlsTrust::default().with_danger_accept_any_certificate(true))
            .with_timeouts(Timeouts::default().with_reply(Duration::from_secs(2)));
        let outcome = self.transport.connect(&params).await;
        (outcome.expect_err("the connection is refused"), peer)
    }
}

async fn start(
    security: FtpSecurity,
    set: impl FnOnce(crate::ftp::FtpServerBuilder) -> crate::ftp::FtpServerBuilder,
) -> FtpServer {
    set(FtpServer::builder(security))
        .start()
        .await
        .expect("the server starts")
}

async fn start_with(request: CertificateRequest) -> FtpServer {
    let certificate = TestCa::new()
        .and_then(|ca| ca.issue(&request))
        .expect("a certificate");
    start(FtpSecurity::Explicit, |builder| {
        builder.with_certificate(certificate)
    })
    .await
}

fn certificate(server: &FtpServer) -> &crate::ca::ServerCertificate {
    server.certificate().expect("the server has a certificate")
}

fn with_ca(server: &FtpServer) -> TlsTrust {
    certificate(server).trusted()
}

fn path(ca: &TestCa) -> String {
    let file = ca.pem_file().to_str().expect("a path in UTF-8");
    file.to_owned()
}

fn fingerprint(der: &[u8]) -> Fingerprint {
    Fingerprint::compute(FingerprintType::Sha256, der)
}

#[track_caller]
fn check_problem(error: &Error, problem: CertificateProblem) {
    assert_eq!(
        *error.kind(),
        ErrorKind::CertificateNotTrusted { problem },
        "{error:?}"
    );
}

#[track_caller]
fn check_report(session: &dyn Session, server: &FtpServer, version: &str) {
    let tls = session.report().tls.as_ref().expect("TLS is reported");
    assert_eq!(tls.version, version);
    assert!(tls.cipher.starts_with("TLS_"), "{}", tls.cipher);
    assert!(tls.key_exchange.is_some());
    assert_eq!(tls.trust, "chain");
    assert!(!tls.resumed);
    let leaf = tls.certificates.first().expect("a certificate");
    assert_eq!(leaf.sha256, certificate(server).sha256_hex());
    assert_eq!(leaf.subject, "CN=localhost");
    assert_eq!(leaf.names, ["localhost", "127.0.0.1", "::1"]);
    assert!(leaf.not_after.ends_with('Z'), "{}", leaf.not_after);
}

/// A list, an upload and a download; large enough for many TLS records.
async fn check_files(session: &mut dyn Session, server: &FtpServer) {
    let content: Vec<u8> = (0..300_000_u32).map(|i| (i * 7 % 251) as u8).collect();
    let name: RemotePath = "some file.bin".try_into().expect("a path");
    let result: Result<()> = async {
        let options = WriteOptions::default();
        let sent = session.write_all(&name, &content, options).await?;
        assert_eq!(sent.bytes, content.len() as u64);
        let stored = std::fs::read(server.root().join("some file.bin")).expect("it is there");
        assert!(stored == content, "the upload is not what was sent");
        let back = session.read_to_vec(&name, 1_000_000).await?;
        assert!(back == content, "the download is not what was stored");
        let login: RemotePath = "".try_into().expect("a path");
        let entries = session.list_all(&login).await?;
        assert!(
            entries.iter().any(|entry| entry.name == name),
            "{entries:?}"
        );
        Ok(())
    }
    .await;
    result.expect("files go over");
}
