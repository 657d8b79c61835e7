//! A load for chat servers: clients on raw epoll, no runtime in their way, and a check of every delivery.
//!
//! One thread is one [`io::Io`] with its own connections; a [`io::Workload`] says what they do. Threads share nothing but
//! the moment of the start, so that the load grows with its cores.
//!
//! The binary `haggle-load` is what the benchmark runs; `haggle bench` is the same code against a user's own server.

pub mod frame;
pub mod histogram;
pub mod http;
pub mod io;
pub mod ledger;
pub mod outcome;
pub mod process;
pub mod stamp;
pub mod texts;
pub mod token;
pub mod wire;
pub mod workload;
