//! Who may depend on whom, and on how new a compiler.
//!
//! Normal dependencies only: what a test uses binds nobody. The reach of a crate is looked at with all features
//! of the workspace on, so that an optional path to a forbidden crate is found, too.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, Metadata};

use super::Finding;

/// For each crate those of ours that it may name as a normal dependency. A crate that is not here is new, and
/// its arrows are to be decided.
const MAY_NAME: &[(&str, &[&str])] = &[
    ("ftp-connect-core", &[]),
    ("ftp-connect-ftp-proto", &[]),
    (
        "ftp-connect-ftp",
        &["ftp-connect-core", "ftp-connect-ftp-proto"],
    ),
    (
        "ftp-connect-plain",
        &["ftp-connect-core", "ftp-connect-ftp"],
    ),
    ("ftp-connect-tls", &["ftp-connect-core", "ftp-connect-ftp"]),
    (
        "ftp-connect-tls-reuse",
        &["ftp-connect-core", "ftp-connect-ftp"],
    ),
    ("ftp-connect-sftp", &["ftp-connect-core"]),
    ("ftp-connect-transfer", &["ftp-connect-core"]),
    ("ftp-connect-testkit", &["ftp-connect-core"]),
    // It looks at certificates and host keys; everything else goes by the caller's registry.
    (
        "ftp-connect-doctor",
        &["ftp-connect-core", "ftp-connect-tls", "ftp-connect-sftp"],
    ),
    (
        "ftp-connect",
        &[
            "ftp-connect-core",
            "ftp-connect-plain",
            "ftp-connect-tls",
            "ftp-connect-tls-reuse",
            "ftp-connect-sftp",
            "ftp-connect-transfer",
            "ftp-connect-doctor",
        ],
    ),
    // The demo of the program runs the embedded servers.
    (
        "ftp-connect-cli",
        &[
            "ftp-connect",
            "ftp-connect-core",
            "ftp-connect-plain",
            "ftp-connect-tls",
            "ftp-connect-tls-reuse",
            "ftp-connect-sftp",
            "ftp-connect-transfer",
            "ftp-connect-doctor",
            "ftp-connect-testkit",
        ],
    ),
];

/// For each crate what it must not reach, directly or through others; with a reason.
const MUST_NOT_REACH: &[(&str, &[&str], &str)] = &[
    (
        "ftp-connect-core",
        &["rustls", "openssl", "russh"],
        "the vocabulary knows no protocol",
    ),
    (
        "ftp-connect-ftp-proto",
        &["tokio", "rustls", "openssl", "russh"],
        "the protocol does no input or output",
    ),
    (
        "ftp-connect-ftp",
        &["rustls", "openssl", "native-tls", "russh"],
        "the FTP engine knows no TLS library",
    ),
    (
        "ftp-connect-plain",
        &["rustls", "openssl", "native-tls", "russh"],
        "FTP in the clear needs no cryptography",
    ),
    (
        "ftp-connect-tls",
        &["openssl", "russh"],
        "FTPS on rustls is rustls alone",
    ),
    (
        "ftp-connect-tls-reuse",
        &["rustls", "russh"],
        "FTPS on OpenSSL is OpenSSL alone",
    ),
    (
        "ftp-connect-sftp",
        &[
            "rustls",
            "openssl",
            "ftp-connect-ftp",
            "ftp-connect-tls",
            "ftp-connect-tls-reuse",
        ],
        "SFTP shares nothing with FTP",
    ),
    (
        "ftp-connect-doctor",
        &["openssl"],
        "whoever has no OpenSSL can be examined, too",
    ),
    (
        "ftp-connect-transfer",
        &["rustls", "openssl", "russh"],
        "transfers serve every backend alike",
    ),
];

/// Everything that is wrong with the dependencies.
pub(super) fn findings(metadata: &Metadata) -> Vec<Finding> {
    let graph = Graph::of(metadata);
    let mut found = Vec::new();
    for package in metadata.workspace_packages() {
        // Development tasks, benches and example programs may use what they like.
        let folder = package
            .manifest_path
            .strip_prefix(&metadata.workspace_root)
            .unwrap_or(&package.manifest_path)
            .as_str();
        if !folder.starts_with("crates/") || folder.contains("/examples/") {
            continue;
        }
        let manifest = package.manifest_path.as_std_path();
        let named: Vec<&str> = package
            .dependencies
            .iter()
            .filter(|dependency| dependency.kind == DependencyKind::Normal)
            .map(|dependency| dependency.name.as_str())
            .collect();
        let ours: Vec<&str> = named
            .into_iter()
            .filter(|name| name.starts_with("ftp-connect"))
            .collect();
        found.extend(wrong_arrows(&package.name, &ours).map(|what| at(manifest, what)));
    }
    for &(name, forbidden, reason) in MUST_NOT_REACH {
        let manifest = metadata
            .workspace_packages()
            .into_iter()
            .find(|package| *package.name == name)
            .map_or_else(PathBuf::new, |package| {
                package.manifest_path.clone().into_std_path_buf()
            });
        for what in forbidden {
            if let Some(path) = graph.path(name, what) {
                found.push(at(
                    &manifest,
                    format!("reaches {what} by {}: {reason}", path.join(" → ")),
                ));
            }
        }
    }
    found.extend(too_new(metadata, &graph));
    found
}

fn at(manifest: &Path, what: String) -> Finding {
    Finding {
        file: manifest.to_owned(),
        line: None,
        what,
    }
}

