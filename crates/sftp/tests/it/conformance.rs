//! The suite that every backend runs.

use ftp_connect_core::Transport as _;
use ftp_connect_sftp::SftpTransport;
use ftp_connect_testkit::{
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
