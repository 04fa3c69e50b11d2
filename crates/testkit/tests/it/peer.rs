//! The scripted peer, tested with raw sockets.

use std::time::{Duration, Instant};

use ftp_connect_testkit::ca::{CertificateRequest, ServerCertificate, TestCa, TlsVersions};
use ftp_connect_testkit::peer::{Leave, Peer, Script, Side};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;

use crate::raw::{Raw, localhost};

async fn play(script: &str) -> Peer {
    Script::parse(script).unwrap().start().await.unwrap()
}

fn certificate() -> ServerCertificate {
    TestCa::new()
        .unwrap()
        .issue(&CertificateRequest::default())
        .unwrap()
}

#[tokio::test]
async fn a_conversation_as_written_is_recorded_and_counted() {
    let peer = play("S: 220 hi\nC: USER x\nS: 331\nC~ PASS *\nS: 230\nC! \\x00\\xffend\nend").await;
    let mut raw = Raw::connect(peer.addr()).await;
    assert_eq!(raw.line().await, "220 hi");
    raw.command("USER x", "331").await;
    raw.command("PASS secret", "230").await;
    drop(raw);
    let mut other = play("C! \\x00\\xffend\nend").await;
    let mut tcp = TcpStream::connect(other.addr()).await.unwrap();
    tcp.write_all(b"\x00\xffend").await.unwrap();
    drop(tcp);
    assert_eq!(other.finish().await.unwrap().received(), b"\x00\xffend");

    // The first peer was left early: it says so.
    let error = peer.finish().await.unwrap_err();
    assert_eq!((error.step(), error.seen()), (6, "the client closed"));
    assert_eq!(error.transcript().round_trips(), 2);
    assert_eq!(error.transcript().direction_switches(), 4);
    other = play("end").await;
    drop(TcpStream::connect(other.addr()).await.unwrap());
    other.finish().await.unwrap();
}

