//! The table of sick servers: what is wrong, what the doctor says, and what works after all.

use std::time::Duration;

use ftp_connect_core::params::{KnownHosts, Timeouts, TlsTrust};
use ftp_connect_core::{
    CertificateProblem, ConnectParams, DataMethod, Encryption, HostKeyProblem, Mode, Registry,
};
use ftp_connect_doctor::{Cause, Check, Diagnosis, ExamineOptions, Spoken, Verdict, examine};
use ftp_connect_plain::PlainTransport;
use ftp_connect_sftp::SftpTransport;
use ftp_connect_testkit::ca::{CertificateRequest, ServerCertificate, TestCa};
use ftp_connect_testkit::ftp::{FtpFault, FtpSecurity, FtpServer, FtpServerBuilder};
use ftp_connect_testkit::peer::Script;
use ftp_connect_testkit::sftp::{SftpServer, UserKey};
use ftp_connect_tls::TlsTransport;
use ftp_connect_tls_reuse::TlsReuseTransport;

pub(crate) fn registry() -> Registry {
    Registry::new()
        .with(PlainTransport)
        .with(TlsTransport::default())
        .with(TlsReuseTransport::default())
        .with(SftpTransport)
}

/// Parameters for a server on this machine, with short deadlines.
pub(crate) fn params(addr: std::net::SocketAddr, encryption: Encryption) -> ConnectParams {
    let second = Duration::from_secs(1);
    ConnectParams::new(addr.ip())
        .expect("an address is a server")
        .with_port(std::num::NonZeroU16::new(addr.port()))
        .with_encryption(encryption)
        .with_username("tester")
        .with_password("secret")
        .with_timeouts(
            Timeouts::default()
                .with_connect(3 * second)
                .with_reply(10 * second)
                .with_data(2 * second)
                .with_idle(10 * second),
        )
}

pub(crate) async fn diagnose(params: &ConnectParams, options: &ExamineOptions) -> Diagnosis {
    let mut told = 0;
    let diagnosis = examine(&registry(), params, options, &mut |_| told += 1).await;
    assert_eq!(told, diagnosis.findings.len(), "each finding is told once");
    diagnosis
}

/// The cause that is named, at which step, and with what in the evidence.
#[track_caller]
pub(crate) fn check(diagnosis: &Diagnosis, at: Check, cause: Cause, says: &str) {
    assert_eq!(diagnosis.cause(), Some(cause), "{diagnosis:#?}");
    let finding = diagnosis
        .findings
        .iter()
        .find(|finding| finding.check == at && finding.cause == Some(cause))
        .unwrap_or_else(|| panic!("no finding at {at:?}: {diagnosis:#?}"));
    let words = format!("{} {}", finding.summary, finding.evidence.join(" "));
    assert!(words.contains(says), "{says:?} in {finding:#?}");
    let shown = format!("{diagnosis:?}");
    assert!(!shown.contains("secret"), "{shown}");
}

async fn ftp(security: FtpSecurity, fault: FtpFault) -> FtpServer {
    let builder = FtpServer::builder(security).with_fault(fault);
    builder.start().await.expect("a port is free")
}

async fn well(security: FtpSecurity) -> FtpServer {
    let builder = FtpServer::builder(security);
    builder.start().await.expect("a port is free")
}

fn trusting(server: &FtpServer, encryption: Encryption) -> ConnectParams {
    let certificate = server.certificate().expect("a server with TLS");
    let ca = certificate.ca_file().to_string_lossy().into_owned();
    params(server.addr(), encryption).with_tls(TlsTrust::default().with_ca_file(ca))
}

pub(crate) fn plain() -> ExamineOptions {
    ExamineOptions::default()
}

