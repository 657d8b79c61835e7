//! The database: one function an operation, each one transaction, each on a connection that the caller holds.
//!
//! Writes go through [`write_batch`] (and [`open_room`]), on the one connection that writes; the rest only reads.

mod connection;
mod error;
mod migrations;
mod pool;
mod schema;

pub use connection::Connection;
pub use error::DbError;
pub use migrations::migrate;
pub use pool::{Pool, PooledConnection, open};

use connection::Backend;
