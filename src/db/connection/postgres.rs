//! PostgreSQL under diesel: its settings, its transactions, and what becomes of a connection that is lost.
//!
//! **One writer at a time.** Every transaction that writes begins with one advisory lock, which it holds until it has
//! committed. So it is the only writer, as under SQLite: `position` and the numbers of `changes` are given in the order of
//! commits, `seq` has no hole, the first acceptance of an offer wins, and no two transactions can wait for each other,
//! whatever rows they touch in whatever order. What that costs is in docs/decisions.md.
//!
//! **A commit whose answer is lost** has happened or has not. The transaction's number is known beforehand, so another
//! connection can ask (`pg_xact_status`); only when that can't be found out either does the sender get `unavailable`.

use std::{
    fmt,
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use diesel::{
    Connection as _, PgConnection, QueryResult, QueryableByName,
    connection::{AnsiTransactionManager, SimpleConnection as _, TransactionManager as _},
    pg::PgRowByRowLoadingMode,
    query_dsl::methods::{ExecuteDsl, LoadQuery},
    r2d2::R2D2Connection as _,
    result::{DatabaseErrorKind, Error as DieselError},
    sql_types::{BigInt, Bool, Nullable, Text},
};

use super::take_while;

/// Name of the lock that a writer holds: "haggle" in ASCII. Advisory locks are a database's own.
const WRITER: i64 = 0x6861_6767_6C65;

/// Name of the lock that running migrations hold.
const MIGRATIONS: i64 = WRITER + 1;

/// Name of the lock that the node holds which carries out erasures.
const ERASURES: i64 = WRITER + 2;

/// A connection that nobody has used for so long is asked whether it is there before it is lent.
const UNASKED_MAX: Duration = Duration::from_secs(1);

/// How long it is tried to find out what became of a commit whose answer was lost.
const COMMIT_DOUBT_MAX: Duration = Duration::from_secs(5);

/// Wait between two such tries.
const COMMIT_DOUBT_WAIT: Duration = Duration::from_millis(100);

/// What every connection runs with.
///
/// A node that hangs or is cut off in a transaction loses it, and the writer's lock with it, after ten seconds; anyone who waits
/// for a lock gives up before their client does. A commit returns when the disk has it, whatever the server's default is.
const SETTINGS: &str = "SET idle_in_transaction_session_timeout = '10s'; SET lock_timeout = '5s'; \
    SET client_min_messages = warning; \
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') IN ('off', 'local')";

/// Where connections come from: the address, and what is known of the server behind it.
pub struct Origin {
    url: String,
    /// What its connections are called in `pg_stat_activity`: so nodes know of each other that they are there.
    node: String,
    /// Grows whenever a connection was found broken: the others are asked before they are lent again.
    losses: AtomicU64,
    /// The log knows that errors come in another language.
    has_warned: AtomicBool,
}

impl fmt::Debug for Origin {
    /// The address holds a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Origin")
    }
}

impl Origin {
    pub(in crate::db) fn new(url: &str) -> Self {
        let random = uuid::Uuid::new_v4().simple().to_string();
        Self {
            url: with_timeouts(url),
            node: format!("haggle {}", &random[..12]),
            losses: AtomicU64::new(0),
            has_warned: AtomicBool::new(false),
        }
    }

    /// Opens a connection.
    ///
    /// # Errors
    /// What libpq says, without the password.
    pub(in crate::db) fn connect(self: &Arc<Self>) -> Result<Postgres, String> {
        let losses = self.losses.load(Ordering::Acquire);
        let mut conn = PgConnection::establish(&self.url).map_err(|error| self.discreet(&error.to_string()))?;
        let settings = format!("SET application_name = '{}'; {SETTINGS}", self.node);
        conn.batch_execute(&settings).map_err(|error| self.discreet(&error.to_string()))?;
        self.ask_for_english(&mut conn).map_err(|error| self.discreet(&error.to_string()))?;
        Ok(Postgres { conn, origin: Arc::clone(self), losses, used: Instant::now(), suspect: false, writing: None })
    }

