//! Some thousand lines of a load, in one transaction.

use std::collections::{HashMap, HashSet};

use super::{ImportOptions, message_id::Content, read_marks::ReadMarks, waits};
use crate::{
    db::{
        Connection, DbError, OperationError, discarded_images, message_index,
        models::{
            change::{self, Changed},
            message::{self, ClientKey},
            notification, offer, product,
            room::{self, LockedRoom, RoomRow},
            room_staff, user, wave,
        },
        tail::settle_tables,
    },
    domain::{
        ImportLine, MessageId, MessageKind, Product, ProductId, Role, RoomId, Seq, StoredMessage, Times, Timestamp,
        User,
        import_line::{MessageLine, RoomLine},
        offer::{Offer, OfferStatus},
    },
};

/// A line that could be read, with its place in the file.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) number: u64,
    pub(super) content: Content,
}

/// What became of a chunk's lines.
#[derive(Debug, Default)]
pub(super) struct Stored {
    pub(super) users: u64,
    pub(super) products: u64,
    pub(super) rooms: u64,
    pub(super) messages: u64,
    pub(super) repeated: u64,
    pub(super) bad: Vec<(u64, String)>,
}

impl Stored {
    fn add(&mut self, other: Self) {
        self.users += other.users;
        self.products += other.products;
        self.rooms += other.rooms;
        self.messages += other.messages;
        self.repeated += other.repeated;
        self.bad.extend(other.bad);
    }
}

/// What one line came to: whether it was new, or why it is bad.
type LineResult = Result<bool, OperationError<&'static str>>;

/// Stores the lines in the order of the file; messages that follow each other together.
pub(super) fn store(
    conn: &mut Connection,
    lines: &[Line],
    options: ImportOptions,
    marks: &mut ReadMarks,
) -> Result<Stored, DbError> {
    if lines.is_empty() {
        return Ok(Stored::default());
    }
    match conn.immediate_transaction(|conn| store_all(conn, lines, options, marks)) {
        // One of the lines is at fault: find it, and keep the others.
        Err(DbError::Internal(_)) => {
            let mut stored = Stored::default();
            for line in lines.chunks(1) {
                match conn.immediate_transaction(|conn| store_all(conn, line, options, marks)) {
                    Err(DbError::Internal(_)) => {
                        let reason = "the database does not take this line";
                        stored.bad.extend(line.iter().map(|line| (line.number, reason.to_owned())));
                    }
                    outcome => stored.add(outcome?),
                }
            }
            Ok(stored)
        }
        outcome => outcome,
    }
}

fn store_all(
    conn: &mut Connection,
    lines: &[Line],
    options: ImportOptions,
    marks: &mut ReadMarks,
) -> Result<Stored, DbError> {
    // A server may have the file: it finds by itself that another connection has written.
    settle_tables(conn)?;
    let mut stored = Stored::default();
    let is_message = |line: &Line| matches!(line.content, Content::Message(..));
    for run in lines.chunk_by(|a, b| is_message(a) && is_message(b)) {
        let Stored { users, products, rooms, repeated, bad, .. } = &mut stored;
        match run {
            [Line { number, content: Content::Other(line) }] => match line {
                ImportLine::User { user, times } => {
                    *users += count(store_user(conn, user, *times, options), *number, repeated, bad)?;
                }
                ImportLine::Product { product, times, keeps_status } => {
                    let result = store_product(conn, product, *times, *keeps_status, options);
                    *products += count(result, *number, repeated, bad)?;
                }
                ImportLine::Room(room) => {
                    *rooms += count(store_room(conn, room, *number, options, marks), *number, repeated, bad)?;
                }
                // Has an id, and is a `Content::Message`.
                ImportLine::Message(_) => {}
            },
            messages => {
                let messages: Vec<(u64, &MessageId, &MessageLine)> = messages
                    .iter()
                    .filter_map(|line| match &line.content {
                        Content::Message(id, message) => Some((line.number, id, &**message)),
                        Content::Other(_) => None,
                    })
                    .collect();
                store_messages(conn, &messages, options, marks, &mut stored)?;
            }
        }
    }
    Ok(stored)
}

