//! `cargo xtask test`: everything that is checked, step by step, with a summary.
//!
//! A failing step does not stop the others. A step that cannot be done here (no root, no network) is skipped
//! with its reason and counted as such, never as passed.
//!
//! Building steps take the whole workspace with all features, so that they share what they build; only
//! `features` builds other selections.

use std::ffi::OsString;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::Value;

use crate::Outcome;
use crate::lab;
use crate::process::{cargo, command, installed, is_root, quietly, workspace};
use crate::tidy;

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

/// One thing that is checked.
struct Step {
    name: &'static str,
    purpose: &'static str,
    run: fn(&Setting) -> Outcome<Verdict>,
}

const STEPS: &[Step] = &[
    Step {
        name: "fmt",
        purpose: "the sources are formatted",
        run: |setting| setting.cargo(&["fmt", "--all", "--check"]),
    },
    Step {
        name: "tidy",
        purpose: "the rules of the repository hold",
        run: |_| {
            Ok(match tidy::check()? {
                0 => Verdict::Passed(String::new()),
                count => Verdict::Failed(format!("{count} rules broken")),
            })
        },
    },
    Step {
        name: "clippy",
        purpose: "no lint is broken",
        run: |setting| {
            setting.cargo(&[
                "clippy",
                "--workspace",
                "--all-targets",
                "--all-features",
                "--",
                "-D",
                "warnings",
            ])
        },
    },
    Step {
        name: "unit",
        purpose: "unit and integration tests, with embedded servers",
        run: unit,
    },
    Step {
        name: "doctests",
        purpose: "the examples in the documentation",
        run: |setting| setting.cargo(&["test", "--workspace", "--all-features", "--doc"]),
    },
    Step {
        name: "docs",
        purpose: "the documentation builds without warnings",
        run: |setting| {
            let arguments = ["doc", "--workspace", "--all-features", "--no-deps"];
            judge(
                setting
                    .prepared(&arguments)
                    .env("RUSTDOCFLAGS", "-D warnings"),
            )
        },
    },
    Step {
        name: "features",
        purpose: "the facade compiles without warnings with each of the 16 selections of backends",
        run: features,
    },
    Step {
        name: "examples",
        purpose: "the examples build",
        run: |setting| setting.cargo(&["build", "--workspace", "--all-features", "--examples"]),
    },
    Step {
        name: "deny",
        purpose: "licences, sources, bans and advisories of the dependencies",
        run: deny,
    },
    Step {
        name: "lab",
        purpose: "the real-server matrix",
        run: real_servers,
    },
    Step {
        name: "demo",
        purpose: "the program's demo: every encryption against embedded servers",
        // Named by its program and not by its package: then cargo selects features for the whole workspace,
        // as in the steps before, and builds nothing anew.
        run: |setting| {
            setting.cargo(&[
                "run",
                "--all-features",
                "--bin",
                "ftp-connect",
                "--",
                "demo",
            ])
        },
    },
];

/// Integration tests of this name need the lab, and are run by its step.
const REAL_SERVERS: &str = "real_servers";

/// The test programs are named one by one to leave out those of the lab's step: a filter of nextest that
/// matches nothing is an error, and cargo has none.
fn unit(setting: &Setting) -> Outcome<Verdict> {
    let runner: &[&str] = if installed("cargo-nextest") {
        &["nextest", "run"]
    } else {
        &["test"]
    };
    let mut run = setting.prepared(runner);
    run.args([
        "--no-fail-fast",
        "--workspace",
        "--all-features",
        "--lib",
        "--bins",
    ]);
    for name in setting.integration_tests()? {
        run.args(["--test", &name]);
    }
    judge(&mut run)
}

fn features(setting: &Setting) -> Outcome<Verdict> {
    let mut broken = Vec::new();
    for chosen in selections(&["plain", "tls", "tls-reuse", "sftp"]) {
        let mut list = chosen.join(",");
        let shown = if list.is_empty() { "none" } else { &list }.to_owned();
        if chosen.contains(&"tls-reuse") && !setting.system_openssl {
            list += ",vendored-openssl";
        }
        let output = setting
            .prepared(&[
                "check",
                "--package",
                "ftp-connect",
                "--lib",
                "--no-default-features",
            ])
            .args(["--message-format", "json", "--features", &list])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .output()?;
        let said = complaints(&String::from_utf8_lossy(&output.stdout));
        println!(
            "{shown}: {}",
            if output.status.success() && said.is_empty() {
                "clean"
            } else {
                "NOT CLEAN"
            }
        );
        if !output.status.success() && said.is_empty() {
            println!("{}", String::from_utf8_lossy(&output.stderr));
        }
        if !output.status.success() || !said.is_empty() {
            println!("{}", said.join("\n"));
            broken.push(shown);
        }
    }
    Ok(if broken.is_empty() {
        Verdict::Passed(String::new())
    } else {
        Verdict::Failed(format!("with features {}", broken.join(" · ")))
    })
}

