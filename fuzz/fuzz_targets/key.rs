//! Private keys: no panic, and a key that opens has a public half that reads back as itself.
//!
//! What begins with a small byte is dressed as the form of that number, so that the decoders behind the base64
//! are reached; all else is the text as it is, as are the seeds, the keys of the tests.

#![no_main]

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ftp_connect_core::Secret;
use ftp_connect_sftp::keys::{PrivateKey, PublicKey};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let text = match data {
        [form, body @ ..] if usize::from(*form) < LABELS.len() => {
            pem(LABELS[usize::from(*form)], body)
        }
        [16, body @ ..] => putty(body),
        _ => data.to_vec(),
    };
    // Deriving a key takes its time: most go without.
    let passphrase = data.len().is_multiple_of(8).then(|| Secret::from("sesame"));
    if let Ok(key) = PrivateKey::open(&text, passphrase.as_ref()) {
        let public = key.public();
        let line = format!("{} {}", public.algorithm(), STANDARD.encode(public.blob()));
        let again = PublicKey::read(line.as_bytes()).expect("its own public half");
        assert_eq!(again.blob(), public.blob());
    }
});

const LABELS: [&str; 8] = [
    "-----BEGIN OPENSSH PRIVATE KEY-----",
    "-----BEGIN RSA PRIVATE KEY-----",
    "-----BEGIN DSA PRIVATE KEY-----",
    "-----BEGIN EC PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----",
    "-----BEGIN ENCRYPTED PRIVATE KEY-----",
    "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: DES-EDE3-CBC,3B5E33A3EF4B6538\n",
    "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----",
];

fn pem(begin: &str, body: &[u8]) -> Vec<u8> {
    let first = begin.lines().next().unwrap_or_default();
    let end = first.replace("BEGIN", "END");
    format!("{begin}\n{}\n{end}\n", STANDARD.encode(body)).into_bytes()
}

/// The public half, its length in the first byte, and the private one.
fn putty(body: &[u8]) -> Vec<u8> {
    let (length, body) = body.split_first().unwrap_or((&0, &[]));
    let (public, private) = body.split_at(body.len().min(usize::from(*length)));
    let (public, private) = (STANDARD.encode(public), STANDARD.encode(private));
    format!(
        "PuTTY-User-Key-File-2: ssh-rsa\nEncryption: none\nComment: c\nPublic-Lines: 1\n{public}\n\
         Private-Lines: 1\n{private}\nPrivate-MAC: 00\n"
    )
    .into_bytes()
}
