//! Reading a file: many requests under way, taken in their order, gaps filled.
//!
//! How far ahead is asked: to the size that the server told and one request beyond, and not more than
//! the [`Pace`] allows; where there is no size, two requests at first, doubling while data comes. So a
//! small file takes one round trip after it was opened, and a large one soon keeps the line full.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use bytes::Bytes;
use ftp_connect_core::{
    Error, ErrorKind, Operation, ReadBody, ReadOptions, RemotePath, Result, Transferred,
};

use super::{handle::OpenHandle, listing::is_dir, pace::Pace, status};
use crate::client::Reply;

/// The bytes of a file on their way here. What it holds is bounded by its [`Pace`].
#[derive(Debug)]
pub(super) struct Reading {
    handle: OpenHandle,
    path: RemotePath,
    idle: Duration,
    /// How much one request asks for.
    chunk: u32,
    /// Where the next request begins.
    next: u64,
    /// Where to stop at the latest.
    limit: Option<u64>,
    /// What the server said of the file when it was opened.
    about: About,
    under_way: VecDeque<Piece>,
    pace: Pace,
    /// How many requests may be under way beyond the known size.
    blind: usize,
    ready: Bytes,
    /// Bytes handed out, counted from the first one asked for.
    read: u64,
    start: u64,
    ended: bool,
    /// Whether bytes are missing, so that nothing after them may be handed out.
    failed: bool,
}

/// The file's attributes, asked for together with its first bytes.
#[derive(Debug)]
enum About {
    Asked(Reply),
    Size(Option<u64>),
}

#[derive(Debug)]
struct Piece {
    offset: u64,
    length: u32,
    asked: Instant,
    reply: Reply,
}

impl Reading {
    pub(super) fn new(
        handle: OpenHandle,
        path: RemotePath,
        options: ReadOptions,
        chunk: u32,
        idle: Duration,
    ) -> Self {
        let about = About::Asked(handle.attributes());
        let mut this = Self {
            handle,
            path,
            idle,
            chunk,
            next: options.offset,
            limit: options
                .length
                .map(|length| options.offset.saturating_add(length)),
            about,
            under_way: VecDeque::new(),
            pace: Pace::new(),
            blind: FIRST_BLIND,
            ready: Bytes::new(),
            read: 0,
            start: options.offset,
            ended: false,
            failed: false,
        };
        this.ask();
        this
    }

    /// Sends requests while the window has room.
    fn ask(&mut self) {
        let most = (self.pace.window() / self.chunk as usize).clamp(1, MOST_REQUESTS);
        while self.under_way.len() < most {
            let (beyond, enough) = match self.about {
                // One request at the end of the file asks whether it is the end.
                About::Size(Some(size)) => (self.next >= size, self.next > size),
                _ => (true, self.under_way.len() >= self.blind),
            };
            if enough {
                break;
            }
            let left = self
                .limit
                .map_or(u64::MAX, |limit| limit.saturating_sub(self.next));
            let mut length = u64::from(self.chunk).min(left);
            if let (About::Size(Some(size)), false) = (&self.about, beyond) {
                length = length.min(size - self.next);
            }
            if length == 0 {
                break;
            }
            let length = length as u32;
            let piece = self.piece(self.next, length);
            self.under_way.push_back(piece);
            self.next += u64::from(length);
        }
    }

    fn piece(&self, offset: u64, length: u32) -> Piece {
        Piece {
            offset,
            length,
            asked: Instant::now(),
            reply: self.handle.read(offset, length),
        }
    }

    /// Waits for the next bytes in order; false at the end.
    ///
    /// Cancel safe: what was awaited stays at the front until it has come.
    async fn advance(&mut self) -> Result<bool> {
        let Some(front) = self.under_way.front_mut() else {
            // The limit is reached, or nothing was asked for.
            return Ok(false);
        };
        let response = front.reply.wait(self.idle).await?;
        let Some(piece) = self.under_way.pop_front() else {
            return Ok(false);
        };
        self.learn_size(false).await?;
        let Some(data) = status::data(response)? else {
            self.ended = true;
            self.under_way.clear();
            return Ok(false);
        };
        let length = data.len() as u64;
        if length > u64::from(piece.length) || length == 0 {
            return Err(Error::new(ErrorKind::Protocol)
                .with_message("the server answered a read with more than was asked, or nothing"));
        }
        self.pace.answered(piece.asked, Instant::now(), data.len());
        if let About::Size(Some(size)) = self.about
            && piece.offset >= size
        {
            // The file goes on where it should end: its size says nothing.
            self.about = About::Size(None);
        }
        let end = piece.offset + length;
        let at_size = matches!(self.about, About::Size(Some(size)) if size == end);
        if length == u64::from(piece.length) {
            self.blind = (self.blind * 2).min(MOST_REQUESTS);
        } else if at_size {
            // All that the server says there is: asking for more would cost a round trip.
            self.ended = true;
            self.under_way.clear();
        } else {
            // A short answer is legal: the gap is asked for at once, and if it came from a limit of
            // the server, later requests respect it.
            let gap = self.piece(end, piece.length - length as u32);
            self.under_way.push_front(gap);
            if piece.length == self.chunk {
                self.chunk = (length as u32).max(LEAST_CHUNK);
            }
        }
        self.ready = data;
        if !self.ended {
            self.ask();
        }
        Ok(true)
    }

