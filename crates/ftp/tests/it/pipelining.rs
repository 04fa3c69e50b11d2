//! Logins whose commands go out together, and servers that do not bear that.

use ftp_connect_core::params::Pipelining;
use ftp_connect_core::{ConnectParams, ErrorKind, Session};
use ftp_connect_testkit::peer::Peer;

use crate::script::{QUIT, connect_with, leave, login, params, path, peer};

/// What goes along with the password or comes right behind it.
const FLIGHT: &str = "C: PASS pw\nC: FEAT\nC: OPTS UTF8 ON\nC: TYPE I\nC: PWD\n";
const ANSWERS: &str =
    "S: 230 in\nS: 211-x\nS:  SIZE\nS: 211 end\nS: 501 what\nS: 200 ok\nS: 257 \"/\"\n";

fn always(peer: &Peer) -> ConnectParams {
    params(peer).with_pipelining(Pipelining::On)
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
         {greeting}C: USER ada\n{FLIGHT}S: 331 go on\n{ANSWERS}{IN_STEP}{QUIT}"
    );
    let peer = peer(&script).await;
    let mut session = connect_with(&params(&peer)).await.unwrap();
    let profile = session.profile().unwrap();
    assert_eq!(profile.pipelining, Some(true));
    assert_eq!(profile.clear_login, Some(true));
    session.remove_file(&path("f")).await.unwrap();
    session.close().await.unwrap();

    // This server has let a password in without TLS before, so that it need not be asked again.
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
