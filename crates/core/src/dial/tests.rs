//! Dialling against listeners and proxies that do exactly what a test says.

use std::num::NonZeroU16;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    task::JoinHandle,
};

use super::*;
use crate::{Retry, params::Timeouts};

fn params(server: &str, port: u16) -> ConnectParams {
    let limits = Timeouts::default().with_connect(Duration::from_secs(5));
    ConnectParams::new(server)
        .unwrap()
        .with_port(NonZeroU16::new(port))
        .with_timeouts(limits)
}

/// What a proxy waits for, and what it then answers.
type Turn<'t> = (&'t [u8], &'t [u8]);

/// A proxy that takes its turns, then stays until the client leaves (`stays`) or leaves at once. Gives
/// its address and what the client sent beyond the turns.
async fn proxy(turns: &[Turn<'_>], stays: bool) -> (SocketAddr, JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let turns: Vec<_> = turns
        .iter()
        .map(|(wanted, answer)| (wanted.to_vec(), answer.to_vec()))
        .collect();
    let played = tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        for (wanted, answer) in turns {
            let mut seen = vec![0; wanted.len()];
            client.read_exact(&mut seen).await.unwrap();
            assert_eq!(
                seen.escape_ascii().to_string(),
                wanted.escape_ascii().to_string()
            );
            client.write_all(&answer).await.unwrap();
        }
        let mut rest = Vec::new();
        if stays {
            let _ = client.read_to_end(&mut rest).await;
        }
        rest
    });
    (address, played)
}

