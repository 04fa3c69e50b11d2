//! The facade: which backend serves what, with whatever features are enabled.

use ftp_connect::{ConnectParams, Encryption, ErrorKind, Registry, params::SessionReuse};

fn params(encryption: Encryption) -> ConnectParams {
    ConnectParams::new("127.0.0.1")
        .expect("an address")
        .with_username("ada")
        .with_encryption(encryption)
}

#[test]
fn every_encryption_goes_to_the_backend_of_its_feature() {
    for encryption in Encryption::ALL {
        let (backend, enabled) = match encryption {
            Encryption::None => ("plain", cfg!(feature = "plain")),
            Encryption::ExplicitTls | Encryption::ImplicitTls => ("tls", cfg!(feature = "tls")),
            Encryption::ExplicitTlsReuse => ("tls-reuse", cfg!(feature = "tls-reuse")),
            _ => ("sftp", cfg!(feature = "sftp")),
        };
        let registry = ftp_connect::registry();
        let found = registry
            .find(&params(encryption))
            .map(|transport| transport.name());
        assert_eq!(found, enabled.then_some(backend), "{encryption}");
    }
}

#[test]
fn reuse_asked_for_goes_to_the_backend_that_can_give_it() {
    let params = params(Encryption::ImplicitTls).with_session_reuse(SessionReuse::Prefer);
    let registry = ftp_connect::registry();
    let found = registry.find(&params).map(|transport| transport.name());
    assert_eq!(found, cfg!(feature = "tls-reuse").then_some("tls-reuse"));
}

#[tokio::test]
async fn without_a_backend_the_error_says_what_to_enable() {
    let error = Registry::new()
        .connect(&params(Encryption::None))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Unsupported);
    assert!(
        error.hint().is_some_and(|hint| hint.contains("feature")),
        "{error:?}"
    );
}
