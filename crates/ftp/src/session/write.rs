//! Writing a file.
//!
//! STOR replaces, APPE adds to the end. An upload is continued with APPE after SIZE agrees: REST with
//! STOR cuts or overwrites the file on several servers.

use async_trait::async_trait;
use ftp_connect_core::{
    Disposition, Error, ErrorKind, Operation, RemotePath, Result, TransferType, Transferred,
    WriteBody, WriteOptions,
};
use ftp_connect_ftp_proto::Command;
use ftp_connect_ftp_proto::flow::DataEnd;

use super::FtpSession;
use crate::failure;

impl FtpSession {
    /// Begins to write; gives the size that the file has before, where the size afterwards can be
    /// checked. The errors name neither operation nor path.
    pub(super) async fn begin_write(
        &mut self,
        path: &RemotePath,
        options: &WriteOptions,
    ) -> Result<Option<u64>> {
        let (verb, before) = match options.disposition {
            Disposition::Replace => ("STOR", Some(0)),
            Disposition::CreateNew => {
                self.refuse_existing(path).await?;
                ("STOR", Some(0))
            }
            Disposition::Append => ("APPE", None),
            Disposition::Resume(at) => {
                self.agree_on_size(path, at).await?;
                (if at == 0 { "STOR" } else { "APPE" }, Some(at))
            }
            _ => return Err(Error::new(ErrorKind::Unsupported)),
        };
        self.ready().await?;
        self.set_type(options.transfer_type).await?;
        let command = Command::with(verb, self.argument(path)?);
        self.begin(&command, 0).await?;
        Ok(before.filter(|_| options.transfer_type == TransferType::Binary))
    }

    /// FTP has no way to create without replacing: between this look and STOR another client may come
    /// first.
    async fn refuse_existing(&mut self, path: &RemotePath) -> Result<()> {
        match self.look_up(path).await {
            Ok(_) => Err(Error::new(ErrorKind::AlreadyExists)),
            Err(error) if *error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn agree_on_size(&mut self, path: &RemotePath, at: u64) -> Result<()> {
        self.ready().await?;
        let size = match self.size_of(path).await? {
            Some(size) => Some(size),
            None => match self.look_up(path).await {
                Ok(entry) => entry.size,
                Err(error) if *error.kind() == ErrorKind::NotFound => Some(0),
                Err(error) => return Err(error),
            },
        };
        if size == Some(at) {
            return Ok(());
        }
        let there = match size {
            Some(size) => format!("has {size} bytes"),
            None => "has an unknown size".to_owned(),
        };
        Err(failure::not_whole(format!(
            "cannot continue at {at}: the file on the server {there}"
        )))
    }
}

/// The way for the bytes of a file to the server.
#[derive(Debug)]
pub(super) struct FtpWrite<'s> {
    session: &'s mut FtpSession,
    path: RemotePath,
    /// How many bytes the file had before, if its size can be checked in the end.
    before: Option<u64>,
}

impl<'s> FtpWrite<'s> {
    pub(super) fn new(session: &'s mut FtpSession, before: Option<u64>, path: &RemotePath) -> Self {
        Self {
            session,
            path: path.clone(),
            before,
        }
    }

    async fn next_bytes(&mut self, data: &[u8]) -> Result<usize> {
        if data.is_empty() {
            return Ok(0);
        }
        match self.session.write_data(data).await? {
            Ok(0) => Err(failure::not_whole(
                "the data connection takes no more bytes",
            )),
            Ok(count) => Ok(count),
            Err(error) => Err(self.session.broken(error).await),
        }
    }

    async fn end(&mut self) -> Result<Transferred> {
        let end = self.session.end_writing().await?;
        let concluded = self.session.conclude(end).await?;
        FtpSession::judge(&concluded)?;
        if end == DataEnd::Cut {
            return Err(failure::not_whole("the end of the file could not be sent"));
        }
        // A server may say 226 to an upload of which it lost the end.
        if let Some(before) = self.before
            && self.session.features.has("SIZE")
            && let Some(size) = self.session.size_of(&self.path).await?
            && size != before + concluded.bytes
        {
            return Err(failure::not_whole(format!(
                "the server has {size} bytes, {} were sent",
                before + concluded.bytes
            )));
        }
        Ok(Transferred::new(concluded.bytes, true).with_tls_resumed(concluded.resumed))
    }

    fn label(&self, error: Error) -> Error {
        error.with_operation(Operation::Write).with_path(&self.path)
    }
}

#[async_trait]
impl WriteBody for FtpWrite<'_> {
    async fn write(&mut self, data: &[u8]) -> Result<usize> {
        let written = self.next_bytes(data).await;
        written.map_err(|error| self.label(error))
    }

    async fn finish(mut self: Box<Self>) -> Result<Transferred> {
        let ended = self.end().await;
        ended.map_err(|error| self.label(error))
    }
}
