//! `get` and `put`.

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use ftp_connect::{
    Error, ErrorKind, RemotePath, TransferType,
    params::Encoding,
    transfer::{self, Integrity, Overwrite, TransferOptions},
};

use super::{Open, Outcome};
use crate::{
    args::{Connection, Transfer},
    output::{Failure, Output, ProgressLine, size},
};

pub(super) async fn get(
    url: &str,
    local: &Path,
    how: &Transfer,
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
    let path = open.path()?;
    let started = Instant::now();
    let mut line = ProgressLine::new(output);
    let mut show = |progress| line.show(progress);
    let session = &mut *open.session;
    if to_stdout {
        let mut stdout = tokio::io::stdout();
        transfer::download_to(session, &path, &mut stdout, &how.options(), &mut show).await?;
        open.leave(output).await;
        return Ok(());
    }
    let local = if local.is_dir() {
        local.join(local_name(&path, open.params.encoding())?)
    } else {
        local.to_owned()
    };
    let outcome = transfer::download(session, &path, &local, &how.options(), &mut show).await?;
    drop(line);
    report("downloaded", &path, &local, outcome, started, output)?;
    open.leave(output).await;
    Ok(())
}

pub(super) async fn put(
    local: &Path,
    url: Option<&str>,
    how: &Transfer,
    options: &Connection,
    output: &mut Output,
) -> Outcome {
    let from_stdin = local == Path::new("-");
    if local.to_string_lossy().contains("://") {
        return Err(usage(
            "the local file is a URL",
            "write put LOCAL URL, in this order",
        ));
    }
    // A file that is not there is found out before anybody is bothered.
    if !from_stdin && let Err(error) = std::fs::metadata(local) {
        return Err(usage(
            &format!("local file {}: {error}", local.display()),
            "check the path and its permissions",
        ));
    }
    let mut open = Open::new(url, options, output).await?;
    let path = remote_path(&open.path, local, from_stdin, open.params.encoding())?;
    let started = Instant::now();
    let mut line = ProgressLine::new(output);
    let mut show = |progress| line.show(progress);
    let session = &mut *open.session;
    let outcome = if from_stdin {
        let mut stdin = tokio::io::stdin();
        transfer::upload_from(session, &mut stdin, None, &path, &how.options(), &mut show).await?
    } else {
        transfer::upload(session, local, &path, &how.options(), &mut show).await?
    };
    drop(line);
    report("uploaded", &path, local, outcome, started, output)?;
    open.leave(output).await;
    Ok(())
}

impl Transfer {
    fn options(&self) -> TransferOptions {
        let kind = if self.ascii {
            TransferType::Ascii
        } else {
            TransferType::Binary
        };
        let overwrite = if self.no_overwrite {
            Overwrite::Refuse
        } else {
            Overwrite::Replace
        };
        TransferOptions::default()
            .with_overwrite(overwrite)
            .with_transfer_type(kind)
    }
}

fn report(
    what: &str,
    path: &RemotePath,
    local: &Path,
    outcome: transfer::Outcome,
    started: Instant,
    output: &mut Output,
) -> std::io::Result<()> {
    let seconds = started.elapsed().as_secs_f64();
    let integrity = match outcome.integrity {
        Integrity::Hash => "hash",
        Integrity::Size => "size",
        _ => "unverified",
    };
    output.field("path", path.to_string());
    output.field("local", local.to_string_lossy());
    output.field("bytes", outcome.bytes);
    output.field("integrity", integrity);
    output.field("tls_resumed", outcome.tls_resumed);
    output.field("seconds", seconds);
    output.line(format!(
        "{what} {path}, {} in {seconds:.2} s",
        size(outcome.bytes)
    ))
}

/// The remote name; into a folder the local one is taken along.
fn remote_path(
    path: &RemotePath,
    local: &Path,
    from_stdin: bool,
    encoding: Encoding,
) -> Result<RemotePath, Failure> {
    if !path.is_empty() && !path.as_bytes().ends_with(b"/") {
        return Ok(path.clone());
    }
    let name = local.file_name().filter(|_| !from_stdin).ok_or_else(|| {
        usage(
            "the URL names no file",
            "write the remote name after the server: …/name",
        )
    })?;
    let name = match name.to_str() {
        Some(text) => encoding.path(text),
        None => RemotePath::new(name.as_encoded_bytes()),
    };
    Ok(path.join(&name.map_err(Failure::connecting)?))
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

fn usage(message: &str, hint: &str) -> Failure {
    Failure::connecting(
        Error::new(ErrorKind::InvalidParameter)
            .with_message(message)
            .with_hint(hint),
    )
}
