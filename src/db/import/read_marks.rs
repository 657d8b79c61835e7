//! How far members have read by the lines of a load.

use std::collections::HashMap;

use crate::{
    db::{Connection, DbError, models::room::RoomRow, prelude::*, schema::rooms},
    domain::{Role, import_line::ReadSeqs},
};

/// Rooms that are asked for at once.
const ROOMS_AT_ONCE: usize = 512;

/// The read marks that rooms' lines have given, by room. A part of a load that grows with its file.
#[derive(Debug, Default)]
pub(super) struct ReadMarks(HashMap<String, Given>);

#[derive(Debug)]
struct Given {
    /// The line that said it last.
    line: u64,
    marks: ReadSeqs,
}

impl ReadMarks {
    /// A room's line has given its marks.
    pub(super) fn give(&mut self, room: &str, line: u64, marks: ReadSeqs) {
        match self.0.get_mut(room) {
            Some(given) => *given = Given { line, marks: given.marks.max(marks) },
            None => drop(self.0.insert(room.to_owned(), Given { line, marks })),
        }
    }

    /// Moves a room's marks to where they were given. One beyond the room's last message moves nothing: the messages follow, or
    /// it is a bad one.
    pub(super) fn apply(&self, room: &mut RoomRow) {
        let last_seq = room.last_seq;
        for role in Role::BOTH {
            if let Some(seq) = self.given(&room.id, role).filter(|seq| *seq <= last_seq) {
                let mark = room.read_seq_mut(role);
                *mark = seq.max(*mark);
            }
        }
    }

    /// Notes that a message was added to a room: it counts as read by its sender, who has answered, and by those who have nothing
    /// unread before it, unless it is after their given mark.
    pub(super) fn message_added(&self, room: &mut RoomRow, sender: Option<Role>) {
        let seq = room.last_seq;
        for role in Role::BOTH {
            let is_after_given = self.given(&room.id, role).is_some_and(|given| given < seq);
            let mark = room.read_seq_mut(role);
            if !is_after_given && (*mark == seq - 1 || sender == Some(role)) {
                *mark = seq;
            }
        }
        self.apply(room);
    }

    fn given(&self, room: &str, role: Role) -> Option<i64> {
        self.0.get(room)?.marks.of(role)
    }

    /// The lines whose marks are beyond the last message of their room, and why that is bad.
    pub(super) fn list_too_high(&self, conn: &mut Connection) -> Result<Vec<(u64, String)>, DbError> {
        let mut bad = Vec::new();
        let given: Vec<(&str, &Given)> = self.0.iter().map(|(room, given)| (room.as_str(), given)).collect();
        for given in given.chunks(ROOMS_AT_ONCE) {
            let ids = given.iter().map(|(room, _)| *room);
            let found: Vec<(String, i64)> =
                rooms::table.filter(rooms::id.eq_any(ids)).select((rooms::id, rooms::last_seq)).load(conn)?;
            let last_seqs: HashMap<String, i64> = found.into_iter().collect();
            for (room, Given { line, marks }) in given {
                let Some(last_seq) = last_seqs.get(*room) else { continue };
                for (field, seq) in [("buyer", marks.buyer), ("seller", marks.seller)] {
                    if let Some(seq) = seq.filter(|seq| seq > last_seq) {
                        let reason = format!("`readSeq.{field}` is {seq}, and the room has {last_seq} messages");
                        bad.push((*line, reason));
                    }
                }
            }
        }
        Ok(bad)
    }
}
