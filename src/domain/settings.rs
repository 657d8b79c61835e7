//! What a user shares with the other member of their rooms. Each switch counts for both directions.

use crate::api_docs::ToSchema;
use serde::{Deserialize, Serialize};

/// A user's switches. A user who does not share something does not see it of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Settings {
    /// Whether the user shares how far they have read.
    pub read_receipts: bool,
    /// Whether the user shares that they type.
    pub typing: bool,
    /// Whether the user shares that they are online.
    pub presence: bool,
    /// Whether the user shares how far messages have reached their devices.
    pub delivery_receipts: bool,
    /// Whether the user shares when they were last active.
    pub last_seen: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { read_receipts: true, typing: true, presence: true, delivery_receipts: true, last_seen: true }
    }
}

impl Settings {
    /// What two members share with each other.
    #[must_use]
    pub const fn both(self, other: Self) -> Self {
        Self {
            read_receipts: self.read_receipts && other.read_receipts,
            typing: self.typing && other.typing,
            presence: self.presence && other.presence,
            delivery_receipts: self.delivery_receipts && other.delivery_receipts,
            last_seen: self.last_seen && other.last_seen,
        }
    }

    /// Nothing, as between two members of whom one has blocked the other.
    #[must_use]
    pub const fn nothing() -> Self {
        Self { read_receipts: false, typing: false, presence: false, delivery_receipts: false, last_seen: false }
    }
}

/// Switches to turn; those that are left out stay.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SettingsPatch {
    /// Whether the user shares how far they have read.
    #[serde(default)]
    pub read_receipts: Option<bool>,
    /// Whether the user shares that they type.
    #[serde(default)]
    pub typing: Option<bool>,
    /// Whether the user shares that they are online.
    #[serde(default)]
    pub presence: Option<bool>,
    /// Whether the user shares how far messages have reached their devices.
    #[serde(default)]
    pub delivery_receipts: Option<bool>,
    /// Whether the user shares when they were last active.
    #[serde(default)]
    pub last_seen: Option<bool>,
}

impl SettingsPatch {
    /// The switches after turning.
    #[must_use]
    pub fn apply(self, settings: Settings) -> Settings {
        Settings {
            read_receipts: self.read_receipts.unwrap_or(settings.read_receipts),
            typing: self.typing.unwrap_or(settings.typing),
            presence: self.presence.unwrap_or(settings.presence),
            delivery_receipts: self.delivery_receipts.unwrap_or(settings.delivery_receipts),
            last_seen: self.last_seen.unwrap_or(settings.last_seen),
        }
    }
}
