//! `haggle restore FILE`.

use std::{fs, path::PathBuf, process::ExitCode};

use super::{
    Failure, print, sqlite_database,
    verify::{check, faults_in_one_line, progress_bar, step_bar},
};
use crate::{
    clock::Clock,
    config::{Options, image_store_beside},
    db,
};

/// Which backup.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A file that `haggle backup` made, or a database file of a server that ended cleanly
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Puts a checked copy of a backup in the database's place. The database that was there is kept.
pub fn run(options: Options, args: &Args) -> Result<ExitCode, Failure> {
    let instead = "restore: PostgreSQL has its own tool, use `pg_restore` into a new database";
    let (url, database) = sqlite_database(options.database_url, instead)?;
    let restore = db::begin_restore(&url, &args.file).map_err(Failure::new)?;
    let copy = restore.copy.clone();
    let prepared = prepare(&restore, args);
    let outcome = prepared.and_then(|contents| {
        let now = Clock::System.now().to_string().replace([':', '-'], "");
        let now = now.split('.').next().unwrap_or_default();
        Ok((contents, restore.put_in_place(&format!(".before-restore-{now}Z")).map_err(Failure::new)?))
    });
    // Gone already where all went well.
    let _ = fs::remove_file(copy);
    let (db::Contents { rooms, messages }, kept) = outcome?;
    print(&format!("{database} now holds the {rooms} rooms and {messages} messages of {}", args.file.display()));
    if let Some(kept) = kept {
        print(&format!("what was there before is {}", kept.display()));
    }
    let images = options.image_store.unwrap_or_else(|| image_store_beside(&url));
    print(&format!(
        "images are not in a backup: {images} is as it was, so put its own copy there; `haggle verify` says what is missing"
    ));
    Ok(ExitCode::SUCCESS)
}

/// Copies the backup next to the database, and checks the copy.
fn prepare(restore: &db::Restore, args: &Args) -> Result<db::Contents, Failure> {
    let bar = progress_bar(fs::metadata(&args.file).map_or(0, |file| file.len()));
    let copied = restore.copy(&args.file, |bytes| bar.set_position(bytes));
    bar.finish_and_clear();
    copied.and_then(|()| restore.bring_up_to_date()).map_err(Failure::new)?;
    let mut conn = db::open_copy(&restore.copy).map_err(Failure::new)?;
    let faults = check(&mut conn, &step_bar()).map_err(Failure::new)?;
    if !faults.is_empty() {
        let faults = faults_in_one_line(&faults);
        return Err(Failure::new(format!(
            "nothing was changed, for {} is not as promised: {faults}",
            args.file.display()
        )));
    }
    db::count_contents(&mut conn).map_err(Failure::new)
}
