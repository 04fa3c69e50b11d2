//! SFTP for FTP Connect: a [`Transport`](ftp_connect_core::Transport) on russh.
//!
//! ```text
//!  SftpTransport ─► keys: the private key, opened        ┐
//!                ─► ssh: dial, host key, login, channel  │ before the first packet
//!                ─► client: requests and their replies   ┘
//!                     └─ proto: packets, without input or output
//!                ─► session: list, read, write, … as requests
//! ```
//!
//! The packets of SFTP version 3 are our own, because names on a server are bytes and not text, and
//! because reading, writing and listing go on in streams with many requests under way.
//!
//! Not here: SSH itself, which is russh's, and where connections come from, which is core's dialer.

#![forbid(unsafe_code)]

mod client;
pub mod keys;
pub mod known_hosts;
mod proto;
mod session;
mod ssh;
mod transport;

#[cfg(fuzzing)]
#[doc(hidden)]
pub use client::fuzzing;
pub use transport::{HostKey, SftpTransport, host_key};
