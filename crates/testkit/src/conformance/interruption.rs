//! Checks of what happens after something went wrong or was left in the middle.
//!
//! The contract leaves a backend the choice: go on as if nothing had been, or say `Closed` from then
//! on. It may never take the answer to one operation for that to another.

use ftp_connect_core::{Disposition, ErrorKind, ReadOptions, Result};

use super::Test;
use super::probe::{Probe, Stop, closed_or, expect_error, pattern, same_bytes};
use crate::cancellation::poll_and_drop;

pub(super) fn tests(large: usize) -> Vec<Test> {
    let mut tests = vec![
        Test::new("errors: session stays usable", |probe| {
            Box::pin(after_errors(probe))
        }),
        Test::new("dropped: read body", move |probe| {
            Box::pin(dropped_read(probe, large))
        }),
        Test::new("dropped: write body", move |probe| {
            Box::pin(dropped_write(probe, large))
        }),
        Test::new("dropped: listing", |probe| Box::pin(dropped_listing(probe))),
        Test::new("dropped: again and again", move |probe| {
            Box::pin(dropped_often(probe, large))
        }),
    ];
    for polls in [1, 2, 3] {
        tests.push(Test::new(
            format!("dropped: stat after {polls} polls"),
            move |probe| Box::pin(dropped_stat(probe, polls)),
        ));
        tests.push(Test::new(
            format!("dropped: read after {polls} polls"),
            move |probe| Box::pin(dropped_read_call(probe, polls)),
        ));
    }
    tests
}

async fn after_errors(probe: &mut Probe) -> Result<(), Stop> {
    let missing = probe.path("missing");
    let not_found = |kind: &ErrorKind| matches!(kind, ErrorKind::NotFound | ErrorKind::Unsupported);
    for round in 0..2 {
        let outcome = probe.session()?.stat(&missing, Default::default()).await;
        if expect_or_closed(outcome, "stat of a missing file", not_found)? {
            return still_closed(probe).await;
        }
        let outcome = probe
            .try_read(&missing, ReadOptions::default(), 100)
            .await?;
        if expect_or_closed(outcome, "read of a missing file", not_found)? {
            return still_closed(probe).await;
        }
        let outcome = probe.try_list(&missing).await?;
        if expect_or_closed(outcome, "list of a missing folder", not_found)? {
            return still_closed(probe).await;
        }
        let outcome = probe.session()?.remove_file(&missing).await;
        if expect_or_closed(outcome, "remove of a missing file", not_found)? {
            return still_closed(probe).await;
        }
        let path = probe.path(&format!("file{round}"));
        usable_or_closed(probe, &path).await?;
    }
    Ok(())
}

async fn dropped_read(probe: &mut Probe, large: usize) -> Result<(), Stop> {
    let (path, content) = (probe.path("large"), pattern(large));
    probe.write(&path, &content).await?;
    let mut body = probe.session()?.read(&path, Default::default()).await?;
    let mut buffer = [0; 100];
    let count = body.read(&mut buffer).await?;
    if count == 0 {
        return Stop::failed("the first read of a file with content gave nothing");
    }
    same_bytes("the beginning", &buffer[..count], &content[..count])?;
    drop(body);
    usable_or_closed(probe, &probe.path("after")).await?;
    // A body that was never read at all.
    match probe.session()?.read(&path, Default::default()).await {
        Ok(body) => drop(body),
        Err(error) => return closed_or(&error, "read after a dropped read"),
    }
    usable_or_closed(probe, &probe.path("after again")).await
}

async fn dropped_write(probe: &mut Probe, large: usize) -> Result<(), Stop> {
    let path = probe.path("large");
    let content = pattern(large);
    let mut body = probe.session()?.write(&path, Default::default()).await?;
    body.write(&content).await?;
    drop(body);
    usable_or_closed(probe, &probe.path("after")).await
}

async fn dropped_listing(probe: &mut Probe) -> Result<(), Stop> {
    for n in 0..20 {
        let path = probe.path(&format!("file {n}"));
        probe.write(&path, b"x").await?;
    }
    let folder = probe.folder().clone();
    let mut listing = probe.session()?.list(&folder, Default::default()).await?;
    if listing.next().await?.is_none() {
        return Stop::failed("a folder with files is listed as empty");
    }
    drop(listing);
    usable_or_closed(probe, &probe.path("after")).await
}

