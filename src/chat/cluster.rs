//! Several nodes on one database: what they send each other, and what the database makes good.

pub(super) mod nodes;
pub mod reconcile;
