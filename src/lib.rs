//! haggle: an actor-model chat server for marketplaces.
//!
//! [`ServerBuilder`] starts a server from a [`Config`] inside your own process; the program `haggle` is the same with a command
//! line.

#![allow(
    rustdoc::private_intra_doc_links,
    reason = "haggle's own documentation is built with --document-private-items"
)]

mod actors;
mod api_docs;
mod auth;
mod broker;
mod chat;
mod cli;
mod clock;
pub mod config;
mod db;
mod domain;
mod error;
mod http;
mod http_agent;
mod images;
#[doc(hidden)]
pub mod internals;
mod metrics;
mod protocol;
mod server;
mod tls;

pub use clock::Clock;
pub use config::Config;
pub use metrics::Metrics;
pub use server::{Server, ServerBuilder, StartError};
pub use tls::TlsError;
