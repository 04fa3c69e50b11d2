//! All findings together, and what follows from them.

use ftp_connect_core::ConnectParams;

use crate::{Cause, Finding, Verdict};

/// What an examination came to.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Diagnosis {
    /// The findings, in the order of the steps.
    pub findings: Vec<Finding>,
    works: Option<ConnectParams>,
}

impl Diagnosis {
    pub(crate) fn new(findings: Vec<Finding>, works: Option<ConnectParams>) -> Self {
        Self { findings, works }
    }

    /// The parameters that work, without secrets: those that were given, with what had to be changed. `None` if
    /// nothing does.
    pub fn works(&self) -> Option<&ConnectParams> {
        self.works.as_ref()
    }

    /// The decisive cause: of the last step that went wrong, which is where it ended; or, where all went well in
    /// the end, of the first that a user should know.
    pub fn cause(&self) -> Option<Cause> {
        let of = |verdict| {
            move |finding: &&Finding| finding.verdict == verdict && finding.cause.is_some()
        };
        let bad = match self.works {
            None => self.findings.iter().rev().find(of(Verdict::Bad)),
            Some(_) => self.findings.iter().find(of(Verdict::Bad)),
        };
        let stopped = || self.findings.iter().rev().find(of(Verdict::Skipped));
        let noted = || self.findings.iter().find(of(Verdict::Note));
        let decisive = match self.works {
            None => bad.or_else(stopped),
            Some(_) => bad.or_else(noted),
        };
        decisive.and_then(|finding| finding.cause)
    }

    /// The one thing to do, in one line; `None` if nothing needs to be done.
    pub fn advice(&self) -> Option<&'static str> {
        self.cause().map(Cause::advice)
    }

    /// Whether the parameters work as they were given.
    pub fn is_well(&self) -> bool {
        let bad = |finding: &Finding| finding.verdict == Verdict::Bad;
        self.works.is_some() && !self.findings.iter().any(bad)
    }
}
