//! Users by the beginning of their names. Each row has its name as it is compared; `NULL` where that has yet to be filled in, and
//! nothing for a user who was deleted.

use std::fmt;

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};

use super::{Connection, DbError, InvalidCursor, models::user::UserRow, prelude::*, schema::users};
use crate::domain::{
    User, UserId,
    message::SYSTEM_SENDER,
    name_search::{NameBeginning, comparable_name},
};

/// A place in the list: the page goes on after it. As text it is opaque.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameCursor {
    name: String,
    user: UserId,
}

impl fmt::Display for NameCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [name, user] = [&*self.name, self.user.as_str()].map(|part| HEXLOWER.encode(part.as_bytes()));
        write!(f, "{name}-{user}")
    }
}

impl std::str::FromStr for NameCursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let (name, user) = text.split_once('-').ok_or(InvalidCursor)?;
        let read = |part: &str| {
            let bytes = HEXLOWER_PERMISSIVE.decode(part.as_bytes()).map_err(|_| InvalidCursor)?;
            // PostgreSQL has no place for it.
            String::from_utf8(bytes).ok().filter(|text| !text.contains('\0')).ok_or(InvalidCursor)
        };
        Ok(Self { name: read(name)?, user: UserId::new(read(user)?).map_err(|_| InvalidCursor)? })
    }
}

/// A page of the users whose names begin so, by name, and where the next one goes on.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn find_users_by_name(
    conn: &mut Connection,
    beginning: &NameBeginning,
    after: Option<&NameCursor>,
    limit: i64,
) -> Result<(Vec<User>, Option<NameCursor>), DbError> {
    let first = beginning.as_str();
    let after = after.filter(|after| after.name.as_str() >= first);
    let (name, user) = after.map_or((first, ""), |after| (after.name.as_str(), after.user.as_str()));
    let mut rows: Vec<(UserRow, Option<String>)> = users::table
        // The first condition is what the index can use, the second what makes it exact.
        .filter(users::name_folded.ge(name).and(users::name_folded.gt(name).or(users::id.gt(user))))
        .filter(users::name_folded.lt(beginning.end()))
        // The other side of the support rooms is nobody.
        .filter(users::id.ne(SYSTEM_SENDER))
        .order((users::name_folded, users::id))
        .limit(limit + 1)
        .select((UserRow::as_select(), users::name_folded))
        .load(conn)?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = rows.len() > limit;
    rows.truncate(limit);
    let place = |(user, name): &(UserRow, Option<String>)| NameCursor {
        name: name.clone().unwrap_or_default(),
        user: UserId::from_stored(user.id.as_str()),
    };
    let next = rows.last().filter(|_| more).map(place);
    Ok((rows.into_iter().map(|(user, _)| User::from(user)).collect(), next))
}

/// Whether names wait for being filled in.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn has_unfilled_names(conn: &mut Connection) -> Result<bool, DbError> {
    let waiting: Option<String> = users::table
        .filter(users::name_folded.is_null())
        // PostgreSQL reads the index only in its own order.
        .order((users::name_folded, users::id))
        .limit(1)
        .select(users::id)
        .get_result(conn)
        .optional()?;
    Ok(waiting.is_some())
}

/// Fills in the next names as they are compared, at most so many. Returns whether there are more.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn fill_names(conn: &mut Connection, limit: i64) -> Result<bool, DbError> {
    conn.immediate_transaction(|conn| {
        let rows: Vec<UserRow> = users::table
            .filter(users::name_folded.is_null())
            .order((users::name_folded, users::id))
            .limit(limit)
            .select(UserRow::as_select())
            .load(conn)?;
        for row in &rows {
            diesel::update(users::table.find(&row.id))
                .set(users::name_folded.eq(Some(row.comparable_name())))
                .execute(conn)?;
        }
        Ok(usize::try_from(limit).is_ok_and(|limit| rows.len() == limit))
    })
}

