//! A whole reply (RFC 959 §4.2).
//!
//! Replies are judged by their first digit and by the state of the conversation; the text is kept as
//! bytes, to be parsed where the code gives it a form and to be shown to people. How replies are cut
//! from the byte stream is in [`decoder`](crate::ReplyDecoder).

use std::fmt;

/// One reply of the server: a code and one or more lines.
#[derive(Clone, PartialEq, Eq)]
pub struct Reply {
    code: u16,
    lines: Vec<Vec<u8>>,
}

/// What the first digit of a reply says (RFC 959 §4.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReplyClass {
    /// 1yz: begun, another reply follows.
    Preliminary,
    /// 2yz: done.
    Completion,
    /// 3yz: more is wanted from the client.
    Intermediate,
    /// 4yz: refused for now.
    Transient,
    /// 5yz: refused.
    Permanent,
}

impl Reply {
    /// A reply from its lines; the first begins with the code.
    ///
    /// Returns `None` if it does not.
    #[must_use]
    pub fn from_lines(lines: Vec<Vec<u8>>) -> Option<Self> {
        let code = leading_code(lines.first()?)?;
        Some(Self { code, lines })
    }

    /// The code, 100–599.
    #[must_use]
    pub fn code(&self) -> u16 {
        self.code
    }

    /// What the first digit says.
    #[must_use]
    pub fn class(&self) -> ReplyClass {
        match self.code / 100 {
            1 => ReplyClass::Preliminary,
            2 => ReplyClass::Completion,
            3 => ReplyClass::Intermediate,
            4 => ReplyClass::Transient,
            _ => ReplyClass::Permanent,
        }
    }

    /// Whether this is 2yz.
    #[must_use]
    pub fn is_completion(&self) -> bool {
        self.class() == ReplyClass::Completion
    }

    /// Whether this is 1yz.
    #[must_use]
    pub fn is_preliminary(&self) -> bool {
        self.class() == ReplyClass::Preliminary
    }

    /// Whether this is 4yz or 5yz.
    #[must_use]
    pub fn is_negative(&self) -> bool {
        matches!(self.class(), ReplyClass::Transient | ReplyClass::Permanent)
    }

    /// The lines as they came, codes included, line ends removed.
    #[must_use]
    pub fn lines(&self) -> &[Vec<u8>] {
        &self.lines
    }

    /// The text of the first line, without the code and its separator.
    #[must_use]
    pub fn first_text(&self) -> &[u8] {
        self.lines
            .first()
            .map(|line| without_code(line, self.code))
            .unwrap_or_default()
    }

    /// The lines between the first and the last, each without the code that some servers put on every line. A last line
    /// without a code is none: the server left the end away.
    pub fn inner_lines(&self) -> impl Iterator<Item = &[u8]> {
        let lines = self.lines.get(1..).unwrap_or_default();
        let inner = match lines.split_last() {
            Some((last, inner)) if leading_code(last).is_some() => inner,
            _ => lines,
        };
        inner.iter().map(|line| match line.get(3) {
            Some(b'-') => without_code(line, self.code),
            _ => line,
        })
    }

    /// The text of all lines for people, codes removed, joined by line feeds; bytes that are not UTF-8
    /// are replaced.
    #[must_use]
    pub fn text(&self) -> String {
        let lines: Vec<_> = self
            .lines
            .iter()
            .map(|line| String::from_utf8_lossy(without_code(line, self.code)))
            .collect();
        lines.join("\n")
    }

    /// Whether the text holds `needle`, whatever the case of ASCII letters.
    #[must_use]
    pub fn mentions(&self, needle: &str) -> bool {
        let needle = needle.as_bytes();
        self.lines.iter().any(|line| {
            line.windows(needle.len())
                .any(|part| part.eq_ignore_ascii_case(needle))
        })
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.text().trim())
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reply(")?;
        for (index, line) in self.lines.iter().enumerate() {
            let separator = if index == 0 { "" } else { " | " };
            write!(f, "{separator}{}", line.escape_ascii())?;
        }
        f.write_str(")")
    }
}

/// The code with which a line begins: three digits, the first of them 1–5, and no fourth digit.
pub(crate) fn leading_code(line: &[u8]) -> Option<u16> {
    let [a @ b'1'..=b'5', b @ b'0'..=b'9', c @ b'0'..=b'9', rest @ ..] = line else {
        return None;
    };
    if rest.first().is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let digit = |byte: &u8| u16::from(byte - b'0');
    Some(digit(a) * 100 + digit(b) * 10 + digit(c))
}

fn without_code(line: &[u8], code: u16) -> &[u8] {
    if leading_code(line) != Some(code) {
        return line;
    }
    match &line[3..] {
        [b' ' | b'-', rest @ ..] => rest,
        rest => rest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(lines: &[&str]) -> Reply {
        Reply::from_lines(lines.iter().map(|line| line.as_bytes().to_vec()).collect()).unwrap()
    }

    #[test]
    fn text_has_no_codes() {
        assert_eq!(
            reply(&["230-Hello", " there", "230-you", "230 Done"]).text(),
            "Hello\n there\nyou\nDone"
        );
        assert_eq!(reply(&["331"]).text(), "");
        assert_eq!(reply(&["550 No"]).to_string(), "550 No");
    }

    #[test]
    fn inner_lines_have_no_frame() {
        #[track_caller]
        fn check(lines: &[&str], expected: &[&str]) {
            let reply = reply(lines);
            let inner: Vec<_> = reply.inner_lines().map(<[u8]>::escape_ascii).collect();
            let inner: Vec<_> = inner.into_iter().map(|line| line.to_string()).collect();
            assert_eq!(inner, expected);
        }
        check(
            &["211-x", " A", "211-B", "211 C", "211 end"],
            &[" A", "B", "211 C"],
        );
        check(&["211-x", "A", "221 end"], &["A"]);
        check(&["211-x", "A"], &["A"]);
        check(&["211 x"], &[]);
    }

    #[test]
    fn class_is_the_first_digit() {
        assert_eq!(reply(&["150 x"]).class(), ReplyClass::Preliminary);
        assert_eq!(reply(&["226 x"]).class(), ReplyClass::Completion);
        assert_eq!(reply(&["350 x"]).class(), ReplyClass::Intermediate);
        assert_eq!(reply(&["450 x"]).class(), ReplyClass::Transient);
        assert_eq!(reply(&["599 x"]).class(), ReplyClass::Permanent);
        assert!(Reply::from_lines(vec![b"600 x".to_vec()]).is_none());
        assert!(Reply::from_lines(vec![]).is_none());
    }

    #[test]
    fn mentions_whatever_the_case() {
        assert!(reply(&["530 Anonymous sessions must use encryption."]).mentions("ENCRYPT"));
        assert!(!reply(&["530 No"]).mentions("encrypt"));
    }
}
