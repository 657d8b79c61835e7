//! A network of addresses, as operators write it.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr},
    str::FromStr,
};

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

/// Whether an address is of the public internet: where a request goes that a stranger has asked for must not be a machine of the
/// operator's own network. Everything that has a special purpose is refused (RFC 6890 and IANA's registries of it), also where it
/// stands inside of an IPv6 address.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => match v6.segments() {
            // IPv4-mapped, and through NAT64 (RFC 6052 section 2.1).
            [0, 0, 0, 0, 0, 0xffff, a, b] | [0x64, 0xff9b, 0, 0, 0, 0, a, b] => is_public_v4(v4_of(a, b)),
            // 6to4 (RFC 3056 section 2).
            [0x2002, a, b, ..] => is_public_v4(v4_of(a, b)),
            // Protocol assignments with Teredo, and documentation.
            [0x2001, 0..=0x1ff, ..] | [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => false,
            // What is assigned at all (RFC 4291 section 2.4).
            [first, ..] => (0x2000..0x4000).contains(&first),
        },
    }
}

fn v4_of(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low))
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    !matches!(
        address.octets(),
        [0 | 10 | 127, ..]
            | [100, 64..=127, ..]
            | [169, 254, ..]
            | [172, 16..=31, ..]
            | [192, 168, ..]
            | [192, 0, 0 | 2, _]
            | [192, 88, 99, _]
            | [198, 18 | 19, ..]
            | [198, 51, 100, _]
            | [203, 0, 113, _]
            | [224..=255, ..]
    )
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

    #[test]
    fn only_what_has_no_special_purpose_is_public() {
        for public in
            ["8.8.8.8", "172.15.0.1", "172.32.0.1", "100.63.0.1", "2600::1", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"]
        {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
        for other in [
            "0.0.0.0",
            "10.0.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "192.0.0.1",
            "192.168.0.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1::1",
            "fc00::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "2001::1",
            "2001:db8::1",
            "2002:a00:1::1",
            "3fff::1",
        ] {
            assert!(!is_public(other.parse().unwrap()), "{other}");
        }
    }
}
