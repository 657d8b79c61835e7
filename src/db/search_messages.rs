//! Searching one's own conversations, newest first.

#[cfg(feature = "postgres")]
mod postgres;

use std::{collections::HashMap, fmt, ops::ControlFlow};

use diesel::sql_types::{BigInt, Text};

use super::{
    Connection, DbError, InvalidCursor,
    message_index::token_of,
    models::{message::MessageRow, room::RoomDetails},
    prelude::*,
    space::Space,
};
use crate::domain::{
    Room, RoomId, UserId,
    search::{FoundMessage, SearchTerms, SnippetPart},
};

/// Messages that one search looks at, at most. What the index can't decide, such as terms of one or two characters, is
/// looked for in one's newest messages; the next page goes on where this one ended.
const LOOKED_AT_MAX: usize = 20_000;

/// Bytes of text that one search looks at, about. Like the number of messages it bounds the time that it takes.
const LOOKED_AT_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Messages that are read at once.
const STEP: usize = 500;

/// A place in the order of all messages: the page goes on behind it. As text it is opaque.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SearchCursor(i64);

impl fmt::Display for SearchCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}", self.0)
    }
}

impl std::str::FromStr for SearchCursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        // Signs would pass from_str_radix.
        if !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(InvalidCursor);
        }
        i64::from_str_radix(text, 16).map(Self).map_err(|_| InvalidCursor)
    }
}

#[derive(QueryableByName)]
struct Candidate {
    #[diesel(sql_type = BigInt)]
    position: i64,
    #[diesel(embed)]
    message: MessageRow,
}

/// What a page holds at most.
#[derive(Debug, Clone, Copy)]
pub struct SearchPage {
    /// Messages.
    pub limit: usize,
    /// Bytes of JSON, about; one message is on it whatever it weighs.
    pub bytes_max: usize,
}

/// A page of the messages in `user`'s rooms that hold every term, newest first, and where the next one goes on. A page may
/// be short, even empty, and still have a next one.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn search_messages(
    conn: &mut Connection,
    user: &UserId,
    terms: &SearchTerms,
    cursor: Option<SearchCursor>,
    page: SearchPage,
) -> Result<(Vec<FoundMessage>, Option<SearchCursor>), DbError> {
    // One snapshot: what the index finds is in the table as it was indexed.
    conn.transaction(|conn| {
        let (mut found, mut rooms) = (Vec::new(), HashMap::new());
        let mut space = Space::of(page.bytes_max);
        let mut behind = cursor.map_or(i64::MAX, |cursor| cursor.0);
        // Most searches are answered by the first few.
        let mut step = 2 * page.limit.max(1);
        let (mut looked_at, mut bytes) = (0, 0);
        loop {
            let look = look(conn, user, terms, (behind, step), (page.limit - found.len(), page.bytes_max))?;
            looked_at += look.count;
            bytes += look.bytes;
            for Hit { position, message, snippet } in look.hits {
                let message = message.into_stored()?;
                if let Some(room) = room_of(conn, &mut rooms, &message.room_id)? {
                    let message = FoundMessage { message, room, snippet };
                    if !space.takes(message.weight_bytes()) {
                        return Ok((found, Some(SearchCursor(behind))));
                    }
                    found.push(message);
                }
                behind = position;
                if found.len() == page.limit {
                    return Ok((found, Some(SearchCursor(behind))));
                }
            }
            behind = look.last.unwrap_or(behind);
            if look.is_whole && look.count < step {
                return Ok((found, None));
            }
            if looked_at >= LOOKED_AT_MAX || bytes >= LOOKED_AT_BYTES_MAX {
                return Ok((found, Some(SearchCursor(behind))));
            }
            step = STEP;
        }
    })
}

/// A message that holds every term.
struct Hit {
    position: i64,
    message: MessageRow,
    snippet: Vec<SnippetPart>,
}

/// What came of looking at some candidates.
struct Look {
    hits: Vec<Hit>,
    /// Candidates that were looked at, and bytes of their text.
    count: usize,
    bytes: usize,
    /// The place of the last one.
    last: Option<i64>,
    /// Whether none was left out.
    is_whole: bool,
}

/// Looks at the next `step` candidates, until it has enough. Of those that are no hit nothing is kept.
fn look(
    conn: &mut Connection,
    user: &UserId,
    terms: &SearchTerms,
    (behind, step): (i64, usize),
    (limit, bytes_max): (usize, usize),
) -> Result<Look, DbError> {
    let mut look = Look { hits: Vec::new(), count: 0, bytes: 0, last: None, is_whole: true };
    let mut space = Space::of(bytes_max);
    candidates(conn, user, terms, (behind, step), |Candidate { position, message }| {
        let text = message.text().unwrap_or_default();
        let snippet = terms.snippet(text);
        if snippet.is_some() && !space.takes(message.weight_bytes()) {
            look.is_whole = false;
            return ControlFlow::Break(());
        }
        look.count += 1;
        look.bytes += text.len();
        look.last = Some(position);
        look.hits.extend(snippet.map(|snippet| Hit { position, message, snippet }));
        if look.hits.len() == limit || look.bytes >= LOOKED_AT_BYTES_MAX {
            look.is_whole = false;
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    })?;
    Ok(look)
}

/// What the index is asked: one's own messages with each trigram of the terms.
fn index_query(user: &UserId, terms: &SearchTerms) -> String {
    // A double quote inside quotes is written twice.
    let quoted = |token: &str| format!("\"{}\"", token.replace('"', "\"\""));
    let mut query = format!("{{buyer seller}} : {}", quoted(&token_of(user.as_str())));
    for trigram in terms.trigrams() {
        query.push_str(" AND text : ");
        query.push_str(&quoted(&trigram));
    }
    query
}

fn candidates(
    conn: &mut Connection,
    user: &UserId,
    terms: &SearchTerms,
    (behind, limit): (i64, usize),
    take: impl FnMut(Candidate) -> ControlFlow<()>,
) -> Result<(), DbError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    #[cfg(feature = "postgres")]
    if let Connection::Postgres(conn) = conn {
        return Ok(postgres::candidates(conn, user, terms, (behind, limit), take)?);
    }
    // Joined in this order, whatever the planner thinks of the tables' sizes.
    Ok(diesel::sql_query(
        "SELECT m.position, m.id, m.room_id, m.seq, m.sender_id, m.client_id, m.kind, m.text, m.data, m.sent_at, \
         m.edited_at, m.deleted_at, m.warnings \
         FROM message_index CROSS JOIN messages m ON m.position = message_index.rowid \
         CROSS JOIN rooms r ON r.id = m.room_id \
         WHERE message_index MATCH $1 AND message_index.rowid < $2 AND (r.buyer_id = $3 OR r.seller_id = $3) \
         ORDER BY message_index.rowid DESC LIMIT $4",
    )
    .bind::<Text, _>(index_query(user, terms))
    .bind::<BigInt, _>(behind)
    .bind::<Text, _>(user.as_str())
    .bind::<BigInt, _>(limit)
    .load_while(conn, take)?)
}

