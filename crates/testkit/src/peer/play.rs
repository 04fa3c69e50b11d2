//! The play itself: one step after the other, under one deadline.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::ftp::host_port;

use super::script::{Leave, Pattern, Step, glob};
use super::transcript::{Failure, PlayError, Side, Transcript, shown};
use super::wire::Wire;

pub(super) struct Play {
    listener: TcpListener,
    acceptor: Option<TlsAcceptor>,
    data_acceptor: Option<TlsAcceptor>,
    control: Option<Wire>,
    data_listener: Option<TcpListener>,
    data_tls: bool,
    data: Option<Wire>,
    /// What the last `*` stood for.
    captured: Vec<u8>,
    /// What has come of the line that is awaited, for the report of a deadline.
    partial: Vec<u8>,
    slow: bool,
    started: Instant,
    transcript: Transcript,
}

impl Play {
    pub(super) fn new(
        listener: TcpListener,
        acceptor: Option<TlsAcceptor>,
        data_acceptor: Option<TlsAcceptor>,
    ) -> Self {
        Self {
            listener,
            data_acceptor: data_acceptor.or_else(|| acceptor.clone()),
            acceptor,
            control: None,
            data_listener: None,
            data_tls: false,
            data: None,
            captured: Vec::new(),
            partial: Vec::new(),
            slow: false,
            started: Instant::now(),
            transcript: Transcript::default(),
        }
    }

    pub(super) async fn run(
        mut self,
        steps: Vec<Step>,
        deadline: Duration,
    ) -> Result<Transcript, PlayError> {
        let mut at = 0;
        let outcome = tokio::time::timeout(deadline, self.play(&steps, &mut at)).await;
        let wanted = |play: &Self| match steps.get(at) {
            Some(step) if play.connected() => described(step),
            _ => "a connection".to_owned(),
        };
        let failure = match outcome {
            Ok(Ok(())) => return Ok(self.transcript),
            Ok(Err(failure)) => failure,
            Err(_) if self.partial.is_empty() => {
                Failure::new(wanted(&self), format!("nothing within {deadline:?}"))
            }
            Err(_) => {
                let seen = format!("only `{}` within {deadline:?}", shown(&self.partial));
                Failure::new(wanted(&self), seen)
            }
        };
        Err(PlayError::new(at + 1, failure, self.transcript))
    }

    async fn play(&mut self, steps: &[Step], at: &mut usize) -> Result<(), Failure> {
        self.accept().await?;
        for (index, step) in steps.iter().enumerate() {
            *at = index;
            self.step(step).await?;
        }
        if let Some(control) = self.control.take() {
            // The script has ended: whether the client is still there does not matter.
            let _ = control.leave(Leave::Close).await;
        }
        Ok(())
    }

    async fn step(&mut self, step: &Step) -> Result<(), Failure> {
        let wanted = || described(step);
        match step {
            Step::Send {
                bytes,
                fill_in: true,
            } => {
                let bytes = self.filled_in(bytes)?;
                self.send(&bytes)
                    .await
                    .map_err(|error| Failure::io(wanted(), error))
            }
            Step::Send {
                bytes,
                fill_in: false,
            } => self
                .send(bytes)
                .await
                .map_err(|error| Failure::io(wanted(), error)),
            Step::Expect(pattern) => self.expect(pattern, &wanted()).await,
            Step::StartTls => {
                let outcome = self.start_tls().await;
                outcome.map_err(|error| Failure::io(wanted(), error))
            }
            Step::EndTls => {
                let outcome = self.end_tls().await;
                outcome.map_err(|error| Failure::io(wanted(), error))
            }
            Step::ExpectEnd => self.expect_end(&wanted()).await,
            Step::Leave(how) => {
                self.note(&format!("{how:?}"));
                let control = take(&mut self.control).map_err(|e| Failure::io(wanted(), e))?;
                control
                    .leave(*how)
                    .await
                    .map_err(|error| Failure::io(wanted(), error))
            }
            Step::Accept => self.accept().await,
            Step::ListenData { tls } => {
                let listener = self.listen().await;
                self.data_listener = Some(listener.map_err(|e| Failure::io(wanted(), e))?);
                (self.data, self.data_tls) = (None, *tls);
                Ok(())
            }
            Step::ConnectData { tls } => {
                let outcome = self.connect_data(*tls).await;
                outcome.map_err(|error| Failure::io(wanted(), error))
            }
            Step::Stranger => {
                let outcome = self.stranger().await;
                outcome.map_err(|error| Failure::io(wanted(), error))
            }
            Step::SendData(bytes) => {
                let outcome = self.send_data(bytes).await;
                outcome.map_err(|error| Failure::io(wanted(), error))
            }
            Step::ExpectData(bytes) => self.expect_data(bytes, &wanted()).await,
            Step::ExpectDataEnd => self.expect_data_end(&wanted()).await,
            Step::ExpectDataGone => {
                let outcome = self.expect_data_gone().await;
                outcome.map_err(|error| Failure::io(wanted(), error))
            }
            Step::LeaveData(how) => {
                self.note(&format!("data: {how:?}"));
                let outcome = self.leave_data(*how).await;
                outcome.map_err(|error| Failure::io(wanted(), error))
            }
            Step::Pause(time) => {
                tokio::time::sleep(*time).await;
                Ok(())
            }
            Step::Slow(slow) => {
                self.slow = *slow;
                Ok(())
            }
        }
    }

