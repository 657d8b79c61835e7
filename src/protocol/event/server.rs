//! Answers and events that a client receives.

use std::time::Duration;

use serde::Serialize;

use crate::{
    api_docs::ToSchema,
    domain::{Room, RoomId, RoomSummary, Seq, Timestamp, UnreadTotal, User, UserId, offer::StandingOffer},
    error::{ChatError, ErrorCode, ErrorParams},
    protocol::view::{MessageView, Presenter, RoomSummaryView},
};

/// Acknowledgement of `enterRoom`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Entered<'a> {
    /// The room.
    pub room: &'a Room,
    /// Its two members and how they stand.
    pub members: Vec<Member>,
    /// `seq` of the newest message; 0 while there is none.
    pub last_seq: Seq,
    /// How far one has read oneself.
    pub read_seq: Seq,
    /// The offer that stands here: it waits for its answer, or was accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offer: Option<&'a StandingOffer>,
    /// What was asked for, oldest first.
    pub messages: Vec<MessageView<'a>>,
    /// Nobody can send anything here. One of the two has blocked the other, and neither learns who; or the other was
    /// deleted.
    pub closed: bool,
    /// The marketplace has frozen the conversation: nobody can send anything until it is unfrozen. Absent otherwise.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub frozen: bool,
    /// Who of the marketplace's staff has joined the conversation. Absent where nobody has.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub staff: &'a [User],
    /// Whether there is more: later ones when `after` was given, else earlier ones.
    pub has_more: bool,
    /// The server's time, to count down by: a device's own clock may be days off.
    pub server_time: Timestamp,
}

/// Who of the marketplace's staff is in a room.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RoomStaff<'a> {
    /// Id of the room.
    pub room_id: &'a RoomId,
    /// The first one first.
    pub staff: &'a [User],
}

/// A member of a room.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    /// The member, as the others see them.
    #[serde(flatten)]
    pub user: User,
    /// Whether at least one of their sessions is in the room; `false` where the two don't share it.
    pub online: bool,
    /// How far they have read; 0 where the two don't share it.
    pub read_seq: Seq,
    /// How far messages have reached a device of theirs, never below `readSeq`; 0 where the two don't share it.
    pub delivered_seq: Seq,
    /// When the other member was last active, to the minute. Absent while they are online, where the two don't share it, and
    /// while it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_seen_at: Option<Timestamp>,
}

/// Acknowledgement of `read`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReadUpTo {
    /// How far one has read now; it never goes back.
    pub read_seq: Seq,
}

/// Acknowledgement of `delivered`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeliveredUpTo {
    /// How far messages have reached a device of one's own; it never goes back, and is never below `readSeq`.
    pub delivered_seq: Seq,
}

/// Acknowledgement of `authenticate`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Authenticated {
    /// When the token expires. The connection ends at most 30 s later unless it is renewed again.
    pub expires_at: Timestamp,
    /// The server's time, to count down by.
    pub server_time: Timestamp,
}

/// How a client can notice that its connection is dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HeartbeatTerms {
    /// How often the server pings, in milliseconds.
    pub ping_interval_ms: u64,
    /// How long the server waits for a sign of life, and how long a client should, in milliseconds.
    pub ping_timeout_ms: u64,
}

impl HeartbeatTerms {
    /// Those of a server's two settings.
    #[must_use]
    pub fn new(ping_interval: Duration, ping_timeout: Duration) -> Self {
        let [ping_interval_ms, ping_timeout_ms] =
            [ping_interval, ping_timeout].map(|span| u64::try_from(span.as_millis()).unwrap_or(u64::MAX));
        Self { ping_interval_ms, ping_timeout_ms }
    }
}

/// Acknowledgement of `heartbeat`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Alive {
    /// The server's time, to count down by.
    pub server_time: Timestamp,
    /// How a client can notice that its connection is dead.
    #[serde(flatten)]
    pub terms: HeartbeatTerms,
}

/// What the server sends unasked.
#[derive(Serialize)]
#[serde(untagged)]
pub enum ServerEvent<'a> {
    /// A message was stored.
    Message(MessageView<'a>),
    /// A message was edited or deleted.
    MessageUpdated(MessageView<'a>),
    /// A member came or went.
    #[serde(rename_all = "camelCase")]
    Presence {
        room_id: RoomId,
        user_id: UserId,
        /// Whether they are there now.
        online: bool,
        /// When somebody who went was last active, to the minute, where the members share it.
        #[serde(skip_serializing_if = "Option::is_none")]
        last_seen_at: Option<Timestamp>,
    },
    /// A member types or stopped typing.
    #[serde(rename_all = "camelCase")]
    Typing {
        room_id: RoomId,
        user_id: UserId,
        /// Whether they type.
        typing: bool,
    },
    /// A member has read.
    #[serde(rename_all = "camelCase")]
    Read {
        room_id: RoomId,
        user_id: UserId,
        /// `seq` of the last message that the user has seen.
        seq: Seq,
    },
    /// Messages have reached a member's device.
    #[serde(rename_all = "camelCase")]
    Delivered {
        room_id: RoomId,
        user_id: UserId,
        /// `seq` of the last message that has arrived.
        seq: Seq,
    },
    /// An event failed that asked for no acknowledgement, or the connection is about to end.
    Error(ErrorNotice),
    /// The server shuts down.
    #[serde(rename_all = "camelCase")]
    Draining {
        /// How long to wait before reconnecting, including the jitter.
        reconnect_in_ms: u64,
    },
}

/// Data of `roomUpdated`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RoomUpdated<'a> {
    /// The same as `id`.
    room_id: &'a RoomId,
    /// The room as it stands in the user's list.
    #[serde(flatten)]
    summary: RoomSummaryView<'a>,
    /// What the user has not read, over all rooms of their list that are not muted. Absent while the server can't count.
    #[serde(skip_serializing_if = "Option::is_none")]
    unread_total: Option<UnreadTotal>,
}

impl<'a> RoomUpdated<'a> {
    /// The event for one of a room's members, without a total: nodes share it, and each knows the totals of its own users.
    #[must_use]
    pub fn of(summary: &'a RoomSummary, presenter: &Presenter<'_>) -> Self {
        Self { room_id: &summary.room.id, summary: RoomSummaryView::of(summary, presenter), unread_total: None }
    }
}

/// Data of `error`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ErrorNotice {
    /// The stable code.
    #[schema(value_type = String)]
    pub code: ErrorCode,
    /// One sentence that says what to do next.
    pub message: String,
    /// The event that failed, if it was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// For `rate_limited`: when the next try can succeed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// For `muted`: when the mute expires; absent for one without an end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// For `refused`: the marketplace's reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub params: Option<Box<ErrorParams>>,
}

impl ErrorNotice {
    /// The notice for an error, and for the event that it answers.
    #[must_use]
    pub fn new(error: &ChatError, event: Option<&str>) -> Self {
        Self {
            code: error.code,
            message: error.message.clone().into_owned(),
            event: event.map(str::to_owned),
            retry_after_ms: error.retry_after_ms,
            until: error.until,
            params: error.params.clone(),
        }
    }
}

impl ServerEvent<'_> {
    /// Its name on the wire.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Message(_) => "message",
            Self::MessageUpdated(_) => "messageUpdated",
            Self::Presence { .. } => "presence",
            Self::Typing { .. } => "typing",
            Self::Read { .. } => "read",
            Self::Delivered { .. } => "delivered",
            Self::Error(_) => "error",
            Self::Draining { .. } => "draining",
        }
    }
}
