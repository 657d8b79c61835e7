//! Messages, marks of members and their own settings of rooms: the hot path. A run of any length reads its rooms and its known keys with one query each,
//! decides in memory, and writes rows by the hundred.

use std::collections::{BTreeSet, HashMap, HashSet, hash_map::Entry};

use super::{Outcomes, Write, WriteError, Written};
use crate::{
    db::{
        Connection, DbError,
        models::{
            change::{self, Changed},
            delivery_mark,
            message::{self, ClientKey},
            room::{self, LockedRoom},
            room_staff::{self, Speaker},
            support_wait,
        },
        tail::Tail,
    },
    domain::{
        ClientId, Draft, MessageId, MessageKind, Role, RoomId, RoomSettingsPatch, Screened, Seq, StoredMessage,
        Timestamp, UserId, message::SYSTEM_SENDER,
    },
};

/// Whether a write is one that [`write_run`] takes.
pub(super) fn takes(write: &Write) -> bool {
    // What staff says is written by itself, and so is never in the tail: nothing there names them.
    matches!(
        write,
        Write::Append(Draft { by_staff: false, .. })
            | Write::MarkRead { .. }
            | Write::MarkDelivered { .. }
            | Write::SetRoomSettings { .. }
    )
}

/// Writes a run, inside the caller's transaction, and adds an outcome for each. With a tail its messages and read marks are
/// appended there.
pub(super) fn write_run(
    conn: &mut Connection,
    mut tail: Option<&mut Tail>,
    writes: &[Write],
    now: Timestamp,
    outcomes: &mut Outcomes,
) -> Result<(), DbError> {
    let first = outcomes.len();
    let ids = room_ids(writes);
    let mut run = Run {
        rooms: match tail.as_deref_mut() {
            Some(tail) => tail.take_rooms(conn, &ids)?,
            None => room::lock(conn, &ids)?,
        },
        known: find_known(conn, tail.as_deref(), writes)?
            .into_iter()
            .map(|message| (key_of(&message), Known::Stored(Box::new(message))))
            .collect(),
        repeats: Vec::new(),
        unread: Vec::new(),
        delivered: Vec::new(),
        answered: Vec::new(),
        support: Vec::new(),
        contact_allowed: find_contact_allowed(conn, writes)?,
        staff: find_staff(conn, writes)?,
    };
    for write in writes {
        let outcome = match write {
            Write::Append(draft) => run.append(draft, outcomes),
            Write::MarkRead { room, reader, seq } => run.mark_read(room, reader, *seq, outcomes.len()),
            Write::MarkDelivered { room, member, seq } => run.mark_delivered(room, member, *seq, outcomes.len()),
            Write::SetRoomSettings { room, member, patch } => run.set_settings(room, member, *patch),
            // The caller has asked `takes`.
            _ => Err(WriteError::Forbidden),
        };
        outcomes.push(outcome);
    }

    let Run { rooms, repeats, unread, delivered, answered, support, .. } = run;
    save(conn, tail.as_deref_mut(), rooms, &mut outcomes[first..])?;
    for (repeat, of) in repeats {
        let Some(Ok(Written::Appended { message, .. })) = outcomes.get(of) else { continue };
        let position = message.position;
        if let Some(Ok(Written::Appended { message, .. })) = outcomes.get_mut(repeat) {
            message.position = position;
        }
    }
    save_delivered(conn, &delivered, outcomes)?;
    save_waits(conn, &support)?;
    record_reads(conn, &answered, &outcomes[first..], now)?;
    for (index, last_seq) in unread {
        if let Some(Ok(Written::Read { room, reader, read_seq, unread, .. })) = outcomes.get_mut(index) {
            if let Some(tail) = tail.as_deref_mut().filter(|_| read_seq.0 < last_seq) {
                tail.settle_room(conn, room)?;
            }
            *unread = message::count_unread(conn, room.as_str(), reader.as_str(), read_seq.0, last_seq)?;
        }
    }
    debug_assert_eq!(outcomes.len() - first, writes.len());
    Ok(())
}

/// Stores what a run came to: its new messages, and the rooms as they now are.
fn save(
    conn: &mut Connection,
    tail: Option<&mut Tail>,
    rooms: HashMap<String, LockedRoom>,
    outcomes: &mut [Result<Written, WriteError>],
) -> Result<(), DbError> {
    let (mut messages, mut marks) = (Vec::new(), Vec::new());
    for outcome in outcomes {
        match outcome {
            Ok(Written::Appended { message, first_time: true }) => messages.push(message),
            Ok(Written::Read { room, reader, read_seq, advanced: true, .. }) => {
                marks.push((&*room, &*reader, read_seq.0))
            }
            _ => {}
        }
    }
    match tail {
        Some(tail) => tail.append(conn, rooms, messages, &marks),
        None => {
            message::insert(conn, messages)?;
            Ok(room::save(conn, rooms.values())?)
        }
    }
}

