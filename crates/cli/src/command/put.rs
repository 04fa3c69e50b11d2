//! `put`: one file, standard input, many files, or folders.

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use ftp_connect::{
    RemotePath, StatOptions,
    params::Encoding,
    transfer::{self, Place, mirror::Mirror},
};

use super::{
    Open, Outcome, Pooled,
    copying::{self, Job, Tally, Way},
    get, mirror, usage,
};
use crate::{
    args::{Connection, Files},
    output::{Failure, Output},
    pattern,
    progress::Meter,
};

pub(super) async fn put(
    what: Vec<PathBuf>,
    files: &Files,
    options: &Connection,
    output: &mut Output,
) -> Outcome {
    let (locals, url) = sides(what, options)?;
    let locals = expanded(locals)?;
    let from_stdin = locals.iter().any(|local| local == Path::new("-"));
    if from_stdin && locals.len() > 1 {
        return Err(usage("standard input is one file", "put it alone"));
    }
    for local in &locals {
        // A file that is not there is found out before anybody is bothered.
        let found = match from_stdin {
            true => continue,
            false => std::fs::metadata(local),
        };
        match found {
            Err(error) => return Err(not_readable(local, &error)),
            Ok(found) if found.is_dir() && !files.recursive => {
                return Err(usage(
                    &format!("{} is a folder", local.display()),
                    "-r transfers folders with all that is in them",
                ));
            }
            Ok(_) => {}
        }
    }
    let mut open = Open::new(url.as_deref(), options, output).await?;
    if from_stdin {
        return put_stdin(open, files, output).await;
    }
    match locals.as_slice() {
        [local] if !local.is_dir() => {
            let path = remote_path(&open.path, local, open.params.encoding())?;
            put_file(open, local, &path, files, output).await
        }
        _ => {
            let follow = StatOptions::default().with_follow_links(true);
            let is_folder = open.path.is_empty()
                || open.path.as_bytes().ends_with(b"/")
                || matches!(open.session.stat(&open.path, follow).await, Ok(entry) if entry.is_dir());
            let pooled = open.into_pool(files.transfer.pool());
            put_many(pooled, &locals, is_folder, files, output).await
        }
    }
}

/// The local files, and the URL behind them. With --params or @NAME it may be missing.
fn sides(
    mut what: Vec<PathBuf>,
    options: &Connection,
) -> Result<(Vec<PathBuf>, Option<String>), Failure> {
    let is_url = |path: &Path| {
        let text = path.to_string_lossy();
        text.contains("://") || text.starts_with('@')
    };
    let alone = what.len() == 1 && options.params.is_some();
    let url = match what.last() {
        Some(last) if is_url(last) || (options.params.is_some() && what.len() > 1) => {
            what.pop().map(|url| url.to_string_lossy().into_owned())
        }
        _ if alone => None,
        _ => {
            return Err(usage(
                "the last argument is no URL",
                "write put LOCAL URL, in this order",
            ));
        }
    };
    match what.iter().find(|local| is_url(local)) {
        Some(_) => Err(usage(
            "the local file is a URL",
            "write put LOCAL URL, in this order",
        )),
        None if what.is_empty() => Err(usage("no local file is named", "write put LOCAL URL")),
        None => Ok((what, url)),
    }
}

/// The names, and what patterns among them match where no shell has looked.
fn expanded(locals: Vec<PathBuf>) -> Result<Vec<PathBuf>, Failure> {
    let mut all = Vec::new();
    for local in locals {
        let name = local
            .file_name()
            .map(|name| name.as_encoded_bytes().to_vec());
        if local.exists() || !name.is_some_and(|name| pattern::is_pattern(&name)) {
            all.push(local);
            continue;
        }
        let found = pattern::expand(&local).map_err(|error| not_readable(&local, &error))?;
        if found.is_empty() {
            let message = format!("nothing matches {}", local.display());
            return Err(usage(&message, "check the pattern and the folder"));
        }
        all.extend(found);
    }
    Ok(all)
}

