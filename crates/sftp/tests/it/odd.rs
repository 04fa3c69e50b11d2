//! A server of a few lines that a test can make misbehave: SSH by russh, SFTP packets by the test.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use russh::{
    Channel, ChannelId, MethodKind, MethodSet,
    keys::{Algorithm, PrivateKey},
    server::{self, Auth, ChannelOpenHandle, Msg, PublicKeyOffer, Session, VerifiedPublicKey},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    task::JoinHandle,
};

/// Answers a packet: kind, number, and what follows. Each answer is a packet without its length.
pub(crate) type Answer = dyn FnMut(u8, u32, &[u8]) -> Vec<Vec<u8>> + Send;

/// What happens once somebody is logged in.
#[derive(Clone)]
pub(crate) enum Sftp {
    /// The subsystem is refused.
    Refused,
    /// These bytes come, and then the end.
    Says(&'static [u8]),
    /// SFTP as the test answers it; the version packet too.
    Answers(Arc<Mutex<Box<Answer>>>),
}

impl Sftp {
    /// Version 3 without extensions, and after that the test's answers.
    pub(crate) fn answers(
        answer: impl FnMut(u8, u32, &[u8]) -> Vec<Vec<u8>> + Send + 'static,
    ) -> Self {
        Self::with_extensions(&[], answer)
    }

    /// Version 3 with these extensions, and after that the test's answers.
    pub(crate) fn with_extensions(
        extensions: &[(&str, &str)],
        mut answer: impl FnMut(u8, u32, &[u8]) -> Vec<Vec<u8>> + Send + 'static,
    ) -> Self {
        let mut version = vec![2, 0, 0, 0, 3];
        for (name, data) in extensions {
            put(&mut version, name.as_bytes());
            put(&mut version, data.as_bytes());
        }
        Self::Answers(Arc::new(Mutex::new(Box::new(move |kind, id, body| {
            match kind {
                INIT => vec![version.clone()],
                // The login folder.
                REALPATH => vec![names(id, &[(b"/", 0o40755)])],
                _ => answer(kind, id, body),
            }
        }))))
    }
}

/// The server, running until it is dropped.
pub(crate) struct Odd {
    pub(crate) addr: SocketAddr,
    task: JoinHandle<()>,
}

impl Odd {
    /// Any password `secret` and any key are accepted; all `factors` are wanted, in this order.
    pub(crate) async fn start(factors: &'static [MethodKind], sftp: Sftp) -> Self {
        Self::greeting("SSH-2.0-odd", factors, sftp).await
    }

    pub(crate) async fn greeting(
        greeting: &'static str,
        factors: &'static [MethodKind],
        sftp: Sftp,
    ) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let addr = listener.local_addr().unwrap();
        let key = PrivateKey::random(&mut russh::keys::key::safe_rng(), Algorithm::Ed25519);
        let config = Arc::new(server::Config {
            server_id: russh::SshId::Standard(greeting.into()),
            keys: vec![key.unwrap()],
            auth_rejection_time: Duration::ZERO,
            max_auth_attempts: 2,
            ..server::Config::default()
        });
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let client = Client {
                    factors,
                    passed: 0,
                    sftp: sftp.clone(),
                    channel: None,
                };
                let config = Arc::clone(&config);
                tokio::spawn(async move {
                    if let Ok(running) = server::run_stream(config, stream, client).await {
                        let _ = running.await;
                    }
                });
            }
        });
        Self { addr, task }
    }

    pub(crate) async fn answering(
        answer: impl FnMut(u8, u32, &[u8]) -> Vec<Vec<u8>> + Send + 'static,
    ) -> Self {
        Self::start(&[MethodKind::Password], Sftp::answers(answer)).await
    }
}

impl Drop for Odd {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Client {
    factors: &'static [MethodKind],
    passed: usize,
    sftp: Sftp,
    channel: Option<Channel<Msg>>,
}

impl Client {
    fn judge(&mut self, method: MethodKind, right: bool) -> Auth {
        let right = right && self.factors.get(self.passed) == Some(&method);
        self.passed += usize::from(right);
        match self.factors.get(self.passed) {
            None => Auth::Accept,
            Some(next) => Auth::Reject {
                proceed_with_methods: Some(MethodSet::from(&[*next][..])),
                partial_success: right,
            },
        }
    }
}

impl server::Handler for Client {
    type Error = russh::Error;

    async fn auth_password(&mut self, _: &str, password: &str) -> Result<Auth, russh::Error> {
        Ok(self.judge(MethodKind::Password, password == "secret"))
    }

    async fn auth_publickey_offered(
        &mut self,
        _: &str,
        _: PublicKeyOffer<'_>,
    ) -> Result<Auth, russh::Error> {
        let wanted = self.factors.get(self.passed);
        Ok(match wanted {
            Some(MethodKind::PublicKey) => Auth::Accept,
            _ => self.judge(MethodKind::PublicKey, false),
        })
    }

