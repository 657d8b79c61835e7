//! Who types: stored nowhere, expires by itself, and is the first thing to go when there is too much to do.

use std::collections::{HashMap, VecDeque, hash_map::Entry};

use super::{
    Deliveries,
    cluster::nodes::ELSEWHERE,
    done,
    hub_op::Delivery,
    request::{ReplyTo, Typing},
    timer::Timer,
};
use crate::{
    broker::NodeEvent,
    domain::{RoomId, SessionId, Timestamp, UserId},
    metrics,
    protocol::{event::ServerEvent, push::Push},
};

/// For how long one types after having said so. A client repeats it while its user goes on.
const TYPING_LASTS_MS: i64 = 6000;

/// Ends of typing that are looked at in one step. What ends beyond them is looked at in the next one.
const ENDS_AT_ONCE: usize = 256;

/// Who types where, in which of their sessions, and until when.
#[derive(Debug, Default)]
pub(super) struct Typists {
    typing: HashMap<(RoomId, UserId), Vec<(SessionId, Timestamp)>>,
    /// When each of them ends, the first one first: all last equally long. One that was said again or taken back is
    /// passed over when its time comes, so that nothing here grows with how many type.
    ends: VecDeque<(Timestamp, RoomId, UserId)>,
    /// Whether a task waits for the end of one.
    awaited: bool,
}

impl Typists {
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.typing.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.typing.len()
    }

    fn start(&mut self, room: &RoomId, user: &UserId, session: SessionId, until: Timestamp) {
        let sessions = self.typing.entry((room.clone(), user.clone())).or_default();
        sessions.retain(|(other, _)| *other != session);
        sessions.push((session, until));
        self.ends.push_back((until, room.clone(), user.clone()));
    }

    /// Returns whether that was the last session in which they typed.
    fn stop(&mut self, room: &RoomId, user: &UserId, session: Option<SessionId>) -> bool {
        // Asked for each message, and mostly nobody types.
        if self.typing.is_empty() {
            return false;
        }
        let Entry::Occupied(mut sessions) = self.typing.entry((room.clone(), user.clone())) else { return false };
        sessions.get_mut().retain(|(other, _)| session.is_some_and(|session| session != *other));
        let last = sessions.get().is_empty();
        if last {
            sessions.remove();
        }
        last
    }

    /// Takes out some of those who have not said so again in time.
    fn take_expired(&mut self, now: Timestamp) -> Vec<(RoomId, UserId)> {
        let mut expired = Vec::new();
        for _ in 0..ENDS_AT_ONCE {
            let Some((_, room, user)) = self.ends.pop_front_if(|(until, ..)| *until <= now) else { break };
            let Entry::Occupied(mut sessions) = self.typing.entry((room, user)) else { continue };
            sessions.get_mut().retain(|(_, until)| *until > now);
            if sessions.get().is_empty() {
                expired.push(sessions.remove_entry().0);
            }
        }
        expired
    }

    fn next_end(&self) -> Option<Timestamp> {
        self.ends.front().map(|(until, ..)| *until)
    }
}

impl Deliveries<'_> {
    pub(super) fn set_typing(&mut self, typing: Typing) {
        let Typing { asker, user, room, typing } = typing;
        let session = asker.session;
        let shared = self.rooms.room(&room).is_some_and(|live| live.state().shared().typing);
        if shared && typing {
            // A writer that lags has more important things to send.
            if !self.batch.lags(&user) {
                let until = self.now.wall.plus_ms(TYPING_LASTS_MS);
                self.typists.start(&room, &user, session, until);
                self.send_typing(&room, &user, true);
                self.publish_typing(&room, &user, true);
                self.await_typing_end();
            } else {
                metrics::count(&self.metrics.rate_limited, "typing");
            }
        } else if !typing {
            self.typing_stopped(&room, &user, Some(session));
        }
        self.out.answer(ReplyTo::Session(asker), Ok(done()));
        self.rooms.release(&room);
    }

    /// Somebody stopped to type in one session, or in all.
    pub(super) fn typing_stopped(&mut self, room: &RoomId, user: &UserId, session: Option<SessionId>) {
        if self.typists.stop(room, user, session) {
            self.send_typing(room, user, false);
            self.publish_typing(room, user, false);
        }
    }

    fn publish_typing(&mut self, room: &RoomId, user: &UserId, typing: bool) {
        self.cluster.publish_to_room(self.out, room, |room| NodeEvent::Typing { room, user: user.clone(), typing });
    }

    /// A member types on another node, or stopped. It ends by itself here, too: the other node may die.
    pub(super) fn hear_typing(&mut self, room: &RoomId, user: &UserId, typing: bool) {
        if !self.rooms.room(room).is_some_and(|live| live.state().shared().typing) {
            return;
        }
        if typing {
            let until = self.now.wall.plus_ms(TYPING_LASTS_MS);
            self.typists.start(room, user, ELSEWHERE, until);
            self.send_typing(room, user, true);
            self.await_typing_end();
        } else if self.typists.stop(room, user, Some(ELSEWHERE)) {
            self.send_typing(room, user, false);
        }
    }

    fn send_typing(&mut self, room: &RoomId, user: &UserId, typing: bool) {
        let push = Push::new(&ServerEvent::Typing { room_id: room.clone(), user_id: user.clone(), typing });
        self.send_to_room(room, Delivery::Typing, &push, Some(user));
    }

    fn await_typing_end(&mut self) {
        if self.typists.awaited {
            return;
        }
        let Some(at) = self.typists.next_end() else { return };
        self.typists.awaited = true;
        self.out.at(at, Timer::TypingExpires);
    }

    /// Ends the typing that was not repeated in time.
    pub(super) fn typing_expires(&mut self) {
        self.typists.awaited = false;
        for (room, user) in self.typists.take_expired(self.now.wall) {
            self.send_typing(&room, &user, false);
        }
        self.await_typing_end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_ends_once_when_it_was_not_said_again_and_a_step_looks_at_so_many_at_most() {
        let mut typists = Typists::default();
        let (room, sam) = (RoomId::new("bike").unwrap(), UserId::new("sam").unwrap());
        let (phone, tab) = (SessionId(1), SessionId(2));
        for (session, until) in [(phone, 6), (tab, 7), (phone, 9)] {
            typists.start(&room, &sam, session, Timestamp(until));
        }
        assert_eq!(typists.next_end(), Some(Timestamp(6)));
        assert_eq!(typists.take_expired(Timestamp(8)), []);
        assert_eq!(typists.take_expired(Timestamp(9)), [(room.clone(), sam.clone())]);
        assert!(typists.typing.is_empty() && typists.ends.is_empty());

        typists.start(&room, &sam, phone, Timestamp(20));
        assert!(typists.stop(&room, &sam, None));
        assert_eq!(typists.take_expired(Timestamp(20)), [], "it had ended before");

        for buyer in 0..1000 {
            typists.start(&room, &UserId::new(format!("buyer{buyer}")).unwrap(), phone, Timestamp(30));
        }
        let steps = std::iter::from_fn(|| Some(typists.take_expired(Timestamp(30)).len()).filter(|ended| *ended > 0));
        assert_eq!(steps.collect::<Vec<_>>(), [256, 256, 256, 232]);
    }
}
