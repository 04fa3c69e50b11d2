//! The async FTP engine behind the FTP and FTPS backends.
//!
//! Everything that FTP says and every quirk of its servers is in `ftp-connect-ftp-proto`, a machine
//! without input or output. This crate moves its bytes on tokio: it dials, keeps deadlines, opens data
//! connections, and gives what comes out as a [`Session`](ftp_connect_core::Session). It knows no TLS
//! library; a backend hands it a [`ChannelSecurity`].

#![forbid(unsafe_code)]

pub mod certificate;
#[cfg(feature = "client-certificate")]
pub mod client_certificate;
pub mod tls_failure;

mod connect;
mod data;
mod exposure;
mod failure;
mod inspect;
mod security;
mod session;
mod stream;
mod transfer;
mod wire;

pub use connect::connect;
pub use inspect::{for_inspection, inspect};
pub use security::ChannelSecurity;
pub use stream::{Socket, Stream};
