//! What backends of FTP Connect are tested with.
//!
//! - [`ftp`], [`sftp`]: embedded servers on loopback, each a value with a folder to look into;
//!   [`Embedded`] starts one of each. [`ca`] makes their certificates.
//! - [`peer`]: a server that plays a script, for what well-behaved servers never do.
//!
//! Nothing here is global: two servers know nothing of each other, and each stops when it is dropped.

#![forbid(unsafe_code)]

pub mod ca;
mod embedded;
pub mod ftp;
pub mod peer;
pub mod sftp;

pub use embedded::Embedded;
