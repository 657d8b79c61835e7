//! The schema's history, compiled in.

use diesel::{
    backend::Backend,
    migration::{Migration, MigrationSource, MigrationVersion},
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::{Connection, DbError, Pool};

/// Those of SQLite. The two sets have the same names and come to the same tables.
const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");

/// Those of PostgreSQL.
#[cfg(feature = "postgres")]
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// Runs the migrations that the database has not seen, each in a transaction, and returns their names in order.
///
/// # Errors
/// [`DbError::TooNew`] when the database has run one that this haggle does not know.
pub fn migrate(pool: &Pool) -> Result<Vec<String>, DbError> {
    migrate_connection(&mut *pool.get()?)
}

/// The same on a connection of one's own.
pub(super) fn migrate_connection(conn: &mut Connection) -> Result<Vec<String>, DbError> {
    match conn {
        Connection::Sqlite(conn) => run_pending(conn, &SQLITE),
        // Of several nodes that start together one runs them, and the others find them done.
        #[cfg(feature = "postgres")]
        Connection::Postgres(conn) => conn.alone_with_migrations(|conn| run_pending(conn.inner(), &POSTGRES)),
    }
}

/// Whether there are migrations that the database has not seen.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn has_pending_migrations(conn: &mut Connection) -> Result<bool, DbError> {
    match conn {
        Connection::Sqlite(conn) => conn.has_pending_migration(SQLITE).map_err(failed),
        #[cfg(feature = "postgres")]
        Connection::Postgres(conn) => conn.inner().has_pending_migration(POSTGRES).map_err(failed),
    }
}

fn run_pending<DB: Backend>(
    conn: &mut impl MigrationHarness<DB>,
    source: &impl MigrationSource<DB>,
) -> Result<Vec<String>, DbError> {
    let mut known: Vec<Box<dyn Migration<DB>>> = source.migrations().map_err(failed)?;
    known.sort_by_key(|migration| migration.name().to_string());
    let is_known =
        |version: &MigrationVersion<'_>| known.iter().any(|migration| migration.name().version() == *version);
    let applied = conn.applied_migrations().map_err(failed)?;
    if let Some(newer) = applied.iter().filter(|version| !is_known(version)).map(ToString::to_string).max() {
        return Err(DbError::TooNew(newer));
    }
    let mut run = Vec::new();
    for migration in known.iter().filter(|migration| !applied.contains(&migration.name().version())) {
        conn.run_migration(&**migration).map_err(failed)?;
        run.push(migration.name().to_string());
    }
    Ok(run)
}

// The trait's errors are boxes, taken as they come.
#[allow(clippy::needless_pass_by_value)]
fn failed(error: Box<dyn std::error::Error + Send + Sync>) -> DbError {
    match error.downcast::<diesel::result::Error>() {
        Ok(error) => (*error).into(),
        Err(error) => DbError::Internal(format!("a migration failed: {error}")),
    }
}

