use serde_json::json;

use super::*;
use crate::{
    db::{
        Connection, find_product, find_user, is_member, load_room,
        open_room::{OpenError, open_room_for},
        prelude::*,
        schema::messages,
        test_db::{NOW, TestDb, draft, history, is_postgres, product, read, room, say, user, user_id, write},
    },
    domain::{ClientId, Data, MessageKind, Notice, StoredMessage},
    error::{ChatError, ErrorCode},
};

fn seqs(conn: &mut Connection, room: &RoomId) -> Vec<i64> {
    history(conn, room).iter().map(|message| message.seq.0).collect()
}

#[test]
fn a_batch_over_several_rooms_counts_each_without_a_hole() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let (a, b) = (room(conn, "alice", "bike"), room(conn, "bob", "bike"));
    // 300 rows: statements of 128, of 16 and of 1.
    let writes: Vec<Write> = (0..300)
        .map(|i| {
            let (room, buyer) = if i % 3 == 0 { (&a, "alice") } else { (&b, "bob") };
            Write::Append(draft(room, if i % 2 == 0 { buyer } else { "carol" }, &i.to_string(), None))
        })
        .collect();
    let outcomes = write_batch(conn, &writes, NOW).unwrap();
    for (write, outcome) in writes.iter().zip(&outcomes) {
        let (Write::Append(draft), Ok(Written::Appended { message, first_time: true })) = (write, outcome) else {
            panic!("{outcome:?}")
        };
        assert_eq!((&draft.room, &draft.sender, &draft.text), (&message.room_id, &message.sender_id, &message.text));
    }
    assert_eq!(seqs(conn, &a), (1..=100).collect::<Vec<_>>());
    assert_eq!(seqs(conn, &b), (1..=200).collect::<Vec<_>>());
    // What is read later is what was answered.
    let answered: Vec<StoredMessage> = outcomes
        .into_iter()
        .filter_map(|outcome| match outcome {
            Ok(Written::Appended { message, .. }) if message.room_id == a => Some(message),
            _ => None,
        })
        .collect();
    assert_eq!(history(conn, &a), answered);
    // The order of commits is the order of the batch.
    let ids: Vec<String> =
        messages::table.order(messages::position).select(messages::text.assume_not_null()).load(conn).unwrap();
    assert_eq!(ids, (0..300).map(|i| i.to_string()).collect::<Vec<_>>());
}

#[test]
fn a_stranger_a_deleted_user_and_an_unknown_room_get_one_answer_and_store_nothing() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let (a, b) = (room(conn, "alice", "bike"), room(conn, "bob", "bike"));
    let none = RoomId::new("none").unwrap();
    write(conn, Write::DeleteUser { user: user_id("alice"), at: NOW }).unwrap();
    let system_kind = Draft { kind: MessageKind::System, ..draft(&a, "carol", "x", None) };
    let not_system = draft(&a, "system", "x", None);
    for refused in [
        Write::Append(draft(&a, "mallory", "x", None)),
        Write::Append(draft(&a, "alice", "x", None)),
        Write::Append(draft(&none, "carol", "x", None)),
        Write::Append(system_kind),
        Write::Append(not_system),
        read(&a, "mallory", 1),
        read(&a, "alice", 1),
        read(&none, "carol", 1),
    ] {
        // Next to a neighbour, who is served.
        let batch = [refused, Write::Append(draft(&b, "carol", "y", None))];
        let outcomes = write_batch(conn, &batch, NOW).unwrap();
        assert_eq!(outcomes[0], Err(WriteError::Forbidden), "{batch:?}");
        assert!(outcomes[1].is_ok());
    }
    assert_eq!((seqs(conn, &a), seqs(conn, &b)), (vec![], (1..=8).collect::<Vec<_>>()));
    assert!(!is_member(conn, &a, &user_id("alice")).unwrap());
    assert!(is_member(conn, &a, &user_id("carol")).unwrap());
}

#[test]
fn the_system_may_write_to_any_room() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let a = room(conn, "alice", "bike");
    let notice = |room: &RoomId| Draft {
        kind: MessageKind::System,
        data: Some(Data::of(&json!({"type": "hint"}))),
        ..draft(room, "system", "Meet in a public place", None)
    };
    assert!(write(conn, Write::Append(notice(&a))).is_ok());
    let none = RoomId::new("none").unwrap();
    assert_eq!(write(conn, Write::Append(notice(&none))), Err(WriteError::NotFound("room")));
    assert_eq!(history(conn, &a)[0].data, Some(Data::of(&json!({"type": "hint"}))));
    // It is unread to both.
    let state = load_room(conn, &a).unwrap().unwrap();
    assert_eq!((state.members.buyer.unread, state.members.seller.unread), (1, 1));
}

