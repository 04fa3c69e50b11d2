//! FTPS on the real servers: sessions resumed, uploads whole, certificates judged.
//!
//! What each server does is counted and printed as a table of server, TLS version and backend.

use std::collections::BTreeMap;
use std::time::Instant;

use ftp_connect::{
    CertificateProblem, ConnectParams, Encryption, ErrorKind, Fingerprint, FingerprintType,
    ListOptions, ReadOptions, RemotePath, Session, SessionExt as _, WriteOptions,
    params::{SessionReuse, TlsTrust, TlsVersion},
};
use ftp_connect_testkit::lab::{Lab, LabServer};

use crate::ways::params as parameters;

const VERSIONS: [TlsVersion; 2] = [TlsVersion::Tls12, TlsVersion::Tls13];

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Backend {
    Tls,
    TlsReuse,
}

/// Parameters that lead to this backend and allow this version alone.
fn by(lab: &Lab, server: &LabServer, backend: Backend, version: TlsVersion) -> ConnectParams {
    let params = parameters(lab, server);
    let trust = params.tls().clone();
    let trust = trust.with_min_version(version).with_max_version(version);
    let params = params.with_tls(trust);
    match backend {
        Backend::Tls => params,
        Backend::TlsReuse if server.reuse_required => {
            params.with_session_reuse(SessionReuse::Require)
        }
        Backend::TlsReuse => params.with_session_reuse(SessionReuse::Prefer),
    }
}

fn demanding(lab: &Lab) -> impl Iterator<Item = &LabServer> {
    let common = lab.servers.iter();
    common.filter(|server| server.reuse_required)
}

/// How many transfers were whole, and how many of those whose end is known resumed.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Count {
    whole: usize,
    resumed: usize,
    told: usize,
}

impl Count {
    fn add(&mut self, resumed: Option<bool>) {
        self.whole += 1;
        self.told += usize::from(resumed.is_some());
        self.resumed += usize::from(resumed == Some(true));
    }
}

fn path(name: &str) -> RemotePath {
    RemotePath::new(name).unwrap()
}

fn content(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 7 % 251) as u8).collect()
}

async fn list(session: &mut dyn Session, wanted: &RemotePath, count: &mut Count) {
    let login = RemotePath::login_folder();
    let mut listing = session.list(&login, ListOptions::default()).await.unwrap();
    let mut found = false;
    while let Some(entry) = listing.next().await.unwrap() {
        found |= entry.name == *wanted;
    }
    count.add(listing.finish().await.unwrap().tls_resumed);
    assert!(found, "{wanted} is not listed");
}

async fn download(session: &mut dyn Session, name: &RemotePath, bytes: &[u8], count: &mut Count) {
    let mut body = session.read(name, ReadOptions::default()).await.unwrap();
    let mut read = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match body.read(&mut buffer).await.unwrap() {
            0 => break,
            length => read.extend_from_slice(&buffer[..length]),
        }
    }
    let done = body.finish().await.unwrap();
    assert!(done.to_end && read == bytes, "{name}");
    count.add(done.tls_resumed);
}

async fn upload(session: &mut dyn Session, name: &RemotePath, bytes: &[u8], count: &mut Count) {
    let options = WriteOptions::default();
    let done = session.write_all(name, bytes, options).await.unwrap();
    count.add(done.tls_resumed);
}

/// A download that is left after its first bytes.
async fn leave_download(session: &mut dyn Session, name: &RemotePath, count: &mut Count) {
    let mut body = session.read(name, ReadOptions::default()).await.unwrap();
    assert!(body.read(&mut [0; 4096]).await.unwrap() > 0);
    let done = body.finish().await.unwrap();
    assert!(!done.to_end);
    count.add(done.tls_resumed);
}

/// An upload that is left after its first bytes, without a word.
async fn leave_upload(session: &mut dyn Session, name: &RemotePath, count: &mut Count) {
    let mut body = session.write(name, WriteOptions::default()).await.unwrap();
    assert!(body.write(&[1; 4096]).await.unwrap() > 0);
    drop(body);
    count.add(None);
}

