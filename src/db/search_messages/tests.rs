//! What is found, in which order, and how it is read page by page.

use super::*;
use crate::{
    db::{
        IndexChanges, IndexSlice, Write, follow_changes, index_messages, is_index_behind, merge_index,
        migrations::{migrate_connection, revert_from},
        test_db::{NOW, TestDb, draft, is_postgres, room, say, user_id, write},
        write_batch,
    },
    domain::masking::Inspected,
};

const ALL: SearchPage = SearchPage { limit: 50, bytes_max: usize::MAX };

const UNHURRIED: Pace = Pace { time: Duration::from_secs(3600), ..PACE };

fn index_by(conn: &mut Connection, messages: i64) {
    let slice = IndexSlice { messages, text_bytes: 4096 };
    while is_index_behind(conn).unwrap() {
        follow_changes(conn, IndexChanges::All, Duration::ZERO).unwrap();
        let indexed = index_messages(conn, slice).unwrap();
        merge_index(conn, indexed.merge_pages).unwrap();
    }
}

fn index(conn: &mut Connection) {
    index_by(conn, 7);
}

fn search(conn: &mut Connection, user: &str, query: &str) -> Vec<String> {
    let terms = SearchTerms::parse(query).unwrap();
    let (found, _) = search_at(UNHURRIED, conn, Some(&user_id(user)), &terms, None, ALL).unwrap();
    found.into_iter().filter_map(|found| found.message.text).collect()
}

/// All pages, and how many there were.
fn pages(conn: &mut Connection, pace: Pace, user: &str, query: &str, page: SearchPage) -> (Vec<String>, usize) {
    let terms = SearchTerms::parse(query).unwrap();
    let (mut seen, mut cursor, mut count) = (Vec::new(), None, 0);
    loop {
        let (found, next) = search_at(pace, conn, Some(&user_id(user)), &terms, cursor, page).unwrap();
        count += 1;
        let weight: usize = found.iter().map(FoundMessage::weight_bytes).sum();
        assert!(found.len() <= page.limit && (found.len() <= 1 || weight <= page.bytes_max), "{weight}");
        seen.extend(found.into_iter().filter_map(|found| found.message.text));
        cursor = next.map(|next| next.to_string().parse().unwrap());
        if cursor.is_none() {
            return (seen, count);
        }
    }
}

#[test]
fn ones_own_messages_are_found_newest_first_by_words_of_any_length() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let (a, b) = (room(conn, "alice", "bike"), room(conn, "bob", "bike"));
    say(conn, &a, "alice", "자전거 아직 있나요?");
    say(conn, &b, "bob", "자전거 사고 싶어요");
    say(conn, &a, "carol", "네, 자전거 있어요");
    say(conn, &a, "alice", "The RED one, \"24 inch\"");

    // Before anything is in the index, with some of it, and with all.
    for _ in 0..3 {
        assert_eq!(search(conn, "alice", "자전거"), ["네, 자전거 있어요", "자전거 아직 있나요?"]);
        assert_eq!(search(conn, "carol", "자전거").len(), 3, "the seller is in both rooms");
        assert_eq!(search(conn, "alice", "네"), ["네, 자전거 있어요"]);
        assert_eq!(search(conn, "alice", "있어"), ["네, 자전거 있어요"]);
        assert_eq!(search(conn, "alice", "아직 전거"), ["자전거 아직 있나요?"]);
        assert_eq!(search(conn, "alice", "red \"24"), ["The RED one, \"24 inch\""]);
        assert_eq!(search(conn, "alice", "사고"), Vec::<String>::new(), "bob's");
        assert_eq!(search(conn, "mallory", "자전거"), Vec::<String>::new());
        assert_eq!(search(conn, "alice", "OR NOT * ^ (x"), Vec::<String>::new(), "no language of its own");
        index_messages(conn, IndexSlice { messages: 2, text_bytes: 4096 }).unwrap();
    }
    assert!(!is_index_behind(conn).unwrap());
}

/// Texts and queries that look the same and are encoded differently.
const ENCODED: [(&str, &str); 8] = [
    ("빨간 자전거", "\u{110C}\u{1161}\u{110C}\u{1165}\u{11AB}\u{1100}\u{1165}"),
    ("\u{1100}\u{1161}\u{1107}\u{1161}\u{11BC} 있어요", "가방"),
    ("Wir sind in İstanbul", "istanbul"),
    ("Cafe\u{301} Roma", "CAFÉ"),
    ("Eine Crème", "cre\u{300}me"),
    ("Hauptstraße 7", "STRASSE"),
    ("오피스 ﬃ", "ffi"),
    ("전화 ０１０-１２３４", "010-1234"),
];