/// Stores how far messages have reached their members' devices, in a table of its own: nothing of it is in the tail, nor on the way
/// of messages.
fn save_delivered(conn: &mut Connection, delivered: &[(usize, Role)], outcomes: &mut Outcomes) -> Result<(), DbError> {
    if delivered.is_empty() {
        return Ok(());
    }
    let rooms = delivered.iter().filter_map(|(index, _)| match outcomes.get(*index) {
        Some(Ok(Written::Delivered { room, .. })) => Some(room.as_str()),
        _ => None,
    });
    let mut marks = delivery_mark::find_all(conn, rooms)?;
    let mut raised = BTreeSet::new();
    for (index, role) in delivered {
        let Some(Ok(Written::Delivered { room, delivered_seq, advanced, .. })) = outcomes.get_mut(*index) else {
            continue;
        };
        let known = &mut marks.entry(room.as_str().to_owned()).or_default()[*role];
        *advanced = *advanced && delivered_seq.0 > *known;
        if *advanced {
            *known = delivered_seq.0;
            raised.insert(room.as_str().to_owned());
        }
        *delivered_seq = (*delivered_seq).max(Seq(*known));
    }
    if raised.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = raised.iter().filter_map(|room| Some((room.as_str(), *marks.get(room)?))).collect();
    Ok(delivery_mark::save(conn, &rows)?)
}

/// Notes where users wait for the staff: in the order in which they and the staff have spoken.
fn save_waits(conn: &mut Connection, support: &[(RoomId, Option<Timestamp>)]) -> Result<(), DbError> {
    for (room, since) in support {
        match since {
            Some(since) => support_wait::begin(conn, room.as_str(), *since)?,
            None => support_wait::end(conn, room.as_str())?,
        }
    }
    Ok(())
}

