//! Rooms.

mod details;
#[cfg(feature = "postgres")]
mod postgres;
mod staff_lists;

use std::collections::{HashMap, HashSet};

use diesel::dsl::count_star;

pub(in crate::db) use self::{
    details::{MemberDetails, RoomDetails, find_staff},
    staff_lists::{list_frozen, list_joined, list_support},
};
use crate::{
    db::{
        Backend, Connection, DbError,
        prelude::*,
        prepared::{self, Value, one_of},
        schema::{blocks, room_staff, rooms, users},
    },
    domain::{
        ListPlace, Listing, Pair, ProductId, ProductStatus, Role, RoomId, StoredMessage, Timestamp, UserId,
        support::{is_desk, is_support},
    },
};

diesel::alias! {
    const BUYERS: Alias<Buyers> = users as buyers;
    const SELLERS: Alias<Sellers> = users as sellers;
    const BUYERS_BLOCK: Alias<BuyersBlock> = blocks as buyers_block;
    const SELLERS_BLOCK: Alias<SellersBlock> = blocks as sellers_block;
}

/// A room's members, and whether one has blocked the other: one look at one row for each of the four.
macro_rules! with_members {
    ($rooms:expr) => {
        $rooms
            .inner_join(BUYERS.on(BUYERS.field(users::id).eq(rooms::buyer_id)))
            .inner_join(SELLERS.on(SELLERS.field(users::id).eq(rooms::seller_id)))
            .left_join(
                BUYERS_BLOCK.on(BUYERS_BLOCK
                    .field(blocks::blocker_id)
                    .eq(rooms::buyer_id)
                    .and(BUYERS_BLOCK.field(blocks::blocked_id).eq(rooms::seller_id))),
            )
            .left_join(
                SELLERS_BLOCK.on(SELLERS_BLOCK
                    .field(blocks::blocker_id)
                    .eq(rooms::seller_id)
                    .and(SELLERS_BLOCK.field(blocks::blocked_id).eq(rooms::buyer_id))),
            )
    };
}
use with_members;

/// The bit of `member_flags` that says that a member has muted the room.
const MUTED: Pair<i64> = Pair { buyer: 1, seller: 4 };

/// The bit that says that a member has marked it as unread.
const MARKED_UNREAD: Pair<i64> = Pair { buyer: 2, seller: 8 };

/// The bit that says that members of the staff are in the room.
const HAS_STAFF: i64 = 16;

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
    buyer_place: i64,
    seller_place: i64,
    member_flags: i64,
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
            buyer_place: Listing::new(Role::Buyer).place as i64,
            seller_place: Listing::new(Role::Seller).place as i64,
            member_flags: 0,
        }
    }

    /// How it stands in a member's list.
    pub(in crate::db) fn listing(&self, role: Role) -> Listing {
        let place = Pair { buyer: self.buyer_place, seller: self.seller_place }[role];
        let has = |flag| self.member_flags & flag != 0;
        let (muted, unread) = (has(MUTED[role]), has(MARKED_UNREAD[role]));
        Listing { place: ListPlace::from_stored(place), muted, unread }
    }

    fn set_listing(&mut self, role: Role, listing: Listing) {
        let Listing { place, muted, unread } = listing;
        match role {
            Role::Buyer => self.buyer_place = place as i64,
            Role::Seller => self.seller_place = place as i64,
        }
        for (flag, is_set) in [(MUTED[role], muted), (MARKED_UNREAD[role], unread)] {
            self.member_flags = if is_set { self.member_flags | flag } else { self.member_flags & !flag };
        }
    }

    /// Whether members of the staff are in the room.
    pub(in crate::db) const fn has_staff(&self) -> bool {
        self.member_flags & HAS_STAFF != 0
    }

    pub(in crate::db) fn users(&self) -> Pair<&str> {
        Pair { buyer: &self.buyer_id, seller: &self.seller_id }
    }

    /// Nobody is the desk of a support room, not even the marketplace.
    pub(in crate::db) fn role_of(&self, user: &UserId) -> Option<Role> {
        self.users().role_where(|id| *id == user.as_str()).filter(|_| !is_desk(user.as_str()))
    }

    /// Whether a user talks with the marketplace's staff here.
    pub(in crate::db) fn is_support(&self) -> bool {
        is_support(&self.product_id)
    }

    pub(in crate::db) fn user_of(&self, role: Role) -> &str {
        self.users()[role]
    }

    pub(in crate::db) fn read_seq_mut(&mut self, role: Role) -> &mut i64 {
        match role {
            Role::Buyer => &mut self.buyer_read_seq,
            Role::Seller => &mut self.seller_read_seq,
        }
    }

    pub(in crate::db) fn read_seq(&self, role: Role) -> i64 {
        Pair { buyer: self.buyer_read_seq, seller: self.seller_read_seq }[role]
    }
}