fn count(result: LineResult, number: u64, repeated: &mut u64, bad: &mut Vec<(u64, String)>) -> Result<u64, DbError> {
    match result {
        Ok(true) => return Ok(1),
        Ok(false) => *repeated += 1,
        Err(OperationError::Refused(reason)) => bad.push((number, reason.to_owned())),
        Err(OperationError::Db(error)) => return Err(error),
    }
    Ok(0)
}

fn store_user(conn: &mut Connection, user: &User, given: Times, options: ImportOptions) -> LineResult {
    let id = user.id.as_str();
    let before = user::find_row(conn, id)?;
    if before.as_ref().is_some_and(|row| row.deleted_at.is_some()) {
        return Err("`id` is a user who was deleted".into());
    }
    let (is_new, is_same) = (before.is_none(), before.is_some_and(|row| User::from(row) == *user));
    let known = user::find_times(conn, id)?;
    let times = times_after(known, given, is_new || is_same, options);
    if is_same && times == known {
        return Ok(false);
    }
    user::put(conn, user, times)?;
    if !is_same {
        change::record(conn, &[Changed::User(id)], options.now)?;
        if !is_new {
            change::record(conn, &[Changed::Profile(id)], options.now)?;
        }
    }
    Ok(true)
}

/// The times of something by what was known and what its line says. What changes without a word of when changes now.
fn times_after(known: Times, given: Times, stays: bool, options: ImportOptions) -> Times {
    let times = known.with(given.plus_ms(options.shift_ms));
    if stays || given.updated_at.is_some() { times } else { times.changed(options.now) }
}

fn store_product(
    conn: &mut Connection,
    product: &Product,
    given: Times,
    keeps_status: bool,
    options: ImportOptions,
) -> LineResult {
    let before = product::find_product(conn, &product.id)?;
    let product = product::with_status(before.as_ref(), product.clone(), keeps_status);
    if product::find_undone_offer(conn, before.as_ref(), &product)?.is_some() {
        return Err("`status`: an offer on this product was accepted, leave it out or undo that with PATCH".into());
    }
    let (is_new, is_same) = (before.is_none(), before.as_ref() == Some(&product));
    let known = product::find_times(conn, &product.id)?;
    let times = times_after(known, given, is_new || is_same, options);
    if is_same && times == known {
        return Ok(false);
    }
    if before.as_ref().is_none_or(|before| before.seller_id != product.seller_id) {
        if before.is_some() && room::has_rooms(conn, &product.id)? {
            return Err("`sellerId` can't change: there are rooms for this product".into());
        }
        if user::find_row(conn, product.seller_id.as_str())?.is_none() {
            return Err("`sellerId` is no user of an earlier line".into());
        }
    }
    product::put(conn, &product, times)?;
    if before.is_some_and(|before| before.status != product.status) {
        wave::set_notified_everywhere(conn, &product.id, product.status)?;
    }
    if !is_same {
        change::record(conn, &[Changed::Product(product.id.as_str())], options.now)?;
    }
    Ok(true)
}

