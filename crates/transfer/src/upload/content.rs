//! What an upload sends, and where that is read.
//!
//! A file is read on a thread that may wait for the disk, into buffers that are handed to it and back, so that no byte
//! is copied on its way.

use std::{
    fs::File,
    io::{Error, ErrorKind, Read as _, Result},
    sync::Arc,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    task::spawn_blocking,
};

pub(super) enum Content<'c> {
    Stream(&'c mut (dyn AsyncRead + Send + Unpin)),
    /// From where it stands.
    File(Arc<File>),
}

impl Content<'_> {
    /// Reads what there is by now, but at most what fits, and gives the buffer back with how much is in it: nothing at
    /// the end.
    ///
    /// # Errors
    /// When it cannot be read.
    ///
    /// # Cancel safety
    /// Not cancel safe: what is being read is lost.
    pub(super) async fn read(&mut self, mut buffer: Vec<u8>) -> Result<(Vec<u8>, usize)> {
        match self {
            Self::Stream(stream) => {
                let length = stream.read(&mut buffer).await?;
                Ok((buffer, length))
            }
            Self::File(file) => {
                let file = Arc::clone(file);
                let reading = spawn_blocking(move || {
                    loop {
                        match (&*file).read(&mut buffer) {
                            Err(error) if error.kind() == ErrorKind::Interrupted => {}
                            read => return read.map(|length| (buffer, length)),
                        }
                    }
                });
                reading.await.map_err(Error::other)?
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    /// Reads all with two buffers of this size.
    async fn all_of(content: &mut Content<'_>, piece: usize) -> Result<Vec<u8>> {
        let (mut all, mut spare) = (Vec::new(), vec![0; piece]);
        let (mut now, mut length) = content.read(vec![0; piece]).await?;
        while length > 0 {
            let (next, follows) = content.read(spare).await?;
            all.extend_from_slice(&now[..length]);
            spare = std::mem::replace(&mut now, next);
            length = follows;
        }
        Ok(all)
    }

    #[tokio::test]
    async fn pieces_of_any_size_arrive_in_their_order() {
        let all: Vec<u8> = (0..5000u32).map(|n| n.to_le_bytes()[0]).collect();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        std::fs::write(&path, &all).unwrap();
        for piece in [1, 7, 64, 2500, 5000, 5001, 1 << 16] {
            let mut file = Content::File(Arc::new(File::open(&path).unwrap()));
            assert_eq!(all_of(&mut file, piece).await.unwrap(), all, "{piece}");
            let mut stream = Content::Stream(&mut &*all);
            assert_eq!(all_of(&mut stream, piece).await.unwrap(), all, "{piece}");
        }
    }

    #[tokio::test]
    async fn a_file_that_grows_goes_on() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let mut content = Content::File(Arc::new(File::open(file.path()).unwrap()));
        for bytes in [&b"one"[..], b"two", b""] {
            file.write_all(bytes).unwrap();
            let (buffer, length) = content.read(vec![0; 10]).await.unwrap();
            assert_eq!(&buffer[..length], bytes);
        }
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn the_bytes_of_a_pipe_are_not_kept_back() {
        let (from, mut to) = std::io::pipe().unwrap();
        let from = File::from(std::os::fd::OwnedFd::from(from));
        let mut content = Content::File(Arc::new(from));
        for bytes in [&b"one"[..], b"two"] {
            to.write_all(bytes).unwrap();
            let (buffer, length) = content.read(vec![0; 10]).await.unwrap();
            assert_eq!(&buffer[..length], bytes);
        }
        drop(to);
        assert_eq!(content.read(vec![0; 10]).await.unwrap().1, 0);
    }

    #[tokio::test]
    async fn a_failure_is_told_and_stays() {
        let write_only = tempfile::NamedTempFile::new().unwrap();
        let write_only = File::options().write(true).open(write_only.path()).unwrap();
        let mut content = Content::File(Arc::new(write_only));
        content.read(vec![0; 10]).await.unwrap_err();
        content.read(vec![0; 10]).await.unwrap_err();
    }
}
