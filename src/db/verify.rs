//! Whether a database keeps haggle's promises, as far as that can be read off it.

mod search_index;
mod user_names;

use diesel::sql_types::{BigInt, Nullable, Text};

use super::{Connection, DbError, prelude::*};
use crate::domain::{MessageKind, stored_image::StoredImage};

/// Names that are given for each thing that is wrong.
const EXAMPLES: usize = 3;

/// Something that is not as promised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong, in a few words.
    pub what: &'static str,
    /// How often.
    pub count: i64,
    /// Ids or places of some of them. Never a text.
    pub examples: Vec<String>,
}

/// A promise, and the query for what breaks it: a row with the column `example` for each.
struct Promise {
    what: &'static str,
    sql: &'static str,
}

/// The promises that both databases can be asked for in the same words.
const PROMISES: [Promise; 19] = [
    Promise {
        what: "rooms whose messages are not numbered 1, 2, 3 … up to their last one",
        sql: "SELECT r.id AS example FROM rooms r LEFT JOIN \
              (SELECT room_id, count(*) AS n, min(seq) AS low, max(seq) AS high FROM messages GROUP BY room_id) m \
              ON m.room_id = r.id \
              WHERE coalesce(m.n, 0) <> r.last_seq OR coalesce(m.high, 0) <> r.last_seq OR coalesce(m.low, 1) <> 1",
    },
    Promise {
        what: "places in a room that several messages have",
        sql: "SELECT room_id || ' ' || seq AS example FROM messages GROUP BY room_id, seq HAVING count(*) > 1",
    },
    Promise {
        what: "messages that were committed before the one that they follow",
        sql: "SELECT id AS example FROM (SELECT id, position, \
              lag(position) OVER (PARTITION BY room_id ORDER BY seq) AS previous FROM messages) m \
              WHERE position <= previous",
    },
    Promise {
        what: "ids that several messages have",
        sql: "SELECT id AS example FROM messages GROUP BY id HAVING count(*) > 1",
    },
    Promise {
        what: "keys against doubles (clientId) that several messages of one sender have in one room",
        sql: "SELECT min(id) AS example FROM messages WHERE client_id IS NOT NULL \
              GROUP BY room_id, sender_id, client_id HAVING count(*) > 1",
    },
    Promise {
        what: "messages without a room",
        sql: "SELECT m.id AS example FROM messages m LEFT JOIN rooms r ON r.id = m.room_id WHERE r.id IS NULL",
    },
    Promise {
        what: "deleted messages that still hold words, data or reactions",
        sql: "SELECT id AS example FROM messages WHERE deleted_at IS NOT NULL \
              AND (text IS NOT NULL OR data IS NOT NULL OR reactions IS NOT NULL)",
    },
    Promise {
        what: "replies to what was not said before them",
        sql: "SELECT id AS example FROM messages WHERE reply_to < 1 OR reply_to >= seq",
    },
    Promise {
        what: "rooms in which somebody has read what was never said",
        sql: "SELECT id AS example FROM rooms WHERE buyer_read_seq < 0 OR buyer_read_seq > last_seq \
              OR seller_read_seq < 0 OR seller_read_seq > last_seq",
    },
    Promise {
        what: "rooms in which something has reached a device that was never said",
        sql: "SELECT d.room_id AS example FROM delivery_marks d LEFT JOIN rooms r ON r.id = d.room_id LEFT JOIN \
              (SELECT room_id, max(seq) AS seq FROM message_tail GROUP BY room_id) t ON t.room_id = d.room_id \
              WHERE r.id IS NULL OR d.buyer_seq < 0 OR d.seller_seq < 0 \
              OR (d.buyer_seq > r.last_seq AND d.buyer_seq > coalesce(t.seq, 0)) \
              OR (d.seller_seq > r.last_seq AND d.seller_seq > coalesce(t.seq, 0))",
    },
    Promise {
        what: "rooms without their product, buyer or seller, or with one person as both",
        sql: "SELECT r.id AS example FROM rooms r LEFT JOIN products p ON p.id = r.product_id \
              LEFT JOIN users b ON b.id = r.buyer_id LEFT JOIN users s ON s.id = r.seller_id \
              WHERE p.id IS NULL OR b.id IS NULL OR s.id IS NULL OR r.buyer_id = r.seller_id",
    },
    Promise {
        what: "products and buyers that have several rooms",
        sql: "SELECT min(id) AS example FROM rooms GROUP BY product_id, buyer_id HAVING count(*) > 1",
    },
    Promise {
        what: "users who wait for an answer of the staff outside of a support room, or without having said something",
        sql: "SELECT w.room_id AS example FROM support_waits w LEFT JOIN rooms r ON r.id = w.room_id \
              WHERE r.id IS NULL OR r.seller_id <> 'system' OR (r.last_seq = 0 AND NOT EXISTS \
              (SELECT 1 FROM message_tail t WHERE t.room_id = w.room_id))",
    },
    Promise {
        what: "rooms in which several offers wait for an answer",
        sql: "SELECT room_id AS example FROM offers WHERE status = 'pending' GROUP BY room_id HAVING count(*) > 1",
    },
    Promise {
        what: "products of which several offers are accepted",
        sql: "SELECT product_id AS example FROM offers WHERE status = 'accepted' GROUP BY product_id HAVING count(*) > 1",
    },
    Promise {
        what: "offers without their message, or of another room or product than it",
        sql: "SELECT o.message_id AS example FROM offers o LEFT JOIN messages m ON m.id = o.message_id \
              LEFT JOIN rooms r ON r.id = o.room_id \
              WHERE m.id IS NULL OR m.kind <> 'offer' OR m.room_id <> o.room_id OR r.product_id <> o.product_id",
    },
    Promise {
        what: "changes that were noted before the messages that they follow",
        sql: "SELECT CAST(id AS TEXT) AS example FROM changes \
              WHERE after_position > (SELECT coalesce(max(position), 0) FROM messages) \
              AND after_position > (SELECT coalesce(max(position), 0) FROM message_tail)",
    },
    Promise {
        what: "rooms whose waiting messages do not continue those that are settled",
        sql: "SELECT waiting.room_id AS example FROM \
              (SELECT room_id, count(*) AS n, min(seq) AS low, max(seq) AS high FROM message_tail t WHERE NOT EXISTS \
              (SELECT 1 FROM messages m WHERE m.position = t.position AND m.id = t.id) GROUP BY room_id) waiting \
              LEFT JOIN rooms r ON r.id = waiting.room_id \
              WHERE r.id IS NULL OR waiting.low <> r.last_seq + 1 OR waiting.n <> waiting.high - waiting.low + 1",
    },
    Promise {
        what: "search indices that are ahead of the messages",
        sql: "SELECT CAST(indexed_to AS TEXT) AS example FROM message_index_progress \
              WHERE indexed_to > (SELECT coalesce(max(position), 0) FROM messages)",
    },
];

