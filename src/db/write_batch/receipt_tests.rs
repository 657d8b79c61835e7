//! How far messages have reached their members' devices, and when users were last active.

use super::*;
use crate::{
    db::{
        Tail, Unsettled, find_room, load_room,
        models::user,
        schema::changes,
        test_db::{NOW, TestDb, draft, is_postgres, read, room, say, user_id, write},
        verify,
    },
    domain::{MemberMarks, Role},
    error::ErrorCode,
};

fn delivered(room: &RoomId, member: &str, seq: i64) -> Write {
    Write::MarkDelivered { room: room.clone(), member: user_id(member), seq: Seq(seq) }
}

/// What a mark came to: how far, and whether it moved.
fn outcome(written: Result<Written, WriteError>) -> (i64, bool) {
    match written {
        Ok(Written::Delivered { delivered_seq, advanced, .. }) => (delivered_seq.0, advanced),
        other => panic!("{other:?}"),
    }
}

fn marks(conn: &mut Connection, room: &RoomId, role: Role) -> (i64, i64) {
    let MemberMarks { read_seq, delivered_seq, .. } = load_room(conn, room).unwrap().unwrap().member(role).marks();
    (read_seq.0, delivered_seq.0)
}

fn last_change(conn: &mut Connection) -> i64 {
    use crate::db::prelude::*;
    changes::table.select(diesel::dsl::max(changes::id)).get_result::<Option<i64>>(conn).unwrap().unwrap_or(0)
}

#[test]
fn a_delivered_mark_never_goes_back_nor_beyond_the_last_message_nor_below_what_was_read() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let a = room(conn, "alice", "bike");
    for _ in 0..4 {
        say(conn, &a, "alice", "hello");
    }
    let known = last_change(conn);
    assert_eq!(outcome(write(conn, delivered(&a, "carol", 2))), (2, true));
    assert_eq!(marks(conn, &a, Role::Seller), (0, 2));
    assert_eq!(outcome(write(conn, delivered(&a, "carol", 1))), (2, false), "it never goes back");
    assert_eq!(outcome(write(conn, delivered(&a, "carol", 99))), (4, true), "as the newest");
    write(conn, read(&a, "carol", 3)).unwrap();
    assert_eq!(marks(conn, &a, Role::Seller), (3, 4));
    for _ in 0..2 {
        say(conn, &a, "alice", "more");
    }
    write(conn, read(&a, "carol", 6)).unwrap();
    assert_eq!(marks(conn, &a, Role::Seller), (6, 6), "what was read has been delivered");
    assert_eq!(outcome(write(conn, delivered(&a, "carol", 5))), (6, false));
    // One's own messages are read by saying them.
    assert_eq!(outcome(write(conn, delivered(&a, "alice", 6))), (6, false));
    assert_eq!(marks(conn, &a, Role::Buyer), (6, 6));
    for stranger in ["mallory", "nobody"] {
        assert_eq!(write(conn, delivered(&a, stranger, 1)).unwrap_err().code(), ErrorCode::Forbidden);
    }
    let nowhere = RoomId::new("no-such-room").unwrap();
    assert_eq!(write(conn, delivered(&nowhere, "alice", 1)).unwrap_err().code(), ErrorCode::Forbidden);
    assert_eq!(verify(conn, || {}).unwrap(), []);
    use crate::db::prelude::*;
    // Two reads; and for other nodes each mark that moved, as one row.
    let kinds: Vec<String> =
        changes::table.filter(changes::id.gt(known)).order(changes::id).select(changes::kind).load(conn).unwrap();
    let expected: &[&str] = if is_postgres() { &["delivered", "read"] } else { &["read"] };
    assert_eq!(kinds, expected);
}

#[test]
fn of_a_deleted_member_nothing_is_delivered() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let a = room(conn, "alice", "bike");
    say(conn, &a, "alice", "hello");
    write(conn, Write::DeleteUser { user: user_id("carol"), at: NOW }).unwrap();
    assert_eq!(write(conn, delivered(&a, "carol", 1)).unwrap_err().code(), ErrorCode::Forbidden);
}

