//! Checks that report, capabilities and provided operations agree.

use ftp_connect_core::{
    ChecksumAlgorithm, Encryption, ErrorKind, Permissions, Precision, RemotePath, Result,
    Timestamp, Zone,
};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

use super::Test;
use super::probe::{Probe, Stop, expect_error, same_bytes};

pub(super) fn tests() -> Vec<Test> {
    vec![
        Test::new("report: filled", |probe| {
            Box::pin(std::future::ready(report_is_filled(probe)))
        }),
        Test::new("capabilities: agree", |probe| {
            Box::pin(denied_is_unsupported(probe))
        }),
        Test::new("set_modified", |probe| Box::pin(set_modified(probe))),
        Test::new("set_permissions", |probe| Box::pin(set_permissions(probe))),
        Test::new("checksum", |probe| Box::pin(checksum(probe))),
        Test::new("current_dir", |probe| Box::pin(current_dir(probe))),
        Test::new("set_current_dir", |probe| Box::pin(set_current_dir(probe))),
        Test::new("free_space", |probe| Box::pin(free_space(probe))),
        Test::new("keep_alive", |probe| Box::pin(keep_alive(probe))),
        Test::new("close", |probe| Box::pin(close(probe))),
    ]
}

fn report_is_filled(probe: &mut Probe) -> Result<(), Stop> {
    let report = probe.session()?.report();
    if report.transport.is_empty() {
        return Stop::failed("the report names no transport");
    }
    if report.port == 0 {
        return Stop::failed("the report names port 0");
    }
    let encryption = report.encryption;
    if encryption.is_tls() != report.tls.is_some() {
        let found = if report.tls.is_some() {
            "there"
        } else {
            "missing"
        };
        return Stop::failed(format!(
            "encryption is {encryption}, and the report of TLS is {found}"
        ));
    }
    if report
        .tls
        .as_ref()
        .is_some_and(|tls| tls.version.is_empty() || tls.cipher.is_empty())
    {
        return Stop::failed("the report of TLS has no version or no cipher");
    }
    if encryption.is_ssh() != report.host_key.is_some() {
        let found = if report.host_key.is_some() {
            "there"
        } else {
            "missing"
        };
        return Stop::failed(format!(
            "encryption is {encryption}, and the host key is {found}"
        ));
    }
    if encryption != Encryption::None && report.username.is_empty() {
        return Stop::failed("the report names no user");
    }
    Ok(())
}

/// Each operation that the capabilities deny answers `Unsupported`, and each that they promise does
/// not, even for what is not there.
async fn denied_is_unsupported(probe: &mut Probe) -> Result<(), Stop> {
    let can = probe.capabilities()?;
    let (missing, other) = (probe.path("missing"), probe.path("other"));
    let time = Timestamp::from_unix_seconds(1_000_000_000);
    let time = time.ok_or_else(|| Stop::Failed("no time".to_owned()))?;
    let session = probe.session()?;

    let outcome = session.rename(&missing, &other, Default::default()).await;
    agrees("rename", can.rename, outcome)?;
    agrees(
        "remove_file",
        can.remove_file,
        session.remove_file(&missing).await,
    )?;
    agrees(
        "remove_dir",
        can.remove_dir,
        session.remove_dir(&missing).await,
    )?;
    agrees(
        "set_modified",
        can.set_modified,
        session.set_modified(&missing, time).await,
    )?;
    let permissions = Permissions::from_mode(0o600);
    let outcome = session.set_permissions(&missing, permissions).await;
    agrees("set_permissions", can.set_permissions, outcome)?;
    agrees("current_dir", can.current_dir, session.current_dir().await)?;
    agrees(
        "set_current_dir",
        can.set_current_dir,
        session.set_current_dir(&missing).await,
    )?;
    let folder = RemotePath::login_folder();
    agrees(
        "free_space",
        can.free_space,
        session.free_space(&folder).await,
    )?;
    if !can.create_dir {
        agrees(
            "create_dir",
            false,
            session.create_dir(&other, Default::default()).await,
        )?;
    }
    if !can.checksum {
        let outcome = session.checksum(&missing, ChecksumAlgorithm::Sha256).await;
        agrees("checksum", false, outcome)?;
    }
    if !can.raw {
        agrees("raw", false, session.raw(b"NOOP").await)?;
    }
    Ok(())
}

