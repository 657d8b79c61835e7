//! What clients do: by chance, as docs/protocol.md lets them.

use std::sync::Arc;

use haggle::internals::{
    actors::{hub::OpenSession, outbox::Outbox},
    chat::{
        hub_op::{Asker, HubId},
        request::{
            Change, Connect, Join, Leave, MakeOffer, Message, React, Read, Received, ReplyTo, Resume, SessionEvent,
            Typing, Welcome,
        },
        rooms::Feed,
    },
    db::{self, Write},
    domain::{
        AuthorizePolicy, ClientId, Draft, Emoji, MessageId, MessageKind, Screened, Seq, Timestamp,
        masking::Inspected,
        offer::{OfferDecision, Price},
    },
    protocol::{
        event::RoomUpdated,
        json::{RequestId, to_json},
        push::{Encoding, Offset},
    },
};

use crate::{
    client::{Ask, Checked, Seat, Session, Unsent, View},
    node::{HUBS, as_stored},
    plan::{ROOMS, Wire, user},
    world::{World, note},
};

impl World {
    pub fn client_acts(&mut self) -> Checked<bool> {
        let client = self.random.below(self.clients.len());
        let Some(session) = &self.clients[client].session else { return Ok(self.connect(client)) };
        if !session.is_welcome {
            return Ok(false);
        }
        if self.is_healing {
            return Ok(self.goes_on(client));
        }
        Ok(match self.random.below(100) {
            0..=19 => self.enter(client),
            20..=23 => self.leave(client),
            24..=49 => self.goes_on(client) || self.say(client),
            50..=57 => self.revise(client),
            58..=65 => self.read_up(client),
            66..=72 => self.types(client),
            73..=77 => self.offer(client),
            78..=84 => self.answer_offer(client),
            85..=91 => self.marketplace(client),
            92..=95 => {
                let (for_good, is_noticed) = (self.random.chance(300), self.random.chance(500));
                self.drop_client(client, for_good, for_good || is_noticed);
                true
            }
            _ => self.react(client),
        })
    }

    /// A client connects to some node that runs.
    pub fn connect(&mut self, client: usize) -> bool {
        let is_banned = self.store.banned.contains(self.clients[client].user);
        if is_banned || !self.is_healing && self.random.chance(500) {
            return false;
        }
        let up: Vec<usize> =
            (0..self.nodes.len()).filter(|place| self.nodes[*place].is_some() && !self.draining[*place]).collect();
        let Some(place) = self.random.pick(&up) else { return false };
        let (id, hub) = (self.next_session(), self.random.below(HUBS));
        let wire = self.clients[client].wire;
        let comes_back = self.random.chance(850);
        let device = &mut self.clients[client];
        let (encoding, feed) = match wire {
            Wire::Plain => (Encoding::Json, Feed::Chat),
            Wire::SocketIo => (Encoding::SocketIo { namespace: "/chat", offsets: true }, Feed::Chat),
            Wire::Inbox => (Encoding::SocketIo { namespace: "/inbox", offsets: false }, Feed::Inbox),
        };
        let resume = match (device.pid.clone(), device.offset.as_deref().and_then(Offset::parse)) {
            (Some(pid), Some(offset)) if comes_back => Some(Resume { pid, offset }),
            _ => None,
        };
        let resumes = resume.as_ref().map(|resume| resume.pid.clone());
        let welcome = match wire {
            Wire::Plain => None,
            Wire::SocketIo => Some(Welcome::Recoverable(resume)),
            Wire::Inbox => Some(Welcome::Plain),
        };
        let outbox = Arc::new(Outbox::new(1 << 24, None));
        note!(self, "{} #{client} connects to node {place} as {id}, with {resumes:?}", self.clients[client].user);
        let device = &mut self.clients[client];
        let Some(node) = &mut self.nodes[place] else { return false };
        node.hubs[hub].open(OpenSession {
            session: id,
            user: user(device.user),
            outbox: Arc::clone(&outbox),
            encoding,
            notices: self.notices.clone(),
            ends_at: Timestamp(i64::MAX),
        });
        let connect = Connect { session: id, user: user(device.user), hub: HubId(hub), feed, welcome };
        node.uplinks.entry(id).or_default().push_back(connect.into());
        device.session = Some(Session {
            id,
            node: place,
            hub,
            outbox,
            wire: std::collections::VecDeque::new(),
            is_welcome: wire == Wire::Plain,
            asked: std::collections::BTreeMap::new(),
            seats: [Seat::Out; ROOMS.len()],
            views: std::array::from_fn(|_| View::default()),
            resumes,
            is_over: false,
            is_known: false,
            has_read_lists: false,
        });
        true
    }

