//! Messages whose words SQLite's index does not have as they stand, and how it gets there a few words at a time.
//!
//! A long text takes some 10 to 20 ms to be added, and half a second to be taken out: `secure-delete` overwrites each word in its
//! page. So a transaction that edits or deletes a message only notes what the index has of it, and one that comes to a long text
//! that it has nothing of it. Then the index's part of the text shrinks from its end to nothing, and grows to the new text.
//! Meanwhile a search looks at these messages themselves, and compares what the index finds with the
//! message as it stands.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use diesel::sql_types::{BigInt, Nullable, Text};

use super::{Add, Remove, run};
use crate::{
    db::{Connection, prelude::*},
    domain::fold::fold,
};

/// Words that are taken out at once: each three characters in a row, once. And characters, where they are the same few words.
const WORDS_REMOVED: usize = 32;
const CHARACTERS_REMOVED: usize = 2048;

/// Characters that are added at once.
const CHARACTERS_ADDED: usize = 1024;

/// Where the index is with a message: it has the whole text and the members' tokens, or is about to have nothing of it, or has a
/// beginning of what the message says now. Names in the table.
const WHOLE: &str = "whole";
const SHRINKS: &str = "shrinks";
const GROWS: &str = "grows";

/// Which messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndexChanges {
    All,
    /// Those of erased users.
    Erased,
}

