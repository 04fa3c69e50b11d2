//! The steps of a plan, done.

use std::{collections::VecDeque, path::PathBuf, sync::Arc};

use ftp_connect_core::{
    CreateDirOptions, Error, ErrorKind, Operation, Permissions, RemotePath, Result,
    SessionExt as _, params::Encoding,
};
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::JoinSet,
};

use super::{Direction, OldFile, Plan, Step, batch, journal::Journal, names};
use crate::{
    Outcome, Pool, Progress, TransferOptions,
    download::Download,
    failure,
    progress::Meter,
    remote::{Old, Source},
    together::Queue,
    upload::Upload,
};

/// How a plan is applied.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ApplyOptions {
    /// How files are transferred. Times are kept by default, since the next plan compares them, and downloads
    /// are not waited for until they are on disk.
    pub transfer: TransferOptions,
    /// How many files at once; the pool's limit holds all the same. One by default.
    pub parallel: usize,
    /// From which size on, in bytes, a file from the server comes in segments by all sessions that are free, if
    /// there are several at once; `None` for never. 64 MiB by default: what it costs to begin is then nothing.
    pub segment_from: Option<u64>,
    /// Where to note what is done, so that the same plan can be applied again after a crash. The file is
    /// removed when all is done.
    pub journal: Option<PathBuf>,
}

impl Default for ApplyOptions {
    fn default() -> Self {
        Self {
            transfer: TransferOptions::default()
                .with_keep_times(true)
                .with_durable(false),
            parallel: 1,
            segment_from: Some(64 * 1024 * 1024),
            journal: None,
        }
    }
}

impl ApplyOptions {
    /// Sets [`ApplyOptions::transfer`].
    #[must_use]
    pub fn with_transfer(mut self, transfer: TransferOptions) -> Self {
        self.transfer = transfer;
        self
    }

    /// Sets [`ApplyOptions::parallel`]; 0 counts as 1.
    #[must_use]
    pub fn with_parallel(mut self, parallel: usize) -> Self {
        self.parallel = parallel.max(1);
        self
    }

    /// Sets [`ApplyOptions::segment_from`].
    #[must_use]
    pub fn with_segment_from(mut self, bytes: impl Into<Option<u64>>) -> Self {
        self.segment_from = bytes.into();
        self
    }

    /// Sets [`ApplyOptions::journal`].
    #[must_use]
    pub fn with_journal(mut self, journal: impl Into<Option<PathBuf>>) -> Self {
        self.journal = journal.into();
        self
    }
}

/// What happens while a plan is applied. Paths are below both folders.
#[derive(Debug)]
#[non_exhaustive]
pub enum MirrorEvent {
    /// A file is being copied.
    Moved {
        /// The file.
        path: RemotePath,
        /// How far it is.
        progress: Progress,
        /// How far all of it is.
        overall: Progress,
    },
    /// A file was copied.
    Copied {
        /// The file.
        path: RemotePath,
        /// What came of it.
        outcome: Outcome,
        /// How far all of it is.
        overall: Progress,
    },
    /// Another step was done.
    Done(Step),
    /// A step failed; the others go on.
    Failed {
        /// What it was to be done to.
        path: RemotePath,
        /// Why.
        error: Arc<Error>,
    },
}

/// What was done.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Summary {
    /// Files that were copied.
    pub copied: u64,
    /// Bytes that went over.
    pub bytes: u64,
    /// Folders that were created.
    pub folders: u64,
    /// Links that were made.
    pub links: u64,
    /// Files, links and folders that were removed.
    pub removed: u64,
    /// Steps that the journal says were done before.
    pub done_before: u64,
    /// Files of which more than the protocol's own end is proven.
    pub verified: u64,
    /// Whether nothing was removed because something failed before.
    pub removal_skipped: bool,
    /// What failed, and why.
    pub failures: Vec<(RemotePath, Arc<Error>)>,
}

impl Summary {
    /// Whether nothing failed.
    pub fn is_success(&self) -> bool {
        self.failures.is_empty()
    }
}

