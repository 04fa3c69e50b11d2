//! Small files, read many at once by [`Session::read_files`](ftp_connect_core::Session::read_files).

use std::{io::Write as _, path::Path};

use ftp_connect_core::Result;
use tokio::{sync::mpsc::UnboundedSender, task::JoinSet};

use super::{
    Step,
    apply::{News, Site, What, listed},
};
use crate::{
    Integrity, Outcome, Overwrite, Place, Publish, TransferOptions, Verify,
    download::dress,
    failure,
    part::{self, local::LocalPart},
    remote::Source,
};

/// Whether a file may be read together with others: it must be small, and nothing may be asked for that needs
/// more than its bytes.
pub(super) fn suits(site: &Site, step: &Step) -> bool {
    let transfer = &site.transfer;
    site.downloads()
        && matches!(step, Step::Copy { size: Some(size), .. } if *size <= SMALL)
        && transfer.overwrite == Overwrite::Replace
        && transfer.verify != Verify::Checksum
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
