//! From a name to addresses in the order in which they are tried.

use std::net::SocketAddr;

use tokio::net::lookup_host;

use crate::{Error, ErrorKind, Host, Result};

/// The addresses of a host, IPv6 and IPv4 in turn (RFC 8305 §4). The resolver's own order (RFC 6724)
/// says which family comes first and is kept within each.
pub(super) async fn resolve(host: &Host, port: u16) -> Result<Vec<SocketAddr>> {
    let name = match host {
        Host::Ip(ip) => return Ok(vec![SocketAddr::new(*ip, port)]),
        Host::Name(name) => name,
    };
    let unknown = |cause: String| {
        Error::new(ErrorKind::NameNotResolved).with_message(format!("{name}: {cause}"))
    };
    let found = lookup_host((name.as_str(), port))
        .await
        .map_err(|error| unknown(error.to_string()))?;
    let addresses = in_turn(found);
    if addresses.is_empty() {
        return Err(unknown("the name has no address".to_owned()));
    }
    Ok(addresses)
}

fn in_turn(found: impl Iterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let mut families: [Vec<SocketAddr>; 2] = Default::default();
    let mut first_is_v4 = None;
    for address in found {
        // `::ffff:1.2.3.4` is 1.2.3.4: servers judge active mode by the family.
        let address = match address {
            SocketAddr::V6(v6) if v6.ip().to_ipv4_mapped().is_some() => {
                SocketAddr::new(address.ip().to_canonical(), address.port())
            }
            other => other,
        };
        let is_v4 = address.is_ipv4();
        let is_first = *first_is_v4.get_or_insert(is_v4) == is_v4;
        let family = &mut families[usize::from(!is_first)];
        if !family.contains(&address) {
            family.push(address);
        }
    }
    let [first, second] = families.map(Vec::into_iter);
    let mut addresses = Vec::new();
    let (mut first, mut second) = (first.fuse(), second.fuse());
    loop {
        let pair = [first.next(), second.next()];
        if pair == [None, None] {
            return addresses;
        }
        addresses.extend(pair.into_iter().flatten());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(found: &[&str], expected: &[&str]) {
        let addresses = |texts: &[&str]| -> Vec<SocketAddr> {
            texts.iter().map(|text| text.parse().unwrap()).collect()
        };
        assert_eq!(in_turn(addresses(found).into_iter()), addresses(expected));
    }

    #[test]
    fn families_take_turns() {
        check(&[], &[]);
        check(
            &[
                "[2001:db8::1]:21",
                "[2001:db8::2]:21",
                "[2001:db8::3]:21",
                "192.0.2.1:21",
            ],
            &[
                "[2001:db8::1]:21",
                "192.0.2.1:21",
                "[2001:db8::2]:21",
                "[2001:db8::3]:21",
            ],
        );
        check(
            &["192.0.2.1:21", "192.0.2.2:21", "[2001:db8::1]:21"],
            &["192.0.2.1:21", "[2001:db8::1]:21", "192.0.2.2:21"],
        );
    }

    #[test]
    fn one_address_is_tried_once() {
        check(
            &["192.0.2.1:21", "[::ffff:192.0.2.1]:21", "192.0.2.1:21"],
            &["192.0.2.1:21"],
        );
    }

    #[tokio::test]
    async fn a_name_without_an_address() {
        let host = "nothing.invalid".parse().unwrap();
        let error = resolve(&host, 21).await.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::NameNotResolved);
        assert!(error.to_string().contains("nothing.invalid"), "{error}");
    }
}
