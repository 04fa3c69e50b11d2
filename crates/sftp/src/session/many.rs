//! Many small files at once: each is opened, read and closed while the others are.
//!
//! A file needs its handle before it can be read, so that one alone takes two round trips; but sixty-four of them
//! take the same two. At most [`MOST`](super::pace::MOST) bytes and one file are held.

use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use async_trait::async_trait;
use ftp_connect_core::{
    Error, ErrorKind, FileContent, FileContents, Operation, RemotePath, Result,
};
use tokio::time::timeout;

use super::{handle::OpenHandle, listing::is_dir, pace, server::Server, status, wire};
use crate::{
    client::{Client, Reply},
    proto::{Attributes, OpenFlags, Request, Response},
};

/// The files on their way here.
#[derive(Debug)]
pub(super) struct ManyFiles {
    client: Client,
    waiting: VecDeque<RemotePath>,
    under_way: VecDeque<File>,
    /// How many files are under way at once.
    most: usize,
    /// How many bytes a file may have.
    limit: u64,
    chunk: u32,
    idle: Duration,
}

#[derive(Debug)]
struct File {
    path: RemotePath,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Opening(Reply),
    Reading(Box<Reading>),
    Done(Result<Vec<u8>>),
}

#[derive(Debug)]
struct Reading {
    handle: OpenHandle,
    /// The file's attributes, asked for together with its first bytes.
    about: Option<Reply>,
    size: Option<u64>,
    /// The answer that goes on where the content ends.
    next: Reply,
    content: Vec<u8>,
}

impl ManyFiles {
    pub(super) fn new(
        client: &Client,
        server: &Server,
        paths: Vec<RemotePath>,
        limit: u64,
        idle: Duration,
    ) -> Self {
        let fit = pace::MOST as u64 / limit.max(1);
        let most = usize::try_from(fit).unwrap_or(usize::MAX);
        Self {
            client: client.clone(),
            waiting: paths.into(),
            under_way: VecDeque::new(),
            // Others may have files open as well.
            most: most.min(server.open_files / 2).clamp(1, AT_ONCE),
            limit,
            chunk: server.read_chunk,
            idle,
        }
    }

    fn begin(&mut self) {
        while self.under_way.len() < self.most {
            let Some(path) = self.waiting.pop_front() else {
                return;
            };
            let reply = self.client.request(&Request::Open {
                path: wire(&path),
                flags: OpenFlags::READ,
                attributes: Attributes::default(),
            });
            let stage = Stage::Opening(reply);
            self.under_way.push_back(File { path, stage });
        }
    }

    /// Moves all files on; ready when the first of them is done.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let (client, limit, chunk) = (&self.client, self.limit, self.chunk);
        for file in &mut self.under_way {
            file.poll(cx, client, limit, chunk);
        }
        match self.under_way.front() {
            Some(File {
                stage: Stage::Done(_),
                ..
            })
            | None => Poll::Ready(()),
            Some(_) => Poll::Pending,
        }
    }
}

impl File {
    fn poll(&mut self, cx: &mut Context<'_>, client: &Client, limit: u64, chunk: u32) {
        if let Stage::Opening(reply) = &mut self.stage {
            let Poll::Ready(answer) = Pin::new(reply).poll(cx) else {
                return;
            };
            self.stage = match answer.and_then(status::handle) {
                Ok(handle) => {
                    let handle = OpenHandle::new(client, handle);
                    Stage::Reading(Box::new(Reading::new(handle, limit, chunk)))
                }
                Err(error) => Stage::Done(Err(error)),
            };
        }
        if let Stage::Reading(reading) = &mut self.stage
            && let Poll::Ready(outcome) = reading.poll(cx, limit, chunk)
        {
            let content = std::mem::take(&mut reading.content);
            // The handle goes with the stage, and is closed by that.
            self.stage = Stage::Done(outcome.map(|()| content));
        }
    }
}

impl Reading {
    fn new(handle: OpenHandle, limit: u64, chunk: u32) -> Self {
        let about = Some(handle.attributes());
        let length = u32::try_from(limit.saturating_add(1)).unwrap_or(chunk);
        let next = handle.read(0, length.min(chunk));
        Self {
            handle,
            about,
            size: None,
            next,
            content: Vec::new(),
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>, limit: u64, chunk: u32) -> Poll<Result<()>> {
        if let Some(about) = &mut self.about {
            let Poll::Ready(answer) = Pin::new(about).poll(cx) else {
                return Poll::Pending;
            };
            self.about = None;
            // A server that cannot say it lets us read all the same.
            let known = answer.and_then(status::attributes).ok();
            if known.is_some_and(|known| is_dir(&known)) {
                return Poll::Ready(Err(Error::new(ErrorKind::IsADirectory)));
            }
            self.size = known.and_then(|known| known.size);
        }
        loop {
            let Poll::Ready(answer) = Pin::new(&mut self.next).poll(cx) else {
                return Poll::Pending;
            };
            match self.take(answer, limit) {
                Ok(false) => {
                    let length = self.content.len() as u64;
                    let rest = self.size.and_then(|size| size.checked_sub(length));
                    let rest = rest.and_then(|rest| u32::try_from(rest).ok());
                    let asked = rest.filter(|rest| *rest > 0).unwrap_or(chunk);
                    self.next = self.handle.read(length, asked.min(chunk));
                }
                Ok(true) => return Poll::Ready(Ok(())),
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    /// Takes an answer in; true when that was the end.
    fn take(&mut self, answer: Result<Response>, limit: u64) -> Result<bool> {
        let Some(data) = status::data(answer?)? else {
            return match self.size {
                Some(size) if size > self.content.len() as u64 => Err(Error::new(
                    ErrorKind::TransferNotWhole,
                )
                .with_message(format!(
                    "the file ended after {} bytes, before the size that the server tells",
                    self.content.len()
                ))),
                _ => Ok(true),
            };
        };
        if data.is_empty() {
            return Err(Error::new(ErrorKind::Protocol)
                .with_message("the server answered a read with nothing"));
        }
        self.content.extend_from_slice(&data);
        if self.content.len() as u64 > limit {
            return Err(Error::new(ErrorKind::LimitExceeded)
                .with_message(format!("the file has more than {limit} bytes")));
        }
        Ok(self.size == Some(self.content.len() as u64))
    }
}

#[async_trait]
impl FileContents for ManyFiles {
    async fn next(&mut self) -> Option<FileContent> {
        self.begin();
        let idle = self.idle;
        let done = timeout(idle, std::future::poll_fn(|cx| self.poll(cx))).await;
        let File { path, stage } = self.under_way.pop_front()?;
        let content = match (stage, done) {
            (Stage::Done(content), _) => content,
            _ => Err(Error::new(ErrorKind::TimedOut).with_message(format!(
                "no answer from the server after {} s",
                idle.as_secs_f32()
            ))),
        };
        let content =
            content.map_err(|error| error.with_operation(Operation::Read).with_path(&path));
        Some(FileContent::new(path, content))
    }
}

/// Files under way at once. More gain nothing: on a line of 100 ms, this is one file in three milliseconds.
const AT_ONCE: usize = 64;
