//! A network of addresses, as operators write it.

use std::{fmt, net::IpAddr, str::FromStr};

use ipnet::IpNet;
use serde::{Deserialize, Deserializer, de};

/// A network: `10.0.0.0/8`, `fd00::/8`, or one address (RFC 4632 section 3.1, RFC 4291 section 2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network(IpNet);

impl Network {
    /// Whether an address lies in it. An IPv4-mapped IPv6 address (`::ffff:10.0.0.1`), which a socket that listens on both
    /// reports, counts as the IPv4 address.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let network = read(text).map(canonical);
        // An operator who trusts every address lets each client choose the address that it is counted under.
        let network = network.filter(|network| network.prefix_len() > 0).map(Self);
        network.ok_or_else(|| "must be an address, or a network like 10.0.0.0/8 that is not everybody".to_owned())
    }
}

fn read(text: &str) -> Option<IpNet> {
    let Some((address, prefix_bits)) = text.split_once('/') else {
        return text.trim().parse::<IpAddr>().ok().map(IpNet::from);
    };
    IpNet::new(address.trim().parse().ok()?, prefix_bits.trim().parse().ok()?).ok()
}

/// The IPv4 network that an IPv6 one stands for; if it contains all IPv4 addresses and more, all of them.
fn canonical(network: IpNet) -> IpNet {
    let (address, prefix_bits) = (network.addr().to_canonical(), network.prefix_len());
    match address {
        IpAddr::V4(_) if network.addr().is_ipv6() => {
            IpNet::new(address, prefix_bits.saturating_sub(96)).unwrap_or(network)
        }
        _ => network,
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
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