/// Offers whose message says something else than they do.
const OFFER_STATUS: &str = "offers whose message says another status";

/// Parts of [`verify`] in addition to the [`PROMISES`].
const OTHER_PARTS: u64 = 4;

/// How many steps [`verify`] has.
#[must_use]
pub const fn count_steps() -> u64 {
    PROMISES.len() as u64 + OTHER_PARTS
}

/// Checks every promise that can be read off a database, in one snapshot, so that a server may go on writing. `step` is
/// called after each of [`count_steps`]. Nothing is changed.
///
/// # Errors
/// [`DbError`] when the database does not answer. What is damaged is a [`Fault`].
pub fn verify(conn: &mut Connection, mut step: impl FnMut()) -> Result<Vec<Fault>, DbError> {
    let mut faults = Vec::new();
    search_index::make_readable(conn)?;
    conn.transaction::<_, DbError>(|conn| {
        let mut note = |found: Result<Option<Fault>, DbError>| {
            step();
            match found {
                Ok(fault) => faults.extend(fault),
                // The rest may be readable.
                Err(DbError::Corrupt(reason) | DbError::Internal(reason)) => faults.push(damage(1, vec![reason])),
                Err(error) => return Err(error),
            }
            Ok(())
        };
        note(check_pages(conn))?;
        for promise in &PROMISES {
            note(find(conn, promise.what, promise.sql))?;
        }
        note(find(conn, OFFER_STATUS, offer_status_sql(conn)))?;
        note(search_index::check(conn))?;
        note(user_names::check(conn))
    })?;
    Ok(faults)
}

fn damage(count: i64, examples: Vec<String>) -> Fault {
    Fault { what: "damaged pages or indices", count, examples }
}

