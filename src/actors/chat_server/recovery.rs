//! Connection state recovery: a client of Socket.IO that lost its transport finds its rooms again, and what it missed there.
//!
//! The client keeps two things: a secret, `pid`, and the offset of the last message that it was sent, which is that message's
//! place in the global order of commits. The database keeps the rest, under the hash of the secret, so that it outlives a
//! restart: whose it was, and the rooms. An entry is answered only after the database has it. Who comes back is
//! authenticated before it gets here, and authorized for each room again; what it missed comes from the database, held
//! against live messages by the gates of its hub.

use std::{collections::HashMap, sync::Arc};

use actix::{Context, Handler, Message as ActixMessage};
use tokio::sync::oneshot;

use super::{
    ChatServer,
    answers::HistoryRead,
    batch::PendingWrite,
    messages::{Answer, ReplyTo},
    rooms::PresenceChanged,
    work::Work,
};
use crate::{
    actors::{db_executor::purpose::Reading, hub::Op, short_list::reserve_one},
    broker::{NodeEvent, Topic},
    db::{self, DbError, Missed, RoomWrite, Seen},
    domain::{Account, Recovery, RoomId, Seq, SessionId, Timestamp, UserId, recovery::RECOVERY_MS},
    error::ChatError,
    metrics::{SharedThread, Step},
    protocol::push::{Offset, Position, Push},
};

/// Most messages that are sent to a client that comes back. Who missed more starts anew, and asks room by room.
const MISSED_MESSAGES_MAX: i64 = 500;

/// Most bytes of them: half of the default outbox, so that live messages fit behind them.
const MISSED_BYTES_MAX: usize = 128 * 1024;

/// What a client comes back with.
#[derive(Debug)]
pub struct Resume {
    /// The secret of its earlier session.
    pub pid: String,
    /// The offset of the last message that it was sent.
    pub offset: Offset,
}

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
    /// Rooms whose authorization is out.
    due: usize,
    refused: bool,
}

impl Live {
    fn saved(&self, ended_at: Option<Timestamp>) -> RoomWrite {
        RoomWrite::Remember(Recovery {
            pid_hash: self.pid_hash.to_string(),
            user: self.user.clone(),
            rooms: self.rooms.clone(),
            ended_at,
        })
    }
}

fn hash(secret: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, secret.as_bytes());
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The client's name for its session: the same after a recovery, and nothing that tells the secret.
fn sid_of(pid: &str) -> String {
    hash(&format!("sid {pid}"))[..20].to_owned()
}

impl ChatServer {
    /// Takes up an earlier session, or begins one that can be taken up later.
    pub(super) fn recover(&mut self, session: SessionId, resume: Option<Resume>, ctx: &mut Context<Self>) {
        let Some(resume) = resume else { return self.begin_recoverable(session, ctx) };
        let Some(user) = self.rooms.session(session).map(|live| live.user.clone()) else { return };
        let pid_hash = hash(&resume.pid);
        let holder = self.recoveries.by_pid.get(pid_hash.as_str()).copied();
        if let Some(holder) = holder
            && let Some(live) = self.recoveries.live.get(&holder).filter(|live| live.user == user)
        {
            // The earlier connection is half open: its death has not arrived yet, and will change nothing.
            let rooms = live.rooms.clone();
            let gone = self.take_over(holder);
            return self.resume(session, &user, Returning { resume, rooms, gone }, ctx);
        }
        if let Some(ended) = self.recoveries.ending.get(&pid_hash) {
            // The database does not know yet how it ended.
            let rooms = ended.as_ref().filter(|ended| ended.user == user).map(|ended| ended.rooms.clone());
            return match rooms {
                Some(rooms) => self.resume(session, &user, Returning { resume, rooms, gone: Vec::new() }, ctx),
                None => self.begin_recoverable(session, ctx),
            };
        }
        let (database, now) = (self.database.clone(), self.settings.clock.now());
        self.ask(ctx, async move {
            let purpose = Reading::check(user.clone(), "find_recovery");
            let found = database.read(purpose, move |conn| db::find_recovery(conn, &pid_hash)).await;
            let found = found.map(|found| found.filter(|recovery| recovery.is_open_to(&user, now)));
            RecoveryFound { session, user, resume, found }
        });
    }

