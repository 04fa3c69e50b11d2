//! Who opens the data connection, on servers where not every way works.

use std::time::Duration;

use ftp_connect::{
    ConnectParams, ErrorKind, ListOptions, Mode, RemotePath, Result, Session, SessionExt as _,
    WriteOptions,
    params::{ActiveMode, PassiveAddress},
};
use ftp_connect_testkit::lab::{Lab, LabServer};

use crate::ways::params;

async fn list(session: &mut dyn Session) -> Result<Vec<String>> {
    let entries = session.list_all(&RemotePath::login_folder()).await?;
    Ok(entries
        .into_iter()
        .map(|entry| entry.name.to_string())
        .collect())
}

/// Lists, writes and reads in one session.
async fn transfers(params: &ConnectParams, name: &str) -> Result<()> {
    let mut session = ftp_connect::connect(params).await?;
    let path = RemotePath::new(name)?;
    for round in 0..3 {
        let content = format!("{name}, round {round}");
        session
            .write_all(&path, content.as_bytes(), WriteOptions::default())
            .await?;
        assert!(list(&mut *session).await?.iter().any(|entry| entry == name));
        assert_eq!(session.read_to_vec(&path, 100).await?, content.as_bytes());
    }
    session.remove_file(&path).await?;
    session.close().await
}

/// How often the server has written these words into its log since it had `before` bytes.
fn logged_since(server: &LabServer, before: usize, words: &str) -> usize {
    server.log()[before..].matches(words).count()
}

/// Servers write their logs when they like.
async fn soon() {
    tokio::time::sleep(Duration::from_millis(300)).await;
}

#[tokio::test]
async fn without_passive_mode_passive_says_so_and_dynamic_goes_on() {
    let lab = Lab::from_env();
    for server in lab.with_trait("no-passive") {
        let params = params(&lab, server);
        let passive = params.clone().with_mode(Mode::Passive);
        let mut session = ftp_connect::connect(&passive).await.unwrap();
        let folder = RemotePath::login_folder();
        for _ in 0..2 {
            let error = session
                .list(&folder, ListOptions::default())
                .await
                .unwrap_err();
            assert_eq!(*error.kind(), ErrorKind::DataConnectionFailed, "{error:?}");
            let text = error.to_string();
            assert!(text.contains("EPSV") && text.contains("PASV"), "{text}");
            assert!(error.hint().is_some(), "{error:?}");
        }
        // The session is as good as before.
        session.keep_alive().await.unwrap();
        session.close().await.unwrap();

        let before = server.log().len();
        transfers(&params.clone().with_mode(Mode::Dynamic), "dynamic")
            .await
            .unwrap();
        soon().await;
        // Refused once, and not tried again before every transfer.
        for verb in ["\"EPSV\"", "\"PASV\""] {
            assert_eq!(logged_since(server, before, verb), 1, "{verb}");
        }
        transfers(&params.with_mode(Mode::Active), "active")
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_wrong_passive_address_does_no_harm_even_if_it_is_believed_first() {
    let lab = Lab::from_env();
    for server in lab.with_trait("wrong-passive-address") {
        let params = params(&lab, server);
        for address in [PassiveAddress::Peer, PassiveAddress::Advertised] {
            for mode in [Mode::Passive, Mode::Dynamic] {
                let before = server.log().len();
                let params = params.clone().with_passive_address(address);
                let outcome = transfers(&params.with_mode(mode), "wrong-address").await;
                outcome.unwrap_or_else(|error| panic!("{address:?} {mode}: {error:?}"));
                soon().await;
                // One for each data connection: the same reply does for the second address.
                assert_eq!(logged_since(server, before, "\"PASV\""), 9);
                assert_eq!(logged_since(server, before, "\"PORT "), 0);
            }
        }
        // What was found out is told.
        let believing = params.with_passive_address(PassiveAddress::Advertised);
        let mut session = ftp_connect::connect(&believing).await.unwrap();
        list(&mut *session).await.unwrap();
        let learnt = session.profile().expect("a profile").passive_address;
        assert_eq!(learnt, Some(PassiveAddress::Peer));
        session.close().await.unwrap();
    }
}

#[tokio::test]
async fn without_epsv_it_is_tried_once() {
    let lab = Lab::from_env();
    let server = lab.server("proftpd-no-mlsd-epsv");
    for mode in [Mode::Passive, Mode::Dynamic] {
        let before = server.log().len();
        transfers(&params(&lab, server).with_mode(mode), "no-epsv")
            .await
            .unwrap();
        soon().await;
        assert_eq!(logged_since(server, before, "\"EPSV\""), 1);
        assert!(logged_since(server, before, "\"PASV\"") > 1);
        assert_eq!(logged_since(server, before, "\"PORT "), 0);
    }
}

#[tokio::test]
async fn over_ipv6_passive_is_epsv_and_active_is_eprt() {
    let lab = Lab::from_env();
    for server in lab.with_trait("ipv6") {
        for (mode, verb, other) in [
            (Mode::Passive, "\"EPSV\"", "\"EPRT "),
            (Mode::Active, "\"EPRT |2|::1|", "\"EPSV\""),
            (Mode::Dynamic, "\"EPSV\"", "\"EPRT "),
        ] {
            let before = server.log().len();
            transfers(&params(&lab, server).with_mode(mode), "ipv6")
                .await
                .unwrap();
            soon().await;
            let context = format!("{} {mode}", server.name);
            assert!(logged_since(server, before, verb) > 0, "{context}");
            assert_eq!(logged_since(server, before, other), 0, "{context}");
            assert_eq!(logged_since(server, before, "\"PASV\""), 0, "{context}");
        }
    }
}

#[tokio::test]
async fn active_mode_listens_where_it_is_told() {
    let lab = Lab::from_env();
    // Above what the lab takes for itself, below what the system gives to whoever asks for any port.
    let (first, last) = (31_000, 31_100);
    for name in ["vsftpd-plain", "proftpd-plain"] {
        let server = lab.server(name);
        let active = ActiveMode::default()
            .with_bind("127.0.0.1".parse().unwrap())
            .with_ports(first, last);
        let params = params(&lab, server).with_mode(Mode::Active);
        let before = server.log().len();
        transfers(&params.clone().with_active(active), "ports")
            .await
            .unwrap();
        soon().await;
        let log = server.log();
        let asked: Vec<&str> = log[before..]
            .lines()
            .filter_map(|line| line.split_once("\"PORT ").map(|(_, rest)| rest))
            .collect();
        assert!(!asked.is_empty());
        for words in asked {
            let numbers: Vec<u16> = words
                .split(|c: char| !c.is_ascii_digit())
                .take(6)
                .map(|number| number.parse().unwrap())
                .collect();
            let port = numbers[4] * 256 + numbers[5];
            assert_eq!(numbers[..4], [127, 0, 0, 1], "{words}");
            assert!((first..=last).contains(&port), "{words}");
        }
        // An address that is not the client's: the server refuses to be sent elsewhere, and says so.
        let elsewhere = ActiveMode::default().with_external_address("192.0.2.1".parse().unwrap());
        let error = transfers(&params.with_active(elsewhere), "elsewhere")
            .await
            .unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::DataConnectionFailed, "{error:?}");
    }
}
