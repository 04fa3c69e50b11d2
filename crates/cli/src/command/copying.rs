//! What `get`, `put` and `mirror` share: files on their way, what became of them, and the last word on all.

use std::{path::PathBuf, sync::Arc, time::Instant};

use ftp_connect::{
    Entry, Error, RemotePath,
    transfer::{self, FileEvent, Integrity, ListedFile, Pool, TransferOptions},
};
use serde_json::json;
use tokio::{sync::mpsc::unbounded_channel, task::JoinSet};

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
    let total: Option<u64> = found.iter().map(|found| found.size).sum();
    let mut bytes = vec![0; found.len()];
    let (mut ended, mut all) = (0, 0);
    let (names, files): (Vec<_>, Vec<_>) = found
        .into_iter()
        .map(|found| (found.name, found.file))
        .unzip();
    let mut broken = Ok(());
    let mut tell = |event| {
        let (place, so_far, end) = match event {
            FileEvent::Moved { file, progress } => (file, progress.bytes, None),
            FileEvent::Ended { file, outcome } => {
                let so_far = outcome.as_ref().map_or(bytes[file], |done| done.bytes);
                ended += 1;
                (file, so_far, Some(outcome))
            }
            _ => return,
        };
        all = all + so_far - std::mem::replace(&mut bytes[place], so_far);
        let state = State {
            bytes: all,
            total,
            file: (ended + 1).min(names.len() as u64),
            files: names.len() as u64,
        };
        tally.moved(&names[place], state, output);
        let told = match end {
            None => Ok(()),
            Some(Ok(outcome)) => tally.copied(&names[place], &outcome, output),
            Some(Err(error)) => tally.failed(&names[place], Arc::new(error), output),
        };
        if broken.is_ok() {
            broken = told;
        }
    };
    pool.download_listed(files, options, parallel, &mut tell)
        .await?;
    Ok(broken?)
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
) -> std::io::Result<()> {
    let files = jobs.len() as u64;
    let total: Option<u64> = jobs.iter().map(|job| job.size).sum();
    let names: Vec<_> = jobs.iter().map(|job| job.name.clone()).collect();
    let mut bytes = vec![0; jobs.len()];
    let (tell, mut told) = unbounded_channel();
    let mut waiting = jobs.into_iter().enumerate();
    let mut running = JoinSet::new();
    let mut ended = 0;
    loop {
        while running.len() < parallel.max(1)
            && let Some((place, job)) = waiting.next()
        {
            let (pool, options, tell) = (pool.clone(), options.clone(), tell.clone());
            running.spawn(async move {
                let mut watch = |progress: transfer::Progress| {
                    // Only who waits for the end can have gone, and then this ends too.
                    let _ = tell.send((place, progress.bytes));
                };
                let outcome = pool
                    .upload(&job.local, &job.remote, &options, &mut watch)
                    .await;
                (place, outcome)
            });
        }
        tokio::select! {
            Some((place, so_far)) = told.recv() => {
                bytes[place] = so_far;
                let state = State { bytes: bytes.iter().sum(), total, file: ended + 1, files };
                tally.moved(&names[place], state, output);
            }
            done = running.join_next() => match done {
                None => return Ok(()),
                Some(Ok((place, outcome))) => {
                    ended += 1;
                    match outcome {
                        Ok(outcome) => tally.copied(&names[place], &outcome, output)?,
                        Err(error) => tally.failed(&names[place], Arc::new(error), output)?,
                    }
                }
                Some(Err(broken)) => return Err(std::io::Error::other(broken)),
            }
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
