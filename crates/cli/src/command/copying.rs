//! What `get`, `put` and `mirror` share: files on their way, what became of them, and the last word on all.

use std::{path::PathBuf, sync::Arc, time::Instant};

use ftp_connect::{
    Entry, Error, RemotePath,
    transfer::{self, FileEvent, Integrity, ListedFile, LocalFile, Pool, TransferOptions},
};
use serde_json::json;

use super::Outcome;
use crate::{
    output::{Failure, Output, kind_name, one_line, size},
    progress::{Meter, State},
};

/// One file to upload.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub remote: RemotePath,
    pub local: PathBuf,
    /// Its size in bytes, where known.
    pub size: Option<u64>,
    /// Its name for people.
    pub name: String,
}

/// One file to download, as a listing told of it.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub file: ListedFile,
    /// Its size in bytes, where known.
    pub size: Option<u64>,
    /// Its name for people.
    pub name: String,
}

impl Found {
    /// The entry's name must be the whole path.
    pub(super) fn new(entry: &Entry, local: PathBuf, name: String) -> Self {
        Self {
            file: ListedFile::new(entry.name.clone(), local, entry),
            size: entry.size,
            name,
        }
    }
}

/// Which way files go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Down,
    Up,
}

impl Way {
    pub(super) fn done(self) -> &'static str {
        match self {
            Self::Down => "downloaded",
            Self::Up => "uploaded",
        }
    }
}

/// Counts what became of many files, and tells of each.
#[derive(Debug)]
pub(super) struct Tally {
    meter: Meter,
    started: Instant,
    way: Way,
    pub copied: u64,
    pub skipped: u64,
    pub bytes: u64,
    /// The first failure, and how many there were.
    failure: Option<(String, Arc<Error>)>,
    failed: u64,
}

impl Tally {
    pub(super) fn new(way: Way, output: &Output) -> Self {
        Self {
            meter: Meter::new(output),
            started: Instant::now(),
            way,
            copied: 0,
            skipped: 0,
            bytes: 0,
            failure: None,
            failed: 0,
        }
    }

    pub(super) fn moved(&mut self, name: &str, state: impl Into<State>, output: &Output) {
        self.meter.show(name, state, output);
    }

    pub(super) fn copied(
        &mut self,
        name: &str,
        outcome: &transfer::Outcome,
        output: &Output,
    ) -> std::io::Result<()> {
        let what = match outcome.skipped {
            true => {
                self.skipped += 1;
                "skipped"
            }
            false => {
                self.copied += 1;
                self.bytes += outcome.bytes - outcome.resumed_at.min(outcome.bytes);
                self.way.done()
            }
        };
        output.event(
            "copied",
            json!({
                "path": name,
                "bytes": outcome.bytes,
                "resumed_at": outcome.resumed_at,
                "skipped": outcome.skipped,
                "integrity": outcome.integrity,
                "publish": outcome.publish,
            }),
        )?;
        self.line(format!("{what} {name}, {}", size(outcome.bytes)), output)
    }

    /// Tells of something else that was done.
    pub(super) fn line(&self, text: String, output: &Output) -> std::io::Result<()> {
        if self.meter.is_drawn() {
            return Ok(());
        }
        output.line(one_line(&text))
    }

    pub(super) fn failed(
        &mut self,
        name: &str,
        error: Arc<Error>,
        output: &Output,
    ) -> std::io::Result<()> {
        self.failed += 1;
        output.event(
            "failed",
            json!({
                "path": name,
                "kind": kind_name(error.kind()),
                "message": error.to_string(),
                "hint": error.hint(),
            }),
        )?;
        let warning = format!("{name}: {error}");
        self.meter.above(|| {
            output.warn(&warning);
            Ok(())
        })?;
        self.failure.get_or_insert_with(|| (name.to_owned(), error));
        Ok(())
    }

    /// The last word; `more` is said behind the files.
    pub(super) fn end(self, more: &[String], output: &mut Output) -> Outcome {
        let seconds = self.started.elapsed().as_secs_f64();
        output.field("copied", self.copied);
        output.field("skipped", self.skipped);
        output.field("failed", self.failed);
        output.field("bytes", self.bytes);
        output.field("seconds", seconds);
        let files = if self.copied == 1 { "file" } else { "files" };
        let mut parts = vec![format!("{} {files}, {}", self.copied, size(self.bytes))];
        if self.skipped > 0 {
            parts.push(format!("{} skipped", self.skipped));
        }
        parts.extend_from_slice(more);
        if self.failed > 0 {
            parts.push(format!("{} failed", self.failed));
        }
        let line = format!("{} {} in {seconds:.2} s", self.way.done(), parts.join("; "));
        drop(self.meter);
        output.line(line)?;
        let Some((name, first)) = self.failure else {
            return Ok(());
        };
        let message = match self.failed {
            1 => format!("{name}: {first}"),
            many => format!("{many} failed, the first: {name}: {first}"),
        };
        let error = Error::new(first.kind().clone()).with_message(message);
        let hint = first
            .hint()
            .unwrap_or("the lines before say what failed and why");
        Err(Failure::operation(error.with_hint(hint)))
    }
}

