//! A session enters a room: it is put there, its history is read, and the entry is answered with it.

use super::{
    Deliveries,
    db_read::{Entry, HistoryRead},
    hub_op::Op,
    request::{Join, ReplyTo},
    rooms::Seat,
    sessions::left_before,
};
use crate::{
    db::{DbError, MessagePage},
    domain::Seq,
    error::ChatError,
    metrics,
    protocol::{event::Entered, json::to_json},
};

/// Newest messages in the answer of an entry without `after`.
const NEWEST_MESSAGES: i64 = 50;

/// Missed messages in the answer of an entry with `after`.
const MISSED_MESSAGES_MAX: i64 = 200;

impl Deliveries<'_> {
    /// A member enters a room, or somebody of the staff: from now on it holds messages back for the session, until its history has
    /// been read. Returns what is to be read for it.
    #[must_use]
    pub(super) fn join(&mut self, join: Join, seat: impl Into<Seat>) -> Option<Entry> {
        let seat = seat.into();
        let role = seat.role();
        let Join { asker, user, room, after, grant } = join;
        let Some(session) = self.rooms.session(asker.session) else {
            // It died while its right was being asked for.
            self.rooms.release(&room);
            return None;
        };
        let entered = session.rooms.iter().filter(|entered| **entered != room).count();
        if self.settings.rooms_per_session_max.is_some_and(|max| entered >= max) {
            metrics::count(&self.metrics.rate_limited, "rooms_per_session");
            let mut error = ChatError::rate_limited(1000);
            error.message = "this session is in as many rooms as it may be, leave one first".into();
            self.out.send_to_hub(asker.hub, Op::RefuseEntry { asker, room: room.clone(), error });
            self.rooms.release(&room);
            return None;
        }
        let place = self.rooms.attach(asker.session, &room, seat, grant)?;
        // From here on it goes by the id that is in memory for as long as the room: the one that came with the request is
        // let go, also by its session.
        let room = self.rooms.room(&room).map_or(room, |live| live.state().room.id.clone());
        self.out.send_to_hub(asker.hub, Op::Attach { session: asker.session, room: room.clone() });
        let page = match after {
            Some(seq) => MessagePage::After { seq, limit: MISSED_MESSAGES_MAX },
            None => MessagePage::Before { seq: None, limit: NEWEST_MESSAGES },
        };
        Some(Entry { asker, user, room, role, place, page })
    }

    /// The database has read the history for an entry.
    pub(super) fn history_read(&mut self, read: HistoryRead) {
        if !self.rooms.room(&read.room).is_some_and(|live| live.has(read.asker.session, read.place)) {
            return self.entered(read);
        }
        if let Some(read) = self.remember_entry(read) {
            self.entered(read);
        }
    }

    /// Answers an entry whose history is read.
    fn entered(&mut self, read: HistoryRead) {
        let HistoryRead { asker, room, role, place, catches_up, messages } = read;
        // The first thing that is sent to the room ends them, which would be between this entry and its answer.
        self.end_grants(&room);
        if !self.rooms.room(&room).is_some_and(|live| live.has(asker.session, place)) {
            // It left, died or lost its right meanwhile.
            self.out.answer(ReplyTo::Session(asker), Err(left_before()));
            return;
        }
        let messages = match messages {
            Ok(messages) => messages,
            Err(error) => {
                self.detach(asker.session, &room);
                self.out.send_to_hub(asker.hub, Op::RefuseEntry { asker, room, error: error.into() });
                return;
            }
        };
        if let Some(came) = self.rooms.enter(asker.session, &room) {
            self.presence_changed(came);
        }
        self.rooms.entry_answered(&room);
        let Some(live) = self.rooms.room(&room) else { return };
        let presenter = self.settings.presenter(self.now.wall);
        let entered = Entered {
            room: &live.state().room,
            members: live.members(role),
            closed: live.state().is_closed(),
            frozen: live.state().frozen,
            last_seq: messages.last_seq,
            read_seq: role.map_or(Seq(0), |role| live.state().member(role).read_seq),
            staff: &live.state().staff,
            offer: presenter.standing(live.state().offer.as_ref()),
            messages: presenter.messages(&messages.items),
            has_more: messages.has_more,
            server_time: presenter.now(),
        };
        let enter = Op::Enter {
            answer: to_json(&entered),
            after: messages.last_seq,
            behind: catches_up && messages.has_more,
            room,
            asker,
        };
        if let Op::Enter { asker, .. } = &enter {
            self.out.send_to_hub(asker.hub, enter);
        }
    }

    /// The database knows of an entry, or does not.
    pub(super) fn entry_remembered(&mut self, mut read: HistoryRead, is_stored: bool) {
        if !is_stored {
            read.messages = Err(DbError::Unavailable("the entry could not be remembered".to_owned()));
        }
        self.entered(read);
    }
}
