//! The suite that every backend runs.

use ftp_connect_core::Transport as _;
use ftp_connect_sftp::SftpTransport;
use ftp_connect_testkit::{
    cancellation::cancellation,
    conformance::{Options, conformance},
    sftp::SftpServer,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_embedded_server_passes_the_suite() {
    let server = SftpServer::builder().start().await.unwrap();
    let params = crate::by_password(&server);
    let open = async || SftpTransport.connect(&params).await;
    let options = Options::default().with_known_deviation(
        r#"name: "latin-1 caf\xe9""#,
        "the embedded server holds names as text; real servers pass this",
    );
    conformance(open, options).await.assert_passed();
}

// On one thread no answer can come in the middle of a poll, so that every wait is one to be dropped at.
#[tokio::test]
async fn any_operation_may_be_dropped_anywhere() {
    let server = SftpServer::builder().start().await.unwrap();
    let params = crate::by_password(&server);
    let drops = cancellation(async || SftpTransport.connect(&params).await).await;
    let drops = drops.unwrap_or_else(|why| panic!("{why}"));
    let count = |operation: &str| drops.iter().find(|(name, _)| *name == operation);
    for operation in [
        "stat",
        "list",
        "read",
        "read_files",
        "write",
        "write_files",
        "rename",
        "create_symlink",
        "open_another",
    ] {
        // It waits for the server at least once.
        assert!(
            count(operation).is_some_and(|(_, count)| count > 1),
            "{drops:?}"
        );
    }
    // Nothing that was dropped took the connection with it.
    assert_eq!(server.connections(), 1);
}
