//! Asks SQLite's planner how it would run what haggle runs: a statement that reads a whole table, or sorts one, is
//! fast in a test and slow in a year.

use std::sync::{Arc, Mutex};

use diesel::{
    Connection as _,
    connection::InstrumentationEvent,
    prelude::*,
    sql_types::{Integer, Text},
};

use super::{
    Connection, MessagePage, RoomWrite, find_room, is_member, list_messages, list_rooms, load_room, open_room_for,
    test_db::{NOW, TestDb, draft, product, read, room, say, user_id, write},
    write_batch,
};
use crate::domain::{MaskingPolicy, Product, ProductStatus, RoomId, Seq};

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
    conn.set_instrumentation(move |event: InstrumentationEvent<'_>| {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            let sql = query.to_string();
            seen.lock().unwrap().push(sql.split(" -- binds").next().unwrap().to_owned());
        }
    });
    work(conn);
    conn.set_instrumentation(|_: InstrumentationEvent<'_>| {});
    let mut statements = statements.lock().unwrap().clone();
    statements
        .retain(|sql| !["BEGIN", "COMMIT", "ROLLBACK", "INSERT INTO `messages`"].iter().any(|s| sql.starts_with(s)));
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
        for table in ["messages", "rooms", "users", "products", "buyers", "sellers"] {
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
    let (db, a) = db_with_a_room();
    let plans = plans_of(&db, |conn| {
        list_messages(conn, &a, MessagePage::After { seq: Seq(0), limit: 50 }).unwrap();
        list_messages(conn, &a, MessagePage::Before { seq: None, limit: 50 }).unwrap();
    });
    assert_eq!(plans.len(), 2);
    assert_plans(&plans, &["messages_room_seq (room_id=? AND seq>? AND seq<?)"]);
    // A bound LIMIT has the statement planned anew at each call.
    assert!(plans.iter().all(|(sql, _)| !sql.contains("LIMIT")), "{plans:#?}");
}

#[test]
fn ones_list_of_rooms_goes_along_its_indices() {
    let (db, a) = db_with_a_room();
    let plans = plans_of(&db, |conn| {
        list_rooms(conn, &user_id("alice"), None, 20).unwrap();
        find_room(conn, &a, &user_id("alice")).unwrap();
        load_room(conn, &a).unwrap();
        is_member(conn, &a, &user_id("alice")).unwrap();
    });
    assert_plans(
        &plans,
        &[
            "rooms_buyer_active (buyer_id=? AND active_at<?)",
            "rooms_seller_active (seller_id=? AND active_at<?)",
            "messages_room_seq (room_id=? AND seq=?)",
            // Unread messages.
            "messages_room_seq (room_id=? AND seq>? AND seq<?)",
        ],
    );
}

#[test]
fn a_write_goes_along_its_indices() {
    let (db, a) = db_with_a_room();
    let plans = plans_of(&db, |conn| {
        let batch = [RoomWrite::Append(draft(&a, "alice", "x", Some("k"))), read(&a, "alice", 1)];
        let outcomes = write_batch(conn, &batch).unwrap();
        let Ok(super::Written::Appended { message, .. }) = &outcomes[0] else { panic!() };
        let at = NOW;
        let (id, editor) = (message.id.clone(), user_id("alice"));
        write(
            conn,
            RoomWrite::Edit {
                message: id.clone(),
                editor: editor.clone(),
                text: "y".to_owned(),
                masking: MaskingPolicy::Warn,
                at,
            },
        )
        .unwrap();
        write(conn, RoomWrite::Delete { message: id, editor, at }).unwrap();
        let sold = Product { status: ProductStatus::Sold, ..product("bike") };
        write(conn, RoomWrite::PutProduct { product: sold, at }).unwrap();
        open_room_for(conn, &product("bike").id, &user_id("bob"), at).unwrap().unwrap();
        write(conn, RoomWrite::DeleteUser { user: user_id("carol"), at }).unwrap();
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