    /// Errors are distinguished by their sentences, since diesel passes no SQLSTATE on. The language is a superuser's to choose,
    /// or a role's that was given the right (PostgreSQL 15); for others there is one line in the log.
    fn ask_for_english(&self, conn: &mut PgConnection) -> QueryResult<()> {
        #[derive(QueryableByName)]
        struct Language {
            #[diesel(sql_type = Text)]
            language: String,
        }
        let asked = diesel::sql_query("SELECT current_setting('lc_messages') AS language");
        let language: Vec<Language> = diesel::RunQueryDsl::load(asked, conn)?;
        let language = language.into_iter().next().map(|row| row.language).unwrap_or_default();
        if is_english(&language) || conn.batch_execute("SET lc_messages = 'C'").is_ok() {
            return Ok(());
        }
        if !self.has_warned.swap(true, Ordering::AcqRel) {
            log::warn!(
                "PostgreSQL's lc_messages is {language}, which this role can't change, so a full disk may be answered `internal` \
                 instead of `unavailable`: ALTER ROLE … SET lc_messages = 'C', as a superuser"
            );
        }
        Ok(())
    }

    /// A sentence of libpq's in one line and without what only the operator knows: where an address can't be read, it
    /// repeats parts of it.
    fn discreet(&self, sentence: &str) -> String {
        let mut sentence = sentence.split_whitespace().collect::<Vec<_>>().join(" ");
        for secret in secrets_in(&self.url) {
            sentence = sentence.replace(&secret, "…");
        }
        sentence
    }
}

/// The parts of an address that nobody may read, longest first: as they are written, and decoded.
fn secrets_in(url: &str) -> Vec<String> {
    let (address, query) = url.split_once('?').unwrap_or((url, ""));
    let user =
        address.split_once("://").map_or(address, |(_, rest)| rest).rsplit_once('@').map_or("", |(user, _)| user);
    let password = user.split_once(':').map(|(_, password)| password);
    let named = query.split('&').filter_map(|pair| pair.split_once('='));
    let named = named.filter(|(name, _)| name.contains("password")).map(|(_, value)| value);
    let mut secrets = Vec::new();
    for secret in password.into_iter().chain(named) {
        secrets.push(secret.to_owned());
        secrets.extend(percent_encoding::percent_decode_str(secret).decode_utf8().map(String::from));
    }
    secrets.retain(|secret| !secret.is_empty());
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    secrets
}

/// Whether a server with this `lc_messages` says its errors as they stand in its source.
fn is_english(language: &str) -> bool {
    ["", "C"].contains(&language) || language.starts_with("C.") || language.starts_with("en")
}

/// Adds limits to how long a silent network is believed in, unless the operator has set them.
fn with_timeouts(url: &str) -> String {
    let mut url = url.to_owned();
    for (name, value) in [
        ("connect_timeout", "5"),
        ("keepalives_idle", "5"),
        ("keepalives_interval", "2"),
        ("keepalives_count", "3"),
        ("tcp_user_timeout", "10000"),
    ] {
        let is_set = url.split_once('?').is_some_and(|(_, query)| {
            query.split('&').any(|pair| pair.split_once('=').is_some_and(|(key, _)| key == name))
        });
        if !is_set {
            url.push(if url.contains('?') { '&' } else { '?' });
            url.push_str(name);
            url.push('=');
            url.push_str(value);
        }
    }
    url
}

/// A connection to a PostgreSQL server.
pub struct Postgres {
    conn: PgConnection,
    origin: Arc<Origin>,
    /// What `origin` had counted when this connection was last known to be there.
    losses: u64,
    /// When it was last known to be there.
    used: Instant,
    /// A statement has failed in a way that a lost connection does.
    suspect: bool,
    /// The number of the transaction that writes.
    writing: Option<String>,
}

