//! `haggle migrate`.

use std::process::ExitCode;

use super::{Failure, print};
use crate::{
    config::{DATABASE_URL_DEFAULT, Options},
    db,
};

/// Runs pending migrations and says which.
pub fn run(options: Options) -> Result<ExitCode, Failure> {
    let url = options.database_url.unwrap_or_else(|| DATABASE_URL_DEFAULT.to_owned());
    let (_pool, run) = db::open_to_work(&url).map_err(Failure::new)?;
    for migration in &run {
        print(&format!("ran {migration}"));
    }
    if run.is_empty() {
        print("nothing to do: the database is up to date");
    }
    Ok(ExitCode::SUCCESS)
}
