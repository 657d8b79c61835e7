//! The search in PostgreSQL: words of three characters and more by the index of `pg_trgm`, shorter ones by going through
//! one's own messages.

use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Nullable, Text},
};

use super::{Candidate, Window};
use crate::{
    db::connection::postgres::Postgres,
    domain::{UserId, search::SearchTerms},
};

/// One's own messages of the tail, or all.
pub(super) fn tail(
    conn: &mut Postgres,
    user: Option<&UserId>,
    window: Window,
    limit: i64,
) -> QueryResult<Vec<Candidate>> {
    conn.load(
        diesel::sql_query(
            "SELECT m.position, m.text FROM messages m JOIN rooms r ON r.id = m.room_id \
             WHERE m.position > $1 AND m.position < $2 AND m.kind <> 'system' \
             AND ($3 IS NULL OR $3 IN (r.buyer_id, r.seller_id)) \
             ORDER BY m.position DESC LIMIT $4",
        )
        .bind::<BigInt, _>(window.after)
        .bind::<BigInt, _>(window.before)
        .bind::<Nullable<Text>, _>(user.map(UserId::as_str))
        .bind::<BigInt, _>(limit),
    )
}

/// What the index finds.
pub(super) fn indexed(
    conn: &mut Postgres,
    user: Option<&UserId>,
    terms: &SearchTerms,
    window: Window,
    limit: i64,
) -> QueryResult<Vec<Candidate>> {
    let Some(user) = user else { return indexed_of_all(conn, terms, window, limit) };
    let words: Vec<&str> = terms.words().filter(|word| word.chars().count() >= 3).collect();
    let found = if words.is_empty() {
        // Each half goes along its own index, newest first.
        let half = |member: &str| {
            format!(
                "(SELECT position FROM message_index WHERE {member} = $3 AND position < $1 AND position > $4 \
                 ORDER BY position DESC LIMIT $2)"
            )
        };
        format!("{} UNION ALL {}", half("buyer_id"), half("seller_id"))
    } else {
        let likes: String = (0..words.len()).map(|place| format!(" AND text LIKE ${}", place + 6)).collect();
        format!(
            "SELECT position FROM message_index WHERE ARRAY[buyer_id, seller_id] @> $5 \
             AND $3 IN (buyer_id, seller_id) AND position < $1 AND position > $4{likes} \
             ORDER BY position DESC LIMIT $2"
        )
    };
    let mut query = diesel::sql_query(format!(
        "SELECT m.position, m.text FROM ({found}) AS found JOIN messages m USING (position) \
         ORDER BY position DESC LIMIT $2"
    ))
    .into_boxed()
    .bind::<BigInt, _>(window.before)
    .bind::<BigInt, _>(limit)
    .bind::<Text, _>(user.as_str())
    .bind::<BigInt, _>(window.after);
    if !words.is_empty() {
        query = query.bind::<Array<Text>, _>(vec![user.as_str()]);
    }
    for word in words {
        query = query.bind::<Text, _>(like(word));
    }
    conn.load(query)
}

/// What the index finds in everybody's messages. Without a word of three characters it goes through them, newest first.
fn indexed_of_all(conn: &mut Postgres, terms: &SearchTerms, window: Window, limit: i64) -> QueryResult<Vec<Candidate>> {
    let words: Vec<&str> = terms.words().filter(|word| word.chars().count() >= 3).collect();
    let likes: String = (0..words.len()).map(|place| format!(" AND text LIKE ${}", place + 4)).collect();
    let mut query = diesel::sql_query(format!(
        "SELECT m.position, m.text FROM (SELECT position FROM message_index WHERE position < $1 AND position > $3{likes} \
         ORDER BY position DESC LIMIT $2) AS found JOIN messages m USING (position) ORDER BY position DESC LIMIT $2"
    ))
    .into_boxed()
    .bind::<BigInt, _>(window.before)
    .bind::<BigInt, _>(limit)
    .bind::<BigInt, _>(window.after);
    for word in words {
        query = query.bind::<Text, _>(like(word));
    }
    conn.load(query)
}

/// A pattern for whatever holds these characters.
fn like(word: &str) -> String {
    let mut pattern = String::from("%");
    for c in word.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}
