//! Small files of a plan, many at once by [`Session::read_files`](ftp_connect_core::Session::read_files) and
//! [`Session::write_files`](ftp_connect_core::Session::write_files).

use std::collections::VecDeque;

use ftp_connect_core::{FileToWrite, Session};
use tokio::sync::mpsc::UnboundedSender;

use super::{
    OldFile, Step,
    apply::{News, Site, What, listed},
};
use crate::{
    failure, part,
    remote::Old,
    together::{self, Left, SMALL, SmallFile},
    upload::{Chosen, Local, Target},
};

/// The size of a file, if it may go together with others.
pub(super) fn small(site: &Site, step: &Step) -> Option<u64> {
    let Step::Copy { size, .. } = step else {
        return None;
    };
    size.filter(|size| *size <= SMALL && together::suits(&site.transfer))
}

/// Reads files together.
pub(super) async fn download(
    site: &Site,
    jobs: Vec<(usize, Step)>,
    news: &UnboundedSender<News>,
) -> Left<(usize, Step)> {
    let mut nameless = Vec::new();
    let mut files = Vec::new();
    for (number, step) in jobs {
        match site.local(step.path()) {
            Ok(to) => files.push(SmallFile {
                from: site.remote(step.path()),
                to,
                source: listed(&step),
                job: (number, step),
            }),
            Err(_) => nameless.push((number, step)),
        }
    }
    let mut tell = |(number, step): (usize, Step), outcome| {
        let path = step.path().clone();
        let what = What::End(outcome);
        let _ = news.send(News { number, path, what });
    };
    let mut left = together::download(&site.pool, files, &site.transfer, &mut tell).await;
    left.alone.extend(nameless);
    left
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
