//! The database: one function an operation, each one transaction, each on a connection that the caller holds.
//!
//! Writes go through [`write_batch()`] (and [`open_room()`]), on the one connection that writes; the rest only reads.

mod backup;
mod claim;
mod connection;
mod deliver_events;
mod deliver_web_pushes;
mod discarded_images;
mod error;
mod export_user;
mod free_space;
mod generation;
mod import;
mod job_lock;
mod list_events;
mod list_messages;
mod list_missed;
mod list_other_members;
mod list_product_rooms;
mod list_rooms;
mod list_sanctions;
mod list_staff_rooms;
mod list_unread;
mod load_room;
mod message_index;
mod migrations;
mod models;
mod news;
mod notify_unread;
mod open_room;
mod opening;
mod operation_error;
mod page_bytes;
mod pool;
mod prepared;
mod push_subscriptions;
#[cfg(test)]
mod query_plans;
mod read_many;
mod schema;
mod screen_message;
mod search_messages;
mod sqlite_file;
#[cfg(test)]
mod support_tests;
mod tail;
#[cfg(test)]
pub(crate) mod test_db;
mod user_names;
mod verify;
mod wal;
mod wal_mark;
mod write_batch;

pub use backup::{
    Contents, Restore, begin_restore, copy_into, count_contents, finish_copy, next_to, open_copy, open_to_copy,
    open_to_verify, publish,
};
pub use claim::{Claim, claim};
pub use connection::Connection;
pub use deliver_events::{
    Deliverable, DeliveryOutcome, EventDelivery, begin_event_delivery, claim_events, find_deliverable, finish_events,
};
pub use deliver_web_pushes::{
    DueSubscription, DueWebPush, WebPushOutcome, claim_subscription, count_web_pushes, find_web_push, finish_web_push,
    list_due_subscriptions,
};
pub use discarded_images::{forget_discarded_images, list_discarded_images};
pub use error::DbError;
pub use export_user::{ExportPart, ExportPlace, export_user};
pub use free_space::{
    PAGES_A_READING, PAGES_A_TRANSACTION, copy_log, count_pages, empty_log, find_residue, overwrite_residue,
    rewrite_database,
};
pub use import::{ImportOptions, ImportWatch, Imported, import, import_str};
pub use job_lock::{JobLock, NodeJob, take_job_lock};
pub use list_events::{EventPage, list_events};
pub use list_messages::{MessagePage, Messages, list_messages};
pub use list_missed::{Missed, Seen, list_missed};
pub use list_other_members::{OtherMember, list_other_members};
pub use list_product_rooms::list_product_rooms;
pub use list_rooms::{InvalidCursor, RoomCursor, RoomList, list_rooms};
pub use list_sanctions::{SanctionCursor, list_sanctions};
pub use list_staff_rooms::{
    StaffRoom, StaffRoomCursor, StaffRoomList, list_joined_rooms, list_staff_rooms, load_staff_rooms,
};
pub use list_unread::list_unread;
pub use load_room::{MemberState, RoomState, find_room, load_room};
pub use message_index::{
    IndexChanges, IndexSlice, Indexed, follow_changes, index_messages, is_index_behind, merge_index,
};
pub use migrations::{has_pending_migrations, migrate};
pub use models::{
    audit::{AuditFilter, list_audit},
    block::list_blocks,
    former::find_former_texts,
    message::is_message_in,
    note::list_notes,
    product::{find_product, list_products},
    recovery::{end_recoveries, find_recovery},
    removed::{erase_removed_words, find_removed_words, is_removed_before},
    report::{
        HeldMessage, NewReport, OpenReport, ReportAssignee, ReportFilter, ReportUser, Reported, find_report,
        list_reports, store_report,
    },
    room::{allow_contact, has_room, is_member},
    room_staff::is_room_staff,
    user::{
        SignIn, UserDetails, find_settings, find_sign_in, find_user, find_user_details, find_users, is_deleted,
        list_users,
    },
    wave::list_waves,
};
pub use news::{
    Behind, ChangedMessage, CommitCursor, Committed, News, Noted, find_installation, find_messages, find_newest,
    list_behind, list_news, list_renamed,
};
pub use notify_unread::{
    DueNotification, NotificationOutcome, NotificationsPending, NotifyBy, begin_notifications, claim_notification,
    count_notifications, find_unread, finish_notification, list_due_notifications, queue_notifications,
};
pub use open_room::{Opened, open_room, open_room_for, open_support_room};
pub use opening::{open_to_serve, open_to_work};
pub use operation_error::{DbFailure, OperationError};
pub use pool::{Pool, PooledConnection, open, sqlite_file};
pub use push_subscriptions::{Subscribed, list_push_subscriptions, put_push_subscription, remove_push_subscription};
pub use read_many::{BytesMax, Standing, find_standing, find_standings, list_histories, load_rooms};
pub use screen_message::{
    ScreenContext, ScreenDecision, find_edited_for_screen, find_room_for_screen, is_stored, note_screened,
};
pub use search_messages::{SearchCursor, SearchPage, search_all_messages, search_messages};
pub use sqlite_file::log_path;
pub use tail::{Scope, Settled, Tail, TailProgress, Unsettled, read_unsettled, settle_everything};
pub use user_names::{NameCursor, fill_names, find_users_by_name, has_unfilled_names};
pub use verify::{Fault, ImageOfMessage, count_steps, list_images, verify};
pub use wal::{MarkedLog, fold_idle_log, fold_log, mark_log};
pub use wal_mark::{FoundFile, inspect};
pub use write_batch::{
    ErasureProgress, Moderate, Moderation, OfferMoved, Outcomes, ProductChange, ReadMark, SanctionSet, StaffMoved,
    Write, WriteError, Written, finish_erasures, list_erasures, write_batch, write_deferred,
};

use connection::{Backend, prelude};

/// Asks the database for nothing, to see whether it answers.
///
/// # Errors
/// [`DbError`] when it does not.
pub fn ping(conn: &mut Connection) -> Result<(), DbError> {
    use prelude::*;
    // A table and not a constant: a file that is gone or damaged must show.
    schema::users::table.select(schema::users::id).limit(1).get_result::<String>(conn).optional()?;
    Ok(())
}

/// Commits a change that changes nothing, to see whether the disk takes it.
///
/// # Errors
/// [`DbError`] when it does not.
pub fn try_commit(conn: &mut Connection) -> Result<(), DbError> {
    conn.immediate_transaction(|conn| match conn {
        // A row that gets the same values again would not be written.
        Connection::Sqlite(_) => wal_mark::write_again(conn),
        #[cfg(feature = "postgres")]
        Connection::Postgres(_) => Ok(conn.batch_execute("UPDATE installation SET identity = identity")?),
    })
}

/// Whether what is written now would be stored: a PostgreSQL server can be made read-only, or be a standby.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn takes_writes(conn: &mut Connection) -> Result<bool, DbError> {
    match conn {
        Connection::Sqlite(_) => Ok(true),
        #[cfg(feature = "postgres")]
        Connection::Postgres(conn) => Ok(conn.takes_writes()?),
    }
}
