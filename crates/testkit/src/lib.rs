//! What backends of FTP Connect are tested with.
#![forbid(unsafe_code)]

pub mod ca;
pub mod conformance;
mod embedded;
pub mod ftp;
pub mod lab;
pub mod memory;
pub mod peer;
pub mod sftp;

pub use embedded::Embedded;