/// Runs a query for what breaks a promise.
fn find(conn: &mut Connection, what: &'static str, sql: &str) -> Result<Option<Fault>, DbError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        example: String,
        #[diesel(sql_type = BigInt)]
        total: i64,
    }
    let sql = format!("SELECT example, count(*) OVER () AS total FROM ({sql}) AS found LIMIT {EXAMPLES}");
    let rows: Vec<Row> = diesel::sql_query(sql).load(conn)?;
    let count = rows.first().map(|row| row.total);
    let examples = rows.into_iter().map(|row| row.example).collect();
    Ok(count.map(|count| Fault { what, count, examples }))
}

const fn offer_status_sql(conn: &Connection) -> &'static str {
    match conn {
        Connection::Sqlite(_) => {
            "SELECT o.message_id AS example FROM offers o JOIN messages m ON m.id = o.message_id \
             WHERE m.data IS NOT NULL AND NOT (json_valid(m.data) AND json_extract(m.data, '$.status') IS o.status)"
        }
        #[cfg(feature = "postgres")]
        Connection::Postgres(_) => {
            "SELECT o.message_id AS example FROM offers o JOIN messages m ON m.id = o.message_id \
             WHERE m.data IS NOT NULL AND m.data::json->>'status' IS DISTINCT FROM o.status"
        }
    }
}

/// SQLite's own check of each page and index, the search index among them, and of what rows refer to. PostgreSQL has its
/// own tools for that, and holds to references by itself.
fn check_pages(conn: &mut Connection) -> Result<Option<Fault>, DbError> {
    #[derive(QueryableByName)]
    struct Page {
        #[diesel(sql_type = Text)]
        integrity_check: String,
    }
    #[derive(QueryableByName)]
    struct Reference {
        #[diesel(sql_type = Text)]
        reference: String,
    }
    if !matches!(conn, Connection::Sqlite(_)) {
        return Ok(None);
    }
    let pages: Vec<Page> = diesel::sql_query("PRAGMA integrity_check(1000)").load(conn)?;
    let mut found: Vec<String> =
        pages.into_iter().map(|page| page.integrity_check).filter(|line| line != "ok").collect();
    let sql = "SELECT 'a row of ' || \"table\" || ' refers to nothing in ' || parent AS reference FROM pragma_foreign_key_check";
    match diesel::sql_query(sql).load::<Reference>(conn) {
        Ok(references) => found.extend(references.into_iter().map(|row| row.reference)),
        // An index is missing that they go by.
        Err(error) => found.push(error.to_string()),
    }
    let count = i64::try_from(found.len()).unwrap_or(i64::MAX);
    found.dedup();
    found.truncate(EXAMPLES);
    let in_one_line = |line: String| line.split_whitespace().collect::<Vec<_>>().join(" ");
    Ok((count > 0).then(|| damage(count, found.into_iter().map(in_one_line).collect())))
}

/// An image that a message has, by the message's place in the order of commits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageOfMessage {
    /// The message's place.
    pub position: i64,
    /// `None` where the message's data is not that of an image.
    pub image: Option<StoredImage>,
}

