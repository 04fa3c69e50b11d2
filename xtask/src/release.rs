//! `cargo xtask release`: what a release is, as a dry run; `--execute` publishes.
//!
//! A release is a clean tree, one version in all crates, a section for it in CHANGELOG.md, and crates that
//! package, published with dependencies first. Version numbers and the tag are set by hand.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::{Command, ExitCode};

use cargo_metadata::Package;
use clap::Args;

use crate::Outcome;
use crate::process::{cargo, command, finish, quietly, workspace};

/// The arguments of `cargo xtask release`.
#[derive(Debug, Args)]
pub(crate) struct Flags {
    /// Publish, after the same checks
    #[arg(long)]
    execute: bool,
}

/// Checks, prints the order, and with `--execute` publishes in it.
///
/// # Errors
/// Metadata cannot be read, or the crates depend on one another in a circle.
pub(crate) fn run(flags: &Flags) -> Outcome<ExitCode> {
    let root = workspace();
    let metadata = cargo_metadata::MetadataCommand::new()
        .manifest_path(root.join("Cargo.toml"))
        .no_deps()
        .exec()?;
    let published: Vec<&Package> = metadata
        .workspace_packages()
        .into_iter()
        .filter(|package| package.publish.as_ref().is_none_or(|list| !list.is_empty()))
        .collect();
    let mut wrong = Vec::new();

    let versions: BTreeSet<String> = published.iter().map(|p| p.version.to_string()).collect();
    if versions.len() != 1 {
        wrong.push(format!("more than one version: {versions:?}"));
    }
    let changelog = fs::read_to_string(root.join("CHANGELOG.md")).unwrap_or_default();
    for version in &versions {
        if !has_section(&changelog, version) {
            wrong.push(format!("CHANGELOG.md has no section for {version}"));
        }
    }
    let changed = quietly(command("git", &["status", "--porcelain"]).current_dir(&root))?;
    if !changed.is_empty() {
        wrong.push(format!("the tree is not clean:\n{}", changed.trim_end()));
    }

    let needs: BTreeMap<String, BTreeSet<String>> = published
        .iter()
        .map(|package| (package.name.to_string(), needs(package, &published)))
        .collect();
    let order = order(&needs)?;
    for name in &order {
        let list = quietly(Command::new(cargo()).current_dir(&root).args([
            "package",
            "--list",
            "--allow-dirty",
            "--package",
            name,
        ]));
        match list {
            Ok(files) => println!("{name}: {} files", files.lines().count()),
            Err(error) => wrong.push(format!("{name} does not package: {error}")),
        }
    }
    println!("order: {}", order.join(", "));
    for what in &wrong {
        println!("not ready: {what}");
    }
    if !wrong.is_empty() {
        return Ok(ExitCode::FAILURE);
    }
    if !flags.execute {
        println!("ready; nothing was published, --execute does");
        return Ok(ExitCode::SUCCESS);
    }
    for name in &order {
        let code =
            finish(
                Command::new(cargo())
                    .current_dir(&root)
                    .args(["publish", "--package", name]),
            )?;
        if code != ExitCode::SUCCESS {
            println!("stopped at {name}: those before it are published");
            return Ok(code);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Those of our crates that must be in the registry before this one: dev-dependencies too, when they name a
/// version.
fn needs(package: &Package, published: &[&Package]) -> BTreeSet<String> {
    package
        .dependencies
        .iter()
        .filter(|dependency| !dependency.req.comparators.is_empty())
        .map(|dependency| dependency.name.clone())
        .filter(|name| published.iter().any(|other| *other.name == *name))
        .collect()
}

/// Dependencies first, by name where either could go first.
fn order(needs: &BTreeMap<String, BTreeSet<String>>) -> Outcome<Vec<String>> {
    let mut done: Vec<String> = Vec::new();
    while done.len() < needs.len() {
        let next = needs.iter().find(|(name, wanted)| {
            !done.contains(name) && wanted.iter().all(|one| done.contains(one))
        });
        let Some((name, _)) = next else {
            let left: Vec<&String> = needs.keys().filter(|name| !done.contains(name)).collect();
            return Err(format!("these crates depend on one another in a circle: {left:?}").into());
        };
        done.push(name.clone());
    }
    Ok(done)
}

/// `## 1.2.3` or `## [1.2.3] - date`.
fn has_section(changelog: &str, version: &str) -> bool {
    changelog
        .lines()
        .filter_map(|line| line.strip_prefix("## "))
        .filter_map(|heading| heading.split_whitespace().next())
        .any(|word| word.trim_start_matches('[').trim_end_matches(']') == version)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(edges: &[(&str, &[&str])]) -> BTreeMap<String, BTreeSet<String>> {
        edges
            .iter()
            .map(|(name, list)| {
                (
                    (*name).to_owned(),
                    list.iter().map(|&one| one.to_owned()).collect(),
                )
            })
            .collect()
    }

    #[test]
    fn dependencies_go_first() {
        let needs = graph(&[("a", &["c"]), ("b", &["a", "c"]), ("c", &[])]);
        assert_eq!(order(&needs).unwrap(), ["c", "a", "b"]);
        assert!(order(&graph(&[("a", &["b"]), ("b", &["a"])])).is_err());
    }

    #[test]
    fn a_section_is_of_this_version_and_no_other() {
        assert!(has_section("# Changes\n## [0.1.0] - 2026-01-01\n", "0.1.0"));
        assert!(has_section("## 0.1.0\n", "0.1.0"));
        assert!(!has_section("## 0.1.0-rc.1\nsince 0.1.0\n", "0.1.0"));
    }
}
