//! Reading DER (ITU-T X.690), as far as keys use it.
//!
//! Why our own: keys made by old or odd programs have lengths that are longer than they need be, which
//! strict decoders refuse. What is not here: writing, and types that no key has.

/// What is left to read. Every step is `None` where the bytes are not what is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The tag of the next element, which is not taken.
    pub(super) fn tag(self) -> Option<u8> {
        self.0.first().copied()
    }

    /// The content of the next element, if it has this tag.
    pub(super) fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        let (&[found, first], rest) = self.0.split_first_chunk::<2>()?;
        if found != tag {
            return None;
        }
        let (length, rest) = if first < 0x80 {
            (usize::from(first), rest)
        } else {
            // The length of the length. Keys need two bytes of it.
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            if bytes.is_empty() || bytes.len() > 4 {
                return None;
            }
            let length = bytes
                .iter()
                .fold(0, |sum: u64, &byte| sum << 8 | u64::from(byte));
            (usize::try_from(length).ok()?, rest)
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some(content)
    }

    pub(super) fn sequence(&mut self) -> Option<Self> {
        self.take(SEQUENCE).map(Self)
    }

    /// The content of the next element if it has this tag, which `[0]` and its like have; nothing is
    /// taken otherwise.
    pub(super) fn optional(&mut self, tag: u8) -> Option<&'a [u8]> {
        (self.tag() == Some(tag)).then(|| self.take(tag)).flatten()
    }

    /// An integer that is not negative: its bytes, the first of which is not zero.
    pub(super) fn integer(&mut self) -> Option<&'a [u8]> {
        let bytes = self.take(INTEGER)?;
        if bytes.first()? & 0x80 != 0 {
            return None;
        }
        Some(without_zeros(bytes))
    }

    /// An integer below 2³².
    pub(super) fn small_integer(&mut self) -> Option<u32> {
        let bytes = self.integer()?;
        (bytes.len() <= 4).then(|| {
            bytes
                .iter()
                .fold(0, |sum, &byte| sum << 8 | u32::from(byte))
        })
    }

    /// The content of an object identifier, not decoded.
    pub(super) fn oid(&mut self) -> Option<&'a [u8]> {
        self.take(OID)
    }

    pub(super) fn octets(&mut self) -> Option<&'a [u8]> {
        self.take(OCTETS)
    }

    /// The bytes of a bit string of whole bytes.
    pub(super) fn bits(&mut self) -> Option<&'a [u8]> {
        match self.take(BITS)? {
            [0, bytes @ ..] => Some(bytes),
            _ => None,
        }
    }
}

/// The bytes without the zeros before the first other one.
pub(super) fn without_zeros(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|&&byte| byte == 0).count();
    &bytes[zeros..]
}

/// An object identifier as people write it: `1.2.840.113549.1.1.1`.
pub(super) fn dotted(oid: &[u8]) -> String {
    let mut numbers: Vec<u64> = Vec::new();
    let mut number: u64 = 0;
    for byte in oid {
        number = number << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            if numbers.is_empty() {
                let first = (number / 40).min(2);
                numbers.extend([first, number - first * 40]);
            } else {
                numbers.push(number);
            }
            number = 0;
        }
    }
    let numbers: Vec<String> = numbers.iter().map(u64::to_string).collect();
    numbers.join(".")
}

const INTEGER: u8 = 0x02;
const BITS: u8 = 0x03;
const OCTETS: u8 = 0x04;
const OID: u8 = 0x06;
const SEQUENCE: u8 = 0x30;

/// The tag of `[n]`, constructed.
pub(super) const fn context(number: u8) -> u8 {
    0xa0 | number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], tag: u8, expected: Option<(&[u8], &[u8])>) {
        let mut der = Der::new(bytes);
        let taken = der.take(tag).map(|content| (content, der.0));
        assert_eq!(taken, expected, "{bytes:x?}");
    }

    #[test]
    fn an_element_is_taken_whatever_its_length() {
        check(&[2, 1, 5, 9], 2, Some((&[5], &[9])));
        check(&[2, 0x81, 1, 5], 2, Some((&[5], &[])));
        check(&[2, 0x84, 0, 0, 0, 1, 5], 2, Some((&[5], &[])));
        check(&[4, 0], 4, Some((&[], &[])));
        check(&[2, 1, 5], 4, None);
        check(&[2, 2, 5], 2, None);
        check(&[2], 2, None);
        check(&[], 2, None);
        check(&[2, 0x80, 5], 2, None);
        check(&[2, 0x84, 0xff, 0xff, 0xff, 0xff, 5], 2, None);
        check(&[2, 0x85, 0, 0, 0, 0, 1, 5], 2, None);
    }

    #[test]
    fn integers_are_not_negative() {
        let integer = |bytes| Der::new(bytes).integer();
        assert_eq!(integer(&[2, 2, 0, 0x80]), Some(&[0x80][..]));
        assert_eq!(integer(&[2, 1, 0x80]), None);
        assert_eq!(integer(&[2, 1, 0]), Some(&[][..]));
        assert_eq!(integer(&[2, 0]), None);
        assert_eq!(Der::new(&[2, 2, 8, 0]).small_integer(), Some(2048));
        assert_eq!(Der::new(&[2, 5, 1, 0, 0, 0, 0]).small_integer(), None);
    }

    #[test]
    fn object_identifiers_are_shown() {
        assert_eq!(
            dotted(&[0x2a, 0x86, 0x48, 0xce, 0x38, 4, 1]),
            "1.2.840.10040.4.1"
        );
        assert_eq!(dotted(&[0x2b, 0x65, 0x70]), "1.3.101.112");
        assert_eq!(dotted(&[0x88, 0x37, 3]), "2.999.3");
        assert_eq!(dotted(&[]), "");
        // Nothing overflows, whatever comes.
        dotted(&[0xff; 40]);
    }

    proptest::proptest! {
        #[test]
        fn nothing_makes_it_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..60)) {
            let mut der = Der::new(&bytes);
            if let Some(mut inner) = der.sequence() {
                let _ = (inner.integer(), inner.oid(), inner.bits(), inner.octets());
            }
        }
    }
}