    async fn auth_publickey(
        &mut self,
        _: &str,
        _: VerifiedPublicKey<'_>,
    ) -> Result<Auth, russh::Error> {
        Ok(self.judge(MethodKind::PublicKey, true))
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), russh::Error> {
        self.channel = Some(channel);
        reply.accept().await;
        Ok(())
    }

    async fn subsystem_request(
        &mut self,
        id: ChannelId,
        _: &str,
        session: &mut Session,
    ) -> Result<(), russh::Error> {
        let (sftp, channel) = (self.sftp.clone(), self.channel.take());
        let Some(channel) = channel else {
            return session.channel_failure(id);
        };
        match sftp {
            Sftp::Refused => session.channel_failure(id)?,
            Sftp::Says(bytes) => {
                session.channel_success(id)?;
                tokio::spawn(async move {
                    let _ = channel.data(bytes).await;
                    let _ = channel.close().await;
                });
            }
            Sftp::Answers(answer) => {
                session.channel_success(id)?;
                tokio::spawn(serve(channel, answer));
            }
        }
        Ok(())
    }
}

async fn serve(channel: Channel<Msg>, answer: Arc<Mutex<Box<Answer>>>) {
    let mut stream = channel.into_stream();
    while let Ok(length) = stream.read_u32().await {
        let mut packet = vec![0; length as usize];
        if stream.read_exact(&mut packet).await.is_err() {
            return;
        }
        let id = u32::from_be_bytes(packet[1..5].try_into().unwrap());
        let answers = (answer.lock().unwrap())(packet[0], id, &packet[5..]);
        for answer in answers {
            let mut framed = (answer.len() as u32).to_be_bytes().to_vec();
            framed.extend_from_slice(&answer);
            if stream.write_all(&framed).await.is_err() {
                return;
            }
        }
    }
}

pub(crate) const INIT: u8 = 1;
pub(crate) const OPEN: u8 = 3;
pub(crate) const CLOSE: u8 = 4;
pub(crate) const READ: u8 = 5;
pub(crate) const WRITE: u8 = 6;
pub(crate) const LSTAT: u8 = 7;
pub(crate) const FSTAT: u8 = 8;
pub(crate) const FSETSTAT: u8 = 10;
pub(crate) const OPENDIR: u8 = 11;
pub(crate) const READDIR: u8 = 12;
pub(crate) const REALPATH: u8 = 16;
pub(crate) const STAT: u8 = 17;
pub(crate) const RENAME: u8 = 18;
pub(crate) const READLINK: u8 = 19;
pub(crate) const SYMLINK: u8 = 20;
pub(crate) const EXTENDED: u8 = 200;

pub(crate) fn status(id: u32, code: u32) -> Vec<u8> {
    let mut out = head(101, id);
    out.extend_from_slice(&code.to_be_bytes());
    put(&mut out, b"said the server");
    put(&mut out, b"");
    out
}

pub(crate) fn handle(id: u32, handle: &[u8]) -> Vec<u8> {
    let mut out = head(102, id);
    put(&mut out, handle);
    out
}

pub(crate) fn extended(id: u32, body: &[u8]) -> Vec<u8> {
    let mut out = head(201, id);
    out.extend_from_slice(body);
    out
}

pub(crate) fn data(id: u32, data: &[u8]) -> Vec<u8> {
    let mut out = head(103, id);
    put(&mut out, data);
    out
}

pub(crate) fn names(id: u32, names: &[(&[u8], u32)]) -> Vec<u8> {
    let mut out = head(104, id);
    out.extend_from_slice(&(names.len() as u32).to_be_bytes());
    for (name, mode) in names {
        put(&mut out, name);
        put(&mut out, b"");
        out.extend_from_slice(&4_u32.to_be_bytes());
        out.extend_from_slice(&mode.to_be_bytes());
    }
    out
}

/// Attributes of a file of this size.
pub(crate) fn file(id: u32, size: u64) -> Vec<u8> {
    attributes(id, size, 0o100_644)
}

/// Size and mode of whatever it is.
pub(crate) fn attributes(id: u32, size: u64, mode: u32) -> Vec<u8> {
    let mut out = head(105, id);
    out.extend_from_slice(&5_u32.to_be_bytes());
    out.extend_from_slice(&size.to_be_bytes());
    out.extend_from_slice(&mode.to_be_bytes());
    out
}

/// Offset and length of a READ of a handle of one byte.
pub(crate) fn range(body: &[u8]) -> (usize, usize) {
    let offset = u64::from_be_bytes(body[5..13].try_into().unwrap());
    let length = u32::from_be_bytes(body[13..17].try_into().unwrap());
    (offset as usize, length as usize)
}

fn head(kind: u8, id: u32) -> Vec<u8> {
    let mut out = vec![kind];
    out.extend_from_slice(&id.to_be_bytes());
    out
}

pub(crate) fn put(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
    out.extend_from_slice(bytes);
}