/// For servers that have nothing but clear text.
fn in_clear() -> ExamineOptions {
    ExamineOptions::default().with_danger_clear_login(true)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_name_has_no_address() {
    let params = ConnectParams::new("no-such-host.invalid").unwrap();
    let diagnosis = diagnose(&params, &plain()).await;
    check(
        &diagnosis,
        Check::Name,
        Cause::NameNotResolved,
        "no-such-host",
    );
    assert!(diagnosis.works().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_port_is_wrong() {
    let nobody = "127.0.0.1:1".parse().unwrap();
    let diagnosis = diagnose(&params(nobody, Encryption::None), &plain()).await;
    check(&diagnosis, Check::Addresses, Cause::NotReachable, "port 1");
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_on_the_plain_port() {
    let server = well(FtpSecurity::Implicit).await;
    for encryption in [Encryption::None, Encryption::ExplicitTls] {
        let diagnosis = diagnose(&trusting(&server, encryption), &plain()).await;
        check(&diagnosis, Check::Greeting, Cause::TlsFromFirstByte, "TLS");
        let works = diagnosis.works().expect("it goes on with implicit TLS");
        assert_eq!(works.encryption(), Encryption::ImplicitTls);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clear_text_on_the_tls_port() {
    let server = well(FtpSecurity::Explicit).await;
    let diagnosis = diagnose(&trusting(&server, Encryption::ImplicitTls), &plain()).await;
    check(
        &diagnosis,
        Check::ImplicitTls,
        Cause::ClearOnTlsPort,
        "clear",
    );
    let works = diagnosis.works().expect("it goes on with explicit TLS");
    assert_eq!(works.encryption(), Encryption::ExplicitTls);
}

#[tokio::test(flavor = "multi_thread")]
async fn ssh_and_ftp_are_mixed_up() {
    let ssh = SftpServer::builder().start().await.unwrap();
    let diagnosis = diagnose(&params(ssh.addr(), Encryption::ExplicitTls), &plain()).await;
    check(
        &diagnosis,
        Check::Greeting,
        Cause::OtherProtocol(Spoken::Ssh),
        "SSH-2.0",
    );
    let diagnosis = diagnose(&params(ssh.addr(), Encryption::ImplicitTls), &plain()).await;
    check(
        &diagnosis,
        Check::ImplicitTls,
        Cause::OtherProtocol(Spoken::Ssh),
        "SSH-2.0",
    );
    assert_eq!(ssh.login_attempts().credentials(), 0);

    let ftp = well(FtpSecurity::Plain).await;
    let diagnosis = diagnose(&params(ftp.addr(), Encryption::SshPassword), &plain()).await;
    check(
        &diagnosis,
        Check::Greeting,
        Cause::OtherProtocol(Spoken::Ftp),
        "220",
    );
    assert_eq!(ftp.login_attempts(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_that_are_not_trusted_stop_it() {
    let ca = TestCa::new().unwrap();
    let issue = |request: CertificateRequest| ca.issue(&request).unwrap();
    let expired = issue(CertificateRequest::default().with_expired(true));
    let elsewhere = issue(CertificateRequest::default().with_names(["elsewhere.example"]));
    let own = ServerCertificate::self_signed().unwrap();
    let file = ca.pem_file().to_string_lossy().into_owned();
    for (certificate, problem, says) in [
        (expired, CertificateProblem::Expired, "2002-01-01"),
        (
            elsewhere,
            CertificateProblem::WrongName,
            "elsewhere.example",
        ),
        (own, CertificateProblem::SelfSigned, "SHA-256"),
    ] {
        for (security, encryption) in [
            (FtpSecurity::Explicit, Encryption::ExplicitTls),
            // The password is not sent in the clear, and neither to whoever has this certificate.
            (FtpSecurity::Explicit, Encryption::None),
            (FtpSecurity::Implicit, Encryption::ImplicitTls),
        ] {
            let server = FtpServer::builder(security).with_certificate(certificate.clone());
            let server = server.start().await.unwrap();
            let params =
                params(server.addr(), encryption).with_tls(TlsTrust::default().with_ca_file(&file));
            let diagnosis = diagnose(&params, &plain()).await;
            check(
                &diagnosis,
                Check::Certificate,
                Cause::Certificate(problem),
                says,
            );
            assert!(diagnosis.works().is_none());
            assert_eq!(server.login_attempts(), 0, "{encryption}");
            let shown = format!("{diagnosis:?}");
            assert!(!shown.contains("Refusal"), "a type of ours: {shown}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_tls_and_no_password_in_the_clear() {
    let server = well(FtpSecurity::Plain).await;
    let diagnosis = diagnose(&params(server.addr(), Encryption::ExplicitTls), &in_clear()).await;
    check(
        &diagnosis,
        Check::ExplicitTls,
        Cause::TlsNotOffered,
        "no TLS",
    );
    let clear = params(server.addr(), Encryption::None);
    let diagnosis = diagnose(&clear, &plain()).await;
    check(
        &diagnosis,
        Check::Login,
        Cause::PasswordInClear,
        "not tried",
    );
    assert_eq!(server.login_attempts(), 0);
    let diagnosis = diagnose(&clear, &in_clear()).await;
    assert!(diagnosis.works().is_some() && server.login_attempts() > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_is_required() {
    let server = well(FtpSecurity::Explicit).await;
    let params = trusting(&server, Encryption::None);
    let diagnosis = diagnose(&params, &in_clear()).await;
    check(&diagnosis, Check::Login, Cause::TlsRequired, "530");
    let works = diagnosis.works().expect("it goes on with TLS");
    assert_eq!(works.encryption(), Encryption::ExplicitTls);
}

#[tokio::test(flavor = "multi_thread")]
async fn session_reuse_is_required() {
    let builder = |security| FtpServer::builder(security).with_session_reuse_required(true);
    let server = builder(FtpSecurity::Explicit).start().await.unwrap();
    let diagnosis = diagnose(&trusting(&server, Encryption::ExplicitTls), &plain()).await;
    let required = Cause::SessionReuseRequired;
    check(&diagnosis, Check::SessionReuse, required, "522");
    let works = diagnosis.works().expect("with reuse it works");
    assert_eq!(works.encryption(), Encryption::ExplicitTlsReuse);

    let server = builder(FtpSecurity::Implicit).start().await.unwrap();
    let diagnosis = diagnose(&trusting(&server, Encryption::ImplicitTls), &plain()).await;
    check(&diagnosis, Check::SessionReuse, required, "522");
    assert!(diagnosis.works().unwrap().session_reuse().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn epsv_is_refused() {
    let server = ftp(FtpSecurity::Plain, FtpFault::Refuses("EPSV".to_owned())).await;
    let diagnosis = diagnose(&params(server.addr(), Encryption::None), &in_clear()).await;
    // That there is no TLS comes first.
    check(
        &diagnosis,
        Check::ExplicitTls,
        Cause::TlsNotOffered,
        "no TLS",
    );
    let epsv = finding(&diagnosis, Check::Data(DataMethod::Epsv));
    assert_eq!(epsv.cause, Some(Cause::DataMethodRefused), "{epsv:#?}");
    assert!(epsv.summary.contains("502"), "{epsv:#?}");
    let works = diagnosis.works().unwrap().data_methods();
    assert_eq!(works.first(), Some(&DataMethod::Pasv));
    assert!(!works.contains(&DataMethod::Epsv));
}

#[tokio::test(flavor = "multi_thread")]
async fn passive_mode_is_refused() {
    let server = FtpServer::builder(FtpSecurity::Explicit)
        .with_fault(FtpFault::Refuses("EPSV".to_owned()))
        .with_fault(FtpFault::Refuses("PASV".to_owned()));
    let server = server.start().await.unwrap();
    let diagnosis = diagnose(&trusting(&server, Encryption::ExplicitTls), &plain()).await;
    let epsv = finding(&diagnosis, Check::Data(DataMethod::Epsv));
    assert_eq!(epsv.cause, Some(Cause::DataMethodRefused), "{epsv:#?}");
    // What was refused is not asked for again before each transfer.
    let works = diagnosis.works().expect("active mode works");
    assert_eq!(works.data_methods(), [DataMethod::Port, DataMethod::Eprt]);
}

#[tokio::test(flavor = "multi_thread")]
async fn listings_are_cut_short() {
    let server = FtpServer::builder(FtpSecurity::Explicit)
        .with_session_reuse_required(true)
        .with_fault(FtpFault::ListingsCut);
    let server = server.start().await.unwrap();
    let diagnosis = diagnose(&trusting(&server, Encryption::ExplicitTls), &plain()).await;
    let folder = finding(&diagnosis, Check::Folder);
    assert_eq!(folder.cause, Some(Cause::ListingCut), "{diagnosis:#?}");
    // It is no fault of the data connections.
    let works = diagnosis
        .works()
        .expect("it works, if not for large folders");
    assert_eq!(works.encryption(), Encryption::ExplicitTlsReuse);
    assert!(works.data_methods().is_empty(), "{works:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn pasv_names_a_dead_address() {
    let address = FtpFault::AdvertisedAddress("192.0.2.7".parse().unwrap());
    let server = ftp(FtpSecurity::Explicit, address).await;
    let diagnosis = diagnose(&trusting(&server, Encryption::ExplicitTls), &plain()).await;
    let pasv = Check::Data(DataMethod::Pasv);
    check(&diagnosis, pasv, Cause::PassiveAddressWrong, "192.0.2.7");
    assert!(diagnosis.is_well(), "the peer's address is used");
}

#[tokio::test(flavor = "multi_thread")]
async fn passive_ports_are_blocked() {
    let server = ftp(FtpSecurity::Explicit, FtpFault::PassiveBlocked).await;
    let passive = trusting(&server, Encryption::ExplicitTls).with_mode(Mode::Passive);
    let diagnosis = diagnose(&passive, &plain()).await;
    check(
        &diagnosis,
        Check::DataConnections,
        Cause::PassiveBlocked,
        "mode active",
    );
    let pasv = finding(&diagnosis, Check::Data(DataMethod::Pasv));
    assert_eq!(pasv.cause, Some(Cause::PassiveBlocked), "{pasv:#?}");
    assert_eq!(diagnosis.works().unwrap().mode(), Mode::Active);
}

#[tokio::test(flavor = "multi_thread")]
async fn active_mode_is_blocked() {
    let server = ftp(FtpSecurity::Explicit, FtpFault::ActiveBlocked).await;
    let active = trusting(&server, Encryption::ExplicitTls).with_mode(Mode::Active);
    let diagnosis = diagnose(&active, &plain()).await;
    check(
        &diagnosis,
        Check::DataConnections,
        Cause::ActiveBlocked,
        "mode passive",
    );
    let port = finding(&diagnosis, Check::Data(DataMethod::Port));
    assert_eq!(port.cause, Some(Cause::ActiveBlocked), "{port:#?}");
    assert_eq!(diagnosis.works().unwrap().mode(), Mode::Passive);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_data_connection_at_all() {
    let server = FtpServer::builder(FtpSecurity::Explicit)
        .with_fault(FtpFault::ActiveBlocked)
        .with_fault(FtpFault::PassiveBlocked);
    let server: FtpServer = FtpServerBuilder::start(server).await.unwrap();
    let diagnosis = diagnose(&trusting(&server, Encryption::ExplicitTls), &plain()).await;
    check(
        &diagnosis,
        Check::DataConnections,
        Cause::NoDataConnection,
        "none works",
    );
    assert!(diagnosis.works().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_login_is_refused() {
    let server = well(FtpSecurity::Explicit).await;
    let wrong = trusting(&server, Encryption::ExplicitTls).with_password("secret, but wrong");
    let diagnosis = diagnose(&wrong, &plain()).await;
    check(&diagnosis, Check::Login, Cause::LoginRefused, "530");
    let certificate = finding(&diagnosis, Check::Certificate);
    assert_eq!(certificate.verdict, Verdict::Good);

    let user = UserKey::generate().unwrap();
    let ssh = SftpServer::builder().start().await.unwrap();
    let password = params(ssh.addr(), Encryption::SshPassword).with_password("secret, but wrong");
    let key = params(ssh.addr(), Encryption::SshPassword)
        .with_password("secret, but wrong")
        .with_key_content(user.private());
    for wrong in [password, key] {
        let diagnosis = diagnose(&wrong, &plain()).await;
        check(&diagnosis, Check::Login, Cause::LoginRefused, "");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn there_are_too_many_connections() {
    let server = ftp(FtpSecurity::Plain, FtpFault::Full).await;
    let diagnosis = diagnose(&params(server.addr(), Encryption::None), &in_clear()).await;
    check(
        &diagnosis,
        Check::Greeting,
        Cause::TooManyConnections,
        "421",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_certificate_is_wanted() {
    let clients = std::sync::Arc::new(TestCa::new().unwrap());
    let server = FtpServer::builder(FtpSecurity::Explicit).with_client_authority(clients);
    let server = server.start().await.unwrap();
    let diagnosis = diagnose(&trusting(&server, Encryption::ExplicitTls), &plain()).await;
    assert_eq!(
        diagnosis.cause(),
        Some(Cause::ClientCertificate),
        "{diagnosis:#?}"
    );
    assert_eq!(server.login_attempts(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_turns_this_client_away_or_says_nothing() {
    for (script, cause) in [
        ("S: 550 not from there\nclose", Cause::TurnedAway),
        ("close", Cause::TurnedAway),
    ] {
        // The first connection only sees whether the port is open.
        let script = format!("accept\n{script}");
        let peer = Script::parse(&script).unwrap().start().await.unwrap();
        let diagnosis = diagnose(&params(peer.addr(), Encryption::None), &plain()).await;
        check(&diagnosis, Check::Greeting, cause, "");
    }
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let params = params(silent.local_addr().unwrap(), Encryption::None);
    let soon = params.timeouts().with_reply(Duration::from_secs(1));
    let diagnosis = diagnose(&params.with_timeouts(soon), &plain()).await;
    check(&diagnosis, Check::Greeting, Cause::Silence, "says nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_host_key_has_changed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("known_hosts");
    let ssh = SftpServer::builder().start().await.unwrap();
    let other = SftpServer::builder().start().await.unwrap();
    let line = format!("[127.0.0.1]:{} {}\n", ssh.addr().port(), other.host_key());
    std::fs::write(&file, line).unwrap();
    let params = params(ssh.addr(), Encryption::SshPassword)
        .with_known_hosts_file(file.to_str().unwrap())
        .with_known_hosts(KnownHosts::AcceptNew);
    let diagnosis = diagnose(&params, &plain()).await;
    let changed = Cause::HostKey(HostKeyProblem::Changed);
    check(&diagnosis, Check::HostKey, changed, &ssh.host_key_sha256());
    assert_eq!(ssh.login_attempts().credentials(), 0);

    let listed = params.with_allowed_fingerprints(other.host_key_sha256().parse().unwrap());
    let diagnosis = diagnose(&listed, &plain()).await;
    let not_in_list = Cause::HostKey(HostKeyProblem::NotInAllowedList);
    check(&diagnosis, Check::HostKey, not_in_list, &ssh.host_key_md5());
    assert_eq!(ssh.login_attempts().credentials(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn ssh_has_no_sftp() {
    let ssh = SftpServer::builder()
        .with_subsystem(false)
        .start()
        .await
        .unwrap();
    let params = params(ssh.addr(), Encryption::SshPassword)
        .with_allowed_fingerprints(ssh.host_key_sha256().parse().unwrap());
    let diagnosis = diagnose(&params, &plain()).await;
    check(&diagnosis, Check::Sftp, Cause::NoSftp, "subsystem");
    assert_eq!(finding(&diagnosis, Check::HostKey).verdict, Verdict::Good);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_folder_is_not_there() {
    let folder = "no/such".parse().unwrap();
    let options = plain().with_folder(folder);
    let ftp = well(FtpSecurity::Explicit).await;
    let ssh = SftpServer::builder().start().await.unwrap();
    let known = ssh.host_key_sha256().parse().unwrap();
    for params in [
        trusting(&ftp, Encryption::ExplicitTls),
        params(ssh.addr(), Encryption::SshPassword).with_allowed_fingerprints(known),
    ] {
        let diagnosis = diagnose(&params, &options).await;
        check(&diagnosis, Check::Folder, Cause::Folder, "no/such");
    }
}

pub(crate) fn finding(diagnosis: &Diagnosis, check: Check) -> &ftp_connect_doctor::Finding {
    let found = diagnosis.findings.iter().find(|f| f.check == check);
    found.unwrap_or_else(|| panic!("no {check:?} in {diagnosis:#?}"))
}
