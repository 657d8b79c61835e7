//! `haggle import FILE.ndjson`.