/// What a member may do, in addition to their place in the room.
#[derive(Debug, Clone, Copy)]
struct Standing {
    deleted: bool,
    muted_until: Option<i64>,
    banned_until: Option<i64>,
    has_blocked: bool,
}

/// A room that this transaction alone may write, and how its members stand.
#[derive(Debug)]
pub(in crate::db) struct LockedRoom {
    pub(in crate::db) row: RoomRow,
    members: Pair<Standing>,
    /// Staff lets nobody say anything here.
    frozen: bool,
    /// Whether the row must be written back.
    pub(in crate::db) changed: bool,
    /// Whether it stands otherwise in a member's list, which must be written back, too.
    listing_changed: bool,
}

/// Why somebody can't say anything in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::db) enum Silenced {
    /// No member, or one who was deleted.
    Stranger,
    /// One of the two has blocked the other, or the other was deleted.
    Blocked,
    /// The marketplace has frozen the room.
    Frozen,
    /// The marketplace has muted them.
    MutedUntil(Timestamp),
    /// The marketplace has banned them.
    BannedUntil(Timestamp),
}

impl LockedRoom {
    /// Which member somebody is; `None` for strangers and for deleted users.
    pub(in crate::db) fn active_role_of(&self, user: &UserId) -> Option<Role> {
        self.row.role_of(user).filter(|role| !self.members[*role].deleted)
    }

    /// Which member somebody is who may say something now.
    pub(in crate::db) fn speaker(&self, user: &UserId, at: Timestamp) -> Result<Role, Silenced> {
        let role = self.active_role_of(user).ok_or(Silenced::Stranger)?;
        if let Some(until) = self.members[role].banned_until.map(Timestamp).filter(|until| *until > at) {
            return Err(Silenced::BannedUntil(until));
        }
        if self.is_closed() {
            return Err(Silenced::Blocked);
        }
        self.check_not_frozen()?;
        match self.muted_until(role, at) {
            Some(until) => Err(Silenced::MutedUntil(until)),
            None => Ok(role),
        }
    }

    /// Refuses a change in a frozen room.
    pub(in crate::db) fn check_not_frozen(&self) -> Result<(), Silenced> {
        if self.frozen { Err(Silenced::Frozen) } else { Ok(()) }
    }

    /// Whether the room stands elsewhere in a member's list now.
    pub(in crate::db) fn changes_lists(&self) -> bool {
        self.listing_changed
    }

    /// Whether nobody can say anything: one of the two has blocked the other, or was deleted.
    pub(in crate::db) fn is_closed(&self) -> bool {
        self.members.iter().any(|(_, member)| member.has_blocked || member.deleted)
    }

    /// Says how the room stands in a member's list. Returns whether it stood otherwise.
    pub(in crate::db) fn set_listing(&mut self, role: Role, listing: Listing) -> bool {
        let changed = self.row.listing(role) != listing;
        if changed {
            self.row.set_listing(role, listing);
            (self.changed, self.listing_changed) = (true, true);
        }
        changed
    }

    /// A message changes how the room stands in its members' lists.
    pub(in crate::db) fn list_message(&mut self, message: &StoredMessage) {
        for role in Role::BOTH {
            let listing = self.row.listing(role);
            // The rule, and not its question whether the message is news, is what most rooms need.
            if listing.place >= ListPlace::Listed && !listing.unread {
                continue;
            }
            let member = UserId::from_stored(self.row.user_of(role));
            self.set_listing(role, listing.after_message(message, &member));
        }
    }

    /// Until when a member can't say anything; `None` for one who can now.
    pub(in crate::db) fn muted_until(&self, role: Role, at: Timestamp) -> Option<Timestamp> {
        self.members[role].muted_until.map(Timestamp).filter(|until| *until > at)
    }
}

