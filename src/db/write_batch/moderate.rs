//! What the marketplace's staff and its backend do: each action and its entry in the audit log are one transaction.

use serde::Serialize;

use super::{Outcomes, SanctionSet, Write, WriteError, WriteResult, Written, append, catalogue, room_staff, safety};
use crate::{
    db::{
        Connection, DbError, message_index,
        models::{audit, message, note, product, removed, room, sanction, support_wait, user},
    },
    domain::{
        AuditAction, AuditSubject, Data, Draft, MessageId, MessageKind, Moderator, Note, NoteSubject, Product,
        ProductId, Role, RoomId, Sanction, SanctionKind, Timestamp, User, UserId, notice::WarningTemplate,
        safety::Decision, staff::NEVER,
    },
};

/// One action, who acts, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Moderate {
    pub by: Moderator,
    /// Why, in their own words.
    pub reason: Option<String>,
    pub at: Timestamp,
    /// What they do.
    pub what: Moderation,
}

/// What the marketplace's staff or its backend does. Each has its entry in the audit log.
#[derive(Debug, Clone, PartialEq)]
pub enum Moderation {
    /// Reads something: this is the entry alone, written before the answer is sent.
    Read {
        /// What was read.
        action: AuditAction,
        about: AuditSubject,
        /// What was asked for.
        details: Option<Data>,
    },
    /// Mutes or bans a user. It replaces an earlier one of its kind.
    SetSanction {
        kind: SanctionKind,
        user: UserId,
        /// When it ends by itself; a mute always does.
        until: Option<Timestamp>,
    },
    /// Ends a mute, also one that is a report's decision, or a ban.
    EndSanction { kind: SanctionKind, user: UserId },
    /// Lets nobody say anything in a room, or lets them again.
    SetFrozen {
        room: RoomId,
        /// Whether nobody can.
        frozen: bool,
    },
    /// Removes a message. Its words are kept for a time.
    RemoveMessage { room: RoomId, message: MessageId },
    /// Takes a product down, or puts it back.
    SetUnlisted {
        product: ProductId,
        /// Whether it is down.
        unlisted: bool,
    },
    /// Warns a member of a room, by a message that both members see.
    Warn { user: UserId, template: WarningTemplate, draft: Draft },
    /// Lets the one who acts join a room as a member of the staff.
    JoinRoom {
        room: RoomId,
        /// They, as their token names them.
        user: User,
    },
    /// Takes the one who acts out of a room that they have joined.
    LeaveRoom { room: RoomId, user: UserId },
    /// Ends the wait of a support room's user for an answer.
    EndWait { room: RoomId },
    /// Decides a report. A second decision replaces the first.
    DecideReport {
        report: String,
        /// What is decided.
        decision: Decision,
        /// Until when the reported user can't say anything.
        mute_until: Option<Timestamp>,
    },
    /// Gives a report to a member of the staff.
    AssignReport {
        report: String,
        /// To whom; `None` for nobody.
        assignee: Option<UserId>,
    },
    /// Writes a note.
    AddNote {
        /// About whom or what.
        about: NoteSubject,
        /// The words.
        text: String,
    },
    /// Notes that a user's sessions were ended.
    EndSessions { user: UserId },
    /// Deletes a user for good, as [`Write::DeleteUser`] does.
    DeleteUser { user: UserId },
}

/// Carries an action out, and writes it down.
pub(super) fn perform(conn: &mut Connection, moderate: &Moderate, now: Timestamp) -> WriteResult {
    let written = act(conn, moderate, now)?;
    let (about, details) = (moderate.about(&written), moderate.details());
    let entry = audit::NewEntry {
        at: moderate.at,
        by: &moderate.by,
        action: moderate.action(),
        about: &about,
        reason: moderate.reason.as_deref(),
        details: details.as_ref(),
    };
    audit::insert(conn, &entry)?;
    Ok(written)
}

