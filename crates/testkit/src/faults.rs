//! A proxy on the way to a server, on which things go wrong by a seed.
//!
//! Why: a transfer must end well or tell why not, wherever the network fails, and only trying all places shows
//! it. The proxy speaks SOCKS5, so that it carries every connection of a session, FTP's data connections in
//! TLS included, without understanding a byte of them. What goes wrong and after how many bytes, counted over
//! all connections, follows from the seed alone; only what the operating system makes of it does not.
//!
//! What is not here: faults of the server itself; the [scripted peer](crate::peer) has those.
//!
//! ```
//! use ftp_connect_core::ConnectParams;
//! use ftp_connect_testkit::faults::{FaultProxy, Faults};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let proxy = FaultProxy::start(Faults::from_seed(7, 100_000)).await?;
//! let params = ConnectParams::new("files.example.org")?.with_proxy(proxy.params());
//! // Connect with these, and look what comes of it.
//! # drop(params);
//! # Ok(())
//! # }
//! ```

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use ftp_connect_core::params::{Proxy, ProxyKind};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::sleep;

use crate::proxy::Client;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// Nothing.
    Nothing,
    /// The connection ends on both sides, as if each had closed it.
    Cut,
    /// The connection is reset on both sides.
    Reset,
    /// Nothing passes any more on the connection, which stays open.
    Stall,
    /// Everything arrives in pieces of a few bytes.
    Split,
    /// What the first connection of a session carries from the server arrives late: an FTP reply after the
    /// data that it announces.
    LateControl,
    /// What all other connections carry from the server arrives late: the data of an FTP transfer after the
    /// reply that ends it.
    LateData,
    /// FTP's replies to SIZE, where they can be read, tell a byte more than there is.
    LieAboutSize,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Nothing,
        Self::Cut,
        Self::Reset,
        Self::Stall,
        Self::Split,
        Self::LateControl,
        Self::LateData,
        Self::LieAboutSize,
    ];
}

/// What goes wrong, where, and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Faults {
    /// What.
    pub fault: Fault,
    /// After so many bytes, both ways and over all connections together; again after as many more.
    pub after: u64,
    /// How many times.
    pub times: usize,
}

impl Faults {
    /// This, once, after so many bytes.
    pub fn once(fault: Fault, after: u64) -> Self {
        Self {
            fault,
            after,
            times: 1,
        }
    }

    /// Chooses by a seed, for a session that moves about so many bytes.
    pub fn from_seed(seed: u64, bytes: u64) -> Self {
        let mut random = Random(seed);
        let fault = Fault::ALL[random.below(Fault::ALL.len() as u64) as usize];
        // As often within the first hundred bytes as within the last ten thousand: most is decided early.
        let magnitude = random.below(u64::from(bytes.max(2).ilog2()) + 1);
        let after = random.below(2 << magnitude);
        let times = [1, 1, 2, 1000][random.below(4) as usize];
        Self {
            fault,
            after,
            times,
        }
    }
}

/// A running proxy. It stops when it is dropped, and with it every connection that it carries.
#[derive(Debug)]
pub struct FaultProxy {
    addr: SocketAddr,
    weather: Arc<Weather>,
    task: JoinHandle<()>,
}

impl FaultProxy {
    /// Starts it on an ephemeral loopback port.
    ///
    /// # Errors
    /// When the port cannot be had.
    pub async fn start(faults: Faults) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let addr = listener.local_addr()?;
        let weather = Arc::new(Weather {
            faults,
            passed: AtomicU64::new(0),
            happened: AtomicUsize::new(0),
        });
        let task = tokio::spawn(accept(listener, Arc::clone(&weather)));
        Ok(Self {
            addr,
            weather,
            task,
        })
    }

    /// The proxy as a parameter of a connection.
    pub fn params(&self) -> Proxy {
        Proxy::new(ProxyKind::Socks5, self.addr.ip().into(), self.addr.port())
    }

    /// How many times something went wrong so far, of what happens at a moment.
    pub fn happened(&self) -> usize {
        self.weather.happened.load(Ordering::SeqCst)
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        // The connections' tasks are in a set that the accepting task owns: they end with it.
        self.task.abort();
    }
}

#[derive(Debug)]
struct Weather {
    faults: Faults,
    passed: AtomicU64,
    happened: AtomicUsize,
}

impl Weather {
    /// Counts bytes that are about to pass; says how many of them still pass if the fault strikes among them.
    fn strikes(&self, bytes: usize) -> Option<usize> {
        let before = self.passed.fetch_add(bytes as u64, Ordering::SeqCst);
        if !matches!(self.faults.fault, Fault::Cut | Fault::Reset | Fault::Stall) {
            return None;
        }
        let done = self.happened.load(Ordering::SeqCst);
        let next = self.faults.after.saturating_mul(done as u64 + 1);
        if done >= self.faults.times || before + (bytes as u64) <= next {
            return None;
        }
        self.happened.fetch_add(1, Ordering::SeqCst);
        usize::try_from(next.saturating_sub(before)).ok()
    }
}

