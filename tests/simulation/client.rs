//! A client that follows docs/protocol.md, and notices when the server does not.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use haggle::internals::{actors::outbox::Outbox, domain::SessionId};
use serde_json::value::RawValue;

use crate::{
    frames::{DeliveredUpTo, Entered, Frame, Message, OfRoom, ReadUpTo, Refusal, Trouble, parse},
    plan::{Place, ROOMS, Wire},
};

pub type Checked<T = ()> = Result<T, String>;

/// Offers that a device remembers, to answer them.
const OFFERS_KEPT: usize = 20;

/// Messages that a device remembers, to react to them.
const SEEN_KEPT: usize = 8;

/// How a session stands in a room, as far as its client knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seat {
    /// The next message is this one.
    In(i64),
    /// It has to ask for more.
    Behind,
    /// A request or its answer was lost with a connection.
    Unsure,
    Out,
}

/// What a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    Enter { room: usize, after: Option<i64> },
    Leave { room: usize },
    Say { key: Option<String> },
    Offer,
    Read { room: usize },
    Receive { room: usize },
    Other,
}

/// What a client knows of a room in one connection.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// Messages as they stand, as JSON.
    pub messages: BTreeMap<i64, String>,
    pub other_online: bool,
    pub other_types: bool,
    /// How far each has read.
    pub read: BTreeMap<String, i64>,
    /// How far messages have reached a device of each.
    pub delivered: BTreeMap<String, i64>,
    /// The room in its list.
    pub list: String,
}

/// A connection.
pub struct Session {
    pub id: SessionId,
    pub node: usize,
    pub hub: usize,
    pub outbox: Arc<Outbox>,
    /// Frames on their way to the client.
    pub wire: VecDeque<String>,
    pub is_welcome: bool,
    pub asked: BTreeMap<u64, Ask>,
    pub seats: [Seat; ROOMS.len()],
    pub views: [View; ROOMS.len()],
    /// The secret with which it came back.
    pub resumes: Option<String>,
    pub is_over: bool,
    /// Its node has heard of it.
    pub is_known: bool,
    /// It has read by REST how its rooms look in its list.
    pub has_read_lists: bool,
}

/// Something said that is to be acknowledged.
#[derive(Debug, Clone)]
pub struct Unsent {
    pub key: String,
    pub room: usize,
    pub text: String,
    /// The session in which it was sent last.
    pub sent_in: Option<SessionId>,
}

/// Something that was acknowledged.
#[derive(Debug, Clone)]
pub struct Acknowledged {
    pub sender: &'static str,
    pub key: Option<String>,
    pub id: String,
    pub room: String,
    pub seq: i64,
}

/// A device.
pub struct Client {
    pub user: &'static str,
    pub wire: Wire,
    pub session: Option<Session>,
    /// The last `seq` that it has of each room, without a hole.
    pub have: [i64; ROOMS.len()],
    pub unsent: Vec<Unsent>,
    pub pid: Option<String>,
    pub offset: Option<String>,
    /// The node of the connection before.
    pub node_before: Option<usize>,
    /// Seats of the connection before, for one that is taken up again, and what was known of the rooms.
    pub seats_before: [Seat; ROOMS.len()],
    pub views_before: [View; ROOMS.len()],
    /// Own messages that can be edited, and offers that were seen, the newest first.
    pub own: Vec<String>,
    /// Messages that came last, of anybody's, and their rooms.
    pub seen: Vec<(usize, String)>,
    /// Whether each is one's own, and its message.
    pub offers: Vec<(bool, String)>,
    pub read_acks: [i64; ROOMS.len()],
    pub delivered_acks: [i64; ROOMS.len()],
    pub requests: u64,
}

/// What was learned by reading frames.
#[derive(Default)]
pub struct Learned {
    pub acknowledged: Vec<Acknowledged>,
    pub happened: Vec<&'static str>,
}

