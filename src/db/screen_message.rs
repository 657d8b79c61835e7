//! A say before a message is stored: what the marketplace is asked, and what is written down of its answer.

use serde::Serialize;

use super::{
    Connection, DbError,
    models::{
        audit::{self, NewEntry},
        message,
        report::{self, HeldMessage},
        room::RoomDetails,
    },
};
use crate::domain::{
    AuditAction, AuditSubject, ClientId, Data, MessageId, Moderator, Product, RoomId, Timestamp, UserId,
    screen::Verdict,
};

/// Where somebody wants to say something.
#[derive(Debug, Clone, PartialEq)]
pub struct ScreenContext {
    pub room_id: RoomId,
    /// What the room is about; `None` for a support room.
    pub product: Option<Product>,
    /// The other member.
    pub recipient_id: UserId,
    /// The sender has said nothing there so far.
    pub is_first: bool,
}

/// What the marketplace has decided.
#[derive(Debug, Clone, PartialEq)]
pub struct ScreenDecision {
    pub room: RoomId,
    pub sender: UserId,
    /// The message that was to be edited.
    pub message: Option<MessageId>,
    pub verdict: Verdict,
    /// What staff is to look at.
    pub held: Option<HeldMessage>,
    pub at: Timestamp,
}

/// What the marketplace is asked with a message. `None` for a stranger, and where the sender can't say anything: then there is
/// nothing to ask. `has_spoken` where it is known that it is not their first one.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn find_room_for_screen(
    conn: &mut Connection,
    room: &RoomId,
    sender: &UserId,
    has_spoken: bool,
    now: Timestamp,
) -> Result<Option<ScreenContext>, DbError> {
    conn.transaction(|conn| {
        let Some(details) = RoomDetails::find(conn, room)? else { return Ok(None) };
        let Some(role) = details.row.role_of(sender) else { return Ok(None) };
        let is_muted = details.members[role].muted_until.is_some_and(|until| until > now);
        if details.is_closed() || details.frozen || is_muted {
            return Ok(None);
        }
        let recipient_id = UserId::from_stored(details.row.user_of(role.other()));
        let is_first = !has_spoken && !message::has_said_something(conn, room, sender)?;
        Ok(Some(ScreenContext { room_id: room.clone(), product: details.room.product, recipient_id, is_first }))
    })
}

/// Whether a message is stored under its sender's key.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn is_stored(conn: &mut Connection, room: &RoomId, sender: &UserId, client: &ClientId) -> Result<bool, DbError> {
    let key = (room.as_str(), sender.as_str(), client.as_str());
    Ok(!message::find_by_client_keys(conn, &[key])?.is_empty())
}

/// The same of new words for a message of one's own.
///
/// # Errors
/// [`DbError`] when the database does not answer.
pub fn find_edited_for_screen(
    conn: &mut Connection,
    message: &MessageId,
    editor: &UserId,
    now: Timestamp,
) -> Result<Option<ScreenContext>, DbError> {
    match message::find(conn, message.as_str())?.filter(|message| message.sender_id == *editor) {
        Some(found) => find_room_for_screen(conn, &found.room_id, editor, true, now),
        None => Ok(None),
    }
}

