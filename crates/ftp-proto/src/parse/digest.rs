//! The checksum in replies to HASH (draft-bryan-ftpext-hash), XCRC, XMD5, XSHA…, and MD5.
//!
//! `213 SHA-256 0-49 6169…  name`, `250 6169…`, `250 XMD5 6169…`, `251 "/name" 6169…`: the digest is a word
//! of hexadecimal digits of a length that belongs to the algorithm. A name may be such a word too; it
//! stands in quotes before the digest, or after it.

/// The digest of `length` bytes in a reply's text, most significant byte first.
///
/// Zeros that a server leaves out at the front of a CRC-32 (4 bytes) are put back.
#[must_use]
pub fn digest(text: &[u8], length: usize) -> Option<Vec<u8>> {
    // A quoted name is passed over, whatever is in it.
    let rest = match text.strip_prefix(b"\"") {
        Some(name) => &name[name.iter().rposition(|byte| *byte == b'"')? + 1..],
        None => text,
    };
    let mut words = rest
        .split(|byte| byte.is_ascii_whitespace() || matches!(byte, b'=' | b':' | b',' | b';'))
        .filter(|word| !word.is_empty());
    words.find_map(|word| {
        let digits = word.strip_prefix(b"0x").unwrap_or(word);
        let whole = digits.len() == 2 * length;
        let short = length == CRC32 && (5..8).contains(&digits.len());
        if !(whole || short) || !digits.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        let padded = format!(
            "{:0>width$}",
            std::str::from_utf8(digits).ok()?,
            width = 2 * length
        );
        (0..length)
            .map(|at| u8::from_str_radix(&padded[2 * at..2 * at + 2], 16).ok())
            .collect()
    })
}

/// The length of a CRC-32 in bytes.
const CRC32: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MD5: &str = "d41d8cd98f00b204e9800998ecf8427e";

    #[track_caller]
    fn check(text: &str, length: usize, expected: Option<&str>) {
        let got = digest(text.as_bytes(), length);
        let hex = |bytes: &Vec<u8>| bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let got: Option<String> = got.as_ref().map(hex);
        assert_eq!(got.as_deref(), expected, "{text:?}");
    }

    #[test]
    fn forms_of_servers() {
        // HASH: ProFTPD and the draft.
        check(&format!("MD5 0-0 {MD5} name"), 16, Some(MD5));
        check(
            &format!("MD5 0-0 {MD5} {}", MD5.replace('d', "e")),
            16,
            Some(MD5),
        );
        // XMD5 of ProFTPD, Serv-U, FileZilla Server.
        check(MD5, 16, Some(MD5));
        check(&MD5.to_ascii_uppercase(), 16, Some(MD5));
        check(&format!("XMD5 {MD5}"), 16, Some(MD5));
        // MD5 (draft-twine-ftpmd5), the name in quotes before it.
        let quoted = format!("\"{}\" {MD5}", MD5.replace('d', "e"));
        check(&quoted, 16, Some(MD5));
        check(&format!("\"a \"b\" c\" {MD5}"), 16, Some(MD5));
        check("F56D5A3C", 4, Some("f56d5a3c"));
        check("0xF56D5A3C", 4, Some("f56d5a3c"));
        check("CRC32=5D5A3C", 4, Some("005d5a3c"));
    }

    #[test]
    fn no_digest() {
        check("", 16, None);
        check("\"", 16, None);
        check("\"name\" done", 16, None);
        check(&MD5[1..], 16, None);
        check(&MD5.replace('d', "g"), 16, None);
        check("0-49 done", 4, None);
    }

    proptest! {
        #[test]
        fn no_panic(text in proptest::collection::vec(any::<u8>(), 0..80), length in 0usize..70) {
            if let Some(found) = digest(&text, length) {
                prop_assert_eq!(found.len(), length);
            }
        }
    }
}
