//! Offers: what the state machine of [`crate::domain::offer`] decides, in one transaction for the whole product.

use super::{
    OfferMoved, Outcomes, ProductChange, ReadMark, Write, WriteError, WriteResult, Written, append, catalogue,
    waves::Cause,
};
use crate::{
    db::{
        Connection, DbError,
        models::{
            message, offer as offers, product,
            room::{self, LockedRoom, Silenced},
        },
    },
    domain::{
        ClientId, Draft, MessageId, MessageKind, Product, ProductId, ProductStatus, Role, RoomId, Screened, Seq,
        StoredMessage, Timestamp, UserId,
        id::SEQ_MAX,
        offer::{self, Market, Offer, OfferDecision, OfferStatus, Price},
    },
};

pub(super) fn make(
    conn: &mut Connection,
    room: &RoomId,
    maker: &UserId,
    price: &Price,
    client_id: Option<&ClientId>,
    at: Timestamp,
) -> WriteResult {
    let Some(locked) = lock(conn, room)? else { return Err(WriteError::Forbidden.into()) };
    if locked.active_role_of(maker).is_none() {
        return Err(WriteError::Forbidden.into());
    }
    if locked.row.is_support() {
        return Err(WriteError::NothingForSale.into());
    }
    if let Some(client_id) = client_id {
        let key = (room.as_str(), maker.as_str(), client_id.as_str());
        if let Some(message) = message::find_by_client_keys(conn, &[key])?.pop() {
            return Ok(Written::Appended { message, first_time: false });
        }
    }
    let role = locked.speaker(maker, at).map_err(WriteError::from)?;
    let place = OfferMaker { room, member: maker, role, at };
    let mut ends = EndedOffers::of(conn, &locked, at)?;
    if ends.product.currency.as_ref().is_some_and(|currency| *currency != price.currency) {
        let currency = ends.product.currency.unwrap_or_default();
        return Err(WriteError::WrongCurrency(currency).into());
    }
    let waiting = offers::find_pending(conn, room)?;
    let waiting = waiting.map(|row| Ok::<_, DbError>((row.message_id(), row.to_offer()?))).transpose()?;
    let market = market(conn, &ends.product)?;
    match offer::make(waiting.as_ref().map(|(_, offer)| offer), role, market, at) {
        Ok(moved) => {
            if let (Some(status), Some((id, _))) = (moved, waiting) {
                ends.changed.extend(offers::set_status(conn, &[id], status, at)?);
            }
            let made = place.append(conn, &ends.product.id, price.clone(), client_id)?;
            ends.into_outcome(Ok(made.0.clone()), Some(made), None, None)
        }
        Err(refusal) => ends.into_outcome(Err(refusal.into()), None, None, None),
    }
}

pub(super) fn answer(
    conn: &mut Connection,
    room: Option<&RoomId>,
    message: &MessageId,
    actor: &UserId,
    answer: OfferDecision,
    at: Timestamp,
) -> WriteResult {
    let not_found = || Err(WriteError::NotFound("offer").into());
    let Some(row) = offers::find(conn, message)? else { return not_found() };
    let offer_room = RoomId::from_stored(row.room_id.as_str());
    if room.is_some_and(|room| *room != offer_room) {
        return not_found();
    }
    let Some(locked) = lock(conn, &offer_room)? else { return not_found() };
    if locked.active_role_of(actor).is_none() {
        // To anybody but its two members the offer does not exist.
        return not_found();
    }
    let role = match (locked.speaker(actor, at), locked.active_role_of(actor), answer) {
        (Ok(role), _, _) => role,
        // Anyone who is muted says nothing new, and is not held to what they offered before.
        (Err(Silenced::MutedUntil(_)), Some(role), OfferDecision::Decline | OfferDecision::Withdraw) => role,
        (Err(silenced), _, _) => return Err(WriteError::from(silenced).into()),
    };
    let mut ends = EndedOffers::of(conn, &locked, at)?;
    // Its own time may have been over, too.
    let Some(row) = offers::find(conn, message)? else { return not_found() };
    let offer = row.to_offer()?;
    let market = market(conn, &ends.product)?;
    let status = match offer::answer(&offer, role, answer, market, at) {
        Ok(status) => status,
        Err(refusal) => return ends.into_outcome(Err(refusal.into()), None, None, None),
    };
    let answered = offers::set_status(conn, std::slice::from_ref(message), status, at)?;
    let Some(answered_message) = answered.first().cloned() else { return not_found() };
    ends.changed.extend(answered);
    match answer {
        OfferDecision::Decline | OfferDecision::Withdraw => {
            let read = mark_read(conn, &offer_room, actor, at)?;
            ends.into_outcome(Ok(answered_message), None, None, read)
        }
        OfferDecision::Counter { amount } => {
            let place = OfferMaker { room: &offer_room, member: actor, role, at };
            let price = Price { amount, currency: offer.price.currency };
            let made = place.append(conn, &ends.product.id, price, None)?;
            ends.into_outcome(Ok(answered_message), Some(made), None, None)
        }
        OfferDecision::Accept => {
            let change = accept(conn, &mut ends, Cause { room: &offer_room, member: actor }, at)?;
            // With the notice, which is their own doing.
            let read = mark_read(conn, &offer_room, actor, at)?;
            ends.into_outcome(Ok(answered_message), None, Some(change), read)
        }
    }
}

