//! What a backend owes to users behind a proxy, as one check for all backends.

use std::net::Ipv4Addr;
use std::time::Duration;

use ftp_connect_core::params::{Proxy, ProxyKind, Timeouts};
use ftp_connect_core::{
    ConnectParams, Error, ErrorKind, Mode, RemotePath, Result, Session, SessionExt as _, Transport,
    WriteOptions,
};

use super::{ProxyBuilder, ProxyFault, ProxyServer};

/// Puts a backend to proxies of both kinds: all its connections go through them, and by the server's
/// name; what goes wrong there is told from what goes wrong at the server.
///
/// The parameters lead to a server on loopback, by the name [`ONLY_PROXIES_KNOW`] unless a certificate
/// forbids that.
///
/// # Panics
/// With what went wrong.
pub async fn goes_through_proxies(transport: &dyn Transport, params: &ConnectParams) {
    for kind in [ProxyKind::Socks5, ProxyKind::HttpConnect] {
        carries_everything(transport, params, kind).await;
        tells_faults_apart(transport, params, kind).await;
        if !params.encryption().is_ssh() {
            survives_refused_data(transport, params, kind).await;
        }
    }
}

/// A server's name that only the proxies of this check know.
pub const ONLY_PROXIES_KNOW: &str = "files.test";

async fn carries_everything(transport: &dyn Transport, params: &ConnectParams, kind: ProxyKind) {
    for (login, joined) in [(None, false), (Some(("ada", "s3cret")), true)] {
        let mut builder = builder(kind, params);
        if let Some((user, password)) = login {
            builder = builder.with_login(user, password);
        }
        if joined {
            builder = builder.with_answer_joined();
        }
        let proxy = start(builder).await;
        let through = params.clone().with_proxy(proxy.params());
        let session = transport.connect(&through).await;
        let mut session = session.unwrap_or_else(|error| panic!("{kind:?}: {error:?}"));
        let report = session.report();
        assert_eq!(report.proxy, Some(proxy.params().to_string()));
        assert_eq!(report.peer, None, "only the proxy knows the address");
        assert!(report.timings.steps.iter().any(|step| step.name == "proxy"));
        let moved = move_a_file(session.as_mut()).await;
        moved.unwrap_or_else(|error| panic!("{kind:?}: {error:?}"));
        session.close().await.expect("takes leave");

        let asked = proxy.asked();
        let server = params.server().in_url();
        assert_eq!(asked[0], format!("{server}:{}", params.port()));
        let by_name = |asked: &String| asked.starts_with(&format!("{server}:"));
        assert!(asked.iter().all(by_name), "{asked:?}");
        let data = if params.encryption().is_ssh() { 0 } else { 3 };
        assert_eq!(asked.len(), 1 + data, "{asked:?}");
    }
}

async fn tells_faults_apart(transport: &dyn Transport, params: &ConnectParams, kind: ProxyKind) {
    let policy = match kind {
        ProxyKind::Socks5 => 2,
        _ => 403,
    };
    let server_down = match kind {
        ProxyKind::Socks5 => 5,
        _ => 502,
    };
    // The proxy's own words take less than this, the server's first ones more.
    let in_the_middle = 8;
    for (fault, expected) in [
        (ProxyFault::Refuse(policy), &[ErrorKind::ProxyRefused][..]),
        (ProxyFault::Refuse(server_down), &[ErrorKind::ConnectFailed]),
        (ProxyFault::CutAnswer(1), &[ErrorKind::ConnectFailed]),
        (ProxyFault::Silence, &[ErrorKind::TimedOut]),
        // The connection stood: what is missing is the rest of the server's words.
        (
            ProxyFault::CutRelay(in_the_middle),
            &[ErrorKind::Closed, ErrorKind::Protocol, ErrorKind::TlsFailed],
        ),
    ] {
        let proxy = start(builder(kind, params).with_fault_from(0, fault)).await;
        let error = refused(transport, params, proxy.params()).await;
        assert!(
            expected.contains(error.kind()),
            "{kind:?} {fault:?}: {error:?}"
        );
        let is_the_proxys = !matches!(fault, ProxyFault::CutRelay(_));
        assert!(!is_the_proxys || error.hint().is_some(), "{error:?}");
    }

    let proxy = start(builder(kind, params).with_login("ada", "s3cret")).await;
    let nobody = Proxy::new(kind, proxy.addr().ip().into(), proxy.addr().port());
    let wrong = nobody.clone().with_login("ada", "wr0ng");
    for params_of_proxy in [nobody, wrong] {
        let error = refused(transport, params, params_of_proxy).await;
        assert_eq!(error.kind(), &ErrorKind::ProxyRefused, "{error:?}");
        assert!(!format!("{error:?}").contains("wr0ng"), "{error:?}");
    }
    assert!(proxy.asked().is_empty());
}

/// The control connection is let through and data connections are not.
async fn survives_refused_data(transport: &dyn Transport, params: &ConnectParams, kind: ProxyKind) {
    let policy = match kind {
        ProxyKind::Socks5 => 2,
        _ => 403,
    };
    let builder = builder(kind, params).with_fault_from(1, ProxyFault::Refuse(policy));
    let proxy = start(builder).await;
    let through = params.clone().with_proxy(proxy.params());
    let mut session = transport.connect(&through).await.expect("connects");
    let error = session
        .list_all(&RemotePath::login_folder())
        .await
        .expect_err("no data connection comes about");
    assert_eq!(error.kind(), &ErrorKind::ProxyRefused, "{error:?}");
    assert!(error.hint().is_some_and(|hint| hint.contains("data ports")));
    session.keep_alive().await.expect("the session is fine");
    session.close().await.expect("takes leave");

    let active = through.with_mode(Mode::Active);
    let error = transport.connect(&active).await.expect_err("cannot work");
    assert_eq!(error.kind(), &ErrorKind::InvalidParameter, "{error:?}");
}

async fn move_a_file(session: &mut dyn Session) -> Result<()> {
    let name = RemotePath::new("through a proxy.bin")?;
    let content: Vec<u8> = (0..100_000_u32).map(|i| (i * 7 % 251) as u8).collect();
    let options = WriteOptions::default();
    session.write_all(&name, &content, options).await?;
    let back = session.read_to_vec(&name, 1_000_000).await?;
    assert!(back == content, "the download is not what was sent");
    let entries = session.list_all(&RemotePath::login_folder()).await?;
    assert!(entries.iter().any(|entry| entry.name == name));
    Ok(())
}

async fn refused(transport: &dyn Transport, params: &ConnectParams, proxy: Proxy) -> Error {
    let deadlines = Timeouts::default().with_connect(Duration::from_secs(2));
    let through = params.clone().with_proxy(proxy).with_timeouts(deadlines);
    transport.connect(&through).await.expect_err("is refused")
}

fn builder(kind: ProxyKind, params: &ConnectParams) -> ProxyBuilder {
    ProxyServer::builder(kind).with_name(params.server().to_string(), Ipv4Addr::LOCALHOST.into())
}

async fn start(builder: ProxyBuilder) -> ProxyServer {
    builder.start().await.expect("the proxy starts")
}
