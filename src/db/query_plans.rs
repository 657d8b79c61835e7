//! Asks SQLite's planner how it would run what haggle runs: a statement that reads a whole table, or sorts one, is
//! fast in a test and slow in a year.

use std::sync::{Arc, Mutex};

use diesel::{
    Connection as _,
    connection::InstrumentationEvent,
    sql_types::{Integer, Text},
};

use super::{
    AuditFilter, Connection, ExportPlace, MessagePage, NewReport, NotifyBy, ReportAssignee, ReportFilter, ReportUser,
    Reported, RoomList, StaffRoomList, WebPushOutcome, Write, Written, begin_notifications, claim_subscription,
    export_user, fill_names, find_room, find_sign_in, find_unread, find_user_details, find_users_by_name,
    find_web_push, finish_web_push, has_unfilled_names, is_member, is_removed_before, list_audit, list_blocks,
    list_due_subscriptions, list_events, list_messages, list_notes, list_product_rooms, list_push_subscriptions,
    list_reports, list_rooms, list_sanctions, list_staff_rooms, load_room, load_staff_rooms, open_room_for,
    open_support_room,
    prelude::*,
    put_push_subscription, queue_notifications, remove_push_subscription, store_report,
    test_db::{NOW, TestDb, draft, is_postgres, product, read, room, say, user, user_id, write},
    write_batch,
};
use crate::{
    domain::{
        EventCursor, NewPushSubscription, NoteSubject, Product, ProductStatus, PushPlatform, RoomId, SanctionKind, Seq,
        WebKeys,
        masking::Inspected,
        name_search::NameBeginning,
        offer::{OfferDecision, Price},
        safety::{Decision, ReportCategory, ReportState},
    },
    protocol::view::PlainPaths,
};

#[derive(QueryableByName)]
struct Step {
    #[diesel(sql_type = Integer)]
    #[allow(dead_code)]
    id: i32,
    #[diesel(sql_type = Text)]
    detail: String,
}

/// The plans of every statement that `work` runs, one text a statement.
fn plans_of(db: &TestDb, work: impl FnOnce(&mut Connection)) -> Vec<(String, String)> {
    let statements = Arc::new(Mutex::new(Vec::new()));
    let conn = &mut db.conn();
    let seen = Arc::clone(&statements);
    conn.sqlite().set_instrumentation(move |event: InstrumentationEvent<'_>| {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            let sql = query.to_string();
            seen.lock().unwrap().push(sql.split(" -- binds").next().unwrap().to_owned());
        }
    });
    work(conn);
    conn.sqlite().set_instrumentation(|_: InstrumentationEvent<'_>| {});
    let mut statements = statements.lock().unwrap().clone();
    let planless = ["BEGIN", "COMMIT", "ROLLBACK", "INSERT INTO `messages`", "REPLACE INTO `changes`"];
    statements.retain(|sql| !planless.iter().any(|s| sql.starts_with(s)));
    statements.sort();
    statements.dedup();
    statements
        .into_iter()
        .map(|sql| {
            let steps: Vec<Step> = diesel::sql_query(format!("EXPLAIN QUERY PLAN {sql}")).load(conn).unwrap();
            let plan = steps.into_iter().map(|step| step.detail).collect::<Vec<_>>().join("\n");
            (sql, plan)
        })
        .collect()
}

/// Every step is a search, and each of these indices is used.
fn assert_plans(plans: &[(String, String)], indices: &[&str]) {
    for (sql, plan) in plans {
        for table in [
            "changes",
            "messages",
            "rooms",
            "users",
            "products",
            "buyers",
            "sellers",
            "blocks",
            "buyers_block",
            "sellers_block",
            "offers",
            "pending_offer",
            "accepted_offer",
            "reports",
            "audit",
            "sanctions",
            "notes",
            "removed_messages",
            "push_subscriptions",
            "web_pushes",
            "support_waits",
            "room_staff",
        ] {
            assert!(!plan.contains(&format!("SCAN {table}")), "{sql}\n{plan}");
        }
        assert!(!plan.contains("TEMP B-TREE"), "{sql}\n{plan}");
    }
    for index in indices {
        assert!(plans.iter().any(|(_, plan)| plan.contains(index)), "{index} is not used: {plans:#?}");
    }
}

fn db_with_a_room() -> (TestDb, RoomId) {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let a = room(conn, "alice", "bike");
    say(conn, &a, "carol", "hello");
    (db, a)
}

