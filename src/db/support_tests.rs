//! What holds for support rooms as for all others, and what does not.

use super::{Connection, Moderate, Moderation, RoomList, WriteError};
use super::{
    ExportPlace, ImportOptions, NewReport, NotifyBy, StaffRoomList, Write, begin_notifications, export_user, find_room,
    find_room_for_screen, find_unread, import_str, list_due_notifications, list_rooms, list_staff_rooms, load_room,
    load_staff_rooms, migrate,
    models::report::ReportError,
    open, open_support_room, queue_notifications, store_report,
    test_db::{NOW, TestDb, draft, is_postgres, read, room, say, user_id, write},
    verify::verify,
};
use crate::{
    domain::{
        ContactKind, Draft, MessageId, MessageKind, Moderator, Role, RoomId, RoomKind, Screened, User, UserId,
        masking::ContactRefused, safety::ReportCategory, support::desk,
    },
    protocol::view::PlainPaths,
};

fn support(conn: &mut Connection, user: &str) -> RoomId {
    open_support_room(conn, &user_id(user), NOW).unwrap().into_room().id
}

/// Mina of the staff joins, and answers.
fn answer(conn: &mut Connection, room: &RoomId) -> MessageId {
    let (by, user) = (Moderator::Staff { id: user_id("mina") }, User::new(user_id("mina"), "Mina".to_owned(), None));
    let what = Moderation::JoinRoom { room: room.clone(), user };
    write(conn, Write::Moderate(Box::new(Moderate { by, reason: None, at: NOW, what }))).unwrap();
    let draft = Draft { by_staff: true, ..draft(room, "mina", "How can I help?", None) };
    match write(conn, Write::Append(draft)) {
        Ok(super::Written::Appended { message, .. }) => message.id,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_member_is_notified_of_what_the_staff_says_and_the_desk_of_nothing() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let a = support(conn, "alice");
    begin_notifications(conn).unwrap();
    say(conn, &a, "alice", "help");
    let notified = |conn: &mut Connection| {
        while let Some(page) = find_unread(conn, &(NOW..=NOW)).unwrap() {
            queue_notifications(conn, &page, NotifyBy { webhook: true, web_push: false }, NOW).unwrap();
        }
        let due = list_due_notifications(conn, NOW, 9).unwrap();
        due.into_iter().map(|due| due.notification.unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(notified(conn), []);
    assert_eq!(load_room(conn, &a).unwrap().unwrap().member(Role::Seller).unread, 0, "the desk reads nothing");
    answer(conn, &a);
    let found = notified(conn);
    assert_eq!(found.len(), 1);
    assert_eq!((&found[0].user_id, &found[0].product, &found[0].other.id), (&user_id("alice"), &None, &desk()));
    let seen = find_room(conn, &a, &user_id("alice")).unwrap().unwrap();
    assert_eq!((seen.room.kind, seen.other, seen.unread), (RoomKind::Support, User::desk(), 2));
    write(conn, read(&a, "alice", 3)).unwrap();
    assert_eq!(load_room(conn, &a).unwrap().unwrap().member(Role::Buyer).unread, 0);
    assert_eq!(write(conn, read(&a, "system", 3)), Err(WriteError::Forbidden));
}

#[test]
fn a_support_room_is_in_its_members_list_and_closes_with_them() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let a = support(conn, "alice");
    let own = |conn: &mut Connection, user| list_rooms(conn, &user_id(user), RoomList::Inbox, None, 9, 9999).unwrap().0;
    assert_eq!(own(conn, "alice").len(), 1);
    assert!(own(conn, "bob").is_empty());
    assert_eq!(write(conn, Write::Append(draft(&a, "bob", "me too", None))), Err(WriteError::Forbidden));
    write(conn, Write::DeleteUser { user: user_id("alice"), at: NOW }).unwrap();
    assert!(load_room(conn, &a).unwrap().unwrap().is_closed());
}

#[test]
fn nobody_can_be_reported_in_a_support_room() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let a = support(conn, "alice");
    let said = answer(conn, &a);
    for message in [None, Some(said)] {
        let (reporter, room) = (user_id("alice"), a.clone());
        let report = NewReport { reporter, room, message, category: ReportCategory::Spam, text: None, at: NOW };
        assert_eq!(store_report(conn, &report), Err(ReportError::NobodyToReport.into()));
    }
}

#[test]
fn a_phone_number_reaches_support() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let refused = Screened::Refused(ContactRefused(ContactKind::Phone));
    let (a, bike) = (support(conn, "alice"), room(conn, "alice", "bike"));
    let send = |conn: &mut Connection, room: &RoomId| {
        write(conn, Write::Append(Draft { screened: refused.clone(), ..draft(room, "alice", "010-1234-5678", None) }))
    };
    assert!(matches!(send(conn, &bike), Err(WriteError::ContactRefused(_))));
    assert!(send(conn, &a).is_ok());
}

#[test]
fn the_marketplace_is_asked_about_a_message_without_a_product() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let a = support(conn, "alice");
    let found = find_room_for_screen(conn, &a, &user_id("alice"), false, NOW).unwrap().unwrap();
    assert_eq!((found.product, found.recipient_id, found.is_first), (None, desk(), true));
}

fn export(conn: &mut Connection, user: &str) -> String {
    let part = export_user(conn, &user_id(user), ExportPlace::default(), &PlainPaths).unwrap().unwrap();
    assert_eq!(part.next, None);
    String::from_utf8(part.lines).unwrap()
}

