//! Replies and reactions.

use super::*;
use crate::{
    db::{
        test_db::{NOW, TestDb, draft, history, room, say, user_id, write},
        verify,
    },
    domain::{Emoji, MessageKind, Moderator, StoredMessage},
    error::ErrorCode,
};

fn react(room: &RoomId, message: &MessageId, member: &str, emoji: Option<&str>) -> Write {
    Write::React {
        room: room.clone(),
        message: message.clone(),
        member: user_id(member),
        emoji: emoji.map(|emoji| Emoji::parse(emoji).unwrap()),
        at: NOW,
    }
}

fn shown(message: &StoredMessage) -> Vec<String> {
    message.reactions.iter().map(|of| format!("{} {}", of.user_id, of.emoji.as_str())).collect()
}

/// What a write came to: the reactions, and whether they are others now.
fn reacted(conn: &mut Connection, write_it: Write) -> (Vec<String>, bool) {
    match write(conn, write_it) {
        Ok(Written::Reacted { message, changed }) => (shown(&message), changed),
        other => panic!("{other:?}"),
    }
}

fn last_change(conn: &mut Connection) -> i64 {
    use crate::db::{prelude::*, schema::changes};
    changes::table.select(diesel::dsl::max(changes::id)).get_result::<Option<i64>>(conn).unwrap().unwrap_or(0)
}

fn erase_all(conn: &mut Connection, user: &str) {
    write(conn, Write::DeleteUser { user: user_id(user), at: NOW }).unwrap();
    while !matches!(
        write(conn, Write::EraseWords { user: user_id(user), at: NOW }),
        Ok(Written::WordsErased { progress: ErasureProgress::Done, .. })
    ) {}
}

#[test]
fn each_member_has_one_reaction_and_setting_it_again_writes_nothing() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let a = room(conn, "alice", "bike");
    let said = say(conn, &a, "alice", "hello");
    assert_eq!(reacted(conn, react(&a, &said.id, "carol", Some("👍"))), (vec!["carol 👍".to_owned()], true));
    let known = last_change(conn);
    assert!(!reacted(conn, react(&a, &said.id, "carol", Some("👍"))).1);
    assert!(!reacted(conn, react(&a, &said.id, "alice", None)).1);
    assert_eq!(last_change(conn), known, "nothing was written");
    reacted(conn, react(&a, &said.id, "alice", Some("🇰🇷")));
    let both = vec!["carol ❤️".to_owned(), "alice 🇰🇷".to_owned()];
    assert_eq!(reacted(conn, react(&a, &said.id, "carol", Some("❤️"))), (both.clone(), true));
    let stored = history(conn, &a).remove(0);
    assert_eq!((shown(&stored), stored.edited_at, stored.seq), (both, None, Seq(1)));
    let room = crate::db::load_room(conn, &a).unwrap().unwrap();
    assert_eq!((room.members.seller.unread, room.last_seq), (1, Seq(1)), "it reads nothing and adds nothing");
    assert_eq!(reacted(conn, react(&a, &said.id, "carol", None)), (vec!["alice 🇰🇷".to_owned()], true));
    assert_eq!(reacted(conn, react(&a, &said.id, "alice", None)), (vec![], true));
    assert!(last_change(conn) > known);
}

#[test]
fn reacting_is_saying_something_and_only_to_what_a_member_says() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let (a, b) = (room(conn, "alice", "bike"), room(conn, "bob", "bike"));
    let said = say(conn, &a, "alice", "hello").id;
    let notice = Draft { kind: MessageKind::System, ..draft(&a, "system", "x", None) };
    let Ok(Written::Appended { message: notice, .. }) = write(conn, Write::Append(notice)) else { panic!() };
    let refused = |conn: &mut Connection, room: &RoomId, message: &MessageId, member: &str, emoji| {
        write(conn, react(room, message, member, emoji)).unwrap_err().code()
    };
    let unknown = MessageId::new("none").unwrap();
    for (room, message, member, code) in [
        (&a, &said, "mallory", ErrorCode::Forbidden),
        (&a, &said, "bob", ErrorCode::Forbidden),
        (&b, &said, "bob", ErrorCode::NotFound),
        (&RoomId::new("none").unwrap(), &said, "carol", ErrorCode::Forbidden),
        (&a, &unknown, "carol", ErrorCode::NotFound),
        (&a, &notice.id, "carol", ErrorCode::Forbidden),
    ] {
        assert_eq!(refused(conn, room, message, member, Some("👍")), code);
        assert_eq!(refused(conn, room, message, member, None), code);
    }
    reacted(conn, react(&a, &said, "carol", Some("👍")));
    let carol = User::new(user_id("carol"), "carol".to_owned(), None);
    write(conn, Write::Block { blocker: carol, blocked: user_id("alice"), at: NOW }).unwrap();
    for member in ["alice", "carol"] {
        assert_eq!(refused(conn, &a, &said, member, Some("❤️")), ErrorCode::Blocked);
    }
    assert!(reacted(conn, react(&a, &said, "carol", None)).1, "taking back is not saying something");
    write(conn, Write::Unblock { blocker: user_id("carol"), blocked: user_id("alice") }).unwrap();
    reacted(conn, react(&a, &said, "carol", Some("👍")));
    let what = Moderation::SetFrozen { room: a.clone(), frozen: true };
    let freeze = Moderate { by: Moderator::Service, at: NOW, reason: Some("x".to_owned()), what };
    write(conn, Write::Moderate(Box::new(freeze))).unwrap();
    for emoji in [Some("❤️"), None] {
        assert_eq!(refused(conn, &a, &said, "carol", emoji), ErrorCode::Frozen);
    }
}

