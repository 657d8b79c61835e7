//! `haggle verify`.

use std::process::ExitCode;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use indicatif::{ProgressBar, ProgressStyle};

use super::{Failure, print};
use crate::{
    config::{DATABASE_URL_DEFAULT, Options, image_store_beside},
    db::{self, Connection, DbError, Fault, ImageOfMessage, Pool},
    images::{ImageStore, StoreError},
};

/// Images that are looked for at once: a store elsewhere answers many as fast as one.
const LOOKS_AT_ONCE: usize = 16;

/// Images that are read at once.
const IMAGES_A_PAGE: i64 = 1000;

/// Images that are named of those that lack their files.
const EXAMPLES: usize = 3;

/// Checks every promise that can be read off the database, also while a server runs. Nothing is changed.
pub fn run(options: Options) -> Result<ExitCode, Failure> {
    let url = options.database_url.unwrap_or_else(|| DATABASE_URL_DEFAULT.to_owned());
    let place = options.image_store.unwrap_or_else(|| image_store_beside(&url));
    let pool = db::open_to_verify(&url).map_err(Failure::new)?;
    let mut faults = {
        let conn = &mut *pool.get().map_err(Failure::new)?;
        if db::has_pending_migrations(conn).map_err(Failure::new)? {
            return Err(Failure::new("the database is one of an older haggle: run `haggle migrate` first"));
        }
        check(conn, &step_bar()).map_err(Failure::new)?
    };
    let images = actix::System::new().block_on(check_images(&pool, &place));
    faults.extend(images.map_err(|error| Failure::new(format!("the images can't be checked: {error}")))?);
    for Fault { what, count, examples } in &faults {
        print(&format!("{count} {what}: {}", examples.join(", ")));
    }
    if faults.is_empty() {
        let conn = &mut *pool.get().map_err(Failure::new)?;
        let db::Contents { rooms, messages } = db::count_contents(conn).map_err(Failure::new)?;
        print(&format!("{rooms} rooms and {messages} messages are as promised"));
        return Ok(ExitCode::SUCCESS);
    }
    print("a database that is not as promised is replaced with `haggle restore FILE`, which keeps it");
    Ok(ExitCode::FAILURE)
}

/// Checks a database, with a progress bar on a terminal.
pub(super) fn check(conn: &mut Connection, bar: &ProgressBar) -> Result<Vec<Fault>, DbError> {
    let faults = db::verify(conn, || bar.inc(1));
    bar.finish_and_clear();
    faults
}

/// What is wrong, for a message of one line.
pub(super) fn faults_in_one_line(faults: &[Fault]) -> String {
    let named = faults.iter().map(|fault| format!("{} {} ({})", fault.count, fault.what, fault.examples.join(", ")));
    named.collect::<Vec<_>>().join("; ")
}

/// A bar for bytes. indicatif draws on stderr, and not at all when that is no terminal.
pub(super) fn progress_bar(bytes: u64) -> ProgressBar {
    styled(ProgressBar::new(bytes), "{bar:40} {percent:>3} %  {bytes} of {total_bytes}  {eta} left")
}

/// A bar for the checks.
pub(super) fn step_bar() -> ProgressBar {
    styled(ProgressBar::new(db::count_steps()), "{bar:40} {percent:>3} %  check {pos} of {len}")
}

fn styled(bar: ProgressBar, style: &str) -> ProgressBar {
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style);
    }
    bar
}

/// Why images could not be checked.
#[derive(Debug, thiserror::Error)]
enum ImageCheckError {
    #[error(transparent)]
    Database(#[from] DbError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Whether each message's image has its files.
async fn check_images(pool: &Pool, place: &str) -> Result<Vec<Fault>, ImageCheckError> {
    let mut store = None;
    let (mut after, mut missing, mut unreadable) = (0, Vec::new(), Vec::new());
    loop {
        let page = db::list_images(&mut *pool.get()?, after, IMAGES_A_PAGE)?;
        let Some(last) = page.last() else { break };
        after = last.position;
        // A store that no image asks for is not made.
        if store.is_none() {
            store = Some(ImageStore::open(place)?);
        }
        let Some(store) = &store else { break };
        unreadable.extend(page.iter().filter(|image| image.image.is_none()).map(|image| image.position));
        for position in without_files(store, &page).await? {
            // Its message may have been deleted since the page was read.
            let still = db::list_images(&mut *pool.get()?, position - 1, 1)?;
            if still.first().is_some_and(|image| image.position == position) {
                missing.push(position);
            }
        }
    }
    let fault = |what, positions: Vec<i64>| {
        let count = i64::try_from(positions.len()).unwrap_or(i64::MAX);
        let examples = positions.iter().take(EXAMPLES).map(|position| format!("position {position}")).collect();
        (count > 0).then_some(Fault { what, count, examples })
    };
    let missing = fault("images whose files are not in the image store", missing);
    let unreadable = fault("images whose message does not say where their files are", unreadable);
    Ok(missing.into_iter().chain(unreadable).collect())
}

async fn without_files(store: &ImageStore, images: &[ImageOfMessage]) -> Result<Vec<i64>, StoreError> {
    let asked = images.iter().filter_map(|found| Some((found.position, found.image.as_ref()?))).map(
        |(position, image)| async move {
            let has = store.has(&image.key).await? && store.has(&image.thumbnail_key).await?;
            Ok::<_, StoreError>((!has).then_some(position))
        },
    );
    let positions: Vec<Option<i64>> = stream::iter(asked).buffered(LOOKS_AT_ONCE).try_collect().await?;
    Ok(positions.into_iter().flatten().collect())
}