#[test]
fn what_looks_the_same_is_found_however_it_is_encoded() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let a = room(conn, "alice", "bike");
    for (text, _) in ENCODED {
        say(conn, &a, "alice", text);
    }
    // Before anything is in the index, with some of it, and with all.
    for _ in 0..3 {
        for (text, query) in ENCODED {
            assert_eq!(search(conn, "alice", query), [text], "{query}");
            assert_eq!(search(conn, "alice", text), [text], "{text}");
        }
        index_messages(conn, IndexSlice { messages: 4, text_bytes: 4096 }).unwrap();
    }
    assert!(!is_index_behind(conn).unwrap());
}

#[test]
fn a_text_that_is_encoded_differently_leaves_the_index_as_it_came() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let a = room(conn, "alice", "bike");
    let long = format!("{} straße", "\u{1100}\u{1161}\u{11A8}나ﬃ ".repeat(300));
    for text in [ENCODED[1].0, ENCODED[2].0, &long] {
        let message = say(conn, &a, "alice", text).id;
        index(conn);
        let edit = Write::Edit {
            message: message.clone(),
            editor: user_id("alice"),
            text: "e\u{301}te\u{301} ﬁn".to_owned(),
            inspected: Inspected::default(),
            at: NOW,
        };
        write(conn, edit).unwrap();
        for _ in 0..2 {
            assert_eq!(search(conn, "alice", "ÉTÉ fin").len(), 1);
            index(conn);
        }
        write(conn, Write::Delete { message, editor: user_id("alice"), at: NOW }).unwrap();
        index(conn);
        assert_eq!(search(conn, "alice", "ÉTÉ"), Vec::<String>::new());
    }
    if !is_postgres() {
        conn.batch_execute("INSERT INTO message_index (message_index, rank) VALUES ('integrity-check', 0)").unwrap();
        let there = words(conn);
        assert_eq!(there, 0, "of messages that are all deleted");
    }
}

/// How many different words SQLite's index has.
fn words(conn: &mut Connection) -> i64 {
    #[derive(QueryableByName)]
    struct Words {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    conn.batch_execute("CREATE VIRTUAL TABLE IF NOT EXISTS temp.all_words USING fts5vocab(main, message_index, col)")
        .unwrap();
    let words: Words =
        diesel::sql_query("SELECT count(*) AS count FROM temp.all_words WHERE col = 'text'").get_result(conn).unwrap();
    words.count
}

#[test]
fn an_index_of_the_version_before_is_built_again_and_searched_meanwhile() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let a = room(conn, "alice", "bike");
    for (text, _) in ENCODED {
        say(conn, &a, "alice", text);
    }
    index(conn);
    let reverted = revert_from(conn, "2026-11-28-300000_search_fold");
    // As the version before left it: texts as they were written, or in lower case.
    let old = match is_postgres() {
        false => "INSERT INTO message_index (rowid, text, buyer, seller) SELECT position, text, '', '' FROM messages",
        true => {
            "INSERT INTO message_index (position, buyer_id, seller_id, text) \
             SELECT position, 'alice', 'carol', lower(text) FROM messages"
        }
    };
    conn.batch_execute(old).unwrap();
    conn.batch_execute("UPDATE message_index_progress SET indexed_to = (SELECT max(position) FROM messages)").unwrap();
    assert_eq!(migrate_connection(conn).unwrap().len(), reverted);
    let mut steps = 0;
    while is_index_behind(conn).unwrap() {
        for (text, query) in ENCODED {
            assert_eq!(search(conn, "alice", query), [text], "{query} after {steps} steps");
        }
        // Interrupted after each slice, and taken up again.
        index_messages(conn, IndexSlice { messages: 3, text_bytes: 4096 }).unwrap();
        steps += 1;
    }
    assert_eq!(steps, 3);
    for (text, query) in ENCODED {
        assert_eq!(search(conn, "alice", query), [text], "{query}");
    }
}

