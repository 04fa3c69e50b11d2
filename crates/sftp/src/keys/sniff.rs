//! What a text that should be a private key is, before anything tries to decode it.

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use ftp_connect_core::{Error, Result};
use zeroize::Zeroizing;

use super::unusable;

/// A private key of a known format, cleaned for the decoder.
pub(super) struct Sniffed {
    pub(super) format: Format,
    pub(super) encrypted: bool,
    /// The key's own encryption, where its head tells.
    pub(super) cipher: Option<String>,
    /// The key's algorithm, where its head tells.
    pub(super) algorithm: Option<String>,
    pub(super) text: Zeroizing<String>,
    /// The decoded body of PEM.
    pub(super) body: Zeroizing<Vec<u8>>,
}

/// The formats a decoder here knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Format {
    OpenSsh,
    /// `RSA`, `DSA` or `EC`; with the initial vector where `DEK-Info` has one.
    Pem {
        label: String,
        iv: Vec<u8>,
    },
    Pkcs8,
    Ppk {
        version: String,
    },
}

impl Sniffed {
    /// # Errors
    /// [`ErrorKind::KeyUnusable`](ftp_connect_core::ErrorKind::KeyUnusable) for what is no private key,
    /// with what it is instead.
    pub(super) fn new(bytes: &[u8]) -> Result<Self> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let Ok(text) = std::str::from_utf8(bytes) else {
            return Err(unusable("the key is binary data, not the text of a private key").with_hint(
                "give the key as PEM, OpenSSH or PuTTY text; `openssl pkey -inform DER` converts DER",
            ));
        };
        let lines: Zeroizing<Vec<String>> = Zeroizing::new(
            text.replace("\r\n", "\n")
                .split(['\n', '\r'])
                .map(str::to_owned)
                .skip_while(|line| line.trim().is_empty())
                .collect(),
        );
        let first = lines.first().map_or("", |line| line.trim());
        if first.is_empty() {
            return Err(unusable("the key is empty").with_hint("give the text of a private key"));
        }
        if let Some(version) = first.strip_prefix("PuTTY-User-Key-File-") {
            return ppk(version, &lines);
        }
        match private_block(&lines) {
            Some((label, at)) => pem(label, &lines[at + 1..]),
            None => Err(not_private(first, &lines)),
        }
    }

    /// The algorithm, if it is known to be one that nothing here decodes.
    pub(super) fn unknown_algorithm(&self) -> Option<&str> {
        let algorithm = self.algorithm.as_deref()?;
        (!ALGORITHMS.contains(&algorithm)).then_some(algorithm)
    }

    /// Format, and cipher if there is one.
    pub(super) fn describe(&self) -> String {
        let format = match &self.format {
            Format::OpenSsh => "OpenSSH".to_owned(),
            Format::Pem { label, .. } => format!("{label} PEM"),
            Format::Pkcs8 => "PKCS#8".to_owned(),
            Format::Ppk { version } => format!("PuTTY version {version}"),
        };
        match &self.cipher {
            Some(cipher) => format!("{format}, {cipher}"),
            None => format,
        }
    }

    pub(super) fn is_dsa_in_pkcs8(&self) -> bool {
        matches!(&self.format, Format::Pem { label, .. } if label == PKCS8_DSA)
    }

    /// Whether the encryption is one that can be opened with the right passphrase.
    pub(super) fn opens(&self) -> bool {
        let Some(cipher) = self.cipher.as_deref() else {
            return true;
        };
        match self.format {
            Format::OpenSsh => OPENSSH_CIPHERS.contains(&cipher),
            Format::Pem { .. } => super::pem::opens(cipher),
            Format::Pkcs8 => cipher.starts_with("PBES2"),
            Format::Ppk { .. } => cipher == "aes256-cbc",
        }
    }
}

fn ppk(version: &str, lines: &[String]) -> Result<Sniffed> {
    let (version, algorithm) = version.split_once(':').unwrap_or((version, ""));
    let version = version.trim().to_owned();
    if !matches!(version.as_str(), "2" | "3") {
        return Err(
            unusable(format!("PuTTY keys of version {version} are not supported"))
                .with_hint("load the key in PuTTYgen and save it again"),
        );
    }
    let cipher = lines
        .iter()
        .find_map(|line| line.strip_prefix("Encryption:"))
        .map_or("none", str::trim);
    let encrypted = cipher != "none";
    // Lines are kept as they are: the comment is part of what the key's MAC is made of.
    let mut text = Zeroizing::new(lines.join("\n").trim().to_owned());
    text.push('\n');
    Ok(Sniffed {
        format: Format::Ppk { version },
        encrypted,
        cipher: encrypted.then(|| cipher.to_owned()),
        algorithm: Some(algorithm.trim().to_owned()),
        text,
        body: Zeroizing::default(),
    })
}