/// So many transfers on one control connection: of every ten, two lists, two uploads and two downloads, an empty
/// file up and down, and two that are left in the middle.
async fn mix(params: &ConnectParams, server: &LabServer, word: &str, transfers: usize) -> Count {
    let name = |kind: &str| path(&format!("{word}-{kind}"));
    let (small, empty, large, cut) = (name("small"), name("empty"), name("large"), name("cut"));
    let (bytes, many) = (content(70_001), content(8 << 20));
    std::fs::write(server.root.join(large.as_str().unwrap()), &many).unwrap();
    let mut session = ftp_connect::connect(params).await.unwrap();
    let session = session.as_mut();
    let mut count = Count::default();
    for transfer in 0..transfers {
        match transfer % 10 {
            0 | 5 => upload(session, &small, &bytes, &mut count).await,
            1 | 6 => list(session, &small, &mut count).await,
            2 | 7 => download(session, &small, &bytes, &mut count).await,
            3 => upload(session, &empty, b"", &mut count).await,
            4 => download(session, &empty, b"", &mut count).await,
            8 => leave_download(session, &large, &mut count).await,
            _ => leave_upload(session, &cut, &mut count).await,
        }
    }
    // What was left last is put in order as well.
    session.current_dir().await.unwrap();
    for name in [&small, &empty, &cut] {
        session.remove_file(name).await.unwrap();
    }
    std::fs::remove_file(server.root.join(large.as_str().unwrap())).unwrap();
    count
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_transfers_on_one_control_connection_all_resume() {
    let lab = Lab::from_env();
    for server in demanding(&lab) {
        for version in VERSIONS {
            let params = by(&lab, server, Backend::TlsReuse, version);
            let word = format!("hundred-{version}");
            let started = Instant::now();
            let count = mix(&params, server, &word, 100).await;
            eprintln!(
                "{} TLS {version}: {} of 100 whole or left as meant, {} of {} resumed, {:?}",
                server.name,
                count.whole,
                count.resumed,
                count.told,
                started.elapsed()
            );
            assert_eq!((count.whole, count.resumed), (100, 90), "{}", server.name);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn four_control_connections_at_once_keep_their_sessions_apart() {
    let lab = Lab::from_env();
    for server in demanding(&lab) {
        for version in VERSIONS {
            let params = by(&lab, server, Backend::TlsReuse, version);
            let one = async |index: usize| {
                let word = format!("four-{version}-{index}");
                mix(&params, server, &word, 25).await
            };
            let counts = tokio::join!(one(0), one(1), one(2), one(3));
            for count in [counts.0, counts.1, counts.2, counts.3] {
                // Two of the 25 are uploads that were left.
                assert_eq!((count.whole, count.resumed), (25, 23), "{}", server.name);
            }
        }
    }
}

/// Uploads that a server cuts short when the client does not read its data connections' tickets.
#[tokio::test(flavor = "multi_thread")]
async fn uploads_are_whole_under_either_version_and_by_either_backend() {
    let lab = Lab::from_env();
    let sizes = [(1, 50), (900_000, 50), (64 << 20, LARGE)];
    let mut table = BTreeMap::new();
    for server in &lab.servers {
        if !matches!(&*server.kind, "ftpes" | "ftps") {
            continue;
        }
        for backend in [Backend::Tls, Backend::TlsReuse] {
            for version in VERSIONS {
                let mut params = by(&lab, server, backend, version);
                if backend == Backend::Tls && server.software == "proftpd" {
                    // It runs out of tickets, and must be free to fall back.
                    let trust = params.tls().clone().with_min_version(TlsVersion::Tls12);
                    params = params.with_tls(trust);
                }
                let mut session = ftp_connect::connect(&params).await.unwrap();
                let mut count = Count::default();
                for (size, times) in sizes {
                    if size == 64 << 20 && version == TlsVersion::Tls12 {
                        continue;
                    }
                    let (name, bytes) = (path(&format!("up-{size}")), content(size));
                    for _ in 0..times {
                        upload(session.as_mut(), &name, &bytes, &mut count).await;
                        let stored = server.root.join(name.as_str().unwrap());
                        assert!(
                            std::fs::read(stored).unwrap() == bytes,
                            "{} {backend:?} {version}: {size} bytes",
                            server.name
                        );
                    }
                    session.remove_file(&name).await.unwrap();
                }
                let spoken = &session.report().tls.as_ref().unwrap().version;
                // Pure-FTPd hands out no ticket under TLS 1.3.
                let resumes = server.software != "pure-ftpd" || version == TlsVersion::Tls12;
                let expected = if resumes { count.whole } else { 0 };
                assert_eq!(count.resumed, expected, "{} {backend:?}", server.name);
                let row = format!("{:18} | {version} | {backend:?}", server.name);
                table.insert(row, (count, spoken.clone()));
                session.close().await.unwrap();
            }
        }
    }
    eprintln!("server | TLS | backend | uploads whole / resumed | spoken in the end");
    for (row, (count, spoken)) in &table {
        eprintln!("{row} | {} / {} | {spoken}", count.whole, count.resumed);
    }
}

/// Of the largest size fewer, for the time it takes.
const LARGE: usize = 3;

/// rustls uses a TLS 1.3 ticket once and ProFTPD hands out none on uploads: the session goes on over TLS 1.2.
#[tokio::test(flavor = "multi_thread")]
async fn rustls_out_of_tickets_goes_on_over_tls12() {
    let lab = Lab::from_env();
    for name in ["proftpd-explicit", "proftpd-implicit"] {
        let server = lab.server(name);
        let params = parameters(&lab, server);
        let mut session = ftp_connect::connect(&params).await.unwrap();
        let version = |session: &dyn Session| session.report().tls.clone().unwrap().version;
        assert_eq!(version(&*session), "TLSv1.3");
        let mut count = Count::default();
        let name = path("dry");
        for _ in 0..20 {
            upload(session.as_mut(), &name, &content(10_000), &mut count).await;
        }
        assert_eq!((count.whole, count.resumed), (20, 20));
        assert_eq!(version(&*session), "TLSv1.2");
        let profile = session.profile().unwrap();
        assert_eq!(profile.tls12_for_reuse, Some(true));
        session.remove_file(&name).await.unwrap();
        session.close().await.unwrap();
        let again = ftp_connect::connect(&params.with_profile(profile)).await;
        assert_eq!(version(&*again.unwrap()), "TLSv1.2");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_are_judged() {
    let lab = Lab::from_env();
    use CertificateProblem as P;
    let cases = [
        ("vsftpd-wrong-name", P::WrongName),
        ("vsftpd-expired", P::Expired),
        ("vsftpd-self-signed", P::SelfSigned),
        ("vsftpd-explicit", P::UnknownIssuer),
        ("proftpd-implicit", P::PinMismatch),
    ];
    for (name, problem) in cases {
        let server = lab.server(name);
        for backend in [Backend::Tls, Backend::TlsReuse] {
            for version in VERSIONS {
                let params = by(&lab, server, backend, version);
                let mut trust = params.tls().clone();
                match problem {
                    P::UnknownIssuer => trust.ca_file = None,
                    // As if another certificate had been revoked by no longer pinning it.
                    P::PinMismatch => trust.pins = vec![pin(b"another")],
                    _ => {}
                }
                let params = params.with_tls(trust);
                let error = ftp_connect::connect(&params).await.unwrap_err();
                let expected = ErrorKind::CertificateNotTrusted { problem };
                assert_eq!(*error.kind(), expected, "{name} {backend:?}: {error:?}");
                // The pin that the hint names lets it pass.
                let hint = error.hint().unwrap();
                let seen = hint.rsplit(' ').next().unwrap().parse().unwrap();
                let trust = TlsTrust::default().with_pin(seen);
                ftp_connect::connect(&params.with_tls(trust))
                    .await
                    .expect(name);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn client_certificates_are_shown_and_missed() {
    let lab = Lab::from_env();
    for server in lab.with_trait("client-certificate") {
        for backend in [Backend::Tls, Backend::TlsReuse] {
            for version in VERSIONS {
                let context = format!("{} {backend:?} {version}", server.name);
                let params = by(&lab, server, backend, version);
                let error = ftp_connect::connect(&params).await.unwrap_err();
                let expected = ErrorKind::ClientCertificateRefused;
                assert_eq!(*error.kind(), expected, "{context}: {error:?}");
                let file = |path: &std::path::Path| path.to_str().unwrap().to_owned();
                let trust = params.tls().clone().with_client_certificate(
                    file(&lab.client_certificate.certificate),
                    file(&lab.client_certificate.key),
                );
                let params = params.with_tls(trust);
                let session = ftp_connect::connect(&params).await;
                let mut session = session.expect(&context);
                let mut count = Count::default();
                let name = path("client");
                upload(session.as_mut(), &name, b"shown", &mut count).await;
                list(session.as_mut(), &name, &mut count).await;
                session.remove_file(&name).await.unwrap();
                session.close().await.unwrap();
            }
        }
    }
}

/// ProFTPD, Pure-FTPd and pyftpdlib each have their own opinion of data and commands in the clear; whatever it
/// is, the session works or says why not.
#[tokio::test(flavor = "multi_thread")]
async fn data_and_commands_in_the_clear_work_or_are_refused_in_words() {
    let lab = Lab::from_env();
    for server in lab.servers.iter().filter(|server| server.kind == "ftpes") {
        for encryption in [Encryption::ExplicitTls, Encryption::ExplicitTlsReuse] {
            let params = parameters(&lab, server).with_encryption(encryption);
            let trust = params.tls().clone();
            for (word, trust) in [
                ("PROT C", trust.clone().with_danger_clear_data(true)),
                ("CCC", trust.with_danger_clear_command_channel(true)),
            ] {
                let params = params.clone().with_tls(trust);
                let mut session = ftp_connect::connect(&params).await.unwrap();
                let warned = session.report().warnings.join("; ");
                assert!(warned.contains(word), "{}: {warned}", server.name);
                let listed = session.list_all(&RemotePath::login_folder()).await;
                eprintln!(
                    "{} {encryption}: {warned}; {:?}",
                    server.name,
                    listed.as_ref().map(Vec::len)
                );
                match listed {
                    Ok(entries) => assert!(!entries.is_empty()),
                    // vsftpd and Pure-FTPd agree to PROT C and refuse the transfer.
                    Err(error) => assert_eq!(*error.kind(), ErrorKind::TlsRequired, "{error:?}"),
                }
                session.close().await.unwrap();
            }
        }
    }
}

fn pin(der: &[u8]) -> Fingerprint {
    Fingerprint::compute(FingerprintType::Sha256, der)
}
