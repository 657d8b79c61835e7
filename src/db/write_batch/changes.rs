//! What of a committed write becomes an event, and what other nodes have to hear of.
//!
//! The one place where that is decided for every write of a batch: a new outcome does not compile without a decision. Messages
//! are events by themselves, by their place in the order of commits. What is written outside a batch records its own changes: a
//! room that is opened, a report, an import.

use super::{ProductChange, SanctionSet, StaffMoved, Written};
use crate::{
    db::models::change::Changed,
    domain::{RoomId, SanctionKind, StoredMessage, UserId},
};

/// Rooms of which each gets a note of its own that it has changed.
const ROOMS_NOTED_MAX: usize = 32;

/// The changes of a write, in the order in which they become events. None where nothing is different from before.
pub(super) fn of(written: &Written) -> Vec<Changed<'_>> {
    match written {
        // The message is the event.
        Written::Appended { .. } => Vec::new(),
        Written::Changed(message) => vec![Changed::Message(message.id.as_str())],
        Written::Reacted { message, changed } => only_if(*changed, Changed::Message(message.id.as_str())),
        // Recorded with the messages that it may come with, once for each member: `append::record_reads`.
        Written::Read { .. } | Written::Delivered { .. } => Vec::new(),
        Written::RoomSettingsSet { room, member, role: _, listing: _, changed } => {
            only_if(*changed, Changed::RoomSettings { room: room.as_str(), member: member.as_str() })
        }
        Written::ProductPut { change, .. } => of_product(change),
        // The product changed before; what is said about it are messages.
        Written::WaveAdvanced(change) => of_product(change),
        Written::OfferMoved(moved) => {
            let mut changes = of_offers(&moved.changed);
            changes.extend(moved.made.iter().map(|(message, _)| Changed::Offer(message.id.as_str())));
            changes.extend(moved.product.iter().flat_map(of_product));
            changes
        }
        Written::OffersExpired { offers, .. } => of_offers(offers),
        Written::BlockSet { blocker, blocked: _, other, rooms, changed, added } => {
            let mut changes = only_if(*added, Changed::User(blocker.as_str()));
            let block = Changed::Block { blocker: blocker.as_str(), blocked: other.as_str() };
            changes.extend(only_if(*changed, block));
            changes.extend(of_rooms(blocker, rooms));
            changes
        }
        Written::SettingsSet { user, settings: _, changed, added } => {
            let mut changes = only_if(*added, Changed::User(user.as_str()));
            changes.extend(only_if(*changed, Changed::Settings(user.as_str())));
            changes
        }
        Written::ReportDecided { report, changed, muted_until: _, mute_changed } => {
            let mut changes = only_if(*changed, Changed::ReportDecided(&report.id));
            changes.extend(only_if(*mute_changed, Changed::Mute(report.reported_id.as_str())));
            changes
        }
        Written::UserPut { user, created, changed } => {
            let mut changes = only_if(*changed, Changed::User(user.id.as_str()));
            changes.extend(only_if(*changed && !*created, Changed::Profile(user.id.as_str())));
            changes
        }
        Written::SessionsEnded { user } => vec![Changed::SessionsEnded(user.as_str())],
        Written::UserDeleted { user, changed, left } => {
            let mut changes = only_if(*changed, Changed::UserDeleted(user.id.as_str()));
            changes.extend(left.iter().map(|room| Changed::RoomState(room.as_str())));
            changes
        }
        // The reports that lose their words with the user's are read without them from then on.
        Written::WordsErased { messages, rooms: _, offers, progress: _ } => {
            let mut changes = of_offers(offers);
            changes.extend(messages.iter().map(|message| Changed::Message(message.id.as_str())));
            changes
        }
        // What was read changes nothing; notes are the staff's own, and so is who looks after a report, and who waits.
        Written::Recorded(_) | Written::NoteAdded(_) | Written::ReportAssigned(_) => Vec::new(),
        Written::SanctionSet(set) => of_sanction(set),
        Written::RoomFrozen { room, frozen: _, changed } => {
            let mut changes = only_if(*changed, Changed::Freeze(room.as_str()));
            changes.extend(only_if(*changed, Changed::RoomState(room.as_str())));
            changes
        }
        Written::StaffMoved(moved) => of_staff(moved),
        // What clients find again after a lost connection is haggle's own, and so is when users were last active.
        Written::Remembered | Written::ForgotEnded { .. } | Written::Seen { .. } => Vec::new(),
    }
}

/// A member of the staff who joined a room or left it.
fn of_staff(moved: &StaffMoved) -> Vec<Changed<'_>> {
    let mut changes = only_if(moved.added, Changed::User(moved.user.as_str()));
    changes.extend(only_if(moved.notice.is_some(), Changed::RoomState(moved.room.as_str())));
    changes
}

fn only_if(changed: bool, change: Changed<'_>) -> Vec<Changed<'_>> {
    if changed { vec![change] } else { Vec::new() }
}

/// Offers with another status: each is a message with other data, too.
fn of_offers(offers: &[StoredMessage]) -> Vec<Changed<'_>> {
    let ids = || offers.iter().map(|message| message.id.as_str());
    ids().map(Changed::Message).chain(ids().map(Changed::Offer)).collect()
}

/// Many rooms are one change of the user.
fn of_rooms<'a>(user: &'a UserId, rooms: &'a [RoomId]) -> Vec<Changed<'a>> {
    if rooms.len() > ROOMS_NOTED_MAX {
        return vec![Changed::UserState(user.as_str())];
    }
    rooms.iter().map(|room| Changed::RoomState(room.as_str())).collect()
}

fn of_sanction(SanctionSet { kind, sanction, until, changed }: &SanctionSet) -> Vec<Changed<'_>> {
    let user = sanction.user.id.as_str();
    match kind {
        SanctionKind::Mute => only_if(*changed, Changed::Mute(user)),
        SanctionKind::Ban => {
            let mut changes = only_if(*changed, Changed::Ban(user));
            changes.extend(only_if(until.is_some(), Changed::SessionsEnded(user)));
            changes
        }
    }
}

fn of_product(change: &ProductChange) -> Vec<Changed<'_>> {
    let ProductChange { product, changed, rooms: _, notices: _, offers, next: _ } = change;
    let mut changes = of_offers(offers);
    changes.extend(only_if(*changed, Changed::Product(product.id.as_str())));
    changes
}