fn wrong_arrows<'a>(name: &str, ours: &[&'a str]) -> impl Iterator<Item = String> + use<'a> {
    let allowed = MAY_NAME
        .iter()
        .find(|(of, _)| *of == name)
        .map(|(_, list)| *list);
    let mut wrong: Vec<String> = ours
        .iter()
        .filter(|other| !allowed.unwrap_or_default().contains(other))
        .map(|other| format!("depends on {other}, which no arrow of the design allows"))
        .collect();
    if allowed.is_none() {
        wrong.push("a new crate: decide its arrows in xtask/src/tidy/arrows.rs".to_owned());
    }
    wrong.into_iter()
}

/// Dependencies of the published crates that ask for a newer compiler than the workspace promises.
fn too_new(metadata: &Metadata, graph: &Graph) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut reached = BTreeSet::new();
    let mut promised = None;
    for package in metadata.workspace_packages() {
        if package.publish.as_ref().is_some_and(Vec::is_empty) {
            continue;
        }
        if package.rust_version.is_none() {
            let what = "no rust-version: inherit the workspace's".to_owned();
            found.push(at(package.manifest_path.as_std_path(), what));
        }
        promised = match (promised, package.rust_version.clone()) {
            (Some(one), Some(other)) => Some(std::cmp::min(one, other)),
            (one, other) => one.or(other),
        };
        reached.extend(graph.reach(&package.name));
    }
    let Some(promised) = promised else {
        return found;
    };
    for package in &metadata.packages {
        if reached.contains(package.name.as_str())
            && let Some(wanted) = &package.rust_version
            && *wanted > promised
        {
            let what = format!(
                "{} {} asks for Rust {wanted}, the workspace promises {promised}",
                package.name, package.version
            );
            found.push(at(
                metadata.workspace_root.join("Cargo.toml").as_std_path(),
                what,
            ));
        }
    }
    found
}

/// Normal dependencies by name. Two versions of a crate are one here: either is as forbidden.
#[derive(Debug, Default)]
struct Graph {
    edges: BTreeMap<String, BTreeSet<String>>,
}

impl Graph {
    fn of(metadata: &Metadata) -> Self {
        let names: BTreeMap<_, _> = metadata
            .packages
            .iter()
            .map(|package| (&package.id, package.name.to_string()))
            .collect();
        let mut graph = Self::default();
        for node in metadata.resolve.iter().flat_map(|resolve| &resolve.nodes) {
            for dependency in &node.deps {
                let normal = dependency
                    .dep_kinds
                    .iter()
                    .any(|kind| kind.kind == DependencyKind::Normal);
                if normal
                    && let (Some(from), Some(to)) =
                        (names.get(&node.id), names.get(&dependency.pkg))
                {
                    graph.add(from, to);
                }
            }
        }
        graph
    }

    fn add(&mut self, from: &str, to: &str) {
        self.edges
            .entry(from.to_owned())
            .or_default()
            .insert(to.to_owned());
    }

    /// A way from one crate to another, both included.
    fn path(&self, from: &str, to: &str) -> Option<Vec<String>> {
        let mut seen = BTreeSet::from([from.to_owned()]);
        let mut ways = vec![vec![from.to_owned()]];
        while let Some(way) = ways.pop() {
            let last = way.last()?;
            for next in self.edges.get(last).into_iter().flatten() {
                let mut longer = way.clone();
                longer.push(next.clone());
                if next == to {
                    return Some(longer);
                }
                if seen.insert(next.clone()) {
                    ways.push(longer);
                }
            }
        }
        None
    }

    /// The crate and all that it depends on.
    fn reach(&self, from: &str) -> BTreeSet<String> {
        let mut seen = BTreeSet::new();
        let mut open = vec![from.to_owned()];
        while let Some(name) = open.pop() {
            if seen.insert(name.clone()) {
                open.extend(self.edges.get(&name).into_iter().flatten().cloned());
            }
        }
        seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_arrows(name: &str, ours: &[&str], wrong: usize) {
        assert_eq!(wrong_arrows(name, ours).count(), wrong, "{name} {ours:?}");
    }

    #[test]
    fn only_the_arrows_of_the_design_are_allowed() {
        check_arrows("ftp-connect-core", &[], 0);
        check_arrows("ftp-connect-core", &["ftp-connect-ftp-proto"], 1);
        check_arrows("ftp-connect-transfer", &["ftp-connect-core"], 0);
        check_arrows(
            "ftp-connect-transfer",
            &["ftp-connect-core", "ftp-connect-sftp"],
            1,
        );
        check_arrows("ftp-connect-tls-reuse", &["ftp-connect-tls"], 1);
        check_arrows("ftp-connect-unheard-of", &[], 1);
    }

    #[test]
    fn a_forbidden_crate_is_found_through_others_and_in_circles() {
        let mut graph = Graph::default();
        for (from, to) in [
            ("a", "b"),
            ("b", "a"),
            ("b", "c"),
            ("c", "rustls"),
            ("d", "b"),
        ] {
            graph.add(from, to);
        }
        assert_eq!(
            graph.path("d", "rustls").unwrap(),
            ["d", "b", "c", "rustls"]
        );
        assert_eq!(graph.path("c", "a"), None);
        assert!(graph.reach("c").contains("rustls"));
        assert!(!graph.reach("c").contains("d"));
    }
}
