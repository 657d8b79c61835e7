//! A report, with the messages that are kept with it.

use serde::Serialize;

use super::{MessageView, Presenter};
use crate::{
    api_docs::ToSchema,
    domain::{
        MessageId, RoomId, Timestamp, UserId,
        safety::{Decision, Report, ReportCategory, ReportState},
    },
};

/// A member's report of the other one.
#[derive(Serialize, ToSchema)]
#[schema(as = Report)]
#[serde(rename_all = "camelCase")]
pub struct ReportView<'a> {
    /// Unique everywhere; grows with time.
    id: &'a str,
    /// The user who has reported.
    reporter_id: &'a UserId,
    /// The reported user.
    reported_id: &'a UserId,
    /// Id of the room.
    room_id: &'a RoomId,
    /// Which message, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<&'a MessageId>,
    /// What it is about.
    category: ReportCategory,
    /// What the reporter says about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    /// The reported message and those around it, oldest first, as they stood then.
    messages: Vec<MessageView<'a>>,
    /// When it was made.
    created_at: Timestamp,
    /// Whether it waits for its decision.
    state: ReportState,
    /// What was decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<Decision>,
    /// When it was decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    decided_at: Option<Timestamp>,
    /// Until when the reported user can't say anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    mute_until: Option<Timestamp>,
    /// The member of the staff who looks after it, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    assignee_id: Option<&'a UserId>,
}

impl<'a> ReportView<'a> {
    /// The view of one report. Its messages are shown as they stood when it was made: an offer that waited then still does.
    #[must_use]
    pub fn of(report: &'a Report, presenter: &Presenter<'_>) -> Self {
        Self {
            id: &report.id,
            reporter_id: &report.reporter_id,
            reported_id: &report.reported_id,
            room_id: &report.room_id,
            message_id: report.message_id.as_ref(),
            category: report.category,
            text: report.text.as_deref(),
            messages: presenter.at(report.created_at).messages(&report.messages),
            created_at: report.created_at,
            state: report.state,
            decision: report.decision,
            decided_at: report.decided_at,
            mute_until: report.mute_until,
            assignee_id: report.assignee_id.as_ref(),
        }
    }
}
