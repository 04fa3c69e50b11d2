//! A session that does one thing wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use ftp_connect_core::{
    Capabilities, Checksum, ChecksumAlgorithm, ConnectReport, CreateDirOptions, Disposition, Entry,
    EntryKind, Error, ErrorKind, FreeSpace, ListOptions, ListSummary, Listing, Operation,
    Permissions, ReadBody, ReadOptions, RemotePath, RenameOptions, Result, Session,
    SessionExt as _, StatOptions, Timestamp, TransferType, Transferred, WriteBody, WriteOptions,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Defect {
    None,
    ReportWithoutTransport,
    PromisesRename,
    DeniesRename,
    ReadLosesLastByte,
    WriteLosesLastByte,
    ReadCountsWrong,
    WriteCountsWrong,
    EndNotTold,
    EndToldTooSoon,
    IgnoresOffset,
    IgnoresLength,
    OffsetSticks,
    IgnoresText,
    MissingIsEmpty,
    MissingIsRefused,
    ErrorsWithoutPath,
    ReplaceKeepsTail,
    CreateNewReplaces,
    AppendReplaces,
    ResumeIsBlind,
    StatSizeWrong,
    FolderIsFile,
    ListsDots,
    ListForgetsOne,
    ListTrimsNames,
    ListCountsWrong,
    ListMissingIsEmpty,
    ListFileIsEmpty,
    RenameCopies,
    RenameMissingOk,
    RenameNeverReplaces,
    RenameAlwaysReplaces,
    RemoveDoesNothing,
    RemoveMissingOk,
    CreateExistingOk,
    RemoveDirWithContent,
    SetsNothing,
    WrongChecksum,
    RelativeCurrentDir,
    CurrentDirStays,
    MoreFreeThanThereIs,
    KeepAliveFails,
    CloseFails,
    ErrorsPoison,
    DroppedReadPoisons,
    DroppedWritePoisons,
    DroppedListingPoisons,
    StaleAnswer,
    ClosedOnce,
    MissingHangs,
}

/// Hands everything on, except for the one defect.
#[derive(Debug)]
pub(crate) struct Faulty {
    inner: Box<dyn Session>,
    report: ConnectReport,
    marks: Marks,
    last_offset: u64,
    unanswered: Option<Result<Entry>>,
}

impl Faulty {
    pub(crate) fn boxed(inner: Box<dyn Session>, defect: Defect) -> Box<dyn Session> {
        let mut report = inner.report().clone();
        if defect == Defect::ReportWithoutTransport {
            report.transport = "";
        }
        let marks = Marks {
            defect,
            poisoned: Arc::default(),
        };
        Box::new(Self {
            inner,
            report,
            marks,
            last_offset: 0,
            unanswered: None,
        })
    }
}

/// The defect, and whether it has spoilt the session.
#[derive(Clone, Debug)]
struct Marks {
    defect: Defect,
    poisoned: Arc<AtomicBool>,
}

impl Marks {
    fn has(&self, defect: Defect) -> bool {
        self.defect == defect
    }

    /// Fails if an earlier operation has spoilt the session.
    fn enter(&self) -> Result<()> {
        if self.has(Defect::ClosedOnce) && self.poisoned.swap(false, Ordering::SeqCst) {
            return Err(Error::new(ErrorKind::Closed));
        }
        if self.poisoned.load(Ordering::SeqCst) {
            return Err(Error::new(ErrorKind::Protocol));
        }
        Ok(())
    }

    fn leave<T>(&self, outcome: Result<T>) -> Result<T> {
        outcome.map_err(|error| {
            if self.has(Defect::ErrorsPoison) {
                self.poisoned.store(true, Ordering::SeqCst);
            }
            let missing = *error.kind() == ErrorKind::NotFound;
            match self.defect {
                Defect::MissingIsRefused if missing => Error::new(ErrorKind::Refused),
                Defect::ErrorsWithoutPath => Error::new(error.kind().clone()),
                _ => error,
            }
        })
    }

