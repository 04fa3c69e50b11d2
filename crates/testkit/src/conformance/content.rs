//! Checks of reading and writing.

use ftp_connect_core::{
    Disposition, EntryKind, ErrorKind, FileToWrite, LineEnd, Operation, ReadOptions, RemotePath,
    Result, SessionExt as _, TransferType, WriteOptions,
};

use super::Test;
use super::probe::{Probe, Stop, closed_or, expect_error, pattern, same_bytes};

pub(super) fn tests(large: usize) -> Vec<Test> {
    vec![
        Test::new("content: 0 bytes", |probe| Box::pin(round_trip(probe, 0))),
        Test::new("content: 1 byte", |probe| Box::pin(round_trip(probe, 1))),
        Test::new("content: many bytes", move |probe| {
            Box::pin(round_trip(probe, large))
        }),
        Test::new("content: small pieces", |probe| {
            Box::pin(small_pieces(probe))
        }),
        Test::new("content: several files", |probe| {
            Box::pin(several_files(probe))
        }),
        Test::new("content: many files at once", |probe| {
            Box::pin(many_files(probe))
        }),
        Test::new("content: many files written at once", |probe| {
            Box::pin(many_written(probe))
        }),
        Test::new("read: offset and length", |probe| Box::pin(ranges(probe))),
        Test::new("read: missing file", |probe| Box::pin(read_missing(probe))),
        Test::new("read: stopped early", move |probe| {
            Box::pin(stopped_early(probe, large))
        }),
        Test::new("write: replaces", |probe| Box::pin(replaces(probe))),
        Test::new("write: create new", |probe| Box::pin(create_new(probe))),
        Test::new("write: append", |probe| Box::pin(append(probe))),
        Test::new("write: resume", |probe| Box::pin(resume(probe))),
        Test::new("resume: a cut download", move |probe| {
            Box::pin(resume_download(probe, large))
        }),
        Test::new("resume: a cut upload", move |probe| {
            Box::pin(resume_upload(probe, large))
        }),
        Test::new("text: lines", |probe| Box::pin(text(probe))),
        Test::new("write: missing folder", |probe| {
            Box::pin(write_into_missing(probe))
        }),
    ]
}

async fn round_trip(probe: &mut Probe, size: usize) -> Result<(), Stop> {
    let (path, content) = (probe.path("file"), pattern(size));
    probe.write(&path, &content).await?;
    probe.expect_content(&path, &content).await?;
    let entry = probe.expect_kind(&path, EntryKind::File).await?;
    match entry.size {
        Some(told) if told != size as u64 => {
            Stop::failed(format!("stat says {told} bytes of a file of {size}"))
        }
        _ => Ok(()),
    }
}

/// Reads many files by one call; what is missing or too large among them is told in its place.
async fn many_files(probe: &mut Probe) -> Result<(), Stop> {
    let mut expected = Vec::new();
    for n in 0..12 {
        let (path, content) = (probe.path(&format!("file {n}")), pattern(n * 37));
        probe.write(&path, &content).await?;
        expected.push((path, Some(content)));
    }
    let (missing, large) = (probe.path("missing"), probe.path("large"));
    probe.write(&large, &pattern(1001)).await?;
    expected.insert(3, (missing, None));
    expected.insert(5, (large, None));
    let paths = expected.iter().map(|(path, _)| path.clone()).collect();
    let mut files = probe.session()?.read_files(paths, 1000);
    for (path, content) in &expected {
        let Some(file) = files.next().await else {
            return Stop::failed(format!("{path:?} was asked for and did not come"));
        };
        if file.path != *path {
            return Stop::failed(format!("{:?} came in place of {path:?}", file.path));
        }
        match content {
            Some(content) => same_bytes(&format!("{path:?}"), &file.content?, content)?,
            None => {
                expect_error(file.content, "a file too large or missing", |kind| {
                    matches!(
                        kind,
                        ErrorKind::NotFound | ErrorKind::LimitExceeded | ErrorKind::Refused
                    )
                })?;
            }
        }
    }
    if files.next().await.is_some() {
        return Stop::failed("more files came than were asked for");
    }
    drop(files);
    // Given up in the middle, the session goes on.
    let paths = expected.iter().map(|(path, _)| path.clone()).collect();
    let mut files = probe.session()?.read_files(paths, 1000);
    files.next().await;
    drop(files);
    let (path, content) = &expected[1];
    probe
        .expect_content(path, content.as_deref().unwrap_or_default())
        .await
}

