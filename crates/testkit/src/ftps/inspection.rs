//! Looking at a certificate without logging in.

use ftp_connect_core::{ConnectParams, Encryption, ErrorKind, Result, TlsReport};

use super::{Ftps, certificate, start};
use crate::ftp::FtpSecurity;

impl Ftps {
    /// `look` shows the certificate that an explicit server has, trusted or not, and logs in nowhere.
    pub async fn shows_the_certificate_explicit(
        &self,
        look: impl AsyncFn(&ConnectParams) -> Result<TlsReport>,
    ) {
        self.shows_the_certificate(FtpSecurity::Explicit, look)
            .await;
    }

    /// `look` shows the certificate that an implicit server has, trusted or not, and logs in nowhere.
    pub async fn shows_the_certificate_implicit(
        &self,
        look: impl AsyncFn(&ConnectParams) -> Result<TlsReport>,
    ) {
        self.shows_the_certificate(FtpSecurity::Implicit, look)
            .await;
    }

    /// `look` refuses parameters without TLS.
    pub async fn shows_no_certificate_without_tls(
        &self,
        look: impl AsyncFn(&ConnectParams) -> Result<TlsReport>,
    ) {
        let params = ConnectParams::new("127.0.0.1").expect("a host");
        let error = look(&params).await.expect_err("the parameters are refused");
        assert_eq!(*error.kind(), ErrorKind::InvalidParameter, "{error:?}");
    }

    /// `look` says of a server without TLS that it has none.
    pub async fn shows_no_certificate_of_a_server_without_tls(
        &self,
        look: impl AsyncFn(&ConnectParams) -> Result<TlsReport>,
    ) {
        let server = start(FtpSecurity::Plain, |builder| builder).await;
        let params = self
            .params(&server)
            .with_encryption(Encryption::ExplicitTls);
        let error = look(&params).await.expect_err("there is no certificate");
        assert_eq!(*error.kind(), ErrorKind::TlsNotOffered, "{error:?}");
        assert_eq!(server.login_attempts(), 0);
    }

    async fn shows_the_certificate(
        &self,
        security: FtpSecurity,
        look: impl AsyncFn(&ConnectParams) -> Result<TlsReport>,
    ) {
        let server = start(security, |builder| builder).await;
        let tls = look(&self.params(&server)).await.expect("a report");
        let seen = tls.certificates.first().expect("a certificate");
        assert_eq!(seen.sha256, certificate(&server).sha256_hex());
        assert_eq!(tls.trust, "not checked");
        assert_eq!(server.login_attempts(), 0);
    }
}