    /// Takes the file's attributes in, if they have come, or waits for them.
    async fn learn_size(&mut self, wait: bool) -> Result<()> {
        let About::Asked(reply) = &mut self.about else {
            return Ok(());
        };
        let outcome = match (reply.now(), wait) {
            (Some(outcome), _) => outcome,
            (None, true) => reply.wait(self.idle).await,
            (None, false) => return Ok(()),
        };
        // A server that cannot say it lets us read all the same.
        let known = status::attributes(outcome?).ok();
        if known.is_some_and(|known| is_dir(&known)) {
            return Err(Error::new(ErrorKind::IsADirectory));
        }
        self.about = About::Size(known.and_then(|known| known.size));
        self.ask();
        Ok(())
    }

    /// OpenSSH opens folders like files and then fails to read them without a reason.
    async fn explain(&mut self, error: Error) -> Error {
        let error = if status::says_nothing(&error) {
            match self.learn_size(true).await {
                Err(better) if better.kind() == &ErrorKind::IsADirectory => better,
                _ => error,
            }
        } else {
            error
        };
        error.with_operation(Operation::Read).with_path(&self.path)
    }

    /// Waits until something is ready, or the end is reached.
    ///
    /// Cancel safe.
    async fn fill(&mut self) -> Result<()> {
        if self.failed {
            return Err(self.fail(status::failed_before()));
        }
        while self.ready.is_empty() && !self.ended {
            match self.advance().await {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    // What has not come in time may still come; anything else leaves a gap.
                    self.failed = error.kind() != &ErrorKind::TimedOut;
                    return Err(self.explain(error).await);
                }
            }
        }
        Ok(())
    }

    /// All of it from here on, at most `limit` bytes.
    pub(super) async fn whole(mut self: Box<Self>, limit: u64) -> Result<Vec<u8>> {
        let mut content = Vec::new();
        loop {
            self.fill().await?;
            let ready = std::mem::take(&mut self.ready);
            if ready.is_empty() {
                break;
            }
            self.read += ready.len() as u64;
            content.extend_from_slice(&ready);
        }
        if self.read > limit {
            let error = Error::new(ErrorKind::LimitExceeded)
                .with_message(format!("the file has more than {limit} bytes"));
            return Err(self.fail(error));
        }
        self.finish().await?;
        Ok(content)
    }

    fn fail(&self, error: Error) -> Error {
        error.with_operation(Operation::Read).with_path(&self.path)
    }

    /// Whether the file ended before the size the server tells now.
    async fn is_cut(&self) -> bool {
        let end = self.start + self.read;
        let mut reply = self.handle.attributes();
        match reply.wait(self.idle).await.and_then(status::attributes) {
            Ok(attributes) => attributes.size.is_some_and(|size| size > end),
            Err(_) => false,
        }
    }
}

#[async_trait]
impl ReadBody for Reading {
    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        self.fill().await?;
        let length = buffer.len().min(self.ready.len());
        buffer[..length].copy_from_slice(&self.ready.split_to(length));
        self.read += length as u64;
        Ok(length)
    }

    async fn finish(mut self: Box<Self>) -> Result<Transferred> {
        if self.failed {
            return Err(self.fail(status::failed_before()));
        }
        let (read, ended) = (self.read, self.ended && self.ready.is_empty());
        self.under_way.clear();
        let at_size = match self.about {
            About::Size(Some(size)) => self.start + read == size,
            _ => false,
        };
        if ended && !at_size && self.is_cut().await {
            let error = Error::new(ErrorKind::TransferNotWhole).with_message(format!(
                "the file ended after {read} bytes, before the size that the server tells"
            ));
            return Err(self.fail(error));
        }
        // Dropping the handle closes it. The word on that is not waited for: it says nothing of what was read,
        // and would cost a round trip for each file.
        Ok(Transferred::new(read, ended || at_size))
    }
}

/// Requests under way at most, whatever their size.
const MOST_REQUESTS: usize = 512;

/// Requests sent before anything is known: one for the content of a small file, one for its end.
const FIRST_BLIND: usize = 2;

/// A server that answers with less than this at a time is slow whatever one does.
const LEAST_CHUNK: u32 = 4 * 1024;
