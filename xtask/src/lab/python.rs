//! pyftpdlib from the Python package index, in an environment of its own below the lab's folder.
//!
//! It is the one server that Debian's archive does not give in a version of today. Where it cannot be had (no
//! network, no index), the lab goes without and says so.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::install::apt;
use super::record::folder;
use crate::Outcome;
use crate::process::{command, installed, quietly};

/// Pinned: another version may be another server.
const PACKAGES: &[&str] = &["pyftpdlib==2.2.0", "pyOpenSSL==26.4.0"];

/// The Python that finds the packages.
pub(crate) fn interpreter() -> PathBuf {
    environment().join("bin").join("python")
}

/// The version of pyftpdlib.
pub(crate) fn version() -> String {
    let (_, version) = PACKAGES[0].split_once("==").unwrap_or_default();
    version.to_owned()
}

/// Whether the packages are there, in these versions.
pub(crate) fn is_installed() -> bool {
    fs::read_to_string(note()).is_ok_and(|text| text == PACKAGES.join("\n"))
        && quietly(Command::new(interpreter()).args(["-c", "import pyftpdlib, OpenSSL"])).is_ok()
}

/// Makes the environment and installs the packages.
///
/// # Errors
/// No Python, no network, no index.
pub(crate) fn install() -> Outcome {
    if is_installed() {
        return Ok(());
    }
    println!("lab: installing {}", PACKAGES.join(", "));
    // Debian takes `ensurepip` out of Python and packages it as `python3-venv`.
    if !installed("python3") || quietly(&mut python(&["-c", "import ensurepip, venv"])).is_err() {
        quietly(&mut apt(&[
            "install",
            "--yes",
            "--no-install-recommends",
            "python3-venv",
        ]))?;
    }
    let environment = environment();
    if environment.exists() {
        fs::remove_dir_all(&environment)?;
    }
    quietly(python(&["-m", "venv"]).arg(&environment))?;
    quietly(
        Command::new(interpreter())
            .args(["-m", "pip", "install", "--quiet", "--no-input"])
            // Without a network this shall fail soon.
            .args(["--retries", "1", "--timeout", "20"])
            .args(PACKAGES),
    )?;
    fs::write(note(), PACKAGES.join("\n"))?;
    Ok(())
}

fn python(arguments: &[&str]) -> Command {
    command("python3", arguments)
}

fn environment() -> PathBuf {
    folder().join("python")
}

fn note() -> PathBuf {
    environment().join("installed")
}