#[test]
fn the_same_client_id_stores_once_and_answers_with_the_first_message() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let (a, b) = (room(conn, "alice", "bike"), room(conn, "bob", "bike"));
    let batch = [
        Write::Append(draft(&a, "alice", "one", Some("k"))),
        Write::Append(draft(&a, "alice", "again", Some("k"))),
        // The key is the sender's own, in this room.
        Write::Append(draft(&a, "carol", "two", Some("k"))),
        Write::Append(draft(&b, "carol", "one", Some("k"))),
    ];
    for round in 0..2 {
        let outcomes = write_batch(conn, &batch, NOW).unwrap();
        let answers: Vec<_> = outcomes
            .iter()
            .map(|outcome| match outcome {
                Ok(Written::Appended { message, first_time }) => (message.seq.0, message.text.as_deref(), *first_time),
                other => panic!("{other:?}"),
            })
            .collect();
        let first = round == 0;
        assert_eq!(
            answers,
            [(1, Some("one"), first), (1, Some("one"), false), (2, Some("two"), first), (1, Some("one"), first)]
        );
    }
    assert_eq!(seqs(conn, &a), [1, 2]);
    let db = db.reopen();
    let conn = &mut db.conn();
    assert_eq!(write_batch(conn, &batch, NOW).unwrap().len(), 4);
    assert_eq!((seqs(conn, &a), seqs(conn, &b)), (vec![1, 2], vec![1]));
}

#[test]
fn reading_never_goes_back_nor_beyond_the_newest() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let a = room(conn, "alice", "bike");
    for text in ["1", "2", "3", "4"] {
        say(conn, &a, "carol", text);
    }
    for (seq, read_seq, unread, advanced) in
        [(0, 0, 0, false), (-5, 0, 0, false), (2, 2, 2, true), (1, 2, 0, false), (99, 4, 0, true), (99, 4, 0, false)]
    {
        let expected =
            Written::Read { room: a.clone(), reader: user_id("alice"), read_seq: Seq(read_seq), unread, advanced };
        assert_eq!(write(conn, read(&a, "alice", seq)), Ok(expected), "{seq}");
    }
    // In one batch each answer stands at its own point.
    let batch = [
        Write::Append(draft(&a, "alice", "5", None)),
        read(&a, "carol", 5),
        Write::Append(draft(&a, "alice", "6", None)),
        Write::Append(draft(&a, "alice", "7", None)),
        read(&a, "carol", 6),
    ];
    let outcomes = write_batch(conn, &batch, NOW).unwrap();
    let unread = |index: usize| match &outcomes[index] {
        Ok(Written::Read { unread, advanced: true, .. }) => *unread,
        other => panic!("{other:?}"),
    };
    assert_eq!((unread(1), unread(4)), (0, 1));
    assert_eq!(load_room(conn, &a).unwrap().unwrap().members.seller.read_seq, Seq(6));
    // One that was deleted is nothing to read.
    let mut deleted = history(conn, &a);
    write(conn, Write::Delete { message: deleted.pop().unwrap().id, editor: user_id("alice"), at: NOW }).unwrap();
    assert_eq!(load_room(conn, &a).unwrap().unwrap().members.seller.unread, 0);
}

#[test]
fn what_one_says_oneself_is_read_and_so_is_what_was_said_before_it() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let a = room(conn, "alice", "bike");
    let stands = |conn: &mut Connection| {
        let state = load_room(conn, &a).unwrap().unwrap();
        [
            (state.members.buyer.read_seq.0, state.members.buyer.unread),
            (state.members.seller.read_seq.0, state.members.seller.unread),
        ]
    };
    let batch = ["carol", "carol", "alice", "carol"].map(|sender| Write::Append(draft(&a, sender, "x", None)));
    write_batch(conn, &batch, NOW).unwrap();
    assert_eq!(stands(conn), [(3, 1), (4, 0)]);
    // A repeated one reads nothing, a refused one neither, nor do the marketplace's own words.
    let first = draft(&a, "alice", "x", Some("k"));
    write(conn, Write::Append(first.clone())).unwrap();
    say(conn, &a, "carol", "x");
    write(conn, Write::Append(first)).unwrap();
    write(conn, Write::Append(draft(&a, "mallory", "x", None))).unwrap_err();
    let system = Draft { kind: MessageKind::System, ..draft(&a, "system", "x", None) };
    write(conn, Write::Append(system)).unwrap();
    assert_eq!(stands(conn), [(5, 2), (6, 1)]);
    write(conn, Write::Append(draft(&a, "alice", "x", None))).unwrap();
    assert_eq!(stands(conn), [(8, 0), (6, 2)]);
}

