//! The feed of events, each kind of change by itself.

use super::*;
use crate::{
    db::{
        ErasureProgress, ImportOptions, NewReport, Reported, Write, Written,
        generation::begin_generation,
        import_str,
        migrations::{migrate_connection, revert_from},
        store_report,
        test_db::{NOW, TestDb, draft, product, read, room, say, user, user_id, write},
        write_batch,
    },
    domain::{
        GenerationTag, Product, ProductStatus, RoomSettings, RoomSettingsPatch, SettingsPatch,
        masking::Inspected,
        offer::{OFFER_LIFETIME_MS, OfferDecision, Price},
        safety::{Decision, ReportCategory},
    },
    protocol::view::{EventView, PlainPaths, Presenter},
};

fn in_short(event: &Event) -> String {
    match &event.fact {
        Fact::Message(message) => format!("message {}", message.text.as_deref().unwrap_or("-")),
        Fact::MessageUpdated(message) => format!("updated {}", message.text.as_deref().unwrap_or("-")),
        Fact::Read { user_id, seq, .. } => format!("read {user_id} {seq}"),
        Fact::RoomSettingsUpdated { user_id, settings, .. } => {
            let RoomSettings { archived, muted, pinned, unread } = settings;
            format!("room settings {user_id} {archived} {muted} {pinned} {unread}")
        }
        Fact::RoomOpened(room) => format!("room {} {}", room.buyer.id, room.product.as_ref().unwrap().id),
        Fact::OfferUpdated(offer) => format!("offer {} {}", offer.amount, offer.status.as_str()),
        Fact::ProductUpdated(product) => format!("product {} {}", product.id, product.status.as_str()),
        Fact::UserUpdated(user) => format!("user {}", user.name),
        Fact::UserDeleted(user) => format!("deleted {}", user.id),
        Fact::SettingsUpdated { user_id, read_receipts, typing, presence, delivery_receipts, last_seen } => {
            format!("settings {user_id} {read_receipts} {typing} {presence} {delivery_receipts} {last_seen}")
        }
        Fact::BlockUpdated { blocker_id, blocked_id, blocked, created_at } => {
            assert_eq!(created_at.is_some(), *blocked);
            format!("block {blocker_id} {blocked_id} {blocked}")
        }
        Fact::ReportCreated(report) => format!("report of {} by {}", report.reported_id, report.reporter_id),
        Fact::ReportDecided(report) => {
            format!("decided {} {:?}", report.reported_id, report.decision.map(Decision::as_str))
        }
        Fact::MuteUpdated { user_id, muted_until } => format!("mute {user_id} {:?}", muted_until.map(|at| at.0)),
        Fact::BanUpdated { user_id, banned, .. } => format!("ban {user_id} {banned}"),
        Fact::FreezeUpdated { frozen, .. } => format!("freeze {frozen}"),
        Fact::SessionsEnded { user_id } => format!("ended {user_id}"),
    }
}

/// The events that a write has brought about, all of which have its time.
fn events_of(conn: &mut Connection, after: &mut EventCursor, write: &Write, at: Timestamp) -> Vec<String> {
    let outcome = write_batch(conn, std::slice::from_ref(write), at).unwrap().remove(0);
    assert!(outcome.is_ok(), "{write:?}: {outcome:?}");
    let page = list_events(conn, *after, 100, usize::MAX).unwrap();
    assert!(page.items.iter().all(|event| event.at == at), "{write:?}: {:?}", page.items);
    *after = page.next;
    page.items.iter().map(in_short).collect()
}

/// All events after a position, page by page, in short.
fn listed(conn: &mut Connection, after: EventCursor, limit: i64) -> (Vec<String>, EventCursor) {
    told_within(conn, after, limit, usize::MAX)
}

fn told_within(
    conn: &mut Connection,
    mut after: EventCursor,
    limit: i64,
    bytes_max: usize,
) -> (Vec<String>, EventCursor) {
    let mut listed = Vec::new();
    loop {
        let page = list_events(conn, after, limit, bytes_max).unwrap();
        assert!(page.items.len() <= usize::try_from(limit).unwrap());
        assert!(
            page.items.len() <= 1
                || page.items.iter().map(|event| event.fact.weight_bytes()).sum::<usize>() <= bytes_max
        );
        assert!(page.items.iter().map(|event| event.cursor).is_sorted_by(|a, b| a < b));
        listed.extend(page.items.iter().map(in_short));
        after = page.next;
        if !page.has_more {
            return (listed, after);
        }
    }
}

