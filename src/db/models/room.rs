//! Rooms.

use std::collections::{HashMap, HashSet};

use diesel::{
    dsl::count_star,
    prelude::*,
    sql_types::{BigInt, Text},
};

use super::{
    message::{MessageRow, count_unread},
    product::ProductRow,
    user::UserRow,
};
use crate::{
    db::{
        Backend, Connection, DbError,
        schema::{messages, products, rooms, users},
    },
    domain::{ProductId, Role, Room, RoomId, RoomSummary, Seq, StoredMessage, Timestamp, User, UserId},
};

diesel::alias! {
    const BUYERS: Alias<Buyers> = users as buyers;
    const SELLERS: Alias<Sellers> = users as sellers;
}

/// The room's columns that messages and readers move, and who may.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = rooms, check_for_backend(Backend))]
pub(in crate::db) struct RoomRow {
    pub(in crate::db) id: String,
    pub(in crate::db) product_id: String,
    pub(in crate::db) buyer_id: String,
    pub(in crate::db) seller_id: String,
    pub(in crate::db) created_at: i64,
    pub(in crate::db) active_at: i64,
    pub(in crate::db) last_seq: i64,
    pub(in crate::db) buyer_read_seq: i64,
    pub(in crate::db) seller_read_seq: i64,
}

impl RoomRow {
    /// A room in which nobody has said anything.
    pub(in crate::db) fn new(id: &RoomId, product: &ProductId, buyer: &UserId, seller: &UserId, at: Timestamp) -> Self {
        Self {
            id: id.as_str().to_owned(),
            product_id: product.as_str().to_owned(),
            buyer_id: buyer.as_str().to_owned(),
            seller_id: seller.as_str().to_owned(),
            created_at: at.0,
            active_at: at.0,
            last_seq: 0,
            buyer_read_seq: 0,
            seller_read_seq: 0,
        }
    }

    pub(in crate::db) fn role_of(&self, user: &UserId) -> Option<Role> {
        if self.buyer_id == user.as_str() {
            Some(Role::Buyer)
        } else if self.seller_id == user.as_str() {
            Some(Role::Seller)
        } else {
            None
        }
    }

    pub(in crate::db) fn read_seq_mut(&mut self, role: Role) -> &mut i64 {
        match role {
            Role::Buyer => &mut self.buyer_read_seq,
            Role::Seller => &mut self.seller_read_seq,
        }
    }

    fn read_seq(&self, role: Role) -> i64 {
        match role {
            Role::Buyer => self.buyer_read_seq,
            Role::Seller => self.seller_read_seq,
        }
    }
}

/// A room that this transaction alone may write, and which of its members were deleted.
#[derive(Debug)]
pub(in crate::db) struct LockedRoom {
    pub(in crate::db) row: RoomRow,
    buyer_deleted: bool,
    seller_deleted: bool,
    /// Whether the row must be written back.
    pub(in crate::db) changed: bool,
}

impl LockedRoom {
    /// Which member somebody is; `None` for strangers and for deleted users.
    pub(in crate::db) fn active_role_of(&self, user: &UserId) -> Option<Role> {
        self.row.role_of(user).filter(|role| match role {
            Role::Buyer => !self.buyer_deleted,
            Role::Seller => !self.seller_deleted,
        })
    }
}

/// The rooms with these ids, locked until the transaction ends. In SQLite an immediate transaction is that lock.
pub(in crate::db) fn lock(conn: &mut Connection, ids: &[&str]) -> QueryResult<HashMap<String, LockedRoom>> {
    let rows: Vec<(RoomRow, Option<i64>, Option<i64>)> = rooms::table
        .inner_join(BUYERS.on(BUYERS.field(users::id).eq(rooms::buyer_id)))
        .inner_join(SELLERS.on(SELLERS.field(users::id).eq(rooms::seller_id)))
        .filter(rooms::id.eq_any(ids.iter().copied()))
        .select((RoomRow::as_select(), BUYERS.field(users::deleted_at), SELLERS.field(users::deleted_at)))
        .load(conn)?;
    Ok(rows
        .into_iter()
        .map(|(row, buyer, seller)| {
            let room =
                LockedRoom { row, buyer_deleted: buyer.is_some(), seller_deleted: seller.is_some(), changed: false };
            (room.row.id.clone(), room)
        })
        .collect())
}