impl UserRow {
    /// The name by which the user is found; none for one who was deleted.
    pub(super) fn comparable_name(&self) -> String {
        if self.deleted_at.is_some() { String::new() } else { comparable_name(&self.name) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{
        Write,
        test_db::{NOW, TestDb, is_postgres, user_id, write},
        verify,
    };

    fn put(conn: &mut Connection, id: &str, name: &str) {
        write(conn, Write::PutUser { user: User::new(user_id(id), name.to_owned(), None) }).unwrap();
    }

    fn find(conn: &mut Connection, query: &str, limit: i64) -> Vec<String> {
        let beginning = NameBeginning::parse(query).unwrap();
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let (page, next) = find_users_by_name(conn, &beginning, after.as_ref(), limit).unwrap();
            assert!(page.len() <= usize::try_from(limit).unwrap());
            found.extend(page.into_iter().map(|user| user.id.as_str().to_owned()));
            // As a client sends it back.
            after = next.map(|next| next.to_string().parse().unwrap());
            if after.is_none() {
                return found;
            }
        }
    }

    #[test]
    fn users_are_found_by_the_beginning_of_their_names_in_pages() {
        let db = TestDb::new();
        let conn = &mut db.conn();
        for (id, name) in
            [("1", "İSTANBUL"), ("2", "Istanbul Bazaar"), ("3", "ista"), ("4", "Mistral"), ("5", "김민아")]
        {
            put(conn, id, name);
        }
        for limit in [1, 2, 10] {
            assert_eq!(find(conn, "ISTA", limit), ["3", "1", "2"]);
        }
        assert_eq!(find(conn, "istanbul", 10), ["1", "2"]);
        assert_eq!(find(conn, "\u{1100}\u{1175}\u{11B7}", 10), ["5"], "decomposed");
        assert_eq!(find(conn, "민", 10), Vec::<String>::new());
        assert_eq!(find(conn, "is%", 10), Vec::<String>::new(), "nothing is a wildcard");
    }

    #[test]
    fn a_name_is_found_as_it_now_is_and_an_erased_one_not_at_all() {
        let db = TestDb::new();
        let conn = &mut db.conn();
        put(conn, "1", "Quentin");
        put(conn, "1", "Rosalind");
        assert_eq!((find(conn, "quentin", 10), find(conn, "rosa", 10)), (vec![], vec!["1".to_owned()]));
        write(conn, Write::DeleteUser { user: user_id("1"), at: NOW }).unwrap();
        for query in ["rosa", "deleted", "d"] {
            assert!(!find(conn, query, 10).contains(&"1".to_owned()), "{query}");
        }
        assert_eq!(verify(conn, || {}).unwrap(), vec![]);
    }

    #[test]
    fn the_other_side_of_the_support_rooms_is_not_found() {
        let db = TestDb::new();
        let conn = &mut db.conn();
        put(conn, "1", "Supporter");
        while fill_names(conn, 100).unwrap() {}
        for limit in [1, 10] {
            assert_eq!(find(conn, "supp", limit), ["1"]);
        }
    }

    #[test]
    fn a_name_that_changes_only_its_case_is_found_at_once() {
        let db = TestDb::new();
        let conn = &mut db.conn();
        for name in ["Quentin", "QUENTIN", "quentin"] {
            put(conn, "1", name);
            assert_eq!(find(conn, "quen", 10), ["1"], "{name}");
        }
    }

    #[test]
    fn names_from_before_are_filled_in_by_slices() {
        let db = TestDb::new();
        let conn = &mut db.conn();
        for id in ["1", "2", "3", "4", "5"] {
            put(conn, id, &format!("Zoe {id}"));
        }
        write(conn, Write::DeleteUser { user: user_id("5"), at: NOW }).unwrap();
        conn.batch_execute("UPDATE users SET name_folded = NULL").unwrap();
        assert!(has_unfilled_names(conn).unwrap());
        assert_eq!(find(conn, "zoe", 10), Vec::<String>::new());
        assert!(fill_names(conn, 2).unwrap());
        while fill_names(conn, 2).unwrap() {}
        assert!(!has_unfilled_names(conn).unwrap());
        assert_eq!(find(conn, "zoe", 10), ["1", "2", "3", "4"]);
        assert_eq!(verify(conn, || {}).unwrap(), vec![]);
    }

    /// How PostgreSQL runs each statement of `work`.
    #[cfg(feature = "postgres")]
    fn plans_on_postgres(conn: &mut Connection, work: impl FnOnce(&mut Connection)) -> Vec<String> {
        use std::sync::{Arc, Mutex};

        use diesel::{Connection as _, connection::InstrumentationEvent, sql_types::Text};

        #[derive(QueryableByName)]
        struct Step {
            #[diesel(sql_type = Text, column_name = "QUERY PLAN")]
            step: String,
        }
        let statements = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&statements);
        let Connection::Postgres(postgres) = &mut *conn else { panic!("this asks PostgreSQL") };
        postgres.inner().set_instrumentation(move |event: InstrumentationEvent<'_>| {
            if let InstrumentationEvent::StartQuery { query, .. } = event {
                seen.lock().unwrap().push(query.to_string().split(" -- binds").next().unwrap().to_owned());
            }
        });
        work(conn);
        let Connection::Postgres(postgres) = &mut *conn else { unreachable!() };
        postgres.inner().set_instrumentation(|_: InstrumentationEvent<'_>| {});
        let statements = statements.lock().unwrap().clone();
        let mut plans = Vec::new();
        for sql in statements.iter().filter(|sql| sql.starts_with("SELECT \"users\"")) {
            let explain = format!("EXPLAIN {}", sql.replace("$1", "64"));
            let steps: Vec<Step> = diesel::sql_query(explain).load(conn).unwrap();
            plans.push(steps.into_iter().map(|step| step.step).collect::<Vec<_>>().join("\n"));
        }
        plans
    }

