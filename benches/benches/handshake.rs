//! Connect, log in and leave, for each encryption value, against embedded servers on loopback; `async_ftp`
//! beside ours where it can do the same.
//!
//! Client and server share the machine, so that absolute times mean little: compare within one run.

#![allow(missing_docs)] // criterion's macros make public functions

use std::{net::SocketAddr, num::NonZeroU16, path::Path, time::Duration};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use ftp_connect::{ConnectParams, Encryption, params::TlsTrust};
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
    group.finish();
}

fn parameters(encryption: Encryption, servers: &Embedded) -> ConnectParams {
    let text = |path: &Path| path.to_str().expect("UTF-8").to_owned();
    let base = |address: SocketAddr, user: &str| {
        ConnectParams::new(address.ip())
            .expect("an address")
            .with_port(NonZeroU16::new(address.port()))
            .with_username(user)
            .with_encryption(encryption)
            .with_tls(TlsTrust::default().with_ca_file(text(servers.ca.pem_file())))
            .with_allowed_fingerprints(servers.sftp.host_key_sha256().parse().expect("a hash"))
    };
    let (sftp, key) = (&servers.sftp, &servers.key);
    match encryption {
        Encryption::SshKeyFile => {
            base(sftp.addr(), sftp.user()).with_key_file(text(key.private_file()))
        }
        Encryption::SshKeyContent => base(sftp.addr(), sftp.user()).with_key_content(key.private()),
        Encryption::SshPassword => base(sftp.addr(), sftp.user()).with_password(sftp.password()),
        _ => {
            let server = match encryption {
                Encryption::None => &servers.plain,
                Encryption::ImplicitTls => &servers.implicit,
                _ => &servers.explicit,
            };
            base(server.addr(), server.user()).with_password(server.password())
        }
    }
}

criterion_group!(benches, handshakes);
criterion_main!(benches);