    /// How a room looks in a user's list; empty where it is not in it.
    pub fn list_of(&mut self, name: &str, room: usize) -> String {
        let summary = db::find_room(self.store.settled(), &ROOMS[room].room(), &user(name)).unwrap().unwrap();
        if !summary.listing.is_shown() {
            return String::new();
        }
        String::from_utf8_lossy(&to_json(&RoomUpdated::of(&summary, &as_stored()))).into_owned()
    }

    /// Who asks, with a number for the answer.
    fn asker(&mut self, client: usize, event: &'static str, ask: Ask) -> Option<Asker> {
        let device = &mut self.clients[client];
        let session = device.session.as_mut()?;
        device.requests += 1;
        session.asked.insert(device.requests, ask);
        let slot = self.nodes[session.node].as_ref()?.slot();
        let request = Some(RequestId::from_number(device.requests));
        Some(Asker { session: session.id, hub: HubId(session.hub), request, event, slot })
    }

    fn sends(&mut self, client: usize, event: impl Into<SessionEvent>) -> bool {
        let Some(session) = &self.clients[client].session else { return false };
        let Some(node) = &mut self.nodes[session.node] else { return false };
        node.uplinks.entry(session.id).or_default().push_back(event.into());
        true
    }

    /// Some room of a user's, or of somebody else's.
    pub fn some_room(&mut self, client: usize) -> usize {
        let own = self.clients[client].rooms();
        match self.random.pick(&own) {
            Some(room) if !self.random.chance(30) => room,
            _ => self.random.below(ROOMS.len()),
        }
    }

    fn may_ask(&self, client: usize) -> bool {
        let device = &self.clients[client];
        let Some(session) = &device.session else { return false };
        let enters = session.asked.values().any(|ask| matches!(ask, Ask::Enter { .. }));
        // What follows an entry is not read by the server before that is answered.
        let is_free = if self.plan.pipelines { session.asked.len() < 8 } else { session.asked.is_empty() };
        device.wire != Wire::Inbox && !enters && is_free
    }

    fn enter(&mut self, client: usize) -> bool {
        let room = self.some_room(client);
        self.may_ask(client) && self.enter_room(client, room)
    }

    pub fn enter_room(&mut self, client: usize, room: usize) -> bool {
        let have = self.clients[client].have[room];
        let after = (have > 0 && self.random.chance(800)).then_some(have);
        let (name, grant) = (self.clients[client].user, self.grant(client));
        let Some(asker) = self.asker(client, "enterRoom", Ask::Enter { room, after }) else { return false };
        let join = Join { asker, user: user(name), room: ROOMS[room].room(), after: after.map(Seq), grant };
        self.sends(client, join)
    }

    /// Until when a room token lets a client in that it has just got, where room tokens decide.
    fn grant(&mut self, client: usize) -> Option<Timestamp> {
        if self.plan.policy != AuthorizePolicy::RoomToken {
            return None;
        }
        let lasts = if self.is_healing { 3_600_000 } else { 200 + self.random.below(20_000) };
        Some(self.client_time(client).plus_ms(lasts as i64))
    }

    fn leave(&mut self, client: usize) -> bool {
        if !self.may_ask(client) {
            return false;
        }
        let room = self.some_room(client);
        let name = self.clients[client].user;
        let Some(asker) = self.asker(client, "leaveRoom", Ask::Leave { room }) else { return false };
        self.sends(client, Leave { asker, user: user(name), room: ROOMS[room].room() })
    }

    /// What a client owes: what it lacks, what it is not sure of, and what was not acknowledged.
    pub fn goes_on(&mut self, client: usize) -> bool {
        if !self.may_ask(client) {
            return false;
        }
        let device = &self.clients[client];
        let Some(session) = &device.session else { return false };
        let is_asking =
            |room: usize| session.asked.values().any(|ask| matches!(ask, Ask::Enter { room: of, .. } if *of == room));
        let owed = (0..ROOMS.len())
            .find(|room| matches!(session.seats[*room], Seat::Behind | Seat::Unsure) && !is_asking(*room));
        if let Some(room) = owed {
            return self.enter_room(client, room);
        }
        let unsent = device.unsent.iter().find(|unsent| unsent.sent_in != Some(session.id)).cloned();
        unsent.is_some_and(|unsent| self.say_again(client, &unsent))
    }