    async fn accept(&mut self) -> Result<(), Failure> {
        let accepted = async {
            let (stream, _) = self.listener.accept().await?;
            Wire::new(stream)
        };
        let wire = accepted
            .await
            .map_err(|error| Failure::io("a connection", error))?;
        self.control = Some(wire);
        self.note("connected");
        Ok(())
    }

    async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let slow = self.slow;
        borrow(&mut self.control)?.write(bytes, slow).await?;
        self.transcript
            .add(self.started.elapsed(), Side::Server, bytes);
        Ok(())
    }

    async fn expect(&mut self, pattern: &Pattern, wanted: &str) -> Result<(), Failure> {
        self.partial.clear();
        let outcome = match pattern {
            Pattern::Bytes(bytes) => self.read_exactly(bytes.len()).await,
            Pattern::Line(_) | Pattern::Glob(_) => self.read_line().await,
        };
        let seen = std::mem::take(&mut self.partial);
        if !seen.is_empty() {
            self.transcript
                .add(self.started.elapsed(), Side::Client, &seen);
        }
        let ended = outcome.map_err(|error| Failure::io(wanted, error))?;
        let matched = match pattern {
            Pattern::Bytes(bytes) => &seen == bytes,
            Pattern::Line(line) => seen.strip_suffix(b"\r\n") == Some(line.as_slice()),
            Pattern::Glob(glob_pattern) => {
                let line = seen.strip_suffix(b"\r\n");
                let found = line.and_then(|line| glob(glob_pattern, line));
                if let Some(captured) = found {
                    self.captured = captured.to_vec();
                }
                found.is_some()
            }
        };
        match (matched, ended) {
            (true, _) => Ok(()),
            (false, true) if seen.is_empty() => Err(Failure::new(wanted, "the client closed")),
            (false, true) => {
                let seen = format!("`{}` and the client closed", seen.escape_ascii());
                Err(Failure::new(wanted, seen))
            }
            (false, false) => Err(Failure::new(wanted, format!("`{}`", seen.escape_ascii()))),
        }
    }

    /// Reads a line into `partial`; says whether the connection ended before its end.
    async fn read_line(&mut self) -> io::Result<bool> {
        while self.partial.last() != Some(&b'\n') {
            if self.partial.len() == LONGEST_LINE {
                return Err(io::Error::other("a line without end"));
            }
            if self.read_exactly(1).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Reads so many bytes into `partial`; says whether the connection ended before.
    async fn read_exactly(&mut self, count: usize) -> io::Result<bool> {
        let control = borrow(&mut self.control)?;
        let mut byte = [0; 1];
        for _ in 0..count {
            if control.read(&mut byte).await? == 0 {
                return Ok(true);
            }
            self.partial.push(byte[0]);
        }
        Ok(false)
    }

    async fn start_tls(&mut self) -> io::Result<()> {
        let acceptor = self
            .acceptor
            .as_ref()
            .ok_or_else(|| io::Error::other("no certificate"))?;
        let control = take(&mut self.control)?.secure(acceptor).await?;
        self.control = Some(control);
        self.note("TLS");
        Ok(())
    }

    async fn end_tls(&mut self) -> io::Result<()> {
        let control = take(&mut self.control)?.clear().await?;
        self.control = Some(control);
        self.note("no TLS any more");
        Ok(())
    }

    async fn expect_end(&mut self, wanted: &str) -> Result<(), Failure> {
        let mut control = take(&mut self.control).map_err(|error| Failure::io(wanted, error))?;
        let mut seen = [0; 256];
        match control.read(&mut seen).await {
            Ok(0) => {}
            // Clients that have said QUIT leave in any way they like.
            Err(error) if ends_abruptly(&error) => {}
            Err(error) => return Err(Failure::io(wanted, error)),
            Ok(count) => {
                self.transcript
                    .add(self.started.elapsed(), Side::Client, &seen[..count]);
                let seen = format!("`{}`", seen[..count].escape_ascii());
                return Err(Failure::new(wanted, seen));
            }
        }
        self.note("the client closed");
        Ok(())
    }

    /// Where the client said that it listens.
    fn captured_addr(&self) -> io::Result<SocketAddr> {
        let captured = String::from_utf8_lossy(&self.captured);
        host_port(captured.trim()).ok_or_else(|| {
            let captured = shown(&self.captured);
            io::Error::other(format!("no address in what `*` stood for: `{captured}`"))
        })
    }

    /// Connects from an address that is not the server's, and waits until it is sent away.
    async fn stranger(&mut self) -> io::Result<()> {
        let addr = self.captured_addr()?;
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from(([127, 0, 0, 2], 0)))?;
        let mut stream = socket.connect(addr).await?;
        self.note("a stranger's connection");
        let ended = tokio::io::AsyncReadExt::read(&mut stream, &mut [0]).await;
        match ended {
            Ok(0) => Ok(()),
            Ok(_) => Err(io::Error::other("the stranger was talked to")),
            Err(error) if ends_abruptly(&error) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Listens for data on the address of the control connection.
    async fn listen(&self) -> io::Result<TcpListener> {
        TcpListener::bind((self.listener.local_addr()?.ip(), 0)).await
    }

    async fn connect_data(&mut self, tls: bool) -> io::Result<()> {
        let addr = self.captured_addr()?;
        (self.data_listener, self.data_tls) = (None, tls);
        let wire = Wire::new(TcpStream::connect(addr).await?)?;
        self.data = Some(self.secured_data(wire).await?);
        self.note(&format!("data connection to {addr}"));
        Ok(())
    }

    /// The data connection, accepted if it is not there yet.
    async fn open_data(&mut self) -> io::Result<&mut Wire> {
        if self.data.is_none() {
            let listener = self.data_listener.take();
            let listener = listener.ok_or_else(|| io::Error::other("no `data` step before"))?;
            let (stream, _) = listener.accept().await?;
            let wire = self.secured_data(Wire::new(stream)?).await?;
            self.data = Some(wire);
            self.note("data connection");
        }
        borrow(&mut self.data)
    }

    async fn secured_data(&self, wire: Wire) -> io::Result<Wire> {
        match &self.data_acceptor {
            Some(acceptor) if self.data_tls => wire.secure(acceptor).await,
            _ => Ok(wire),
        }
    }

    async fn send_data(&mut self, bytes: &[u8]) -> io::Result<()> {
        let slow = self.slow;
        self.open_data().await?.write(bytes, slow).await?;
        self.transcript
            .add(self.started.elapsed(), Side::ServerData, bytes);
        Ok(())
    }

    async fn expect_data(&mut self, bytes: &[u8], wanted: &str) -> Result<(), Failure> {
        let mut seen = vec![0; bytes.len()];
        let mut filled = 0;
        let outcome = loop {
            if filled == seen.len() {
                break Ok(());
            }
            let data = match self.open_data().await {
                Ok(data) => data,
                Err(error) => break Err(error),
            };
            match data.read(&mut seen[filled..]).await {
                Ok(0) => break Ok(()),
                Ok(count) => filled += count,
                Err(error) => break Err(error),
            }
        };
        seen.truncate(filled);
        self.transcript
            .add(self.started.elapsed(), Side::ClientData, &seen);
        outcome.map_err(|error| Failure::io(wanted, error))?;
        if seen == bytes {
            return Ok(());
        }
        let same = seen.iter().zip(bytes).take_while(|(a, b)| a == b).count();
        let seen = format!("{filled} bytes that differ from byte {same} on");
        Err(Failure::new(wanted, seen))
    }

    async fn expect_data_end(&mut self, wanted: &str) -> Result<(), Failure> {
        let mut byte = [0; 1];
        let data = self
            .open_data()
            .await
            .map_err(|error| Failure::io(wanted, error))?;
        match data.read(&mut byte).await {
            Ok(0) => {
                self.note("data: the client ended it");
                Ok(())
            }
            Ok(_) => Err(Failure::new(wanted, format!("`{}`", byte.escape_ascii()))),
            Err(error) => Err(Failure::io(wanted, error)),
        }
    }

    /// A closed connection answers what is sent on it by a reset, which the write after it meets.
    async fn expect_data_gone(&mut self) -> io::Result<()> {
        let data = self.open_data().await?;
        while data.write(b"more", false).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.note("data: the client is gone");
        Ok(())
    }

    async fn leave_data(&mut self, how: Leave) -> io::Result<()> {
        self.open_data().await?;
        take(&mut self.data)?.leave(how).await
    }

    fn filled_in(&self, bytes: &[u8]) -> Result<Vec<u8>, Failure> {
        let mut filled = bytes.to_vec();
        for (name, form) in [("{port}", Form::Port), ("{pasv}", Form::Pasv)] {
            let name = name.as_bytes();
            while let Some(at) = filled.windows(name.len()).position(|window| window == name) {
                let listener = self.data_listener.as_ref();
                let port = listener.and_then(|listener| listener.local_addr().ok());
                let port = port.map(|addr| addr.port()).ok_or_else(|| {
                    Failure::new("a `data` step before `{port}` or `{pasv}`", "none")
                })?;
                let text = match form {
                    Form::Port => port.to_string(),
                    Form::Pasv => format!("127,0,0,1,{},{}", port / 256, port % 256),
                };
                filled.splice(at..at + name.len(), text.into_bytes());
            }
        }
        Ok(filled)
    }

    fn connected(&self) -> bool {
        !self.transcript.events().is_empty()
    }

    fn note(&mut self, text: &str) {
        self.transcript
            .add(self.started.elapsed(), Side::Note, text.as_bytes());
    }
}

#[derive(Clone, Copy)]
enum Form {
    Port,
    Pasv,
}

fn described(step: &Step) -> String {
    match step {
        Step::Send { bytes, .. } => format!("to send `{}`", shown(bytes)),
        Step::Expect(Pattern::Line(line)) => format!("`{}`", shown(line)),
        Step::Expect(Pattern::Glob(pattern)) => format!("a line like `{}`", shown(pattern)),
        Step::Expect(Pattern::Bytes(bytes)) => format!("the bytes `{}`", bytes.escape_ascii()),
        Step::StartTls => "a TLS handshake".to_owned(),
        Step::EndTls => "the end of TLS".to_owned(),
        Step::ExpectEnd => "the client to close".to_owned(),
        Step::Leave(how) => format!("to leave ({how:?})"),
        Step::Accept => "the next connection".to_owned(),
        Step::ListenData { .. } => "to listen for data".to_owned(),
        Step::ConnectData { .. } => "to connect for data".to_owned(),
        Step::Stranger => "a stranger to be turned away".to_owned(),
        Step::SendData(bytes) => format!("to send {} bytes of data", bytes.len()),
        Step::ExpectData(bytes) => format!("{} bytes of data", bytes.len()),
        Step::ExpectDataEnd => "the end of the data".to_owned(),
        Step::ExpectDataGone => "the client to close the data connection".to_owned(),
        Step::LeaveData(how) => format!("to leave the data connection ({how:?})"),
        Step::Pause(time) => format!("a pause of {time:?}"),
        Step::Slow(_) => "to change the pace".to_owned(),
    }
}

fn borrow(wire: &mut Option<Wire>) -> io::Result<&mut Wire> {
    wire.as_mut().ok_or_else(left)
}

fn take(wire: &mut Option<Wire>) -> io::Result<Wire> {
    wire.take().ok_or_else(left)
}

fn left() -> io::Error {
    io::Error::new(
        io::ErrorKind::NotConnected,
        "the connection was left before",
    )
}

fn ends_abruptly(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset
    )
}

const LONGEST_LINE: usize = 64 * 1024;
