//! Servers that are well: every step is good, and what comes out is what went in.

use ftp_connect_core::Encryption;
use ftp_connect_core::params::TlsTrust;
use ftp_connect_doctor::{Cause, Check, ExamineOptions, Verdict};
use ftp_connect_testkit::Embedded;

use crate::sick::{check, diagnose, finding, params};

#[tokio::test(flavor = "multi_thread")]
async fn the_parameters_of_a_healthy_server_come_out_as_they_went_in() {
    let all = Embedded::start().await.unwrap();
    for server in [&all.plain, &all.explicit, &all.implicit] {
        std::fs::write(server.root().join("a.txt"), "hello").unwrap();
    }
    let ca = all.ca.pem_file().to_string_lossy().into_owned();
    let trust = TlsTrust::default().with_ca_file(ca);
    let options = ExamineOptions::default();
    for (addr, encryption) in [
        (all.explicit.addr(), Encryption::ExplicitTls),
        (all.explicit.addr(), Encryption::ExplicitTlsReuse),
        (all.implicit.addr(), Encryption::ImplicitTls),
    ] {
        let params = params(addr, encryption).with_tls(trust.clone());
        let diagnosis = diagnose(&params, &options).await;
        assert!(diagnosis.is_well(), "{diagnosis:#?}");
        assert_eq!(diagnosis.cause(), None, "{diagnosis:#?}");
        assert_eq!(diagnosis.works(), Some(&params.without_secrets()));
        let versions = finding(&diagnosis, Check::TlsVersions);
        assert_eq!(versions.summary, "TLSv1.2, TLSv1.3");
        let reuse = finding(&diagnosis, Check::SessionReuse);
        assert_eq!(reuse.summary, "not required by the server");
        assert_eq!(finding(&diagnosis, Check::Folder).summary, "1 entry");
    }

    let known = all.sftp.host_key_sha256().parse().unwrap();
    let ssh = params(all.sftp.addr(), Encryption::SshPassword);
    let listed = ssh.clone().with_allowed_fingerprints(known);
    let diagnosis = diagnose(&listed, &options).await;
    assert!(
        diagnosis.is_well() && diagnosis.cause().is_none(),
        "{diagnosis:#?}"
    );
    let diagnosis = diagnose(&ssh, &options).await;
    let key = all.sftp.host_key_sha256();
    check(&diagnosis, Check::HostKey, Cause::HostKeyUnchecked, &key);
    assert_eq!(finding(&diagnosis, Check::HostKey).verdict, Verdict::Note);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_tls_is_offered_the_password_goes_there() {
    let all = Embedded::start().await.unwrap();
    let ca = all.ca.pem_file().to_string_lossy().into_owned();
    let params = params(all.explicit.addr(), Encryption::None)
        .with_tls(TlsTrust::default().with_ca_file(ca));
    let diagnosis = diagnose(&params, &ExamineOptions::default()).await;
    let works = diagnosis.works().expect("all is well with TLS");
    assert_eq!(works.encryption(), Encryption::ExplicitTls);
}