async fn put_stdin(mut open: Open, files: &Files, output: &mut Output) -> Outcome {
    let path = open.path.clone();
    if path.is_empty() || path.as_bytes().ends_with(b"/") {
        return Err(usage(
            "the URL names no file",
            "write the remote name after the server: …/name",
        ));
    }
    let name = open.params.encoding().show(&path);
    let started = Instant::now();
    let mut meter = Meter::new(output);
    let mut stdin = tokio::io::stdin();
    let outcome = {
        let mut show = |progress| meter.show(&name, progress, output);
        let session = &mut *open.session;
        let options = files.options();
        transfer::upload_from(session, &mut stdin, None, &path, &options, &mut show).await?
    };
    drop(meter);
    copying::report(
        Way::Up,
        (&path, &name),
        Path::new("-"),
        &outcome,
        started,
        output,
    )?;
    open.leave(output).await;
    Ok(())
}

async fn put_file(
    open: Open,
    local: &Path,
    path: &RemotePath,
    files: &Files,
    output: &mut Output,
) -> Outcome {
    let pooled = open.into_pool(files.transfer.pool());
    let started = Instant::now();
    let mut meter = Meter::new(output);
    let name = pooled.show(path);
    let outcome = {
        let mut show = |progress| meter.show(&name, progress, output);
        let options = files.options();
        pooled.pool.upload(local, path, &options, &mut show).await?
    };
    drop(meter);
    let path = match &outcome.place {
        Place::Remote(chosen) => chosen.clone(),
        _ => path.clone(),
    };
    let name = pooled.show(&path);
    copying::report(Way::Up, (&path, &name), local, &outcome, started, output)?;
    pooled.leave(output).await;
    Ok(())
}

async fn put_many(
    pooled: Pooled,
    locals: &[PathBuf],
    is_folder: bool,
    files: &Files,
    output: &mut Output,
) -> Outcome {
    let encoding = pooled.params.encoding();
    if !is_folder && locals.len() > 1 {
        return Err(usage(
            "many files need a folder to go into",
            "end the URL with a slash, or name a folder that is there",
        ));
    }
    output.begin_events();
    let into = |local: &Path| -> Result<RemotePath, Failure> {
        match is_folder {
            true => Ok(pooled.path.join(&remote_name(local, encoding)?)),
            false => Ok(pooled.path.clone()),
        }
    };
    let mut jobs = Vec::new();
    let mut folders = Vec::new();
    for local in locals {
        let remote = into(local)?;
        if local.is_dir() {
            folders.push((local, remote));
            continue;
        }
        jobs.push(Job {
            size: std::fs::metadata(local).ok().map(|found| found.len()),
            name: pooled.show(&remote),
            local: local.clone(),
            remote,
        });
    }
    let mut tally = Tally::new(Way::Up, output);
    let (how, parallel) = (files.options(), files.transfer.parallel());
    copying::upload(&pooled.pool, jobs, &how, parallel, &mut tally, output).await?;
    for (local, remote) in folders {
        let mirror = Mirror::upload(local, remote).with_encoding(encoding);
        mirror::carry_out(&pooled, &mirror, &get::apply(files), &mut tally, output).await?;
    }
    pooled.leave(output).await;
    tally.end(&[], output)
}

/// The remote name; into a folder the local one is taken along.
fn remote_path(path: &RemotePath, local: &Path, encoding: Encoding) -> Result<RemotePath, Failure> {
    match path.is_empty() || path.as_bytes().ends_with(b"/") {
        true => Ok(path.join(&remote_name(local, encoding)?)),
        false => Ok(path.clone()),
    }
}

/// A local file's own name, as the server has names.
fn remote_name(local: &Path, encoding: Encoding) -> Result<RemotePath, Failure> {
    let absolute = local.canonicalize();
    let name = local
        .file_name()
        // `.` and `..` have the name of the folder that they are.
        .or_else(|| absolute.as_deref().ok().and_then(Path::file_name));
    let name = name.ok_or_else(|| {
        usage(
            "the URL names no file",
            "write the remote name after the server: …/name",
        )
    })?;
    let name = match name.to_str() {
        Some(text) => encoding.path(text),
        None => RemotePath::new(name.as_encoded_bytes()),
    };
    name.map_err(Failure::connecting)
}

fn not_readable(local: &Path, error: &std::io::Error) -> Failure {
    usage(
        &format!("local file {}: {error}", local.display()),
        "check the path and its permissions",
    )
}
