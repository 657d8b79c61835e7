//! Waves: what a change of a product does to its rooms, some rooms at a time.
//!
//! A product may have thousands of rooms, and one transaction over all of them would hold up everybody else's messages. So
//! the change itself reaches the first rooms, and haggle goes on with the next ones by itself, also after a restart. A room
//! that a wave reaches hears the product's status as it stands then, and nothing if that is what it heard last: what
//! changed in between is not sent.

use super::{Outcomes, ProductChange, Write, WriteError, WriteResult, Written, append};
use crate::{
    db::{
        Connection, DbError,
        models::{
            product,
            wave::{self, WaveRoom, WaveRow},
        },
    },
    domain::{
        Draft, MessageKind, Notice, Product, ProductId, RoomId, Screened, StoredMessage, Timestamp, UserId,
        message::SYSTEM_SENDER,
    },
};

/// Rooms that one transaction reaches.
const ROOMS: i64 = 32;

/// The time between two waves of a product.
const WAVE_INTERVAL_MS: i64 = 10_000;

/// Waves of a product with no more than [`ROOMS`] rooms that may follow each other at once.
const SMALL_WAVES: i64 = 5;

/// Changes of a product's status by its own seller: so many at once, then one in this time.
const SELLER_CHANGES: i64 = 5;
const SELLER_INTERVAL_MS: i64 = 60_000;

/// What a wave has reached.
#[derive(Debug, Default)]
pub(super) struct Reached {
    pub(super) rooms: Vec<RoomId>,
    /// What was said in them.
    pub(super) notices: Vec<StoredMessage>,
    /// When it goes on; `None` when it has ended.
    pub(super) next: Option<Timestamp>,
}

/// The room that has brought a product's change about, and the member who did it there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cause<'a> {
    pub(super) room: &'a RoomId,
    pub(super) member: &'a UserId,
}

/// A product has changed: a wave begins, as soon as it may, and reaches its first rooms. The room of its `cause` hears of
/// it at once, and there it is about the member who did it. Everywhere else it is about the seller, who has learned of it
/// where it happened.
pub(super) fn begin(
    conn: &mut Connection,
    product: &Product,
    cause: Option<Cause<'_>>,
    at: Timestamp,
) -> Result<Reached, DbError> {
    let mut row = wave::find(conn, &product.id)?.unwrap_or_else(|| WaveRow::new(&product.id));
    let own = match cause {
        Some(Cause { room, .. }) => wave::find_room(conn, room)?,
        None => None,
    };
    let own: Vec<WaveRoom> = own.into_iter().collect();
    let said = say_status(conn, &own, product, cause.map_or(&product.seller_id, |cause| cause.member), at)?;
    let mut reached = match row.reached.as_deref() {
        // One is on its way, and takes the news to the rooms that it has not reached; another one brings it to the rest.
        Some(buyer) if !buyer.is_empty() => {
            row.is_behind = true;
            wave::save(conn, &row)?;
            Reached { next: Some(at), ..Reached::default() }
        }
        _ => {
            row.reached = Some(String::new());
            advance(conn, product, row, at)?
        }
    };
    for room in own {
        let room = RoomId::from_stored(room.id);
        if !reached.rooms.contains(&room) {
            reached.rooms.push(room);
        }
    }
    reached.notices.extend(said);
    Ok(reached)
}

/// Takes a product's wave to its next rooms, if it is time.
pub(super) fn go_on(conn: &mut Connection, product: &ProductId, at: Timestamp) -> WriteResult {
    let Some(product) = product::find_product(conn, product)? else {
        return Err(WriteError::NotFound("product").into());
    };
    let reached = match wave::find(conn, &product.id)? {
        Some(row) if row.reached.is_some() => advance(conn, &product, row, at)?,
        _ => Reached::default(),
    };
    Ok(Written::WaveAdvanced(ProductChange::reached(product, reached)))
}

