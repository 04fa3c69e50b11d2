//! One large file from the server by several sessions at once, each with a range of it.
//!
//! What gains by this is a connection that is slowed down by its length, not by its width. Whoever has a session
//! takes the next range, so that a slow one holds nobody up, and sessions that the server does not allow are
//! done without.

use std::{
    collections::VecDeque,
    fs::{File, OpenOptions},
    io::{Seek as _, SeekFrom},
    ops::Range,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use ftp_connect_core::{Operation, ReadBody, ReadOptions, RemotePath, Result, Session};
use tokio::{
    sync::mpsc::{UnboundedSender, unbounded_channel},
    task::JoinSet,
};

use crate::{
    Integrity, Outcome, Overwrite, Place, Pool, Publish, TransferOptions, Verify,
    download::{dress, existing, piece, resolve, same_checksum},
    failure::{self, not_whole},
    part::{self, local::LocalPart, writer::Writer},
    pool::PooledSession,
    progress::{Meter, Observer},
    remote::Source,
};

impl Pool {
    /// As [`Pool::download`], by up to so many sessions at once. A file that is small, of a server that cannot
    /// begin in the middle, and any that is not simply to be replaced, comes by one session.
    ///
    /// # Errors
    /// As [`Pool::download`].
    ///
    /// # Cancel safety
    /// Dropping the future leaves the local file as it was.
    pub async fn download_in_segments(
        &self,
        from: &RemotePath,
        to: &Path,
        segments: usize,
        options: &TransferOptions,
        progress: &mut Observer<'_>,
    ) -> Result<Outcome> {
        let old = existing(to)?;
        let simple = matches!(options.overwrite, Overwrite::Replace | Overwrite::Refuse)
            && !options.is_text()
            && old.as_ref().is_none_or(std::fs::Metadata::is_file);
        if !simple || segments < 2 {
            return self.download(from, to, options, progress).await;
        }
        if options.overwrite == Overwrite::Refuse && old.is_some() {
            return Err(failure::taken(to.display()));
        }
        let mut session = self.session().await?;
        let source = match Source::ask(&mut *session, from).await {
            Ok(source) => source,
            Err(error) => {
                session.judge(&error);
                return self.download(from, to, options, progress).await;
            }
        };
        let can_range = session.capabilities().read_offset;
        let size = match source.size {
            Some(size) if can_range && size >= 2 * SMALLEST => size,
            _ => {
                session.give_back();
                return self.download(from, to, options, progress).await;
            }
        };
        let target = resolve(to, old.as_ref())?;
        let part = LocalPart::open(&target, part::SEGMENTS)?;
        part.cut(0)?;
        part.cut(size)?;
        let work = Arc::new(Work {
            pool: self.clone(),
            from: from.clone(),
            path: part.path().to_owned(),
            options: options.clone(),
            size,
            ranges: Mutex::new(ranges(size, segments)),
        });
        fetch(&work, session, segments, size, progress).await?;
        let mut session = self.session().await?;
        let integrity = prove(&mut *session, from, &source, &part, options).await?;
        session.give_back();
        let kept = dress(&part, &source, old.as_ref(), options)?;
        if options.durable {
            part.sync().await?;
        }
        part.publish(options.overwrite == Overwrite::Replace)?;
        let mut outcome = Outcome::new(size, integrity, Publish::Atomic, Place::Local(target));
        outcome.attributes_kept = kept;
        Ok(outcome)
    }
}

struct Work {
    pool: Pool,
    from: RemotePath,
    path: std::path::PathBuf,
    options: TransferOptions,
    size: u64,
    ranges: Mutex<VecDeque<Range<u64>>>,
}

impl Work {
    fn next(&self) -> Option<Range<u64>> {
        self.ranges
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front()
    }
}

/// Pieces for so many sessions, small enough that the last ones end at about the same time.
fn ranges(size: u64, segments: usize) -> VecDeque<Range<u64>> {
    let piece = size.div_ceil(segments as u64 * 2).max(SMALLEST);
    let starts = (0..size.div_ceil(piece)).map(|number| number * piece);
    starts
        .map(|start| start..(start + piece).min(size))
        .collect()
}

async fn fetch(
    work: &Arc<Work>,
    first: PooledSession,
    segments: usize,
    size: u64,
    progress: &mut Observer<'_>,
) -> Result<()> {
    let (told, mut news) = unbounded_channel();
    let mut tasks = JoinSet::new();
    tasks.spawn(one_by_one(Arc::clone(work), Some(first), told.clone()));
    for _ in 1..segments {
        tasks.spawn(one_by_one(Arc::clone(work), None, told.clone()));
    }
    drop(told);
    let mut meter = Meter::new(0, Some(size));
    progress(meter.now());
    while let Some(bytes) = news.recv().await {
        progress(meter.count(bytes));
    }
    while let Some(ended) = tasks.join_next().await {
        ended.map_err(std::io::Error::other)??;
    }
    Ok(())
}

/// Takes ranges until there are no more. Without a session to begin with, only if one can be had at once.
async fn one_by_one(
    work: Arc<Work>,
    first: Option<PooledSession>,
    told: UnboundedSender<u64>,
) -> Result<()> {
    let mut session = match first {
        Some(first) => first,
        None => match work.pool.session_now().await {
            Some(more) => more,
            None => return Ok(()),
        },
    };
    let opened = OpenOptions::new().write(true).open(&work.path);
    let file = opened.map_err(|error| failure::local(&work.path, error))?;
    while let Some(mut range) = work.next() {
        let mut attempts = work.pool.attempts();
        while let Err(error) = read_range(&work, &mut *session, &file, &mut range, &told).await {
            session.judge(&error);
            attempts.came_to(range.start);
            if !attempts.again(&error).await {
                return Err(error);
            }
            session = work.pool.session().await?;
        }
    }
    session.give_back();
    Ok(())
}

/// Reads what is left of a range; the last one to the end of the file, which is to be where the server told.
async fn read_range(
    work: &Work,
    session: &mut dyn Session,
    file: &File,
    range: &mut Range<u64>,
    told: &UnboundedSender<u64>,
) -> Result<()> {
    let here = |error| failure::local(&work.path, error);
    let mut file = file.try_clone().map_err(here)?;
    file.seek(SeekFrom::Start(range.start)).map_err(here)?;
    let mut read = ReadOptions::default().with_offset(range.start);
    if range.end != work.size {
        read = read.with_length(range.end - range.start);
    }
    let mut body = session.read(&work.from, read).await?;
    let mut writer = Writer::new(file, piece(&work.options));
    let outcome = write_range(work, &mut *body, &mut writer, range, told).await;
    // The range begins anew behind what has come, and so that must have reached the file.
    writer.finish().await.map_err(here)?;
    outcome?;
    body.finish().await?;
    Ok(())
}

async fn write_range(
    work: &Work,
    body: &mut dyn ReadBody,
    writer: &mut Writer,
    range: &mut Range<u64>,
    told: &UnboundedSender<u64>,
) -> Result<()> {
    let is_last = range.end == work.size;
    let other_end = |told| Err(not_whole(Operation::Read, &work.from, told));
    while is_last || range.start < range.end {
        let n = body.read(writer.room()).await?;
        match n as u64 {
            0 if range.start == range.end => break,
            0 => return other_end("the file is shorter than the server told"),
            n if n > range.end - range.start => {
                return other_end("the file is longer than the server told");
            }
            _ => {}
        }
        let written = writer.filled(n).await;
        written.map_err(|error| failure::local(&work.path, error))?;
        range.start += n as u64;
        // Nobody listens any more once something has ended all.
        let _ = told.send(n as u64);
        if let Some(limit) = &work.options.rate_limit {
            limit.account(n).await;
        }
    }
    Ok(())
}

/// The pieces came at several times: they are of one file if that has not changed, and surely so by checksum.
async fn prove(
    session: &mut dyn Session,
    from: &RemotePath,
    source: &Source,
    part: &LocalPart,
    options: &TransferOptions,
) -> Result<Integrity> {
    if options.verify == Verify::Nothing {
        return Ok(Integrity::Unverified);
    }
    match same_checksum(session, from, part.path()).await? {
        Some(true) => return Ok(Integrity::Hash),
        Some(false) => {
            return Err(not_whole(
                Operation::Read,
                from,
                "the checksum differs from the server's",
            ));
        }
        None => {}
    }
    if Source::ask(session, from).await? != *source {
        return Err(not_whole(
            Operation::Read,
            from,
            "the file has changed on the way",
        ));
    }
    Ok(Integrity::Size)
}

/// Pieces are not smaller than this: each costs what beginning a transfer costs.
const SMALLEST: u64 = 4 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(size: u64, segments: usize, pieces: usize) {
        let ranges = ranges(size, segments);
        assert_eq!(ranges.len(), pieces);
        let mut end = 0;
        for range in ranges {
            assert_eq!(range.start, end);
            assert!(range.end > range.start);
            end = range.end;
        }
        assert_eq!(end, size);
    }

    #[test]
    fn ranges_cover_the_file_once() {
        check(8 * 1024 * 1024, 4, 2);
        check(64 * 1024 * 1024, 4, 8);
        check(64 * 1024 * 1024 + 1, 4, 8);
        check(9 * 1024 * 1024 + 1, 2, 3);
    }
}
