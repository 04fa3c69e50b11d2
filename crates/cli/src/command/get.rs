//! `get` and `cat`: one file, what a pattern matches, or a folder.

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use ftp_connect::{
    Entry, ErrorKind, RemotePath, StatOptions,
    params::Encoding,
    transfer::{
        self, Place, TransferOptions,
        mirror::{ApplyOptions, Mirror},
    },
};

use super::{
    Open, Outcome,
    copying::{self, Found, Tally, Way},
    mirror, usage,
};
use crate::{
    args::{Connection, Files},
    output::{Failure, Output},
    progress::Meter,
};

/// What a URL's path means.
enum Source {
    File(RemotePath),
    Folder(RemotePath),
    /// What a pattern matches.
    Many(Vec<Entry>),
}

pub(super) async fn get(
    url: &str,
    local: &Path,
    files: &Files,
    options: &Connection,
    output: &mut Output,
) -> Outcome {
    let to_stdout = local == Path::new("-");
    if to_stdout && output.is_json() {
        return Err(usage(
            "the file and --json both want standard output",
            "leave one of them out",
        ));
    }
    let mut open = Open::new(Some(url), options, output).await?;
    if !files.recursive {
        open.path()?;
    }
    match source(&mut open, files.recursive).await? {
        Source::File(path) if to_stdout => {
            print(&mut open, &path, &files.options()).await?;
            open.leave(output).await;
            Ok(())
        }
        _ if to_stdout => Err(usage(
            "only one file goes to standard output",
            "use cat for what a pattern matches",
        )),
        Source::File(path) => get_file(open, &path, local, files, output).await,
        Source::Folder(path) => get_folder(open, path, local, files, output).await,
        Source::Many(found) => get_many(open, found, local, files, output).await,
    }
}

async fn get_file(
    open: Open,
    path: &RemotePath,
    local: &Path,
    files: &Files,
    output: &mut Output,
) -> Outcome {
    let local = match local.is_dir() {
        true => local.join(local_name(path, open.params.encoding())?),
        false => local.to_owned(),
    };
    let pooled = open.into_pool(files.transfer.pool());
    let name = pooled.show(path);
    let started = Instant::now();
    let mut meter = Meter::new(output);
    let outcome = {
        let mut show = |progress| meter.show(&name, progress, output);
        let options = files.options();
        pooled
            .pool
            .download(path, &local, &options, &mut show)
            .await?
    };
    drop(meter);
    let local = match &outcome.place {
        Place::Local(chosen) => chosen.clone(),
        _ => local,
    };
    copying::report(Way::Down, (path, &name), &local, &outcome, started, output)?;
    pooled.leave(output).await;
    Ok(())
}

async fn get_many(
    open: Open,
    found: Vec<Entry>,
    local: &Path,
    files: &Files,
    output: &mut Output,
) -> Outcome {
    let encoding = open.params.encoding();
    std::fs::create_dir_all(local).map_err(|error| not_made(local, &error))?;
    output.begin_events();
    let mut listed = Vec::new();
    let mut folders = Vec::new();
    for entry in found {
        if entry.is_dir() {
            folders.push(entry.name);
            continue;
        }
        let target = local.join(local_name(&entry.name, encoding)?);
        listed.push(Found::new(&entry, target, encoding.show(&entry.name)));
    }
    let pooled = open.into_pool(files.transfer.pool());
    let mut tally = Tally::new(Way::Down, output);
    let (how, parallel) = (files.options(), files.transfer.parallel());
    copying::download(&pooled.pool, listed, &how, parallel, &mut tally, output).await?;
    for folder in folders {
        if !files.recursive {
            let name = pooled.show(&folder);
            output.warn(&format!(
                "{name} is a folder and left out; -r takes folders too"
            ));
            continue;
        }
        let target = local.join(local_name(&folder, encoding)?);
        let mirror = Mirror::download(folder, target).with_encoding(encoding);
        mirror::carry_out(&pooled, &mirror, &apply(files), &mut tally, output).await?;
    }
    pooled.leave(output).await;
    tally.end(&[], output)
}

