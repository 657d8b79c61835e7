//! Which messages are due for the webhook, and when.

use super::*;
use crate::{
    db::{
        ImportOptions, Moderate, Moderation, NewReport, Reported, Write, import_str, store_report,
        test_db::{NOW, TestDb, draft, product, read, room, say, user, user_id, write},
    },
    domain::{
        Draft, MessageKind, Moderator, ProductStatus,
        message::SYSTEM_SENDER,
        safety::{Decision, ReportCategory},
    },
};

const BY_WEBHOOK: NotifyBy = NotifyBy { webhook: true, web_push: false };

/// Looks through everything sent until `at`, and returns who is to be notified of how many unread messages.
fn queue(conn: &mut Connection, at: Timestamp) -> Vec<(String, i64)> {
    begin_notifications(conn).unwrap();
    while let Some(page) = find_unread(conn, &(NOW.plus_ms(-1000)..=at)).unwrap() {
        queue_notifications(conn, &page, BY_WEBHOOK, at).unwrap();
    }
    due(conn, at)
}

fn due(conn: &mut Connection, at: Timestamp) -> Vec<(String, i64)> {
    let due = list_due_notifications(conn, at, 100).unwrap();
    due.into_iter()
        .filter_map(|due| due.notification)
        .map(|notification| (notification.user_id.as_str().to_owned(), notification.unread))
        .collect()
}

#[test]
fn of_two_nodes_one_takes_a_notification_in_hand_for_a_while() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let room = room(conn, "alice", "bike");
    begin_notifications(conn).unwrap();
    say(conn, &room, "alice", "hello");
    queue(conn, NOW);
    let due = list_due_notifications(conn, NOW, 1).unwrap().pop().unwrap();

    assert!(claim_notification(conn, &due, NOW.plus_ms(60)).unwrap());
    assert!(!claim_notification(conn, &due, NOW.plus_ms(60)).unwrap(), "both have it");
    assert!(list_due_notifications(conn, NOW.plus_ms(59), 1).unwrap().is_empty());
    // Its node is gone: it is due again.
    assert_eq!(list_due_notifications(conn, NOW.plus_ms(60), 1).unwrap().len(), 1);
}

fn finish(conn: &mut Connection, at: Timestamp, outcome: NotificationOutcome) {
    for due in list_due_notifications(conn, at, 100).unwrap() {
        finish_notification(conn, due, outcome).unwrap();
    }
}

#[test]
fn a_run_of_unread_messages_is_notified_once_and_reading_begins_another() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let a = room(conn, "alice", "bike");
    say(conn, &a, "carol", "before the webhook was used");
    assert_eq!(queue(conn, NOW), []);

    say(conn, &a, "carol", "1");
    let later = Draft { sent_at: NOW.plus_ms(10), ..draft(&a, "carol", "2", None) };
    write(conn, Write::Append(later)).unwrap();
    assert_eq!(queue(conn, NOW.plus_ms(-1)), [], "too young");
    let queued = [("alice".to_owned(), 3)];
    assert_eq!(queue(conn, NOW), queued);
    assert_eq!(queue(conn, NOW.plus_ms(20)), queued, "the second is of the same run");
    assert_eq!(count_notifications(conn).unwrap(), NotificationsPending { count: 1, oldest: Some(NOW) });
    finish(conn, NOW, NotificationOutcome::Retry(NOW.plus_ms(50)));
    assert_eq!((due(conn, NOW.plus_ms(49)), due(conn, NOW.plus_ms(50))), (vec![], queued.into()));
    finish(conn, NOW.plus_ms(50), NotificationOutcome::Delivered);
    assert_eq!(count_notifications(conn).unwrap().count, 0);
    say(conn, &a, "carol", "3");
    assert_eq!(queue(conn, NOW.plus_ms(99)), [], "the same run");

    write(conn, read(&a, "alice", 4)).unwrap();
    say(conn, &a, "carol", "4");
    assert_eq!(queue(conn, NOW.plus_ms(99)), [("alice".to_owned(), 1)]);
    // Answering counts as reading: what waits is taken back.
    say(conn, &a, "alice", "5");
    assert_eq!(queue(conn, NOW.plus_ms(99)), [("carol".to_owned(), 1)]);
}