#[test]
fn marks_of_one_batch_are_decided_in_its_order_with_its_messages_in_the_tail_or_not() {
    for mut tail in [None, Some(Tail::new(std::sync::Arc::new(Unsettled::default())))] {
        let db = TestDb::new();
        let conn = &mut db.conn();
        let a = room(conn, "alice", "bike");
        let b = room(conn, "bob", "bike");
        let append = |room: &RoomId, sender: &str| Write::Append(draft(room, sender, "hello", None));
        let writes = [
            delivered(&a, "carol", 1),
            append(&a, "alice"),
            append(&b, "bob"),
            delivered(&a, "carol", 9),
            append(&a, "alice"),
            delivered(&a, "carol", 1),
            delivered(&a, "carol", 2),
            read(&b, "carol", 1),
            delivered(&b, "carol", 1),
        ];
        let outcomes = match &mut tail {
            Some(tail) => write_deferred(conn, tail, &writes, NOW).unwrap(),
            None => write_batch(conn, &writes, NOW).unwrap(),
        };
        let of_marks: Vec<_> = outcomes
            .into_iter()
            .filter(|outcome| matches!(outcome, Ok(Written::Delivered { .. })))
            .map(outcome)
            .collect();
        assert_eq!(of_marks, [(0, false), (1, true), (1, false), (2, true), (1, false)]);
        if let Some(tail) = &mut tail {
            let again = write_deferred(conn, tail, &[delivered(&a, "carol", 9)], NOW).unwrap().remove(0);
            assert_eq!(outcome(again), (2, false), "its messages wait in the tail");
            assert_eq!(verify(conn, || {}).unwrap(), [], "also before they are settled");
            tail.settle(conn, &crate::db::Scope::Everything).unwrap();
        }
        assert_eq!((marks(conn, &a, Role::Seller), marks(conn, &b, Role::Seller)), ((0, 2), (1, 1)));
    }
}

/// What a member's list shows of the other one.
fn shown(conn: &mut Connection, room: &RoomId, viewer: &str) -> (i64, i64, Option<i64>) {
    let MemberMarks { read_seq, delivered_seq, last_seen_at } =
        find_room(conn, room, &user_id(viewer)).unwrap().unwrap().other_marks;
    (read_seq.0, delivered_seq.0, last_seen_at.map(|at| at.0))
}

#[test]
fn a_list_shows_of_the_other_member_what_the_two_share() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let a = room(conn, "alice", "bike");
    for _ in 0..3 {
        say(conn, &a, "alice", "hello");
    }
    write(conn, delivered(&a, "carol", 3)).unwrap();
    write(conn, read(&a, "carol", 2)).unwrap();
    write(conn, Write::MarkSeen { users: vec![(user_id("carol"), Timestamp(60_000))] }).unwrap();
    assert_eq!(shown(conn, &a, "alice"), (2, 3, Some(60_000)));
    assert_eq!(find_room(conn, &a, &user_id("carol")).unwrap().unwrap().delivered_seq, Seq(3), "one's own");
    let off = |read: bool, delivered: bool, seen: bool| SettingsPatch {
        read_receipts: Some(read),
        delivery_receipts: Some(delivered),
        last_seen: Some(seen),
        ..SettingsPatch::default()
    };
    for who in ["alice", "carol"] {
        for (patch, expected) in [
            (off(false, true, true), (0, 3, Some(60_000))),
            (off(true, false, true), (2, 0, Some(60_000))),
            (off(true, true, false), (2, 3, None)),
            (off(true, true, true), (2, 3, Some(60_000))),
        ] {
            write(conn, Write::SetSettings { user: crate::db::test_db::user(who), patch }).unwrap();
            assert_eq!(shown(conn, &a, "alice"), expected, "{who}: {patch:?}");
        }
    }
    let block = |blocker: &str, blocked: &str| Write::Block {
        blocker: crate::db::test_db::user(blocker),
        blocked: user_id(blocked),
        at: NOW,
    };
    write(conn, block("carol", "alice")).unwrap();
    for viewer in ["alice", "carol"] {
        assert_eq!(shown(conn, &a, viewer), (0, 0, None), "a block, for {viewer}");
    }
    write(conn, Write::Unblock { blocker: user_id("carol"), blocked: user_id("alice") }).unwrap();
    write(conn, Write::DeleteUser { user: user_id("carol"), at: NOW }).unwrap();
    assert_eq!(shown(conn, &a, "alice"), (0, 0, None), "a deleted member");
}

#[test]
fn of_several_nodes_the_last_one_says_when_a_user_was_last_active_and_a_deleted_one_never_was() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let seen = |users: &[(&str, i64)]| Write::MarkSeen {
        users: users.iter().map(|(user, at)| (user_id(user), Timestamp(*at))).collect(),
    };
    let known = |conn: &mut Connection, user: &str| user::find_last_seen(conn, user).unwrap().map(|at| at.0);
    assert_eq!(known(conn, "alice"), None);
    write(conn, seen(&[("alice", 120_000), ("bob", 60_000), ("carol", 120_000), ("nobody", 120_000)])).unwrap();
    write(conn, seen(&[("alice", 60_000), ("bob", 180_000)])).unwrap();
    let all = ["alice", "bob", "carol", "nobody"].map(|user| known(conn, user));
    assert_eq!(all, [Some(120_000), Some(180_000), Some(120_000), None]);
    write(conn, Write::DeleteUser { user: user_id("alice"), at: NOW }).unwrap();
    assert_eq!(known(conn, "alice"), None);
    // Their sessions end after that.
    write(conn, seen(&[("alice", 240_000)])).unwrap();
    assert_eq!(known(conn, "alice"), None);
}
