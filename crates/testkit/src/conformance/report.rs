//! What the suite found.

use std::fmt;
use std::time::Duration;

/// The outcome of all checks, in the order in which they were run.
#[derive(Clone, Debug, Default)]
pub struct Report {
    checks: Vec<Check>,
}

impl Report {
    /// All checks.
    pub fn checks(&self) -> &[Check] {
        &self.checks
    }

    /// The check of this name.
    pub fn check(&self, name: &str) -> Option<&Check> {
        self.checks.iter().find(|check| check.name == name)
    }

    /// The checks that failed.
    pub fn failed(&self) -> impl Iterator<Item = &Check> {
        self.checks
            .iter()
            .filter(|check| matches!(check.outcome, Outcome::Failed(_)))
    }

    /// The checks that were not run to their end, because something they need is not there.
    pub fn skipped(&self) -> impl Iterator<Item = &Check> {
        self.checks
            .iter()
            .filter(|check| matches!(check.outcome, Outcome::Skipped(_)))
    }

    /// The checks that failed as was foretold ([`Options::known_deviations`](super::Options)).
    pub fn known(&self) -> impl Iterator<Item = &Check> {
        self.checks
            .iter()
            .filter(|check| matches!(check.outcome, Outcome::Known(_)))
    }

    /// The checks that passed.
    pub fn passed(&self) -> impl Iterator<Item = &Check> {
        self.checks
            .iter()
            .filter(|check| check.outcome == Outcome::Passed)
    }

    /// Panics with the whole list unless nothing failed and something passed.
    ///
    /// # Panics
    /// If a check failed, or all were skipped.
    #[track_caller]
    pub fn assert_passed(&self) {
        let failed = self.failed().count();
        assert!(
            failed == 0,
            "{failed} checks of the contract failed\n{self}"
        );
        assert!(
            self.passed().next().is_some(),
            "no check of the contract was run to its end\n{self}"
        );
    }

    pub(super) fn add(&mut self, check: Check) {
        tracing::debug!(name = check.name, outcome = ?check.outcome, "conformance check");
        self.checks.push(check);
    }
}

impl fmt::Display for Report {
    /// One line a check, failures with their causes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for check in &self.checks {
            writeln!(f, "{check}")?;
        }
        write!(
            f,
            "{} passed, {} failed, {} known, {} skipped",
            self.passed().count(),
            self.failed().count(),
            self.known().count(),
            self.skipped().count()
        )
    }
}

/// One check and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Check {
    /// What is checked, in a few words.
    pub name: String,
    /// What came of it.
    pub outcome: Outcome,
    /// How long it took, connecting included.
    pub took: Duration,
}

impl Check {
    pub(super) fn new(name: String, outcome: Outcome, took: Duration) -> Self {
        Self {
            name,
            outcome,
            took,
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mark, text) = match &self.outcome {
            Outcome::Passed => ("ok  ", ""),
            Outcome::Failed(cause) => ("FAIL", cause.as_str()),
            Outcome::Known(reason) => ("know", reason.as_str()),
            Outcome::Skipped(reason) => ("skip", reason.as_str()),
        };
        write!(f, "{mark} {}", self.name)?;
        if !text.is_empty() {
            write!(f, ": {text}")?;
        }
        Ok(())
    }
}

/// What came of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The contract is kept.
    Passed,
    /// The contract is broken, with how.
    Failed(String),
    /// The contract is broken as was foretold, with the reason and with how.
    Known(String),
    /// It could not be tried, with why.
    Skipped(String),
}
