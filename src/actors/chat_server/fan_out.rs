//! What the hubs are told at the end of a turn: one list each, in the order in which things happened.

use std::mem;

use actix::Addr;

use super::rooms::LiveRoom;
use crate::{
    actors::hub::{Apply, Delivery, Hub, HubId, Op},
    domain::{RoomId, UserId},
    protocol::push::Push,
};

/// The lists that gather during a turn.
#[derive(Debug, Default)]
pub(super) struct FanOut {
    hubs: Vec<Outgoing>,
}

#[derive(Debug)]
struct Outgoing {
    addr: Option<Addr<Hub>>,
    ops: Vec<Op>,
}

impl FanOut {
    /// A worker's hub exists from now on.
    pub(super) fn register(&mut self, hub: HubId, addr: Addr<Hub>) {
        while self.hubs.len() <= hub.0 {
            self.hubs.push(Outgoing { addr: None, ops: Vec::new() });
        }
        self.hubs[hub.0].addr = Some(addr);
    }

    /// Tells one hub something.
    pub(super) fn tell_hub(&mut self, hub: HubId, op: Op) {
        if let Some(outgoing) = self.hubs.get_mut(hub.0) {
            outgoing.ops.push(op);
        }
    }

    /// Tells every session in a room about an event, but those of `except`.
    pub(super) fn tell_room(
        &mut self,
        room: &LiveRoom,
        id: &RoomId,
        kind: Delivery,
        push: &Push,
        except: Option<&UserId>,
    ) {
        for hub in room.hubs() {
            let op = Op::Deliver { room: id.clone(), kind, push: push.clone(), except: except.cloned() };
            self.tell_hub(hub, op);
        }
    }

    /// Sends what has gathered.
    pub(super) fn send(&mut self) {
        for outgoing in &mut self.hubs {
            if outgoing.ops.is_empty() {
                continue;
            }
            let ops = mem::take(&mut outgoing.ops);
            if let Some(addr) = &outgoing.addr {
                #[expect(clippy::disallowed_methods, reason = "one list a turn, of what in-flight caps have let in")]
                addr.do_send(Apply(ops));
            }
        }
    }

    /// The hubs that have registered.
    pub(super) fn hubs(&self) -> impl Iterator<Item = &Addr<Hub>> {
        self.hubs.iter().filter_map(|outgoing| outgoing.addr.as_ref())
    }
}
