//! The contract of [`Session`] as checks that any backend can be put to.
//!
//! Why: a backend is right when programs written against the traits work with it, and the traits' words
//! leave room for mistakes. [`conformance`] goes through them one by one: what is written is read
//! back, errors have the kind the contract names, a body dropped in the middle does not poison the
//! next operation, what the capabilities promise works and what they deny answers `Unsupported`.
//!
//! ```
//! use ftp_connect_core::{ConnectParams, Transport as _};
//! use ftp_connect_testkit::conformance::{self, Options};
//! use ftp_connect_testkit::memory::MemoryTransport;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> ftp_connect_core::Result<()> {
//! let params = ConnectParams::new("memory.example")?;
//! // Your own transport here, and parameters that lead to an empty folder it may write to.
//! let transport = MemoryTransport::new();
//! let open = async || transport.connect(&params).await;
//! conformance::conformance(open, Options::default()).await.assert_passed();
//! # Ok(())
//! # }
//! ```
//!
//! Every check opens a session of its own and works with names of its own, so that one failure does not
//! make others. What a check made, it does not remove: the folder is for throwing away.
//!
//! Not here: connecting, identities and logins, which the parameters' own tests cover; speed.

mod capabilities;
mod content;
mod interruption;
mod links;
mod listing;
mod names;
mod probe;
mod report;
mod tree;

use std::pin::Pin;
use std::time::{Duration, Instant};

use ftp_connect_core::{RemotePath, Result, Session};

use self::probe::{Probe, Stop};
pub use self::report::{Check, Outcome, Report};

/// Puts a backend to all checks, one after the other.
///
/// `open` connects and logs in anew at each call, always to the same files.
pub async fn conformance(
    open: impl AsyncFn() -> Result<Box<dyn Session>>,
    options: Options,
) -> Report {
    let mut report = Report::default();
    for test in tests(&options) {
        let started = Instant::now();
        let outcome = match (run(&open, &test, &options).await, options.known(&test.name)) {
            (Outcome::Failed(cause), Some(reason)) => Outcome::Known(format!("{reason}: {cause}")),
            (outcome, _) => outcome,
        };
        report.add(Check::new(test.name, outcome, started.elapsed()));
    }
    report
}

/// How the suite is run.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// The folder to work in; the login folder by default.
    pub folder: RemotePath,
    /// How long one check may last, connecting included; 60 seconds by default.
    pub time_limit: Duration,
    /// The size of the large file, in bytes; 1 MiB by default.
    pub large: usize,
    /// How many files there are in the folder that is to show whether listings are whole; 60 by default.
    pub many: usize,
    /// Checks that may fail, each with the reason that the report then shows.
    pub known_deviations: Vec<(String, String)>,
}

impl Options {
    /// Sets [`Options::folder`].
    #[must_use]
    pub fn with_folder(mut self, folder: RemotePath) -> Self {
        self.folder = folder;
        self
    }

    /// Sets [`Options::time_limit`].
    #[must_use]
    pub fn with_time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }

    /// Sets [`Options::large`].
    #[must_use]
    pub fn with_large(mut self, bytes: usize) -> Self {
        self.large = bytes;
        self
    }

    /// Sets [`Options::many`].
    #[must_use]
    pub fn with_many(mut self, files: usize) -> Self {
        self.many = files;
        self
    }

    /// Lets the check of this name fail, because the *server* cannot be had to pass it.
    #[must_use]
    pub fn with_known_deviation(
        mut self,
        check: impl Into<String>,
        reason: impl Into<String>,
    ) -> Self {
        self.known_deviations.push((check.into(), reason.into()));
        self
    }

    fn known(&self, name: &str) -> Option<&str> {
        let mut known = self.known_deviations.iter();
        known
            .find(|(check, _)| check == name)
            .map(|(_, reason)| reason.as_str())
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            folder: RemotePath::login_folder(),
            time_limit: Duration::from_secs(60),
            large: 1024 * 1024,
            many: 60,
            known_deviations: Vec::new(),
        }
    }
}

/// One check before it is run.
struct Test {
    name: String,
    run: Box<dyn for<'a> Fn(&'a mut Probe) -> Running<'a>>,
}

type Running<'a> = Pin<Box<dyn Future<Output = Result<(), Stop>> + 'a>>;

impl Test {
    fn new(
        name: impl Into<String>,
        run: impl for<'a> Fn(&'a mut Probe) -> Running<'a> + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            run: Box::new(run),
        }
    }
}

fn tests(options: &Options) -> Vec<Test> {
    let mut tests = Vec::new();
    tests.extend(capabilities::tests());
    tests.extend(content::tests(options.large));
    tests.extend(listing::tests(options.many));
    tests.extend(names::tests());
    tests.extend(tree::tests());
    tests.extend(links::tests());
    tests.extend(interruption::tests(options.large));
    tests
}

async fn run(
    open: &impl AsyncFn() -> Result<Box<dyn Session>>,
    test: &Test,
    options: &Options,
) -> Outcome {
    let checking = async {
        let session = open()
            .await
            .map_err(|error| Stop::error("connecting", &error))?;
        let mut probe = Probe::new(session, &options.folder, &test.name);
        let outcome = (test.run)(&mut probe).await;
        let Some(session) = probe.into_session() else {
            return outcome;
        };
        let closed = session.close().await;
        // A session that an interruption has closed need not take leave.
        outcome.and_then(|()| closed.or_else(|error| probe::closed_or(&error, "closing")))
    };
    match tokio::time::timeout(options.time_limit, checking).await {
        Ok(Ok(())) => Outcome::Passed,
        Ok(Err(Stop::Failed(cause))) => Outcome::Failed(cause),
        Ok(Err(Stop::Skipped(reason))) => Outcome::Skipped(reason),
        Err(_) => Outcome::Failed(format!("no end within {:?}", options.time_limit)),
    }
}
