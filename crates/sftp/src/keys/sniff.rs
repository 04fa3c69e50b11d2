//! What a text that should be a key is, before anything tries to decode it.
//!
//! Text that people paste is forgiven a BOM, CRLF, blanks around it, a missing last newline, and line ends
//! that a form or a variable made blanks or `\n` of.

use std::borrow::Cow;

use zeroize::Zeroizing;

use super::{
    Opened, Refusal, asn1,
    cipher::Cipher,
    decode_base64,
    openssh::OpenSsh,
    pbe,
    putty::{Putty, from_hex},
    ssh_com::SshCom,
};

/// The lines of a text, cleaned.
pub(super) struct Text(Zeroizing<Vec<u8>>);

impl Text {
    pub(super) fn new(bytes: &[u8]) -> Self {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let text = Zeroizing::new(match bytes {
            // What Windows calls Unicode.
            [0xff, 0xfe, rest @ ..] => from_utf16(rest, u16::from_le_bytes),
            [0xfe, 0xff, rest @ ..] => from_utf16(rest, u16::from_be_bytes),
            _ => bytes.to_vec(),
        });
        // Line ends as they are written in strings of programs.
        if text.contains(&b'\n') || !text.starts_with(b"-----BEGIN") {
            return Self(text);
        }
        Self(Zeroizing::new(replace(
            &replace(&text, b"\\r", b""),
            b"\\n",
            b"\n",
        )))
    }

    /// The lines from the first one that is not blank, without their ends.
    pub(super) fn lines(&self) -> Vec<&[u8]> {
        let lines = self.0.split(|&byte| byte == b'\n').flat_map(|line| {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            // The line ends of old Macs.
            line.split(|&byte| byte == b'\r')
        });
        lines
            .skip_while(|line| line.trim_ascii().is_empty())
            .collect()
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A private key of a known form.
pub(super) enum Form {
    OpenSsh(OpenSsh),
    Putty(Putty),
    SshCom(SshCom),
    /// PEM or plain DER.
    Asn1 {
        label: String,
        /// The encryption of the PEM itself (RFC 1421 §4.6.1.3).
        dek: Option<Dek>,
        body: Zeroizing<Vec<u8>>,
    },
}

/// What a `DEK-Info` line says.
#[derive(Debug, Clone)]
pub(super) struct Dek {
    cipher: String,
    iv: Vec<u8>,
}

impl Form {
    /// The private key in a text, if there is one; the error comes with what the form seems to be.
    pub(super) fn find(text: &Text) -> Result<Option<Self>, (Cow<'static, str>, Refusal)> {
        let lines = text.lines();
        let first = lines.first().copied().unwrap_or_default();
        if Putty::is_first_line(first.trim_ascii_start()) {
            let mut lines = lines;
            lines[0] = first.trim_ascii();
            let key = Putty::parse(&lines).map_err(|refusal| ("PuTTY".into(), refusal))?;
            return Ok(Some(Self::Putty(key)));
        }
        let block = Block::find(text.bytes(), is_private);
        if let Some(block) = block.map_err(|refusal| ("PEM".into(), refusal))? {
            let form = block.form();
            return form
                .map(Some)
                .map_err(|refusal| (label_name(block.label), refusal));
        }
        // DER: a sequence that goes to the end.
        let bytes = text.bytes();
        if bytes.first() == Some(&0x30) && bytes.iter().any(|byte| !byte.is_ascii()) {
            return Ok(Some(Self::Asn1 {
                label: "DER".to_owned(),
                dek: None,
                body: Zeroizing::new(bytes.to_vec()),
            }));
        }
        Ok(None)
    }

    /// The form, and the cipher if there is one.
    pub(super) fn describe(&self) -> String {
        let form = self.name();
        match self.cipher() {
            Some(cipher) => format!("{form}, {cipher}"),
            None => form.into_owned(),
        }
    }

    pub(super) fn name(&self) -> Cow<'static, str> {
        match self {
            Self::OpenSsh(_) => "OpenSSH".into(),
            Self::Putty(key) => format!("PuTTY version {}", key.version()).into(),
            Self::SshCom(_) => "ssh.com".into(),
            Self::Asn1 { label, .. } => label_name(label),
        }
    }

    pub(super) fn is_encrypted(&self) -> bool {
        self.cipher().is_some()
    }

    fn cipher(&self) -> Option<String> {
        match self {
            Self::OpenSsh(key) => key.cipher().map(str::to_owned),
            Self::Putty(key) => key.cipher(),
            Self::SshCom(key) => key.cipher().map(str::to_owned),
            Self::Asn1 { dek: Some(dek), .. } => Some(dek.cipher.clone()),
            Self::Asn1 { body, .. } if asn1::is_encrypted(body) => {
                pbe::Encrypted::parse(body).map(|key| key.describe())
            }
            Self::Asn1 { .. } => None,
        }
    }

    /// Opens the key; the passphrase is not looked at if there is no encryption.
    pub(super) fn open(&self, passphrase: &[u8]) -> Result<Opened, Refusal> {
        match self {
            Self::OpenSsh(key) => key.open(passphrase),
            Self::Putty(key) => key.open(passphrase),
            Self::SshCom(key) => key.open(passphrase),
            Self::Asn1 { dek, body, .. } => {
                let clear;
                let mut body: &[u8] = body;
                if let Some(dek) = dek {
                    clear = dek.decrypt(passphrase, body)?;
                    body = &clear;
                }
                if asn1::is_encrypted(body) {
                    let inner = pbe::Encrypted::parse(body)
                        .ok_or(Refusal::Damaged("its head cannot be read"))?
                        .open(passphrase)?;
                    return asn1::private(&inner).map_err(unreadable_is_wrong);
                }
                let opened = asn1::private(body);
                if dek.is_some() {
                    return opened.map_err(unreadable_is_wrong);
                }
                opened
            }
        }
    }
}

/// What people call the form that has this label.
fn label_name(label: &str) -> Cow<'static, str> {
    match label.strip_suffix("PRIVATE KEY").map(str::trim) {
        Some("" | "ENCRYPTED") => "PKCS#8".into(),
        Some("OPENSSH") => "OpenSSH".into(),
        Some("SSH2 ENCRYPTED") => "ssh.com".into(),
        Some(kind) => format!("{kind} PEM").into(),
        None => label.to_owned().into(),
    }
}

