//! The search in PostgreSQL: words of three characters and more by the index of `pg_trgm`, shorter ones by going through
//! one's own messages.

use std::ops::ControlFlow;

use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Text},
};

use super::Candidate;
use crate::{
    db::connection::postgres::Postgres,
    domain::{UserId, search::SearchTerms},
};

const COLUMNS: &str = "m.position, m.id, m.room_id, m.seq, m.sender_id, m.client_id, m.kind, m.text, m.data, m.sent_at, \
     m.edited_at, m.deleted_at, m.warnings";

pub(super) fn candidates(
    conn: &mut Postgres,
    user: &UserId,
    terms: &SearchTerms,
    (behind, limit): (i64, i64),
    mut take: impl FnMut(Candidate) -> ControlFlow<()>,
) -> QueryResult<()> {
    let words: Vec<String> = terms.words().filter(|word| word.chars().count() >= 3).collect();
    let found = if words.is_empty() {
        // Each half goes along its own index, newest first.
        let half = |member: &str| {
            format!(
                "(SELECT position FROM message_index WHERE {member} = $3 AND position < $1 \
                 ORDER BY position DESC LIMIT $2)"
            )
        };
        format!("{} UNION ALL {}", half("buyer_id"), half("seller_id"))
    } else {
        let likes: String = (0..words.len()).map(|place| format!(" AND text LIKE ${}", place + 5)).collect();
        format!(
            "SELECT position FROM message_index WHERE ARRAY[buyer_id, seller_id] @> $4 \
             AND $3 IN (buyer_id, seller_id) AND position < $1{likes} ORDER BY position DESC LIMIT $2"
        )
    };
    let mut query = diesel::sql_query(format!(
        "SELECT {COLUMNS} FROM ({found}) AS found JOIN messages m USING (position) ORDER BY position DESC LIMIT $2"
    ))
    .into_boxed()
    .bind::<BigInt, _>(behind)
    .bind::<BigInt, _>(limit)
    .bind::<Text, _>(user.as_str());
    if !words.is_empty() {
        query = query.bind::<Array<Text>, _>(vec![user.as_str()]);
    }
    for word in words {
        query = query.bind::<Text, _>(like(&word));
    }
    conn.load_while(query, &mut take)
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
