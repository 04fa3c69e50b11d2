//! Listings: entries as they arrive, whatever command brought them.

mod clock;
mod plan;

use std::collections::VecDeque;
use std::time::{SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use ftp_connect_core::{
    Entry, EntryKind, Error, ErrorKind, ListOptions, ListSummary, Listing, Operation, RemotePath,
    Result,
};
use ftp_connect_ftp_proto::flow::DataEnd;
use ftp_connect_ftp_proto::listing::{Line, LineSplitter, ListParser, Mlsx};
use ftp_connect_ftp_proto::{Argument, CivilTime, Command, parse};

use self::clock::Season;
pub(super) use self::plan::ListPlan;
use super::{FtpSession, entries, names};
use crate::failure;
use crate::transfer::DataRead;

/// The entries of a folder as they arrive.
#[derive(Debug)]
pub(super) struct FtpListing<'s> {
    session: &'s mut FtpSession,
    path: RemotePath,
    plan: ListPlan,
    splitter: LineSplitter,
    parser: ListParser,
    /// Entries to be given, with the times they were listed with.
    entries: VecDeque<(Entry, Option<CivilTime>)>,
    options: ListOptions,
    /// Files by whose times the server's clock can be learnt, one for each season.
    probes: Vec<(Season, RemotePath, CivilTime)>,
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
            options: ListOptions::default(),
            probes: Vec::new(),
            ended: None,
            done: false,
            truncated: None,
            lines: 0,
            summary: ListSummary::default(),
        }
    }

    pub(super) fn with_options(mut self, options: ListOptions) -> Self {
        self.options = options;
        self
    }

    fn take_line(&mut self, line: &[u8]) {
        self.lines += 1;
        let mut read = Vec::new();
        match self.plan {
            ListPlan::Mlsd => read.push(Mlsx.line(line)),
            ListPlan::Nlst { .. } => return self.take_name(line),
            ListPlan::List { .. } | ListPlan::Told(_) => {
                self.parser.line(line, &mut |line| read.push(line));
            }
        }
        self.take(read, line);
    }

    fn take(&mut self, read: Vec<Line>, line: &[u8]) {
        for read in read {
            match read {
                Line::Noise => {}
                Line::Unparsed(line) => self.summary.add_unparsed(&line),
                Line::Entry(found) if found.special.is_some() => {}
                Line::Entry(found) => {
                    let time = found.modified;
                    match entries::entry(found, None) {
                        Some(entry) => self.add(entry, time),
                        None => self.summary.add_unparsed(line),
                    }
                }
            }
        }
    }

    /// A line of NLST: a name, which some servers give with the path before it.
    fn take_name(&mut self, line: &[u8]) {
        let name = RemotePath::new(line).ok().and_then(|name| name.file_name());
        match name {
            Some(name) if matches!(name.as_bytes(), b"." | b"..") => {}
            Some(name) => self.add(Entry::new(name, EntryKind::Other), None),
            None if line.is_empty() => {}
            None => self.summary.add_unparsed(line),
        }
    }

    fn add(&mut self, entry: Entry, time: Option<CivilTime>) {
        if !self.options.hidden && entry.name.as_bytes().starts_with(b".") {
            return;
        }
        if self.options.utc_times
            && entry.kind == EntryKind::File
            && let Some(time) = time.filter(clock::is_local)
            && let Some(season) = Season::of(&time)
            && season.offset(&self.session.learnt).is_none()
            && !self.probes.iter().any(|(known, ..)| *known == season)
        {
            self.probes.push((season, entry.name.clone(), time));
        }
        self.entries.push_back((entry, time));
    }

    /// Whether entries wait for the server's clock to be learnt, which can be done only after the
    /// listing. Of a large folder no more than this many wait.
    fn is_waiting(&self) -> bool {
        !self.probes.is_empty() && !self.done && self.entries.len() < WAITING
    }

    /// Asks for the times of the probes in UTC.
    ///
    /// # Cancel safety
    /// Cancel safe: an answer that is owed is read first.
    async fn learn_clock(&mut self) -> Result<()> {
        while let Some((season, name, listed)) = self.probes.last().cloned() {
            self.session.resynchronise().await?;
            // The session is in the folder, unless it does not know the way back.
            let path = match self.session.home {
                Some(_) => {
                    Argument::new(names::guarded(name.as_bytes())).map_err(names::refused)?
                }
                None => self.session.argument(&self.path.join(&name))?,
            };
            let reply = self.session.exchange(Command::with("MDTM", path)).await?;
            let told = parse::time(reply.first_text()).filter(|_| reply.is_completion());
            if let Some(utc) = told {
                season.learn(&mut self.session.learnt, &listed, &utc);
            }
            self.probes.pop();
        }
        Ok(())
    }

    /// Reads on until there are entries or the listing is over.
    async fn fill(&mut self) -> Result<()> {
        if let ListPlan::Told(lines) = &mut self.plan
            && !self.done
        {
            for line in std::mem::take(lines) {
                self.take_line(&line);
            }
            let mut read = Vec::new();
            self.parser.finish(&mut |line| read.push(line));
            self.take(read, b"");
            self.done = true;
        }
        while (self.entries.is_empty() || self.is_waiting()) && !self.done {
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
            if self.lines == 0
                && let Some((command, plan)) = self.plan.without_option()
            {
                // With -a there is always something to list: this server takes it for a name.
                self.session.list_all = false;
                self.session.begin(&command, 0).await?;
                self.plan = plan;
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
        if self.done && !self.probes.is_empty() {
            // The listing is whole all the same; if the session is not, its next operation says so.
            let _ = self.learn_clock().await;
            self.probes.clear();
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
        let Some((mut entry, time)) = self.entries.pop_front() else {
            return Ok(None);
        };
        self.summary.entries += 1;
        if let Some(utc) = time.and_then(|time| clock::to_utc(&time, &self.session.learnt)) {
            entry.modified = entries::timestamp(&utc);
        }
        Ok(Some(entry))
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

/// How many entries may wait for the server's clock.
const WAITING: usize = 1000;