async fn accept(listener: TcpListener, weather: Arc<Weather>) {
    let mut connections = JoinSet::new();
    for number in 0_usize.. {
        let Ok((client, _)) = listener.accept().await else {
            return;
        };
        while connections.try_join_next().is_some() {}
        let weather = Arc::clone(&weather);
        connections.spawn(async move {
            if let Err(error) = serve(client, number, weather).await {
                tracing::debug!(%error, "proxied connection ended");
            }
        });
    }
}

async fn serve(client: TcpStream, number: usize, weather: Arc<Weather>) -> io::Result<()> {
    client.set_nodelay(true)?;
    let Some((client, server)) = Client::connect_by_socks5(client).await? else {
        return Ok(());
    };
    server.set_nodelay(true)?;
    let late = match weather.faults.fault {
        Fault::LateControl => number == 0,
        Fault::LateData => number != 0,
        _ => false,
    };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let up = Pump {
        from: from_client,
        to: to_server,
        weather: Arc::clone(&weather),
        late: false,
        from_server: false,
    };
    let down = Pump {
        from: from_server,
        to: to_client,
        weather,
        late,
        from_server: true,
    };
    // The end of one direction is not that of the other; a fault is.
    let (up, down) = (up.run(), down.run());
    tokio::pin!(up, down);
    let (struck, rest) = tokio::select! {
        end = &mut up => (end, None),
        end = &mut down => (end, Some(up)),
    };
    match (struck?, rest) {
        (End::Struck, _) => {}
        (End::Closed, None) => _ = down.await?,
        (End::Closed, Some(up)) => _ = up.await?,
    }
    Ok(())
}

enum End {
    Closed,
    Struck,
}

/// One direction of a connection.
struct Pump {
    from: OwnedReadHalf,
    to: OwnedWriteHalf,
    weather: Arc<Weather>,
    late: bool,
    from_server: bool,
}

impl Pump {
    async fn run(mut self) -> io::Result<End> {
        let fault = self.weather.faults.fault;
        let mut buffer = vec![0; 16 * 1024];
        loop {
            let room = if fault == Fault::Split {
                7
            } else {
                buffer.len()
            };
            let n = self.from.read(&mut buffer[..room]).await?;
            if n == 0 {
                self.to.shutdown().await?;
                return Ok(End::Closed);
            }
            if self.late {
                sleep(LATE).await;
            }
            let mut bytes = &buffer[..n];
            let lie;
            if fault == Fault::LieAboutSize
                && self.from_server
                && let Some(told) = one_more(bytes)
            {
                lie = told;
                bytes = &lie;
            }
            match self.weather.strikes(bytes.len()) {
                None => self.to.write_all(bytes).await?,
                Some(pass) => {
                    self.to.write_all(&bytes[..pass.min(bytes.len())]).await?;
                    return self.strike(fault).await;
                }
            }
        }
    }

    async fn strike(self, fault: Fault) -> io::Result<End> {
        match fault {
            Fault::Stall => std::future::pending().await,
            Fault::Reset => {
                for stream in [self.from.as_ref(), self.to.as_ref()] {
                    stream.set_zero_linger()?;
                }
            }
            _ => {}
        }
        Ok(End::Struck)
    }
}

/// A reply to SIZE with a byte more.
fn one_more(bytes: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let size: u64 = text
        .strip_prefix("213 ")?
        .strip_suffix("\r\n")?
        .parse()
        .ok()?;
    // A time as MDTM tells it has fourteen digits.
    (size < 10_000_000_000_000).then(|| format!("213 {}\r\n", size + 1).into_bytes())
}

/// Numbers that look random (SplitMix64), the same for the same seed everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit.max(1)
    }
}

/// How late something is that is late: longer than any answer on loopback takes.
const LATE: Duration = Duration::from_millis(15);

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn seeds_choose_everything_and_always_the_same() {
        let chosen = |seed| Faults::from_seed(seed, 100_000);
        let faults: HashSet<_> = (0..100).map(|seed| chosen(seed).fault).collect();
        assert_eq!(faults.len(), Fault::ALL.len());
        assert!((0..100).all(|seed| chosen(seed) == chosen(seed)));
        let early = (0..1000).filter(|&seed| chosen(seed).after < 1000).count();
        assert!((300..800).contains(&early), "{early}");
    }

    #[test]
    fn only_sizes_are_lied_about() {
        assert_eq!(
            one_more(b"213 99\r\n").as_deref(),
            Some(&b"213 100\r\n"[..])
        );
        assert_eq!(one_more(b"213 20240101000000\r\n"), None);
        assert_eq!(one_more(b"226 done\r\n"), None);
    }
}
