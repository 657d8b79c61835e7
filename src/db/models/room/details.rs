//! Rooms with everything that a list shows of them.

use std::{collections::HashMap, ops::ControlFlow};

use diesel::{dsl::sql, sql_types::Bool};

use super::{BUYERS, BUYERS_BLOCK, RoomRow, SELLERS, SELLERS_BLOCK, with_members};
use crate::{
    db::{
        Connection, DbError,
        models::{
            message::{MessageRow, count_unread},
            offer::OfferRow,
            product::ProductRow,
            room_staff,
            user::{SwitchColumns, UserRow, settings_of},
        },
        page_bytes::Space,
        prelude::*,
        prepared::one_of,
        schema::{blocks, delivery_marks, messages, offers, products, rooms, users},
    },
    domain::{
        ListPlace, MemberMarks, Pair, Role, Room, RoomId, RoomKind, RoomSummary, Seq, Settings, StoredMessage,
        Timestamp, User, UserId, offer::StandingOffer, support,
    },
};

diesel::alias! {
    const PENDING: Alias<Pending> = offers as pending_offer;
    const ACCEPTED: Alias<Accepted> = offers as accepted_offer;
}

/// A room with all that stands next to it.
pub(in crate::db) struct RoomDetails {
    pub(in crate::db) row: RoomRow,
    pub(in crate::db) room: Room,
    pub(in crate::db) last_message: Option<StoredMessage>,
    pub(in crate::db) offer: Option<StandingOffer>,
    pub(in crate::db) members: Pair<MemberDetails>,
    pub(in crate::db) frozen: bool,
}

/// How a member stands, in addition to what the room's row says.
#[derive(Debug, Clone, Copy)]
pub(in crate::db) struct MemberDetails {
    pub(in crate::db) deleted: bool,
    pub(in crate::db) muted_until: Option<Timestamp>,
    pub(in crate::db) has_blocked: bool,
    pub(in crate::db) settings: Settings,
    pub(in crate::db) marks: MemberMarks,
}

type DetailRow = (
    RoomRow,
    bool,
    ProductRow,
    UserColumns,
    UserColumns,
    Option<i64>,
    Option<i64>,
    Option<(i64, i64)>,
    Option<MessageRow>,
    Option<OfferRow>,
    Option<OfferRow>,
);
type UserColumns = (String, String, Option<String>, Option<i64>, Option<i64>, Option<i64>, SwitchColumns);

macro_rules! user_columns {
    ($users:expr) => {
        $users.fields((
            users::id,
            users::name,
            users::avatar_url,
            users::deleted_at,
            users::muted_until,
            users::last_seen_at,
            (users::read_receipts, users::typing, users::presence, users::delivery_receipts, users::last_seen),
        ))
    };
}

macro_rules! offer_columns {
    ($offers:expr) => {
        $offers
            .fields((
                offers::message_id,
                offers::room_id,
                offers::product_id,
                offers::offered_by,
                offers::amount,
                offers::currency,
                offers::status,
                offers::expires_at,
            ))
            .nullable()
    };
}

/// One statement for a room, its product, its members, its last message, and the offer that waits there or was accepted.
macro_rules! room_details {
    () => {
        with_members!(rooms::table.inner_join(products::table.on(products::id.eq(rooms::product_id))))
            .left_join(delivery_marks::table.on(delivery_marks::room_id.eq(rooms::id)))
            .left_join(messages::table.on(messages::room_id.eq(rooms::id).and(messages::seq.eq(rooms::last_seq))))
            // Written out: with a bound status SQLite could not use the index of those that wait.
            .left_join(
                PENDING.on(PENDING
                    .field(offers::room_id)
                    .eq(rooms::id)
                    .and(sql::<Bool>("pending_offer.status = 'pending'"))),
            )
            .left_join(
                ACCEPTED.on(ACCEPTED
                    .field(offers::product_id)
                    .eq(rooms::product_id)
                    .and(ACCEPTED.field(offers::room_id).eq(rooms::id))
                    .and(sql::<Bool>("accepted_offer.status = 'accepted'"))),
            )
            .select((
                RoomRow::as_select(),
                rooms::frozen,
                ProductRow::as_select(),
                user_columns!(BUYERS),
                user_columns!(SELLERS),
                BUYERS_BLOCK.field(blocks::created_at).nullable(),
                SELLERS_BLOCK.field(blocks::created_at).nullable(),
                (delivery_marks::buyer_seq, delivery_marks::seller_seq).nullable(),
                Option::<MessageRow>::as_select(),
                offer_columns!(PENDING),
                offer_columns!(ACCEPTED),
            ))
    };
}

impl RoomDetails {
    pub(in crate::db) fn find(conn: &mut Connection, room: &RoomId) -> Result<Option<Self>, DbError> {
        let row: Option<DetailRow> = room_details!().filter(rooms::id.eq(room.as_str())).get_result(conn).optional()?;
        row.map(Self::from_row).transpose()
    }

    /// Several, by their ids. A row that this haggle can't read fails alone.
    pub(in crate::db) fn find_all(
        conn: &mut Connection,
        rooms: &[RoomId],
    ) -> Result<HashMap<String, Result<Self, DbError>>, DbError> {
        let wanted = one_of(rooms::id, rooms.iter().map(RoomId::as_str));
        let rows: Vec<DetailRow> = room_details!().filter(wanted).load(conn)?;
        Ok(rows.into_iter().map(|row| (row.0.id.clone(), Self::from_row(row))).collect())
    }

    /// Bytes that it takes as JSON, about.
    pub(in crate::db) fn weight_bytes(&self) -> usize {
        self.room.weight_bytes()
            + self.last_message.as_ref().map_or(0, StoredMessage::weight_bytes)
            + self.offer.as_ref().map_or(0, StandingOffer::weight_bytes)
    }