    /// Begins a session that can be taken up later. Its client gets the secret when the database knows of it.
    fn begin_recoverable(&mut self, session: SessionId, ctx: &mut Context<Self>) {
        let Some(user) = self.rooms.session(session).map(|live| live.user.clone()) else { return };
        let pid = uuid::Uuid::new_v4().simple().to_string();
        let live = Box::new(Live { pid_hash: hash(&pid).into(), user, rooms: Vec::new() });
        let saved = self.write(live.saved(None));
        self.recoveries.by_pid.insert(Arc::clone(&live.pid_hash), session);
        self.recoveries.live.insert(session, live);
        self.ask(ctx, async move { Begun { session, pid, saved: matches!(saved.await, Ok(Ok(_))) } });
    }

    /// Ends a session in favour of the one that its client has come back with. Returns who would be gone by that: the others
    /// hear of it only if the client does not come back after all.
    fn take_over(&mut self, holder: SessionId) -> Vec<PresenceChanged> {
        let Some(hub) = self.rooms.session(holder).map(|live| live.hub) else { return Vec::new() };
        self.forget_live(holder);
        self.typing_in_no_room(holder);
        let gone = self.rooms.disconnect(holder);
        self.fan_out.tell_hub(hub, Op::TakeOver { session: holder });
        gone
    }

    /// The client of a session of this node's has come back to another node.
    pub(super) fn taken_over_elsewhere(&mut self, pid_hash: &str) {
        if let Some(holder) = self.recoveries.by_pid.get(pid_hash).copied() {
            let gone = self.take_over(holder);
            self.tell_gone(gone);
        }
    }

    /// Up to where in the order of commits this node's sessions have everything of their rooms.
    fn settled(&self) -> Position {
        self.nodes.as_ref().map_or(self.position, |nodes| nodes.catch_up.settled())
    }

    /// What a client of Socket.IO keeps of a message that is delivered now.
    pub(super) fn offset_of(&self, position: Position) -> Offset {
        if self.nodes.is_none() {
            return Offset::exact(position);
        }
        Offset { position, settled: self.settled().min(position), newest: self.position.max(position) }
    }

