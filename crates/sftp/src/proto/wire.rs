//! Reading and writing the primitive types of the packets (RFC 4251 §5): `uint32`, `uint64`, `string`.

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};

/// A packet that ends too early, or whose fields contradict each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed;

/// Takes fields off the front of a packet. Strings share the packet's memory.
#[derive(Debug, Clone)]
pub(super) struct Fields(Bytes);

impl Fields {
    pub(super) fn new(packet: Bytes) -> Self {
        Self(packet)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn u8(&mut self) -> Result<u8, Malformed> {
        self.0.try_get_u8().map_err(|_| Malformed)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Malformed> {
        self.0.try_get_u32().map_err(|_| Malformed)
    }

    pub(super) fn u64(&mut self) -> Result<u64, Malformed> {
        self.0.try_get_u64().map_err(|_| Malformed)
    }

    pub(super) fn string(&mut self) -> Result<Bytes, Malformed> {
        let length = self.u32()? as usize;
        if length > self.0.len() {
            return Err(Malformed);
        }
        Ok(self.0.split_to(length))
    }

    pub(super) fn rest(self) -> Bytes {
        self.0
    }
}

/// Appends a string with its length.
pub(super) fn put_string(out: &mut BytesMut, bytes: &[u8]) {
    out.put_u32(bytes.len() as u32);
    out.put_slice(bytes);
}

/// Appends strings, each with its length.
pub(super) fn put_strings<const N: usize>(out: &mut BytesMut, strings: [&[u8]; N]) {
    for string in strings {
        put_string(out, string);
    }
}