fn place_of(room: &str) -> Checked<usize> {
    ROOMS.iter().position(|place| place.id == room).ok_or_else(|| format!("an event of no room: {room}"))
}

impl Client {
    pub fn new(user: &'static str, wire: Wire) -> Self {
        Self {
            user,
            wire,
            session: None,
            have: [0; ROOMS.len()],
            unsent: Vec::new(),
            pid: None,
            offset: None,
            node_before: None,
            seats_before: [Seat::Out; ROOMS.len()],
            views_before: std::array::from_fn(|_| View::default()),
            own: Vec::new(),
            seen: Vec::new(),
            offers: Vec::new(),
            read_acks: [0; ROOMS.len()],
            delivered_acks: [0; ROOMS.len()],
            requests: 0,
        }
    }

    /// Rooms of its user.
    pub fn rooms(&self) -> Vec<usize> {
        (0..ROOMS.len()).filter(|room| ROOMS[*room].has(self.user)).collect()
    }

    /// Reads one frame.
    pub fn read(&mut self, frame: &str, learned: &mut Learned) -> Checked {
        let what = match parse(frame)? {
            Frame::Event { name, data, offset } => self.event(name, data, offset, learned),
            Frame::Reply { id, answer } => self.reply(id, answer, learned),
            Frame::Connected { pid } => self.connected(pid, learned),
            Frame::Ended => {
                if let Some(session) = &mut self.session {
                    session.is_over = true;
                }
                Ok(())
            }
        };
        what.map_err(|problem| format!("{} ({:?}): {problem}: {frame}", self.user, self.wire))
    }

    fn connected(&mut self, pid: Option<String>, learned: &mut Learned) -> Checked {
        let Some(session) = &mut self.session else { return Ok(()) };
        session.is_welcome = true;
        if session.resumes.is_some() && session.resumes == pid {
            let is_elsewhere = self.node_before != Some(session.node);
            learned.happened.push(if is_elsewhere { "recovery on another node" } else { "recovery" });
            // Of what was uncertain or not wanted any more it does not know whether the server has heard.
            session.seats = self.seats_before.map(|seat| match seat {
                Seat::In(next) => Seat::In(next),
                Seat::Behind | Seat::Unsure | Seat::Out => Seat::Unsure,
            });
            for (view, before) in session.views.iter_mut().zip(&self.views_before) {
                // Edits meanwhile are not sent again.
                (view.other_online, view.read) = (before.other_online, before.read.clone());
                view.delivered.clone_from(&before.delivered);
            }
        } else {
            self.offset = None;
        }
        self.pid = pid;
        Ok(())
    }

    fn event(&mut self, name: &str, data: &RawValue, offset: Option<&str>, learned: &mut Learned) -> Checked {
        if name == "offset" {
            self.offset = offset.map(str::to_owned);
            return Ok(());
        }
        let wrong = |error: serde_json::Error| error.to_string();
        if name == "error" {
            return self.trouble(serde_json::from_str(data.get()).map_err(wrong)?, learned);
        }
        let OfRoom { room_id, user_id, online, typing, seq } = serde_json::from_str(data.get()).map_err(wrong)?;
        let room = place_of(room_id)?;
        let place = &ROOMS[room];
        if !place.has(self.user) {
            return Err("something of a room that is not theirs".to_owned());
        }
        let Some(session) = &mut self.session else { return Ok(()) };
        let seat = session.seats[room];
        let view = &mut session.views[room];
        let is_inside = seat != Seat::Out;
        match name {
            "message" => {
                if let Some(offset) = offset {
                    self.offset = Some(offset.to_owned());
                }
                let message: Message = serde_json::from_str(data.get()).map_err(wrong)?;
                if matches!(seat, Seat::In(next) if next != seq) || matches!(seat, Seat::Out | Seat::Behind) {
                    return Err(format!("message {seq} came to a seat {seat:?}"));
                }
                if seat != Seat::Unsure {
                    session.seats[room] = Seat::In(seq + 1);
                    self.have[room] = self.have[room].max(seq);
                    view.messages.insert(seq, data.get().to_owned());
                }
                self.note_offer(&message);
            }
            "messageUpdated" if is_inside => {
                if let Some(known) = view.messages.get_mut(&seq) {
                    data.get().clone_into(known);
                }
                let message: Message = serde_json::from_str(data.get()).map_err(wrong)?;
                self.note_offer(&message);
            }
            "presence" if is_inside || self.wire == Wire::Inbox => {
                if user_id != Some(place.other(self.user)) {
                    return Err("presence of somebody else".to_owned());
                }
                view.other_online = online;
            }
            "typing" if is_inside => view.other_types = typing,
            "read" if is_inside || user_id == Some(self.user) => {
                let known = view.read.entry(user_id.unwrap_or_default().to_owned()).or_default();
                if seq < *known {
                    return Err(format!("a read mark went back from {known}"));
                }
                *known = seq;
            }
            "delivered" if is_inside || user_id == Some(self.user) => {
                let known = view.delivered.entry(user_id.unwrap_or_default().to_owned()).or_default();
                if seq < *known {
                    return Err(format!("a mark of what was delivered went back from {known}"));
                }
                *known = seq;
            }
            "roomUpdated" => data.get().clone_into(&mut view.list),
            _ => return Err(format!("an event {name} at a seat {seat:?}")),
        }
        Ok(())
    }

