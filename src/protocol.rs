//! Bytes ↔ values, without a socket.

pub mod event;
pub mod json;
pub mod push;
pub mod websocket;
