use super::*;
use crate::{
    db::{
        Moderate, Moderation, Opened, Write, WriteError, Written, find_room, find_user, has_room, list_products,
        list_rooms, list_users,
        open_room::OpenError,
        open_room_for, open_support_room,
        test_db::{NOW, TestDb, draft, room, say, user, user_id, write},
        verify::verify,
    },
    domain::{
        Draft, MessageKind, Moderator, NameCode, ProductId, RoomKind, SanctionKind, User,
        offer::Price,
        support::{SUPPORT_PRODUCT, desk},
    },
};

const MINA: &str = "mod-mina";

fn support(conn: &mut Connection, user: &str) -> RoomId {
    open_support_room(conn, &user_id(user), NOW).unwrap().into_room().id
}

fn moderate(conn: &mut Connection, what: Moderation) -> Result<Written, WriteError> {
    let by = Moderator::Staff { id: user_id(MINA) };
    write(conn, Write::Moderate(Box::new(Moderate { by, reason: Some("Because".to_owned()), at: NOW, what })))
}

fn join(conn: &mut Connection, room: &RoomId) {
    let user = User::new(user_id(MINA), "Mina".to_owned(), None);
    moderate(conn, Moderation::JoinRoom { room: room.clone(), user }).unwrap();
}

fn say_at(conn: &mut Connection, room: &RoomId, sender: &str, at: i64) {
    let by_staff = sender == MINA;
    let draft = Draft { sent_at: NOW.plus_ms(at), by_staff, ..draft(room, sender, "hello", None) };
    write(conn, Write::Append(draft)).unwrap();
}

/// All pages of a list, so many rooms on each.
fn all(conn: &mut Connection, list: &StaffRoomList, limit: i64) -> Vec<RoomId> {
    let (mut rooms, mut cursor): (Vec<RoomId>, Option<StaffRoomCursor>) = (Vec::new(), None);
    loop {
        let page = list_staff_rooms(conn, list, cursor.as_ref(), limit).unwrap();
        assert!(page.len() <= usize::try_from(limit).unwrap());
        // As text and back, as a client sends it.
        cursor = page.last().map(|last| last.to_string().parse().unwrap());
        rooms.extend(page.into_iter().map(|place| place.room));
        if cursor.is_none() {
            return rooms;
        }
    }
}

#[test]
fn a_user_has_one_support_room_without_a_product() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let Ok(Opened::New(room)) = open_support_room(conn, &user_id("alice"), NOW) else { panic!() };
    assert_eq!((room.kind, &room.product, &room.buyer), (RoomKind::Support, &None, &user("alice")));
    assert_eq!((&room.seller.id, room.seller.name_code), (&desk(), Some(NameCode::Support)));
    assert_eq!(open_support_room(conn, &user_id("alice"), NOW.plus_ms(5)), Ok(Opened::Existing(room.clone())));
    assert_ne!(support(conn, "bob"), room.id);
    let json = serde_json::to_value(&room).unwrap();
    assert_eq!((&json["kind"], json.get("product")), (&serde_json::json!("support"), None));
    assert_eq!(json["seller"], serde_json::json!({"id": "system", "name": "Support", "nameCode": "support"}));

    for unknown in ["nobody", "system"] {
        assert_eq!(open_support_room(conn, &user_id(unknown), NOW), Err(OpenError::NoSuchUser.into()));
    }
    write(conn, Write::DeleteUser { user: user_id("bob"), at: NOW }).unwrap();
    assert_eq!(open_support_room(conn, &user_id("bob"), NOW), Err(OpenError::DeletedUser.into()));
    assert_eq!(verify(conn, || ()).unwrap(), []);
}

