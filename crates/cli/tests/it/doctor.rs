//! `doctor`: what it prints, as text and as JSON, and its exit status.

use ftp_connect_testkit::{
    Embedded,
    ftp::{FtpFault, FtpSecurity, FtpServer},
};

use crate::program::Call;

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_server_gives_three_forms_of_parameters() {
    let all = Embedded::start().await.unwrap();
    let ca = all.ca.pem_file().to_str().unwrap();
    let url = format!("ftpes://{}@{}", all.explicit.user(), all.explicit.addr());
    let call = |more: &[&str]| {
        let arguments = ["doctor", &url, "--ca-file", ca];
        let call = Call::new(arguments.iter().chain(more));
        call.env("FTP_CONNECT_PASSWORD", all.explicit.password())
            .run()
    };
    let said = call(&[]).well();
    for part in [
        "ok   login             as tester",
        "ok   data by EPSV      works",
        "\nIt works. As a command line:\n\nftp-connect ls 'ftpes://tester;",
        "\nAs a file for --params:\n\nServer: 127.0.0.1\n",
        "\nAs Rust code:\n\nlet params = ConnectParams::new(\"127.0.0.1\")?\n",
    ] {
        assert!(said.stdout.contains(part), "{part:?} in {said:#?}");
    }
    assert!(!said.stdout.contains(all.explicit.password()), "{said:#?}");

    let document = call(&["--json"]).well().json();
    assert_eq!(document["cause"], serde_json::Value::Null);
    assert_eq!(document["findings"][0]["check"], "name");
    assert!(
        document["works"]["text"]
            .as_str()
            .unwrap()
            .contains("CA File: ")
    );
    // What works does work: the file is taken as it is.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("params");
    std::fs::write(&file, document["works"]["text"].as_str().unwrap()).unwrap();
    Call::new(["ls", "--params", file.to_str().unwrap()])
        .env("FTP_CONNECT_PASSWORD", all.explicit.password())
        .run()
        .well();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sick_server_gives_the_cause() {
    let server = FtpServer::builder(FtpSecurity::Plain).with_fault(FtpFault::Full);
    let server = server.start().await.unwrap();
    let url = format!("ftp://{}", server.addr());
    let said = Call::new(["doctor", "--json", &url]).run();
    let document = said.badly(1, "greeting: 421").json();
    assert_eq!(document["cause"], "too-many-connections");
    assert_eq!(document["works"], serde_json::Value::Null);

    let server = FtpServer::builder(FtpSecurity::Plain)
        .start()
        .await
        .unwrap();
    let url = format!("ftp://{}@{}", server.user(), server.addr());
    let call = |more: &[&str]| {
        Call::new(["doctor", url.as_str()].iter().chain(more))
            .env("FTP_CONNECT_PASSWORD", server.password())
            .run()
    };
    call(&[]).badly(1, "the password would go in the clear");
    assert_eq!(server.login_attempts(), 0);
    call(&["--danger-clear-login"]).well();
    assert!(server.login_attempts() > 0);
}