/// Where nothing authenticates what was decrypted, content that makes no sense is what a wrong
/// passphrase looks like.
fn unreadable_is_wrong(refusal: Refusal) -> Refusal {
    match refusal {
        Refusal::Damaged(_) => Refusal::WrongPassphrase,
        other => other,
    }
}

impl Dek {
    /// OpenSSL's `EVP_BytesToKey` with MD5 and one round: each digest is of the one before, the
    /// passphrase and the first eight bytes of the initial vector.
    fn decrypt(&self, passphrase: &[u8], body: &[u8]) -> Result<Zeroizing<Vec<u8>>, Refusal> {
        use md5::{Digest as _, Md5};
        let cipher = CIPHERS
            .into_iter()
            .find(|cipher| cipher.name() == self.cipher)
            .ok_or_else(|| Refusal::Cipher(self.cipher.clone()))?;
        let damaged = Refusal::Damaged("its DEK-Info line cannot be read");
        let salt = self.iv.get(..8).ok_or_else(|| damaged.clone())?;
        let mut key = Zeroizing::new(Vec::with_capacity(48));
        while key.len() < cipher.key_length() {
            let last = key.len().checked_sub(16).map(|from| key[from..].to_vec());
            let hash = Md5::new()
                .chain_update(Zeroizing::new(last.unwrap_or_default()))
                .chain_update(passphrase)
                .chain_update(salt);
            key.extend_from_slice(&hash.finalize());
        }
        key.truncate(cipher.key_length());
        if self.iv.len() != cipher.iv_length() {
            return Err(damaged);
        }
        cipher
            .decrypt_padded(&key, &self.iv, body)
            .ok_or(Refusal::WrongPassphrase)
    }
}

/// What stands between a line of `BEGIN` and one of `END`.
pub(super) struct Block<'a> {
    pub(super) label: &'a str,
    content: &'a [u8],
}