fn room_of(
    conn: &mut Connection,
    known: &mut HashMap<RoomId, Option<Room>>,
    room: &RoomId,
) -> Result<Option<Room>, DbError> {
    if let Some(known) = known.get(room) {
        return Ok(known.clone());
    }
    let found = RoomDetails::find(conn, room)?.map(|details| details.room);
    known.insert(room.clone(), found.clone());
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        db::{
            RoomWrite, index_messages, is_index_behind,
            test_db::{NOW, TestDb, draft, is_postgres, room, say, user_id, write},
            write_batch,
        },
        domain::masking::Inspected,
    };

    const ALL: SearchPage = SearchPage { limit: 50, bytes_max: usize::MAX };

    fn index(conn: &mut Connection) {
        while is_index_behind(conn).unwrap() {
            index_messages(conn, 7).unwrap();
        }
    }

    fn search(conn: &mut Connection, user: &str, query: &str) -> Vec<String> {
        index(conn);
        let terms = SearchTerms::parse(query).unwrap();
        let (found, _) = search_messages(conn, &user_id(user), &terms, None, ALL).unwrap();
        found.into_iter().filter_map(|found| found.message.text).collect()
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

        assert_eq!(search(conn, "alice", "자전거"), ["네, 자전거 있어요", "자전거 아직 있나요?"]);
        assert_eq!(search(conn, "carol", "자전거").len(), 3, "the seller is in both rooms");
        assert_eq!(search(conn, "alice", "네"), ["네, 자전거 있어요"]);
        assert_eq!(search(conn, "alice", "있어"), ["네, 자전거 있어요"]);
        assert_eq!(search(conn, "alice", "아직 전거"), ["자전거 아직 있나요?"]);
        assert_eq!(search(conn, "alice", "red \"24"), ["The RED one, \"24 inch\""]);
        assert_eq!(search(conn, "alice", "사고"), Vec::<String>::new(), "bob's");
        assert_eq!(search(conn, "mallory", "자전거"), Vec::<String>::new());
        assert_eq!(search(conn, "alice", "OR NOT * ^ (x"), Vec::<String>::new(), "no language of its own");
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
        for (query, limit, bytes_max) in
            [("message", 4, usize::MAX), ("e", 4, usize::MAX), ("e", 50, 0), ("e", 50, 3000)]
        {
            let terms = SearchTerms::parse(query).unwrap();
            let (mut seen, mut cursor) = (Vec::new(), None);
            loop {
                let page = SearchPage { limit, bytes_max };
                let (page, next) = search_messages(conn, &user_id("alice"), &terms, cursor, page).unwrap();
                let weight: usize = page.iter().map(FoundMessage::weight_bytes).sum();
                assert!(page.len() <= 1 || weight <= bytes_max, "{weight}");
                seen.extend(page.into_iter().filter_map(|found| found.message.text).filter(|text| text != "noise"));
                cursor = next.map(|next| next.to_string().parse().unwrap());
                if cursor.is_none() {
                    break;
                }
            }
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
            let words =
                |n: u64| format!("{:x} {:x}", n.wrapping_mul(0x9E37_79B9_7F4A_7C15), n.wrapping_mul(0xC2B2_AE3D));
            let said: Vec<RoomWrite> = (part * 500..(part + 1) * 500)
                .map(|n| RoomWrite::Append(draft(&a, "alice", &words(n), None)))
                .collect();
            write_batch(conn, &said).unwrap();
        }
        while is_index_behind(conn).unwrap() {
            index_messages(conn, 16).unwrap();
        }
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
            let edit = RoomWrite::Edit {
                message: message.clone(),
                editor: user_id("alice"),
                text: "a steel ship".to_owned(),
                inspected: Inspected::default(),
                at: NOW,
            };
            write(conn, edit).unwrap();
            assert_eq!(search(conn, "alice", "boat"), Vec::<String>::new());
            assert_eq!(search(conn, "alice", "ship"), ["a steel ship"]);
            write(conn, RoomWrite::Delete { message, editor: user_id("alice"), at: NOW }).unwrap();
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
        write(conn, RoomWrite::Delete { message, editor: user_id("alice"), at: NOW }).unwrap();
        assert!(!held(conn));
        conn.batch_execute("INSERT INTO message_index (message_index, rank) VALUES ('integrity-check', 0)").unwrap();
        assert_eq!(search(conn, "alice", "hello"), ["hello there"]);
    }
}
