//! What a client of Socket.IO finds again when it comes back.

use crate::{
    db::{
        Backend, Connection, DbError,
        prelude::*,
        prepared::{self, Statement, Value},
        schema::recoveries,
    },
    domain::{Recovery, RoomId, Seq, Timestamp, UserId},
};

/// Ended sessions that are forgotten at a time.
const REMOVED_AT_ONCE: i64 = 256;

#[derive(Debug, Queryable, Selectable)]
#[cfg_attr(feature = "postgres", derive(Insertable, AsChangeset))]
#[diesel(table_name = recoveries, check_for_backend(Backend))]
#[cfg_attr(feature = "postgres", diesel(treat_none_as_null = true))]
struct RecoveryRow {
    pid_hash: String,
    user_id: String,
    rooms: String,
    ended_at: Option<i64>,
    node: String,
}

/// Writes one over what it was. That a session has ended counts only while it is still this node's: when its client has come
/// back to another one, the late end of the first changes nothing.
pub(in crate::db) fn save(conn: &mut Connection, recovery: &Recovery) -> QueryResult<()> {
    let rooms: Vec<(&str, i64)> = recovery.rooms.iter().map(|(room, seq)| (room.as_str(), seq.0)).collect();
    let row = RecoveryRow {
        pid_hash: recovery.pid_hash.clone(),
        user_id: recovery.user.as_str().to_owned(),
        // Strings and numbers: nothing that JSON could not hold.
        rooms: serde_json::to_string(&rooms).unwrap_or_default(),
        ended_at: recovery.ended_at.map(|at| at.0),
        node: conn.node().to_owned(),
    };
    match conn {
        Connection::Sqlite(conn) => row.save(conn),
        #[cfg(feature = "postgres")]
        Connection::Postgres(_) if row.ended_at.is_some() => {
            let own = recoveries::table.find(&row.pid_hash).filter(recoveries::node.eq(&row.node));
            diesel::update(own).set(&row).execute(conn)?;
            Ok(())
        }
        #[cfg(feature = "postgres")]
        Connection::Postgres(_) => {
            diesel::insert_into(recoveries::table)
                .values(&row)
                .on_conflict(recoveries::pid_hash)
                .do_update()
                .set(&row)
                .execute(conn)?;
            Ok(())
        }
    }
}

/// A session that lives.
struct Begin;

impl Statement for Begin {
    const SQL: &'static str = "INSERT INTO recoveries (pid_hash, user_id, rooms, ended_at, node) VALUES (?, ?, ?, ?, ?) \
                               ON CONFLICT (pid_hash) DO UPDATE SET user_id = excluded.user_id, rooms = excluded.rooms, \
                               ended_at = excluded.ended_at, node = excluded.node";
}

/// A session that has ended, where it is still this node's.
struct End;

impl Statement for End {
    const SQL: &'static str =
        "UPDATE recoveries SET user_id = ?, rooms = ?, ended_at = ? WHERE pid_hash = ? AND node = ?";
}

impl RecoveryRow {
    fn save(&self, conn: &mut SqliteConnection) -> QueryResult<()> {
        let [pid_hash, user, rooms, node] =
            [&self.pid_hash, &self.user_id, &self.rooms, &self.node].map(|text| Value::Text(text));
        match self.ended_at {
            None => prepared::run::<Begin, _>(conn, [pid_hash, user, rooms, Value::Nothing, node])?,
            Some(at) => prepared::run::<End, _>(conn, [user, rooms, Value::Number(at), pid_hash, node])?,
        };
        Ok(())
    }
}

/// Removes one of this node's.
pub(in crate::db) fn remove(conn: &mut Connection, pid_hash: &str) -> QueryResult<()> {
    let own = recoveries::table.find(pid_hash).filter(recoveries::node.eq(conn.node().to_owned()));
    diesel::delete(own).execute(conn)?;
    Ok(())
}

/// Removes those of a user.
pub(in crate::db) fn remove_of_user(conn: &mut Connection, user: &UserId) -> QueryResult<()> {
    diesel::delete(recoveries::table.filter(recoveries::user_id.eq(user.as_str()))).execute(conn)?;
    Ok(())
}

/// Removes some of those that ended before a moment. Returns whether there are more.
pub(in crate::db) fn remove_ended(conn: &mut Connection, before: Timestamp) -> QueryResult<bool> {
    let ended: Vec<String> = recoveries::table
        .filter(recoveries::ended_at.lt(before.0))
        .order(recoveries::ended_at)
        .limit(REMOVED_AT_ONCE)
        .select(recoveries::pid_hash)
        .load(conn)?;
    diesel::delete(recoveries::table.filter(recoveries::pid_hash.eq_any(&ended))).execute(conn)?;
    Ok(ended.len() as i64 == REMOVED_AT_ONCE)
}

/// Finds one by the hash of its secret.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn find_recovery(conn: &mut Connection, pid_hash: &str) -> Result<Option<Recovery>, DbError> {
    let found: Option<RecoveryRow> =
        recoveries::table.find(pid_hash).select(RecoveryRow::as_select()).get_result(conn).optional()?;
    let Some(row) = found else { return Ok(None) };
    let rooms: Vec<(String, i64)> = serde_json::from_str(&row.rooms)
        .map_err(|_| DbError::Corrupt("a recovery has rooms that are not JSON".to_owned()))?;
    Ok(Some(Recovery {
        pid_hash: row.pid_hash,
        user: UserId::from_stored(row.user_id),
        rooms: rooms.into_iter().map(|(room, seq)| (RoomId::from_stored(room), Seq(seq))).collect(),
        ended_at: row.ended_at.map(Timestamp),
    }))
}

/// Says of every session that was alive when its server last ended that it ended now. Once, before a server starts. Of several
/// nodes those are left alone that are connected to the database.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn end_recoveries(conn: &mut Connection, at: Timestamp) -> Result<(), DbError> {
    let alive = conn.list_nodes()?;
    diesel::update(recoveries::table.filter(recoveries::ended_at.is_null()).filter(recoveries::node.ne_all(alive)))
        .set(recoveries::ended_at.eq(Some(at.0)))
        .execute(conn)?;
    Ok(())
}
