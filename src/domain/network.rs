//! A network of addresses, as operators write it.

use std::{fmt, net::IpAddr, str::FromStr};

use serde::{Deserialize, Deserializer, de};

/// A network: `10.0.0.0/8`, `fd00::/8`, or one address (RFC 4632 section 3.1, RFC 4291 section 2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix_bits: u8,
}

impl Network {
    /// Whether an address lies in it. An IPv4 address is the same when it comes in IPv6's dress (`::ffff:10.0.0.1`), as it
    /// does from a socket that listens on both.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                (own.to_bits() ^ other.to_bits()).leading_zeros() >= u32::from(self.prefix_bits)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                (own.to_bits() ^ other.to_bits()).leading_zeros() >= u32::from(self.prefix_bits)
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refused = || "must be an address, or a network like 10.0.0.0/8 that is not everybody".to_owned();
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.trim().parse().map_err(|_| refused())?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let prefix_bits: u8 = match prefix {
            Some(prefix) => prefix.trim().parse().map_err(|_| refused())?,
            None => bits,
        };
        // Anyone who trusts everybody lets each client name the address that it is counted under.
        if prefix_bits == 0 || prefix_bits > bits {
            return Err(refused());
        }
        match address.to_canonical() {
            IpAddr::V4(v4) if address.is_ipv6() => {
                let prefix_bits = prefix_bits.checked_sub(96).filter(|bits| *bits > 0).ok_or_else(refused)?;
                Ok(Self { address: v4.into(), prefix_bits })
            }
            address => Ok(Self { address, prefix_bits }),
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix_bits)
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_lies_in_a_network_by_its_first_bits() {
        for (network, inside, outside) in [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.1"),
            ("10.1.2.3/8", "10.0.0.1", "9.255.255.255"),
            ("192.168.1.7", "192.168.1.7", "192.168.1.6"),
            ("172.16.0.0/12", "172.31.255.255", "172.32.0.0"),
            ("fd00::/8", "fdff::1", "fe00::1"),
            ("::1", "::1", "::2"),
            ("10.0.0.0/8", "::ffff:10.0.0.1", "::10.0.0.1"),
            ("::ffff:10.0.0.0/104", "10.0.0.1", "11.0.0.1"),
        ] {
            let parsed: Network = network.parse().unwrap();
            assert!(parsed.contains(inside.parse().unwrap()), "{network} {inside}");
            assert!(!parsed.contains(outside.parse().unwrap()), "{network} {outside}");
        }
    }

    #[test]
    fn what_is_no_network_or_everybody_is_refused() {
        for bad in
            ["", "nginx", "10.0.0.0/33", "10.0.0.0/", "10.0.0/8", "0.0.0.0/0", "::/0", "::ffff:0.0.0.0/96", "::1/129"]
        {
            assert!(bad.parse::<Network>().is_err(), "{bad}");
        }
    }
}
