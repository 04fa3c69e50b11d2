//! Logins whose commands go out together, and servers that do not bear that.

use std::time::Duration;

use ftp_connect_core::params::Pipelining;
use ftp_connect_core::{
    ConnectParams, Encryption, ErrorKind, HostProfile, ListOptions, ReadOptions, Session,
    SessionExt as _, WriteOptions,
};
use ftp_connect_testkit::peer::Peer;
use tokio::time::timeout;

use crate::script::{
    Pretended, QUIT, connect_secured, connect_with, leave, login, params, path, peer,
};

/// What goes along with the password or comes right behind it.
const FLIGHT: &str = "C: PASS pw\nC: PWD\nC: FEAT\nC: OPTS UTF8 ON\nC: TYPE I\n";
const ANSWERS: &str =
    "S: 230 in\nS: 257 \"/\"\nS: 211-x\nS:  SIZE\nS: 211 end\nS: 501 what\nS: 200 ok\n";

fn always(peer: &Peer) -> ConnectParams {
    params(peer).with_pipelining(Pipelining::On)
}

/// The same with vsftpd over explicit TLS.
const SECURED: &str = "S: 220 (vsFTPd 3.0.3)\nC: AUTH TLS\nS: 234 go\nC: USER ada\nC: PASS pw\nC: PBSZ 0\nC: PROT P\n\
    C: PWD\nC: FEAT\nC: OPTS UTF8 ON\nC: TYPE I\nS: 331 x\nS: 230 in\nS: 200 ok\nS: 200 ok\n\
    S: 257 \"/\"\nS: 211-x\nS:  SIZE\nS: 211 end\nS: 501 what\nS: 200 ok\n";

/// A port that nobody connects to.
const VAIN: &str = "S: 229 ok (|||9|)\n";

/// Parameters with what an earlier session has found out about the server.
fn known(params: ConnectParams) -> ConnectParams {
    let mut profile = HostProfile::new(params.server().clone(), params.port());
    profile.pipelining = Some(true);
    profile.clear_login = Some(true);
    params.with_profile(profile)
}

/// Something is asked, so that an answer too many or too few would be seen.
async fn check_in_step(mut session: Box<dyn Session>, peer: Peer) {
    session.remove_file(&path("f")).await.unwrap();
    leave(session, peer).await;
}

const IN_STEP: &str = "C: DELE f\nS: 250 gone\n";

#[tokio::test]
async fn a_known_greeting_and_a_known_server_save_round_trips() {
    let greeting = "S: 220 (vsFTPd 3.0.3)\n";
    let script = format!(
        "{greeting}C: USER ada\nS: 331 go on\n{FLIGHT}{ANSWERS}{IN_STEP}{QUIT}accept\n\
         C: USER ada\n{FLIGHT}{greeting}S: 331 go on\n{ANSWERS}{IN_STEP}{QUIT}"
    );
    let peer = peer(&script).await;
    let mut session = connect_with(&params(&peer)).await.unwrap();
    let profile = session.profile().unwrap();
    assert_eq!(profile.pipelining, Some(true));
    assert_eq!(profile.clear_login, Some(true));
    session.remove_file(&path("f")).await.unwrap();
    session.close().await.unwrap();

    // This server has let a password in without TLS before, so that it need not be asked again, nor be heard first.
    let again = params(&peer).with_profile(profile);
    check_in_step(connect_with(&again).await.unwrap(), peer).await;
}

#[tokio::test]
async fn a_server_that_loses_commands_is_asked_one_by_one() {
    // It reads one line of each packet, closes, or takes all of it for one command.
    for loses in [
        "S: 331 go on\nend",
        "S: 331 go on\nclose",
        "reset",
        "S: 500 'USER adaPASS pwFEAT': what?\nend",
    ] {
        let script = format!(
            "S: 220 hello\nC: USER ada\n{FLIGHT}{loses}\naccept\n{}{IN_STEP}{QUIT}",
            login("SIZE")
        );
        let peer = peer(&script).await;
        let session = connect_with(&always(&peer)).await.unwrap();
        let profile = session.profile().unwrap();
        assert_eq!(profile.pipelining, Some(false), "{loses}");
        check_in_step(session, peer).await;
    }
}

