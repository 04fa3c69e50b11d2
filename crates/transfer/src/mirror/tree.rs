//! What is below a folder, on either side, as a map from paths to what is there.
//!
//! Paths are in the server's form on both sides. What cannot have a path there, or is not to be copied, is
//! noted with a reason, so that it is not taken for missing.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use ftp_connect_core::{
    EntryKind, Error, ErrorKind, ListOptions, Operation, RemotePath, Result, SessionExt as _,
    StatOptions,
};

use super::{
    Links, Mirror, names,
    plan::{LeftOut, Reason},
};
use crate::{
    Pool, failure, part,
    remote::Source,
    times,
    walk::{Walk, WalkOptions},
};

/// What is below a folder.
#[derive(Debug, Default)]
pub(super) struct Tree {
    pub(super) items: BTreeMap<RemotePath, Item>,
    pub(super) left_out: Vec<LeftOut>,
    /// Whether everything that there is is in here or left out.
    pub(super) whole: bool,
    /// Whether the folder is there at all.
    pub(super) exists: bool,
}

/// Something in a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Item {
    File(Source),
    Dir,
    Link(Option<RemotePath>),
    /// It is there and is not copied.
    Kept,
}

impl Tree {
    fn leave_out(&mut self, path: &RemotePath, reason: Reason, detail: impl Into<String>) {
        self.items.insert(path.clone(), Item::Kept);
        self.left_out.push(LeftOut {
            path: path.clone(),
            reason,
            detail: detail.into(),
        });
    }

    /// Takes something that was found; says whether it may be gone into.
    fn take(&mut self, mirror: &Mirror, links: Links, below: RemotePath, item: Item) -> bool {
        let name = below.file_name().unwrap_or_default();
        let counts = match &item {
            Item::Dir => mirror.filter.enters(&below),
            _ => mirror.filter.takes(&below) && !part::is_part(name.as_bytes()),
        };
        if !counts {
            return false;
        }
        match item {
            Item::Link(_) if links == Links::Skip => {
                self.leave_out(&below, Reason::Link, "symbolic links are left out");
            }
            // It was not followed: it points nowhere, or to a folder that it is in.
            Item::Link(_) if links == Links::Follow => {
                self.leave_out(
                    &below,
                    Reason::Link,
                    "it points nowhere, or to a folder that it is in",
                );
            }
            Item::Kept => self.leave_out(&below, Reason::Special, "it is no file, folder or link"),
            item => _ = self.items.insert(below, item),
        }
        true
    }
}

/// Lists the side on the server. `links` is [`Links::Copy`] for a target, of which nothing is to be followed.
///
/// # Errors
/// If the folder itself cannot be listed, other than because it is not there, or the server is lost.
pub(super) async fn on_server(pool: &Pool, mirror: &Mirror, links: Links) -> Result<Tree> {
    let mut tree = Tree {
        whole: true,
        ..Tree::default()
    };
    let options = WalkOptions::default()
        .with_follow_links(links == Links::Follow)
        .with_max_depth(mirror.max_depth)
        .with_list(ListOptions::default().with_utc_times(true));
    let mut walk = Walk::new(mirror.remote.clone(), options);
    let mut session = pool.session().await?;
    let mut attempts = pool.attempts();
    let mut found_any = false;
    loop {
        let whole = walk.is_whole();
        let found = match walk.next(&mut *session).await {
            None => break,
            Some(Ok(found)) => found,
            Some(Err(error)) if failure::is_lost(&error) => {
                session.judge(&error);
                if !attempts.again(&error).await {
                    return Err(error);
                }
                session = pool.session().await?;
                walk.list_again(whole);
                continue;
            }
            Some(Err(error))
                if !found_any && error.path().is_none_or(|path| *path == mirror.remote) =>
            {
                if *error.kind() == ErrorKind::NotFound {
                    return Ok(tree);
                }
                return Err(error);
            }
            Some(Err(error)) => {
                let path = error.path().cloned().unwrap_or_default();
                tree.left_out.push(LeftOut {
                    path,
                    reason: Reason::Unreadable,
                    detail: error.to_string(),
                });
                continue;
            }
        };
        found_any = true;
        let item = match found.entry.kind {
            EntryKind::Dir => Item::Dir,
            EntryKind::File => Item::File(Source::of(&found.entry)),
            EntryKind::Symlink => {
                let mut target = found.entry.target.clone();
                if target.is_none() && links == Links::Copy && session.capabilities().symlinks {
                    target = session.read_link(&found.path).await.ok();
                }
                Item::Link(target)
            }
            _ => Item::Kept,
        };
        let is_dir = item == Item::Dir;
        let counts = tree.take(mirror, links, found.below.clone(), item);
        if is_dir && !counts {
            walk.skip_folder(&found);
        }
    }
    tree.whole &= walk.is_whole();
    // Some servers answer the listing of a folder that is not there with an empty one.
    tree.exists = found_any || exists(&mut *session, &mirror.remote).await?;
    session.give_back();
    Ok(tree)
}

