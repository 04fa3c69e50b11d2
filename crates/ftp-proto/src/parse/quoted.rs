//! The path in a reply to PWD or MKD (RFC 959 §4.1.1 and appendix II).
//!
//! The path stands in double quotes and a quote inside it is doubled, says the RFC. Pure-FTPd does
//! not double. The two differ only where one quote stands alone: by the RFC the path ends there, and
//! what follows is text, which begins with a blank or a mark. Where a letter follows instead, the quote
//! belonged to an undoubled name, and the path goes on to the last quote of the line.
//!
//! A few servers leave the quotes away altogether. Then only a text that begins as an absolute path is
//! taken for one. A path that could not be sent back, because it holds a CR, LF or NUL, is none.

/// The path, as bytes; `None` if there is no path in the text.
#[must_use]
pub fn quoted_path(text: &[u8]) -> Option<Vec<u8>> {
    let path = match text.iter().position(|byte| *byte == b'"') {
        Some(open) => in_quotes(&text[open + 1..])?,
        None => unquoted(text)?.to_vec(),
    };
    let can_be_sent = !path.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0));
    can_be_sent.then_some(path)
}

/// `/a/b`, and perhaps what the server says about it.
fn unquoted(text: &[u8]) -> Option<&[u8]> {
    let text = text.trim_ascii();
    let end = text
        .windows(4)
        .position(|part| part.eq_ignore_ascii_case(b" is "));
    let path = &text[..end.unwrap_or(text.len())];
    path.starts_with(b"/").then_some(path)
}

/// Reads from after the opening quote.
fn in_quotes(body: &[u8]) -> Option<Vec<u8>> {
    let (path, rest) = doubled(body)?;
    // By the RFC the text after the closing quote begins with a blank or ends. Where it goes on with
    // something else, the quote was part of an undoubled name.
    if matches!(
        rest.first(),
        None | Some(b' ' | b'.' | b'\t' | b',' | b':' | b';' | b')')
    ) {
        return Some(path);
    }
    let last = body.iter().rposition(|byte| *byte == b'"')?;
    Some(body[..last].to_vec())
}

/// Reads up to the closing quote, halving doubled quotes; gives the rest too.
fn doubled(body: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut path = Vec::new();
    let mut rest = body;
    loop {
        let quote = rest.iter().position(|byte| *byte == b'"')?;
        path.extend_from_slice(&rest[..quote]);
        rest = &rest[quote + 1..];
        let Some(after) = rest.strip_prefix(b"\"") else {
            return Some((path, rest));
        };
        path.push(b'"');
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        let got = quoted_path(text.as_bytes());
        let got = got.map(|path| String::from_utf8(path).unwrap());
        assert_eq!(got.as_deref(), expected, "{text:?}");
    }

    #[test]
    fn doubled_quotes() {
        check(r#""/" is the current directory"#, Some("/"));
        check(r#""/a b" created."#, Some("/a b"));
        check(r#""/a""b" created"#, Some("/a\"b"));
        check(r#""""a""" is current"#, Some("\"a\""));
        check(r#""" created"#, Some(""));
        check(r#"rubbish "/a""#, Some("/a"));
        check(r#""/a" is "current" now"#, Some("/a"));
    }

    #[test]
    fn undoubled_quotes() {
        check(r#""/a"b" is your current location"#, Some("/a\"b"));
        check(r#""/a"b"c""#, Some("/a\"b\"c"));
    }

    #[test]
    fn no_quotes() {
        check("/a", Some("/a"));
        check("/a b is your directory", Some("/a b"));
        check("a is your directory", None);
    }

    #[test]
    fn no_path() {
        check("\"/\r\"", None);
        check(r#""/a"#, None);
        check("", None);
    }

    proptest! {
        #[test]
        fn a_doubled_path_is_read_back(path in "[a-z\" /.]{0,12}") {
            let text = format!("\"{}\" is the current directory", path.replace('"', "\"\""));
            prop_assert_eq!(quoted_path(text.as_bytes()), Some(path.into_bytes()));
        }
    }
}
