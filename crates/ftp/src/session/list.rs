//! Listing a folder: MLSD where the server has it, else LIST.
//!
//! An empty LIST does not prove that the folder exists, LIST of a file lists the file, and a path with
//! blanks or brackets is a pattern to some servers. So before LIST the session changes into the
//! folder, which proves that it is one, and LIST goes without a path. For MLSD that is done only if the
//! path looks like a pattern.

use std::collections::VecDeque;
use std::time::{SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use ftp_connect_core::{
    Entry, Error, ErrorKind, ListSummary, Listing, Operation, RemotePath, Result, TransferType,
};
use ftp_connect_ftp_proto::flow::{DataEnd, Exchange};
use ftp_connect_ftp_proto::listing::{Line, LineSplitter, ListParser, Mlsx};
use ftp_connect_ftp_proto::{Argument, CivilTime, Command};

use super::{FtpSession, entries, names};
use crate::failure;
use crate::transfer::DataRead;

/// How a listing was begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ListPlan {
    Mlsd,
    /// LIST, with `-a` or without.
    List {
        all: bool,
    },
}

impl FtpSession {
    /// Begins a listing; the errors name neither operation nor path.
    pub(super) async fn begin_list(&mut self, path: &RemotePath, hidden: bool) -> Result<ListPlan> {
        self.ready().await?;
        self.set_type(TransferType::Binary).await?;
        if self.features.has_mlst() {
            let command = if names::is_odd(path) && self.home.is_some() {
                self.change_into(path).await?;
                Command::new("MLSD")
            } else if path.is_empty() {
                Command::new("MLSD")
            } else {
                Command::with("MLSD", self.argument(path)?)
            };
            match self.begin(&command, 0).await {
                // MLST in FEAT promises MLSD, and not every server keeps that.
                Err(error) if *error.kind() == ErrorKind::Unsupported => self.ready().await?,
                result => return result.map(|()| ListPlan::Mlsd),
            }
        }
        // A session that could not find back lists by path.
        let by_path = self.home.is_none() && !path.is_empty();
        if !path.is_empty() && !by_path {
            self.change_into(path).await?;
        }
        let path = by_path.then_some(path);
        if hidden && self.list_all {
            match self.begin_plain_list(path, true).await {
                Err(error) if is_refusal(&error) => self.list_all = false,
                result => return result.map(|()| ListPlan::List { all: true }),
            }
        }
        self.begin_plain_list(path, false).await?;
        Ok(ListPlan::List { all: false })
    }

    /// Whether there is anything in a folder.
    pub(super) async fn has_entries(&mut self, path: &RemotePath) -> Result<bool> {
        let plan = self.begin_list(path, true).await?;
        let mut listing = Box::new(FtpListing::new(self, plan, path));
        let some = listing.next().await?.is_some();
        listing.finish().await?;
        Ok(some)
    }

    async fn begin_plain_list(&mut self, path: Option<&RemotePath>, all: bool) -> Result<()> {
        let mut words = if all { b"-a".to_vec() } else { Vec::new() };
        if let Some(path) = path {
            if all {
                words.push(b' ');
            }
            words.extend_from_slice(self.argument(path)?.as_bytes());
        }
        let command = if words.is_empty() {
            Command::new("LIST")
        } else {
            Command::with("LIST", Argument::new(words).map_err(names::refused)?)
        };
        self.begin(&command, 0).await
    }

    pub(super) async fn change_into(&mut self, path: &RemotePath) -> Result<()> {
        let argument = self.argument(path)?;
        self.away = true;
        self.wire
            .run(Exchange::new(Command::with("CWD", argument)))
            .await?;
        Ok(())
    }
}

/// Whether the server refused the command itself, so that another form may do.
fn is_refusal(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Unsupported
            | ErrorKind::Refused
            | ErrorKind::RefusedForNow
            | ErrorKind::NotFound
            | ErrorKind::PermissionDenied
    )
}

/// The entries of a folder as they arrive.
#[derive(Debug)]
pub(super) struct FtpListing<'s> {
    session: &'s mut FtpSession,
    path: RemotePath,
    plan: ListPlan,
    splitter: LineSplitter,
    parser: ListParser,
    entries: VecDeque<Entry>,
    /// How the data connection ended, once it has.
    ended: Option<DataEnd>,
    /// Whether the server's last word has come.
    done: bool,
    /// Whether that word says that the listing was cut short.
    truncated: Option<Error>,
    lines: u64,
    summary: ListSummary,
}

