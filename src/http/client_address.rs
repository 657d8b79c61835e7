//! For whom a reverse proxy asks.
//!
//! `X-Forwarded-For` alone is read. Of two headers with one meaning a proxy sets one and passes the other through as the client
//! wrote it, so a server that knew `Forwarded` (RFC 7239), too, would believe clients (its section 8.1).

use std::net::{IpAddr, SocketAddr};

use actix_web::http::header::{HeaderMap, HeaderName};

use crate::domain::Network;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address that a request comes from: the rightmost one that no trusted proxy has. What stands further left was
/// written by that client itself.
///
/// `peer` is who the connection is to. An entry that is no address ends the search, at the proxy that wrote it.
#[must_use]
pub fn forwarded_for(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
    let lines: Vec<&[u8]> = headers.get_all(X_FORWARDED_FOR).map(|line| line.as_bytes()).collect();
    let entries = lines.iter().rev().flat_map(|line| line.rsplit(|byte| *byte == b','));
    let mut client = peer;
    for entry in entries.map(<[u8]>::trim_ascii).filter(|entry| !entry.is_empty()) {
        if !is_trusted(client, trusted) {
            break;
        }
        match address(entry) {
            Some(address) => client = address,
            None => break,
        }
    }
    client
}

/// Whether an address is a trusted proxy's.
#[must_use]
pub fn is_trusted(address: IpAddr, trusted: &[Network]) -> bool {
    trusted.iter().any(|network| network.contains(address))
}

/// An address with or without a port, as proxies write it.
fn address(entry: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(entry).ok()?;
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().ok().or_else(|| text.parse().ok().map(|with_port: SocketAddr| with_port.ip()))?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn found(lines: &[&str]) -> String {
        let trusted = ["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(X_FORWARDED_FOR, HeaderValue::from_str(line).unwrap());
        }
        forwarded_for("10.0.0.1".parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn the_client_is_the_rightmost_address_that_is_no_proxys() {
        assert_eq!(found(&["203.0.113.9"]), "203.0.113.9");
        assert_eq!(found(&["203.0.113.9, 10.0.0.7,10.0.0.8"]), "203.0.113.9");
        assert_eq!(found(&["203.0.113.9", "10.0.0.7"]), "203.0.113.9");
        assert_eq!(found(&["2001:db8::1, fd00::7"]), "2001:db8::1");
    }

    #[test]
    fn what_a_client_writes_itself_is_not_believed() {
        assert_eq!(found(&["127.0.0.1, 203.0.113.9"]), "203.0.113.9");
        assert_eq!(found(&["10.0.0.5, 203.0.113.9, 10.0.0.7"]), "203.0.113.9");
        assert_eq!(found(&["198.51.100.1", "203.0.113.9"]), "203.0.113.9");
    }

    #[test]
    fn ports_brackets_and_mapped_addresses_are_understood() {
        assert_eq!(found(&["203.0.113.9:4711"]), "203.0.113.9");
        assert_eq!(found(&["[2001:db8::1]:4711"]), "2001:db8::1");
        assert_eq!(found(&["[2001:db8::1]"]), "2001:db8::1");
        assert_eq!(found(&["::ffff:203.0.113.9"]), "203.0.113.9");
    }

    #[test]
    fn without_an_address_it_is_the_proxys_own() {
        assert_eq!(found(&[]), "10.0.0.1");
        assert_eq!(found(&["", " , "]), "10.0.0.1");
        assert_eq!(found(&["203.0.113.9, unknown"]), "10.0.0.1");
        assert_eq!(found(&["203.0.113.9, _hidden, 10.0.0.7"]), "10.0.0.7");
        assert_eq!(found(&["10.0.0.9"]), "10.0.0.9", "a proxy that asks for itself");
    }
}