/// Writes many files by one call; what cannot be written among them is told in its place.
async fn many_written(probe: &mut Probe) -> Result<(), Stop> {
    let file = |probe: &Probe, n: usize| {
        FileToWrite::new(probe.path(&format!("file {n}")), pattern(n * 37))
    };
    let mut files: Vec<_> = (0..12).map(|n| file(probe, n)).collect();
    let nowhere = probe.path("missing").join(&RemotePath::new("file")?);
    files.insert(3, FileToWrite::new(nowhere.clone(), pattern(5)));
    let mut written = probe.session()?.write_files(files.clone());
    for file in &files {
        let Some(one) = written.next().await else {
            return Stop::failed(format!("nothing was told of {:?}", file.path));
        };
        if one.path != file.path {
            return Stop::failed(format!("{:?} came in place of {:?}", one.path, file.path));
        }
        if file.path == nowhere {
            expect_error(one.outcome, "a file in a missing folder", |_| true)?;
        } else if one.outcome?.bytes != file.content.len() as u64 {
            return Stop::failed(format!("not all of {:?} counts as written", file.path));
        }
    }
    if written.next().await.is_some() {
        return Stop::failed("more was told of than was given");
    }
    drop(written);
    for file in files.iter().filter(|file| file.path != nowhere) {
        probe.expect_content(&file.path, &file.content).await?;
    }
    // Given up in the middle, the session goes on.
    let mut written = probe.session()?.write_files(files.clone());
    written.next().await;
    drop(written);
    probe.write(&files[1].path, b"after").await?;
    probe.expect_content(&files[1].path, b"after").await
}

/// Writes and reads in pieces of a few bytes, with empty ones in between.
async fn small_pieces(probe: &mut Probe) -> Result<(), Stop> {
    let (path, content) = (probe.path("file"), pattern(300));
    let mut body = probe.session()?.write(&path, Default::default()).await?;
    let mut rest = content.as_slice();
    while !rest.is_empty() {
        let count = body.write(&rest[..rest.len().min(7)]).await?;
        if count == 0 || count > rest.len().min(7) {
            return Stop::failed(format!("write took {count} of 7 bytes"));
        }
        rest = &rest[count..];
        if body.write(&[]).await? != 0 {
            return Stop::failed("write took something of nothing");
        }
    }
    let written = body.finish().await?.bytes;
    if written != content.len() as u64 {
        return Stop::failed(format!(
            "finish counts {written} of {} bytes",
            content.len()
        ));
    }

    let mut body = probe.session()?.read(&path, Default::default()).await?;
    if body.read(&mut []).await? != 0 {
        return Stop::failed("read into no room gave bytes");
    }
    let mut seen = Vec::new();
    let mut buffer = [0; 7];
    loop {
        let count = body.read(&mut buffer).await?;
        if count == 0 {
            break;
        }
        seen.extend_from_slice(&buffer[..count]);
    }
    if body.read(&mut buffer).await? != 0 {
        return Stop::failed("read gave bytes after the end");
    }
    body.finish().await?;
    same_bytes("read in small pieces", &seen, &content)
}

/// Several files, written and then read, do not mix.
async fn several_files(probe: &mut Probe) -> Result<(), Stop> {
    let contents = ["first", "second, longer", ""];
    for (n, content) in contents.iter().enumerate() {
        let path = probe.path(&n.to_string());
        probe.write(&path, content.as_bytes()).await?;
    }
    for (n, content) in contents.iter().enumerate() {
        let path = probe.path(&n.to_string());
        probe.expect_content(&path, content.as_bytes()).await?;
    }
    Ok(())
}

