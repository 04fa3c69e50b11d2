//! What FTPS owes when a server does what no well-behaved one would: cuts, silence, strangers, clear text.

use std::time::{Duration, Instant};

use ftp_connect_core::params::{Timeouts, TlsTrust};
use ftp_connect_core::{
    CertificateProblem, ConnectParams, Encryption, ErrorKind, RemotePath, Result, Session,
    SessionExt as _, WriteOptions,
};

use super::{Ftps, check_problem};
use crate::ca::{CertificateRequest, ServerCertificate, TestCa, TlsVersions};
use crate::peer::{Peer, Script};

impl Ftps {
    /// Data connections stay in the clear when told so, and the report warns of it.
    pub async fn leaves_data_in_the_clear_when_told(&self) {
        let script = format!(
            "{}{LOGGED_IN}data\nC: EPSV\nS: 229 ok (|||{{port}}|)\nC: RETR f\nS: 150 ok\nD> clear text\n\
             data-close\nS: 226 ok\n{QUIT}",
            auth("C: PROT C\nS: 200 ok"),
        );
        let trust = |trust: TlsTrust| trust.with_danger_clear_data(true);
        let (mut session, peer) = self.meets(&script, TlsVersions::Both, None, trust).await;
        check_warning(session.as_ref(), "PROT C");
        let read = session.read_to_vec(&name(), 100).await;
        assert_eq!(read.expect("a file"), b"clear text");
        leave(session, peer).await;
    }

    /// The control connection goes back to clear text when told so, with the session in order, data still
    /// secured and a warning in the report.
    pub async fn clears_the_command_channel_when_told(&self) {
        for versions in [TlsVersions::Tls12, TlsVersions::Tls13] {
            let script = format!(
                "{}{LOGGED_IN}C: CCC\nS: 200 ok\nclear\n{}{QUIT}",
                auth(PRIVATE),
                download("in TLS", "data-close")
            );
            let trust = |trust: TlsTrust| trust.with_danger_clear_command_channel(true);
            let (mut session, peer) = self.meets(&script, versions, None, trust).await;
            check_warning(session.as_ref(), "CCC");
            let tls = session.report().tls.as_ref().expect("TLS is reported");
            assert!(!tls.certificates.is_empty());
            let read = session.read_to_vec(&name(), 100).await;
            assert_eq!(read.expect("a file"), b"in TLS");
            leave(session, peer).await;
        }
    }

    /// A server that refuses to clear the command channel is talked to in TLS.
    pub async fn stays_in_tls_where_clearing_is_refused(&self) {
        let script = format!(
            "{}{LOGGED_IN}C: CCC\nS: 534 never\nC: PWD\nS: 257 \"/\"\n{QUIT}",
            auth(PRIVATE)
        );
        let trust = |trust: TlsTrust| trust.with_danger_clear_command_channel(true);
        let (mut session, peer) = self.meets(&script, TlsVersions::Both, None, trust).await;
        check_warning(session.as_ref(), "CCC was refused");
        session.current_dir().await.expect("a folder");
        leave(session, peer).await;
    }

    /// A download that ends without close_notify is whole only if its size is known and right, wherever it is
    /// cut.
    pub async fn notices_a_download_cut_at_any_byte(&self) {
        let whole = "0123456789";
        let transfers: String = (0..=whole.len())
            .map(|length| {
                let sent = download(&whole[..length], "data-cut");
                format!("{sent}C: SIZE f\nS: 213 {}\n", whole.len())
            })
            .collect();
        let script = format!("{}{WITH_SIZE}{transfers}{QUIT}", auth(PRIVATE));
        let (mut session, peer) = self
            .meets(&script, TlsVersions::Both, None, |trust| trust)
            .await;
        for length in 0..whole.len() {
            let read = session.read_to_vec(&name(), 100).await;
            let error = read.expect_err("the download is cut");
            assert_eq!(*error.kind(), ErrorKind::TransferNotWhole, "at {length}");
        }
        let read = session.read_to_vec(&name(), 100).await;
        assert_eq!(read.expect("a file"), whole.as_bytes());
        leave(session, peer).await;
    }

    /// The same where the size is not known: then it is never whole.
    pub async fn believes_no_cut_download_of_unknown_size(&self) {
        let script = format!(
            "{}{LOGGED_IN}{}C: SIZE f\nS: 500 what\n{QUIT}",
            auth(PRIVATE),
            download("0123456789", "data-cut")
        );
        let (mut session, peer) = self
            .meets(&script, TlsVersions::Both, None, |trust| trust)
            .await;
        let read = session.read_to_vec(&name(), 100).await;
        let error = read.expect_err("the download is cut");
        assert_eq!(*error.kind(), ErrorKind::TransferNotWhole, "{error:?}");
        leave(session, peer).await;
    }

