//! Checks of links, of copies that the server makes, and of paths as it sees them.

use ftp_connect_core::{
    CopyOptions, EntryKind, ErrorKind, Permissions, RemotePath, Result, Timestamp, WriteBody,
    WriteOptions,
};

use super::Test;
use super::capabilities::agrees;
use super::probe::{Probe, Stop, expect_error};

pub(super) fn tests() -> Vec<Test> {
    vec![
        Test::new("links: capabilities agree", |probe| {
            Box::pin(denied_is_unsupported(probe))
        }),
        Test::new("symlink", |probe| Box::pin(symlink(probe))),
        Test::new("hard link", |probe| Box::pin(hard_link(probe))),
        Test::new("copy_file", |probe| Box::pin(copy_file(probe))),
        Test::new("real_path", |probe| Box::pin(real_path(probe))),
        Test::new("write: synced", |probe| Box::pin(synced(probe))),
        Test::new("write: with attributes", |probe| {
            Box::pin(with_attributes(probe))
        }),
    ]
}

async fn denied_is_unsupported(probe: &mut Probe) -> Result<(), Stop> {
    let can = probe.capabilities()?;
    let (missing, other) = (probe.path("missing"), probe.path("other"));
    let home = RemotePath::new("~")?;
    let session = probe.session()?;
    agrees("read_link", can.symlinks, session.read_link(&missing).await)?;
    let outcome = session.create_hard_link(&other, &missing).await;
    agrees("create_hard_link", can.hard_links, outcome)?;
    let options = CopyOptions::default();
    let outcome = session.copy_file(&missing, &other, options).await;
    agrees("copy_file", can.copy_file, outcome)?;
    let outcome = session.real_path(&RemotePath::login_folder()).await;
    agrees("real_path", can.real_path, outcome)?;
    agrees(
        "expand_home",
        can.expand_home,
        session.expand_home(&home).await,
    )?;
    if !can.symlinks {
        let outcome = session.create_symlink(&other, &missing).await;
        agrees("create_symlink", false, outcome)?;
    }
    Ok(())
}

async fn symlink(probe: &mut Probe) -> Result<(), Stop> {
    probe.needs("symlinks", |can| can.symlinks)?;
    let (file, link, lost) = (probe.path("file"), probe.path("link"), probe.path("lost"));
    probe.write(&file, b"the target").await?;
    let target = file.file_name().unwrap_or_default();
    probe.session()?.create_symlink(&link, &target).await?;
    probe.expect_kind(&link, EntryKind::Symlink).await?;
    probe.expect_content(&link, b"the target").await?;
    // Servers may make it absolute, but it stays the same file.
    let told = probe.session()?.read_link(&link).await?;
    if told.file_name() != target.file_name() {
        return Stop::failed(format!("linked to {target:?}, and it points to {told:?}"));
    }
    let nowhere = RemotePath::new("no such")?;
    probe.session()?.create_symlink(&lost, &nowhere).await?;
    probe.expect_kind(&lost, EntryKind::Symlink).await?;
    let outcome = probe.session()?.create_symlink(&link, &target).await;
    expect_error(outcome, "a link where one is", |kind| {
        matches!(kind, ErrorKind::AlreadyExists | ErrorKind::Refused)
    })?;
    let outcome = probe.session()?.read_link(&file).await;
    expect_error(outcome, "reading a file as a link", |kind| {
        !matches!(kind, ErrorKind::Closed | ErrorKind::Unsupported)
    })?;
    let missing = probe.path("missing");
    let outcome = probe.session()?.read_link(&missing).await;
    expect_error(outcome, "reading a link that is not there", |kind| {
        *kind == ErrorKind::NotFound
    })?;
    probe.session()?.remove_file(&link).await?;
    probe.expect_content(&file, b"the target").await
}

async fn hard_link(probe: &mut Probe) -> Result<(), Stop> {
    probe.needs("hard links", |can| can.hard_links)?;
    let (file, link) = (probe.path("file"), probe.path("link"));
    probe.write(&file, b"one file").await?;
    probe.session()?.create_hard_link(&link, &file).await?;
    probe.expect_kind(&link, EntryKind::File).await?;
    probe.expect_content(&link, b"one file").await?;
    let outcome = probe.session()?.create_hard_link(&link, &file).await;
    expect_error(outcome, "a link where one is", |kind| {
        matches!(kind, ErrorKind::AlreadyExists | ErrorKind::Refused)
    })?;
    probe.session()?.remove_file(&file).await?;
    probe.expect_content(&link, b"one file").await
}

