//! haggle: an actor-model chat server for marketplaces.

pub mod auth;
pub mod cli;
pub mod clock;
pub mod config;
pub mod db;
pub mod domain;
pub mod error;
pub mod metrics;
pub mod protocol;
pub mod tls;
