//! Writing a file: requests go out without waiting for each other, and the end waits for all.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use bytes::BytesMut;
use ftp_connect_core::{
    Error, ErrorKind, Operation, Permissions, RemotePath, Result, Transferred, WriteBody,
    WriteOptions,
};
use tokio::{sync::OwnedSemaphorePermit, time::timeout};

use super::{attributes, handle::OpenHandle, listing::may_be_file, pace::Pace, status, wire};
use crate::{
    client::Reply,
    proto::{Attributes, Request},
};

/// The way of a file's bytes to the server. It holds one chunk; what is under way is bounded by its [`Pace`],
/// and over all transfers of a channel by [`WRITE_BUDGET`](crate::client::WRITE_BUDGET).
#[derive(Debug)]
pub(super) struct Writing {
    handle: OpenHandle,
    target: Target,
    idle: Duration,
    /// How much one request carries.
    chunk: usize,
    /// Whether the server brings a file to its disk when asked.
    can_sync: bool,
    buffer: BytesMut,
    /// Where in the file the buffer goes.
    offset: u64,
    under_way: VecDeque<Piece>,
    /// Bytes under way.
    unconfirmed: usize,
    pace: Pace,
    /// Whether some of it was refused, so that the file can no longer become whole.
    failed: bool,
}

/// What is written, and how.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) path: RemotePath,
    /// The path as the server is to hear it.
    pub(super) here: RemotePath,
    /// Where in the file the first byte goes.
    pub(super) start: u64,
    pub(super) options: WriteOptions,
}

#[derive(Debug)]
struct Piece {
    length: usize,
    sent: Instant,
    reply: Reply,
}

impl Writing {
    pub(super) fn new(
        handle: OpenHandle,
        target: Target,
        chunk: usize,
        can_sync: bool,
        idle: Duration,
    ) -> Self {
        Self {
            handle,
            idle,
            chunk,
            can_sync,
            buffer: BytesMut::new(),
            offset: target.start,
            target,
            under_way: VecDeque::new(),
            unconfirmed: 0,
            pace: Pace::new(),
            failed: false,
        }
    }

    /// Takes the answers that have come.
    fn reap(&mut self) -> Result<()> {
        while let Some(answer) = self.under_way.front_mut().and_then(|one| one.reply.now()) {
            self.confirm(answer)?;
        }
        Ok(())
    }

    /// Waits for the answer to what was sent first; false if nothing is under way.
    async fn wait_for_one(&mut self) -> Result<bool> {
        let Some(front) = self.under_way.front_mut() else {
            return Ok(false);
        };
        let answer = front.reply.wait(self.idle).await?;
        self.confirm(Ok(answer))?;
        Ok(true)
    }

    fn confirm(&mut self, answer: Result<crate::proto::Response>) -> Result<()> {
        if let Some(piece) = self.under_way.pop_front() {
            self.unconfirmed -= piece.length;
            self.pace.answered(piece.sent, Instant::now(), piece.length);
        }
        status::done(answer?)
    }

    /// Room for the buffer, if it is there now.
    fn room_now(&self) -> Option<OwnedSemaphorePermit> {
        let length = self.buffer.len();
        let fits = self.unconfirmed == 0 || self.unconfirmed + length <= self.pace.window();
        fits.then(|| self.handle.client().room_now(length))
            .flatten()
    }

