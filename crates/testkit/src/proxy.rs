//! SOCKS5 and HTTP CONNECT proxies on loopback, well behaved or not.
//!
//! Why: every backend goes through proxies by the same dialer, and each has its own connections to lead
//! through them: two kinds for FTP, one for SSH. A proxy here knows names that no resolver knows
//! ([`ProxyBuilder::with_name`]), so that a test that connects by such a name has proved that the proxy
//! was asked; it remembers what it was asked for; and it can refuse, break off or fall silent.
//!
//! What is not here: SOCKS version 4, BIND and UDP, HTTP that is not CONNECT.

mod check;
mod http;
mod socks5;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ftp_connect_core::params::{Proxy, ProxyKind};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

pub use self::check::{ONLY_PROXIES_KNOW, goes_through_proxies};

/// A running proxy. It stops when it is dropped, and with it every connection that it carries.
///
/// ```
/// use ftp_connect_core::params::ProxyKind;
/// use ftp_connect_testkit::proxy::ProxyServer;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let proxy = ProxyServer::builder(ProxyKind::Socks5)
///     .with_login("ada", "secret")
///     .start()
///     .await?;
/// assert_eq!(proxy.params().to_string(), format!("socks5://{}", proxy.addr()));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct ProxyServer {
    addr: SocketAddr,
    rules: Arc<Rules>,
    task: JoinHandle<()>,
}

impl ProxyServer {
    /// Begins a proxy that lets everybody connect to everything.
    pub fn builder(kind: ProxyKind) -> ProxyBuilder {
        ProxyBuilder(Rules {
            kind,
            login: None,
            names: Vec::new(),
            faults: Vec::new(),
            joined: false,
            asked: Mutex::default(),
        })
    }

    /// The proxy's address, on loopback.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The proxy as a parameter of a connection, with the login that it wants.
    pub fn params(&self) -> Proxy {
        let proxy = Proxy::new(self.rules.kind, self.addr.ip().into(), self.addr.port());
        match &self.rules.login {
            Some((user, password)) => proxy.with_login(user, password.as_str()),
            None => proxy,
        }
    }

    /// What it was asked for so far, `host:port` each, in order.
    pub fn asked(&self) -> Vec<String> {
        let asked = self.rules.asked.lock();
        asked.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for ProxyServer {
    fn drop(&mut self) {
        // The connections' tasks are in a set that the accepting task owns: they end with it.
        self.task.abort();
    }
}

/// What goes wrong at a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProxyFault {
    /// It refuses: by this reply code of SOCKS5, or this status of HTTP.
    Refuse(u16),
    /// It accepts the connection and never says a word.
    Silence,
    /// It closes the connection after so many bytes of its own.
    CutAnswer(usize),
    /// It cuts both connections after so many bytes of the server's.
    CutRelay(u64),
}

/// Settings of a [`ProxyServer`] that has not started yet.
#[derive(Debug)]
pub struct ProxyBuilder(Rules);

impl ProxyBuilder {
    /// Lets in nobody but this user.
    #[must_use]
    pub fn with_login(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
        self.0.login = Some((user.into(), password.into()));
        self
    }

    /// Knows a name; whatever port is asked for, it is on this address.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>, at: std::net::IpAddr) -> Self {
        self.0.names.push((name.into(), at));
        self
    }

    /// Makes this go wrong on the connection of that number, counted from 0, and all after it.
    #[must_use]
    pub fn with_fault_from(mut self, number: usize, fault: ProxyFault) -> Self {
        self.0.faults.push((number, fault));
        self
    }

    /// Sends its answer and the first bytes of a server that speaks first as one packet.
    #[must_use]
    pub fn with_answer_joined(mut self) -> Self {
        self.0.joined = true;
        self
    }

    /// Starts the proxy on an ephemeral loopback port.
    ///
    /// # Errors
    /// When the port cannot be had.
    pub async fn start(self) -> io::Result<ProxyServer> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let addr = listener.local_addr()?;
        let rules = Arc::new(self.0);
        let task = tokio::spawn(accept(listener, Arc::clone(&rules)));
        Ok(ProxyServer { addr, rules, task })
    }
}

#[derive(Debug)]
struct Rules {
    kind: ProxyKind,
    login: Option<(String, String)>,
    names: Vec<(String, std::net::IpAddr)>,
    faults: Vec<(usize, ProxyFault)>,
    joined: bool,
    asked: Mutex<Vec<String>>,
}

impl Rules {
    /// What goes wrong on the connection of that number: the fault named last of those that have begun.
    fn fault(&self, number: usize) -> Option<ProxyFault> {
        let begun = self.faults.iter().filter(|(from, _)| *from <= number);
        begun.max_by_key(|(from, _)| *from).map(|(_, fault)| *fault)
    }
}

