//! TLS that has to hold for more than one transfer.

use ftp_connect::{
    ListOptions, RemotePath, SessionExt as _, WriteOptions,
    params::{SessionReuse, TlsVersion},
};
use ftp_connect_testkit::lab::Lab;

use crate::ways::params;

#[tokio::test(flavor = "multi_thread")]
async fn both_versions_of_tls_transfer_again_and_again_on_one_connection() {
    let lab = Lab::from_env();
    let content = vec![7; 200_000];
    for server in lab
        .servers
        .iter()
        .filter(|server| server.kind.starts_with("ftp") && server.kind != "ftp")
    {
        for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
            let params = params(&lab, server).with_session_reuse(SessionReuse::Prefer);
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
