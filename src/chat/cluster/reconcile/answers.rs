//! What the database has answered to looks and readings, and what becomes of it.

use std::{mem, time::Instant};

use super::Look;
use crate::{
    chat::{Chat, db_read::RoomsFound},
    db::{Behind, ChangedMessage, CommitCursor, Committed, DbError, News},
    domain::{MessageId, RoomId, Seq, UserId},
};

impl Chat {
    /// The database has answered where its order of commits ends.
    pub(in crate::chat) fn newest_found(&mut self, found: Result<CommitCursor, DbError>) {
        let Some(nodes) = &mut self.cluster.nodes else { return };
        nodes.reconcile.is_looking = false;
        match found {
            Ok(place) => {
                nodes.reconcile.place = Some(place);
                nodes.reconcile.settled = place.position;
            }
            Err(error) => log::warn!("the order of commits could not be read: {error}"),
        }
    }

    /// The database has answered what is new.
    pub(in crate::chat) fn news_read(&mut self, read: Result<News, DbError>) {
        let Some(nodes) = &mut self.cluster.nodes else { return };
        nodes.reconcile.is_looking = false;
        let News { messages, notes, next, has_more } = match read {
            Ok(news) => news,
            Err(error) => return log::warn!("the news of other nodes could not be read: {error}"),
        };
        let rooms = &self.rooms;
        let is_there =
            |message: &&Committed| rooms.room(&message.room).is_none_or(|live| live.state().last_seq >= message.seq);
        let reconcile = &mut nodes.reconcile;
        if reconcile.looks.is_empty() && reconcile.missing.is_empty() && !reconcile.is_filling {
            let whole = messages.iter().take_while(is_there).last().map(|message| message.position);
            let settled = if messages.iter().all(|message| is_there(&message)) { Some(next.position) } else { whole };
            reconcile.settled = reconcile.settled.max(settled.unwrap_or(0));
        }
        reconcile.place = Some(next);
        if !messages.is_empty() || !notes.is_empty() {
            reconcile.looks.push_back(Look { messages, notes, ..Look::at(self.now.at) });
        }
        if !has_more {
            // The next look is the timer's. Without NATS no look is too early: asked from here, one would follow the other.
            return self.examine();
        }
        reconcile.looked_at = None;
        self.look_for_news();
    }

    /// The database has read missing messages.
    pub(in crate::chat) fn missing_read(&mut self, asked: &[RoomId], found: Result<Vec<Behind>, DbError>) {
        let Some(nodes) = &mut self.cluster.nodes else { return };
        nodes.reconcile.is_filling = false;
        let found = match found {
            Ok(found) => found,
            Err(error) => {
                // The next look brings the server back to it.
                log::warn!("missing messages could not be read: {error}");
                nodes.reconcile.looks.push_back(again(asked, self.now.at));
                return;
            }
        };
        for found in found {
            self.guarded("missing", |chat| chat.missing_found(found));
        }
    }

    fn missing_found(&mut self, Behind { room, messages, last_seq }: Behind) {
        let count = messages.len() as u64;
        for message in messages {
            let data = self.settings.json_of(&message, self.now.wall);
            self.deliveries().place(message, data);
        }
        self.deliveries().send_answered_reads();
        let Some(live) = self.rooms.room(&room) else { return };
        if live.state().last_seq < last_seq || live.is_waiting() {
            self.cluster.fill(room.clone());
        }
        if count > 0 {
            self.metrics.messages_made_good.inc_by(count);
            self.room_updated_here(room);
        }
    }

    /// The database has read rooms again.
    pub(in crate::chat) fn rooms_read_again(&mut self, asked: Vec<(RoomId, bool)>, found: Result<RoomsFound, DbError>) {
        let Some(nodes) = &mut self.cluster.nodes else { return };
        nodes.reconcile.is_refreshing = false;
        let changed = mem::take(&mut nodes.reconcile.changed_since);
        let found = match found {
            Ok(found) => found,
            Err(error) => {
                log::warn!("rooms could not be read again: {error}");
                nodes.reconcile.looks.push_back(Look { unread_rooms: asked, ..Look::at(self.now.at) });
                return;
            }
        };
        for ((room, state), (_, alone)) in found.into_iter().zip(asked) {
            match state {
                Ok(Some(state)) => {
                    let is_current = !changed.contains(&room);
                    self.guarded("refresh", |chat| chat.refreshed(&state, alone, is_current));
                    self.cluster.note_read_early(&room, &self.batch);
                }
                Ok(None) => {}
                Err(error) => log::warn!("room={room} could not be read again: {error}"),
            }
        }
    }

    /// The database has read changed messages.
    pub(in crate::chat) fn changed_read(
        &mut self,
        asked: Vec<MessageId>,
        found: Result<(Vec<ChangedMessage>, usize), DbError>,
    ) {
        let Some(nodes) = &mut self.cluster.nodes else { return };
        nodes.reconcile.changed_asked.clear();
        match found {
            Ok((messages, looked_at)) => {
                nodes.reconcile.changed.extend(asked.into_iter().skip(looked_at));
                for found in messages {
                    self.guarded("change", |chat| chat.change_found(found));
                }
            }
            Err(error) => {
                log::warn!("changed messages could not be read: {error}");
                nodes.reconcile.looks.push_back(Look { unread_changes: asked, ..Look::at(self.now.at) });
            }
        }
    }
}

/// Rooms that could not be read, as a look that shows them again.
fn again(rooms: &[RoomId], at: Instant) -> Look {
    let nobody = UserId::from_stored("");
    let messages = rooms.iter().map(|room| Committed {
        position: 0,
        room: room.clone(),
        seq: Seq(i64::MAX),
        buyer: nobody.clone(),
        seller: nobody.clone(),
    });
    Look { messages: messages.collect(), ..Look::at(at) }
}
