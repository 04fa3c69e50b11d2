//! What a server tells about a file or folder.

use std::fmt;

use serde::{Serialize, Serializer, ser::SerializeStruct as _};

use crate::{RemotePath, Timestamp};

/// A file, folder or other thing on the server. What the server did not tell is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// The name within its folder, as listed; of a `stat`, the path asked for.
    pub name: RemotePath,
    /// File, folder, link or other.
    pub kind: EntryKind,
    /// Size in bytes.
    pub size: Option<u64>,
    /// When it was modified.
    pub modified: Option<Timestamp>,
    /// Unix permission bits.
    pub permissions: Option<Permissions>,
    /// Owner, a name or a number, as the server has it.
    pub owner: Option<String>,
    /// Group, a name or a number, as the server has it.
    pub group: Option<String>,
    /// Where a symbolic link points.
    pub target: Option<RemotePath>,
}

impl Entry {
    /// An entry of which nothing more is known yet.
    pub fn new(name: RemotePath, kind: EntryKind) -> Self {
        Self {
            name,
            kind,
            size: None,
            modified: None,
            permissions: None,
            owner: None,
            group: None,
            target: None,
        }
    }

    /// Whether this is a folder (a link to one is not).
    pub fn is_dir(&self) -> bool {
        self.kind == EntryKind::Dir
    }

    /// Whether this is an ordinary file.
    pub fn is_file(&self) -> bool {
        self.kind == EntryKind::File
    }
}

impl Serialize for Entry {
    /// Names in their lossless display form, plus `name_hex` where the bytes are not UTF-8; times in
    /// ISO 8601; permissions as octal text.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let hex = |path: &RemotePath| path.as_bytes().iter().map(|b| format!("{b:02x}")).collect();
        let name_hex: Option<String> = self.name.as_str().is_none().then(|| hex(&self.name));
        let mut out = serializer.serialize_struct("Entry", 9)?;
        out.serialize_field("name", &self.name.to_string())?;
        match &name_hex {
            Some(hex) => out.serialize_field("name_hex", hex)?,
            None => out.skip_field("name_hex")?,
        }
        out.serialize_field("kind", &self.kind)?;
        out.serialize_field("size", &self.size)?;
        out.serialize_field("modified", &self.modified)?;
        out.serialize_field("permissions", &self.permissions)?;
        out.serialize_field("owner", &self.owner)?;
        out.serialize_field("group", &self.group)?;
        out.serialize_field("target", &self.target.as_ref().map(RemotePath::to_string))?;
        out.end()
    }
}

/// What sort of thing an [`Entry`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum EntryKind {
    /// An ordinary file.
    File,
    /// A folder.
    Dir,
    /// A symbolic link, to whatever.
    Symlink,
    /// A device, pipe, socket, or what the server did not tell.
    Other,
}

/// Unix permission bits, the lower twelve: `rwxrwxrwx` and set-uid, set-gid, sticky.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Permissions(u16);

impl Permissions {
    /// Takes the lower twelve bits of a Unix mode.
    pub fn from_mode(mode: u32) -> Self {
        Self((mode & 0o7777) as u16)
    }

    /// The bits.
    pub fn mode(self) -> u32 {
        self.0.into()
    }
}

impl fmt::Display for Permissions {
    /// Octal, four digits: `0755`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04o}", self.0)
    }
}

impl fmt::Debug for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Permissions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_in_json_keeps_bytes_that_are_no_text() {
        let mut entry = Entry::new(
            RemotePath::new(b"caf\xe9".as_slice()).unwrap(),
            EntryKind::File,
        );
        entry.size = Some(3);
        entry.permissions = Some(Permissions::from_mode(0o100_644));
        let json = serde_json::to_value(&entry).unwrap();
        assert_eq!(json["name"], r"caf\xe9");
        assert_eq!(json["name_hex"], "636166e9");
        assert_eq!(json["permissions"], "0644");
        assert_eq!(json["kind"], "file");
    }
}
