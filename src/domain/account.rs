//! Whose work something is: the key under which shared resources are divided.

use std::{fmt, net::IpAddr};

use super::UserId;

/// Bits of an IPv6 address that name a customer's network: a /64 is one customer (RFC 4291 section 2.5.4).
const IPV6_NETWORK_BITS: u32 = 64;

/// An account: each has its own share of every shared resource, however many connections it opens.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Account {
    /// A user who has shown a token.
    User(UserId),
    /// An address, while no token has been shown.
    Address(AddressKey),
    /// The marketplace's own backend.
    Service,
    /// haggle itself: work that nobody waits for.
    Server,
}

/// An IPv4 address, or the /64 network of an IPv6 address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AddressKey(IpAddr);

impl AddressKey {
    /// The key that an address is counted under. An IPv4 address in an IPv6 notation (`::ffff:10.0.0.1`) is the IPv4
    /// address.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(v6) => {
                let network = v6.to_bits() & (u128::MAX << (128 - IPV6_NETWORK_BITS));
                Self(IpAddr::V6(network.into()))
            }
            v4 => Self(v4),
        }
    }
}

impl From<UserId> for Account {
    fn from(user: UserId) -> Self {
        Self::User(user)
    }
}

impl From<IpAddr> for Account {
    fn from(address: IpAddr) -> Self {
        Self::Address(AddressKey::of(address))
    }
}

impl fmt::Display for AddressKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(v4) => v4.fmt(f),
            IpAddr::V6(network) => write!(f, "{network}/{IPV6_NETWORK_BITS}"),
        }
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(user) => write!(f, "user={user}"),
            Self::Address(address) => write!(f, "address={address}"),
            Self::Service => f.write_str("service"),
            Self::Server => f.write_str("server"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_addresses_of_one_ipv6_network_are_one_account() {
        let account = |address: &str| Account::from(address.parse::<IpAddr>().unwrap());
        assert_eq!(account("2001:db8:1:2::1"), account("2001:db8:1:2:ffff:ffff:ffff:ffff"));
        assert_ne!(account("2001:db8:1:2::1"), account("2001:db8:1:3::1"));
        assert_eq!(account("::ffff:192.0.2.1"), account("192.0.2.1"));
        assert_ne!(account("192.0.2.1"), account("192.0.2.2"));
        assert_eq!(account("2001:db8:1:2::1").to_string(), "address=2001:db8:1:2::/64");
    }
}
