//! Small files of a plan, many together.

use ftp_connect_core::Result;
use tokio::sync::mpsc::UnboundedSender;

use super::{
    Direction, OldFile, Step,
    apply::{News, Site, What, listed},
};
use crate::{
    Outcome,
    remote::Old,
    together::{self, Left, SMALL, SmallDownload, SmallUpload},
};

/// The size of a file, if it may go together with others.
pub(super) fn small(site: &Site, step: &Step) -> Option<u64> {
    let Step::Copy { size, .. } = step else {
        return None;
    };
    let suits = match site.direction {
        Direction::Download => together::suits_downloads(&site.transfer),
        Direction::Upload => together::suits_uploads(&site.transfer),
    };
    size.filter(|size| *size <= SMALL && suits)
}

/// Copies files together, and tells of those that are over.
pub(super) async fn copy(
    site: &Site,
    jobs: Vec<(usize, Step)>,
    news: &UnboundedSender<News>,
) -> Left<(usize, Step)> {
    let (jobs, nameless): (Vec<_>, Vec<_>) = jobs
        .into_iter()
        .map(|job| (site.local(job.1.path()).ok(), job))
        .partition(|(local, _)| local.is_some());
    let files = jobs
        .into_iter()
        .filter_map(|(local, job)| Some((local?, site.remote(job.1.path()), job)));
    let mut tell = |(number, step): (usize, Step), outcome: Result<Outcome>| {
        let path = step.path().clone();
        let what = What::End(outcome);
        let _ = news.send(News { number, path, what });
    };
    let mut left = match site.direction {
        Direction::Download => {
            let files = files.map(|(to, from, job)| SmallDownload {
                from,
                to,
                source: listed(&job.1),
                job,
            });
            together::download(&site.pool, files.collect(), &site.transfer, &mut tell).await
        }
        Direction::Upload => {
            let files = files.map(|(from, to, job)| SmallUpload {
                from,
                to,
                old: old(&job.1),
                job,
            });
            together::upload(&site.pool, files.collect(), &site.transfer, &mut tell).await
        }
    };
    left.alone.extend(nameless.into_iter().map(|(_, job)| job));
    left
}

/// What the plan tells of the file that is there.
fn old(step: &Step) -> Old {
    match step {
        Step::Copy {
            replaces: Some(old),
            ..
        } => OldFile::as_old(old),
        _ => Old::Missing,
    }
}