/// Downloads files, so many at once, and tells of each.
///
/// # Errors
/// When nobody listens any more; files that fail are counted.
pub(super) async fn download(
    pool: &Pool,
    found: Vec<Found>,
    options: &TransferOptions,
    parallel: usize,
    tally: &mut Tally,
    output: &Output,
) -> Result<(), Failure> {
    let total = found.iter().map(|found| found.size).sum();
    let files = found.into_iter().map(|found| (found.name, found.file));
    let (names, files) = files.unzip();
    let mut telling = Telling::new(names, total, tally, output);
    let mut tell = |event| telling.tell(event);
    pool.download_listed(files, options, parallel, &mut tell)
        .await?;
    Ok(telling.broken?)
}

/// Uploads files, so many at once, and tells of each.
///
/// # Errors
/// When nobody listens any more; files that fail are counted.
pub(super) async fn upload(
    pool: &Pool,
    jobs: Vec<Job>,
    options: &TransferOptions,
    parallel: usize,
    tally: &mut Tally,
    output: &Output,
) -> Result<(), Failure> {
    let total = jobs.iter().map(|job| job.size).sum();
    let files = jobs
        .into_iter()
        .map(|job| (job.name, LocalFile::new(job.local, job.remote)));
    let (names, files) = files.unzip();
    let mut telling = Telling::new(names, total, tally, output);
    let mut tell = |event| telling.tell(event);
    pool.upload_files(files, options, parallel, &mut tell)
        .await?;
    Ok(telling.broken?)
}

/// Tells of many files while they are on their way.
struct Telling<'a> {
    names: Vec<String>,
    /// How many bytes of each are over.
    bytes: Vec<u64>,
    state: State,
    ended: u64,
    tally: &'a mut Tally,
    output: &'a Output,
    /// Whether anybody listens.
    broken: std::io::Result<()>,
}

impl<'a> Telling<'a> {
    fn new(
        names: Vec<String>,
        total: Option<u64>,
        tally: &'a mut Tally,
        output: &'a Output,
    ) -> Self {
        let state = State {
            bytes: 0,
            total,
            file: 1,
            files: names.len() as u64,
        };
        Self {
            bytes: vec![0; names.len()],
            names,
            state,
            ended: 0,
            tally,
            output,
            broken: Ok(()),
        }
    }

    fn tell(&mut self, event: FileEvent) {
        let (place, so_far, end) = match event {
            FileEvent::Moved { file, progress } => (file, progress.bytes, None),
            FileEvent::Ended { file, outcome } => {
                let before = self.bytes[file];
                let so_far = outcome.as_ref().map_or(before, |done| done.bytes);
                self.ended += 1;
                (file, so_far, Some(outcome))
            }
            _ => return,
        };
        let before = std::mem::replace(&mut self.bytes[place], so_far);
        self.state.bytes = self.state.bytes + so_far - before;
        self.state.file = (self.ended + 1).min(self.state.files);
        let name = &self.names[place];
        self.tally.moved(name, self.state, self.output);
        let told = match end {
            None => Ok(()),
            Some(Ok(outcome)) => self.tally.copied(name, &outcome, self.output),
            Some(Err(error)) => self.tally.failed(name, Arc::new(error), self.output),
        };
        if self.broken.is_ok() {
            self.broken = told;
        }
    }
}

/// The last word on one file.
pub(super) fn report(
    way: Way,
    (remote, name): (&RemotePath, &str),
    local: &std::path::Path,
    outcome: &transfer::Outcome,
    started: Instant,
    output: &mut Output,
) -> std::io::Result<()> {
    let seconds = started.elapsed().as_secs_f64();
    output.field("path", remote.to_string());
    output.field("local", local.to_string_lossy());
    output.field("bytes", outcome.bytes);
    output.field("resumed_at", outcome.resumed_at);
    output.field("skipped", outcome.skipped);
    output.field("integrity", outcome.integrity);
    output.field("publish", outcome.publish);
    output.field("tls_resumed", outcome.tls_resumed);
    output.field("seconds", seconds);
    if outcome.skipped {
        return output.line(format!("{name} stays as it is"));
    }
    let proven = match outcome.integrity {
        Integrity::Hash => ", same checksum",
        _ => "",
    };
    let resumed = match outcome.resumed_at {
        0 => String::new(),
        at => format!(", the first {} were there", size(at)),
    };
    output.line(format!(
        "{} {name}, {}{resumed}{proven} in {seconds:.2} s",
        way.done(),
        size(outcome.bytes)
    ))
}
