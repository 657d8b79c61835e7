//! The promises of the contract, a module each, against a real server over real sockets.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    missing_docs,
    unreachable_pub,
    dead_code,
    reason = "a failed expectation is a failed test"
)]

mod authorization;
mod identity;
mod images;
mod masking;
mod messages;
mod search;
mod support;
mod wire;
