//! Conveniences over any session: what most programs write again and again.

use async_trait::async_trait;

use crate::{
    Entry, Error, ErrorKind, ListOptions, Operation, ReadOptions, RemotePath, Result, Session,
    StatOptions, Transferred, WriteOptions,
};

/// Conveniences that every [`Session`] has.
#[async_trait]
pub trait SessionExt: Session {
    /// Whether there is something of that name.
    ///
    /// # Errors
    /// Any but [`ErrorKind::NotFound`], which is the answer no.
    async fn exists(&mut self, path: &RemotePath) -> Result<bool> {
        match self.stat(path, StatOptions::default()).await {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == &ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// All entries of a folder at once. Memory grows with the folder: use
    /// [`Session::list`] for large ones.
    ///
    /// # Errors
    /// As [`Session::list`] and its body.
    async fn list_all(&mut self, path: &RemotePath) -> Result<Vec<Entry>> {
        let mut listing = self.list(path, ListOptions::default()).await?;
        let mut entries = Vec::new();
        while let Some(entry) = listing.next().await? {
            entries.push(entry);
        }
        listing.finish().await?;
        Ok(entries)
    }

    /// A whole file in memory, at most `limit` bytes.
    ///
    /// # Errors
    /// [`ErrorKind::LimitExceeded`] if the file is larger; as [`Session::read`] and its body.
    async fn read_to_vec(&mut self, path: &RemotePath, limit: u64) -> Result<Vec<u8>> {
        let mut body = self.read(path, ReadOptions::default()).await?;
        let mut content = Vec::new();
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let n = body.read(&mut buffer).await?;
            if n == 0 {
                break;
            }
            content.extend_from_slice(&buffer[..n]);
            if content.len() as u64 > limit {
                body.finish().await?;
                return Err(Error::new(ErrorKind::LimitExceeded)
                    .with_operation(Operation::Read)
                    .with_path(path)
                    .with_message(format!("the file has more than {limit} bytes")));
            }
        }
        if !body.finish().await?.to_end {
            return Err(Error::new(ErrorKind::TransferNotWhole)
                .with_operation(Operation::Read)
                .with_path(path)
                .with_message("the end of the file was not reached"));
        }
        Ok(content)
    }

    /// Writes a whole file from memory.
    ///
    /// # Errors
    /// As [`Session::write`] and its body.
    async fn write_all(
        &mut self,
        path: &RemotePath,
        mut content: &[u8],
        options: WriteOptions,
    ) -> Result<Transferred> {
        let mut body = self
            .write(path, options.with_size_hint(content.len() as u64))
            .await?;
        while !content.is_empty() {
            let n = body.write(content).await?;
            content = &content[n..];
        }
        body.finish().await
    }
}

impl<S: Session + ?Sized> SessionExt for S {}