#[test]
fn events_come_in_the_order_of_commits_whatever_the_page() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let a = room(conn, "alice", "bike");
    let first = say(conn, &a, "alice", "1");
    write(conn, read(&a, "carol", 1)).unwrap();
    say(conn, &a, "carol", "2");
    let editor = user_id("alice");
    write(
        conn,
        Write::Edit { message: first.id, editor, text: "one".to_owned(), inspected: Inspected::default(), at: NOW },
    )
    .unwrap();
    let sold = Product { status: ProductStatus::Sold, ..product("bike") };
    write(conn, Write::PutProduct { keeps_status: false, product: sold, at: NOW }).unwrap();
    let expected = [
        "user ALICE",
        "user BOB",
        "user CAROL",
        "user MALLORY",
        "product lamp on_sale",
        "room alice bike",
        "message one",
        "read carol 2",
        "message 2",
        "updated one",
        "message This product is now sold",
        "product bike sold",
    ];
    for limit in 1..20 {
        assert_eq!(listed(conn, EventCursor::default(), limit).0, expected, "{limit}");
    }
    for bytes_max in [0, 300, 600, 900, 2000, 5000] {
        assert_eq!(told_within(conn, EventCursor::default(), 20, bytes_max).0, expected, "{bytes_max}");
    }
    // From the end on there is nothing, until something happens. What is overtaken is listed once, at its latest place.
    let (_, end) = listed(conn, EventCursor::default(), 100);
    assert_eq!(listed(conn, end, 1), (vec![], end));
    for seq in 2..4 {
        write(conn, read(&a, "alice", seq)).unwrap();
    }
    write(conn, Write::DeleteUser { user: user_id("bob"), at: NOW }).unwrap();
    assert_eq!(listed(conn, end, 1).0, ["read alice 3", "deleted bob"]);
}

#[test]
fn a_place_of_another_life_is_expired_and_one_of_an_older_haggle_only_after_a_restore() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    room(conn, "alice", "bike");
    let (events, end) = listed(conn, EventCursor::default(), 100);
    let is_expired =
        |conn: &mut Connection, after| list_events(conn, after, 10, usize::MAX) == Err(ExpiredCursor.into());
    let untagged = EventCursor { generation: GenerationTag::default(), ..end };
    assert!(!is_expired(conn, end));
    assert!(is_expired(conn, untagged), "no cursor of this database was ever without a tag");
    conn.batch_execute("UPDATE installation SET generation = identity").unwrap();
    assert!(is_expired(conn, end) && !is_expired(conn, untagged));
    assert_eq!(listed(conn, untagged, 100).1.position, end.position);
    // What was never given is of a time that was taken back.
    for beyond in [(1, 0), (0, 1)] {
        let (position, change) = (untagged.position + beyond.0, untagged.change + beyond.1);
        assert!(is_expired(conn, EventCursor { position, change, ..untagged }), "{beyond:?}");
    }
    begin_generation(conn).unwrap();
    assert!(is_expired(conn, end) && is_expired(conn, untagged));
    assert_eq!(listed(conn, EventCursor::default(), 100).0, events);
}

#[test]
fn what_is_refused_or_changes_nothing_is_no_event() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let a = room(conn, "alice", "bike");
    let (_, end) = listed(conn, EventCursor::default(), 100);
    let repeated = draft(&a, "alice", "x", Some("key"));
    let batch = [
        Write::Append(draft(&a, "mallory", "x", None)),
        read(&a, "mallory", 1),
        read(&a, "alice", 0),
        Write::PutProduct { keeps_status: false, product: product("bike"), at: NOW },
        Write::Append(repeated.clone()),
        Write::Append(repeated),
    ];
    write_batch(conn, &batch, NOW).unwrap();
    room(conn, "alice", "bike");
    assert_eq!(listed(conn, end, 10).0, ["message x"]);
}