impl Plan {
    /// Does what is to be done. A file that fails does not keep the others from being copied, and stands in the
    /// summary; then nothing is removed.
    ///
    /// # Errors
    /// When the server cannot be connected to any more, or the journal is of another plan.
    ///
    /// # Cancel safety
    /// Dropping the future stops; a plan made anew, or this one with its journal, goes on from there.
    pub async fn apply(
        &self,
        pool: &Pool,
        options: &ApplyOptions,
        observer: &mut (dyn FnMut(&MirrorEvent) + Send),
    ) -> Result<Summary> {
        let journal = match &options.journal {
            Some(path) => Some(Journal::open(path, self)?),
            None => None,
        };
        let site = Site {
            direction: self.direction,
            local: self.local.clone(),
            remote: self.remote.clone(),
            encoding: self.charset()?,
            transfer: options.transfer.clone(),
            pool: pool.clone(),
            segments: options.parallel,
            segment_from: options.segment_from,
        };
        let mut applying = Applying {
            site: Arc::new(site),
            files: self.files(),
            overall: Meter::new(0, Some(self.bytes())),
            journal,
            summary: Summary::default(),
            observer,
            parallel: options.parallel.max(1),
        };
        let mut copies = VecDeque::new();
        for (number, step) in self.steps.iter().enumerate() {
            if applying
                .journal
                .as_ref()
                .is_some_and(|journal| journal.has(number))
            {
                applying.summary.done_before += 1;
                continue;
            }
            if let Step::Copy { .. } = step {
                copies.push_back((number, step.clone()));
                continue;
            }
            if !copies.is_empty() && !matches!(step, Step::Link { .. }) {
                applying.copy(std::mem::take(&mut copies)).await?;
            }
            applying
                .step(number, step, !self.is_preparation(number))
                .await?;
        }
        applying.copy(copies).await?;
        let Applying {
            journal, summary, ..
        } = applying;
        if let Some(journal) = journal
            && summary.is_success()
        {
            journal.remove();
        }
        Ok(summary)
    }

    /// Whether a step makes way for others.
    fn is_preparation(&self, number: usize) -> bool {
        self.steps[number..].iter().any(|step| {
            matches!(
                step,
                Step::CreateDir { .. } | Step::Copy { .. } | Step::Link { .. }
            )
        })
    }
}

/// The two folders, and the ways between them.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) direction: Direction,
    local: PathBuf,
    remote: RemotePath,
    encoding: Encoding,
    pub(super) transfer: TransferOptions,
    pub(super) pool: Pool,
    segments: usize,
    segment_from: Option<u64>,
}

impl Site {
    pub(super) fn remote(&self, path: &RemotePath) -> RemotePath {
        if path.is_empty() {
            self.remote.clone()
        } else {
            self.remote.join(path)
        }
    }

    pub(super) fn local(&self, path: &RemotePath) -> Result<PathBuf> {
        names::to_local(&self.local, path, self.encoding).ok_or_else(|| {
            Error::new(ErrorKind::InvalidParameter)
                .with_path(path)
                .with_message("no file here can have this name")
        })
    }
}

struct Applying<'a> {
    site: Arc<Site>,
    files: u64,
    overall: Meter,
    journal: Option<Journal>,
    summary: Summary,
    observer: &'a mut (dyn FnMut(&MirrorEvent) + Send),
    parallel: usize,
}