    /// Tells who is gone, now that their client did not come back to where it was.
    fn tell_gone(&mut self, gone: Vec<PresenceChanged>) {
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

    fn resume(&mut self, session: SessionId, user: &UserId, returning: Returning, ctx: &mut Context<Self>) {
        let Returning { resume: Resume { pid, offset }, rooms, gone } = returning;
        let ids: Vec<RoomId> = rooms.iter().map(|(room, _)| room.clone()).collect();
        let resuming = Resuming { pid, offset, due: rooms.len(), rooms, gone, refused: false };
        self.recoveries.resuming.insert(session, resuming);
        if ids.is_empty() {
            return self.read_missed(session, ctx);
        }
        for room in ids {
            self.authorize(Work::Resume { session, user: user.clone(), room }, ctx);
        }
    }

    /// One of the rooms of a session that comes back is open to it again, or is not.
    pub(super) fn resume_room(&mut self, session: SessionId, open: bool, ctx: &mut Context<Self>) {
        if let Some(resuming) = self.recoveries.resuming.get_mut(&session) {
            resuming.due -= 1;
            resuming.refused |= !open;
        }
        self.read_missed(session, ctx);
    }

    /// A session that comes back has left one of its rooms before it was in it again.
    pub(super) fn not_to_resume(&mut self, session: SessionId, room: &RoomId) {
        if let Some(resuming) = self.recoveries.resuming.get_mut(&session) {
            resuming.rooms.retain(|(resumed, _)| resumed != room);
        }
    }

    /// Once every room holds its messages back for the session, reads what was committed before.
    fn read_missed(&mut self, session: SessionId, ctx: &mut Context<Self>) {
        let Some(resuming) = self.recoveries.resuming.get(&session).filter(|resuming| resuming.due == 0) else {
            return;
        };
        if resuming.refused {
            return self.start_anew(session, ctx);
        }
        let (since, database) = (resuming.rooms.clone(), self.database.clone());
        let user = self.rooms.session(session).map(|live| Account::User(live.user.clone()));
        let purpose = Reading::check(user.unwrap_or(Account::Server), "list_missed");
        let Offset { position, settled, newest } = resuming.offset;
        let seen = Seen { position, settled, newest };
        self.ask(ctx, async move {
            let read = move |conn: &mut db::Connection| {
                db::list_missed(conn, &since, seen, MISSED_MESSAGES_MAX, MISSED_BYTES_MAX)
            };
            MissedRead { session, missed: database.read(purpose, read).await }
        });
    }

    /// The earlier session can't be taken up: the client begins one and enters its rooms itself.
    fn start_anew(&mut self, session: SessionId, ctx: &mut Context<Self>) {
        let Some(resuming) = self.recoveries.resuming.remove(&session) else { return };
        if let Some(hub) = self.rooms.session(session).map(|live| live.hub) {
            for (room, _) in resuming.rooms {
                self.fan_out.tell_hub(hub, Op::Detach { session, room: room.clone(), error: None });
                self.detach(session, &room);
            }
        }
        self.tell_gone(resuming.gone);
        self.begin_recoverable(session, ctx);
    }

    fn resumed(&mut self, session: SessionId, mut missed: Missed) {
        let Some(resuming) = self.recoveries.resuming.remove(&session) else { return };
        let Some((user, hub)) = self.rooms.session(session).map(|live| (live.user.clone(), live.hub)) else { return };
        let Resuming { pid, rooms, gone, .. } = resuming;
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
                Some(gone) if gone.shared == came.shared => {}
                // Meanwhile a block or a switch has made that nobody's business any more.
                Some(gone) if gone.shared => self.presence_changed(gone.clone()),
                _ => self.presence_changed(came),
            }
        }
        self.tell_gone(gone);
        let pid_hash = live.pid_hash.to_string();
        self.tell_nodes(|| Topic::Nodes, || NodeEvent::TakeOver { pid_hash });
        // Should this be lost, the session counts as ended a little earlier than it did.
        drop(self.write(live.saved(None)));
        self.recoveries.by_pid.insert(Arc::clone(&live.pid_hash), session);
        self.recoveries.live.insert(session, live);
        let push = |message| Push::message(self.settings.json_of(message), Offset::exact(message.position));
        let messages = missed.messages.iter().map(push);
        let (sid, messages, rooms) = (sid_of(&pid), messages.collect(), missed.last_seqs);
        self.fan_out.tell_hub(hub, Op::Resume { session, sid, pid, messages, rooms });
    }

    /// Remembers an entry before it is answered. Gives the read history back where there is nothing to remember.
    pub(super) fn remember_entry(&mut self, read: HistoryRead, ctx: &mut Context<Self>) -> Option<HistoryRead> {
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
        let saved = self.write(saved);
        self.ask(ctx, async move { EntryRemembered { read, saved: matches!(saved.await, Ok(Ok(_))) } });
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
        drop(self.write(saved));
    }

    /// A session is over: for good, or to be taken up again.
    pub(super) fn end_recoverable(&mut self, session: SessionId, for_good: bool, ctx: &mut Context<Self>) {
        let now = self.settings.clock.now();
        let Some(live) = self.forget_live(session) else { return };
        let pid_hash = live.pid_hash.to_string();
        let write = if for_good {
            RoomWrite::Forget { user: live.user.clone(), pid_hash: pid_hash.clone() }
        } else {
            live.saved(Some(now))
        };
        let saved = self.write(write);
        self.recoveries.ending.insert(pid_hash.clone(), (!for_good).then_some(live));
        self.ask(ctx, async move {
            // Whatever came of it: nothing else is on its way.
            let _ = saved.await;
            EndSaved { pid_hash }
        });
    }

    fn forget_live(&mut self, session: SessionId) -> Option<Box<Live>> {
        if let Some(resuming) = self.recoveries.resuming.remove(&session) {
            self.tell_gone(resuming.gone);
        }
        let live = self.recoveries.live.remove(&session)?;
        if self.recoveries.by_pid.get(&live.pid_hash) == Some(&session) {
            self.recoveries.by_pid.remove(&live.pid_hash);
        }
        Some(live)
    }

    /// Forgets what can't be taken up any more.
    pub(super) fn forget_ended(&mut self) {
        let now = self.settings.clock.now();
        self.room_budget.forget_idle(now);
        let before = now.plus_ms(-RECOVERY_MS);
        drop(self.write(RoomWrite::ForgetEnded { before }));
    }

    fn write(&mut self, write: RoomWrite) -> oneshot::Receiver<Result<Answer, ChatError>> {
        let (reply, answer) = oneshot::channel();
        self.append(PendingWrite { write, room: None, reply: ReplyTo::Request(reply) });
        answer
    }
}