async fn accept(listener: TcpListener, rules: Arc<Rules>) {
    let mut connections = JoinSet::new();
    for number in 0.. {
        let Ok((client, _)) = listener.accept().await else {
            return;
        };
        while connections.try_join_next().is_some() {}
        let client = Client {
            stream: client,
            fault: rules.fault(number),
            sent: 0,
        };
        let rules = Arc::clone(&rules);
        connections.spawn(async move {
            if let Err(error) = serve(client, &rules).await {
                tracing::debug!(%error, "proxied connection ended");
            }
        });
    }
}

async fn serve(mut client: Client, rules: &Rules) -> io::Result<()> {
    client.stream.set_nodelay(true)?;
    if client.fault == Some(ProxyFault::Silence) {
        // Until the client gives up.
        let mut rest = Vec::new();
        client.stream.read_to_end(&mut rest).await?;
        return Ok(());
    }
    let login = rules.login.as_ref();
    let asked = match rules.kind {
        ProxyKind::Socks5 => socks5::negotiate(&mut client, login).await?,
        _ => http::negotiate(&mut client, login).await?,
    };
    let Some(target) = asked else {
        return Ok(());
    };
    let asked = rules.asked.lock();
    asked
        .unwrap_or_else(PoisonError::into_inner)
        .push(target.clone());
    let mut server = match client.fault {
        Some(ProxyFault::Refuse(code)) => Err(Some(code)),
        _ => reach(&target, &rules.names).await.map_err(|_| None),
    };
    let mut answer = match rules.kind {
        ProxyKind::Socks5 => socks5::answer(&server),
        _ => http::answer(&server),
    };
    if let (true, Ok(server)) = (rules.joined, &mut server) {
        let mut first = [0; 1024];
        if let Ok(read) = timeout(FIRST_WORD, server.read(&mut first)).await {
            answer.extend_from_slice(&first[..read?]);
        }
    }
    client.write(&answer).await?;
    let Ok(mut server) = server else {
        return client.stream.shutdown().await;
    };
    if let Some(ProxyFault::CutRelay(bytes)) = client.fault {
        let (mut from_client, mut to_client) = client.stream.split();
        let (from_server, mut to_server) = server.split();
        let mut from_server = from_server.take(bytes);
        tokio::select! {
            // The client's end ends nothing: it may still be reading.
            _ = async { copy(&mut from_client, &mut to_server).await?; std::future::pending::<io::Result<()>>().await } => {}
            _ = copy(&mut from_server, &mut to_client) => {}
        }
        return Ok(());
    }
    copy_bidirectional(&mut client.stream, &mut server).await?;
    Ok(())
}

/// Connects to `host:port`, the names known here first.
async fn reach(target: &str, names: &[(String, std::net::IpAddr)]) -> io::Result<TcpStream> {
    if let Some((host, port)) = target.rsplit_once(':')
        && let Some((_, at)) = names.iter().find(|(name, _)| name == host)
    {
        let port = port.parse().map_err(io::Error::other)?;
        return TcpStream::connect(SocketAddr::new(*at, port)).await;
    }
    TcpStream::connect(target).await
}

/// The client's side of one connection, and what goes wrong on it.
pub(crate) struct Client {
    stream: TcpStream,
    fault: Option<ProxyFault>,
    sent: usize,
}

impl Client {
    /// Lets a client connect by SOCKS5 to wherever it wants; gives both ends, or nothing for one that was
    /// sent away.
    pub(crate) async fn connect_by_socks5(
        stream: TcpStream,
    ) -> io::Result<Option<(TcpStream, TcpStream)>> {
        let mut client = Self {
            stream,
            fault: None,
            sent: 0,
        };
        let Some(target) = socks5::negotiate(&mut client, None).await? else {
            return Ok(None);
        };
        let server = TcpStream::connect(target).await.map_err(|_| None);
        client.write(&socks5::answer(&server)).await?;
        Ok(server.ok().map(|server| (client.stream, server)))
    }

    /// Sends, as far as the fault lets it.
    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Some(ProxyFault::CutAnswer(limit)) = self.fault
            && self.sent + bytes.len() > limit
        {
            self.stream.write_all(&bytes[..limit - self.sent]).await?;
            self.stream.shutdown().await?;
            return Err(io::Error::other("cut as told"));
        }
        self.sent += bytes.len();
        self.stream.write_all(bytes).await
    }

    async fn read<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.stream.read_exact(&mut bytes).await?;
        Ok(bytes)
    }

    async fn read_text(&mut self, length: u8) -> io::Result<String> {
        let mut bytes = vec![0; length.into()];
        self.stream.read_exact(&mut bytes).await?;
        String::from_utf8(bytes).map_err(io::Error::other)
    }
}

/// How a server was reached, or the code by which the proxy says that it was not.
type Reached = Result<TcpStream, Option<u16>>;

/// How long a server that speaks first may take.
const FIRST_WORD: Duration = Duration::from_millis(200);
