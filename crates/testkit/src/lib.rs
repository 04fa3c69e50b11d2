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

//!
//! # For tests of a program that is no backend
//!
//! Whatever speaks FTP or SFTP can be tested against these servers, also one that knows nothing of FTP Connect: a
//! server is an address, a user, a password and a folder to look into. Servers can be given faults
//! ([`ftp::FtpFault`], [`sftp::SftpServerBuilder`]), and a network that fails is had by going through a
//! [`faults::FaultProxy`] (SOCKS5). `cargo run -p ftp-connect-testkit --example servers` starts some to try by hand.
//!
//! ```
//! use ftp_connect_testkit::faults::{Fault, FaultProxy, Faults};
//! use ftp_connect_testkit::ftp::{FtpFault, FtpSecurity, FtpServer};
//! use tokio::io::{AsyncBufReadExt as _, BufReader};
//! use tokio::net::TcpStream;
//!
//! /// Here it would be the program under test; this one only reads the greeting.
//! async fn greeting(server: std::net::SocketAddr) -> std::io::Result<String> {
//!     let stream = TcpStream::connect(server).await?;
//!     let mut line = String::new();
//!     BufReader::new(stream).read_line(&mut line).await?;
//!     Ok(line)
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // A server that is well. What it serves is in a folder, and how often somebody logged in is counted.
//! let server = FtpServer::builder(FtpSecurity::Plain).start().await?;
//! std::fs::write(server.root().join("hello.txt"), "hello")?;
//! assert!(greeting(server.addr()).await?.starts_with("220 "));
//! assert_eq!(server.login_attempts(), 0);
//!
//! // One that is full.
//! let full = FtpServer::builder(FtpSecurity::Plain).with_fault(FtpFault::Full);
//! let full = full.start().await?;
//! assert!(greeting(full.addr()).await?.starts_with("421 "));
//!
//! // A way to the first on which the connection is cut after a thousand bytes. The program is told to take it as
//! // it is told of any SOCKS5 proxy.
//! let way = FaultProxy::start(Faults::once(Fault::Cut, 1000)).await?;
//! let proxy = way.params().to_string();
//! assert!(proxy.starts_with("socks5://127.0.0.1:"));
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
