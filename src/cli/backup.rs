//! `haggle backup FILE`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::mpsc,
    thread,
    time::Duration,
};

use super::{
    Failure, print, sqlite_database,
    verify::{check, faults_in_one_line, progress_bar, step_bar},
};
use crate::{
    config::{Options, image_store_beside},
    db::{self, DbError},
};

/// How often the progress is looked at.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// Where the copy goes.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A new file; one that exists is never overwritten
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Copies the database into one file, also while a server runs, and checks the copy.
pub fn run(options: Options, args: &Args) -> Result<ExitCode, Failure> {
    let instead = "backup: PostgreSQL has its own tool, use `pg_dump --format=custom` (and `pg_restore`)";
    let (url, database) = sqlite_database(options.database_url, instead)?;
    let file = &args.file;
    if fs::symlink_metadata(file).is_ok() {
        return Err(Failure::new(format!("{} exists already: name a new file", file.display())));
    }
    let partial = db::next_to(file, &format!(".partial-{}", std::process::id()));
    let outcome = copy(&url, &partial).and_then(|contents| {
        db::publish(&partial, file).map_err(Failure::new)?;
        Ok(contents)
    });
    // Gone already where all went well.
    let _ = fs::remove_file(&partial);
    let db::Contents { rooms, messages } = outcome?;
    print(&format!("{} holds {rooms} rooms and {messages} messages of {database}, and was checked", file.display()));
    let images = options.image_store.unwrap_or_else(|| image_store_beside(&url));
    print(&format!("images are not in it: copy {images} as well, after this"));
    Ok(ExitCode::SUCCESS)
}

/// Makes the copy and checks it.
fn copy(url: &str, file: &Path) -> Result<db::Contents, Failure> {
    let (mut conn, bytes) = db::open_to_copy(url).map_err(Failure::new)?;
    let (done, is_done) = mpsc::channel::<()>();
    let watched = file.to_owned();
    let watch = thread::spawn(move || {
        let bar = progress_bar(bytes);
        while let Err(mpsc::RecvTimeoutError::Timeout) = is_done.recv_timeout(LOOK_INTERVAL) {
            bar.set_position(fs::metadata(&watched).map_or(0, |file| file.len()));
        }
        bar.finish_and_clear();
    });
    let copied = db::copy_into(&mut conn, file);
    drop(done);
    // It only draws.
    let _ = watch.join();
    copied.and_then(|()| db::finish_copy(file)).map_err(Failure::new)?;
    let mut copy = db::open_copy(file).map_err(Failure::new)?;
    if db::has_pending_migrations(&mut copy).map_err(Failure::new)? {
        return Err(Failure::new(DbError::Refused(
            "the database is one of an older haggle: run `haggle migrate` first, or use that version's backup"
                .to_owned(),
        )));
    }
    let faults = check(&mut copy, &step_bar()).map_err(Failure::new)?;
    if !faults.is_empty() {
        return Err(Failure::new(format!(
            "nothing was kept, for the copy is not as promised: {}",
            faults_in_one_line(&faults)
        )));
    }
    db::count_contents(&mut copy).map_err(Failure::new)
}
