//! What a member's own list does with a room: archived, muted, pinned, marked as unread. The other member never learns of it.

use serde::{Deserialize, Serialize};

use super::{Role, StoredMessage, UserId};
use crate::api_docs::ToSchema;

/// Where a room stands in a member's list of conversations. The number is what the database keeps, and the order of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ListPlace {
    /// Nowhere: nobody has written, and the other member has opened it.
    Hidden = -1,
    /// In the archive.
    Archived = 0,
    /// In the list.
    Listed = 1,
    /// In the list, before the others.
    Pinned = 2,
}

impl ListPlace {
    /// The place with this number; anything unknown is in the list.
    #[must_use]
    pub const fn from_stored(number: i64) -> Self {
        match number {
            -1 => Self::Hidden,
            0 => Self::Archived,
            2 => Self::Pinned,
            _ => Self::Listed,
        }
    }
}

/// How a room stands in one member's list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listing {
    /// Where it stands.
    pub place: ListPlace,
    /// Whether it notifies of nothing and counts in no total.
    pub muted: bool,
    /// Whether the member has marked it as unread, and not read it since.
    pub unread: bool,
}

impl Listing {
    /// Of a room in which nobody has written: it is the buyer's alone.
    #[must_use]
    pub const fn new(role: Role) -> Self {
        let place = match role {
            Role::Buyer => ListPlace::Listed,
            Role::Seller => ListPlace::Hidden,
        };
        Self { place, muted: false, unread: false }
    }

    /// Whether the member's list or their archive shows the room.
    #[must_use]
    pub const fn is_shown(self) -> bool {
        !matches!(self.place, ListPlace::Hidden)
    }

    /// Whether its unread messages count in the member's total: archived and muted rooms ask for no attention.
    #[must_use]
    pub const fn counts(self) -> bool {
        matches!(self.place, ListPlace::Listed | ListPlace::Pinned) && !self.muted
    }

    /// After a message in the room. The first one shows the room to both members, news take it out of the archive, and a
    /// member who writes has read.
    #[must_use]
    pub fn after_message(self, message: &StoredMessage, member: &UserId) -> Self {
        let place = match self.place {
            ListPlace::Hidden if message.is_said() => ListPlace::Listed,
            ListPlace::Archived if message.is_news_to(member) => ListPlace::Listed,
            place => place,
        };
        Self { place, unread: self.unread && message.sender_id != *member, ..self }
    }

    /// After the member has read.
    #[must_use]
    pub const fn after_reading(self) -> Self {
        Self { unread: false, ..self }
    }

    /// As the member sees it.
    #[must_use]
    pub const fn settings(self) -> RoomSettings {
        RoomSettings {
            archived: matches!(self.place, ListPlace::Archived),
            muted: self.muted,
            pinned: matches!(self.place, ListPlace::Pinned),
            unread: self.unread,
        }
    }
}

/// A member's own settings of a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RoomSettings {
    /// Whether it is in the archive, until the next message of the other side.
    pub archived: bool,
    /// Whether it notifies of nothing and counts in no total.
    pub muted: bool,
    /// Whether it stands before the other rooms of the list.
    pub pinned: bool,
    /// Whether the member has marked it as unread, and neither read nor written there since.
    pub unread: bool,
}

/// Settings of a room to change; those that are left out stay.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RoomSettingsPatch {
    /// Whether it is in the archive. An archived room is not pinned.
    #[serde(default)]
    pub archived: Option<bool>,
    /// Whether it notifies of nothing and counts in no total.
    #[serde(default)]
    pub muted: Option<bool>,
    /// Whether it stands before the other rooms of the list. A pinned room is not archived.
    #[serde(default)]
    pub pinned: Option<bool>,
    /// Whether it is marked as unread, until it is read again.
    #[serde(default)]
    pub unread: Option<bool>,
}

impl RoomSettingsPatch {
    /// Whether it wants what can't be: a room is in the archive or pinned.
    #[must_use]
    pub fn contradicts_itself(self) -> bool {
        self.archived == Some(true) && self.pinned == Some(true)
    }

    /// How the room stands after it.
    #[must_use]
    pub fn apply(self, listing: Listing) -> Listing {
        let place = match (self.archived, self.pinned, listing.place) {
            (Some(true), ..) => ListPlace::Archived,
            (_, Some(true), _) => ListPlace::Pinned,
            (Some(false), _, ListPlace::Archived) | (_, Some(false), ListPlace::Pinned) => ListPlace::Listed,
            (.., place) => place,
        };
        Listing { place, muted: self.muted.unwrap_or(listing.muted), unread: self.unread.unwrap_or(listing.unread) }
    }
}

/// What a user has not read, over all rooms of their list that are not muted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UnreadTotal {
    /// Rooms with unread messages, or marked as unread.
    pub rooms: i64,
    /// Their unread messages.
    pub messages: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEW: Listing = Listing::new(Role::Buyer);

    fn patch(archived: Option<bool>, pinned: Option<bool>) -> RoomSettingsPatch {
        RoomSettingsPatch { archived, pinned, ..RoomSettingsPatch::default() }
    }

    #[test]
    fn a_room_is_archived_or_pinned_and_what_is_left_out_stays() {
        let archived = patch(Some(true), None).apply(NEW);
        let pinned = patch(None, Some(true)).apply(archived);
        assert_eq!((archived.place, pinned.place), (ListPlace::Archived, ListPlace::Pinned));
        assert_eq!(patch(Some(true), None).apply(pinned).place, ListPlace::Archived);
        assert_eq!(patch(Some(false), None).apply(pinned), pinned, "it is in no archive");
        assert_eq!(patch(None, Some(false)).apply(archived), archived, "it is not pinned");
        assert_eq!(patch(Some(false), Some(false)).apply(archived).place, ListPlace::Listed);
        assert!(patch(Some(true), Some(true)).contradicts_itself());
        let muted = RoomSettingsPatch { muted: Some(true), unread: Some(true), ..RoomSettingsPatch::default() };
        let muted = muted.apply(pinned);
        assert_eq!(RoomSettingsPatch::default().apply(muted), muted);
        assert_eq!(muted.settings(), RoomSettings { archived: false, muted: true, pinned: true, unread: true });
        assert!(pinned.counts() && !muted.counts() && !archived.counts());
    }

    #[test]
    fn a_place_is_read_as_it_was_stored() {
        for place in [ListPlace::Hidden, ListPlace::Archived, ListPlace::Listed, ListPlace::Pinned] {
            assert_eq!(ListPlace::from_stored(place as i64), place);
        }
    }
}
