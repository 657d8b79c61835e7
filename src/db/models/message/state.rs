//! How messages stand, without their words.

use std::collections::HashMap;

use diesel::dsl::case_when;

use super::reactions;
use crate::{
    db::{Connection, DbError, prelude::*, schema::messages},
    domain::{MessageKind, Timestamp, message::MessageState},
};

type StateColumns = (String, Option<i64>, Option<i64>, bool, Option<String>, Option<String>);

/// How messages stand, by their ids; those that are not there are left out.
pub(in crate::db) fn list_states<'a>(
    conn: &mut Connection,
    ids: impl Iterator<Item = &'a str>,
) -> Result<HashMap<String, MessageState>, DbError> {
    let ids: Vec<&str> = ids.collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let of_offers = case_when(messages::kind.eq(MessageKind::Offer.as_str()), messages::data);
    let rows: Vec<StateColumns> = messages::table
        .filter(messages::id.eq_any(ids))
        .select((
            messages::id,
            messages::edited_at,
            messages::deleted_at,
            messages::removed,
            messages::reactions,
            of_offers,
        ))
        .load(conn)?;
    let state = |(id, edited, deleted, removed, reacted, offer): StateColumns| {
        let reactions = reacted.and_then(|json| reactions::read(&json).ok()).unwrap_or_default();
        let revised = (edited.map(Timestamp), deleted.map(Timestamp), removed);
        (id, MessageState::new(revised, &reactions, offer.as_deref()))
    };
    Ok(rows.into_iter().map(state).collect())
}
