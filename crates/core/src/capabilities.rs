//! What a session can do, known after connecting.

use serde::Serialize;

/// What this session with this server can do. A `false` operation answers
/// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported); a `true` one may still be refused by
/// the server for a given file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct Capabilities {
    /// Reading can begin at an offset.
    pub read_offset: bool,
    /// Writing can add to the end of a file, and so continue a cut upload.
    pub append: bool,
    /// `rename` works.
    pub rename: bool,
    /// `rename` can replace an existing file in one step.
    pub rename_replaces: bool,
    /// `remove_file` works.
    pub remove_file: bool,
    /// `create_dir` works.
    pub create_dir: bool,
    /// `remove_dir` works.
    pub remove_dir: bool,
    /// `set_modified` works.
    pub set_modified: bool,
    /// `set_permissions` works.
    pub set_permissions: bool,
    /// `read_link` and `create_symlink` work.
    pub symlinks: bool,
    /// `create_hard_link` works.
    pub hard_links: bool,
    /// `copy_file` works.
    pub copy_file: bool,
    /// `real_path` works.
    pub real_path: bool,
    /// `expand_home` works.
    pub expand_home: bool,
    /// [`WriteBody::sync`](crate::WriteBody::sync) works.
    pub sync: bool,
    /// `checksum` works for at least one algorithm.
    pub checksum: bool,
    /// `current_dir` works.
    pub current_dir: bool,
    /// `set_current_dir` works.
    pub set_current_dir: bool,
    /// `free_space` works.
    pub free_space: bool,
    /// `raw` works.
    pub raw: bool,
    /// `open_another` works.
    pub open_another: bool,
    /// Names can be any bytes; otherwise they must be UTF-8.
    pub any_name_bytes: bool,
}
