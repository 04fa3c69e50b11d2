//! Killed in the middle, by the signal that nobody can catch, and run again: it completes, nothing is lost, and
//! nothing is left that the documentation does not name.
//!
//! Each test is two programs: the one that runs the server and kills, and itself, started by that one, which
//! transfers.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command},
    time::{Duration, Instant},
};

use ftp_connect::{
    RemotePath,
    transfer::{
        RateLimit, TransferOptions,
        mirror::{ApplyOptions, Mirror},
    },
};

use crate::way::{Servers, Way, params, pool};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_download_is_completed() {
    check("killed::a_killed_download_is_completed", "get").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_upload_is_completed() {
    check("killed::a_killed_upload_is_completed", "put").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_mirror_is_completed() {
    check("killed::a_killed_mirror_is_completed", "mirror-down").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_mirror_to_the_server_is_completed() {
    check(
        "killed::a_killed_mirror_to_the_server_is_completed",
        "mirror-up",
    )
    .await;
}

async fn check(name: &str, work: &str) {
    if std::env::var_os("FTP_CONNECT_TEST_URL").is_some() {
        return transfer(work).await;
    }
    let servers = Servers::start().await;
    for way in Way::ALL {
        let here = tempfile::tempdir().unwrap();
        let there = servers.root(way).join("in");
        fs::create_dir(&there).unwrap();
        let downloads = matches!(work, "get" | "mirror-down");
        let (source, target) = if downloads {
            (&*there, here.path())
        } else {
            (here.path(), &*there)
        };
        for file in FILES {
            fs::write(source.join(file), content(file)).unwrap();
        }
        fs::write(target.join("large"), "old").unwrap();
        let start = |rate: Option<&str>| {
            let mut command = Command::new(std::env::current_exe().unwrap());
            command
                .args(["--exact", name])
                .env("FTP_CONNECT_TEST_URL", servers.url(way))
                .env("FTP_CONNECT_TEST_CA", servers.ca_file())
                .env("FTP_CONNECT_TEST_LOCAL", here.path())
                .stdout(std::process::Stdio::null());
            if let Some(rate) = rate {
                command.env("FTP_CONNECT_TEST_RATE", rate);
            }
            command.spawn().unwrap()
        };
        let mut child = start(Some("300000"));
        wait_for_part(&mut child, target);
        child.kill().unwrap();
        child.wait().unwrap();
        let old = fs::read(target.join("large")).unwrap();
        assert_eq!(
            old, b"old",
            "{way:?}: the file was touched before the new one was whole"
        );
        assert!(parts(target) > 0, "{way:?}");

        let ended = start(None).wait().unwrap();
        assert!(ended.success(), "{way:?}: {ended}");
        let files = if work.starts_with("mirror") {
            &FILES[..]
        } else {
            &FILES[..1]
        };
        for file in files {
            assert!(
                fs::read(target.join(file)).unwrap() == content(file),
                "{way:?}: {file}"
            );
            assert!(
                fs::read(source.join(file)).unwrap() == content(file),
                "{way:?}: {file}"
            );
        }
        let left: Vec<_> = fs::read_dir(target)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(left.len(), files.len(), "{way:?}: {left:?}");
    }
}

/// Waits until a part of the large file has come.
fn wait_for_part(child: &mut Child, folder: &Path) {
    let begun = Instant::now();
    while parts(folder) < 50_000 {
        assert!(
            child.try_wait().unwrap().is_none(),
            "it ended before it could be killed"
        );
        assert!(begun.elapsed() < Duration::from_secs(60), "nothing came");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Bytes in files that are not whole.
fn parts(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let parts = entries.filter(|entry| {
        let name = entry.file_name().into_string().unwrap();
        name.starts_with(".large.ftp-connect") && name.ends_with(".part")
    });
    parts
        .filter_map(|part| part.metadata().ok())
        .map(|part| part.len())
        .sum()
}

/// What the program that is killed does.
async fn transfer(work: &str) {
    let of = |name: &str| std::env::var(name).unwrap();
    let ca_file = PathBuf::from(of("FTP_CONNECT_TEST_CA"));
    let pool = pool(params(&of("FTP_CONNECT_TEST_URL"), &ca_file), 1);
    let local = PathBuf::from(of("FTP_CONNECT_TEST_LOCAL"));
    let rate = std::env::var("FTP_CONNECT_TEST_RATE").ok();
    let rate = rate.map(|rate| RateLimit::per_second(rate.parse().unwrap()));
    let options = TransferOptions::default()
        .with_rate_limit(rate)
        .with_keep_times(true);
    let (folder, file) = (
        RemotePath::new("in").unwrap(),
        RemotePath::new("in/large").unwrap(),
    );
    let large = local.join("large");
    let mirror = match work {
        "get" => {
            pool.download(&file, &large, &options, &mut |_| {})
                .await
                .unwrap();
            return;
        }
        "put" => {
            pool.upload(&large, &file, &options, &mut |_| {})
                .await
                .unwrap();
            return;
        }
        "mirror-down" => Mirror::download(folder, local),
        _ => Mirror::upload(local, folder),
    };
    let plan = mirror.plan(&pool).await.unwrap();
    let options = ApplyOptions::default().with_transfer(options);
    let summary = plan.apply(&pool, &options, &mut |_| {}).await.unwrap();
    assert!(summary.is_success(), "{summary:?}");
}

fn content(file: &str) -> Vec<u8> {
    match file {
        "large" => (0..400_000_u32).flat_map(u32::to_le_bytes).collect(),
        name => name.as_bytes().to_vec(),
    }
}

const FILES: [&str; 3] = ["large", "one", "other"];
