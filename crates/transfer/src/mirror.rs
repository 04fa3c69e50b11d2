//! Folders made equal, from here to the server or from there to here.
//!
//! ```text
//!  Mirror ── plan ──► Plan ── apply ──► Summary
//!  (what, how)        (steps; can be      (what was done,
//!                      kept as JSON)       and what failed)
//! ```
//!
//! A plan lists both sides and says what is to be done; nothing is changed. Applying it creates folders, then
//! copies files, several at once if that is asked for, and removes last. A file that was under way when
//! everything ended is gone on with the next time, and what is done already is not in the next plan; a plan that
//! was kept can be applied again with its [journal](ApplyOptions::journal).
//!
//! What is in the source and is not copied, such as links that are skipped and names that the other side cannot
//! have, stands in [`Plan::left_out`] and is never removed from the target. Nothing at all is removed when the source could
//! not be listed whole.
//!
//! ```
//! use ftp_connect_core::{ConnectParams, Registry, RemotePath};
//! use ftp_connect_testkit::memory::MemoryTransport;
//! use ftp_connect_transfer::{Pool, PoolOptions, mirror::{ApplyOptions, Filter, Mirror}};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> ftp_connect_core::Result<()> {
//! # let folder = tempfile::tempdir().expect("a folder");
//! # std::fs::write(folder.path().join("a.txt"), "content").expect("a file");
//! let registry = Registry::new().with(MemoryTransport::new());
//! let params = ConnectParams::new("memory.example")?;
//! let pool = Pool::new(registry, params, PoolOptions::default().with_sessions(2));
//! let mirror = Mirror::upload(folder.path(), RemotePath::new("site")?)
//!     .with_filter(Filter::default().excluding("*.tmp")?)
//!     .with_delete(true);
//! let plan = mirror.plan(&pool).await?;
//! println!("{} files, {} bytes", plan.files(), plan.bytes());
//! let options = ApplyOptions::default().with_parallel(2);
//! let summary = plan.apply(&pool, &options, &mut |_| {}).await?;
//! assert!(summary.is_success());
//! assert!(mirror.plan(&pool).await?.is_empty());
//! # Ok(())
//! # }
//! ```

mod apply;
mod batch;
mod compare;
mod filter;
mod journal;
mod names;
mod plan;
mod tree;
mod wire;

use std::path::PathBuf;

use ftp_connect_core::{RemotePath, params::Encoding};
use serde::{Deserialize, Serialize};

pub use self::{
    apply::{ApplyOptions, MirrorEvent, Summary},
    filter::Filter,
    plan::{LeftOut, OldFile, Plan, Reason, Step},
};

/// What is to be made equal to what, and how that is judged.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Mirror {
    /// Which side is the source.
    pub direction: Direction,
    /// The folder on this machine.
    pub local: PathBuf,
    /// The folder on the server.
    pub remote: RemotePath,
    /// Which files count; what is left out is neither copied nor removed.
    pub filter: Filter,
    /// Whether what the source does not have is removed from the target. Off by default.
    pub delete: bool,
    /// When a file counts as changed.
    pub compare: Compare,
    /// What becomes of symbolic links in the source.
    pub links: Links,
    /// The charset of the server's names.
    pub encoding: Encoding,
    /// How many folders deep; 64 by default.
    pub max_depth: usize,
}

impl Mirror {
    /// Makes the folder on the server like the one here.
    pub fn upload(local: impl Into<PathBuf>, remote: RemotePath) -> Self {
        Self::new(Direction::Upload, local.into(), remote)
    }

    /// Makes the folder here like the one on the server.
    pub fn download(remote: RemotePath, local: impl Into<PathBuf>) -> Self {
        Self::new(Direction::Download, local.into(), remote)
    }

    fn new(direction: Direction, local: PathBuf, remote: RemotePath) -> Self {
        Self {
            direction,
            local,
            remote,
            filter: Filter::default(),
            delete: false,
            compare: Compare::default(),
            links: Links::default(),
            encoding: Encoding::UTF_8,
            max_depth: 64,
        }
    }

    /// Sets [`Mirror::filter`].
    #[must_use]
    pub fn with_filter(mut self, filter: Filter) -> Self {
        self.filter = filter;
        self
    }

    /// Sets [`Mirror::delete`].
    #[must_use]
    pub fn with_delete(mut self, delete: bool) -> Self {
        self.delete = delete;
        self
    }

    /// Sets [`Mirror::compare`].
    #[must_use]
    pub fn with_compare(mut self, compare: Compare) -> Self {
        self.compare = compare;
        self
    }

    /// Sets [`Mirror::links`].
    #[must_use]
    pub fn with_links(mut self, links: Links) -> Self {
        self.links = links;
        self
    }

    /// Sets [`Mirror::encoding`].
    #[must_use]
    pub fn with_encoding(mut self, encoding: Encoding) -> Self {
        self.encoding = encoding;
        self
    }

    /// Sets [`Mirror::max_depth`].
    #[must_use]
    pub fn with_max_depth(mut self, max_depth: usize) -> Self {
        self.max_depth = max_depth;
        self
    }
}

/// Which way a mirror goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// From this machine to the server.
    Upload,
    /// From the server to this machine.
    Download,
}

/// When a file counts as changed. Times are compared as exactly as both sides tell them; times that
/// cannot be compared, because the server's clock is not known, count as equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Compare {
    /// Its size is another, or the source is newer. The default: it holds also for servers that cannot set
    /// times, where each copy is newer than its original.
    #[default]
    NewerOrSize,
    /// Its size or its time is another.
    TimeOrSize,
    /// Its size is another.
    Size,
    /// Its content is another, by checksum; where the server has none, by reading the file there.
    Content,
}

/// What becomes of symbolic links in the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Links {
    /// They are left out, and what the target has of the same name stays. The default, as a link may lead
    /// anywhere.
    #[default]
    Skip,
    /// What they point to is copied in their place. A link to a folder that one is in already is left out.
    Follow,
    /// They become links with the same target.
    Copy,
}