async fn exists(session: &mut dyn ftp_connect_core::Session, folder: &RemotePath) -> Result<bool> {
    if folder.file_name().is_none() {
        return Ok(true);
    }
    let follow = StatOptions::default().with_follow_links(true);
    match session.stat(folder, follow).await {
        Ok(entry) if entry.is_dir() => Ok(true),
        Ok(_) => Err(Error::new(ErrorKind::NotADirectory)
            .with_operation(Operation::List)
            .with_path(folder)),
        Err(error) if *error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) if failure::is_lost(&error) => Err(error),
        Err(_) => session.exists(folder).await,
    }
}

/// Lists the side on this machine.
///
/// # Errors
/// If the folder itself is there and cannot be listed.
pub(super) async fn on_disk(mirror: &Mirror, links: Links) -> Result<Tree> {
    let mirror = mirror.clone();
    let listed = tokio::task::spawn_blocking(move || list_disk(&mirror, links)).await;
    listed.map_err(io::Error::other)?
}

fn list_disk(mirror: &Mirror, links: Links) -> Result<Tree> {
    let mut tree = Tree {
        whole: true,
        ..Tree::default()
    };
    match fs::metadata(&mirror.local) {
        Ok(metadata) if metadata.is_dir() => {}
        Ok(_) => {
            return Err(Error::new(ErrorKind::NotADirectory)
                .with_message(format!("{} is no folder", mirror.local.display())));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(tree),
        Err(error) => return Err(failure::local(&mirror.local, error)),
    }
    tree.exists = true;
    let mut folders = vec![(mirror.local.clone(), RemotePath::login_folder(), 0)];
    while let Some((folder, below, depth)) = folders.pop() {
        let inside = match fs::read_dir(&folder).and_then(Iterator::collect::<io::Result<Vec<_>>>) {
            Ok(inside) if depth < mirror.max_depth => inside,
            Ok(_) => {
                tree.whole = false;
                tree.leave_out(&below, Reason::Unreadable, "it lies too deep");
                continue;
            }
            Err(error) if depth == 0 => return Err(failure::local(&folder, error)),
            Err(error) => {
                tree.whole = false;
                tree.leave_out(&below, Reason::Unreadable, error.to_string());
                continue;
            }
        };
        for entry in inside {
            let path = entry.path();
            let Some(name) = names::to_remote(&entry.file_name(), mirror.encoding) else {
                tree.left_out.push(LeftOut {
                    path: below.clone(),
                    reason: Reason::Name,
                    detail: format!(
                        "the server cannot have the name {}",
                        entry.file_name().display()
                    ),
                });
                continue;
            };
            let below = below.join(&name);
            match look(&path, links) {
                Ok(item) => {
                    let is_dir = item == Item::Dir;
                    if tree.take(mirror, links, below.clone(), item) && is_dir {
                        folders.push((path, below, depth + 1));
                    }
                }
                // It has gone in the meantime.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => {
                    tree.whole = false;
                    tree.leave_out(&below, Reason::Unreadable, error.to_string());
                }
            }
        }
    }
    Ok(tree)
}

fn look(path: &Path, links: Links) -> io::Result<Item> {
    let mut metadata = fs::symlink_metadata(path)?;
    if metadata.is_symlink() {
        let target = fs::metadata(path);
        match target {
            Ok(target) if links == Links::Follow && !(target.is_dir() && is_above(path)) => {
                metadata = target;
            }
            _ => {
                let target = fs::read_link(path)?;
                return Ok(Item::Link(
                    RemotePath::new(target.as_os_str().as_encoded_bytes()).ok(),
                ));
            }
        }
    }
    Ok(match metadata.file_type() {
        kind if kind.is_dir() => Item::Dir,
        kind if kind.is_file() => Item::File(Source {
            size: Some(metadata.len()),
            modified: times::of(&metadata),
            permissions: times::mode_of(&metadata),
        }),
        _ => Item::Kept,
    })
}

/// Whether a link points to a folder that it is in.
fn is_above(link: &Path) -> bool {
    let real = |path: &Path| -> Option<PathBuf> { path.canonicalize().ok() };
    let (Some(target), Some(folder)) = (real(link), link.parent().and_then(real)) else {
        return true;
    };
    folder.starts_with(target)
}