#[test]
fn reading_cancels_also_while_it_waits() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    queue(conn, NOW);
    let a = room(conn, "alice", "bike");
    say(conn, &a, "carol", "1");
    write(conn, read(&a, "alice", 1)).unwrap();
    assert_eq!(queue(conn, NOW), [], "read before it was written");
    say(conn, &a, "carol", "2");
    assert_eq!(queue(conn, NOW).len(), 1);
    finish(conn, NOW, NotificationOutcome::Retry(NOW.plus_ms(10)));
    write(conn, read(&a, "alice", 2)).unwrap();
    let waiting = list_due_notifications(conn, NOW.plus_ms(10), 10).unwrap();
    assert!(waiting.len() == 1 && waiting[0].notification.is_none());
    finish(conn, NOW.plus_ms(10), NotificationOutcome::Cancelled);
    assert_eq!(count_notifications(conn).unwrap().count, 0);
    // A newer run is not touched by what became of the older one.
    say(conn, &a, "carol", "3");
    queue(conn, NOW);
    let older = list_due_notifications(conn, NOW, 10).unwrap();
    write(conn, read(&a, "alice", 3)).unwrap();
    say(conn, &a, "carol", "4");
    queue(conn, NOW);
    for older in older {
        finish_notification(conn, older, NotificationOutcome::Delivered).unwrap();
    }
    assert_eq!(due(conn, NOW), [("alice".to_owned(), 1)]);
}

#[test]
fn nobody_is_notified_of_what_the_marketplace_says_about_them() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    queue(conn, NOW);
    let a = room(conn, "alice", "bike");
    let (product, seller) = (product("bike").id, Some(user_id("carol")));
    let status = ProductStatus::Sold;
    write(conn, Write::SetProductStatus { product, seller, status, at: NOW }).unwrap();
    assert_eq!(queue(conn, NOW), [("alice".to_owned(), 1)]);
    assert_eq!(count_notifications(conn).unwrap().count, 1);
    // Next to words that are for her, too.
    say(conn, &a, "alice", "a pity");
    assert_eq!(queue(conn, NOW), [("carol".to_owned(), 1)]);
}

#[test]
fn what_was_loaded_is_not_notified_and_what_comes_after_it_is() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    queue(conn, NOW);
    let a = room(conn, "alice", "bike");
    let b = room(conn, "bob", "bike");
    let line = |room: &RoomId, sender: &str, second: u32| {
        format!(
            r#"{{"type":"message","roomId":"{room}","senderId":"{sender}","text":"x","sentAt":"2026-01-01T00:00:{second:02}Z"}}"#
        )
    };
    let options = ImportOptions { now: NOW, shift_ms: 0 };
    import_str(conn, &line(&a, "carol", 1), options).unwrap();
    import_str(conn, &line(&a, "carol", 2), options).unwrap();
    say(conn, &b, "carol", "live");
    import_str(conn, &line(&b, "bob", 3), options).unwrap();
    // Bob has read by answering, which the import takes as read.
    assert_eq!(queue(conn, NOW), []);
    say(conn, &a, "carol", "live");
    assert_eq!(queue(conn, NOW), [("alice".to_owned(), 1)]);
}

#[test]
fn what_was_said_long_ago_is_passed_over() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    queue(conn, NOW);
    let a = room(conn, "alice", "bike");
    let old = Draft { sent_at: NOW.plus_ms(-1001), ..draft(&a, "carol", "1", None) };
    write(conn, Write::Append(old)).unwrap();
    assert_eq!(queue(conn, NOW), []);
    say(conn, &a, "carol", "2");
    assert_eq!(queue(conn, NOW), [("alice".to_owned(), 2)]);
}

