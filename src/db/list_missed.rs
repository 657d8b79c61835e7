//! What somebody missed in several rooms since a place in the global order of commits.

use super::{Connection, DbError, models::message, page_bytes::Space, prelude::*, schema::rooms};
use crate::domain::{RoomId, Seq, StoredMessage};

/// What was missed in some rooms.
#[derive(Debug, Clone, PartialEq)]
pub struct Missed {
    /// Of all rooms together, in the order of their commits.
    pub messages: Vec<StoredMessage>,
    /// `seq` of each room's newest message, from the same snapshot.
    pub last_seqs: Vec<(RoomId, Seq)>,
}

/// Which messages somebody has of their rooms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// Of the room of the message with this place, everything up to it.
    pub position: i64,
    /// Of the other rooms, everything up to here.
    pub settled: i64,
    /// And nothing after this.
    pub newest: i64,
}

/// The messages of each room after its `seq` that are not `seen`; `None` when there are more than `limit` or they weigh more
/// than `bytes_max`, and when it is not known of one whether it was seen. Nothing beyond that is read.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn list_missed(
    conn: &mut Connection,
    since: &[(RoomId, Seq)],
    seen: Seen,
    limit: i64,
    bytes_max: usize,
) -> Result<Option<Missed>, DbError> {
    conn.transaction(|conn| {
        let mut missed = Missed { messages: Vec::new(), last_seqs: Vec::new() };
        let (mut space, mut bytes) = (Space::of(bytes_max), 0);
        let exact = seen.settled >= seen.position && seen.newest == seen.position;
        let last_room = if exact { None } else { message::room_at(conn, seen.position)? };
        for (room, seq) in since {
            let newest: Option<i64> =
                rooms::table.find(room.as_str()).select(rooms::last_seq).get_result(conn).optional()?;
            let newest = newest.unwrap_or(0);
            // `seq` and `position` grow together, so the end of the room says whether too much was missed; what lies
            // before it is not read, however long ago the room was entered.
            let after = seq.0.max(newest.saturating_sub(limit + 1));
            let (settled, newest_seen) = match &last_room {
                Some(last) if *last == room.as_str() => (seen.position, seen.position),
                _ if exact => (seen.position, seen.position),
                _ => (seen.settled, seen.newest),
            };
            let (messages, is_cut) = message::list_missed(conn, room, (after, newest), settled, &mut space)?;
            bytes += messages.iter().map(StoredMessage::weight_bytes).sum::<usize>();
            // The first one has space whatever it weighs, which here is too much.
            if is_cut || bytes > bytes_max || messages.iter().any(|message| message.position <= newest_seen) {
                return Ok(None);
            }
            missed.messages.extend(messages);
            if i64::try_from(missed.messages.len()).unwrap_or(i64::MAX) > limit {
                return Ok(None);
            }
            missed.last_seqs.push((room.clone(), Seq(newest)));
        }
        missed.messages.sort_by_key(|message| message.position);
        Ok(Some(missed))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{
        Write, Written,
        test_db::{NOW, TestDb, draft, room},
        write_batch,
    };

    #[test]
    fn what_was_missed_in_several_rooms_comes_in_the_order_of_its_commits() {
        let db = TestDb::new();
        let conn = &mut db.conn();
        let (a, b) = (room(conn, "alice", "bike"), room(conn, "bob", "bike"));
        let writes: Vec<Write> = [(&a, "alice"), (&b, "bob"), (&a, "carol"), (&b, "carol"), (&a, "alice")]
            .map(|(room, sender)| Write::Append(draft(room, sender, "x", None)))
            .into();
        let stored: Vec<StoredMessage> = write_batch(conn, &writes, NOW)
            .unwrap()
            .into_iter()
            .map(|outcome| match outcome.unwrap() {
                Written::Appended { message, .. } => message,
                other => panic!("{other:?}"),
            })
            .collect();
        let positions: Vec<i64> = stored.iter().map(|message| message.position).collect();
        assert!(positions.is_sorted_by(|a, b| a < b), "{positions:?}");

        let exact = |position| Seen { position, settled: position, newest: position };
        let mut unsure =
            |seen| list_missed(conn, &[(a.clone(), Seq(0)), (b.clone(), Seq(0))], seen, 10, usize::MAX).unwrap();
        // The last one seen is of room a: of b it is known up to `settled`, and not after `newest`.
        let [at, before, after] = [positions[2], positions[0], positions[3]];
        assert_eq!(unsure(Seen { position: at, settled: before, newest: at }), None, "one of b's may be missing");
        assert_eq!(unsure(Seen { position: at, settled: at - 1, newest: after }), None, "one of b's may be there");
        let sure = unsure(Seen { position: at, settled: positions[1], newest: at }).unwrap();
        assert_eq!(sure.messages, stored[3..]);

        let mut missed = |since: &[(RoomId, Seq)], position, limit| {
            let missed = list_missed(conn, since, exact(position), limit, usize::MAX).unwrap()?;
            Some((missed.messages, missed.last_seqs.into_iter().map(|(_, seq)| seq.0).collect::<Vec<_>>()))
        };
        let both = [(a.clone(), Seq(0)), (b.clone(), Seq(0))];
        assert_eq!(missed(&both, 0, 10), Some((stored.clone(), vec![3, 2])));
        assert_eq!(missed(&both, positions[1], 10), Some((stored[2..].to_vec(), vec![3, 2])));
        assert_eq!(missed(&[(a.clone(), Seq(2))], 0, 10), Some((vec![stored[4].clone()], vec![3])));
        assert_eq!(missed(&both, positions[4], 10).unwrap().0, vec![]);
        assert_eq!(missed(&both, positions[3], 1).unwrap().0, vec![stored[4].clone()]);
        assert_eq!(missed(&both, 0, 4), None);
        assert_eq!(missed(&[], 0, 4).unwrap().0, vec![]);
        // The seen ones don't count.
        let weight = stored[3].weight_bytes() + stored[4].weight_bytes();
        let mut within =
            |bytes| list_missed(conn, &both, exact(positions[2]), 10, bytes).unwrap().map(|missed| missed.messages);
        assert_eq!((within(weight), within(weight - 1), within(0)), (Some(stored[3..].to_vec()), None, None));
    }
}
