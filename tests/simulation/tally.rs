//! What has happened how often: a promise that nothing puts to the test holds for nothing.

use std::collections::BTreeMap;

use haggle::internals::{
    db::{Outcomes, Written},
    domain::offer::{OfferStatus, StandingOffer},
};

/// What has to happen in a run of the suite.
pub const WANTED: [&str; 44] = [
    "connect",
    "disconnect",
    "join",
    "leave",
    "message",
    "message sent again",
    "edit or deletion",
    "reaction",
    "read",
    "delivered",
    "typing",
    "offer",
    "offer accepted",
    "offer answered",
    "change of a product",
    "block",
    "settings",
    "settings of a room",
    "freeze",
    "mute",
    "ban",
    "sessions ended",
    "room token over",
    "recovery",
    "recovery on another node",
    "crash",
    "crash before a commit",
    "crash after a commit",
    "answer lost",
    "not committed",
    "not read",
    "read-only",
    "drained",
    "rolling restart",
    "cut off",
    "connected again",
    "overflow",
    "lost by the bus",
    "doubled by the bus",
    "arrived",
    "clock jumps",
    "client gone without a word",
    "history in several pages",
    "left at rest",
];

/// How often each kind of thing has happened.
pub type Tally = BTreeMap<&'static str, u64>;

/// What a batch was, by name.
pub fn names_of(outcomes: &Outcomes) -> impl Iterator<Item = &'static str> {
    outcomes.iter().flatten().filter_map(|written| {
        Some(match written {
            Written::Appended { first_time: false, .. } => "message sent again",
            Written::Changed(_) => "edit or deletion",
            Written::Reacted { changed: true, .. } => "reaction",
            Written::OfferMoved(moved) => match &moved.answer {
                Ok(offer) if StandingOffer::of(offer).is_some_and(|offer| offer.status == OfferStatus::Accepted) => {
                    "offer accepted"
                }
                _ => "offer answered",
            },
            Written::ProductPut { .. } => "change of a product",
            Written::BlockSet { changed: true, .. } => "block",
            Written::Delivered { advanced: true, .. } => "delivered",
            Written::SettingsSet { changed: true, .. } => "settings",
            Written::RoomSettingsSet { changed: true, .. } => "settings of a room",
            Written::RoomFrozen { changed: true, .. } => "freeze",
            Written::SanctionSet(set) if set.until.is_some() => match set.kind {
                haggle::internals::domain::SanctionKind::Mute => "mute",
                haggle::internals::domain::SanctionKind::Ban => "ban",
            },
            _ => return None,
        })
    })
}

/// What was wanted and has not happened.
pub fn missing(tally: &Tally) -> Vec<&'static str> {
    WANTED.into_iter().filter(|wanted| !tally.contains_key(wanted)).collect()
}
