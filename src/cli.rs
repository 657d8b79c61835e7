//! A file a command.

pub mod import;
