//! The schema's history, compiled in.

use diesel::migration::MigrationSource as _;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::{Backend, DbError, Pool};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/sqlite");

/// Runs the migrations that the database has not seen, each in a transaction, and returns their names in order.
///
/// # Errors
/// [`DbError::TooNew`] when the database has run one that this haggle does not know.
pub fn migrate(pool: &Pool) -> Result<Vec<String>, DbError> {
    let mut connection = pool.get()?;
    let known = known_versions()?;
    let applied = connection.applied_migrations().map_err(failed)?;
    if let Some(newer) = applied.iter().map(ToString::to_string).filter(|version| !known.contains(version)).max() {
        return Err(DbError::TooNew(newer));
    }
    let mut run = Vec::new();
    for migration in connection.pending_migrations(MIGRATIONS).map_err(failed)? {
        connection.run_migration(&*migration).map_err(failed)?;
        run.push(migration.name().to_string());
    }
    Ok(run)
}

fn known_versions() -> Result<Vec<String>, DbError> {
    let known: Vec<Box<dyn diesel::migration::Migration<Backend>>> = MIGRATIONS.migrations().map_err(failed)?;
    Ok(known.iter().map(|migration| migration.name().version().to_string()).collect())
}

// The trait's errors are boxes, taken as they come.
#[allow(clippy::needless_pass_by_value)]
fn failed(error: Box<dyn std::error::Error + Send + Sync>) -> DbError {
    match error.downcast::<diesel::result::Error>() {
        Ok(error) => (*error).into(),
        Err(error) => DbError::Internal(format!("a migration failed: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use diesel::connection::SimpleConnection as _;

    use super::*;
    use crate::db::open;

    #[test]
    fn migrations_run_once_and_say_which() {
        let folder = tempfile::tempdir().unwrap();
        let pool = open(folder.path().join("a.db").to_str().unwrap(), 2).unwrap();
        let run = migrate(&pool).unwrap();
        assert_eq!(
            run,
            [
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
            ]
        );
        assert!(migrate(&pool).unwrap().is_empty());
        // The way back works too, to the very beginning.
        assert_eq!(pool.get().unwrap().revert_all_migrations(MIGRATIONS).unwrap().len(), run.len());
        assert_eq!(migrate(&pool).unwrap(), run);
    }

    #[test]
    fn a_database_of_a_newer_haggle_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let pool = open(folder.path().join("a.db").to_str().unwrap(), 1).unwrap();
        migrate(&pool).unwrap();
        pool.get()
            .unwrap()
            .batch_execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('20990101000000')")
            .unwrap();
        assert_eq!(migrate(&pool), Err(DbError::TooNew("20990101000000".to_owned())));
    }
}