/// The rooms with these ids, locked until the transaction ends. In SQLite an immediate transaction is that lock.
pub(in crate::db) fn lock(conn: &mut Connection, ids: &[&str]) -> QueryResult<HashMap<String, LockedRoom>> {
    type StandingColumns = (Option<i64>, Option<i64>, Option<i64>);
    type LockedRow = (RoomRow, bool, StandingColumns, StandingColumns, Option<i64>, Option<i64>);
    let rows: Vec<LockedRow> = with_members!(rooms::table)
        .filter(one_of(rooms::id, ids.iter().copied()))
        .select((
            RoomRow::as_select(),
            rooms::frozen,
            BUYERS.fields((users::deleted_at, users::muted_until, users::banned_until)),
            SELLERS.fields((users::deleted_at, users::muted_until, users::banned_until)),
            BUYERS_BLOCK.field(blocks::created_at).nullable(),
            SELLERS_BLOCK.field(blocks::created_at).nullable(),
        ))
        .load(conn)?;
    let standing = |(deleted_at, muted_until, banned_until): StandingColumns, block: Option<i64>| Standing {
        deleted: deleted_at.is_some(),
        muted_until,
        banned_until,
        has_blocked: block.is_some(),
    };
    Ok(rows
        .into_iter()
        .map(|(row, frozen, buyer, seller, buyers_block, sellers_block)| {
            let members = Pair { buyer: standing(buyer, buyers_block), seller: standing(seller, sellers_block) };
            (row.id.clone(), LockedRoom { row, members, frozen, changed: false, listing_changed: false })
        })
        .collect())
}

/// Writes back what messages and readers moved.
pub(in crate::db) fn save<'a>(conn: &mut Connection, rooms: impl Iterator<Item = &'a LockedRoom>) -> QueryResult<()> {
    let mut rooms: Vec<&LockedRoom> = rooms.filter(|room| room.changed).collect();
    // Neighbours in the table one after the other.
    rooms.sort_unstable_by(|a, b| a.row.id.cmp(&b.row.id));
    for room in rooms.iter().filter(|room| room.listing_changed) {
        save_listings(conn, &room.row)?;
    }
    let rooms: Vec<&RoomRow> = rooms.into_iter().map(|room| &room.row).collect();
    match conn {
        Connection::Sqlite(conn) => rooms.iter().try_for_each(|room| save_row(conn, room)),
        #[cfg(feature = "postgres")]
        Connection::Postgres(conn) => postgres::save(conn, &rooms),
    }
}

/// By itself: hardly any message changes how its room stands in a list.
fn save_listings(conn: &mut Connection, room: &RoomRow) -> QueryResult<()> {
    diesel::update(rooms::table.find(&room.id))
        .set((
            rooms::buyer_place.eq(room.buyer_place),
            rooms::seller_place.eq(room.seller_place),
            rooms::member_flags.eq(room.member_flags),
        ))
        .execute(conn)?;
    Ok(())
}

/// See [`save`].
struct SaveRoom;

impl prepared::Statement for SaveRoom {
    const SQL: &'static str = "UPDATE rooms SET created_at = ?, active_at = ?, last_seq = ?, buyer_read_seq = ?, \
                               seller_read_seq = ? WHERE id = ?";
}

fn save_row(conn: &mut SqliteConnection, room: &RoomRow) -> QueryResult<()> {
    let numbers = [room.created_at, room.active_at, room.last_seq, room.buyer_read_seq, room.seller_read_seq];
    let [created_at, active_at, last_seq, buyer_read_seq, seller_read_seq] = numbers.map(Value::Number);
    let values = [created_at, active_at, last_seq, buyer_read_seq, seller_read_seq, Value::Text(&room.id)];
    prepared::run::<SaveRoom, _>(conn, values)?;
    Ok(())
}

/// Freezes a room, or unfreezes it. Returns whether that is something else than before; `None` when there is no such room.
pub(in crate::db) fn set_frozen(conn: &mut Connection, room: &RoomId, frozen: bool) -> QueryResult<Option<bool>> {
    let before = is_frozen(conn, room)?;
    if before.is_some_and(|before| before != frozen) {
        diesel::update(rooms::table.find(room.as_str())).set(rooms::frozen.eq(frozen)).execute(conn)?;
    }
    Ok(before.map(|before| before != frozen))
}

/// Says whether members of the staff are in a room.
pub(in crate::db) fn set_has_staff(conn: &mut Connection, room: &RoomRow, has_staff: bool) -> QueryResult<()> {
    let flags = if has_staff { room.member_flags | HAS_STAFF } else { room.member_flags & !HAS_STAFF };
    if flags != room.member_flags {
        diesel::update(rooms::table.find(&room.id)).set(rooms::member_flags.eq(flags)).execute(conn)?;
    }
    Ok(())
}