#[test]
fn history_goes_along_its_index() {
    if is_postgres() {
        return;
    }
    let (db, a) = db_with_a_room();
    let plans = plans_of(&db, |conn| {
        list_messages(conn, &a, MessagePage::After { seq: Seq(0), limit: 50 }, usize::MAX).unwrap();
        list_messages(conn, &a, MessagePage::Before { seq: None, limit: 50 }, usize::MAX).unwrap();
    });
    // The room, and its messages from either end.
    assert_eq!(plans.len(), 3);
    assert_plans(&plans, &["messages_room_seq (room_id=? AND seq>? AND seq<?)"]);
    // A bound LIMIT has the statement planned again at each call.
    assert!(plans.iter().all(|(sql, _)| !sql.contains("LIMIT")), "{plans:#?}");
}

#[test]
fn events_go_along_the_order_of_commits() {
    if is_postgres() {
        return;
    }
    let (db, _) = db_with_a_room();
    let plans = plans_of(&db, |conn| {
        list_events(conn, EventCursor::default(), 100, usize::MAX).unwrap();
    });
    assert_plans(
        &plans,
        &["messages USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)", "changes USING INTEGER PRIMARY KEY (rowid>?)"],
    );
}

#[test]
fn ones_list_of_rooms_goes_along_its_indices() {
    if is_postgres() {
        return;
    }
    let (db, a) = db_with_a_room();
    let plans = plans_of(&db, |conn| {
        list_rooms(conn, &user_id("alice"), RoomList::Inbox, None, 20, usize::MAX).unwrap();
        find_room(conn, &a, &user_id("alice")).unwrap();
        load_room(conn, &a).unwrap();
        is_member(conn, &a, &user_id("alice")).unwrap();
    });
    assert_plans(
        &plans,
        &[
            "rooms_buyer_list (buyer_id=? AND buyer_place=? AND active_at<?)",
            "rooms_seller_list (seller_id=? AND seller_place=? AND active_at<?)",
            "messages_room_seq (room_id=? AND seq=?)",
            // Unread messages.
            "messages_room_seq (room_id=? AND seq>? AND seq<?)",
            // The offer that stands.
            "pending_offer USING INDEX offers_room_pending (room_id=?)",
            "accepted_offer USING INDEX offers_product_status (product_id=? AND status=?)",
        ],
    );
}

#[test]
fn an_export_goes_along_ones_own_rooms_and_products() {
    if is_postgres() {
        return;
    }
    let (db, _) = db_with_a_room();
    let plans = plans_of(&db, |conn| {
        export_user(conn, &user_id("carol"), ExportPlace::default(), &PlainPaths).unwrap();
    });
    for index in ["products_seller (seller_id=?", "rooms_buyer (buyer_id=?", "rooms_seller (seller_id=?"] {
        assert!(plans.iter().any(|(_, plan)| plan.contains(index)), "{index} is not used: {plans:#?}");
    }
    // One's own rooms are sorted by id; nobody else's are looked at.
    for (sql, plan) in &plans {
        let whole = ["messages", "rooms", "users", "products"].map(|table| format!("SCAN {table}"));
        assert!(!whole.iter().any(|scan| plan.contains(scan)), "{sql}\n{plan}");
        assert!(!plan.contains("SEARCH rooms USING PRIMARY KEY (id>?"), "{sql}\n{plan}");
    }
}

#[test]
fn a_write_goes_along_its_indices() {
    if is_postgres() {
        return;
    }
    let (db, a) = db_with_a_room();
    let plans = plans_of(&db, |conn| {
        let batch = [Write::Append(draft(&a, "alice", "x", Some("k"))), read(&a, "alice", 1)];
        let outcomes = write_batch(conn, &batch, NOW).unwrap();
        let Ok(super::Written::Appended { message, .. }) = &outcomes[0] else { panic!() };
        let at = NOW;
        let (id, editor) = (message.id.clone(), user_id("alice"));
        write(
            conn,
            Write::Edit {
                message: id.clone(),
                editor: editor.clone(),
                text: "y".to_owned(),
                inspected: Inspected::default(),
                at,
            },
        )
        .unwrap();
        write(conn, Write::Delete { message: id, editor, at }).unwrap();
        let sold = Product { status: ProductStatus::Sold, ..product("bike") };
        write(conn, Write::PutProduct { keeps_status: false, product: sold, at }).unwrap();
        open_room_for(conn, &product("bike").id, &user_id("bob"), at).unwrap();
        write(conn, Write::DeleteUser { user: user_id("carol"), at }).unwrap();
    });
    assert_plans(
        &plans,
        &[
            "messages_room_sender_client (room_id=? AND sender_id=? AND client_id=?)",
            "messages_id (id=?)",
            "rooms_product_buyer (product_id=?",
        ],
    );
}

