//! What this crate makes of keys, certificates and lines of `known_hosts`: reads test cases as JSON, one a line,
//! from standard input and writes an answer for each. `cargo xtask corpus` runs it.
//!
//! A `private` case names its file and has a passphrase or none; `public` and `certificate` have a `text`, `line`
//! has a `line` and names to match, `pattern` a `pattern` and a `name`. Paths are relative to `folder`.

use std::{
    io::{self, BufRead as _, Write as _},
    path::Path,
};

use ftp_connect_core::{FingerprintType, Secret};
use ftp_connect_sftp::{
    keys::{PrivateKey, PublicKey},
    known_hosts::{Hosts, Line, Marker},
};
use serde_json::{Map, Value, json};

type Case = Map<String, Value>;

fn main() -> io::Result<()> {
    let mut out = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let case: Case = serde_json::from_str(&line?)?;
        writeln!(out, "{}", answer(&case))?;
        out.flush()?;
    }
    Ok(())
}

fn answer(case: &Case) -> Value {
    match text(case, "kind") {
        "private" => json!({ "got": private(case) }),
        "line" => line(case),
        "pattern" => {
            let hosts = Hosts::parse(text(case, "pattern"));
            let found = hosts.is_some_and(|hosts| hosts.matches(text(case, "name")));
            json!({ "got": { "match": found } })
        }
        _ => json!({ "got": public(PublicKey::read(text(case, "text").as_bytes())) }),
    }
}

fn private(case: &Case) -> Value {
    let path = Path::new(text(case, "folder")).join(text(case, "file"));
    let Ok(bytes) = std::fs::read(path) else {
        return Value::Null;
    };
    let passphrase = case.get("passphrase").and_then(Value::as_str);
    let passphrase = passphrase.map(Secret::from);
    public(PrivateKey::open(&bytes, passphrase.as_ref()).map(|key| key.public().clone()))
}

fn public(key: ftp_connect_core::Result<PublicKey>) -> Value {
    match key {
        Ok(key) => json!({ "opens": true, "fingerprints": fingerprints(&key) }),
        Err(error) => json!({ "opens": false, "error": error.to_string(), "hint": error.hint() }),
    }
}

fn line(case: &Case) -> Value {
    let parsed = Line::parse(text(case, "line"));
    let names = case.get("matches").and_then(Value::as_array);
    let matches: Vec<Value> = names
        .into_iter()
        .flatten()
        .filter_map(|item| item.get("name")?.as_str())
        .map(|name| {
            let found = parsed.as_ref().is_some_and(|line| line.matches(name));
            json!({ "name": name, "match": found })
        })
        .collect();
    let got = parsed.map(|line| {
        let mut got = Case::new();
        let marker = line.marker().map(|marker| match marker {
            Marker::CertAuthority => "cert-authority",
            Marker::Revoked => "revoked",
        });
        got.insert("marker".to_owned(), marker.into());
        let field = match line.hosts() {
            Hosts::Patterns(patterns) => patterns.clone(),
            Hosts::Hashed { salt, hash } => {
                let hashed = json!({ "salt": hex(salt), "hash": hex(hash) });
                got.insert("hashed".to_owned(), hashed);
                // The field as it stands in the line.
                let mut words = text(case, "line").split_ascii_whitespace();
                words
                    .find(|word| !word.starts_with('@'))
                    .map(|word| vec![word.to_owned()])
                    .unwrap_or_default()
            }
        };
        got.insert("hosts".to_owned(), field.into());
        got.insert("key_type".to_owned(), line.key().algorithm().into());
        got.insert("fingerprints".to_owned(), fingerprints(line.key()));
        got.insert("comment".to_owned(), line.comment().into());
        got
    });
    json!({ "got": got, "matches": matches })
}

/// MD5 with colons, the others in base64, all without the name before them.
fn fingerprints(key: &PublicKey) -> Value {
    let hash = |kind| {
        let hash = key.fingerprint(kind).to_string();
        hash.split_once(':').map(|(_, hash)| hash.to_owned())
    };
    json!({
        "md5": hash(FingerprintType::Md5),
        "sha1": hash(FingerprintType::Sha1),
        "sha256": hash(FingerprintType::Sha256),
    })
}

fn text<'c>(case: &'c Case, key: &str) -> &'c str {
    case.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
