//! What the database has answered to looks and readings, and what becomes of it.

use std::time::Instant;

use actix::{Handler, Message as ActixMessage};

use super::Look;
use crate::{
    actors::chat_server::ChatServer,
    db::{Behind, Committed, DbError, Found, News, Noted, Place, RoomState},
    domain::{MessageId, RoomId, Seq, UserId},
    metrics::{SharedThread, Step},
};

/// The database has told what is new. A task of the `ChatServer` → itself.
#[derive(Debug, ActixMessage)]
#[rtype(result = "()")]
pub(in crate::actors::chat_server) struct NewsRead(pub(in crate::actors::chat_server) Result<News, DbError>);

/// The database has told where its order of commits ends. A task of the `ChatServer` → itself.
#[derive(Debug, ActixMessage)]
#[rtype(result = "()")]
pub(in crate::actors::chat_server) struct NewestFound(pub(in crate::actors::chat_server) Result<Place, DbError>);

/// The database has read missing messages. A task of the `ChatServer` → itself.
#[derive(Debug, ActixMessage)]
#[rtype(result = "()")]
pub(in crate::actors::chat_server) struct MissingRead {
    pub(super) asked: Vec<RoomId>,
    pub(super) found: Result<Vec<Behind>, DbError>,
}

#[cfg(test)]
impl MissingRead {
    /// The database did not answer.
    pub(in crate::actors::chat_server) fn failed(asked: Vec<RoomId>) -> Self {
        Self { asked, found: Err(DbError::Unavailable("it is away".into())) }
    }
}

/// The database has read rooms again. A task of the `ChatServer` → itself.
#[derive(Debug, ActixMessage)]
#[rtype(result = "()")]
pub(in crate::actors::chat_server) struct RoomsRead {
    pub(super) asked: Vec<(RoomId, bool)>,
    #[expect(clippy::type_complexity, reason = "an answer for each room")]
    pub(super) found: Result<Vec<(RoomId, Result<Option<RoomState>, DbError>)>, DbError>,
}

/// The database has read changed messages. A task of the `ChatServer` → itself.
#[derive(Debug, ActixMessage)]
#[rtype(result = "()")]
pub(in crate::actors::chat_server) struct ChangedRead {
    pub(super) asked: Vec<MessageId>,
    pub(super) found: Result<(Vec<Found>, usize), DbError>,
}

impl Handler<NewestFound> for ChatServer {
    type Result = ();

    fn handle(&mut self, NewestFound(found): NewestFound, _: &mut Self::Context) {
        let Some(nodes) = &mut self.nodes else { return };
        nodes.catch_up.is_looking = false;
        match found {
            Ok(place) => {
                nodes.catch_up.place = Some(place);
                nodes.catch_up.settled = place.position;
            }
            Err(error) => log::warn!("the order of commits could not be read: {error}"),
        }
    }
}

impl Handler<NewsRead> for ChatServer {
    type Result = ();

    fn handle(&mut self, NewsRead(read): NewsRead, ctx: &mut Self::Context) {
        let _step = Step::begin(&self.metrics, SharedThread::ChatServer, "news_read");
        let Some(nodes) = &mut self.nodes else { return };
        nodes.catch_up.is_looking = false;
        let News { messages, notes, next, has_more } = match read {
            Ok(news) => news,
            Err(error) => return log::warn!("the news of other nodes could not be read: {error}"),
        };
        let rooms = &self.rooms;
        let is_there =
            |message: &&Committed| rooms.room(&message.room).is_none_or(|live| live.state().last_seq >= message.seq);
        let catch_up = &mut nodes.catch_up;
        if catch_up.looks.is_empty() && catch_up.missing.is_empty() && !catch_up.is_filling {
            let whole = messages.iter().take_while(is_there).last().map(|message| message.position);
            let settled = if messages.iter().all(|message| is_there(&message)) { Some(next.position) } else { whole };
            catch_up.settled = catch_up.settled.max(settled.unwrap_or(0));
        }
        catch_up.place = Some(next);
        if !messages.is_empty() || !notes.is_empty() {
            catch_up.looks.push_back(Look { at: Instant::now(), messages, notes });
        }
        if !has_more {
            // The next look is the timer's. Without NATS no look is too early: asked from here, one would follow the other.
            return self.examine(ctx);
        }
        catch_up.looked_at = None;
        self.look_for_news(ctx);
    }
}

