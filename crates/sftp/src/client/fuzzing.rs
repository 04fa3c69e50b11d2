//! Doors for the fuzz targets, which see only what is public. They are in no other build.

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot::error::TryRecvError};

use super::exchange::{Exchange, Opened, Waiting};
use crate::{
    proto::{Digest, DiskSpace, Frames, Response, ServerLimits, Version},
    ssh::Sink as _,
};

/// Takes the bytes for a stream of packets, in pieces of this length and at once: both give the same.
pub fn packets(data: &[u8], piece: usize) {
    let packets = cut(data.chunks(piece));
    assert_eq!(packets, cut([data].into_iter()));
    for packet in packets.0 {
        let length = packet.len();
        if let Ok((_, Response::Names(names))) = Response::decode(packet.clone()) {
            let bytes = names.iter().map(|name| name.name.len() + name.long.len());
            assert!(bytes.sum::<usize>() <= length);
        }
        let _ = Version::decode(packet.clone());
        let _ = ServerLimits::decode(packet.clone());
        let _ = DiskSpace::decode(packet.clone());
        let _ = Digest::decode_check_file(packet.clone());
        let _ = Digest::decode_md5(packet);
    }
}

/// The packets, and whether they ended in one that is none.
fn cut<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<Bytes>, bool) {
    let (mut frames, mut packets) = (Frames::default(), Vec::new());
    for piece in pieces {
        frames.push(piece);
        loop {
            match frames.next() {
                Ok(Some(packet)) => packets.push(packet),
                Ok(None) => break,
                Err(_) => return (packets, true),
            }
        }
    }
    (packets, false)
}

/// Takes the bytes for what a server sends until the connection ends, from the beginning and after its version:
/// whoever waits is told something.
pub fn exchange(data: &[u8], piece: usize) {
    for version in [&b""[..], b"\0\0\0\x05\x02\0\0\0\x03"] {
        let (queue, _queued) = mpsc::unbounded_channel();
        let (exchange, mut opened, mut ended) = Exchange::new(queue.downgrade());
        exchange.data(version);
        let mut replies: Vec<_> = (0..4)
            .filter_map(|_| {
                let (waiting, reply) = Waiting::new(None);
                exchange.expect(waiting).map(|_| reply)
            })
            .collect();
        for piece in data.chunks(piece) {
            exchange.data(piece);
        }
        exchange.ended();
        let told = opened.try_recv();
        assert!(version.is_empty() || matches!(told, Ok(Opened::Version(_))));
        assert!(told.is_ok() && ended.try_recv() == Err(TryRecvError::Closed));
        for reply in &mut replies {
            assert_ne!(reply.try_recv().err(), Some(TryRecvError::Empty));
        }
        assert_eq!(exchange.expect(Waiting::new(None).0), None);
    }
}