fn store_room(
    conn: &mut Connection,
    line: &RoomLine,
    number: u64,
    options: ImportOptions,
    marks: &mut ReadMarks,
) -> LineResult {
    let Some(product) = product::find_product(conn, &line.product())? else {
        return Err("`productId` is no product of an earlier line".into());
    };
    if product.seller_id == line.buyer_id {
        return Err("`buyerId` is the product's own seller".into());
    }
    let created_at = line.created_at.map(|at| at.plus_ms(options.shift_ms));
    if let Some(room) = room::find_by_product(conn, &product.id, &line.buyer_id)? {
        if line.id.as_ref().is_some_and(|id| id.as_str() != room.id) {
            return Err("this buyer has a room for this product, with another `id`".into());
        }
        if let Some(given) = line.read_seq {
            marks.give(&room.id, number, given);
        }
        return Ok(change_room(conn, &room, created_at, options, marks)?);
    }
    if user::find_row(conn, line.buyer_id.as_str())?.is_none() {
        return Err("`buyerId`, or `userId`, is no user of an earlier line".into());
    }
    let id = line.id.clone().unwrap_or_else(RoomId::random);
    if !room::lock(conn, &[id.as_str()])?.is_empty() {
        return Err("`id` is the id of another room".into());
    }
    let created_at = created_at.unwrap_or(options.now);
    let row = RoomRow::new(&id, &product.id, &line.buyer_id, &product.seller_id, created_at);
    room::insert(conn, &row, product.status)?;
    if let Some(given) = line.read_seq {
        marks.give(id.as_str(), number, given);
    }
    change::record(conn, &[Changed::RoomOpened(id.as_str())], options.now)?;
    Ok(true)
}

/// Applies the line of a room that is there already: it may be older than it was known to be, and read farther.
fn change_room(
    conn: &mut Connection,
    before: &RoomRow,
    created_at: Option<Timestamp>,
    options: ImportOptions,
    marks: &ReadMarks,
) -> Result<bool, DbError> {
    let mut locked = room::lock(conn, &[before.id.as_str()])?;
    let Some(room) = locked.get_mut(&before.id) else { return Ok(false) };
    marks.apply(&mut room.row);
    if let Some(at) = created_at.filter(|at| at.0 < before.created_at) {
        room.row.created_at = at.0;
        if room.row.last_seq == 0 {
            room.row.active_at = at.0;
        }
    }
    let is_older = room.row.created_at != before.created_at;
    let mut changes = reads_of(before, &room.row);
    changes.extend(is_older.then_some(Changed::RoomOpened(&before.id)));
    room.changed = !changes.is_empty();
    let changed = room.changed;
    change::record(conn, &changes, options.now)?;
    room::save(conn, locked.values())?;
    Ok(changed)
}

/// The members who have read farther than before.
fn reads_of<'a>(before: &'a RoomRow, after: &RoomRow) -> Vec<Changed<'a>> {
    let mut reads = Vec::new();
    for role in Role::BOTH {
        if before.read_seq(role) != after.read_seq(role) {
            reads.push(Changed::Read { room: &before.id, reader: before.user_of(role) });
        }
    }
    reads
}

fn store_messages(
    conn: &mut Connection,
    lines: &[(u64, &MessageId, &MessageLine)],
    options: ImportOptions,
    marks: &ReadMarks,
    stored: &mut Stored,
) -> Result<(), DbError> {
    let mut rooms = lock_rooms(conn, lines)?;
    let before: Vec<RoomRow> = rooms.values().map(|room| room.row.clone()).collect();
    let Sorted { mut new, offers, revised } = sort(conn, lines, &mut rooms, options, marks, stored)?;
    notification::import_messages(conn, options.now, |conn| message::insert(conn, new.iter_mut().collect()))?;
    room_staff::note_imported(conn, &new)?;
    waits::note(conn, &rooms, &new, options.now)?;
    for message in new.iter().filter(|message| message.edited_at.is_some() || message.deleted_at.is_some()) {
        message::set_revised(conn, &message.id, message.edited_at, message.deleted_at)?;
    }
    let mut changes: Vec<Changed<'_>> =
        before.iter().filter_map(|row| Some(reads_of(row, &rooms.get(&row.id)?.row))).flatten().collect();
    for (place, product, offer) in &offers {
        if let Some(message) = new.get(*place)
            && offer::insert_imported(conn, message, product, offer)?
        {
            changes.push(Changed::Offer(message.id.as_str()));
            if offer.status == OfferStatus::Accepted {
                room::allow_contact(conn, &message.room_id)?;
            }
        }
    }
    room::save(conn, rooms.values())?;
    let revised = revise(conn, &revised, options, stored)?;
    changes.extend(revised.iter().map(|id| Changed::Message(id.as_str())));
    change::record(conn, &changes, options.now)?;
    Ok(())
}

