//! The search in SQLite: by the index of FTS5's, and by the rows themselves where it does not have them as they stand.

use diesel::{
    QueryResult, RunQueryDsl as _, SqliteConnection,
    sql_types::{BigInt, Nullable, Text},
};

use super::{Candidate, Window};
use crate::{
    db::message_index::token_of,
    domain::{UserId, search::SearchTerms},
};

/// One's own messages of the tail, or all.
pub(super) fn tail(
    conn: &mut SqliteConnection,
    user: Option<&UserId>,
    window: Window,
    limit: i64,
) -> QueryResult<Vec<Candidate>> {
    load(
        conn,
        "SELECT m.position, m.text FROM messages m CROSS JOIN rooms r ON r.id = m.room_id \
         WHERE m.position > $1 AND m.position < $2 AND m.kind <> 'system' \
         AND ($3 IS NULL OR r.buyer_id = $3 OR r.seller_id = $3) \
         ORDER BY m.position DESC LIMIT $4",
        user,
        window,
        limit,
    )
}

/// What the index finds, and the messages that have changed since it took them in. Returns whether these are all.
pub(super) fn indexed(
    conn: &mut SqliteConnection,
    user: Option<&UserId>,
    terms: &SearchTerms,
    window: Window,
    limit: usize,
) -> QueryResult<(Vec<Candidate>, bool)> {
    let rows = i64::try_from(limit).unwrap_or(i64::MAX);
    let Some(query) = index_query(user, terms) else {
        // The index knows no words that are so short: the rows are gone through, as far as the page's time allows.
        let found = tail(conn, user, window, rows)?;
        let is_all = found.len() < limit;
        return Ok((found, is_all));
    };
    // Joined in this order, whatever the planner thinks of the tables' sizes.
    let found = diesel::sql_query(
        "SELECT m.position, m.text FROM message_index CROSS JOIN messages m ON m.position = message_index.rowid \
         CROSS JOIN rooms r ON r.id = m.room_id \
         WHERE message_index MATCH $1 AND message_index.rowid > $2 AND message_index.rowid < $3 \
         AND ($4 IS NULL OR r.buyer_id = $4 OR r.seller_id = $4) ORDER BY message_index.rowid DESC LIMIT $5",
    )
    .bind::<Text, _>(query)
    .bind::<BigInt, _>(window.after)
    .bind::<BigInt, _>(window.before)
    .bind::<Nullable<Text>, _>(user.map(UserId::as_str))
    .bind::<BigInt, _>(rows)
    .load(conn)?;
    let changed = load(
        conn,
        "SELECT m.position, m.text FROM message_index_changes x CROSS JOIN messages m ON m.position = x.position \
         CROSS JOIN rooms r ON r.id = m.room_id \
         WHERE x.position > $1 AND x.position < $2 \
         AND ($3 IS NULL OR r.buyer_id = $3 OR r.seller_id = $3) \
         ORDER BY x.position DESC LIMIT $4",
        user,
        window,
        rows,
    )?;
    Ok(merged(found, changed, limit))
}

/// Both in one order. Where one of them has more, the other one's go as far as that one's.
fn merged(found: Vec<Candidate>, changed: Vec<Candidate>, limit: usize) -> (Vec<Candidate>, bool) {
    let ends = [&found, &changed].into_iter().filter(|list| list.len() >= limit).filter_map(|list| list.last());
    let end = ends.map(|last| last.position).max();
    let mut both = found;
    if !changed.is_empty() {
        both.extend(changed);
        both.sort_by_key(|candidate| std::cmp::Reverse(candidate.position));
        both.dedup_by_key(|candidate| candidate.position);
    }
    if let Some(end) = end {
        both.retain(|candidate| candidate.position >= end);
    }
    (both, end.is_none())
}

fn load(
    conn: &mut SqliteConnection,
    query: &str,
    user: Option<&UserId>,
    window: Window,
    limit: i64,
) -> QueryResult<Vec<Candidate>> {
    diesel::sql_query(query)
        .bind::<BigInt, _>(window.after)
        .bind::<BigInt, _>(window.before)
        .bind::<Nullable<Text>, _>(user.map(UserId::as_str))
        .bind::<BigInt, _>(limit)
        .load(conn)
}

/// What the index is asked: one's own messages, or all, with each trigram of the terms. `None` where that is nothing.
fn index_query(user: Option<&UserId>, terms: &SearchTerms) -> Option<String> {
    // A double quote inside quotes is written twice.
    let quoted = |token: &str| format!("\"{}\"", token.replace('"', "\"\""));
    let own = user.map(|user| format!("{{buyer seller}} : {}", quoted(&token_of(user.as_str()))));
    let trigrams = terms.trigrams().map(|trigram| format!("text : {}", quoted(&trigram)));
    let conditions: Vec<String> = own.into_iter().chain(trigrams).collect();
    (!conditions.is_empty()).then(|| conditions.join(" AND "))
}
