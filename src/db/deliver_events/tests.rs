//! Which events the webhook is sent, and from where on.

use super::*;
use crate::{
    db::{
        NewReport, Write,
        generation::begin_generation,
        list_events, store_report,
        test_db::{NOW, TestDb, product, read, room, say, user, user_id, write},
    },
    domain::{Event, Fact, Product, ProductStatus, RoomId, masking::Inspected, safety::ReportCategory},
};

const KINDS: [WebhookEvent; 7] = [
    WebhookEvent::Message,
    WebhookEvent::Offer,
    WebhookEvent::Report,
    WebhookEvent::Mute,
    WebhookEvent::Block,
    WebhookEvent::Product,
    WebhookEvent::User,
];

fn only(event: WebhookEvent) -> WebhookEvents {
    [event].into_iter().collect()
}

fn report(conn: &mut Connection, room: &RoomId, reporter: &str) {
    let (reporter, category) = (user_id(reporter), ReportCategory::Spam);
    let new = NewReport { reporter, room: room.clone(), message: None, category, text: None, at: NOW };
    store_report(conn, &new).unwrap();
}

/// Some of everything.
fn live(conn: &mut Connection) {
    let a = room(conn, "alice", "bike");
    let first = say(conn, &a, "alice", "1");
    write(conn, read(&a, "carol", 1)).unwrap();
    say(conn, &a, "carol", "2");
    let (editor, inspected) = (user_id("alice"), Inspected::default());
    write(conn, Write::Edit { message: first.id, editor, text: "one".to_owned(), inspected, at: NOW }).unwrap();
    report(conn, &a, "alice");
    let sold = Product { status: ProductStatus::Sold, ..product("bike") };
    write(conn, Write::PutProduct { keeps_status: false, product: sold, at: NOW }).unwrap();
    write(conn, Write::Block { blocker: user("alice"), blocked: user_id("carol"), at: NOW }).unwrap();
    write(conn, Write::PutUser { user: user("dave") }).unwrap();
    let b = room(conn, "bob", "lamp");
    say(conn, &b, "bob", "3");
}

fn find(conn: &mut Connection, events: WebhookEvents, passed: EventCursor, items_max: i64) -> Deliverable {
    find_deliverable(conn, events, passed, NOW, items_max, usize::MAX).unwrap().unwrap()
}

/// All that there is to send, page by page.
fn deliver(conn: &mut Connection, events: WebhookEvents, items_max: i64) -> Vec<Event> {
    let mut sent = Vec::new();
    loop {
        let found = find(conn, events, EventCursor::default(), items_max);
        assert!(found.page.items.len() as i64 <= items_max);
        assert!(found.pending >= found.page.items.len() as i64);
        sent.extend(found.page.items);
        assert!(finish_events(conn, found.delivery, DeliveryOutcome::Taken(found.page.next), NOW).unwrap());
        if !found.page.has_more {
            return sent;
        }
    }
}

fn kind_of(fact: &Fact) -> Option<WebhookEvent> {
    Some(match fact {
        Fact::Message(_) | Fact::MessageUpdated(_) => WebhookEvent::Message,
        Fact::OfferUpdated(_) => WebhookEvent::Offer,
        Fact::ReportCreated(_) | Fact::ReportDecided(_) => WebhookEvent::Report,
        Fact::MuteUpdated { .. } | Fact::BanUpdated { .. } | Fact::FreezeUpdated { .. } => WebhookEvent::Mute,
        Fact::BlockUpdated { .. } => WebhookEvent::Block,
        Fact::ProductUpdated(_) => WebhookEvent::Product,
        Fact::UserUpdated(_) | Fact::UserDeleted(_) | Fact::SettingsUpdated { .. } | Fact::SessionsEnded { .. } => {
            WebhookEvent::User
        }
        Fact::Read { .. } | Fact::RoomOpened(_) | Fact::RoomSettingsUpdated { .. } => return None,
    })
}