/// Reads, listings and writes, each left in the middle, with nothing in between that would set things right.
async fn dropped_often(probe: &mut Probe, large: usize) -> Result<(), Stop> {
    let (source, content) = (probe.path("source"), pattern(large));
    probe.write(&source, &content).await?;
    let folder = probe.folder().clone();
    for round in 0..3 {
        let target = probe.path(&format!("target {round}"));
        match probe.session()?.read(&source, Default::default()).await {
            Ok(mut body) => {
                let mut buffer = [0; 1000];
                let count = body.read(&mut buffer).await?;
                same_bytes("the beginning", &buffer[..count], &content[..count])?;
            }
            Err(error) => return closed_or(&error, "the next read"),
        }
        match probe.session()?.list(&folder, Default::default()).await {
            Ok(mut listing) => {
                if listing.next().await?.is_none() {
                    return Stop::failed("a folder with files is listed as empty");
                }
            }
            Err(error) => return closed_or(&error, "the next listing"),
        }
        match probe.session()?.write(&target, Default::default()).await {
            Ok(mut body) => {
                body.write(&content).await?;
            }
            Err(error) => return closed_or(&error, "the next write"),
        }
        usable_or_closed(probe, &probe.path(&format!("after {round}"))).await?;
    }
    Ok(())
}

async fn dropped_stat(probe: &mut Probe, polls: usize) -> Result<(), Stop> {
    let (one, other) = (probe.path("one"), probe.path("other"));
    probe.write(&one, b"1").await?;
    probe.write(&other, b"22").await?;
    poll_and_drop(probe.session()?.stat(&one, Default::default()), polls).await;
    let entry = match probe.session()?.stat(&other, Default::default()).await {
        Ok(entry) => entry,
        Err(error) => return closed_or(&error, "stat after a dropped one"),
    };
    if entry.name != other || entry.size.is_some_and(|size| size != 2) {
        let (name, size) = (entry.name, entry.size);
        return Stop::failed(format!(
            "stat of {other:?} gave {name:?} with {size:?} bytes; was that the dropped one's answer?"
        ));
    }
    usable_or_closed(probe, &probe.path("after")).await
}

async fn dropped_read_call(probe: &mut Probe, polls: usize) -> Result<(), Stop> {
    let (one, other) = (probe.path("one"), probe.path("other"));
    probe.write(&one, b"1111").await?;
    probe.write(&other, b"2222").await?;
    poll_and_drop(probe.session()?.read(&one, Default::default()), polls).await;
    match probe.try_read(&other, ReadOptions::default(), 100).await? {
        Ok((content, _)) => same_bytes("read after a dropped one", &content, b"2222")?,
        Err(error) => return closed_or(&error, "read after a dropped one"),
    }
    usable_or_closed(probe, &probe.path("after")).await
}

/// Writes a file and reads it back, or the session says that it is closed, and goes on saying so.
async fn usable_or_closed(
    probe: &mut Probe,
    path: &ftp_connect_core::RemotePath,
) -> Result<(), Stop> {
    let content = b"written after the interruption";
    match probe.try_write(path, content, Disposition::Replace).await? {
        Ok(_) => probe.expect_content(path, content).await,
        Err(error) => {
            closed_or(&error, "the next write")?;
            still_closed(probe).await
        }
    }
}

async fn still_closed(probe: &mut Probe) -> Result<(), Stop> {
    let path = probe.path("any");
    let outcome = probe.session()?.stat(&path, Default::default()).await;
    expect_error(outcome, "an operation on a closed session", |kind| {
        *kind == ErrorKind::Closed
    })?;
    Ok(())
}

/// Checks that an operation failed as it should, or says true if the session is closed.
fn expect_or_closed<T: std::fmt::Debug>(
    outcome: Result<T>,
    what: &str,
    fits: impl Fn(&ErrorKind) -> bool,
) -> Result<bool, Stop> {
    let error = expect_error(outcome, what, |kind| {
        *kind == ErrorKind::Closed || fits(kind)
    })?;
    Ok(*error.kind() == ErrorKind::Closed)
}
