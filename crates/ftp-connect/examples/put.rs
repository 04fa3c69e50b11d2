//! Writes a local file to the server, refusing to replace one that is there.
//!
//! `cargo run --example put -- report.pdf sftp://ada:secret@files.example.org/in/report.pdf`

#![allow(clippy::print_stdout)] // it is what an example is for

use ftp_connect::{ConnectParams, Disposition, SessionExt as _, WriteOptions};

#[tokio::main]
async fn main() -> ftp_connect::Result<()> {
    let mut args = std::env::args().skip(1);
    let (Some(local), Some(url)) = (args.next(), args.next()) else {
        panic!("usage: put FILE URL");
    };
    let content = std::fs::read(local)?;
    let (params, path) = ConnectParams::from_url(&url)?;
    let mut session = ftp_connect::connect(&params).await?;
    let options = WriteOptions::default().with_disposition(Disposition::CreateNew);
    let transferred = session.write_all(&path, &content, options).await?;
    println!("{} bytes", transferred.bytes);
    session.close().await
}
