//! `cargo xtask fuzz`: every fuzz target for a while, or one.
//!
//! Fuzzing needs `cargo-fuzz`, which is not installed from here, and takes a nightly compiler where there is one.

use std::fs;
use std::process::{Command, ExitCode};

use clap::Args;

use crate::Outcome;
use crate::process::{finish, installed, quietly, workspace};

/// The arguments of `cargo xtask fuzz`.
#[derive(Debug, Args)]
pub(crate) struct Flags {
    /// This target only
    target: Option<String>,
    /// How long each target runs
    #[arg(long, default_value_t = 60)]
    seconds: u32,
}

/// Fuzzes; the first target that finds something does not stop the others.
///
/// # Errors
/// What is missing here, or an unknown target.
pub(crate) fn run(flags: &Flags) -> Outcome<ExitCode> {
    let manifest = workspace().join("fuzz").join("Cargo.toml");
    let text = fs::read_to_string(&manifest)
        .map_err(|error| format!("no fuzz targets: {}: {error}", manifest.display()))?;
    let mut chosen = targets(&text);
    if let Some(name) = &flags.target {
        chosen.retain(|target| target == name);
        if chosen.is_empty() {
            return Err(format!("no target {name} in {}", manifest.display()).into());
        }
    }
    if !installed("cargo-fuzz") {
        return Err("fuzzing needs cargo-fuzz: cargo install cargo-fuzz --locked".into());
    }
    let nightly = quietly(Command::new("cargo").args(["+nightly", "--version"])).is_ok();
    if !nightly {
        println!("no nightly compiler: the installed one is told to accept a sanitizer's flags");
    }
    let mut worst = ExitCode::SUCCESS;
    for target in chosen {
        println!("=== {target}: {} s", flags.seconds);
        let mut fuzz = Command::new("cargo");
        fuzz.current_dir(workspace());
        if nightly {
            // Through rustup, and so without the toolchain that runs this program.
            fuzz.env_remove("RUSTUP_TOOLCHAIN")
                .env_remove("CARGO")
                .arg("+nightly");
        } else {
            fuzz.env("RUSTC_BOOTSTRAP", "1");
        }
        fuzz.args(["fuzz", "run", &target]);
        if let Some((_, seeds)) = SEEDS.iter().find(|(name, _)| *name == target) {
            // What is found goes into the first folder.
            let found = workspace().join("fuzz/corpus").join(&target);
            fs::create_dir_all(&found)?;
            fuzz.args([found, workspace().join(seeds)]);
        }
        fuzz.arg("--")
            .arg(format!("-max_total_time={}", flags.seconds));
        let code = finish(&mut fuzz)?;
        if code != ExitCode::SUCCESS {
            worst = code;
        }
    }
    Ok(worst)
}

/// Targets that would not get far from nothing, and the folders of what they begin with.
const SEEDS: [(&str, &str); 1] = [("key", "crates/sftp/tests/fixtures/keys")];

/// The names of the `[[bin]]` tables.
fn targets(manifest: &str) -> Vec<String> {
    let mut in_bin = false;
    let mut names = Vec::new();
    for line in manifest.lines().map(str::trim) {
        if line.starts_with('[') {
            in_bin = line == "[[bin]]";
        } else if in_bin
            && let Some((key, value)) = line.split_once('=')
            && key.trim() == "name"
        {
            names.push(value.trim().trim_matches('"').to_owned());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_names_of_programs_are_targets() {
        let manifest = "[package]\nname = \"fuzz\"\n[[bin]]\nname = \"reply\"\npath = \"x\"\n[[bin]]\nname=\"listing\"\n";
        assert_eq!(targets(manifest), ["reply", "listing"]);
    }
}
