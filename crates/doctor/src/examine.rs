//! The order of the steps, and those that every protocol has: name, addresses, who speaks.

use std::time::{Duration, Instant};

use ftp_connect_core::{
    ConnectParams, Encryption, Error, ErrorKind, ListOptions, Registry, RemotePath, Result,
    TlsReport, dial,
};
use tokio::task::JoinSet;

use crate::greeting::{self, Heard};
use crate::{Cause, Check, Diagnosis, Finding, Spoken};

/// How an examination is done.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExamineOptions {
    /// Log in with a password though everything is in the clear. Off by default: who looks for a fault should not
    /// give the password away to whoever reads along.
    pub danger_clear_login: bool,
    /// The folder that is listed; the login folder by default.
    pub folder: RemotePath,
}

impl Default for ExamineOptions {
    fn default() -> Self {
        Self {
            danger_clear_login: false,
            folder: RemotePath::login_folder(),
        }
    }
}

impl ExamineOptions {
    /// Sets [`ExamineOptions::danger_clear_login`].
    #[must_use]
    pub fn with_danger_clear_login(mut self, allow: bool) -> Self {
        self.danger_clear_login = allow;
        self
    }

    /// Sets [`ExamineOptions::folder`].
    #[must_use]
    pub fn with_folder(mut self, folder: RemotePath) -> Self {
        self.folder = folder;
        self
    }
}

/// Examines the way to a server and gives what was found; `told` hears of each finding as it is made.
///
/// Several connections are made, one after the other. Where a step shows that another parameter is right
/// (implicit for explicit TLS, TLS for none), it goes on with that, never with one that protects less.
///
/// # Cancel safety
/// Dropping the future closes what was opened.
pub async fn examine(
    registry: &Registry,
    params: &ConnectParams,
    options: &ExamineOptions,
    told: &mut (dyn FnMut(&Finding) + Send + Sync),
) -> Diagnosis {
    let mut examination = Examination {
        registry,
        options,
        told,
        findings: Vec::new(),
        params: with_patience(params.clone()),
        tls: None,
        since: Instant::now(),
    };
    let works = examination.run().await.map(|()| {
        let works = examination.params.clone().without_secrets();
        works.with_timeouts(params.timeouts())
    });
    Diagnosis::new(examination.findings, works)
}

/// An examination under way.
pub(crate) struct Examination<'e> {
    pub(crate) registry: &'e Registry,
    pub(crate) options: &'e ExamineOptions,
    told: &'e mut (dyn FnMut(&Finding) + Send + Sync),
    findings: Vec<Finding>,
    /// The parameters as given, later with what had to be changed.
    pub(crate) params: ConnectParams,
    /// What the server showed in the first handshake, whatever it is worth.
    pub(crate) tls: Option<TlsReport>,
    since: Instant,
}