#[test]
fn what_is_loaded_is_in_the_stream_too() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let (_, end) = listed(conn, EventCursor::default(), 100);
    let lines = r#"{"type":"user","id":"dave","name":"Dave"}
        {"type":"product","id":"boat","sellerId":"dave","title":"A boat"}
        {"type":"room","id":"r","productId":"boat","buyerId":"alice"}
        {"type":"message","roomId":"r","senderId":"alice","text":"hi","sentAt":"2026-01-01T00:00:00Z"}
        {"type":"room","id":"r2","productId":"boat","buyerId":"bob"}"#;
    let options = ImportOptions { now: NOW, shift_ms: 0 };
    for _ in 0..2 {
        import_str(conn, lines, options).unwrap();
        let expected = [
            "user Dave",
            "product boat on_sale",
            "room alice boat",
            "message hi",
            "read alice 1",
            "read dave 1",
            "room bob boat",
        ];
        assert_eq!(listed(conn, end, 2).0, expected);
    }
    // All of it happened when it was loaded, however old the words are.
    let page = list_events(conn, end, 100, usize::MAX).unwrap();
    assert!(page.items.iter().all(|event| event.at == NOW), "{:?}", page.items);
    let later = ImportOptions { now: NOW.plus_ms(1), ..options };
    import_str(conn, &lines.replace("hi", "ho"), later).unwrap();
    let page = list_events(conn, page.next, 100, usize::MAX).unwrap();
    assert_eq!(page.items.iter().map(in_short).collect::<Vec<_>>(), ["message ho", "read alice 2", "read dave 2"]);
    assert!(page.items.iter().all(|event| event.at == later.now), "{:?}", page.items);
}

#[test]
fn what_is_put_is_an_event_with_its_time_and_the_same_again_is_none() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let a = room(conn, "alice", "bike");
    say(conn, &a, "carol", "hello");
    let (_, mut end) = listed(conn, EventCursor::default(), 100);
    let alice = User { name: "Alicia".to_owned(), ..user("alice") };
    let bike = Product { title: "A red bike".to_owned(), ..product("bike") };
    let patch = SettingsPatch { typing: Some(false), ..SettingsPatch::default() };
    let (blocker, blocked) = (user("alice"), user_id("carol"));
    let settings = RoomSettingsPatch { muted: Some(true), pinned: Some(true), ..RoomSettingsPatch::default() };
    let of_room = Write::SetRoomSettings { room: a.clone(), member: user_id("alice"), patch: settings };
    let puts: [(Write, &[&str]); 10] = [
        (Write::PutUser { user: alice }, &["user Alicia"]),
        (Write::PutUser { user: user("dave") }, &["user DAVE"]),
        (Write::PutProduct { keeps_status: true, product: bike, at: NOW }, &["product bike on_sale"]),
        (read(&a, "alice", 1), &["read alice 1"]),
        (of_room, &["room settings alice false true true false"]),
        (Write::SetSettings { user: user("alice"), patch }, &["settings alice true false true true true"]),
        // Known by their token alone so far.
        (Write::SetSettings { user: user("erin"), patch }, &["user ERIN", "settings erin true false true true true"]),
        (Write::Block { blocker: blocker.clone(), blocked: blocked.clone(), at: NOW }, &["block alice carol true"]),
        (Write::Unblock { blocker: blocker.id, blocked }, &["block alice carol false"]),
        (Write::DeleteUser { user: user_id("bob"), at: NOW }, &["deleted bob"]),
    ];
    for (ms, (put, expected)) in (1..).zip(puts) {
        assert_eq!(events_of(conn, &mut end, &put, NOW.plus_ms(ms)), expected, "{put:?}");
        assert_eq!(events_of(conn, &mut end, &put, NOW.plus_ms(1000)), Vec::<String>::new(), "again: {put:?}");
    }
    // Switches that are not named, or stand so already.
    for patch in [SettingsPatch::default(), SettingsPatch { presence: Some(true), ..SettingsPatch::default() }] {
        let put = Write::SetSettings { user: user("mallory"), patch };
        assert_eq!(events_of(conn, &mut end, &put, NOW), Vec::<String>::new(), "{put:?}");
    }
}

fn report(conn: &mut Connection, room: &RoomId, at: Timestamp) -> String {
    let (reporter, category) = (user_id("alice"), ReportCategory::Scam);
    let text = Some("asks for money".to_owned());
    let new = NewReport { reporter, room: room.clone(), message: None, category, text, at };
    match store_report(conn, &new).unwrap() {
        Reported::New(report) | Reported::Existing(report) => report.id,
    }
}