/// The first acceptance wins for the whole product: all others learn in this transaction that they lost.
fn accept(
    conn: &mut Connection,
    ends: &mut EndedOffers,
    cause: Cause<'_>,
    at: Timestamp,
) -> WriteResult<ProductChange> {
    let others = offers::list_pending(conn, &ends.product.id)?;
    ends.changed.extend(offers::set_status(conn, &others, OfferStatus::Declined, at)?);
    // They have a deal, and may exchange how to meet.
    room::allow_contact(conn, cause.room)?;
    let reserved = Product { status: ProductStatus::Reserved, ..ends.product.clone() };
    Ok(catalogue::change_product(conn, &ends.product, &reserved, Some(cause), at)?)
}

pub(super) fn expire(conn: &mut Connection, at: Timestamp) -> WriteResult {
    let over = offers::list_over(conn, None, at)?;
    let offers = offers::set_status(conn, &over, OfferStatus::Expired, at)?;
    let next = offers::next_expiry(conn)?;
    Ok(Written::OffersExpired { offers, next })
}

fn lock(conn: &mut Connection, room: &RoomId) -> Result<Option<LockedRoom>, DbError> {
    Ok(room::lock(conn, &[room.as_str()])?.remove(room.as_str()))
}

/// Answering counts as reading: of an answer that is no message the mark goes to the room's newest one. `None` where it is
/// there already.
fn mark_read(
    conn: &mut Connection,
    room: &RoomId,
    reader: &UserId,
    at: Timestamp,
) -> Result<Option<ReadMark>, DbError> {
    let mut outcomes = Outcomes::new();
    let write = Write::MarkRead { room: room.clone(), reader: reader.clone(), seq: Seq(SEQ_MAX) };
    append::write_run(conn, None, &[write], at, &mut outcomes)?;
    Ok(match outcomes.pop() {
        Some(Ok(Written::Read { room, reader, read_seq, unread, advanced: true })) => {
            Some(ReadMark { room, reader, read_seq, unread })
        }
        _ => None,
    })
}

fn market(conn: &mut Connection, product: &Product) -> Result<Market, DbError> {
    Ok(Market { product: product.status, taken: offers::find_accepted(conn, &product.id)?.is_some() })
}

/// The product that an offer is about, and the offers on it that have ended so far.
struct EndedOffers {
    product: Product,
    changed: Vec<StoredMessage>,
}

impl EndedOffers {
    /// Offers that have expired end now, whether the sweep has run or not.
    fn of(conn: &mut Connection, room: &LockedRoom, at: Timestamp) -> Result<Self, DbError> {
        let id = ProductId::from_stored(room.row.product_id.as_str());
        let product = product::find_product(conn, &id)?
            .ok_or_else(|| DbError::Corrupt(format!("room {:?} has no product", room.row.id)))?;
        let over = offers::list_over(conn, Some(&id), at)?;
        let changed = offers::set_status(conn, &over, OfferStatus::Expired, at)?;
        Ok(Self { product, changed })
    }

    fn into_outcome(
        self,
        answer: Result<StoredMessage, WriteError>,
        made: Option<(StoredMessage, Timestamp)>,
        product: Option<ProductChange>,
        read: Option<ReadMark>,
    ) -> WriteResult {
        match answer {
            Err(refused) if self.changed.is_empty() => Err(refused.into()),
            answer => {
                let changed = self.changed;
                Ok(Written::OfferMoved(Box::new(OfferMoved { answer, made, changed, product, read })))
            }
        }
    }
}

/// Where and by whom an offer is made.
struct OfferMaker<'a> {
    room: &'a RoomId,
    member: &'a UserId,
    role: Role,
    at: Timestamp,
}

impl OfferMaker<'_> {
    fn append(
        &self,
        conn: &mut Connection,
        product: &ProductId,
        price: Price,
        client_id: Option<&ClientId>,
    ) -> Result<(StoredMessage, Timestamp), DbError> {
        let offer = Offer::new(self.role, price, self.at);
        let draft = Draft {
            room: self.room.clone(),
            sender: self.member.clone(),
            client_id: client_id.cloned(),
            kind: MessageKind::Offer,
            text: None,
            data: Some(offer.to_data()),
            reply_to: None,
            sent_at: self.at,
            screened: Screened::Clean,
            by_staff: false,
        };
        let mut outcomes = Outcomes::new();
        append::write_run(conn, None, &[Write::Append(draft)], self.at, &mut outcomes)?;
        match outcomes.pop() {
            Some(Ok(Written::Appended { message, .. })) => {
                offers::insert(conn, &message, product, &offer)?;
                Ok((message, offer.expires_at))
            }
            _ => Err(DbError::Internal("an offer was checked, and then refused".to_owned())),
        }
    }
}
