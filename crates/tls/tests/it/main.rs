//! The backend against embedded servers and scripted peers.

use ftp_connect_testkit::ftps::Ftps;
use ftp_connect_tls::{TlsTransport, server_certificate};

ftp_connect_testkit::ftps_tests!(Ftps::new(TlsTransport::default()), server_certificate);
