//! SSH and SFTP, from the version line to the folder.

use ftp_connect_core::{ConnectReport, ErrorKind, HostKeyCheck};

use crate::examine::{Examination, fault};
use crate::greeting::Heard;
use crate::{Cause, Check, Finding, Spoken};

impl Examination<'_> {
    /// All steps of SFTP; `None` where it could not go on.
    pub(crate) async fn ssh(&mut self) -> Option<()> {
        let limit = self.params.timeouts().reply;
        if self.hear(Spoken::Ssh, limit).await? == Heard::Silence {
            let seconds = limit.as_secs_f32();
            let summary = format!("the server says nothing within {seconds} s");
            self.tell(Finding::bad(Check::Greeting, Cause::Silence, summary));
            return None;
        }
        let hashes = self.host_key().await?;
        match self.registry.connect(&self.params).await {
            Ok(session) => {
                self.tell_ssh(session.report(), hashes);
                let _ = session.close().await;
                self.folder().await
            }
            Err(error) => {
                let (check, cause) = match error.kind() {
                    ErrorKind::HostKeyNotTrusted { .. } => (Check::HostKey, None),
                    // The backend says so of a server that refuses the subsystem or speaks an SFTP too old.
                    ErrorKind::Unsupported => (Check::Sftp, Some(Cause::NoSftp)),
                    _ => (Check::Login, None),
                };
                let mut finding = fault(check, &error);
                if check == Check::HostKey {
                    finding = finding.saw_all(hashes);
                } else {
                    self.tell(Finding::good(Check::HostKey, "trusted").saw_all(hashes));
                }
                if let Some(cause) = cause {
                    finding = finding.because(cause);
                }
                self.tell(finding);
                None
            }
        }
    }

    /// The key's hashes. Where the algorithms have nothing in common, outdated ones are looked for.
    async fn host_key(&mut self) -> Option<Vec<String>> {
        let mut looked = ftp_connect_sftp::host_key(&self.params).await;
        if let Err(error) = &looked
            && *error.kind() == ErrorKind::NoCommonAlgorithm
            && !self.params.legacy()
        {
            let old = self.params.clone().with_legacy(true);
            let again = ftp_connect_sftp::host_key(&old).await;
            if again.is_ok() {
                let summary = "the server has only outdated algorithms";
                let finding = Finding::bad(Check::HostKey, Cause::Algorithms, summary);
                self.tell(finding.saw(error.to_string()));
                self.params = old;
                looked = again;
            }
        }
        match looked {
            Ok(key) => {
                let hash = |print| format!("{} {print}", key.algorithm);
                Some(key.fingerprints.iter().map(hash).collect())
            }
            Err(error) => {
                self.tell(fault(Check::HostKey, &error));
                None
            }
        }
    }

    fn tell_ssh(&mut self, report: &ConnectReport, hashes: Vec<String>) {
        let check = report.host_key.as_ref().map(|key| key.check);
        let finding = match check {
            Some(HostKeyCheck::AllowedList) => Finding::good(Check::HostKey, "in the allowed list"),
            Some(HostKeyCheck::KnownHosts) => Finding::good(Check::HostKey, "known"),
            Some(HostKeyCheck::CertificateAuthority) => {
                Finding::good(Check::HostKey, "vouched for by a known authority")
            }
            Some(HostKeyCheck::AcceptedNew) => Finding::note(
                Check::HostKey,
                Cause::HostKeyUnchecked,
                "new, and remembered from now on",
            ),
            _ => Finding::note(
                Check::HostKey,
                Cause::HostKeyUnchecked,
                "not checked: no fingerprint is allowed, and no hosts are known",
            ),
        };
        self.tell(finding.saw_all(hashes));
        let took = report.timings.total().as_secs_f64() * 1e3;
        let mut summary = format!("as {}, after {took:.0} ms", report.username);
        if let Some(folder) = &report.login_folder {
            summary = format!("{summary}, in {folder}");
        }
        let finding = Finding::good(Check::Login, summary);
        self.tell(finding.saw_all(report.warnings.clone()));
        let features = report.features.join(", ");
        let summary = match features.is_empty() {
            true => "version 3".to_owned(),
            false => format!("version 3, {features}"),
        };
        self.tell(Finding::good(Check::Sftp, summary));
    }
}
