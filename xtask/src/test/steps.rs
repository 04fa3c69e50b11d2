//! The steps: what is checked, in which order, and by which commands.

use std::process::{Command, Stdio};

use serde_json::Value;

use super::Verdict;
use super::setting::Setting;
use crate::Outcome;
use crate::lab;
use crate::process::{installed, workspace};
use crate::tidy;

/// One thing that is checked.
pub(super) struct Step {
    pub(super) name: &'static str,
    pub(super) purpose: &'static str,
    pub(super) run: fn(&Setting) -> Outcome<Verdict>,
}

/// In the order in which they run.
pub(super) const STEPS: &[Step] = &[
    Step {
        name: "fmt",
        purpose: "the sources are formatted",
        run: |setting| cargo(setting, &["fmt", "--all", "--check"]),
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
            cargo(
                setting,
                &[
                    "clippy",
                    "--workspace",
                    "--all-targets",
                    "--all-features",
                    "--",
                    "-D",
                    "warnings",
                ],
            )
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
        run: |setting| cargo(setting, &["test", "--workspace", "--all-features", "--doc"]),
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
        run: |setting| {
            cargo(
                setting,
                &["build", "--workspace", "--all-features", "--examples"],
            )
        },
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
            cargo(
                setting,
                &[
                    "run",
                    "--all-features",
                    "--bin",
                    "ftp-connect",
                    "--",
                    "demo",
                ],
            )
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
    for name in setting.integration_tests_but(REAL_SERVERS)? {
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
    let offline = cargo(
        setting,
        &[
            "deny",
            "--all-features",
            "check",
            "--hide-inclusion-graph",
            "licenses",
            "bans",
            "sources",
        ],
    )?;
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
    lab::up(std::net::Ipv4Addr::LOCALHOST)?;
    lab::clear_reports()?;
    let verdict = judge(
        setting
            .prepared(&["test", "--workspace", "--all-features", "--no-fail-fast"])
            .args(["--test", REAL_SERVERS])
            .env("FTP_CONNECT_LAB", lab::Lab::file()),
    );
    for report in lab::reports()? {
        println!("{report}");
    }
    if !was_up {
        lab::down(false)?;
    }
    verdict
}

/// Runs cargo with its output shown.
fn cargo(setting: &Setting, arguments: &[&str]) -> Outcome<Verdict> {
    judge(&mut setting.prepared(arguments))
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