fn act(conn: &mut Connection, moderate: &Moderate, now: Timestamp) -> WriteResult {
    let at = moderate.at;
    match &moderate.what {
        Moderation::Read { .. } => Ok(Written::Recorded(None)),
        Moderation::SetSanction { kind, user, until } => set_sanction(conn, moderate, *kind, user, *until),
        Moderation::EndSanction { kind, user } => end_sanction(conn, *kind, user, at),
        Moderation::SetFrozen { room, frozen } => match room::set_frozen(conn, room, *frozen)? {
            Some(changed) => Ok(Written::RoomFrozen { room: room.clone(), frozen: *frozen, changed }),
            None => Err(WriteError::NotFound("room").into()),
        },
        Moderation::RemoveMessage { room, message } => remove_message(conn, room, message, at),
        Moderation::SetUnlisted { product, unlisted } => set_unlisted(conn, product, *unlisted, at),
        Moderation::Warn { user, draft, .. } => warn(conn, user, draft, now),
        Moderation::JoinRoom { room, user } => room_staff::join(conn, room, user, at, now),
        Moderation::LeaveRoom { room, user } => room_staff::leave(conn, room, user, at, now),
        Moderation::EndWait { room } => end_wait(conn, room),
        Moderation::DecideReport { report, decision, mute_until } => {
            safety::decide_report(conn, report, *decision, *mute_until, at)
        }
        Moderation::AssignReport { report, assignee } => safety::assign_report(conn, report, assignee.as_ref()),
        Moderation::AddNote { about, text } => add_note(conn, moderate, about, text),
        Moderation::EndSessions { user } => Ok(Written::SessionsEnded { user: user.clone() }),
        Moderation::DeleteUser { user } => catalogue::delete_user(conn, user, at),
    }
}

impl Moderate {
    /// What the audit log calls it.
    fn action(&self) -> AuditAction {
        match &self.what {
            Moderation::Read { action, .. } => *action,
            Moderation::SetSanction { kind: SanctionKind::Mute, .. } => AuditAction::MuteUser,
            Moderation::SetSanction { kind: SanctionKind::Ban, .. } => AuditAction::BanUser,
            Moderation::EndSanction { kind: SanctionKind::Mute, .. } => AuditAction::UnmuteUser,
            Moderation::EndSanction { kind: SanctionKind::Ban, .. } => AuditAction::UnbanUser,
            Moderation::SetFrozen { frozen: true, .. } => AuditAction::FreezeRoom,
            Moderation::SetFrozen { frozen: false, .. } => AuditAction::UnfreezeRoom,
            Moderation::RemoveMessage { .. } => AuditAction::RemoveMessage,
            Moderation::SetUnlisted { unlisted: true, .. } => AuditAction::UnlistProduct,
            Moderation::SetUnlisted { unlisted: false, .. } => AuditAction::RelistProduct,
            Moderation::Warn { .. } => AuditAction::WarnUser,
            Moderation::JoinRoom { .. } => AuditAction::JoinRoom,
            Moderation::LeaveRoom { .. } => AuditAction::LeaveRoom,
            Moderation::EndWait { .. } => AuditAction::EndWait,
            Moderation::DecideReport { .. } => AuditAction::DecideReport,
            Moderation::AssignReport { .. } => AuditAction::AssignReport,
            Moderation::AddNote { .. } => AuditAction::AddNote,
            Moderation::EndSessions { .. } => AuditAction::EndSessions,
            Moderation::DeleteUser { .. } => AuditAction::DeleteUser,
        }
    }

