//! A file a table: its rows, and the queries that touch it alone.

pub(super) mod audit;
pub(super) mod block;
pub(super) mod change;
pub(super) mod delivery_mark;
pub(super) mod former;
pub(super) mod message;
pub(super) mod note;
pub(super) mod notification;
pub(super) mod offer;
pub(super) mod product;
pub(super) mod push_subscription;
pub(super) mod recovery;
pub(super) mod removed;
pub(super) mod report;
pub(super) mod room;
pub(super) mod room_staff;
pub(super) mod sanction;
pub(super) mod support_wait;
pub(super) mod user;
pub(super) mod wave;
pub(super) mod web_push;
pub(super) mod webhook_progress;