#[tokio::test]
async fn a_known_server_that_has_changed_is_asked_one_by_one() {
    for loses in ["reset", "close", "S: 220 hello\nend", "S: 500 what?\nend"] {
        let script = format!(
            "C: USER ada\n{FLIGHT}{loses}\naccept\n{}{IN_STEP}{QUIT}",
            login("SIZE")
        );
        let peer = peer(&script).await;
        let session = connect_with(&known(params(&peer))).await.unwrap();
        let profile = session.profile().unwrap();
        assert_eq!(profile.pipelining, Some(false), "{loses}");
        check_in_step(session, peer).await;
    }
}

#[tokio::test]
async fn the_first_port_is_asked_for_with_the_login() {
    let begun = "S: 220 (vsFTPd 3.0.3)\nC: USER ada\nS: 331 go on\nC: PASS pw\nC: PWD\nC: EPSV\nC: FEAT\n\
                 C: OPTS UTF8 ON\nC: TYPE I\nS: 230 in\nS: 257 \"/\"\n";
    let opened = "data\nS: 229 ok (|||{port}|)\n";
    let rest = "S: 211-x\nS: 211 end\nS: 501 what\nS: 200 ok\n";
    let started = async |port: &str, script: &str| {
        let peer = peer(&format!("{begun}{port}{rest}{script}{IN_STEP}{QUIT}")).await;
        let params = params(&peer).with_data_at_once(true);
        (connect_with(&params).await.unwrap(), peer)
    };
    let file = "C: RETR f\nS: 150 go\nD> content\ndata-close\nS: 226 done\n";
    let (mut session, peer) = started(opened, file).await;
    let content = session.read_to_vec(&path("f"), 100).await.unwrap();
    assert_eq!(content, b"content");
    check_in_step(session, peer).await;

    // A folder that has to be entered is, with the port.
    let listed =
        "C: LIST -a\nS: 150 go\nD> -rw-r--r-- 1 a b 3 Jan 01 2024 x\r\n\ndata-close\nS: 226 done\n";
    let entered = format!(
        "C: CWD sub\nC: EPSV\ndata\nS: 250 ok\nS: 229 ok (|||{{port}}|)\n{listed}C: CWD /\nS: 250 ok\n"
    );
    for (folder, port, script) in [("", opened, listed), ("sub", VAIN, &entered)] {
        let (mut session, peer) = started(port, script).await;
        let folder = path(folder);
        let listing = session.list(&folder, ListOptions::default());
        listing.await.unwrap().finish().await.unwrap();
        check_in_step(session, peer).await;
    }

    // It cannot: then another way is tried.
    let by_pasv = format!("C: PASV\ndata\nS: 227 ok ({{pasv}})\n{file}");
    let (mut session, peer) = started("S: 500 what?\n", &by_pasv).await;
    session.read_to_vec(&path("f"), 100).await.unwrap();
    check_in_step(session, peer).await;

    // Something else comes first, or nothing.
    let later = format!("C: DELE g\nS: 250 gone\nC: EPSV\n{opened}{file}");
    let (mut session, peer) = started(VAIN, &later).await;
    session.remove_file(&path("g")).await.unwrap();
    session.read_to_vec(&path("f"), 100).await.unwrap();
    check_in_step(session, peer).await;
    let peer = self::peer(&format!("{begun}{VAIN}{rest}{QUIT}")).await;
    let params = params(&peer).with_data_at_once(true);
    leave(connect_with(&params).await.unwrap(), peer).await;
}

#[tokio::test]
async fn a_refused_password_is_not_tried_again() {
    for refusal in ["530 Login incorrect.", "421 too many connections"] {
        let script =
            format!("S: 220 hello\nC: USER ada\n{FLIGHT}S: 331 go on\nS: {refusal}\nend\n");
        let peer = peer(&script).await;
        let error = connect_with(&always(&peer)).await.unwrap_err();
        let expected = [ErrorKind::LoginRefused, ErrorKind::TooManyConnections];
        assert!(expected.contains(error.kind()), "{error:?}");
        peer.finish().await.unwrap();
    }
}

