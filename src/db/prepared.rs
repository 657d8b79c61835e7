//! What is prepared once per connection: diesel keeps most of its own queries prepared, and neither `sql_query` nor an UPDATE
//! nor a list of ids. A batch of one message would spend more time in SQLite's parser than in its tables.

use std::marker::PhantomData;

use diesel::{
    QueryResult, SqliteConnection,
    expression::{AppearsOnTable, Expression, NonAggregate, ValidGrouping, is_aggregate},
    query_builder::{AstPass, QueryFragment, QueryId},
    sql_types::{BigInt, Bool, Nullable, Text},
    sqlite::Sqlite,
};

/// A statement that is known when haggle is compiled.
pub(super) trait Statement: 'static {
    /// Its text, with a `?` for each value.
    const SQL: &'static str;
}

/// A value of a [`Statement`].
#[derive(Debug, Clone, Copy)]
pub(super) enum Value<'a> {
    Text(&'a str),
    Number(i64),
    Nothing,
}

impl<'a> From<Option<&'a str>> for Value<'a> {
    fn from(text: Option<&'a str>) -> Self {
        text.map_or(Self::Nothing, Self::Text)
    }
}

impl From<Option<i64>> for Value<'_> {
    fn from(number: Option<i64>) -> Self {
        number.map_or(Self::Nothing, Self::Number)
    }
}

impl Value<'_> {
    fn bind<'b>(&'b self, out: &mut AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        match self {
            Self::Text(text) => out.push_bind_param::<Text, _>(text),
            Self::Number(number) => out.push_bind_param::<BigInt, _>(number),
            Self::Nothing => out.push_bind_param::<Nullable<Text>, _>(&None::<&str>),
        }
    }
}

/// Runs a statement that returns no rows.
pub(super) fn run<S: Statement, const N: usize>(
    conn: &mut SqliteConnection,
    values: [Value<'_>; N],
) -> QueryResult<usize> {
    diesel::RunQueryDsl::execute(Prepared { values, statement: PhantomData::<S> }, conn)
}

struct Prepared<'a, S, const N: usize> {
    values: [Value<'a>; N],
    statement: PhantomData<S>,
}

// The text is the type's, whatever the values are.
impl<S: Statement, const N: usize> QueryId for Prepared<'_, S, N> {
    type QueryId = Prepared<'static, S, N>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<S: Statement, const N: usize> QueryFragment<Sqlite> for Prepared<'_, S, N> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        let mut values = self.values.iter();
        for (place, words) in S::SQL.split('?').enumerate() {
            if place > 0 {
                let missing = || diesel::result::Error::QueryBuilderError("a value is missing".into());
                values.next().ok_or_else(missing)?.bind(&mut out)?;
            }
            out.push_sql(words);
        }
        Ok(())
    }
}

impl<S, const N: usize> diesel::RunQueryDsl<SqliteConnection> for Prepared<'_, S, N> {}

/// Runs an INSERT, whose text ends with VALUES, for many rows at once.
pub(super) fn insert<S: Statement, const COLUMNS: usize>(
    conn: &mut SqliteConnection,
    rows: &[[Value<'_>; COLUMNS]],
) -> QueryResult<()> {
    // An array's length is part of its type, so each of these statements is prepared once. At 128 SQLite's time a row stops
    // falling, and its 32,766 values are far more.
    let (chunks, rest) = rows.as_chunks::<128>();
    chunks.iter().try_for_each(|rows| insert_all::<S, _, _>(conn, rows))?;
    let (chunks, rest) = rest.as_chunks::<16>();
    chunks.iter().try_for_each(|rows| insert_all::<S, _, _>(conn, rows))?;
    rest.iter().try_for_each(|row| insert_all::<S, _, _>(conn, std::array::from_ref(row)))
}

fn insert_all<S: Statement, const COLUMNS: usize, const ROWS: usize>(
    conn: &mut SqliteConnection,
    rows: &[[Value<'_>; COLUMNS]; ROWS],
) -> QueryResult<()> {
    diesel::RunQueryDsl::execute(Insert { rows, statement: PhantomData::<S> }, conn)?;
    Ok(())
}

struct Insert<'a, S, const COLUMNS: usize, const ROWS: usize> {
    rows: &'a [[Value<'a>; COLUMNS]; ROWS],
    statement: PhantomData<S>,
}

impl<S: Statement, const COLUMNS: usize, const ROWS: usize> QueryId for Insert<'_, S, COLUMNS, ROWS> {
    type QueryId = Insert<'static, S, COLUMNS, ROWS>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<S: Statement, const COLUMNS: usize, const ROWS: usize> QueryFragment<Sqlite> for Insert<'_, S, COLUMNS, ROWS> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql(S::SQL);
        for (place, row) in self.rows.iter().enumerate() {
            out.push_sql(if place == 0 { " (" } else { ", (" });
            for (place, value) in row.iter().enumerate() {
                if place > 0 {
                    out.push_sql(", ");
                }
                value.bind(&mut out)?;
            }
            out.push_sql(")");
        }
        Ok(())
    }
}

