//! The reply to SIZE (RFC 3659 §4).

/// The size in bytes: the last number of the text, since some servers write words or blanks before it.
#[must_use]
pub fn size(text: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(text).ok()?;
    let last = text
        .split(|c: char| !c.is_ascii_digit())
        .rfind(|part| !part.is_empty())?;
    last.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<u64>) {
        assert_eq!(size(text.as_bytes()), expected, "{text:?}");
    }

    #[test]
    fn the_last_number() {
        check("42", Some(42));
        check(" 42 ", Some(42));
        check("file: 7, Size =51", Some(51));
        check("18446744073709551615", Some(u64::MAX));
        check("18446744073709551616", None);
        check("no digits", None);
        check("", None);
    }
}