    /// One's own rooms in one role that stand at one place of the list, latest activity first, after a room in that order: at
    /// most `limit` and what has space, and whether one had none.
    pub(in crate::db) fn list(
        conn: &mut Connection,
        (user, role): (&UserId, Role),
        place: ListPlace,
        (active_at, id): (i64, &str),
        limit: i64,
        mut space: Space,
    ) -> Result<(Vec<Self>, bool), DbError> {
        // The first condition is what the index can use, the second what makes it exact.
        let behind = rooms::active_at.le(active_at).and(rooms::active_at.lt(active_at).or(rooms::id.lt(id.to_owned())));
        let order = (rooms::active_at.desc(), rooms::id.desc());
        let (mut found, mut is_cut) = (Vec::new(), false);
        let take = |row: DetailRow| {
            let details = Self::from_row(row);
            is_cut = details.as_ref().is_ok_and(|details| !space.takes(details.weight_bytes()));
            let is_broken = details.is_err();
            if !is_cut {
                found.push(details);
            }
            if is_cut || is_broken { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        match role {
            Role::Buyer => room_details!()
                .filter(rooms::buyer_id.eq(user.as_str()).and(rooms::buyer_place.eq(place as i64)))
                .filter(behind)
                .order(order)
                .limit(limit)
                .load_while(conn, take)?,
            Role::Seller => room_details!()
                .filter(rooms::seller_id.eq(user.as_str()).and(rooms::seller_place.eq(place as i64)))
                .filter(behind)
                .order(order)
                .limit(limit)
                .load_while(conn, take)?,
        }
        Ok((found.into_iter().collect::<Result<_, _>>()?, is_cut))
    }

    fn from_row(
        (
            row,
            frozen,
            product,
            buyer,
            seller,
            buyers_block,
            sellers_block,
            delivered,
            last,
            pending,
            accepted,
        ): DetailRow,
    ) -> Result<Self, DbError> {
        let (buyer_delivered, seller_delivered) = delivered.unwrap_or_default();
        let member = |columns: UserColumns, block: Option<i64>, read_seq: i64, delivered_seq: i64| {
            let (id, name, avatar_url, deleted_at, muted_until, last_seen_at, switches) = columns;
            let details = MemberDetails {
                deleted: deleted_at.is_some(),
                muted_until: muted_until.map(Timestamp),
                has_blocked: block.is_some(),
                settings: settings_of(switches),
                marks: MemberMarks {
                    read_seq: Seq(read_seq),
                    delivered_seq: Seq(delivered_seq.max(read_seq)),
                    last_seen_at: last_seen_at.map(Timestamp),
                },
            };
            (User::from(UserRow { id, name, avatar_url, deleted_at }), details)
        };
        let (buyer_user, buyer) = member(buyer, buyers_block, row.buyer_read_seq, buyer_delivered);
        let (seller_user, seller) = member(seller, sellers_block, row.seller_read_seq, seller_delivered);
        let product = support::shown(product.into_product()?);
        Ok(Self {
            room: Room {
                id: RoomId::from_stored(row.id.as_str()),
                kind: RoomKind::of(product.as_ref()),
                product,
                buyer: buyer_user,
                seller: seller_user,
                created_at: Timestamp(row.created_at),
            },
            last_message: last.map(MessageRow::into_stored).transpose()?,
            offer: pending.or(accepted).map(|offer| standing(&row, &offer)).transpose()?,
            row,
            members: Pair { buyer, seller },
            frozen,
        })
    }

    /// Whether nobody can say anything: one of the two has blocked the other, or was deleted.
    pub(in crate::db) const fn is_closed(&self) -> bool {
        let Pair { buyer, seller } = &self.members;
        buyer.has_blocked || seller.has_blocked || buyer.deleted || seller.deleted
    }

    /// What the two members share with each other.
    const fn shared(&self) -> Settings {
        if self.is_closed() {
            Settings::nothing()
        } else {
            self.members.buyer.settings.both(self.members.seller.settings)
        }
    }

    /// The room as one of its members sees it in their list.
    pub(in crate::db) fn into_summary(self, conn: &mut Connection, role: Role) -> Result<RoomSummary, DbError> {
        let (me, other) = (self.room.members()[role], self.room.members()[role.other()]);
        let closed = self.is_closed();
        let other_marks = self.members[role.other()].marks.shown(self.shared());
        let read_seq = self.row.read_seq(role);
        let unread = count_unread(conn, &self.row.id, me.id.as_str(), read_seq, self.row.last_seq)?;
        Ok(RoomSummary {
            other: other.clone(),
            other_marks,
            last_message: self.last_message,
            offer: self.offer,
            last_seq: Seq(self.row.last_seq),
            read_seq: Seq(read_seq),
            delivered_seq: self.members[role].marks.delivered_seq,
            unread,
            closed,
            frozen: self.frozen,
            listing: self.row.listing(role),
            staff: find_staff(conn, &self.row)?,
            room: self.room,
        })
    }
}

/// Who of the staff is in a room. Most rooms have nobody, and are not asked for.
pub(in crate::db) fn find_staff(conn: &mut Connection, room: &RoomRow) -> QueryResult<Vec<User>> {
    if room.has_staff() { room_staff::list(conn, &room.id) } else { Ok(Vec::new()) }
}

fn standing(room: &RoomRow, row: &OfferRow) -> Result<StandingOffer, DbError> {
    let offer = row.to_offer()?;
    let maker = UserId::from_stored(room.user_of(offer.offered_by));
    Ok(StandingOffer::new(row.message_id(), maker, offer))
}
