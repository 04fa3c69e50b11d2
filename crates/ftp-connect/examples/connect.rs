//! Connects and prints what was negotiated.
//!
//! `cargo run --example connect -- sftp://ada:secret@files.example.org`

#![allow(clippy::print_stdout)] // it is what an example is for

use ftp_connect::ConnectParams;

#[tokio::main]
async fn main() -> ftp_connect::Result<()> {
    let url = std::env::args().nth(1).expect("usage: connect URL");
    let (params, _) = ConnectParams::from_url(&url)?;
    let result = ftp_connect::connect(&params).await;
    // The host-key hash is there as soon as the key is known, also when the connection was refused.
    if let Some(hash) = params.fingerprint_target().get() {
        println!("host key {hash}");
    }
    let session = result?;
    println!("{:#?}", session.report());
    session.close().await
}
