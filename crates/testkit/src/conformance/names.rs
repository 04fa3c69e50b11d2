//! Checks of names: odd ones, long ones, and folders of them.
//!
//! The server may refuse a name. It may not have another one afterwards.

use ftp_connect_core::{Disposition, EntryKind, Error, ErrorKind, RemotePath, Result};

use super::Test;
use super::probe::{Probe, Stop, chain};

pub(super) fn tests() -> Vec<Test> {
    let mut tests = Vec::new();
    for name in NAMES {
        let shown = RemotePath::new(*name).unwrap_or_default();
        tests.push(Test::new(format!("name: {shown:?}"), |probe| {
            Box::pin(name_is_kept(probe, name))
        }));
    }
    tests.push(Test::new("name: 255 bytes", |probe| {
        Box::pin(name_is_kept(probe, &LONGEST))
    }));
    tests.push(Test::new("names: folders in folders", |probe| {
        Box::pin(odd_folders(probe))
    }));
    tests.push(Test::new("names: a long path", |probe| {
        Box::pin(long_path(probe))
    }));
    tests.push(Test::new("names: rename", |probe| {
        Box::pin(rename_odd(probe))
    }));
    tests
}

/// A file of this name is written, listed under exactly this name, and read back by it.
async fn name_is_kept(probe: &mut Probe, name: &[u8]) -> Result<(), Stop> {
    let text = std::str::from_utf8(name).is_ok();
    if !text {
        probe.needs("names of any bytes", |can| can.any_name_bytes)?;
    }
    let path = probe.in_folder(name);
    let content = [b"content of ", name].concat();
    if let Err(error) = probe
        .try_write(&path, &content, Disposition::Replace)
        .await?
    {
        return refused(error);
    }
    probe.expect_content(&path, &content).await?;
    probe.expect_kind(&path, EntryKind::File).await?;
    let folder = probe.folder().clone();
    let entries = probe.list(&folder).await?;
    if entries.iter().any(|entry| entry.name.as_bytes() == name) {
        return Ok(());
    }
    let alike = entries.iter().map(|entry| &entry.name);
    let alike: Vec<_> = alike
        .filter(|other| looks_like(other.as_bytes(), name))
        .collect();
    Stop::failed(format!(
        "it was written and read, and is not among the {} entries listed; alike are {alike:?}",
        entries.len()
    ))
}

/// Folders with odd names, one in the other: each is listed, found and entered under its own name.
async fn odd_folders(probe: &mut Probe) -> Result<(), Stop> {
    probe.needs("create_dir", |can| can.create_dir)?;
    let top = probe.path("top [1]");
    let mut path = top.clone();
    let mut made = Vec::new();
    for name in FOLDERS {
        if let Err(error) = probe.session()?.create_dir(&path, Default::default()).await {
            return refused(error);
        }
        made.push(path.clone());
        path = path.join(&RemotePath::new(*name)?);
    }
    probe.write(&path, b"at the bottom").await?;
    for (folder, name) in made.iter().zip(FOLDERS) {
        let entries = probe.list(folder).await?;
        let names: Vec<_> = entries.iter().map(|entry| entry.name.as_bytes()).collect();
        if names != [*name] {
            let names: Vec<_> = entries.iter().map(|entry| &entry.name).collect();
            return Stop::failed(format!("{folder:?} is listed as {names:?}"));
        }
        probe.expect_kind(folder, EntryKind::Dir).await?;
    }
    probe.expect_content(&path, b"at the bottom").await?;
    if !(probe.capabilities()?.remove_dir && probe.capabilities()?.remove_file) {
        return Ok(());
    }
    probe.session()?.remove_file(&path).await?;
    for folder in made.iter().rev() {
        probe.session()?.remove_dir(folder).await?;
    }
    probe.expect_missing(&top).await
}

/// A path of about a thousand bytes.
async fn long_path(probe: &mut Probe) -> Result<(), Stop> {
    probe.needs("create_dir", |can| can.create_dir)?;
    let mut path = probe.path("top");
    for _ in 0..5 {
        if let Err(error) = probe.session()?.create_dir(&path, Default::default()).await {
            return refused(error);
        }
        path = path.join(&RemotePath::new(&LONGEST[..200])?);
    }
    probe.write(&path, b"far down").await?;
    probe.expect_content(&path, b"far down").await?;
    let parent = path.parent().unwrap_or_default();
    let entries = probe.list(&parent).await?;
    match entries.as_slice() {
        [entry] if Some(&entry.name) == path.file_name().as_ref() => Ok(()),
        _ => Stop::failed(format!(
            "the last folder is listed with {} entries",
            entries.len()
        )),
    }
}

/// From one odd name to the next, and back to a plain one.
async fn rename_odd(probe: &mut Probe) -> Result<(), Stop> {
    probe.needs("rename", |can| can.rename)?;
    probe.needs("create_dir", |can| can.create_dir)?;
    let folder = probe.path("folder");
    probe
        .session()?
        .create_dir(&folder, Default::default())
        .await?;
    let mut from = folder.join(&RemotePath::new("plain")?);
    probe.write(&from, b"the same all along").await?;
    for name in FOLDERS.iter().copied().chain([b"plain again".as_slice()]) {
        let to = folder.join(&RemotePath::new(name)?);
        if let Err(error) = probe
            .session()?
            .rename(&from, &to, Default::default())
            .await
        {
            return refused(error);
        }
        probe.expect_missing(&from).await?;
        probe.expect_content(&to, b"the same all along").await?;
        from = to;
    }
    Ok(())
}

/// Ends the check if the server may refuse this name.
fn refused(error: Error) -> Result<(), Stop> {
    match error.kind() {
        ErrorKind::Refused
        | ErrorKind::RefusedForNow
        | ErrorKind::PermissionDenied
        | ErrorKind::NotFound
        | ErrorKind::InvalidParameter => {
            Stop::skipped(format!("the name is refused: {}", chain(&error)))
        }
        _ => Err(error.into()),
    }
}

/// Whether one name may be what became of the other: letters and digits occur in the same order.
fn looks_like(one: &[u8], other: &[u8]) -> bool {
    let letters = |name: &[u8]| -> Vec<u8> {
        name.iter()
            .copied()
            .filter(u8::is_ascii_alphanumeric)
            .collect()
    };
    let (one, other) = (letters(one), letters(other));
    !one.is_empty() && (one.starts_with(&other) || other.starts_with(&one))
}

/// Names that clients and listings are known to trip over.
const NAMES: &[&[u8]] = &[
    b"a blank",
    b" leading blank",
    b"trailing blank ",
    b"two  blanks",
    "gr\u{fc}\u{df}e \u{65e5}\u{672c}".as_bytes(),
    b"-leading-dash",
    b"[brackets] {braces}",
    b"star * question ?",
    b"semicolon;type=dir; x",
    b"trailing dot.",
    b".leading dot",
    b"quote \"double\" 'single'",
    b"arrow -> target",
    b"per%20cent # hash ~ tilde",
    b"back\\slash",
    b"-rw-r--r-- 1 u g 5 Jan 1 00:00 line",
    b"20210102030405 digits",
    b"latin-1 caf\xe9",
];

/// Names of folders, each of which stands in the way of some command or listing. ProFTPD makes none with a star.
const FOLDERS: &[&[u8]] = &[
    b"a blank",
    b"[brackets]",
    b"-l",
    b"quote \"double\"",
    "gr\u{fc}\u{df}e".as_bytes(),
    b"x -> y",
    b"semi;colon",
    b"~tilde",
];

/// As long as a name may be on most file systems.
const LONGEST: [u8; 255] = [b'n'; 255];
