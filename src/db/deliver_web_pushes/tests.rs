//! Which browsers are pushed to, of what and when.

use super::*;
use crate::{
    db::{
        NotifyBy, Subscribed, Write, begin_notifications, find_unread, list_push_subscriptions, put_push_subscription,
        queue_notifications, remove_push_subscription,
        test_db::{NOW, TestDb, product, read, room, say, user, user_id, write},
    },
    domain::{NewPushSubscription, PushPlatform, RoomId, RoomSettingsPatch},
};

const BY_PUSH: NotifyBy = NotifyBy { webhook: false, web_push: true };

fn browser(address: &str) -> NewPushSubscription {
    let keys = Some(WebKeys { p256dh: "p".to_owned(), auth: "a".to_owned() });
    NewPushSubscription { platform: PushPlatform::Web, address: address.to_owned(), keys, language: None }
}

fn subscribe(conn: &mut Connection, owner: &str, address: &str, at: Timestamp) -> Subscribed {
    put_push_subscription(conn, &user(owner), &browser(address), at).unwrap()
}

/// Looks through everything sent until `at`.
fn queue(conn: &mut Connection, at: Timestamp) {
    while let Some(page) = find_unread(conn, &(NOW.plus_ms(-1000)..=at)).unwrap() {
        queue_notifications(conn, &page, BY_PUSH, at).unwrap();
    }
}

/// Alice has a laptop, and something to read that is queued for it.
fn message_for_a_laptop(conn: &mut Connection) -> RoomId {
    let a = room(conn, "alice", "bike");
    begin_notifications(conn).unwrap();
    subscribe(conn, "alice", "laptop", NOW);
    say(conn, &a, "carol", "1");
    queue(conn, NOW);
    a
}

fn due(conn: &mut Connection, at: Timestamp) -> Vec<DueSubscription> {
    list_due_subscriptions(conn, &[], at, 10, 10).unwrap()
}

/// Where something is due, in order.
fn endpoints(conn: &mut Connection, at: Timestamp) -> Vec<String> {
    due(conn, at).iter().map(|due| due.endpoint().to_owned()).collect()
}

fn finish(conn: &mut Connection, due: &DueSubscription, outcome: WebPushOutcome, at: Timestamp) {
    let push = find_web_push(conn, due, at).unwrap();
    finish_web_push(conn, due, push.as_ref(), outcome, at).unwrap();
}

/// What is pushed next to somebody, or `None` where it was taken back.
fn content(conn: &mut Connection, at: Timestamp) -> Option<WebPush> {
    let due = due(conn, at).pop().unwrap();
    find_web_push(conn, &due, at).unwrap().unwrap().push
}

#[test]
fn each_browser_is_pushed_to_once_for_a_run_of_unread_messages() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let a = room(conn, "alice", "bike");
    begin_notifications(conn).unwrap();
    say(conn, &a, "carol", "before anyone is registered");
    queue(conn, NOW);
    assert_eq!(count_web_pushes(conn).unwrap(), (0, None));

    subscribe(conn, "alice", "laptop", NOW);
    subscribe(conn, "alice", "phone", NOW);
    subscribe(conn, "bob", "bobs", NOW);
    say(conn, &a, "carol", "2");
    queue(conn, NOW);
    say(conn, &a, "carol", "3");
    queue(conn, NOW.plus_ms(1));
    assert_eq!(count_web_pushes(conn).unwrap(), (2, Some(NOW)), "the third is of the same run");

    let first = due(conn, NOW);
    assert_eq!(first.len(), 1, "one at a time for each user");
    let push = content(conn, NOW).unwrap();
    assert_eq!((push.notification.unread, push.total.messages), (3, 3));
    finish(conn, &first[0], WebPushOutcome::Delivered, NOW);
    let second = due(conn, NOW);
    assert_ne!(second[0].endpoint(), first[0].endpoint());
    finish(conn, &second[0], WebPushOutcome::Delivered, NOW);
    assert!(due(conn, NOW.plus_ms(1000)).is_empty());
    assert_eq!(count_web_pushes(conn).unwrap(), (0, None));

    write(conn, read(&a, "alice", 3)).unwrap();
    say(conn, &a, "carol", "4");
    queue(conn, NOW.plus_ms(2));
    assert_eq!(content(conn, NOW.plus_ms(2)).unwrap().notification.unread, 1);
}

