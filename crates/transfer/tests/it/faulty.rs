//! A session with a fault.

use async_trait::async_trait;
use ftp_connect_core::{
    Capabilities, ConnectReport, Entry, Error, ErrorKind, ListOptions, Listing, ReadBody,
    ReadOptions, RemotePath, Result, Session, StatOptions, Transferred, WriteBody, WriteOptions,
};

#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    /// Files have one byte less than the server said.
    Shorter,
    /// The connection breaks after the first bytes.
    Breaks,
    /// All bytes come, and the server then says that the transfer failed.
    NotConfirmed,
    /// All bytes come, and the end of the file was not seen.
    EndsEarly,
    /// Nothing comes after the first bytes.
    Hangs,
}

/// A session with a fault.
#[derive(Debug)]
pub(crate) struct Faulty {
    pub(crate) inner: Box<dyn Session>,
    pub(crate) fault: Fault,
}

#[async_trait]
impl Session for Faulty {
    fn report(&self) -> &ConnectReport {
        self.inner.report()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn stat(&mut self, path: &RemotePath, options: StatOptions) -> Result<Entry> {
        let mut entry = self.inner.stat(path, options).await?;
        if let Fault::Shorter = self.fault {
            entry.size = entry.size.map(|size| size + 1);
        }
        Ok(entry)
    }

    async fn list<'s>(
        &'s mut self,
        path: &RemotePath,
        options: ListOptions,
    ) -> Result<Box<dyn Listing + 's>> {
        self.inner.list(path, options).await
    }

    async fn read<'s>(
        &'s mut self,
        path: &RemotePath,
        options: ReadOptions,
    ) -> Result<Box<dyn ReadBody + 's>> {
        let inner = self.inner.read(path, options).await?;
        Ok(Box::new(FaultyBody {
            inner,
            fault: self.fault,
            begun: false,
        }))
    }

    async fn write<'s>(
        &'s mut self,
        path: &RemotePath,
        options: WriteOptions,
    ) -> Result<Box<dyn WriteBody + 's>> {
        self.inner.write(path, options).await
    }

    async fn close(self: Box<Self>) -> Result<()> {
        self.inner.close().await
    }
}

#[derive(Debug)]
struct FaultyBody<'s> {
    inner: Box<dyn ReadBody + 's>,
    fault: Fault,
    begun: bool,
}

#[async_trait]
impl ReadBody for FaultyBody<'_> {
    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        match self.fault {
            Fault::Breaks if self.begun => return Err(Error::new(ErrorKind::Closed)),
            Fault::Hangs if self.begun => std::future::pending().await,
            _ => self.begun = true,
        }
        let room = buffer.len().min(1000);
        self.inner.read(&mut buffer[..room]).await
    }

    async fn finish(self: Box<Self>) -> Result<Transferred> {
        match self.fault {
            Fault::NotConfirmed => Err(Error::new(ErrorKind::TransferNotWhole)),
            Fault::EndsEarly => {
                let whole = self.inner.finish().await?;
                Ok(Transferred::new(whole.bytes, false))
            }
            _ => self.inner.finish().await,
        }
    }
}
