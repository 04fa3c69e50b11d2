//! What the steps have to know of this machine and of the workspace, and the cargo commands that follow from it.

use std::ffi::OsString;
use std::process::{Command, Stdio};

use cargo_metadata::{MetadataCommand, Package};

use crate::Outcome;
use crate::lab;
use crate::process::{cargo, command, installed, is_root, quietly, workspace};

/// What the steps have to know of this machine.
pub(super) struct Setting {
    cargo: OsString,
    /// OpenSSL 3 with its headers is installed, and need not be built.
    pub(super) system_openssl: bool,
}

impl Setting {
    /// Looks, and as root on Debian installs what the build lacks.
    pub(super) fn find() -> Self {
        if is_root() && installed("apt-get") {
            install_build_tools();
        }
        let system_openssl = has_openssl();
        println!(
            "OpenSSL: {}",
            if system_openssl {
                "the system's"
            } else {
                "built from source"
            }
        );
        Self {
            cargo: cargo(),
            system_openssl,
        }
    }

    /// A cargo command in the workspace.
    pub(super) fn prepared(&self, arguments: &[&str]) -> Command {
        let mut cargo = command(&self.cargo, arguments);
        cargo
            .current_dir(workspace())
            .env_remove("FTP_CONNECT_LAB")
            .stdin(Stdio::null());
        if self.system_openssl {
            cargo.env("OPENSSL_NO_VENDOR", "1");
        }
        cargo
    }

    /// The names of the integration-test programs of the workspace but this one.
    pub(super) fn integration_tests_but(&self, left_out: &str) -> Outcome<Vec<String>> {
        let mut names: Vec<String> = self
            .packages()?
            .iter()
            .flat_map(|package| &package.targets)
            .filter(|target| target.is_test() && target.name != left_out)
            .map(|target| target.name.clone())
            .collect();
        names.sort();
        names.dedup();
        Ok(names)
    }

    pub(super) fn has_test(&self, package: &str, test: &str) -> Outcome<bool> {
        Ok(self.packages()?.iter().any(|found| {
            *found.name == package
                && found
                    .targets
                    .iter()
                    .any(|target| target.is_test() && target.name == test)
        }))
    }

    fn packages(&self) -> Outcome<Vec<Package>> {
        let metadata = MetadataCommand::new()
            .cargo_path(&self.cargo)
            .manifest_path(workspace().join("Cargo.toml"))
            .no_deps()
            .exec()?;
        Ok(metadata.packages)
    }
}

fn has_openssl() -> bool {
    quietly(&mut command("pkg-config", &["--exists", "openssl >= 3"])).is_ok()
}

/// Missing programs are no failure yet: the step that needs one says so.
fn install_build_tools() {
    let mut packages: Vec<&str> = [("cc", "gcc libc6-dev"), ("make", "make"), ("perl", "perl")]
        .into_iter()
        .filter(|(program, _)| !installed(program))
        .flat_map(|(_, packages)| packages.split(' '))
        .collect();
    if !has_openssl() {
        packages.extend(["pkg-config", "libssl-dev"]);
    }
    if packages.is_empty() {
        return;
    }
    println!("installing {}", packages.join(", "));
    let done = quietly(&mut lab::apt(&["update"])).and_then(|_| {
        quietly(lab::apt(&["install", "--yes", "--no-install-recommends"]).args(&packages))
    });
    if let Err(error) = done {
        println!("not installed, going on without: {error}");
    }
}
