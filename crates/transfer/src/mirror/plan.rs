//! What is to be done, as a list that can be kept, shown and applied.

use std::{collections::BTreeSet, path::PathBuf};

use ftp_connect_core::{
    Error, ErrorKind, Operation, Permissions, RemotePath, Result, Timestamp, params::Encoding,
};
use serde::{Deserialize, Serialize};

use super::{
    Compare, Direction, Links, Mirror, compare, names,
    tree::{self, Item, Tree},
    wire,
};
use crate::{
    Pool,
    remote::{Old, Source},
};

/// What is to be done to make one folder like the other. As text it is JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Plan {
    /// The form of this document; 1.
    pub version: u32,
    /// Which side is the source.
    pub direction: Direction,
    /// The folder on this machine.
    #[serde(with = "wire::local")]
    pub local: PathBuf,
    /// The folder on the server, in its display form.
    #[serde(with = "wire::path")]
    pub remote: RemotePath,
    /// The charset of the server's names.
    pub encoding: String,
    /// The steps, in their order.
    pub steps: Vec<Step>,
    /// How many files are equal already.
    pub unchanged: u64,
    /// What is in the source and will not be in the target.
    pub left_out: Vec<LeftOut>,
    /// Whether the source was listed whole.
    pub source_whole: bool,
    /// Whether removing was asked for and is refused, because the source was not listed whole.
    pub delete_refused: bool,
}

/// One thing to be done. Paths are below both folders, in the server's form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Step {
    /// Creates a folder.
    CreateDir {
        /// The folder; empty for the target itself.
        #[serde(with = "wire::path")]
        path: RemotePath,
    },
    /// Copies a file.
    Copy {
        /// The file.
        #[serde(with = "wire::path")]
        path: RemotePath,
        /// Its size in bytes, where known.
        size: Option<u64>,
        /// When it was modified, as exactly as the source tells.
        #[serde(with = "wire::time", default)]
        modified: Option<Timestamp>,
        /// The bits of its permissions.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mode: Option<u32>,
        /// The file that it replaces.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        replaces: Option<OldFile>,
    },
    /// Makes a symbolic link.
    Link {
        /// The link.
        #[serde(with = "wire::path")]
        path: RemotePath,
        /// Where it points.
        #[serde(with = "wire::path")]
        target: RemotePath,
    },
    /// Removes a file or a link.
    Remove {
        /// The file.
        #[serde(with = "wire::path")]
        path: RemotePath,
    },
    /// Removes a folder that is empty by then.
    RemoveDir {
        /// The folder.
        #[serde(with = "wire::path")]
        path: RemotePath,
    },
}

impl Step {
    /// What it is done to.
    pub fn path(&self) -> &RemotePath {
        match self {
            Self::CreateDir { path }
            | Self::Copy { path, .. }
            | Self::Link { path, .. }
            | Self::Remove { path }
            | Self::RemoveDir { path } => path,
        }
    }
}

/// A file in the target that is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OldFile {
    /// Its size in bytes, where known.
    pub size: Option<u64>,
    /// The bits of its permissions, which the new one takes over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<u32>,
}

/// Something in the source that is not copied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LeftOut {
    /// What it is; where its name cannot be written on the other side, the folder that it is in.
    #[serde(with = "wire::path")]
    pub path: RemotePath,
    /// Why.
    pub reason: Reason,
    /// Why, in words.
    pub detail: String,
}

/// Why something is not copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Reason {
    /// A symbolic link.
    Link,
    /// No file, folder or link.
    Special,
    /// The other side cannot have such a name.
    Name,
    /// It could not be listed or looked at.
    Unreadable,
    /// Something of another kind has its name in the target, and nothing may be removed.
    InTheWay,
}

