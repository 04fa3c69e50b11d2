//! Checks of `stat` and `list`, and of names.

use ftp_connect_core::{Disposition, EntryKind, ErrorKind, Operation, RemotePath, Result};

use super::Test;
use super::probe::{Probe, Stop, chain, expect_error};

pub(super) fn tests() -> Vec<Test> {
    let mut tests = vec![
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
    ];
    for name in NAMES {
        let shown = RemotePath::new(*name).unwrap_or_default();
        tests.push(Test::new(format!("name: {shown:?}"), |probe| {
            Box::pin(name_is_kept(probe, name))
        }));
    }
    tests
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

/// A file of this name is written, listed under exactly this name, and read back by it.
///
/// The server may refuse the name; it may not have another one afterwards.
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
        return match error.kind() {
            ErrorKind::Refused
            | ErrorKind::RefusedForNow
            | ErrorKind::PermissionDenied
            | ErrorKind::NotFound
            | ErrorKind::InvalidParameter => {
                Stop::skipped(format!("the name is refused: {}", chain(&error)))
            }
            _ => Err(error.into()),
        };
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
