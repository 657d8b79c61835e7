//! The promises of the contract, a module each, against a real server over real sockets.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    missing_docs,
    unreachable_pub,
    dead_code,
    reason = "a failed expectation is a failed test"
)]

mod answering;
mod authorization;
mod backup;
mod banned_sellers;
mod closing;
mod command_line;
mod connections;
mod data;
mod desk;
mod disk_full;
mod drain;
mod durability;
mod events;
mod frozen_rooms;
mod identity;
mod image_addresses;
mod images;
mod limits;
mod lists;
mod logs;
mod masking;
mod measuring;
mod messages;
mod notices;
mod offers;
mod one_file;
mod page;
mod personal_data;
mod postgres;
mod presence;
mod proxied;
mod push;
mod races;
mod reactions;
mod receipts;
mod rest;
mod room_settings;
mod room_staff;
mod safety;
mod screen;
mod search;
mod slow_reader;
mod socket_io;
mod staff;
mod support;
mod support_rooms;
mod tls;
mod two_wires;
mod unread_notification;
mod webhook_events;
mod wire;