async fn ranges(probe: &mut Probe) -> Result<(), Stop> {
    let (path, content) = (probe.path("file"), pattern(1000));
    probe.write(&path, &content).await?;
    let size = content.len();
    if !probe.capabilities()?.read_offset {
        let outcome = probe
            .try_read(&path, ReadOptions::default().with_offset(10), 100)
            .await?;
        expect_error(
            outcome,
            "read at an offset without the capability",
            |kind| *kind == ErrorKind::Unsupported,
        )?;
        return Stop::skipped("the session cannot read at an offset, and says so");
    }
    let cases: [(usize, Option<usize>); 8] = [
        (0, Some(10)),
        (10, Some(20)),
        (990, None),
        (990, Some(100)),
        (size, None),
        (size + 5, None),
        (0, Some(size)),
        (500, Some(0)),
    ];
    for (offset, length) in cases {
        let mut options = ReadOptions::default().with_offset(offset as u64);
        if let Some(length) = length {
            options = options.with_length(length as u64);
        }
        let start = offset.min(size);
        let end = length.map_or(size, |length| (start + length).min(size));
        let outcome = probe
            .expect_range(&path, options, &content[start..end])
            .await;
        outcome.map_err(|stop| match stop {
            Stop::Failed(cause) => {
                Stop::Failed(format!("offset {offset}, length {length:?}: {cause}"))
            }
            skipped @ Stop::Skipped(_) => skipped,
        })?;
    }
    // The offset was for one read alone.
    probe.expect_content(&path, &content).await?;
    let other = probe.path("other");
    probe.write(&other, b"whole").await?;
    probe.expect_content(&other, b"whole").await
}

async fn read_missing(probe: &mut Probe) -> Result<(), Stop> {
    let path = probe.path("missing");
    let outcome = probe.try_read(&path, ReadOptions::default(), 100).await?;
    let error = expect_error(outcome, "read of a missing file", |kind| {
        *kind == ErrorKind::NotFound
    })?;
    if error.operation() != Some(Operation::Read) || error.path() != Some(&path) {
        return Stop::failed(format!(
            "the error does not name read and {path:?}: {error}"
        ));
    }
    Ok(())
}

async fn stopped_early(probe: &mut Probe, large: usize) -> Result<(), Stop> {
    let (path, content) = (probe.path("file"), pattern(large));
    probe.write(&path, &content).await?;
    let mut body = probe.session()?.read(&path, Default::default()).await?;
    let mut buffer = [0; 10];
    let count = body.read(&mut buffer).await?;
    if count == 0 {
        return Stop::failed("the first read of a file with content gave nothing");
    }
    same_bytes("the beginning", &buffer[..count], &content[..count])?;
    let transferred = body.finish().await?;
    if transferred.to_end && transferred.bytes < large as u64 {
        return Stop::failed("a read that was stopped says that it reached the end");
    }
    probe.expect_content(&path, &content).await
}

async fn replaces(probe: &mut Probe) -> Result<(), Stop> {
    let path = probe.path("file");
    probe.write(&path, &pattern(5000)).await?;
    probe.write(&path, b"short").await?;
    probe.expect_content(&path, b"short").await
}

async fn create_new(probe: &mut Probe) -> Result<(), Stop> {
    let path = probe.path("file");
    probe
        .write_as(&path, b"first", Disposition::CreateNew)
        .await?;
    let outcome = probe
        .try_write(&path, b"second", Disposition::CreateNew)
        .await?;
    expect_error(outcome, "create new over an existing file", |kind| {
        *kind == ErrorKind::AlreadyExists
    })?;
    probe.expect_content(&path, b"first").await
}

async fn append(probe: &mut Probe) -> Result<(), Stop> {
    let path = probe.path("file");
    probe.write(&path, b"one").await?;
    if !probe.capabilities()?.append {
        let outcome = probe.try_write(&path, b"two", Disposition::Append).await?;
        expect_error(outcome, "append without the capability", |kind| {
            *kind == ErrorKind::Unsupported
        })?;
        return Stop::skipped("the session cannot append, and says so");
    }
    probe.write_as(&path, b" two", Disposition::Append).await?;
    probe.expect_content(&path, b"one two").await?;
    let fresh = probe.path("fresh");
    probe
        .write_as(&fresh, b"created", Disposition::Append)
        .await?;
    probe.expect_content(&fresh, b"created").await
}

async fn resume(probe: &mut Probe) -> Result<(), Stop> {
    probe.needs("append", |can| can.append)?;
    let path = probe.path("file");
    probe.write(&path, b"0123").await?;
    probe
        .write_as(&path, b"456", Disposition::Resume(4))
        .await?;
    probe.expect_content(&path, b"0123456").await?;
    for wrong in [4, 8] {
        let outcome = probe
            .try_write(&path, b"x", Disposition::Resume(wrong))
            .await?;
        expect_error(
            outcome,
            "resume at another size than the file has",
            |kind| *kind != ErrorKind::Closed,
        )?;
        probe.expect_content(&path, b"0123456").await?;
    }
    Ok(())
}

