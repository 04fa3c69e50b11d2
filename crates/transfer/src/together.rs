//! Small files, many together: from the server by
//! [`Session::read_files`](ftp_connect_core::Session::read_files), and to it as [`upload`] says.
//!
//! What a listing told of a file on the server is taken for the truth about it until its content has another length:
//! then it is for the ordinary way, which asks.

mod upload;

use std::{
    collections::VecDeque,
    io::Write as _,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use ftp_connect_core::{RemotePath, Result};
use tokio::task::JoinSet;

pub(crate) use self::upload::{SmallUpload, upload};
use crate::{
    Integrity, Outcome, Overwrite, Place, Pool, Publish, Staging, TransferOptions, Verify,
    download::{dress, existing, resolve},
    failure,
    part::{self, local::LocalPart},
    remote::Source,
};

/// Whether files from the server may go together: nothing may be asked for that needs more than their bytes.
pub(crate) fn suits_downloads(options: &TransferOptions) -> bool {
    options.overwrite == Overwrite::Replace && suits(options)
}

/// The same of files to the server, where it is known what is there.
pub(crate) fn suits_uploads(options: &TransferOptions) -> bool {
    let is_decided = matches!(
        options.overwrite,
        Overwrite::Replace | Overwrite::IfNewer | Overwrite::IfSizeDiffers
    );
    is_decided && suits(options)
}

fn suits(options: &TransferOptions) -> bool {
    options.verify != Verify::Checksum
        && options.staging == Staging::Renamed
        && options.rate_limit.is_none()
        && !options.is_text()
}

/// What is still to be done by several workers.
pub(crate) struct Queue<J> {
    jobs: Mutex<VecDeque<J>>,
    workers: usize,
}

impl<J> Queue<J> {
    pub(crate) fn new(jobs: VecDeque<J>, workers: usize) -> Self {
        Self {
            jobs: Mutex::new(jobs),
            workers,
        }
    }

    /// The next job, or several in a row that have small files; `small` tells the size of such a one.
    pub(crate) fn next(&self, small: impl Fn(&J) -> Option<u64>) -> Vec<J> {
        take(&mut self.jobs(), self.workers, small)
    }

    /// Gives back what was taken and not begun.
    pub(crate) fn put_back(&self, unbegun: Vec<J>) {
        let mut jobs = self.jobs();
        for job in unbegun.into_iter().rev() {
            jobs.push_front(job);
        }
    }

    fn jobs(&self) -> MutexGuard<'_, VecDeque<J>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn take<J>(jobs: &mut VecDeque<J>, workers: usize, small: impl Fn(&J) -> Option<u64>) -> Vec<J> {
    // The last ones are shared out evenly.
    let most = match workers {
        0 | 1 => MOST_TOGETHER,
        many => (jobs.len() / (2 * many)).clamp(1, MOST_TOGETHER),
    };
    let mut bytes = 0;
    let together = jobs
        .iter()
        .take(most)
        .map_while(small)
        .take_while(|size| {
            bytes += size;
            bytes <= BYTES_TOGETHER
        })
        .count();
    jobs.drain(..together.max(1).min(jobs.len())).collect()
}

/// A small file to be read together with others, for a job.
pub(crate) struct SmallDownload<J> {
    pub(crate) job: J,
    pub(crate) from: RemotePath,
    pub(crate) to: PathBuf,
    /// What a listing told of it; the size must be known.
    pub(crate) source: Source,
}

/// The jobs that are not done.
pub(crate) struct Left<J> {
    /// Those that must be tried one by one, and the server asked about them.
    pub(crate) alone: Vec<J>,
    /// Those whose turn did not come, because the session was lost at one before.
    pub(crate) unbegun: Vec<J>,
}

impl<J> Left<J> {
    fn nothing() -> Self {
        Self {
            alone: Vec::new(),
            unbegun: Vec::new(),
        }
    }
}

/// Reads files together and tells of those that have their names, or could not be given them.
pub(crate) async fn download<J: Send + 'static>(
    pool: &Pool,
    files: Vec<SmallDownload<J>>,
    options: &TransferOptions,
    tell: &mut (dyn FnMut(J, Result<Outcome>) + Send),
) -> Left<J> {
    let mut left = Left::nothing();
    let Ok(mut session) = pool.session().await else {
        left.alone = files.into_iter().map(|file| file.job).collect();
        return left;
    };
    let paths = files.iter().map(|file| file.from.clone()).collect();
    let mut contents = session.read_files(paths, SMALL);
    let mut writes = JoinSet::new();
    let mut lost = None;
    let mut files = files.into_iter();
    let mut ended = |written: Written<J>, alone: &mut Vec<J>| match written {
        (job, Ok(None)) => alone.push(job),
        (job, Ok(Some(outcome))) => tell(job, Ok(outcome)),
        (job, Err(error)) => tell(job, Err(error)),
    };
    while let Some(read) = contents.next().await {
        let Some(file) = files.next() else {
            break;
        };
        match read.content {
            Ok(content) if file.source.size == Some(content.len() as u64) => {
                let options = options.clone();
                writes.spawn_blocking(move || {
                    let written = write(&file.to, &content, &file.source, &options);
                    (file.job, written)
                });
            }
            Ok(_) => left.alone.push(file.job),
            Err(error) => {
                left.alone.push(file.job);
                if failure::is_lost(&error) {
                    lost = Some(error);
                    break;
                }
            }
        }
        while let Some(Ok(written)) = writes.try_join_next() {
            ended(written, &mut left.alone);
        }
    }
    drop(contents);
    match lost {
        Some(error) => session.judge(&error),
        None => session.give_back(),
    }
    left.unbegun = files.map(|file| file.job).collect();
    while let Some(written) = writes.join_next().await {
        if let Ok(written) = written {
            ended(written, &mut left.alone);
        }
    }
    left
}

