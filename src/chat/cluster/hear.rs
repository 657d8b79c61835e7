//! What other nodes have published. Each kind of event is for another chapter, so this takes the whole chat, as its dispatcher does.

use bytes::Bytes;

use super::{
    nodes::{BEAT_INTERVAL, Nodes},
    reconcile::{Confirmed, POLL_INTERVAL_UNCONNECTED},
};
use crate::{
    broker::{Envelope, NodeEvent, NodeId, PresenceOf},
    chat::{Chat, db_read::Memory, hub_op::Delivery, timer::Timer, unread_totals::ListUpdate},
    domain::{RoomId, Seq, StoredMessage, Timestamp, UserId, staff::ends_at},
    error::{ChatError, ErrorCode},
    protocol::{event::ServerEvent, push::Push},
};

impl Chat {
    fn hear(&mut self, Envelope { node, event }: Envelope) {
        if !self.cluster.nodes.as_mut().is_some_and(|nodes| nodes.heard_of(node, self.now)) {
            return;
        }
        match event {
            NodeEvent::Message { room, seq, message } => self.hear_message(&room, seq, message),
            NodeEvent::MessageChanged { message: Some(message) } => {
                self.cluster.change_said(&message, Some(node));
                self.show_change(message);
            }
            NodeEvent::Read { room, reader, seq, unread } => {
                self.cluster.confirm(|| Confirmed::Read(room.clone(), reader.clone()));
                self.hear_read(&room, &reader, seq, unread);
            }
            NodeEvent::Delivered { room, user, seq } => self.hear_delivered(&room, &user, seq),
            NodeEvent::Seen { users } => self.hear_seen(users),
            NodeEvent::Typing { room, user, typing } => self.deliveries().hear_typing(&room, &user, typing),
            NodeEvent::Presence { room, there, last_seq, asks } => {
                self.hear_presence(node, &room, there);
                self.is_missing(&room, last_seq);
                if asks {
                    self.publish_presence_again(room);
                }
            }
            NodeEvent::RoomChanged { room, settings_of } => {
                match settings_of {
                    Some(member) => self.cluster.confirm(|| Confirmed::RoomSettings(room.clone(), member)),
                    None => self.cluster.confirm(|| Confirmed::Room(room.clone())),
                }
                self.loading.mark_stale(&room, &mut self.cluster);
                self.cluster.refresh(room, false, &self.rooms);
            }
            NodeEvent::RoomUpdated { user, room, last_seq, data, unread } => {
                if self.cluster.nodes.as_mut().is_some_and(|nodes| nodes.reconcile.lists.heard(&room, &user, last_seq))
                {
                    let share = unread.map(|unread| Some(unread).filter(|unread| *unread >= 0));
                    let data = Bytes::from(data.get().to_owned());
                    let update = ListUpdate { room, data, share };
                    self.unread_totals.send(&user, update, &self.rooms, &mut self.out);
                }
            }
            NodeEvent::InboxPresence { user, room, of, online, last_seen_at } => {
                let push = Push::new(&ServerEvent::Presence { room_id: room, user_id: of, online, last_seen_at });
                self.out.send_to_inbox(&self.rooms, &user, &push);
            }
            NodeEvent::EndSessions { user, sentence, banned_until } => {
                self.hear_sessions_ended(user, sentence, banned_until);
            }
            NodeEvent::SessionsEndNoted { user } => self.hear_end_noted(user),
            NodeEvent::UserChanged { user, is_renamed } => self.hear_user_changed(user, is_renamed),
            NodeEvent::WhoIsThere { user } => {
                for online in self.rooms.others_online(&user) {
                    self.cluster.publish_inbox_presence(&mut self.out, &online);
                }
            }
            NodeEvent::TakeOver { pid_hash } => self.deliveries().taken_over_elsewhere(&pid_hash),
            NodeEvent::Bye => self.hear_bye(node),
            NodeEvent::Beat | NodeEvent::MessageChanged { message: None } => {}
        }
    }

    fn hear_sessions_ended(&mut self, user: UserId, sentence: String, banned_until: Option<Timestamp>) {
        self.cluster.confirm(|| Confirmed::EndHeard(user.clone()));
        let error = match banned_until {
            Some(until) => ChatError::banned(ends_at(until)),
            None => ChatError::new(ErrorCode::Forbidden, sentence),
        };
        self.deliveries().end_sessions_here(&user, &error);
        if let Some(until) = banned_until {
            self.bans.add(user, until, self.now.at);
        }
    }

    fn hear_end_noted(&mut self, user: UserId) {
        if let Some(nodes) = &mut self.cluster.nodes {
            nodes.reconcile.sessions_end_noted(user);
        }
    }

