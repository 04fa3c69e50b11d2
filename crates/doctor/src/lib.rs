//! Why does it not work? [`examine`] goes the way of a connection step by step, and says of each what was
//! seen, and at the end with which parameters it works, or what is to be changed at the server.
//!
//! ```text
//!  name ─ addresses ─ greeting ─┬─ TLS: offered, versions ─ certificate ─┬─ login ─ features
//!                               └─ host key ─────────────────────────────┘      │
//!            clock ─ folder ─ session reuse ─ data by EPSV, PASV, PORT, EPRT ◄───┘
//! ```
//!
//! It connects by the backends of the caller's [`Registry`](ftp_connect_core::Registry), so that what it finds is what a program meets; of
//! its own it has only the look at who speaks first on a port, at a certificate and at a host key. It stops
//! where the server's identity is in doubt, sends no password in the clear unless
//! [told to](ExamineOptions::danger_clear_login), and changes nothing on the server.
//!
//! Not here: how findings are shown, which is the program's business.
//!
//! ```no_run
//! use ftp_connect_core::{ConnectParams, Registry};
//! use ftp_connect_doctor::{ExamineOptions, examine};
//!
//! # async fn run(registry: Registry) -> ftp_connect_core::Result<()> {
//! let params = ConnectParams::new("files.example.org")?;
//! let diagnosis = examine(&registry, &params, &ExamineOptions::default(), &mut |finding| {
//!     println!("{}: {}", finding.check, finding.summary);
//! })
//! .await;
//! if let Some(works) = diagnosis.works() {
//!     println!("{}", ftp_connect_doctor::command_line(works));
//! }
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]

mod cause;
mod data;
mod diagnosis;
mod examine;
mod finding;
mod ftp;
mod greeting;
mod recipe;
mod ssh;
mod tls;

pub use cause::Cause;
pub use diagnosis::Diagnosis;
pub use examine::{ExamineOptions, examine};
pub use finding::{Check, Finding, Verdict};
pub use greeting::Spoken;
pub use recipe::{command_line, rust_code, text_file};
