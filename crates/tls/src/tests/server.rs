//! A TLS server in memory, for handshakes that the embedded FTP servers do not ask for.

use std::{io, sync::Arc};

use ftp_connect_testkit::ca::{CertificateRequest, ServerCertificate, TestCa, TlsVersions};
use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, Issuer, KeyPair};
use rustls::{
    RootCertStore, ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::WebPkiClientVerifier,
    version::{TLS12, TLS13},
};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio_rustls::TlsAcceptor;

/// What the server does after the handshake.
#[derive(Clone, Copy)]
pub(crate) enum Then {
    /// Says `hello`, then close_notify, then waits for the client's end.
    Close,
    /// Says `hello` and ends without close_notify.
    Cut,
}

/// Makes connections to a server with this configuration.
pub(crate) fn connect(config: &Arc<ServerConfig>, then: Then) -> DuplexStream {
    let (client, server) = duplex(64 * 1024);
    let acceptor = TlsAcceptor::from(Arc::clone(config));
    tokio::spawn(async move {
        let mut stream = acceptor.accept(server).await?;
        stream.write_all(b"hello").await?;
        stream.flush().await?;
        match then {
            Then::Close => {
                stream.shutdown().await?;
                stream.read_to_end(&mut Vec::new()).await?;
            }
            Then::Cut => drop(stream.into_inner().0),
        }
        io::Result::Ok(())
    });
    client
}

/// A good certificate and its authority.
pub(crate) fn certificate() -> ServerCertificate {
    let ca = TestCa::new().unwrap();
    ca.issue(&CertificateRequest::default()).unwrap()
}

/// A server that resumes, with one TLS version.
pub(crate) fn resuming(
    certificate: &ServerCertificate,
    versions: TlsVersions,
) -> Arc<ServerConfig> {
    certificate.server_config(versions).unwrap()
}

/// A certificate that signed itself, as PEM, and a server with it.
pub(crate) fn self_signed() -> (String, Arc<ServerConfig>) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let certificate = params.self_signed(&key).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&TLS12, &TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap();
    (certificate.pem(), Arc::new(config))
}

/// A client certificate with its key, and a server that wants it.
pub(crate) struct ClientIdentity {
    pub(crate) server: Arc<ServerConfig>,
    pub(crate) certificate_file: String,
    pub(crate) key_file: String,
    pub(crate) directory: TempDir,
}

pub(crate) fn client_identity(
    of_server: &ServerCertificate,
    version: TlsVersions,
) -> ClientIdentity {
    let ca_key = KeyPair::generate().unwrap();
    let mut ca = CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let ca_der = ca.self_signed(&ca_key).unwrap().der().clone();
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["ada".to_owned()]).unwrap();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let certificate = params.signed_by(&key, &Issuer::new(ca, ca_key)).unwrap();

    let mut roots = RootCertStore::empty();
    roots.add(ca_der).unwrap();
    let provider = Arc::new(ring::default_provider());
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .build()
            .unwrap();
    let versions: &[_] = match version {
        TlsVersions::Tls12 => &[&TLS12],
        _ => &[&TLS13],
    };
    let server = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(
            vec![CertificateDer::from(of_server.der().to_vec())],
            PrivateKeyDer::from_pem_slice(of_server.key_pem().as_bytes()).unwrap(),
        )
        .unwrap();

    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let file = directory.path().join(name);
        std::fs::write(&file, text).unwrap();
        file.to_str().unwrap().to_owned()
    };
    ClientIdentity {
        server: Arc::new(server),
        certificate_file: write("client.pem", &certificate.pem()),
        key_file: write("client.key", &key.serialize_pem()),
        directory,
    }
}