    fn trouble(&mut self, Trouble { code, event }: Trouble, learned: &mut Learned) -> Checked {
        if event.is_none() && matches!(code.as_str(), "token_expired" | "forbidden") {
            self.may_be_out();
            if code == "token_expired" {
                learned.happened.push("room token over");
            }
        }
        Ok(())
    }

    /// It was taken out of some room, and the event does not say which. What is edited before it is back, it will not hear.
    fn may_be_out(&mut self) {
        let Some(session) = &mut self.session else { return };
        for (seat, view) in session.seats.iter_mut().zip(&mut session.views) {
            if matches!(seat, Seat::In(_) | Seat::Behind) {
                *seat = Seat::Unsure;
                view.messages.clear();
            }
        }
    }

    fn note_offer(&mut self, message: &Message) {
        let is_pending = message.data.as_ref().is_some_and(|data| data.status.as_deref() == Some("pending"));
        if message.kind == "offer" && is_pending {
            self.offers.truncate(OFFERS_KEPT - 1);
            self.offers.insert(0, (message.sender_id == self.user, message.id.clone()));
        }
        if message.kind != "system"
            && let Some(room) = ROOMS.iter().position(|place| place.id == message.room_id)
        {
            self.seen.truncate(SEEN_KEPT - 1);
            self.seen.insert(0, (room, message.id.clone()));
        }
        if message.sender_id == self.user && message.deleted_at.is_none() && message.kind == "text" {
            self.own.push(message.id.clone());
        }
    }