#[test]
fn what_has_changed_meanwhile_is_not_pushed() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let a = message_for_a_laptop(conn);
    let mute = |muted| {
        let patch = RoomSettingsPatch { muted: Some(muted), ..RoomSettingsPatch::default() };
        Write::SetRoomSettings { room: a.clone(), member: user_id("alice"), patch }
    };
    write(conn, mute(true)).unwrap();
    assert!(content(conn, NOW).is_none());
    write(conn, mute(false)).unwrap();
    assert!(content(conn, NOW).is_some());
    for banned in ["alice", "carol"] {
        user::set_banned_until(conn, &user_id(banned), Some(NOW.plus_ms(10))).unwrap();
        assert!(content(conn, NOW).is_none(), "{banned}");
        assert!(content(conn, NOW.plus_ms(10)).is_some(), "{banned}");
        user::set_banned_until(conn, &user_id(banned), None).unwrap();
    }
    write(conn, Write::Block { blocker: user("carol"), blocked: user_id("alice"), at: NOW }).unwrap();
    let laptop = due(conn, NOW).remove(0);
    assert!(content(conn, NOW).is_none());
    finish(conn, &laptop, WebPushOutcome::Cancelled, NOW);
    assert!(due(conn, NOW).is_empty());
    write(conn, Write::Unblock { blocker: user_id("carol"), blocked: user_id("alice") }).unwrap();
    say(conn, &a, "carol", "2");
    queue(conn, NOW.plus_ms(1));
    assert_eq!(content(conn, NOW.plus_ms(1)).unwrap().notification.unread, 2);
}

#[test]
fn one_that_fails_waits_and_holds_up_nobody() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let (a, b) = (room(conn, "alice", "bike"), room(conn, "bob", "bike"));
    begin_notifications(conn).unwrap();
    subscribe(conn, "alice", "alices", NOW);
    subscribe(conn, "bob", "bobs", NOW);
    say(conn, &a, "carol", "1");
    say(conn, &b, "carol", "1");
    queue(conn, NOW);
    let alices = due(conn, NOW).into_iter().find(|due| due.endpoint() == "alices").unwrap();
    finish(conn, &alices, WebPushOutcome::Retry(NOW.plus_ms(50)), NOW);
    assert_eq!(endpoints(conn, NOW.plus_ms(49)), ["bobs"]);
    assert_eq!(endpoints(conn, NOW.plus_ms(50)), ["bobs", "alices"], "one that has failed comes last");
    // Another room makes it due no sooner.
    write(conn, Write::PutProduct { keeps_status: false, product: product("lamp"), at: NOW }).unwrap();
    let lamp = room(conn, "alice", "lamp");
    say(conn, &lamp, "carol", "1");
    queue(conn, NOW.plus_ms(1));
    assert_eq!(endpoints(conn, NOW.plus_ms(49)), ["bobs"]);

    let at = NOW.plus_ms(50);
    let of = |conn: &mut Connection, busy: &[UserId], max, failing_max| {
        list_due_subscriptions(conn, busy, at, max, failing_max).unwrap().len()
    };
    assert_eq!(of(conn, &[], 10, 0), 1);
    assert_eq!(of(conn, &[], 1, 1), 1);
    assert_eq!(of(conn, &[user_id("bob")], 10, 10), 1);
    let again = list_due_subscriptions(conn, &[user_id("bob")], at, 10, 10).unwrap().remove(0);
    assert_eq!(again.failures(), 1);
    finish(conn, &again, WebPushOutcome::Delivered, at);
    let rest = due(conn, at).into_iter().find(|due| due.endpoint() == "alices").unwrap();
    assert_eq!((rest.failures(), count_web_pushes(conn).unwrap().0), (0, 2), "the other room is next");

    finish(conn, &rest, WebPushOutcome::Gone, at);
    assert!(list_push_subscriptions(conn, &user_id("alice")).unwrap().is_empty());
    assert_eq!(count_web_pushes(conn).unwrap().0, 1);
}

