//! The replies to PASV (RFC 959 §4.1.2) and EPSV (RFC 2428 §3).
//!
//! RFC 959 does not fix where in the 227 text the six numbers stand, and servers put them in
//! parentheses, without, after a dot or in the middle of a sentence. So the first six numbers joined by
//! commas are taken, where there are not more. EPSV is strict about its form, and so is this: what is not of that form is an
//! error, after which the caller goes on to PASV.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

/// Where a server says it listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PassiveAddress {
    /// The address; EPSV has none. Not to be trusted: servers behind address translation name
    /// private ones, and a hostile server could name a third party's.
    pub address: Option<IpAddr>,
    /// The port, not 0.
    pub port: u16,
}

/// Reads the text of a 227 reply.
///
/// # Errors
/// [`AddressError`] if there are no six numbers of 0–255 joined by commas, or the port is 0.
pub fn pasv(text: &[u8]) -> Result<PassiveAddress, AddressError> {
    let mut found = None;
    let mut rest = text;
    while let Some(start) = rest.iter().position(u8::is_ascii_digit) {
        let (numbers, after) = numbers(&rest[start..]);
        if numbers.len() == 6 {
            found = Some(numbers);
            break;
        }
        rest = after;
    }
    let numbers = found.ok_or(AddressError::NoAddress)?;
    let mut octets = [0u8; 6];
    for (octet, number) in octets.iter_mut().zip(&numbers) {
        *octet = u8::try_from(*number).map_err(|_| AddressError::OutOfRange)?;
    }
    let [a, b, c, d, high, low] = octets;
    Ok(PassiveAddress {
        address: Some(IpAddr::V4(Ipv4Addr::new(a, b, c, d))),
        port: nonzero(u16::from_be_bytes([high, low]))?,
    })
}

/// Reads the text of a 229 reply: `(<d><d><d><port><d>)`, where `<d>` is one printable character. The last such form
/// counts; text whose parentheses close before they open is none.
///
/// # Errors
/// [`AddressError`] if no such form is in the text, or the port is 0 or above 65535.
pub fn epsv(text: &[u8]) -> Result<PassiveAddress, AddressError> {
    let opens: Vec<usize> = (0..text.len()).filter(|at| text[*at] == b'(').collect();
    let closes_first = opens
        .first()
        .is_some_and(|open| text[..*open].contains(&b')'));
    let port = opens
        .iter()
        .rev()
        .find_map(|open| epsv_port(&text[open + 1..]))
        .filter(|_| !closes_first)
        .ok_or(AddressError::NoPort)?;
    let port = number(port).and_then(|port| u16::try_from(port).ok());
    Ok(PassiveAddress {
        address: None,
        port: nonzero(port.ok_or(AddressError::OutOfRange)?)?,
    })
}

/// The digits of `<d><d><d><port><d>)`. The delimiter may be a digit itself (RFC 2428 §3).
fn epsv_port(text: &[u8]) -> Option<&[u8]> {
    let [delimiter @ 33..=126, b, c, tail @ ..] = text else {
        return None;
    };
    if b != delimiter || c != delimiter {
        return None;
    }
    let end = tail.iter().position(|byte| *byte == b')')?;
    let port = tail[..end].strip_suffix(&[*delimiter])?;
    (!port.is_empty() && port.iter().all(u8::is_ascii_digit)).then_some(port)
}

/// Numbers joined by commas, blanks around the commas allowed, and what follows them.
fn numbers(text: &[u8]) -> (Vec<u32>, &[u8]) {
    let mut numbers = Vec::new();
    let mut rest = text;
    loop {
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits == 0 {
            return (numbers, rest);
        }
        // One more than an address has is enough to know that this is none.
        if numbers.len() < 7 {
            numbers.push(number(&rest[..digits]).unwrap_or(u32::MAX));
        }
        rest = &rest[digits..];
        match rest.trim_ascii_start().strip_prefix(b",") {
            Some(after) => rest = after.trim_ascii_start(),
            None => return (numbers, rest),
        }
    }
}

fn number(digits: &[u8]) -> Option<u32> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn nonzero(port: u16) -> Result<u16, AddressError> {
    if port == 0 {
        Err(AddressError::OutOfRange)
    } else {
        Ok(port)
    }
}

/// Why a reply gives no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AddressError {
    /// A 227 reply without six numbers.
    NoAddress,
    /// A 229 reply without a port.
    NoPort,
    /// A number is too large, or the port is 0.
    OutOfRange,
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoAddress => "no address in the reply",
            Self::NoPort => "no port in the reply",
            Self::OutOfRange => "a number in the reply is out of range",
        })
    }
}

impl std::error::Error for AddressError {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check_pasv(text: &str, expected: Option<&str>) {
        let got = pasv(text.as_bytes()).ok().map(|found| {
            let address = found.address.map(|address| address.to_string());
            format!("{}:{}", address.unwrap_or_default(), found.port)
        });
        assert_eq!(got.as_deref(), expected, "{text:?}");
    }

    #[track_caller]
    fn check_epsv(text: &str, expected: Option<u16>) {
        let got = epsv(text.as_bytes()).ok().map(|found| found.port);
        assert_eq!(got, expected, "{text:?}");
    }

    #[test]
    fn six_numbers_wherever_they_stand() {
        check_pasv(
            "Entering Passive Mode (10,0,0,1,1,2).",
            Some("10.0.0.1:258"),
        );
        check_pasv("10,0,0,1,1,2", Some("10.0.0.1:258"));
        check_pasv("Mode 2, use PORT 10,0,0,1,1,2.", Some("10.0.0.1:258"));
        check_pasv("Mode( 10, 0, 0, 1, 1,2).", Some("10.0.0.1:258"));
        check_pasv("=0,0,0,0,4,0", Some("0.0.0.0:1024"));
        check_pasv("Entering Passive Mode", None);
        check_pasv("(10,0,0,1,1)", None);
        check_pasv("(10,0,0,1,1,", None);
        check_pasv("(10,0,0,256,1,2)", None);
        check_pasv("(10,0,0,1,0,0)", None);
        check_pasv("(99999999999,0,0,1,0,1)", None);
        check_pasv("(10,0,0,1,1,2,3,4)", None);
        check_pasv("(1,2,3,4,5,6,7,8,9,10,11,12,13)", None);
        check_pasv("(10,0,0,1,1,2,)", Some("10.0.0.1:258"));
    }

    #[test]
    fn epsv_has_one_form() {
        check_epsv("Entering (|||6446|)", Some(6446));
        check_epsv("(!!!1!)", Some(1));
        check_epsv("(ha) (|||65535|) (7).", Some(65535));
        check_epsv("(|||65535|) (6666666)", Some(666));
        for text in [
            "(|||65536|)",
            "(|||0|)",
            "(||6446|)",
            "(|||6446)",
            "(|||6446|",
            "(   6446 )",
            ")(|||6446|)",
            "(|||-1|)",
            "",
            "(",
        ] {
            check_epsv(text, None);
        }
    }

    proptest! {
        #[test]
        fn no_panic(text in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = pasv(&text);
            let _ = epsv(&text);
        }

        #[test]
        fn every_port_is_read(port in 1u16..) {
            let [high, low] = port.to_be_bytes();
            let text = format!("x (1,2,3,4,{high},{low})");
            prop_assert_eq!(pasv(text.as_bytes()).unwrap().port, port);
            let text = format!("x (|||{port}|)");
            prop_assert_eq!(epsv(text.as_bytes()).unwrap().port, port);
        }
    }
}
