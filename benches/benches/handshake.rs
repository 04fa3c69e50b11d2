//! Connect, log in and leave, for each encryption value, against embedded servers on loopback; the crates `async_ftp`,
//! `suppaftp` and `ssh2` beside ours where they can do the same.
//!
//! Client and server share the machine, so that absolute times mean little: compare within one run.

#![allow(missing_docs)] // criterion's macros make public functions

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use ftp_connect::Encryption;
use ftp_connect_benches::embedded::parameters;
use ftp_connect_testkit::Embedded;
use tokio::runtime::Runtime;

fn handshakes(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let servers = runtime
        .block_on(Embedded::start())
        .expect("embedded servers");
    let mut group = criterion.benchmark_group("connect, log in, leave");
    group
        .sample_size(20)
        .measurement_time(Duration::from_secs(5));
    for encryption in Encryption::ALL {
        let params = parameters(encryption, &servers);
        group.bench_with_input(
            BenchmarkId::from_parameter(encryption),
            &params,
            |bencher, params| {
                bencher.to_async(&runtime).iter(|| async {
                    let session = ftp_connect::connect(params).await.expect("connected");
                    session.close().await.expect("left");
                });
            },
        );
    }
    let plain = &servers.plain;
    group.bench_function("none (async_ftp)", |bencher| {
        bencher.to_async(&runtime).iter(|| async {
            let mut ftp = async_ftp::FtpStream::connect(plain.addr())
                .await
                .expect("connected");
            ftp.login(plain.user(), plain.password())
                .await
                .expect("logged in");
            ftp.transfer_type(async_ftp::types::FileType::Binary)
                .await
                .expect("binary");
            ftp.quit().await.expect("left");
        });
    });
    group.bench_function("none (suppaftp)", |bencher| {
        bencher.to_async(&runtime).iter(|| async {
            let mut ftp = suppaftp::tokio::AsyncFtpStream::connect(plain.addr())
                .await
                .expect("connected");
            ftp.login(plain.user(), plain.password())
                .await
                .expect("logged in");
            ftp.transfer_type(suppaftp::types::FileType::Binary)
                .await
                .expect("binary");
            ftp.quit().await.expect("left");
        });
    });
    let sftp = &servers.sftp;
    group.bench_function("ssh-password (ssh2)", |bencher| {
        bencher.iter(|| {
            let stream = std::net::TcpStream::connect(sftp.addr()).expect("connected");
            stream.set_nodelay(true).expect("an option");
            let mut session = ssh2::Session::new().expect("a session");
            session.set_tcp_stream(stream);
            session.handshake().expect("keys exchanged");
            session
                .userauth_password(sftp.user(), sftp.password())
                .expect("logged in");
            let channel = session.sftp().expect("SFTP");
            drop(channel);
            session.disconnect(None, "bye", None).expect("left");
        });
    });
    group.finish();
}

criterion_group!(benches, handshakes);
criterion_main!(benches);
