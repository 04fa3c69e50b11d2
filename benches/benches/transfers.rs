//! Transfers between the library and embedded servers on loopback, in one process: a file of one byte, which is one data
//! connection's set-up; 64 MiB each way; 500 small files.
//!
//! Client and server share the machine, so that absolute times mean little: compare within one run.

#![allow(missing_docs)] // criterion's macros make public functions

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ftp_connect::{Encryption, ReadOptions, RemotePath, Session, SessionExt as _, WriteOptions};
use ftp_connect_benches::embedded::parameters;
use ftp_connect_testkit::Embedded;
use tokio::runtime::Runtime;

fn transfers(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let servers = runtime
        .block_on(Embedded::start())
        .expect("embedded servers");
    for encryption in [
        Encryption::None,
        Encryption::ExplicitTls,
        Encryption::ExplicitTlsReuse,
        Encryption::SshKeyFile,
    ] {
        let params = parameters(encryption, &servers);
        let mut session = runtime
            .block_on(ftp_connect::connect(&params))
            .expect("connected");
        let one = path("one");
        let large = path("large");
        let small: Vec<RemotePath> = (0..FILES).map(|n| path(&format!("{n:03}"))).collect();
        runtime.block_on(async {
            write(&mut *session, &one, 1).await;
            write(&mut *session, &large, LARGE).await;
            for file in &small {
                write(&mut *session, file, 4096).await;
            }
        });

        let mut group = criterion.benchmark_group("one byte");
        group.bench_function(BenchmarkId::from_parameter(encryption), |bencher| {
            bencher.iter(|| runtime.block_on(read(&mut *session, &one)));
        });
        group.finish();

        let mut group = criterion.benchmark_group("64 MiB");
        group
            .sample_size(10)
            .throughput(Throughput::Bytes(LARGE as u64));
        group.bench_function(BenchmarkId::new("down", encryption), |bencher| {
            bencher.iter(|| runtime.block_on(read(&mut *session, &large)));
        });
        group.bench_function(BenchmarkId::new("up", encryption), |bencher| {
            bencher.iter(|| runtime.block_on(write(&mut *session, &large, LARGE)));
        });
        group.finish();

        let mut group = criterion.benchmark_group("500 files of 4 KiB");
        group
            .sample_size(10)
            .measurement_time(Duration::from_secs(10));
        group.bench_function(BenchmarkId::from_parameter(encryption), |bencher| {
            bencher.iter(|| {
                runtime.block_on(async {
                    let mut files = session.read_files(small.clone(), 4096);
                    while let Some(file) = files.next().await {
                        assert_eq!(file.content.expect("read").len(), 4096);
                    }
                });
            });
        });
        group.finish();
        runtime.block_on(session.close()).expect("left");
    }
}

async fn read(session: &mut dyn Session, path: &RemotePath) {
    let mut body = session
        .read(path, ReadOptions::default())
        .await
        .expect("begun");
    let mut buffer = vec![0; 256 * 1024];
    while body.read(&mut buffer).await.expect("read") > 0 {}
    body.finish().await.expect("whole");
}

async fn write(session: &mut dyn Session, path: &RemotePath, size: usize) {
    let content = vec![7; size];
    session
        .write_all(path, &content, WriteOptions::default())
        .await
        .expect("written");
}

fn path(name: &str) -> RemotePath {
    RemotePath::new(name).expect("a path")
}

const LARGE: usize = 64 * 1024 * 1024;
const FILES: usize = 500;

criterion_group!(benches, transfers);
criterion_main!(benches);