#[test]
fn a_new_status_is_said_once_in_every_room_of_the_product() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let (a, b, other) = (room(conn, "alice", "bike"), room(conn, "bob", "bike"), room(conn, "bob", "lamp"));
    let reserved = Product { status: ProductStatus::Reserved, ..product("bike") };
    let put = Write::PutProduct { keeps_status: false, product: reserved.clone(), at: NOW };
    let Ok(Written::ProductPut { created: false, change: ProductChange { product: stored, rooms, notices, .. } }) =
        write(conn, put.clone())
    else {
        panic!()
    };
    assert_eq!((stored, rooms), (reserved.clone(), vec![a.clone(), b.clone()]));
    assert_eq!(notices, [history(conn, &a), history(conn, &b)].concat());
    assert_eq!(notices[0].text.as_deref(), Some("This product is now reserved"));
    assert_eq!(notices[0].data, Some(Notice::ProductStatus(ProductStatus::Reserved).data(&user_id("carol"))));
    assert_eq!((notices[0].kind, notices[0].sender_id.as_str()), (MessageKind::System, "system"));
    assert!(history(conn, &other).is_empty());

    // Nothing new, nothing said; a new title reaches the rooms without a word.
    let again = write(conn, put);
    assert!(
        matches!(again, Ok(Written::ProductPut { change, .. }) if change.rooms.is_empty() && change.notices.is_empty())
    );
    let renamed = Product { title: "A red bike".to_owned(), ..reserved };
    let put = write(conn, Write::PutProduct { keeps_status: false, product: renamed.clone(), at: NOW });
    assert!(
        matches!(put, Ok(Written::ProductPut { change, .. }) if change.rooms.len() == 2 && change.notices.is_empty())
    );
    assert_eq!(find_product(conn, &renamed.id).unwrap(), Some(renamed.clone()));

    let set = |seller: &str, id: &str, status| Write::SetProductStatus {
        product: ProductId::new(id).unwrap(),
        seller: Some(user_id(seller)),
        status,
        at: NOW,
    };
    let sold = write(conn, set("carol", "bike", ProductStatus::Sold));
    assert!(matches!(sold, Ok(Written::ProductPut { change, .. }) if change.notices.len() == 2));
    assert_eq!(write(conn, set("alice", "bike", ProductStatus::OnSale)), Err(WriteError::NotOwnProduct));
    assert_eq!(write(conn, set("carol", "boat", ProductStatus::OnSale)), Err(WriteError::NotFound("product")));
    assert_eq!(seqs(conn, &a), [1, 2]);
}

#[test]
fn a_seller_is_known_and_stays_once_there_are_rooms() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let by = |seller: &str| Write::PutProduct {
        keeps_status: false,
        product: Product { seller_id: user_id(seller), ..product("bike") },
        at: NOW,
    };
    assert_eq!(write(conn, by("nobody")), Err(WriteError::UnknownSeller));
    assert!(write(conn, by("bob")).is_ok());
    room(conn, "alice", "bike");
    assert_eq!(write(conn, by("carol")), Err(WriteError::SellerHasRooms));
    let error = ChatError::from(WriteError::UnknownSeller);
    assert!(error.code == ErrorCode::Invalid && error.message.contains("`sellerId`"));
}