impl Examination<'_> {
    pub(crate) fn tell(&mut self, mut finding: Finding) {
        finding.took = self.since.elapsed();
        self.since = Instant::now();
        (self.told)(&finding);
        self.findings.push(finding);
    }

    /// All steps; `None` where it could not go on.
    async fn run(&mut self) -> Option<()> {
        if let Err(error) = self.params.validate() {
            self.tell(fault(Check::Parameters, &error));
            return None;
        }
        if self.params.proxy().is_none() && self.params.jump().is_none() {
            self.addresses().await?;
        }
        match self.params.encryption().is_ssh() {
            true => self.ssh().await,
            false => self.ftp().await,
        }
    }

    async fn addresses(&mut self) -> Option<()> {
        let addresses = match dial::addresses(&self.params).await {
            Ok(addresses) => addresses,
            Err(error) => {
                self.tell(fault(Check::Name, &error));
                return None;
            }
        };
        let all: Vec<_> = addresses.iter().map(|a| a.ip().to_string()).collect();
        self.tell(Finding::good(Check::Name, all.join(", ")));

        let mut tries = JoinSet::new();
        for (place, address) in addresses.into_iter().enumerate() {
            let params = self.params.clone();
            tries.spawn(async move {
                let limit = params.timeouts().connect;
                let outcome = dial::dial_address(&params, address, limit).await;
                (place, address, outcome.map(drop))
            });
        }
        let mut outcomes = tries.join_all().await;
        outcomes.sort_by_key(|(place, ..)| *place);
        let dead = outcomes.iter().filter(|(.., outcome)| outcome.is_err());
        let dead = dead.count();
        let lines = outcomes.iter().map(|(_, address, outcome)| match outcome {
            Ok(()) => format!("{address} accepts connections"),
            Err(error) => error.to_string(),
        });
        let lines: Vec<_> = lines.collect();
        let port = self.params.port();
        let finding = match dead {
            0 => Finding::good(Check::Addresses, format!("port {port} accepts connections")),
            _ if dead < outcomes.len() => Finding::note(
                Check::Addresses,
                Cause::DeadAddress,
                format!("{dead} of {} addresses do not answer", outcomes.len()),
            ),
            _ => {
                let summary = format!("nobody answers on port {port}");
                Finding::bad(Check::Addresses, Cause::NotReachable, summary)
            }
        };
        let reachable = dead < outcomes.len();
        let mut finding = finding.saw_all(lines);
        if !reachable {
            finding = finding.saw_all(self.other_ports().await);
        }
        self.tell(finding);
        reachable.then_some(())
    }

    /// What answers on the ports that file servers usually have.
    async fn other_ports(&self) -> Vec<String> {
        let usual = [
            Encryption::None,
            Encryption::ImplicitTls,
            Encryption::SshPassword,
        ];
        let usual = usual.map(Encryption::default_port);
        let mut seen = Vec::new();
        for port in usual.into_iter().filter(|port| *port != self.params.port()) {
            let timeouts = self.params.timeouts();
            let there = self
                .params
                .clone()
                .with_port(std::num::NonZeroU16::new(port))
                .with_timeouts(timeouts.with_connect(timeouts.connect.min(GLANCE)));
            match greeting::listen(&there, GLANCE).await {
                Ok(Heard::Said(_, words)) => seen.push(format!("port {port} answers: {words}")),
                Ok(_) => seen.push(format!("port {port} accepts connections")),
                Err(_) => {}
            }
        }
        seen
    }

    /// Hears who speaks where `wanted` should; tells it, unless it is silence.
    pub(crate) async fn hear(&mut self, wanted: Spoken, patience: Duration) -> Option<Heard> {
        // Through a jump host there is no connection to listen on but SSH's own.
        if self.params.jump().is_some() {
            return Some(Heard::Said(wanted, String::new()));
        }
        let heard = match greeting::listen(&self.params, patience).await {
            Ok(heard) => heard,
            Err(error) => {
                self.tell(fault(Check::Greeting, &error));
                return None;
            }
        };
        match &heard {
            Heard::Said(Spoken::Ftp, words) if wanted == Spoken::Ftp => match words.as_bytes() {
                [b'1' | b'2', ..] => self.tell(Finding::good(Check::Greeting, words)),
                [b'4', ..] => {
                    self.tell(Finding::bad(
                        Check::Greeting,
                        Cause::TooManyConnections,
                        words,
                    ));
                    return None;
                }
                _ => {
                    self.tell(Finding::bad(Check::Greeting, Cause::TurnedAway, words));
                    return None;
                }
            },
            Heard::Said(Spoken::Tls, _) if wanted == Spoken::Ftp => return Some(Heard::Silence),
            Heard::Said(spoken, words) if *spoken == wanted => {
                self.tell(Finding::good(Check::Greeting, words));
            }
            Heard::Said(spoken, words) => {
                let summary = format!("this port does not speak {}", name(wanted));
                let finding = Finding::bad(Check::Greeting, Cause::OtherProtocol(*spoken), summary);
                self.tell(finding.saw(format!("it says: {words}")));
                return None;
            }
            Heard::Closed => {
                // Servers that are full, and filters by address (tcp wrappers), hang up without a word.
                let summary = "the server hangs up without a word";
                self.tell(Finding::bad(Check::Greeting, Cause::TurnedAway, summary));
                return None;
            }
            Heard::Silence => {}
        }
        Some(heard)
    }

    /// Lists the folder by these parameters; what became of it, and of the session.
    pub(crate) async fn list(&self, params: &ConnectParams) -> Listed {
        let mut listed = self.list_once(params).await;
        if matches!(&listed.outcome, Err(error) if *error.kind() == ErrorKind::TooManyConnections) {
            // The server may not have noticed yet that the session before has ended.
            tokio::time::sleep(Duration::from_secs(1)).await;
            listed = self.list_once(params).await;
        }
        listed
    }

    async fn list_once(&self, params: &ConnectParams) -> Listed {
        let mut session = match self.registry.connect(params).await {
            Ok(session) => session,
            Err(error) => return Listed::failed(error),
        };
        let mut listed = Listed::failed(Error::new(ErrorKind::Closed));
        listed.outcome = async {
            let options = ListOptions::default().with_utc_times(true);
            let mut listing = session.list(&self.options.folder, options).await?;
            let mut told_in_utc = None;
            let mut entries = 0;
            while entries < ENTRIES
                && let Some(entry) = listing.next().await?
            {
                entries += 1;
                told_in_utc = told_in_utc.or_else(|| entry.modified.map(|time| time.zone()));
            }
            if entries == ENTRIES {
                return Ok(Contents {
                    entries,
                    ..Contents::default()
                });
            }
            let summary = listing.finish().await?;
            Ok(Contents {
                entries,
                unparsed: summary.unparsed_samples,
                resumed: summary.tls_resumed,
                zone: told_in_utc,
            })
        }
        .await;
        let report = session.report();
        listed.named_address = report.passive_address;
        listed.peer = report.peer.map(|peer| peer.ip());
        listed.profile = session.profile();
        // What is known is known, however the server takes leave.
        let _ = session.close().await;
        listed
    }
}

