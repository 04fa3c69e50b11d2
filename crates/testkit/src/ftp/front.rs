//! The relay before a control connection of libunftp.
//!
//! Why: see [the module above](super). It terminates TLS, sends commands on one at a time, and
//! knows just enough of replies (RFC 959 §4.2) to see where one ends. A transfer's last reply waits
//! until the [data connection](super::data) has had its last byte.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::data::{Data, NOT_OPENED, Security, host_port, passive_port};
use super::{FtpFault, unftp::Files};

/// When TLS begins and what is refused without it.
pub(super) struct Rules {
    pub(super) acceptor: Option<TlsAcceptor>,
    pub(super) implicit: bool,
    pub(super) tls_required: bool,
    pub(super) reuse_required: bool,
    pub(super) faults: Vec<FtpFault>,
}

impl Rules {
    fn has(&self, fault: &FtpFault) -> bool {
        self.faults.contains(fault)
    }

    /// A line of a reply with another size, if it tells one and sizes are wrong.
    fn with_wrong_size(&self, line: &[u8]) -> Option<String> {
        let by = self.faults.iter().find_map(|fault| match fault {
            FtpFault::WrongSizes(by) => Some(*by),
            _ => None,
        })?;
        let text = std::str::from_utf8(line).ok()?;
        let begin = match text.strip_prefix("213 ") {
            Some(_) => 4,
            None if text.starts_with(' ') => text.to_ascii_lowercase().find("size=")? + 5,
            None => return None,
        };
        let (before, number) = text.split_at(begin);
        let end = number.find(|c: char| !c.is_ascii_digit())?;
        // A time as MDTM tells it has fourteen digits.
        let size: u64 = number[..end].parse().ok().filter(|_| end < 14)?;
        let wrong = size.saturating_add_signed(by);
        Some(format!("{before}{wrong}{}", &number[end..]))
    }

    /// The reply to a command that is refused.
    fn refusal(&self, verb: &str) -> Option<&'static str> {
        self.faults.iter().find_map(|fault| match fault {
            FtpFault::Refuses(command) if command.eq_ignore_ascii_case(verb) => {
                Some("502 the command is not implemented")
            }
            FtpFault::ActiveBlocked if matches!(verb, "PORT" | "EPRT") => {
                Some("500 active mode is not allowed")
            }
            _ => None,
        })
    }
}

/// Accepts for ever. Cancelling it ends every connection.
pub(super) async fn accept(listener: TcpListener, rules: Arc<Rules>, files: Arc<Files>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((client, peer)) = listener.accept().await else {
            // Out of descriptors, most likely: give the others time to end.
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            continue;
        };
        while connections.try_join_next().is_some() {}
        let (rules, files) = (Arc::clone(&rules), Arc::clone(&files));
        connections.spawn(async move {
            if let Err(error) = serve(client, &rules, &files).await {
                tracing::debug!(%peer, %error, "embedded FTP connection ended");
            }
        });
    }
}

async fn serve(client: TcpStream, rules: &Rules, files: &Files) -> io::Result<()> {
    client.set_nodelay(true)?;
    if rules.has(&FtpFault::Full) {
        let mut client = client;
        client
            .write_all(b"421 too many connections, try later\r\n")
            .await?;
        return client.shutdown().await;
    }
    let (near, far) = inner_pair().await?;
    let implicit = rules.acceptor.as_ref().filter(|_| rules.implicit);
    let client: Box<dyn Io> = match implicit {
        Some(acceptor) => Box::new(acceptor.accept(client).await?),
        None => Box::new(client),
    };
    let relay = Relay {
        client,
        inner: near,
        rules,
        secured: rules.implicit,
        private_data: false,
        commands: BytesMut::new(),
        replies: BytesMut::new(),
        multiline: None,
        // The greeting counts as an answer that is awaited.
        awaited: 1,
        swallow: false,
        restart: false,
        transfer: None,
        started: false,
        passive: false,
        data: None,
        tasks: JoinSet::new(),
        client_ended: false,
    };
    let (relayed, served) = tokio::join!(relay.run(), files.serve(far));
    relayed.and(served)
}

