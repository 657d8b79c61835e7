use super::*;
use crate::{
    db::{
        IndexSlice, RoomList, Write, find_product, find_room, index_messages, list_rooms, load_room,
        models::{product, user},
        test_db::{self, NOW, TestDb, draft, user_id, write},
        verify,
    },
    domain::{ProductId, RoomId, StoredMessage, Times},
};

const OPTIONS: ImportOptions = ImportOptions { now: NOW, shift_ms: 0 };

fn load(db: &TestDb, lines: &str) -> (Imported, Vec<(u64, String)>) {
    import_str(&mut db.conn(), lines, OPTIONS).unwrap()
}

fn history(db: &TestDb, room: &str) -> Vec<StoredMessage> {
    test_db::history(&mut db.conn(), &RoomId::new(room).unwrap())
}

fn message(room: &str, sender: &str, text: &str, second: u32) -> String {
    format!(
        r#"{{"type":"message","roomId":"{room}","senderId":"{sender}","text":"{text}","sentAt":"2026-01-01T00:00:{second:02}Z"}}"#
    )
}

/// A marketplace with a room `r` of `dave` and `erin`.
fn parents() -> Vec<String> {
    [
        r#"{"type":"user","id":"dave","name":"Dave"}"#,
        r#"{"type":"user","id":"erin","name":"Erin","avatarUrl":"/erin.png"}"#,
        r#"{"type":"product","id":"boat","sellerId":"erin","title":"A boat","status":"reserved"}"#,
        r#"{"type":"room","id":"r","productId":"boat","buyerId":"dave"}"#,
    ]
    .map(str::to_owned)
    .into()
}

#[test]
fn a_file_is_loaded_in_its_order_and_repeating_it_stores_nothing() {
    let db = TestDb::new();
    let mut lines = parents();
    // The same words in the same second are two messages; the order of the lines counts, not the time.
    for (sender, text, second) in [("dave", "hi", 5), ("erin", "ok", 3), ("erin", "ok", 3), ("dave", "so?", 9)] {
        lines.push(message("r", sender, text, second));
    }
    let file = lines.join("\r\n");
    let (first, bad) = load(&db, &file);
    assert_eq!(bad, []);
    assert_eq!((first.users, first.products, first.rooms, first.messages, first.repeated), (2, 1, 1, 4, 0));
    assert_eq!((first.lines, first.bytes), (8, file.len() as u64));
    let stored = history(&db, "r");
    let texts: Vec<_> = stored.iter().map(|m| (m.seq.0, m.text.as_deref().unwrap())).collect();
    assert_eq!(texts, [(1, "hi"), (2, "ok"), (3, "ok"), (4, "so?")]);

    let (again, _) = load(&db, &file);
    assert_eq!((again.messages, again.rooms, again.users, again.repeated, again.bad), (0, 0, 0, 8, 0));
    assert_eq!(history(&db, "r"), stored);
    // A longer file goes on where the first ended.
    lines.push(message("r", "erin", "ok", 3));
    let (longer, _) = load(&db, &lines.join("\n"));
    assert_eq!((longer.messages, longer.repeated), (1, 8));
    assert_eq!(history(&db, "r")[..4], stored[..]);
}

#[test]
fn a_loaded_room_is_as_old_as_its_words_and_nothing_in_it_is_unread() {
    let db = TestDb::new();
    let mut lines = parents();
    lines.extend([message("r", "dave", "1", 1), message("r", "erin", "2", 2), message("r", "erin", "3", 3)]);
    load(&db, &lines.join("\n"));
    let conn = &mut db.conn();
    let state = load_room(conn, &RoomId::new("r").unwrap()).unwrap().unwrap();
    assert_eq!(state.room.created_at, Timestamp::parse("2026-01-01T00:00:01Z").unwrap());
    assert_eq!((state.members.buyer.unread, state.members.seller.unread), (0, 0));
    // It stands after a room of today.
    let today = crate::db::test_db::room(conn, "dave", "lamp");
    let (rooms, _) = list_rooms(conn, &user_id("dave"), RoomList::Inbox, None, 10, usize::MAX).unwrap();
    let order: Vec<_> = rooms.iter().map(|summary| summary.room.id.as_str()).collect();
    assert_eq!(order, [today.as_str(), "r"]);
}