#[test]
fn the_webhook_is_sent_what_it_wants_of_the_events_with_the_same_cursors() {
    for wanted in KINDS.into_iter().map(only).chain([KINDS.into_iter().collect()]) {
        for items_max in [1, 100] {
            let db = TestDb::new();
            let conn = &mut db.conn();
            let earlier = room(conn, "mallory", "bike");
            say(conn, &earlier, "mallory", "before the webhook was used");
            begin_event_delivery(conn, NOW).unwrap();
            let begin = list_events(conn, EventCursor::default(), 1000, usize::MAX).unwrap().next;
            live(conn);
            // A second start goes on where the first one was.
            begin_event_delivery(conn, NOW).unwrap();
            let all = list_events(conn, begin, 1000, usize::MAX).unwrap();
            let expected: Vec<Event> = all
                .items
                .into_iter()
                .filter(|event| kind_of(&event.fact).is_some_and(|kind| wanted.has(kind)))
                .collect();
            assert_eq!(deliver(conn, wanted, items_max), expected, "{wanted:?}");
            assert!(!wanted.has(WebhookEvent::Report) || !expected.is_empty());
            let found = find(conn, wanted, EventCursor::default(), 1);
            assert_eq!((found.page.items.len(), found.pending), (0, 0));
        }
    }
}

#[test]
fn what_is_wanted_later_begins_then() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    begin_event_delivery(conn, NOW).unwrap();
    live(conn);
    assert_eq!(deliver(conn, only(WebhookEvent::Report), 10).len(), 1);
    assert_eq!(deliver(conn, KINDS.into_iter().collect(), 10), []);
    let a = room(conn, "bob", "lamp");
    say(conn, &a, "bob", "4");
    report(conn, &a, "bob");
    assert_eq!(deliver(conn, only(WebhookEvent::Message), 10).len(), 1);
    assert_eq!(deliver(conn, only(WebhookEvent::Report), 10), [], "it was passed over");
}

#[test]
fn a_place_in_memory_counts_until_the_database_is_another() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    begin_event_delivery(conn, NOW).unwrap();
    live(conn);
    let all = KINDS.into_iter().collect();
    let found = find(conn, all, EventCursor::default(), 3);
    assert!(found.delivery.is_before(found.page.next) && found.page.has_more && found.pending > 3);
    let rest = find(conn, all, found.page.next, 1000);
    assert!(rest.page.items[0].cursor > found.page.next && rest.pending == found.pending - 3);
    // A restore has brought the row and the events of one moment.
    begin_generation(conn).unwrap();
    let again = find(conn, all, found.page.next, 3);
    assert_eq!(again.page.items.len(), 3);
    assert_eq!(again.page.items[0].fact, found.page.items[0].fact);
    assert_ne!(again.page.items[0].cursor, found.page.items[0].cursor);
}

#[test]
fn of_two_nodes_one_sends_and_a_late_one_moves_nothing() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let wanted = only(WebhookEvent::Message);
    assert!(find_deliverable(conn, wanted, EventCursor::default(), NOW, 1, 1).unwrap().is_none(), "it has not begun");
    begin_event_delivery(conn, NOW).unwrap();
    live(conn);
    let found = find(conn, wanted, EventCursor::default(), 1);
    let (known, place) = (found.delivery, found.page.next);
    assert!(known.is_due(NOW) && !known.is_due(NOW.plus_ms(-1)));
    let claimed = claim_events(conn, known, NOW.plus_ms(60)).unwrap().unwrap();
    assert_eq!(claim_events(conn, known, NOW.plus_ms(60)).unwrap(), None, "both have it");
    let meanwhile = find(conn, wanted, EventCursor::default(), 100);
    assert!(!meanwhile.delivery.is_due(NOW.plus_ms(59)) && meanwhile.delivery.is_due(NOW.plus_ms(60)));
    assert_eq!(meanwhile.page.items.len(), 1, "none is due");

    // Its node is gone, and another one takes over. The first one comes back too late.
    let over = claim_events(conn, meanwhile.delivery, NOW.plus_ms(120)).unwrap().unwrap();
    let retry = DeliveryOutcome::Retry(NOW);
    assert!(!finish_events(conn, claimed, DeliveryOutcome::Taken(place), NOW).unwrap());
    assert!(finish_events(conn, over, retry, NOW).unwrap());
    let found = find(conn, wanted, EventCursor::default(), 100);
    assert_eq!(found.delivery.attempts(), 1);
    assert!(found.page.items.len() > 1 && found.page.next > place);
    assert!(finish_events(conn, found.delivery, DeliveryOutcome::Taken(found.page.next), NOW).unwrap());
    let found = find(conn, wanted, EventCursor::default(), 100);
    assert_eq!((found.delivery.attempts(), found.page.items.len(), found.delivery.is_due(NOW)), (0, 0, true));
}
