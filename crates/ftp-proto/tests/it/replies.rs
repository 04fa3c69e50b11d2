//! Replies, and the forms inside single ones.

use ftp_connect_ftp_proto::listing::Mlsx;
use ftp_connect_ftp_proto::{Limits, Reply, ReplyDecoder, parse};
use serde_json::{Value, json};

use super::case::{Case, bytes, cases, id, is_certain, judge, list};

#[test]
fn replies() {
    let mut faults = Vec::new();
    for case in cases(include_str!("../corpus/replies.jsonl")) {
        let chunks =
            list(&case, "chunks").unwrap_or_else(|| vec![bytes(&case, "raw").expect("bytes")]);
        let fault = match case["kind"].as_str() {
            Some("reply" | "banner") => decoded(&case, &chunks),
            Some(kind) => {
                let got = first(&chunks).and_then(|reply| form(kind, &reply));
                let got = got.unwrap_or_else(|| json!({"error": true}));
                (got != case["expect"]).then(|| format!("{got} is not {}", case["expect"]))
            }
            None => Some("a case without a kind".to_owned()),
        };
        if is_certain(&case) {
            faults.extend(fault.map(|fault| (id(&case).to_owned(), fault)));
        }
    }
    judge(&faults, &[]);
}

fn decoded(case: &Case, chunks: &[Vec<u8>]) -> Option<String> {
    let expected = &case["expect"];
    let mut decoder = ReplyDecoder::new(Limits::default());
    let mut replies = Vec::new();
    let mut failed = false;
    for chunk in chunks {
        decoder.push(chunk);
    }
    loop {
        match decoder.next_reply() {
            Ok(Some(reply)) => {
                let lines = reply.lines().iter();
                let lines: Vec<_> = lines.map(|line| String::from_utf8_lossy(line)).collect();
                replies.push(json!({"code": reply.code(), "lines": lines}));
            }
            Ok(None) => break,
            Err(_) => {
                failed = true;
                break;
            }
        }
    }
    let none = json!([]);
    let wanted = expected.get("replies").unwrap_or(&none);
    let fails = expected.get("error") == Some(&Value::Bool(true));
    let more = expected.get("rest").is_some();
    if *wanted != Value::Array(replies.clone()) {
        return Some(format!("{replies:?} is not {wanted}"));
    }
    if failed != fails || decoder.is_empty() == (more || fails) {
        return Some(format!("failed: {failed}, empty: {}", decoder.is_empty()));
    }
    None
}

/// The first reply, complete or not.
fn first(chunks: &[Vec<u8>]) -> Option<Reply> {
    let mut decoder = ReplyDecoder::new(Limits::default());
    for chunk in chunks {
        decoder.push(chunk);
    }
    decoder.finish();
    decoder.next_reply().ok()?
}

fn form(kind: &str, reply: &Reply) -> Option<Value> {
    if !reply.is_completion() {
        return None;
    }
    let text = reply.first_text();
    Some(match kind {
        "pasv" => {
            let found = parse::pasv(text).ok()?;
            json!({"host": found.address?.to_string(), "port": found.port})
        }
        "epsv" => json!({"port": parse::epsv(text).ok()?.port}),
        "pwd" => json!({"path": String::from_utf8(parse::quoted_path(text)?).ok()?}),
        "size" => json!({"size": parse::size(text)?}),
        "syst" => json!({"text": String::from_utf8_lossy(text)}),
        "mdtm" => {
            let time = parse::modification_time(text)?.to_string();
            json!({"modified": format!("{}Z", &time[..19]), "modified_precision": "second"})
        }
        "feat" => {
            let features = parse::Features::from_reply(reply);
            let features: Vec<_> = features
                .iter()
                .map(|feature| json!({"name": feature.name, "params": feature.parameters}))
                .collect();
            json!({"features": features})
        }
        "mlst" => {
            let entry = Mlsx.reply(reply)?;
            let mode = entry.mode.map(|mode| format!("{mode:04o}"));
            json!({
                "name": String::from_utf8_lossy(&entry.name),
                "kind": format!("{:?}", entry.kind).to_lowercase(),
                "size": entry.size,
                "mode": mode,
                "modified": entry.modified?.to_string(),
                "modified_precision": "second",
            })
        }
        _ => return None,
    })
}