    fn reply(&mut self, id: u64, answer: Result<&RawValue, Refusal>, learned: &mut Learned) -> Checked {
        let Some(session) = &mut self.session else { return Ok(()) };
        let ask = session.asked.remove(&id).ok_or("an answer to nothing, or a second one")?;
        let answer = match answer {
            Ok(answer) => answer,
            Err(refusal) => {
                self.refused(&ask, &refusal.code);
                return Ok(());
            }
        };
        let wrong = |error: serde_json::Error| error.to_string();
        match ask {
            Ask::Enter { room, after } => {
                let entered: Entered<'_> = serde_json::from_str(answer.get()).map_err(wrong)?;
                self.entered(room, after, &entered, learned)
            }
            Ask::Leave { room } => {
                session.seats[room] = Seat::Out;
                session.views[room] = View { list: session.views[room].list.clone(), ..View::default() };
                Ok(())
            }
            Ask::Say { key } => {
                let message: Message = serde_json::from_str(answer.get()).map_err(wrong)?;
                if message.sender_id != self.user || key != message.client_id {
                    return Err("the acknowledgement of another message".to_owned());
                }
                if let Some(key) = &key {
                    self.unsent.retain(|unsent| unsent.key != *key);
                }
                learned.acknowledged.push(Acknowledged {
                    sender: self.user,
                    key,
                    id: message.id,
                    room: message.room_id,
                    seq: message.seq,
                });
                Ok(())
            }
            Ask::Offer => {
                let Message { id, room_id: room, seq, .. } = serde_json::from_str(answer.get()).map_err(wrong)?;
                learned.acknowledged.push(Acknowledged { sender: self.user, key: None, id, room, seq });
                Ok(())
            }
            Ask::Read { room } => {
                let read: ReadUpTo = serde_json::from_str(answer.get()).map_err(wrong)?;
                self.read_acks[room] = self.read_acks[room].max(read.read_seq);
                Ok(())
            }
            Ask::Receive { room } => {
                let delivered: DeliveredUpTo = serde_json::from_str(answer.get()).map_err(wrong)?;
                if delivered.delivered_seq < self.delivered_acks[room] {
                    return Err(format!("the mark went back from {}", self.delivered_acks[room]));
                }
                self.delivered_acks[room] = delivered.delivered_seq;
                Ok(())
            }
            Ask::Other => Ok(()),
        }
    }

    fn refused(&mut self, ask: &Ask, code: &str) {
        let Some(session) = &mut self.session else { return };
        match ask {
            Ask::Enter { room, .. } => {
                session.seats[*room] = Seat::Out;
                session.views[*room].messages.clear();
            }
            Ask::Say { key: Some(key) } if matches!(code, "unavailable" | "rate_limited") => {
                for unsent in self.unsent.iter_mut().filter(|unsent| unsent.key == *key) {
                    unsent.sent_in = None;
                }
            }
            Ask::Say { key: Some(key) } => self.unsent.retain(|unsent| unsent.key != *key),
            _ => {}
        }
    }

    fn entered(&mut self, room: usize, after: Option<i64>, entered: &Entered<'_>, learned: &mut Learned) -> Checked {
        let Some(session) = &mut self.session else { return Ok(()) };
        let place: &Place = &ROOMS[room];
        if !place.has(self.user) {
            return Err("entered a room that is not theirs".to_owned());
        }
        let view = &mut session.views[room];
        let mut last = after;
        for message in &entered.messages {
            let OfRoom { seq, room_id, .. } = serde_json::from_str(message.get()).map_err(|error| error.to_string())?;
            if room_id != place.id || last.is_some_and(|last| seq != last + 1) {
                return Err(format!("a history has {seq} after {last:?}"));
            }
            last = Some(seq);
            view.messages.insert(seq, message.get().to_owned());
        }
        let last = last.unwrap_or(0);
        let is_whole = !(after.is_some() && entered.has_more);
        if is_whole && last < entered.last_seq {
            return Err(format!("a history ends at {last}, and the last is {}", entered.last_seq));
        }
        if !is_whole {
            learned.happened.push("history in several pages");
        }
        self.have[room] = self.have[room].max(if is_whole { entered.last_seq } else { last });
        session.seats[room] = if is_whole { Seat::In(self.have[room] + 1) } else { Seat::Behind };
        view.other_online = entered.members.iter().any(|member| member.id != self.user && member.online);
        view.other_types = false;
        Ok(())
    }

    /// The connection is gone, and with it what was on its way.
    pub fn lost(&mut self) -> Option<Session> {
        let mut session = self.session.take()?;
        for ask in session.asked.values() {
            if let Ask::Enter { room, .. } | Ask::Leave { room } = ask {
                session.seats[*room] = Seat::Unsure;
            }
        }
        self.node_before = Some(session.node);
        self.seats_before = session.seats;
        self.views_before = std::mem::take(&mut session.views);
        for unsent in &mut self.unsent {
            unsent.sent_in = None;
        }
        Some(session)
    }
}