#[test]
fn a_deleted_user_is_forgotten_while_their_words_stay_for_the_other() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let (a, b) = (room(conn, "alice", "bike"), room(conn, "bob", "bike"));
    say(conn, &a, "alice", "hello");
    let delete = Write::DeleteUser { user: user_id("alice"), at: NOW };
    let gone = User::deleted(user_id("alice"));
    for changed in [true, false] {
        assert_eq!(
            write(conn, delete.clone()),
            Ok(Written::UserDeleted { user: gone.clone(), changed, left: Vec::new() })
        );
    }
    let unknown = Write::DeleteUser { user: user_id("nobody"), at: NOW };
    assert_eq!(write(conn, unknown), Err(WriteError::NotFound("user")));
    let forgotten = find_user(conn, &user_id("alice")).unwrap().unwrap();
    assert_eq!(forgotten, gone);
    assert_eq!(json!(forgotten), json!({"id": "alice", "name": "Deleted user", "nameCode": "deleted_user"}));
    assert_eq!(history(conn, &a).len(), 1);
    let state = load_room(conn, &a).unwrap().unwrap();
    assert!(state.members.buyer.deleted && !state.members.seller.deleted && state.is_closed());
    let to_nobody = Write::Append(draft(&a, "carol", "are you there?", None));
    assert_eq!(write(conn, to_nobody), Err(WriteError::Blocked));
    assert_eq!(write(conn, Write::PutUser { user: user("alice") }), Err(WriteError::UserDeleted));
    assert_eq!(write(conn, Write::PutUser { user: user("system") }), Err(WriteError::ReservedUserId));
    // In one batch, in order.
    let outcomes = write_batch(
        conn,
        &[
            Write::Append(draft(&b, "carol", "before", None)),
            Write::DeleteUser { user: user_id("carol"), at: NOW },
            Write::Append(draft(&b, "carol", "after", None)),
            Write::Append(draft(&b, "bob", "after", None)),
        ],
        NOW,
    )
    .unwrap();
    assert!(outcomes[0].is_ok() && outcomes[2] == Err(WriteError::Forbidden));
    assert_eq!(outcomes[3], Err(WriteError::Blocked));
}

#[test]
fn a_full_disk_stores_nothing_and_everything_again_when_there_is_room() {
    // Its way to be full is SQLite's.
    if is_postgres() {
        return;
    }
    let db = TestDb::new();
    let conn = &mut db.conn();
    let a = room(conn, "alice", "bike");
    say(conn, &a, "alice", "before");
    let pages: i64 = diesel::dsl::sql::<diesel::sql_types::BigInt>("SELECT page_count FROM pragma_page_count")
        .get_result(conn)
        .unwrap();
    conn.batch_execute(&format!("PRAGMA max_page_count = {}", pages + 4)).unwrap();
    let text = "x".repeat(2000);
    let batch: Vec<Write> = (0..200).map(|i| Write::Append(draft(&a, "alice", &text, Some(&i.to_string())))).collect();
    for _ in 0..3 {
        let error = write_batch(conn, &batch, NOW).unwrap_err();
        assert_eq!(error.code(), ErrorCode::Unavailable, "{error}");
        assert_eq!(seqs(conn, &a), [1], "half of a batch is visible");
        // The other connections read on.
        assert_eq!(seqs(&mut db.conn(), &a), [1]);
    }
    conn.batch_execute("PRAGMA max_page_count = 1000000").unwrap();
    assert!(write_batch(conn, &batch, NOW).unwrap().iter().all(Result::is_ok));
    assert_eq!(seqs(conn, &a), (1..=201).collect::<Vec<_>>());
    assert!(!conn.is_broken());
}

#[test]
fn a_locked_database_is_unavailable() {
    let db = TestDb::new();
    let (first, second) = (&mut db.conn(), &mut db.conn());
    let a = room(first, "alice", "bike");
    if is_postgres() {
        second.batch_execute("SET lock_timeout = '1ms'").unwrap();
        first.batch_execute("BEGIN; SELECT pg_advisory_xact_lock(114767555947621)").unwrap();
    } else {
        second.batch_execute("PRAGMA busy_timeout = 0").unwrap();
        first.batch_execute("BEGIN IMMEDIATE").unwrap();
    }
    let batch = [Write::Append(draft(&a, "alice", "x", None))];
    assert_eq!(write_batch(second, &batch, NOW).unwrap_err().code(), ErrorCode::Unavailable);
    first.batch_execute("ROLLBACK").unwrap();
    assert!(write_batch(second, &batch, NOW).is_ok());
}