#[test]
fn nobody_can_be_the_desk_nor_name_it_nor_its_product() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let a = support(conn, "alice");
    say(conn, &a, "alice", "help");
    let until = Some(NOW.plus_ms(1_000));
    for what in [
        Moderation::SetSanction { kind: SanctionKind::Mute, user: desk(), until },
        Moderation::SetSanction { kind: SanctionKind::Ban, user: desk(), until },
        Moderation::EndSanction { kind: SanctionKind::Ban, user: desk() },
        Moderation::AddNote { about: crate::domain::NoteSubject::User(desk()), text: "x".to_owned() },
        Moderation::DeleteUser { user: desk() },
    ] {
        assert_eq!(moderate(conn, what), Err(WriteError::NotFound("user")));
    }
    assert_eq!(write(conn, Write::PutUser { user: User::desk() }), Err(WriteError::ReservedUserId));
    let block = Write::Block { blocker: user("alice"), blocked: desk(), at: NOW };
    assert_eq!(write(conn, block), Err(WriteError::DeskBlock));
    let offer = Write::MakeOffer {
        room: a.clone(),
        maker: user_id("alice"),
        price: Price { amount: 1, currency: "USD".to_owned() },
        client_id: None,
        at: NOW,
    };
    assert_eq!(write(conn, offer), Err(WriteError::NothingForSale));
    let say = Write::Append(draft(&a, "system", "I am nobody", None));
    assert_eq!(write(conn, say), Err(WriteError::Forbidden));

    assert_eq!((find_user(conn, &desk()).unwrap(), find_room(conn, &a, &desk()).unwrap()), (None, None));
    assert!(list_users(conn, 10).unwrap().iter().all(|user| user.id != desk()));
    assert!(list_products(conn, 10).unwrap().iter().all(|product| product.id.as_str() != SUPPORT_PRODUCT));
    let own = list_rooms(conn, &desk(), crate::db::RoomList::Inbox, None, 10, usize::MAX).unwrap();
    assert_eq!(own, (vec![], None));
    // Its id is none that anybody can send.
    assert!(ProductId::new(SUPPORT_PRODUCT).is_err());
    assert!(open_room_for(conn, &ProductId::from_stored(SUPPORT_PRODUCT), &desk(), NOW).is_err());
}

#[test]
fn who_waits_longest_for_an_answer_comes_first() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let [a, b, c] = ["alice", "bob", "carol"].map(|user| support(conn, user));
    let waiting = |conn: &mut Connection| {
        let pages: Vec<_> = (1..=4).map(|limit| all(conn, &StaffRoomList::Waiting, limit)).collect();
        assert!(pages.iter().all(|page| *page == pages[0]));
        pages.into_iter().next().unwrap()
    };
    assert_eq!(waiting(conn), []);
    say_at(conn, &b, "bob", 1);
    say_at(conn, &a, "alice", 2);
    say_at(conn, &c, "carol", 3);
    // Saying more does not make one wait less.
    say_at(conn, &b, "bob", 4);
    assert_eq!(waiting(conn), [b.clone(), a.clone(), c.clone()]);

    // Neither a notice nor the marketplace's own words are an answer.
    join(conn, &b);
    let notice = Draft { kind: MessageKind::System, ..draft(&b, "system", "We are closed", None) };
    write(conn, Write::Append(notice)).unwrap();
    assert_eq!(waiting(conn), [b.clone(), a.clone(), c.clone()]);
    say_at(conn, &b, MINA, 5);
    assert_eq!(waiting(conn), [a.clone(), c.clone()]);
    say_at(conn, &b, "bob", 6);
    assert_eq!(waiting(conn), [a.clone(), c.clone(), b.clone()]);
    let places = list_staff_rooms(conn, &StaffRoomList::Waiting, None, 9).unwrap();
    let found = load_staff_rooms(conn, &places, usize::MAX);
    let since: Vec<_> = found.unwrap().0.into_iter().map(|room| room.waiting_since.unwrap().0 - NOW.0).collect();
    assert_eq!(since, [2, 3, 6]);

    // In one batch as well.
    join(conn, &c);
    let staff = Draft { by_staff: true, ..draft(&c, MINA, "yes?", None) };
    crate::db::write_batch(conn, &[Write::Append(draft(&c, "carol", "well", None)), Write::Append(staff)], NOW)
        .unwrap();
    assert_eq!(waiting(conn), [a.clone(), b.clone()]);

    // A conversation about a product waits for nobody.
    let bike = room(conn, "bob", "bike");
    say_at(conn, &bike, "bob", 7);
    write(conn, Write::DeleteUser { user: user_id("alice"), at: NOW }).unwrap();
    assert_eq!(waiting(conn), [b]);
    assert_eq!(verify(conn, || ()).unwrap(), []);
}

