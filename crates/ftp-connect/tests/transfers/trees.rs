//! A tree of three levels with odd names, up and down again by each protocol: equal byte for byte, and the second
//! run has nothing to do.
//!
//! `FTP_CONNECT_FILES` sets how many files; the embedded servers are not built to be fast.

use std::{collections::BTreeMap, fs, path::Path, time::Instant};

use ftp_connect::{
    RemotePath,
    transfer::{
        Pool,
        mirror::{ApplyOptions, Mirror},
    },
};

use crate::way::{Servers, Way, pool};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tree_goes_up_and_comes_back_by_ftp() {
    there_and_back(Way::Ftp).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tree_goes_up_and_comes_back_by_ftps() {
    there_and_back(Way::Ftps).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tree_goes_up_and_comes_back_by_sftp() {
    there_and_back(Way::Sftp).await;
}

async fn there_and_back(way: Way) {
    let files: usize =
        std::env::var("FTP_CONNECT_FILES").map_or(300, |count| count.parse().unwrap());
    let servers = Servers::start().await;
    let pool = pool(servers.params(way), 4);
    let (here, back) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    make(here.path(), files);
    let remote = RemotePath::new("tree").unwrap();
    let before = tree(here.path());
    let up = Mirror::upload(here.path(), remote.clone());
    apply(way, &pool, &up, files as u64).await;
    assert!(
        tree(&servers.root(way).join("tree")) == before,
        "{way:?}: the copy differs"
    );
    let down = Mirror::download(remote, back.path());
    apply(way, &pool, &down, files as u64).await;
    assert!(
        tree(back.path()) == before,
        "{way:?}: what came back differs"
    );
    pool.close().await;
}

async fn apply(way: Way, pool: &Pool, mirror: &Mirror, files: u64) {
    let begun = Instant::now();
    let plan = mirror.plan(pool).await.unwrap();
    assert_eq!(plan.files(), files, "{way:?}: {:?}", plan.left_out);
    let options = ApplyOptions::default().with_parallel(4);
    let summary = plan.apply(pool, &options, &mut |_| {}).await.unwrap();
    assert!(summary.is_success(), "{way:?}: {:?}", summary.failures);
    assert_eq!(
        (summary.copied, summary.verified),
        (files, files),
        "{way:?}"
    );
    eprintln!(
        "{way:?} {:?}: {files} files in {:?}",
        mirror.direction,
        begun.elapsed()
    );
    let again = mirror.plan(pool).await.unwrap();
    assert!(again.is_empty(), "{way:?}: {:?}", again.steps.first());
    assert_eq!(again.unchanged, files, "{way:?}");
}

fn make(folder: &Path, files: usize) {
    for number in 0..files {
        let (one, two) = (number % 3, number % 7);
        let inside = folder
            .join(format!("level {one}"))
            .join(format!("{two}-größe;x"));
        fs::create_dir_all(&inside).unwrap();
        let name = match number % 10 {
            0 => format!(" {number} "),
            1 => format!("{number} -> x"),
            2 => format!("-{number}"),
            3 => format!("'{number}\""),
            4 => format!("{number};type=i"),
            5 => format!("[{number}]*?"),
            6 => format!("{number}\\x"),
            7 => format!(".{number}"),
            8 => format!("~{number}日本"),
            _ => format!("{number}.txt"),
        };
        let content: Vec<u8> = (0..number * 37 % 5000)
            .map(|at| (at * number % 253) as u8)
            .collect();
        fs::write(inside.join(name), content).unwrap();
    }
}

fn tree(folder: &Path) -> BTreeMap<std::path::PathBuf, Option<Vec<u8>>> {
    let mut items = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(inside) = folders.pop() {
        for entry in fs::read_dir(inside).unwrap() {
            let path = entry.unwrap().path();
            let below = path.strip_prefix(folder).unwrap().to_owned();
            let content = path.is_file().then(|| fs::read(&path).unwrap());
            if content.is_none() {
                folders.push(path);
            }
            items.insert(below, content);
        }
    }
    items
}