/// The images of messages after a place in the order of commits, `limit` at most.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn list_images(conn: &mut Connection, after: i64, limit: i64) -> Result<Vec<ImageOfMessage>, DbError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        position: i64,
        #[diesel(sql_type = Nullable<Text>)]
        data: Option<String>,
    }
    let sql = "SELECT position, data FROM messages WHERE position > $1 AND kind = $2 AND deleted_at IS NULL \
        AND data IS NOT NULL ORDER BY position LIMIT $3";
    let rows: Vec<Row> = diesel::sql_query(sql)
        .bind::<BigInt, _>(after)
        .bind::<Text, _>(MessageKind::Image.as_str())
        .bind::<BigInt, _>(limit)
        .load(conn)?;
    let image = |data: Option<String>| serde_json::from_str(&data?).ok();
    Ok(rows.into_iter().map(|row| ImageOfMessage { position: row.position, image: image(row.data) }).collect())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        db::{
            IndexChanges, IndexSlice, Write, Written, follow_changes, index_messages,
            test_db::{NOW, TestDb, is_postgres, read, room, say, user_id, write},
        },
        domain::{
            masking::Inspected,
            offer::{OfferDecision, Price},
        },
    };

    fn whats(conn: &mut Connection) -> Vec<&'static str> {
        let mut steps = 0;
        let faults = verify(conn, || steps += 1).unwrap();
        assert_eq!(steps, count_steps());
        assert!(faults.iter().all(|fault| fault.count > 0 && !fault.examples.is_empty()), "{faults:?}");
        faults.into_iter().map(|fault| fault.what).collect()
    }

    /// Two rooms with ten messages, of which the search index has all.
    fn filled() -> TestDb {
        let db = TestDb::new();
        let conn = &mut db.conn();
        for product in ["bike", "lamp"] {
            let a = room(conn, "alice", product);
            for number in 0..5 {
                say(conn, &a, "alice", &format!("message \"{number}\" for carol"));
            }
            write(conn, read(&a, "carol", 5)).unwrap();
        }
        index_messages(conn, IndexSlice { messages: 100, text_bytes: 1 << 20 }).unwrap();
        db
    }

    #[test]
    fn a_database_that_nobody_has_touched_keeps_every_promise() {
        assert_eq!(whats(&mut filled().conn()), Vec::<&str>::new());
        assert_eq!(whats(&mut TestDb::new().conn()), Vec::<&str>::new());
    }

    #[test]
    fn answers_and_notices_keep_every_promise() {
        let db = filled();
        let conn = &mut db.conn();
        let a = room(conn, "alice", "bike");
        let price = Price { amount: 100, currency: "USD".to_owned() };
        let make = Write::MakeOffer { room: a.clone(), maker: user_id("alice"), price, client_id: None, at: NOW };
        let Ok(Written::OfferMoved(moved)) = write(conn, make) else { panic!() };
        let (message, actor) = (moved.answer.unwrap().id, user_id("carol"));
        let answer = Write::AnswerOffer { room: None, message, actor, answer: OfferDecision::Accept, at: NOW };
        write(conn, answer).unwrap();
        say(conn, &a, "alice", "thank you");
        while index_messages(conn, IndexSlice { messages: 100, text_bytes: 1 << 20 }).unwrap().has_more {}
        assert_eq!(whats(conn), Vec::<&str>::new());
    }

    #[test]
    fn a_message_is_as_promised_while_the_search_index_still_follows_what_became_of_it() {
        let db = TestDb::new();
        let conn = &mut db.conn();
        let a = room(conn, "alice", "bike");
        let long = |word: &str| word.repeat(1_500);
        let edited = say(conn, &a, "alice", &long("first ")).id;
        let deleted = say(conn, &a, "alice", &long("gone ")).id;
        let slice = IndexSlice { messages: 100, text_bytes: 1 << 20 };
        let follow = |conn: &mut Connection| {
            while index_messages(conn, slice).unwrap().has_more {}
            let mut steps = 0;
            loop {
                assert_eq!(whats(conn), Vec::<&str>::new(), "after {steps} steps");
                if !follow_changes(conn, IndexChanges::All, Duration::ZERO).unwrap().has_more {
                    assert_eq!(whats(conn), Vec::<&str>::new(), "after {steps} steps");
                    return steps;
                }
                steps += 1;
            }
        };
        follow(conn);
        let inspected = Inspected::default();
        let edit = Write::Edit { message: edited, editor: user_id("alice"), text: long("second "), inspected, at: NOW };
        write(conn, edit).unwrap();
        write(conn, Write::Delete { message: deleted, editor: user_id("alice"), at: NOW }).unwrap();
        let steps = follow(conn);
        assert!(is_postgres() || steps > 2, "{steps}");
    }

    #[test]
    fn what_is_broken_is_found_and_named() {
        let breaks = [
            ("DELETE FROM messages WHERE seq = 3", "rooms whose messages are not numbered"),
            ("DELETE FROM messages WHERE seq = 1", "rooms whose messages are not numbered"),
            ("UPDATE rooms SET last_seq = 6", "rooms whose messages are not numbered"),
            ("UPDATE messages SET position = -position WHERE seq = 4", "messages that were committed before"),
            ("UPDATE messages SET deleted_at = 1 WHERE seq = 2", "deleted messages that still hold"),
            (
                "UPDATE messages SET deleted_at = 1, text = NULL, reactions = '[]' WHERE seq = 2",
                "deleted messages that still hold",
            ),
            ("UPDATE messages SET reply_to = seq WHERE seq = 2", "replies to what was not said"),
            ("UPDATE changes SET after_position = 1000", "changes that were noted before"),
            ("UPDATE message_index_progress SET indexed_to = 1000", "search indices that are ahead"),
            (
                "INSERT INTO message_tail (position, id, room_id, seq, sender_id, kind, sent_at) \
                 SELECT 1000, 'waits', room_id, 7, sender_id, kind, sent_at FROM messages WHERE position = 1",
                "rooms whose waiting messages do not continue",
            ),
            ("UPDATE messages SET text = NULL WHERE seq = 2", "messages that the search index lacks or has"),
            ("UPDATE messages SET text = 'something else' WHERE seq = 2", "messages whose words"),
            (
                "INSERT INTO offers SELECT id, room_id, 'bike', 'buyer', 1, 'USD', 'pending', 1 FROM messages WHERE position = 1",
                "offers without their message",
            ),
            (
                "UPDATE messages SET kind = 'offer', data = '{\"status\":\"accepted\"}' WHERE position = 1; \
                 INSERT INTO offers SELECT id, room_id, 'bike', 'buyer', 1, 'USD', 'pending', 1 FROM messages WHERE position = 1",
                OFFER_STATUS,
            ),
        ];
        for (sql, what) in breaks {
            let db = filled();
            let conn = &mut db.conn();
            if !is_postgres() {
                conn.batch_execute("PRAGMA foreign_keys = OFF").unwrap();
            }
            conn.batch_execute(sql).unwrap();
            let found = whats(conn);
            assert!(found.iter().any(|found| found.starts_with(what)), "{sql}: {found:?}");
        }
    }

    #[test]
    fn what_the_schema_forbids_is_found_where_its_index_was_lost() {
        if is_postgres() {
            return;
        }
        let breaks = [
            (
                "DROP INDEX messages_room_seq; UPDATE messages SET seq = 2 WHERE seq = 3",
                "places in a room that several",
            ),
            ("DROP INDEX messages_id; UPDATE messages SET id = 'same'", "ids that several messages have"),
            (
                "DROP INDEX messages_room_sender_client; UPDATE messages SET client_id = 'same'",
                "keys against doubles (clientId)",
            ),
            ("DROP INDEX rooms_product_buyer; UPDATE rooms SET product_id = 'bike'", "products and buyers"),
            ("UPDATE rooms SET buyer_id = 'nobody'", "rooms without their product"),
            (
                "UPDATE messages SET room_id = 'none' || seq WHERE room_id = (SELECT min(id) FROM rooms)",
                "messages without a room",
            ),
            (
                "PRAGMA ignore_check_constraints = ON; UPDATE rooms SET seller_read_seq = 9",
                "rooms in which somebody has read",
            ),
            ("INSERT INTO delivery_marks SELECT id, 9, 0 FROM rooms", "rooms in which something has reached a device"),
            (
                "DROP INDEX offers_room_pending; INSERT INTO offers SELECT id, room_id, 'bike', 'buyer', 1, 'USD', 'pending', 1 FROM messages",
                "rooms in which several offers wait",
            ),
            (
                "DROP INDEX offers_product_accepted; INSERT INTO offers SELECT id, room_id, 'bike', 'buyer', 1, 'USD', 'accepted', 1 FROM messages",
                "products of which several offers",
            ),
            ("DELETE FROM users WHERE id = 'carol'", "damaged pages or indices"),
            ("DELETE FROM message_index_data WHERE id > 10", "damaged pages or indices"),
        ];
        for (sql, what) in breaks {
            let db = filled();
            let conn = &mut db.conn();
            conn.batch_execute("PRAGMA foreign_keys = OFF").unwrap();
            conn.batch_execute(sql).unwrap();
            let found = whats(conn);
            assert!(found.iter().any(|found| found.starts_with(what)), "{sql}: {found:?}");
        }
    }

    #[test]
    fn images_come_in_order_and_what_is_none_is_reported() {
        let db = filled();
        let conn = &mut db.conn();
        conn.batch_execute(
            "UPDATE messages SET kind = 'image', data = '{\"key\":\"k\",\"thumbnailKey\":\"t\",\"width\":1,\"height\":1,\
             \"bytes\":1,\"contentType\":\"image/png\"}' WHERE position = 2; \
             UPDATE messages SET kind = 'image', data = '{}' WHERE position = 4",
        )
        .unwrap();
        let images = list_images(conn, 0, 10).unwrap();
        assert_eq!(
            images.iter().map(|image| (image.position, image.image.is_some())).collect::<Vec<_>>(),
            [(2, true), (4, false)]
        );
        assert_eq!(list_images(conn, 2, 10).unwrap().len(), 1);
    }
}