#[test]
fn support_joined_and_frozen_conversations_are_lists_of_their_own() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let [a, b, _] = ["alice", "bob", "carol"].map(|user| support(conn, user));
    let bike = room(conn, "alice", "bike");
    say_at(conn, &a, "alice", 1);
    say_at(conn, &b, "bob", 2);
    say_at(conn, &bike, "alice", 3);
    let expect = |conn: &mut Connection, list: &StaffRoomList, rooms: &[&RoomId]| {
        for limit in 1..=4 {
            assert_eq!(all(conn, list, limit).iter().collect::<Vec<_>>(), rooms, "{list:?} {limit}");
        }
    };
    // Nobody has said anything in the third one.
    expect(conn, &StaffRoomList::Support, &[&b, &a]);
    say_at(conn, &a, "alice", 4);
    expect(conn, &StaffRoomList::Support, &[&a, &b]);

    let joined = StaffRoomList::Joined(user_id(MINA));
    expect(conn, &joined, &[]);
    join(conn, &b);
    join(conn, &bike);
    say_at(conn, &b, "bob", 9);
    expect(conn, &joined, &[&b, &bike]);
    expect(conn, &StaffRoomList::Joined(user_id("bob")), &[]);
    moderate(conn, Moderation::LeaveRoom { room: b.clone(), user: user_id(MINA) }).unwrap();
    expect(conn, &joined, &[&bike]);

    expect(conn, &StaffRoomList::Frozen, &[]);
    for room in [&a, &bike] {
        moderate(conn, Moderation::SetFrozen { room: room.clone(), frozen: true }).unwrap();
    }
    let mut frozen = [&a, &bike];
    frozen.sort();
    expect(conn, &StaffRoomList::Frozen, &frozen);
    moderate(conn, Moderation::SetFrozen { room: bike.clone(), frozen: false }).unwrap();
    expect(conn, &StaffRoomList::Frozen, &[&a]);
}

#[test]
fn a_page_ends_where_its_rooms_weigh_too_much_and_has_one_at_least() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    for user in ["alice", "bob", "carol"] {
        let room = support(conn, user);
        say(conn, &room, user, "help");
        assert!(has_room(conn, &room).unwrap());
    }
    let places = list_staff_rooms(conn, &StaffRoomList::Waiting, None, 9).unwrap();
    let count = |conn: &mut Connection, bytes| load_staff_rooms(conn, &places, bytes).unwrap().0.len();
    assert_eq!((count(conn, 0), count(conn, usize::MAX)), (1, 3));
    assert!("zz".parse::<StaffRoomCursor>().is_err() && String::new().parse::<StaffRoomCursor>().is_err());
}

#[test]
fn a_room_that_can_not_be_read_is_left_out_and_the_list_goes_on_after_it() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let rooms = [("alice", 1), ("bob", 2), ("carol", 3)].map(|(user, at)| {
        let room = support(conn, user);
        say_at(conn, &room, user, at);
        room
    });
    // By a node of a version to come.
    conn.batch_execute("UPDATE messages SET kind = 'poem' WHERE sender_id IN ('alice', 'carol')").unwrap();
    let places = list_staff_rooms(conn, &StaffRoomList::Waiting, None, 9).unwrap();
    let (found, used) = load_staff_rooms(conn, &places, usize::MAX).unwrap();
    assert_eq!(found.iter().map(|found| &found.state.room.id).collect::<Vec<_>>(), [&rooms[1]]);
    assert_eq!(used, 3, "the one at the end is not asked for again");
}

#[test]
fn a_database_of_before_gets_its_support_rooms() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let bike = room(conn, "alice", "bike");
    crate::db::migrations::revert_from(conn, "2026-11-30-200000_support");
    let applied = crate::db::migrations::migrate_connection(conn).unwrap();
    assert_eq!(applied.first().map(String::as_str), Some("2026-11-30-200000_support"));
    let [a, b, c, d] = ["alice", "bob", "carol", "mallory"].map(|user| support(conn, user));
    for (room, user, at) in [(&a, "alice", 2), (&a, "alice", 3), (&b, "bob", 1), (&c, "carol", 1), (&d, "mallory", 1)] {
        say_at(conn, room, user, at);
    }
    for room in [&a, &b] {
        join(conn, room);
        say_at(conn, room, MINA, 4);
    }
    say_at(conn, &a, "alice", 5);
    say_at(conn, &a, "alice", 6);
    moderate(conn, Moderation::LeaveRoom { room: a.clone(), user: user_id(MINA) }).unwrap();
    write(conn, Write::DeleteUser { user: user_id("mallory"), at: NOW }).unwrap();
    let waiting = |conn: &mut Connection| list_staff_rooms(conn, &StaffRoomList::Waiting, None, 9).unwrap();
    let before = waiting(conn);
    assert_eq!(before.iter().map(|place| (&place.room, place.at - NOW.0)).collect::<Vec<_>>(), [(&c, 1), (&a, 5)]);
    // There and back with a room is what nobody does, and loses none.
    crate::db::migrations::revert_from(conn, "2026-11-30-200000_support");
    crate::db::migrations::migrate_connection(conn).unwrap();
    assert_eq!((support(conn, "alice"), room(conn, "alice", "bike")), (a, bike));
    assert_eq!(waiting(conn), before);
}