impl Handler<MissingRead> for ChatServer {
    type Result = ();

    fn handle(&mut self, MissingRead { asked, found }: MissingRead, ctx: &mut Self::Context) {
        let _step = Step::begin(&self.metrics, SharedThread::ChatServer, "missing_read");
        let Some(nodes) = &mut self.nodes else { return };
        nodes.catch_up.is_filling = false;
        let found = match found {
            Ok(found) => found,
            Err(error) => {
                // The next look brings the server back to it.
                log::warn!("missing messages could not be read: {error}");
                nodes.catch_up.looks.push_back(again(&asked));
                return;
            }
        };
        for Behind { room, messages, last_seq } in found {
            self.guarded("missing", |server| {
                let count = messages.len() as u64;
                for message in messages {
                    let data = server.settings.json_of(&message);
                    server.place(message, data);
                }
                server.tell_answered();
                let Some(live) = server.rooms.room(&room) else { return };
                if live.state().last_seq < last_seq || live.is_waiting() {
                    server.fill(room.clone());
                }
                if count > 0 {
                    server.metrics.messages_made_good.inc_by(count);
                    server.room_updated_here(room, ctx);
                }
            });
        }
    }
}

/// Rooms that could not be read, as a look that shows them again.
fn again(rooms: &[RoomId]) -> Look {
    let nobody = UserId::from_stored("");
    let messages = rooms.iter().map(|room| Committed {
        position: 0,
        room: room.clone(),
        seq: Seq(i64::MAX),
        buyer: nobody.clone(),
        seller: nobody.clone(),
    });
    Look { at: Instant::now(), messages: messages.collect(), notes: Vec::new() }
}

impl Handler<RoomsRead> for ChatServer {
    type Result = ();

    fn handle(&mut self, RoomsRead { asked, found }: RoomsRead, ctx: &mut Self::Context) {
        let _step = Step::begin(&self.metrics, SharedThread::ChatServer, "rooms_read");
        let Some(nodes) = &mut self.nodes else { return };
        nodes.catch_up.is_refreshing = false;
        let found = match found {
            Ok(found) => found,
            Err(error) => {
                log::warn!("rooms could not be read again: {error}");
                let notes = asked.into_iter().map(|(room, _)| Noted::Room(room)).collect();
                nodes.catch_up.looks.push_back(Look { at: Instant::now(), messages: Vec::new(), notes });
                return;
            }
        };
        for ((room, state), (_, alone)) in found.into_iter().zip(asked) {
            match state {
                Ok(Some(state)) => self.guarded("refresh", |server| server.refreshed(&state, alone, ctx)),
                Ok(None) => {}
                Err(error) => log::warn!("room={room} could not be read again: {error}"),
            }
        }
    }
}

impl Handler<ChangedRead> for ChatServer {
    type Result = ();

    fn handle(&mut self, ChangedRead { asked, found }: ChangedRead, ctx: &mut Self::Context) {
        let _step = Step::begin(&self.metrics, SharedThread::ChatServer, "changed_read");
        let Some(nodes) = &mut self.nodes else { return };
        nodes.catch_up.is_reading_changed = false;
        match found {
            Ok((messages, looked_at)) => {
                nodes.catch_up.changed.extend(asked.into_iter().skip(looked_at));
                for found in messages {
                    self.guarded("change", |server| server.change_found(found, ctx));
                }
            }
            Err(error) => {
                log::warn!("changed messages could not be read: {error}");
                let notes = asked.into_iter().map(Noted::Message).collect();
                nodes.catch_up.looks.push_back(Look { at: Instant::now(), messages: Vec::new(), notes });
            }
        }
    }
}
