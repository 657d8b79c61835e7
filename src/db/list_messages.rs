//! A room's history, in pages along its `seq`.

use super::{
    Connection, DbError,
    models::message::{self, End, Range},
    page_bytes::Space,
    prelude::*,
    schema::rooms,
};
use crate::domain::{RoomId, Seq, StoredMessage};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessagePage {
    /// What came after a message that one has.
    After {
        /// The last `seq` that one has; 0 for none.
        seq: Seq,
        /// At most so many.
        limit: i64,
    },
    /// What came before a message that one has.
    Before {
        /// The first `seq` that one has; `None` asks for the newest page.
        seq: Option<Seq>,
        /// At most so many.
        limit: i64,
    },
}

/// A page of messages.
#[derive(Debug, Clone, PartialEq)]
pub struct Messages {
    /// Oldest first.
    pub items: Vec<StoredMessage>,
    /// Whether there are more in the direction that was asked for.
    pub has_more: bool,
    /// `seq` of the room's newest message, from the same snapshot; 0 while there is none, or no such room.
    pub last_seq: Seq,
}

/// Reads a page. Its cost depends on its size alone, not on where in the room it lies. It ends early, with `has_more`, where
/// its messages weigh more than `bytes_max`; nothing beyond is read. One message is on it whatever it weighs.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn list_messages(
    conn: &mut Connection,
    room: &RoomId,
    page: MessagePage,
    bytes_max: usize,
) -> Result<Messages, DbError> {
    conn.transaction(|conn| list_messages_in(conn, room, page, bytes_max))
}

/// The same, inside the caller's transaction.
pub(super) fn list_messages_in(
    conn: &mut Connection,
    room: &RoomId,
    page: MessagePage,
    bytes_max: usize,
) -> Result<Messages, DbError> {
    let found: Option<i64> = rooms::table.find(room.as_str()).select(rooms::last_seq).get_result(conn).optional()?;
    let newest = found.unwrap_or(0);
    let (after, last, has_more, end) = match page {
        MessagePage::After { seq, limit } => {
            let after = seq.0.max(0);
            let last = after.saturating_add(limit.max(1));
            (after, last.min(newest), last < newest, End::Oldest)
        }
        MessagePage::Before { seq, limit } => {
            let last = seq.map_or(newest, |seq| newest.min(seq.0.saturating_sub(1)));
            let after = last.saturating_sub(limit.max(1)).max(0);
            (after, last, after > 0, End::Newest)
        }
    };
    let mut space = Space::of(bytes_max);
    let (items, is_cut) = message::list_within(conn, &Range { room, after, last, end }, &mut space)?;
    Ok(Messages { items, has_more: has_more || is_cut, last_seq: Seq(newest) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{
        Write,
        test_db::{NOW, TestDb, draft, room},
        write_batch,
    };

    #[test]
    fn a_page_ends_where_its_bytes_do_and_the_next_one_meets_it() {
        let db = TestDb::new();
        let conn = &mut db.conn();
        let a = room(conn, "alice", "bike");
        // 100 bytes are 600 as JSON.
        let long = "\u{1}".repeat(100);
        let writes: Vec<Write> = (0..20).map(|_| Write::Append(draft(&a, "alice", &long, None))).collect();
        write_batch(conn, &writes, NOW).unwrap();
        let weight =
            list_messages(conn, &a, MessagePage::After { seq: Seq(0), limit: 1 }, 0).unwrap().items[0].weight_bytes();
        assert!((600..1000).contains(&weight), "{weight}");
        let mut page = |page, bytes| {
            let page = list_messages(conn, &a, page, bytes).unwrap();
            (page.items.iter().map(|message| message.seq.0).collect::<Vec<_>>(), page.has_more)
        };
        let after = |seq| MessagePage::After { seq: Seq(seq), limit: 50 };
        let before = |seq: i64| MessagePage::Before { seq: Some(Seq(seq)), limit: 50 };
        for (bytes, count) in [(0, 1), (weight, 1), (3 * weight, 3), (4 * weight - 1, 3)] {
            assert_eq!(page(after(0), bytes), ((1..=count).collect(), true), "{bytes}");
            assert_eq!(page(after(10), bytes), ((11..=10 + count).collect(), true), "{bytes}");
            assert_eq!(page(before(21), bytes), ((21 - count..=20).collect(), true), "{bytes}");
            assert_eq!(page(after(20 - count), bytes), ((21 - count..=20).collect(), false), "{bytes}");
            assert_eq!(page(before(count + 1), bytes), ((1..=count).collect(), false), "{bytes}");
        }
        assert_eq!(page(after(0), 20 * weight), ((1..=20).collect(), false));
    }

    #[test]
    fn pages_meet_without_a_hole_and_without_a_double() {
        let db = TestDb::new();
        let conn = &mut db.conn();
        let (a, empty) = (room(conn, "alice", "bike"), room(conn, "bob", "bike"));
        let writes: Vec<Write> = (0..23).map(|_| Write::Append(draft(&a, "alice", "x", None))).collect();
        write_batch(conn, &writes, NOW).unwrap();
        let mut page = |room: &RoomId, page| {
            let page = list_messages(conn, room, page, usize::MAX).unwrap();
            (page.items.iter().map(|message| message.seq.0).collect::<Vec<_>>(), page.has_more, page.last_seq.0)
        };
        let before = |seq| MessagePage::Before { seq, limit: 10 };
        let after = |seq| MessagePage::After { seq: Seq(seq), limit: 10 };
        assert_eq!(page(&a, before(None)), ((14..=23).collect(), true, 23));
        assert_eq!(page(&a, before(Some(Seq(14)))), ((4..=13).collect(), true, 23));
        assert_eq!(page(&a, before(Some(Seq(4)))), ((1..=3).collect(), false, 23));
        assert_eq!(page(&a, before(Some(Seq(1)))), (vec![], false, 23));
        assert_eq!(page(&a, after(0)), ((1..=10).collect(), true, 23));
        assert_eq!(page(&a, after(13)), ((14..=23).collect(), false, 23));
        assert_eq!(page(&a, after(23)), (vec![], false, 23));
        assert_eq!(page(&a, after(i64::MAX)), (vec![], false, 23));
        assert_eq!(page(&empty, before(None)), (vec![], false, 0));
        assert_eq!(page(&RoomId::new("none").unwrap(), after(0)), (vec![], false, 0));
    }
}