/// Writes back what messages and readers moved, a hundred rooms a statement: diesel prepares an UPDATE each time anew.
pub(in crate::db) fn save<'a>(conn: &mut Connection, rooms: impl Iterator<Item = &'a LockedRoom>) -> QueryResult<()> {
    let mut rooms: Vec<&RoomRow> = rooms.filter(|room| room.changed).map(|room| &room.row).collect();
    // Neighbours in the table one after the other.
    rooms.sort_unstable_by(|a, b| a.id.cmp(&b.id));
    for rooms in rooms.chunks(128) {
        let rows = vec!["(?,?,?,?,?,?)"; rooms.len()].join(",");
        let mut query = diesel::sql_query(format!(
            "WITH moved (id, created_at, active_at, last_seq, buyer_read_seq, seller_read_seq) AS (VALUES {rows}) \
             UPDATE rooms SET created_at = moved.created_at, active_at = moved.active_at, last_seq = moved.last_seq, \
             buyer_read_seq = moved.buyer_read_seq, seller_read_seq = moved.seller_read_seq \
             FROM moved WHERE rooms.id = moved.id",
        ))
        .into_boxed();
        for room in rooms {
            query = query.bind::<Text, _>(&room.id);
            for number in [room.created_at, room.active_at, room.last_seq, room.buyer_read_seq, room.seller_read_seq] {
                query = query.bind::<BigInt, _>(number);
            }
        }
        query.execute(conn)?;
    }
    Ok(())
}

pub(in crate::db) fn insert(conn: &mut Connection, room: &RoomRow) -> QueryResult<()> {
    diesel::insert_into(rooms::table).values(room).execute(conn)?;
    Ok(())
}

/// The room of a buyer and a product.
pub(in crate::db) fn find_by_product(
    conn: &mut Connection,
    product: &ProductId,
    buyer: &UserId,
) -> QueryResult<Option<RoomRow>> {
    rooms::table
        .filter(rooms::product_id.eq(product.as_str()).and(rooms::buyer_id.eq(buyer.as_str())))
        .select(RoomRow::as_select())
        .get_result(conn)
        .optional()
}

pub(in crate::db) fn list_ids_by_product(conn: &mut Connection, product: &str) -> QueryResult<Vec<String>> {
    rooms::table.filter(rooms::product_id.eq(product)).order(rooms::buyer_id).select(rooms::id).load(conn)
}

/// The rooms of a user: as a buyer, then as a seller.
pub(in crate::db) fn list_ids_by_member(conn: &mut Connection, user: &UserId) -> QueryResult<Vec<String>> {
    let mut ids: Vec<String> = rooms::table.filter(rooms::buyer_id.eq(user.as_str())).select(rooms::id).load(conn)?;
    ids.extend(rooms::table.filter(rooms::seller_id.eq(user.as_str())).select(rooms::id).load::<String>(conn)?);
    Ok(ids)
}

/// Whether somebody is one of a room's two members, and was not deleted. One look at one row for each.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn is_member(conn: &mut Connection, room: &RoomId, user: &UserId) -> Result<bool, DbError> {
    let found: i64 = rooms::table
        .inner_join(users::table.on(users::id.eq(user.as_str())))
        .filter(rooms::id.eq(room.as_str()))
        .filter(rooms::buyer_id.eq(users::id).or(rooms::seller_id.eq(users::id)))
        .filter(users::deleted_at.is_null())
        .select(count_star())
        .get_result(conn)?;
    Ok(found > 0)
}

/// Lets the two members of a room exchange telephone numbers and the like: for the transaction that accepts an offer.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn allow_contact(conn: &mut Connection, room: &RoomId) -> Result<(), DbError> {
    diesel::update(rooms::table.find(room.as_str())).set(rooms::contact_allowed.eq(true)).execute(conn)?;
    Ok(())
}

/// Those of these rooms in which telephone numbers and the like may be exchanged.
pub(in crate::db) fn list_contact_allowed(conn: &mut Connection, rooms: &[&str]) -> QueryResult<HashSet<String>> {
    let allowed = rooms::table
        .filter(rooms::id.eq_any(rooms.iter().copied()).and(rooms::contact_allowed.eq(true)))
        .select(rooms::id)
        .load(conn)?;
    Ok(allowed.into_iter().collect())
}

