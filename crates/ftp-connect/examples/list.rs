//! Lists a folder as the entries arrive.
//!
//! `cargo run --example list -- ftpes://ada:secret@files.example.org/in`

#![allow(clippy::print_stdout)] // it is what an example is for

use ftp_connect::{ConnectParams, ListOptions};

#[tokio::main]
async fn main() -> ftp_connect::Result<()> {
    let url = std::env::args().nth(1).expect("usage: list URL");
    let (params, path) = ConnectParams::from_url(&url)?;
    let mut session = ftp_connect::connect(&params).await?;
    let mut listing = session.list(&path, ListOptions::default()).await?;
    while let Some(entry) = listing.next().await? {
        let size = entry
            .size
            .map_or_else(|| "-".to_owned(), |size| size.to_string());
        println!("{size:>12} {}", entry.name);
    }
    let summary = listing.finish().await?;
    println!(
        "{} entries, {} lines not understood",
        summary.entries, summary.unparsed
    );
    session.close().await
}
