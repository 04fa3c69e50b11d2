//! The backend against embedded servers and scripted peers.

use ftp_connect_core::params::SessionReuse;
use ftp_connect_testkit::ftps::Ftps;
use ftp_connect_tls_reuse::{TlsReuseTransport, server_certificate};

ftp_connect_testkit::ftps_tests!(
    Ftps::new(TlsReuseTransport::default()).with_session_reuse(SessionReuse::Prefer),
    server_certificate,
);
