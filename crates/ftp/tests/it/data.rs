//! Data connections that come about by another way than the first, or by no way; and what is then known.

use std::net::SocketAddr;
use std::time::Duration;

use ftp_connect_core::params::{ActiveMode, PassiveAddress, Timeouts};
use ftp_connect_core::{
    ConnectParams, DataMethod, ErrorKind, HostProfile, Mode, Result, Session, SessionExt as _,
};
use ftp_connect_testkit::peer::{Peer, Script};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;

use crate::script::{QUIT, leave, login, params, path, peer, transport};

async fn connect(params: &ConnectParams) -> Result<Box<dyn Session>> {
    ftp_connect_ftp::connect(params, transport(), None).await
}

async fn read(session: &mut dyn Session) -> Result<String> {
    let content = session.read_to_vec(&path("f"), 1000).await?;
    Ok(String::from_utf8(content).unwrap())
}

/// A port that never answers: its listener's queue is full, so that further connections wait for ever.
struct Blackhole {
    port: u16,
    _held: (socket2::Socket, Vec<socket2::Socket>),
}

impl Blackhole {
    fn dig() -> Self {
        let stream = || socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
        let listener = stream().unwrap();
        let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
        listener.bind(&any.into()).unwrap();
        listener.listen(0).unwrap();
        let address = listener.local_addr().unwrap();
        let fillers = (0..4).map(|_| {
            let filler = stream().unwrap();
            filler.set_nonblocking(true).unwrap();
            // Under way or waiting: either takes a place.
            let _ = filler.connect(&address);
            filler
        });
        let fillers = fillers.collect();
        Self {
            port: address.as_socket().unwrap().port(),
            _held: (listener, fillers),
        }
    }
}