#[test]
fn a_report_its_decision_and_its_mute_are_events() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let a = room(conn, "alice", "bike");
    say(conn, &a, "carol", "pay first");
    let (_, mut end) = listed(conn, EventCursor::default(), 100);
    let id = report(conn, &a, NOW.plus_ms(1));
    assert_eq!(report(conn, &a, NOW.plus_ms(2)), id, "reported once");
    let page = list_events(conn, end, 10, usize::MAX).unwrap();
    assert_eq!(page.items.iter().map(in_short).collect::<Vec<_>>(), ["report of carol by alice"]);
    let shown = |event| serde_json::to_value(EventView::of(event, &Presenter::new(NOW, &PlainPaths))).unwrap();
    let json = shown(&page.items[0]);
    assert_eq!((&json["event"], &json["at"]), (&"reportCreated".into(), &NOW.plus_ms(1).to_string().into()));
    assert_eq!((&json["data"]["id"], &json["data"]["text"]), (&id.as_str().into(), &"asks for money".into()));
    assert!(json["data"].get("messages").is_none(), "{json}");
    end = page.next;

    let decide = |decision, mute_until: Option<Timestamp>| Write::DecideReport {
        report: id.clone(),
        decision,
        mute_until,
        at: NOW,
    };
    let until = NOW.plus_ms(60_000);
    let muted = format!("mute carol Some({})", until.0);
    let decisions: [(Write, &[&str]); 4] = [
        (decide(Decision::Dismissed, None), &["decided carol Some(\"dismissed\")"]),
        (decide(Decision::Upheld, Some(until)), &["decided carol Some(\"upheld\")", &muted]),
        (decide(Decision::Upheld, None), &["decided carol Some(\"upheld\")", "mute carol None"]),
        (decide(Decision::Dismissed, None), &["decided carol Some(\"dismissed\")"]),
    ];
    for (ms, (decided, expected)) in (1..).zip(decisions) {
        assert_eq!(events_of(conn, &mut end, &decided, NOW.plus_ms(ms)), expected, "{decided:?}");
        assert_eq!(events_of(conn, &mut end, &decided, NOW.plus_ms(1000)), Vec::<String>::new(), "{decided:?}");
    }
    // What the reporter said goes with them.
    write(conn, Write::DeleteUser { user: user_id("alice"), at: NOW }).unwrap();
    while let Written::WordsErased { progress: ErasureProgress::GoesOn, .. } =
        write(conn, Write::EraseWords { user: user_id("alice"), at: NOW }).unwrap()
    {}
    let page = list_events(conn, EventCursor::default(), 100, usize::MAX).unwrap();
    assert!(!page.items.iter().any(|event| shown(event).to_string().contains("asks for money")));
}

#[test]
fn an_offer_and_what_becomes_of_it_are_events() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let (a, b) = (room(conn, "alice", "bike"), room(conn, "bob", "bike"));
    let (_, mut end) = listed(conn, EventCursor::default(), 100);
    let make = |room: &RoomId, maker: &str, amount, at| Write::MakeOffer {
        room: room.clone(),
        maker: user_id(maker),
        price: Price { amount, currency: "USD".to_owned() },
        client_id: None,
        at,
    };
    assert_eq!(events_of(conn, &mut end, &make(&a, "alice", 100, NOW), NOW), ["message -", "offer 100 pending"]);
    let superseded = events_of(conn, &mut end, &make(&a, "alice", 110, NOW), NOW);
    assert_eq!(superseded, ["message -", "updated -", "offer 100 superseded", "offer 110 pending"]);
    assert_eq!(events_of(conn, &mut end, &make(&b, "bob", 120, NOW), NOW), ["message -", "offer 120 pending"]);
    let page = list_events(conn, EventCursor::default(), 100, usize::MAX).unwrap();
    let Some(Fact::OfferUpdated(offer)) = page.items.last().map(|event| event.fact.clone()) else { panic!() };
    let json = serde_json::to_value(&offer).unwrap();
    assert_eq!(
        json,
        serde_json::json!({
            "messageId": offer.message_id, "roomId": b, "productId": "bike", "offeredBy": "buyer", "amount": 120,
            "currency": "USD", "status": "pending", "expiresAt": NOW.plus_ms(OFFER_LIFETIME_MS),
        })
    );
    let (message, actor, answer) = (offer.message_id, user_id("carol"), OfferDecision::Accept);
    let accept = Write::AnswerOffer { room: None, message, actor, answer, at: NOW.plus_ms(1) };
    let mut accepted = events_of(conn, &mut end, &accept, NOW.plus_ms(1));
    // What is said about the product comes first, and the product last.
    assert_eq!(accepted.iter().filter(|event| event.starts_with("message This")).count(), 2);
    assert_eq!(accepted.pop().unwrap(), "product bike reserved");
    assert!(["offer 120 accepted", "offer 110 declined"].iter().all(|event| accepted.iter().any(|it| it == event)));

    let lamp = room(conn, "alice", "lamp");
    write(conn, make(&lamp, "alice", 5, NOW)).unwrap();
    end = listed(conn, end, 100).1;
    let late = NOW.plus_ms(OFFER_LIFETIME_MS);
    let expired = events_of(conn, &mut end, &Write::ExpireOffers { at: late }, late);
    assert_eq!(expired, ["updated -", "offer 5 expired"]);
}