    fn say(&mut self, client: usize) -> bool {
        if !self.may_ask(client) {
            return false;
        }
        self.keys += 1;
        let (key, room) = (format!("k{}", self.keys), self.some_room(client));
        let text = format!("word {} {}", self.keys, "x".repeat(self.random.below(200)));
        if self.random.chance(850) {
            let unsent = Unsent { key, room, text, sent_in: None };
            self.clients[client].unsent.push(unsent.clone());
            return self.say_again(client, &unsent);
        }
        self.send_message(client, room, text, None)
    }

    fn say_again(&mut self, client: usize, unsent: &Unsent) -> bool {
        let id = self.clients[client].session.as_ref().map(|session| session.id);
        for known in self.clients[client].unsent.iter_mut().filter(|known| known.key == unsent.key) {
            known.sent_in = id;
        }
        self.send_message(client, unsent.room, unsent.text.clone(), Some(unsent.key.clone()))
    }

    fn send_message(&mut self, client: usize, room: usize, text: String, key: Option<String>) -> bool {
        let (name, grant) = (self.clients[client].user, self.grant(client));
        let Some(asker) = self.asker(client, "message", Ask::Say { key: key.clone() }) else { return false };
        let node = self.clients[client].session.as_ref().map_or(0, |session| session.node);
        let draft = Draft {
            room: ROOMS[room].room(),
            sender: user(name),
            client_id: key.map(|key| ClientId::new(key).unwrap()),
            kind: MessageKind::Text,
            text: Some(text),
            data: None,
            reply_to: None,
            sent_at: Timestamp(self.wall(node)),
            screened: Screened::Clean,
        };
        self.sends(client, Message { draft, ends: None, grant, is_asked: false, reply: ReplyTo::Session(asker) })
    }

    fn change(&mut self, client: usize, event: &'static str, write: Write) -> bool {
        let Some(asker) = self.asker(client, event, Ask::Other) else { return false };
        self.sends(client, Change { write, is_asked: false, reply: ReplyTo::Session(asker) })
    }

    fn client_time(&self, client: usize) -> Timestamp {
        Timestamp(self.wall(self.clients[client].session.as_ref().map_or(0, |session| session.node)))
    }

    fn revise(&mut self, client: usize) -> bool {
        let own = self.clients[client].own.len();
        if !self.may_ask(client) || own == 0 {
            return false;
        }
        let message = MessageId::from_stored(self.clients[client].own[self.random.below(own)].as_str());
        let (editor, at) = (user(self.clients[client].user), self.client_time(client));
        if self.random.chance(300) {
            return self.change(client, "deleteMessage", Write::Delete { message, editor, at });
        }
        self.keys += 1;
        let text = format!("other word {}", self.keys);
        let write = Write::Edit { message, editor, text, inspected: Inspected::default(), at };
        self.change(client, "editMessage", write)
    }

    fn react(&mut self, client: usize) -> bool {
        let seen = self.clients[client].seen.len();
        if !self.may_ask(client) || seen == 0 {
            return false;
        }
        // Both members mostly mean the newest one.
        let place = if self.random.chance(700) { 0 } else { self.random.below(seen) };
        let (room, message) = self.clients[client].seen[place].clone();
        let emoji = self.random.pick(&["👍", "❤️", ""]).unwrap_or_default();
        let name = self.clients[client].user;
        let Some(asker) = self.asker(client, "react", Ask::Other) else { return false };
        let (message, emoji) = (MessageId::from_stored(message), Emoji::parse(emoji));
        self.sends(
            client,
            React { user: user(name), room: ROOMS[room].room(), message, emoji, reply: ReplyTo::Session(asker) },
        )
    }

    fn read_up(&mut self, client: usize) -> bool {
        let room = self.some_room(client);
        if self.random.chance(350) {
            return self.receive_in(client, room);
        }
        let has_read = self.read_in(client, room);
        // Two devices of a user read at the same time, each through a node of its own: the later mark may come first.
        if has_read && self.random.chance(500) {
            let name = self.clients[client].user;
            let all = self.clients.iter().enumerate();
            let others: Vec<_> =
                all.filter(|(other, device)| *other != client && device.user == name).map(|(other, _)| other).collect();
            if let Some(other) = self.random.pick(&others) {
                self.read_in(other, room);
            }
        }
        has_read
    }