    fn hear_message(&mut self, room: &RoomId, seq: Seq, message: Option<StoredMessage>) {
        self.loading.mark_stale(room, &mut self.cluster);
        match message {
            Some(message) if message.room_id == *room => {
                let data = self.settings.json_of(&message, self.now.wall);
                self.deliveries().place(message, data);
            }
            _ => self.is_missing(room, seq),
        }
    }

    fn hear_user_changed(&mut self, user: UserId, is_renamed: bool) {
        self.cluster.confirm(|| Confirmed::User(user.clone()));
        self.bans.lift(&user);
        self.loading.mark_user_stale(&user, &self.rooms, &mut self.cluster);
        for room in self.rooms.rooms_of(&user).into_iter().chain(self.rooms.rooms_of_staff(&user)) {
            self.cluster.refresh(room, false, &self.rooms);
        }
        if is_renamed {
            self.cluster.confirm(|| Confirmed::Profile(user.clone()));
            self.profiles.show(user, Memory::Old, &self.rooms, &mut self.out);
        }
    }

    fn hear_bye(&mut self, node: NodeId) {
        let Some(nodes) = &mut self.cluster.nodes else { return };
        for gone in nodes.remove(node, &mut self.rooms) {
            self.deliveries().presence_heard(gone);
        }
    }

    fn hear_presence(&mut self, node: NodeId, room: &RoomId, there: PresenceOf) {
        let Some(nodes) = &self.cluster.nodes else { return };
        for changed in nodes.presence_heard(node, room, there, &mut self.rooms) {
            self.deliveries().presence_heard(changed);
        }
    }

    /// Takes over a message that was changed elsewhere, and shows it to those who are in its room here.
    pub(in crate::chat) fn show_change(&mut self, message: StoredMessage) {
        self.loading.mark_stale(&message.room_id, &mut self.cluster);
        let data = self.settings.json_of(&message, self.now.wall);
        if self.is_early(&message) {
            return self.early_changed(message, data);
        }
        let Some(live) = self.rooms.room_mut(&message.room_id) else { return };
        live.changed(&message, false);
        let push = Push::from_json("messageUpdated", data);
        self.deliveries().send_to_room(&message.room_id, Delivery::Change, &push, None);
        if message.deleted_at.is_some() {
            self.cluster.refresh(message.room_id, true, &self.rooms);
        }
    }

    fn hear_seen(&mut self, users: Vec<(UserId, i64)>) {
        for (user, at) in users {
            self.rooms.seen(&user, Timestamp(at));
        }
    }

    fn hear_read(&mut self, room: &RoomId, reader: &UserId, seq: Seq, unread: i64) {
        self.loading.mark_stale(room, &mut self.cluster);
        let Some(live) = self.rooms.room_mut(room) else { return };
        if live.role_of(reader).is_some() && live.read(reader, seq, unread) {
            self.deliveries().send_read(room, reader, seq);
        }
    }

    /// The last word of another node about a room shows that a message is missing.
    fn is_missing(&mut self, room: &RoomId, seq: Seq) {
        if self.rooms.room(room).is_some_and(|live| live.state().last_seq < seq) {
            self.cluster.fill(room.clone());
        }
    }

    /// This server is a node among others from now on.
    pub(in crate::chat) fn join_nodes(&mut self, node: NodeId) {
        self.cluster.nodes = Some(Nodes::new(node, self.now));
        self.rooms.note_touched();
        self.out.after(BEAT_INTERVAL, Timer::Heartbeat);
        self.out.after(POLL_INTERVAL_UNCONNECTED, Timer::LookForNews);
    }

    /// Other nodes have sent something.
    pub(in crate::chat) fn arrived(&mut self, events: Vec<Envelope>) {
        for event in events {
            self.guarded("node event", |chat| chat.hear(event));
        }
        self.deliveries().send_answered_reads();
    }

    /// The connection to other nodes came or went, or has lost something.
    pub(in crate::chat) fn link_changed(&mut self, up: bool) {
        let Some(nodes) = &mut self.cluster.nodes else { return };
        nodes.link_changed(up, self.now, &self.rooms, &mut self.out);
        self.look_for_news();
    }

    /// Says that this node lives, and looks who else does.
    pub(in crate::chat) fn beat(&mut self) {
        self.out.after(BEAT_INTERVAL, Timer::Heartbeat);
        let Some(nodes) = &mut self.cluster.nodes else { return };
        for gone in nodes.beat(self.now, &mut self.rooms, &self.metrics, &mut self.out) {
            self.deliveries().presence_heard(gone);
        }
    }

    fn publish_presence_again(&mut self, room: RoomId) {
        if let Some(nodes) = &self.cluster.nodes {
            nodes.publish_presence_again(room, false, &self.rooms, &mut self.out);
        }
    }
}
