//! Two changes that can't both be as if they were alone, in either order, in one batch and in two: what becomes of each.

use super::*;
use crate::db::{
    MessagePage, NewReport, Reported, list_messages, store_report,
    test_db::{NOW, TestDb, draft, product, read, room, say, user, user_id, write},
};
use crate::{
    domain::{offer::OfferDecision, safety::ReportCategory},
    error::ErrorCode,
};

/// What a change came to: `None` when it was written, else its code.
type Came = Option<ErrorCode>;

/// Two changes of a fresh database, and what each comes to: when the first comes first, and when the second does.
struct Race {
    writes: [Write; 2],
    in_order: [Came; 2],
    reversed: [Came; 2],
}

fn came(outcome: &Result<Written, WriteError>) -> Came {
    match outcome {
        Ok(Written::OfferMoved(moved)) => moved.answer.as_ref().err().map(WriteError::code),
        Ok(_) => None,
        Err(error) => Some(error.code()),
    }
}

fn offered(conn: &mut Connection, room: &RoomId, maker: &str) -> MessageId {
    let price = Price { amount: 100, currency: "USD".to_owned() };
    let make = Write::MakeOffer { room: room.clone(), maker: user_id(maker), price, client_id: None, at: NOW };
    match write(conn, make) {
        Ok(Written::OfferMoved(moved)) => moved.answer.unwrap().id,
        other => panic!("{other:?}"),
    }
}

fn answer(message: &MessageId, actor: &str, answer: OfferDecision) -> Write {
    Write::AnswerOffer { room: None, message: message.clone(), actor: user_id(actor), answer, at: NOW }
}

fn mute(conn: &mut Connection, room: &RoomId) -> Write {
    let new = NewReport {
        reporter: user_id("carol"),
        room: room.clone(),
        message: None,
        category: ReportCategory::Spam,
        text: None,
        at: NOW,
    };
    let Reported::New(report) = store_report(conn, &new).unwrap() else { panic!() };
    let (decision, mute_until) = (Decision::Upheld, Some(NOW.plus_ms(1000)));
    Write::DecideReport { report: report.id, decision, mute_until, at: NOW }
}

/// What somebody does, by its name, with what each comes to.
#[expect(clippy::too_many_lines, reason = "a table: one row per race")]
fn race(name: &str, conn: &mut Connection, a: &RoomId) -> Race {
    use ErrorCode::{Blocked, Conflict, Forbidden, Muted};
    let alice = || user_id("alice");
    let says = |text: &str| Write::Append(draft(a, "alice", text, None));
    let sold = || Write::PutProduct {
        keeps_status: false,
        product: Product { status: ProductStatus::Sold, ..product("bike") },
        at: NOW,
    };
    let (writes, in_order, reversed) = match name {
        "two acceptances on one product" => {
            let b = room(conn, "bob", "bike");
            let offers = [offered(conn, a, "alice"), offered(conn, &b, "bob")];
            (
                offers.map(|offer| answer(&offer, "carol", OfferDecision::Accept)),
                [None, Some(Conflict)],
                [Some(Conflict), None],
            )
        }
        "an acceptance and a withdrawal" => {
            let offer = offered(conn, a, "alice");
            let writes =
                [answer(&offer, "carol", OfferDecision::Accept), answer(&offer, "alice", OfferDecision::Withdraw)];
            (writes, [None, Some(Conflict)], [Some(Conflict), None])
        }
        "an acceptance on each of two devices" => {
            let offer = offered(conn, a, "alice");
            let accept = || answer(&offer, "carol", OfferDecision::Accept);
            ([accept(), accept()], [None, Some(Conflict)], [Some(Conflict), None])
        }
        "a sale and an acceptance" => {
            let offer = offered(conn, a, "alice");
            ([sold(), answer(&offer, "carol", OfferDecision::Accept)], [None, Some(Conflict)], [None, None])
        }
        "a sale and an offer" => {
            let price = Price { amount: 100, currency: "USD".to_owned() };
            let make = Write::MakeOffer { room: a.clone(), maker: alice(), price, client_id: None, at: NOW };
            ([sold(), make], [None, Some(Conflict)], [None, None])
        }
        "a deletion and an edit" => {
            let message = say(conn, a, "alice", "first").id;
            let (editor, inspected) = (alice(), Inspected::default());
            let edit = Write::Edit { message: message.clone(), editor, text: "second".to_owned(), inspected, at: NOW };
            ([Write::Delete { message, editor: alice(), at: NOW }, edit], [None, Some(Conflict)], [None, None])
        }
        "a block and a message" => {
            let block = Write::Block { blocker: user("carol"), blocked: alice(), at: NOW };
            ([block, says("hello")], [None, Some(Blocked)], [None, None])
        }
        "a block and an acceptance" => {
            let offer = offered(conn, a, "alice");
            let block = Write::Block { blocker: user("alice"), blocked: user_id("carol"), at: NOW };
            ([block, answer(&offer, "carol", OfferDecision::Accept)], [None, Some(Blocked)], [None, None])
        }
        "a mute and a message" => ([mute(conn, a), says("hello")], [None, Some(Muted)], [None, None]),
        "an erasure and a message" => {
            let delete = Write::DeleteUser { user: alice(), at: NOW };
            ([delete, says("hello")], [None, Some(Forbidden)], [None, None])
        }
        "two places read" => {
            (0..5).for_each(|_| drop(say(conn, a, "carol", "hello")));
            ([read(a, "alice", 5), read(a, "alice", 3)], [None, None], [None, None])
        }
        other => panic!("no race: {other}"),
    };
    Race { writes, in_order, reversed }
}