/// The database knows of a new session, or does not. A task of the `ChatServer` → itself.
#[derive(Debug, ActixMessage)]
#[rtype(result = "()")]
pub(super) struct Begun {
    session: SessionId,
    pid: String,
    saved: bool,
}

/// The database has looked for an earlier session. A task of the `ChatServer` → itself.
#[derive(Debug, ActixMessage)]
#[rtype(result = "()")]
pub(super) struct RecoveryFound {
    session: SessionId,
    user: UserId,
    resume: Resume,
    found: Result<Option<Recovery>, DbError>,
}

/// The database has read what a session missed. A task of the `ChatServer` → itself.
#[derive(Debug, ActixMessage)]
#[rtype(result = "()")]
pub(super) struct MissedRead {
    session: SessionId,
    missed: Result<Option<Missed>, DbError>,
}

/// The database knows of an entry, or does not. A task of the `ChatServer` → itself.
#[derive(Debug, ActixMessage)]
#[rtype(result = "()")]
pub(super) struct EntryRemembered {
    read: HistoryRead,
    saved: bool,
}

/// The database knows of a session's end, or does not. A task of the `ChatServer` → itself.
#[derive(Debug, ActixMessage)]
#[rtype(result = "()")]
pub(super) struct EndSaved {
    pid_hash: String,
}

impl Handler<EndSaved> for ChatServer {
    type Result = ();

    fn handle(&mut self, EndSaved { pid_hash }: EndSaved, _: &mut Self::Context) {
        self.recoveries.ending.remove(&pid_hash);
    }
}

impl Handler<Begun> for ChatServer {
    type Result = ();

    fn handle(&mut self, Begun { session, pid, saved }: Begun, _: &mut Self::Context) {
        let Some(hub) = self.rooms.session(session).map(|live| live.hub) else { return };
        // Without a word in the database the session is as good as any, but can't be taken up.
        let recovery = saved.then(|| (pid.clone(), self.settled()));
        if recovery.is_none() {
            self.forget_live(session);
        }
        self.fan_out.tell_hub(hub, Op::Welcome { session, sid: sid_of(&pid), recovery });
    }
}

impl Handler<RecoveryFound> for ChatServer {
    type Result = ();

    fn handle(&mut self, found: RecoveryFound, ctx: &mut Self::Context) {
        let _step = Step::begin(&self.metrics, SharedThread::ChatServer, "recovery_found");
        let RecoveryFound { session, user, resume, found } = found;
        self.guarded("resume", |server| match found {
            Ok(Some(Recovery { rooms, .. })) => {
                server.resume(session, &user, Returning { resume, rooms, gone: Vec::new() }, ctx);
            }
            Ok(None) => server.begin_recoverable(session, ctx),
            Err(error) => {
                log::warn!("a recovery could not be read: {error}");
                server.begin_recoverable(session, ctx);
            }
        });
    }
}

impl Handler<MissedRead> for ChatServer {
    type Result = ();

    fn handle(&mut self, MissedRead { session, missed }: MissedRead, ctx: &mut Self::Context) {
        let _step = Step::begin(&self.metrics, SharedThread::ChatServer, "missed_read");
        self.guarded("missed", |server| match missed {
            Ok(Some(missed)) => server.resumed(session, missed),
            Ok(None) => server.start_anew(session, ctx),
            Err(error) => {
                log::warn!("what a session missed could not be read: {error}");
                server.start_anew(session, ctx);
            }
        });
    }
}

impl Handler<EntryRemembered> for ChatServer {
    type Result = ();

    fn handle(&mut self, EntryRemembered { mut read, saved }: EntryRemembered, _: &mut Self::Context) {
        let _step = Step::begin(&self.metrics, SharedThread::ChatServer, "entry_remembered");
        if !saved {
            read.messages = Err(DbError::Unavailable("the entry could not be remembered".to_owned()));
        }
        self.guarded("entry", |server| server.entered(read));
    }
}
