//! `haggle demo`.
