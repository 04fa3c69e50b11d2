//! All that is below a folder on the server.
//!
//! A walk goes from above, each folder's entries in the order of their names. Links are shown and not
//! followed, unless asked for; then a link to a folder that one is in already is shown and not followed.
//! There is a limit on the depth all the same: some servers show links to folders as folders, and one of
//! those that points upwards has no end.

use std::{collections::VecDeque, sync::Arc};

use ftp_connect_core::{
    Entry, EntryKind, Error, ErrorKind, ListOptions, Operation, RemotePath, Result, Session,
    StatOptions,
};

/// How a tree is walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct WalkOptions {
    /// Go into what symbolic links point to, and show that instead of the link. Off by default: a link is
    /// what is there.
    pub follow_links: bool,
    /// How many folders deep, the first being 1. 64 by default: deeper trees are rare, and loops are not.
    pub max_depth: usize,
    /// How the folders are listed.
    pub list: ListOptions,
}

impl Default for WalkOptions {
    fn default() -> Self {
        Self {
            follow_links: false,
            max_depth: 64,
            list: ListOptions::default(),
        }
    }
}

impl WalkOptions {
    /// Sets [`WalkOptions::follow_links`].
    #[must_use]
    pub fn with_follow_links(mut self, follow_links: bool) -> Self {
        self.follow_links = follow_links;
        self
    }

    /// Sets [`WalkOptions::max_depth`].
    #[must_use]
    pub fn with_max_depth(mut self, max_depth: usize) -> Self {
        self.max_depth = max_depth;
        self
    }

    /// Sets [`WalkOptions::list`].
    #[must_use]
    pub fn with_list(mut self, list: ListOptions) -> Self {
        self.list = list;
        self
    }
}

/// A walk under way. It does not borrow the session, so that one can transfer in between.
///
/// ```
/// use ftp_connect_core::{ConnectParams, RemotePath, Transport as _};
/// use ftp_connect_testkit::memory::MemoryTransport;
/// use ftp_connect_transfer::Walk;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> ftp_connect_core::Result<()> {
/// let params = ConnectParams::new("memory.example")?;
/// let mut session = MemoryTransport::new().connect(&params).await?;
/// let mut walk = Walk::new(RemotePath::login_folder(), Default::default());
/// while let Some(found) = walk.next(&mut *session).await {
///     let found = found?;
///     println!("{} {:?}", found.path, found.entry.size);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Walk {
    options: WalkOptions,
    /// Folders that are still to be listed, the next one last.
    folders: Vec<Folder>,
    /// What the folder that was listed last holds.
    ready: VecDeque<Found>,
    /// The folders among what was shown of it.
    children: Vec<Folder>,
    /// The real paths of the folder of which `ready` is the rest.
    above: Option<Arc<Above>>,
    /// The folder that could not be listed.
    failed: Option<Folder>,
    whole: bool,
}

/// Something that a walk has found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Found {
    /// Where it is: the folder that the walk began in, and the names below it.
    pub path: RemotePath,
    /// The names below that folder alone.
    pub below: RemotePath,
    /// What was listed; of a link that is followed, what it points to.
    pub entry: Entry,
    /// How many folders deep it lies, from 1.
    pub depth: usize,
}

#[derive(Debug, Clone)]
struct Folder {
    path: RemotePath,
    below: RemotePath,
    depth: usize,
    /// The real paths of this folder and of those above it, where links are followed.
    above: Option<Arc<Above>>,
}

#[derive(Debug)]
struct Above {
    real: RemotePath,
    next: Option<Arc<Self>>,
}

impl Above {
    fn holds(&self, real: &RemotePath) -> bool {
        self.real == *real || self.next.as_ref().is_some_and(|next| next.holds(real))
    }
}

impl Walk {
    /// Begins in this folder.
    pub fn new(root: RemotePath, options: WalkOptions) -> Self {
        Self {
            options,
            folders: vec![Folder {
                path: root,
                below: RemotePath::login_folder(),
                depth: 0,
                above: None,
            }],
            ready: VecDeque::new(),
            children: Vec::new(),
            above: None,
            failed: None,
            whole: true,
        }
    }