    /// About whom it is: by what was asked for, and by what came of it.
    fn about(&self, written: &Written) -> AuditSubject {
        let mut about = match &self.what {
            Moderation::Read { about, .. } => about.clone(),
            Moderation::SetSanction { user, .. }
            | Moderation::EndSanction { user, .. }
            | Moderation::EndSessions { user }
            | Moderation::DeleteUser { user }
            | Moderation::AddNote { about: NoteSubject::User(user), .. } => AuditSubject::user(user),
            Moderation::SetFrozen { room, .. }
            | Moderation::JoinRoom { room, .. }
            | Moderation::LeaveRoom { room, .. }
            | Moderation::EndWait { room } => AuditSubject::room(room),
            Moderation::RemoveMessage { room, message } => {
                AuditSubject { message_id: Some(message.clone()), ..AuditSubject::room(room) }
            }
            Moderation::SetUnlisted { product, .. } => AuditSubject::product(product),
            Moderation::Warn { user, draft, .. } => {
                AuditSubject { user_id: Some(user.clone()), ..AuditSubject::room(&draft.room) }
            }
            Moderation::DecideReport { report, .. }
            | Moderation::AssignReport { report, .. }
            | Moderation::AddNote { about: NoteSubject::Report(report), .. } => AuditSubject::report(report),
        };
        match written {
            Written::Recorded(Some(user)) => about.user_id = Some(user.clone()),
            Written::Changed(message) => about.user_id = Some(message.sender_id.clone()),
            Written::Appended { message, .. } => about.message_id = Some(message.id.clone()),
            Written::ProductPut { change, .. } => about.user_id = Some(change.product.seller_id.clone()),
            Written::ReportDecided { report, .. } | Written::ReportAssigned(report) => {
                about.user_id = Some(report.reported_id.clone());
                about.room_id = Some(report.room_id.clone());
            }
            _ => {}
        }
        about
    }

    /// What else the audit log says.
    fn details(&self) -> Option<Data> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Until {
            #[serde(skip_serializing_if = "Option::is_none")]
            until: Option<Timestamp>,
        }
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Decided {
            decision: Decision,
            #[serde(skip_serializing_if = "Option::is_none")]
            mute_until: Option<Timestamp>,
        }
        #[derive(Serialize)]
        struct Assigned<'a> {
            #[serde(skip_serializing_if = "Option::is_none")]
            assignee: Option<&'a UserId>,
        }
        #[derive(Serialize)]
        struct Warned {
            template: WarningTemplate,
        }
        match &self.what {
            Moderation::Read { details, .. } => details.clone(),
            Moderation::SetSanction { until, .. } => Some(Data::of(&Until { until: *until })),
            Moderation::DecideReport { decision, mute_until, .. } => {
                Some(Data::of(&Decided { decision: *decision, mute_until: *mute_until }))
            }
            Moderation::AssignReport { assignee, .. } => Some(Data::of(&Assigned { assignee: assignee.as_ref() })),
            Moderation::Warn { template, .. } => Some(Data::of(&Warned { template: *template })),
            _ => None,
        }
    }
}

fn find_active(conn: &mut Connection, id: &UserId) -> WriteResult<User> {
    let row = user::find_row(conn, id.as_str())?.filter(|row| row.deleted_at.is_none());
    Ok(row.map(User::from).ok_or(WriteError::NotFound("user"))?)
}

fn set_sanction(
    conn: &mut Connection,
    moderate: &Moderate,
    kind: SanctionKind,
    id: &UserId,
    until: Option<Timestamp>,
) -> WriteResult {
    let user = find_active(conn, id)?;
    let reason = moderate.reason.clone().unwrap_or_default();
    sanction::put(conn, kind, id, until, &reason, &moderate.by, moderate.at)?;
    let (counts_until, changed) = match kind {
        SanctionKind::Mute => {
            let until = sanction::muted_until(conn, id)?;
            (until, user::set_muted_until(conn, id, until)?)
        }
        SanctionKind::Ban => {
            let until = Some(until.unwrap_or(NEVER));
            (until, user::set_banned_until(conn, id, until)?)
        }
    };
    let (by, created_at) = (Some(moderate.by.clone()), Some(moderate.at));
    let sanction = Sanction { user, until, reason: Some(reason), by, created_at };
    Ok(Written::SanctionSet(Box::new(SanctionSet { kind, sanction, until: counts_until, changed })))
}

