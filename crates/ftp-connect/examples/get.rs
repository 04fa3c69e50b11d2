//! Reads a file from the server to standard output.
//!
//! `cargo run --example get -- ftp://files.example.org/readme.txt`

use std::io::Write as _;

use ftp_connect::{ConnectParams, ReadOptions};

#[tokio::main]
async fn main() -> ftp_connect::Result<()> {
    let url = std::env::args().nth(1).expect("usage: get URL");
    let (params, path) = ConnectParams::from_url(&url)?;
    let mut session = ftp_connect::connect(&params).await?;
    let mut body = session.read(&path, ReadOptions::default()).await?;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let n = body.read(&mut buffer).await?;
        if n == 0 {
            break;
        }
        std::io::stdout().write_all(&buffer[..n])?;
    }
    // Only this proves that the file is whole.
    let transferred = body.finish().await?;
    eprintln!("{} bytes", transferred.bytes);
    session.close().await
}
