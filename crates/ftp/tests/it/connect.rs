//! What keeps a session from standing, each with its own kind of error.

use ftp_connect_core::{Encryption, Error, ErrorKind, Operation};

use crate::script::{
    Pretended, QUIT, connect, connect_secured, leave, login, params, peer, secured_login, transport,
};

/// Connects to a server that plays `script` and gives the error; the script must end as it says.
async fn refused(script: &str, encryption: Encryption, pretended: Pretended) -> Error {
    let peer = peer(script).await;
    let result = match encryption {
        Encryption::None => connect(&peer).await,
        _ => connect_secured(&peer, encryption, pretended).await,
    };
    let error = result.expect_err("the server refuses");
    if let Err(error) = peer.finish().await {
        panic!("{error}");
    }
    assert!(!format!("{error:?}").contains("pw"), "{error:?}");
    error
}

async fn check(script: &str, encryption: Encryption, expected: ErrorKind) {
    let error = refused(script, encryption, Pretended::default()).await;
    assert_eq!(error.kind(), &expected, "{error:?}");
    assert!(error.hint().is_some(), "{error:?}");
}

#[tokio::test]
async fn a_greeting_that_turns_away() {
    check(
        "S: 421 Too many connections\nend",
        Encryption::None,
        ErrorKind::TooManyConnections,
    )
    .await;
    check(
        "S: 421 going down\nclose",
        Encryption::ExplicitTls,
        ErrorKind::TooManyConnections,
    )
    .await;
}

#[tokio::test]
async fn a_slow_greeting_of_many_lines() {
    let script = login("SIZE").replace(
        "S: 220 hello",
        "S: 120 soon\nslow\nS: 220-hello\nS: 220-\nS: 220 there\nfast",
    );
    let peer = peer(&format!("{script}{QUIT}")).await;
    let session = connect(&peer).await.unwrap();
    assert_eq!(session.report().banner, "hello\n\nthere");
    assert_eq!(session.report().features, ["SIZE"]);
    leave(session, peer).await;
}

#[tokio::test]
async fn refused_logins() {
    let script = "S: 220 hi\nC: USER ada\nS: 331 x\nC: PASS pw\nS: 530 Login incorrect.\nend";
    let error = refused(script, Encryption::None, Pretended::default()).await;
    assert_eq!(error.kind(), &ErrorKind::LoginRefused);
    assert_eq!(error.operation(), Some(Operation::Login));
    check(
        "S: 220 hi\nC: USER ada\nS: 530 Non-anonymous sessions must use encryption.\nclose",
        Encryption::None,
        ErrorKind::TlsRequired,
    )
    .await;
    check(
        "S: 220 hi\nC: USER ada\nS: 331 x\nC: PASS pw\nS: 530 too many users\nend",
        Encryption::None,
        ErrorKind::TooManyConnections,
    )
    .await;
}

#[tokio::test]
async fn without_tls_no_name_is_sent() {
    check(
        "S: 220 hi\nC: AUTH TLS\nS: 502 what\nC: AUTH SSL\nS: 502 what\nend",
        Encryption::ExplicitTls,
        ErrorKind::TlsNotOffered,
    )
    .await;
}

#[tokio::test]
async fn bytes_in_the_clear_before_tls() {
    for injected in ["220 injected\\r\\n", "2", "\\n"] {
        check(
            &format!("S: 220 hi\nC: AUTH TLS\nS! 234 go\\r\\n{injected}\nend"),
            Encryption::ExplicitTls,
            ErrorKind::PlaintextBeforeTls,
        )
        .await;
    }
}

#[tokio::test]
async fn a_port_of_the_other_kind() {
    let handshake = Pretended {
        handshake: true,
        ..Pretended::default()
    };
    let error = refused("S: 220 hi\nend", Encryption::ImplicitTls, handshake).await;
    assert_eq!(error.kind(), &ErrorKind::PlaintextOnTlsPort, "{error:?}");
    check(
        "S! \\x15\\x03\\x01\\0\\x02\\x02\\x46\nend",
        Encryption::None,
        ErrorKind::TlsOnPlaintextPort,
    )
    .await;
    // A server that waits for TLS says nothing, until it is told something that is not TLS.
    for answer in [
        "S! \\x15\\x03\\x01\\0\\x02\\x02\\x46",
        "S: 500 OOPS: error:0A00010B:SSL routines::wrong version number",
        "S: 421 TLS handshake failed",
    ] {
        check(
            &format!("C: NOOP\n{answer}\nend"),
            Encryption::None,
            ErrorKind::TlsOnPlaintextPort,
        )
        .await;
    }
    check("C: NOOP\nend", Encryption::None, ErrorKind::TimedOut).await;
    check("close", Encryption::None, ErrorKind::Closed).await;
    let error = refused("S: SSH-2.0-x\nend", Encryption::None, Pretended::default()).await;
    assert_eq!(error.kind(), &ErrorKind::Protocol);
}

#[tokio::test]
async fn data_that_cannot_be_private() {
    let script = "S: 220 hi\nC: AUTH TLS\nS: 234 go\nC: USER ada\nS: 230 in\nC: PBSZ 0\nS: 200 x\n\
                  C: PROT P\nS: 534 no\nend";
    let error = refused(script, Encryption::ExplicitTls, Pretended::default()).await;
    assert_eq!(error.kind(), &ErrorKind::TlsNotOffered);
}

#[tokio::test]
async fn explicit_and_implicit_tls() {
    let script = secured_login("SIZE") + QUIT;
    let explicit = peer(&script).await;
    let session = connect_secured(&explicit, Encryption::ExplicitTls, Pretended::default())
        .await
        .unwrap();
    assert_eq!(session.report().tls.as_ref().unwrap().version, "pretended");
    let steps = &session.report().timings.steps;
    let steps: Vec<_> = steps.iter().map(|step| step.name).collect();
    assert_eq!(
        steps,
        [
            "resolve", "tcp", "greeting", "auth", "tls", "login", "setup"
        ]
    );
    leave(session, explicit).await;

    let implicit = peer(&script.replace("C: AUTH TLS\nS: 234 go\n", "")).await;
    let session = connect_secured(&implicit, Encryption::ImplicitTls, Pretended::default())
        .await
        .unwrap();
    assert!(session.report().tls.is_some());
    leave(session, implicit).await;
}

#[tokio::test]
async fn encryption_and_backend_must_agree() {
    let peer = peer("S: 220 hi\nend").await;
    for (encryption, secured) in [
        (Encryption::None, true),
        (Encryption::ExplicitTls, false),
        (Encryption::ImplicitTls, false),
        (Encryption::SshPassword, true),
    ] {
        let params = params(&peer).with_encryption(encryption);
        let security = secured.then(|| Box::new(Pretended::default()) as Box<_>);
        let result = ftp_connect_ftp::connect(&params, transport(), security).await;
        assert_eq!(result.unwrap_err().kind(), &ErrorKind::InvalidParameter);
    }
}

#[tokio::test]
async fn a_name_that_would_be_two_commands() {
    let peer = peer("S: 220 hi\nend").await;
    for params in [
        params(&peer).with_username("ada\r\nDELE x"),
        params(&peer).with_password("p\nDELE x".to_owned()),
    ] {
        let result = ftp_connect_ftp::connect(&params, transport(), None).await;
        assert_eq!(result.unwrap_err().kind(), &ErrorKind::InvalidParameter);
    }
}
