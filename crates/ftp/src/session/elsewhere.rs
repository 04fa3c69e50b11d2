//! What became of a transfer whose control connection was lost: asked on a new connection.
//!
//! A control connection is idle while data flows, and firewalls and servers end idle connections. All
//! bytes may have gone over nevertheless; only the server's last word is missing. The file's size,
//! asked where one can ask, is as good.

use std::sync::Arc;
use std::time::Duration;

use ftp_connect_core::{
    ConnectParams, Error, ErrorKind, RemotePath, Result, Session as _, Transport,
};
use ftp_connect_ftp_proto::parse;

use super::FtpSession;
use crate::failure;

impl FtpSession {
    /// Whether an error says that the control connection is lost, so that this session cannot be asked.
    pub(super) fn is_lost(error: &Error) -> bool {
        matches!(error.kind(), ErrorKind::Closed | ErrorKind::TimedOut)
    }

    /// Judges by its size a file of which all bytes went over before the control connection was lost.
    /// `expected` is `None` where nothing can be told by sizes.
    ///
    /// # Errors
    /// [`ErrorKind::TransferNotWhole`] unless the size is known and right.
    pub(super) async fn prove_elsewhere(
        &mut self,
        path: &RemotePath,
        expected: Option<u64>,
        cause: Error,
    ) -> Result<()> {
        // Answers that are owed may still come one day, and nobody will wait for them.
        self.wire
            .lost("the control connection was lost during a transfer");
        self.active = None;
        let unconfirmed = || {
            failure::not_whole(
                "the control connection was lost before the server confirmed the transfer",
            )
        };
        let Some(expected) = expected else {
            return Err(unconfirmed().with_source(cause));
        };
        tracing::info!(target: "ftp_connect::ftp", %cause, "asking on a new connection whether the transfer is whole");
        let size = match self.elsewhere(path)? {
            Some(elsewhere) => elsewhere.size(expected).await,
            None => Ok(None),
        };
        match size {
            Ok(Some(size)) if size == expected => Ok(()),
            Ok(Some(size)) => Err(failure::not_whole(format!(
                "{expected} bytes went over before the control connection was lost, the file has {size}"
            ))
            .with_source(cause)),
            Ok(None) => Err(unconfirmed().with_source(cause)),
            Err(error) => {
                tracing::debug!(target: "ftp_connect::ftp", %error, "the second connection");
                Err(unconfirmed().with_source(cause))
            }
        }
    }

    fn elsewhere(&self, path: &RemotePath) -> Result<Option<Elsewhere>> {
        let path = self.argument(&self.absolute(path))?;
        let mut params = self.params.clone();
        if let Some(profile) = self.profile() {
            params = params.with_profile(profile);
        }
        Ok(self.transport.clone().map(|transport| Elsewhere {
            transport,
            params,
            question: [b"SIZE ", path.as_bytes()].concat(),
        }))
    }
}

/// What a new connection takes.
struct Elsewhere {
    transport: Arc<dyn Transport>,
    params: ConnectParams,
    question: Vec<u8>,
}

impl Elsewhere {
    /// The size of the file. A server that is still busy with the last bytes of an upload is given a
    /// moment.
    async fn size(self, expected: u64) -> Result<Option<u64>> {
        let mut session = self.transport.connect(&self.params).await?;
        let mut size = None;
        for wait in PATIENCE {
            tokio::time::sleep(wait).await;
            let reply = session.raw(&self.question).await?;
            if !(200..300).contains(&reply.code) {
                break;
            }
            size = parse::size(reply.text.as_bytes());
            if size.is_none_or(|size| size >= expected) {
                break;
            }
        }
        session.close().await?;
        Ok(size)
    }
}

/// Pauses before each question, a second in all: what was written to a server's disk is counted at once.
const PATIENCE: [Duration; 3] = [
    Duration::ZERO,
    Duration::from_millis(300),
    Duration::from_millis(700),
];
