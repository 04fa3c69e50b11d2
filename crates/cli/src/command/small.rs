//! Commands of one step: `rm`, `mkdir`, `rmdir`, `mv`, `touch`, `chmod`, `ln`.

use std::time::SystemTime;

use ftp_connect::{
    CreateDirOptions, Disposition, ErrorKind, Permissions, Precision, RemotePath, RenameOptions,
    SessionExt as _, StatOptions, Timestamp, WriteOptions, Zone,
};

use super::{Open, Outcome, usage};
use crate::{
    args::Connection,
    output::{Failure, Output},
};

pub(super) async fn remove(
    url: &str,
    recursive: bool,
    options: &Connection,
    output: &mut Output,
) -> Outcome {
    let mut open = Open::new(Some(url), options, output).await?;
    let path = open.path()?;
    if recursive {
        open.session.remove_all(&path).await?;
    } else {
        open.session.remove_file(&path).await?;
    }
    open.done("removed", &path, output).await
}

pub(super) async fn create_dir(
    url: &str,
    parents: bool,
    options: &Connection,
    output: &mut Output,
) -> Outcome {
    let mut open = Open::new(Some(url), options, output).await?;
    let path = open.path()?;
    let how = CreateDirOptions::default();
    if parents {
        open.session.create_dir_all(&path, how).await?;
    } else {
        open.session.create_dir(&path, how).await?;
    }
    open.done("created", &path, output).await
}

pub(super) async fn remove_dir(url: &str, options: &Connection, output: &mut Output) -> Outcome {
    let mut open = Open::new(Some(url), options, output).await?;
    let path = open.path()?;
    open.session.remove_dir(&path).await?;
    open.done("removed", &path, output).await
}

pub(super) async fn rename(
    url: &str,
    new_path: &str,
    replace: bool,
    options: &Connection,
    output: &mut Output,
) -> Outcome {
    check_path(new_path, "the new path")?;
    let mut open = Open::new(Some(url), options, output).await?;
    let path = open.path()?;
    let new_path = open.params.encoding().url_path(new_path)?;
    let how = RenameOptions::default().with_replace(replace);
    let renamed = open.session.rename(&path, &new_path, how).await;
    renamed.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => error.with_hint("--replace replaces what has the new name"),
        _ => error,
    })?;
    output.field("from", path.to_string());
    open.done("renamed to", &new_path, output).await
}

pub(super) async fn touch(
    url: &str,
    time: Option<&str>,
    options: &Connection,
    output: &mut Output,
) -> Outcome {
    let time = match time {
        Some(text) => parse_time(text).ok_or_else(|| {
            usage(
                &format!("{text:?} is not a time"),
                "write it in UTC, such as 2024-02-29T12:00:00Z or 2024-02-29",
            )
        })?,
        None => Timestamp::from_system_time(SystemTime::now()),
    };
    let mut open = Open::new(Some(url), options, output).await?;
    let path = open.path()?;
    let found = open.session.stat(&path, StatOptions::default()).await;
    let created = matches!(&found, Err(error) if *error.kind() == ErrorKind::NotFound);
    if created {
        let how = WriteOptions::default().with_disposition(Disposition::CreateNew);
        open.session.write_all(&path, b"", how).await?;
    } else {
        found?;
    }
    open.session.set_modified(&path, time).await?;
    output.field("created", created);
    output.field("modified", time.to_string());
    open.done("touched", &path, output).await
}

pub(super) async fn set_permissions(
    mode: &str,
    url: &str,
    options: &Connection,
    output: &mut Output,
) -> Outcome {
    let bits = u32::from_str_radix(mode, 8)
        .ok()
        .filter(|bits| *bits <= 0o7777);
    let bits = bits.ok_or_else(|| {
        usage(
            &format!("{mode:?} are no permissions"),
            "give three or four octal digits, such as 640",
        )
    })?;
    let mut open = Open::new(Some(url), options, output).await?;
    let path = open.path()?;
    let permissions = Permissions::from_mode(bits);
    open.session.set_permissions(&path, permissions).await?;
    output.field("permissions", permissions.to_string());
    open.done(&format!("permissions {permissions} for"), &path, output)
        .await
}

pub(super) async fn link(
    target: &str,
    url: &str,
    symbolic: bool,
    options: &Connection,
    output: &mut Output,
) -> Outcome {
    check_path(target, "the target")?;
    let mut open = Open::new(Some(url), options, output).await?;
    let path = open.path()?;
    let target = open.params.encoding().url_path(target)?;
    if symbolic {
        open.session.create_symlink(&path, &target).await?;
    } else {
        open.session.create_hard_link(&path, &target).await?;
    }
    output.field("target", target.to_string());
    open.done("linked", &path, output).await
}

/// Refuses before anybody is bothered what cannot be a path.
fn check_path(text: &str, what: &str) -> Result<(), Failure> {
    if text.contains("://") {
        return Err(usage(
            &format!("{what} is a URL"),
            "give the path alone: from the login folder, or //from the root",
        ));
    }
    let path = RemotePath::from_url_path(text).map_err(Failure::connecting)?;
    if path.is_empty() {
        return Err(usage(&format!("{what} is empty"), "give a path"));
    }
    Ok(())
}

/// `YYYY-MM-DD` or `YYYY-MM-DDTHH:MM[:SS]`, with or without a `Z`: always UTC.
fn parse_time(text: &str) -> Option<Timestamp> {
    let text = text.strip_suffix('Z').unwrap_or(text);
    let (date, clock) = text.split_once(['T', ' ']).unwrap_or((text, "00:00:00"));
    let mut date = date.split('-');
    let mut clock = clock.split(':');
    let day = (
        date.next()?.parse().ok()?,
        date.next()?.parse().ok()?,
        date.next()?.parse().ok()?,
    );
    let time = (
        clock.next()?.parse().ok()?,
        clock.next()?.parse().ok()?,
        clock.next().map_or(Some(0), |second| second.parse().ok())?,
    );
    if date.next().is_some() || clock.next().is_some() {
        return None;
    }
    Timestamp::from_civil(day, time, 0, Precision::Second, Zone::Utc)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        #[track_caller]
        fn check(text: &str, expected: Option<&str>) {
            let time = parse_time(text).map(|time| time.to_string());
            assert_eq!(time.as_deref(), expected, "{text}");
        }
        check("2024-02-29T12:34:56Z", Some("2024-02-29T12:34:56Z"));
        check("2024-02-29 12:34", Some("2024-02-29T12:34:00Z"));
        check("2024-02-29", Some("2024-02-29T00:00:00Z"));
        for bad in [
            "",
            "now",
            "2024-02-30",
            "2024-02-29T25:00",
            "2024-2",
            "1-2-3-4",
        ] {
            check(bad, None);
        }
    }
}
