//! Users and rooms as staff sees them.

use serde::Serialize;

use crate::{
    api_docs::ToSchema,
    db::{RoomState, UserDetails},
    domain::{Role, Room, Seq, Timestamp, User, UserId, offer::StandingOffer, staff::ends_at},
    protocol::view::{MessageView, Presenter},
};

/// A user as staff sees them.
#[derive(Serialize, ToSchema)]
#[schema(as = UserDetails)]
#[serde(rename_all = "camelCase")]
pub struct UserDetailsView<'a> {
    /// The user.
    #[serde(flatten)]
    user: &'a User,
    /// When they were made, as far as that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<Timestamp>,
    /// When they last changed, as far as that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    updated_at: Option<Timestamp>,
    /// When they were deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted_at: Option<Timestamp>,
    /// Until when they can't send anything; absent for a user who is not muted.
    #[serde(skip_serializing_if = "Option::is_none")]
    muted_until: Option<Timestamp>,
    /// Whether their tokens are refused now.
    banned: bool,
    /// Until when; absent for a ban that stays until it is ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    banned_until: Option<Timestamp>,
}

impl<'a> UserDetailsView<'a> {
    /// The view of one user at a moment.
    pub fn of(details: &'a UserDetails, now: Timestamp) -> Self {
        let stands = |until: &Timestamp| *until > now;
        let banned_until = details.banned_until.filter(stands);
        Self {
            user: &details.user,
            created_at: details.times.created_at,
            updated_at: details.times.updated_at,
            deleted_at: details.deleted_at,
            muted_until: details.muted_until.filter(stands),
            banned: banned_until.is_some(),
            banned_until: banned_until.and_then(ends_at),
        }
    }
}

/// A room as staff sees it.
#[derive(Serialize, ToSchema)]
#[schema(as = StaffRoom)]
#[serde(rename_all = "camelCase")]
pub struct StaffRoomView<'a> {
    /// The room itself.
    #[serde(flatten)]
    room: &'a Room,
    /// How its two members stand, the buyer first. A support room has one.
    members: Vec<StaffMemberView<'a>>,
    /// The newest message, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_message: Option<MessageView<'a>>,
    /// The offer that stands here: it waits for its answer, or was accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    offer: Option<&'a StandingOffer>,
    /// `seq` of the newest message; 0 while there is none.
    last_seq: Seq,
    /// Nobody can send anything here: one of the two has blocked the other, or was deleted.
    closed: bool,
    /// Staff has frozen the room.
    frozen: bool,
    /// Who of the staff has joined the room, the first one first.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(required = false)]
    staff: &'a [User],
}

/// How one member of a room stands.
#[derive(Serialize, ToSchema)]
#[schema(as = StaffMember)]
#[serde(rename_all = "camelCase")]
pub struct StaffMemberView<'a> {
    /// Id of the user.
    user_id: &'a UserId,
    /// Which of the two they are.
    role: Role,
    /// How far they have read.
    read_seq: Seq,
    /// Whether they have blocked the other one.
    has_blocked: bool,
    /// Until when they can't send anything; absent for a user who is not muted.
    #[serde(skip_serializing_if = "Option::is_none")]
    muted_until: Option<Timestamp>,
}

impl<'a> StaffRoomView<'a> {
    pub fn of(state: &'a RoomState, presenter: &Presenter<'_>) -> Self {
        let now = presenter.now();
        let members: &[Role] = if state.room.kind.is_product() { &Role::BOTH } else { &[Role::Buyer] };
        Self {
            room: &state.room,
            members: members
                .iter()
                .map(|role| {
                    let role = *role;
                    let member = state.member(role);
                    StaffMemberView {
                        user_id: &state.member_user(role).id,
                        role,
                        read_seq: member.read_seq,
                        has_blocked: member.has_blocked,
                        muted_until: member.muted_until.filter(|until| *until > now),
                    }
                })
                .collect(),
            last_message: state.last_message.as_ref().map(|message| MessageView::of(message, presenter)),
            offer: presenter.standing(state.offer.as_ref()),
            last_seq: state.last_seq,
            closed: state.is_closed(),
            frozen: state.frozen,
            staff: &state.staff,
        }
    }
}
