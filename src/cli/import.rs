//! `haggle import FILE.ndjson`.

use std::{
    fs::File,
    io::{BufReader, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use futures_util::{StreamExt as _, TryStreamExt as _, future::ready, stream};
use indicatif::{ProgressBar, ProgressStyle};

use super::Failure;
use crate::{
    clock::Clock,
    config::{DATABASE_URL_DEFAULT, Options, image_store_beside},
    db::{self, ImportOptions, ImportWatch, Imported, Pool},
    domain::{import_line::UnknownField, stored_image::StoredImage},
    images::{ImageStore, StoreError},
};

/// Which file.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// One JSON object a line, parents before children
    #[arg(value_name = "FILE.ndjson")]
    file: PathBuf,
}

/// Bad lines that are reported one by one; of further ones only the number is.
const BAD_LINES_SHOWN_MAX: u64 = 100;

/// ImageCheck that are looked for at once: a store elsewhere answers many as fast as one.
const LOOKS_AT_ONCE: usize = 16;

/// Brings the database up to date and loads a file.
pub fn run(options: Options, args: &Args) -> Result<ExitCode, Failure> {
    // Before anything is made: a mistyped name must not create a database.
    File::open(&args.file).map_err(|error| Failure::new(format!("can't read {}: {error}", args.file.display())))?;
    let url = options.database_url.unwrap_or_else(|| DATABASE_URL_DEFAULT.to_owned());
    let (pool, _) = db::open_to_work(&url).map_err(Failure::new)?;
    let image_store = options.image_store.unwrap_or_else(|| image_store_beside(&url));
    let database = db::sqlite_file(&url).unwrap_or("the PostgreSQL database");
    Ok(load(&pool, &args.file, database, image_store))
}

/// Loads a file, with a progress bar on a terminal, and says at the end what came of it.
///
/// Exit code 1 when the file could not be read to its end or had bad lines; all good ones are stored then too, and the
/// same command goes on where it stopped.
fn load(pool: &Pool, path: &Path, database: &str, image_store: String) -> ExitCode {
    let mut report =
        ImportReport::new(std::fs::metadata(path).map_or(0, |file| file.len()), ImageCheck::new(image_store));
    let outcome = File::open(path).map_err(Into::into).and_then(|file| {
        let options = ImportOptions { now: Clock::System.now(), shift_ms: 0 };
        // Large reads: a file of millions of lines is one long stream.
        let reader = BufReader::with_capacity(1 << 20, file);
        db::import(&mut *pool.get()?, reader, options, &mut report)
    });
    report.bar.finish_and_clear();
    if report.bad > BAD_LINES_SHOWN_MAX {
        print_line(&format!("… and {} more bad lines", report.bad - BAD_LINES_SHOWN_MAX));
    }
    report.warnings.iter().chain(&report.images.warning()).for_each(|warning| print_line(warning));
    match outcome {
        Ok(imported) => {
            print_line(&summary(&imported, database));
            if imported.bad == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            print_line(&format!("import stopped: {error}. What was loaded stays; run it again to go on."));
            ExitCode::FAILURE
        }
    }
}

fn summary(imported: &Imported, database: &str) -> String {
    let Imported { lines, users, products, rooms, messages, repeated, bad, .. } = imported;
    format!(
        "{lines} lines: {users} users, {products} products, {rooms} rooms and {messages} messages stored in {database}, \
         {repeated} were there already, {bad} bad lines left out"
    )
}

struct ImportReport {
    bar: ProgressBar,
    bad: u64,
    warnings: Vec<String>,
    images: ImageCheck,
}

impl ImportReport {
    fn new(file_bytes: u64, images: ImageCheck) -> Self {
        // indicatif draws on stderr, and not at all when that is no terminal.
        let bar = ProgressBar::new(file_bytes);
        let style = "{bar:40} {percent:>3} %  {bytes} of {total_bytes}  {bytes_per_sec}  {eta} left";
        if let Ok(style) = ProgressStyle::with_template(style) {
            bar.set_style(style);
        }
        Self { bar, bad: 0, warnings: Vec::new(), images }
    }
}

impl ImportWatch for ImportReport {
    fn progress(&mut self, so_far: &Imported) {
        self.bar.set_position(so_far.bytes);
    }

    fn bad_line(&mut self, number: u64, reason: &str) {
        self.bad += 1;
        if self.bad <= BAD_LINES_SHOWN_MAX {
            self.bar.suspend(|| print_line(&format!("line {number}: {reason}")));
        }
    }

    fn images(&mut self, images: Vec<StoredImage>) {
        self.images.look_for(&images);
    }

    fn unknown_field(&mut self, UnknownField { line_type, name, lines }: &UnknownField) {
        self.warnings.push(format!(
            "warning: unknown field `{name}` of {lines} {line_type} lines: left out, the rest is stored"
        ));
    }
}

/// The images that lines name. Their files are no part of an export, and may be somewhere else still.
struct ImageCheck {
    place: String,
    found: u64,
    missing: u64,
    /// Why it is not known of the rest.
    failed: Option<String>,
}

impl ImageCheck {
    fn new(place: String) -> Self {
        Self { place, found: 0, missing: 0, failed: None }
    }

    fn look_for(&mut self, images: &[StoredImage]) {
        if self.failed.is_some() {
            return;
        }
        let missing = actix::System::new().block_on(count_missing(&self.place, images));
        match missing {
            Ok(missing) => {
                self.missing += missing;
                self.found += images.len() as u64 - missing;
            }
            Err(error) => self.failed = Some(error.to_string()),
        }
    }

    fn warning(&self) -> Option<String> {
        if let Some(error) = &self.failed {
            return Some(format!("warning: whether the images have their files could not be found out: {error}"));
        }
        (self.missing > 0).then(|| {
            format!(
                "warning: {} of {} images have no file in {}. Lines name images and leave their files out: copy them from \
                 the --image-store of the server that the lines come from",
                self.missing,
                self.missing + self.found,
                self.place
            )
        })
    }
}

/// How many of these images lack their file, or that of their thumbnail.
async fn count_missing(place: &str, images: &[StoredImage]) -> Result<u64, StoreError> {
    let store = ImageStore::open(place)?;
    let asked = stream::iter(images).map(|image| {
        let store = &store;
        async move { Ok(store.has(&image.key).await? && store.has(&image.thumbnail_key).await?) }
    });
    asked.buffer_unordered(LOOKS_AT_ONCE).try_fold(0, |missing, has| ready(Ok(missing + u64::from(!has)))).await
}

fn print_line(line: &str) {
    // Anyone who closed stderr does not want to know.
    let _ = writeln!(std::io::stderr(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;

    #[test]
    fn a_file_with_bad_lines_is_loaded_and_fails() {
        let folder = tempfile::tempdir().unwrap();
        let pool = db::open(folder.path().join("a.db").to_str().unwrap(), 1).unwrap();
        db::migrate(&pool).unwrap();
        let file = folder.path().join("lines.ndjson");
        let store = || folder.path().join("images").display().to_string();
        let mut lines = "nonsense\n".repeat(150) + "{\"type\":\"user\",\"id\":\"u\",\"name\":\"U\"}\n";
        std::fs::write(&file, &lines).unwrap();
        assert_eq!(format!("{:?}", load(&pool, &file, "haggle.db", store())), format!("{:?}", ExitCode::FAILURE));
        assert_eq!(db::list_users(&mut pool.get().unwrap(), 10).unwrap().len(), 1);
        lines.drain(..lines.find('{').unwrap());
        std::fs::write(&file, &lines).unwrap();
        assert_eq!(format!("{:?}", load(&pool, &file, "haggle.db", store())), format!("{:?}", ExitCode::SUCCESS));
        assert_eq!(
            format!("{:?}", load(&pool, &folder.path().join("none"), "haggle.db", store())),
            format!("{:?}", ExitCode::FAILURE)
        );
    }

    #[test]
    fn the_demos_own_lines_are_good() {
        let folder = tempfile::tempdir().unwrap();
        let pool = db::open(folder.path().join("a.db").to_str().unwrap(), 1).unwrap();
        db::migrate(&pool).unwrap();
        // After its newest message, wherever the tests run.
        let options = ImportOptions { now: Timestamp::parse("2027-01-01T00:00:00Z").unwrap(), shift_ms: 0 };
        let (imported, bad) = db::import_str(&mut pool.get().unwrap(), include_str!("demo.ndjson"), options).unwrap();
        assert_eq!(bad, []);
        assert!(imported.messages > 20 && imported.rooms >= 4, "{imported:?}");
    }
}
