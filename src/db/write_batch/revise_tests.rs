//! Edits and deletions, and what the masking rule makes of a message and of an edit.

use super::*;
use crate::{
    db::{
        allow_contact, load_room,
        test_db::{NOW, TestDb, draft, history, room, say, user_id, write},
    },
    domain::{ContactKind, MaskingPolicy, MessageKind, masking::find, message::EDIT_WINDOW_MS},
    error::ErrorCode,
};

#[test]
fn ones_own_words_can_be_changed_for_15_minutes_and_taken_back() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let a = room(conn, "alice", "bike");
    let message = say(conn, &a, "alice", "helo");
    let edit = |editor: &str, message: &MessageId, at: Timestamp| Write::Edit {
        message: message.clone(),
        editor: user_id(editor),
        text: "hello".to_owned(),
        inspected: MaskingPolicy::Warn.inspect(Some("hello")),
        at,
    };
    let delete = |editor: &str, message: &MessageId, at: Timestamp| Write::Delete {
        message: message.clone(),
        editor: user_id(editor),
        at,
    };
    let last = NOW.plus_ms(EDIT_WINDOW_MS);
    let unknown = MessageId::new("none").unwrap();
    for (editor, id, at, refused) in [
        ("alice", &unknown, NOW, WriteError::NotFound("message")),
        ("mallory", &message.id, NOW, WriteError::NotFound("message")),
        ("carol", &message.id, NOW, WriteError::NotOwnMessage),
        ("alice", &message.id, last.plus_ms(1), WriteError::EditWindowOver),
    ] {
        assert_eq!(write(conn, edit(editor, id, at)), Err(refused.clone()));
        assert_eq!(write(conn, delete(editor, id, at)), Err(refused));
    }
    let Ok(Written::Changed(edited)) = write(conn, edit("alice", &message.id, last)) else { panic!() };
    assert_eq!((edited.text.as_deref(), edited.edited_at), (Some("hello"), Some(last)));
    assert_eq!(history(conn, &a), std::slice::from_ref(&edited));
    let Ok(Written::Changed(again)) = write(conn, edit("alice", &message.id, last)) else { panic!() };
    assert_eq!(again.edited_at, Some(last.plus_ms(1)), "later than the one before, so that nodes tell them apart");

    let Ok(Written::Changed(deleted)) = write(conn, delete("alice", &message.id, last)) else { panic!() };
    assert_eq!((deleted.text.as_ref(), deleted.deleted_at, deleted.seq), (None, Some(last), Seq(1)));
    assert_eq!(history(conn, &a), [deleted]);
    assert_eq!(write(conn, delete("alice", &message.id, last)), Err(WriteError::AlreadyDeleted));
    assert_eq!(write(conn, edit("alice", &message.id, last)), Err(WriteError::AlreadyDeleted));
    // A deleted one is nothing to read, and its place is not given to another.
    assert_eq!(load_room(conn, &a).unwrap().unwrap().members.seller.unread, 0);
    assert_eq!(say(conn, &a, "alice", "next").seq, Seq(2));
}

#[test]
fn what_the_system_said_stays_as_it_is() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let a = room(conn, "alice", "bike");
    let notice = Draft { kind: MessageKind::System, ..draft(&a, "system", "x", None) };
    let Ok(Written::Appended { message, .. }) = write(conn, Write::Append(notice)) else { panic!() };
    for editor in ["alice", "carol"] {
        let refused = write(conn, Write::Delete { message: message.id.clone(), editor: user_id(editor), at: NOW });
        assert_eq!(refused, Err(WriteError::NotOwnMessage));
    }
}

#[test]
fn a_contact_is_marked_masked_or_refused_until_it_is_allowed_in_the_room() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let a = room(conn, "alice", "bike");
    let text = "call 010-1234-5678";
    let send = |policy: MaskingPolicy, client_id: &str| {
        let screened = policy.judge(text, &find(text));
        Write::Append(Draft { screened, ..draft(&a, "alice", text, Some(client_id)) })
    };
    let stored = |outcome: Result<Written, WriteError>| match outcome.unwrap() {
        Written::Appended { message, .. } | Written::Changed(message) => message,
        other => panic!("{other:?}"),
    };

    let warned = stored(write(conn, send(MaskingPolicy::Warn, "1")));
    assert_eq!((warned.text.as_deref(), &warned.warnings), (Some(text), &vec![ContactKind::Phone]));
    let masked = stored(write(conn, send(MaskingPolicy::Mask, "2")));
    assert_eq!(masked.text.as_deref(), Some("call ●●●-●●●●-●●●●"));
    let refused = write(conn, send(MaskingPolicy::Block, "3")).unwrap_err();
    assert_eq!(refused.code(), ErrorCode::Invalid);
    // What was stored once is found again, whatever the rule says now.
    assert_eq!(stored(write(conn, send(MaskingPolicy::Block, "2"))), masked);
    assert_eq!(history(conn, &a), [warned, masked.clone()]);

    let edit = |text: &str, masking: MaskingPolicy| Write::Edit {
        message: masked.id.clone(),
        editor: user_id("alice"),
        text: text.to_owned(),
        inspected: masking.inspect(Some(text)),
        at: NOW,
    };
    assert_eq!(stored(write(conn, edit("hello", MaskingPolicy::Warn))).warnings, []);
    assert_eq!(stored(write(conn, edit(text, MaskingPolicy::Mask))).text.as_deref(), Some("call ●●●-●●●●-●●●●"));
    assert_eq!(write(conn, edit(text, MaskingPolicy::Block)).unwrap_err().code(), ErrorCode::Invalid);
    assert_eq!(stored(write(conn, edit(text, MaskingPolicy::Off))).warnings, []);

    allow_contact(conn, &a).unwrap();
    let allowed = stored(write(conn, send(MaskingPolicy::Mask, "4")));
    assert_eq!((allowed.text.as_deref(), allowed.warnings), (Some(text), vec![]));
    assert_eq!(stored(write(conn, edit(text, MaskingPolicy::Block))).text.as_deref(), Some(text));
}

#[test]
fn an_edit_does_not_complete_a_number_that_is_split_over_messages() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let a = room(conn, "alice", "bike");
    let parts = ["010", "x", "5678"].map(|text| say(conn, &a, "alice", text));
    for (part, (text, kinds)) in [
        (1, ("1234", vec![ContactKind::Phone])),
        (1, ("y", vec![])),
        (0, ("hello", vec![])),
        (1, ("1234", vec![])),
        (0, ("제 번호 010", vec![ContactKind::Phone])),
    ] {
        let edit = Write::Edit {
            message: parts[part].id.clone(),
            editor: user_id("alice"),
            text: text.to_owned(),
            inspected: MaskingPolicy::Warn.inspect(Some(text)),
            at: NOW,
        };
        let Written::Changed(message) = write(conn, edit).unwrap() else { panic!() };
        assert_eq!(message.warnings, kinds, "{text}");
    }
}
