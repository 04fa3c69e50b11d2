//! The file known_hosts, and public keys as lines and files: no panic, and a public key reads back as itself.

#![no_main]

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ftp_connect_sftp::{
    keys::PublicKey,
    known_hosts::{KnownHosts, Line},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let known = KnownHosts::parse(data);
    for (_, line) in known.lines() {
        line.matches("files.example.org");
        line.matches("[::1]:2222");
    }
    if let Ok(text) = std::str::from_utf8(data)
        && let Some(line) = Line::parse(text)
    {
        reads_back(line.key());
    }
    if let Ok(key) = PublicKey::read(data) {
        reads_back(&key);
    }
});

fn reads_back(key: &PublicKey) {
    let line = format!("{} {}", key.algorithm(), STANDARD.encode(key.blob()));
    let again = PublicKey::read(line.as_bytes()).expect("its own line");
    assert_eq!(again.blob(), key.blob());
}
