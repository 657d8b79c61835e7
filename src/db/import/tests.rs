use super::*;
use crate::{
    db::{
        RoomWrite, find_product, find_room, list_rooms, load_room,
        test_db::{self, NOW, TestDb, draft, user_id, write},
    },
    domain::{ProductId, RoomId, StoredMessage},
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
    let told: Vec<_> = stored.iter().map(|m| (m.seq.0, m.text.as_deref().unwrap())).collect();
    assert_eq!(told, [(1, "hi"), (2, "ok"), (3, "ok"), (4, "so?")]);

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
fn a_loaded_room_is_as_old_as_its_words_and_who_answered_has_read() {
    let db = TestDb::new();
    let mut lines = parents();
    lines.extend([message("r", "dave", "1", 1), message("r", "erin", "2", 2), message("r", "erin", "3", 3)]);
    load(&db, &lines.join("\n"));
    let conn = &mut db.conn();
    let state = load_room(conn, &RoomId::new("r").unwrap()).unwrap().unwrap();
    assert_eq!(state.room.created_at, Timestamp::parse("2026-01-01T00:00:01Z").unwrap());
    assert_eq!((state.buyer.unread, state.seller.unread), (2, 0));
    // It stands behind a room of today.
    let today = crate::db::test_db::room(conn, "dave", "lamp");
    let (rooms, _) = list_rooms(conn, &user_id("dave"), None, 10, usize::MAX).unwrap();
    let order: Vec<_> = rooms.iter().map(|summary| summary.room.id.as_str()).collect();
    assert_eq!(order, [today.as_str(), "r"]);
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
    write(&mut db.conn(), RoomWrite::Append(draft(&room, "dave", "sent", Some("k1")))).unwrap();
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
    let (actor, answer) = (user_id("erin"), crate::domain::offer::Answer::Decline);
    let declined = write(&mut db.conn(), RoomWrite::AnswerOffer { room: None, message, actor, answer, at: NOW });
    assert!(declined.is_ok(), "{declined:?}");
}
