//! One's own rooms: pinned ones first, then by latest activity. The archive is a list of its own.

use std::fmt;

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};

use super::{Connection, DbError, models::room::RoomDetails, page_bytes::Space};
use crate::domain::{ListPlace, Role, RoomId, RoomSummary, UserId, support::is_desk};

/// Marks the cursor of a pinned room. No hexadecimal digit.
const PINNED_MARK: char = 'p';

/// A place in one's list of rooms: the page goes on after it.
///
/// As text it is opaque, and made of characters that need no escape in a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomCursor {
    is_pinned: bool,
    active_at: i64,
    room: RoomId,
}

/// A text that is no cursor of haggle's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("`cursor` must be the `nextCursor` of the page before")]
pub struct InvalidCursor;

impl fmt::Display for RoomCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_pinned {
            write!(f, "{PINNED_MARK}")?;
        }
        write!(f, "{:016x}{}", self.active_at, HEXLOWER.encode(self.room.as_str().as_bytes()))
    }
}

impl std::str::FromStr for RoomCursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let digits = text.strip_prefix(PINNED_MARK);
        let bytes = HEXLOWER_PERMISSIVE.decode(digits.unwrap_or(text).as_bytes()).map_err(|_| InvalidCursor)?;
        let (active_at, room) = bytes.split_first_chunk().ok_or(InvalidCursor)?;
        let active_at = i64::from_be_bytes(*active_at);
        let room = String::from_utf8(room.to_vec()).map_err(|_| InvalidCursor)?;
        Ok(Self { is_pinned: digits.is_some(), active_at, room: RoomId::new(room).map_err(|_| InvalidCursor)? })
    }
}

/// Which of one's rooms are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoomList {
    /// Those that are not archived.
    Inbox,
    /// The archived ones.
    Archive,
}

impl RoomList {
    /// The places that are left after a cursor, in their order.
    fn places_after(self, cursor: Option<&RoomCursor>) -> &'static [ListPlace] {
        match (self, cursor) {
            (Self::Archive, _) => &[ListPlace::Archived],
            (Self::Inbox, Some(cursor)) if !cursor.is_pinned => &[ListPlace::Listed],
            (Self::Inbox, _) => &[ListPlace::Pinned, ListPlace::Listed],
        }
    }
}

/// Where a room stands in the order of a list, the first one last.
type Rank = (bool, i64, String);

fn rank_of(room: &RoomDetails, place: ListPlace) -> Rank {
    (place == ListPlace::Pinned, room.row.active_at, room.row.id.clone())
}