#[test]
fn offers_go_along_the_indices_of_those_that_wait() {
    if is_postgres() {
        return;
    }
    let (db, a) = db_with_a_room();
    let plans = plans_of(&db, |conn| {
        let at = NOW;
        let price = Price { amount: 100, currency: "USD".to_owned() };
        let make = Write::MakeOffer { room: a.clone(), maker: user_id("alice"), price, client_id: None, at };
        let Ok(Written::OfferMoved(moved)) = write(conn, make) else { panic!() };
        let message = moved.answer.unwrap().id;
        let actor = user_id("carol");
        write(conn, Write::AnswerOffer { room: None, message, actor, answer: OfferDecision::Accept, at }).unwrap();
        write(conn, Write::PutProduct { keeps_status: true, product: product("bike"), at }).unwrap();
        let (bike, status) = (product("bike").id, ProductStatus::OnSale);
        write(conn, Write::SetProductStatus { product: bike, seller: None, status, at }).unwrap();
        write(conn, Write::ExpireOffers { at }).unwrap();
        write(conn, Write::DeleteUser { user: user_id("alice"), at }).unwrap();
    });
    let plans: Vec<_> = plans.into_iter().filter(|(sql, _)| !sql.starts_with("INSERT")).collect();
    assert_plans(
        &plans,
        &[
            "offers_room_pending (room_id=?)",
            "offers_product_status (product_id=? AND status=?)",
            "offers_expiry_pending (expires_at<?)",
            "offers_expiry_pending (expires_at>?)",
        ],
    );
}

#[test]
fn blocks_and_reports_go_along_their_indices() {
    if is_postgres() {
        return;
    }
    let (db, a) = db_with_a_room();
    let plans = plans_of(&db, |conn| {
        let (blocker, blocked, at) = (user("alice"), user_id("carol"), NOW);
        write(conn, Write::Block { blocker: blocker.clone(), blocked: blocked.clone(), at }).unwrap();
        list_blocks(conn, &blocker.id, None, 20, usize::MAX).unwrap();
        write(conn, Write::Unblock { blocker: blocker.id.clone(), blocked }).unwrap();
        let new = NewReport {
            reporter: blocker.id,
            room: a.clone(),
            message: None,
            category: ReportCategory::Spam,
            text: None,
            at,
        };
        let Reported::New(report) = store_report(conn, &new).unwrap() else { panic!() };
        store_report(conn, &new).unwrap();
        for state in [ReportState::Open, ReportState::Decided] {
            list_reports(conn, &ReportFilter::all(state), None, 20).unwrap();
        }
        write(conn, Write::DeleteUser { user: user_id("mallory"), at }).unwrap();
        write(conn, Write::EraseWords { user: user_id("mallory"), at }).unwrap();
        let (decision, mute_until) = (Decision::Upheld, Some(at));
        write(conn, Write::DecideReport { report: report.id, decision, mute_until, at }).unwrap();
    });
    let plans: Vec<_> = plans.into_iter().filter(|(sql, _)| !sql.starts_with("INSERT")).collect();
    assert_plans(
        &plans,
        &[
            "reports_open (id>?)",
            "reports_decided (id>?)",
            "reports_open_once",
            "reports_reported (reported_id=?",
            "reports_reporter (reporter_id=?",
        ],
    );
}

#[test]
fn what_staff_looks_up_goes_along_its_indices() {
    if is_postgres() {
        return;
    }
    let (db, a) = db_with_a_room();
    let carol = user_id("carol");
    let plans = plans_of(&db, |conn| {
        let of_carol = [ReportUser::Reported(carol.clone()), ReportUser::Reporter(carol.clone())];
        for user in of_carol.into_iter().chain([ReportUser::Any]) {
            let category = Some(ReportCategory::Scam);
            let mine = ReportAssignee::Staff(carol.clone());
            for assignee in [ReportAssignee::Any, ReportAssignee::Nobody, mine] {
                let filter = ReportFilter { state: ReportState::Open, user: user.clone(), category, assignee };
                list_reports(conn, &filter, None, 20).unwrap();
            }
        }
        let filters =
            [AuditFilter::Actor(carol.clone()), AuditFilter::User(carol.clone()), AuditFilter::Room(a.clone())];
        for filter in filters.into_iter().chain([AuditFilter::All, AuditFilter::ActionsOn(carol.clone())]) {
            list_audit(conn, &filter, None, 20, usize::MAX).unwrap();
        }
        for kind in [SanctionKind::Mute, SanctionKind::Ban] {
            list_sanctions(conn, kind, NOW, None, 20).unwrap();
        }
        for about in [NoteSubject::User(carol.clone()), NoteSubject::Report("r".to_owned())] {
            list_notes(conn, &about, None, 20).unwrap();
        }
        list_product_rooms(conn, &product("bike").id, None, 20, usize::MAX).unwrap();
        find_user_details(conn, &carol).unwrap();
        find_sign_in(conn, &carol, NOW).unwrap();
        is_removed_before(conn, NOW).unwrap();
        let beginning = NameBeginning::parse("carol").unwrap();
        let cursor = "6361726f6c-6361726f6c".parse().unwrap();
        find_users_by_name(conn, &beginning, None, 20).unwrap();
        find_users_by_name(conn, &beginning, Some(&cursor), 20).unwrap();
        has_unfilled_names(conn).unwrap();
        fill_names(conn, 20).unwrap();
    });
    assert_plans(
        &plans,
        &[
            "audit USING INTEGER PRIMARY KEY (rowid<?)",
            "audit_actor (actor_id=? AND id<?)",
            "audit_user (user_id=? AND id<?)",
            "audit_user_actions (user_id=? AND id<?)",
            "audit_room (room_id=? AND id<?)",
            "users_name (name_folded>? AND name_folded<?)",
            "users_name (name_folded=?)",
            "users_muted (muted_until>?)",
            "users_banned (banned_until>?)",
            "notes_user (user_id=? AND id>?)",
            "notes_report (report_id=? AND id>?)",
            "reports_category (category=? AND id>?)",
            "reports_open_assignee (assignee_id=? AND id>?)",
            "removed_messages_at (removed_at<?)",
        ],
    );
}