/// A room with all that stands beside it.
pub(in crate::db) struct RoomDetails {
    pub(in crate::db) row: RoomRow,
    pub(in crate::db) room: Room,
    pub(in crate::db) last_message: Option<StoredMessage>,
    pub(in crate::db) buyer_deleted: bool,
    pub(in crate::db) seller_deleted: bool,
}

pub(in crate::db) type DetailRow = (RoomRow, ProductRow, UserColumns, UserColumns, Option<MessageRow>);
type UserColumns = (String, String, Option<String>, Option<i64>);

/// One statement for a room, its product, its members and its last message.
macro_rules! room_details {
    () => {
        rooms::table
            .inner_join(products::table.on(products::id.eq(rooms::product_id)))
            .inner_join(BUYERS.on(BUYERS.field(users::id).eq(rooms::buyer_id)))
            .inner_join(SELLERS.on(SELLERS.field(users::id).eq(rooms::seller_id)))
            .left_join(messages::table.on(messages::room_id.eq(rooms::id).and(messages::seq.eq(rooms::last_seq))))
            .select((
                RoomRow::as_select(),
                ProductRow::as_select(),
                BUYERS.fields((users::id, users::name, users::avatar_url, users::deleted_at)),
                SELLERS.fields((users::id, users::name, users::avatar_url, users::deleted_at)),
                Option::<MessageRow>::as_select(),
            ))
    };
}

impl RoomDetails {
    pub(in crate::db) fn find(conn: &mut Connection, room: &RoomId) -> Result<Option<Self>, DbError> {
        let row: Option<DetailRow> = room_details!().filter(rooms::id.eq(room.as_str())).get_result(conn).optional()?;
        row.map(Self::from_row).transpose()
    }

    /// One's own rooms in one role, latest activity first, behind a place in that order.
    pub(in crate::db) fn list(
        conn: &mut Connection,
        user: &UserId,
        role: Role,
        (active_at, id): (i64, &str),
        limit: i64,
    ) -> Result<Vec<Self>, DbError> {
        // The first condition is what the index can use, the second what makes it exact.
        let behind = rooms::active_at.le(active_at).and(rooms::active_at.lt(active_at).or(rooms::id.lt(id.to_owned())));
        let order = (rooms::active_at.desc(), rooms::id.desc());
        let rows: Vec<DetailRow> = match role {
            Role::Buyer => room_details!()
                .filter(rooms::buyer_id.eq(user.as_str()))
                .filter(behind)
                .order(order)
                .limit(limit)
                .load(conn)?,
            Role::Seller => room_details!()
                .filter(rooms::seller_id.eq(user.as_str()))
                .filter(behind)
                .order(order)
                .limit(limit)
                .load(conn)?,
        };
        rows.into_iter().map(Self::from_row).collect()
    }

    fn from_row((row, product, buyer, seller, last): DetailRow) -> Result<Self, DbError> {
        let user = |(id, name, avatar_url, deleted_at): UserColumns| {
            let deleted = deleted_at.is_some();
            (User::from(UserRow { id, name, avatar_url, deleted_at }), deleted)
        };
        let (buyer, buyer_deleted) = user(buyer);
        let (seller, seller_deleted) = user(seller);
        Ok(Self {
            room: Room {
                id: RoomId::from_stored(row.id.as_str()),
                product: product.into_product()?,
                buyer,
                seller,
                created_at: Timestamp(row.created_at),
            },
            last_message: last.map(MessageRow::into_stored).transpose()?,
            row,
            buyer_deleted,
            seller_deleted,
        })
    }

    /// The room as one of its members sees it in their list.
    pub(in crate::db) fn into_summary(self, conn: &mut Connection, role: Role) -> Result<RoomSummary, DbError> {
        let (me, other) = match role {
            Role::Buyer => (&self.room.buyer, &self.room.seller),
            Role::Seller => (&self.room.seller, &self.room.buyer),
        };
        let read_seq = self.row.read_seq(role);
        let unread = count_unread(conn, &self.row.id, me.id.as_str(), read_seq, self.row.last_seq)?;
        Ok(RoomSummary {
            other: other.clone(),
            last_message: self.last_message,
            last_seq: Seq(self.row.last_seq),
            read_seq: Seq(read_seq),
            unread,
            room: self.room,
        })
    }
}
