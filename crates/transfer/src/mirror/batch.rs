//! Small files, many at once by [`Session::read_files`](ftp_connect_core::Session::read_files) and
//! [`Session::write_files`](ftp_connect_core::Session::write_files).

use std::{collections::VecDeque, io::Write as _, path::Path};

use ftp_connect_core::{FileToWrite, Result, Session};
use tokio::{sync::mpsc::UnboundedSender, task::JoinSet};

use super::{
    OldFile, Step,
    apply::{News, Site, What, listed},
};
use crate::{
    Integrity, Outcome, Overwrite, Place, Publish, Staging, TransferOptions, Verify,
    download::dress,
    failure,
    part::{self, local::LocalPart},
    remote::{Old, Source},
    upload::{Chosen, Local, Target},
};

/// Whether a file may go together with others: it must be small, and nothing may be asked for that needs
/// more than its bytes.
pub(super) fn suits(site: &Site, step: &Step) -> bool {
    let transfer = &site.transfer;
    matches!(step, Step::Copy { size: Some(size), .. } if *size <= SMALL)
        && transfer.overwrite == Overwrite::Replace
        && transfer.verify != Verify::Checksum
        && transfer.staging == Staging::Renamed
        && transfer.rate_limit.is_none()
        && !transfer.is_text()
}

/// Reads files together; those that did not work out are given back, to be tried one by one.
pub(super) async fn download(
    site: &Site,
    jobs: Vec<(usize, Step)>,
    news: &UnboundedSender<News>,
) -> Vec<(usize, Step)> {
    let Ok(mut session) = site.pool.session().await else {
        return jobs;
    };
    let paths = jobs
        .iter()
        .map(|(_, step)| site.remote(step.path()))
        .collect();
    let mut files = session.read_files(paths, SMALL);
    let mut writes = JoinSet::new();
    let mut failed = Vec::new();
    let mut lost = None;
    let mut jobs = jobs.into_iter();
    while let Some(file) = files.next().await {
        let Some((number, step)) = jobs.next() else {
            break;
        };
        let source = listed(&step);
        match (file.content, site.local(step.path())) {
            (Ok(content), Ok(local)) if source.size == Some(content.len() as u64) => {
                let transfer = site.transfer.clone();
                writes.spawn_blocking(move || {
                    let done = write(&local, &content, &source, &transfer);
                    (number, step, done)
                });
            }
            (content, _) => {
                failed.push((number, step));
                if let Err(error) = content
                    && failure::is_lost(&error)
                {
                    lost = Some(error);
                    break;
                }
            }
        }
    }
    drop(files);
    match lost {
        Some(error) => session.judge(&error),
        None => session.give_back(),
    }
    failed.extend(jobs);
    while let Some(written) = writes.join_next().await {
        let Ok((number, step, done)) = written else {
            continue;
        };
        let path = step.path().clone();
        let what = What::End(done);
        let _ = news.send(News { number, path, what });
    }
    failed
}

/// Writes files together and gives them their names; those that did not work out are given back, to be tried one
/// by one.
pub(super) async fn upload(
    site: &Site,
    jobs: Vec<(usize, Step)>,
    news: &UnboundedSender<News>,
) -> Vec<(usize, Step)> {
    let Ok(mut session) = site.pool.session().await else {
        return jobs;
    };
    let mut failed = Vec::new();
    let mut begun = VecDeque::new();
    let mut files = Vec::new();
    for (number, step) in jobs {
        match prepare(site, &mut *session, &step).await {
            Some((upload, content)) => {
                let write = upload
                    .target
                    .write_options(&upload.local, &site.transfer, 0);
                let file = FileToWrite::new(upload.target.written.clone(), content);
                files.push(file.with_options(write));
                begun.push_back((number, step, upload));
            }
            None => failed.push((number, step)),
        }
    }
    let mut written = session.write_files(files);
    let mut arrived = Vec::new();
    let mut lost = None;
    while let Some(file) = written.next().await {
        let Some((number, step, upload)) = begun.pop_front() else {
            break;
        };
        match file.outcome {
            Ok(transferred) => arrived.push((number, step, upload, transferred)),
            Err(error) => {
                failed.push((number, step));
                if failure::is_lost(&error) {
                    lost = Some(error);
                    break;
                }
            }
        }
    }
    drop(written);
    failed.extend(begun.into_iter().map(|(number, step, _)| (number, step)));
    for (number, step, mut upload, transferred) in arrived {
        if lost.is_some() {
            failed.push((number, step));
            continue;
        }
        let Upload {
            target,
            local,
            size,
        } = &mut upload;
        let concluded = target
            .conclude(
                &mut *session,
                local,
                None,
                *size,
                transferred,
                &site.transfer,
            )
            .await;
        match concluded {
            Ok(outcome) => {
                let path = step.path().clone();
                let what = What::End(Ok(outcome));
                let _ = news.send(News { number, path, what });
            }
            Err(error) => {
                failed.push((number, step));
                lost = Some(error).filter(failure::is_lost);
            }
        }
    }
    match lost {
        Some(error) => session.judge(&error),
        None => session.give_back(),
    }
    failed
}

/// A small file on its way up.
struct Upload {
    target: Target,
    local: Local,
    size: u64,
}

/// Reads a file and says where it goes; `None` if it must go alone.
async fn prepare(site: &Site, session: &mut dyn Session, step: &Step) -> Option<(Upload, Vec<u8>)> {
    let Step::Copy { path, replaces, .. } = step else {
        return None;
    };
    let from = site.local(path).ok()?;
    let metadata = tokio::fs::metadata(&from).await.ok()?;
    if !metadata.is_file() || metadata.len() > SMALL {
        return None;
    }
    let content = tokio::fs::read(&from).await.ok()?;
    let local = Local::of(&metadata, &site.transfer);
    let size = metadata.len();
    if content.len() as u64 != size {
        return None;
    }
    let old = replaces.as_ref().map_or(Old::Missing, OldFile::as_old);
    let to = site.remote(path);
    let chosen = Target::choose(session, &to, Some(old), &local, &site.transfer)
        .await
        .ok()?;
    let Chosen::Write(mut target) = chosen else {
        return None;
    };
    target.stage(session, &part::tag(&from, &metadata), &site.transfer);
    target.debris = target.is_staged();
    target.is_staged().then_some((
        Upload {
            target,
            local,
            size,
        },
        content,
    ))
}

/// Writes and publishes a file.
fn write(
    local: &Path,
    content: &[u8],
    source: &Source,
    options: &TransferOptions,
) -> Result<Outcome> {
    let old = match std::fs::metadata(local) {
        Ok(old) => Some(old),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(failure::local(local, error)),
    };
    if old.as_ref().is_some_and(|old| !old.is_file()) {
        return Err(failure::taken(local.display()));
    }
    let part = LocalPart::open(local, part::PLAIN)?;
    part.cut(0)?;
    let written = (&mut part.file()).write_all(content);
    written.map_err(|error| failure::local(local, error))?;
    let kept = dress(&part, source, old.as_ref(), options)?;
    if options.durable {
        part.file()
            .sync_all()
            .map_err(|error| failure::local(local, error))?;
    }
    part.publish(true)?;
    let integrity = match options.verify {
        Verify::Nothing => Integrity::Unverified,
        _ => Integrity::Size,
    };
    let place = Place::Local(local.to_owned());
    let mut outcome = Outcome::new(content.len() as u64, integrity, Publish::Atomic, place);
    outcome.attributes_kept = kept;
    Ok(outcome)
}

/// Up to which size a file is small, in bytes: so many are in memory at once.
const SMALL: u64 = 256 * 1024;
