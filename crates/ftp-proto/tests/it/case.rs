//! A case of the corpus: a JSON object on one line.

use serde_json::{Map, Value};

/// A case, or a part of one.
pub(crate) type Case = Map<String, Value>;

/// All cases of a file.
pub(crate) fn cases(text: &str) -> Vec<Case> {
    text.lines()
        .map(|line| serde_json::from_str(line).expect("a case"))
        .collect()
}

pub(crate) fn id(case: &Case) -> &str {
    case["id"].as_str().expect("an id")
}

pub(crate) fn is_certain(case: &Case) -> bool {
    case["certain"] == true
}

/// Whether a part of the expectation may be otherwise.
pub(crate) fn is_loose(case: &Case, field: &str) -> bool {
    let fields = case.get("uncertain_fields").and_then(Value::as_array);
    fields.is_some_and(|fields| fields.iter().any(|loose| loose == field))
}

/// The bytes of `key`: text, or hexadecimal under `key_hex`.
pub(crate) fn bytes(case: &Case, key: &str) -> Option<Vec<u8>> {
    match case.get(key) {
        Some(value) => Some(text_bytes(value)),
        None => case.get(&format!("{key}_hex")).map(hex_bytes),
    }
}

/// As [`bytes`], for a list.
pub(crate) fn list(case: &Case, key: &str) -> Option<Vec<Vec<u8>>> {
    let all = |value: &Value, read: fn(&Value) -> Vec<u8>| {
        value.as_array().expect("a list").iter().map(read).collect()
    };
    match case.get(key) {
        Some(value) => Some(all(value, text_bytes)),
        None => case
            .get(&format!("{key}_hex"))
            .map(|value| all(value, hex_bytes)),
    }
}

fn text_bytes(value: &Value) -> Vec<u8> {
    value.as_str().expect("text").as_bytes().to_vec()
}

fn hex_bytes(value: &Value) -> Vec<u8> {
    let digits = value.as_str().expect("hexadecimal digits").as_bytes();
    let pairs = digits.chunks(2);
    pairs
        .map(|pair| {
            let pair = std::str::from_utf8(pair).expect("ASCII");
            u8::from_str_radix(pair, 16).expect("two digits")
        })
        .collect()
}

/// Fails with all faults at once, and where an exception has none.
#[track_caller]
pub(crate) fn judge(faults: &[(String, String)], exceptions: &[(&str, &str)]) {
    let unexpected: Vec<_> = faults
        .iter()
        .filter(|(id, _)| !exceptions.iter().any(|(known, _)| known == id))
        .map(|(id, fault)| format!("{id}: {fault}"))
        .collect();
    assert!(unexpected.is_empty(), "{}", unexpected.join("\n"));
    for (known, _) in exceptions {
        assert!(
            faults.iter().any(|(id, _)| id == known),
            "{known} is read as expected: no exception any more"
        );
    }
}
