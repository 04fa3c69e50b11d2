//! `cargo xtask tidy`: the rules of the repository that no compiler checks.
//!
//! [`arrows`] looks at what crates depend on, [`sources`] at files. Each finding names the file, the line where
//! there is one, and what is wrong.

mod arrows;
mod sources;

use std::fmt;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::Outcome;
use crate::process::workspace;

/// A broken rule.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Finding {
    file: PathBuf,
    /// Counted from 1.
    line: Option<usize>,
    what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let root = workspace();
        let file = self.file.strip_prefix(&root).unwrap_or(&self.file);
        write!(f, "{}", file.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}", self.what)
    }
}

/// Runs the command.
///
/// # Errors
/// The sources or cargo's metadata cannot be read.
pub(crate) fn run() -> Outcome<ExitCode> {
    Ok(match check()? {
        0 => {
            println!("tidy");
            ExitCode::SUCCESS
        }
        count => {
            println!("{count} rules broken");
            ExitCode::FAILURE
        }
    })
}

/// Prints every finding and says how many there are.
///
/// # Errors
/// The sources or cargo's metadata cannot be read.
pub(crate) fn check() -> Outcome<usize> {
    let metadata = cargo_metadata::MetadataCommand::new()
        .manifest_path(workspace().join("Cargo.toml"))
        .features(cargo_metadata::CargoOpt::AllFeatures)
        .exec()?;
    let mut findings = arrows::findings(&metadata);
    findings.extend(sources::findings(&metadata)?);
    for finding in &findings {
        println!("{finding}");
    }
    Ok(findings.len())
}
