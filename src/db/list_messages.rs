//! A room's history, in pages along its `seq`.

use super::{Connection, DbError, models::message, prelude::*, schema::rooms};
use crate::domain::{RoomId, Seq, StoredMessage};

/// Which page.
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

/// Reads a page. Its cost depends on its size alone, not on where in the room it lies.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn list_messages(conn: &mut Connection, room: &RoomId, page: MessagePage) -> Result<Messages, DbError> {
    conn.transaction(|conn| list_messages_in(conn, room, page))
}

/// The same, inside the caller's transaction.
pub(super) fn list_messages_in(conn: &mut Connection, room: &RoomId, page: MessagePage) -> Result<Messages, DbError> {
    let found: Option<i64> = rooms::table.find(room.as_str()).select(rooms::last_seq).get_result(conn).optional()?;
    let newest = found.unwrap_or(0);
    let (after, last, has_more) = match page {
        MessagePage::After { seq, limit } => {
            let after = seq.0.max(0);
            let last = after.saturating_add(limit.max(1));
            (after, last, last < newest)
        }
        MessagePage::Before { seq, limit } => {
            let last = seq.map_or(newest, |seq| newest.min(seq.0.saturating_sub(1)));
            let after = last.saturating_sub(limit.max(1)).max(0);
            (after, last, after > 0)
        }
    };
    let items = message::list_between(conn, room, after, last)?;
    Ok(Messages { items, has_more, last_seq: Seq(newest) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{
        RoomWrite,
        test_db::{TestDb, draft, room},
        write_batch,
    };

    #[test]
    fn pages_meet_without_a_hole_and_without_a_double() {
        let db = TestDb::new();
        let conn = &mut db.conn();
        let (a, empty) = (room(conn, "alice", "bike"), room(conn, "bob", "bike"));
        let writes: Vec<RoomWrite> = (0..23).map(|_| RoomWrite::Append(draft(&a, "alice", "x", None))).collect();
        write_batch(conn, &writes).unwrap();
        let mut page = |room: &RoomId, page| {
            let page = list_messages(conn, room, page).unwrap();
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
