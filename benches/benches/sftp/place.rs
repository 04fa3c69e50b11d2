//! Where the measurements take place: the way to the server, and the files.

use std::{
    fs,
    io::Read as _,
    net::SocketAddr,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use ftp_connect_benches::process::Outcome;
use ftp_connect_testkit::lab::LabServer;

use super::{delay::Delay, measure::MIB};

/// The way to the server.
pub(crate) struct Line {
    pub(crate) addr: SocketAddr,
    _delay: Option<Delay>,
}

impl Line {
    pub(crate) fn new(server: &LabServer, round_trip_ms: u64) -> Outcome<Self> {
        let addr = SocketAddr::new(server.host.parse()?, server.port);
        if round_trip_ms == 0 {
            return Ok(Self { addr, _delay: None });
        }
        let delay = Delay::start(addr, Duration::from_millis(round_trip_ms))?;
        Ok(Self {
            addr: delay.addr,
            _delay: Some(delay),
        })
    }
}

/// A folder in memory for both sides, which the server's user may write to.
pub(crate) struct Place {
    pub(crate) folder: tempfile::TempDir,
}

impl Place {
    pub(crate) fn new() -> Outcome<Self> {
        let base = Path::new("/dev/shm");
        let base = if base.is_dir() {
            base.to_owned()
        } else {
            std::env::temp_dir()
        };
        let folder = tempfile::Builder::new()
            .prefix("ftp-connect-bench-")
            .tempdir_in(base)?;
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777))?;
        Ok(Self { folder })
    }

    /// A name with nothing there.
    pub(crate) fn target(&self) -> Outcome<PathBuf> {
        let target = self.folder.path().join("target");
        if target.is_dir() {
            fs::remove_dir_all(&target)?;
        } else if target.exists() {
            fs::remove_file(&target)?;
        }
        Ok(target)
    }

    pub(crate) fn check(&self, size: u64) -> Outcome {
        let found = fs::metadata(self.folder.path().join("target"))?.len();
        if found == size {
            Ok(())
        } else {
            Err(format!("{found} bytes instead of {size}").into())
        }
    }

    /// Whether the target has the bytes of this file.
    pub(crate) fn check_same(&self, source: &Path) -> Outcome {
        let (mut one, mut other) = (
            fs::File::open(source)?,
            fs::File::open(self.folder.path().join("target"))?,
        );
        let (mut left, mut right) = (Vec::new(), Vec::new());
        loop {
            one.by_ref().take(MIB).read_to_end(&mut left)?;
            other.by_ref().take(MIB).read_to_end(&mut right)?;
            if left != right {
                return Err("other bytes came than went".into());
            }
            if left.is_empty() {
                return Ok(());
            }
            left.clear();
            right.clear();
        }
    }

    pub(crate) fn check_folder(&self, files: usize) -> Outcome {
        let mut folder = self.folder.path().join("target");
        if folder.join("small").is_dir() {
            folder = folder.join("small");
        }
        let found = fs::read_dir(folder)?.count();
        if found == files {
            Ok(())
        } else {
            Err(format!("{found} files instead of {files}").into())
        }
    }

    /// A file of bytes that are not all the same.
    pub(crate) fn file(&self, name: &str, size: u64) -> Outcome<PathBuf> {
        let path = self.folder.path().join(name);
        if !fs::metadata(&path).is_ok_and(|file| file.len() == size) {
            let block: Vec<u8> = (0..MIB)
                .map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8)
                .collect();
            let mut file = fs::File::create(&path)?;
            for _ in 0..size.div_ceil(MIB) {
                std::io::Write::write_all(&mut file, &block)?;
            }
            file.set_len(size)?;
        }
        Ok(path)
    }

    /// A file of nothing.
    pub(crate) fn sparse(&self, name: &str, size: u64) -> Outcome<PathBuf> {
        let path = self.folder.path().join(name);
        fs::File::create(&path)?.set_len(size)?;
        Ok(path)
    }

    pub(crate) fn folder(&self, name: &str, files: usize, size: usize) -> Outcome<PathBuf> {
        let path = self.folder.path().join(name);
        if !path.exists() {
            fs::create_dir(&path)?;
            for n in 0..files {
                fs::write(path.join(format!("file-{n:03}")), vec![n as u8; size])?;
            }
        }
        Ok(path)
    }
}