#[test]
fn a_closed_conversation_and_one_with_somebody_muted_are_not_notified() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    queue(conn, NOW);
    let (a, b) = (room(conn, "alice", "bike"), room(conn, "bob", "bike"));
    let other = room(conn, "alice", "lamp");
    let block = Write::Block { blocker: user("alice"), blocked: user_id("carol"), at: NOW };
    let unblock = Write::Unblock { blocker: user_id("alice"), blocked: user_id("carol") };
    say(conn, &a, "carol", "waits");
    say(conn, &other, "alice", "waits, too");
    assert_eq!(queue(conn, NOW).len(), 2);
    write(conn, block.clone()).unwrap();
    assert_eq!(due(conn, NOW), [], "what waits is taken back, on both sides");
    finish(conn, NOW, NotificationOutcome::Cancelled);
    assert_eq!(count_notifications(conn).unwrap().count, 0);
    write(conn, unblock.clone()).unwrap();
    assert_eq!(queue(conn, NOW), [], "and is not sent later");
    say(conn, &a, "carol", "new");
    write(conn, block).unwrap();
    assert_eq!(queue(conn, NOW), [], "said before, and closed when it would be sent");
    write(conn, unblock).unwrap();
    assert_eq!(due(conn, NOW), [], "what was passed over is not sent later");
    say(conn, &a, "carol", "newer");
    assert_eq!(queue(conn, NOW), [("alice".to_owned(), 3)]);
    finish(conn, NOW, NotificationOutcome::Delivered);

    let new = NewReport {
        reporter: user_id("bob"),
        room: b.clone(),
        message: None,
        category: ReportCategory::Spam,
        text: None,
        at: NOW,
    };
    let Reported::New(report) = store_report(conn, &new).unwrap() else { panic!() };
    say(conn, &b, "carol", "1");
    say(conn, &b, "bob", "2");
    let mute_until = Some(NOW.plus_ms(50));
    write(conn, Write::DecideReport { report: report.id, decision: Decision::Upheld, mute_until, at: NOW }).unwrap();
    assert_eq!(queue(conn, NOW), [("carol".to_owned(), 1)], "anyone who is muted may read");
    let later = Draft { sent_at: NOW.plus_ms(50), ..draft(&b, "carol", "3", None) };
    write(conn, Write::Append(later)).unwrap();
    assert_eq!(queue(conn, NOW.plus_ms(50)), [("bob".to_owned(), 1)], "it ends by itself");
}

#[test]
fn nobody_is_notified_of_deleted_messages_nor_once_they_are_deleted() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    queue(conn, NOW);
    let (a, b) = (room(conn, "alice", "bike"), room(conn, "bob", "bike"));
    let message = say(conn, &a, "carol", "1").id;
    write(conn, Write::Delete { message, editor: user_id("carol"), at: NOW }).unwrap();
    say(conn, &b, "carol", "1");
    write(conn, Write::DeleteUser { user: user_id("bob"), at: NOW }).unwrap();
    assert_eq!(queue(conn, NOW), []);
    assert_eq!(count_notifications(conn).unwrap().count, 0);
}

#[test]
fn what_staff_says_notifies_both_members_also_in_a_closed_room() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let a = room(conn, "alice", "bike");
    begin_notifications(conn).unwrap();
    say(conn, &a, "carol", "hello");
    write(conn, Write::Block { blocker: user("carol"), blocked: user_id("alice"), at: NOW }).unwrap();
    assert_eq!(queue(conn, NOW), [], "it is closed");
    let (by, what) =
        (Moderator::Staff { id: user_id("mina") }, Moderation::JoinRoom { room: a.clone(), user: user("mina") });
    let join = Moderate { by, at: NOW, reason: Some("x".to_owned()), what };
    write(conn, Write::Moderate(Box::new(join))).unwrap();
    assert_eq!(queue(conn, NOW), [], "a notice calls nobody back into it");
    write(conn, Write::Append(Draft { by_staff: true, ..draft(&a, "mina", "may I help?", None) })).unwrap();
    let mut queued = queue(conn, NOW);
    queued.sort();
    assert_eq!(queued, [("alice".to_owned(), 3), ("carol".to_owned(), 2)]);
}

#[test]
fn a_notice_after_it_does_not_let_through_what_a_closed_room_holds_back() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let a = room(conn, "alice", "bike");
    begin_notifications(conn).unwrap();
    say(conn, &a, "carol", "waits to be sent");
    assert_eq!(queue(conn, NOW), [("alice".to_owned(), 1)]);
    write(conn, Write::Block { blocker: user("alice"), blocked: user_id("carol"), at: NOW }).unwrap();
    let notice = Draft { kind: MessageKind::System, ..draft(&a, SYSTEM_SENDER, "the product is sold", None) };
    write(conn, Write::Append(notice)).unwrap();
    assert_eq!(due(conn, NOW), [], "nobody of the staff has said anything");
}
