//! Writing to a file while the next bytes are read, on a thread that may wait for the disk.
//!
//! Two buffers are handed to and fro, so that no byte is copied on its way. What comes in small pieces, as over a long
//! line, is written together, but never kept for long.

use std::{
    fs::File,
    io::{Error, Result, Write as _},
    mem,
    sync::Arc,
    time::Duration,
};

use tokio::{
    task::{JoinHandle, spawn_blocking},
    time::Instant,
};

/// Writes where the file stands.
#[derive(Debug)]
pub(crate) struct Writer {
    file: Arc<File>,
    /// What is being filled, and how far.
    piece: Vec<u8>,
    len: usize,
    other: Other,
    /// When the last piece was handed over.
    since: Instant,
}

/// The other buffer.
#[derive(Debug)]
enum Other {
    Empty(Vec<u8>),
    Writing(JoinHandle<(Vec<u8>, Result<()>)>),
    /// After a failure.
    Lost,
}

impl Writer {
    /// Writes this much at a time.
    pub(crate) fn new(file: File, piece: usize) -> Self {
        Self {
            file: Arc::new(file),
            piece: vec![0; piece],
            len: 0,
            other: Other::Empty(vec![0; piece]),
            since: Instant::now(),
        }
    }

    /// Where the next bytes are put.
    pub(crate) fn room(&mut self) -> &mut [u8] {
        &mut self.piece[self.len..]
    }

    /// Takes as many bytes as have been put there.
    ///
    /// # Errors
    /// When those before could not be written.
    pub(crate) async fn filled(&mut self, bytes: usize) -> Result<()> {
        self.len += bytes;
        if self.room().len() <= self.piece.len() / 4 || self.since.elapsed() >= LONGEST {
            self.hand_over().await?;
        }
        Ok(())
    }

    /// Waits until all is written.
    ///
    /// # Errors
    /// When it could not be.
    pub(crate) async fn finish(&mut self) -> Result<()> {
        if self.len > 0 {
            self.hand_over().await?;
        }
        self.written().await
    }

    async fn hand_over(&mut self) -> Result<()> {
        self.written().await?;
        let Other::Empty(empty) = mem::replace(&mut self.other, Other::Lost) else {
            return Err(Error::other("a write before this one failed"));
        };
        let piece = mem::replace(&mut self.piece, empty);
        let (file, len) = (Arc::clone(&self.file), mem::take(&mut self.len));
        self.other = Other::Writing(spawn_blocking(move || {
            let written = (&*file).write_all(&piece[..len]);
            (piece, written)
        }));
        self.since = Instant::now();
        Ok(())
    }

    async fn written(&mut self) -> Result<()> {
        if let Other::Writing(writing) = &mut self.other {
            let (piece, written) = writing.await.map_err(Error::other)?;
            self.other = Other::Lost;
            written?;
            self.other = Other::Empty(piece);
        }
        Ok(())
    }
}

/// How long bytes may wait for others to be written with.
const LONGEST: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Seek as _};

    use super::*;

    async fn put(writer: &mut Writer, bytes: &[u8]) -> Result<()> {
        let mut left = bytes;
        while !left.is_empty() {
            let room = writer.room();
            let count = room.len().min(left.len());
            room[..count].copy_from_slice(&left[..count]);
            left = &left[count..];
            writer.filled(count).await?;
        }
        Ok(())
    }

    fn content(file: &mut File) -> Vec<u8> {
        let mut content = Vec::new();
        file.rewind().unwrap();
        file.read_to_end(&mut content).unwrap();
        content
    }

    #[tokio::test]
    async fn pieces_of_any_size_arrive_in_their_order() {
        let all: Vec<u8> = (0..5000u32).map(|n| n.to_le_bytes()[0]).collect();
        for (piece, at_once) in [(1, 7), (8, 3), (100, 100), (64, 1000), (1 << 16, 999)] {
            let mut file = tempfile::tempfile().unwrap();
            let mut writer = Writer::new(file.try_clone().unwrap(), piece);
            for bytes in all.chunks(at_once) {
                put(&mut writer, bytes).await.unwrap();
            }
            writer.finish().await.unwrap();
            assert_eq!(content(&mut file), all, "{piece} {at_once}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_slowly_is_not_kept() {
        let mut file = tempfile::tempfile().unwrap();
        let mut writer = Writer::new(file.try_clone().unwrap(), 1000);
        put(&mut writer, b"one ").await.unwrap();
        tokio::time::advance(LONGEST).await;
        put(&mut writer, b"two ").await.unwrap();
        writer.written().await.unwrap();
        assert_eq!(content(&mut file), b"one two ");
    }

    #[tokio::test]
    async fn a_failure_is_told_and_stays() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("x"), "").unwrap();
        let read_only = File::open(folder.path().join("x")).unwrap();
        let mut writer = Writer::new(read_only, 4);
        put(&mut writer, b"content").await.unwrap_err();
        writer.finish().await.unwrap_err();
    }
}
