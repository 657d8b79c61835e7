//! The actors, their mailboxes and what they say to each other.
//!
//! | actor | thread | mailbox is bounded by |
//! | --- | --- | --- |
//! | [`session::ws::WsSession`] | the HTTP worker that opened it | one connection's timers and notices |
//! | [`session::engine_io::EngineSession`] | the HTTP worker that opened it | the same, and one POST or one frame at a time |
//! | [`hub::Hub`] | one for each HTTP worker | one list of operations for each turn of the `ChatServer` |
//! | [`chat_server::ChatServer`] | an arbiter of its own | each session's in-flight cap |
//! | [`bus::Bus`] | an arbiter of its own, with `--nats-url` | lists that the `ChatServer` drops when it is full |
//! | [`eraser::Eraser`] | the one that started the server | one message per `DELETE` of a user |
//! | [`notifier::Notifier`] | an arbiter of its own | one message in a server's life |
//! | [`db_executor::DbExecutor`] | a few threads that read, one that writes | permits |

pub mod bus;
pub mod chat_server;
pub mod db_executor;
pub mod eraser;
pub mod event_sender;
pub mod hub;
pub mod image_sweeper;
pub mod memory_keeper;
pub mod message_indexer;
pub mod message_screen;
pub mod name_filler;
pub mod notifier;
pub mod outbox;
pub mod push_service;
pub mod screener;
pub mod session;
pub mod signed_post;
pub mod tail_settler;
pub mod wal_keeper;
pub mod web_pusher;
pub mod webhook;