/// Whether a room is frozen; `None` when there is no such room.
pub(in crate::db) fn is_frozen(conn: &mut Connection, room: &RoomId) -> QueryResult<Option<bool>> {
    rooms::table.find(room.as_str()).select(rooms::frozen).get_result(conn).optional()
}

/// The buyers of a product's rooms after one of them, and the rooms, by buyer.
pub(in crate::db) fn list_by_product(
    conn: &mut Connection,
    product: &ProductId,
    after: &str,
    limit: i64,
) -> QueryResult<Vec<(String, String)>> {
    rooms::table
        .filter(rooms::product_id.eq(product.as_str()).and(rooms::buyer_id.gt(after)))
        .order(rooms::buyer_id)
        .limit(limit)
        .select((rooms::buyer_id, rooms::id))
        .load(conn)
}

/// Adds a room of a product that stands like this.
pub(in crate::db) fn insert(conn: &mut Connection, room: &RoomRow, status: ProductStatus) -> QueryResult<()> {
    // Support is no way around the marketplace.
    let contact_allowed = rooms::contact_allowed.eq(room.is_support());
    let values = (room, rooms::notified_status.eq(status.as_str()), contact_allowed);
    diesel::insert_into(rooms::table).values(values).execute(conn)?;
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

/// How far a member has read; `None` for strangers, and when there is no such room.
pub(in crate::db) fn find_read_seq(conn: &mut Connection, room: &str, member: &UserId) -> QueryResult<Option<i64>> {
    let row: Option<RoomRow> = rooms::table.find(room).select(RoomRow::as_select()).get_result(conn).optional()?;
    Ok(row.and_then(|row| row.role_of(member).map(|role| row.read_seq(role))))
}

/// How a room stands in a member's list; `None` for strangers, and when there is no such room.
pub(in crate::db) fn find_listing(conn: &mut Connection, room: &str, member: &UserId) -> QueryResult<Option<Listing>> {
    let row: Option<RoomRow> = rooms::table.find(room).select(RoomRow::as_select()).get_result(conn).optional()?;
    Ok(row.and_then(|row| row.role_of(member).map(|role| row.listing(role))))
}

/// Whether a product has rooms.
pub(in crate::db) fn has_rooms(conn: &mut Connection, product: &ProductId) -> QueryResult<bool> {
    let found = rooms::table.filter(rooms::product_id.eq(product.as_str())).limit(1).select(rooms::id);
    Ok(found.get_result::<String>(conn).optional()?.is_some())
}

/// The rooms of a user in one role after an id, by id.
pub(in crate::db) fn list_by_role(
    conn: &mut Connection,
    user: &UserId,
    role: Role,
    after: &str,
    limit: i64,
) -> QueryResult<Vec<RoomRow>> {
    let behind = rooms::table.filter(rooms::id.gt(after)).order(rooms::id).limit(limit).select(RoomRow::as_select());
    match role {
        Role::Buyer => behind.filter(rooms::buyer_id.eq(user.as_str())).load(conn),
        Role::Seller => behind.filter(rooms::seller_id.eq(user.as_str())).load(conn),
    }
}

/// The rooms after an id in which somebody is or was as a member of the staff, by id.
pub(in crate::db) fn list_by_staff(
    conn: &mut Connection,
    user: &UserId,
    after: &str,
    limit: i64,
) -> QueryResult<Vec<RoomRow>> {
    room_staff::table
        .inner_join(rooms::table)
        .filter(room_staff::user_id.eq(user.as_str()).and(room_staff::room_id.gt(after)))
        .order(room_staff::room_id)
        .limit(limit)
        .select(RoomRow::as_select())
        .load(conn)
}

/// Whether there is such a room.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn has_room(conn: &mut Connection, room: &RoomId) -> Result<bool, DbError> {
    Ok(is_frozen(conn, room)?.is_some())
}

/// The rooms of a user in one role at one place of their list, latest activity first.
pub(in crate::db) fn list_latest(
    conn: &mut Connection,
    user: &UserId,
    role: Role,
    place: ListPlace,
    limit: i64,
) -> QueryResult<Vec<RoomRow>> {
    let latest = rooms::table.order((rooms::active_at.desc(), rooms::id.desc())).limit(limit);
    let latest = latest.select(RoomRow::as_select());
    let (user, place) = (user.as_str(), place as i64);
    match role {
        Role::Buyer => latest.filter(rooms::buyer_id.eq(user).and(rooms::buyer_place.eq(place))).load(conn),
        Role::Seller => latest.filter(rooms::seller_id.eq(user).and(rooms::seller_place.eq(place))).load(conn),
    }
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
