//! The library against the real servers of the lab: the conformance suite on every set-up, over every backend
//! that serves it, on FTP in every mode. It needs the lab: `cargo xtask test --only lab`.

mod ftps;

use std::num::NonZeroU16;

use ftp_connect::{
    ConnectParams, CreateDirOptions, Encryption, Mode, RemotePath,
    params::{SessionReuse, TlsTrust, TlsVersion},
};
use ftp_connect_testkit::{
    conformance::{self, Options},
    lab::{Lab, LabServer},
};

fn parameters(lab: &Lab, server: &LabServer) -> ConnectParams {
    let (params, _) = ConnectParams::from_url(&server.url()).expect("a URL");
    params
        .with_password(server.password.as_str())
        .with_port(NonZeroU16::new(server.port))
        .with_tls(TlsTrust::default().with_ca_file(lab.ca_file.to_str().expect("UTF-8")))
}

/// The parameter sets by which a set-up can be reached, each with a word for it.
fn ways(lab: &Lab, server: &LabServer) -> Vec<(String, ConnectParams)> {
    let params = parameters(lab, server);
    let secured = match server.kind.as_str() {
        "sftp" => return vec![("sftp".to_owned(), params)],
        "ftp" => vec![("plain", params)],
        "ftpes" => vec![
            ("tls", params.clone()),
            (
                "tls-reuse",
                params.with_encryption(Encryption::ExplicitTlsReuse),
            ),
        ],
        "ftps" => vec![
            ("tls", params.clone()),
            ("tls-reuse", params.with_session_reuse(SessionReuse::Prefer)),
        ],
        kind => panic!("{kind} is no kind of server"),
    };
    let modes = |(backend, params): (&str, ConnectParams)| {
        let backend = backend.to_owned();
        Mode::ALL.map(|mode| (format!("{backend}-{mode}"), params.clone().with_mode(mode)))
    };
    secured.into_iter().flat_map(modes).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_set_up_passes_the_conformance_suite() {
    let lab = Lab::from_env();
    let mut failed = Vec::new();
    for server in &lab.servers {
        for (way, params) in ways(&lab, server) {
            // A folder of its own, made by the user whom the server lets in.
            let folder =
                RemotePath::new(format!("conformance-{way}-{}", std::process::id())).unwrap();
            let mut session = ftp_connect::connect(&params).await.expect(&server.name);
            session
                .create_dir(&folder, CreateDirOptions::default())
                .await
                .expect(&server.name);
            session.close().await.unwrap();
            let mut options = Options::default().with_folder(folder);
            for (check, reason) in known_deviations(server) {
                options = options.with_known_deviation(*check, *reason);
            }
            let started = std::time::Instant::now();
            let open = async || ftp_connect::connect(&params).await;
            let report = conformance::conformance(open, options).await;
            eprintln!("{} {way}, {:?}: {report}", server.name, started.elapsed());
            if report.failed().next().is_some() {
                failed.push(format!("{} {way}", server.name));
            }
        }
    }
    assert!(failed.is_empty(), "{failed:?}");
}

/// What a server does whatever the client says.
fn known_deviations(server: &LabServer) -> &'static [(&'static str, &'static str)] {
    match server.software.as_str() {
        "pure-ftpd" => &[(
            "name: \"trailing blank \"",
            "Pure-FTPd stores a blank at the end of a name as an underscore",
        )],
        "pyftpdlib" => &[(
            "name: \"latin-1 caf\\xe9\"",
            "pyftpdlib stores bytes that are not UTF-8 as the replacement character",
        )],
        _ => &[],
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_versions_of_tls_transfer_again_and_again_on_one_connection() {
    use ftp_connect::{ListOptions, SessionExt as _, WriteOptions};
    let lab = Lab::from_env();
    let content = vec![7; 200_000];
    for server in lab
        .servers
        .iter()
        .filter(|server| server.kind.starts_with("ftp") && server.kind != "ftp")
    {
        for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
            let params = parameters(&lab, server).with_session_reuse(SessionReuse::Prefer);
            let tls = params
                .tls()
                .clone()
                .with_min_version(version)
                .with_max_version(version);
            let params = params.with_tls(tls);
            let name = RemotePath::new(format!("again-{version:?}")).unwrap();
            let mut session = ftp_connect::connect(&params).await.expect(&server.name);
            let mut resumed = 0;
            for round in 0..10 {
                let context = format!("{} {version} round {round}", server.name);
                let put = session
                    .write_all(&name, &content, WriteOptions::default())
                    .await
                    .expect(&context);
                let mut listing = session
                    .list(&RemotePath::login_folder(), ListOptions::default())
                    .await
                    .expect(&context);
                let mut listed = false;
                while let Some(entry) = listing.next().await.expect(&context) {
                    listed |= entry.name == name;
                }
                let summary = listing.finish().await.expect(&context);
                assert!(listed, "{context}");
                let got = session.read_to_vec(&name, 1 << 20).await.expect(&context);
                assert!(got == content, "{context}");
                for each in [put.tls_resumed, summary.tls_resumed] {
                    resumed += usize::from(each == Some(true));
                }
            }
            eprintln!(
                "{} TLS {version}: 30 transfers whole, {resumed} of 20 uploads and lists resumed",
                server.name
            );
            if server.reuse_required {
                assert_eq!(resumed, 20, "{}", server.name);
            }
            session.remove_file(&name).await.unwrap();
            session.close().await.unwrap();
        }
    }
}
