//! FTP in the clear, as a backend for FTP Connect.
//!
//! [`PlainTransport`] serves [`Encryption::None`] and nothing else: where encryption was asked for it says no.
//! Passwords and files go over the network readable by anyone on the way; the report of each
//! session with a password says so.
//!
//! # Examples
//!
//! ```no_run
//! use ftp_connect_core::{ConnectParams, RemotePath, Transport as _};
//! use ftp_connect_plain::PlainTransport;
//!
//! # async fn example() -> ftp_connect_core::Result<()> {
//! let params = ConnectParams::new("ftp.example.org")?;
//! let mut session = PlainTransport::new().connect(&params).await?;
//! let entry = session.stat(&RemotePath::new("README")?, Default::default()).await?;
//! println!("{} bytes", entry.size.unwrap_or_default());
//! session.close().await
//! # }
//! ```

#![forbid(unsafe_code)]

use std::sync::Arc;

use async_trait::async_trait;
use ftp_connect_core::{ConnectParams, Encryption, Result, Session, Transport};

/// The transport for FTP in the clear.
#[derive(Clone, Copy, Debug, Default)]
pub struct PlainTransport;

impl PlainTransport {
    /// The transport; it has no settings of its own.
    #[must_use]
    pub fn new() -> Self {
        Self
    }
}

#[async_trait]
impl Transport for PlainTransport {
    fn name(&self) -> &'static str {
        "plain"
    }

    fn serves(&self, params: &ConnectParams) -> bool {
        params.encryption() == Encryption::None
    }

    async fn connect(&self, params: &ConnectParams) -> Result<Box<dyn Session>> {
        ftp_connect_ftp::connect(params, Arc::new(*self), None).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encryption_is_never_left_out() {
        for encryption in Encryption::ALL {
            let params = ConnectParams::new("localhost")
                .unwrap()
                .with_encryption(encryption);
            assert_eq!(
                PlainTransport.serves(&params),
                encryption == Encryption::None
            );
        }
    }
}