/// Messages' lines by what they come to.
#[derive(Debug, Default)]
struct Sorted<'a> {
    new: Vec<StoredMessage>,
    /// Offers among the new ones: which, for which product.
    offers: Vec<(usize, ProductId, Offer)>,
    /// Stored before, and edited or deleted since.
    revised: Vec<(&'a MessageId, &'a MessageLine)>,
}

fn sort<'a>(
    conn: &mut Connection,
    lines: &[(u64, &'a MessageId, &'a MessageLine)],
    rooms: &mut HashMap<String, LockedRoom>,
    options: ImportOptions,
    marks: &ReadMarks,
    stored: &mut Stored,
) -> Result<Sorted<'a>, DbError> {
    let ids: Vec<&str> = lines.iter().map(|(_, id, _)| id.as_str()).collect();
    let mut known_ids = message::find_known_ids(conn, &ids)?;
    let mut known_keys = find_known_keys(conn, lines)?;
    let mut sorted = Sorted::default();
    for (number, id, line) in lines {
        let Some(room) = rooms.get_mut(line.room_id.as_str()) else {
            stored.bad.push((*number, "`roomId` is no room of an earlier line".to_owned()));
            continue;
        };
        let role = room.row.role_of(&line.sender_id);
        if role.is_none() && line.kind != MessageKind::System && line.staff_name.is_none() {
            stored.bad.push((*number, "`senderId` is neither the buyer nor the seller of the room".to_owned()));
            continue;
        }
        if line.kind == MessageKind::Offer && room.row.is_support() {
            stored.bad.push((*number, "`kind`: an offer needs a product".to_owned()));
            continue;
        }
        if role.is_some() && line.staff_name.is_some() {
            stored.bad.push((*number, "`staffName` is not for the buyer or the seller of the room".to_owned()));
            continue;
        }
        let key = line.client_id.as_ref().map(|client_id| {
            let (room, sender) = (line.room_id.as_str(), line.sender_id.as_str());
            (room.to_owned(), sender.to_owned(), client_id.as_str().to_owned())
        });
        if !known_ids.insert(id.as_str().to_owned()) || key.is_some_and(|key| !known_keys.insert(key)) {
            if line.edited_at.is_some() || line.deleted_at.is_some() {
                sorted.revised.push((*id, *line));
            } else {
                stored.repeated += 1;
            }
            continue;
        }
        if line.reply_to.is_some_and(|seq| !(1..=room.row.last_seq).contains(&seq.0)) {
            stored.bad.push((*number, "`replyTo` is no earlier message of the room".to_owned()));
            continue;
        }
        let message = to_message(id, line, room.row.last_seq + 1, options.shift_ms);
        sorted.add(room, role, message, options.shift_ms);
        marks.message_added(&mut room.row, role);
        stored.messages += 1;
    }
    Ok(sorted)
}

impl Sorted<'_> {
    fn add(&mut self, room: &mut LockedRoom, role: Option<Role>, mut message: StoredMessage, shift_ms: i64) {
        if let (MessageKind::Offer, Some(role), Some(data)) = (message.kind, role, &mut message.data)
            && let Some(mut offer) = Offer::from_data(role, data)
        {
            offer.expires_at = offer.expires_at.plus_ms(shift_ms);
            *data = data.with_fields(&[("expiresAt", &offer.expires_at.to_string())]);
            self.offers.push((self.new.len(), ProductId::from_stored(room.row.product_id.as_str()), offer));
        }
        if message.seq == Seq(1) {
            room.row.active_at = message.sent_at.0;
        }
        room.row.created_at = room.row.created_at.min(message.sent_at.0);
        room.row.active_at = room.row.active_at.max(message.sent_at.0);
        room.row.last_seq = message.seq.0;
        room.list_message(&message);
        room.changed = true;
        self.new.push(message);
    }
}

