//! Checks of what changes the tree: renaming, removing, folders.

use ftp_connect_core::{EntryKind, ErrorKind, RenameOptions, Result, SessionExt as _};

use super::Test;
use super::probe::{Probe, Stop, expect_error};

pub(super) fn tests() -> Vec<Test> {
    vec![
        Test::new("rename: file", |probe| Box::pin(rename_file(probe))),
        Test::new("rename: folder", |probe| Box::pin(rename_folder(probe))),
        Test::new("rename: missing", |probe| Box::pin(rename_missing(probe))),
        Test::new("rename: replaces", |probe| Box::pin(rename_replaces(probe))),
        Test::new("rename: keeps what is there", |probe| {
            Box::pin(rename_keeps(probe))
        }),
        Test::new("rename: many files", |probe| Box::pin(rename_many(probe))),
        Test::new("remove_file: file", |probe| Box::pin(remove_file(probe))),
        Test::new("remove_file: missing", |probe| {
            Box::pin(remove_missing_file(probe))
        }),
        Test::new("create_dir: new", |probe| Box::pin(create_dir(probe))),
        Test::new("create_dir: existing", |probe| {
            Box::pin(create_existing(probe))
        }),
        Test::new("remove_dir: empty", |probe| Box::pin(remove_dir(probe))),
        Test::new("remove_dir: not empty", |probe| {
            Box::pin(remove_full_dir(probe))
        }),
        Test::new("remove_dir: missing", |probe| {
            Box::pin(remove_missing_dir(probe))
        }),
        Test::new("create_dir_all", |probe| Box::pin(create_dir_all(probe))),
        Test::new("remove_all", |probe| Box::pin(remove_all(probe))),
    ]
}

async fn rename_file(probe: &mut Probe) -> Result<(), Stop> {
    probe.needs("rename", |can| can.rename)?;
    let (from, to) = (probe.path("old name"), probe.path("new name"));
    probe.write(&from, b"content").await?;
    probe
        .session()?
        .rename(&from, &to, Default::default())
        .await?;
    probe.expect_content(&to, b"content").await?;
    probe.expect_missing(&from).await
}

async fn rename_folder(probe: &mut Probe) -> Result<(), Stop> {
    probe.needs("rename", |can| can.rename)?;
    probe.needs("create_dir", |can| can.create_dir)?;
    let (from, to) = (probe.path("old"), probe.path("new"));
    probe
        .session()?
        .create_dir(&from, Default::default())
        .await?;
    let file = probe.path("old/file");
    probe.write(&file, b"inside").await?;
    probe
        .session()?
        .rename(&from, &to, Default::default())
        .await?;
    let file = probe.path("new/file");
    probe.expect_content(&file, b"inside").await?;
    probe.expect_missing(&from).await
}

async fn rename_missing(probe: &mut Probe) -> Result<(), Stop> {
    probe.needs("rename", |can| can.rename)?;
    let (from, to) = (probe.path("missing"), probe.path("new"));
    let outcome = probe
        .session()?
        .rename(&from, &to, Default::default())
        .await;
    expect_error(outcome, "rename of a missing file", |kind| {
        *kind == ErrorKind::NotFound
    })?;
    probe.expect_missing(&to).await
}

async fn rename_replaces(probe: &mut Probe) -> Result<(), Stop> {
    probe.needs("rename that replaces", |can| can.rename_replaces)?;
    let (from, to) = (probe.path("from"), probe.path("to"));
    probe.write(&from, b"new").await?;
    probe.write(&to, b"old and longer").await?;
    let options = RenameOptions::default().with_replace(true);
    probe.session()?.rename(&from, &to, options).await?;
    probe.expect_content(&to, b"new").await?;
    probe.expect_missing(&from).await
}

async fn rename_keeps(probe: &mut Probe) -> Result<(), Stop> {
    probe.needs("rename", |can| can.rename)?;
    let (from, to) = (probe.path("from"), probe.path("to"));
    probe.write(&from, b"new").await?;
    probe.write(&to, b"old").await?;
    let outcome = probe
        .session()?
        .rename(&from, &to, Default::default())
        .await;
    expect_error(outcome, "rename onto an existing file", |kind| {
        *kind == ErrorKind::AlreadyExists
    })?;
    probe.expect_content(&from, b"new").await?;
    probe.expect_content(&to, b"old").await
}

/// Renames many files by one call; what cannot be renamed among them is told in its place.
async fn rename_many(probe: &mut Probe) -> Result<(), Stop> {
    probe.needs("rename", |can| can.rename)?;
    let mut names = Vec::new();
    for n in 0..12 {
        let from = probe.path(&format!("part of {n}"));
        probe.write(&from, n.to_string().as_bytes()).await?;
        names.push((from, probe.path(&format!("file {n}"))));
    }
    let missing = (probe.path("missing"), probe.path("nothing"));
    names.insert(3, missing.clone());
    let options = RenameOptions::default().with_replace(true);
    let outcomes = probe.session()?.rename_files(&names, options).await;
    if outcomes.len() != names.len() {
        let told = outcomes.len();
        return Stop::failed(format!("{told} outcomes were told of {}", names.len()));
    }
    for (outcome, pair) in outcomes.into_iter().zip(&names) {
        if *pair == missing {
            expect_error(outcome, "rename of a missing file", |kind| {
                *kind == ErrorKind::NotFound
            })?;
        } else {
            outcome?;
        }
    }
    probe.expect_missing(&missing.1).await?;
    names.remove(3);
    for (n, (from, to)) in names.iter().enumerate() {
        probe.expect_content(to, n.to_string().as_bytes()).await?;
        probe.expect_missing(from).await?;
    }
    Ok(())
}