impl Postgres {
    /// Runs something of diesel's, and notes when it fails as a lost connection does.
    pub(in crate::db) fn run<T>(&mut self, work: impl FnOnce(&mut PgConnection) -> QueryResult<T>) -> QueryResult<T> {
        self.stream(work)
    }

    /// The same for rows that are read while the connection is borrowed.
    pub(super) fn stream<'conn, T>(
        &'conn mut self,
        work: impl FnOnce(&'conn mut PgConnection) -> QueryResult<T>,
    ) -> QueryResult<T> {
        let Self { conn, suspect, .. } = self;
        let outcome = work(conn);
        if let Err(DieselError::DatabaseError(kind, _)) = &outcome {
            *suspect |= matches!(
                kind,
                DatabaseErrorKind::ClosedConnection
                    | DatabaseErrorKind::UnableToSendCommand
                    | DatabaseErrorKind::Unknown
            );
        }
        outcome
    }

    /// Runs a query that is written for PostgreSQL alone.
    pub(in crate::db) fn load<'query, U, Q>(&mut self, query: Q) -> QueryResult<Vec<U>>
    where
        Q: LoadQuery<'query, PgConnection, U>,
    {
        self.run(|conn| query.load(conn))
    }

    /// The same row by row, until `take` has enough.
    pub(in crate::db) fn load_while<'conn, 'query: 'conn, U: 'conn, Q>(
        &'conn mut self,
        query: Q,
        take: impl FnMut(U) -> ControlFlow<()>,
    ) -> QueryResult<()>
    where
        Q: LoadQuery<'query, PgConnection, U, PgRowByRowLoadingMode> + 'conn,
    {
        self.stream(|conn| take_while(query.load_iter::<U, PgRowByRowLoadingMode>(conn)?, take))
    }

    /// Runs a statement that is written for PostgreSQL alone.
    pub(in crate::db) fn execute<Q: ExecuteDsl<PgConnection>>(&mut self, query: Q) -> QueryResult<usize> {
        self.run(|conn| ExecuteDsl::execute(query, conn))
    }

    /// Diesel's own connection, for its migrations.
    pub(in crate::db) fn inner(&mut self) -> &mut PgConnection {
        &mut self.conn
    }

    pub(super) fn node(&self) -> &str {
        &self.origin.node
    }

    pub(super) fn list_nodes(&mut self) -> QueryResult<Vec<String>> {
        #[derive(QueryableByName)]
        struct Node {
            #[diesel(sql_type = Text)]
            node: String,
        }
        let nodes: Vec<Node> = self.load(
            diesel::sql_query(
                "SELECT DISTINCT application_name AS node FROM pg_stat_activity \
                 WHERE datname = current_database() AND application_name LIKE 'haggle %' AND application_name <> $1",
            )
            .bind::<Text, _>(self.origin.node.clone()),
        )?;
        Ok(nodes.into_iter().map(|node| node.node).collect())
    }

    pub(super) fn begin(&mut self, sql: &str) -> QueryResult<()> {
        self.writing = None;
        self.run(|conn| AnsiTransactionManager::begin_transaction_sql(conn, sql))
    }

    pub(super) fn begin_writing(&mut self) -> QueryResult<()> {
        #[derive(QueryableByName)]
        struct Begun {
            #[diesel(sql_type = Text)]
            number: String,
        }
        // Not READ WRITE: anyone who has made the server read-only, a provider whose disk is full, means us as well.
        self.begin("BEGIN ISOLATION LEVEL READ COMMITTED")?;
        // A number costs nothing that a transaction which writes would not pay anyway.
        let begun: QueryResult<Vec<Begun>> = self.load(
            diesel::sql_query(
                "SELECT pg_current_xact_id()::text AS number FROM (SELECT pg_advisory_xact_lock($1)) AS locked",
            )
            .bind::<BigInt, _>(WRITER),
        );
        match begun {
            Ok(begun) => {
                self.writing = begun.into_iter().next().map(|begun| begun.number);
                Ok(())
            }
            Err(error) => {
                // A connection that is left in a transaction does not go back to the pool.
                let _ = self.rollback();
                Err(error)
            }
        }
    }

