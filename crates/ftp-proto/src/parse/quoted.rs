//! The path in a reply to PWD or MKD (RFC 959 §4.1.1 and appendix II).
//!
//! The path stands in double quotes and a quote inside it is doubled, says the RFC. Pure-FTPd does
//! not double. The two differ only where one quote stands alone: by the RFC the path ends there, and
//! what follows is text, which begins with a blank or a mark. Where a letter follows instead, the quote
//! belonged to an undoubled name, and the path goes on to the last quote of the line.

/// The path, as bytes; `None` if there is no quoted path in the text.
#[must_use]
pub fn quoted_path(text: &[u8]) -> Option<Vec<u8>> {
    let open = text.iter().position(|byte| *byte == b'"')?;
    let body = &text[open + 1..];
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
    fn no_path() {
        check("/a", None);
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
