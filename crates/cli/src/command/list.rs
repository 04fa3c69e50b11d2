//! `ls` and `stat`.

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
    let mut open = Open::new(url, options, output).await?;
    let encoding = open.params.encoding();
    print_folder(&mut *open.session, &open.path, names, encoding, output).await?;
    open.leave(output).await;
    Ok(())
}

/// Lists a folder as it comes.
pub(super) async fn print_folder(
    session: &mut dyn Session,
    path: &RemotePath,
    names: bool,
    encoding: Encoding,
    output: &mut Output,
) -> Outcome {
    output.field("path", path.to_string());
    let mut collected = Vec::new();
    let mut listing = session.list(path, ListOptions::default()).await?;
    while let Some(entry) = listing.next().await? {
        if names {
            output.line(encoding.show(&entry.name))?;
        } else {
            output.line(long(&entry, encoding))?;
        }
        // Text goes out as it comes, in bounded memory; one JSON document needs all of it.
        if output.is_json() {
            collected.push(entry);
        }
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
    let entry = session.stat(path, StatOptions::default()).await?;
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
