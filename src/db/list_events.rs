//! What happened, in the order of commits: messages by their position, and the other changes between them.

use super::{
    Connection, DbError,
    generation::find_generation,
    models::{
        change::{self, ChangeKind, ChangeRow},
        message, product,
        room::{self, RoomDetails},
        user,
    },
    space::Space,
};
use crate::domain::{Event, EventCursor, Fact, ProductId, RoomId, Seq, User, UserId};

/// A page of events.
#[derive(Debug, Clone, PartialEq)]
pub struct EventPage {
    /// In the order of commits.
    pub items: Vec<Event>,
    /// Where the next page goes on, or where later events will be.
    pub next: EventCursor,
    /// Whether there are more by now.
    pub has_more: bool,
}

/// A place in another life of the database: of the time before a restore, or of another database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExpiredCursor;

/// Reads the events behind a place in their stream, from one snapshot. Commits are one after the other, so nothing ever
/// appears before a place that somebody has reached. The page ends early, with `has_more`, where its events weigh more than
/// `bytes_max`; one event is on it whatever it weighs.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn list_events(
    conn: &mut Connection,
    after: EventCursor,
    limit: i64,
    bytes_max: usize,
) -> Result<Result<EventPage, ExpiredCursor>, DbError> {
    let limit = limit.max(1);
    conn.transaction(|conn| {
        let generation = find_generation(conn)?;
        if !generation.has(conn, after)? {
            return Ok(Err(ExpiredCursor));
        }
        let after = EventCursor { generation: generation.tag, ..after };
        let (messages, is_cut) =
            message::list_after_position(conn, after.position, limit + 1, &mut Space::of(bytes_max))?;
        let mut messages = messages.into_iter().peekable();
        let mut changes = change::list_after(conn, after.change, limit + 1)?.into_iter().peekable();
        let mut page = EventPage { items: Vec::new(), next: after, has_more: false };
        let mut space = Space::of(bytes_max);
        for _ in 0..limit {
            let is_message = match (messages.peek(), changes.peek()) {
                (Some(message), Some(change)) => message.position <= change.after_position,
                // Of the messages that were not read one may come before this change.
                (None, Some(_)) if is_cut => break,
                (Some(_), None) => true,
                (None, _) => false,
            };
            let fact = if is_message {
                let Some(message) = messages.next_if(|message| space.takes(message.weight_bytes())) else { break };
                page.next.position = message.position;
                Some(Fact::Message(message))
            } else {
                let Some(change) = changes.peek() else { break };
                let fact = find_fact(conn, change)?;
                if !space.takes(fact.as_ref().map_or(0, Fact::weight_bytes)) {
                    break;
                }
                page.next.change = change.id;
                changes.next();
                fact
            };
            // What this haggle does not know, since a newer one wrote it, is passed over.
            page.items.extend(fact.map(|fact| Event { cursor: page.next, fact }));
        }
        page.has_more = is_cut || messages.peek().is_some() || changes.peek().is_some();
        Ok(Ok(page))
    })
}

