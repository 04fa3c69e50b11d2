//! Writing a file: requests go out without waiting for each other, and the end waits for all.

use std::{collections::VecDeque, time::Duration};

use async_trait::async_trait;
use bytes::BytesMut;
use ftp_connect_core::{Error, ErrorKind, Operation, RemotePath, Result, Transferred, WriteBody};
use tokio::{sync::OwnedSemaphorePermit, time::timeout};

use super::{handle::OpenHandle, status};
use crate::{client::Reply, proto::Request};

/// The way of a file's bytes to the server. It holds one chunk; what is under way is bounded by the
/// connection's budget, [`WRITE_BUDGET`](crate::client::WRITE_BUDGET).
#[derive(Debug)]
pub(super) struct Writing {
    handle: OpenHandle,
    path: RemotePath,
    idle: Duration,
    /// How much one request carries.
    chunk: usize,
    buffer: BytesMut,
    /// Where in the file the first byte goes.
    start: u64,
    /// Where in the file the buffer goes.
    offset: u64,
    under_way: VecDeque<Reply>,
    /// Whether some of it was refused, so that the file can no longer become whole.
    failed: bool,
}

impl Writing {
    pub(super) fn new(
        handle: OpenHandle,
        path: RemotePath,
        start: u64,
        chunk: usize,
        idle: Duration,
    ) -> Self {
        Self {
            handle,
            path,
            idle,
            chunk,
            buffer: BytesMut::new(),
            start,
            offset: start,
            under_way: VecDeque::new(),
            failed: false,
        }
    }

    /// Takes the answers that have come.
    fn reap(&mut self) -> Result<()> {
        while let Some(answer) = self.under_way.front_mut().and_then(Reply::now) {
            self.under_way.pop_front();
            status::done(answer?)?;
        }
        Ok(())
    }

    /// Waits for room under the budget. While it waits, answers come in; one that is an error ends
    /// the waiting.
    async fn room(&mut self) -> Result<OwnedSemaphorePermit> {
        loop {
            self.reap()?;
            let client = self.handle.client();
            if let Some(permit) = client.room_now(self.buffer.len()) {
                return Ok(permit);
            }
            match self.under_way.front_mut() {
                Some(front) => {
                    let answer = front.wait(self.idle).await?;
                    self.under_way.pop_front();
                    status::done(answer)?;
                }
                // All of the budget is with transfers that were given up.
                None => {
                    let room = client.room(self.buffer.len());
                    return timeout(self.idle, room).await.map_err(|_| {
                        Error::new(ErrorKind::TimedOut).with_message("the server takes no data")
                    })?;
                }
            }
        }
    }

    fn send(&mut self, permit: OwnedSemaphorePermit) {
        let request = Request::Write {
            handle: self.handle.bytes(),
            offset: self.offset,
            data: &self.buffer,
        };
        let reply = self.handle.client().write(&request, permit);
        self.under_way.push_back(reply);
        self.offset += self.buffer.len() as u64;
        self.buffer.clear();
    }

    async fn take(&mut self, data: &[u8]) -> Result<usize> {
        self.reap()?;
        if self.buffer.len() >= self.chunk {
            let permit = self.room().await?;
            self.send(permit);
        }
        // From here on nothing waits, so that a dropped call has taken no bytes.
        if self.buffer.capacity() == 0 {
            self.buffer
                .reserve(self.chunk.min(data.len().max(FIRST_BUFFER)));
        }
        let length = data.len().min(self.chunk - self.buffer.len());
        self.buffer.extend_from_slice(&data[..length]);
        if self.buffer.len() >= self.chunk
            && let Some(permit) = self.handle.client().room_now(self.buffer.len())
        {
            self.send(permit);
        }
        Ok(length)
    }

    async fn end(mut self) -> Result<Transferred> {
        if self.failed {
            return Err(status::failed_before());
        }
        if !self.buffer.is_empty() {
            let permit = self.room().await?;
            self.send(permit);
        }
        while let Some(front) = self.under_way.front_mut() {
            let answer = front.wait(self.idle).await?;
            self.under_way.pop_front();
            status::done(answer)?;
        }
        // Asked together with the close: the size costs no round trip of its own.
        let mut size = self.handle.attributes();
        let (start, end, idle) = (self.start, self.offset, self.idle);
        self.handle.close(idle).await?;
        let size = match size.wait(idle).await.and_then(status::attributes) {
            Ok(attributes) => attributes.size,
            // A server that cannot tell has confirmed every byte all the same.
            Err(_) => None,
        };
        match size {
            Some(size) if size < end => Err(Error::new(ErrorKind::TransferNotWhole).with_message(
                format!("the server confirmed {end} bytes and the file has {size}"),
            )),
            _ => Ok(Transferred::new(end - start, true)),
        }
    }
}

#[async_trait]
impl WriteBody for Writing {
    async fn write(&mut self, data: &[u8]) -> Result<usize> {
        if data.is_empty() {
            return Ok(0);
        }
        let outcome = if self.failed {
            Err(status::failed_before())
        } else {
            self.take(data).await
        };
        outcome.map_err(|error| {
            // What was not confirmed in time may still be.
            self.failed |= error.kind() != &ErrorKind::TimedOut;
            error.with_operation(Operation::Write).with_path(&self.path)
        })
    }

    async fn finish(self: Box<Self>) -> Result<Transferred> {
        let path = self.path.clone();
        self.end()
            .await
            .map_err(|error| error.with_operation(Operation::Write).with_path(&path))
    }
}

/// The first allocation for small writes.
const FIRST_BUFFER: usize = 32 * 1024;