fn advance(conn: &mut Connection, product: &Product, mut row: WaveRow, at: Timestamp) -> Result<Reached, DbError> {
    let after = row.reached.take().unwrap_or_default();
    let mut rooms = wave::list_rooms(conn, &product.id, &after, ROOMS + 1)?;
    let has_more = rooms.len() as i64 > ROOMS;
    rooms.truncate(usize::try_from(ROOMS).unwrap_or(usize::MAX));
    if after.is_empty() {
        if rooms.is_empty() {
            return Ok(Reached::default());
        }
        let ahead = if has_more { 0 } else { (SMALL_WAVES - 1) * WAVE_INTERVAL_MS };
        if row.next_wave_at - ahead > at.0 {
            let next = Timestamp(row.next_wave_at - ahead);
            wave::save(conn, &WaveRow { reached: Some(after), ..row })?;
            return Ok(Reached { next: Some(next), ..Reached::default() });
        }
        row.next_wave_at = row.next_wave_at.max(at.0) + WAVE_INTERVAL_MS;
    }
    let last = rooms.last().filter(|_| has_more).map(|room| room.buyer_id.clone());
    let next = match &last {
        Some(_) => Some(at),
        None => row.is_behind.then_some(Timestamp(row.next_wave_at)),
    };
    row.reached = match last {
        None if row.is_behind => {
            row.is_behind = false;
            Some(String::new())
        }
        last => last,
    };
    wave::save(conn, &row)?;
    let notices = say_status(conn, &rooms, product, &product.seller_id, at)?;
    let rooms = rooms.into_iter().map(|room| RoomId::from_stored(room.id)).collect();
    Ok(Reached { rooms, notices, next })
}

/// Says in those of these rooms where a product stands now that have heard something else last. `about` is the member whom
/// that is no news to.
fn say_status(
    conn: &mut Connection,
    rooms: &[WaveRoom],
    product: &Product,
    about: &UserId,
    at: Timestamp,
) -> Result<Vec<StoredMessage>, DbError> {
    let status = product.status;
    let notice = Notice::ProductStatus(status);
    let rooms: Vec<String> =
        rooms.iter().filter(|room| room.notified_status != status.as_str()).map(|room| room.id.clone()).collect();
    if rooms.is_empty() {
        return Ok(Vec::new());
    }
    wave::set_notified(conn, &rooms, status)?;
    let data = notice.data(about);
    let writes: Vec<Write> = rooms
        .into_iter()
        .map(|room| {
            Write::Append(Draft {
                room: RoomId::from_stored(room),
                sender: UserId::from_stored(SYSTEM_SENDER),
                client_id: None,
                kind: MessageKind::System,
                text: Some(notice.text().to_owned()),
                data: Some(data.clone()),
                reply_to: None,
                sent_at: at,
                screened: Screened::Clean,
                by_staff: false,
            })
        })
        .collect();
    let mut outcomes = Outcomes::new();
    append::write_run(conn, None, &writes, at, &mut outcomes)?;
    let notices = outcomes.into_iter().filter_map(|outcome| match outcome {
        Ok(Written::Appended { message, .. }) => Some(message),
        _ => None,
    });
    Ok(notices.collect())
}

/// Whether a seller may change a product's status once more. Returns up to when their limit is used then.
pub(super) fn check_seller(conn: &mut Connection, product: &ProductId, at: Timestamp) -> WriteResult<Timestamp> {
    let used = wave::find(conn, product)?.map_or(0, |row| row.seller_limit_at);
    let wait = used - at.0 - (SELLER_CHANGES - 1) * SELLER_INTERVAL_MS;
    match u64::try_from(wait) {
        Ok(retry_after_ms) if retry_after_ms > 0 => Err(WriteError::TooManyStatusChanges { retry_after_ms }.into()),
        _ => Ok(Timestamp(used.max(at.0) + SELLER_INTERVAL_MS)),
    }
}
