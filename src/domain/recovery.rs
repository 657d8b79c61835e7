//! Connection state recovery: what a client of Socket.IO that reconnects in time gets back.

use super::{RoomId, Seq, Timestamp, UserId};

/// For how long after its end a session can be recovered, in milliseconds: as long as the official server's default.
pub const RECOVERY_MS: i64 = 2 * 60 * 1000;

/// A session that can be taken up again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovery {
    /// SHA-256, in hexadecimal, of the secret that only the client has.
    pub pid_hash: String,
    /// Whose it is: nobody else can recover it.
    pub user: UserId,
    /// The rooms that it was in, in the order in which it entered them, and up to where the client had each one's
    /// messages then.
    pub rooms: Vec<(RoomId, Seq)>,
    /// When it ended; `None` while it lives.
    pub ended_at: Option<Timestamp>,
}

impl Recovery {
    /// Whether a user may recover it now.
    #[must_use]
    pub fn is_open_to(&self, user: &UserId, now: Timestamp) -> bool {
        self.user == *user && self.ended_at.is_none_or(|at| now <= at.plus_ms(RECOVERY_MS))
    }
}