/// Writes a decision into the audit log, and what is held into the queue of reports. Returns whether staff will see it there: a
/// sender may have only so much of it, and has to be a member still.
///
/// # Errors
/// [`DbError`] when the database does not answer; then nothing was written.
pub fn note_screened(conn: &mut Connection, decision: &ScreenDecision) -> Result<bool, DbError> {
    #[derive(Serialize)]
    struct Details {
        decision: &'static str,
    }
    let ScreenDecision { room, sender, message, verdict, held, at } = decision;
    let reason = match verdict {
        Verdict::Allow | Verdict::Replace(_) => None,
        Verdict::Warn(text) => Some(text.as_str()),
        Verdict::Refuse(reason) | Verdict::Hold(reason) => reason.as_deref(),
    };
    conn.immediate_transaction(|conn| {
        let report_id = match held {
            Some(held) => report::hold(conn, room, sender, held, reason, *at)?,
            None => None,
        };
        let is_seen = held.is_none() || report_id.is_some();
        let about = AuditSubject {
            user_id: Some(sender.clone()),
            room_id: Some(room.clone()),
            message_id: message.clone(),
            report_id,
            ..AuditSubject::default()
        };
        let details = Data::of(&Details { decision: verdict.name() });
        let entry = NewEntry {
            at: *at,
            by: &Moderator::Screen,
            action: AuditAction::ScreenMessage,
            about: &about,
            reason,
            details: Some(&details),
        };
        audit::insert(conn, &entry)?;
        Ok(is_seen)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        db::{
            AuditFilter, ErasureProgress, NewReport, ReportFilter, Reported, Write, Written, list_audit, list_reports,
            store_report,
            test_db::{NOW, TestDb, room, say, user_id, write},
        },
        domain::{
            MessageKind,
            offer::Price,
            safety::{Report, ReportCategory, ReportState},
        },
    };

    fn held(room: &RoomId, text: &str) -> ScreenDecision {
        ScreenDecision {
            room: room.clone(),
            sender: user_id("alice"),
            message: None,
            verdict: Verdict::Hold(Some("a scam".to_owned())),
            held: Some(HeldMessage { kind: MessageKind::Text, text: Some(text.to_owned()), data: None }),
            at: NOW,
        }
    }

    fn open_reports(conn: &mut Connection) -> Vec<Report> {
        list_reports(conn, &ReportFilter::all(ReportState::Open), None, 100).unwrap().0
    }

    #[test]
    fn what_is_asked_says_who_where_and_whether_it_is_the_first_time() {
        let db = TestDb::new();
        let conn = &mut db.conn();
        let a = room(conn, "alice", "bike");
        let find =
            |conn: &mut Connection, user: &str| find_room_for_screen(conn, &a, &user_id(user), false, NOW).unwrap();
        let first = find(conn, "alice").unwrap();
        assert_eq!((first.recipient_id.as_str(), first.is_first), ("carol", true));
        assert_eq!(first.product.unwrap().id.as_str(), "bike");
        let price = Price { amount: 100, currency: "USD".to_owned() };
        let (maker, client_id) = (user_id("alice"), None);
        write(conn, Write::MakeOffer { room: a.clone(), maker, price, client_id, at: NOW }).unwrap();
        assert!(find(conn, "alice").unwrap().is_first, "an offer says nothing");
        let said = say(conn, &a, "alice", "hello");
        assert!(!find(conn, "alice").unwrap().is_first && find(conn, "carol").unwrap().is_first);
        assert_eq!(find(conn, "mallory"), None);
        let edited = |conn: &mut Connection, user: &str| {
            find_edited_for_screen(conn, &said.id, &user_id(user), NOW).unwrap().is_some()
        };
        assert!(edited(conn, "alice") && !edited(conn, "carol"));
    }

    #[test]
    fn what_is_held_is_in_the_queue_and_in_the_audit_log_up_to_a_limit() {
        let db = TestDb::new();
        let conn = &mut db.conn();
        let a = room(conn, "alice", "bike");
        say(conn, &a, "carol", "what do you want?");
        for _ in 0..20 {
            assert!(note_screened(conn, &held(&a, "your code, please")).unwrap());
        }
        assert!(!note_screened(conn, &held(&a, "one too many")).unwrap());
        let reports = open_reports(conn);
        assert_eq!(reports.len(), 20);
        let texts: Vec<_> = reports[0].messages.iter().map(|message| message.text.as_deref().unwrap()).collect();
        assert_eq!(texts, ["your code, please"], "an erasure of the other member's words would not find them here");
        assert_eq!(reports[0].message_id.as_ref(), reports[0].messages.last().map(|message| &message.id));
        let (entries, _) = list_audit(conn, &AuditFilter::Room(a), None, 100, usize::MAX).unwrap();
        assert_eq!(entries.len(), 21, "what has no place in the queue is decided all the same");
        assert_eq!((&entries[0].by, entries[0].action), (&Moderator::Screen, AuditAction::ScreenMessage));
        assert_eq!(entries[20].about.report_id.as_ref(), Some(&reports[0].id));
        assert_eq!(entries[0].about.report_id, None);
    }

    #[test]
    fn what_is_held_takes_no_place_of_what_its_sender_reports() {
        let db = TestDb::new();
        let conn = &mut db.conn();
        let a = room(conn, "alice", "bike");
        let said = say(conn, &a, "carol", "what do you want?");
        while note_screened(conn, &held(&a, "your code, please")).unwrap() {}
        let new = NewReport {
            reporter: user_id("alice"),
            room: a.clone(),
            message: Some(said.id),
            category: ReportCategory::Spam,
            text: None,
            at: NOW,
        };
        assert!(matches!(store_report(conn, &new), Ok(Reported::New(_))));
    }

    #[test]
    fn an_image_that_is_held_is_there_in_words_alone() {
        let db = TestDb::new();
        let conn = &mut db.conn();
        let a = room(conn, "alice", "bike");
        let mut decision = held(&a, "my photo");
        let data = Data::from_json(r#"{"key":"k"}"#.to_owned()).unwrap();
        decision.held.as_mut().unwrap().kind = MessageKind::Image;
        decision.held.as_mut().unwrap().data = Some(data);
        assert!(note_screened(conn, &decision).unwrap());
        let report = open_reports(conn).remove(0);
        assert_eq!((report.messages[0].text.as_deref(), &report.messages[0].data), (Some("my photo"), &None));
        let text = "Held before it was sent, with an image that is not kept: a scam";
        assert_eq!(report.text.as_deref(), Some(text));
    }

    #[test]
    fn nothing_is_held_of_who_is_no_member_any_more() {
        let db = TestDb::new();
        let conn = &mut db.conn();
        let a = room(conn, "alice", "bike");
        write(conn, Write::DeleteUser { user: user_id("alice"), at: NOW }).unwrap();
        assert!(!note_screened(conn, &held(&a, "alice's secret")).unwrap());
        assert_eq!(open_reports(conn), []);
    }

    #[test]
    fn an_erasure_takes_the_words_that_were_held() {
        let db = TestDb::new();
        let conn = &mut db.conn();
        let a = room(conn, "alice", "bike");
        note_screened(conn, &held(&a, "alice's secret")).unwrap();
        write(conn, Write::DeleteUser { user: user_id("alice"), at: NOW }).unwrap();
        while !matches!(
            write(conn, Write::EraseWords { user: user_id("alice"), at: NOW }),
            Ok(Written::WordsErased { progress: ErasureProgress::Done, .. })
        ) {}
        let reports = open_reports(conn);
        assert_eq!((reports[0].text.as_deref(), reports[0].messages[0].text.as_deref()), (None, None));
    }
}