#[test]
fn texts_that_grow_when_they_are_folded_are_taken_in_by_pieces() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let a = room(conn, "alice", "bike");
    for _ in 0..3 {
        // 3 bytes, and 33 when they are folded.
        say(conn, &a, "alice", &"\u{FDFA}".repeat(40));
    }
    let from = message_index::indexed_to(conn).unwrap();
    let indexed = index_messages(conn, IndexSlice { messages: 48, text_bytes: 2048 }).unwrap();
    assert!(indexed.has_more);
    assert_eq!(message_index::indexed_to(conn).unwrap() - from, 1);
    index(conn);
    assert_eq!(search(conn, "alice", "\u{FDFA}").len(), 3);
}

#[test]
fn a_slice_is_bounded_by_its_bytes_and_by_its_messages() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let a = room(conn, "alice", "bike");
    for length in [600, 300, 200, 5000, 10, 10, 10] {
        say(conn, &a, "alice", &"x".repeat(length));
    }
    let from = message_index::indexed_to(conn).unwrap();
    let mut ends = Vec::new();
    loop {
        let indexed = index_messages(conn, IndexSlice { messages: 2, text_bytes: 1000 }).unwrap();
        ends.push(message_index::indexed_to(conn).unwrap() - from);
        if !indexed.has_more {
            break;
        }
    }
    assert_eq!(ends, [2, 3, 4, 6, 7]);
    // The long one is taken in by pieces.
    assert_eq!(is_index_behind(conn).unwrap(), !is_postgres());
    assert_eq!(search(conn, "alice", "xxx").len(), 7);
    while is_index_behind(conn).unwrap() {
        follow_changes(conn, IndexChanges::All, Duration::ZERO).unwrap();
        assert_eq!(search(conn, "alice", "xxx").len(), 7);
    }
}

#[test]
fn a_page_ends_by_its_time_and_by_its_bytes_and_the_next_goes_on() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let (a, b) = (room(conn, "alice", "bike"), room(conn, "bob", "bike"));
    for i in 0..30 {
        say(conn, if i % 3 == 0 { &a } else { &b }, "carol", &format!("needle {i}"));
    }
    index_messages(conn, IndexSlice { messages: 14, text_bytes: 4096 }).unwrap();
    let all: Vec<String> = (0..10).rev().map(|i| format!("needle {}", 3 * i)).collect();
    let narrow = Pace { indexed: 3, tail: 3, ..UNHURRIED };
    for query in ["needle", "n"] {
        assert_eq!(pages(conn, UNHURRIED, "alice", query, ALL), (all.clone(), 1));
        assert_eq!(pages(conn, narrow, "alice", query, ALL).0, all);
        // Without any time a page has one message, or one window without any.
        let (found, count) = pages(conn, Pace { time: Duration::ZERO, least_bytes: 0, ..narrow }, "alice", query, ALL);
        assert_eq!(found, all);
        assert!((10..=30).contains(&count), "{count}");
        let (found, count) = pages(conn, UNHURRIED, "alice", query, SearchPage { bytes_max: 1, ..ALL });
        assert_eq!(found, all);
        assert!((10..=11).contains(&count), "{count}");
    }
}

#[test]
fn a_long_text_is_taken_out_piece_by_piece_and_found_by_its_new_words_at_once() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let a = room(conn, "alice", "bike");
    let old: String = (0..120).map(|n| format!("alt{n:03} ")).collect();
    let kept = say(conn, &a, "alice", "a wooden boat");
    let message = say(conn, &a, "alice", &old).id;
    index(conn);
    let edit = |text: &str| Write::Edit {
        message: message.clone(),
        editor: user_id("alice"),
        text: text.to_owned(),
        inspected: Inspected::default(),
        at: NOW,
    };
    write(conn, edit("a steel ship")).unwrap();
    let mut steps = 0;
    loop {
        assert_eq!(search(conn, "alice", "ship"), ["a steel ship"], "after {steps} steps");
        assert_eq!(search(conn, "alice", "st"), ["a steel ship"], "after {steps} steps");
        assert_eq!(search(conn, "alice", "alt0"), Vec::<String>::new(), "after {steps} steps");
        assert_eq!(search(conn, "alice", "boat"), ["a wooden boat"]);
        if !is_index_behind(conn).unwrap() {
            break;
        }
        follow_changes(conn, IndexChanges::All, Duration::ZERO).unwrap();
        steps += 1;
        if steps == 2 {
            write(conn, edit("a steel ship, 2")).unwrap();
            write(conn, edit("a steel ship")).unwrap();
        }
    }
    if !is_postgres() {
        assert!(steps > 10, "{steps}");
        conn.batch_execute("INSERT INTO message_index (message_index, rank) VALUES ('integrity-check', 0)").unwrap();
    }
    write(conn, Write::Delete { message: kept.id, editor: user_id("alice"), at: NOW }).unwrap();
    index(conn);
    assert_eq!(search(conn, "alice", "boat"), Vec::<String>::new());
    assert_eq!(search(conn, "alice", "ship"), ["a steel ship"]);
}