/// Two ends of a loopback connection: libunftp wants a `TcpStream`.
async fn inner_pair() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let near = TcpStream::connect(listener.local_addr()?).await?;
    let own = near.local_addr()?;
    loop {
        let (far, peer) = listener.accept().await?;
        if peer == own {
            near.set_nodelay(true)?;
            far.set_nodelay(true)?;
            return Ok((near, far));
        }
    }
}

pub(super) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

struct Relay<'a> {
    client: Box<dyn Io>,
    inner: TcpStream,
    rules: &'a Rules,
    secured: bool,
    private_data: bool,
    commands: BytesMut,
    replies: BytesMut,
    /// The code of the multi-line reply that has begun.
    multiline: Option<[u8; 3]>,
    /// Final replies still to come from libunftp.
    awaited: usize,
    /// The next reply answers a command of ours and is not for the client.
    swallow: bool,
    /// `REST` with a position was sent and no transfer has used it up.
    restart: bool,
    /// The command under way is a transfer.
    transfer: Option<Transfer>,
    /// Its preliminary reply has come.
    started: bool,
    /// The command under way is `PASV` or `EPSV`.
    passive: bool,
    data: Option<Data>,
    /// Relays of data connections.
    tasks: JoinSet<()>,
    client_ended: bool,
}

