//! What servers send on the control connection: replies, and the forms inside them.

use ftp_connect_ftp_proto::listing::Mlsx;
use ftp_connect_ftp_proto::{CivilTime, Limits, Reply, ReplyDecoder, parse};
use serde_json::{Value, json};

use super::{Case, byte_strings, bytes, insert_bytes, listing, one};

/// `got` for a case of `kind`, or nothing if there is no such kind.
pub(super) fn answer(case: &Case, kind: &str) -> Option<Case> {
    let chunks = byte_strings(case, "chunks").map(|chunks| chunks.concat());
    let Some(stream) = chunks.or_else(|| bytes(case, "raw")) else {
        return KINDS.contains(&kind).then(|| one("got", Value::Null));
    };
    let read: fn(&Reply) -> Option<Value> = match kind {
        "reply" | "banner" => return Some(one("got", replies(&stream))),
        "pasv" => |reply| {
            let found = parse::pasv(reply.first_text()).ok()?;
            Some(json!({"host": found.address?.to_string(), "port": found.port}))
        },
        "epsv" => |reply| Some(json!({"port": parse::epsv(reply.first_text()).ok()?.port})),
        "pwd" => |reply| {
            let mut got = Case::new();
            insert_bytes(&mut got, "path", &parse::quoted_path(reply.first_text())?);
            Some(got.into())
        },
        "feat" => |reply| Some(features(reply)),
        "mdtm" => |reply| parse::modification_time(reply.first_text()).map(mdtm),
        "size" => |reply| Some(json!({"size": parse::size(reply.first_text())?})),
        "syst" => |reply| Some(json!({"text": String::from_utf8_lossy(reply.first_text())})),
        "mlst" => mlst,
        _ => return None,
    };
    let got = first_reply(&stream).map_or(Value::Null, |reply| {
        let read = reply.is_completion().then(|| read(&reply)).flatten();
        read.unwrap_or_else(|| json!({"error": true}))
    });
    Some(one("got", got))
}

const KINDS: &[&str] = &[
    "reply", "banner", "pasv", "epsv", "pwd", "feat", "mdtm", "size", "syst", "mlst",
];

/// All replies, what is left over, and whether the stream stopped being FTP.
fn replies(stream: &[u8]) -> Value {
    let mut decoder = ReplyDecoder::new(Limits::default());
    let mut replies: Vec<Value> = Vec::new();
    let mut rest = stream;
    let mut error = false;
    for (index, byte) in stream.iter().enumerate() {
        decoder.push(&[*byte]);
        match decoder.next_reply() {
            Ok(Some(reply)) => {
                replies.push(json!({"code": reply.code(), "lines": lines(&reply)}));
                rest = &stream[index + 1..];
            }
            Ok(None) => {}
            Err(_) => error = true,
        }
    }
    if error && replies.is_empty() {
        return json!({"error": true});
    }
    let mut got = one("replies", replies.into());
    if !rest.is_empty() {
        insert_bytes(&mut got, "rest", rest);
    }
    if error {
        got.insert("error".to_owned(), true.into());
    }
    got.into()
}

fn lines(reply: &Reply) -> Vec<String> {
    let lines = reply.lines().iter();
    lines
        .map(|line| String::from_utf8_lossy(line).into_owned())
        .collect()
}

/// The first reply. Where the server left the end of a reply away, the end of the stream is it.
fn first_reply(stream: &[u8]) -> Option<Reply> {
    let mut decoder = ReplyDecoder::new(Limits::default());
    decoder.push(stream);
    match decoder.next_reply() {
        Ok(None) if decoder.finish() => decoder.next_reply().ok()?,
        reply => reply.ok()?,
    }
}

fn features(reply: &Reply) -> Value {
    let features = parse::Features::from_reply(reply);
    let features: Vec<Value> = features
        .iter()
        .map(|feature| json!({"name": feature.name, "params": feature.parameters}))
        .collect();
    json!({"features": features})
}

/// To the second: the cases leave fractions out here.
fn mdtm(time: CivilTime) -> Value {
    let text = time.to_string();
    json!({"modified": format!("{}Z", &text[..19]), "modified_precision": "second"})
}

/// An entry with what the facts `type`, `size`, `modify` and `UNIX.mode` say.
fn mlst(reply: &Reply) -> Option<Value> {
    let mut found = Mlsx.reply(reply)?;
    if !reply.mentions("size=") {
        found.size = None;
    }
    let mut got = listing::entry(&found);
    got.retain(|key, _| !matches!(key.as_str(), "owner" | "group" | "modified"));
    if let Some(Value::Object(time)) = found.modified.map(mdtm) {
        got.extend(time);
    }
    Some(got.into())
}
