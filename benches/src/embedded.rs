//! Parameters for the embedded servers.

use std::{net::SocketAddr, num::NonZeroU16, path::Path};

use ftp_connect::{ConnectParams, Encryption, params::TlsTrust};
use ftp_connect_testkit::Embedded;

/// What leads to the server for this encryption.
///
/// # Panics
/// If a path of theirs is not UTF-8.
pub fn parameters(encryption: Encryption, servers: &Embedded) -> ConnectParams {
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
