//! A line that is long and not narrow: each byte arrives later by half of a round trip, and as many may be on
//! their way as the ends send.

use std::{
    io,
    net::SocketAddr,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, tcp},
    runtime::Runtime,
    sync::mpsc,
};

/// A listening relay, on a thread of its own.
#[derive(Debug)]
pub(crate) struct Delay {
    pub(crate) addr: SocketAddr,
    _runtime: Runtime,
}

impl Delay {
    pub(crate) fn start(server: SocketAddr, round_trip: Duration) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", 0)))?;
        let addr = listener.local_addr()?;
        runtime.spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(async move {
                    // The SYN and its answer would have taken a round trip.
                    tokio::time::sleep(round_trip).await;
                    if let Ok(server) = TcpStream::connect(server).await {
                        let _ = (client.set_nodelay(true), server.set_nodelay(true));
                        let (from_client, to_client) = client.into_split();
                        let (from_server, to_server) = server.into_split();
                        carry(from_client, to_server, round_trip / 2);
                        carry(from_server, to_client, round_trip / 2);
                    }
                });
            }
        });
        Ok(Self {
            addr,
            _runtime: runtime,
        })
    }
}

fn carry(mut from: tcp::OwnedReadHalf, mut to: tcp::OwnedWriteHalf, later: Duration) {
    let (sender, mut queue) = mpsc::unbounded_channel::<(Instant, Vec<u8>)>();
    tokio::spawn(async move {
        loop {
            let mut piece = Vec::with_capacity(PIECE);
            match from.read_buf(&mut piece).await {
                Ok(0) | Err(_) => return,
                Ok(_) => {
                    if sender.send((Instant::now() + later, piece)).is_err() {
                        return;
                    }
                }
            }
        }
    });
    tokio::spawn(async move {
        while let Some((due, piece)) = queue.recv().await {
            tokio::time::sleep_until(due.into()).await;
            if to.write_all(&piece).await.is_err() {
                return;
            }
        }
        let _ = to.shutdown().await;
    });
}

const PIECE: usize = 128 * 1024;
