//! `ls` and `stat`.

use std::io::IsTerminal as _;

use ftp_connect::{
    Entry, EntryKind, ListOptions, RemotePath, Session, StatOptions, params::Encoding,
};

use super::{Open, Outcome};
use crate::{args::Connection, output::Output};

pub(super) async fn list(
    url: Option<&str>,
    names: bool,
    options: &Connection,
    output: &mut Output,
) -> Outcome {
    let mut open = Open::to_list(url, options, output).await?;
    let encoding = open.params.encoding();
    print_folder(&mut *open.session, &open.path, names, encoding, output).await?;
    open.leave(output).await;
    Ok(())
}

/// Lists a folder as it comes, so that no folder is too large; on a terminal by name, up to what anybody reads.
pub(super) async fn print_folder(
    session: &mut dyn Session,
    path: &RemotePath,
    names: bool,
    encoding: Encoding,
    output: &mut Output,
) -> Outcome {
    output.field("path", path.to_string());
    let mut collected = Vec::new();
    let sorts = !output.is_json() && std::io::stdout().is_terminal();
    let mut listing = session.list(path, ListOptions::default()).await?;
    let mut kept = if sorts { SORTED } else { 0 };
    let print = |entry: &Entry| match names {
        true => output.line(encoding.show(&entry.name)),
        false => output.line(long(entry, encoding)),
    };
    while let Some(entry) = listing.next().await? {
        // Text goes out as it comes, in bounded memory; one JSON document needs all of it.
        if output.is_json() || collected.len() < kept {
            collected.push(entry);
            continue;
        }
        kept = 0;
        collected.drain(..).try_for_each(|entry| print(&entry))?;
        print(&entry)?;
    }
    if sorts {
        collected.sort_by(|one, other| one.name.cmp(&other.name));
        collected.drain(..).try_for_each(|entry| print(&entry))?;
    }
    let summary = listing.finish().await?;
    if summary.unparsed > 0 {
        let sample = summary
            .unparsed_samples
            .first()
            .map(|line| line.escape_ascii().to_string());
        output.warn(&format!(
            "{} line(s) of the listing were not understood, such as: {}",
            summary.unparsed,
            sample.unwrap_or_default()
        ));
    }
    output.field("entries", collected);
    output.field("unparsed", summary.unparsed);
    Ok(())
}

pub(super) async fn stat(url: Option<&str>, options: &Connection, output: &mut Output) -> Outcome {
    let mut open = Open::new(url, options, output).await?;
    let encoding = open.params.encoding();
    print_stat(&mut *open.session, &open.path, encoding, output).await?;
    open.leave(output).await;
    Ok(())
}

/// Tells about one file or folder.
pub(super) async fn print_stat(
    session: &mut dyn Session,
    path: &RemotePath,
    encoding: Encoding,
    output: &mut Output,
) -> Outcome {
    let mut entry = session.stat(path, StatOptions::default()).await?;
    find_target(session, path, &mut entry).await;
    output.field("entry", &entry);
    let text = |value: &Option<String>| value.clone().unwrap_or_else(unknown);
    let rows = [
        ("Path", encoding.show(&entry.name)),
        ("Kind", format!("{:?}", entry.kind).to_lowercase()),
        (
            "Size",
            entry
                .size
                .map_or_else(unknown, |size| format!("{size} bytes")),
        ),
        (
            "Modified",
            entry.modified.map_or_else(unknown, |time| time.to_string()),
        ),
        (
            "Permissions",
            entry
                .permissions
                .map_or_else(unknown, |bits| bits.to_string()),
        ),
        ("Owner", text(&entry.owner)),
        ("Group", text(&entry.group)),
    ];
    for (label, value) in rows {
        output.line(format!("{label:<12}{value}"))?;
    }
    if let Some(target) = &entry.target {
        output.line(format!("{:<12}{}", "Target", encoding.show(target)))?;
    }
    Ok(())
}

/// Asks where a link leads, which SFTP does not tell along with the rest.
pub(super) async fn find_target(session: &mut dyn Session, path: &RemotePath, entry: &mut Entry) {
    let asks = entry.kind == EntryKind::Symlink && entry.target.is_none();
    if asks && session.capabilities().symlinks {
        // One that cannot be asked is a link all the same.
        entry.target = session.read_link(path).await.ok();
    }
}

/// Kind, permissions, size, time and name in columns.
fn long(entry: &Entry, encoding: Encoding) -> String {
    let kind = match entry.kind {
        EntryKind::File => '-',
        EntryKind::Dir => 'd',
        EntryKind::Symlink => 'l',
        _ => '?',
    };
    let permissions = entry
        .permissions
        .map_or_else(unknown, |bits| bits.to_string());
    let size = entry.size.map_or_else(unknown, |size| size.to_string());
    let modified = entry.modified.map_or_else(unknown, |time| time.to_string());
    let target = entry
        .target
        .as_ref()
        .map(|target| format!(" -> {}", encoding.show(target)));
    let target = target.unwrap_or_default();
    let name = encoding.show(&entry.name);
    format!("{kind} {permissions:>4} {size:>12} {modified:<20} {name}{target}")
}

fn unknown() -> String {
    "-".to_owned()
}

/// How many entries are sorted at most.
const SORTED: usize = 10_000;
