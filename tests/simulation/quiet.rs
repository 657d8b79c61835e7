//! At rest: everything heals and runs dry, and then what clients believe has to be true.

use std::collections::BTreeMap;

use haggle::internals::{
    db::{self, MessagePage},
    domain::{
        Role, Seq, StoredMessage,
        offer::{OfferStatus, StandingOffer},
    },
    protocol::{json::to_json, view::MessageView},
};

use crate::{
    client::{Checked, Seat},
    node::as_stored,
    plan::{ROOMS, Wire},
    world::{World, note},
};

/// What is at work at once ends within so many things that happen.
const STEPS_MAX: usize = 40_000;

impl World {
    /// Ends all faults.
    fn heal(&mut self) {
        self.is_healing = true;
        self.rolling = None;
        (self.away_until, self.read_only_until) = (0, 0);
        note!(self, "everything heals");
        let ahead = self.offsets.iter().copied().max().unwrap_or(0).max(120_000);
        for place in 0..self.nodes.len() {
            // Clocks that stand together again go on from the latest.
            self.offsets[place] = ahead;
            if self.nodes[place].is_none() {
                self.start(place);
            }
            if self.network.is_down[place] {
                self.network.is_down[place] = false;
                if let Some(node) = &mut self.nodes[place] {
                    node.link_news.push_back(true);
                }
            }
        }
        let zombies = std::mem::take(&mut self.zombies);
        for zombie in zombies {
            self.notice(zombie);
        }
    }

    fn is_busy(&self) -> bool {
        !self.network.is_empty()
            || self.nodes.iter().flatten().any(crate::node::Node::is_busy)
            || self.clients.iter().filter_map(|client| client.session.as_ref()).any(|session| !session.wire.is_empty())
    }

    /// Whether a client still has something to do.
    fn is_owed(&self) -> bool {
        self.clients.iter().any(|client| match &client.session {
            None => true,
            Some(session) => {
                !session.is_welcome
                    || !session.asked.is_empty()
                    || !client.unsent.is_empty()
                    || session.seats.iter().any(|seat| matches!(seat, Seat::Behind | Seat::Unsure))
            }
        })
    }

    /// Everything that is at work comes to an end. With `clients` they finish what they have begun.
    fn settle(&mut self, for_ms: u64, clients: bool) -> Checked {
        let until = self.ms + for_ms;
        let mut steps = 0;
        loop {
            for place in 0..self.nodes.len() {
                if self.nodes[place].is_none() {
                    self.start(place);
                }
            }
            if clients {
                for client in 0..self.clients.len() {
                    if self.clients[client].session.is_none() {
                        self.connect(client);
                    } else if self.clients[client].session.as_ref().is_some_and(|session| session.is_welcome) {
                        self.goes_on(client);
                    }
                }
            }
            self.work()?;
            if !self.is_busy() {
                if clients && !self.store.banned.is_empty() {
                    self.end_bans();
                    continue;
                }
                if self.ms >= until && !(clients && self.is_owed()) {
                    return Ok(());
                }
                let next = (0..self.nodes.len())
                    .filter_map(|place| self.nodes[place].as_ref()?.next_due(self.ms, self.wall(place)))
                    .min();
                self.ms += next.unwrap_or(1000).clamp(1, 1000);
            }
            steps += 1;
            if steps > STEPS_MAX {
                return Err(self.what_does_not_end());
            }
        }
    }

    fn what_does_not_end(&self) -> String {
        let owed: Vec<String> = self
            .clients
            .iter()
            .map(|client| {
                let session = client.session.as_ref().map(|session| (session.id, &session.asked, session.seats));
                format!("{}: {session:?}, unsent {:?}", client.user, client.unsent)
            })
            .collect();
        format!("it does not come to rest: {owed:#?}")
    }

    /// Whatever can happen at once does, in each place once.
    fn work(&mut self) -> Checked {
        for place in 0..self.nodes.len() {
            while self.input(place) || self.session_event(place) {}
            if self.nodes[place].as_ref().is_some_and(|node| node.turn_is_open) {
                self.end_turn(place);
            }
            self.run_read(place);
            self.run_commit(place);
            self.answer(place);
            self.committed(place);
            self.arrive(place);
            self.timer(place);
            while self.hub(place) {}
        }
        for client in 0..self.clients.len() {
            self.read_wire(client, usize::MAX)?;
        }
        self.check_store()?;
        self.finish_drains();
        Ok(())
    }

    /// Heals everything, lets it run dry, and compares.
    pub fn come_to_rest(&mut self) -> Checked {
        self.heal();
        let wait = if self.plan.is_clustered { 100_000 } else { 20_000 };
        self.settle(wait, true)?;
        self.check_ended()?;
        let stored = self.check_stored()?;
        self.check_acknowledged(&stored)?;
        for client in 0..self.clients.len() {
            self.check_beliefs(client, &stored)?;
        }
        self.leave_all()
    }

    /// Everybody leaves; nothing must be left in memory.
    fn leave_all(&mut self) -> Checked {
        note!(self, "everybody leaves");
        self.count("left at rest");
        for client in 0..self.clients.len() {
            self.drop_client(client, true, true);
        }
        self.settle(15_000, false)?;
        for (place, node) in self.nodes.iter().enumerate() {
            let Some(node) = node else { continue };
            let left = node.chat.leftovers();
            let in_flight = node.metrics.events_in_flight.get();
            if !left.is_empty() || in_flight != 0 {
                return Err(format!("node {place} still holds {left:?}, and {in_flight} events are in flight"));
            }
        }
        Ok(())
    }