/// The label and the line of the first private key.
fn private_block(lines: &[String]) -> Option<(&str, usize)> {
    let mut labels = lines.iter().enumerate();
    labels.find_map(|(at, line)| {
        let label = pem_label(line)?;
        label.ends_with("PRIVATE KEY").then_some((label, at))
    })
}

fn pem_label(line: &str) -> Option<&str> {
    line.trim()
        .strip_prefix("-----BEGIN ")?
        .strip_suffix("-----")
}

fn pem(label: &str, lines: &[String]) -> Result<Sniffed> {
    let block: Vec<&str> = lines
        .iter()
        .map(|line| line.trim())
        .take_while(|line| !line.starts_with("-----END"))
        .collect();
    if block.len() == lines.len() {
        return Err(
            unusable("the key is cut off: its last line, -----END …, is missing")
                .with_hint("copy the whole key, from -----BEGIN to -----END"),
        );
    }
    let header = |name: &str| block.iter().find_map(|line| line.strip_prefix(name));
    let dek = header("DEK-Info:").map(str::trim);
    let base64: Zeroizing<String> = Zeroizing::new(
        block
            .iter()
            .filter(|line| !line.contains(':'))
            .flat_map(|line| line.chars().filter(|c| !c.is_whitespace()))
            .collect(),
    );
    let body = decode_base64(&base64).map(Zeroizing::new).ok_or_else(|| {
        unusable(format!("the key ({label}) is damaged: it is no base64"))
            .with_hint("copy the key again, without changing its lines")
    })?;
    let mut algorithm = None;
    let (format, encrypted, cipher) = match label {
        "OPENSSH PRIVATE KEY" => {
            let (cipher, found) = openssh_head(&body).ok_or_else(|| {
                unusable("the OpenSSH key is damaged: its head cannot be read")
                    .with_hint("copy the key again, without changing its lines")
            })?;
            let encrypted = cipher != "none";
            algorithm = Some(found);
            (Format::OpenSsh, encrypted, encrypted.then_some(cipher))
        }
        "ENCRYPTED PRIVATE KEY" => (Format::Pkcs8, true, Some(pkcs8_scheme(&body))),
        _ => {
            let format = match label {
                "PRIVATE KEY" if dek.is_none() && !is_dsa_pkcs8(&body) => Format::Pkcs8,
                "PRIVATE KEY" => pem_format(
                    if is_dsa_pkcs8(&body) {
                        PKCS8_DSA
                    } else {
                        "PKCS#8"
                    },
                    dek,
                ),
                "RSA PRIVATE KEY" => pem_format("RSA", dek),
                "DSA PRIVATE KEY" => pem_format("DSA", dek),
                "EC PRIVATE KEY" => pem_format("EC", dek),
                other => {
                    return Err(
                        unusable(format!("keys of the form {other:?} are not supported"))
                            .with_hint("convert the key to the OpenSSH format with ssh-keygen"),
                    );
                }
            };
            let cipher = dek.map(|dek| dek.split(',').next().unwrap_or_default().trim().to_owned());
            (format, dek.is_some(), cipher)
        }
    };
    let mut text = Zeroizing::new(format!("-----BEGIN {label}-----\n"));
    text.push_str(&base64);
    text.push_str(&format!("\n-----END {label}-----\n"));
    Ok(Sniffed {
        format,
        encrypted,
        cipher,
        algorithm,
        text,
        body,
    })
}

fn pem_format(label: &str, dek: Option<&str>) -> Format {
    let iv = dek.and_then(|dek| dek.split(',').nth(1)).map(str::trim);
    let hex = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    Format::Pem {
        label: label.to_owned(),
        iv: iv
            .map(|iv| iv.as_bytes().chunks(2).map_while(hex).collect())
            .unwrap_or_default(),
    }
}

/// The names of the cipher and of the algorithm in the head of an OpenSSH key (PROTOCOL.key): cipher,
/// kdf, its options, the number of keys, and then the public key, which begins with its algorithm.
fn openssh_head(body: &[u8]) -> Option<(String, String)> {
    let rest = body.strip_prefix(b"openssh-key-v1\0")?;
    let (cipher, rest) = string(rest)?;
    let (_, rest) = string(rest)?;
    let (_, rest) = string(rest)?;
    let (public, _) = string(rest.get(4..)?)?;
    let (algorithm, _) = string(public)?;
    let text = |bytes: &[u8]| {
        Some(
            std::str::from_utf8(bytes)
                .ok()?
                .replace(char::is_control, " "),
        )
    };
    Some((text(cipher)?, text(algorithm)?))
}

