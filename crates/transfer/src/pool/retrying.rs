//! Transfers and other operations by the sessions of a pool, tried again where that can help.

use std::{path::Path, pin::Pin};

use ftp_connect_core::{RemotePath, Result, Session};

use super::{Attempts, Pool, PooledSession};
use crate::{
    Outcome, TransferOptions,
    download::Download,
    progress::{Observer, Progress},
    upload::Upload,
};

/// An operation on a session, boxed.
pub type Operating<'s, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 's>>;

impl Pool {
    /// Does something with a session, again where the failure says that it can help. It must bear to be done
    /// twice.
    ///
    /// # Errors
    /// What the last attempt ended in.
    ///
    /// # Cancel safety
    /// As the operation.
    pub async fn run<T: Send>(
        &self,
        mut operation: impl for<'s> FnMut(&'s mut dyn Session) -> Operating<'s, T> + Send,
    ) -> Result<T> {
        let mut attempts = Attempts::new(self.options());
        loop {
            let mut session = self.session().await?;
            let ended = operation(&mut *session).await;
            if let Some(done) = last_word(session, ended, 0, &mut attempts).await {
                return done;
            }
        }
    }

    /// As [`download`](crate::download()), again where that can help; what has come is not fetched twice if the
    /// server can begin in the middle of a file.
    ///
    /// # Errors
    /// What the last attempt ended in.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the local file as it was.
    pub async fn download(
        &self,
        from: &RemotePath,
        to: &Path,
        options: &TransferOptions,
        progress: &mut Observer<'_>,
    ) -> Result<Outcome> {
        self.complete_download(Download::new(from, to, options), progress)
            .await
    }

    pub(crate) async fn complete_download(
        &self,
        mut download: Download<'_>,
        progress: &mut Observer<'_>,
    ) -> Result<Outcome> {
        let mut attempts = Attempts::new(self.options());
        loop {
            let mut session = self.session().await?;
            let mut bytes = 0;
            let mut watch = |told: Progress| {
                bytes = told.bytes;
                progress(told);
            };
            let ended = download.attempt(&mut *session, &mut watch).await;
            if let Some(done) = last_word(session, ended, bytes, &mut attempts).await {
                return done;
            }
        }
    }

    /// As [`upload`](crate::upload()), again where that can help; what has arrived is not sent twice if it can be
    /// proven to be the beginning of the file. If all attempts fail, what they left is removed by a session of
    /// its own, if one can be had.
    ///
    /// # Errors
    /// What the last attempt ended in.
    ///
    /// # Cancel safety
    /// As [`upload`](crate::upload()).
    pub async fn upload(
        &self,
        from: &Path,
        to: &RemotePath,
        options: &TransferOptions,
        progress: &mut Observer<'_>,
    ) -> Result<Outcome> {
        self.complete_upload(Upload::new(from, to, options), progress)
            .await
    }

    pub(crate) async fn complete_upload(
        &self,
        mut upload: Upload<'_>,
        progress: &mut Observer<'_>,
    ) -> Result<Outcome> {
        let mut attempts = Attempts::new(self.options());
        let failed = loop {
            let mut session = match self.session().await {
                Ok(session) => session,
                Err(error) => break error,
            };
            let mut bytes = 0;
            let mut watch = |told: Progress| {
                bytes = told.bytes;
                progress(told);
            };
            let ended = upload.attempt(&mut *session, &mut watch).await;
            if upload.is_spent() {
                attempts.end();
            }
            match last_word(session, ended, bytes, &mut attempts).await {
                Some(Ok(outcome)) => return Ok(outcome),
                Some(Err(error)) => break error,
                None => {}
            }
        };
        if upload.leaves_debris()
            && let Ok(mut session) = self.session().await
        {
            upload.clean(&mut *session).await;
        }
        Err(failed)
    }
}

/// What an attempt came to that has moved so many bytes; `None`, after a pause, if there is to be another.
async fn last_word<T>(
    session: PooledSession,
    ended: Result<T>,
    bytes: u64,
    attempts: &mut Attempts,
) -> Option<Result<T>> {
    let error = match ended {
        Ok(done) => {
            session.give_back();
            return Some(Ok(done));
        }
        Err(error) => error,
    };
    session.judge(&error);
    attempts.came_to(bytes);
    match attempts.again(&error).await {
        true => None,
        false => Some(Err(error)),
    }
}