impl<'s> FtpListing<'s> {
    pub(super) fn new(session: &'s mut FtpSession, plan: ListPlan, path: &RemotePath) -> Self {
        let limit = session.params.limits().listing_line_bytes;
        Self {
            session,
            path: path.clone(),
            plan,
            splitter: LineSplitter::new(limit),
            parser: ListParser::new(now()),
            entries: VecDeque::new(),
            ended: None,
            done: false,
            truncated: None,
            lines: 0,
            summary: ListSummary::default(),
        }
    }

    fn take_line(&mut self, line: &[u8]) {
        self.lines += 1;
        let mut read = Vec::new();
        match self.plan {
            ListPlan::Mlsd => read.push(Mlsx.line(line)),
            ListPlan::List { .. } => self.parser.line(line, &mut |line| read.push(line)),
        }
        self.take(read, line);
    }

    fn take(&mut self, read: Vec<Line>, line: &[u8]) {
        for read in read {
            match read {
                Line::Noise => {}
                Line::Unparsed(line) => self.summary.add_unparsed(&line),
                Line::Entry(found) if found.special.is_some() => {}
                Line::Entry(found) => match entries::entry(found, None) {
                    Some(entry) => self.entries.push_back(entry),
                    None => self.summary.add_unparsed(line),
                },
            }
        }
    }

    /// Reads on until there are entries or the listing is over.
    async fn fill(&mut self) -> Result<()> {
        while self.entries.is_empty() && !self.done {
            let Some(end) = self.ended else {
                self.read_more().await?;
                continue;
            };
            if end == DataEnd::Clean {
                self.session.end_reading().await;
            }
            let concluded = self.session.conclude(end).await?;
            FtpSession::judge(&concluded)?;
            self.summary.tls_resumed = concluded.resumed;
            let reply = &concluded.end.reply;
            if end == DataEnd::Cut {
                return Err(failure::not_whole(
                    "the listing's data connection ended without close_notify",
                ));
            }
            if self.plan == (ListPlan::List { all: true }) && self.lines == 0 {
                // With -a there is always something to list: this server takes it for a name.
                self.session.list_all = false;
                self.session.begin(&Command::new("LIST"), 0).await?;
                self.plan = ListPlan::List { all: false };
                self.ended = None;
                continue;
            }
            if reply.mentions("truncated") {
                self.truncated = Some(
                    Error::new(ErrorKind::ListingTruncated)
                        .with_reply(failure::server_reply(reply)),
                );
            }
            self.done = true;
        }
        Ok(())
    }

    async fn read_more(&mut self) -> Result<()> {
        let mut buffer = [0; 16 * 1024];
        match self.session.read_data(&mut buffer).await? {
            DataRead::Bytes(count) => {
                let mut lines = Vec::new();
                let fits = self
                    .splitter
                    .push(&buffer[..count], &mut |line| lines.push(line));
                for line in lines {
                    self.take_line(&line);
                }
                if !fits {
                    return Err(Error::new(ErrorKind::LimitExceeded)
                        .with_message("a line of the listing is too long"));
                }
            }
            DataRead::End(end) => {
                self.ended = Some(end);
                if let Some(line) = self.splitter.finish() {
                    self.take_line(&line);
                }
                let mut read = Vec::new();
                self.parser.finish(&mut |line| read.push(line));
                self.take(read, b"");
            }
            DataRead::Broken(error) => return Err(self.session.broken(error).await),
        }
        Ok(())
    }
}

#[async_trait]
impl Listing for FtpListing<'_> {
    async fn next(&mut self) -> Result<Option<Entry>> {
        let filled = self.fill().await;
        filled.map_err(|error| error.with_operation(Operation::List).with_path(&self.path))?;
        let entry = self.entries.pop_front();
        self.summary.entries += u64::from(entry.is_some());
        Ok(entry)
    }

    async fn finish(mut self: Box<Self>) -> Result<ListSummary> {
        while self.next().await?.is_some() {}
        match self.truncated.take() {
            Some(error) => Err(error.with_operation(Operation::List).with_path(&self.path)),
            None => Ok(std::mem::take(&mut self.summary)),
        }
    }
}

fn now() -> CivilTime {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_secs())
        .ok()
        .and_then(CivilTime::from_unix)
        .or_else(|| CivilTime::from_unix(0))
        .expect("1970 is a year")
}
