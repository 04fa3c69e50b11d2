//! Checks of `stat` and `list`.

use std::collections::BTreeSet;

use ftp_connect_core::{EntryKind, ErrorKind, Operation, RemotePath, Result};

use super::Test;
use super::probe::{Probe, Stop, expect_error};

pub(super) fn tests(many: usize) -> Vec<Test> {
    vec![
        Test::new("stat: file", |probe| Box::pin(stat_file(probe))),
        Test::new("stat: folder", |probe| Box::pin(stat_folder(probe))),
        Test::new("stat: missing", |probe| Box::pin(stat_missing(probe))),
        Test::new("list: files and folders", |probe| {
            Box::pin(list_folder(probe))
        }),
        Test::new("list: empty folder", |probe| Box::pin(list_empty(probe))),
        Test::new("list: missing folder", |probe| {
            Box::pin(list_missing(probe))
        }),
        Test::new("list: file", |probe| Box::pin(list_file(probe))),
        Test::new("list: many entries", move |probe| {
            Box::pin(list_many(probe, many))
        }),
    ]
}

async fn stat_file(probe: &mut Probe) -> Result<(), Stop> {
    let path = probe.path("file");
    probe.write(&path, b"12345").await?;
    let entry = probe.expect_kind(&path, EntryKind::File).await?;
    if entry.name != path {
        return Stop::failed(format!(
            "the entry's name is {:?}, expected {path:?}",
            entry.name
        ));
    }
    if entry.size.is_some_and(|size| size != 5) {
        return Stop::failed(format!("stat says {:?} bytes of a file of 5", entry.size));
    }
    Ok(())
}

async fn stat_folder(probe: &mut Probe) -> Result<(), Stop> {
    probe.needs("create_dir", |can| can.create_dir)?;
    let path = probe.path("folder");
    probe
        .session()?
        .create_dir(&path, Default::default())
        .await?;
    let entry = probe.expect_kind(&path, EntryKind::Dir).await?;
    if entry.name != path {
        return Stop::failed(format!(
            "the entry's name is {:?}, expected {path:?}",
            entry.name
        ));
    }
    Ok(())
}

async fn stat_missing(probe: &mut Probe) -> Result<(), Stop> {
    let path = probe.path("missing");
    let outcome = probe.session()?.stat(&path, Default::default()).await;
    let error = expect_error(outcome, "stat of a missing name", |kind| {
        *kind == ErrorKind::NotFound
    })?;
    if error.operation() != Some(Operation::Stat) || error.path() != Some(&path) {
        return Stop::failed(format!(
            "the error does not name stat and {path:?}: {error}"
        ));
    }
    Ok(())
}

async fn list_folder(probe: &mut Probe) -> Result<(), Stop> {
    probe.needs("create_dir", |can| can.create_dir)?;
    let folder = probe.path("folder");
    probe
        .session()?
        .create_dir(&folder, Default::default())
        .await?;
    let below = |name: &str| Ok::<_, Stop>(folder.join(&RemotePath::new(name)?));
    probe.write(&below("a")?, b"12345").await?;
    probe.write(&below("b.txt")?, b"").await?;
    probe
        .session()?
        .create_dir(&below("sub")?, Default::default())
        .await?;
    probe.write(&below("sub/deeper")?, b"x").await?;

    let (mut entries, summary) = probe.try_list(&folder).await??;
    entries.sort_by(|one, other| one.name.cmp(&other.name));
    let seen: Vec<_> = entries
        .iter()
        .map(|e| (e.name.as_bytes(), e.kind))
        .collect();
    let expected = [
        (b"a".as_slice(), EntryKind::File),
        (b"b.txt".as_slice(), EntryKind::File),
        (b"sub".as_slice(), EntryKind::Dir),
    ];
    if seen != expected {
        let shown: Vec<_> = entries
            .iter()
            .map(|e| format!("{:?} {:?}", e.kind, e.name))
            .collect();
        return Stop::failed(format!(
            "listed {shown:?}, expected files a and b.txt, folder sub"
        ));
    }
    for (entry, size) in entries.iter().zip([5, 0]) {
        if entry.size.is_some_and(|told| told != size) {
            let (name, told) = (&entry.name, entry.size);
            return Stop::failed(format!(
                "{name:?} is listed with {told:?} bytes, it has {size}"
            ));
        }
    }
    if summary.entries != 3 || summary.unparsed != 0 {
        let (count, unparsed) = (summary.entries, summary.unparsed);
        return Stop::failed(format!(
            "finish counts {count} entries, {unparsed} not understood, of 3"
        ));
    }
    Ok(())
}

async fn list_empty(probe: &mut Probe) -> Result<(), Stop> {
    probe.needs("create_dir", |can| can.create_dir)?;
    let folder = probe.path("folder");
    probe
        .session()?
        .create_dir(&folder, Default::default())
        .await?;
    let entries = probe.list(&folder).await?;
    if entries.is_empty() {
        return Ok(());
    }
    Stop::failed(format!(
        "an empty folder is listed with {} entries",
        entries.len()
    ))
}

async fn list_missing(probe: &mut Probe) -> Result<(), Stop> {
    let path = probe.path("missing");
    let outcome = probe.try_list(&path).await?;
    expect_error(outcome, "list of a missing folder", |kind| {
        *kind == ErrorKind::NotFound
    })?;
    Ok(())
}

async fn list_file(probe: &mut Probe) -> Result<(), Stop> {
    let path = probe.path("file");
    probe.write(&path, b"x").await?;
    let outcome = probe.try_list(&path).await?;
    expect_error(outcome, "list of a file", |kind| {
        matches!(kind, ErrorKind::NotADirectory | ErrorKind::NotFound)
    })?;
    Ok(())
}

/// Every entry is listed once, and again when the folder is listed again.
async fn list_many(probe: &mut Probe, many: usize) -> Result<(), Stop> {
    probe.needs("create_dir", |can| can.create_dir)?;
    let folder = probe.path("folder");
    probe
        .session()?
        .create_dir(&folder, Default::default())
        .await?;
    let mut expected = BTreeSet::new();
    for n in 0..many {
        let name = RemotePath::new(format!("file number {n}"))?;
        probe.write(&folder.join(&name), b"").await?;
        expected.insert(name);
    }
    for _ in 0..2 {
        let (entries, summary) = probe.try_list(&folder).await??;
        let count = entries.len();
        let seen: BTreeSet<RemotePath> = entries.into_iter().map(|entry| entry.name).collect();
        if count != many || summary.entries != many as u64 || seen != expected {
            let missing = expected.difference(&seen).count();
            return Stop::failed(format!(
                "{count} entries of {many}, {missing} missing, and finish counts {}",
                summary.entries
            ));
        }
    }
    Ok(())
}
