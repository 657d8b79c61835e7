//! Bytes ↔ values, without a socket.

pub mod engine_io;
pub mod event;
pub mod json;
pub mod push;
pub mod socket_io;
pub mod view;
pub mod web_push;
pub mod websocket;