#[tokio::test]
async fn a_wrong_line_is_shown_beside_the_expected_one() {
    let peer = play("S: 220 hi\nC: USER x\nS: 331").await;
    let mut raw = Raw::connect(peer.addr()).await;
    raw.line().await;
    raw.send("QUIT\r\n").await;
    let error = peer.finish().await.unwrap_err();
    assert_eq!(error.step(), 2);
    let text = error.to_string();
    for part in [
        "S: 220 hi",
        "C: QUIT",
        "expected `USER x`",
        r"seen `QUIT\r\n`",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
}

#[tokio::test]
async fn a_bare_line_feed_is_no_line_end() {
    let peer = play("C: NOOP").await;
    let mut tcp = TcpStream::connect(peer.addr()).await.unwrap();
    tcp.write_all(b"NOOP\n").await.unwrap();
    assert_eq!(peer.finish().await.unwrap_err().seen(), r"`NOOP\n`");
}

#[tokio::test]
async fn two_commands_in_one_flight_are_one_round_trip() {
    let peer = play("C: A\nC: B\nS: 1\nS: 2\nend").await;
    let mut raw = Raw::connect(peer.addr()).await;
    raw.send("A\r\nB\r\n").await;
    assert_eq!(
        (raw.line().await, raw.line().await),
        ("1".to_owned(), "2".to_owned())
    );
    drop(raw);
    assert_eq!(peer.finish().await.unwrap().round_trips(), 1);
}

#[tokio::test]
async fn a_client_that_waits_where_the_script_does_not_meets_the_deadline() {
    let script = Script::parse("C: A\nC: B\nS: 1").unwrap();
    let peer = script
        .with_deadline(Duration::from_millis(200))
        .start()
        .await
        .unwrap();
    let mut raw = Raw::connect(peer.addr()).await;
    raw.send("A\r\nB").await;
    let error = peer.finish().await.unwrap_err();
    assert_eq!(error.step(), 2);
    assert!(error.seen().starts_with("only `B` within"), "{error}");
    assert!(raw.at_end().await);
}

#[tokio::test]
async fn a_passive_data_connection_goes_both_ways() {
    let script = "
        data
        S: 227 here ({pasv}) or |||{port}|
        D> some \\x01 data
        D< more
        data-end
        data-close
        S: 226
        end";
    let peer = play(script).await;
    let mut raw = Raw::connect(peer.addr()).await;
    let reply = raw.line().await;
    let port: u16 = reply.split('|').nth(3).unwrap().parse().unwrap();
    let numbers = format!("(127,0,0,1,{},{})", port / 256, port % 256);
    assert!(reply.contains(&numbers), "{reply}");
    let mut data = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let mut content = [0; 11];
    data.read_exact(&mut content).await.unwrap();
    assert_eq!(&content, b"some \x01 data");
    data.write_all(b"more").await.unwrap();
    data.shutdown().await.unwrap();
    assert_eq!(raw.line().await, "226");
    drop(raw);
    let transcript = peer.finish().await.unwrap();
    assert_eq!(transcript.received_data(), b"more");
    assert!(
        transcript
            .events()
            .iter()
            .any(|event| event.side == Side::ServerData)
    );
}

#[tokio::test]
async fn wrong_data_is_told_with_its_place() {
    let peer = play("data\nS: {port}\nD< abcdef").await;
    let mut raw = Raw::connect(peer.addr()).await;
    let port: u16 = raw.line().await.parse().unwrap();
    let mut data = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    data.write_all(b"abXdef").await.unwrap();
    let error = peer.finish().await.unwrap_err();
    assert_eq!(error.seen(), "6 bytes that differ from byte 2 on");
}

#[tokio::test]
async fn an_active_data_connection_goes_to_the_address_in_the_command() {
    for eprt in [false, true] {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (script, command) = if eprt {
            (
                "C~ EPRT *\nconnect\nD> x\ndata-cut",
                format!("EPRT |1|127.0.0.1|{port}|\r\n"),
            )
        } else {
            let numbers = format!("127,0,0,1,{},{}", port / 256, port % 256);
            (
                "C~ PORT *\nconnect\nD> x\ndata-cut",
                format!("PORT {numbers}\r\n"),
            )
        };
        let peer = play(script).await;
        let mut raw = Raw::connect(peer.addr()).await;
        raw.send(&command).await;
        let (mut data, _) = listener.accept().await.unwrap();
        let mut content = String::new();
        data.read_to_string(&mut content).await.unwrap();
        assert_eq!(content, "x");
        peer.finish().await.unwrap();
    }
}

#[tokio::test]
async fn a_reset_is_seen_as_one() {
    let peer = play("S: 220\nC: A\nreset").await;
    let mut tcp = TcpStream::connect(peer.addr()).await.unwrap();
    tcp.write_all(b"A\r\n").await.unwrap();
    let error = tcp.read_to_end(&mut Vec::new()).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    peer.finish().await.unwrap();
}

#[tokio::test]
async fn tls_begins_where_the_script_says() {
    let certificate = certificate();
    let config = certificate.client_config(TlsVersions::Both).unwrap();
    let script = "S: 220\nC: AUTH TLS\nS: 234\ntls\nC: NOOP\nS: 200\nend";
    let peer = Script::parse(script).unwrap();
    let peer = peer.with_certificate(&certificate).start().await.unwrap();
    let mut raw = Raw::connect(peer.addr()).await;
    raw.line().await;
    raw.command("AUTH TLS", "234").await;
    raw.secure(config).await;
    raw.command("NOOP", "200").await;
    drop(raw);
    peer.finish().await.unwrap();
}

#[tokio::test]
async fn a_tls_step_without_a_certificate_is_refused_at_the_start() {
    let error = Script::new().start_tls().start().await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
}

#[tokio::test]
async fn tls_data_cut_without_close_notify_is_told_from_a_proper_end() {
    let certificate = certificate();
    let config = certificate.client_config(TlsVersions::Both).unwrap();
    for (leave, proper) in [(Leave::Close, true), (Leave::Cut, false)] {
        let script = Script::new()
            .listen_data(true)
            .send_line("{port}")
            .send_data("x");
        let script = script.leave_data(leave).with_certificate(&certificate);
        let peer = script.start().await.unwrap();
        let mut raw = Raw::connect(peer.addr()).await;
        let port: u16 = raw.line().await.parse().unwrap();
        let tcp = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let connector = TlsConnector::from(config.clone());
        let mut data = connector.connect(localhost(), tcp).await.unwrap();
        let mut content = Vec::new();
        let outcome = data.read_to_end(&mut content).await;
        assert_eq!(
            (content.as_slice(), outcome.is_ok()),
            (b"x".as_slice(), proper)
        );
        peer.finish().await.unwrap();
    }
}

#[tokio::test]
async fn an_upload_under_tls_must_end_with_close_notify() {
    let certificate = certificate();
    let config = certificate.client_config(TlsVersions::Both).unwrap();
    for proper in [true, false] {
        let script = Script::parse("data tls\nS: {port}\nD< up\ndata-end").unwrap();
        let peer = script.with_certificate(&certificate).start().await.unwrap();
        let mut raw = Raw::connect(peer.addr()).await;
        let port: u16 = raw.line().await.parse().unwrap();
        let tcp = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let connector = TlsConnector::from(config.clone());
        let mut data = connector.connect(localhost(), tcp).await.unwrap();
        data.write_all(b"up").await.unwrap();
        data.flush().await.unwrap();
        if proper {
            data.shutdown().await.unwrap();
        } else {
            data.get_mut().0.shutdown().await.unwrap();
        }
        assert_eq!(peer.finish().await.is_ok(), proper);
    }
}

#[tokio::test]
async fn one_byte_at_a_time_arrives_whole_and_slowly() {
    let peer = play("slow\nS: 220 slow\nfast\nS: 220 fast\npause 100ms\nS: 220 late").await;
    let mut tcp = TcpStream::connect(peer.addr()).await.unwrap();
    let started = Instant::now();
    let mut reads = Vec::new();
    let mut piece = [0; 64];
    loop {
        let count = tcp.read(&mut piece).await.unwrap();
        if count == 0 {
            break;
        }
        reads.push(piece[..count].to_vec());
    }
    assert_eq!(reads.concat(), b"220 slow\r\n220 fast\r\n220 late\r\n");
    assert!(reads.len() > 3, "{reads:?}");
    assert!(started.elapsed() >= Duration::from_millis(100));
    peer.finish().await.unwrap();
}

#[tokio::test]
async fn a_second_connection_is_accepted_when_asked_for() {
    let peer = play("S: 421 busy\nclose\naccept\nS: 220 now\nend").await;
    let mut first = Raw::connect(peer.addr()).await;
    assert_eq!(first.line().await, "421 busy");
    assert!(first.at_end().await);
    let mut second = Raw::connect(peer.addr()).await;
    assert_eq!(second.line().await, "220 now");
    drop(second);
    peer.finish().await.unwrap();
}
