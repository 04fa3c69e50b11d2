//! What goes on at once on one SSH connection: new keys in the middle of transfers, and a slow reader beside a
//! fast one.

use std::{
    fs,
    num::NonZeroU64,
    time::{Duration, Instant},
};

use ftp_connect::{ReadOptions, RemotePath, Session, WriteOptions};
use ftp_connect_testkit::lab::{Lab, LabServer};
use tokio::time::{sleep, timeout};

use crate::ways;

const MIB: usize = 1024 * 1024;

/// The servers of SFTP that need no more than a password.
fn servers(lab: &Lab) -> impl Iterator<Item = &LabServer> {
    let all = lab.servers.iter();
    all.filter(|server| server.kind == "sftp" && server.takes("password"))
}

/// The bytes of one MiB of a large file, no two alike; a build for debugging makes no more than these fast.
fn block(number: usize) -> Vec<u8> {
    let words = (0..512_usize).map(|word| word.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mut page: Vec<u8> = words.flat_map(usize::to_le_bytes).collect();
    let mut block = Vec::with_capacity(MIB);
    for at in 0..MIB / page.len() {
        page[..8].copy_from_slice(&(number * MIB + at).to_le_bytes());
        block.extend_from_slice(&page);
    }
    block
}

/// Writes a file of so many blocks.
async fn write(session: &mut dyn Session, path: &RemotePath, blocks: usize) {
    let mut body = session.write(path, WriteOptions::default()).await.unwrap();
    for number in 0..blocks {
        let block = block(number);
        let mut rest = &block[..];
        while !rest.is_empty() {
            let taken = body.write(rest).await.unwrap();
            rest = &rest[taken..];
        }
    }
    let written = body.finish().await.unwrap().bytes;
    assert_eq!(written, (blocks * MIB) as u64);
}

/// Reads such a file and compares every byte.
async fn read(session: &mut dyn Session, path: &RemotePath, blocks: usize) {
    let mut body = session.read(path, ReadOptions::default()).await.unwrap();
    let mut buffer = vec![0; MIB];
    for number in 0..blocks {
        let mut filled = 0;
        while filled < MIB {
            let count = body.read(&mut buffer[filled..]).await.unwrap();
            assert_ne!(count, 0, "the file ends in block {number}");
            filled += count;
        }
        assert!(buffer == block(number), "block {number} is another");
    }
    assert_eq!(body.read(&mut buffer).await.unwrap(), 0);
    assert!(body.finish().await.unwrap().to_end);
}

/// How often the log tells of new keys after the first ones, if it does at all.
fn new_keys(server: &LabServer) -> Option<usize> {
    let openssh = server.software == "openssh";
    openssh.then(|| server.log().matches("rekeying out").count())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_keys_every_16_mib_lose_nothing() {
    let lab = Lab::from_env();
    let path = RemotePath::new("new keys").unwrap();
    for server in servers(&lab) {
        // What a build for debugging can be asked to encrypt.
        let blocks = if server.name == "openssh" { 256 } else { 64 };
        let every = NonZeroU64::new(16 * MIB as u64);
        let params = ways::params(&lab, server).with_rekey_bytes(every);
        let before = new_keys(server);
        let mut session = ftp_connect::connect(&params).await.unwrap();
        write(&mut *session, &path, blocks).await;
        read(&mut *session, &path, blocks).await;
        session.remove_file(&path).await.unwrap();
        session.close().await.unwrap();
        if let (Some(before), Some(after)) = (before, new_keys(server)) {
            // What was under way when the keys became due comes on top of the 16 MiB.
            let least = 2 * blocks / 16 * 3 / 4;
            assert!(after - before >= least, "{before} and then {after}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_kib_a_second_holds_up_nobody_else_on_the_connection() {
    let lab = Lab::from_env();
    let path = RemotePath::new("slowly").unwrap();
    for server in servers(&lab) {
        let mut slow = ftp_connect::connect(&ways::params(&lab, server))
            .await
            .unwrap();
        write(&mut *slow, &path, 32).await;
        let mut other = slow.open_another().await.unwrap();
        let begun = Instant::now();
        let mut body = slow.read(&path, ReadOptions::default()).await.unwrap();
        let slowly = async {
            let (first, mut seen) = (block(0), 0);
            let mut buffer = [0; 1024];
            while begun.elapsed() < Duration::from_secs(10) {
                let count = body.read(&mut buffer).await.unwrap();
                assert!(buffer[..count] == first[seen..seen + count]);
                seen += count;
                sleep(Duration::from_secs(1)).await;
            }
            seen
        };
        let meanwhile = async {
            let mut times = 0;
            while begun.elapsed() < Duration::from_secs(10) {
                read(&mut *other, &path, 32).await;
                times += 1;
            }
            times
        };
        let both = async { tokio::join!(slowly, meanwhile) };
        let (seen, times) = timeout(Duration::from_secs(60), both).await.unwrap();
        assert!((1024..=10 * 1024).contains(&seen), "{seen}");
        // Once would do; it stands here so that the report shows it.
        println!("{}: 32 MiB {times} times beside {seen} bytes", server.name);
        drop(body);
        slow.remove_file(&path).await.unwrap();
        slow.close().await.unwrap();
        other.close().await.unwrap();
        assert!(fs::metadata(server.root.join("slowly")).is_err());
    }
}