/// What changed, as it now stands.
fn find_fact(conn: &mut Connection, change: &ChangeRow) -> Result<Option<Fact>, DbError> {
    let id = change.subject_id.as_str();
    let user =
        |conn: &mut Connection| -> Result<Option<User>, DbError> { Ok(user::find_row(conn, id)?.map(User::from)) };
    let Some(kind) = change.kind() else { return Ok(None) };
    Ok(match kind {
        ChangeKind::MessageUpdated => message::find(conn, id)?.map(Fact::MessageUpdated),
        ChangeKind::Read => {
            let user_id = UserId::from_stored(change.member_id.as_str());
            room::find_read_seq(conn, id, &user_id)?.map(|seq| Fact::Read {
                room_id: RoomId::from_stored(id),
                user_id,
                seq: Seq(seq),
            })
        }
        ChangeKind::RoomOpened => {
            RoomDetails::find(conn, &RoomId::from_stored(id))?.map(|details| Fact::RoomOpened(Box::new(details.room)))
        }
        ChangeKind::ProductUpdated => {
            product::find_product(conn, &ProductId::from_stored(id))?.map(Fact::ProductUpdated)
        }
        ChangeKind::UserUpdated => user(conn)?.map(Fact::UserUpdated),
        ChangeKind::UserDeleted => user(conn)?.map(Fact::UserDeleted),
        // Between nodes alone.
        ChangeKind::RoomState | ChangeKind::Profile | ChangeKind::UserState | ChangeKind::SessionsEnded => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        db::{
            ImportOptions, RoomWrite,
            generation::begin_generation,
            import_str,
            test_db::{NOW, TestDb, draft, product, read, room, say, user_id, write},
            write_batch,
        },
        domain::{GenerationTag, Product, ProductStatus, masking::Inspected},
    };

    /// All events behind a place, page by page, in short.
    fn told(conn: &mut Connection, after: EventCursor, limit: i64) -> (Vec<String>, EventCursor) {
        told_within(conn, after, limit, usize::MAX)
    }

    fn told_within(
        conn: &mut Connection,
        mut after: EventCursor,
        limit: i64,
        bytes_max: usize,
    ) -> (Vec<String>, EventCursor) {
        let mut told = Vec::new();
        loop {
            let page = list_events(conn, after, limit, bytes_max).unwrap().unwrap();
            assert!(page.items.len() <= usize::try_from(limit).unwrap());
            assert!(
                page.items.len() <= 1
                    || page.items.iter().map(|event| event.fact.weight_bytes()).sum::<usize>() <= bytes_max
            );
            assert!(page.items.iter().map(|event| event.cursor).is_sorted_by(|a, b| a < b));
            told.extend(page.items.iter().map(|event| match &event.fact {
                Fact::Message(message) => format!("message {}", message.text.as_deref().unwrap_or("-")),
                Fact::MessageUpdated(message) => format!("updated {}", message.text.as_deref().unwrap_or("-")),
                Fact::Read { user_id, seq, .. } => format!("read {user_id} {seq}"),
                Fact::RoomOpened(room) => format!("room {} {}", room.buyer.id, room.product.id),
                Fact::ProductUpdated(product) => format!("product {} {}", product.id, product.status.as_str()),
                Fact::UserUpdated(user) => format!("user {}", user.name),
                Fact::UserDeleted(user) => format!("deleted {}", user.id),
            }));
            after = page.next;
            if !page.has_more {
                return (told, after);
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
            RoomWrite::Edit {
                message: first.id,
                editor,
                text: "one".to_owned(),
                inspected: Inspected::default(),
                at: NOW,
            },
        )
        .unwrap();
        let sold = Product { status: ProductStatus::Sold, ..product("bike") };
        write(conn, RoomWrite::PutProduct { keeps_status: false, product: sold, at: NOW }).unwrap();
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
            assert_eq!(told(conn, EventCursor::default(), limit).0, expected, "{limit}");
        }
        for bytes_max in [0, 300, 600, 900, 2000, 5000] {
            assert_eq!(told_within(conn, EventCursor::default(), 20, bytes_max).0, expected, "{bytes_max}");
        }
        // From the end on there is nothing, until something happens. What is overtaken is told once, at its latest place.
        let (_, end) = told(conn, EventCursor::default(), 100);
        assert_eq!(told(conn, end, 1), (vec![], end));
        for seq in 2..4 {
            write(conn, read(&a, "alice", seq)).unwrap();
        }
        write(conn, RoomWrite::DeleteUser { user: user_id("bob"), at: NOW }).unwrap();
        assert_eq!(told(conn, end, 1).0, ["read alice 3", "deleted bob"]);
    }

    #[test]
    fn a_place_of_another_life_is_expired_and_one_of_an_older_haggle_only_after_a_restore() {
        let db = TestDb::new();
        let conn = &mut db.conn();
        room(conn, "alice", "bike");
        let (events, end) = told(conn, EventCursor::default(), 100);
        let is_expired = |conn: &mut Connection, after| list_events(conn, after, 10, usize::MAX).unwrap().is_err();
        let untagged = EventCursor { generation: GenerationTag::default(), ..end };
        assert!(!is_expired(conn, end));
        assert!(is_expired(conn, untagged), "no cursor of this database was ever without a tag");
        conn.batch_execute("UPDATE installation SET generation = identity").unwrap();
        assert!(is_expired(conn, end) && !is_expired(conn, untagged));
        assert_eq!(told(conn, untagged, 100).1.position, end.position);
        // What was never given is of a time that was taken back.
        for beyond in [(1, 0), (0, 1)] {
            let (position, change) = (untagged.position + beyond.0, untagged.change + beyond.1);
            assert!(is_expired(conn, EventCursor { position, change, ..untagged }), "{beyond:?}");
        }
        begin_generation(conn).unwrap();
        assert!(is_expired(conn, end) && is_expired(conn, untagged));
        assert_eq!(told(conn, EventCursor::default(), 100).0, events);
    }

    #[test]
    fn what_is_refused_or_changes_nothing_is_no_event() {
        let db = TestDb::new();
        let conn = &mut db.conn();
        let a = room(conn, "alice", "bike");
        let (_, end) = told(conn, EventCursor::default(), 100);
        let repeated = draft(&a, "alice", "x", Some("key"));
        let batch = [
            RoomWrite::Append(draft(&a, "mallory", "x", None)),
            read(&a, "mallory", 1),
            read(&a, "alice", 0),
            RoomWrite::PutProduct { keeps_status: false, product: product("bike"), at: NOW },
            RoomWrite::Append(repeated.clone()),
            RoomWrite::Append(repeated),
        ];
        write_batch(conn, &batch).unwrap();
        room(conn, "alice", "bike");
        assert_eq!(told(conn, end, 10).0, ["message x"]);
    }

    #[test]
    fn what_is_loaded_is_told_too() {
        let db = TestDb::new();
        let conn = &mut db.conn();
        let (_, end) = told(conn, EventCursor::default(), 100);
        let lines = r#"{"type":"user","id":"dave","name":"Dave"}
            {"type":"product","id":"boat","sellerId":"dave","title":"A boat"}
            {"type":"room","id":"r","productId":"boat","buyerId":"alice"}
            {"type":"message","roomId":"r","senderId":"alice","text":"hi","sentAt":"2026-01-01T00:00:00Z"}
            {"type":"room","id":"r2","productId":"boat","buyerId":"bob"}"#;
        let options = ImportOptions { now: NOW, shift_ms: 0 };
        for _ in 0..2 {
            import_str(conn, lines, options).unwrap();
            let expected = ["user Dave", "product boat on_sale", "room alice boat", "message hi", "room bob boat"];
            assert_eq!(told(conn, end, 2).0, expected);
        }
    }

    #[test]
    fn a_reader_beside_a_writer_misses_nothing() {
        const WRITES: i64 = 300;
        let db = TestDb::new();
        let a = room(&mut db.conn(), "alice", "bike");
        let (_, start) = told(&mut db.conn(), EventCursor::default(), 100);
        let mut seen = Vec::new();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let conn = &mut db.conn();
                for seq in 1..=WRITES {
                    let batch = [RoomWrite::Append(draft(&a, "alice", &seq.to_string(), None)), read(&a, "carol", seq)];
                    write_batch(conn, &batch).unwrap();
                }
            });
            let (conn, mut after) = (&mut db.conn(), start);
            while !seen.contains(&format!("read carol {WRITES}")) {
                let (events, next) = told(conn, after, 7);
                seen.extend(events);
                after = next;
            }
        });
        let messages: Vec<_> = seen.iter().filter_map(|event| event.strip_prefix("message ")).collect();
        assert_eq!(messages, (1..=WRITES).map(|seq| seq.to_string()).collect::<Vec<_>>());
    }
}
