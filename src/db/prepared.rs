//! SQLite's own words, prepared once a connection: diesel keeps its own queries prepared, and neither `sql_query` nor an
//! UPDATE nor a list of ids. A batch of one message would spend more time in SQLite's parser than in its tables.

use std::marker::PhantomData;

use diesel::{
    QueryResult, SqliteConnection,
    expression::{AppearsOnTable, Expression, NonAggregate, ValidGrouping, is_aggregate},
    query_builder::{AstPass, QueryFragment, QueryId},
    sql_types::{BigInt, Bool, Text},
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
                match values.next() {
                    Some(Value::Text(text)) => out.push_bind_param::<Text, _>(text)?,
                    Some(Value::Number(number)) => out.push_bind_param::<BigInt, _>(number)?,
                    None => return Err(diesel::result::Error::QueryBuilderError("a value is missing".into())),
                }
            }
            out.push_sql(words);
        }
        Ok(())
    }
}

impl<S, const N: usize> diesel::RunQueryDsl<SqliteConnection> for Prepared<'_, S, N> {}

/// Whether a column is one of many values, however many: `eq_any` makes another statement for each number of them.
#[derive(Debug)]
pub(super) struct OneOf<C> {
    column: C,
    /// A JSON array of strings.
    values: String,
}

/// Whether `column` is one of `values`.
pub(super) fn one_of<C: Expression<SqlType = Text>>(column: C, values: &[&str]) -> OneOf<C> {
    // Strings: nothing that JSON could not hold.
    OneOf { column, values: serde_json::to_string(values).unwrap_or_default() }
}

impl<C> Expression for OneOf<C> {
    type SqlType = Bool;
}

impl<C: QueryId> QueryId for OneOf<C> {
    type QueryId = OneOf<C::QueryId>;
    const HAS_STATIC_QUERY_ID: bool = C::HAS_STATIC_QUERY_ID;
}

impl<C: QueryFragment<Sqlite>> QueryFragment<Sqlite> for OneOf<C> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        self.column.walk_ast(out.reborrow())?;
        out.push_sql(" IN (SELECT value FROM json_each(");
        out.push_bind_param::<Text, _>(&self.values)?;
        out.push_sql("))");
        Ok(())
    }
}

impl<C: Expression + AppearsOnTable<QS>, QS: ?Sized> AppearsOnTable<QS> for OneOf<C> {}

impl<C: NonAggregate> ValidGrouping<()> for OneOf<C> {
    type IsAggregate = is_aggregate::No;
}
