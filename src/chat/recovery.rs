//! Connection state recovery: a client of Socket.IO that lost its transport finds its rooms again, and what it missed there.
//!
//! The client keeps two things: a secret, `pid`, and the offset of the last message that it was sent, which is that message's
//! place in the global order of commits. The database keeps the rest, under the hash of the secret, so that it outlives a
//! restart: whose it was, and the rooms. An entry is answered only after the database has it. Who comes back is
//! authenticated before it gets here, and authorized for each room again; what it missed comes from the database, held
//! against live messages by the gates of its hub.

use std::{collections::HashMap, sync::Arc};

use data_encoding::HEXLOWER;

use super::{
    Deliveries,
    batch::PendingWrite,
    db_read::{DbRead, FindRecovery, HistoryRead, ListMissed},
    hub_op::Op,
    request::{FollowUp, ReplyTo, Resume, RoomRequest},
    rooms::PresenceChanged,
    short_list::reserve_one,
};
use crate::{
    broker::{NodeEvent, Topic},
    db::{DbError, Missed, Seen, Write},
    domain::{Account, Recovery, RoomId, Seq, SessionId, StoredMessage, Timestamp, UserId, recovery::RECOVERY_MS},
    protocol::push::{Offset, Position, Push},
};

/// Most messages that are sent to a client that comes back. A client that missed more starts over, and asks room by room.
pub(crate) const MISSED_MESSAGES_MAX: i64 = 500;

/// Most bytes of them: half of the default outbox, so that live messages fit after them.
pub(crate) const MISSED_BYTES_MAX: usize = 128 * 1024;

/// What is known of the sessions that can be taken up again.
#[derive(Debug, Default)]
pub(super) struct Recoveries {
    // In boxes: a map has up to twice as many places as entries.
    live: HashMap<SessionId, Box<Live>>,
    by_pid: HashMap<Arc<str>, SessionId>,
    resuming: HashMap<SessionId, Resuming>,
    /// Sessions whose end is on its way to the database; `None` for those that ended for good.
    ending: HashMap<String, Option<Box<Live>>>,
}

#[derive(Debug)]
struct Live {
    pid_hash: Arc<str>,
    user: UserId,
    rooms: Vec<(RoomId, Seq)>,
}

/// What a session that comes back has to take up.
struct Returning {
    resume: Resume,
    rooms: Vec<(RoomId, Seq)>,
    gone: Vec<PresenceChanged>,
}

/// A session on its way back into its rooms.
#[derive(Debug)]
struct Resuming {
    pid: String,
    offset: Offset,
    rooms: Vec<(RoomId, Seq)>,
    /// Who was there by the earlier session, and would be gone without this one.
    gone: Vec<PresenceChanged>,
    /// How many entries had been answered by then.
    since: u64,
    /// Rooms whose authorization is out.
    due: usize,
    refused: bool,
}

impl Live {
    fn saved(&self, ended_at: Option<Timestamp>) -> Write {
        Write::Remember(Recovery {
            pid_hash: self.pid_hash.to_string(),
            user: self.user.clone(),
            rooms: self.rooms.clone(),
            ended_at,
        })
    }
}

impl Recoveries {
    pub(super) fn len(&self) -> usize {
        self.live.len() + self.by_pid.len() + self.resuming.len() + self.ending.len()
    }
}

/// Forgets what can't be taken up any more.
pub(super) fn forget_ended(now: Timestamp) -> PendingWrite {
    let before = now.plus_ms(-RECOVERY_MS);
    PendingWrite { write: Write::ForgetEnded { before }, room: None, reply: ReplyTo::Nobody }
}

fn hash(secret: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, secret.as_bytes());
    HEXLOWER.encode(digest.as_ref())
}

/// The client's name for its session: the same after a recovery, and nothing that reveals the secret.
fn sid_of(pid: &str) -> String {
    hash(&format!("sid {pid}"))[..20].to_owned()
}

