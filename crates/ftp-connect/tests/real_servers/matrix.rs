//! Every set-up in every mode over every backend, put to the conformance suite.
//!
//! Several servers are tried at once: most of the time goes by waiting. The ways to one server are tried one after
//! the other: pyftpdlib 2.2, one process for all sessions, loses data connections of one session when another in
//! active mode ends.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use ftp_connect::{CreateDirOptions, Mode, RemotePath, Result};
use ftp_connect_testkit::conformance::{self, Options, Outcome, Report};
use ftp_connect_testkit::lab::{Lab, LabServer};

use crate::ways::{Way, ways};

/// How many servers are tried at once.
const AT_ONCE: usize = 6;

/// Of the special set-ups, those which can do all that the suite asks for.
const SPECIAL: &[&str] = &[
    "no-passive",
    "no-epsv",
    "no-mlsd",
    "wrong-passive-address",
    "ipv6",
];

#[test]
fn every_set_up_passes_the_conformance_suite() {
    let lab = Lab::from_env();
    let special = lab.special.iter().filter(|server| {
        let mut traits = server.traits.iter();
        traits.all(|one| SPECIAL.contains(&one.as_str()))
    });
    let servers: Vec<&LabServer> = lab.servers.iter().chain(special).collect();
    let ways: Vec<Way<'_>> = servers
        .iter()
        .flat_map(|server| ways(&lab, server))
        .collect();

    let reports = run_all(&ways);
    let table = table(&ways, &reports);
    Lab::leave("matrix", &table);
    println!("{table}");

    let mut wrong = Vec::new();
    for (way, report) in ways.iter().zip(&reports) {
        let name = format!("{} {}", way.server.name, way.word());
        match report {
            Ok(report) => wrong.extend(report.failed().map(|check| format!("{name}: {check}"))),
            Err(error) => wrong.push(format!("{name}: {error}")),
        }
    }
    wrong.extend(stale(&ways, &reports));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What a server does whatever the client says: check and reason.
fn known_deviations(server: &LabServer) -> &'static [(&'static str, &'static str)] {
    match server.software.as_str() {
        "pyftpdlib" => &[(
            "name: \"latin-1 caf\\xe9\"",
            "pyftpdlib stores bytes that are not UTF-8 as the replacement character",
        )],
        "proftpd" if server.kind == "sftp" => &[(
            "symlink",
            "mod_sftp tells about the target of a link where LSTAT asks about the link",
        )],
        _ => &[],
    }
}

/// Tries all ways; the reports are in the same order.
fn run_all(ways: &[Way<'_>]) -> Vec<Result<Report>> {
    let servers: Vec<&[Way<'_>]> = ways
        .chunk_by(|one, next| one.server.name == next.server.name)
        .collect();
    let next = AtomicUsize::new(0);
    let reports = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                let next = || next.fetch_add(1, Ordering::Relaxed);
                while let Some(ways) = servers.get(next()) {
                    for way in *ways {
                        let report = run(way);
                        let name = (&way.server.name, way.word());
                        eprintln!("{} {}: done", name.0, name.1);
                        reports.lock().unwrap().insert(name, report);
                    }
                }
            });
        }
    });
    let mut reports = reports.into_inner().unwrap();
    ways.iter()
        .map(|way| {
            reports
                .remove(&(&way.server.name, way.word()))
                .expect("tried")
        })
        .collect()
}

fn run(way: &Way<'_>) -> Result<Report> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        // A folder of its own, made by the user whom the server lets in.
        let folder = RemotePath::new(format!("conformance-{}-{}", way.word(), std::process::id()))?;
        let mut session = ftp_connect::connect(&way.params).await?;
        session
            .create_dir(&folder, CreateDirOptions::default())
            .await?;
        session.close().await?;
        let mut options = Options::default().with_folder(folder);
        for (check, reason) in known_deviations(way.server) {
            options = options.with_known_deviation(*check, *reason);
        }
        let open = async || ftp_connect::connect(&way.params).await;
        Ok(conformance::conformance(open, options).await)
    })
}

/// Deviations that no way to any set-up of the server shows any more.
fn stale(ways: &[Way<'_>], reports: &[Result<Report>]) -> BTreeSet<String> {
    let mut stale = BTreeSet::new();
    let mut seen = BTreeSet::new();
    for (way, report) in ways.iter().zip(reports) {
        for (check, _) in known_deviations(way.server) {
            let line = format!("{} no longer deviates: {check}", way.server.software);
            let outcome = report.as_ref().ok().and_then(|report| report.check(check));
            match outcome.map(|check| &check.outcome) {
                Some(Outcome::Passed) => stale.insert(line),
                _ => seen.insert(line),
            };
        }
    }
    &stale - &seen
}

/// A line for each set-up and backend, a column for each mode, and below what was known and what was skipped.
fn table(ways: &[Way<'_>], reports: &[Result<Report>]) -> String {
    let mut text = String::from("matrix: passed/known/failed of the conformance suite\n");
    let line = |text: &mut String, server: &str, backend: &str, cells: [&str; 3]| {
        let [active, passive, dynamic] = cells;
        let _ = writeln!(
            text,
            "{server:30} {backend:9} {active:>9} {passive:>9} {dynamic:>9}"
        );
    };
    line(
        &mut text,
        "set-up",
        "backend",
        ["active", "passive", "dynamic"],
    );
    let mut notes = BTreeSet::new();
    let mut rest: Vec<(&Way<'_>, &Result<Report>)> = ways.iter().zip(reports).collect();
    while let Some((first, _)) = rest.first().copied() {
        let (same, others): (Vec<_>, Vec<_>) = rest.into_iter().partition(|(way, _)| {
            way.server.name == first.server.name && way.backend == first.backend
        });
        rest = others;
        let mut cells = [const { String::new() }; 3];
        for (way, report) in same {
            let column = match way.mode {
                Some(Mode::Active) | None => 0,
                Some(Mode::Passive) => 1,
                Some(Mode::Dynamic) => 2,
            };
            cells[column] = cell(report);
            notes.extend(noted(way.server, report));
        }
        let cells = cells.each_ref().map(String::as_str);
        line(&mut text, &first.server.name, first.backend, cells);
    }
    for note in notes {
        let _ = writeln!(text, "{note}");
    }
    text
}

fn cell(report: &Result<Report>) -> String {
    match report {
        Ok(report) => format!(
            "{}/{}/{}",
            report.passed().count(),
            report.known().count(),
            report.failed().count()
        ),
        Err(_) => "none".to_owned(),
    }
}

fn noted(server: &LabServer, report: &Result<Report>) -> Vec<String> {
    let Ok(report) = report else {
        return Vec::new();
    };
    let checks = report.known().chain(report.skipped());
    checks
        .map(|check| match &check.outcome {
            // The reason, without what this very run saw.
            Outcome::Known(reason) | Outcome::Skipped(reason) => {
                let reason = reason.split(": ").next().unwrap_or_default();
                format!("{}, {}: {reason}", server.software, check.name)
            }
            _ => String::new(),
        })
        .collect()
}
