//! What backends of FTP Connect are tested with, also those of strangers.
//!
//! - [`conformance`](mod@conformance): the contract of `Session` as one function; a backend's author calls it.
//! - [`cancellation`]: drops the future of every operation wherever it waits, and looks what is left.
//! - [`ftp`], [`sftp`]: embedded servers on loopback, each a value with a folder to look into;
//!   [`Embedded`] starts one of each. [`ca`] makes their certificates.
//! - [`ftps`]: checks that every backend for FTPS must pass, with [`handshake`] for what needs no FTP.
//! - [`peer`]: a server that plays a script of bytes, for what well-behaved servers never do.
//! - [`proxy`]: SOCKS5 and HTTP CONNECT proxies, for backends to go through.
//! - [`faults`]: a proxy that cuts, stalls, splits and delays by a seed.
//! - [`memory`]: a complete small backend, as an example and for tests of code over sessions.
//!
//! Nothing here is global: two servers know nothing of each other, and each stops when it is dropped,
//! its folder with it. All of them listen on 127.0.0.1 and on a port that was free. Nothing is
//! printed: what happens goes to `tracing`, at the level of debugging.
//!
//! What is not here: real servers with their ways. The embedded ones are libunftp and russh, and
//! [`ftp`] and [`sftp`] say what those lack. [`lab`] only reads where real servers run.
//!
//! # The smallest use
//!
//! ```
//! use ftp_connect_core::{ConnectParams, Transport};
//! use ftp_connect_testkit::conformance::{Options, conformance};
//! use ftp_connect_testkit::ftp::{FtpSecurity, FtpServer};
//! use ftp_connect_testkit::memory::MemoryTransport;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // A server to test against …
//! let server = FtpServer::builder(FtpSecurity::Plain).start().await?;
//! let (params, _) = ConnectParams::from_url(&format!("ftp://{}/", server.addr()))?;
//! let params = params.with_username(server.user()).with_password(server.password());
//!
//! // … and the transport to be tested; here one that needs no server.
//! let transport = MemoryTransport::new();
//! let report = conformance(async || transport.connect(&params).await, Options::default()).await;
//! report.assert_passed();
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]

pub mod ca;
pub mod cancellation;
pub mod client;
pub mod conformance;
mod embedded;
pub mod faults;
pub mod ftp;
pub mod ftps;
pub mod handshake;
pub mod lab;
pub mod memory;
pub mod peer;
pub mod proxy;
pub mod sftp;

pub use embedded::Embedded;
