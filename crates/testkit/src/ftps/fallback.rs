//! What FTPS owes where a server demands that sessions are resumed and resumes none under TLS 1.3.

use ftp_connect_core::params::TlsVersion;
use ftp_connect_core::{Disposition, ErrorKind, RemotePath, SessionExt as _, WriteOptions};

use super::{Ftps, check_files, start, with_ca};
use crate::ftp::{FtpSecurity, FtpServer};

impl Ftps {
    /// Whichever operation comes first, it is begun again over TLS 1.2; that is said, and remembered for the next
    /// session.
    pub async fn falls_back_to_tls12_where_tls13_resumes_nothing(&self) {
        let name: RemotePath = "first".try_into().expect("a path");
        let login = RemotePath::login_folder();
        for security in [FtpSecurity::Explicit, FtpSecurity::Implicit] {
            for first in ["list", "read", "write", "create"] {
                let server = demanding(security).await;
                std::fs::write(server.root().join("other"), b"content").expect("a file");
                let params = self.params(&server).with_tls(with_ca(&server));
                let mut session = self.transport.connect(&params).await.expect("connects");
                assert_eq!(version(session.as_ref()), "TLSv1.3");
                let options = WriteOptions::default();
                let outcome = match first {
                    "list" => session.list_all(&login).await.map(drop),
                    "read" => {
                        let other = "other".try_into().expect("a path");
                        let read = session.read_to_vec(&other, 100).await;
                        read.map(|read| assert_eq!(read, b"content"))
                    }
                    "write" => session.write_all(&name, b"x", options).await.map(drop),
                    _ => {
                        let options = options.with_disposition(Disposition::CreateNew);
                        session.write_all(&name, b"x", options).await.map(drop)
                    }
                };
                outcome.expect(first);
                assert_eq!(version(session.as_ref()), "TLSv1.2", "{first}");
                let warnings = &session.report().warnings;
                assert!(
                    warnings.iter().any(|w| w.contains("TLS 1.2")),
                    "{warnings:?}"
                );
                check_files(session.as_mut(), &server).await;
                let profile = session.profile().expect("a profile");
                session.close().await.expect("takes leave");

                let params = params.with_profile(profile);
                let mut again = self.transport.connect(&params).await.expect("connects");
                assert_eq!(version(again.as_ref()), "TLSv1.2");
                check_files(again.as_mut(), &server).await;
            }
        }
    }

    /// Where TLS 1.2 is not allowed, the error says what the server wants.
    pub async fn says_that_reuse_is_required_where_nothing_else_is_allowed(&self) {
        let server = demanding(FtpSecurity::Explicit).await;
        let trust = with_ca(&server).with_min_version(TlsVersion::Tls13);
        let params = self.params(&server).with_tls(trust);
        let mut session = self.transport.connect(&params).await.expect("connects");
        let error = session
            .list_all(&RemotePath::login_folder())
            .await
            .expect_err("the server refuses");
        assert_eq!(*error.kind(), ErrorKind::SessionReuseRequired, "{error:?}");
        let hint = error.hint().unwrap_or_default();
        assert!(hint.contains("explicit-tls-reuse"), "{hint}");
    }

    /// A server that resumes nothing and does not mind is left as it is.
    pub async fn stays_with_tls13_where_nothing_need_be_resumed(&self) {
        let server = start(FtpSecurity::Explicit, |builder| {
            builder.with_tls13_tickets(false)
        })
        .await;
        let params = self.params(&server).with_tls(with_ca(&server));
        let mut session = self.transport.connect(&params).await.expect("connects");
        check_files(session.as_mut(), &server).await;
        assert_eq!(version(session.as_ref()), "TLSv1.3");
        assert!(session.report().warnings.is_empty());
        session.close().await.expect("takes leave");
    }
}

/// A server that demands what it cannot do under TLS 1.3.
async fn demanding(security: FtpSecurity) -> FtpServer {
    start(security, |builder| {
        builder
            .with_session_reuse_required(true)
            .with_tls13_tickets(false)
    })
    .await
}

fn version(session: &dyn ftp_connect_core::Session) -> &str {
    let tls = session.report().tls.as_ref().expect("TLS is reported");
    &tls.version
}