impl Mirror {
    /// Lists both sides and says what is to be done.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if the source is not there; as the source cannot be listed.
    ///
    /// # Cancel safety
    /// Cancel safe: nothing is changed.
    pub async fn plan(&self, pool: &Pool) -> Result<Plan> {
        let target_links = Links::Copy;
        let (source, target) = match self.direction {
            Direction::Upload => (
                tree::on_disk(self, self.links).await?,
                tree::on_server(pool, self, target_links).await?,
            ),
            Direction::Download => (
                tree::on_server(pool, self, self.links).await?,
                tree::on_disk(self, target_links).await?,
            ),
        };
        if !source.exists {
            let missing = Error::new(ErrorKind::NotFound).with_operation(Operation::List);
            return Err(match self.direction {
                Direction::Upload => {
                    missing.with_message(format!("{} is not there", self.local.display()))
                }
                Direction::Download => missing.with_path(&self.remote),
            });
        }
        let mut planning = Planning {
            mirror: self,
            deletes: self.delete && source.whole,
            plan: Plan {
                version: 1,
                direction: self.direction,
                local: self.local.clone(),
                remote: self.remote.clone(),
                encoding: self.encoding.to_string(),
                steps: Vec::new(),
                unchanged: 0,
                left_out: Vec::new(),
                source_whole: source.whole,
                delete_refused: self.delete && !source.whole,
            },
            first: Vec::new(),
            folders: Vec::new(),
            copies: Vec::new(),
            last: Vec::new(),
        };
        planning.compare(pool, &source, &target).await?;
        planning.plan.left_out.extend(source.left_out);
        Ok(planning.finish(&target))
    }
}

impl Plan {
    /// How many files are to be copied.
    pub fn files(&self) -> u64 {
        self.steps
            .iter()
            .filter(|step| matches!(step, Step::Copy { .. }))
            .count() as u64
    }

    /// How many bytes are to be copied, as far as sizes are known.
    pub fn bytes(&self) -> u64 {
        let sizes = self.steps.iter().map(|step| match step {
            Step::Copy { size, .. } => size.unwrap_or(0),
            _ => 0,
        });
        sizes.sum()
    }

    /// Whether there is nothing to be done.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The plan as JSON.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidParameter`] for a local folder whose name holds a line end.
    pub fn to_json(&self) -> Result<String> {
        serde_json::to_string_pretty(self).map_err(no_plan)
    }

    /// Reads what [`Plan::to_json`] gave.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidParameter`] for what is no plan, and for one of a newer form.
    pub fn from_json(text: &str) -> Result<Self> {
        let plan: Self = serde_json::from_str(text).map_err(no_plan)?;
        if plan.version != 1 {
            return Err(no_plan(format!(
                "its form is {}, and 1 is known",
                plan.version
            )));
        }
        // A plan may come from anywhere: no step may lead out of the folders.
        for step in &plan.steps {
            let path = step.path().as_bytes();
            let mut names = path.split(|&byte| byte == b'/');
            if !path.is_empty() && names.any(|name| matches!(name, b"" | b"." | b"..")) {
                return Err(no_plan(format!("{} leads elsewhere", step.path())));
            }
        }
        plan.charset()?;
        Ok(plan)
    }

    pub(super) fn charset(&self) -> Result<Encoding> {
        self.encoding.parse()
    }
}

fn no_plan(why: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::InvalidParameter).with_message(format!("this is no plan: {why}"))
}

struct Planning<'m> {
    mirror: &'m Mirror,
    deletes: bool,
    plan: Plan,
    /// What is in the way and must go before anything is created.
    first: Vec<Step>,
    folders: Vec<Step>,
    copies: Vec<Step>,
    last: Vec<Step>,
}