async fn get_folder(
    open: Open,
    path: RemotePath,
    local: &Path,
    files: &Files,
    output: &mut Output,
) -> Outcome {
    let encoding = open.params.encoding();
    // As cp -r: into a folder that is there, else under the name given.
    let target = match local.is_dir() && !path.is_empty() {
        true => local.join(local_name(&path, encoding)?),
        false => local.to_owned(),
    };
    output.begin_events();
    let pooled = open.into_pool(files.transfer.pool());
    let mut tally = Tally::new(Way::Down, output);
    let mirror = Mirror::download(path, target).with_encoding(encoding);
    mirror::carry_out(&pooled, &mirror, &apply(files), &mut tally, output).await?;
    pooled.leave(output).await;
    tally.end(&[], output)
}

/// How the files of a folder are copied.
pub(super) fn apply(files: &Files) -> ApplyOptions {
    let transfer = files.options().with_keep_times(true).with_durable(false);
    ApplyOptions::default()
        .with_transfer(transfer)
        .with_parallel(files.transfer.parallel())
}

pub(super) async fn cat(url: &str, options: &Connection, output: &Output) -> Outcome {
    if output.is_json() {
        return Err(usage(
            "the file and --json both want standard output",
            "leave --json out",
        ));
    }
    let mut open = Open::new(Some(url), options, output).await?;
    open.path()?;
    let how = TransferOptions::default();
    match source(&mut open, false).await? {
        Source::File(path) | Source::Folder(path) => print(&mut open, &path, &how).await?,
        Source::Many(found) => {
            for entry in found.iter().filter(|entry| !entry.is_dir()) {
                print(&mut open, &entry.name, &how).await?;
            }
        }
    }
    open.leave(output).await;
    Ok(())
}

async fn print(open: &mut Open, path: &RemotePath, how: &TransferOptions) -> Result<(), Failure> {
    let mut stdout = tokio::io::stdout();
    let session = &mut *open.session;
    transfer::download_to(session, path, &mut stdout, how, &mut |_| {}).await?;
    Ok(())
}

/// Finds out what is meant. A name that looks like a pattern and is there is that name.
async fn source(open: &mut Open, recursive: bool) -> Result<Source, Failure> {
    let path = open.path.clone();
    let session = &mut *open.session;
    let follow = StatOptions::default().with_follow_links(true);
    if transfer::is_glob(&path) && session.stat(&path, follow).await.is_err() {
        let found = transfer::glob(session, &path).await?;
        if found.is_empty() {
            return Err(Failure::operation(
                ftp_connect::Error::new(ErrorKind::NotFound)
                    .with_path(&path)
                    .with_message("nothing matches the pattern")
                    .with_hint("in quotes a pattern reaches the server as it is; names with a dot first need one"),
            ));
        }
        return Ok(Source::Many(found));
    }
    if recursive && (path.is_empty() || session.stat(&path, follow).await?.is_dir()) {
        return Ok(Source::Folder(path));
    }
    Ok(Source::File(path))
}

/// The local name for a remote file: its last component, which must be one; as text where it is one.
fn local_name(path: &RemotePath, encoding: Encoding) -> Result<PathBuf, Failure> {
    let name = path.file_name().map(|name| match encoding.text(&name) {
        Some(text) => text.into_owned(),
        None => encoding.show(&name),
    });
    name.filter(|name| {
        !matches!(name.as_str(), "." | "..") && !name.contains(std::path::MAIN_SEPARATOR)
    })
    .map(PathBuf::from)
    .ok_or_else(|| usage("the URL names no file", "give the local name too"))
}

fn not_made(folder: &Path, error: &std::io::Error) -> Failure {
    usage(
        &format!("local folder {}: {error}", folder.display()),
        "files that a pattern matches go into a folder",
    )
}