impl Applying<'_> {
    /// Does a step that is no copy.
    async fn step(&mut self, number: usize, step: &Step, is_cleaning: bool) -> Result<()> {
        let removes = matches!(step, Step::Remove { .. } | Step::RemoveDir { .. });
        if removes && is_cleaning && !self.summary.is_success() {
            self.summary.removal_skipped = true;
            return Ok(());
        }
        let done = match self.site.direction {
            Direction::Upload => self.site.on_server(step).await,
            Direction::Download => self.site.on_disk(step),
        };
        match done {
            Ok(()) => {
                match step {
                    Step::CreateDir { .. } => self.summary.folders += 1,
                    Step::Link { .. } => self.summary.links += 1,
                    _ => self.summary.removed += 1,
                }
                (self.observer)(&MirrorEvent::Done(step.clone()));
                self.note(number)
            }
            Err(error) => self.fail(step.path(), error),
        }
    }

    fn note(&mut self, number: usize) -> Result<()> {
        self.journal
            .as_mut()
            .map_or(Ok(()), |journal| journal.note(number))
    }

    fn fail(&mut self, path: &RemotePath, error: Error) -> Result<()> {
        if is_over(&error) {
            return Err(error);
        }
        let error = Arc::new(error);
        self.summary
            .failures
            .push((path.clone(), Arc::clone(&error)));
        (self.observer)(&MirrorEvent::Failed {
            path: path.clone(),
            error,
        });
        Ok(())
    }

    /// Copies files, several at once.
    async fn copy(&mut self, jobs: VecDeque<(usize, Step)>) -> Result<()> {
        let workers = self.parallel.min(jobs.len());
        let queue = Arc::new(Queue::new(jobs, workers));
        let (told, mut news) = unbounded_channel();
        let mut tasks = JoinSet::new();
        for _ in 0..workers {
            tasks.spawn(work(
                Arc::clone(&self.site),
                Arc::clone(&queue),
                told.clone(),
            ));
        }
        drop(told);
        self.listen(&mut news).await?;
        while let Some(ended) = tasks.join_next().await {
            ended.map_err(std::io::Error::other)?;
        }
        Ok(())
    }

    async fn listen(&mut self, news: &mut UnboundedReceiver<News>) -> Result<()> {
        // The last news of each file that is under way.
        let mut under_way: Vec<(usize, u64)> = Vec::new();
        while let Some(News { number, path, what }) = news.recv().await {
            let at = under_way.iter().position(|(file, _)| *file == number);
            let before = at.map_or(0, |at| under_way[at].1);
            match what {
                What::Progress(progress) => {
                    let bytes = progress.bytes.max(before);
                    match at {
                        Some(at) => under_way[at].1 = bytes,
                        None => under_way.push((number, bytes)),
                    }
                    let overall = self.overall(bytes - before);
                    (self.observer)(&MirrorEvent::Moved {
                        path,
                        progress,
                        overall,
                    });
                }
                What::End(end) => {
                    if let Some(at) = at {
                        under_way.swap_remove(at);
                    }
                    match end {
                        Ok(outcome) => {
                            self.note(number)?;
                            self.summary.copied += u64::from(!outcome.skipped);
                            self.summary.bytes += outcome.bytes - outcome.resumed_at;
                            self.summary.verified +=
                                u64::from(outcome.integrity != crate::Integrity::Unverified);
                            let overall = self.overall(outcome.bytes.saturating_sub(before));
                            (self.observer)(&MirrorEvent::Copied {
                                path,
                                outcome,
                                overall,
                            });
                        }
                        Err(error) => self.fail(&path, error)?,
                    }
                }
            }
        }
        Ok(())
    }

    fn overall(&mut self, bytes: u64) -> Progress {
        let mut overall = self.overall.count(bytes);
        let over = self.summary.copied + self.summary.failures.len() as u64;
        overall.file = (over + 1).min(self.files);
        overall.files = self.files;
        overall
    }
}

/// Of servers where nobody can make links, such as those of FTP.
fn no_links(path: &RemotePath) -> Error {
    Error::new(ErrorKind::Unsupported)
        .with_operation(Operation::CreateLink)
        .with_path(path)
        .with_message("no symbolic link can be made on this server")
        .with_hint("Links::Follow (--links follow) copies what links lead to in their place")
}

/// Whether the server is gone for good: then every further step would only fail in the same way.
fn is_over(error: &Error) -> bool {
    matches!(
        error.operation(),
        Some(Operation::Connect | Operation::Login)
    )
}

impl Site {
    async fn on_server(&self, step: &Step) -> Result<()> {
        let path = self.remote(step.path());
        let step = step.clone();
        self.pool
            .run(move |session| {
                let (path, step) = (path.clone(), step.clone());
                Box::pin(async move {
                    let done = match &step {
                        Step::CreateDir { .. } => {
                            session
                                .create_dir_all(&path, CreateDirOptions::default())
                                .await
                        }
                        Step::Remove { .. } => session.remove_file(&path).await,
                        Step::RemoveDir { .. } => session.remove_dir(&path).await,
                        // What is there must not go where nothing can take its place.
                        Step::Link { .. } if !session.capabilities().symlinks => {
                            Err(no_links(&path))
                        }
                        Step::Link { target, .. } => {
                            match session.remove_file(&path).await {
                                Err(error) if failure::is_lost(&error) => return Err(error),
                                _ => {}
                            }
                            session.create_symlink(&path, target).await
                        }
                        Step::Copy { .. } => Ok(()),
                    };
                    let removes = matches!(step, Step::Remove { .. } | Step::RemoveDir { .. });
                    match done {
                        Err(error) if removes && *error.kind() == ErrorKind::NotFound => Ok(()),
                        done => done,
                    }
                })
            })
            .await
    }

