//! How a session starts to receive: the answer to its CONNECT, the rooms that it enters and leaves, and the recovery of an
//! earlier session whose connection was lost.

use std::rc::Rc;

use bytes::Bytes;

use super::{Gate, GatedSession, HeldFrame, Hub, HubNotice, queue};
use crate::{
    chat::{hub_op::Asker, short_list::reserve_one},
    domain::{RoomId, Seq, SessionId},
    protocol::push::{Position, Push},
};

impl Hub {
    pub(super) fn welcome(&mut self, session: SessionId, sid: &str, recovery: Option<&(String, Position)>) {
        let Some(encoding) = self.sessions.get(&session).map(|local| local.encoding) else { return };
        let pid = recovery.map(|(pid, _)| pid.as_str());
        // The official client can't recover a session before an event has brought it an offset.
        let offset = recovery.and_then(|(_, position)| encoding.offset(*position));
        for packet in encoding.connected(sid, pid).into_iter().chain(offset) {
            self.send_frame(session, packet);
        }
    }

    pub(super) fn resume(
        &mut self,
        session: SessionId,
        sid: &str,
        pid: &str,
        messages: &[Push],
        rooms: Vec<(RoomId, Seq)>,
    ) {
        let Some(encoding) = self.sessions.get(&session).map(|local| local.encoding) else { return };
        let entered = rooms.iter().map(|(room, _)| room.clone()).collect();
        self.notify(session, HubNotice::Resumed(entered));
        if let Some(packet) = encoding.connected(sid, Some(pid)) {
            self.send_frame(session, packet);
        }
        for push in messages {
            self.send_push(session, push);
        }
        // All of them before anything that waits goes out: over all rooms it is one line.
        for (room, last_seq) in rooms {
            if let Some(member) = self.member(session, &room) {
                member.gate.open(last_seq, false);
            }
        }
        self.release(session);
    }

    fn member(&mut self, session: SessionId, room: &RoomId) -> Option<&mut GatedSession> {
        self.rooms.get_mut(room)?.iter_mut().find(|member| member.session.id == session)
    }

    /// Sends what waited for the session, up to what still has to wait.
    fn release(&mut self, session: SessionId) {
        let Some(local) = self.sessions.get(&session) else { return };
        let local = Rc::clone(local);
        let mut slow = false;
        loop {
            let is_held = |room: &RoomId| self.member(session, room).is_some_and(|member| member.gate.is_held());
            let Some(HeldFrame { room, seq, frame }) = local.line.borrow_mut().pop(is_held) else { break };
            // It may have left the room in the meantime.
            if self.member(session, &room).is_some_and(|member| member.gate.pass(seq)) {
                self.metrics.deliveries.inc();
                slow |= queue(&mut self.unflushed, &local.outbox, frame).is_err();
            }
        }
        if slow {
            self.evict(session);
        }
    }

    pub(super) fn take_over(&mut self, session: SessionId) {
        if let Some(packet) = self.sessions.get(&session).and_then(|local| local.encoding.disconnect()) {
            self.send_frame(session, packet);
        }
        self.notify(session, HubNotice::TakenOver);
        self.forget(session);
    }

    pub(super) fn attach(&mut self, session: SessionId, room: RoomId) {
        let Some(local) = self.sessions.get(&session) else { return };
        let members = self.rooms.entry(room.clone()).or_default();
        match members.iter_mut().find(|member| member.session.id == session) {
            Some(member) => member.gate.hold(),
            None => {
                reserve_one(members);
                members.push(GatedSession { session: Rc::clone(local), gate: Gate::Held });
                let mut rooms = local.rooms.borrow_mut();
                reserve_one(&mut rooms);
                rooms.push(room);
            }
        }
    }

    pub(super) fn enter(&mut self, asker: &Asker, room: &RoomId, answer: &Bytes, after: Seq, behind: bool) {
        let session = asker.session;
        self.reply(asker, Ok(answer));
        let Some(member) = self.member(session, room) else { return };
        member.gate.open(after, behind);
        self.release(session);
        self.notify(session, HubNotice::Joined { room: room.clone(), entered: true });
    }

    pub(super) fn detach(&mut self, session: SessionId, room: &RoomId) {
        if let Some(members) = self.rooms.get_mut(room) {
            members.retain(|member| member.session.id != session);
            if members.is_empty() {
                self.rooms.remove(room);
            }
        }
        if let Some(local) = self.sessions.get(&session) {
            local.rooms.borrow_mut().retain(|entered| entered != room);
        }
        // What waited for this room's history holds nothing up any more.
        self.release(session);
    }
}
