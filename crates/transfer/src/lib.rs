//! Transfers over any FTP Connect backend: files published safely, pools of sessions, mirrored folders.
//!
//! This crate knows [`Session`](ftp_connect_core::Session) and nothing below it, so that a backend written by
//! anybody gains all that is here:
//!
//! - [`download()`] and [`upload()`] publish: whoever looks sees the old file or the whole new one, never a part,
//!   as far as the server lets one do that, and [`Outcome`] says how far ([`Publish`]) and how far it is proven
//!   that the copy is whole ([`Integrity`]).
//! - [`Pool`] holds sessions to one server and tries again where that can help.
//! - [`mirror`] makes one folder like another, by a plan that can be looked at first.
//! - [`Walk`] shows all that is below a folder, and [`glob()`] what a pattern matches.
//! - [`actions`] are the named operations that go with the parameter set.
//!
//! Not here: what a server's protocol is, and how bytes get there.
//!
//! # Files that are not whole
//!
//! A process that is killed cannot clean up. What it may leave behind, and what becomes of it:
//!
//! | where | name | left behind |
//! |---|---|---|
//! | a download | `.NAME.ftp-connect.part` | until the next download of the same file |
//! | a download that can be resumed | `.NAME.ftp-connect-TAG.part` | until the next one, which goes on with it if the file is still the same; also after a failure |
//! | a download in segments | `.NAME.ftp-connect.parts` | until the next one of the same file |
//! | two downloads to the same name at once | `.ftp-connect-RANDOM.part` | for good: the second's |
//! | an upload | `.NAME.ftp-connect-TAG.part` | until the next upload of the same local file to the same place |
//! | an upload, where the server cannot replace a file in one step | `.NAME.ftp-connect-TAG.old` | if it ended between the two steps: this is the file that was there |

#![forbid(unsafe_code)]

pub mod actions;
mod download;
mod failure;
mod glob;
mod integrity;
mod listed;
pub mod mirror;
mod options;
mod outcome;
mod part;
mod pool;
mod progress;
mod rate;
mod remote;
mod segments;
mod times;
mod together;
mod upload;
mod uploads;
mod walk;

pub use download::{download, download_to};
pub use glob::{glob, is_glob};
pub use listed::{FileEvent, ListedFile};
pub use options::{Overwrite, Staging, TransferOptions, Verify};
pub use outcome::{Integrity, Outcome, Place, Publish};
pub use pool::{Operating, Pool, PoolOptions, PooledSession};
pub use progress::{Observer, Progress};
pub use rate::RateLimit;
pub use upload::{upload, upload_from};
pub use uploads::LocalFile;
pub use walk::{Found, Walk, WalkOptions};
