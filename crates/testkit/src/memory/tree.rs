//! The files: a map from absolute paths to nodes.

use std::collections::BTreeMap;

use ftp_connect_core::{Entry, EntryKind, ErrorKind, Permissions, RemotePath, Timestamp};

use super::now;

/// A file or folder.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// `None` for a folder.
    content: Option<Vec<u8>>,
    pub(super) modified: Timestamp,
    pub(super) permissions: Permissions,
}

impl Node {
    pub(super) fn file(content: Vec<u8>) -> Self {
        Self {
            content: Some(content),
            modified: now(),
            permissions: Permissions::from_mode(0o644),
        }
    }

    fn folder(permissions: Option<Permissions>) -> Self {
        Self {
            content: None,
            modified: now(),
            permissions: permissions.unwrap_or_else(|| Permissions::from_mode(0o755)),
        }
    }

    pub(super) fn entry(&self, name: RemotePath) -> Entry {
        let kind = match self.content {
            Some(_) => EntryKind::File,
            None => EntryKind::Dir,
        };
        let mut entry = Entry::new(name, kind);
        entry.size = self.content.as_ref().map(|content| content.len() as u64);
        entry.modified = Some(self.modified);
        entry.permissions = Some(self.permissions);
        entry
    }
}

/// Components of a path, the root being the empty list.
type Key = Vec<Vec<u8>>;

#[derive(Debug)]
pub(super) struct Tree {
    nodes: BTreeMap<Key, Node>,
}

impl Default for Tree {
    fn default() -> Self {
        Self {
            nodes: BTreeMap::from([(Key::new(), Node::folder(None))]),
        }
    }
}

impl Tree {
    pub(super) fn node(&self, path: &RemotePath) -> Result<&Node, ErrorKind> {
        self.nodes.get(&key(path)).ok_or(ErrorKind::NotFound)
    }

    pub(super) fn node_mut(&mut self, path: &RemotePath) -> Result<&mut Node, ErrorKind> {
        self.nodes.get_mut(&key(path)).ok_or(ErrorKind::NotFound)
    }

    pub(super) fn content(&self, path: &RemotePath) -> Result<&[u8], ErrorKind> {
        let node = self.node(path)?;
        node.content.as_deref().ok_or(ErrorKind::IsADirectory)
    }

    pub(super) fn children(&self, path: &RemotePath) -> Result<Vec<Entry>, ErrorKind> {
        if self.node(path)?.content.is_some() {
            return Err(ErrorKind::NotADirectory);
        }
        let folder = key(path);
        let below = self.nodes.iter().filter(|(key, _)| is_child(key, &folder));
        below
            .map(|(key, node)| {
                let name = key.last().cloned().unwrap_or_default();
                Ok(node.entry(RemotePath::new(name).map_err(|error| error.kind().clone())?))
            })
            .collect()
    }

    /// Puts a node where there is none or a file.
    pub(super) fn put(&mut self, path: &RemotePath, node: Node) -> Result<(), ErrorKind> {
        let key = key(path);
        self.check_parent(&key)?;
        self.nodes.insert(key, node);
        Ok(())
    }

    pub(super) fn create_dir(
        &mut self,
        path: &RemotePath,
        permissions: Option<Permissions>,
    ) -> Result<(), ErrorKind> {
        if self.node(path).is_ok() {
            return Err(ErrorKind::AlreadyExists);
        }
        self.put(path, Node::folder(permissions))
    }

    pub(super) fn remove_file(&mut self, path: &RemotePath) -> Result<(), ErrorKind> {
        self.content(path)?;
        self.nodes.remove(&key(path));
        Ok(())
    }

    pub(super) fn remove_dir(&mut self, path: &RemotePath) -> Result<(), ErrorKind> {
        if !self.children(path)?.is_empty() {
            return Err(ErrorKind::DirectoryNotEmpty);
        }
        self.nodes.remove(&key(path));
        Ok(())
    }

    pub(super) fn rename(
        &mut self,
        from: &RemotePath,
        to: &RemotePath,
        replace: bool,
    ) -> Result<(), ErrorKind> {
        let (old, new) = (key(from), key(to));
        self.node(from)?;
        self.check_parent(&new)?;
        if new.starts_with(&old) && new != old {
            return Err(ErrorKind::Refused);
        }
        let there = self.nodes.get(&new);
        if there.is_some_and(|there| !replace || there.content.is_none()) {
            return Err(ErrorKind::AlreadyExists);
        }
        let moved: Vec<Key> = self
            .nodes
            .keys()
            .filter(|key| key.starts_with(&old))
            .cloned()
            .collect();
        for key in moved {
            if let Some(node) = self.nodes.remove(&key) {
                let target = [new.as_slice(), &key[old.len()..]].concat();
                self.nodes.insert(target, node);
            }
        }
        Ok(())
    }

    fn check_parent(&self, key: &Key) -> Result<(), ErrorKind> {
        let Some((_, parent)) = key.split_last() else {
            return Err(ErrorKind::IsADirectory);
        };
        match self.nodes.get(parent) {
            None => Err(ErrorKind::NotFound),
            Some(node) if node.content.is_some() => Err(ErrorKind::NotADirectory),
            Some(_) => Ok(()),
        }
    }
}

fn is_child(key: &Key, folder: &Key) -> bool {
    key.len() == folder.len() + 1 && key.starts_with(folder)
}

fn key(path: &RemotePath) -> Key {
    let components = path.as_bytes().split(|&byte| byte == b'/');
    let mut key = Key::new();
    for component in components {
        match component {
            b"" | b"." => {}
            b".." => {
                key.pop();
            }
            name => key.push(name.to_vec()),
        }
    }
    key
}