/// A page of `user`'s rooms as buyer and as seller, pinned ones first, then latest activity first, and where the next one
/// goes on. It ends early where its rooms weigh more than `bytes_max`; one room is on it whatever it weighs.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn list_rooms(
    conn: &mut Connection,
    user: &UserId,
    list: RoomList,
    cursor: Option<&RoomCursor>,
    limit: i64,
    bytes_max: usize,
) -> Result<(Vec<RoomSummary>, Option<RoomCursor>), DbError> {
    // To everybody there is no such user.
    if is_desk(user.as_str()) {
        return Ok((Vec::new(), None));
    }
    let limit = limit.max(1);
    conn.transaction(|conn| {
        let mut rooms: Vec<(Role, Rank, RoomDetails)> = Vec::new();
        // Where a half was cut, the page must not go on: its next room was not read.
        let mut cut: Option<Rank> = None;
        for place in list.places_after(cursor) {
            if cut.is_some() || rooms.len() as i64 > limit {
                break;
            }
            let after = cursor.filter(|cursor| cursor.is_pinned == (*place == ListPlace::Pinned));
            let after = after.map_or((i64::MAX, ""), |cursor| (cursor.active_at, cursor.room.as_str()));
            // Two halves, each along its own index; an OR over both would sort all of one's rooms.
            for role in Role::BOTH {
                let space = Space::of(bytes_max);
                let (half, is_cut) = RoomDetails::list(conn, (user, role), *place, after, limit + 1, space)?;
                cut = cut.max(half.last().filter(|_| is_cut).map(|last| rank_of(last, *place)));
                rooms.extend(half.into_iter().map(|room| (role, rank_of(&room, *place), room)));
            }
        }
        rooms.sort_by(|(_, one, _), (_, other, _)| other.cmp(one));
        let read = rooms.len();
        let mut space = Space::of(bytes_max);
        let fits = |rank: &Rank| cut.as_ref().is_none_or(|cut| rank >= cut);
        let count = rooms.iter().take_while(|(_, rank, room)| fits(rank) && space.takes(room.weight_bytes())).count();
        rooms.truncate(count.min(usize::try_from(limit).unwrap_or(usize::MAX)));
        let more = rooms.len() < read || cut.is_some();
        let next = rooms.last().filter(|_| more).map(|(_, (is_pinned, active_at, _), last)| RoomCursor {
            is_pinned: *is_pinned,
            active_at: *active_at,
            room: last.room.id.clone(),
        });
        let page =
            rooms.into_iter().map(|(role, _, room)| room.into_summary(conn, role)).collect::<Result<Vec<_>, _>>()?;
        Ok((page, next))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        db::{
            Write, WriteError, Written, find_room, load_room,
            test_db::{NOW, TestDb, draft, product, read, room, say, user, user_id, write},
        },
        domain::{Draft, Listing, Product, ProductId, RoomSettingsPatch, Seq, StoredMessage, offer::Price},
    };

    #[test]
    fn a_page_has_space_for_the_offers_that_stand() {
        let db = TestDb::new();
        let conn = &mut db.conn();
        let price = Price { amount: 100, currency: "USD".to_owned() };
        for i in 0..6 {
            let id = ProductId::new(format!("p{i}")).unwrap();
            let product = Product { id, ..product("bike") };
            write(conn, Write::PutProduct { keeps_status: false, product, at: NOW }).unwrap();
            let room = room(conn, "alice", &format!("p{i}"));
            let maker = user_id("alice");
            write(conn, Write::MakeOffer { room, maker, price: price.clone(), client_id: None, at: NOW }).unwrap();
        }
        let weight = |room: &RoomSummary| {
            let (message, offer) = (room.last_message.as_ref().unwrap(), room.offer.as_ref().unwrap());
            assert!(offer.weight_bytes() >= serde_json::to_vec(offer).unwrap().len(), "{offer:?}");
            room.room.weight_bytes() + message.weight_bytes() + offer.weight_bytes()
        };
        let whole = list_rooms(conn, &user_id("alice"), RoomList::Inbox, None, 10, usize::MAX).unwrap().0;
        let bytes: usize = whole.iter().map(weight).sum();
        for (bytes_max, count) in [(bytes, 6), (bytes - 1, 5)] {
            assert_eq!(
                list_rooms(conn, &user_id("alice"), RoomList::Inbox, None, 10, bytes_max).unwrap().0.len(),
                count
            );
        }
    }

    #[test]
    fn ones_rooms_come_latest_first_and_pages_meet() {
        let db = TestDb::new();
        let conn = &mut db.conn();
        // carol sells 8 things, and asks for one of bob's.
        let mut expected = Vec::new();
        for i in 0..8 {
            let id = ProductId::new(format!("p{i}")).unwrap();
            write(conn, Write::PutProduct { keeps_status: false, product: Product { id, ..product("bike") }, at: NOW })
                .unwrap();
            let room = room(conn, "alice", &format!("p{i}"));
            say(conn, &room, "alice", "hi");
            expected.push((NOW.0, room));
        }
        let boat = Product { id: ProductId::new("boat").unwrap(), seller_id: user_id("bob"), ..product("bike") };
        write(conn, Write::PutProduct { keeps_status: false, product: boat, at: NOW }).unwrap();
        expected.push((NOW.0, room(conn, "carol", "boat")));
        // Some are said something in; two at the same moment.
        for (index, ms) in [(3, 10), (8, 10), (5, 20)] {
            let at = NOW.plus_ms(ms);
            let draft = Draft { sent_at: at, ..draft(&expected[index].1, "carol", "hi", None) };
            write(conn, Write::Append(draft)).unwrap();
            expected[index].0 = at.0;
        }
        expected.sort_by(|a, b| b.cmp(a));
        let expected: Vec<RoomId> = expected.into_iter().map(|(_, room)| room).collect();

        let weight = |page: &[RoomSummary]| -> usize {
            let message = |room: &RoomSummary| room.last_message.as_ref().map_or(0, StoredMessage::weight_bytes);
            page.iter().map(|room| room.room.weight_bytes() + message(room)).sum()
        };
        let by_count = (1..=10).map(|limit| (limit, usize::MAX));
        let by_bytes = [0, 1000, 1500, 2000, 2500, 3000, 4000, 6000].map(|bytes| (10, bytes));
        for (limit, bytes_max) in by_count.chain(by_bytes) {
            let (mut seen, mut cursor) = (Vec::new(), None);
            loop {
                let (page, next) =
                    list_rooms(conn, &user_id("carol"), RoomList::Inbox, cursor.as_ref(), limit, bytes_max).unwrap();
                assert!(page.len() <= usize::try_from(limit).unwrap());
                assert!(page.len() == 1 || weight(&page) <= bytes_max, "{bytes_max}");
                seen.extend(page.into_iter().map(|summary| summary.room.id));
                // As text and back, as a client sends it.
                cursor = next.map(|next| next.to_string().parse().unwrap());
                if cursor.is_none() {
                    break;
                }
            }
            assert_eq!(seen, expected, "{limit} {bytes_max}");
        }
        assert_eq!(
            list_rooms(conn, &user_id("mallory"), RoomList::Inbox, None, 10, usize::MAX).unwrap(),
            (vec![], None)
        );
    }

    fn set(conn: &mut Connection, room: &RoomId, member: &str, patch: RoomSettingsPatch) {
        write(conn, Write::SetRoomSettings { room: room.clone(), member: user_id(member), patch }).unwrap();
    }

    /// All pages of a list, so many rooms on each.
    fn all(conn: &mut Connection, user: &str, list: RoomList, limit: i64) -> Vec<RoomSummary> {
        let (mut rooms, mut cursor) = (Vec::new(), None);
        loop {
            let (page, next) = list_rooms(conn, &user_id(user), list, cursor.as_ref(), limit, usize::MAX).unwrap();
            rooms.extend(page);
            cursor = next.map(|next| next.to_string().parse().unwrap());
            if cursor.is_none() {
                return rooms;
            }
        }
    }

    fn ids(rooms: Vec<RoomSummary>) -> Vec<RoomId> {
        rooms.into_iter().map(|room| room.room.id).collect()
    }

    const NONE: RoomSettingsPatch = RoomSettingsPatch { archived: None, muted: None, pinned: None, unread: None };

    #[test]
    fn pinned_rooms_come_first_archived_ones_apart_and_pages_meet() {
        let db = TestDb::new();
        let conn = &mut db.conn();
        let rooms: Vec<RoomId> = (0..7)
            .map(|i| {
                let id = ProductId::new(format!("p{i}")).unwrap();
                let product = Product { id, ..product("bike") };
                write(conn, Write::PutProduct { keeps_status: false, product, at: NOW }).unwrap();
                let room = room(conn, "alice", &format!("p{i}"));
                let draft = Draft { sent_at: NOW.plus_ms(i), ..draft(&room, "carol", "hi", None) };
                write(conn, Write::Append(draft)).unwrap();
                room
            })
            .collect();
        for pinned in [1, 4] {
            set(conn, &rooms[pinned], "alice", RoomSettingsPatch { pinned: Some(true), ..NONE });
        }
        for archived in [0, 5] {
            set(conn, &rooms[archived], "alice", RoomSettingsPatch { archived: Some(true), ..NONE });
        }
        let expect = |order: &[usize]| order.iter().map(|place| rooms[*place].clone()).collect::<Vec<_>>();
        for limit in 1..9 {
            assert_eq!(ids(all(conn, "alice", RoomList::Inbox, limit)), expect(&[4, 1, 6, 3, 2]), "{limit}");
            assert_eq!(ids(all(conn, "alice", RoomList::Archive, limit)), expect(&[5, 0]), "{limit}");
            assert_eq!(ids(all(conn, "carol", RoomList::Inbox, limit)), expect(&[6, 5, 4, 3, 2, 1, 0]), "{limit}");
        }
        assert_eq!(ids(all(conn, "carol", RoomList::Archive, 9)), []);

        // One's own words leave a room in the archive, and the other member's take it out.
        say(conn, &rooms[5], "alice", "well");
        assert_eq!(ids(all(conn, "alice", RoomList::Archive, 9)), expect(&[5, 0]));
        say(conn, &rooms[5], "carol", "well?");
        assert_eq!(ids(all(conn, "alice", RoomList::Archive, 9)), expect(&[0]));
        assert_eq!(ids(all(conn, "alice", RoomList::Inbox, 9)), expect(&[4, 1, 6, 5, 3, 2]));
    }

    #[test]
    fn a_room_is_in_its_sellers_list_from_its_first_message_on() {
        let db = TestDb::new();
        let conn = &mut db.conn();
        let a = room(conn, "alice", "bike");
        let has = |conn: &mut Connection, user| !all(conn, user, RoomList::Inbox, 9).is_empty();
        assert!(has(conn, "alice") && !has(conn, "carol"));
        // A notice about the seller is no word of anybody's.
        let sold = Product { status: crate::domain::ProductStatus::Reserved, ..product("bike") };
        write(conn, Write::PutProduct { keeps_status: false, product: sold, at: NOW }).unwrap();
        assert!(!has(conn, "carol"));
        say(conn, &a, "alice", "hi");
        assert!(has(conn, "carol"));
    }

    #[test]
    fn a_room_is_marked_as_unread_until_it_is_read() {
        let db = TestDb::new();
        let conn = &mut db.conn();
        let a = room(conn, "alice", "bike");
        say(conn, &a, "carol", "hi");
        write(conn, read(&a, "alice", 1)).unwrap();
        let is_marked = |conn: &mut Connection| {
            let [alice, carol] =
                ["alice", "carol"].map(|user| find_room(conn, &a, &user_id(user)).unwrap().unwrap().listing.settings());
            assert_eq!(carol, Listing::new(Role::Buyer).settings(), "it is nobody else's");
            alice.unread
        };
        let mark = RoomSettingsPatch { unread: Some(true), ..NONE };
        set(conn, &a, "alice", mark);
        assert!(is_marked(conn));
        say(conn, &a, "carol", "well?");
        assert!(is_marked(conn));
        let again = write(conn, read(&a, "alice", 1)).unwrap();
        assert!(matches!(again, Written::Read { read_seq: Seq(1), unread: 1, advanced: true, .. }), "{again:?}");
        assert!(!is_marked(conn));
        set(conn, &a, "alice", mark);
        say(conn, &a, "alice", "yes");
        assert!(!is_marked(conn), "answering is reading");
        let stranger = Write::SetRoomSettings { room: a, member: user_id("mallory"), patch: mark };
        assert_eq!(write(conn, stranger), Err(WriteError::Forbidden));
    }

    #[test]
    fn a_summary_shows_the_other_member_the_last_message_and_what_is_unread() {
        let db = TestDb::new();
        let conn = &mut db.conn();
        let a = room(conn, "alice", "bike");
        let empty = find_room(conn, &a, &user_id("alice")).unwrap().unwrap();
        assert_eq!((empty.last_message, empty.last_seq, empty.unread), (None, Seq(0), 0));
        say(conn, &a, "carol", "1");
        say(conn, &a, "alice", "2");
        let last = say(conn, &a, "carol", "3");
        // She has read further by answering.
        write(conn, read(&a, "alice", 1)).unwrap();

        let (rooms, _) = list_rooms(conn, &user_id("alice"), RoomList::Inbox, None, 10, usize::MAX).unwrap();
        let seen = &rooms[0];
        assert_eq!((&seen.other, &seen.room.product), (&user("carol"), &Some(product("bike"))));
        assert_eq!((&seen.last_message, seen.last_seq), (&Some(last.clone()), Seq(3)));
        assert_eq!((seen.read_seq, seen.unread), (Seq(2), 1));
        assert_eq!(find_room(conn, &a, &user_id("alice")).unwrap().as_ref(), Some(seen));
        let (rooms, _) = list_rooms(conn, &user_id("carol"), RoomList::Inbox, None, 10, usize::MAX).unwrap();
        assert_eq!((&rooms[0].other, rooms[0].unread), (&user("alice"), 0));

        let state = load_room(conn, &a).unwrap().unwrap();
        assert_eq!((state.last_seq, state.last_message), (Seq(3), Some(last)));
        assert_eq!(
            (state.members.buyer.read_seq, state.members.buyer.unread, state.members.seller.unread),
            (Seq(2), 1, 0)
        );
        assert_eq!(find_room(conn, &a, &user_id("mallory")).unwrap(), None);
        assert_eq!(load_room(conn, &RoomId::new("none").unwrap()).unwrap(), None);
        write(conn, Write::DeleteUser { user: user_id("alice"), at: NOW }).unwrap();
        assert_eq!(find_room(conn, &a, &user_id("alice")).unwrap(), None);
    }

    #[test]
    fn a_cursor_is_read_back_and_anything_else_is_refused() {
        for (is_pinned, active_at, room) in [(true, 0, "r"), (false, -5, "방 1/?&"), (false, i64::MAX, "x")] {
            let cursor = RoomCursor { is_pinned, active_at, room: RoomId::new(room).unwrap() };
            let text = cursor.to_string();
            assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric()));
            assert_eq!(text.parse(), Ok(cursor));
        }
        for text in [
            "",
            "0",
            "0000000000000000",
            "00000000000000001",
            "zzzzzzzzzzzzzzzz61",
            "+00000000000000061",
            "방방방방방방",
            "0000000000000000ff",
            "p",
            "pp0000000000000000ff61",
        ] {
            assert_eq!(text.parse::<RoomCursor>(), Err(InvalidCursor), "{text}");
        }
    }
}