    fn watch(&self, defects: &[Defect]) -> Watch {
        let on = defects.contains(&self.defect);
        Watch(on.then(|| Arc::clone(&self.poisoned)))
    }
}

/// Spoils the session when it is dropped unfinished.
#[derive(Debug)]
struct Watch(Option<Arc<AtomicBool>>);

impl Watch {
    fn finished(&mut self) {
        self.0 = None;
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(poisoned) = &self.0 {
            poisoned.store(true, Ordering::SeqCst);
        }
    }
}

#[async_trait]
impl Session for Faulty {
    fn report(&self) -> &ConnectReport {
        &self.report
    }

    fn capabilities(&self) -> Capabilities {
        let mut can = self.inner.capabilities();
        if self.marks.has(Defect::DeniesRename) {
            can.rename = false;
        }
        can
    }

    async fn stat(&mut self, path: &RemotePath, options: StatOptions) -> Result<Entry> {
        self.marks.enter()?;
        if let Some(answer) = self.unanswered.take() {
            return answer;
        }
        let mut outcome = self.inner.stat(path, options).await;
        if self.marks.has(Defect::StaleAnswer) {
            self.unanswered = Some(outcome);
            tokio::task::yield_now().await;
            outcome = self.unanswered.take().unwrap();
        }
        if self.marks.has(Defect::MissingHangs) && outcome.is_err() {
            std::future::pending::<()>().await;
        }
        if let Ok(entry) = &mut outcome {
            if self.marks.has(Defect::StatSizeWrong) {
                entry.size = entry.size.map(|size| size + 1);
            }
            if self.marks.has(Defect::FolderIsFile) {
                entry.kind = EntryKind::File;
            }
        }
        self.marks.leave(outcome)
    }

