//! Lists a folder through the custom backend, which is asked before any other.
//!
//! `cargo run -p custom-backend-example -- ftp://files.example.org/in`

#![forbid(unsafe_code)]

use custom_backend_example::AsyncFtpTransport;
use ftp_connect_core::{ConnectParams, Registry, Result, SessionExt as _};

#[tokio::main]
async fn main() -> Result<()> {
    let url = std::env::args().nth(1).expect("usage: custom_backend URL");
    let (params, path) = ConnectParams::from_url(&url)?;
    let registry = Registry::new().with(AsyncFtpTransport::new());
    let mut session = registry.connect(&params).await?;
    for entry in session.list_all(&path).await? {
        let size = entry
            .size
            .map_or_else(|| "-".to_owned(), |size| size.to_string());
        eprintln!("{size:>12} {}", entry.name);
    }
    session.close().await
}
