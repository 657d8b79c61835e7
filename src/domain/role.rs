//! The two members of a room: buyer and seller.

use std::ops::{Index, IndexMut};

use crate::api_docs::ToSchema;
use serde::Serialize;

/// Which of a room's two members a user is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The one who asks.
    Buyer,
    /// The one who owns the product.
    Seller,
}

impl Role {
    /// Both, the buyer first.
    pub const BOTH: [Self; 2] = [Self::Buyer, Self::Seller];

    /// Name on every wire and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Buyer => "buyer",
            Self::Seller => "seller",
        }
    }

    /// Reads the name; `None` for any other word.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::BOTH.into_iter().find(|role| role.as_str() == name)
    }

    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Buyer => Self::Seller,
            Self::Seller => Self::Buyer,
        }
    }
}

/// Something of each of a room's two members.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pair<T> {
    /// The buyer's.
    pub buyer: T,
    /// The seller's.
    pub seller: T,
}

impl<T> Pair<T> {
    /// The same of references.
    #[must_use]
    pub const fn as_ref(&self) -> Pair<&T> {
        Pair { buyer: &self.buyer, seller: &self.seller }
    }

    /// What `f` makes of each.
    #[must_use]
    pub fn map<U>(self, mut f: impl FnMut(T) -> U) -> Pair<U> {
        Pair { buyer: f(self.buyer), seller: f(self.seller) }
    }

    /// Both, the buyer's first.
    pub fn iter(&self) -> impl Iterator<Item = (Role, &T)> {
        self.as_ref().into_iter()
    }

    /// Whose it is that fits; the buyer where both do.
    #[must_use]
    pub fn role_where(&self, fits: impl Fn(&T) -> bool) -> Option<Role> {
        self.iter().find(|(_, it)| fits(it)).map(|(role, _)| role)
    }
}

impl<T> IntoIterator for Pair<T> {
    type Item = (Role, T);
    type IntoIter = std::array::IntoIter<(Role, T), 2>;

    fn into_iter(self) -> Self::IntoIter {
        [(Role::Buyer, self.buyer), (Role::Seller, self.seller)].into_iter()
    }
}

impl<T> Index<Role> for Pair<T> {
    type Output = T;

    fn index(&self, role: Role) -> &T {
        match role {
            Role::Buyer => &self.buyer,
            Role::Seller => &self.seller,
        }
    }
}

impl<T> IndexMut<Role> for Pair<T> {
    fn index_mut(&mut self, role: Role) -> &mut T {
        match role {
            Role::Buyer => &mut self.buyer,
            Role::Seller => &mut self.seller,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_is_asked_by_role() {
        let mut pair = Pair { buyer: 1, seller: 2 };
        pair[Role::Seller] += 1;
        assert_eq!((pair[Role::Buyer], pair[Role::Seller]), (1, 3));
        assert_eq!(pair.map(|it| it * 2), Pair { buyer: 2, seller: 6 });
        assert_eq!(pair.role_where(|it| *it > 1), Some(Role::Seller));
        assert_eq!(pair.into_iter().collect::<Vec<_>>(), [(Role::Buyer, 1), (Role::Seller, 3)]);
    }
}
