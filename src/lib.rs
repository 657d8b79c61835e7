//! haggle: an actor-model chat server for marketplaces.

pub mod actors;
pub mod auth;
pub mod broker;
pub mod chat;
pub mod cli;
pub mod clock;
pub mod config;
pub mod db;
pub mod domain;
pub mod error;
pub mod http;
pub mod http_agent;
pub mod images;
pub mod metrics;
pub mod protocol;
pub mod server;
pub mod tls;

pub use config::Config;
pub use server::{Server, ServerBuilder};
