//! Reactions: a member has one on a message, and it is a change of that message as an edit is.

use super::{WriteError, WriteResult, Written};
use crate::{
    db::{
        Connection,
        models::{message, room},
    },
    domain::{Emoji, MessageId, MessageKind, Reaction, RoomId, Timestamp, UserId},
};

pub(super) fn react(
    conn: &mut Connection,
    room: &RoomId,
    id: &MessageId,
    member: &UserId,
    emoji: Option<&Emoji>,
    at: Timestamp,
) -> WriteResult {
    let locked = room::lock(conn, &[room.as_str()])?.remove(room.as_str());
    let Some(locked) = locked.filter(|locked| locked.active_role_of(member).is_some()) else {
        return Err(WriteError::Forbidden.into());
    };
    // Taking back is not saying something. What stands in a frozen room stays as it is.
    match emoji {
        Some(_) => drop(locked.speaker(member, at).map_err(WriteError::from)?),
        None => locked.check_not_frozen().map_err(WriteError::from)?,
    }
    let found = message::find(conn, id.as_str())?.filter(|message| message.room_id == *room);
    let mut message = found.ok_or(WriteError::NotFound("message in this room"))?;
    if message.deleted_at.is_some() {
        return Err(WriteError::AlreadyDeleted.into());
    }
    if message.kind == MessageKind::System {
        return Err(WriteError::NoReactions.into());
    }
    let changed = set(&mut message.reactions, member, emoji);
    if changed {
        message::set_reactions(conn, id, &message.reactions)?;
    }
    Ok(Written::Reacted { message, changed })
}

/// Sets a member's reaction. Returns whether it was another one before.
fn set(reactions: &mut Vec<Reaction>, member: &UserId, emoji: Option<&Emoji>) -> bool {
    let place = reactions.iter().position(|reaction| reaction.user_id == *member);
    match (place, emoji) {
        (Some(place), Some(emoji)) => {
            let is_same = reactions[place].emoji == *emoji;
            reactions[place].emoji = emoji.clone();
            !is_same
        }
        (Some(place), None) => {
            reactions.remove(place);
            true
        }
        (None, Some(emoji)) => {
            reactions.push(Reaction { user_id: member.clone(), emoji: emoji.clone() });
            true
        }
        (None, None) => false,
    }
}
