//! `cargo xtask test`: everything that is checked, step by step, with a summary.
//!
//! A failing step does not stop the others. A step that cannot be done here (no root, no network) is skipped
//! with its reason and counted as such, never as passed.
//!
//! Building steps take the whole workspace with all features, so that they share what they build; only
//! `features` builds other selections.

mod setting;
mod steps;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;

use crate::Outcome;
use setting::Setting;
use steps::STEPS;

/// The arguments of `cargo xtask test`.
#[derive(Debug, Args)]
pub(crate) struct Flags {
    /// Run these steps only
    #[arg(long, num_args = 1.., value_name = "STEP")]
    only: Vec<String>,
    /// Leave these steps out
    #[arg(long, num_args = 1.., value_name = "STEP")]
    skip: Vec<String>,
    /// Name the steps and what they do, and run none
    #[arg(long)]
    list: bool,
}

/// Runs the chosen steps and prints the summary; its last line is `N passed, M failed, K skipped`.
///
/// # Errors
/// A step's name is unknown.
pub(crate) fn run(flags: &Flags) -> Outcome<ExitCode> {
    if flags.list {
        for step in STEPS {
            println!("{:10} {}", step.name, step.purpose);
        }
        return Ok(ExitCode::SUCCESS);
    }
    for name in flags.only.iter().chain(&flags.skip) {
        if !STEPS.iter().any(|step| step.name == name) {
            return Err(format!("no step {name}; see --list").into());
        }
    }
    let setting = Setting::find();
    let mut rows = Vec::new();
    for step in STEPS {
        let chosen = flags.only.is_empty() || flags.only.iter().any(|name| name == step.name);
        if !chosen {
            continue;
        }
        println!("\n=== {}: {}", step.name, step.purpose);
        let start = Instant::now();
        let verdict = if flags.skip.iter().any(|name| name == step.name) {
            Verdict::Skipped("asked to".to_owned())
        } else {
            (step.run)(&setting).unwrap_or_else(|error| Verdict::Failed(error.to_string()))
        };
        let row = Row {
            name: step.name,
            verdict,
            time: start.elapsed(),
        };
        println!("=== {}", row.line());
        rows.push(row);
    }
    println!("\n=== Summary");
    for row in &rows {
        println!("{}", row.line());
    }
    let failed = rows
        .iter()
        .any(|row| matches!(row.verdict, Verdict::Failed(_)));
    println!("{}", totals(&rows));
    Ok(if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// What a step came to.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Verdict {
    /// With what was left out of it, if anything.
    Passed(String),
    Failed(String),
    Skipped(String),
}

/// One line of the summary.
struct Row {
    name: &'static str,
    verdict: Verdict,
    time: Duration,
}

impl Row {
    fn line(&self) -> String {
        let (word, reason) = match &self.verdict {
            Verdict::Passed(reason) => ("passed", reason),
            Verdict::Failed(reason) => ("FAILED", reason),
            Verdict::Skipped(reason) => ("skipped", reason),
        };
        let time = self.time.as_secs_f64();
        let line = format!("{:10} {word:8} {time:6.1} s  {reason}", self.name);
        line.trim_end().to_owned()
    }
}

fn totals(rows: &[Row]) -> String {
    let count =
        |wanted: fn(&Verdict) -> bool| rows.iter().filter(|row| wanted(&row.verdict)).count();
    format!(
        "{} passed, {} failed, {} skipped",
        count(|verdict| matches!(verdict, Verdict::Passed(_))),
        count(|verdict| matches!(verdict, Verdict::Failed(_))),
        count(|verdict| matches!(verdict, Verdict::Skipped(_))),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_counts_steps() {
        let row = |verdict| Row {
            name: "x",
            verdict,
            time: Duration::ZERO,
        };
        let rows = [
            row(Verdict::Passed(String::new())),
            row(Verdict::Passed(String::new())),
            row(Verdict::Failed("no".into())),
            row(Verdict::Skipped("why".into())),
        ];
        assert_eq!(totals(&rows), "2 passed, 1 failed, 1 skipped");
    }
}
