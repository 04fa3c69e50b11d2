//! Many files that a listing told of, from the server.
//!
//! What the listing told need not be asked again, and small files are read together where the backend can keep
//! several under way.

use std::{path::PathBuf, sync::Arc};

use ftp_connect_core::{Entry, EntryKind, RemotePath, Result};
use tokio::{
    sync::mpsc::{UnboundedSender, unbounded_channel},
    task::JoinSet,
};

use crate::{
    Outcome, Overwrite, Pool, Progress, TransferOptions,
    download::Download,
    remote::Source,
    times,
    together::{self, Queue, SMALL, SmallDownload},
};

/// A file on the server that a listing told of, and where it is to go.
#[derive(Debug, Clone)]
pub struct ListedFile {
    from: RemotePath,
    to: PathBuf,
    source: Option<Source>,
}

impl ListedFile {
    /// This file is to go there. Of an entry that is no file, such as a link, nothing is taken for told.
    pub fn new(from: RemotePath, to: impl Into<PathBuf>, entry: &Entry) -> Self {
        let is_told = entry.kind == EntryKind::File && entry.size.is_some();
        Self {
            from,
            to: to.into(),
            source: is_told.then(|| Source::of(entry)),
        }
    }

    /// What the listing told, unless the time is wanted more exactly: old servers list days. Permissions it tells
    /// wherever the server knows any.
    fn told(&self, options: &TransferOptions) -> Option<Source> {
        let wants_time =
            options.keep_times || options.overwrite == Overwrite::IfNewer || options.resumes();
        self.source.filter(|source| {
            let is_exact = source.modified.as_ref().is_some_and(times::is_exact);
            is_exact || !wants_time
        })
    }

    fn small(&self, options: &TransferOptions) -> Option<u64> {
        let size = self.told(options)?.size?;
        (size <= SMALL && together::suits_downloads(options)).then_some(size)
    }
}

/// What happens while many files are transferred. They are named by their places among those given.
#[derive(Debug)]
#[non_exhaustive]
pub enum FileEvent {
    /// A file is being transferred; of small ones only the end is told.
    Moved {
        /// The file.
        file: usize,
        /// How far it is.
        progress: Progress,
    },
    /// A file is over, for better or worse.
    Ended {
        /// The file.
        file: usize,
        /// What came of it, after all attempts.
        outcome: Result<Outcome>,
    },
}

impl Pool {
    /// Downloads files that a listing told of, `parallel` at once, each as [`Pool::download`] does. What the
    /// listing told is not asked again; a file that has become another since is asked about and read anew.
    ///
    /// # Errors
    /// None that a file ends in: those are told to the observer.
    ///
    /// # Cancel safety
    /// Dropping the future leaves each local file as it was, or whole and new.
    pub async fn download_listed(
        &self,
        files: Vec<ListedFile>,
        options: &TransferOptions,
        parallel: usize,
        observer: &mut (dyn FnMut(FileEvent) + Send),
    ) -> Result<()> {
        let workers = parallel.max(1).min(files.len());
        let work = Arc::new(Work {
            pool: self.clone(),
            options: options.clone(),
            queue: Queue::new(files.into_iter().enumerate().collect(), workers),
        });
        let worker = |tell| Arc::clone(&work).run(tell);
        share_out(workers, worker, observer).await
    }
}

/// Lets so many workers do what there is, and passes on what they tell.
pub(crate) async fn share_out<W>(
    workers: usize,
    worker: impl Fn(UnboundedSender<FileEvent>) -> W,
    observer: &mut (dyn FnMut(FileEvent) + Send),
) -> Result<()>
where
    W: Future<Output = ()> + Send + 'static,
{
    let (tell, mut told) = unbounded_channel();
    let mut tasks = JoinSet::new();
    for _ in 0..workers {
        tasks.spawn(worker(tell.clone()));
    }
    drop(tell);
    while let Some(event) = told.recv().await {
        observer(event);
    }
    while let Some(ended) = tasks.join_next().await {
        ended.map_err(std::io::Error::other)?;
    }
    Ok(())
}

type Job = (usize, ListedFile);

struct Work {
    pool: Pool,
    options: TransferOptions,
    queue: Queue<Job>,
}

impl Work {
    /// Takes files and downloads them until there are none. Whoever listens is there until all is over.
    async fn run(self: Arc<Self>, tell: UnboundedSender<FileEvent>) {
        loop {
            let jobs = self.queue.next(|(_, file)| file.small(&self.options));
            match jobs.len() {
                0 => return,
                1 => {
                    for (number, file) in jobs {
                        let told = file.told(&self.options);
                        self.download(number, &file, told, &tell).await;
                    }
                }
                _ => self.download_together(jobs, &tell).await,
            }
        }
    }

    async fn download_together(&self, jobs: Vec<Job>, tell: &UnboundedSender<FileEvent>) {
        let files = jobs.into_iter().map(|(number, file)| SmallDownload {
            from: file.from.clone(),
            to: file.to.clone(),
            source: file.told(&self.options).unwrap_or_default(),
            job: (number, file),
        });
        let mut ended = |(file, _): Job, outcome| {
            let _ = tell.send(FileEvent::Ended { file, outcome });
        };
        let left = together::download(&self.pool, files.collect(), &self.options, &mut ended).await;
        for (number, file) in left.alone {
            self.download(number, &file, None, tell).await;
        }
        self.queue.put_back(left.unbegun);
    }

    async fn download(
        &self,
        number: usize,
        file: &ListedFile,
        told: Option<Source>,
        tell: &UnboundedSender<FileEvent>,
    ) {
        let mut download = Download::new(&file.from, &file.to, &self.options);
        if let Some(told) = told {
            download = download.with_listed(told);
        }
        let mut watch = |progress| {
            let moved = FileEvent::Moved {
                file: number,
                progress,
            };
            let _ = tell.send(moved);
        };
        let outcome = self.pool.complete_download(download, &mut watch).await;
        let _ = tell.send(FileEvent::Ended {
            file: number,
            outcome,
        });
    }
}
