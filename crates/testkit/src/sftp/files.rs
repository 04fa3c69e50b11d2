//! SFTP version 3 (draft-ietf-secsh-filexfer-02) over one folder.
//!
//! Paths are resolved inside the folder: `..` stops at it, and a link that leads out of it is refused.
//! File operations block the runtime's thread; they are small and the folder is local.

use std::collections::{HashMap, VecDeque};
use std::fs::{self, File as DiskFile, Metadata, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use russh_sftp::protocol::{
    Attrs, Data, File, FileAttributes, Handle, Name, OpenFlags, Packet, Status, StatusCode, Version,
};
use russh_sftp::server::{Handler, StatusReply};

/// The folder on disk, and how it is told of.
#[derive(Debug, Clone)]
pub(super) struct Disk {
    /// Must be canonical.
    pub(super) root: PathBuf,
    /// How many bytes more than there are are told of each file.
    pub(super) wrong_sizes: i64,
}

impl Disk {
    fn attributes(&self, metadata: &Metadata) -> FileAttributes {
        let mut attributes = FileAttributes::from(metadata);
        // The conversion calls everything but folders a regular file, links too.
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            attributes.permissions = Some(metadata.mode());
        }
        if metadata.is_file() {
            let wrong = |size: u64| size.saturating_add_signed(self.wrong_sizes);
            attributes.size = attributes.size.map(wrong);
        }
        attributes
    }
}

/// The folder, and what one client has open in it.
#[derive(Debug)]
pub(super) struct Folder {
    disk: Disk,
    open: HashMap<String, Open>,
    last_handle: u64,
}

#[derive(Debug)]
enum Open {
    File { file: DiskFile, append: bool },
    Folder(VecDeque<File>),
}

impl Folder {
    pub(super) fn new(disk: Disk) -> Self {
        Self {
            disk,
            open: HashMap::new(),
            last_handle: 0,
        }
    }

    fn keep(&mut self, id: u32, open: Open) -> Handle {
        self.last_handle += 1;
        let handle = self.last_handle.to_string();
        self.open.insert(handle.clone(), open);
        Handle { id, handle }
    }

    fn file(&mut self, handle: &str) -> Result<(&mut DiskFile, bool), StatusReply> {
        match self.open.get_mut(handle) {
            Some(Open::File { file, append }) => Ok((file, *append)),
            _ => Err(StatusCode::Failure.with_message("no such file handle")),
        }
    }

    /// Where `path` is on disk. With `follow`, what a link at its end leads to must be inside too.
    fn resolve(&self, path: &str, follow: bool) -> Result<PathBuf, StatusReply> {
        let inside = virtual_path(path);
        let mut disk = self.disk.root.clone();
        let mut missing = false;
        let mut components = inside.iter().peekable();
        while let Some(component) = components.next() {
            disk.push(component);
            if missing || (components.peek().is_none() && !follow) {
                continue;
            }
            match disk.canonicalize() {
                Ok(real) if real.starts_with(&self.disk.root) => disk = real,
                Ok(_) => return Err(StatusCode::PermissionDenied.with_message("leads outside")),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    if disk.symlink_metadata().is_ok() {
                        // A dangling link: opening it for writing would create its target.
                        return Err(StatusCode::NoSuchFile.into());
                    }
                    missing = true;
                }
                Err(error) => return Err(reply(error)),
            }
        }
        Ok(disk)
    }

    fn set_attributes(&self, path: &Path, attrs: &FileAttributes) -> io::Result<()> {
        if let Some(size) = attrs.size {
            OpenOptions::new().write(true).open(path)?.set_len(size)?;
        }
        if let Some(mode) = attrs.permissions {
            set_mode(path, mode)?;
        }
        if let Some(modified) = attrs.mtime {
            let time = UNIX_EPOCH + Duration::from_secs(u64::from(modified));
            DiskFile::open(path)?.set_modified(time)?;
        }
        Ok(())
    }
}

impl Handler for Folder {
    type Error = StatusReply;

    fn unimplemented(&self) -> StatusReply {
        StatusCode::OpUnsupported.into()
    }

    async fn init(
        &mut self,
        _version: u32,
        _extensions: HashMap<String, String>,
    ) -> Result<Version, StatusReply> {
        let mut version = Version::new();
        for extension in [POSIX_RENAME, HARD_LINK, FSYNC] {
            let version = &mut version.extensions;
            version.insert(extension.to_owned(), "1".to_owned());
        }
        Ok(version)
    }

    async fn open(
        &mut self,
        id: u32,
        filename: String,
        pflags: OpenFlags,
        attrs: FileAttributes,
    ) -> Result<Handle, StatusReply> {
        let path = self.resolve(&filename, true)?;
        let file = OpenOptions::from(pflags).open(&path).map_err(reply)?;
        if let Some(mode) = attrs
            .permissions
            .filter(|_| pflags.contains(OpenFlags::CREATE))
        {
            set_mode(&path, mode).map_err(reply)?;
        }
        let append = pflags.contains(OpenFlags::APPEND);
        Ok(self.keep(id, Open::File { file, append }))
    }