#[tokio::test]
async fn the_last_answers_of_a_known_server_are_not_waited_for() {
    let begun = format!(
        "S: 220 (vsFTPd 3.0.3)\nC: USER ada\nS: 331 go on\n{FLIGHT}S: 230 in\nS: 257 \"/\"\nS: 211-x\nS: 211 end\n"
    );
    let started = async |script: &str| {
        let peer = peer(&format!("{begun}{script}{QUIT}")).await;
        (connect_with(&params(&peer)).await.unwrap(), peer)
    };
    // They come after the next command, between others, or when the client leaves.
    let (session, peer) = started("C: DELE f\nS: 501 what\nS: 200 ok\nS: 250 gone\n").await;
    check_in_step(session, peer).await;
    let file = "C: EPSV\nS: 501 what\nS: 200 ok\ndata\nS: 229 ok (|||{port}|)\nC: RETR f\nS: 150 go\nD> content\n\
                data-close\nS: 226 done\n";
    let (mut session, peer) = started(&format!("{file}{IN_STEP}")).await;
    let content = session.read_to_vec(&path("f"), 100).await.unwrap();
    assert_eq!(content, b"content");
    check_in_step(session, peer).await;
    let peer = self::peer(&format!(
        "{begun}C: QUIT\nS: 501 what\nS: 200 ok\nS: 221 bye\nend\n"
    ))
    .await;
    let session = connect_with(&params(&peer)).await.unwrap();
    leave(session, peer).await;

    // An operation that is dropped meanwhile leaves them to the next one.
    let dropped = "C: DELE g\nS: 501 what\npause 200ms\nS: 200 ok\nS: 250 gone\n";
    let (mut session, peer) = started(&format!("{dropped}{IN_STEP}")).await;
    let waited = timeout(Duration::from_millis(100), session.remove_file(&path("g"))).await;
    assert!(waited.is_err());
    check_in_step(session, peer).await;

    // A server that has no binary type is of no use, and says so now.
    let peer = self::peer(&format!("{begun}C: DELE f\nS: 501 what\nS: 504 not that\n")).await;
    let mut session = connect_with(&params(&peer)).await.unwrap();
    let error = session.remove_file(&path("f")).await.unwrap_err();
    assert_eq!(error.reply().map(|reply| reply.code), Some(504));
    let error = session.remove_file(&path("f")).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Closed);
}

#[tokio::test]
async fn vsftpd_takes_the_handshake_at_once_and_the_end_beforehand() {
    let speaks = Pretended {
        speaks: true,
        ..Pretended::default()
    };
    let connected = async |script: &str| {
        let peer = peer(&format!(
            "{SECURED}C: EPSV\ndata\nS: 229 ok (|||{{port}}|)\n{script}{IN_STEP}{QUIT}"
        ))
        .await;
        let session = connect_secured(&peer, Encryption::ExplicitTls, speaks).await;
        (session.unwrap(), peer)
    };
    // The handshake comes before the answer, and the end of the client's side before the content.
    let (mut session, peer) = connected(
        "C: RETR f\nD< hello\nS: 150 go\nD> hi\nD< bye\nD> content\ndata-close\nS: 226 done\n",
    )
    .await;
    let content = session.read_to_vec(&path("f"), 100).await.unwrap();
    assert_eq!(content, b"content");
    check_in_step(session, peer).await;

    let (mut session, peer) = connected("C: RETR f\nD< hello\nS: 550 no such file\n").await;
    let error = session.read_to_vec(&path("f"), 100).await.unwrap_err();
    assert_eq!(error.reply().map(|reply| reply.code), Some(550));
    check_in_step(session, peer).await;

    // An upload ends when it has ended.
    let (mut session, peer) =
        connected("C: STOR f\nD< hello\nS: 150 go\nD> hi\nD< contentbye\ndata-end\nS: 226 done\nC: SIZE f\nS: 213 7\n")
            .await;
    let options = WriteOptions::default();
    session
        .write_all(&path("f"), b"content", options)
        .await
        .unwrap();
    check_in_step(session, peer).await;
}

