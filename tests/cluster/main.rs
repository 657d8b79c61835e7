//! Several nodes: three haggle processes on one PostgreSQL and one NATS, two hundred conversations whose members sit on different
//! nodes, and whatever may happen to all of them.
//!
//! Each test drives the same load and checks the same promise: whatever was acknowledged, every session of its room received it
//! in order and once. `HAGGLE_CLUSTER_SECONDS` says for how long; the default suits a test run, 30 is the long one.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    // One test after the other: the lock is all that holds them apart.
    clippy::await_holding_lock,
    missing_docs,
    unreachable_pub,
    dead_code,
    reason = "a failed expectation is a failed test"
)]

mod support;

mod delivery;
mod faults;
mod presence;
mod routing;
mod throughput;
