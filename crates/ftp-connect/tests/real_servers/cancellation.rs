//! Every operation dropped at every point where it waits, against real servers.
//!
//! Embedded servers answer at once and in one piece; real ones send a reply late, in two, or not at all
//! when a data connection is gone, and it is there that a reply can be taken for another's.

use ftp_connect::{CreateDirOptions, ErrorKind, Mode, RemotePath, Result, Session};
use ftp_connect_testkit::cancellation::cancellation;
use ftp_connect_testkit::lab::Lab;

use crate::ways::{Way, ways};

#[tokio::test]
async fn vsftpd() {
    drops_everything("vsftpd").await;
}

#[tokio::test]
async fn proftpd() {
    drops_everything("proftpd").await;
}

#[tokio::test]
async fn pure_ftpd() {
    drops_everything("pure-ftpd").await;
}

#[tokio::test]
async fn openssh() {
    drops_everything("openssh").await;
}

/// In the clear and explicit TLS by both backends, or SFTP.
async fn drops_everything(software: &str) {
    let lab = Lab::from_env();
    let servers = lab.servers.iter().filter(|server| {
        server.software == software && ["ftp", "ftpes", "sftp"].contains(&server.kind.as_str())
    });
    let mut tried = 0;
    for way in servers.flat_map(|server| ways(&lab, server)) {
        if way.mode.is_some_and(|mode| mode != Mode::Dynamic) {
            continue;
        }
        let name = format!("{} {}", way.server.name, way.word());
        let folder = RemotePath::new(format!("{software}-{}-dropped", way.word())).unwrap();
        match cancellation(async || open(&way, &folder).await).await {
            Ok(drops) => eprintln!("{name}: {drops:?}"),
            Err(why) => panic!("{name}: {why}"),
        }
        tried += 1;
    }
    assert!(tried > 0, "no {software} in the lab");
}

/// A session in a folder of its own where that can be had: all servers share one home.
async fn open(way: &Way<'_>, folder: &RemotePath) -> Result<Box<dyn Session>> {
    let mut session = ftp_connect::connect(&way.params).await?;
    match session.set_current_dir(folder).await {
        Ok(()) => {}
        Err(error) if *error.kind() == ErrorKind::Unsupported => {}
        Err(_) => {
            session
                .create_dir(folder, CreateDirOptions::default())
                .await?;
            session.set_current_dir(folder).await?;
        }
    }
    Ok(session)
}