#[tokio::test]
async fn pure_ftpd_takes_the_handshake_at_once() {
    let login = SECURED.replace("(vsFTPd 3.0.3)", "Welcome to Pure-FTPd");
    let script = format!(
        "{login}C: EPSV\ndata\nS: 229 ok (|||{{port}}|)\nC: RETR f\nD< hello\nS: 150 go\nD> hi\n\
         D> content\ndata-close\nS: 226 done\n{IN_STEP}{QUIT}"
    );
    let speaks = Pretended {
        speaks: true,
        ..Pretended::default()
    };
    let peer = peer(&script).await;
    let session = connect_secured(&peer, Encryption::ExplicitTls, speaks).await;
    let mut session = session.unwrap();
    let content = session.read_to_vec(&path("f"), 100).await.unwrap();
    assert_eq!(content, b"content");
    check_in_step(session, peer).await;
}

#[tokio::test]
async fn vsftpd_is_asked_for_a_file_when_it_has_taken_the_offset() {
    let script = format!(
        "S: 220 (vsFTPd 3.0.3)\nC: USER ada\nS: 331 go on\n{FLIGHT}{ANSWERS}\
         C: EPSV\ndata\nS: 229 ok (|||{{port}}|)\nC: REST 3\npause 50ms\nS: 350 ok\nC: RETR f\nS: 150 go\nD> tent\n\
         data-close\nS: 226 done\n{IN_STEP}{QUIT}"
    );
    let peer = peer(&script).await;
    let mut session = connect_with(&params(&peer)).await.unwrap();
    let options = ReadOptions::default().with_offset(3);
    let mut body = session.read(&path("f"), options).await.unwrap();
    let mut content = [0; 10];
    assert_eq!(body.read(&mut content).await.unwrap(), 4);
    assert_eq!(body.read(&mut content).await.unwrap(), 0);
    body.finish().await.unwrap();
    check_in_step(session, peer).await;
}

/// Plays a session that connects, does something and leaves; its round trips on the control connection.
async fn round_trips(script: &str, params: impl Fn(ConnectParams) -> ConnectParams) -> usize {
    let peer = peer(&format!("{script}{QUIT}")).await;
    let params = params(self::params(&peer));
    let mut session = match params.encryption() {
        Encryption::None => connect_with(&params).await.unwrap(),
        encryption => connect_secured(&peer, encryption, Pretended::default())
            .await
            .unwrap(),
    };
    if script.contains("EPSV") {
        let mut body = session.read(&path("f"), Default::default()).await.unwrap();
        while body.read(&mut [0; 64]).await.unwrap() > 0 {}
        body.finish().await.unwrap();
    }
    session.close().await.unwrap();
    peer.finish().await.unwrap().round_trips()
}

/// TCP and TLS have theirs beside these; the answer to QUIT, counted here, is not waited for.
#[tokio::test]
async fn every_round_trip_is_accounted_for() {
    let greeted = format!("S: 220 (vsFTPd 3.0.3)\nC: USER ada\nS: 331 go on\n{FLIGHT}{ANSWERS}");
    let at_once = format!("C: USER ada\n{FLIGHT}S: 220 hello\nS: 331 go on\n{ANSWERS}");
    let file = "C: EPSV\ndata\nS: 229 ok (|||{port}|)\nC: RETR f\nS: 150 go\nD> content\ndata-close\nS: 226 done\n";
    let same = |params: ConnectParams| params;
    assert_eq!(round_trips(&login("SIZE"), same).await, 5 + 1);
    assert_eq!(round_trips(&greeted, same).await, 2 + 1);
    assert_eq!(round_trips(&at_once, known).await, 1 + 1);
    let explicit = |params: ConnectParams| params.with_encryption(Encryption::ExplicitTls);
    assert_eq!(round_trips(SECURED, explicit).await, 2 + 1);
    let with_file = format!("{at_once}{file}");
    assert_eq!(round_trips(&with_file, known).await, 1 + 2 + 1);
}
