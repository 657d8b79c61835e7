//! Changes in PostgreSQL's own words.

use std::collections::HashSet;

use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Text},
};

use super::NewChange;
use crate::db::connection::postgres::Postgres;

/// Rows a statement: there are hardly ever more.
const ROWS_A_STATEMENT: usize = 128;

/// Adds changes, in this order, in place of earlier ones of the same kind and subject.
pub(super) fn replace(conn: &mut Postgres, mut rows: Vec<NewChange<'_>>) -> QueryResult<()> {
    // A statement must not touch a row twice: of two the later one counts.
    let mut seen = HashSet::new();
    rows.reverse();
    rows.retain(|row| seen.insert((row.kind, row.subject_id, row.member_id)));
    rows.reverse();
    for rows in rows.chunks(ROWS_A_STATEMENT) {
        conn.execute(
            diesel::sql_query(
                "INSERT INTO changes (after_position, committed_at, kind, subject_id, member_id) \
                 SELECT after_position, committed_at, kind, subject_id, member_id FROM unnest($1, $2, $3, $4, $5) \
                 WITH ORDINALITY AS added (after_position, committed_at, kind, subject_id, member_id, place) \
                 ORDER BY place ON CONFLICT (subject_id, member_id, kind) DO UPDATE SET id = excluded.id, \
                 after_position = excluded.after_position, committed_at = excluded.committed_at",
            )
            .bind::<Array<BigInt>, _>(rows.iter().map(|row| row.after_position).collect::<Vec<_>>())
            .bind::<Array<BigInt>, _>(rows.iter().map(|row| row.committed_at).collect::<Vec<_>>())
            .bind::<Array<Text>, _>(rows.iter().map(|row| row.kind).collect::<Vec<_>>())
            .bind::<Array<Text>, _>(rows.iter().map(|row| row.subject_id).collect::<Vec<_>>())
            .bind::<Array<Text>, _>(rows.iter().map(|row| row.member_id).collect::<Vec<_>>()),
        )?;
    }
    Ok(())
}
