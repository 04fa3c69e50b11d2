//! Five thousand files in three levels of folders, with odd names, up and down again by each protocol: equal byte
//! for byte, and the second run has nothing to do.
//!
//! `FTP_CONNECT_FILES` sets how many files.

use std::time::Instant;

use ftp_connect::{
    RemotePath,
    transfer::{
        Pool,
        mirror::{ApplyOptions, Mirror, Reason},
    },
};

use crate::{
    odd_tree::{self, Names, add_unspeakable, check_equal, without_unspeakable},
    way::{Servers, Way, pool},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tree_goes_up_and_comes_back_by_ftp() {
    there_and_back(Way::Ftp, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tree_goes_up_and_comes_back_by_ftps() {
    there_and_back(Way::Ftps, 4).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tree_goes_up_and_comes_back_by_sftp() {
    there_and_back(Way::Sftp, 1).await;
}

async fn there_and_back(way: Way, sessions: usize) {
    let files = std::env::var("FTP_CONNECT_FILES").map_or(5_000, |count| count.parse().unwrap());
    let servers = Servers::start().await;
    let pool = pool(servers.params(way), sessions);
    let (here, back) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    odd_tree::make(here.path(), files, Names::Text);
    let unspeakable = add_unspeakable(here.path());
    let expected = without_unspeakable(odd_tree::read(here.path()));
    let run = Run {
        way,
        pool,
        sessions,
        files: files as u64,
    };
    let remote = RemotePath::new("tree").unwrap();

    let up = Mirror::upload(here.path(), remote.clone());
    run.twice(&up, unspeakable).await;
    let there = odd_tree::read(&servers.root(way).join("tree"));
    check_equal(&format!("{way:?}, what went up"), &there, &expected);

    let down = Mirror::download(remote, back.path());
    run.twice(&down, 0).await;
    let back = odd_tree::read(back.path());
    check_equal(&format!("{way:?}, what came back"), &back, &expected);
    run.pool.close().await;
}

struct Run {
    way: Way,
    pool: Pool,
    sessions: usize,
    files: u64,
}

impl Run {
    /// Mirrors, and then there is nothing left to do. So many names are left out.
    async fn twice(&self, mirror: &Mirror, left_out: usize) {
        let (way, begun) = (self.way, Instant::now());
        let plan = mirror.plan(&self.pool).await.unwrap();
        assert_eq!(plan.files(), self.files, "{way:?}: {:?}", plan.left_out);
        assert_eq!(plan.left_out.len(), left_out, "{way:?}");
        for one in &plan.left_out {
            assert_eq!(one.reason, Reason::Name, "{way:?}: {one:?}");
        }
        let options = ApplyOptions::default().with_parallel(self.sessions);
        let summary = plan.apply(&self.pool, &options, &mut |_| {}).await.unwrap();
        assert!(summary.is_success(), "{way:?}: {:?}", summary.failures);
        let counts = (summary.copied, summary.verified);
        assert_eq!(counts, (self.files, self.files), "{way:?}");
        let direction = mirror.direction;
        eprintln!(
            "{way:?} {direction:?}: {} files in {:?}",
            self.files,
            begun.elapsed()
        );

        let again = mirror.plan(&self.pool).await.unwrap();
        assert!(again.is_empty(), "{way:?}: {:?}", again.steps.first());
        assert_eq!(again.unchanged, self.files, "{way:?}");
        assert_eq!(again.left_out, plan.left_out, "{way:?}");
    }
}
