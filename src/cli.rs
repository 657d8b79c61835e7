//! The command line: a file a command.

pub mod backup;
pub mod bench;
pub mod demo;
mod environment;
pub mod health;
mod help;
pub mod import;
pub mod migrate;
pub mod restore;
pub mod serve;
pub mod token;
pub mod vapid;
pub mod verify;

use std::{fmt, io::Write, path::PathBuf, process::ExitCode};

use clap::{FromArgMatches as _, Parser, Subcommand, error::ErrorKind};

use crate::{
    config::{self, ConfigError, DATABASE_URL_DEFAULT, Options, read_text},
    db,
    server::StartError,
};

/// Exit code for a command line, environment or file that can't be used.
const USAGE: u8 = 2;

/// A chat server for marketplaces: a buyer and a seller talk, and nothing acknowledged is ever lost.
///
/// Every option is also an environment variable HAGGLE_<OPTION> and a key of the --config file; the flag counts before the
/// variable, and the variable before the file.
#[allow(rustdoc::invalid_html_tags, reason = "the help is read in a terminal")]
#[derive(Debug, Parser)]
#[command(name = "haggle", version, max_term_width = 110)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
    /// A TOML file with the options' names as keys
    #[arg(long, env = "HAGGLE_CONFIG", global = true, value_name = "FILE.toml")]
    config: Option<PathBuf>,
    #[command(flatten)]
    options: Options,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Starts a server with demo users, products and conversations, and prints the address to open
    Demo,
    /// Starts the server
    Serve,
    /// Prints a token signed with --jwt-secret, for development
    Token(token::Args),
    /// Makes a key for --vapid-key-file, or reads it, and prints its public key
    Vapid(vapid::Args),
    /// Prints a configuration file with every option, for --config
    Config,
    /// Asks the server that runs here with the same --bind and --tls-cert whether traffic may come; exit code 1 when it may not
    Health,
    /// Runs pending migrations and says which
    Migrate,
    /// Loads users, products, rooms and messages from a file of JSON lines; safe to repeat
    Import(import::Args),
    /// Copies the database into one new file, also while a server runs, and checks the copy
    Backup(backup::Args),
    /// Puts a checked copy of a backup in the database's place, and keeps what was there; the server must not run
    Restore(restore::Args),
    /// Checks every promise that can be read off the database, also while a server runs; exit code 1 when one is broken
    Verify,
    /// Measures a running server: latency, throughput, fan-out, connections; checks every delivery
    Bench(bench::Args),
}

/// Why a command failed, as one line for the operator.
#[derive(Debug)]
pub struct Failure {
    line: String,
    code: u8,
}

impl Failure {
    /// The command could not be carried out.
    pub fn new(line: impl fmt::Display) -> Self {
        Self { line: line.to_string(), code: 1 }
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        Self { code: if error.is_bad_value() { USAGE } else { 1 }, line: error.to_string() }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self { line: error.to_string(), code: USAGE }
    }
}

/// Runs the command that the process was started with.
#[must_use]
pub fn run() -> ExitCode {
    let line = help::command_line().try_get_matches().and_then(|found| CommandLine::from_arg_matches(&found));
    let result = match line {
        Ok(line) => layered(line.options, line.config).and_then(|options| match line.command {
            Command::Serve => serve::run(options),
            Command::Token(args) => token::run(options, &args),
            Command::Vapid(args) => vapid::run(&args),
            Command::Demo => demo::run(options),
            Command::Config => Ok(print_file(config::SAMPLE)),
            Command::Health => health::run(&options),
            Command::Migrate => migrate::run(options),
            Command::Import(args) => import::run(options, &args),
            Command::Backup(args) => backup::run(options, &args),
            Command::Restore(args) => restore::run(options, &args),
            Command::Verify => verify::run(options),
            Command::Bench(args) => bench::run(options, &args),
        }),
        Err(error) if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            // If the terminal is closed, nobody can read an error either.
            let _ = error.print();
            return ExitCode::SUCCESS;
        }
        Err(error) => Err(Failure { line: first_line(&error), code: USAGE }),
    };
    match result {
        Ok(code) => code,
        Err(failure) => {
            let _ = writeln!(std::io::stderr(), "haggle: {}", failure.line);
            ExitCode::from(failure.code)
        }
    }
}

fn first_line(error: &clap::Error) -> String {
    let text = error.to_string();
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return "a command is missing: demo, serve, token, vapid, config, health, migrate, import, backup, restore, verify or bench (--help explains them)"
            .to_owned();
    }
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default().trim_start_matches("error: ");
    // A missing argument is named on the next line.
    match first.strip_suffix(':').and_then(|_| lines.next()) {
        Some(second) => format!("{first} {second}"),
        None => first.to_owned(),
    }
}

/// The database's address and its file, for a command that is about files of SQLite. `instead` says what to do with PostgreSQL.
fn sqlite_database(url: Option<String>, instead: &str) -> Result<(String, String), Failure> {
    let url = url.unwrap_or_else(|| DATABASE_URL_DEFAULT.to_owned());
    match db::sqlite_file(&url).map(ToString::to_string) {
        Some(file) => Ok((url, file)),
        None => Err(Failure { line: instead.to_owned(), code: USAGE }),
    }
}

fn layered(options: Options, file: Option<PathBuf>) -> Result<Options, Failure> {
    let options = options.with_secrets_read()?;
    let Some(path) = file else { return Ok(options) };
    let refused =
        |error: &dyn fmt::Display| Failure { line: format!("--config {}: {error}", path.display()), code: USAGE };
    let text = read_text(&path).map_err(|error| refused(&error))?;
    let below = Options::from_toml(&text).and_then(Options::with_secrets_read).map_err(|error| refused(&error))?;
    Ok(options.over(below))
}

/// Starts logging: `info` unless RUST_LOG says otherwise. Says first what is wrong with the environment.
fn start_logging() {
    let env = env_logger::Env::default().default_filter_or("info,actix_http=off,async_nats=off");
    // A second logger in one process is a test's business, and then the first one stays.
    let _ = env_logger::Builder::from_env(env).format_timestamp_millis().try_init();
    environment::warn_of_unknown_variables();
}

/// Prints a file as it is.
fn print_file(text: &str) -> ExitCode {
    // A closed pipe is the reader's choice.
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
    ExitCode::SUCCESS
}

/// Prints a line that the caller asked for.
fn print(line: &str) {
    let mut out = std::io::stdout().lock();
    // A closed pipe is the reader's choice.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}