#[test]
fn sessions_that_the_marketplace_has_ended_are_an_event_each_time() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let (_, mut end) = listed(conn, EventCursor::default(), 100);
    let ended = Write::NoteSessionsEnded { user: user_id("alice") };
    for ms in 1..3 {
        assert_eq!(events_of(conn, &mut end, &ended, NOW.plus_ms(ms)), ["ended alice"]);
    }
}

#[test]
fn an_older_database_has_a_time_on_every_event_and_what_stands_becomes_events() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let a = room(conn, "alice", "bike");
    let sent = say(conn, &a, "carol", "hello");
    let edited_at = NOW.plus_ms(5);
    let (message, editor, text) = (sent.id, user_id("carol"), "hi".to_owned());
    write(conn, Write::Edit { message, editor, text, inspected: Inspected::default(), at: edited_at }).unwrap();
    write(conn, read(&a, "alice", 1)).unwrap();
    let price = Price { amount: 7, currency: "USD".to_owned() };
    let (maker, client_id) = (user_id("alice"), None);
    write(conn, Write::MakeOffer { room: a.clone(), maker, price, client_id, at: NOW.plus_ms(6) }).unwrap();
    let report = report(conn, &a, NOW.plus_ms(7));
    let mute_until = Some(NOW.plus_ms(60_000));
    let (decision, at) = (Decision::Upheld, NOW.plus_ms(8));
    write(conn, Write::DecideReport { report, decision, mute_until, at }).unwrap();
    let (blocker, blocked, at) = (user("carol"), user_id("alice"), NOW.plus_ms(9));
    write(conn, Write::Block { blocker, blocked, at }).unwrap();
    let patch = SettingsPatch { typing: Some(false), ..SettingsPatch::default() };
    write(conn, Write::SetSettings { user: user("bob"), patch }).unwrap();
    let (before, end) = listed(conn, EventCursor::default(), 100);

    let reverted = revert_from(conn, "2026-11-28-400000_event_times");
    assert_eq!(migrate_connection(conn).unwrap().len(), reverted);
    let page = list_events(conn, EventCursor::default(), 100, usize::MAX).unwrap();
    let (mut after, mut expected): (Vec<String>, _) = (page.items.iter().map(in_short).collect(), before);
    after.sort_unstable();
    expected.sort_unstable();
    assert_eq!(after, expected);
    let at = |start: &str| page.items.iter().find(|event| in_short(event).starts_with(start)).unwrap().at;
    let exact = [
        ("room alice", NOW),
        ("message hi", NOW),
        ("updated hi", edited_at),
        ("read alice", NOW),
        ("user ALICE", NOW),
        ("offer 7", NOW.plus_ms(6)),
        ("report of", NOW.plus_ms(7)),
        ("decided", NOW.plus_ms(8)),
        ("mute carol", NOW.plus_ms(8)),
        ("block carol", NOW.plus_ms(9)),
    ];
    for (start, expected) in exact {
        assert_eq!(at(start), expected, "{start}");
    }
    assert!(at("settings bob") > Timestamp(1_700_000_000_000));
    // A reader that had come to the end gets those that count as events only now, and nothing else.
    assert_eq!(listed(conn, end, 100).0.len(), 6);
}

#[test]
fn a_reader_beside_a_writer_misses_nothing() {
    const WRITES: i64 = 300;
    let db = TestDb::new();
    let a = room(&mut db.conn(), "alice", "bike");
    let (_, start) = listed(&mut db.conn(), EventCursor::default(), 100);
    let mut seen = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let conn = &mut db.conn();
            for seq in 1..=WRITES {
                let batch = [Write::Append(draft(&a, "alice", &seq.to_string(), None)), read(&a, "carol", seq)];
                write_batch(conn, &batch, NOW).unwrap();
            }
        });
        let (conn, mut after) = (&mut db.conn(), start);
        while !seen.contains(&format!("read carol {WRITES}")) {
            let (events, next) = listed(conn, after, 7);
            seen.extend(events);
            after = next;
        }
    });
    let messages: Vec<_> = seen.iter().filter_map(|event| event.strip_prefix("message ")).collect();
    assert_eq!(messages, (1..=WRITES).map(|seq| seq.to_string()).collect::<Vec<_>>());
}