fn deny(setting: &Setting) -> Outcome<Verdict> {
    if !installed("cargo-deny") {
        println!("installing cargo-deny: a few minutes");
        let tools = workspace().join("target").join("tools");
        let mut install = setting.prepared(&["install", "--locked", "cargo-deny"]);
        if let Verdict::Failed(_) = judge(install.env("CARGO_TARGET_DIR", tools))? {
            return Ok(Verdict::Skipped(
                "cargo-deny cannot be installed".to_owned(),
            ));
        }
    }
    let offline = setting.cargo(&[
        "deny",
        "--all-features",
        "check",
        "--hide-inclusion-graph",
        "licenses",
        "bans",
        "sources",
    ])?;
    let advisories = setting
        .prepared(&["deny", "--all-features", "check", "advisories"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .output()?;
    let said = String::from_utf8_lossy(&advisories.stderr);
    if advisories.status.success() {
        println!("advisories ok");
        return Ok(offline);
    }
    if database_missing(&said) {
        println!("{said}");
        return Ok(match offline {
            Verdict::Passed(_) => {
                Verdict::Passed("advisories LEFT OUT: their database cannot be fetched".to_owned())
            }
            other => other,
        });
    }
    println!("{said}");
    Ok(Verdict::Failed("advisories".to_owned()))
}

fn real_servers(setting: &Setting) -> Outcome<Verdict> {
    if let Some(reason) = lab::obstacle() {
        return Ok(Verdict::Skipped(reason.to_owned()));
    }
    for name in ["ftp-connect", "ftp-connect-cli"] {
        if !setting.has_test(name, REAL_SERVERS)? {
            return Ok(Verdict::Failed(format!(
                "{name} has no tests of real servers"
            )));
        }
    }
    if let Err(error) = lab::install() {
        return Ok(Verdict::Skipped(format!(
            "the servers cannot be installed: {}",
            error.to_string().lines().next().unwrap_or_default()
        )));
    }
    // A lab that somebody keeps up is used and left as it is.
    let was_up = lab::is_up()?;
    lab::up()?;
    let verdict = judge(
        setting
            .prepared(&["test", "--workspace", "--all-features", "--no-fail-fast"])
            .args(["--test", REAL_SERVERS])
            .env("FTP_CONNECT_LAB", lab::Lab::file()),
    );
    if !was_up {
        lab::down(false)?;
    }
    verdict
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

/// What the steps have to know of this machine.
struct Setting {
    cargo: OsString,
    /// OpenSSL 3 with its headers is installed, and need not be built.
    system_openssl: bool,
}

impl Setting {
    /// Looks, and as root on Debian installs what the build lacks.
    fn find() -> Self {
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
    fn prepared(&self, arguments: &[&str]) -> Command {
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

    fn cargo(&self, arguments: &[&str]) -> Outcome<Verdict> {
        judge(&mut self.prepared(arguments))
    }

    /// The names of the integration-test programs of the workspace but those of the lab's step.
    fn integration_tests(&self) -> Outcome<Vec<String>> {
        let mut names: Vec<String> = self
            .packages()?
            .iter()
            .flat_map(|package| &package.targets)
            .filter(|target| target.is_test() && target.name != REAL_SERVERS)
            .map(|target| target.name.clone())
            .collect();
        names.sort();
        names.dedup();
        Ok(names)
    }

    fn has_test(&self, package: &str, test: &str) -> Outcome<bool> {
        Ok(self.packages()?.iter().any(|found| {
            *found.name == package
                && found
                    .targets
                    .iter()
                    .any(|target| target.is_test() && target.name == test)
        }))
    }

    fn packages(&self) -> Outcome<Vec<cargo_metadata::Package>> {
        let metadata = cargo_metadata::MetadataCommand::new()
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

/// Runs a command with its output shown.
fn judge(command: &mut Command) -> Outcome<Verdict> {
    let words: Vec<_> = command
        .get_args()
        .map(|word| word.to_string_lossy())
        .collect();
    println!("$ cargo {}", words.join(" "));
    let status = command
        .status()
        .map_err(|error| format!("{}: {error}", command.get_program().display()))?;
    Ok(if status.success() {
        Verdict::Passed(String::new())
    } else {
        Verdict::Failed(status.to_string())
    })
}

/// Every selection of the features, the empty one first.
fn selections<'a>(features: &[&'a str]) -> Vec<Vec<&'a str>> {
    let mut all = vec![Vec::new()];
    for &feature in features {
        for i in 0..all.len() {
            let mut with = all[i].clone();
            with.push(feature);
            all.push(with);
        }
    }
    all
}

/// The warnings and errors in cargo's JSON messages, as the compiler would print them. They are repeated for
/// crates that need no new build, and cargo hides those of foreign crates.
fn complaints(messages: &str) -> Vec<String> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|value| value["reason"] == "compiler-message")
        .filter(|value| {
            matches!(
                value["message"]["level"].as_str(),
                Some("warning" | "error")
            )
        })
        .map(|value| {
            value["message"]["rendered"]
                .as_str()
                .unwrap_or("?")
                .to_owned()
        })
        .collect()
}

/// Whether cargo-deny failed for want of the advisory database and not for what is in it.
fn database_missing(said: &str) -> bool {
    let fetch = [
        "failed to fetch advisory database",
        "failed to load advisory database",
    ];
    fetch.iter().any(|text| said.contains(text)) && !said.contains("error[")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_features_have_sixteen_different_selections() {
        let mut all = selections(&["a", "b", "c", "d"]);
        assert_eq!(all[0], Vec::<&str>::new());
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 16);
    }

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

    #[test]
    fn a_warning_is_a_complaint_and_a_note_is_not() {
        let message = |level: &str| {
            format!(
                r#"{{"reason":"compiler-message","message":{{"level":"{level}","rendered":"text"}}}}"#
            )
        };
        assert_eq!(complaints(&message("warning")), ["text"]);
        assert_eq!(complaints(&message("error")), ["text"]);
        assert!(complaints(&message("note")).is_empty());
        assert!(complaints(r#"{"reason":"compiler-artifact"}"#).is_empty());
    }

    #[test]
    fn a_finding_is_not_a_missing_database() {
        assert!(database_missing(
            "[ERROR] failed to fetch advisory database https://x"
        ));
        assert!(!database_missing(
            "error[vulnerability]: x\nfailed to fetch advisory database"
        ));
        assert!(!database_missing("error[unmaintained]: y"));
    }
}