async fn copy_file(probe: &mut Probe) -> Result<(), Stop> {
    probe.needs("copy_file", |can| can.copy_file)?;
    let (from, to, other) = (probe.path("from"), probe.path("to"), probe.path("other"));
    probe.write(&from, b"short").await?;
    let keep = CopyOptions::default();
    probe.session()?.copy_file(&from, &to, keep).await?;
    probe.expect_content(&to, b"short").await?;
    probe.expect_content(&from, b"short").await?;
    probe.write(&other, b"what is longer").await?;
    let outcome = probe.session()?.copy_file(&from, &other, keep).await;
    expect_error(outcome, "a copy onto what is there", |kind| {
        *kind == ErrorKind::AlreadyExists
    })?;
    probe.expect_content(&other, b"what is longer").await?;
    let replace = CopyOptions::default().with_replace(true);
    probe.session()?.copy_file(&from, &other, replace).await?;
    probe.expect_content(&other, b"short").await?;
    // Whatever is said of a copy onto itself: the file stays.
    let _ = probe.session()?.copy_file(&from, &from, replace).await;
    probe.expect_content(&from, b"short").await?;
    let missing = probe.path("missing");
    let outcome = probe.session()?.copy_file(&missing, &to, replace).await;
    expect_error(outcome, "a copy of what is not there", |kind| {
        *kind == ErrorKind::NotFound
    })?;
    probe.expect_content(&to, b"short").await
}

async fn real_path(probe: &mut Probe) -> Result<(), Stop> {
    probe.needs("real_path", |can| can.real_path)?;
    let file = probe.path("file");
    probe.write(&file, b"here").await?;
    let told = probe.session()?.real_path(&file).await?;
    if !told.is_absolute() {
        return Stop::failed(format!("{told:?} is not absolute"));
    }
    probe.expect_content(&told, b"here").await?;
    // A name that is not there has a path too, or is not found.
    let missing = probe.path("missing");
    match probe.session()?.real_path(&missing).await {
        Ok(path) if path.file_name() == missing.file_name() && path.is_absolute() => Ok(()),
        Ok(path) => Stop::failed(format!("{path:?} is the path of {missing:?}")),
        Err(error) if *error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error.into()),
    }
}

async fn synced(probe: &mut Probe) -> Result<(), Stop> {
    let can = probe.capabilities()?;
    let path = probe.path("file");
    let mut body = probe.session()?.write(&path, Default::default()).await?;
    write_whole(&mut *body, b"on disk").await?;
    agrees("sync", can.sync, body.sync().await)?;
    body.finish().await?;
    probe.expect_content(&path, b"on disk").await
}

/// A write that is asked to set attributes writes in any case, and does not say that it set what it did not.
async fn with_attributes(probe: &mut Probe) -> Result<(), Stop> {
    let path = probe.path("file");
    let time = Timestamp::from_unix_seconds(1_000_000_000);
    let permissions = Permissions::from_mode(0o640);
    let options = WriteOptions::default()
        .with_modified(time)
        .with_permissions(permissions);
    let mut body = probe.session()?.write(&path, options).await?;
    write_whole(&mut *body, b"dated").await?;
    let done = body.finish().await?;
    probe.expect_content(&path, b"dated").await?;
    if done.attributes_set != Some(true) {
        return Ok(());
    }
    let told = probe.stat(&path).await?;
    if told.permissions.is_some_and(|told| told != permissions) || told.modified != time {
        let (mode, modified) = (told.permissions, told.modified);
        return Stop::failed(format!(
            "set to {permissions} and {time:?}, and stat says {mode:?} and {modified:?}"
        ));
    }
    Ok(())
}

async fn write_whole(body: &mut dyn WriteBody, mut data: &[u8]) -> Result<()> {
    while !data.is_empty() {
        let taken = body.write(data).await?;
        data = &data[taken..];
    }
    Ok(())
}