/// How far the buyer and the seller have read, and how much is unread to each.
fn marks(db: &TestDb) -> [(i64, i64); 2] {
    let state = load_room(&mut db.conn(), &RoomId::new("r").unwrap()).unwrap().unwrap();
    assert_eq!(verify(&mut db.conn(), || {}).unwrap(), []);
    [
        (state.members.buyer.read_seq.0, state.members.buyer.unread),
        (state.members.seller.read_seq.0, state.members.seller.unread),
    ]
}

/// The lines of [`parents`], with this `readSeq` in the room's.
fn parents_with(read_seq: &str) -> Vec<String> {
    let mut lines = parents();
    lines[3] = lines[3].replace('}', &format!(r#","readSeq":{read_seq}}}"#));
    lines
}

/// Words of both by turns.
fn talk(count: u32) -> Vec<String> {
    (1..=count).map(|seq| message("r", if seq % 2 == 1 { "dave" } else { "erin" }, &seq.to_string(), seq)).collect()
}

#[test]
fn read_marks_are_loaded_and_never_move_back() {
    let db = TestDb::new();
    let file = |read_seq: &str, count| [parents_with(read_seq), talk(count)].concat().join("\n");
    let (first, bad) = load(&db, &file(r#"{"buyer":1,"seller":0}"#, 6));
    assert_eq!((first.messages, bad), (6, vec![]));
    assert_eq!(marks(&db), [(1, 3), (0, 3)]);
    let (again, _) = load(&db, &file(r#"{"buyer":1,"seller":0}"#, 6));
    assert_eq!((again.rooms, again.messages, again.repeated), (0, 0, 10));
    assert_eq!(marks(&db), [(1, 3), (0, 3)]);

    // Farther, with more words; one of the two, without any; and back, which changes nothing.
    load(&db, &file(r#"{"buyer":5,"seller":1}"#, 8));
    assert_eq!(marks(&db), [(5, 2), (1, 3)]);
    let (farther, _) = load(&db, &parents_with(r#"{"seller":4}"#).join("\n"));
    assert_eq!((farther.rooms, marks(&db)), (1, [(5, 2), (4, 2)]));
    let (back, bad) = load(&db, &file(r#"{"buyer":0,"seller":2}"#, 8));
    assert_eq!((back.rooms, back.bad, bad), (0, 0, vec![]));
    assert_eq!(marks(&db), [(5, 2), (4, 2)]);
    // What somebody has read here since is read.
    write(&mut db.conn(), test_db::read(&RoomId::new("r").unwrap(), "dave", 7)).unwrap();
    load(&db, &file(r#"{"buyer":5,"seller":4}"#, 8));
    assert_eq!(marks(&db), [(7, 1), (4, 2)]);
}

#[test]
fn a_member_without_a_mark_has_read_what_is_loaded_unless_something_before_it_is_unread() {
    let db = TestDb::new();
    load(&db, &[parents_with(r#"{"seller":2}"#), talk(4)].concat().join("\n"));
    assert_eq!(marks(&db), [(4, 0), (2, 1)]);
    // Later words, in a file of their own: the seller still has something unread before them.
    load(&db, &message("r", "dave", "later", 30));
    assert_eq!(marks(&db), [(5, 0), (2, 2)]);
    // Something new, said here: what is loaded after it does not hide it.
    let room = RoomId::new("r").unwrap();
    write(&mut db.conn(), Write::Append(draft(&room, "erin", "new", None))).unwrap();
    load(&db, &message("r", "erin", "old", 31));
    let [(read, unread), _] = marks(&db);
    assert_eq!((read, unread), (5, 2));
}

#[test]
fn a_mark_beyond_the_last_message_is_a_bad_line_and_the_rest_is_loaded() {
    let db = TestDb::new();
    let (imported, bad) = load(&db, &[parents_with(r#"{"buyer":3,"seller":2}"#), talk(2)].concat().join("\n"));
    assert_eq!(bad, [(4, "`readSeq.buyer` is 3, and the room has 2 messages".to_owned())]);
    assert_eq!((imported.bad, imported.messages), (1, 2));
    assert_eq!(marks(&db), [(2, 0), (2, 0)]);
    // Of a room that is there already it hides nothing that is unread.
    load(&db, &[parents_with(r#"{"buyer":2,"seller":2}"#), talk(6)].concat().join("\n"));
    assert_eq!(marks(&db), [(2, 2), (2, 2)]);
    let (_, bad) = load(&db, &parents_with(r#"{"buyer":7,"seller":9}"#).join("\n"));
    assert_eq!((bad.len(), marks(&db)), (2, [(2, 2), (2, 2)]));
    for bad_mark in [r#"{"buyer":-1}"#, r#"{"buyer":"2"}"#, r#"{"buyer":1.5}"#, "7", r#"{"alice":1}"#] {
        let (_, bad) = load(&db, &parents_with(bad_mark).join("\n"));
        assert!(bad.len() == 1 && bad[0].0 == 4 && bad[0].1.contains("readSeq"), "{bad:?}");
    }
}

#[test]
fn marks_hold_over_many_chunks_and_over_a_load_that_was_cut() {
    let db = TestDb::new();
    let mut lines = parents_with(&format!(r#"{{"buyer":{},"seller":1}}"#, CHUNK_LINES + 10));
    lines.extend((0..CHUNK_LINES + 100).map(|i| message("r", "erin", &i.to_string(), 7)));
    let whole = lines.join("\n");
    let cut = whole[..whole.len() / 2].rfind('\n').unwrap();
    let (_, bad) = load(&db, &whole[..cut]);
    assert!(bad.len() == 1 && bad[0].1.contains("readSeq.buyer"), "{bad:?}");
    assert_eq!(load(&db, &whole).1, []);
    assert_eq!(marks(&db)[0], (i64::try_from(CHUNK_LINES).unwrap() + 10, 90));
}

#[test]
fn a_room_is_as_old_as_its_line_says_or_as_its_first_message() {
    let db = TestDb::new();
    let created_at = |db: &TestDb| {
        let room = load_room(&mut db.conn(), &RoomId::new("r").unwrap()).unwrap().unwrap().room;
        room.created_at.to_string()
    };
    let room = |created_at: &str| {
        format!(r#"{{"type":"room","id":"r","productId":"boat","buyerId":"dave","createdAt":"{created_at}"}}"#)
    };
    let mut lines = parents();
    lines[3] = room("2025-12-24T00:00:00Z");
    load(&db, &lines.join("\n"));
    assert_eq!(created_at(&db), "2025-12-24T00:00:00.000Z");
    let (rooms, _) = list_rooms(&mut db.conn(), &user_id("dave"), RoomList::Inbox, None, 10, usize::MAX).unwrap();
    assert_eq!(rooms.len(), 1);
    load(&db, &message("r", "dave", "1", 1));
    assert_eq!(created_at(&db), "2025-12-24T00:00:00.000Z");
    // An earlier time counts, also in a file that comes later; a later one does not.
    for (line, rooms, expected) in [
        ("2025-12-01T00:00:00Z", 1, "2025-12-01T00:00:00.000Z"),
        ("2025-12-01T00:00:00Z", 0, "2025-12-01T00:00:00.000Z"),
        ("2025-12-24T00:00:00Z", 0, "2025-12-01T00:00:00.000Z"),
    ] {
        let (imported, bad) = load(&db, &room(line));
        assert_eq!((imported.rooms, bad, created_at(&db).as_str()), (rooms, vec![], expected));
    }
    assert_eq!(verify(&mut db.conn(), || {}).unwrap(), []);
}

#[test]
fn users_and_products_keep_the_times_of_their_lines() {
    let db = TestDb::new();
    let at = |text: &str| Some(Timestamp::parse(text).unwrap());
    let user = |name: &str, times: &str| format!(r#"{{"type":"user","id":"dave","name":"{name}"{times}}}"#);
    let product = |title: &str, times: &str| {
        format!(r#"{{"type":"product","id":"boat","sellerId":"dave","title":"{title}"{times}}}"#)
    };
    let stored = |db: &TestDb| {
        let conn = &mut db.conn();
        let times = user::find_times(conn, "dave").unwrap();
        assert_eq!(product::find_times(conn, &ProductId::new("boat").unwrap()).unwrap(), times);
        times
    };
    let (old, new) = (r#","createdAt":"2020-01-01T00:00:00Z","updatedAt":"2021-01-01T00:00:00Z""#, "");
    let (made, changed) = (at("2020-01-01T00:00:00Z"), at("2021-01-01T00:00:00Z"));
    for (name, times, news, expected) in [
        // Nobody says when: that is not known.
        ("Dave", new, 1, Times::default()),
        ("Dave", old, 1, Times { created_at: made, updated_at: changed }),
        ("Dave", old, 0, Times { created_at: made, updated_at: changed }),
        ("Dave", new, 0, Times { created_at: made, updated_at: changed }),
        ("David", new, 1, Times { created_at: made, updated_at: Some(NOW) }),
    ] {
        let (imported, bad) = load(&db, &[user(name, times), product(name, times)].join("\n"));
        assert_eq!((imported.users, imported.products, bad), (news, news, vec![]), "{name}{times}");
        assert_eq!(stored(&db), expected, "{name}{times}");
    }
}

#[test]
fn what_was_edited_or_deleted_is_loaded_as_that() {
    let db = TestDb::new();
    let line = |text: &str, second: u32, more: &str| {
        message("r", "erin", text, second).replace('}', &format!("{more}}}")).replace(r#""text":"","#, "")
    };
    let edited = r#","editedAt":"2026-01-01T00:05:00Z""#;
    let deleted = r#","deletedAt":"2026-01-01T00:06:00Z""#;
    let mut lines = parents_with(r#"{"buyer":0}"#);
    lines.extend([
        line("new words", 1, edited),
        line("", 2, deleted),
        line("their words", 3, deleted),
        line("x", 4, ""),
    ]);
    let file = lines.join("\n");
    for messages in [4, 0] {
        let (imported, bad) = load(&db, &file);
        assert_eq!((imported.messages, bad), (messages, vec![]));
        let found: Vec<_> =
            history(&db, "r").into_iter().map(|m| (m.text, m.edited_at.is_some(), m.deleted_at.is_some())).collect();
        let text = |text: &str| Some(text.to_owned());
        let expected =
            [(text("new words"), true, false), (None, false, true), (None, false, true), (text("x"), false, false)];
        assert_eq!(found, expected);
        // What was taken back is not unread.
        assert_eq!(marks(&db)[0], (0, 2));
    }
    assert_eq!(history(&db, "r")[0].edited_at, Some(Timestamp::parse("2026-01-01T00:05:00Z").unwrap()));
}

#[test]
fn what_was_edited_or_deleted_since_is_changed_in_its_place() {
    let db = TestDb::new();
    let line = |text: &str, key: &str, more: &str| {
        format!(
            r#"{{"type":"message","roomId":"r","senderId":"erin","text":"{text}","sentAt":"2026-01-01T00:00:00Z","clientId":"{key}"{more}}}"#
        )
    };
    let without_key = |more: &str| message("r", "dave", "no key", 9).replace('}', &format!("{more}}}"));
    let first = [parents(), vec![line("helo", "a", ""), line("oops", "b", ""), without_key("")]].concat();
    load(&db, &first.join("\n"));
    let index = IndexSlice { messages: 100, text_bytes: 1 << 20 };
    while index_messages(&mut db.conn(), index).unwrap().has_more {}
    let deleted = r#","deletedAt":"2026-01-01T00:06:00Z""#;
    let second = [
        line("hello", "a", r#","editedAt":"2026-01-01T00:05:00Z""#),
        line("oops", "b", deleted),
        without_key(deleted),
        // Older than what is there.
        line("helo", "a", r#","editedAt":"2026-01-01T00:04:00Z""#),
    ];
    let second = [parents(), second.into()].concat();
    for changed in [3, 0] {
        let (imported, bad) = load(&db, &second.join("\n"));
        assert_eq!((imported.messages, bad), (changed, vec![]));
        let texts: Vec<_> = history(&db, "r").into_iter().map(|m| (m.seq.0, m.text)).collect();
        assert_eq!(texts, [(1, Some("hello".to_owned())), (2, None), (3, None)]);
        assert_eq!(verify(&mut db.conn(), || {}).unwrap(), []);
    }
}

#[test]
fn times_in_the_future_are_bad_lines() {
    let db = TestDb::new();
    let mut lines = parents();
    let (soon, late) = (NOW.plus_ms(30_000), NOW.plus_ms(30_001));
    let said =
        |at: Timestamp| format!(r#"{{"type":"message","roomId":"r","senderId":"dave","text":"x","sentAt":"{at}"}}"#);
    lines.extend([said(soon), said(late)]);
    lines.push(format!(r#"{{"type":"user","id":"zoe","name":"Zoe","createdAt":"{late}"}}"#));
    lines.push(format!(r#"{{"type":"room","productId":"bike","buyerId":"dave","createdAt":"{late}"}}"#));
    let (imported, bad) = load(&db, &lines.join("\n"));
    let found: Vec<_> = bad.iter().map(|(number, reason)| (*number, reason.as_str())).collect();
    let reasons = ["`sentAt` is in the future", "`createdAt` is in the future", "`createdAt` is in the future"];
    assert_eq!(found, (6..).zip(reasons).collect::<Vec<_>>());
    assert_eq!(imported.messages, 1);
    // A load that moves its times is judged by where it moves them.
    let shifted = ImportOptions { shift_ms: -1, ..OPTIONS };
    let (imported, bad) = import_str(&mut db.conn(), &said(late), shifted).unwrap();
    assert_eq!((imported.messages, bad), (1, vec![]));
}

#[derive(Default)]
struct Unknown(Vec<(String, u64)>, Vec<u64>);

impl ImportWatch for Unknown {
    fn progress(&mut self, _: &Imported) {}

    fn bad_line(&mut self, number: u64, _: &str) {
        self.1.push(number);
    }

    fn unknown_field(&mut self, field: &UnknownField) {
        self.0.push((format!("{} {}", field.line_type, field.name), field.lines));
    }
}

#[test]
fn an_unknown_field_is_reported_once_and_its_lines_are_loaded() {
    let db = TestDb::new();
    let mut lines: Vec<String> = parents().into_iter().map(|line| line.replace('}', r#","age":7}"#)).collect();
    lines.extend((0..CHUNK_LINES + 1).map(|i| message("r", "dave", &i.to_string(), 1).replace('}', r#","mood":"!"}"#)));
    let mut watch = Unknown::default();
    let imported = import(&mut db.conn(), lines.join("\n").as_bytes(), OPTIONS, &mut watch).unwrap();
    let all = CHUNK_LINES as u64 + 1;
    assert_eq!((imported.messages, imported.bad, watch.1), (all, 0, vec![]));
    let expected = [("message mood", all), ("product age", 1), ("room age", 1), ("user age", 2)];
    assert_eq!(watch.0, expected.map(|(field, lines)| (field.to_owned(), lines)));
}

#[test]
fn bad_lines_are_left_out_by_number_and_the_rest_is_loaded() {
    let db = TestDb::new();
    let mut lines = parents();
    lines.extend(
        [
            "not json",
            "",
            r#"{"type":"product","id":"x","sellerId":"nobody","title":"X"}"#,
            r#"{"type":"product","id":"boat","sellerId":"dave","title":"Mine now"}"#,
            r#"{"type":"room","productId":"nothing","buyerId":"dave"}"#,
            r#"{"type":"room","productId":"boat","buyerId":"nobody"}"#,
            r#"{"type":"room","productId":"boat","buyerId":"erin"}"#,
            r#"{"type":"room","id":"r2","productId":"boat","buyerId":"dave"}"#,
            r#"{"type":"room","id":"r","productId":"bike","buyerId":"dave"}"#,
        ]
        .map(str::to_owned),
    );
    lines.push(message("none", "dave", "x", 1));
    lines.push(message("r", "mallory", "x", 1));
    lines.push(message("r", "dave", "good", 1));
    let (imported, bad) = load(&db, &lines.join("\n"));
    let numbers: Vec<u64> = bad.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, [5, 7, 8, 9, 10, 11, 12, 13, 14, 15], "{bad:#?}");
    assert_eq!((imported.bad, imported.messages), (10, 1));
    assert_eq!(history(&db, "r").len(), 1);
    assert!(find_product(&mut db.conn(), &ProductId::new("x").unwrap()).unwrap().is_none());
}

#[test]
fn a_client_id_stores_once_whether_sent_or_loaded() {
    let db = TestDb::new();
    load(&db, &parents().join("\n"));
    let room = RoomId::new("r").unwrap();
    write(&mut db.conn(), Write::Append(draft(&room, "dave", "sent", Some("k1")))).unwrap();
    let with_key = |key: &str| {
        format!(
            r#"{{"type":"message","roomId":"r","senderId":"dave","text":"loaded","sentAt":"2026-01-01T00:00:00Z","clientId":"{key}"}}"#
        )
    };
    let file = [with_key("k1"), with_key("k2"), with_key("k2")].join("\n");
    let (imported, _) = load(&db, &file);
    assert_eq!((imported.messages, imported.repeated), (1, 2));
    let texts: Vec<_> = history(&db, "r").into_iter().map(|m| m.text.unwrap()).collect();
    assert_eq!(texts, ["sent", "loaded"]);
}

#[test]
fn a_load_that_was_cut_goes_on_and_ends_the_same() {
    let mut lines = parents();
    // More than a chunk, with a room in the middle of it.
    for i in 0..(CHUNK_LINES + 100) {
        lines.push(message("r", if i % 3 == 0 { "erin" } else { "dave" }, &format!("{}", i % 50), 7));
    }
    let whole = lines.join("\n");
    let once = TestDb::new();
    load(&once, &whole);
    let expected = history(&once, "r");
    assert_eq!(expected.len(), CHUNK_LINES + 100);

    // The cut is in the middle of a line, as a kill or a full disk would leave a file that was being written.
    let cut = TestDb::new();
    let (part, bad) = load(&cut, &whole[..whole.len() / 2]);
    assert!(part.messages > 1000 && bad.len() == 1);
    let (rest, bad) = load(&cut, &whole);
    assert_eq!((rest.messages + part.messages, bad.len()), (expected.len() as u64, 0));
    let mut stored = history(&cut, "r");
    stored.iter_mut().zip(&expected).for_each(|(a, b)| assert_eq!((&a.id, a.seq), (&b.id, b.seq)));
    assert_eq!(stored, expected);
}

#[test]
fn a_shift_moves_the_moments_and_not_what_repeats() {
    let db = TestDb::new();
    let mut lines = parents();
    lines.push(message("r", "dave", "hi", 1));
    let file = lines.join("\n");
    for (shift_ms, messages) in [(60_000, 1), (120_000, 0)] {
        let options = ImportOptions { shift_ms, ..OPTIONS };
        assert_eq!(import_str(&mut db.conn(), &file, options).unwrap().0.messages, messages);
    }
    let summary = find_room(&mut db.conn(), &RoomId::new("r").unwrap(), &user_id("erin")).unwrap().unwrap();
    assert_eq!(summary.last_message.unwrap().sent_at, Timestamp::parse("2026-01-01T00:01:01Z").unwrap());
}

#[test]
fn a_line_without_end_is_bounded() {
    let db = TestDb::new();
    let endless = io::Read::chain(io::Read::take(io::repeat(b'x'), 3_000_000), "\n{}".as_bytes());
    let mut bad = Vec::new();
    let imported = import(&mut db.conn(), io::BufReader::new(endless), OPTIONS, &mut bad).unwrap();
    assert_eq!((imported.lines, imported.bytes), (2, 3_000_003));
    assert!(bad[0].1.contains("longer than"), "{bad:?}");
}

#[test]
fn a_file_that_is_loaded_again_does_not_undo_an_acceptance() {
    let db = TestDb::new();
    let mut lines = parents();
    lines.push(
        r#"{"type":"message","roomId":"r","senderId":"dave","kind":"offer","sentAt":"2026-01-01T00:00:00Z","data":{"amount":5,"currency":"EUR","status":"accepted","expiresAt":"2026-01-03T00:00:00Z"}}"#
            .to_owned(),
    );
    assert_eq!(load(&db, &lines.join("\n")).1, []);
    let boat =
        |status: &str| format!(r#"{{"type":"product","id":"boat","sellerId":"erin","title":"The boat"{status}}}"#);
    let stands = || {
        let boat = find_product(&mut db.conn(), &ProductId::new("boat").unwrap()).unwrap().unwrap();
        (boat.title, boat.status.as_str())
    };
    let bad = load(&db, &boat(r#","status":"on_sale""#)).1;
    assert!(bad[0].1.contains("`status`: an offer on this product was accepted"), "{bad:?}");
    assert_eq!(stands(), ("A boat".to_owned(), "reserved"));
    assert_eq!(load(&db, &boat("")).1, []);
    assert_eq!(stands(), ("The boat".to_owned(), "reserved"));
    assert_eq!(load(&db, &boat(r#","status":"sold""#)).1, []);
    assert_eq!(stands(), ("The boat".to_owned(), "sold"));
}

#[test]
fn an_offer_that_waits_can_be_answered_after_the_load() {
    let db = TestDb::new();
    let mut lines = parents();
    let expires_at = NOW.plus_ms(1000);
    lines.push(format!(
        r#"{{"type":"message","roomId":"r","senderId":"dave","kind":"offer","sentAt":"2026-01-01T00:00:00Z","data":{{"amount":5,"currency":"EUR","status":"pending","expiresAt":"{expires_at}"}}}}"#
    ));
    assert_eq!(load(&db, &lines.join("\n")).1, []);
    let message = history(&db, "r").remove(0).id;
    let (actor, answer) = (user_id("erin"), crate::domain::offer::OfferDecision::Decline);
    let declined = write(&mut db.conn(), Write::AnswerOffer { room: None, message, actor, answer, at: NOW });
    assert!(declined.is_ok(), "{declined:?}");
}