/// Dials `server` by a proxy that takes these turns. Success gives the connection.
async fn dialled(scheme: &str, server: &str, turns: &[Turn<'_>], stays: bool) -> Result<Dialed> {
    let (address, played) = proxy(turns, stays).await;
    let url = match scheme.split_once("://") {
        Some((scheme, login)) => format!("{scheme}://{login}@{address}"),
        None => format!("{scheme}://{address}"),
    };
    let params = params(server, 2121).with_proxy(Some(url.parse().unwrap()));
    let outcome = dial(&params).await;
    if outcome.is_err() {
        assert_eq!(
            played.await.unwrap(),
            b"",
            "sent to a proxy that had said no"
        );
    }
    outcome
}

/// The proxy lets the client through, and what follows its answer in the same packet arrives.
async fn check_through(scheme: &str, server: &str, turns: &[Turn<'_>]) {
    let mut dialed = dialled(scheme, server, turns, true).await.unwrap();
    assert_eq!(dialed.peer, None);
    assert!(dialed.proxy.is_some());
    let mut greeting = [0; 8];
    dialed.stream.read_exact(&mut greeting).await.unwrap();
    assert_eq!(&greeting, b"220 hi\r\n");
}

/// The proxy's fault or refusal becomes this kind, and the words hold what a user needs.
async fn check_refused(
    scheme: &str,
    turns: &[Turn<'_>],
    kind: ErrorKind,
    words: &str,
    hint: &str,
) -> Error {
    let stays = kind != ErrorKind::ConnectFailed || !words.contains("closed");
    let error = dialled(scheme, "files.test", turns, stays)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), &kind, "{error:?}");
    assert!(error.to_string().contains(words), "{error}");
    assert!(error.hint().unwrap().contains(hint), "{error:?}");
    let shown = format!("{error} {error:?}");
    assert!(
        !shown.contains("s3cret") && !shown.contains("YWRh"),
        "{shown}"
    );
    error
}

const ASKED: &[u8] = b"\x05\x01\x00\x03\x0afiles.test\x08\x49";

#[tokio::test]
async fn socks5_reaches_names_and_addresses() {
    let granted = b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00220 hi\r\n";
    let begin: Turn<'_> = (b"\x05\x01\x00", b"\x05\x00");
    check_through("socks5", "files.test", &[begin, (ASKED, granted)]).await;
    let v4 = b"\x05\x01\x00\x01\xc0\x00\x02\x01\x08\x49";
    check_through("socks5", "192.0.2.1", &[begin, (v4, granted)]).await;
    let v6 = b"\x05\x01\x00\x04\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x08\x49";
    check_through("socks5", "2001:db8::1", &[begin, (v6, granted)]).await;
    // The address by which the proxy goes out can have any form.
    for bound in [
        &b"\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x00\x01"[..],
        b"\x03\x05proxy\x00\x01",
        b"\x03\x00\x00\x00",
    ] {
        let granted = [b"\x05\x00\x00", bound, b"220 hi\r\n"].concat();
        check_through("socks5", "files.test", &[begin, (ASKED, &granted)]).await;
    }
}

#[tokio::test]
async fn socks5_logs_in_where_it_is_asked_to() {
    let granted = b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00220 hi\r\n";
    let login: Turn<'_> = (b"\x01\x03ada\x06s3cret", b"\x01\x00");
    let begin: Turn<'_> = (b"\x05\x02\x00\x02", b"\x05\x02");
    let turns = [begin, login, (ASKED, granted)];
    check_through("socks5://ada:s3cret", "files.test", &turns).await;
    let open: Turn<'_> = (b"\x05\x02\x00\x02", b"\x05\x00");
    check_through(
        "socks5://ada:s3cret",
        "files.test",
        &[open, (ASKED, granted)],
    )
    .await;
}

#[tokio::test]
async fn socks5_refusals_say_what_to_do() {
    use ErrorKind::{ConnectFailed, ProxyRefused};
    let begin: Turn<'_> = (b"\x05\x01\x00", b"\x05\x00");
    let words = [
        (1, "failed"),
        (2, "rules"),
        (3, "network is unreachable"),
        (4, "host is unreachable"),
        (5, "connection was refused"),
        (6, "time to live"),
        (7, "command CONNECT"),
        (8, "type of address"),
        (9, "SOCKS5 reply 9"),
    ];
    for (code, words) in words {
        let (kind, hint) = match code {
            2 | 7 => (ProxyRefused, "who runs the proxy"),
            _ => (ConnectFailed, "the proxy works"),
        };
        let answer = [5, code, 0, 1, 0, 0, 0, 0, 0, 0];
        let error = check_refused("socks5", &[begin, (ASKED, &answer)], kind, words, hint).await;
        assert!(error.to_string().contains("files.test:2121"), "{error}");
    }

    let nobody: Turn<'_> = (b"\x05\x01\x00", b"\x05\xff");
    check_refused(
        "socks5",
        &[nobody],
        ProxyRefused,
        "wants a login",
        "user:password",
    )
    .await;
    let login = "socks5://ada:s3cret";
    let nobody: Turn<'_> = (b"\x05\x02\x00\x02", b"\x05\xff");
    check_refused(login, &[nobody], ProxyRefused, "neither user", "check user").await;
    let begin: Turn<'_> = (b"\x05\x02\x00\x02", b"\x05\x02");
    let wrong: Turn<'_> = (b"\x01\x03ada\x06s3cret", b"\x01\x01");
    let error = check_refused(login, &[begin, wrong], ProxyRefused, "login", "check user").await;
    assert_eq!(error.retry(), Retry::Never);
}

#[tokio::test]
async fn http_reaches_names_and_addresses() {
    let request = |authority: &str, login: &str| {
        format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n{login}\r\n").into_bytes()
    };
    let basic = "Proxy-Authorization: Basic YWRhOnMzY3JldA==\r\n";
    let bare = request("files.test:2121", "");
    for answer in [
        "HTTP/1.1 200 Connection established\r\n\r\n220 hi\r\n",
        "HTTP/1.0 200\n\n220 hi\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 8\r\nVia: 1.1 x\r\n\r\n220 hi\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n220 hi\r\n",
    ] {
        check_through("http", "files.test", &[(&bare, answer.as_bytes())]).await;
    }
    let long = format!(
        "HTTP/1.1 200 OK\r\nX: {}\r\n\r\n220 hi\r\n",
        "y".repeat(9000)
    );
    check_through("http", "files.test", &[(&bare, long.as_bytes())]).await;
    let granted = b"HTTP/1.1 200 OK\r\n\r\n220 hi\r\n";
    let v6 = request("[2001:db8::1]:2121", "");
    check_through("http", "2001:db8::1", &[(&v6, granted)]).await;
    let with_login = request("files.test:2121", basic);
    check_through("http://ada:s3cret", "files.test", &[(&with_login, granted)]).await;
}

#[tokio::test]
async fn http_refusals_say_what_to_do() {
    use ErrorKind::{ConnectFailed, InvalidParameter, ProxyRefused};
    let bare = b"CONNECT files.test:2121 HTTP/1.1\r\nHost: files.test:2121\r\n\r\n";
    let cases = [
        (
            "403 Forbidden",
            ProxyRefused,
            "HTTP 403 Forbidden",
            "who runs the proxy",
        ),
        (
            "405 Not allowed",
            ProxyRefused,
            "HTTP 405",
            "who runs the proxy",
        ),
        (
            "502 Bad Gateway",
            ConnectFailed,
            "HTTP 502 Bad Gateway",
            "the proxy works",
        ),
        (
            "504 Gateway Timeout",
            ConnectFailed,
            "HTTP 504",
            "the proxy works",
        ),
        ("407 Who", ProxyRefused, "wants a login", "user:password"),
    ];
    for (status, kind, words, hint) in cases {
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 4\r\n\r\nbody");
        check_refused("http", &[(bare, answer.as_bytes())], kind, words, hint).await;
    }
    let with_login = b"CONNECT files.test:2121 HTTP/1.1\r\nHost: files.test:2121\r\n\
                       Proxy-Authorization: Basic YWRhOnMzY3JldA==\r\n\r\n";
    let answer = b"HTTP/1.1 407 Again\r\nProxy-Authenticate: Basic realm=x\r\n\r\n";
    let login = "http://ada:s3cret";
    check_refused(
        login,
        &[(with_login, answer)],
        ProxyRefused,
        "refused the login",
        "check user",
    )
    .await;
    check_refused(
        "http://a%3Ab:s3cret",
        &[],
        InvalidParameter,
        "colon",
        "proxy's URL",
    )
    .await;
}

#[tokio::test]
async fn what_is_no_such_proxy() {
    use ErrorKind::ProxyRefused;
    let begin = b"\x05\x01\x00";
    for (answer, words) in [
        (&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], "speaks HTTP"),
        (b"\x00\x5b", "version 4"),
        (b"220 hi\r\n", "0x32"),
        (b"\x05\x07", "wants a login"),
    ] {
        check_refused("socks5", &[(begin, answer)], ProxyRefused, words, "").await;
    }
    let odd: Turn<'_> = (ASKED, b"\x05\x00\x00\x09");
    check_refused(
        "socks5",
        &[(begin, b"\x05\x00"), odd],
        ProxyRefused,
        "unknown type",
        "http://",
    )
    .await;
    let bare = b"CONNECT files.test:2121 HTTP/1.1\r\nHost: files.test:2121\r\n\r\n";
    for (answer, words) in [
        (&b"220 hi\r\n"[..], "220 hi"),
        (b"\x05\xff", "\\x05\\xff"),
        (b"HTTP/1.1 nonsense\r\n\r\n", "HTTP/1.1 nonsense"),
    ] {
        check_refused("http", &[(bare, answer)], ProxyRefused, words, "socks5://").await;
    }
    let endless = [b"HTTP/1.1 200 OK\r\n".to_vec(), b"x: y\r\n".repeat(4000)].concat();
    check_refused("http", &[(bare, &endless)], ProxyRefused, "more than", "").await;
}

