//! `tree` and `du`: all that is below a folder.

use std::collections::BTreeMap;

use ftp_connect::{
    EntryKind, Error, RemotePath,
    params::Encoding,
    transfer::{Found, Walk, WalkOptions},
};
use serde_json::json;

use super::{Open, Outcome, list};
use crate::{
    args::Connection,
    output::{Failure, Output, size},
    progress::patiently,
};

pub(super) async fn tree(
    url: Option<&str>,
    depth: Option<usize>,
    options: &Connection,
    output: &mut Output,
) -> Outcome {
    let mut open = Open::to_list(url, options, output).await?;
    let encoding = open.params.encoding();
    let mut found = listed(&mut open, depth, output).await?;
    for found in &mut found {
        list::find_target(&mut *open.session, &found.path, &mut found.entry).await;
    }
    let files = found.iter().filter(|found| !found.entry.is_dir()).count();
    let folders = found.len() - files;
    output.field("path", open.path.to_string());
    if output.is_json() {
        let entries: Vec<_> = found
            .iter()
            .map(|found| json!({ "below": found.below.to_string(), "entry": found.entry }))
            .collect();
        output.field("entries", entries);
    }
    let root = match open.path.is_empty() {
        true => ".".to_owned(),
        false => encoding.show(&open.path),
    };
    output.line(root)?;
    let mut children: BTreeMap<RemotePath, Vec<&Found>> = BTreeMap::new();
    for found in &found {
        let folder = found.below.parent().unwrap_or_default();
        children.entry(folder).or_default().push(found);
    }
    draw(&RemotePath::login_folder(), "", &children, encoding, output)?;
    output.line(format!("\n{folders} folders, {files} files"))?;
    open.leave(output).await;
    Ok(())
}

fn draw(
    folder: &RemotePath,
    indent: &str,
    children: &BTreeMap<RemotePath, Vec<&Found>>,
    encoding: Encoding,
    output: &Output,
) -> std::io::Result<()> {
    let inside = children.get(folder).map_or(&[][..], Vec::as_slice);
    for (place, found) in inside.iter().enumerate() {
        let last = place + 1 == inside.len();
        let (branch, below) = if last {
            ("└── ", "    ")
        } else {
            ("├── ", "│   ")
        };
        let mut name = encoding.show(&found.entry.name);
        match (found.entry.kind, &found.entry.target) {
            (EntryKind::Dir, _) => name.push('/'),
            (_, Some(target)) => name = format!("{name} -> {}", encoding.show(target)),
            _ => {}
        }
        output.line(format!("{indent}{branch}{name}"))?;
        if found.entry.is_dir() {
            let indent = format!("{indent}{below}");
            draw(&found.below, &indent, children, encoding, output)?;
        }
    }
    Ok(())
}

pub(super) async fn sums(
    url: Option<&str>,
    depth: usize,
    bytes: bool,
    options: &Connection,
    output: &mut Output,
) -> Outcome {
    let mut open = Open::to_list(url, options, output).await?;
    let encoding = open.params.encoding();
    let found = listed(&mut open, None, output).await?;
    let mut sums: BTreeMap<RemotePath, u64> = BTreeMap::new();
    let (mut total, mut files) = (0_u64, 0_u64);
    for found in &found {
        if found.entry.is_dir() {
            sums.entry(found.below.clone()).or_default();
            continue;
        }
        let bytes = found.entry.size.unwrap_or(0);
        total += bytes;
        files += 1;
        let mut above = found.below.parent();
        while let Some(folder) = above.filter(|folder| !folder.is_empty()) {
            *sums.entry(folder.clone()).or_default() += bytes;
            above = folder.parent();
        }
    }
    sums.retain(|folder, _| folder.as_bytes().split(|&byte| byte == b'/').count() <= depth);
    let show = |number: u64| match bytes {
        true => number.to_string(),
        false => size(number),
    };
    output.field("path", open.path.to_string());
    output.field("bytes", total);
    output.field("files", files);
    let folders: Vec<_> = sums
        .iter()
        .map(|(folder, bytes)| json!({ "below": folder.to_string(), "bytes": bytes }))
        .collect();
    output.field("folders", folders);
    for (folder, bytes) in &sums {
        output.line(format!("{:>12}  {}/", show(*bytes), encoding.show(folder)))?;
    }
    output.line(format!("{:>12}  in {files} files", show(total)))?;
    open.leave(output).await;
    Ok(())
}

/// Everything below the path; what cannot be listed is warned of.
async fn listed(
    open: &mut Open,
    depth: Option<usize>,
    output: &mut Output,
) -> Result<Vec<Found>, Failure> {
    let (found, unlisted, whole) =
        patiently("listing the folders …", output, walk(open, depth)).await?;
    for error in unlisted {
        output.warn(&error.to_string());
    }
    output.field("whole", whole);
    Ok(found)
}

/// What there is, what cannot be listed, and whether that is all there is.
async fn walk(
    open: &mut Open,
    depth: Option<usize>,
) -> Result<(Vec<Found>, Vec<Error>, bool), Failure> {
    let mut options = WalkOptions::default();
    if let Some(depth) = depth {
        options = options.with_max_depth(depth.max(1));
    }
    let mut walk = Walk::new(open.path.clone(), options);
    let (mut all, mut unlisted) = (Vec::new(), Vec::new());
    let mut first = true;
    while let Some(found) = walk.next(&mut *open.session).await {
        match found {
            Ok(found) => {
                if depth.is_some_and(|depth| found.depth >= depth) {
                    walk.skip_folder(&found);
                }
                all.push(found);
            }
            // The folder itself cannot be listed.
            Err(error) if first => return Err(error.into()),
            Err(error) => unlisted.push(error),
        }
        first = false;
    }
    Ok((all, unlisted, walk.is_whole()))
}
