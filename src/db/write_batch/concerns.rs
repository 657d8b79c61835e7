//! Which messages a write concerns that does not itself append to the tail.

use super::{Moderation, Write};
use crate::{
    db::{Connection, DbError, models::offer, tail::Scope},
    domain::ProductId,
};

/// The rooms in which a write appends or changes messages, and those whose members it lets speak or silences.
pub(super) fn scope_of(conn: &mut Connection, write: &Write) -> Result<Scope, DbError> {
    Ok(match write {
        Write::Append(draft) => Scope::Room(draft.room.clone()),
        Write::MarkRead { room, .. }
        | Write::MarkDelivered { room, .. }
        | Write::SetRoomSettings { room, .. }
        | Write::MakeOffer { room, .. }
        | Write::React { room, .. } => Scope::Room(room.clone()),
        Write::Edit { message, .. } | Write::Delete { message, .. } => Scope::Message(message.clone()),
        Write::PutProduct { product, .. } => Scope::Product(product.id.clone()),
        Write::SetProductStatus { product, .. } | Write::AdvanceWave { product, .. } => Scope::Product(product.clone()),
        // An acceptance says something in all rooms of the product.
        Write::AnswerOffer { message, .. } => match offer::find(conn, message)? {
            Some(row) => Scope::Product(ProductId::from_stored(row.product_id)),
            None => Scope::Nothing,
        },
        Write::Block { blocker, .. } => Scope::User(blocker.id.clone()),
        Write::Unblock { blocker, .. } => Scope::User(blocker.clone()),
        Write::PutUser { user } => Scope::User(user.id.clone()),
        Write::EraseWords { user, .. } | Write::DeleteUser { user, .. } => Scope::User(user.clone()),
        Write::Moderate(moderate) => of_moderation(&moderate.what),
        // It may mute somebody, and is rare.
        Write::DecideReport { .. } => Scope::Everything,
        // An offer's message is never in the tail.
        Write::ExpireOffers { .. }
        | Write::SetSettings { .. }
        | Write::MarkSeen { .. }
        | Write::Remember(_)
        | Write::Forget { .. }
        | Write::ForgetEnded { .. }
        | Write::NoteSessionsEnded { .. } => Scope::Nothing,
    })
}

fn of_moderation(moderation: &Moderation) -> Scope {
    match moderation {
        Moderation::SetSanction { user, .. }
        | Moderation::EndSanction { user, .. }
        | Moderation::DeleteUser { user, .. } => Scope::User(user.clone()),
        Moderation::SetFrozen { room, .. }
        | Moderation::RemoveMessage { room, .. }
        | Moderation::JoinRoom { room, .. }
        | Moderation::LeaveRoom { room, .. }
        | Moderation::EndWait { room } => Scope::Room(room.clone()),
        Moderation::Warn { draft, .. } => Scope::Room(draft.room.clone()),
        Moderation::SetUnlisted { product, .. } => Scope::Product(product.clone()),
        // It may mute somebody, and is rare.
        Moderation::DecideReport { .. } => Scope::Everything,
        Moderation::Read { .. }
        | Moderation::AssignReport { .. }
        | Moderation::AddNote { .. }
        | Moderation::EndSessions { .. } => Scope::Nothing,
    }
}