    /// A server that never ends its side of an upload's connection is waited for as long as the parameters
    /// say, and the upload is whole nevertheless.
    pub async fn waits_for_the_servers_end_as_long_as_told(&self) {
        for versions in [TlsVersions::Tls12, TlsVersions::Tls13] {
            let script = format!(
                "{}{LOGGED_IN}data tls\nC: EPSV\nS: 229 ok (|||{{port}}|)\nC: STOR f\nS: 150 ok\nD< content\n\
                 data-end\ndata-gone\nS: 226 ok\n{QUIT}",
                auth(PRIVATE)
            );
            let (mut session, peer) = self.meets(&script, versions, None, |trust| trust).await;
            let started = Instant::now();
            let written = session
                .write_all(&name(), b"content", WriteOptions::default())
                .await;
            assert_eq!(written.expect("an upload").bytes, 7);
            let waited = started.elapsed();
            assert!(waited >= CLOSE, "{waited:?}");
            // The deadline of a reply is 60 s.
            assert!(waited < 30 * CLOSE, "{waited:?}");
            leave(session, peer).await;
        }
    }

    /// A data connection must show a certificate for the *control* connection's host.
    pub async fn judges_data_connections_by_the_control_connections_name(&self) {
        let ca = TestCa::new().expect("an authority");
        let issue = |request: CertificateRequest| ca.issue(&request).expect("a certificate");
        let other = issue(CertificateRequest::default().with_names(["data.example"]));
        for versions in [TlsVersions::Tls12, TlsVersions::Tls13] {
            let script = format!(
                "{}{LOGGED_IN}data tls\nC: EPSV\nS: 229 ok (|||{{port}}|)\nC: RETR f\nS: 150 ok\nD> secret\n",
                auth(PRIVATE)
            );
            let certificate = issue(CertificateRequest::default());
            let both = Some((&certificate, &other));
            let (mut session, _peer) = self.meets(&script, versions, both, |trust| trust).await;
            let read = session.read_to_vec(&name(), 100).await;
            let error = read.expect_err("the data connection is refused");
            check_problem(&error, CertificateProblem::WrongName);
            assert!(error.to_string().contains("data.example"), "{error}");
        }
    }

    /// Connects to a peer that plays the script, by a certificate of its own or the given ones for control and
    /// data connections.
    async fn meets(
        &self,
        script: &str,
        versions: TlsVersions,
        certificates: Option<(&ServerCertificate, &ServerCertificate)>,
        trust: impl FnOnce(TlsTrust) -> TlsTrust,
    ) -> (Box<dyn Session>, Peer) {
        let (session, peer) = self.tries(script, versions, certificates, trust).await;
        match session {
            Ok(session) => (session, peer),
            Err(error) => panic!("{error}\n{:?}", peer.finish().await.map(|_| ())),
        }
    }

    async fn tries(
        &self,
        script: &str,
        versions: TlsVersions,
        certificates: Option<(&ServerCertificate, &ServerCertificate)>,
        trust: impl FnOnce(TlsTrust) -> TlsTrust,
    ) -> (Result<Box<dyn Session>>, Peer) {
        let made = crate::handshake::certificate();
        let (control, data) = certificates.map_or((&made, None), |(c, d)| (c, Some(d)));
        let script = Script::parse(script)
            .expect("a script")
            .with_certificate(control)
            .with_tls_versions(versions);
        let script = match data {
            Some(certificate) => script.with_data_certificate(certificate),
            None => script,
        };
        let peer = script.start().await.expect("the peer starts");
        let params: ConnectParams = self
            .params_at("127.0.0.1", peer.addr().port())
            .with_encryption(Encryption::ExplicitTls)
            .with_username("ada")
            .with_password("secret")
            .with_tls(trust(control.trusted()))
            .with_timeouts(Timeouts::default().with_close(CLOSE));
        (self.transport.connect(&params).await, peer)
    }
}

/// From the greeting to the answer to `PROT`.
fn auth(prot: &str) -> String {
    format!(
        "S: 220 hello\nC: AUTH TLS\nS: 234 go\ntls\nC: USER ada\nS: 331 go on\nC: PASS secret\nS: 230 in\n\
         C: PBSZ 0\nS: 200 ok\n{prot}\n"
    )
}

fn download(content: &str, end: &str) -> String {
    format!(
        "data tls\nC: EPSV\nS: 229 ok (|||{{port}}|)\nC: RETR f\nS: 150 ok\nD> {content}\n{end}\nS: 226 ok\n"
    )
}

fn name() -> RemotePath {
    "f".try_into().expect("a path")
}

async fn leave(session: Box<dyn Session>, peer: Peer) {
    session.close().await.expect("takes leave");
    if let Err(error) = peer.finish().await {
        panic!("{error}");
    }
}

#[track_caller]
fn check_warning(session: &dyn Session, words: &str) {
    let warnings = &session.report().warnings;
    assert!(
        warnings.iter().any(|line| line.contains(words)),
        "{warnings:?}"
    );
}

const PRIVATE: &str = "C: PROT P\nS: 200 ok";

/// What follows `PROT`, with a server that has no features.
const LOGGED_IN: &str = "C: FEAT\nS: 500 what\nC: TYPE I\nS: 200 ok\nC: PWD\nS: 257 \"/\" is it\n";

/// The same with one that tells sizes.
const WITH_SIZE: &str =
    "C: FEAT\nS: 211-x\nS:  SIZE\nS: 211 end\nC: TYPE I\nS: 200 ok\nC: PWD\nS: 257 \"/\" is it\n";

const QUIT: &str = "C: QUIT\nS: 221 bye\nend\n";

/// How long the clients here wait for the server's end.
const CLOSE: Duration = Duration::from_millis(300);