#[test]
fn a_write_that_the_schema_refuses_does_not_take_its_neighbours_along() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let a = room(conn, "alice", "bike");
    conn.batch_execute(if is_postgres() {
        "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'RAISE no'; END$$; \
         CREATE TRIGGER poison BEFORE INSERT ON messages FOR EACH ROW WHEN (NEW.text = 'poison') EXECUTE FUNCTION no()"
    } else {
        "CREATE TRIGGER poison BEFORE INSERT ON messages WHEN NEW.text = 'poison' BEGIN SELECT RAISE(ABORT, 'no'); END"
    })
    .unwrap();
    let batch = ["1", "poison", "2"].map(|text| Write::Append(draft(&a, "alice", text, Some(&format!("k{text}")))));
    let outcomes = write_batch(conn, &batch, NOW).unwrap();
    assert!(outcomes[0].is_ok() && outcomes[2].is_ok());
    assert!(matches!(&outcomes[1], Err(error) if error.code() == ErrorCode::Internal));
    let answers = ChatError::from(outcomes[1].clone().unwrap_err());
    assert!(answers.message.contains("reference") && !answers.message.contains("RAISE"), "{answers}");
    assert_eq!(seqs(conn, &a), [1, 2]);
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { cases: 24, ..Default::default() })]

    #[test]
    fn any_sequence_of_writes_leaves_no_hole_and_stores_each_client_id_once(
        batches in proptest::collection::vec(
            proptest::collection::vec((0..6_u8, 0..2_usize, 0..4_usize, 0..6_u8), 1..40),
            1..6,
        )
    ) {
        let mut db = TestDb::new();
        let rooms = { let conn = &mut db.conn(); [room(conn, "alice", "bike"), room(conn, "bob", "bike")] };
        let people = ["alice", "bob", "carol", "mallory"];
        for batch in batches {
            let writes: Vec<Write> = batch
                .into_iter()
                .map(|(what, at, who, key)| {
                    let (room, who) = (&rooms[at], people[who]);
                    match what {
                        0 => read(room, who, i64::from(key)),
                        1 => Write::PutProduct {
                            keeps_status: false, product: Product {
                                status: [ProductStatus::OnSale, ProductStatus::Sold][usize::from(key % 2)],
                                ..product("bike")
                            },
                            at: NOW,
                        },
                        2 => Write::Append(draft(room, who, "no key", None)),
                        _ => Write::Append(draft(room, who, "a key", Some(&key.to_string()))),
                    }
                })
                .collect();
            let outcomes = write_batch(&mut db.conn(), &writes, NOW).unwrap();
            proptest::prop_assert_eq!(outcomes.len(), writes.len());
            // A restart between any two batches changes nothing.
            db = db.reopen();
        }
        let conn = &mut db.conn();
        for room in &rooms {
            let stored = history(conn, room);
            let seqs: Vec<i64> = stored.iter().map(|message| message.seq.0).collect();
            let last = i64::try_from(seqs.len()).unwrap();
            proptest::prop_assert_eq!(seqs, (1..=last).collect::<Vec<_>>());
            proptest::prop_assert_eq!(load_room(conn, room).unwrap().unwrap().last_seq, Seq(last));
            let mut keys: Vec<(UserId, ClientId)> = stored
                .iter()
                .filter_map(|message| message.client_id.clone().map(|key| (message.sender_id.clone(), key)))
                .collect();
            let all = keys.len();
            keys.sort();
            keys.dedup();
            proptest::prop_assert_eq!(keys.len(), all);
            proptest::prop_assert!(stored.iter().all(|message| message.sender_id.as_str() != "mallory"));
        }
    }
}

#[test]
fn two_writers_never_give_one_seq_twice() {
    let db = TestDb::new();
    let a = room(&mut db.conn(), "alice", "bike");
    std::thread::scope(|scope| {
        for sender in ["alice", "carol"] {
            let (db, a) = (&db, &a);
            scope.spawn(move || {
                let conn = &mut db.conn();
                for _ in 0..50 {
                    say(conn, a, sender, "x");
                }
            });
        }
    });
    assert_eq!(seqs(&mut db.conn(), &a), (1..=100).collect::<Vec<_>>());
}

#[test]
fn an_empty_batch_is_no_work() {
    let db = TestDb::new();
    assert_eq!(write_batch(&mut db.conn(), &[], NOW), Ok(Vec::new()));
    let none = open_room_for(&mut db.conn(), &ProductId::new("boat").unwrap(), &user_id("alice"), NOW);
    assert_eq!(none, Err(OpenError::NoSuchProduct.into()));
}