fn room_ids(writes: &[Write]) -> Vec<&str> {
    let mut ids: Vec<&str> = writes
        .iter()
        .filter_map(|write| match write {
            Write::Append(draft) => Some(draft.room.as_str()),
            Write::MarkRead { room, .. } | Write::MarkDelivered { room, .. } | Write::SetRoomSettings { room, .. } => {
                Some(room.as_str())
            }
            _ => None,
        })
        .collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// The messages of earlier batches that have the key of a draft in this one.
fn find_known(conn: &mut Connection, tail: Option<&Tail>, writes: &[Write]) -> Result<Vec<StoredMessage>, DbError> {
    let mut keys: Vec<ClientKey<'_>> = writes
        .iter()
        .filter_map(|write| match write {
            Write::Append(Draft { room, sender, client_id: Some(client_id), .. }) => {
                Some((room.as_str(), sender.as_str(), client_id.as_str()))
            }
            _ => None,
        })
        .collect();
    keys.sort_unstable();
    keys.dedup();
    let mut found = Vec::new();
    if let Some(tail) = tail {
        let mut settled = Vec::with_capacity(keys.len());
        for key in keys {
            match tail.find_by_client_key(conn, key)? {
                Some(message) => found.push(message),
                None => settled.push(key),
            }
        }
        keys = settled;
    }
    found.extend(message::find_by_client_keys(conn, &keys)?);
    Ok(found)
}

/// Records who has read, and for other nodes whom messages have reached. After the run's messages: of one commit they are all there at once.
fn record_reads(
    conn: &mut Connection,
    answered: &[(RoomId, UserId)],
    outcomes: &[Result<Written, WriteError>],
    now: Timestamp,
) -> Result<(), DbError> {
    let read = outcomes.iter().filter_map(|outcome| match outcome {
        Ok(Written::Read { room, reader, advanced: true, .. }) => Some((room, reader)),
        _ => None,
    });
    let mut reads: Vec<(&str, &str)> = answered
        .iter()
        .map(|(room, reader)| (room, reader))
        .chain(read)
        .map(|(room, reader)| (room.as_str(), reader.as_str()))
        .collect();
    // One member's are one row.
    let mut seen = HashSet::new();
    reads.retain(|read| seen.insert(*read));
    let mut changes: Vec<Changed<'_>> =
        reads.into_iter().map(|(room, reader)| Changed::Read { room, reader }).collect();
    // A file has one node, which knows.
    if !matches!(conn, Connection::Sqlite(_)) {
        changes.extend(outcomes.iter().filter_map(|outcome| match outcome {
            Ok(Written::Delivered { room, member, advanced: true, .. }) => {
                Some(Changed::Delivered { room: room.as_str(), member: member.as_str() })
            }
            _ => None,
        }));
    }
    Ok(change::record(conn, &changes, now)?)
}

/// Asks only about rooms of drafts in which something was found: hardly ever.
fn find_contact_allowed(conn: &mut Connection, writes: &[Write]) -> Result<HashSet<String>, DbError> {
    let rooms: Vec<&str> = writes
        .iter()
        .filter_map(|write| match write {
            Write::Append(draft) if draft.screened != Screened::Clean => Some(draft.room.as_str()),
            _ => None,
        })
        .collect();
    if rooms.is_empty() {
        return Ok(HashSet::new());
    }
    Ok(room::list_contact_allowed(conn, &rooms)?)
}

/// Who of the staff says something here, each in a room that they have joined. Asks only about drafts that came with their tokens.
fn find_staff(conn: &mut Connection, writes: &[Write]) -> Result<HashMap<(RoomId, UserId), Speaker>, DbError> {
    let mut found = HashMap::new();
    for write in writes {
        let Write::Append(Draft { room, sender, by_staff: true, .. }) = write else { continue };
        if let Some(speaker) = room_staff::find_speaker(conn, room.as_str(), sender.as_str())? {
            found.insert((room.clone(), sender.clone()), speaker);
        }
    }
    Ok(found)
}

fn check_speaker(speaker: &Speaker, at: Timestamp) -> Result<(), WriteError> {
    let counts = |until: Option<Timestamp>| until.filter(|until| *until > at);
    match (counts(speaker.banned_until), counts(speaker.muted_until)) {
        (Some(until), _) => Err(WriteError::Banned(until)),
        (None, Some(until)) => Err(WriteError::Muted(until)),
        (None, None) => Ok(()),
    }
}

type Key = (RoomId, UserId, Option<ClientId>);

fn key_of(message: &StoredMessage) -> Key {
    (message.room_id.clone(), message.sender_id.clone(), message.client_id.clone())
}

/// Where the message is that a key belongs to.
enum Known {
    Stored(Box<StoredMessage>),
    /// In this run: the index of its outcome.
    InRun(usize),
}

struct Run {
    rooms: HashMap<String, LockedRoom>,
    known: HashMap<Key, Known>,
    /// Outcomes that repeat an earlier one of this run.
    repeats: Vec<(usize, usize)>,
    /// Outcomes of which unread messages are to be counted, and up to which `seq`.
    unread: Vec<(usize, i64)>,
    /// Outcomes that say how far messages have reached a member's device, and whose.
    delivered: Vec<(usize, Role)>,
    /// Who has read messages of others by answering them.
    answered: Vec<(RoomId, UserId)>,
    /// Support rooms in which a user begins to wait for the staff, and when; `None` where the staff has answered.
    support: Vec<(RoomId, Option<Timestamp>)>,
    /// Rooms in which the masking rule does not count, of those where it has something to say.
    contact_allowed: HashSet<String>,
    /// Who of the staff says something, in rooms that they have joined.
    staff: HashMap<(RoomId, UserId), Speaker>,
}

/// The message that was stored before under the draft's `clientId`, or comes earlier in the run. Else the next one with it
/// finds this one.
fn find_repeated(
    known: &mut HashMap<Key, Known>,
    repeats: &mut Vec<(usize, usize)>,
    draft: &Draft,
    outcomes: &Outcomes,
) -> Option<StoredMessage> {
    match known.entry((draft.room.clone(), draft.sender.clone(), draft.client_id.clone())) {
        Entry::Vacant(entry) => {
            entry.insert(Known::InRun(outcomes.len()));
            None
        }
        Entry::Occupied(entry) => match entry.get() {
            Known::Stored(message) => Some((**message).clone()),
            Known::InRun(index) => {
                let Some(Ok(Written::Appended { message, .. })) = outcomes.get(*index) else { return None };
                repeats.push((outcomes.len(), *index));
                Some(message.clone())
            }
        },
    }
}

impl Run {
    fn append(&mut self, draft: &Draft, outcomes: &Outcomes) -> Result<Written, WriteError> {
        let by_system = draft.sender.as_str() == SYSTEM_SENDER && draft.kind == MessageKind::System;
        let Some(room) = self.rooms.get_mut(draft.room.as_str()) else {
            return Err(if by_system { WriteError::NotFound("room") } else { WriteError::Forbidden });
        };
        let by_member = draft.kind != MessageKind::System && room.active_role_of(&draft.sender).is_some();
        let speaker = match draft.kind {
            MessageKind::Text | MessageKind::Image if draft.by_staff && !by_member => {
                self.staff.get(&(draft.room.clone(), draft.sender.clone()))
            }
            _ => None,
        };
        if !by_system && !by_member && speaker.is_none() {
            return Err(WriteError::Forbidden);
        }
        if draft.client_id.is_some()
            && let Some(message) = find_repeated(&mut self.known, &mut self.repeats, draft, outcomes)
        {
            return Ok(Written::Appended { message, first_time: false });
        }
        // Behind the known keys: what was stored before a block is answered as it was, however often it is sent again.
        if by_member {
            room.speaker(&draft.sender, draft.sent_at)?;
        }
        // A block between the members, and a frozen room, do not stop the staff.
        speaker.map_or(Ok(()), |speaker| check_speaker(speaker, draft.sent_at))?;
        let (text, warnings) = match &draft.screened {
            _ if speaker.is_some() => (None, Vec::new()),
            Screened::Clean => (None, Vec::new()),
            _ if self.contact_allowed.contains(draft.room.as_str()) => (None, Vec::new()),
            Screened::Marked { warnings, masked } => (masked.clone(), warnings.clone()),
            Screened::Refused(refused) => return Err((*refused).into()),
        };
        let answers_something = |seq: Seq| (1..=room.row.last_seq).contains(&seq.0);
        if !draft.reply_to.is_none_or(answers_something) {
            return Err(WriteError::NoSuchReply);
        }
        room.row.last_seq += 1;
        // Answering counts as reading: also what came before, as `Read` in the record says.
        if let Some(role) = room.row.role_of(&draft.sender) {
            let seq = room.row.last_seq;
            let read_seq = std::mem::replace(room.row.read_seq_mut(role), seq);
            if read_seq < seq - 1 {
                self.answered.push((draft.room.clone(), draft.sender.clone()));
            }
        }
        room.row.active_at = room.row.active_at.max(draft.sent_at.0);
        room.changed = true;
        let mut message = stored(draft, room.row.last_seq);
        message.warnings = warnings;
        message.text = text.or(message.text);
        message.staff_name = speaker.map(|speaker| speaker.name.clone());
        room.list_message(&message);
        if !by_system && room.row.is_support() {
            self.support.push((draft.room.clone(), by_member.then_some(draft.sent_at)));
        }
        Ok(Written::Appended { message, first_time: true })
    }

    fn mark_read(&mut self, id: &RoomId, reader: &UserId, seq: Seq, index: usize) -> Result<Written, WriteError> {
        let room = self.rooms.get_mut(id.as_str()).ok_or(WriteError::Forbidden)?;
        let role = room.active_role_of(reader).ok_or(WriteError::Forbidden)?;
        let last_seq = room.row.last_seq;
        let was_marked = room.set_listing(role, room.row.listing(role).after_reading());
        let read_seq = room.row.read_seq_mut(role);
        let has_moved = seq.0.min(last_seq) > *read_seq;
        if has_moved {
            *read_seq = seq.0.min(last_seq);
        }
        let read_seq = Seq(*read_seq);
        let advanced = has_moved || was_marked;
        room.changed |= advanced;
        if advanced {
            self.unread.push((index, last_seq));
        }
        Ok(Written::Read { room: id.clone(), reader: reader.clone(), read_seq, unread: 0, advanced })
    }

    fn mark_delivered(&mut self, id: &RoomId, member: &UserId, seq: Seq, index: usize) -> Result<Written, WriteError> {
        let room = self.rooms.get(id.as_str()).ok_or(WriteError::Forbidden)?;
        let role = room.active_role_of(member).ok_or(WriteError::Forbidden)?;
        let (read_seq, arrived) = (room.row.read_seq(role), seq.0.min(room.row.last_seq));
        self.delivered.push((index, role));
        Ok(Written::Delivered {
            room: id.clone(),
            member: member.clone(),
            delivered_seq: Seq(arrived.max(read_seq)),
            // What was read has been delivered, and is noted as read.
            advanced: arrived > read_seq,
        })
    }

    fn set_settings(&mut self, id: &RoomId, member: &UserId, patch: RoomSettingsPatch) -> Result<Written, WriteError> {
        let room = self.rooms.get_mut(id.as_str()).ok_or(WriteError::Forbidden)?;
        let role = room.active_role_of(member).ok_or(WriteError::Forbidden)?;
        let listing = patch.apply(room.row.listing(role));
        let changed = room.set_listing(role, listing);
        Ok(Written::RoomSettingsSet { room: id.clone(), member: member.clone(), role, listing, changed })
    }
}

fn stored(draft: &Draft, seq: i64) -> StoredMessage {
    StoredMessage {
        id: MessageId::next(),
        room_id: draft.room.clone(),
        seq: Seq(seq),
        position: 0,
        sender_id: draft.sender.clone(),
        client_id: draft.client_id.clone(),
        kind: draft.kind,
        text: draft.text.clone(),
        data: draft.data.clone(),
        sent_at: draft.sent_at,
        edited_at: None,
        deleted_at: None,
        warnings: Vec::new(),
        reply_to: draft.reply_to,
        reactions: Vec::new(),
        is_removed: false,
        staff_name: None,
    }
}