#[test]
fn a_deleted_message_has_no_reactions_and_takes_none() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let a = room(conn, "alice", "bike");
    let [own, removed] = ["one", "two"].map(|text| say(conn, &a, "alice", text).id);
    for message in [&own, &removed] {
        reacted(conn, react(&a, message, "carol", Some("👍")));
    }
    let delete = Write::Delete { message: own.clone(), editor: user_id("alice"), at: NOW };
    let what = Moderation::RemoveMessage { room: a.clone(), message: removed.clone() };
    let remove = Moderate { by: Moderator::Service, at: NOW, reason: Some("x".to_owned()), what };
    for gone in [delete, Write::Moderate(Box::new(remove))] {
        let Ok(Written::Changed(message)) = write(conn, gone) else { panic!() };
        assert_eq!(message.reactions, []);
    }
    assert!(history(conn, &a).iter().all(|message| message.reactions.is_empty()));
    for emoji in [Some("👍"), None] {
        assert_eq!(write(conn, react(&a, &own, "carol", emoji)), Err(WriteError::AlreadyDeleted));
    }
    assert_eq!(verify(conn, || {}).unwrap(), []);
}

#[test]
fn an_erasure_takes_the_reactions_of_the_user_and_those_to_their_words() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let a = room(conn, "alice", "bike");
    let mut theirs = Vec::new();
    for number in 0..600 {
        let said = say(conn, &a, if number % 2 == 0 { "alice" } else { "carol" }, &"x".repeat(400)).id;
        for member in ["alice", "carol"] {
            reacted(conn, react(&a, &said, member, Some("👍")));
        }
        theirs.push(said);
    }
    erase_all(conn, "alice");
    for message in history(conn, &a) {
        let is_erased = message.sender_id.as_str() == "alice";
        let left: &[&str] = if is_erased { &[] } else { &["carol 👍"] };
        assert_eq!(
            (shown(&message), message.text.is_none()),
            (left.iter().map(|of| (*of).to_owned()).collect(), is_erased)
        );
    }
    assert_eq!(verify(conn, || {}).unwrap(), []);
}

#[test]
fn a_reply_names_an_earlier_message_of_its_room() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let a = room(conn, "alice", "bike");
    let reply =
        |to: i64, key: Option<&str>| Write::Append(Draft { reply_to: Some(Seq(to)), ..draft(&a, "carol", "yes", key) });
    assert_eq!(write(conn, reply(1, Some("k"))), Err(WriteError::NoSuchReply), "nothing was said");
    say(conn, &a, "alice", "is it there?");
    for to in [-1, 0, 2, 1 << 50] {
        assert_eq!(write(conn, reply(to, None)).unwrap_err().code(), ErrorCode::Invalid, "{to}");
    }
    let Ok(Written::Appended { message: first, first_time: true }) = write(conn, reply(1, Some("k"))) else { panic!() };
    assert_eq!((first.seq, first.reply_to), (Seq(2), Some(Seq(1))));
    let Ok(Written::Appended { message: again, first_time: false }) = write(conn, reply(9, Some("k"))) else {
        panic!()
    };
    assert_eq!(again, first, "the key is the same");
    // Both in one batch: what is numbered by the first is there for the second.
    let next = Write::Append(draft(&a, "alice", "and where?", None));
    let outcomes = write_batch(conn, &[next, reply(3, None)], NOW).unwrap();
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    let replies: Vec<_> = history(conn, &a).iter().map(|message| message.reply_to.map(|seq| seq.0)).collect();
    assert_eq!(replies, [None, Some(1), None, Some(3)]);
    assert_eq!(verify(conn, || {}).unwrap(), []);
}
