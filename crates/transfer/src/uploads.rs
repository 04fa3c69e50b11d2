//! Many files of this machine, to the server.
//!
//! What is there is learnt from one listing of each folder that several of them go to, and small files are written
//! together where the backend can keep several under way.

use std::{
    collections::{HashMap, HashSet},
    path::PathBuf,
    sync::Arc,
};

use ftp_connect_core::{Entry, ListOptions, RemotePath, Result, Session};
use tokio::sync::mpsc::UnboundedSender;

use crate::{
    FileEvent, Overwrite, Pool, TransferOptions,
    listed::share_out,
    remote::{Old, Source},
    times,
    together::{self, Queue, SMALL, SmallUpload},
    upload::Upload,
};

/// A file of this machine, and where it is to go.
#[derive(Debug, Clone)]
pub struct LocalFile {
    from: PathBuf,
    to: RemotePath,
}

impl LocalFile {
    /// This file is to go there.
    pub fn new(from: impl Into<PathBuf>, to: RemotePath) -> Self {
        let from = from.into();
        Self { from, to }
    }
}

impl Pool {
    /// Uploads files, `parallel` at once, each as [`Pool::upload`] does. What is there is looked up by one listing of
    /// a folder that several of them go to, if that tells for certain.
    ///
    /// # Errors
    /// None that a file ends in: those are told to the observer.
    ///
    /// # Cancel safety
    /// Dropping the future leaves each remote file as it was, or whole and new, and files that the next upload of the
    /// same files replaces.
    pub async fn upload_files(
        &self,
        files: Vec<LocalFile>,
        options: &TransferOptions,
        parallel: usize,
        observer: &mut (dyn FnMut(FileEvent) + Send),
    ) -> Result<()> {
        let workers = parallel.max(1).min(files.len());
        let there = There::look(self, &files, options).await;
        let jobs = tokio::task::spawn_blocking(move || {
            let jobs = files.into_iter().enumerate().map(|(number, file)| Job {
                size: std::fs::metadata(&file.from).ok().map(|found| found.len()),
                old: there.of(&file.to),
                number,
                file,
            });
            jobs.collect()
        });
        let jobs = jobs.await.map_err(std::io::Error::other)?;
        let work = Arc::new(Work {
            pool: self.clone(),
            options: options.clone(),
            queue: Queue::new(jobs, workers),
        });
        let worker = |tell| Arc::clone(&work).run(tell);
        share_out(workers, worker, observer).await
    }
}

struct Job {
    number: usize,
    file: LocalFile,
    size: Option<u64>,
    /// What has the name, if that is known.
    old: Option<Old>,
}

struct Work {
    pool: Pool,
    options: TransferOptions,
    queue: Queue<Job>,
}

impl Work {
    /// Takes files and uploads them until there are none. Whoever listens is there until all is over.
    async fn run(self: Arc<Self>, tell: UnboundedSender<FileEvent>) {
        let suits = together::suits_uploads(&self.options);
        loop {
            let small = |job: &Job| job.size.filter(|size| *size <= SMALL && job.old.is_some());
            let mut jobs = self.queue.next(|job| small(job).filter(|_| suits));
            match jobs.len() {
                0 => return,
                1 => {
                    for job in jobs {
                        self.upload(job, &tell).await;
                    }
                }
                _ => {
                    jobs = self.upload_together(jobs, &tell).await;
                    for mut job in jobs {
                        job.old = None;
                        self.upload(job, &tell).await;
                    }
                }
            }
        }
    }

    /// Gives back those that must go alone.
    async fn upload_together(&self, jobs: Vec<Job>, tell: &UnboundedSender<FileEvent>) -> Vec<Job> {
        let files = jobs.into_iter().map(|job| SmallUpload {
            from: job.file.from.clone(),
            to: job.file.to.clone(),
            old: job.old.unwrap_or(Old::Unknown),
            job,
        });
        let mut ended = |job: Job, outcome| {
            let file = job.number;
            let _ = tell.send(FileEvent::Ended { file, outcome });
        };
        let left = together::upload(&self.pool, files.collect(), &self.options, &mut ended).await;
        self.queue.put_back(left.unbegun);
        left.alone
    }