    fn on_disk(&self, step: &Step) -> Result<()> {
        let path = self.local(step.path())?;
        let gone = |done: std::io::Result<()>| match done {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            done => done,
        };
        let done = match step {
            Step::CreateDir { .. } => std::fs::create_dir_all(&path),
            Step::Remove { .. } => gone(std::fs::remove_file(&path)),
            Step::RemoveDir { .. } => gone(std::fs::remove_dir(&path)),
            Step::Link { target, .. } => {
                gone(std::fs::remove_file(&path)).and_then(|()| link(target, &path))
            }
            Step::Copy { .. } => Ok(()),
        };
        done.map_err(|error| failure::local(&path, error))
    }

    /// Copies one file, with all attempts; `as_listed` if nothing speaks yet against what the plan tells of it.
    pub(super) async fn copy(
        &self,
        step: &Step,
        as_listed: bool,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Outcome> {
        let Step::Copy {
            path,
            size,
            replaces,
            ..
        } = step
        else {
            return Err(Error::new(ErrorKind::Unsupported));
        };
        let (remote, local) = (self.remote(path), self.local(path)?);
        let large = size.is_none_or(|size| size >= LARGE);
        let transfer = self.transfer.clone().with_keep_parts(large);
        match self.direction {
            Direction::Upload => {
                let old = replaces.as_ref().map_or(Old::Missing, OldFile::as_old);
                let upload = Upload::new(&local, &remote, &transfer).with_listed(old);
                self.pool.complete_upload(upload, progress).await
            }
            Direction::Download
                if self.segments > 1
                    && size
                        .zip(self.segment_from)
                        .is_some_and(|(size, from)| size >= from) =>
            {
                let (pool, count) = (&self.pool, self.segments);
                pool.download_in_segments(&remote, &local, count, &transfer, progress)
                    .await
            }
            Direction::Download => {
                let mut download = Download::new(&remote, &local, &transfer);
                if as_listed {
                    download = download.with_listed(listed(step));
                }
                self.pool.complete_download(download, progress).await
            }
        }
    }
}

/// What the listing told of a file.
pub(super) fn listed(step: &Step) -> Source {
    match step {
        Step::Copy {
            size,
            modified,
            mode,
            ..
        } => Source {
            size: *size,
            modified: *modified,
            permissions: mode.map(Permissions::from_mode),
        },
        _ => Source::default(),
    }
}

/// What a worker tells.
pub(super) struct News {
    pub(super) number: usize,
    pub(super) path: RemotePath,
    pub(super) what: What,
}

pub(super) enum What {
    Progress(Progress),
    End(Result<Outcome>),
}

async fn work(site: Arc<Site>, queue: Arc<Queue<(usize, Step)>>, news: UnboundedSender<News>) {
    loop {
        let mut jobs = queue.next(|(_, step)| batch::small(&site, step));
        if jobs.is_empty() || news.is_closed() {
            return;
        }
        let together = jobs.len() > 1;
        if together {
            let left = batch::copy(&site, jobs, &news).await;
            queue.put_back(left.unbegun);
            jobs = left.alone;
        }
        for (number, step) in jobs {
            let path = step.path().clone();
            let tell = |what| {
                let path = path.clone();
                // Nobody listens any more once something has ended all.
                let _ = news.send(News { number, path, what });
            };
            let outcome = site
                .copy(&step, !together, &mut |progress| {
                    tell(What::Progress(progress));
                })
                .await;
            tell(What::End(outcome));
        }
    }
}

#[cfg(unix)]
fn link(target: &RemotePath, path: &std::path::Path) -> std::io::Result<()> {
    use std::os::unix::ffi::OsStrExt as _;
    std::os::unix::fs::symlink(std::ffi::OsStr::from_bytes(target.as_bytes()), path)
}

#[cfg(not(unix))]
fn link(_target: &RemotePath, _path: &std::path::Path) -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}

/// From which size on a file that was begun is worth going on with.
const LARGE: u64 = 1024 * 1024;