    async fn close(&mut self, id: u32, handle: String) -> Result<Status, StatusReply> {
        match self.open.remove(&handle) {
            Some(_) => Ok(done(id)),
            None => Err(StatusCode::Failure.with_message("no such handle")),
        }
    }

    async fn read(
        &mut self,
        id: u32,
        handle: String,
        offset: u64,
        len: u32,
    ) -> Result<Data, StatusReply> {
        let (file, _) = self.file(&handle)?;
        file.seek(SeekFrom::Start(offset)).map_err(reply)?;
        let limit = u64::from(len.min(LARGEST_READ));
        let mut data = Vec::new();
        file.take(limit).read_to_end(&mut data).map_err(reply)?;
        if data.is_empty() && len > 0 {
            return Err(StatusCode::Eof.into());
        }
        Ok(Data { id, data })
    }

    async fn write(
        &mut self,
        id: u32,
        handle: String,
        offset: u64,
        data: Vec<u8>,
    ) -> Result<Status, StatusReply> {
        let (file, append) = self.file(&handle)?;
        if !append {
            file.seek(SeekFrom::Start(offset)).map_err(reply)?;
        }
        file.write_all(&data).map_err(reply)?;
        Ok(done(id))
    }

    async fn lstat(&mut self, id: u32, path: String) -> Result<Attrs, StatusReply> {
        let path = self.resolve(&path, false)?;
        let attrs = self
            .disk
            .attributes(&path.symlink_metadata().map_err(reply)?);
        Ok(Attrs { id, attrs })
    }

    async fn stat(&mut self, id: u32, path: String) -> Result<Attrs, StatusReply> {
        let path = self.resolve(&path, true)?;
        let attrs = self.disk.attributes(&path.metadata().map_err(reply)?);
        Ok(Attrs { id, attrs })
    }

    async fn fstat(&mut self, id: u32, handle: String) -> Result<Attrs, StatusReply> {
        let metadata = self.file(&handle)?.0.metadata().map_err(reply)?;
        let attrs = self.disk.attributes(&metadata);
        Ok(Attrs { id, attrs })
    }

    async fn setstat(
        &mut self,
        id: u32,
        path: String,
        attrs: FileAttributes,
    ) -> Result<Status, StatusReply> {
        let path = self.resolve(&path, true)?;
        self.set_attributes(&path, &attrs).map_err(reply)?;
        Ok(done(id))
    }

    async fn fsetstat(
        &mut self,
        id: u32,
        handle: String,
        attrs: FileAttributes,
    ) -> Result<Status, StatusReply> {
        let (file, _) = self.file(&handle)?;
        if let Some(size) = attrs.size {
            file.set_len(size).map_err(reply)?;
        }
        if let Some(mode) = attrs.permissions {
            set_file_mode(file, mode).map_err(reply)?;
        }
        if let Some(modified) = attrs.mtime {
            let time = UNIX_EPOCH + Duration::from_secs(u64::from(modified));
            file.set_modified(time).map_err(reply)?;
        }
        Ok(done(id))
    }

    async fn opendir(&mut self, id: u32, path: String) -> Result<Handle, StatusReply> {
        let path = self.resolve(&path, true)?;
        let mut entries: VecDeque<File> = [".", ".."]
            .into_iter()
            .map(|name| Ok(File::new(name, self.disk.attributes(&path.metadata()?))))
            .collect::<io::Result<_>>()
            .map_err(reply)?;
        for entry in fs::read_dir(&path).map_err(reply)? {
            let entry = entry.map_err(reply)?;
            // Gone since the folder was read: then it is not there.
            let Ok(metadata) = entry.path().symlink_metadata() else {
                continue;
            };
            let name = entry.file_name().to_string_lossy().into_owned();
            entries.push_back(File::new(name, self.disk.attributes(&metadata)));
        }
        Ok(self.keep(id, Open::Folder(entries)))
    }

    async fn readdir(&mut self, id: u32, handle: String) -> Result<Name, StatusReply> {
        let Some(Open::Folder(entries)) = self.open.get_mut(&handle) else {
            return Err(StatusCode::Failure.with_message("no such folder handle"));
        };
        if entries.is_empty() {
            return Err(StatusCode::Eof.into());
        }
        let count = entries.len().min(ENTRIES_AT_ONCE);
        Ok(Name {
            id,
            files: entries.drain(..count).collect(),
        })
    }

    async fn remove(&mut self, id: u32, filename: String) -> Result<Status, StatusReply> {
        fs::remove_file(self.resolve(&filename, false)?).map_err(reply)?;
        Ok(done(id))
    }

    async fn mkdir(
        &mut self,
        id: u32,
        path: String,
        attrs: FileAttributes,
    ) -> Result<Status, StatusReply> {
        let path = self.resolve(&path, false)?;
        fs::create_dir(&path).map_err(reply)?;
        if let Some(mode) = attrs.permissions {
            set_mode(&path, mode).map_err(reply)?;
        }
        Ok(done(id))
    }