#[test]
fn of_two_nodes_one_takes_a_subscription_in_hand_for_a_while() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    message_for_a_laptop(conn);
    let laptop = due(conn, NOW).remove(0);
    assert!(claim_subscription(conn, &laptop, NOW.plus_ms(60)).unwrap());
    assert!(!claim_subscription(conn, &laptop, NOW.plus_ms(60)).unwrap(), "both have it");
    assert!(due(conn, NOW.plus_ms(59)).is_empty());
    assert_eq!(due(conn, NOW.plus_ms(60)).len(), 1, "its node is gone");
}

#[test]
fn a_device_is_one_users_and_a_user_has_a_few() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let a = room(conn, "alice", "bike");
    begin_notifications(conn).unwrap();
    let Subscribed::New(first) = subscribe(conn, "alice", "laptop", NOW) else { panic!("it is new") };
    let Subscribed::Existing(again) = subscribe(conn, "alice", "laptop", NOW.plus_ms(5)) else { panic!("it is known") };
    assert_eq!((&again.id, again.refreshed_at), (&first.id, NOW.plus_ms(5)));
    say(conn, &a, "carol", "for alice");
    queue(conn, NOW);
    assert_eq!(count_web_pushes(conn).unwrap().0, 1);

    // The laptop is another's from now on, with nothing of hers.
    let Subscribed::New(bobs) = subscribe(conn, "bob", "laptop", NOW) else { panic!("it is new to him") };
    assert_eq!(count_web_pushes(conn).unwrap().0, 0);
    assert!(list_push_subscriptions(conn, &user_id("alice")).unwrap().is_empty());
    assert!(!remove_push_subscription(conn, &user_id("alice"), &bobs.id).unwrap());
    assert!(remove_push_subscription(conn, &user_id("bob"), &bobs.id).unwrap());

    for n in 0..=SUBSCRIPTIONS_MAX {
        subscribe(conn, "bob", &format!("device {n}"), NOW.plus_ms(n));
    }
    let left = push_subscription::list_of_user(conn, &user_id("bob")).unwrap();
    assert_eq!((left.len() as i64, left.last().unwrap().address.as_str()), (SUBSCRIPTIONS_MAX, "device 1"));
    // The clock was set back: what has just registered stays all the same.
    let Subscribed::New(newest) = subscribe(conn, "bob", "another", NOW.plus_ms(-1)) else { panic!("it is new") };
    let left = list_push_subscriptions(conn, &user_id("bob")).unwrap();
    assert!(left.len() as i64 == SUBSCRIPTIONS_MAX && left.contains(&newest));

    write(conn, Write::DeleteUser { user: user_id("bob"), at: NOW }).unwrap();
    assert!(list_push_subscriptions(conn, &user_id("bob")).unwrap().is_empty());
    assert!(put_push_subscription(conn, &user("bob"), &browser("x"), NOW).is_err());
}

#[test]
fn one_that_registers_again_is_tried_at_once_and_one_that_takes_nothing_for_long_is_removed() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    message_for_a_laptop(conn);
    let later = WebPushOutcome::Retry(NOW.plus_ms(1000));
    let first = due(conn, NOW);
    finish(conn, &first[0], later, NOW);
    assert!(due(conn, NOW).is_empty());
    subscribe(conn, "alice", "laptop", NOW);
    assert_eq!(due(conn, NOW)[0].failures(), 0);
    for failures in 0..=FAILURES_MAX {
        let again = due(conn, NOW.plus_ms(1000)).remove(0);
        assert_eq!(again.failures(), failures);
        finish(conn, &again, later, NOW);
    }
    assert_eq!(list_push_subscriptions(conn, &user_id("alice")).unwrap(), []);
    assert_eq!(count_web_pushes(conn).unwrap(), (0, None));
}
