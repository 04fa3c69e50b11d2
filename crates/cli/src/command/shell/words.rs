//! A line's words, as shells have them: blanks separate, quotes hold together, a backslash takes a sign for itself.

/// The words of a line. In single quotes everything stands for itself, in double quotes all but the backslash. What
/// begins with `#` is a remark.
///
/// # Errors
/// What is not closed.
pub(super) fn split(line: &str) -> Result<Vec<String>, &'static str> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut signs = line.chars();
    while let Some(sign) = signs.next() {
        match (quote, sign) {
            (Some(open), sign) if sign == open => quote = None,
            (Some('"') | None, '\\') => {
                let next = signs.next().ok_or("the line ends in a backslash")?;
                word.get_or_insert_default().push(next);
            }
            (Some(_), sign) => word.get_or_insert_default().push(sign),
            (None, '\'' | '"') => {
                quote = Some(sign);
                word.get_or_insert_default();
            }
            (None, '#') if word.is_none() => break,
            (None, sign) if sign.is_whitespace() => words.extend(word.take()),
            (None, sign) => word.get_or_insert_default().push(sign),
        }
    }
    if quote.is_some() {
        return Err("a quote is not closed");
    }
    words.extend(word);
    Ok(words)
}

/// A word so that [`split`] reads it back, for completion.
pub(super) fn quoted(word: &str) -> String {
    let mut text = String::new();
    for sign in word.chars() {
        if sign.is_whitespace() || matches!(sign, '\\' | '\'' | '"' | '#') {
            text.push('\\');
        }
        text.push(sign);
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_have_words() {
        #[track_caller]
        fn check(line: &str, expected: &[&str]) {
            assert_eq!(split(line).unwrap(), expected, "{line}");
        }
        check("", &[]);
        check("  ls   -1 \t in ", &["ls", "-1", "in"]);
        check(
            "get 'a b' \"c \\\" d\" e\\ f",
            &["get", "a b", "c \" d", "e f"],
        );
        check("put '' x", &["put", "", "x"]);
        check("ls # all of it", &["ls"]);
        check("ls a#b", &["ls", "a#b"]);
        check("ls 'a\\b'", &["ls", "a\\b"]);
        for bad in ["'a", "\"a", "a\\"] {
            assert!(split(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn quoted_words_come_back(word in "\\PC{1,12}") {
            prop_assert_eq!(split(&quoted(&word)).unwrap(), vec![word]);
        }

        #[test]
        fn any_line_is_read_without_harm(line in ".{0,60}") {
            let _ = split(&line);
        }
    }
}
