//! What a server answers.

use bytes::Bytes;

use super::{
    Attributes, kind,
    wire::{Fields, Malformed},
};

/// A reply to a request (§7).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Response {
    Status(Status),
    Handle(Bytes),
    Data(Bytes),
    Names(Vec<Name>),
    Attributes(Attributes),
    /// The body depends on the request.
    Extended(Bytes),
}

/// How a request ended, or why it could not be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Status {
    pub(crate) code: u32,
    /// The server's words; empty if it has none. Old servers leave the field out.
    pub(crate) text: Bytes,
}

/// One name of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name {
    pub(crate) name: Bytes,
    /// A line as `ls -l` prints it; only of use where attributes are missing.
    pub(crate) long: Bytes,
    pub(crate) attributes: Attributes,
}

impl Response {
    /// Reads a packet: the number of the request and the answer.
    pub(crate) fn decode(packet: Bytes) -> Result<(u32, Self), Malformed> {
        let mut fields = Fields::new(packet);
        let kind = fields.u8()?;
        let id = fields.u32()?;
        let response = match kind {
            kind::STATUS => {
                let code = fields.u32()?;
                let text = if fields.is_empty() {
                    Bytes::new()
                } else {
                    fields.string()?
                };
                Self::Status(Status { code, text })
            }
            kind::HANDLE => Self::Handle(fields.string()?),
            kind::DATA => Self::Data(fields.string()?),
            kind::NAME => {
                let count = fields.u32()?;
                // No capacity from a number that the server made up.
                let mut names = Vec::new();
                for _ in 0..count {
                    names.push(Name {
                        name: fields.string()?,
                        long: fields.string()?,
                        attributes: Attributes::decode(&mut fields)?,
                    });
                }
                Self::Names(names)
            }
            kind::ATTRS => Self::Attributes(Attributes::decode(&mut fields)?),
            kind::EXTENDED_REPLY => Self::Extended(fields.rest()),
            _ => return Err(Malformed),
        };
        Ok((id, response))
    }
}

impl Status {
    pub(crate) const OK: u32 = 0;
    pub(crate) const EOF: u32 = 1;
}

/// The server's first packet (§4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) version: u32,
    /// Names and data of the extensions.
    pub(crate) extensions: Vec<(Bytes, Bytes)>,
}

impl Version {
    pub(crate) fn decode(packet: Bytes) -> Result<Self, Malformed> {
        let mut fields = Fields::new(packet);
        if fields.u8()? != kind::VERSION {
            return Err(Malformed);
        }
        let version = fields.u32()?;
        let mut extensions = Vec::new();
        while !fields.is_empty() {
            extensions.push((fields.string()?, fields.string()?));
        }
        Ok(Self {
            version,
            extensions,
        })
    }

    pub(crate) fn offers(&self, extension: &str) -> bool {
        self.data_of(extension).is_some()
    }

    /// What the server says beside an extension's name, a version or a list.
    pub(crate) fn data_of(&self, extension: &str) -> Option<&Bytes> {
        let mut all = self.extensions.iter();
        all.find(|(name, _)| name == extension.as_bytes())
            .map(|(_, data)| data)
    }
}

/// The answer to `limits@openssh.com`. A number of 0 means that the server has no limit to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ServerLimits {
    /// The longest packet, length field not counted.
    pub(crate) packet: u64,
    /// The most bytes one READ answers.
    pub(crate) read: u64,
    /// The most bytes one WRITE may carry.
    pub(crate) write: u64,
    /// How many files may be open at once.
    pub(crate) handles: u64,
}

impl ServerLimits {
    pub(crate) fn decode(body: Bytes) -> Result<Self, Malformed> {
        let mut fields = Fields::new(body);
        Ok(Self {
            packet: fields.u64()?,
            read: fields.u64()?,
            write: fields.u64()?,
            // The extension's first version had three numbers.
            handles: fields.u64().unwrap_or_default(),
        })
    }
}

/// The answer to `statvfs@openssh.com`: bytes, of the eleven numbers of POSIX `statvfs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DiskSpace {
    /// For those who are not root.
    pub(crate) available: u64,
    pub(crate) total: u64,
}

impl DiskSpace {
    pub(crate) fn decode(body: Bytes) -> Result<Self, Malformed> {
        let mut fields = Fields::new(body);
        let block = fields.u64()?;
        let fragment = fields.u64()?;
        let blocks = fields.u64()?;
        let _free_for_root = fields.u64()?;
        let available = fields.u64()?;
        // The counts are in fragments; who has none of them means blocks.
        let unit = if fragment == 0 { block } else { fragment };
        Ok(Self {
            available: available.saturating_mul(unit),
            total: blocks.saturating_mul(unit),
        })
    }
}

/// The answer to `check-file-name` or `md5-hash`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Digest {
    /// Such as `sha256`.
    pub(crate) algorithm: Bytes,
    pub(crate) digest: Bytes,
}

impl Digest {
    /// The digest is the rest of the packet, and no string.
    pub(crate) fn decode_check_file(body: Bytes) -> Result<Self, Malformed> {
        let mut fields = Fields::new(body);
        // The extension's name again, which says nothing.
        fields.string()?;
        Ok(Self {
            algorithm: fields.string()?,
            digest: fields.rest(),
        })
    }

    pub(crate) fn decode_md5(body: Bytes) -> Result<Self, Malformed> {
        let mut fields = Fields::new(body);
        fields.string()?;
        Ok(Self {
            algorithm: Bytes::from_static(b"md5"),
            digest: fields.string()?,
        })
    }
}