impl Deliveries<'_> {
    /// Takes up an earlier session, or begins one that can be taken up later. Returns what is to be authorized for it: its rooms.
    #[must_use]
    pub(super) fn recover(&mut self, session: SessionId, resume: Option<Resume>) -> Vec<RoomRequest> {
        let Some(resume) = resume else {
            self.begin_recoverable(session);
            return Vec::new();
        };
        let Some(user) = self.rooms.session(session).map(|live| live.user.clone()) else { return Vec::new() };
        let pid_hash = hash(&resume.pid);
        let holder = self.recoveries.by_pid.get(pid_hash.as_str()).copied();
        if let Some(holder) = holder
            && let Some(live) = self.recoveries.live.get(&holder).filter(|live| live.user == user)
        {
            // The earlier connection is half open: its death has not arrived yet, and will change nothing.
            let rooms = live.rooms.clone();
            let gone = self.take_over(holder);
            return self.resume(session, &user, Returning { resume, rooms, gone });
        }
        if let Some(ended) = self.recoveries.ending.get(&pid_hash) {
            // The database does not know yet how it ended.
            let rooms = ended.as_ref().filter(|ended| ended.user == user).map(|ended| ended.rooms.clone());
            let Some(rooms) = rooms else {
                self.begin_recoverable(session);
                return Vec::new();
            };
            return self.resume(session, &user, Returning { resume, rooms, gone: Vec::new() });
        }
        self.out.read(DbRead::Recovery(FindRecovery {
            session,
            user,
            pid_hash,
            pid: resume.pid,
            offset: resume.offset,
        }));
        Vec::new()
    }

    /// Begins a session that can be taken up later. Its client gets the secret when the database knows of it.
    fn begin_recoverable(&mut self, session: SessionId) {
        let Some(user) = self.rooms.session(session).map(|live| live.user.clone()) else { return };
        let pid = uuid::Uuid::new_v4().simple().to_string();
        let live = Box::new(Live { pid_hash: hash(&pid).into(), user, rooms: Vec::new() });
        let saved = live.saved(None);
        self.recoveries.by_pid.insert(Arc::clone(&live.pid_hash), session);
        self.recoveries.live.insert(session, live);
        self.write(saved, ReplyTo::Chat(FollowUp::SessionBegun { session, pid }));
    }

    /// Ends a session in favour of the one that its client has come back with. Returns who would be gone by that: the others
    /// hear of it only if the client does not come back after all.
    fn take_over(&mut self, holder: SessionId) -> Vec<PresenceChanged> {
        let Some(hub) = self.rooms.session(holder).map(|live| live.hub) else { return Vec::new() };
        self.forget_live(holder);
        self.typing_in_no_room(holder);
        let gone = self.rooms.disconnect(holder);
        self.out.send_to_hub(hub, Op::TakeOver { session: holder });
        gone
    }

    /// The client of a session of this node's has come back to another node.
    pub(super) fn taken_over_elsewhere(&mut self, pid_hash: &str) {
        if let Some(holder) = self.recoveries.by_pid.get(pid_hash).copied() {
            let gone = self.take_over(holder);
            self.send_departures(gone);
        }
    }

    /// Up to where in the order of commits this node's sessions have everything of their rooms.
    fn settled(&self) -> Position {
        self.cluster.nodes.as_ref().map_or(self.delivered.position, |nodes| nodes.reconcile.settled())
    }

    /// What a client of Socket.IO keeps of a message that is delivered now.
    pub(super) fn offset_of(&self, position: Position) -> Offset {
        if !self.cluster.has_others() {
            return Offset::exact(position);
        }
        Offset { position, settled: self.settled().min(position), newest: self.delivered.position.max(position) }
    }

    /// Notifies the others who is gone, now that their client did not come back to where it was.
    fn send_departures(&mut self, gone: Vec<PresenceChanged>) {
        for gone in gone {
            let back = self
                .rooms
                .room(&gone.room)
                .is_some_and(|live| live.role_of(&gone.user).is_some_and(|role| live.is_online(role)));
            if !back {
                self.presence_changed(gone);
            }
        }
    }

    /// Takes an earlier session up. Returns what is to be authorized for it.
    fn resume(&mut self, session: SessionId, user: &UserId, returning: Returning) -> Vec<RoomRequest> {
        let Returning { resume: Resume { pid, offset }, rooms, gone } = returning;
        let in_room = |room: &RoomId| RoomRequest::Resume { session, user: user.clone(), room: room.clone() };
        let requests: Vec<RoomRequest> = rooms.iter().map(|(room, _)| in_room(room)).collect();
        let since = self.rooms.entries_answered();
        let resuming = Resuming { pid, offset, due: rooms.len(), rooms, gone, since, refused: false };
        self.recoveries.resuming.insert(session, resuming);
        if requests.is_empty() {
            self.read_missed(session);
        }
        requests
    }

    /// One of the rooms of a session that comes back is open to it again, or is not.
    pub(super) fn resume_room(&mut self, session: SessionId, open: bool) {
        if let Some(resuming) = self.recoveries.resuming.get_mut(&session) {
            resuming.due -= 1;
            resuming.refused |= !open;
        }
        self.read_missed(session);
    }

    /// A session that comes back has left one of its rooms before it was in it again.
    pub(super) fn not_to_resume(&mut self, session: SessionId, room: &RoomId) {
        if let Some(resuming) = self.recoveries.resuming.get_mut(&session) {
            resuming.rooms.retain(|(resumed, _)| resumed != room);
        }
    }

    /// Once every room holds its messages back for the session, reads what was committed before.
    fn read_missed(&mut self, session: SessionId) {
        let Some(resuming) = self.recoveries.resuming.get(&session).filter(|resuming| resuming.due == 0) else {
            return;
        };
        if resuming.refused {
            return self.start_over(session);
        }
        let since = resuming.rooms.clone();
        let user = self.rooms.session(session).map(|live| Account::User(live.user.clone()));
        let Offset { position, settled, newest } = resuming.offset;
        let seen = Seen { position, settled, newest };
        let account = user.unwrap_or(Account::Server);
        self.out.read(DbRead::Missed(ListMissed { session, account, since, seen }));
    }

    /// The earlier session can't be taken up: the client begins one and enters its rooms itself.
    fn start_over(&mut self, session: SessionId) {
        let Some(resuming) = self.recoveries.resuming.remove(&session) else { return };
        if let Some(hub) = self.rooms.session(session).map(|live| live.hub) {
            for (room, _) in resuming.rooms {
                self.out.send_to_hub(hub, Op::Detach { session, room: room.clone(), error: None });
                self.detach(session, &room);
            }
        }
        self.send_departures(resuming.gone);
        self.begin_recoverable(session);
    }

    fn resumed(&mut self, session: SessionId, mut missed: Missed) {
        let Some(resuming) = self.recoveries.resuming.remove(&session) else { return };
        let Some((user, hub)) = self.rooms.session(session).map(|live| (live.user.clone(), live.hub)) else { return };
        let Resuming { pid, rooms, gone, since, .. } = resuming;
        if rooms.len() < missed.last_seqs.len() {
            // What was left while this was read is not taken up.
            let is_resumed = |room: &RoomId| rooms.iter().any(|(resumed, _)| resumed == room);
            missed.messages.retain(|message| is_resumed(&message.room_id));
            missed.last_seqs.retain(|(room, _)| is_resumed(room));
        }
        let live = Box::new(Live { pid_hash: hash(&pid).into(), user, rooms });
        for (room, _) in &live.rooms {
            let Some(came) = self.rooms.enter(session, room) else { continue };
            match gone.iter().find(|gone| gone.room == came.room && gone.user == came.user) {
                Some(gone) if gone.shared == came.shared => self.still_there(came, since),
                // Meanwhile a block or a switch has made that nobody's business any more.
                Some(gone) if gone.shared => self.presence_changed(gone.clone()),
                _ => self.presence_changed(came),
            }
        }
        self.send_departures(gone);
        let pid_hash = live.pid_hash.to_string();
        self.cluster.publish(self.out, || Topic::Nodes, || NodeEvent::TakeOver { pid_hash });
        // Should this be lost, the session counts as ended a little earlier than it did.
        self.write(live.saved(None), ReplyTo::Nobody);
        self.recoveries.by_pid.insert(Arc::clone(&live.pid_hash), session);
        self.recoveries.live.insert(session, live);
        let json = |message: &StoredMessage| self.settings.json_of(message, self.now.wall);
        let push = |message: &StoredMessage| Push::message(json(message), Offset::exact(message.position));
        let messages = missed.messages.iter().map(push);
        let (sid, messages, rooms) = (sid_of(&pid), messages.collect(), missed.last_seqs);
        let entered: Vec<RoomId> = rooms.iter().map(|(room, _)| room.clone()).collect();
        self.out.send_to_hub(hub, Op::Resume { session, sid, pid, messages, rooms });
        self.send_presence_of(session, entered);
    }

    /// Remembers an entry before it is answered. Gives the read history back where there is nothing to remember.
    pub(super) fn remember_entry(&mut self, read: HistoryRead) -> Option<HistoryRead> {
        let Some(live) = self.recoveries.live.get_mut(&read.asker.session) else { return Some(read) };
        let Ok(page) = &read.messages else { return Some(read) };
        let behind = read.catches_up && page.has_more;
        live.rooms.retain(|(room, _)| *room != read.room);
        if !behind {
            // Who has yet to ask for more is not in the room before it has.
            reserve_one(&mut live.rooms);
            live.rooms.push((read.room.clone(), page.last_seq));
        }
        let saved = live.saved(None);
        self.write(saved, ReplyTo::Chat(FollowUp::EntryRemembered(Box::new(read))));
        None
    }

    /// A session has left a room, or was taken out of it.
    pub(super) fn forget_room(&mut self, session: SessionId, room: &RoomId) {
        let Some(live) = self.recoveries.live.get_mut(&session) else { return };
        let before = live.rooms.len();
        live.rooms.retain(|(entered, _)| entered != room);
        if live.rooms.len() == before {
            return;
        }
        let saved = live.saved(None);
        self.write(saved, ReplyTo::Nobody);
    }

    /// A session ends: for good, or to be taken up again.
    pub(super) fn end_recoverable(&mut self, session: SessionId, for_good: bool) {
        let now = self.now.wall;
        let Some(live) = self.forget_live(session) else { return };
        let pid_hash = live.pid_hash.to_string();
        let write = if for_good {
            Write::Forget { user: live.user.clone(), pid_hash: pid_hash.clone() }
        } else {
            live.saved(Some(now))
        };
        self.recoveries.ending.insert(pid_hash.clone(), (!for_good).then_some(live));
        self.write(write, ReplyTo::Chat(FollowUp::SessionEnded { pid_hash }));
    }

    fn forget_live(&mut self, session: SessionId) -> Option<Box<Live>> {
        if let Some(resuming) = self.recoveries.resuming.remove(&session) {
            self.send_departures(resuming.gone);
        }
        let live = self.recoveries.live.remove(&session)?;
        if self.recoveries.by_pid.get(&live.pid_hash) == Some(&session) {
            self.recoveries.by_pid.remove(&live.pid_hash);
        }
        Some(live)
    }

    fn write(&mut self, write: Write, reply: ReplyTo) {
        self.batch.append(PendingWrite { write, room: None, reply }, self.rooms, self.metrics, self.out);
    }

    /// The end of a session is stored, or is not: nothing of it is on its way any more.
    pub(super) fn end_saved(&mut self, pid_hash: &str) {
        self.recoveries.ending.remove(pid_hash);
    }

    /// The database knows of a new session, or does not.
    pub(super) fn session_begun(&mut self, session: SessionId, pid: &str, is_stored: bool) {
        let Some(hub) = self.rooms.session(session).map(|live| live.hub) else { return };
        // Without a word in the database the session is as good as any, but can't be taken up.
        let recovery = is_stored.then(|| (pid.to_owned(), self.settled()));
        if recovery.is_none() {
            self.forget_live(session);
        }
        self.out.send_to_hub(hub, Op::Welcome { session, sid: sid_of(pid), recovery });
    }

    /// The database has looked for an earlier session. Returns what is to be authorized for it.
    #[must_use]
    pub(super) fn recovery_found(
        &mut self,
        asked: FindRecovery,
        found: Result<Option<Recovery>, DbError>,
    ) -> Vec<RoomRequest> {
        let FindRecovery { session, user, pid, offset, .. } = asked;
        let resume = Resume { pid, offset };
        match found {
            Ok(Some(recovery)) if recovery.is_open_to(&user, self.now.wall) => {
                return self.resume(session, &user, Returning { resume, rooms: recovery.rooms, gone: Vec::new() });
            }
            Ok(_) => {}
            Err(error) => log::warn!("a recovery could not be read: {error}"),
        }
        self.begin_recoverable(session);
        Vec::new()
    }

    /// The database has read what a session missed.
    pub(super) fn missed_read(&mut self, session: SessionId, missed: Result<Option<Missed>, DbError>) {
        match missed {
            Ok(Some(missed)) => self.resumed(session, missed),
            Ok(None) => self.start_over(session),
            Err(error) => {
                log::warn!("what a session missed could not be read: {error}");
                self.start_over(session);
            }
        }
    }
}