    async fn list<'s>(
        &'s mut self,
        path: &RemotePath,
        options: ListOptions,
    ) -> Result<Box<dyn Listing + 's>> {
        self.marks.enter()?;
        let mut entries = Vec::new();
        match self.inner.list(path, options).await {
            Ok(mut listing) => {
                while let Some(entry) = listing.next().await? {
                    entries.push(entry);
                }
            }
            Err(error) => match (self.marks.defect, error.kind()) {
                (Defect::ListMissingIsEmpty, ErrorKind::NotFound)
                | (Defect::ListFileIsEmpty, ErrorKind::NotADirectory) => {}
                _ => return self.marks.leave(Err(error)),
            },
        }
        match self.marks.defect {
            Defect::ListsDots => {
                let dot = RemotePath::new(".").unwrap();
                entries.insert(0, Entry::new(dot, EntryKind::Dir));
            }
            Defect::ListForgetsOne => drop(entries.pop()),
            Defect::ListTrimsNames => {
                for entry in &mut entries {
                    let name = entry.name.as_bytes().trim_ascii();
                    entry.name = RemotePath::new(name).unwrap();
                }
            }
            _ => {}
        }
        let mut summary = ListSummary::default();
        summary.entries = entries.len() as u64 + u64::from(self.marks.has(Defect::ListCountsWrong));
        let watch = self.marks.watch(&[Defect::DroppedListingPoisons]);
        Ok(Box::new(FaultyListing {
            entries: entries.into_iter(),
            summary,
            watch,
        }))
    }

    async fn read<'s>(
        &'s mut self,
        path: &RemotePath,
        mut options: ReadOptions,
    ) -> Result<Box<dyn ReadBody + 's>> {
        self.marks.enter()?;
        match self.marks.defect {
            Defect::IgnoresOffset => options.offset = 0,
            Defect::IgnoresLength => options.length = None,
            Defect::IgnoresText => options.transfer_type = TransferType::Binary,
            Defect::OffsetSticks if options.offset == 0 => options.offset = self.last_offset,
            _ => {}
        }
        self.last_offset = options.offset;
        let watch = self
            .marks
            .watch(&[Defect::DroppedReadPoisons, Defect::ClosedOnce]);
        let whole = options.length.is_none();
        let mut content = Vec::new();
        let mut told = Transferred::default();
        match self.inner.read(path, options).await {
            Ok(mut body) => {
                let mut buffer = [0; 4096];
                loop {
                    match body.read(&mut buffer).await? {
                        0 => break,
                        count => content.extend_from_slice(&buffer[..count]),
                    }
                }
                told = body.finish().await?;
            }
            Err(error) => {
                let mut watch = watch;
                watch.finished();
                let missing = *error.kind() == ErrorKind::NotFound;
                if !(missing && self.marks.has(Defect::MissingIsEmpty)) {
                    return self.marks.leave(Err(error));
                }
                return Ok(Box::new(FaultyRead::new(
                    content,
                    told,
                    self.marks.defect,
                    watch,
                )));
            }
        }
        if self.marks.has(Defect::ReadLosesLastByte) && whole {
            content.pop();
        }
        Ok(Box::new(FaultyRead::new(
            content,
            told,
            self.marks.defect,
            watch,
        )))
    }

    async fn write<'s>(
        &'s mut self,
        path: &RemotePath,
        mut options: WriteOptions,
    ) -> Result<Box<dyn WriteBody + 's>> {
        self.marks.enter()?;
        let mut tail = Vec::new();
        if self.marks.defect == Defect::IgnoresText {
            options.transfer_type = TransferType::Binary;
        }
        options.disposition = match (self.marks.defect, options.disposition) {
            (Defect::CreateNewReplaces, Disposition::CreateNew)
            | (Defect::AppendReplaces, Disposition::Append) => Disposition::Replace,
            (Defect::ResumeIsBlind, Disposition::Resume(_)) => Disposition::Append,
            (Defect::ReplaceKeepsTail, Disposition::Replace) => {
                tail = self
                    .inner
                    .read_to_vec(path, 1 << 30)
                    .await
                    .unwrap_or_default();
                Disposition::Replace
            }
            (_, same) => same,
        };
        let (defect, watch) = (
            self.marks.defect,
            self.marks.watch(&[Defect::DroppedWritePoisons]),
        );
        match self.inner.write(path, options).await {
            Ok(inner) => Ok(Box::new(FaultyWrite {
                inner,
                written: 0,
                held: None,
                tail,
                defect,
                watch,
            })),
            Err(error) => {
                let mut watch = watch;
                watch.finished();
                self.marks.leave(Err(error))
            }
        }
    }

    async fn close(self: Box<Self>) -> Result<()> {
        if self.marks.has(Defect::CloseFails) {
            return Err(Error::new(ErrorKind::Protocol).with_operation(Operation::Close));
        }
        self.inner.close().await
    }

    async fn rename(
        &mut self,
        from: &RemotePath,
        to: &RemotePath,
        mut options: RenameOptions,
    ) -> Result<()> {
        self.marks.enter()?;
        match self.marks.defect {
            Defect::PromisesRename => return Err(Error::new(ErrorKind::Unsupported)),
            Defect::RenameNeverReplaces => options.replace = false,
            Defect::RenameAlwaysReplaces => options.replace = true,
            Defect::RenameCopies => {
                let content = self.inner.read_to_vec(from, 1 << 30).await?;
                self.inner
                    .write_all(to, &content, Default::default())
                    .await?;
                return Ok(());
            }
            _ => {}
        }
        let outcome = self.inner.rename(from, to, options).await;
        if self.marks.has(Defect::RenameMissingOk) {
            return Ok(());
        }
        self.marks.leave(outcome)
    }

    async fn remove_file(&mut self, path: &RemotePath) -> Result<()> {
        self.marks.enter()?;
        if self.marks.has(Defect::RemoveDoesNothing) {
            return Ok(());
        }
        let outcome = self.inner.remove_file(path).await;
        if self.marks.has(Defect::RemoveMissingOk) {
            return Ok(());
        }
        self.marks.leave(outcome)
    }

    async fn create_dir(&mut self, path: &RemotePath, options: CreateDirOptions) -> Result<()> {
        self.marks.enter()?;
        let outcome = self.inner.create_dir(path, options).await;
        if self.marks.has(Defect::CreateExistingOk) {
            return Ok(());
        }
        self.marks.leave(outcome)
    }

    async fn remove_dir(&mut self, path: &RemotePath) -> Result<()> {
        self.marks.enter()?;
        if self.marks.has(Defect::RemoveDoesNothing) {
            return Ok(());
        }
        let outcome = self.inner.remove_dir(path).await;
        let full = matches!(&outcome, Err(error) if *error.kind() == ErrorKind::DirectoryNotEmpty);
        if full && self.marks.has(Defect::RemoveDirWithContent) {
            for entry in self.inner.list_all(path).await? {
                self.inner.remove_file(&path.join(&entry.name)).await?;
            }
            return self.inner.remove_dir(path).await;
        }
        if self.marks.has(Defect::RemoveMissingOk) {
            return Ok(());
        }
        self.marks.leave(outcome)
    }

    async fn set_modified(&mut self, path: &RemotePath, modified: Timestamp) -> Result<()> {
        self.marks.enter()?;
        if self.marks.has(Defect::SetsNothing) {
            return Ok(());
        }
        self.marks
            .leave(self.inner.set_modified(path, modified).await)
    }

    async fn set_permissions(&mut self, path: &RemotePath, permissions: Permissions) -> Result<()> {
        self.marks.enter()?;
        if self.marks.has(Defect::SetsNothing) {
            return Ok(());
        }
        self.marks
            .leave(self.inner.set_permissions(path, permissions).await)
    }

    async fn checksum(&mut self, path: &RemotePath, how: ChecksumAlgorithm) -> Result<Checksum> {
        self.marks.enter()?;
        let mut outcome = self.inner.checksum(path, how).await;
        if let (Defect::WrongChecksum, Ok(checksum)) = (self.marks.defect, &mut outcome) {
            checksum.digest.reverse();
        }
        self.marks.leave(outcome)
    }

    async fn current_dir(&mut self) -> Result<RemotePath> {
        self.marks.enter()?;
        if self.marks.has(Defect::RelativeCurrentDir) {
            return RemotePath::new("here");
        }
        self.inner.current_dir().await
    }

    async fn set_current_dir(&mut self, path: &RemotePath) -> Result<()> {
        self.marks.enter()?;
        if self.marks.has(Defect::CurrentDirStays) {
            return Ok(());
        }
        let outcome = self.inner.set_current_dir(path).await;
        self.marks.leave(outcome)
    }

    async fn free_space(&mut self, path: &RemotePath) -> Result<FreeSpace> {
        self.marks.enter()?;
        if self.marks.has(Defect::MoreFreeThanThereIs) {
            return Ok(FreeSpace::new(2).with_total(1));
        }
        let outcome = self.inner.free_space(path).await;
        self.marks.leave(outcome)
    }

    async fn keep_alive(&mut self) -> Result<()> {
        self.marks.enter()?;
        if self.marks.has(Defect::KeepAliveFails) {
            return Err(Error::new(ErrorKind::Refused));
        }
        self.inner.keep_alive().await
    }
}

