//! The servers, the peer and the suite, used as a backend's author uses them.

#![allow(clippy::unwrap_used)] // in tests a panic is the report

mod conformance;
mod faulty;
mod ftp;
mod peer;
mod raw;
mod sftp;