/// What came of listing the folder.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) outcome: Result<Contents>,
    pub(crate) named_address: Option<std::net::IpAddr>,
    pub(crate) peer: Option<std::net::IpAddr>,
    pub(crate) profile: Option<ftp_connect_core::HostProfile>,
}

impl Listed {
    /// Whether there was a data connection: what went wrong, if anything did, is the folder's.
    pub(crate) fn came_about(&self) -> bool {
        match &self.outcome {
            Ok(_) => true,
            Err(error) => matches!(
                error.kind(),
                ErrorKind::NotFound
                    | ErrorKind::PermissionDenied
                    | ErrorKind::NotADirectory
                    | ErrorKind::ListingTruncated
            ),
        }
    }

    pub(crate) fn failed(error: Error) -> Self {
        Self {
            outcome: Err(error),
            named_address: None,
            peer: None,
            profile: None,
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Contents {
    pub(crate) entries: usize,
    pub(crate) unparsed: Vec<Vec<u8>>,
    pub(crate) resumed: Option<bool>,
    pub(crate) zone: Option<ftp_connect_core::Zone>,
}

impl Contents {
    pub(crate) fn count(&self) -> String {
        match self.entries {
            1 => "1 entry".to_owned(),
            ENTRIES => format!("more than {ENTRIES} entries"),
            n => format!("{n} entries"),
        }
    }
}

/// A step that failed, with what the error knows.
pub(crate) fn fault(check: Check, error: &Error) -> Finding {
    let finding = Finding::bad(check, Cause::of(error), error.to_string());
    let mut below = std::error::Error::source(error);
    let mut causes = Vec::new();
    while let Some(source) = below {
        causes.push(source.to_string());
        below = source.source();
    }
    causes.retain(|cause| !finding.summary.contains(cause.as_str()));
    causes.dedup();
    finding.saw_all(causes)
}

/// Who looks for a fault does not wait as long as a transfer at night.
fn with_patience(params: ConnectParams) -> ConnectParams {
    let timeouts = params.timeouts();
    let shorter = timeouts
        .with_connect(timeouts.connect.min(Duration::from_secs(10)))
        .with_data(timeouts.data.min(Duration::from_secs(8)));
    params.with_timeouts(shorter)
}

fn name(spoken: Spoken) -> &'static str {
    match spoken {
        Spoken::Ssh => "SSH",
        _ => "FTP",
    }
}

/// For ports that are only glanced at.
pub(crate) const GLANCE: Duration = Duration::from_secs(2);

/// Entries of the folder that are looked at.
const ENTRIES: usize = 1000;