impl<'a> Block<'a> {
    /// The first block with a label that is wanted, of `-----BEGIN …-----` or `---- BEGIN … ----`.
    pub(super) fn find(
        text: &'a [u8],
        wanted: impl Fn(&str) -> bool,
    ) -> Result<Option<Self>, Refusal> {
        let mut rest = text;
        while let Some(at) = position(rest, b"BEGIN ") {
            let (before, after) = rest.split_at(at);
            rest = &after[6..];
            let Some(end) = position(rest, b"-----").or_else(|| position(rest, b" ----")) else {
                continue;
            };
            let dashed = before.trim_ascii_end().ends_with(b"----");
            let Some(label) = std::str::from_utf8(&rest[..end]).ok().map(str::trim) else {
                continue;
            };
            if !dashed || label.contains('\n') || !wanted(label) {
                continue;
            }
            let content = &rest[end..];
            let content = content.trim_ascii_start();
            let dashes = content.iter().take_while(|&&byte| byte == b'-').count();
            let content = &content[dashes..];
            let end = position(content, b"-----END").or_else(|| position(content, b"---- END"));
            let content = &content[..end.ok_or(Refusal::CutOff)?];
            return Ok(Some(Self { label, content }));
        }
        Ok(None)
    }

    /// The decoded base64, and what a `DEK-Info` line says.
    pub(super) fn decode(&self) -> Result<(Zeroizing<Vec<u8>>, Option<Dek>), Refusal> {
        let mut base64 = Zeroizing::new(Vec::with_capacity(self.content.len()));
        let mut dek = None;
        let mut continues = false;
        for line in self.content.split(|&byte| matches!(byte, b'\n' | b'\r')) {
            let line = line.trim_ascii();
            let is_header = continues || line.contains(&b':');
            continues = is_header && line.ends_with(b"\\");
            if !is_header {
                base64.extend(line.iter().filter(|byte| !byte.is_ascii_whitespace()));
                continue;
            }
            // Where line ends became blanks, what follows the last header is the key.
            let mut words = line.split(|byte| byte.is_ascii_whitespace()).peekable();
            while let Some(word) = words.next() {
                match word.to_ascii_lowercase().as_slice() {
                    b"proc-type:" => {
                        words.next();
                    }
                    b"dek-info:" => dek = words.next().map(Dek::parse),
                    _ if dek.is_some() => base64.extend_from_slice(word),
                    _ => {}
                }
            }
        }
        let body = decode_base64(&base64).ok_or(Refusal::NotBase64)?;
        Ok((Zeroizing::new(body), dek))
    }

    fn form(&self) -> Result<Form, Refusal> {
        let (body, dek) = self.decode()?;
        match self.label {
            "OPENSSH PRIVATE KEY" => OpenSsh::parse(&body).map(Form::OpenSsh),
            "SSH2 ENCRYPTED PRIVATE KEY" => SshCom::parse(&body).map(Form::SshCom),
            label => Ok(Form::Asn1 {
                label: label.to_owned(),
                dek,
                body,
            }),
        }
    }
}

impl Dek {
    fn parse(value: &[u8]) -> Self {
        let text = String::from_utf8_lossy(value).to_ascii_uppercase();
        let (cipher, iv) = text.split_once(',').unwrap_or((&text, ""));
        Self {
            cipher: cipher.replace(char::is_control, " "),
            iv: from_hex(iv.trim().as_bytes()).unwrap_or_default(),
        }
    }
}

fn is_private(label: &str) -> bool {
    label.ends_with("PRIVATE KEY")
}

fn position(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|part| part == wanted)
}

fn replace(text: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let mut replaced = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = position(rest, old) {
        replaced.extend_from_slice(&rest[..at]);
        replaced.extend_from_slice(new);
        rest = &rest[at + old.len()..];
    }
    replaced.extend_from_slice(rest);
    replaced
}

fn from_utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Vec<u8> {
    let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    let text: Zeroizing<String> = Zeroizing::new(
        char::decode_utf16(units)
            .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect(),
    );
    text.as_bytes().to_vec()
}

/// What a `DEK-Info` line may name.
const CIPHERS: [Cipher; 5] = [
    Cipher::Aes128Cbc,
    Cipher::Aes192Cbc,
    Cipher::Aes256Cbc,
    Cipher::TripleDesCbc,
    Cipher::DesCbc,
];