/// A string with its length (RFC 4251 §5), and what follows it.
fn string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(u32::from_be_bytes(*length) as usize)
}

/// Names the encryption of a PKCS#8 key by the object identifiers near its beginning.
fn pkcs8_scheme(body: &[u8]) -> String {
    let head = &body[..body.len().min(200)];
    let has = |oid: &[u8]| head.windows(oid.len()).any(|window| window == oid);
    if !has(OID_PBES2) {
        let name = if has(OID_PKCS12_PBE) {
            "PKCS#12 encryption"
        } else if has(OID_PKCS5) {
            "PBES1"
        } else {
            "unknown encryption"
        };
        return name.to_owned();
    }
    "PBES2".to_owned()
}

fn is_dsa_pkcs8(body: &[u8]) -> bool {
    let head = &body[..body.len().min(40)];
    head.windows(OID_DSA.len()).any(|window| window == OID_DSA)
}

/// Says what a text is that has no private key in it.
fn not_private(first: &str, lines: &[String]) -> Error {
    let all = || lines.iter().map(|line| line.trim());
    let is_public_line = |line: &str| {
        let kind = line.split_ascii_whitespace().next().unwrap_or_default();
        ["ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-", "rsa-sha2-"]
            .iter()
            .any(|start| kind.starts_with(start))
    };
    let give_private = "give the private key: the file without .pub, which begins with -----BEGIN";
    if is_public_line(first) && first.contains("-cert-v01@") {
        return unusable("this is an OpenSSH certificate, not a private key")
            .with_hint(give_private);
    }
    let label = all().find_map(pem_label);
    let public = is_public_line(first)
        || all().any(|line| line.starts_with("---- BEGIN SSH2 PUBLIC KEY"))
        || label.is_some_and(|label| label.ends_with("PUBLIC KEY"));
    if public {
        return unusable("this is a public key, not a private key").with_hint(give_private);
    }
    if all().any(|line| line.starts_with("---- BEGIN SSH2 ENCRYPTED PRIVATE KEY")) {
        return unusable("keys in the format of ssh.com are not supported")
            .with_hint("import it in PuTTYgen (Conversions) and save it as OpenSSH key");
    }
    if first.starts_with("SSH PRIVATE KEY FILE FORMAT 1") {
        return unusable("SSH 1 keys are not supported")
            .with_hint("make a new key with ssh-keygen");
    }
    if let Some(label) = label {
        let what = match label {
            "CERTIFICATE" => "an X.509 certificate".to_owned(),
            "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => "a certificate request".to_owned(),
            other => format!("{other:?}"),
        };
        return unusable(format!("this is {what}, not a private key")).with_hint(
            "give the private key that belongs to it, which begins with -----BEGIN … PRIVATE KEY",
        );
    }
    if lines.len() == 1 && first.len() < 300 && (first.contains('/') || first.contains('\\')) {
        return unusable("this looks like a path, not like the text of a private key")
            .with_hint("give the key's text, or use encryption ssh-key-file with the path");
    }
    unusable("this is no private key").with_hint(
        "give a key in OpenSSH, PEM, PKCS#8 or PuTTY format; it begins with -----BEGIN or PuTTY",
    )
}

fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let config =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    GeneralPurpose::new(&alphabet::STANDARD, config)
        .decode(text)
        .ok()
}

/// What can be decoded. Those of security keys open, though they cannot sign without the device.
const ALGORITHMS: [&str; 8] = [
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "ssh-rsa",
    "ssh-dss",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
];

/// What the OpenSSH decoder was built with.
const OPENSSH_CIPHERS: [&str; 9] = [
    "aes128-cbc",
    "aes192-cbc",
    "aes256-cbc",
    "aes128-ctr",
    "aes192-ctr",
    "aes256-ctr",
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "chacha20-poly1305@openssh.com",
];

/// The label of what PEM calls just a private key, when it is a DSA key.
pub(super) const PKCS8_DSA: &str = "PKCS#8 DSA";

/// 1.2.840.113549.1.5.13
const OID_PBES2: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0d";
/// 1.2.840.113549.1.5, the beginning of the PBES1 schemes
const OID_PKCS5: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x05";
/// 1.2.840.113549.1.12.1, the beginning of the PKCS#12 schemes
const OID_PKCS12_PBE: &[u8] = b"\x06\x0a\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x01";
/// 1.2.840.10040.4.1
const OID_DSA: &[u8] = b"\x06\x07\x2a\x86\x48\xce\x38\x04\x01";