    pub(super) fn rollback(&mut self) -> QueryResult<()> {
        self.run(AnsiTransactionManager::rollback_transaction)
    }

    pub(super) fn commit(&mut self) -> QueryResult<()> {
        let committed = self.run(AnsiTransactionManager::commit_transaction);
        match (committed, self.writing.take()) {
            (Err(error), Some(number)) => {
                self.suspect = true;
                if self.was_committed(&number) { Ok(()) } else { Err(error) }
            }
            (outcome, _) => outcome,
        }
    }

    /// Asks, on a connection of its own, what became of a transaction whose commit failed: usually because its answer was
    /// lost. `false` also when that can't be found out.
    fn was_committed(&self, number: &str) -> bool {
        #[derive(QueryableByName)]
        struct Status {
            #[diesel(sql_type = Nullable<Text>)]
            status: Option<String>,
        }
        let deadline = Instant::now() + COMMIT_DOUBT_MAX;
        loop {
            let asked = self.origin.connect().and_then(|mut conn| {
                let status = diesel::sql_query("SELECT pg_xact_status($1::xid8) AS status").bind::<Text, _>(number);
                conn.load::<Status, _>(status).map_err(|error| error.to_string())
            });
            let status = asked.ok().and_then(|rows| rows.into_iter().next()).and_then(|row| row.status);
            match status.as_deref() {
                Some("committed") => return true,
                Some("aborted") => return false,
                // In progress: the server has not noticed yet that its client is gone, or is committing.
                _ if Instant::now() >= deadline => {
                    log::warn!("it could not be found out in time whether transaction {number} was committed");
                    return false;
                }
                _ => std::thread::sleep(COMMIT_DOUBT_WAIT),
            }
        }
    }

    /// Whether it is there, asked only if there is a reason to doubt it.
    pub(in crate::db) fn check(&mut self) -> QueryResult<()> {
        let losses = self.origin.losses.load(Ordering::Acquire);
        if self.losses != losses || self.used.elapsed() > UNASKED_MAX {
            self.conn.ping()?;
            self.losses = losses;
        }
        self.used = Instant::now();
        Ok(())
    }

    pub(super) fn is_broken(&mut self) -> bool {
        self.used = Instant::now();
        let suspect = std::mem::take(&mut self.suspect);
        let is_broken = self.conn.is_broken() || (suspect && self.conn.ping().is_err());
        if is_broken {
            self.origin.losses.fetch_add(1, Ordering::AcqRel);
        }
        is_broken
    }

    /// A connection of its own that holds the lock of the node that carries out erasures, until it ends; `None` while another one does.
    ///
    /// # Errors
    /// What libpq says.
    pub(in crate::db) fn take_erasures_lock(&self) -> Result<Option<Self>, String> {
        #[derive(QueryableByName)]
        struct Taken {
            #[diesel(sql_type = Bool)]
            taken: bool,
        }
        let mut conn = self.origin.connect()?;
        let failed = |error: DieselError| error.to_string();
        // The server must notice by itself when this node is cut off: it says nothing on this connection.
        let keepalives = "SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 3";
        conn.run(|conn| conn.batch_execute(keepalives)).map_err(failed)?;
        let taken: Vec<Taken> = conn
            .load(diesel::sql_query("SELECT pg_try_advisory_lock($1) AS taken").bind::<BigInt, _>(ERASURES))
            .map_err(failed)?;
        Ok(taken.iter().any(|row| row.taken).then_some(conn))
    }

    /// Whether a transaction that does not say otherwise can write: not on a standby, nor where an operator forbids it.
    pub(in crate::db) fn takes_writes(&mut self) -> QueryResult<bool> {
        #[derive(QueryableByName)]
        struct Setting {
            #[diesel(sql_type = Text)]
            read_only: String,
        }
        let rows: Vec<Setting> =
            self.load(diesel::sql_query("SELECT current_setting('transaction_read_only') AS read_only"))?;
        Ok(rows.iter().all(|row| row.read_only == "off"))
    }

