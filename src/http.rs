//! HTTP: the routes, who calls them, and how errors are reported.

pub mod admission;
pub mod api;
pub mod body;
pub mod client_address;
pub mod compressed;
pub mod connection;
pub mod deadlines;
pub mod descriptors;
pub mod embed;
pub mod engine_io;
pub mod extract;
pub mod health;
pub mod images;
pub mod listener;
pub mod openapi;
pub mod origin;
pub mod policy;
pub mod problem;
pub mod readiness;
pub mod request_log;
#[cfg(test)]
pub mod responses;
pub mod routes;
pub mod socket_io;
pub mod state;
pub mod static_files;
pub mod workers;
pub mod ws;