/// Undoes a migration and those after it, for a test of what it does to what is there. Returns how many these were.
#[cfg(test)]
pub(super) fn revert_from(conn: &mut Connection, name: &str) -> usize {
    let version = name.split('_').next().unwrap().replace('-', "");
    let mut count = 0;
    loop {
        let reverted = match conn {
            Connection::Sqlite(conn) => conn.revert_last_migration(SQLITE).unwrap().to_string(),
            #[cfg(feature = "postgres")]
            Connection::Postgres(conn) => conn.inner().revert_last_migration(POSTGRES).unwrap().to_string(),
        };
        count += 1;
        if reverted == version {
            return count;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::db::{
        Connection, open,
        prelude::*,
        test_db::{TestDb, is_postgres},
    };

    const NAMES: [&str; 34] = [
        "2026-11-23-000000_chat_core",
        "2026-11-23-010000_offers",
        "2026-11-23-010100_safety",
        "2026-11-23-100000_recoveries",
        "2026-11-23-100500_changes",
        "2026-11-23-110000_notifications",
        "2026-11-23-120000_personal_data",
        "2026-11-23-200000_contacts",
        "2026-11-23-210000_search",
        "2026-11-23-220000_images",
        "2026-11-25-030000_nodes",
        "2026-11-25-150000_search_merges",
        "2026-11-28-010000_erasure_slices",
        "2026-11-28-020000_product_waves",
        "2026-11-28-030000_deleted_messages",
        "2026-11-28-040000_search_changes",
        "2026-11-28-100000_installation",
        "2026-11-28-300000_search_fold",
        "2026-11-28-400000_event_times",
        "2026-11-28-410000_record_times",
        "2026-11-29-000000_message_tail",
        "2026-11-29-100000_audit",
        "2026-11-29-110000_moderation",
        "2026-11-29-120000_room_settings",
        "2026-11-29-140000_webhook_progress",
        "2026-11-29-160000_push",
        "2026-11-29-200000_report_assignee",
        "2026-11-29-210000_former_texts",
        "2026-11-29-220000_replies_and_reactions",
        "2026-11-29-230000_receipts",
        "2026-11-30-100000_room_staff",
        "2026-11-30-200000_support",
        "2026-11-30-230000_audit_actions",
        "2026-11-30-233000_user_names",
    ];

    fn revert_all(pool: &Pool) -> usize {
        match &mut *pool.get().unwrap() {
            Connection::Sqlite(conn) => conn.revert_all_migrations(SQLITE).unwrap().len(),
            #[cfg(feature = "postgres")]
            Connection::Postgres(conn) => conn.inner().revert_all_migrations(POSTGRES).unwrap().len(),
        }
    }

    #[test]
    fn migrations_run_once_and_say_which() {
        let db = TestDb::empty();
        assert_eq!(migrate(&db.pool).unwrap(), NAMES);
        assert!(migrate(&db.pool).unwrap().is_empty());
        // The way back works too, to the very beginning.
        assert_eq!(revert_all(&db.pool), NAMES.len());
        assert_eq!(migrate(&db.pool).unwrap(), NAMES);
    }

    #[test]
    fn a_database_of_a_newer_haggle_is_refused() {
        let db = TestDb::empty();
        migrate(&db.pool).unwrap();
        db.conn().batch_execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('20990101000000')").unwrap();
        assert_eq!(migrate(&db.pool), Err(DbError::TooNew("20990101000000".to_owned())));
    }

    #[test]
    fn the_two_sets_have_the_same_names_and_each_its_way_back() {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations");
        let names = |set: &str| -> BTreeSet<String> {
            let folders = std::fs::read_dir(format!("{root}/{set}")).unwrap().flatten();
            folders.map(|folder| folder.file_name().into_string().unwrap()).collect()
        };
        let expected: BTreeSet<String> = NAMES.map(str::to_owned).into();
        for set in ["sqlite", "postgres"] {
            assert_eq!(names(set), expected, "{set}");
            for name in &expected {
                for file in ["up.sql", "down.sql"] {
                    assert!(
                        std::path::Path::new(&format!("{root}/{set}/{name}/{file}")).exists(),
                        "{set} {name} {file}"
                    );
                }
            }
        }
    }

    #[derive(QueryableByName)]
    struct Described {
        #[diesel(sql_type = diesel::sql_types::Text)]
        described: String,
    }

    fn describe(conn: &mut Connection, sql: &str) -> BTreeSet<String> {
        let rows: Vec<Described> = diesel::sql_query(sql).load(conn).unwrap();
        rows.into_iter().map(|row| row.described.to_lowercase()).collect()
    }

    /// Columns with their types and whether they may be NULL; unique indices with their columns, and each other index.
    fn schema_of(pool: &Pool) -> BTreeSet<String> {
        let conn = &mut pool.get().unwrap();
        let (columns, indices) = match **conn {
            Connection::Sqlite(_) => (
                "SELECT t.name || '.' || c.name || ' ' || replace(c.type, 'INTEGER', 'BIGINT') \
                 || CASE WHEN c.\"notnull\" THEN ' not null' ELSE '' END AS described \
                 FROM sqlite_schema t, pragma_table_info(t.name) c WHERE t.type = 'table'",
                "SELECT i.name || CASE WHEN l.\"unique\" THEN ' unique' ELSE '' END \
                 || CASE WHEN l.partial THEN ' partial' ELSE '' END || ' ' || \
                 (SELECT group_concat(coalesce(c.name, '?'), ',') FROM pragma_index_info(i.name) c) AS described \
                 FROM sqlite_schema t, pragma_index_list(t.name) l, sqlite_schema i \
                 WHERE t.type = 'table' AND i.type = 'index' AND i.name = l.name AND i.sql IS NOT NULL",
            ),
            #[cfg(feature = "postgres")]
            Connection::Postgres(_) => (
                "SELECT table_name || '.' || column_name || ' ' || replace(data_type, 'integer', 'bigint') \
                 || CASE WHEN is_nullable = 'NO' THEN ' not null' ELSE '' END AS described \
                 FROM information_schema.columns WHERE table_schema = current_schema()",
                "SELECT c.relname || CASE WHEN i.indisunique THEN ' unique' ELSE '' END \
                 || CASE WHEN i.indpred IS NOT NULL THEN ' partial' ELSE '' END || ' ' || \
                 (SELECT string_agg(coalesce(a.attname, '?'), ',' ORDER BY place) \
                 FROM unnest(i.indkey::int[]) WITH ORDINALITY AS k (attnum, place) \
                 LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum) AS described \
                 FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
                 WHERE n.nspname = current_schema() AND NOT i.indisprimary",
            ),
        };
        let mut found = describe(conn, columns);
        found.extend(describe(conn, indices));
        // Each has its own kind of search index, and its own books.
        found.retain(|line| {
            let own = ["message_index.", "message_index_", "sqlite_", "__diesel", "messages_position", "changes_id"];
            line.starts_with("message_index_progress") || !own.iter().any(|own| line.starts_with(own))
        });
        found
    }

    /// Runs with HAGGLE_TEST_DATABASE=postgres, where both are at hand.
    #[test]
    fn the_two_sets_come_to_the_same_tables_and_indices() {
        if !is_postgres() {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let sqlite = open(folder.path().join("a.db").to_str().unwrap(), 1).unwrap();
        migrate(&sqlite).unwrap();
        let (sqlite, postgres) = (schema_of(&sqlite), schema_of(&TestDb::new().pool));
        assert!(sqlite.contains("messages.seq bigint not null"), "{sqlite:#?}");
        assert!(sqlite.contains("messages_room_seq unique room_id,seq"), "{sqlite:#?}");
        let only = |one: &BTreeSet<String>, other: &BTreeSet<String>| -> Vec<String> {
            one.difference(other).cloned().collect()
        };
        assert_eq!((only(&sqlite, &postgres), only(&postgres, &sqlite)), (vec![], vec![]));
    }
}
