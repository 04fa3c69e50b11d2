//! FTP, from the greeting to the clock.

use std::time::Duration;

use ftp_connect_core::params::SessionReuse;
use ftp_connect_core::{ConnectReport, Encryption, Error, ErrorKind, Zone};

use crate::examine::{Contents, Examination, Listed, fault};
use crate::greeting::Heard;
use crate::{Cause, Check, Finding, Spoken};

impl Examination<'_> {
    /// All steps of FTP; `None` where it could not go on.
    pub(crate) async fn ftp(&mut self) -> Option<()> {
        if self.params.encryption() == Encryption::ImplicitTls {
            self.implicit_tls().await?;
        }
        let mut secured = self.params.encryption() == Encryption::ImplicitTls;
        if !secured {
            self.ftp_greeting().await?;
            secured = match self.params.encryption() {
                Encryption::ImplicitTls => true,
                _ => self.explicit_tls().await?,
            };
        }
        self.tls_versions_of_use(secured).await;
        self.ftp_login(secured).await?;
        self.data_connections().await?;
        self.session_reuse().await;
        self.folder().await
    }

    async fn ftp_greeting(&mut self) -> Option<()> {
        let limit = self.params.timeouts().reply;
        let heard = self.hear(Spoken::Ftp, limit.min(FIRST)).await?;
        if heard != Heard::Silence || self.is_implicit().await {
            return Some(());
        }
        // One that looks this machine's name up first takes its time.
        if limit > FIRST && self.hear(Spoken::Ftp, limit).await? != Heard::Silence {
            return Some(());
        }
        let seconds = limit.as_secs_f32();
        let summary = format!("the server says nothing within {seconds} s");
        self.tell(Finding::bad(Check::Greeting, Cause::Silence, summary));
        None
    }

    async fn tls_versions_of_use(&mut self, secured: bool) {
        if !secured {
            return;
        }
        if self.params.encryption() == Encryption::None {
            // The password, if there is one, is better off there.
            if !self.has_password() || self.options.danger_clear_login {
                return;
            }
            self.params = self.params.clone().with_encryption(Encryption::ExplicitTls);
        }
        self.tls_versions().await;
    }

    fn has_password(&self) -> bool {
        let secret = self.params.password().is_some() || self.params.account().is_some();
        let anonymous = matches!(self.params.username(), None | Some("anonymous" | "ftp"));
        secret && !anonymous
    }

    async fn ftp_login(&mut self, secured: bool) -> Option<()> {
        let clear = self.params.encryption() == Encryption::None;
        if clear && self.has_password() && !self.options.danger_clear_login {
            let summary = "not tried: the password would go in the clear";
            self.tell(Finding::skipped(Check::Login, summary).because(Cause::PasswordInClear));
            return None;
        }
        match self.registry.connect(&self.params).await {
            Ok(session) => {
                self.tell_certificate_good(Some(session.report()));
                self.tell_login(session.report());
                let _ = session.close().await;
                Some(())
            }
            Err(error) if clear && secured && *error.kind() == ErrorKind::TlsRequired => {
                self.tell(fault(Check::Login, &error));
                self.params = self.params.clone().with_encryption(Encryption::ExplicitTls);
                Box::pin(self.ftp_login(secured)).await
            }
            Err(error) => {
                self.tell_refused(&error);
                None
            }
        }
    }

    fn tell_refused(&mut self, error: &Error) {
        let check = match error.kind() {
            ErrorKind::CertificateNotTrusted { .. } => Check::Certificate,
            ErrorKind::LoginRefused | ErrorKind::TooManyConnections => {
                self.tell_certificate_good(None);
                Check::Login
            }
            _ => Check::Login,
        };
        let finding = fault(check, error);
        let finding = match check {
            Check::Certificate => finding.saw_all(self.certificate()),
            _ => finding,
        };
        self.tell(finding);
    }

    fn tell_certificate_good(&mut self, report: Option<&ConnectReport>) {
        if !self.params.encryption().is_tls() {
            return;
        }
        let by = report.and_then(|report| report.tls.as_ref());
        let summary = match by.map(|tls| tls.trust.as_str()) {
            Some("not checked") => "not checked, as told",
            Some("pin") => "trusted by its pin",
            _ => "trusted",
        };
        let finding = Finding::good(Check::Certificate, summary);
        self.tell(finding.saw_all(self.certificate()));
    }

    fn tell_login(&mut self, report: &ConnectReport) {
        let took = report.timings.total().as_secs_f64() * 1e3;
        let user = match report.username.as_str() {
            "" => "anonymous",
            name => name,
        };
        let mut summary = format!("as {user}, after {took:.0} ms");
        if let Some(folder) = &report.login_folder {
            summary = format!("{summary}, in {folder}");
        }
        let finding = Finding::good(Check::Login, summary);
        self.tell(finding.saw_all(report.warnings.clone()));
        let features = &report.features;
        let names: Vec<_> = features
            .iter()
            .filter_map(|feature| feature.split(' ').next())
            .filter(|name| NOTABLE.contains(name))
            .collect();
        let summary = match features.len() {
            0 => "none announced".to_owned(),
            count => format!("{count} announced, among them {}", names.join(", ")),
        };
        let finding = Finding::good(Check::Features, summary);
        self.tell(finding.saw_all((!features.is_empty()).then(|| features.join(", "))));
    }

    /// Whether the server lets a data connection pass that resumes nothing.
    async fn session_reuse(&mut self) {
        let encryption = self.params.encryption();
        let given = self.params.session_reuse();
        let never = self
            .params
            .clone()
            .with_encryption(match encryption {
                Encryption::ExplicitTlsReuse => Encryption::ExplicitTls,
                other => other,
            })
            .with_session_reuse(SessionReuse::Never);
        if !encryption.is_tls() || self.registry.find(&never).is_none() {
            return;
        }
        let listed = self.list(&never).await;
        let came_about = listed.came_about();
        let error = match listed.outcome {
            Err(error) if !came_about => error,
            _ => {
                let summary = "not required by the server";
                self.tell(Finding::good(Check::SessionReuse, summary));
                return;
            }
        };
        if !matches!(
            error.kind(),
            ErrorKind::SessionReuseRequired | ErrorKind::SessionNotResumed
        ) {
            self.tell(Finding::skipped(Check::SessionReuse, error.to_string()));
            return;
        }
        let summary = "data connections must resume the control connection's TLS session";
        let finding = Finding::note(Check::SessionReuse, Cause::SessionReuseRequired, summary);
        self.tell(finding.saw(error.to_string()));
        if given.is_some() {
            return;
        }
        let reuse = match encryption {
            Encryption::ExplicitTls => {
                let params = self.params.clone();
                params.with_encryption(Encryption::ExplicitTlsReuse)
            }
            _ => {
                let params = self.params.clone();
                params.with_session_reuse(SessionReuse::Prefer)
            }
        };
        if self.registry.find(&reuse).is_some() && self.list(&reuse).await.came_about() {
            self.params = reuse;
        }
    }

    /// Lists the folder as a program would, and says what is known of the clock.
    pub(crate) async fn folder(&mut self) -> Option<()> {
        let listed = self.list(&self.params).await;
        let contents = match &listed.outcome {
            Ok(contents) => contents,
            Err(error) if *error.kind() == ErrorKind::ListingTruncated => {
                let told = error.to_string();
                self.tell(Finding::note(Check::Folder, Cause::ListingCut, told));
                return Some(());
            }
            Err(error) => {
                let finding = fault(Check::Folder, error);
                let cause = match finding.cause {
                    Some(Cause::Other) | None => Cause::Folder,
                    Some(known) => known,
                };
                self.tell(finding.because(cause));
                return None;
            }
        };
        let finding = match contents.unparsed.len() {
            0 => Finding::good(Check::Folder, contents.count()),
            lines => Finding::note(
                Check::Folder,
                Cause::ListingNotUnderstood,
                format!(
                    "{}, and {lines} lines that are not understood",
                    contents.count()
                ),
            ),
        };
        let samples = contents.unparsed.iter().take(3);
        let samples = samples.map(|line| line.escape_ascii().to_string());
        let mut finding = finding.saw_all(samples);
        if let Some(resumed) = contents.resumed {
            let how = if resumed { "resumed" } else { "not resumed" };
            finding = finding.saw(format!("the data connection's TLS session was {how}"));
        }
        let clock = clock(contents, &listed);
        self.tell(finding);
        self.tell(clock);
        Some(())
    }
}

fn clock(contents: &Contents, listed: &Listed) -> Finding {
    let known = listed.profile.as_ref();
    let offset = known.and_then(|known| known.clock_offset.or(known.clock_offset_summer));
    match (contents.zone, offset) {
        (_, Some(offset)) => {
            let hours = f64::from(offset) / 3600.0;
            let summary = format!("listings are in the server's zone, {hours:+} h from UTC");
            Finding::good(Check::Clock, summary)
        }
        (Some(Zone::Utc), None) => Finding::good(Check::Clock, "times are told in UTC"),
        (None, None) => Finding::skipped(Check::Clock, "nothing in the folder has a time"),
        _ => Finding::note(
            Check::Clock,
            Cause::Clock,
            "times are in the server's zone, which could not be found out",
        ),
    }
}

/// How long a greeting is waited for before anything else is tried.
const FIRST: Duration = Duration::from_secs(4);

/// Features that matter for transfers.
const NOTABLE: [&str; 10] = [
    "MLST", "MLSD", "MFMT", "MDTM", "SIZE", "REST", "UTF8", "EPSV", "HASH", "AVBL",
];