#[derive(Debug)]
struct FaultyListing {
    entries: std::vec::IntoIter<Entry>,
    summary: ListSummary,
    watch: Watch,
}

#[async_trait]
impl Listing for FaultyListing {
    async fn next(&mut self) -> Result<Option<Entry>> {
        Ok(self.entries.next())
    }

    async fn finish(mut self: Box<Self>) -> Result<ListSummary> {
        self.watch.finished();
        Ok(self.summary)
    }
}

#[derive(Debug)]
struct FaultyRead {
    content: Vec<u8>,
    at: usize,
    told: Transferred,
    defect: Defect,
    watch: Watch,
}

impl FaultyRead {
    fn new(content: Vec<u8>, told: Transferred, defect: Defect, watch: Watch) -> Self {
        Self {
            content,
            at: 0,
            told,
            defect,
            watch,
        }
    }
}

#[async_trait]
impl ReadBody for FaultyRead {
    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let count = buffer.len().min(self.content.len() - self.at);
        buffer[..count].copy_from_slice(&self.content[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }

    async fn finish(mut self: Box<Self>) -> Result<Transferred> {
        self.watch.finished();
        let mut told = Transferred::new(self.at as u64, self.told.to_end);
        told.to_end &= self.at == self.content.len();
        match self.defect {
            Defect::ReadCountsWrong => told.bytes += 1,
            Defect::EndNotTold => told.to_end = false,
            Defect::EndToldTooSoon => told.to_end = true,
            _ => {}
        }
        Ok(told)
    }
}

#[derive(Debug)]
struct FaultyWrite<'s> {
    inner: Box<dyn WriteBody + 's>,
    written: usize,
    held: Option<u8>,
    tail: Vec<u8>,
    defect: Defect,
    watch: Watch,
}

