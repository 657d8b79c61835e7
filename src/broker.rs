//! What carries events between the nodes of one installation.
//!
//! The database is the record, and the broker only a hint: whatever it loses is seen by `seq`, by the order of commits or by
//! silence, and made good from the database. So it needs no store of its own, no acknowledgements and no order across subjects.
//!
//! [`event`] is what nodes send each other, [`subject`] where, and [`nats`] how.

pub mod event;
#[cfg(feature = "postgres")]
pub mod nats;
#[cfg(not(feature = "postgres"))]
#[path = "broker/no_nats.rs"]
pub mod nats;
pub mod subject;

use thiserror::Error;

pub use event::{Envelope, NodeEvent, NodeId, PresenceOf};
pub use subject::{Subjects, Topic};

/// Why `--nats-url` can't be used. The address is not repeated: it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BadNatsUrl {
    /// It can't be an address of NATS.
    #[error("must be addresses of NATS with commas between them, like nats://127.0.0.1:4222")]
    NoAddress,
    /// Nodes share a PostgreSQL database, and this build knows none.
    #[error(
        "connects nodes that share a PostgreSQL database: build haggle with `--features postgres`, or leave it out"
    )]
    NotBuilt,
}