#[test]
fn the_conversations_of_the_staff_go_along_their_indices() {
    if is_postgres() {
        return;
    }
    let (db, a) = db_with_a_room();
    let plans = plans_of(&db, |conn| {
        let support = open_support_room(conn, &user_id("alice"), NOW).unwrap().into_room().id;
        say(conn, &support, "alice", "help");
        let joined = StaffRoomList::Joined(user_id("mod"));
        for list in [StaffRoomList::Waiting, StaffRoomList::Support, joined, StaffRoomList::Frozen] {
            let places = list_staff_rooms(conn, &list, None, 20).unwrap();
            list_staff_rooms(conn, &list, places.last(), 20).unwrap();
            load_staff_rooms(conn, &places, usize::MAX).unwrap();
        }
        load_room(conn, &a).unwrap();
    });
    let plans: Vec<_> = plans.into_iter().filter(|(sql, _)| !sql.starts_with("INSERT")).collect();
    assert_plans(
        &plans,
        &[
            "support_waits USING COVERING INDEX support_waits_since (since>?)",
            "rooms_seller_list (seller_id=? AND seller_place=? AND active_at<?)",
            "room_staff USING INDEX room_staff_user (user_id=?)",
            "rooms USING INDEX rooms_frozen (id>?)",
        ],
    );
}

#[test]
fn what_is_pushed_goes_along_its_indices() {
    if is_postgres() {
        return;
    }
    let (db, a) = db_with_a_room();
    let by = NotifyBy { webhook: true, web_push: true };
    begin_notifications(&mut db.conn()).unwrap();
    say(&mut db.conn(), &a, "carol", "hello");
    let plans = plans_of(&db, |conn| {
        let keys = Some(WebKeys { p256dh: String::new(), auth: String::new() });
        let address = "https://push.example/1".to_owned();
        let new = NewPushSubscription { platform: PushPlatform::Web, address, keys, language: None };
        put_push_subscription(conn, &user("alice"), &new, NOW).unwrap();
        put_push_subscription(conn, &user("alice"), &new, NOW).unwrap();
        let page = find_unread(conn, &(NOW.plus_ms(-1000)..=NOW)).unwrap().unwrap();
        assert_eq!(queue_notifications(conn, &page, by, NOW).unwrap(), 1);
        let due = list_due_subscriptions(conn, &[user_id("bob")], NOW, 10, 10).unwrap().remove(0);
        assert!(claim_subscription(conn, &due, NOW).unwrap());
        let push = find_web_push(conn, &due, NOW).unwrap().unwrap();
        finish_web_push(conn, &due, Some(&push), WebPushOutcome::Delivered, NOW).unwrap();
        let own = list_push_subscriptions(conn, &user_id("alice")).unwrap().remove(0);
        remove_push_subscription(conn, &user_id("alice"), &own.id).unwrap();
        write(conn, Write::DeleteUser { user: user_id("alice"), at: NOW }).unwrap();
    });
    assert_plans(
        &plans,
        &[
            "push_subscriptions_address (platform=? AND address=?)",
            "push_subscriptions_user (user_id=?)",
            "push_subscriptions_due (due_at>? AND due_at<?)",
            "web_pushes_oldest (subscription_id=?)",
        ],
    );
}
