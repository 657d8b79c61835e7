//! What comes over REST: from a user about their own lists and rooms, from a seller, and from the marketplace.

use haggle::internals::{
    chat::{
        input::Input,
        request::{Change, ReplyTo},
    },
    db::{Moderate, Moderation, Write},
    domain::{
        MessageId, Moderator, ProductId, ProductStatus, RoomSettingsPatch, SanctionKind, SettingsPatch, Timestamp, User,
    },
};

use crate::{
    plan::{PRODUCTS, ROOMS, USERS, user},
    world::World,
};

impl World {
    /// Something comes over REST.
    pub fn marketplace(&mut self, client: usize) -> bool {
        let place = self.random.below(self.nodes.len());
        if self.nodes[place].is_none() {
            return false;
        }
        let at = Timestamp(self.wall(place));
        let write = match self.random.below(20) {
            0..=4 => self.block(client, at),
            5 | 6 => self.switch(client),
            7..=10 => self.change_product(at),
            11 | 12 => self.rename(client),
            13..=15 => self.set_room(client),
            16 => match self.end_sessions(client, place) {
                Some(write) => write,
                None => return false,
            },
            _ => self.moderate(client, at),
        };
        self.send_rest(place, write);
        true
    }

    /// A request of REST is on its way to a node.
    pub fn send_rest(&mut self, place: usize, write: Write) {
        let (reply, _) = tokio::sync::oneshot::channel();
        if let Some(node) = &mut self.nodes[place] {
            node.inputs
                .push_back(Input::Session(Change { write, is_asked: false, reply: ReplyTo::Request(reply) }.into()));
        }
    }

    fn block(&mut self, client: usize, at: Timestamp) -> Write {
        let name = self.clients[client].user;
        let other = user(ROOMS[self.some_room(client)].other(name));
        if self.random.chance(200) {
            Write::Block { blocker: User::new(user(name), name.to_uppercase(), None), blocked: other, at }
        } else {
            Write::Unblock { blocker: user(name), blocked: other }
        }
    }

    fn switch(&mut self, client: usize) -> Write {
        let name = self.clients[client].user;
        let random = &mut self.random;
        let [read_receipts, typing, presence, delivery_receipts, last_seen] =
            [(); 5].map(|()| random.chance(600).then(|| random.chance(600)));
        Write::SetSettings {
            user: User::new(user(name), name.to_uppercase(), None),
            patch: SettingsPatch { read_receipts, typing, presence, delivery_receipts, last_seen },
        }
    }

    fn change_product(&mut self, at: Timestamp) -> Write {
        let (product, seller) = PRODUCTS[self.random.below(PRODUCTS.len())];
        let statuses = [ProductStatus::OnSale, ProductStatus::OnSale, ProductStatus::Sold, ProductStatus::Reserved];
        let status = statuses[self.random.below(statuses.len())];
        Write::SetProductStatus { product: ProductId::from_stored(product), seller: Some(user(seller)), status, at }
    }

    fn rename(&mut self, client: usize) -> Write {
        self.keys += 1;
        let name = self.clients[client].user;
        Write::PutUser { user: User::new(user(name), format!("{name} {}", self.keys), None) }
    }

    /// A member's own settings of a room.
    fn set_room(&mut self, client: usize) -> Write {
        let (room, name) = (ROOMS[self.some_room(client)].room(), self.clients[client].user);
        let on = Some(self.random.chance(500));
        let mut patch = RoomSettingsPatch::default();
        match self.random.below(5) {
            0 => patch.archived = on,
            1 => patch.muted = on,
            2 => patch.pinned = on,
            _ => patch.unread = Some(true),
        }
        Write::SetRoomSettings { room, member: user(name), patch }
    }

    fn end_sessions(&mut self, client: usize, place: usize) -> Option<Write> {
        let name = self.clients[client].user;
        let node = self.nodes[place].as_mut()?;
        if self.ending.contains_key(name) {
            return None;
        }
        node.inputs.push_back(Input::EndSessions(user(name)));
        Some(Write::NoteSessionsEnded { user: user(name) })
    }

    /// What the marketplace's staff does.
    fn moderate(&mut self, client: usize, at: Timestamp) -> Write {
        let (name, room) = (self.clients[client].user, ROOMS[self.some_room(client)].room());
        let what = match self.random.below(12) {
            0 => Moderation::SetFrozen { room, frozen: true },
            1..=4 => Moderation::SetFrozen { room, frozen: false },
            5 => {
                let until = Some(at.plus_ms(1 + self.random.below(4000) as i64));
                Moderation::SetSanction { kind: SanctionKind::Mute, user: user(name), until }
            }
            6 | 7 => Moderation::EndSanction { kind: SanctionKind::Mute, user: user(name) },
            8 => Moderation::SetSanction { kind: SanctionKind::Ban, user: user(name), until: None },
            9 | 10 => {
                Moderation::EndSanction { kind: SanctionKind::Ban, user: user(USERS[self.random.below(USERS.len())]) }
            }
            _ => match self.clients[client].own.last() {
                Some(own) => Moderation::RemoveMessage { room, message: MessageId::from_stored(own.as_str()) },
                None => Moderation::SetFrozen { room, frozen: false },
            },
        };
        moderation(what, at)
    }

    /// Everybody may come back.
    pub fn end_bans(&mut self) {
        for name in self.store.banned.clone() {
            let what = Moderation::EndSanction { kind: SanctionKind::Ban, user: user(&name) };
            let write = moderation(what, self.now(0).wall);
            self.send_rest(0, write);
        }
    }
}

fn moderation(what: Moderation, at: Timestamp) -> Write {
    Write::Moderate(Box::new(Moderate { by: Moderator::Service, reason: Some("why".to_owned()), at, what }))
}
