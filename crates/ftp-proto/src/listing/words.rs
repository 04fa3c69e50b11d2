//! A line as words: runs of bytes between blanks, with their places.
//!
//! Listings are columns. Where a column ends is known by its words, and the name, which may hold anything, by the
//! place of the word before it.

/// The words of a line, or of its end.
#[derive(Clone, Debug)]
pub(super) struct Words<'l> {
    line: &'l [u8],
    spans: Vec<(usize, usize)>,
}

impl<'l> Words<'l> {
    pub(super) fn new(line: &'l [u8]) -> Self {
        Self::after(line, 0)
    }

    /// The words that begin at `from` or later.
    pub(super) fn after(line: &'l [u8], from: usize) -> Self {
        let mut spans = Vec::new();
        let mut at = from;
        loop {
            at += count(&line[at..], is_blank);
            let length = count(&line[at..], |byte| !is_blank(byte));
            if length == 0 {
                return Self { line, spans };
            }
            spans.push((at, at + length));
            at += length;
        }
    }

    pub(super) fn len(&self) -> usize {
        self.spans.len()
    }

    pub(super) fn get(&self, index: usize) -> Option<&'l [u8]> {
        self.spans
            .get(index)
            .map(|(start, end)| &self.line[*start..*end])
    }

    pub(super) fn last(&self) -> Option<&'l [u8]> {
        self.get(self.len().checked_sub(1)?)
    }

    /// Where word `index` begins in the line, or where the line ends.
    pub(super) fn start(&self, index: usize) -> usize {
        self.spans
            .get(index)
            .map_or(self.line.len(), |(start, _)| *start)
    }

    /// Where word `index` ends in the line, or where the line ends.
    pub(super) fn end(&self, index: usize) -> usize {
        self.spans
            .get(index)
            .map_or(self.line.len(), |(_, end)| *end)
    }

    /// From the beginning of one word to the end of another.
    pub(super) fn between(&self, first: usize, last: usize) -> &'l [u8] {
        &self.line[self.start(first)..self.end(last)]
    }

    /// The line from word `index` on, blanks at its end included.
    pub(super) fn from(&self, index: usize) -> &'l [u8] {
        &self.line[self.start(index)..]
    }

    /// The line after word `index` and one blank.
    pub(super) fn behind(&self, index: usize) -> &'l [u8] {
        self.line.get(self.end(index) + 1..).unwrap_or_default()
    }

    /// How many blanks stand before word `index`.
    pub(super) fn gap(&self, index: usize) -> usize {
        match index.checked_sub(1) {
            Some(before) => self.start(index) - self.end(before),
            None => self.start(index),
        }
    }
}

pub(super) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// How many bytes at the beginning are `of` a sort.
pub(super) fn count(bytes: &[u8], of: impl Fn(u8) -> bool) -> usize {
    bytes.iter().take_while(|byte| of(**byte)).count()
}

/// The bytes at the beginning that are digits, and the rest.
pub(super) fn digits(bytes: &[u8]) -> (&[u8], &[u8]) {
    bytes.split_at(count(bytes, |byte| byte.is_ascii_digit()))
}

/// A whole number, of digits alone.
pub(super) fn whole(word: &[u8]) -> Option<u64> {
    let (digits, rest) = digits(word);
    if digits.is_empty() || !rest.is_empty() {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// A whole number whose thousands may be set apart by commas.
pub(super) fn grouped(word: &[u8]) -> Option<u64> {
    if !word.first()?.is_ascii_digit() {
        return None;
    }
    let digits: Vec<u8> = word.iter().copied().filter(|byte| *byte != b',').collect();
    whole(&digits)
}

pub(super) fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|part| part == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_know_their_places() {
        let words = Words::new(b" ab\t c  d ");
        assert_eq!(words.len(), 3);
        assert_eq!(words.get(1), Some(&b"c"[..]));
        assert_eq!((words.gap(0), words.gap(1), words.gap(2)), (1, 2, 2));
        assert_eq!(words.between(0, 1), b"ab\t c");
        assert_eq!(words.from(1), b"c  d ");
        assert_eq!(words.behind(1), b" d ");
        assert_eq!(words.behind(2), b"");
        assert_eq!(words.get(3), None);
        assert_eq!(words.from(3), b"");
        assert_eq!(Words::new(b"").len(), 0);
    }

    #[test]
    fn numbers() {
        assert_eq!(whole(b"18446744073709551615"), Some(u64::MAX));
        assert_eq!(whole(b"18446744073709551616"), None);
        assert_eq!(whole(b"1,000"), None);
        assert_eq!(whole(b""), None);
        assert_eq!(grouped(b"1,000"), Some(1000));
        assert_eq!(grouped(b",1"), None);
        assert_eq!(grouped(b"1x"), None);
    }
}