pub(super) fn agrees<T: std::fmt::Debug>(
    operation: &str,
    promised: bool,
    outcome: Result<T>,
) -> Result<(), Stop> {
    let unsupported = matches!(&outcome, Err(error) if *error.kind() == ErrorKind::Unsupported);
    match (promised, unsupported) {
        (true, true) => Stop::failed(format!(
            "the capabilities promise {operation}, and it is unsupported"
        )),
        (false, false) => {
            let what = format!("{operation}, which the capabilities deny,");
            expect_error(outcome, &what, |kind| *kind == ErrorKind::Unsupported).map(|_| ())
        }
        _ => Ok(()),
    }
}

async fn set_modified(probe: &mut Probe) -> Result<(), Stop> {
    probe.needs("set_modified", |can| can.set_modified)?;
    let path = probe.path("file");
    probe.write(&path, b"x").await?;
    let seconds = 1_000_000_000;
    let time = Timestamp::from_unix_seconds(seconds);
    let time = time.ok_or_else(|| Stop::Failed("no time".to_owned()))?;
    probe.session()?.set_modified(&path, time).await?;
    let told = probe.stat(&path).await?.modified;
    // Of a time in the server's own zone nothing can be said.
    match told.and_then(|time| time.unix_seconds().map(|told| (time, told))) {
        Some((time, told)) if time.precision() >= Precision::Second && told != seconds => {
            return Stop::failed(format!("set to {seconds}, and stat says {told}"));
        }
        _ => {}
    }
    let local = Timestamp::from_civil(
        (2001, 9, 9),
        (1, 46, 40),
        0,
        Precision::Second,
        Zone::Server,
    );
    if let Some(local) = local {
        let outcome = probe.session()?.set_modified(&path, local).await;
        expect_error(outcome, "setting a time of an unknown zone", |kind| {
            *kind == ErrorKind::InvalidParameter
        })?;
    }
    Ok(())
}

async fn set_permissions(probe: &mut Probe) -> Result<(), Stop> {
    probe.needs("set_permissions", |can| can.set_permissions)?;
    let path = probe.path("file");
    probe.write(&path, b"x").await?;
    for mode in [0o600, 0o640] {
        let permissions = Permissions::from_mode(mode);
        probe.session()?.set_permissions(&path, permissions).await?;
        let told = probe.stat(&path).await?.permissions;
        if told.is_some_and(|told| told != permissions) {
            return Stop::failed(format!("set to {permissions}, and stat says {told:?}"));
        }
    }
    Ok(())
}

async fn checksum(probe: &mut Probe) -> Result<(), Stop> {
    probe.needs("checksum", |can| can.checksum)?;
    let (path, content) = (probe.path("file"), b"content to be hashed");
    probe.write(&path, content).await?;
    let known: [(ChecksumAlgorithm, Vec<u8>); 4] = [
        (ChecksumAlgorithm::Md5, Md5::digest(content).to_vec()),
        (ChecksumAlgorithm::Sha1, Sha1::digest(content).to_vec()),
        (ChecksumAlgorithm::Sha256, Sha256::digest(content).to_vec()),
        (ChecksumAlgorithm::Sha512, Sha512::digest(content).to_vec()),
    ];
    let mut served = 0;
    for (algorithm, expected) in known {
        match probe.session()?.checksum(&path, algorithm).await {
            Ok(told) if told.algorithm == algorithm => {
                same_bytes(&format!("{algorithm} of a file"), &told.digest, &expected)?;
                served += 1;
            }
            Ok(told) => {
                let answered = told.algorithm;
                return Stop::failed(format!("asked for {algorithm}, answered with {answered}"));
            }
            Err(error) if *error.kind() == ErrorKind::Unsupported => {}
            Err(error) => return Err(error.into()),
        }
    }
    if served > 0 {
        return Ok(());
    }
    match probe
        .session()?
        .checksum(&path, ChecksumAlgorithm::Crc32)
        .await
    {
        Ok(_) => Ok(()),
        Err(_) => Stop::failed("the capabilities promise checksums, and there is none"),
    }
}