impl<S, const COLUMNS: usize, const ROWS: usize> diesel::RunQueryDsl<SqliteConnection>
    for Insert<'_, S, COLUMNS, ROWS>
{
}

/// Whether a column is one of many values, however many: diesel makes another statement for each number of them.
#[derive(Debug)]
pub(super) struct OneOf<'a, C> {
    column: C,
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "SQLite takes the JSON"))]
    values: Vec<&'a str>,
    json: String,
}

/// Whether `column` is one of `values`.
pub(super) fn one_of<'a, C>(column: C, values: impl IntoIterator<Item = &'a str>) -> OneOf<'a, C>
where
    C: Expression<SqlType = Text>,
{
    let values: Vec<&str> = values.into_iter().collect();
    // Strings: nothing that JSON could not hold.
    let json = serde_json::to_string(&values).unwrap_or_default();
    OneOf { column, values, json }
}

impl<C> Expression for OneOf<'_, C> {
    type SqlType = Bool;
}

impl<C: QueryId> QueryId for OneOf<'_, C> {
    type QueryId = OneOf<'static, C::QueryId>;
    const HAS_STATIC_QUERY_ID: bool = C::HAS_STATIC_QUERY_ID;
}

impl<C: QueryFragment<Sqlite>> QueryFragment<Sqlite> for OneOf<'_, C> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        self.column.walk_ast(out.reborrow())?;
        out.push_sql(" IN (SELECT value FROM json_each(");
        out.push_bind_param::<Text, _>(&self.json)?;
        out.push_sql("))");
        Ok(())
    }
}

#[cfg(feature = "postgres")]
impl<C: QueryFragment<diesel::pg::Pg>> QueryFragment<diesel::pg::Pg> for OneOf<'_, C> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, diesel::pg::Pg>) -> QueryResult<()> {
        self.column.walk_ast(out.reborrow())?;
        out.push_sql(" = ANY(");
        out.push_bind_param::<diesel::sql_types::Array<Text>, _>(&self.values)?;
        out.push_sql(")");
        Ok(())
    }
}

impl<C: Expression + AppearsOnTable<QS>, QS: ?Sized> AppearsOnTable<QS> for OneOf<'_, C> {}

impl<C: NonAggregate> ValidGrouping<()> for OneOf<'_, C> {
    type IsAggregate = is_aggregate::No;
}

#[cfg(test)]
mod tests {
    use diesel::prelude::*;

    use super::*;
    use crate::db::{
        schema::users,
        test_db::{TestDb, is_postgres, user, write},
    };

    struct Rename;

    impl Statement for Rename {
        const SQL: &'static str = "UPDATE users SET name = ?, muted_until = ? WHERE id = ?";
    }

    #[test]
    fn a_list_of_ids_finds_each_of_them_whatever_is_in_it() {
        let db = TestDb::new();
        let odd = ["a\"b", "back\\slash", "o'clock", "[1,2]", "한국어 😀", "?"];
        for id in odd {
            write(&mut db.conn(), crate::db::Write::PutUser { user: user(id) }).unwrap();
        }
        let find = |ids: &[&str]| {
            let query = users::table.filter(one_of(users::id, ids.iter().copied())).select(users::id).order(users::id);
            crate::db::prelude::RunQueryDsl::load::<String>(query, &mut db.conn()).unwrap()
        };
        for id in odd {
            assert_eq!(find(&[id, "nobody"]), [id]);
        }
        assert_eq!(find(&odd).len(), odd.len());
        assert!(find(&[]).is_empty());
    }

    #[test]
    fn a_prepared_statement_takes_other_values_each_time() {
        if is_postgres() {
            return;
        }
        let db = TestDb::new();
        let mut conn = db.conn();
        let standing = |conn: &mut SqliteConnection, id: &str| {
            let row = users::table.find(id).select((users::name, users::muted_until));
            row.get_result::<(String, Option<i64>)>(conn).unwrap()
        };
        for (id, name, muted) in [("alice", "A?", Value::Number(7)), ("bob", "", Value::Nothing)] {
            let changed = run::<Rename, _>(conn.sqlite(), [Value::Text(name), muted, Value::Text(id)]);
            assert_eq!(changed, Ok(1));
        }
        assert_eq!(standing(conn.sqlite(), "alice"), ("A?".to_owned(), Some(7)));
        assert_eq!(standing(conn.sqlite(), "bob"), (String::new(), None));
        let short = run::<Rename, _>(conn.sqlite(), [Value::Text("a value is missing")]);
        assert!(matches!(short, Err(diesel::result::Error::QueryBuilderError(_))), "{short:?}");
    }
}