#[test]
fn pages_meet_without_a_hole_and_without_a_double() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let (a, b) = (room(conn, "alice", "bike"), room(conn, "alice", "lamp"));
    for i in 0..23 {
        say(conn, if i % 2 == 0 { &a } else { &b }, "alice", &format!("message {i}"));
        say(conn, &a, "carol", "noise");
    }
    index(conn);
    for (query, limit, bytes_max) in [("message", 4, usize::MAX), ("e", 4, usize::MAX), ("e", 50, 0), ("e", 50, 3000)] {
        let (mut seen, _) = pages(conn, UNHURRIED, "alice", query, SearchPage { limit, bytes_max });
        seen.retain(|text| text != "noise");
        assert_eq!(seen, (0..23).rev().map(|i| format!("message {i}")).collect::<Vec<_>>());
    }
    for text in ["-1", "+1", "x", "ffffffffffffffffff"] {
        assert_eq!(text.parse::<SearchCursor>(), Err(InvalidCursor), "{text}");
    }
}

#[test]
fn an_index_that_grows_in_small_pieces_stays_in_few_parts() {
    #[derive(QueryableByName)]
    struct Parts {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    if is_postgres() {
        return;
    }
    let db = TestDb::new();
    let conn = &mut db.conn();
    let a = room(conn, "alice", "bike");
    for part in 0..8_u64 {
        let words = |n: u64| format!("{:x} {:x}", n.wrapping_mul(0x9E37_79B9_7F4A_7C15), n.wrapping_mul(0xC2B2_AE3D));
        let said: Vec<Write> =
            (part * 500..(part + 1) * 500).map(|n| Write::Append(draft(&a, "alice", &words(n), None))).collect();
        write_batch(conn, &said, NOW).unwrap();
    }
    index_by(conn, 16);
    let parts: Parts =
        diesel::sql_query("SELECT count(DISTINCT segid) AS count FROM message_index_idx").get_result(conn).unwrap();
    // 250 pieces, each a part of its own until it is merged, four at a time.
    assert!((1..=16).contains(&parts.count), "{}", parts.count);
}

#[test]
fn edits_and_deletions_follow_before_and_behind_the_index() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let a = room(conn, "alice", "bike");
    for indexed in [false, true] {
        let message = say(conn, &a, "alice", "a wooden boat").id;
        if indexed {
            index(conn);
        }
        let edit = Write::Edit {
            message: message.clone(),
            editor: user_id("alice"),
            text: "a steel ship".to_owned(),
            inspected: Inspected::default(),
            at: NOW,
        };
        write(conn, edit).unwrap();
        assert_eq!(search(conn, "alice", "boat"), Vec::<String>::new());
        assert_eq!(search(conn, "alice", "ship"), ["a steel ship"]);
        write(conn, Write::Delete { message, editor: user_id("alice"), at: NOW }).unwrap();
        assert_eq!(search(conn, "alice", "ship"), Vec::<String>::new());
    }
}

#[test]
fn what_was_deleted_leaves_nothing_in_the_index() {
    if is_postgres() {
        return;
    }
    #[derive(QueryableByName)]
    struct Block {
        #[diesel(sql_type = diesel::sql_types::Binary)]
        block: Vec<u8>,
    }
    let db = TestDb::new();
    let conn = &mut db.conn();
    let a = room(conn, "alice", "bike");
    say(conn, &a, "alice", "hello there");
    let message = say(conn, &a, "alice", "zqxjkvwz").id;
    index(conn);
    let held = |conn: &mut Connection| {
        let blocks: Vec<Block> = diesel::sql_query("SELECT block FROM message_index_data").load(conn).unwrap();
        blocks.iter().any(|row| row.block.windows(3).any(|three| three == b"qxj" || three == b"zqx"))
    };
    assert!(held(conn));
    write(conn, Write::Delete { message, editor: user_id("alice"), at: NOW }).unwrap();
    index(conn);
    assert!(!held(conn));
    conn.batch_execute("INSERT INTO message_index (message_index, rank) VALUES ('integrity-check', 0)").unwrap();
    assert_eq!(search(conn, "alice", "hello"), ["hello there"]);
}