/// What became of a file that was read; nothing, if what has its name here is no file.
type Written<J> = (J, Result<Option<Outcome>>);

/// Writes and publishes a file.
fn write(
    to: &Path,
    content: &[u8],
    source: &Source,
    options: &TransferOptions,
) -> Result<Option<Outcome>> {
    let old = existing(to)?;
    if old
        .as_ref()
        .is_some_and(|old| !old.is_file() && !old.is_dir())
    {
        return Ok(None);
    }
    let target = resolve(to, old.as_ref())?;
    let here = |error| failure::local(&target, error);
    let part = LocalPart::open(&target, part::PLAIN)?;
    part.cut(0)?;
    (&mut part.file()).write_all(content).map_err(here)?;
    let kept = dress(&part, source, old.as_ref(), options)?;
    if options.durable {
        part.file().sync_all().map_err(here)?;
    }
    part.publish(true)?;
    let integrity = match options.verify {
        Verify::Nothing => Integrity::Unverified,
        _ => Integrity::Size,
    };
    let place = Place::Local(target);
    let mut outcome = Outcome::new(content.len() as u64, integrity, Publish::Atomic, place);
    outcome.attributes_kept = kept;
    Ok(Some(outcome))
}

/// Up to which size a file is small, in bytes.
pub(crate) const SMALL: u64 = 256 * 1024;

/// How many small files are asked for at once.
const MOST_TOGETHER: usize = 64;

/// How many bytes they have at most, as all of them may be in memory.
const BYTES_TOGETHER: u64 = 8 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_files_in_a_row_go_together() {
        #[track_caller]
        fn check(sizes: &[u64], workers: usize, expected: &[usize]) {
            let mut jobs: VecDeque<_> = sizes.iter().copied().collect();
            let mut counts = Vec::new();
            loop {
                let taken = take(&mut jobs, workers, |size| {
                    Some(*size).filter(|size| *size <= SMALL)
                });
                if taken.is_empty() {
                    break;
                }
                counts.push(taken.len());
            }
            assert_eq!(counts, expected);
        }
        check(&[], 1, &[]);
        check(&[1; 100], 1, &[64, 36]);
        check(&[1; 10], 2, &[2, 2, 1, 1, 1, 1, 1, 1]);
        check(&[1, 1, SMALL + 1, SMALL + 1, 1], 1, &[2, 1, 1, 1]);
        check(&[SMALL; 40], 1, &[32, 8]);
    }
}