    /// The planner knows of a time when no name was filled in: it would look for the first ones in the whole table.
    #[cfg(feature = "postgres")]
    #[test]
    fn postgres_finds_names_to_fill_in_by_their_index() {
        if !is_postgres() {
            return;
        }
        let db = TestDb::new();
        let conn = &mut db.conn();
        conn.batch_execute(
            "INSERT INTO users (id, name) SELECT 'u' || n, 'Zoe' FROM generate_series(1, 20000) n; ANALYZE users",
        )
        .unwrap();
        let plans = plans_on_postgres(conn, |conn| {
            assert!(has_unfilled_names(conn).unwrap());
            assert!(fill_names(conn, 64).unwrap());
        });
        assert_eq!(plans.len(), 2, "{plans:?}");
        for plan in plans {
            assert!(plan.contains("using users_name on users") && !plan.contains("Sort"), "{plan}");
        }
    }

    #[test]
    fn a_name_that_is_kept_otherwise_than_it_is_compared_is_found_by_verify() {
        let db = TestDb::new();
        let conn = &mut db.conn();
        put(conn, "1", "Zoe");
        conn.batch_execute("UPDATE users SET name_folded = 'eve' WHERE id = '1'").unwrap();
        let faults = verify(conn, || {}).unwrap();
        assert_eq!(faults.iter().map(|fault| fault.examples.clone()).collect::<Vec<_>>(), [["1"]]);
    }

    /// What a node of an earlier version does, which does not know the column.
    #[test]
    fn a_name_that_an_earlier_version_changes_is_filled_in_again() {
        if !is_postgres() {
            return;
        }
        let db = TestDb::new();
        let conn = &mut db.conn();
        put(conn, "1", "Quentin");
        conn.batch_execute("UPDATE users SET name = 'Rosalind' WHERE id = '1'").unwrap();
        assert_eq!(find(conn, "quentin", 10), Vec::<String>::new());
        assert!(has_unfilled_names(conn).unwrap());
        fill_names(conn, 100).unwrap();
        assert_eq!(find(conn, "rosa", 10), ["1"]);
    }
}