/// Edits and deletes messages that are known, where their lines say that this was done since. Returns which.
fn revise(
    conn: &mut Connection,
    lines: &[(&MessageId, &MessageLine)],
    options: ImportOptions,
    stored: &mut Stored,
) -> Result<Vec<MessageId>, DbError> {
    let mut revised = Vec::new();
    for (id, line) in lines {
        let known = match &line.client_id {
            Some(client_id) => {
                let key = (line.room_id.as_str(), line.sender_id.as_str(), client_id.as_str());
                message::find_by_client_keys(conn, &[key])?.pop()
            }
            None => message::find(conn, id.as_str())?,
        };
        let edited_at = line.edited_at.map(|at| at.plus_ms(options.shift_ms));
        let deleted_at = line.deleted_at.map(|at| at.plus_ms(options.shift_ms));
        match (known, deleted_at, edited_at, &line.text) {
            (Some(known), Some(at), _, _) if known.deleted_at.is_none() => {
                discarded_images::discard(conn, known.data.as_ref().filter(|_| known.kind == MessageKind::Image))?;
                message_index::replace(conn, &known.id, None)?;
                message::delete(conn, &known.id, at)?;
                offer::remove(conn, &[known.id.as_str()])?;
                revised.push(known.id);
            }
            (Some(known), None, Some(at), Some(text)) if known.deleted_at.is_none() && known.edited_at < edited_at => {
                message_index::replace(conn, &known.id, Some(text))?;
                message::edit(conn, &known.id, text, &[], at)?;
                revised.push(known.id);
            }
            _ => stored.repeated += 1,
        }
    }
    stored.messages += revised.len() as u64;
    Ok(revised)
}

fn lock_rooms(
    conn: &mut Connection,
    lines: &[(u64, &MessageId, &MessageLine)],
) -> Result<HashMap<String, LockedRoom>, DbError> {
    let mut ids: Vec<&str> = lines.iter().map(|(_, _, line)| line.room_id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    Ok(room::lock(conn, &ids)?)
}

fn find_known_keys(
    conn: &mut Connection,
    lines: &[(u64, &MessageId, &MessageLine)],
) -> Result<HashSet<(String, String, String)>, DbError> {
    let mut keys: Vec<ClientKey<'_>> = lines
        .iter()
        .filter_map(|(_, _, line)| {
            let client_id = line.client_id.as_ref()?;
            Some((line.room_id.as_str(), line.sender_id.as_str(), client_id.as_str()))
        })
        .collect();
    keys.sort_unstable();
    keys.dedup();
    let known = message::find_by_client_keys(conn, &keys)?;
    Ok(known
        .into_iter()
        .map(|message| {
            let client_id = message.client_id.map(|id| id.as_str().to_owned()).unwrap_or_default();
            (message.room_id.as_str().to_owned(), message.sender_id.as_str().to_owned(), client_id)
        })
        .collect())
}

fn to_message(id: &MessageId, line: &MessageLine, seq: i64, shift_ms: i64) -> StoredMessage {
    StoredMessage {
        id: id.clone(),
        room_id: line.room_id.clone(),
        seq: Seq(seq),
        position: 0,
        sender_id: line.sender_id.clone(),
        client_id: line.client_id.clone(),
        kind: line.kind,
        text: line.text.clone(),
        data: line.data.clone(),
        sent_at: line.sent_at.plus_ms(shift_ms),
        edited_at: line.edited_at.map(|at| at.plus_ms(shift_ms)),
        deleted_at: line.deleted_at.map(|at| at.plus_ms(shift_ms)),
        warnings: Vec::new(),
        reply_to: line.reply_to,
        reactions: Vec::new(),
        is_removed: false,
        staff_name: line.staff_name.clone(),
    }
}
