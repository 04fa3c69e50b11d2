//! File attributes (§5): each field is there or not, as the flags say.

use bytes::{BufMut as _, BytesMut};

use super::wire::{Fields, Malformed};

/// What a server tells of a file, or what a client asks it to set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Attributes {
    pub(crate) size: Option<u64>,
    /// User and group number.
    pub(crate) owner: Option<(u32, u32)>,
    /// The Unix mode, in most servers with the bits of the file's type.
    pub(crate) permissions: Option<u32>,
    /// Time of access and of modification, seconds since 1970 UTC.
    pub(crate) times: Option<(u32, u32)>,
}

impl Attributes {
    pub(super) fn decode(fields: &mut Fields) -> Result<Self, Malformed> {
        let flags = fields.u32()?;
        let has = |flag: u32| flags & flag != 0;
        let mut found = Self::default();
        if has(SIZE) {
            found.size = Some(fields.u64()?);
        }
        if has(UID_GID) {
            found.owner = Some((fields.u32()?, fields.u32()?));
        }
        if has(PERMISSIONS) {
            found.permissions = Some(fields.u32()?);
        }
        if has(TIMES) {
            found.times = Some((fields.u32()?, fields.u32()?));
        }
        if has(EXTENDED) {
            for _ in 0..fields.u32()? {
                fields.string()?;
                fields.string()?;
            }
        }
        Ok(found)
    }

    pub(super) fn encode(&self, out: &mut BytesMut) {
        let flag = |there: bool, flag: u32| if there { flag } else { 0 };
        out.put_u32(
            flag(self.size.is_some(), SIZE)
                | flag(self.owner.is_some(), UID_GID)
                | flag(self.permissions.is_some(), PERMISSIONS)
                | flag(self.times.is_some(), TIMES),
        );
        if let Some(size) = self.size {
            out.put_u64(size);
        }
        if let Some((user, group)) = self.owner {
            out.put_u32(user);
            out.put_u32(group);
        }
        if let Some(permissions) = self.permissions {
            out.put_u32(permissions);
        }
        if let Some((accessed, modified)) = self.times {
            out.put_u32(accessed);
            out.put_u32(modified);
        }
    }
}

const SIZE: u32 = 1;
const UID_GID: u32 = 2;
const PERMISSIONS: u32 = 4;
const TIMES: u32 = 8;
const EXTENDED: u32 = 0x8000_0000;