    /// Waits for room for the buffer. While it waits, answers come in; one that is an error ends the waiting.
    async fn room(&mut self) -> Result<OwnedSemaphorePermit> {
        loop {
            self.reap()?;
            if let Some(permit) = self.room_now() {
                return Ok(permit);
            }
            if !self.wait_for_one().await? {
                // All of the budget is with transfers that were given up.
                let room = self.handle.client().room(self.buffer.len());
                return timeout(self.idle, room).await.map_err(|_| {
                    Error::new(ErrorKind::TimedOut).with_message("the server takes no data")
                })?;
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
        let length = self.buffer.len();
        self.under_way.push_back(Piece {
            length,
            sent: Instant::now(),
            reply,
        });
        self.unconfirmed += length;
        self.offset += length as u64;
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
            && let Some(permit) = self.room_now()
        {
            self.send(permit);
        }
        Ok(length)
    }

    /// Sends what is in the buffer.
    async fn flush(&mut self) -> Result<()> {
        if self.failed {
            return Err(status::failed_before());
        }
        if !self.buffer.is_empty() {
            let permit = self.room().await?;
            self.send(permit);
        }
        Ok(())
    }

    async fn bring_to_disk(&mut self) -> Result<()> {
        if !self.can_sync {
            return Err(Error::new(ErrorKind::Unsupported));
        }
        self.flush().await?;
        // Servers that work on several requests at once would bring to disk what has come so far.
        while self.wait_for_one().await? {}
        let mut synced = self
            .handle
            .client()
            .request(&Request::FSync(self.handle.bytes()));
        status::done(synced.wait(self.idle).await?)
    }

    async fn end(mut self) -> Result<Transferred> {
        self.flush().await?;
        let idle = self.idle;
        let wanted = self.attributes();
        if wanted.is_some() {
            // A file that is not whole must not get the time of the one that is.
            while self.wait_for_one().await? {}
        }
        let client = self.handle.client().clone();
        let setting = wanted.map(|attributes| {
            client.request(&Request::FSetStat {
                handle: self.handle.bytes(),
                attributes,
            })
        });
        // Neither waits for the last of the data: the close does at the server, and the size is asked for
        // after it, by the path, since servers may answer it too early on the open file.
        let incomplete = self.attributes_incomplete();
        let (Target { here, start, .. }, end) = (self.target, self.offset);
        let mut under_way = self.under_way;
        let mut closing = self.handle.send_close();
        let mut known = client.request(&Request::Stat(wire(&here)));
        while let Some(front) = under_way.front_mut() {
            status::done(front.reply.wait(idle).await?)?;
            under_way.pop_front();
        }
        status::done(closing.wait(idle).await?)?;
        // A server that cannot tell has confirmed every byte all the same, and what is no file keeps none.
        let known = known.wait(idle).await.and_then(status::attributes);
        let size = known.ok().filter(may_be_file).and_then(|known| known.size);
        if let Some(size) = size
            && size < end
        {
            return Err(
                Error::new(ErrorKind::TransferNotWhole).with_message(format!(
                    "the server confirmed {end} bytes and the file has {size}"
                )),
            );
        }
        let set = match setting {
            Some(mut setting) => {
                let answer = setting.wait(idle).await;
                Some(answer.and_then(status::done).is_ok() && !incomplete)
            }
            None => incomplete.then_some(false),
        };
        Ok(Transferred::new(end - start, true)
            .with_attributes_set(set)
            .with_size_after(size))
    }

    fn fail(&mut self, error: Error) -> Error {
        // What was not confirmed in time may still be.
        self.failed |= !matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::Unsupported);
        error
            .with_operation(Operation::Write)
            .with_path(&self.target.path)
    }

    /// What is to be set in the end, if it can be said.
    fn attributes(&self) -> Option<Attributes> {
        let times = self.target.options.modified.and_then(|time| {
            let seconds = attributes::seconds(time).ok()?;
            Some((seconds, seconds))
        });
        let permissions = self.target.options.permissions.map(Permissions::mode);
        (times.is_some() || permissions.is_some()).then(|| Attributes {
            permissions,
            times,
            ..Attributes::default()
        })
    }

    /// Whether a time is wanted that cannot be said.
    fn attributes_incomplete(&self) -> bool {
        let mut time = self.target.options.modified.iter();
        time.any(|time| attributes::seconds(*time).is_err())
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
        outcome.map_err(|error| self.fail(error))
    }

    async fn sync(&mut self) -> Result<()> {
        let outcome = self.bring_to_disk().await;
        outcome.map_err(|error| self.fail(error))
    }

    async fn finish(self: Box<Self>) -> Result<Transferred> {
        let path = self.target.path.clone();
        self.end()
            .await
            .map_err(|error| error.with_operation(Operation::Write).with_path(&path))
    }
}

/// The first allocation for small writes.
const FIRST_BUFFER: usize = 32 * 1024;
