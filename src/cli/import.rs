//! `haggle import FILE.ndjson`.

use std::{
    fs::File,
    io::{BufReader, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use indicatif::{ProgressBar, ProgressStyle};

use super::Failure;
use crate::{
    clock::Clock,
    config::{DATABASE_URL_DEFAULT, Options},
    db::{self, ImportOptions, ImportWatch, Imported, Pool},
};

/// Which file.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// One JSON object a line, parents before children
    #[arg(value_name = "FILE.ndjson")]
    file: PathBuf,
}

/// Bad lines that are told one by one; of more only the number is.
const BAD_LINES_TOLD_MAX: u64 = 100;

/// Brings the database up to date and loads a file.
pub fn run(options: Options, args: &Args) -> Result<ExitCode, Failure> {
    // Before anything is made: a mistyped name must not leave a database behind.
    File::open(&args.file).map_err(|error| Failure::new(format!("can't read {}: {error}", args.file.display())))?;
    let url = options.database_url.unwrap_or_else(|| DATABASE_URL_DEFAULT.to_owned());
    let pool = db::open(&url, 1).map_err(Failure::new)?;
    db::migrate(&pool).map_err(Failure::new)?;
    Ok(load(&pool, &args.file))
}

/// Loads a file, with a progress bar on a terminal, and says at the end what came of it.
///
/// Exit code 1 when the file could not be read to its end or had bad lines; all good ones are stored then too, and the
/// same command goes on where it stopped.
fn load(pool: &Pool, path: &Path) -> ExitCode {
    let mut told = Told::new(std::fs::metadata(path).map_or(0, |file| file.len()));
    let outcome = File::open(path).map_err(Into::into).and_then(|file| {
        let options = ImportOptions { now: Clock::System.now(), shift_ms: 0 };
        // Large reads: a file of millions of lines is one long stream.
        let reader = BufReader::with_capacity(1 << 20, file);
        db::import(&mut *pool.get()?, reader, options, &mut told)
    });
    told.bar.finish_and_clear();
    if told.bad > BAD_LINES_TOLD_MAX {
        tell(&format!("… and {} more bad lines", told.bad - BAD_LINES_TOLD_MAX));
    }
    match outcome {
        Ok(imported) => {
            tell(&summary(&imported));
            if imported.bad == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            tell(&format!("import stopped: {error}. What was loaded stays; run it again to go on."));
            ExitCode::FAILURE
        }
    }
}

fn summary(imported: &Imported) -> String {
    let Imported { lines, users, products, rooms, messages, repeated, bad, .. } = imported;
    format!(
        "{lines} lines: {users} users, {products} products, {rooms} rooms and {messages} messages stored, \
         {repeated} were there already, {bad} bad lines left out"
    )
}

struct Told {
    bar: ProgressBar,
    bad: u64,
}

impl Told {
    fn new(file_bytes: u64) -> Self {
        // indicatif draws on stderr, and not at all when that is no terminal.
        let bar = ProgressBar::new(file_bytes);
        let style = "{bar:40} {percent:>3} %  {bytes} of {total_bytes}  {bytes_per_sec}  {eta} left";
        if let Ok(style) = ProgressStyle::with_template(style) {
            bar.set_style(style);
        }
        Self { bar, bad: 0 }
    }
}

impl ImportWatch for Told {
    fn progress(&mut self, so_far: &Imported) {
        self.bar.set_position(so_far.bytes);
    }

    fn bad_line(&mut self, number: u64, reason: &str) {
        self.bad += 1;
        if self.bad <= BAD_LINES_TOLD_MAX {
            self.bar.suspend(|| tell(&format!("line {number}: {reason}")));
        }
    }
}

fn tell(line: &str) {
    // Whoever closed stderr does not want to know.
    let _ = writeln!(std::io::stderr(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_with_bad_lines_is_loaded_and_fails() {
        let folder = tempfile::tempdir().unwrap();
        let pool = db::open(folder.path().join("a.db").to_str().unwrap(), 1).unwrap();
        db::migrate(&pool).unwrap();
        let file = folder.path().join("lines.ndjson");
        let mut lines = "nonsense\n".repeat(150) + "{\"type\":\"user\",\"id\":\"u\",\"name\":\"U\"}\n";
        std::fs::write(&file, &lines).unwrap();
        assert_eq!(format!("{:?}", load(&pool, &file)), format!("{:?}", ExitCode::FAILURE));
        assert_eq!(db::list_users(&mut pool.get().unwrap(), 10).unwrap().len(), 1);
        lines.drain(..lines.find('{').unwrap());
        std::fs::write(&file, &lines).unwrap();
        assert_eq!(format!("{:?}", load(&pool, &file)), format!("{:?}", ExitCode::SUCCESS));
        assert_eq!(format!("{:?}", load(&pool, &folder.path().join("none"))), format!("{:?}", ExitCode::FAILURE));
    }

    #[test]
    fn the_demos_own_lines_are_good() {
        let folder = tempfile::tempdir().unwrap();
        let pool = db::open(folder.path().join("a.db").to_str().unwrap(), 1).unwrap();
        db::migrate(&pool).unwrap();
        let options = ImportOptions { now: Clock::System.now(), shift_ms: 0 };
        let (imported, bad) = db::import_str(&mut pool.get().unwrap(), include_str!("demo.ndjson"), options).unwrap();
        assert_eq!(bad, []);
        assert!(imported.messages > 20 && imported.rooms >= 4, "{imported:?}");
    }
}
