//! A client that knows lines: what the servers are tested with.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

pub(crate) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// A control connection.
pub(crate) struct Raw {
    stream: Box<dyn Io>,
    tls: Option<TlsConnector>,
    addr: SocketAddr,
}

impl Raw {
    pub(crate) async fn connect(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).await.unwrap();
        Self {
            stream: Box::new(stream),
            tls: None,
            addr,
        }
    }

    pub(crate) async fn connect_tls(addr: SocketAddr, config: Arc<ClientConfig>) -> Self {
        let mut raw = Self::connect(addr).await;
        raw.secure(config).await;
        raw
    }

    /// Begins TLS on the control connection; later data connections have it too.
    pub(crate) async fn secure(&mut self, config: Arc<ClientConfig>) {
        let connector = TlsConnector::from(config);
        let clear = std::mem::replace(&mut self.stream, Box::new(tokio::io::empty()));
        let stream = connector.connect(localhost(), clear).await.unwrap();
        self.stream = Box::new(stream);
        self.tls = Some(connector);
    }

    pub(crate) async fn send(&mut self, text: &str) {
        self.send_bytes(text.as_bytes()).await;
    }

    pub(crate) async fn send_bytes(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    /// The next reply, lines joined.
    pub(crate) async fn reply(&mut self) -> String {
        let first = self.line().await;
        let mut all = first.clone();
        if first.as_bytes().get(3) == Some(&b'-') {
            loop {
                let line = self.line().await;
                all.push('\n');
                all.push_str(&line);
                if line.starts_with(&format!("{} ", &first[..3])) {
                    break;
                }
            }
        }
        all
    }

    #[track_caller]
    pub(crate) fn check(reply: &str, code: &str) {
        assert!(reply.starts_with(code), "expected {code}, got {reply}");
    }

    pub(crate) async fn command(&mut self, line: &str, code: &str) -> String {
        self.send(&format!("{line}\r\n")).await;
        let reply = self.reply().await;
        assert!(
            reply.starts_with(code),
            "{line}: expected {code}, got {reply}"
        );
        reply
    }

    pub(crate) async fn login(&mut self, user: &str, password: &str) {
        self.command(&format!("USER {user}"), "331").await;
        self.command(&format!("PASS {password}"), "230").await;
    }

    /// Opens a passive data connection, without TLS yet.
    pub(crate) async fn passive(&mut self) -> TcpStream {
        let reply = self.command("EPSV", "229").await;
        let port = reply.split('|').nth(3).unwrap().parse().unwrap();
        TcpStream::connect(SocketAddr::new(self.addr.ip(), port))
            .await
            .unwrap()
    }

    pub(crate) async fn download(&mut self, command: &str) -> Vec<u8> {
        let tcp = self.passive().await;
        self.command(command, "150").await;
        let mut data = self.secure_data(tcp).await;
        let mut content = Vec::new();
        data.read_to_end(&mut content).await.unwrap();
        let _ = data.shutdown().await;
        let last = self.reply().await;
        Self::check(&last, "226");
        content
    }

    pub(crate) async fn upload(&mut self, command: &str, content: &[u8]) {
        let tcp = self.passive().await;
        self.command(command, "150").await;
        let mut data = self.secure_data(tcp).await;
        data.write_all(content).await.unwrap();
        data.shutdown().await.unwrap();
        assert_eq!(data.read_to_end(&mut Vec::new()).await.unwrap(), 0);
        let last = self.reply().await;
        Self::check(&last, "226");
    }

    /// Whether the server closed.
    pub(crate) async fn at_end(&mut self) -> bool {
        matches!(self.stream.read(&mut [0; 1]).await, Ok(0) | Err(_))
    }

    pub(crate) async fn line(&mut self) -> String {
        let mut line = Vec::new();
        while !line.ends_with(b"\r\n") {
            line.push(self.stream.read_u8().await.expect("a line"));
        }
        line.truncate(line.len() - 2);
        String::from_utf8(line).unwrap()
    }

    async fn secure_data(&self, tcp: TcpStream) -> Box<dyn Io> {
        match &self.tls {
            None => Box::new(tcp),
            Some(connector) => Box::new(connector.connect(localhost(), tcp).await.unwrap()),
        }
    }
}

pub(crate) fn localhost() -> ServerName<'static> {
    ServerName::try_from("localhost").unwrap()
}