/// The rest of a file whose reading was dropped in the middle, several times.
async fn resume_download(probe: &mut Probe, large: usize) -> Result<(), Stop> {
    probe.needs("read_offset", |can| can.read_offset)?;
    let (path, content) = (probe.path("file"), pattern(large));
    probe.write(&path, &content).await?;
    let mut have = Vec::new();
    for part in 1..4 {
        let options = ReadOptions::default().with_offset(have.len() as u64);
        let mut body = match probe.session()?.read(&path, options).await {
            Ok(body) => body,
            Err(error) => return closed_or(&error, "the next read"),
        };
        let mut buffer = vec![0; 1000];
        while have.len() < part * large / 4 {
            let count = body.read(&mut buffer).await?;
            if count == 0 {
                return Stop::failed("the file ended before its end");
            }
            have.extend_from_slice(&buffer[..count]);
        }
    }
    let options = ReadOptions::default().with_offset(have.len() as u64);
    match probe.try_read(&path, options, 10_000).await? {
        Ok((rest, _)) => have.extend(rest),
        Err(error) => return closed_or(&error, "the last read"),
    }
    same_bytes("read in four parts", &have, &content)
}

/// The rest of a file whose writing was dropped in the middle. How much of it had arrived, the server says.
async fn resume_upload(probe: &mut Probe, large: usize) -> Result<(), Stop> {
    probe.needs("append", |can| can.append)?;
    let (path, content) = (probe.path("file"), pattern(large));
    let mut body = probe.session()?.write(&path, Default::default()).await?;
    let mut sent = 0;
    while sent < large / 2 {
        sent += body.write(&content[sent..large / 2]).await?;
    }
    drop(body);
    let there = match probe.session()?.stat(&path, Default::default()).await {
        Ok(entry) => entry.size,
        Err(error) if *error.kind() == ErrorKind::NotFound => Some(0),
        Err(error) => return closed_or(&error, "stat after a dropped write"),
    };
    let Some(there) = there else {
        return Stop::skipped("the session tells no size");
    };
    let start = usize::try_from(there).unwrap_or(usize::MAX);
    if start > large / 2 {
        return Stop::failed(format!("{there} bytes arrived of {} sent", large / 2));
    }
    let rest = &content[start..];
    probe
        .write_as(&path, rest, Disposition::Resume(there))
        .await?;
    probe.expect_content(&path, &content).await
}

/// Text comes back with the line ends that are asked for, however the server keeps them.
async fn text(probe: &mut Probe) -> Result<(), Stop> {
    // Longer than the buffers on the way, so that line ends fall on their edges.
    let lines: Vec<_> = (0..20_000).map(|n| "x".repeat(n % 23)).collect();
    let with = |end: &str| (lines.join(end) + end).into_bytes();
    let path = probe.path("text");
    for written in ["\n", "\r\n"] {
        let options = WriteOptions::default().with_transfer_type(TransferType::Ascii);
        let session = probe.session()?;
        match session.write_all(&path, &with(written), options).await {
            Err(error) if *error.kind() == ErrorKind::Unsupported => {
                return Stop::skipped("the session has no text");
            }
            outcome => drop(outcome?),
        }
        for (end, line_end) in [("\n", LineEnd::Lf), ("\r\n", LineEnd::CrLf)] {
            let options = ReadOptions::default()
                .with_transfer_type(TransferType::Ascii)
                .with_line_end(line_end);
            let (seen, _) = probe.try_read(&path, options, 1000).await??;
            same_bytes(&format!("text read with {end:?}"), &seen, &with(end))?;
        }
        let (seen, _) = probe
            .try_read(&path, ReadOptions::default(), 1000)
            .await??;
        if seen != with("\n") {
            same_bytes("text as the server keeps it", &seen, &with("\r\n"))?;
        }
    }
    Ok(())
}

async fn write_into_missing(probe: &mut Probe) -> Result<(), Stop> {
    let path = probe.path("missing/file");
    let outcome = probe.try_write(&path, b"x", Disposition::Replace).await?;
    // Servers do not tell a missing folder from any other refusal.
    expect_error(outcome, "write into a missing folder", |kind| {
        !matches!(kind, ErrorKind::Closed | ErrorKind::Unsupported)
    })?;
    let other = probe.path("file");
    probe.write(&other, b"after").await?;
    probe.expect_content(&other, b"after").await
}