/// Listens at this address, and sends the content to the first who connects.
async fn serve(ip: &str, content: &'static str) -> u16 {
    let listener = TcpListener::bind((ip, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(content.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
    });
    port
}

/// A reply to PASV with this address and port.
fn pasv(ip: &str, port: u16) -> String {
    let ip = ip.replace('.', ",");
    format!(
        "S: 227 Entering Passive Mode ({ip},{},{})\n",
        port / 256,
        port % 256
    )
}

const RETRIEVED: &str = "C: RETR f\nS: 150 go\nD> content\ndata-close\nS: 226 done\n";

#[tokio::test]
async fn a_port_that_swallows_connections_costs_a_part_of_the_deadline_and_is_remembered() {
    let hole = Blackhole::dig();
    let by_pasv = format!("C: PASV\ndata\nS: 227 ok ({{pasv}})\n{RETRIEVED}");
    let script = format!(
        "{}C: EPSV\nS: 229 ok (|||{}|)\n{by_pasv}{by_pasv}{QUIT}",
        login("MDTM"),
        hole.port
    );
    // Whoever waits for the data connection's whole deadline is too late for the script.
    let script = Script::parse(&script)
        .unwrap()
        .with_deadline(Duration::from_secs(12));
    let peer = script.start().await.unwrap();
    let times = Timeouts::default().with_data(Duration::from_secs(13));
    let mut session = connect(&params(&peer).with_timeouts(times)).await.unwrap();
    for _ in 0..2 {
        assert_eq!(read(session.as_mut()).await.unwrap(), "content");
    }
    assert_eq!(session.report().data_method, Some(DataMethod::Pasv));
    let mut profile = session.profile().unwrap();
    leave(session, peer).await;
    assert_eq!(profile.data_method, Some(DataMethod::Pasv));
    assert_eq!(profile.dead_data_methods, [DataMethod::Epsv]);

    // The next connect does not ask for EPSV at all.
    let next = self::peer(&format!("{}{by_pasv}{QUIT}", login("MDTM"))).await;
    profile.port = next.addr().port();
    let mut session = connect(&params(&next).with_profile(profile)).await.unwrap();
    assert_eq!(session.report().data_method, Some(DataMethod::Pasv));
    assert_eq!(read(session.as_mut()).await.unwrap(), "content");
    leave(session, next).await;
}

#[tokio::test]
async fn a_profile_of_another_server_is_not_used() {
    let script = format!(
        "{}C: EPSV\ndata\nS: 229 ok (|||{{port}}|)\n{RETRIEVED}{QUIT}",
        login("MDTM")
    );
    let peer = peer(&script).await;
    let mut profile = HostProfile::new("127.0.0.1".parse().unwrap(), 1);
    profile.dead_data_methods = vec![DataMethod::Epsv];
    let mut session = connect(&params(&peer).with_profile(profile)).await.unwrap();
    assert_eq!(read(session.as_mut()).await.unwrap(), "content");
    assert_eq!(session.profile().unwrap().port, peer.addr().port());
    leave(session, peer).await;
}

/// A download over a data connection that the test itself serves; gives what is then known.
async fn by_address(
    exchange: &str,
    rule: PassiveAddress,
    known: Option<PassiveAddress>,
) -> (Result<String>, HostProfile) {
    let peer = peer(&format!("{}{exchange}{QUIT}", login("MDTM"))).await;
    let mut profile = HostProfile::new("127.0.0.1".parse().unwrap(), peer.addr().port());
    profile.passive_address = known;
    let params = params(&peer)
        .with_passive_address(rule)
        .with_profile(profile);
    let mut session = connect(&params).await.unwrap();
    let content = read(session.as_mut()).await;
    let profile = session.profile().unwrap();
    leave(session, peer).await;
    (content, profile)
}

#[tokio::test]
async fn the_address_in_a_pasv_reply_is_the_users_choice() {
    use PassiveAddress::{Advertised, Peer};
    let retrieved = "C: RETR f\nS: 150 go\nS: 226 done\n";

    // By default the control connection's peer, whatever the reply says.
    let port = serve("127.0.0.1", "peer").await;
    let script = format!(
        "C: EPSV\nS: 502 no\nC: PASV\n{}{retrieved}",
        pasv("127.0.0.2", port)
    );
    let (content, profile) = by_address(&script, Peer, None).await;
    assert_eq!(
        (content.unwrap().as_str(), profile.passive_address),
        ("peer", None)
    );
    // A profile does not widen that.
    let port = serve("127.0.0.1", "peer").await;
    let script = format!(
        "C: EPSV\nS: 502 no\nC: PASV\n{}{retrieved}",
        pasv("127.0.0.2", port)
    );
    let (content, _) = by_address(&script, Peer, Some(Advertised)).await;
    assert_eq!(content.unwrap(), "peer");

    // The one advertised, where it is wanted; PASV goes first, as EPSV has no address.
    let port = serve("127.0.0.2", "advertised").await;
    let script = format!("C: PASV\n{}{retrieved}", pasv("127.0.0.2", port));
    let (content, profile) = by_address(&script, Advertised, None).await;
    assert_eq!(content.unwrap(), "advertised");
    assert_eq!(profile.passive_address, Some(Advertised));

    // If that is none, or leads nowhere, the peer after all; the latter is remembered.
    for (ip, known) in [("0.0.0.0", None), ("127.0.0.2", Some(Peer))] {
        let port = serve("127.0.0.1", "peer").await;
        let script = format!("C: PASV\n{}{retrieved}", pasv(ip, port));
        let (content, profile) = by_address(&script, Advertised, None).await;
        assert_eq!(content.unwrap(), "peer", "{ip}");
        assert_eq!(profile.passive_address, known, "{ip}");
    }
}

#[tokio::test]
async fn no_way_at_all_names_each_and_leaves_the_session_usable() {
    let dead = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap().port()
    };
    let script = format!(
        "{}C: EPSV\nS: 229 ok (|||{dead}|)\nC: PASV\nS: 502 not here\nC: NOOP\nS: 200 x\n{QUIT}",
        login("MDTM")
    );
    let peer = peer(&script).await;
    let mut session = connect(&params(&peer)).await.unwrap();
    let error = read(session.as_mut()).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::PassiveAddressUnroutable);
    let message = error.to_string();
    assert!(
        message.contains("EPSV") && message.contains("502 not here"),
        "{message}"
    );
    assert!(error.hint().unwrap().contains("another mode"));
    session.keep_alive().await.unwrap();
    leave(session, peer).await;
}

/// Downloads in a mode, and gives the result and the server's end.
async fn download(
    script: &str,
    set: impl FnOnce(ConnectParams) -> ConnectParams,
) -> Result<String> {
    let peer = peer(&format!("{}{script}{QUIT}", login("MDTM"))).await;
    let mut session = connect(&set(params(&peer))).await.unwrap();
    let content = read(session.as_mut()).await;
    leave(session, peer).await;
    content
}

fn active(params: ConnectParams) -> ConnectParams {
    params.with_mode(Mode::Active)
}

const ACTIVE: &str = "connect\nD> content\ndata-close\nS: 226 done\n";

#[tokio::test]
async fn in_active_mode_strangers_are_turned_away() {
    let script = format!("C~ PORT *\nS: 200 ok\nC: RETR f\nS: 150 go\nstranger\n{ACTIVE}");
    assert_eq!(download(&script, active).await.unwrap(), "content");
}