/// Ending what does not stand changes nothing.
fn end_sanction(conn: &mut Connection, kind: SanctionKind, id: &UserId, at: Timestamp) -> WriteResult {
    let user = find_active(conn, id)?;
    sanction::delete(conn, kind, id)?;
    let changed = match kind {
        SanctionKind::Mute => {
            user::set_unmuted_at(conn, id, at)?;
            user::set_muted_until(conn, id, None)?
        }
        SanctionKind::Ban => user::set_banned_until(conn, id, None)?,
    };
    let sanction = Sanction { user, until: None, reason: None, by: None, created_at: None };
    Ok(Written::SanctionSet(Box::new(SanctionSet { kind, sanction, until: None, changed })))
}

fn remove_message(conn: &mut Connection, room: &RoomId, id: &MessageId, at: Timestamp) -> WriteResult {
    let Some(mut message) = message::find(conn, id.as_str())?.filter(|message| message.room_id == *room) else {
        return Err(WriteError::NotFound("message in this room").into());
    };
    if message.kind == MessageKind::Offer {
        return Err(WriteError::OfferStays.into());
    }
    if message.deleted_at.is_some() {
        return Err(WriteError::AlreadyDeleted.into());
    }
    // Also the files of a picture: they are discarded with these words.
    removed::keep(conn, &message, at)?;
    message_index::replace(conn, id, None)?;
    message::delete(conn, id, at)?;
    message::set_removed(conn, id)?;
    (message.text, message.data, message.deleted_at, message.is_removed) = (None, None, Some(at), true);
    (message.warnings, message.reactions) = (Vec::new(), Vec::new());
    Ok(Written::Changed(message))
}

fn set_unlisted(conn: &mut Connection, id: &ProductId, unlisted: bool, at: Timestamp) -> WriteResult {
    let Some(before) = product::find_product(conn, id)? else { return Err(WriteError::NotFound("product").into()) };
    let after = Product { unlisted, ..before.clone() };
    Ok(Written::ProductPut { created: false, change: catalogue::change_product(conn, &before, &after, None, at)? })
}

/// Ending the wait of somebody who does not wait changes nothing.
fn end_wait(conn: &mut Connection, id: &RoomId) -> WriteResult {
    // Locked against a message that begins one.
    let Some(room) = room::lock(conn, &[id.as_str()])?.remove(id.as_str()) else {
        return Err(WriteError::NotFound("room").into());
    };
    if !room.row.is_support() {
        return Err(WriteError::NotFound("support room").into());
    }
    support_wait::end(conn, id.as_str())?;
    Ok(Written::Recorded(Some(UserId::from_stored(room.row.user_of(Role::Buyer)))))
}

fn warn(conn: &mut Connection, id: &UserId, draft: &Draft, now: Timestamp) -> WriteResult {
    let Some(room) = room::lock(conn, &[draft.room.as_str()])?.remove(draft.room.as_str()) else {
        return Err(WriteError::NotFound("room").into());
    };
    if room.row.role_of(id).is_none() {
        return Err(WriteError::NotFound("member of this room").into());
    }
    let mut outcomes = Outcomes::new();
    append::write_run(conn, None, &[Write::Append(draft.clone())], now, &mut outcomes)?;
    match outcomes.pop() {
        Some(outcome) => Ok(outcome?),
        None => Err(DbError::Internal("a warning has no outcome".to_owned()).into()),
    }
}

fn add_note(conn: &mut Connection, moderate: &Moderate, about: &NoteSubject, text: &str) -> WriteResult {
    match about {
        NoteSubject::User(id) => drop(find_active(conn, id)?),
        NoteSubject::Report(id) if !note::has_report(conn, id)? => return Err(WriteError::NotFound("report").into()),
        NoteSubject::Report(_) => {}
    }
    let note = Note {
        id: uuid::Uuid::now_v7().simple().to_string(),
        text: text.to_owned(),
        by: moderate.by.clone(),
        created_at: moderate.at,
    };
    note::insert(conn, &note, about)?;
    Ok(Written::NoteAdded(Box::new(note)))
}