async fn remove_file(probe: &mut Probe) -> Result<(), Stop> {
    probe.needs("remove_file", |can| can.remove_file)?;
    let (path, other) = (probe.path("file"), probe.path("other"));
    probe.write(&path, b"x").await?;
    probe.write(&other, b"stays").await?;
    probe.session()?.remove_file(&path).await?;
    probe.expect_missing(&path).await?;
    probe.expect_content(&other, b"stays").await
}

async fn remove_missing_file(probe: &mut Probe) -> Result<(), Stop> {
    probe.needs("remove_file", |can| can.remove_file)?;
    let path = probe.path("missing");
    let outcome = probe.session()?.remove_file(&path).await;
    expect_error(outcome, "remove of a missing file", |kind| {
        *kind == ErrorKind::NotFound
    })?;
    Ok(())
}

async fn create_dir(probe: &mut Probe) -> Result<(), Stop> {
    probe.needs("create_dir", |can| can.create_dir)?;
    let (path, inner) = (probe.path("a folder"), probe.path("a folder/inner"));
    probe
        .session()?
        .create_dir(&path, Default::default())
        .await?;
    probe
        .session()?
        .create_dir(&inner, Default::default())
        .await?;
    probe.expect_kind(&inner, EntryKind::Dir).await?;
    let file = probe.path("a folder/inner/file");
    probe.write(&file, b"deep").await?;
    probe.expect_content(&file, b"deep").await
}

async fn create_existing(probe: &mut Probe) -> Result<(), Stop> {
    probe.needs("create_dir", |can| can.create_dir)?;
    let path = probe.path("folder");
    probe
        .session()?
        .create_dir(&path, Default::default())
        .await?;
    let outcome = probe.session()?.create_dir(&path, Default::default()).await;
    // The kind is told "where the server lets one tell"; that it fails is not left open.
    expect_error(outcome, "create of an existing folder", |kind| {
        !matches!(kind, ErrorKind::Closed | ErrorKind::Unsupported)
    })?;
    probe.expect_kind(&path, EntryKind::Dir).await?;
    Ok(())
}

async fn remove_dir(probe: &mut Probe) -> Result<(), Stop> {
    probe.needs("create_dir", |can| can.create_dir)?;
    probe.needs("remove_dir", |can| can.remove_dir)?;
    let path = probe.path("folder");
    probe
        .session()?
        .create_dir(&path, Default::default())
        .await?;
    probe.session()?.remove_dir(&path).await?;
    probe.expect_missing(&path).await
}

async fn remove_full_dir(probe: &mut Probe) -> Result<(), Stop> {
    probe.needs("create_dir", |can| can.create_dir)?;
    probe.needs("remove_dir", |can| can.remove_dir)?;
    let (path, file) = (probe.path("folder"), probe.path("folder/file"));
    probe
        .session()?
        .create_dir(&path, Default::default())
        .await?;
    probe.write(&file, b"kept").await?;
    let outcome = probe.session()?.remove_dir(&path).await;
    expect_error(outcome, "remove of a folder that is not empty", |kind| {
        !matches!(
            kind,
            ErrorKind::Closed | ErrorKind::Unsupported | ErrorKind::NotFound
        )
    })?;
    probe.expect_content(&file, b"kept").await
}

async fn remove_missing_dir(probe: &mut Probe) -> Result<(), Stop> {
    probe.needs("remove_dir", |can| can.remove_dir)?;
    let path = probe.path("missing");
    let outcome = probe.session()?.remove_dir(&path).await;
    expect_error(outcome, "remove of a missing folder", |kind| {
        *kind == ErrorKind::NotFound
    })?;
    Ok(())
}

async fn create_dir_all(probe: &mut Probe) -> Result<(), Stop> {
    probe.needs("create_dir", |can| can.create_dir)?;
    let (top, deep) = (probe.path("top"), probe.path("top/middle/deep"));
    for path in [&deep, &deep, &top] {
        let outcome = probe
            .session()?
            .create_dir_all(path, Default::default())
            .await;
        outcome?;
        probe.expect_kind(path, EntryKind::Dir).await?;
    }
    let file = probe.path("file");
    probe.write(&file, b"in the way").await?;
    for path in [&file, &probe.path("file/below")] {
        let outcome = probe
            .session()?
            .create_dir_all(path, Default::default())
            .await;
        expect_error(outcome, "create_dir_all where a file is", |kind| {
            !matches!(kind, ErrorKind::Closed | ErrorKind::Unsupported)
        })?;
    }
    probe.expect_content(&file, b"in the way").await
}

async fn remove_all(probe: &mut Probe) -> Result<(), Stop> {
    probe.needs("create_dir", |can| can.create_dir)?;
    probe.needs("remove_dir", |can| can.remove_dir)?;
    probe.needs("remove_file", |can| can.remove_file)?;
    let (top, sibling) = (probe.path("top"), probe.path("top sibling"));
    let (deep, empty) = (probe.path("top/a b/deep"), probe.path("top/empty"));
    probe.write(&sibling, b"stays").await?;
    for path in [&deep, &empty] {
        let outcome = probe
            .session()?
            .create_dir_all(path, Default::default())
            .await;
        outcome?;
    }
    for name in ["top/1", "top/a b/2", "top/a b/deep/3", "top/a b/deep/4 [x]"] {
        let path = probe.path(name);
        probe.write(&path, name.as_bytes()).await?;
    }
    probe.session()?.remove_all(&top).await?;
    probe.expect_missing(&top).await?;
    probe.expect_content(&sibling, b"stays").await?;
    probe.session()?.remove_all(&sibling).await?;
    probe.expect_missing(&sibling).await?;
    let outcome = probe.session()?.remove_all(&sibling).await;
    expect_error(outcome, "remove_all of what is not there", |kind| {
        *kind == ErrorKind::NotFound
    })?;
    Ok(())
}
