//! The reasons that a label may have. Each is exported from the start with 0: a rate sees the first event, too, and a graph
//! without events is a line and not a gap.

/// Why the server ends sessions and connections.
pub(super) const EVICTIONS: [&str; 6] =
    ["too_slow", "ping_timeout", "without_token", "slow_head", "unread_answer", "refused"];

/// The limits. `typing` is not refused but left out.
pub(super) const RATE_LIMITED: [&str; 21] = [
    "connections",
    "connections_per_address",
    "connects_per_second",
    "database_waiting",
    "flooding",
    "handshakes_per_address",
    "requests_in_flight",
    "requests_per_second",
    "requests_without_token",
    "rooms_changed",
    "rooms_per_session",
    "screen_refusals",
    "sends_per_second",
    "sessions_per_second",
    "sessions_per_user",
    "status_changes",
    "typing",
    "unread_answers",
    "uploads_per_user",
    "writes_pending",
    "writes_per_user",
];

/// What becomes of a push: the push service has taken it; the subscription has ended and was removed; it was not taken and is tried
/// again, or is not, or was too old.
pub(super) const WEB_PUSHES: [&str; 5] = ["delivered", "gone", "failed", "refused", "given_up"];

/// What becomes of a question about a message: an answer, or why there is none.
pub(super) const SCREEN_VERDICTS: [&str; 8] =
    ["allow", "warn", "replace", "refuse", "hold", "no_answer", "busy", "unreachable"];

/// Why a token is refused: what `AuthError::reason` returns.
pub(crate) const AUTH_FAILURES: [&str; 16] = [
    "missing",
    "two_tokens",
    "bad_subprotocol",
    "malformed",
    "reserved_user",
    "wrong_algorithm",
    "wrong_kind",
    "bad_signature",
    "unknown_key",
    "keys_unavailable",
    "expired",
    "not_yet_valid",
    "wrong_issuer",
    "wrong_audience",
    "room_token",
    "room_token_expired",
];