    fn read_in(&mut self, client: usize, room: usize) -> bool {
        if !self.may_ask(client) {
            return false;
        }
        // Mostly what is new, and sometimes what it has read before or does not have yet.
        let have = usize::try_from(self.clients[client].have[room]).unwrap_or(0);
        let most = if self.random.chance(800) { 4 } else { have + 2 };
        let seq = have + 1 - self.random.below(most).min(have + 1);
        let name = self.clients[client].user;
        let Some(asker) = self.asker(client, "read", Ask::Read { room }) else { return false };
        let seq = Seq(i64::try_from(seq).unwrap_or(0));
        self.sends(client, Read { user: user(name), room: ROOMS[room].room(), seq, reply: ReplyTo::Session(asker) })
    }

    /// Its device says by itself what it has: mostly all of it, and sometimes less, or what it does not have yet.
    fn receive_in(&mut self, client: usize, room: usize) -> bool {
        if !self.may_ask(client) {
            return false;
        }
        let have = self.clients[client].have[room];
        let seq =
            if self.random.chance(700) { have } else { have + 3 - i64::try_from(self.random.below(6)).unwrap_or(0) };
        let name = self.clients[client].user;
        let Some(asker) = self.asker(client, "delivered", Ask::Receive { room }) else { return false };
        let (seq, reply) = (Seq(seq.max(0)), ReplyTo::Session(asker));
        self.sends(client, Received { user: user(name), room: ROOMS[room].room(), seq, reply })
    }

    fn types(&mut self, client: usize) -> bool {
        if !self.may_ask(client) {
            return false;
        }
        let (room, typing, name) = (self.some_room(client), self.random.chance(750), self.clients[client].user);
        let Some(asker) = self.asker(client, "typing", Ask::Other) else { return false };
        self.sends(client, Typing { asker, user: user(name), room: ROOMS[room].room(), typing })
    }

    fn offer(&mut self, client: usize) -> bool {
        if !self.may_ask(client) {
            return false;
        }
        let (room, amount) = (self.some_room(client), 1 + self.random.below(900));
        let name = self.clients[client].user;
        let Some(asker) = self.asker(client, "offer", Ask::Offer) else { return false };
        let price = Price { amount: i64::try_from(amount).unwrap_or(1), currency: "USD".to_owned() };
        let reply = ReplyTo::Session(asker);
        self.sends(client, MakeOffer { user: user(name), room: ROOMS[room].room(), price, client_id: None, reply })
    }

    fn answer_offer(&mut self, client: usize) -> bool {
        let count = self.clients[client].offers.len();
        if !self.may_ask(client) || count == 0 {
            return false;
        }
        // The other one's newest mostly: the others have been answered.
        let others = self.clients[client].offers.iter().position(|(is_own, _)| !is_own);
        let back = match others {
            Some(newest) if self.random.chance(700) => newest,
            _ => self.random.below(count),
        };
        let (is_own, message) = self.clients[client].offers[back].clone();
        let answer = match self.random.below(8) {
            0 => OfferDecision::Decline,
            1 => OfferDecision::Counter { amount: 7 },
            2 => OfferDecision::Withdraw,
            // Mostly it waits for the other one.
            3..=6 if is_own => return false,
            _ => OfferDecision::Accept,
        };
        let (actor, at) = (user(self.clients[client].user), self.client_time(client));
        let message = MessageId::from_stored(message);
        self.change(client, "answerOffer", Write::AnswerOffer { room: None, message, actor, answer, at })
    }

    /// What a client that has just come reads by REST: how its rooms look in its list.
    pub fn read_lists(&mut self, client: usize) {
        let Some(session) = &mut self.clients[client].session else { return };
        if std::mem::replace(&mut session.has_read_lists, true) {
            return;
        }
        for room in self.clients[client].rooms() {
            let list = self.list_of(self.clients[client].user, room);
            if let Some(session) = &mut self.clients[client].session
                && session.views[room].list.is_empty()
            {
                session.views[room].list = list;
            }
        }
    }
}
