//! Several nodes: three haggle processes on one PostgreSQL and one NATS, two hundred conversations whose members sit on different
//! nodes, and whatever may happen to all of them.
//!
//! Each test drives the same load and checks the same promise: whatever was acknowledged, every session of its room received it
//! in order and once. `HAGGLE_CLUSTER_SECONDS` gives another time than 30 s.
//! Two tests run at a time.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    missing_docs,
    unreachable_pub,
    dead_code,
    reason = "a failed expectation is a failed test"
)]

mod support;

mod delivery;
mod faults;
mod jobs;
mod presence;
mod read_only;
mod routing;
mod staff;
mod throughput;