/// How everything stands in the end: the messages of Alice's room without what is random, and how far she has read.
fn standing(conn: &mut Connection, a: &RoomId) -> (Vec<String>, i64) {
    while let Ok(Written::WordsErased { progress: ErasureProgress::GoesOn, .. }) =
        write(conn, Write::EraseWords { user: user_id("alice"), at: NOW })
    {}
    let page = list_messages(conn, a, MessagePage::Before { seq: None, limit: 50 }, usize::MAX).unwrap();
    let seqs: Vec<i64> = page.items.iter().map(|message| message.seq.0).collect();
    assert_eq!(seqs, (1..=page.last_seq.0).collect::<Vec<_>>(), "without a hole");
    let messages = page.items.into_iter().map(|message| {
        let status = message
            .data
            .as_ref()
            .and_then(|data| data.read::<serde_json::Value>()?["status"].as_str().map(str::to_owned));
        format!("{:?} {:?} {}", message.text, status, message.deleted_at.is_some())
    });
    let read_seq = match write(conn, read(a, "alice", 0)) {
        Ok(Written::Read { read_seq, .. }) => read_seq.0,
        _ => 0,
    };
    (messages.collect(), read_seq)
}

#[test]
fn who_comes_second_learns_it_and_one_batch_is_the_same_as_two() {
    for name in [
        "two acceptances on one product",
        "an acceptance and a withdrawal",
        "an acceptance on each of two devices",
        "a sale and an acceptance",
        "a sale and an offer",
        "a deletion and an edit",
        "a block and a message",
        "a block and an acceptance",
        "a mute and a message",
        "an erasure and a message",
        "two places read",
    ] {
        for is_reversed in [false, true] {
            let ends: Vec<_> = [false, true]
                .map(|together| {
                    let db = TestDb::new();
                    let conn = &mut db.conn();
                    let a = room(conn, "alice", "bike");
                    let Race { mut writes, in_order, reversed } = race(name, conn, &a);
                    let mut expected = if is_reversed { reversed } else { in_order };
                    if is_reversed {
                        writes.reverse();
                        expected.reverse();
                    }
                    let outcomes = if together {
                        write_batch(conn, &writes, NOW).unwrap()
                    } else {
                        writes.map(|one| write(conn, one)).to_vec()
                    };
                    let got: Vec<Came> = outcomes.iter().map(came).collect();
                    assert_eq!(got, expected, "{name}, reversed: {is_reversed}, together: {together}");
                    standing(conn, &a)
                })
                .into();
            assert_eq!(ends[0], ends[1], "{name}, reversed: {is_reversed}");
            let (messages, read_seq) = &ends[0];
            match name {
                "two places read" => assert_eq!(*read_seq, 5, "it never goes back"),
                "a deletion and an edit" => assert_eq!(messages, &["None None true"], "the deletion stays"),
                "an erasure and a message" => assert!(messages.iter().all(|message| message.starts_with("None"))),
                _ => assert!(!messages.iter().any(|message| message.contains("pending") && name.contains("sale"))),
            }
        }
    }
}