#[test]
fn a_conversation_with_support_is_exported_and_imported_the_same() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let a = support(conn, "alice");
    say(conn, &a, "alice", "help");
    answer(conn, &a);
    say(conn, &a, "alice", "thank you");
    let exported = export(conn, "alice");
    let lines: Vec<&str> = exported.lines().map(|line| line.split(',').next().unwrap()).collect();
    assert_eq!(lines, [r#"{"type":"user""#, r#"{"type":"room""#, r#"{"type":"message""#, r#"{"type":"message""#]);
    assert!(exported.contains(r#""kind":"support","userId":"alice""#) && !exported.contains("system"), "{exported}");

    let folder = tempfile::tempdir().unwrap();
    let pool = open(folder.path().join("empty.db").to_str().unwrap(), 1).unwrap();
    migrate(&pool).unwrap();
    let empty = &mut pool.get().unwrap();
    let mina = format!(
        r#"{{"type":"message","roomId":"{a}","senderId":"mina","text":"How can I help?","sentAt":"{NOW}","staffName":"Mina"}}"#
    );
    let waiting = |conn: &mut Connection| list_staff_rooms(conn, &StaffRoomList::Waiting, None, 9).unwrap().len();
    for (lines, waits) in [(exported.as_str(), 1), (exported.as_str(), 1), (mina.as_str(), 0)] {
        let (_, bad) = import_str(empty, lines, ImportOptions { now: NOW, shift_ms: 0 }).unwrap();
        assert_eq!((bad, waiting(empty)), (vec![], waits));
    }
    assert!(export(empty, "alice") == exported, "it is not the same");
    assert_eq!(verify(empty, || ()).unwrap(), []);

    let offer = format!(
        r#"{{"type":"message","roomId":"{a}","senderId":"alice","sentAt":"{NOW}","kind":"offer","data":{{"amount":1,"currency":"USD"}}}}"#
    );
    let other_id = r#"{"type":"room","id":"other","kind":"support","userId":"alice"}"#;
    let nobody = r#"{"type":"room","kind":"support","userId":"nobody"}"#;
    for (line, reason) in [
        (offer.as_str(), "`kind`: an offer needs a product"),
        (other_id, "this buyer has a room for this product, with another `id`"),
        (nobody, "`buyerId`, or `userId`, is no user of an earlier line"),
    ] {
        let (_, bad) = import_str(empty, line, ImportOptions { now: NOW, shift_ms: 0 }).unwrap();
        assert_eq!(bad, [(1, reason.to_owned())]);
    }
}

#[test]
fn nobody_waits_for_an_answer_to_what_is_old_when_it_is_loaded() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let waits = |conn: &mut Connection, room: &RoomId, said: &[(&str, i64)]| {
        let day = 24 * 60 * 60 * 1000;
        let lines = said.iter().map(|(sender, days)| {
            let (at, staff) = (NOW.plus_ms(-days * day), if *sender == "mina" { r#","staffName":"Mina""# } else { "" });
            format!(r#"{{"type":"message","roomId":"{room}","senderId":"{sender}","text":"x","sentAt":"{at}"{staff}}}"#)
        });
        let lines = lines.collect::<Vec<_>>().join("\n");
        let (_, bad) = import_str(conn, &lines, ImportOptions { now: NOW, shift_ms: 0 }).unwrap();
        assert_eq!(bad, []);
        let places = list_staff_rooms(conn, &StaffRoomList::Waiting, None, 9).unwrap();
        let found = load_staff_rooms(conn, &places, usize::MAX).unwrap();
        let since = found.0.into_iter().find(|found| found.state.room.id == *room)?.waiting_since.unwrap();
        Some((NOW.0 - since.0) / day)
    };
    let [a, b] = ["alice", "bob"].map(|user| support(conn, user));
    assert_eq!(waits(conn, &a, &[("alice", 30), ("alice", 7)]), None);
    assert_eq!(waits(conn, &a, &[("alice", 6)]), Some(6));
    // What is loaded later changes nothing for somebody who waits, but for an answer.
    assert_eq!(waits(conn, &a, &[("alice", 20)]), Some(6));
    assert_eq!(waits(conn, &a, &[("mina", 5), ("alice", 8)]), None);
    assert_eq!(waits(conn, &b, &[("bob", 30), ("mina", 29), ("bob", 9), ("bob", 1)]), Some(9));
    write(conn, Write::DeleteUser { user: user_id("bob"), at: NOW }).unwrap();
    assert_eq!(waits(conn, &b, &[("bob", 2)]), None, "nobody is there to be answered");
    assert_eq!(verify(conn, || ()).unwrap(), []);
}

#[test]
fn who_waits_where_nobody_can_is_found() {
    if is_postgres() {
        return;
    }
    let db = TestDb::new();
    let conn = &mut db.conn();
    room(conn, "alice", "bike");
    let system = Draft { kind: MessageKind::System, ..draft(&support(conn, "bob"), "system", "hello", None) };
    write(conn, Write::Append(system)).unwrap();
    assert_eq!(verify(conn, || ()).unwrap(), []);
    conn.batch_execute("INSERT INTO support_waits SELECT id, 1 FROM rooms WHERE buyer_id = 'alice'").unwrap();
    let found = verify(conn, || ()).unwrap();
    assert!(found.len() == 1 && found[0].what.starts_with("users who wait for an answer"), "{found:?}");
    assert_eq!(UserId::new("system").unwrap(), desk());
}