    /// Runs something while no other node runs migrations.
    pub(in crate::db) fn alone_with_migrations<T, E: From<DieselError>>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        // Anyone who is before us may have much to do, and this is a start.
        self.run(|conn| conn.batch_execute(&format!("SET lock_timeout = 0; SELECT pg_advisory_lock({MIGRATIONS})")))?;
        let outcome = work(self);
        // Should this fail, the connection is gone, and the lock with it.
        let _ = self.run(|conn| {
            conn.batch_execute(&format!("SELECT pg_advisory_unlock({MIGRATIONS}); SET lock_timeout = '5s'"))
        });
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_is_repeated() {
        for (url, secrets) in [
            ("postgres://u:pass@h/d", &["pass"][..]),
            ("postgres://u:p%40ss@h/d?sslmode=require", &["p%40ss", "p@ss"]),
            ("postgres://u@h/d?password=geheim&sslpassword=x1", &["geheim", "geheim", "x1", "x1"]),
            ("postgres://u:a@b:c@h/d", &["a@b:c", "a@b:c"]),
            ("postgres://h/d", &[]),
        ] {
            let found = secrets_in(url);
            assert!(secrets.iter().all(|secret| found.iter().any(|found| found == secret)), "{url}: {found:?}");
            assert_eq!(secrets.is_empty(), found.is_empty(), "{url}");
        }
        // libpq repeats a part that it can't decode.
        let origin = Arc::new(Origin::new("postgres://u:pa%zzss@127.0.0.1:1/d"));
        let error = origin.connect().map(|_| ()).unwrap_err();
        assert!(!error.contains("pa%zz"), "{error}");
        assert!(!format!("{origin:?}").contains("pa%zz"));
    }

    #[test]
    fn errors_are_in_english_where_the_role_may_choose_and_no_connection_fails_over_it() {
        use crate::db::test_db::{TestDb, is_postgres};

        #[derive(QueryableByName)]
        struct Setting {
            #[diesel(sql_type = Text)]
            language: String,
        }
        if !is_postgres() {
            return;
        }
        let db = TestDb::empty();
        let run = |sql: &str| db.conn().batch_execute(sql).unwrap();
        let name = format!("plain_{}", uuid::Uuid::new_v4().simple());
        run(&format!("CREATE ROLE {name} LOGIN"));
        for (role, expected) in [("haggle", "C"), (&name, "POSIX")] {
            // English as well, but not by its name; other languages are not on every machine.
            run(&format!("ALTER ROLE {role} IN DATABASE {} SET lc_messages = 'POSIX'", db.name()));
            let origin = Arc::new(Origin::new(&db.url().replacen("haggle@", &format!("{role}@"), 1)));
            let mut conn = origin.connect().unwrap();
            let rows: Vec<Setting> =
                conn.load(diesel::sql_query("SELECT current_setting('lc_messages') AS language")).unwrap();
            assert_eq!(rows[0].language, expected, "{role}");
            assert_eq!(origin.has_warned.load(Ordering::Acquire), role != "haggle");
        }
        assert!(is_english("en_US.UTF-8") && is_english("C.UTF-8") && !is_english("de_DE.UTF-8"));
        run(&format!("DROP OWNED BY {name}; DROP ROLE {name}"));
    }

    #[test]
    fn limits_are_added_where_the_operator_has_set_none() {
        let url = with_timeouts("postgres://h/d?connect_timeout=60&sslmode=require");
        assert!(url.starts_with("postgres://h/d?connect_timeout=60&sslmode=require&keepalives_idle=5"), "{url}");
        assert_eq!(url.matches("connect_timeout").count(), 1);
        assert!(with_timeouts("postgres:///d").starts_with("postgres:///d?connect_timeout=5&"));
    }
}
