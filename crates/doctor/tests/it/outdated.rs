//! A server whose TLS ends with version 1.1. That of the embedded servers has none so old, OpenSSL's does.

use std::{
    io::{BufRead as _, BufReader, Error, Read, Result, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use ftp_connect_core::{Encryption, params::TlsTrust};
use ftp_connect_doctor::{Cause, Check};
use ftp_connect_testkit::ca::ServerCertificate;
use openssl::{
    pkey::PKey,
    ssl::{Ssl, SslContext, SslMethod, SslStream, SslVersion},
    x509::X509,
};

use crate::sick::{check, diagnose, params, plain};

#[tokio::test(flavor = "multi_thread")]
async fn tls_is_older_than_is_safe() {
    let certificate = ServerCertificate::self_signed().unwrap();
    let trust = TlsTrust::default().with_ca_file(certificate.ca_file().to_str().unwrap());
    for newest in [SslVersion::TLS1, SslVersion::TLS1_1] {
        for (implicit, encryption, at) in [
            (false, Encryption::ExplicitTls, Check::ExplicitTls),
            (true, Encryption::ImplicitTls, Check::ImplicitTls),
        ] {
            let server = Outdated::start(&certificate, newest, implicit).unwrap();
            let params = params(server.addr, encryption).with_tls(trust.clone());
            let diagnosis = diagnose(&params, &plain()).await;
            check(&diagnosis, at, Cause::TlsOutdated, "newer than 1.1");
            let advice = diagnosis.advice().unwrap();
            assert!(advice.contains("--legacy"), "{advice}");
            assert!(diagnosis.works().is_none(), "nobody allowed it");
            assert_eq!(server.logins.load(Ordering::SeqCst), 0);
        }
    }
}

struct Outdated {
    addr: SocketAddr,
    logins: Arc<AtomicUsize>,
}

impl Outdated {
    /// Serves for as long as the test program runs.
    fn start(
        certificate: &ServerCertificate,
        newest: SslVersion,
        implicit: bool,
    ) -> std::result::Result<Self, Box<dyn std::error::Error>> {
        let mut context = SslContext::builder(SslMethod::tls_server())?;
        let own = X509::from_pem(certificate.pem().as_bytes())?;
        let key = PKey::private_key_from_pem(certificate.key_pem().as_bytes())?;
        context.set_certificate(&own)?;
        context.set_private_key(&key)?;
        // OpenSSL 3 does not speak these versions otherwise.
        context.set_security_level(0);
        context.set_cipher_list("ALL:@SECLEVEL=0")?;
        let oldest = Some(SslVersion::TLS1);
        context.set_min_proto_version(oldest)?;
        context.set_max_proto_version(Some(newest))?;
        let context = context.build();
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let addr = listener.local_addr()?;
        let logins = Arc::<AtomicUsize>::default();
        let counted = Arc::clone(&logins);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let tls = Ssl::new(&context).expect("memory");
                let logins = Arc::clone(&counted);
                // Who only looks hangs up in the middle.
                std::thread::spawn(move || serve(client?, tls, implicit, &logins));
            }
        });
        Ok(Self { addr, logins })
    }
}

fn serve(client: TcpStream, tls: Ssl, implicit: bool, logins: &AtomicUsize) -> Result<()> {
    if implicit {
        let mut secured = tls.accept(client).map_err(Error::other)?;
        secured.write_all(GREETING)?;
        return count_logins(secured, logins);
    }
    let mut replies = client.try_clone()?;
    let mut commands = BufReader::new(client);
    replies.write_all(GREETING)?;
    let mut line = String::new();
    while commands.read_line(&mut line)? > 0 {
        match line.trim_end() {
            "AUTH TLS" => {
                replies.write_all(b"234 begin\r\n")?;
                let secured = tls.accept(commands.into_inner());
                return count_logins(secured.map_err(Error::other)?, logins);
            }
            "QUIT" => return replies.write_all(b"221 bye\r\n"),
            other => {
                logins.fetch_add(usize::from(other.starts_with("PASS")), Ordering::SeqCst);
                replies.write_all(b"530 use AUTH TLS first\r\n")?;
            }
        }
        line.clear();
    }
    Ok(())
}

/// Whatever is said under this TLS is a login.
fn count_logins(mut secured: SslStream<TcpStream>, logins: &AtomicUsize) -> Result<()> {
    if secured.read(&mut [0])? > 0 {
        logins.fetch_add(1, Ordering::SeqCst);
    }
    Ok(())
}

const GREETING: &[u8] = b"220 of 2009\r\n";