#[tokio::test]
async fn a_proxy_that_breaks_off() {
    let begin: Turn<'_> = (b"\x05\x01\x00", b"\x05\x00");
    let bare = b"CONNECT files.test:2121 HTTP/1.1\r\nHost: files.test:2121\r\n\r\n";
    let cut: [(&str, &[Turn<'_>]); 5] = [
        ("socks5", &[(b"\x05\x01\x00", b"")]),
        ("socks5", &[(b"\x05\x01\x00", b"\x05")]),
        ("socks5", &[begin, (ASKED, b"\x05\x00\x00\x01\x00")]),
        ("http", &[(bare, b"")]),
        ("http", &[(bare, b"HTTP/1.1 200 OK\r\n")]),
    ];
    for (scheme, turns) in cut {
        let error = check_refused(
            scheme,
            turns,
            ErrorKind::ConnectFailed,
            "it closed the connection",
            "try again",
        )
        .await;
        assert_eq!(error.retry(), Retry::NewSession);
    }
}

#[tokio::test]
async fn a_proxy_that_says_nothing() {
    for (scheme, turns) in [
        ("socks5", &[(&b"\x05\x01\x00"[..], &b"\x05\x00"[..])][..]),
        ("http", &[]),
    ] {
        let (address, _played) = proxy(turns, true).await;
        let url = format!("{scheme}://{address}");
        let short = Timeouts::default().with_connect(Duration::from_millis(300));
        let params = params("files.test", 21)
            .with_proxy(Some(url.parse().unwrap()))
            .with_timeouts(short);
        let error = dial(&params).await.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::TimedOut);
        assert!(error.to_string().contains(&url), "{error}");
    }
}

/// A port on which nobody listens.
async fn dead_port() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap()
}