    /// The next file, folder or link; `None` after the last. A folder that cannot be listed is an error, after
    /// which the walk goes on with the others.
    ///
    /// # Errors
    /// As [`Session::list`] and its body; [`ErrorKind::LimitExceeded`] for a folder that lies too deep.
    ///
    /// # Cancel safety
    /// Cancel safe: a folder whose listing was dropped is listed again.
    pub async fn next(&mut self, session: &mut dyn Session) -> Option<Result<Found>> {
        loop {
            if let Some(mut found) = self.ready.front().cloned() {
                if self.options.follow_links && found.entry.kind == EntryKind::Symlink {
                    self.follow(session, &mut found).await;
                } else if found.entry.is_dir() {
                    self.enter(&found);
                }
                self.ready.pop_front();
                return Some(Ok(found));
            }
            self.folders.extend(self.children.drain(..).rev());
            let folder = self.folders.last()?.clone();
            let listed = if folder.depth >= self.options.max_depth {
                Err(Error::new(ErrorKind::LimitExceeded)
                    .with_operation(Operation::List)
                    .with_path(&folder.path)
                    .with_message(format!(
                        "the folder lies more than {} deep, perhaps in a link that points upwards",
                        self.options.max_depth
                    )))
            } else {
                self.list(session, &folder).await
            };
            self.folders.pop();
            match listed {
                Ok((folder, entries)) => {
                    self.above = folder.above;
                    self.ready = entries;
                }
                Err(error) => {
                    self.failed = Some(folder);
                    self.whole = false;
                    return Some(Err(error));
                }
            }
        }
    }

    /// Whether everything that there is was shown so far: no folder failed, no line of a listing was left
    /// out, and the server cut none short. What is not shown must not be taken for missing.
    pub fn is_whole(&self) -> bool {
        self.whole
    }

    /// Does not go into the folder that was shown last.
    pub fn skip_folder(&mut self, found: &Found) {
        self.children.retain(|folder| folder.path != found.path);
    }

    /// Lists the folder again that the last call could not list; it does not count as left out until then.
    pub(crate) fn list_again(&mut self, whole_before: bool) {
        self.whole = whole_before;
        self.folders.extend(self.failed.take());
    }

    /// Goes into the link that was shown last, if it points to a folder.
    pub(crate) fn enter_link(&mut self, found: &Found) {
        self.enter(found);
    }

    async fn list(
        &mut self,
        session: &mut dyn Session,
        folder: &Folder,
    ) -> Result<(Folder, VecDeque<Found>)> {
        let mut folder = folder.clone();
        if self.options.follow_links && session.capabilities().real_path {
            let real = session.real_path(&folder.path).await?;
            folder.above = Some(Arc::new(Above {
                real,
                next: folder.above.take(),
            }));
        }
        let mut listing = session.list(&folder.path, self.options.list).await?;
        let mut entries = Vec::new();
        while let Some(entry) = listing.next().await? {
            entries.push(entry);
        }
        match listing.finish().await {
            Ok(summary) => self.whole &= summary.unparsed == 0,
            // What there is of it is of use (Pure-FTPd cuts after its limit).
            Err(error) if *error.kind() == ErrorKind::ListingTruncated => self.whole = false,
            Err(error) => return Err(error),
        }
        entries.sort_by(|one, other| one.name.cmp(&other.name));
        let found = entries.into_iter().filter_map(|entry| {
            // A name that is a path would lead out of the folder.
            if entry.name.file_name().as_ref() != Some(&entry.name)
                || matches!(entry.name.as_bytes(), b"." | b"..")
            {
                self.whole = false;
                return None;
            }
            Some(Found {
                path: folder.path.join(&entry.name),
                below: folder.below.join(&entry.name),
                entry,
                depth: folder.depth + 1,
            })
        });
        let found = found.collect();
        Ok((folder, found))
    }

    /// Shows what a link points to, and goes in if that is a folder in which the walk is not already.
    async fn follow(&mut self, session: &mut dyn Session, found: &mut Found) {
        let follow = StatOptions::default().with_follow_links(true);
        // A link that points nowhere stays a link.
        let Ok(target) = session.stat(&found.path, follow).await else {
            return;
        };
        if target.is_dir() {
            let real = session.real_path(&found.path).await.ok();
            let above = self.above.as_ref();
            if real.is_some_and(|real| above.is_some_and(|above| above.holds(&real))) {
                return;
            }
        }
        let name = std::mem::take(&mut found.entry.name);
        found.entry = target;
        found.entry.name = name;
        if found.entry.is_dir() {
            self.enter(found);
        }
    }

    fn enter(&mut self, found: &Found) {
        self.children.push(Folder {
            path: found.path.clone(),
            below: found.below.clone(),
            depth: found.depth,
            above: self.above.clone(),
        });
    }
}