impl Planning<'_> {
    async fn compare(&mut self, pool: &Pool, source: &Tree, target: &Tree) -> Result<()> {
        let needed = self.needed_folders(source);
        let mut blocked: Vec<RemotePath> = Vec::new();
        for (path, item) in &source.items {
            if blocked.iter().any(|folder| is_below(path, folder)) {
                continue;
            }
            let there = target.items.get(path);
            let same_kind = matches!(
                (item, there),
                (_, None)
                    | (Item::Kept, _)
                    | (Item::Dir, Some(Item::Dir))
                    | (Item::File(_), Some(Item::File(_)))
                    | (Item::Link(_), Some(Item::Link(_)))
            );
            if !same_kind && !self.make_way(path, target) {
                blocked.push(path.clone());
                continue;
            }
            let there = there.filter(|_| same_kind);
            if self.mirror.direction == Direction::Download
                && names::to_local(&self.mirror.local, path, self.mirror.encoding).is_none()
            {
                self.leave_out(path, Reason::Name, "no file here can have this name");
                blocked.push(path.clone());
                continue;
            }
            match item {
                Item::Kept => {}
                Item::Dir if there.is_some() || !needed.contains(path) => {}
                Item::Dir => self.folders.push(Step::CreateDir { path: path.clone() }),
                Item::Link(target) => self.link(path, target.as_ref(), there),
                Item::File(file) => self.copy(pool, path, file, there).await?,
            }
        }
        if self.deletes {
            for (path, item) in target.items.iter().rev() {
                if !source.items.contains_key(path)
                    && !self.first.iter().any(|step| step.path() == path)
                {
                    self.last.extend(removal(path, item));
                }
            }
        }
        Ok(())
    }

    /// The folders that are to be there: all, or those of files that were chosen.
    fn needed_folders(&self, source: &Tree) -> BTreeSet<RemotePath> {
        let all = self.mirror.filter.takes_folders();
        let mut needed = BTreeSet::new();
        for (path, item) in &source.items {
            match item {
                Item::Dir if all => _ = needed.insert(path.clone()),
                Item::Dir | Item::Kept => {}
                Item::File(_) | Item::Link(_) => {
                    let mut above = path.parent();
                    while let Some(folder) = above.filter(|folder| !folder.is_empty()) {
                        above = folder.parent();
                        needed.insert(folder);
                    }
                }
            }
        }
        needed
    }

    /// Plans to remove what has the name of something of another kind; says whether it may.
    fn make_way(&mut self, path: &RemotePath, target: &Tree) -> bool {
        if !self.deletes {
            self.leave_out(
                path,
                Reason::InTheWay,
                "the target has something of another kind there",
            );
            return false;
        }
        let in_the_way = target
            .items
            .iter()
            .rev()
            .filter(|(other, _)| *other == path || is_below(other, path));
        self.first
            .extend(in_the_way.filter_map(|(path, item)| removal(path, item)));
        true
    }

    fn link(&mut self, path: &RemotePath, target: Option<&RemotePath>, there: Option<&Item>) {
        let Some(target) = target else {
            self.leave_out(
                path,
                Reason::Link,
                "the server does not tell where it points",
            );
            return;
        };
        match there {
            Some(Item::Link(Some(old))) if old == target => self.plan.unchanged += 1,
            _ => self.copies.push(Step::Link {
                path: path.clone(),
                target: target.clone(),
            }),
        }
    }

    async fn copy(
        &mut self,
        pool: &Pool,
        path: &RemotePath,
        file: &Source,
        there: Option<&Item>,
    ) -> Result<()> {
        let old = match there {
            Some(Item::File(old)) => Some(old),
            _ => None,
        };
        if let Some(old) = old
            && compare::looks_same(self.mirror.compare, file, old)
            && (self.mirror.compare != Compare::Content || self.same_content(pool, path).await?)
        {
            self.plan.unchanged += 1;
            return Ok(());
        }
        self.copies.push(Step::Copy {
            path: path.clone(),
            size: file.size,
            modified: file.modified,
            mode: file.permissions.map(Permissions::mode),
            replaces: old.map(|old| OldFile {
                size: old.size,
                mode: old.permissions.map(Permissions::mode),
            }),
        });
        Ok(())
    }

    async fn same_content(&self, pool: &Pool, path: &RemotePath) -> Result<bool> {
        let remote = self.mirror.remote.join(path);
        let Some(local) = names::to_local(&self.mirror.local, path, self.mirror.encoding) else {
            return Ok(false);
        };
        pool.run(move |session| {
            let (remote, local) = (remote.clone(), local.clone());
            Box::pin(async move { compare::same_content(session, &remote, &local).await })
        })
        .await
    }

    fn leave_out(&mut self, path: &RemotePath, reason: Reason, detail: &str) {
        self.plan.left_out.push(LeftOut {
            path: path.clone(),
            reason,
            detail: detail.to_owned(),
        });
    }

    fn finish(mut self, target: &Tree) -> Plan {
        let mut steps = self.first;
        if !target.exists {
            steps.push(Step::CreateDir {
                path: RemotePath::login_folder(),
            });
        }
        steps.append(&mut self.folders);
        steps.append(&mut self.copies);
        steps.append(&mut self.last);
        self.plan.steps = steps;
        self.plan
    }
}

fn removal(path: &RemotePath, item: &Item) -> Option<Step> {
    let path = path.clone();
    match item {
        Item::Dir => Some(Step::RemoveDir { path }),
        Item::File(_) | Item::Link(_) => Some(Step::Remove { path }),
        // Nobody knows what it is.
        Item::Kept => None,
    }
}

fn is_below(path: &RemotePath, folder: &RemotePath) -> bool {
    let rest = path.as_bytes().strip_prefix(folder.as_bytes());
    rest.is_some_and(|rest| rest.starts_with(b"/"))
}

impl OldFile {
    pub(super) fn as_old(&self) -> Old {
        Old::File(Source {
            size: self.size,
            modified: None,
            permissions: self.mode.map(Permissions::from_mode),
        })
    }
}