impl Relay<'_> {
    async fn run(mut self) -> io::Result<()> {
        let outcome = self.pump().await;
        // close_notify under TLS, FIN in the clear.
        let closed = self.client.shutdown().await;
        outcome.and(closed)
    }

    async fn pump(&mut self) -> io::Result<()> {
        loop {
            while let Some(line) = take_line(&mut self.replies) {
                self.reply_line(&line).await?;
            }
            self.forward_commands().await?;
            if self.client_ended && self.awaited == 0 {
                return Ok(());
            }
            let room = self.commands.len() < COMMANDS_LIMIT && !self.client_ended;
            tokio::select! {
                read = self.client.read_buf(&mut self.commands), if room => {
                    self.client_ended = read? == 0;
                }
                // libunftp says nothing of a transfer whose connection never came.
                () = not_opened(&mut self.data), if self.started => {
                    self.end_unopened(NOT_OPENED).await?;
                }
                read = self.inner.read_buf(&mut self.replies) => {
                    if read? == 0 {
                        return Ok(());
                    }
                }
            }
        }
    }

    async fn reply_line(&mut self, line: &[u8]) -> io::Result<()> {
        let Some(code) = line.first_chunk::<3>().copied() else {
            return self.pass_on(line).await;
        };
        let ends = match (self.multiline, line.get(3)) {
            (Some(open), Some(b' ')) => open == code,
            (Some(_), _) => false,
            (None, Some(b'-')) => {
                self.multiline = Some(code);
                false
            }
            (None, _) => true,
        };
        if !ends {
            return self.pass_on(line).await;
        }
        let single = self.multiline.take().is_none();
        match self.replaced(line, code).await?.filter(|_| single) {
            Some(own) => self.pass_on(format!("{own}\r\n").as_bytes()).await?,
            None => self.pass_on(line).await?,
        }
        self.reply_ended(code).await
    }

    async fn pass_on(&mut self, line: &[u8]) -> io::Result<()> {
        if self.swallow {
            return Ok(());
        }
        let wrong = self.rules.with_wrong_size(line);
        let line = wrong.as_ref().map_or(line, String::as_bytes);
        self.client.write_all(line).await?;
        self.client.flush().await
    }

    /// What is said instead of libunftp's reply.
    async fn replaced(&mut self, line: &[u8], code: [u8; 3]) -> io::Result<Option<String>> {
        if self.swallow || code[0] == b'1' {
            self.started |= !self.swallow;
            return Ok(None);
        }
        if std::mem::take(&mut self.passive) && code[0] == b'2' {
            return self.passive_reply(line, code).await.map(Some);
        }
        let cut = self.rules.has(&FtpFault::ListingsCut)
            && self.transfer == Some(Transfer::Listing)
            && code[0] == b'2';
        if self.transfer.is_some() && std::mem::take(&mut self.started) {
            let data = self.data.take();
            let verdict = match data {
                Some(data) => data.finish().await,
                None => None,
            };
            // A refusal of the file itself says more than what became of the connection.
            let verdict = verdict.filter(|_| code[0] != b'5');
            let cut = cut.then_some("226 Output truncated to 10 matches");
            let verdict = verdict.or(cut);
            return Ok(verdict.map(str::to_owned));
        }
        Ok(None)
    }

    async fn passive_reply(&mut self, line: &[u8], code: [u8; 3]) -> io::Result<String> {
        let port = passive_port(&String::from_utf8_lossy(line));
        let port = port.ok_or_else(|| io::Error::other("no port in libunftp's reply"))?;
        let inner = SocketAddr::from(([127, 0, 0, 1], port));
        let data = Data::passive(inner, self.data_security(), &mut self.tasks).await?;
        let mut port = data.port;
        self.data = Some(data);
        if self.rules.has(&FtpFault::PassiveBlocked) {
            port = NOBODY;
        }
        let address = self.rules.faults.iter().find_map(|fault| match fault {
            FtpFault::AdvertisedAddress(address) => Some(*address),
            _ => None,
        });
        let [a, b, c, d] = address.unwrap_or(Ipv4Addr::LOCALHOST).octets();
        Ok(if &code == b"229" {
            format!("229 Entering Extended Passive Mode (|||{port}|)")
        } else {
            let (high, low) = (port / 256, port % 256);
            format!("227 Entering Passive Mode ({a},{b},{c},{d},{high},{low})")
        })
    }

    /// Ends the transfer under way, of which libunftp will say nothing.
    async fn end_unopened(&mut self, text: &str) -> io::Result<()> {
        self.data = None;
        self.started = false;
        self.answer(text).await?;
        self.reply_ended(*b"425").await
    }

    fn data_security(&self) -> Option<Security> {
        let acceptor = self.rules.acceptor.as_ref().filter(|_| self.private_data)?;
        let reuse_required = self.rules.reuse_required;
        Some(Security {
            acceptor: acceptor.clone(),
            reuse_required,
        })
    }

    async fn reply_ended(&mut self, code: [u8; 3]) -> io::Result<()> {
        if code[0] == b'1' {
            return Ok(());
        }
        self.awaited = self.awaited.saturating_sub(1);
        if self.swallow {
            self.swallow = false;
            return Ok(());
        }
        let Some(transfer) = self.transfer.take().filter(|_| self.restart) else {
            return Ok(());
        };
        self.restart = false;
        if code[0] != b'2' || transfer == Transfer::Listing {
            // RFC 959 §4.1.3: REST holds for the next command alone. libunftp forgets it only after
            // a file's transfer that succeeded.
            self.swallow = true;
            self.awaited += 1;
            self.inner.write_all(b"REST 0\r\n").await?;
        }
        Ok(())
    }

    async fn forward_commands(&mut self) -> io::Result<()> {
        loop {
            if self
                .commands
                .get(..4)
                .is_some_and(|verb| verb.eq_ignore_ascii_case(b"ABOR"))
            {
                self.abandon().await?;
            }
            if self.awaited > 0 {
                return Ok(());
            }
            let Some(line) = take_line(&mut self.commands) else {
                return Ok(());
            };
            self.command(&line).await?;
        }
    }

    async fn command(&mut self, line: &[u8]) -> io::Result<()> {
        let Ok(text) = std::str::from_utf8(line) else {
            // libunftp would take replacement characters for the name.
            return self
                .answer("501 the embedded server takes UTF-8 only")
                .await;
        };
        let text = text.trim_end().to_ascii_uppercase();
        let verb = text.split(' ').next().unwrap_or_default();
        if let Some(refusal) = self.rules.refusal(verb) {
            return self.answer(refusal).await;
        }
        let tls = self.rules.acceptor.is_some();
        let required = self.rules.tls_required;
        match verb {
            "AUTH" if self.secured => return self.answer("503 TLS is on already").await,
            "AUTH" if tls => return self.upgrade(&text).await,
            "USER" | "PASS" if required && !self.secured => {
                return self.answer("530 use AUTH TLS first").await;
            }
            "PBSZ" | "PROT" if tls && !self.secured => {
                return self.answer("503 use AUTH TLS first").await;
            }
            "PBSZ" if tls => return self.answer("200 PBSZ=0").await,
            "PROT" if tls => return self.protect(&text).await,
            "PASV" | "EPSV" | "PORT" | "EPRT" if required && !self.private_data => {
                return self
                    .answer("522 data connections must be protected with PROT P")
                    .await;
            }
            "PASV" | "EPSV" => self.passive = true,
            "PORT" | "EPRT" => return self.active(&text).await,
            "REST" => self.restart = text != "REST 0",
            "RETR" | "STOR" | "APPE" | "STOU" => self.transfer = Some(Transfer::File),
            "LIST" | "NLST" | "MLSD" => self.transfer = Some(Transfer::Listing),
            _ => {}
        }
        self.send_on(line).await
    }

    /// Ends the transfer under way for an `ABOR` that waits: libunftp would answer it only after
    /// the whole file.
    async fn abandon(&mut self) -> io::Result<()> {
        let text = "426 the transfer was aborted";
        match &self.data {
            Some(data) if self.started && data.opened() => data.abandon(text),
            Some(_) if self.started => self.end_unopened(text).await?,
            _ => {}
        }
        Ok(())
    }

    async fn send_on(&mut self, line: &[u8]) -> io::Result<()> {
        self.awaited += 1;
        self.inner.write_all(line).await
    }

    /// `PROT` (RFC 4217 §9): libunftp is not told, as its data connections end at the relay.
    async fn protect(&mut self, command: &str) -> io::Result<()> {
        match command {
            "PROT P" => {
                self.private_data = true;
                self.answer("200 data connections are private").await
            }
            "PROT C" if !self.rules.tls_required => {
                self.private_data = false;
                self.answer("200 data connections are clear").await
            }
            "PROT C" => self.answer("534 data connections must be private").await,
            _ => self.answer("536 only PROT P and PROT C are known").await,
        }
    }

    async fn active(&mut self, command: &str) -> io::Result<()> {
        let argument = command.split_once(' ').map(|(_, argument)| argument);
        let Some(client) = argument.and_then(host_port) else {
            return self.answer("501 no address").await;
        };
        let data = Data::active(client, self.data_security(), &mut self.tasks).await?;
        let (high, low) = (data.port / 256, data.port % 256);
        self.data = Some(data);
        self.send_on(format!("PORT 127,0,0,1,{high},{low}\r\n").as_bytes())
            .await
    }

    async fn upgrade(&mut self, command: &str) -> io::Result<()> {
        let known = matches!(command, "AUTH TLS" | "AUTH TLS-C" | "AUTH SSL");
        let Some(acceptor) = self.rules.acceptor.as_ref().filter(|_| known) else {
            return self.answer("504 unknown mechanism").await;
        };
        if !self.commands.is_empty() {
            // What came in the clear must not be taken for something said under TLS.
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "bytes in the clear behind AUTH",
            ));
        }
        self.answer("234 begin TLS").await?;
        let clear = std::mem::replace(&mut self.client, Box::new(tokio::io::empty()));
        self.client = Box::new(acceptor.accept(clear).await?);
        self.secured = true;
        Ok(())
    }

    async fn answer(&mut self, text: &str) -> io::Result<()> {
        self.client
            .write_all(format!("{text}\r\n").as_bytes())
            .await?;
        self.client.flush().await
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Transfer {
    File,
    Listing,
}

/// Resolves when it is certain that the data connection will not be opened.
async fn not_opened(data: &mut Option<Data>) {
    if let Some(data) = data {
        data.ended().await;
        if !data.opened() {
            return;
        }
    }
    std::future::pending().await
}

fn take_line(buffer: &mut BytesMut) -> Option<BytesMut> {
    let end = buffer.iter().position(|&byte| byte == b'\n')?;
    Some(buffer.split_to(end + 1))
}

/// A port on which nobody listens: binding it is for the superuser, who has better to do.
const NOBODY: u16 = 1;

/// Commands that may wait here before the client has to.
const COMMANDS_LIMIT: usize = 64 * 1024;
