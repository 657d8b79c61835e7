//! A room in the user's own list of conversations, with its last message and its current offer.

use serde::Serialize;

use super::{MessageView, Presenter};
use crate::{
    api_docs::ToSchema,
    domain::{MemberMarks, Room, RoomSettings, RoomSummary, Seq, Timestamp, User, offer::StandingOffer},
};

/// A room in one's own list of conversations.
#[derive(Serialize, ToSchema)]
#[schema(as = RoomSummary)]
#[serde(rename_all = "camelCase")]
pub struct RoomSummaryView<'a> {
    /// The room itself.
    #[serde(flatten)]
    room: &'a Room,
    /// The other member.
    other: OtherMemberView<'a>,
    /// The newest message, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_message: Option<MessageView<'a>>,
    /// The offer that stands here: it waits for its answer, or was accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    offer: Option<&'a StandingOffer>,
    /// `seq` of the newest message; 0 while there is none.
    last_seq: Seq,
    /// How far one has read.
    read_seq: Seq,
    /// How far messages have reached a device of one's own, never below `readSeq`.
    delivered_seq: Seq,
    /// Messages of the other side after `readSeq`. Counted, never stored.
    unread: i64,
    /// Nobody can send anything here. One of the two has blocked the other, and neither learns who; or the other was
    /// deleted.
    closed: bool,
    /// The marketplace has frozen the conversation: nobody can send anything until it is unfrozen. Absent otherwise.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    frozen: bool,
    /// Who of the marketplace's staff has joined the conversation. Absent where nobody has.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(required = false)]
    staff: &'a [User],
    /// The user's own settings of the room, which the other member never sees.
    settings: RoomSettings,
}

/// The other member of a room in one's own list.
#[derive(Serialize, ToSchema)]
#[schema(as = OtherMember)]
#[serde(rename_all = "camelCase")]
pub struct OtherMemberView<'a> {
    /// The member, as the others see them.
    #[serde(flatten)]
    user: &'a User,
    /// How far they have read; 0 where the two don't share it.
    read_seq: Seq,
    /// How far messages have reached a device of theirs, never below `readSeq`; 0 where the two don't share it.
    delivered_seq: Seq,
    /// When they were last active, to the minute. Absent where the two don't share it, and while it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_seen_at: Option<Timestamp>,
}

impl<'a> OtherMemberView<'a> {
    fn of(RoomSummary { other, other_marks, .. }: &'a RoomSummary) -> Self {
        let MemberMarks { read_seq, delivered_seq, last_seen_at } = *other_marks;
        Self { user: other, read_seq, delivered_seq, last_seen_at }
    }
}

impl<'a> RoomSummaryView<'a> {
    #[must_use]
    pub fn of(summary: &'a RoomSummary, presenter: &Presenter<'_>) -> Self {
        Self {
            room: &summary.room,
            other: OtherMemberView::of(summary),
            last_message: summary.last_message.as_ref().map(|message| MessageView::of(message, presenter)),
            offer: presenter.standing(summary.offer.as_ref()),
            last_seq: summary.last_seq,
            read_seq: summary.read_seq,
            delivered_seq: summary.delivered_seq,
            unread: summary.unread,
            closed: summary.closed,
            frozen: summary.frozen,
            staff: &summary.staff,
            settings: summary.listing.settings(),
        }
    }
}