#[derive(QueryableByName)]
struct Change {
    #[diesel(sql_type = BigInt)]
    position: i64,
    /// The index has so many characters of the text, or all of a whole one.
    #[diesel(sql_type = BigInt)]
    kept: i64,
    /// Folded, but for a whole one: that is as it was written.
    #[diesel(sql_type = Text)]
    text: String,
    #[diesel(sql_type = Text)]
    stage: String,
    #[diesel(sql_type = Text)]
    buyer_id: String,
    #[diesel(sql_type = Text)]
    seller_id: String,
    /// What the message says now.
    #[diesel(sql_type = Nullable<Text>)]
    now: Option<String>,
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// Whether messages wait for the index to follow them.
pub(super) fn is_waiting(conn: &mut Connection, which: IndexChanges) -> QueryResult<bool> {
    if !matches!(conn, Connection::Sqlite(_)) {
        return Ok(false);
    }
    let waiting =
        diesel::sql_query("SELECT EXISTS (SELECT 1 FROM message_index_changes WHERE is_erased >= $1) AS number");
    let erased = i64::from(which == IndexChanges::Erased);
    Ok(waiting.bind::<BigInt, _>(erased).get_result::<Number>(conn)?.number != 0)
}

/// Notes what the index has of messages, before their rows change. What is noted already is what it has.
pub(super) fn note(conn: &mut SqliteConnection, indexed_to: i64, ids: &[&str], which: IndexChanges) -> QueryResult<()> {
    // Strings: nothing that JSON could not hold.
    let ids = serde_json::to_string(ids).unwrap_or_default();
    let note = diesel::sql_query(
        "INSERT INTO message_index_changes (position, is_erased, stage, kept, text) \
         SELECT position, FALSE, 'whole', length(text), text FROM messages \
         WHERE id IN (SELECT value FROM json_each($1)) AND position <= $2 AND kind <> 'system' AND text IS NOT NULL \
         ON CONFLICT DO NOTHING",
    );
    diesel::RunQueryDsl::execute(note.bind::<Text, _>(&ids).bind::<BigInt, _>(indexed_to), conn)?;
    if which == IndexChanges::Erased {
        // Also those that were deleted before.
        let erase = diesel::sql_query(
            "UPDATE message_index_changes SET is_erased = TRUE \
             WHERE position IN (SELECT position FROM messages WHERE id IN (SELECT value FROM json_each($1)))",
        );
        diesel::RunQueryDsl::execute(erase.bind::<Text, _>(&ids), conn)?;
    }
    Ok(())
}

/// Notes that the index has nothing of a message.
pub(super) fn note_new(conn: &mut SqliteConnection, position: i64) -> QueryResult<()> {
    let note = diesel::sql_query(
        "INSERT INTO message_index_changes (position, is_erased, stage, kept, text) VALUES ($1, FALSE, 'grows', 0, '')",
    );
    diesel::RunQueryDsl::execute(note.bind::<BigInt, _>(position), conn)?;
    Ok(())
}

/// Takes pieces out and adds some, one after the other for so long, and one at least. Returns how many bytes of text were added.
pub(super) fn step(conn: &mut SqliteConnection, time: Duration) -> QueryResult<usize> {
    let began = Instant::now();
    let mut added = 0;
    loop {
        let first = diesel::sql_query(
            "SELECT x.position, x.kept, x.text, x.stage, r.buyer_id, r.seller_id, m.text AS now \
             FROM message_index_changes x JOIN messages m ON m.position = x.position JOIN rooms r ON r.id = m.room_id \
             ORDER BY x.is_erased DESC, x.position DESC LIMIT 1",
        );
        let Some(mut change) = diesel::RunQueryDsl::get_result::<Change>(first, conn).optional()? else { break };
        let mut kept = usize::try_from(change.kept).unwrap_or(0);
        if change.stage == WHOLE {
            change.text = fold(&change.text);
            kept = change.text.chars().count();
        }
        change.now = change.now.map(|now| fold(&now));
        let now = change.now.as_deref().unwrap_or_default();
        let grows = kept == 0 && change.stage != WHOLE;
        if grows || change.stage == GROWS && now.starts_with(part(&change.text, 0, kept)) {
            added += grow(conn, &change, kept)?;
        } else {
            shrink(conn, &change, kept)?;
        }
        if began.elapsed() >= time {
            break;
        }
    }
    Ok(added)
}

/// Takes the last words out.
fn shrink(conn: &mut SqliteConnection, change: &Change, kept: usize) -> QueryResult<()> {
    // Fewer than three characters are no word, and nothing that the index would have.
    let rest = Some(kept - last_words(part(&change.text, 0, kept))).filter(|rest| *rest >= 3).unwrap_or(0);
    let members = (change.buyer_id.as_str(), change.seller_id.as_str());
    let piece = part(&change.text, rest.saturating_sub(2), kept);
    run::<Remove>(conn, change.position, piece, (change.stage == WHOLE).then_some(members))?;
    // Each removal counts as one text less, and this text is still one.
    run::<Add>(conn, change.position, "", None)?;
    let update =
        diesel::sql_query("UPDATE message_index_changes SET kept = $1, stage = $2, text = $3 WHERE position = $4");
    let update = update.bind::<BigInt, _>(i64::try_from(rest).unwrap_or(0)).bind::<Text, _>(SHRINKS);
    let update = update.bind::<Text, _>(part(&change.text, 0, rest)).bind::<BigInt, _>(change.position);
    diesel::RunQueryDsl::execute(update, conn)?;
    Ok(())
}

/// How many characters at the end of a text, one at least, begin no more words than are taken out at once.
fn last_words(text: &str) -> usize {
    let (mut words, mut count) = (HashSet::new(), 0);
    let mut word = ['\0'; 3];
    for c in text.chars().rev().take(CHARACTERS_REMOVED) {
        word = [c, word[0], word[1]];
        words.insert(word);
        if words.len() > WORDS_REMOVED && count > 0 {
            break;
        }
        count += 1;
    }
    count
}

/// Adds the next characters of what the message says now, the members' tokens with the last of them. Returns how many bytes.
fn grow(conn: &mut SqliteConnection, change: &Change, kept: usize) -> QueryResult<usize> {
    let now = change.now.as_deref().unwrap_or_default();
    let length = now.chars().count();
    let to = length.min(kept + CHARACTERS_ADDED);
    let piece = part(now, kept.saturating_sub(2), to);
    if to < length {
        run::<Add>(conn, change.position, piece, None)?;
        let update =
            diesel::sql_query("UPDATE message_index_changes SET kept = $1, stage = $2, text = $3 WHERE position = $4");
        let update = update.bind::<BigInt, _>(i64::try_from(to).unwrap_or(0)).bind::<Text, _>(GROWS);
        diesel::RunQueryDsl::execute(update.bind::<Text, _>(now).bind::<BigInt, _>(change.position), conn)?;
        return Ok(piece.len());
    }
    if change.now.is_some() {
        let members = (change.buyer_id.as_str(), change.seller_id.as_str());
        run::<Add>(conn, change.position, piece, Some(members))?;
    }
    let done = diesel::sql_query("DELETE FROM message_index_changes WHERE position = $1");
    diesel::RunQueryDsl::execute(done.bind::<BigInt, _>(change.position), conn)?;
    Ok(piece.len())
}

/// The characters of a text between two places.
fn part(text: &str, from: usize, to: usize) -> &str {
    let place = |count: usize| text.char_indices().nth(count).map_or(text.len(), |(place, _)| place);
    text.get(place(from)..place(to)).unwrap_or_default()
}