async fn current_dir(probe: &mut Probe) -> Result<(), Stop> {
    probe.needs("current_dir", |can| can.current_dir)?;
    let folder = probe.session()?.current_dir().await?;
    if !folder.is_absolute() {
        return Stop::failed(format!("{folder:?} is not absolute"));
    }
    if probe.folder().is_empty() {
        // A name in the login folder is the same file by its absolute path.
        let relative = probe.path("file");
        probe.write(&relative, b"the same").await?;
        probe
            .expect_content(&folder.join(&relative), b"the same")
            .await?;
    }
    Ok(())
}

async fn set_current_dir(probe: &mut Probe) -> Result<(), Stop> {
    probe.needs("set_current_dir", |can| can.set_current_dir)?;
    probe.needs("current_dir", |can| can.current_dir)?;
    probe.needs("create_dir", |can| can.create_dir)?;
    let (folder, file) = (probe.path("folder"), probe.path("folder/file"));
    probe
        .session()?
        .create_dir(&folder, Default::default())
        .await?;
    probe.write(&file, b"content").await?;
    let before = probe.session()?.current_dir().await?;
    probe.session()?.set_current_dir(&folder).await?;
    let now = probe.session()?.current_dir().await?;
    if now.file_name() != folder.file_name() || !now.is_absolute() {
        return Stop::failed(format!("went to {folder:?} and is in {now:?}"));
    }
    let relative = RemotePath::new("file")?;
    probe.expect_content(&relative, b"content").await?;
    let here = RemotePath::login_folder();
    let names = probe.list(&here).await?;
    if names.len() != 1 || names[0].name != relative {
        return Stop::failed(format!("the new folder is listed as {names:?}"));
    }
    // A folder that is not there changes nothing.
    let missing = RemotePath::new("missing")?;
    let outcome = probe.session()?.set_current_dir(&missing).await;
    expect_error(outcome, "going where nothing is", |kind| {
        *kind == ErrorKind::NotFound
    })?;
    probe.expect_content(&relative, b"content").await?;
    probe.session()?.set_current_dir(&before).await?;
    probe.expect_content(&file, b"content").await
}

async fn free_space(probe: &mut Probe) -> Result<(), Stop> {
    probe.needs("free_space", |can| can.free_space)?;
    let folder = probe.folder().clone();
    let space = probe.session()?.free_space(&folder).await?;
    match space.total {
        Some(total) if total < space.available => {
            Stop::failed(format!("{} of {total} bytes are free", space.available))
        }
        _ => Ok(()),
    }
}

async fn keep_alive(probe: &mut Probe) -> Result<(), Stop> {
    match probe.session()?.keep_alive().await {
        Ok(()) => {}
        Err(error) if *error.kind() == ErrorKind::Unsupported => {
            return Stop::skipped("the session has no keep_alive, and says so");
        }
        Err(error) => return Err(error.into()),
    }
    let path = probe.path("file");
    probe.write(&path, b"alive").await?;
    probe.expect_content(&path, b"alive").await
}

async fn close(probe: &mut Probe) -> Result<(), Stop> {
    let path = probe.path("file");
    probe.write(&path, b"x").await?;
    probe
        .take()?
        .close()
        .await
        .map_err(|error| Stop::error("close", &error))
}
