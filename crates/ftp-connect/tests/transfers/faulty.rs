//! Three hundred runs through a proxy on which things go wrong by a seed: each ends in time, and each file is the
//! old one or the whole new one.
//!
//! A run that failed prints its seed and what went wrong; `FTP_CONNECT_SEEDS=FROM..TO` runs others.

use std::{
    fs,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use ftp_connect::{
    RemotePath,
    transfer::{
        TransferOptions,
        mirror::{ApplyOptions, Mirror},
    },
};
use ftp_connect_testkit::faults::{FaultProxy, Faults};
use tokio::{sync::Semaphore, task::JoinSet, time::timeout};

use crate::way::{Servers, Way, hasty, pool};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Work {
    Download,
    Upload,
    MirrorDown,
    MirrorUp,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_run_ends_and_every_file_is_the_old_one_or_the_whole_new_one() {
    let only = std::env::var("FTP_CONNECT_SEEDS").ok();
    let seeds = match &only {
        Some(range) => {
            let (from, to) = range.split_once("..").unwrap();
            from.parse().unwrap()..to.parse().unwrap()
        }
        None => 0..RUNS,
    };
    let servers = Arc::new(Servers::start().await);
    let room = Arc::new(Semaphore::new(AT_ONCE));
    let mut runs = JoinSet::new();
    for seed in seeds {
        let (servers, room) = (Arc::clone(&servers), Arc::clone(&room));
        runs.spawn(async move {
            let _turn = room.acquire_owned().await.unwrap();
            run(&servers, seed).await
        });
    }
    let mut ended_well = 0_u64;
    while let Some(ended) = runs.join_next().await {
        ended_well += u64::from(ended.unwrap());
    }
    eprintln!("{ended_well} ended well");
    if only.is_none() {
        // Most faults strike once, and what is tried again then works.
        assert!(
            (RUNS / 3..RUNS).contains(&ended_well),
            "{ended_well} of {RUNS} ended well"
        );
    }
}

/// Says whether the work was done.
async fn run(servers: &Servers, seed: u64) -> bool {
    let way = Way::ALL[(seed % 3) as usize];
    let work = [
        Work::Download,
        Work::Upload,
        Work::MirrorDown,
        Work::MirrorUp,
    ][(seed / 3 % 4) as usize];
    let faults = Faults::from_seed(seed, 60_000);
    let told = format!("seed {seed}: {work:?} by {way:?}, {faults:?}");
    let proxy = FaultProxy::start(faults).await.unwrap();
    let params = hasty(servers.params(way)).with_proxy(proxy.params());
    let here = tempfile::tempdir().unwrap();
    let folder = format!("run-{seed}");
    let there = servers.root(way).join(&folder);
    fs::create_dir(&there).unwrap();
    let downloads = matches!(work, Work::Download | Work::MirrorDown);
    let (source, target) = if downloads {
        (&*there, here.path())
    } else {
        (here.path(), &*there)
    };
    for file in FILES {
        fs::write(source.join(file), content(file, true)).unwrap();
        fs::write(target.join(file), content(file, false)).unwrap();
    }
    let begun = Instant::now();
    let pool = pool(params, 2);
    let done = timeout(LONGEST, async {
        let options = TransferOptions::default();
        let remote = RemotePath::new(folder.as_str()).unwrap();
        let file = remote.join(&RemotePath::new(FILES[0]).unwrap());
        let local = here.path().join(FILES[0]);
        match work {
            Work::Download => pool
                .download(&file, &local, &options, &mut |_| {})
                .await
                .is_ok(),
            Work::Upload => pool
                .upload(&local, &file, &options, &mut |_| {})
                .await
                .is_ok(),
            Work::MirrorDown => mirror(&pool, Mirror::download(remote, here.path())).await,
            Work::MirrorUp => mirror(&pool, Mirror::upload(here.path(), remote)).await,
        }
    })
    .await;
    let Ok(done) = done else {
        panic!("{told}: it did not end in time");
    };
    let took = begun.elapsed();
    assert!(took < LONGEST, "{told}: {took:?}");
    // What a server was still writing when it was abandoned takes its time to be given up.
    drop((pool, proxy));
    let files = if matches!(work, Work::Download | Work::Upload) {
        &FILES[..1]
    } else {
        &FILES[..]
    };
    for file in files {
        check_file(target, file, done, &told);
    }
    if downloads {
        let left = fs::read_dir(target).unwrap().count();
        assert_eq!(left, FILES.len(), "{told}: something was left behind");
    }
    done
}

async fn mirror(pool: &ftp_connect::transfer::Pool, mirror: Mirror) -> bool {
    let Ok(plan) = mirror.plan(pool).await else {
        return false;
    };
    let options = ApplyOptions::default().with_parallel(2);
    plan.apply(pool, &options, &mut |_| {})
        .await
        .is_ok_and(|summary| summary.is_success())
}

#[track_caller]
fn check_file(folder: &Path, file: &str, done: bool, told: &str) {
    let now = fs::read(folder.join(file)).unwrap_or_else(|error| panic!("{told}: {file}: {error}"));
    let is_new = now == content(file, true);
    assert!(
        is_new || now == content(file, false),
        "{told}: {file} is a part, {} bytes",
        now.len()
    );
    assert!(is_new || !done, "{told}: {file} is the old one");
}

/// What is in a file: new and old differ in every byte and in length.
fn content(file: &str, new: bool) -> Vec<u8> {
    let length = match file {
        "large" => 50_000,
        "empty" => 0,
        _ => 700,
    };
    match new {
        true => (0..length as u32).map(|n| (n % 251) as u8).collect(),
        false => vec![255; length + 5],
    }
}

const FILES: [&str; 4] = ["large", "empty", "small", "other small"];

const RUNS: u64 = 300;

/// How many runs at once: most of them wait.
const AT_ONCE: usize = 24;

/// Two attempts at each of four files, at connecting and at what comes after it, each until its own deadline of a
/// second and a half passes, and as much again for a loaded machine.
const LONGEST: Duration = Duration::from_secs(60);