#[tokio::test]
async fn a_port_of_the_range_that_is_free_is_told() {
    // An address on which no other test listens.
    const OWN: &str = "127.0.0.3";
    let own = ActiveMode::default().with_bind(OWN.parse().unwrap());
    // Two neighbours, of which the first is taken.
    let (taken, port) = loop {
        let taken = TcpListener::bind((OWN, 0)).await.unwrap();
        let port = taken.local_addr().unwrap().port();
        let next = port.checked_add(1);
        if let Some(next) = next
            && TcpListener::bind((OWN, next)).await.is_ok()
        {
            break (taken, port);
        }
    };
    let range = own.with_ports(port, port + 1);
    let [high, low] = (port + 1).to_be_bytes();
    let script =
        format!("C: PORT 127,0,0,3,{high},{low}\nS: 200 ok\nC: RETR f\nS: 150 go\nS: 425 no\n");
    let short = Timeouts::default().with_data(Duration::from_secs(5));
    let set = |params| active(params).with_active(range).with_timeouts(short);
    let error = download(&script, set).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::DataConnectionFailed, "{error:?}");

    // All taken: said before the server is asked.
    let range = own.with_ports(port, port);
    let error = download("", |params| active(params).with_active(range))
        .await
        .unwrap_err();
    assert!(format!("{error:?}").contains("cannot listen"), "{error:?}");
    drop(taken);
}

#[tokio::test]
async fn the_external_address_is_told_and_the_local_one_listened_on() {
    let router = ActiveMode::default()
        .with_bind("0.0.0.0".parse().unwrap())
        .with_external_address("192.0.2.7".parse().unwrap());
    let script = "C~ PORT 192,0,2,7,*\nS: 200 ok\nC: RETR f\nS: 425 cannot reach you\n";
    let set = |params| active(params).with_active(router);
    let error = download(script, set).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::DataConnectionFailed);
    // Without it, the address of the control connection stands for all addresses.
    let all = ActiveMode::default().with_bind("0.0.0.0".parse().unwrap());
    let script = format!("C~ PORT *\nS: 200 ok\nC: RETR f\nS: 150 go\n{ACTIVE}");
    let set = |params| active(params).with_active(all);
    assert_eq!(download(&script, set).await.unwrap(), "content");
}

#[tokio::test]
async fn a_server_that_never_connects_is_given_up() {
    let script = "C~ PORT *\nS: 200 ok\nC: RETR f\nS: 150 go\npause 1000ms\nS: 425 gave up\n";
    let error = download(script, active).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::DataConnectionFailed, "{error:?}");
}

#[tokio::test]
async fn dynamic_goes_on_after_425_before_and_after_150() {
    for refusal in ["S: 425 no", "S: 150 go\nS: 425 no"] {
        let script = format!(
            "C: EPSV\nS: 502 x\nC: PASV\nS: 502 x\nC~ PORT *\nS: 200 ok\nC: RETR f\n{refusal}\n"
        );
        let set = |params: ConnectParams| params.with_mode(Mode::Dynamic);
        let error = download(&script, set).await.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::DataConnectionFailed, "{error:?}");
    }
    let script = format!(
        "C: EPSV\nS: 502 x\nC: PASV\nS: 425 not now\nC~ PORT *\nS: 200 ok\nC: RETR f\nS: 150 go\n{ACTIVE}"
    );
    let set = |params: ConnectParams| params.with_mode(Mode::Dynamic);
    assert_eq!(download(&script, set).await.unwrap(), "content");
}

async fn peer_v6(script: &str) -> Peer {
    let script = format!("{}{script}{QUIT}", login("MDTM"));
    let script = Script::parse(&script).unwrap().with_ipv6();
    script.start().await.unwrap()
}

#[tokio::test]
async fn ipv6_passive_and_active() {
    for (mode, script) in [
        (
            Mode::Passive,
            format!("C: EPSV\ndata\nS: 229 ok (|||{{port}}|)\n{RETRIEVED}"),
        ),
        // No EPSV, and a PASV whose address is of the other family: its port is good.
        (
            Mode::Passive,
            format!("C: EPSV\nS: 500 x\nC: PASV\ndata\nS: 227 ({{pasv}})\n{RETRIEVED}"),
        ),
        (
            Mode::Active,
            format!("C~ EPRT *\nS: 200 ok\nC: RETR f\nS: 150 go\n{ACTIVE}"),
        ),
    ] {
        let peer = peer_v6(&script).await;
        let mut session = connect(&params(&peer).with_mode(mode)).await.unwrap();
        assert!(session.report().peer.unwrap().is_ipv6());
        assert_eq!(read(session.as_mut()).await.unwrap(), "content");
        leave(session, peer).await;
    }
}
