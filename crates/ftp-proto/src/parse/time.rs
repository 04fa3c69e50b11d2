//! Times as digits (RFC 3659 §2.3): `YYYYMMDDHHMMSS` with an optional fraction, always UTC.
//!
//! MDTM and MFMT replies and the `modify` fact have this form.

use crate::civil::{CivilTime, Precision};

/// Reads a time; text after it is an error, blanks around it are not.
///
/// `191xx…` of servers that print the year as 19 and the years since 1900 is read as what they mean.
#[must_use]
pub fn time(text: &[u8]) -> Option<CivilTime> {
    let text = std::str::from_utf8(text).ok()?.trim();
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (text, None),
    };
    if !whole.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (year, rest): (i32, &str) = match whole.len() {
        14 => (whole[..4].parse().ok()?, &whole[4..]),
        15 if whole.starts_with("19") => (1900 + whole[2..5].parse::<i32>().ok()?, &whole[5..]),
        _ => return None,
    };
    let part = |at: usize| rest[at..at + 2].parse::<u8>().ok();
    let mut time = CivilTime::new(year, part(0)?, part(2)?)?;
    time = time.at(part(4)?, part(6)?, part(8)?)?;
    time.precision = Precision::Second;
    if let Some(fraction) = fraction {
        if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let digits: String = fraction
            .chars()
            .chain("000000000".chars())
            .take(9)
            .collect();
        time.nanosecond = digits.parse().ok()?;
        time.precision = Precision::Subsecond;
    }
    time.utc = true;
    Some(time)
}

/// Reads the time in the reply to MDTM, or `Modify=time` in that to MFMT: the first word that is one.
#[must_use]
pub fn modification_time(text: &[u8]) -> Option<CivilTime> {
    text.split(|byte| matches!(byte, b' ' | b'\t' | b'=' | b';'))
        .find_map(time)
}

/// Writes a time for MFMT, without a fraction.
#[must_use]
pub fn format_time(time: &CivilTime) -> String {
    format!(
        "{:04}{:02}{:02}{:02}{:02}{:02}",
        time.year, time.month, time.day, time.hour, time.minute, time.second
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        let got = time(text.as_bytes()).map(|time| time.to_string());
        assert_eq!(got.as_deref(), expected, "{text:?}");
    }

    #[test]
    fn fourteen_digits_and_a_fraction() {
        check("20030405060708", Some("2003-04-05T06:07:08Z"));
        check(" 20030405060708 ", Some("2003-04-05T06:07:08Z"));
        check("20251012230103.073", Some("2025-10-12T23:01:03.073000000Z"));
        check("20161231235960", Some("2016-12-31T23:59:60Z"));
        check("191030405060708", Some("2003-04-05T06:07:08Z"));
        for text in [
            "2023",
            "20030229000000",
            "20031301000000",
            "20030405240000",
            "2003040506070x",
            "20030405060708.",
            "20030405060708 x",
            "",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn the_time_in_a_reply() {
        for text in [
            "20030405060708",
            " 20030405060708 /a/20200101000000",
            "Modify=20030405060708; /a",
            "the time is 20030405060708",
        ] {
            let time = modification_time(text.as_bytes()).map(|time| time.to_string());
            assert_eq!(time.as_deref(), Some("2003-04-05T06:07:08Z"), "{text:?}");
        }
        assert_eq!(modification_time(b"2023 or so"), None);
    }

    proptest! {
        #[test]
        fn written_times_are_read_back(y in 1970i32..9999, mo in 1u8..=12, d in 1u8..=28, h in 0u8..24, mi in 0u8..60, s in 0u8..60) {
            let written = CivilTime::new(y, mo, d).unwrap().at(h, mi, s).unwrap();
            let read = time(format_time(&written).as_bytes()).unwrap();
            prop_assert_eq!(format_time(&read), format_time(&written));
        }

        #[test]
        fn no_panic(text in "\\PC{0,24}") {
            let _ = time(text.as_bytes());
        }
    }
}