    async fn rmdir(&mut self, id: u32, path: String) -> Result<Status, StatusReply> {
        fs::remove_dir(self.resolve(&path, false)?).map_err(reply)?;
        Ok(done(id))
    }

    async fn realpath(&mut self, id: u32, path: String) -> Result<Name, StatusReply> {
        let mut real = String::from("/");
        real.push_str(&virtual_path(&path).join("/"));
        Ok(Name {
            id,
            files: vec![File::dummy(real)],
        })
    }

    async fn rename(
        &mut self,
        id: u32,
        oldpath: String,
        newpath: String,
    ) -> Result<Status, StatusReply> {
        let (from, to) = (
            self.resolve(&oldpath, false)?,
            self.resolve(&newpath, false)?,
        );
        from.symlink_metadata().map_err(reply)?;
        if to.symlink_metadata().is_ok() {
            // As OpenSSH: version 3 does not rename onto what is there (draft §6.5).
            return Err(StatusCode::Failure.into());
        }
        fs::rename(from, to).map_err(reply)?;
        Ok(done(id))
    }

    async fn readlink(&mut self, id: u32, path: String) -> Result<Name, StatusReply> {
        let target = fs::read_link(self.resolve(&path, false)?).map_err(reply)?;
        let target = target.to_string_lossy().into_owned();
        Ok(Name {
            id,
            files: vec![File::dummy(target)],
        })
    }

    /// As OpenSSH: what russh-sftp takes for the link's path, because the draft has it first, is the target.
    async fn symlink(
        &mut self,
        id: u32,
        target: String,
        link: String,
    ) -> Result<Status, StatusReply> {
        let link = self.resolve(&link, false)?;
        make_symlink(Path::new(&target), &link).map_err(reply)?;
        Ok(done(id))
    }

    async fn extended(
        &mut self,
        id: u32,
        request: String,
        data: Vec<u8>,
    ) -> Result<Packet, StatusReply> {
        let mut rest = data.as_slice();
        let mut string = || take_string(&mut rest).ok_or(StatusCode::BadMessage);
        match request.as_str() {
            POSIX_RENAME => {
                let (from, to) = (string()?, string()?);
                fs::rename(self.resolve(&from, false)?, self.resolve(&to, false)?)
                    .map_err(reply)?;
            }
            HARD_LINK => {
                let (existing, link) = (string()?, string()?);
                let existing = self.resolve(&existing, false)?;
                fs::hard_link(existing, self.resolve(&link, false)?).map_err(reply)?;
            }
            FSYNC => {
                let handle = string()?;
                self.file(&handle)?.0.sync_all().map_err(reply)?;
            }
            _ => return Err(self.unimplemented()),
        }
        Ok(Packet::Status(done(id)))
    }
}

/// The components below the root; `..` stops at it.
fn virtual_path(path: &str) -> Vec<&str> {
    let mut components = Vec::new();
    for component in Path::new(path).components() {
        match component {
            Component::ParentDir => {
                components.pop();
            }
            Component::Normal(name) => components.extend(name.to_str()),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    components
}

fn take_string(rest: &mut &[u8]) -> Option<String> {
    let (length, tail) = rest.split_first_chunk::<4>()?;
    let (text, tail) = tail.split_at_checked(u32::from_be_bytes(*length) as usize)?;
    *rest = tail;
    String::from_utf8(text.to_vec()).ok()
}

fn done(id: u32) -> Status {
    Status {
        id,
        status_code: StatusCode::Ok,
        error_message: "Success".to_owned(),
        language_tag: String::new(),
    }
}

fn reply(error: io::Error) -> StatusReply {
    let code = match error.kind() {
        io::ErrorKind::NotFound => StatusCode::NoSuchFile,
        io::ErrorKind::PermissionDenied => StatusCode::PermissionDenied,
        _ => StatusCode::Failure,
    };
    code.with_message(error.to_string())
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode & 0o7777))
}

#[cfg(not(unix))]
fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    let mut permissions = path.metadata()?.permissions();
    permissions.set_readonly(mode & 0o200 == 0);
    fs::set_permissions(path, permissions)
}

#[cfg(unix)]
fn set_file_mode(file: &DiskFile, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(fs::Permissions::from_mode(mode & 0o7777))
}

#[cfg(not(unix))]
fn set_file_mode(file: &DiskFile, mode: u32) -> io::Result<()> {
    let mut permissions = file.metadata()?.permissions();
    permissions.set_readonly(mode & 0o200 == 0);
    file.set_permissions(permissions)
}

#[cfg(unix)]
fn make_symlink(target: &Path, link: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, link)
}

#[cfg(not(unix))]
fn make_symlink(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

const POSIX_RENAME: &str = "posix-rename@openssh.com";
const HARD_LINK: &str = "hardlink@openssh.com";
const FSYNC: &str = "fsync@openssh.com";

/// As OpenSSH's `limits@openssh.com` says; what a client's packet may hold is bounded by russh-sftp.
const LARGEST_READ: u32 = 261_120;

/// Small enough that tests with a few hundred files see several packets.
const ENTRIES_AT_ONCE: usize = 100;