#[tokio::test]
async fn a_proxy_that_is_not_there() {
    let dead = dead_port().await;
    let url = format!("http://ada:s3cret@{dead}");
    let params = params("files.test", 21).with_proxy(Some(url.parse().unwrap()));
    let error = dial(&params).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::ConnectFailed);
    assert!(
        error
            .to_string()
            .contains(&format!("http://{dead} is not reached")),
        "{error}"
    );
    assert!(error.hint().unwrap().contains("the proxy's address"));
}

#[tokio::test]
async fn without_a_proxy_the_server_answers() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    // `localhost` has an IPv6 address too on most machines, where nobody listens.
    let dialed = dial(&params("localhost", address.port())).await.unwrap();
    assert_eq!((dialed.peer, dialed.proxy), (Some(address), None));
    assert!(dialed.stream.nodelay().unwrap());

    let dead = dead_port().await;
    let error = dial(&params("127.0.0.1", dead.port())).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::ConnectFailed);
    assert!(error.to_string().contains(&dead.to_string()), "{error}");
    let target = DataTarget::Address(dead);
    let limit = Duration::from_secs(5);
    let error = dial_data(&params("127.0.0.1", 21), target, limit)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::DataConnectionFailed);
}

#[tokio::test]
async fn data_connections_ask_the_proxy_too() {
    let granted = b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00";
    let begin: Turn<'_> = (b"\x05\x01\x00", b"\x05\x00");
    let by_address = b"\x05\x01\x00\x01\xc0\x00\x02\x01\x00\x50";
    let by_name = b"\x05\x01\x00\x03\x0afiles.test\x00\x50";
    for (target, asked) in [
        (
            DataTarget::Address("192.0.2.1:80".parse().unwrap()),
            &by_address[..],
        ),
        (DataTarget::Server(80), by_name),
    ] {
        for (answer, expected) in [
            (&granted[..], None),
            (b"\x05\x02\x00\x01\x00\x00", Some(ErrorKind::ProxyRefused)),
            (
                b"\x05\x05\x00\x01\x00\x00",
                Some(ErrorKind::DataConnectionFailed),
            ),
        ] {
            let (address, _played) = proxy(&[begin, (asked, answer)], true).await;
            let url = format!("socks5://{address}");
            let params = params("files.test", 21).with_proxy(Some(url.parse().unwrap()));
            let dialed = dial_data(&params, target, Duration::from_secs(5)).await;
            assert_eq!(dialed.err().map(|error| error.kind().clone()), expected);
        }
    }
}
