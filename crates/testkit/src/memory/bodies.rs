//! The bodies of transfers in memory.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use ftp_connect_core::{
    Entry, ListSummary, Listing, Operation, ReadBody, ReadOptions, RemotePath, Result, Transferred,
    WriteBody,
};

use super::tree::{Node, Tree};
use super::{failure, lock};

#[derive(Debug)]
pub(super) struct MemoryListing {
    entries: std::vec::IntoIter<Entry>,
    count: u64,
}

impl MemoryListing {
    pub(super) fn new(entries: Vec<Entry>) -> Self {
        Self {
            count: entries.len() as u64,
            entries: entries.into_iter(),
        }
    }
}

#[async_trait]
impl Listing for MemoryListing {
    async fn next(&mut self) -> Result<Option<Entry>> {
        Ok(self.entries.next())
    }

    async fn finish(self: Box<Self>) -> Result<ListSummary> {
        let mut summary = ListSummary::default();
        summary.entries = self.count;
        Ok(summary)
    }
}

#[derive(Debug)]
pub(super) struct MemoryRead {
    content: Vec<u8>,
    start: usize,
    at: usize,
    end: usize,
}

impl MemoryRead {
    pub(super) fn new(content: Vec<u8>, options: ReadOptions) -> Self {
        let size = content.len();
        let within = |at: u64| usize::try_from(at).map_or(size, |at| at.min(size));
        let start = within(options.offset);
        let end = options
            .length
            .map_or(size, |length| within(options.offset.saturating_add(length)));
        Self {
            content,
            start,
            at: start,
            end,
        }
    }
}

#[async_trait]
impl ReadBody for MemoryRead {
    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let count = buffer.len().min(self.end - self.at);
        buffer[..count].copy_from_slice(&self.content[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }

    async fn finish(self: Box<Self>) -> Result<Transferred> {
        let bytes = (self.at - self.start) as u64;
        Ok(Transferred::new(bytes, self.at == self.content.len()))
    }
}

#[derive(Debug)]
pub(super) struct MemoryWrite<'s> {
    files: &'s Arc<Mutex<Tree>>,
    path: RemotePath,
    content: Vec<u8>,
    written: u64,
}

impl<'s> MemoryWrite<'s> {
    pub(super) fn new(files: &'s Arc<Mutex<Tree>>, path: RemotePath, kept: Vec<u8>) -> Self {
        Self {
            files,
            path,
            content: kept,
            written: 0,
        }
    }
}

#[async_trait]
impl WriteBody for MemoryWrite<'_> {
    async fn write(&mut self, data: &[u8]) -> Result<usize> {
        self.content.extend_from_slice(data);
        self.written += data.len() as u64;
        Ok(data.len())
    }

    async fn finish(self: Box<Self>) -> Result<Transferred> {
        let outcome = lock(self.files).put(&self.path, Node::file(self.content));
        outcome.map_err(|kind| failure(kind, Operation::Write, &self.path))?;
        Ok(Transferred::new(self.written, true))
    }
}
