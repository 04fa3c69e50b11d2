//! Servers that want data connections to resume the control connection's TLS session, and under TLS 1.3 resume
//! none.
//!
//! Why: ProFTPD hands out no ticket on the data connection of an upload, so that rustls, which uses each ticket
//! once, runs dry; servers on older TLS libraries never resume under TLS 1.3. Under TLS 1.2 one session serves any
//! number of connections. So when such a server has refused twice, or has dropped the session, it is connected
//! anew with TLS 1.2: once, and remembered in the profile. The operation is begun again, which is safe because
//! the refused one never carried a byte: a first data connection that resumed nothing is watched until the
//! server has shown what it makes of it.

use std::time::Duration;

use ftp_connect_core::{Error, ErrorKind, Result, Session as _};
use ftp_connect_ftp_proto::Command;
use ftp_connect_ftp_proto::flow::{DataEnd, Flow as _};
use tokio::io::AsyncReadExt as _;
use tokio::time::timeout;

use super::FtpSession;
use crate::{connect, failure};

/// What is known of how the server takes data connections that resume nothing.
#[derive(Debug, Default)]
pub(crate) struct Reuse {
    /// It has carried out a transfer over one.
    insists_not: bool,
    /// How often it has refused one.
    refused: u8,
    /// Nothing has gone well since the last refusal.
    just_refused: bool,
}

impl Reuse {
    /// A transfer went well.
    pub(crate) fn succeeded(&mut self, resumed: bool) {
        self.just_refused = false;
        self.insists_not |= !resumed;
    }
}

impl FtpSession {
    /// Whether the operation that failed so is to be begun anew, in this session or in one that has been put in
    /// its place.
    ///
    /// # Cancel safety
    /// Dropping the future may leave the session closed.
    pub(super) async fn begins_anew(&mut self, error: &Error) -> bool {
        let refused = matches!(
            error.kind(),
            ErrorKind::SessionReuseRequired | ErrorKind::SessionNotResumed
        );
        // vsftpd drops the control connection after its refusal.
        let dropped = self.reuse.just_refused && *error.kind() == ErrorKind::Closed;
        if !(refused || dropped) || !self.can_fall_back() {
            return false;
        }
        self.reuse.refused += u8::from(refused);
        self.reuse.just_refused = true;
        // Once may be an accident: with the refused connection's own tickets the next one can do.
        if refused && self.reuse.refused == 1 && self.resynchronise().await.is_ok() {
            return true;
        }
        match self.fall_back().await {
            Ok(()) => true,
            Err(cause) => {
                tracing::debug!(target: "ftp_connect::ftp", %cause, "connecting anew with TLS 1.2");
                false
            }
        }
    }

    /// Whether the data connection just made may yet be refused for resuming nothing.
    pub(crate) fn is_on_trial(&self) -> bool {
        let resumed = self.active.as_ref().and_then(|active| active.resumed);
        resumed == Some(false) && !self.reuse.insists_not && self.can_fall_back()
    }

    /// Watches a data connection that is on trial. What it brings is kept for the transfer.
    ///
    /// # Errors
    /// The refusal.
    pub(crate) async fn try_out(&mut self, command: &Command) -> Result<()> {
        if matches!(&*command.verb(), "STOR" | "APPE") {
            return self.try_out_upload().await;
        }
        let idle = self.params.timeouts().idle;
        let Some(active) = &mut self.active else {
            return Ok(());
        };
        let Some(data) = &mut active.data else {
            return Ok(());
        };
        let mut first = vec![0; FIRST];
        match timeout(idle, data.read(&mut first)).await {
            Ok(Ok(0)) => active.early_end = Some(DataEnd::Clean),
            Ok(Ok(count)) => {
                first.truncate(count);
                active.early = first;
                return Ok(());
            }
            Ok(Err(error)) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                active.early_end = Some(DataEnd::Cut);
            }
            Ok(Err(error)) => return Err(self.broken(error).await),
            Err(_) => return Err(failure::timed_out("the first bytes of the transfer", idle)),
        }
        self.hear_of_the_end().await
    }

    /// A server that refuses an upload ends the connection before a byte has come; one that takes it says nothing.
    async fn try_out_upload(&mut self) -> Result<()> {
        let Some(data) = self.active.as_mut().and_then(|a| a.data.as_mut()) else {
            return Ok(());
        };
        match timeout(TRIAL, data.read(&mut [0])).await {
            Err(_) | Ok(Ok(1..)) => Ok(()),
            Ok(Ok(0) | Err(_)) => self.hear_of_the_end().await,
        }
    }

    /// The server has ended a data connection on which nothing came: its last word, if that is a refusal.
    async fn hear_of_the_end(&mut self) -> Result<()> {
        self.end_reading().await;
        while let Some(active) = &mut self.active
            && !active.flow.is_answered()
        {
            let reply = self.wire.next_reply().await?;
            active.flow.reply(reply);
        }
        if !self
            .active
            .as_ref()
            .is_some_and(|active| active.flow.is_refused())
        {
            return Ok(());
        }
        let concluded = self.conclude(DataEnd::Clean).await?;
        Self::judge(&concluded)
    }

    fn can_fall_back(&self) -> bool {
        let tls = self.report.tls.as_ref();
        tls.is_some_and(|tls| tls.version == "TLSv1.3")
            && self
                .security
                .as_ref()
                .is_some_and(|security| security.can_cap_at_tls12())
    }

    /// Connects anew with TLS 1.2 and takes that session's place.
    async fn fall_back(&mut self) -> Result<()> {
        let Some(security) = self.security.take() else {
            return Err(failure::closed());
        };
        security.cap_at_tls12();
        self.active = None;
        // The server may count its sessions, so the old one goes first.
        if !self.wire.is_closed() && self.wire.is_in_step() {
            self.wire.send(&Command::new("QUIT"));
            let _ = self.wire.next_reply_within(PARTING).await;
        }
        self.wire.close(PARTING).await;
        let learnt = self.profile();
        let transport = self.report.transport;
        let again = self.transport.clone();
        let mut fresh = connect::open(&self.params, transport, again, Some(security)).await?;
        std::mem::swap(&mut fresh.channels, &mut self.channels);
        std::mem::swap(&mut fresh.time_commands, &mut self.time_commands);
        fresh.chmod = self.chmod;
        fresh.list_all = self.list_all;
        if fresh.home != self.home {
            // The next step goes back to where this session was.
            std::mem::swap(&mut fresh.home, &mut self.home);
            fresh.away = true;
        }
        if let Some(mut learnt) = learnt {
            learnt.tls12_for_reuse = Some(true);
            fresh.learnt = learnt;
        }
        fresh.report.warnings.push(
            "the server wants TLS sessions resumed and under TLS 1.3 resumes none: connected anew with TLS 1.2"
                .to_owned(),
        );
        *self = fresh;
        Ok(())
    }
}

/// How long an upload's data connection is watched. A refusal takes one round trip; where it takes longer, the
/// upload fails and says why.
const TRIAL: Duration = Duration::from_millis(500);

/// How long the server may take to say goodbye.
const PARTING: Duration = Duration::from_secs(1);

/// How much of a transfer is read to see that there is any.
const FIRST: usize = 16 * 1024;
