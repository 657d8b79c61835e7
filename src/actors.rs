//! The actors, their mailboxes and what they say to each other.
//!
//! | actor | thread | mailbox is bounded by |
//! | --- | --- | --- |
//! | [`session::ws::WsSession`] | the HTTP worker that opened it | one connection's timers and notices |
//! | [`hub::Hub`] | one for each HTTP worker | one list of operations for each turn of the `ChatServer` |
//! | [`chat_server::ChatServer`] | an arbiter of its own | each session's in-flight cap |
//! | [`db_executor::DbExecutor`] | a few threads that read, one that writes | permits |

pub mod chat_server;
pub mod db_executor;
pub mod hub;
pub mod message_indexer;
#[cfg(test)]
pub(crate) mod panics;
pub mod session;
