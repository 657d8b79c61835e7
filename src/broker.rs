//! What carries events between the nodes of one installation.
//!
//! The database is the record, and the broker only a hint: whatever it loses is seen by `seq`, by the order of commits or by
//! silence, and made good from the database. So it needs no store of its own, no acknowledgements and no order across subjects.
//!
//! [`event`] is what nodes tell each other, [`subject`] where, and [`nats`] how.

pub mod event;
pub mod nats;
pub mod subject;

pub use event::{Envelope, NodeEvent, NodeId, PresenceOf};
pub use subject::{Subjects, Topic};
