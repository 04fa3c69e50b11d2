//! The backend against embedded servers and scripted peers.

#![allow(clippy::unwrap_used)] // in tests a panic is the report

mod certificate;
mod conformance;

use ftp_connect_core::params::SessionReuse;
use ftp_connect_testkit::ftps::Ftps;
use ftp_connect_tls_reuse::TlsReuseTransport;

/// One test for each check that FTPS backends share.
macro_rules! ftps {
    ($($check:ident),+ $(,)?) => {
        $(#[tokio::test]
        async fn $check() {
            Ftps::new(TlsReuseTransport::default())
                .with_session_reuse(SessionReuse::Prefer)
                .$check().await;
        })+
    };
}

ftps!(
    carries_files,
    refuses_an_unknown_issuer,
    accepts_a_pin_alone,
    refuses_another_than_the_pinned,
    accepts_any_certificate_when_told,
    refuses_another_name,
    refuses_an_expired_certificate,
    trusts_a_listed_server_certificate,
    says_that_no_version_is_common,
    does_not_go_on_in_the_clear,
    refuses_bytes_before_tls,
    recognises_clear_text_on_a_tls_port,
    recognises_tls_on_a_clear_port,
    gives_up_on_a_silent_handshake,
    notices_a_server_that_hangs_up,
);