    async fn upload(&self, job: Job, tell: &UnboundedSender<FileEvent>) {
        let mut upload = Upload::new(&job.file.from, &job.file.to, &self.options);
        if let Some(old) = job.old {
            upload = upload.with_listed(old);
        }
        let file = job.number;
        let mut watch = |progress| {
            let _ = tell.send(FileEvent::Moved { file, progress });
        };
        let outcome = self.pool.complete_upload(upload, &mut watch).await;
        let _ = tell.send(FileEvent::Ended { file, outcome });
    }
}

/// What is in the folders that files go to, as far as their listings tell for certain.
#[derive(Default)]
struct There(HashMap<RemotePath, Folder>);

struct Folder {
    /// By their names; nothing of what is no file, or of which too little was told.
    entries: HashMap<RemotePath, Option<Old>>,
    /// Their names without case, as some servers have them.
    folded: HashSet<Vec<u8>>,
}

impl There {
    /// Lists the folders to which several of these files go.
    async fn look(pool: &Pool, files: &[LocalFile], options: &TransferOptions) -> Self {
        let mut there = Self::default();
        // What must not be replaced is asked about when its turn comes.
        if !matches!(
            options.overwrite,
            Overwrite::Replace | Overwrite::IfNewer | Overwrite::IfSizeDiffers
        ) {
            return there;
        }
        let mut counts = HashMap::new();
        for folder in files.iter().filter_map(|file| file.to.parent()) {
            *counts.entry(folder).or_insert(0) += 1;
        }
        for (folder, count) in counts {
            if count < SEVERAL {
                continue;
            }
            let (most, by_time) = (MANY + 10 * count, options.overwrite == Overwrite::IfNewer);
            let path = folder.clone();
            let listed = pool.run(move |session| {
                let path = path.clone();
                Box::pin(async move { Folder::list(session, &path, most, by_time).await })
            });
            // What cannot be listed is asked about file by file.
            if let Ok(Some(listed)) = listed.await {
                there.0.insert(folder, listed);
            }
        }
        there
    }

    fn of(&self, path: &RemotePath) -> Option<Old> {
        let folder = self.0.get(&path.parent()?)?;
        folder.find(&path.file_name()?)
    }
}

impl Folder {
    /// `None` if not all that is there was told, or it is so much that asking about each file is less.
    async fn list(
        session: &mut dyn Session,
        path: &RemotePath,
        most: usize,
        by_time: bool,
    ) -> Result<Option<Self>> {
        let mut folder = Self {
            entries: HashMap::new(),
            folded: HashSet::new(),
        };
        let options = ListOptions::default().with_utc_times(by_time);
        let mut listing = session.list(path, options).await?;
        while let Some(entry) = listing.next().await? {
            if folder.entries.len() == most {
                return Ok(None);
            }
            folder
                .folded
                .insert(entry.name.as_bytes().to_ascii_lowercase());
            let old = certain(&entry, by_time);
            folder.entries.insert(entry.name, old);
        }
        let summary = listing.finish().await?;
        Ok((summary.unparsed == 0).then_some(folder))
    }

    fn find(&self, name: &RemotePath) -> Option<Old> {
        let bytes = name.as_bytes();
        match self.entries.get(name) {
            Some(old) => *old,
            // Servers may hide it, or have it in another case.
            None if bytes.starts_with(b".") => None,
            None if self.folded.contains(&bytes.to_ascii_lowercase()) => None,
            None => Some(Old::Missing),
        }
    }
}

/// What an entry tells of a file, if that is enough.
fn certain(entry: &Entry, by_time: bool) -> Option<Old> {
    let exact = entry.modified.as_ref().is_some_and(times::is_exact);
    let tells = entry.is_file() && entry.size.is_some() && (exact || !by_time);
    tells.then(|| Old::File(Source::of(entry)))
}

/// For fewer files no folder is listed: to ask about each takes no more round trips.
const SEVERAL: usize = 3;

/// How many entries, beside ten for each file, a folder may have whose listing is still read to its end.
const MANY: usize = 1000;