    /// All messages, by room; their order has no hole, and a product has one accepted offer at most.
    fn check_stored(&mut self) -> Checked<Vec<Vec<StoredMessage>>> {
        let mut accepted: BTreeMap<&str, usize> = BTreeMap::new();
        let mut rooms = Vec::new();
        for place in &ROOMS {
            let page = MessagePage::After { seq: Seq(0), limit: 1_000_000 };
            let page = db::list_messages(self.store.settled(), &place.room(), page, usize::MAX).unwrap();
            for (seq, message) in (1..).zip(&page.items) {
                if message.seq.0 != seq {
                    return Err(format!("{} has {} in the place of {seq}", place.id, message.seq));
                }
                if StandingOffer::of(message).is_some_and(|offer| offer.status == OfferStatus::Accepted) {
                    *accepted.entry(place.product).or_default() += 1;
                }
            }
            rooms.push(page.items);
        }
        match accepted.iter().find(|(_, count)| **count > 1) {
            Some((product, count)) => Err(format!("{product} has {count} accepted offers")),
            None => Ok(rooms),
        }
    }

    /// What was acknowledged is stored once.
    fn check_acknowledged(&self, stored: &[Vec<StoredMessage>]) -> Checked {
        for known in &self.acknowledged {
            let room = ROOMS.iter().position(|place| place.id == known.room).ok_or("no such room")?;
            let found = stored[room].iter().filter(|message| {
                message.id.as_str() == known.id
                    || known.key.as_deref().is_some_and(|key| {
                        message.sender_id.as_str() == known.sender
                            && message.client_id.as_ref().is_some_and(|id| id.as_str() == key)
                    })
            });
            let found: Vec<_> = found.collect();
            if found.len() != 1 || found[0].seq.0 != known.seq || found[0].id.as_str() != known.id {
                return Err(format!("stored {} times: {known:?}", found.len()));
            }
        }
        Ok(())
    }

    fn is_in(&self, name: &str, room: usize) -> bool {
        self.clients.iter().any(|client| {
            client.user == name
                && client
                    .session
                    .as_ref()
                    .is_some_and(|session| matches!(session.seats[room], Seat::In(_) | Seat::Behind))
        })
    }

    /// What a client believes is true.
    fn check_beliefs(&mut self, client: usize, stored: &[Vec<StoredMessage>]) -> Checked {
        for room in self.clients[client].rooms() {
            let state = db::load_room(self.store.settled(), &ROOMS[room].room()).unwrap().unwrap();
            let list = self.list_of(self.clients[client].user, room);
            let device = &self.clients[client];
            let Some(session) = &device.session else { continue };
            let (view, seat) = (&session.views[room], session.seats[room]);
            let who = format!("{} #{client} in {}", device.user, ROOMS[room].id);
            let other = ROOMS[room].other(device.user);
            let is_online = state.shared().presence && self.is_in(other, room);
            let role = if ROOMS[room].buyer == device.user { Role::Buyer } else { Role::Seller };
            if state.member(role).read_seq.0 < device.read_acks[room] {
                return Err(format!("{who}: the mark went back from {}", device.read_acks[room]));
            }
            let marks = state.member(role).marks();
            if marks.delivered_seq.0 < device.delivered_acks[room]
                || marks.delivered_seq < marks.read_seq
                || marks.delivered_seq > state.last_seq
            {
                return Err(format!(
                    "{who}: {marks:?} after {}, and the last is {}",
                    device.delivered_acks[room], state.last_seq.0
                ));
            }
            let is_exact = self.plan.lists_are_exact();
            if is_exact && !view.list.is_empty() && as_promised(&view.list, role) != as_promised(&list, role) {
                return Err(format!("{who}: the list shows\n{}\nand it is\n{list}", view.list));
            }
            if device.wire == Wire::Inbox && is_exact || matches!(seat, Seat::In(_)) {
                if view.other_online != is_online {
                    return Err(format!("{who}: {other} online: {}, and it is {is_online}", view.other_online));
                }
                if view.other_types {
                    return Err(format!("{who}: {other} types for ever"));
                }
            }
            let Seat::In(next) = seat else { continue };
            if next != i64::try_from(stored[room].len()).unwrap_or(0) + 1 {
                return Err(format!("{who}: waits for {next}, and there are {}", stored[room].len()));
            }
            for (seq, message) in &view.messages {
                let true_one = stored[room]
                    .iter()
                    .find(|stored| stored.seq.0 == *seq)
                    .map(|stored| to_json(&MessageView::of(stored, &as_stored())));
                if true_one.as_deref() != Some(message.as_bytes()) {
                    return Err(format!("{who}: message {seq} is shown as\n{message}\nand is\n{true_one:?}"));
                }
            }
        }
        Ok(())
    }
}

/// What a list promises to show: one's own name is not in it, the total is that of its moment, over all rooms, and so are the
/// marks, which move without it.
fn as_promised(list: &str, role: Role) -> Option<serde_json::Value> {
    let mut list: serde_json::Value = serde_json::from_str(list).ok()?;
    list.as_object_mut()?.remove(role.as_str());
    for name in ["unreadTotal", "deliveredSeq"] {
        list.as_object_mut()?.remove(name);
    }
    for name in ["deliveredSeq", "readSeq", "lastSeenAt"] {
        list["other"].as_object_mut()?.remove(name);
    }
    Some(list)
}