#[async_trait]
impl WriteBody for FaultyWrite<'_> {
    async fn write(&mut self, data: &[u8]) -> Result<usize> {
        if self.defect != Defect::WriteLosesLastByte {
            let count = self.inner.write(data).await?;
            self.written += count;
            return Ok(count);
        }
        // One byte is always kept back, and the last one for ever.
        let Some((last, rest)) = data.split_last() else {
            return Ok(0);
        };
        if let Some(held) = self.held.replace(*last) {
            self.inner.write(&[held]).await?;
        }
        let mut rest = rest;
        while !rest.is_empty() {
            let count = self.inner.write(rest).await?;
            rest = &rest[count..];
        }
        self.written += data.len();
        Ok(data.len())
    }

    async fn finish(self: Box<Self>) -> Result<Transferred> {
        let Self {
            mut inner,
            written,
            tail,
            defect,
            mut watch,
            ..
        } = *self;
        watch.finished();
        let mut rest = tail.get(written..).unwrap_or_default();
        while !rest.is_empty() {
            let count = inner.write(rest).await?;
            rest = &rest[count..];
        }
        inner.finish().await?;
        let wrong = u64::from(defect == Defect::WriteCountsWrong);
        Ok(Transferred::new(written as u64 + wrong, true))
    }
}

/// A session with the required methods and nothing more.
#[derive(Debug)]
pub(crate) struct Bare(Box<dyn Session>);

impl Bare {
    pub(crate) fn boxed(inner: Box<dyn Session>) -> Box<dyn Session> {
        Box::new(Self(inner))
    }
}

#[async_trait]
impl Session for Bare {
    fn report(&self) -> &ConnectReport {
        self.0.report()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    async fn stat(&mut self, path: &RemotePath, options: StatOptions) -> Result<Entry> {
        self.0.stat(path, options).await
    }

    async fn list<'s>(
        &'s mut self,
        path: &RemotePath,
        options: ListOptions,
    ) -> Result<Box<dyn Listing + 's>> {
        self.0.list(path, options).await
    }

    async fn read<'s>(
        &'s mut self,
        path: &RemotePath,
        options: ReadOptions,
    ) -> Result<Box<dyn ReadBody + 's>> {
        if options.offset > 0 {
            return Err(Error::new(ErrorKind::Unsupported).with_operation(Operation::Read));
        }
        self.0.read(path, options).await
    }

    async fn write<'s>(
        &'s mut self,
        path: &RemotePath,
        options: WriteOptions,
    ) -> Result<Box<dyn WriteBody + 's>> {
        if matches!(
            options.disposition,
            Disposition::Append | Disposition::Resume(_)
        ) {
            return Err(Error::new(ErrorKind::Unsupported).with_operation(Operation::Write));
        }
        self.0.write(path, options).await
    }

    async fn close(self: Box<Self>) -> Result<()> {
        self.0.close().await
    }
}
