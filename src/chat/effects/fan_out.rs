//! What each hub delivers: one list per turn, in the order in which things happened.

use std::collections::HashMap;

use bytes::Bytes;

use super::Effects;
use crate::{
    chat::{
        hub_op::{Asker, Delivery, HubId, Op, RoomEvent},
        rooms::{Feed, LiveRoom, Rooms},
    },
    domain::{RoomId, SessionId, UserId},
    error::ChatError,
    protocol::push::Push,
};

impl Effects {
    /// Sends one hub something.
    pub(in crate::chat) fn send_to_hub(&mut self, hub: HubId, op: Op) {
        if self.ops.len() <= hub.0 {
            self.ops.resize_with(hub.0 + 1, Vec::new);
        }
        self.ops[hub.0].push(op);
    }

    /// Sends every session in a room an event, but those of `except`.
    pub(in crate::chat) fn send_to_room(
        &mut self,
        room: &LiveRoom,
        id: &RoomId,
        kind: Delivery,
        push: &Push,
        except: Option<&UserId>,
    ) {
        for hub in room.hubs() {
            let event = RoomEvent { kind, push: push.clone(), except: except.cloned(), slot: None };
            match self.last_of(hub) {
                Some(Op::Deliver { room, more, .. }) if room == id => more.push(event),
                _ => self.send_to_hub(hub, Op::Deliver { room: id.clone(), event, more: Vec::new() }),
            }
        }
    }

    /// Sends some sessions an event, wherever they are.
    pub(in crate::chat) fn send_to_sessions(
        &mut self,
        rooms: &Rooms,
        sessions: impl IntoIterator<Item = SessionId>,
        state_of: Option<&RoomId>,
        push: &Push,
    ) {
        let mut by_hub: HashMap<_, Vec<SessionId>> = HashMap::new();
        for session in sessions {
            if let Some(live) = rooms.session(session) {
                by_hub.entry(live.hub).or_default().push(session);
            }
        }
        for (hub, sessions) in by_hub {
            self.send_to_hub(hub, Op::DeliverTo { sessions, state_of: state_of.cloned(), push: push.clone() });
        }
    }

    /// Sends a user's sessions of the inbox an event.
    pub(in crate::chat) fn send_to_inbox(&mut self, rooms: &Rooms, user: &UserId, push: &Push) {
        for (hub, session) in rooms.fed_by(user, Feed::Inbox) {
            let op = Op::DeliverTo { sessions: vec![session], state_of: None, push: push.clone() };
            self.send_to_hub(hub, op);
        }
    }

    /// Answers a session's request. Where the client wants no answer, and all is well, its slot alone goes with what it has
    /// brought about.
    pub(in crate::chat) fn reply(&mut self, asker: Asker, answer: Result<Bytes, ChatError>) {
        let shows_nothing = asker.request.is_none() && answer.is_ok();
        match self.last_event_of(asker.hub) {
            Some(event) if shows_nothing && event.slot.is_none() => event.slot = Some(asker.slot),
            _ => self.send_to_hub(asker.hub, Op::Reply { asker, answer }),
        }
    }

    fn last_event_of(&mut self, hub: HubId) -> Option<&mut RoomEvent> {
        match self.last_of(hub)? {
            Op::Deliver { event, more, .. } => Some(more.last_mut().unwrap_or(event)),
            _ => None,
        }
    }

    fn last_of(&mut self, hub: HubId) -> Option<&mut Op> {
        self.ops.get_mut(hub.0)?.last_mut()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        chat::{in_flight::InFlight, rooms::tests::state},
        domain::Role,
        metrics::Metrics,
        protocol::json::RequestId,
    };

    #[test]
    fn a_room_that_is_sent_several_things_in_a_row_is_one_operation() {
        let (alice, metrics) = (SessionId(1), Arc::new(Metrics::default()));
        let mut rooms = Rooms::default();
        rooms.connect(alice, UserId::new("alice").unwrap(), HubId(0), Feed::Chat);
        let ids = ["bike", "book"].map(|id| RoomId::new(id).unwrap());
        for id in &ids {
            rooms.insert(state(id.as_str()));
            rooms.attach(alice, id, Role::Buyer, None);
        }
        let mut out = Effects::default();
        let send = |out: &mut Effects, id: &RoomId, wants_answer: bool| {
            let push = Push::from_json("message", Bytes::from_static(b"{}"));
            out.send_to_room(rooms.room(id).unwrap(), id, Delivery::Change, &push, None);
            let request = wants_answer.then(|| RequestId::from_number(1));
            let slot = InFlight::default().take(&metrics);
            out.reply(Asker { session: alice, hub: HubId(0), request, event: "message", slot }, Ok(Bytes::new()));
        };
        for (room, wants_answer) in [(0, false), (0, false), (1, false), (0, true), (0, false)] {
            send(&mut out, &ids[room], wants_answer);
        }
        let sent = out.ops[0].iter().map(|op| match op {
            Op::Deliver { room, event, more } => {
                let slots = std::iter::once(event).chain(more).filter(|event| event.slot.is_some()).count();
                format!("{} of {room}, {slots} unanswered", 1 + more.len())
            }
            Op::Reply { .. } => "an answer".to_owned(),
            other => panic!("{other:?}"),
        });
        assert_eq!(
            sent.collect::<Vec<_>>(),
            [
                "2 of bike, 2 unanswered",
                "1 of book, 1 unanswered",
                "1 of bike, 0 unanswered",
                "an answer",
                "1 of bike, 1 unanswered",
            ]
        );
    }
}
