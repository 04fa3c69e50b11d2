//! Small files to the server: written together by [`Session::write_files`](ftp_connect_core::Session::write_files),
//! each under another name until it is proven to be whole, and then given their names together by
//! [`Session::rename_files`](ftp_connect_core::Session::rename_files).
//!
//! What does not work out so is for the ordinary way, which writes the file anew under the same other name.

use std::{collections::VecDeque, fs::Metadata, path::PathBuf};

use ftp_connect_core::{
    Error, FileToWrite, RemotePath, RenameOptions, Result, Session, Transferred,
};

use super::{Left, SMALL};
use crate::{
    Outcome, Pool, TransferOptions, failure, part,
    remote::Old,
    upload::{Chosen, Local, Target},
};

/// A small file to be written together with others, for a job.
pub(crate) struct SmallUpload<J> {
    pub(crate) job: J,
    pub(crate) from: PathBuf,
    pub(crate) to: RemotePath,
    /// What a listing told of the file that is there.
    pub(crate) old: Old,
}

/// Writes files together and tells of those that have their names, or stay as they are.
pub(crate) async fn upload<J: Send>(
    pool: &Pool,
    files: Vec<SmallUpload<J>>,
    options: &TransferOptions,
    tell: &mut (dyn FnMut(J, Result<Outcome>) + Send),
) -> Left<J> {
    let mut left = Left::nothing();
    let Ok(mut session) = pool.session().await else {
        left.alone = files.into_iter().map(|file| file.job).collect();
        return left;
    };
    let mut begun = VecDeque::new();
    let mut writes = Vec::new();
    let locals = read(&files).await;
    for (file, local) in files.into_iter().zip(locals) {
        let prepared = match local {
            Some(local) => prepare(&mut *session, &file, local, options).await,
            None => Prepared::Alone,
        };
        match prepared {
            Prepared::Write(prepared) => {
                let (upload, write) = *prepared;
                begun.push_back((file.job, upload));
                writes.push(write);
            }
            Prepared::Stays(outcome) => tell(file.job, Ok(outcome)),
            Prepared::Alone => left.alone.push(file.job),
        }
    }
    let mut written = session.write_files(writes);
    let mut arrived = Vec::new();
    let mut lost = None;
    while lost.is_none()
        && let Some(file) = written.next().await
        && let Some((job, upload)) = begun.pop_front()
    {
        match file.outcome {
            Ok(transferred) => arrived.push((job, upload, transferred)),
            Err(error) => {
                left.alone.push(job);
                lost = Some(error).filter(failure::is_lost);
            }
        }
    }
    drop(written);
    let rest = begun.into_iter().map(|(job, _)| job);
    match lost {
        None => {
            left.alone.extend(rest);
            lost = conclude(&mut *session, arrived, options, &mut left.alone, tell).await;
        }
        // What has arrived has no name yet, and nobody can give it any.
        Some(_) => {
            let arrived = arrived.into_iter().map(|(job, ..)| job);
            left.unbegun = arrived.chain(rest).collect();
        }
    }
    match lost {
        Some(error) => session.judge(&error),
        None => session.give_back(),
    }
    left
}

/// Proves that files are whole, and gives those that are their names; the error by which the session was lost, if it
/// was.
async fn conclude<J: Send>(
    session: &mut dyn Session,
    arrived: Vec<(J, Upload, Transferred)>,
    options: &TransferOptions,
    alone: &mut Vec<J>,
    tell: &mut (dyn FnMut(J, Result<Outcome>) + Send),
) -> Option<Error> {
    let mut lost = None;
    let mut whole = Vec::new();
    for (job, upload, transferred) in arrived {
        let Upload {
            target,
            local,
            size,
        } = upload;
        let approved = target
            .approve(session, &local, None, size, transferred, options)
            .await;
        match approved {
            Ok(outcome) => whole.push((job, target, outcome)),
            Err(error) => {
                alone.push(job);
                lost = lost.or(Some(error).filter(failure::is_lost));
            }
        }
    }
    let names: Vec<_> = whole.iter().map(|(_, target, _)| target.names()).collect();
    // What may not be replaced does not go together with others.
    let replace = RenameOptions::default().with_replace(true);
    let mut renamed = session.rename_files(&names, replace).await.into_iter();
    for (job, mut target, mut outcome) in whole {
        let Some(renamed) = renamed.next() else {
            alone.push(job);
            continue;
        };
        match target.published(session, renamed).await {
            Ok(publish) => {
                outcome.publish = publish;
                tell(job, Ok(outcome));
            }
            Err(error) => {
                alone.push(job);
                lost = lost.or(Some(error).filter(failure::is_lost));
            }
        }
    }
    lost
}

/// A small file on its way up.
struct Upload {
    target: Target,
    local: Local,
    size: u64,
}

enum Prepared {
    Write(Box<(Upload, FileToWrite)>),
    Stays(Outcome),
    Alone,
}

/// What is in files, and what they are; `None` of those that are not small files.
async fn read<J>(files: &[SmallUpload<J>]) -> Vec<Option<(Metadata, Vec<u8>)>> {
    let paths: Vec<_> = files.iter().map(|file| file.from.clone()).collect();
    let count = paths.len();
    let read = |path: PathBuf| {
        let metadata = std::fs::metadata(&path).ok()?;
        if !metadata.is_file() || metadata.len() > SMALL {
            return None;
        }
        let content = std::fs::read(&path).ok()?;
        (content.len() as u64 == metadata.len()).then_some((metadata, content))
    };
    let work = move || paths.into_iter().map(read).collect();
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| std::iter::repeat_with(|| None).take(count).collect())
}

/// Says where a file goes, and whether.
async fn prepare<J>(
    session: &mut dyn Session,
    file: &SmallUpload<J>,
    (metadata, content): (Metadata, Vec<u8>),
    options: &TransferOptions,
) -> Prepared {
    let local = Local::of(&metadata, options);
    let chosen = Target::choose(session, &file.to, Some(file.old), &local, options).await;
    let mut target = match chosen {
        Ok(Chosen::Write(target)) => target,
        Ok(Chosen::Skipped(outcome)) => return Prepared::Stays(outcome),
        Err(_) => return Prepared::Alone,
    };
    target.stage(session, &part::tag(&file.from, &metadata), options);
    if !target.is_staged() {
        return Prepared::Alone;
    }
    target.debris = true;
    let write = target.write_options(&local, options, 0);
    let write = FileToWrite::new(target.written.clone(), content).with_options(write);
    let upload = Upload {
        target,
        local,
        size: metadata.len(),
    };
    Prepared::Write(Box::new((upload, write)))
}
