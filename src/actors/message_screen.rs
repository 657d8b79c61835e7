//! A say before a message is stored: which events the marketplace is asked about, the question, and what its answer makes of them.

pub mod refusals;

use std::{
    collections::HashMap,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
};

use futures_util::FutureExt as _;
use serde::Serialize;

use self::refusals::Refusals;
use crate::{
    actors::{
        db_executor::{
            Database,
            purpose::{Reading, Writing},
        },
        screener::Screener,
    },
    chat::request::{Change, Message, ReplyTo, RoomRequest, SessionEvent},
    clock::Clock,
    db::{self, DbError, HeldMessage, Scope, ScreenContext, ScreenDecision, Write},
    domain::{
        ClientId, Data, Draft, MaskingPolicy, MessageId, MessageKind, Product, RoomId, RoomKind, Screened, Timestamp,
        UserId,
        masking::Inspected,
        message::SYSTEM_SENDER,
        screen::{ScreenFallback, ScreenedKinds, Verdict},
        stored_image::StoredImage,
    },
    error::{ChatError, ErrorCode, ErrorParams},
    metrics::{self, Metrics},
    protocol::{json::to_json, view::SignImageUrls},
};

/// Rooms whose members are known to have said something, so that nobody looks again. Beyond that all are forgotten.
const ROOMS_MAX: usize = 10_000;

/// What an event comes to.
#[derive(Debug)]
pub enum Asked {
    /// It goes on, perhaps with other words.
    Passed(SessionEvent),
    /// It goes on, and this change follows it if it is stored.
    Warned(SessionEvent, Box<Notice>),
    /// It ends here.
    Refused(ReplyTo, ChatError),
}

/// A message of the marketplace's that follows another one.
#[derive(Debug)]
pub struct Notice {
    pub room: RoomId,
    pub write: Write,
}

/// Asks the marketplace about messages and edits. Cheap to clone.
#[derive(Debug, Clone)]
pub struct MessageScreen {
    pub screener: Screener,
    pub kinds: ScreenedKinds,
    pub fallback: ScreenFallback,
    pub masking: MaskingPolicy,
    pub database: Database,
    pub clock: Clock,
    pub image_urls: Arc<dyn SignImageUrls>,
    pub speakers: Speakers,
    pub refusals: Refusals,
    pub metrics: Arc<Metrics>,
}

/// Members who have said something in a room. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Speakers(Arc<Mutex<HashMap<RoomId, Vec<UserId>>>>);

impl Speakers {
    fn has(&self, room: &RoomId, user: &UserId) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(room).is_some_and(|speakers| speakers.contains(user))
    }

    fn add(&self, room: &RoomId, user: &UserId) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= ROOMS_MAX && !known.contains_key(room) {
            known.clear();
        }
        // One of its two members: they are added when the database has said so.
        let speakers = known.entry(room.clone()).or_default();
        if !speakers.contains(user) {
            speakers.push(user.clone());
        }
    }
}

/// The question's body.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Question<'a> {
    event: &'static str,
    /// `send` or `edit`.
    action: &'static str,
    at: Timestamp,
    room_id: &'a RoomId,
    #[serde(skip_serializing_if = "RoomKind::is_product")]
    room_kind: RoomKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    product: Option<&'a Product>,
    sender_id: &'a UserId,
    recipient_id: &'a UserId,
    first_contact: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<&'a MessageId>,
    kind: MessageKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a Data>,
    images: Vec<String>,
}

/// What is asked about.
#[derive(Debug, Clone, Copy)]
struct Subject<'a> {
    sender: &'a UserId,
    client_id: Option<&'a ClientId>,
    /// The message that gets other words.
    edited: Option<&'a MessageId>,
    kind: MessageKind,
    text: Option<&'a str>,
    data: Option<&'a Data>,
    /// Nothing that it holds asks for the question, but that it may be the first one.
    if_first: bool,
}

/// What the answer comes to, when the audit log has it.
#[derive(Debug)]
enum Decided {
    Passed,
    Warned(Notice),
    /// With what the masking rule makes of the new words.
    Replaced(String, Inspected),
    Refused(ChatError),
}

impl MessageScreen {
    /// Whether an event may have to wait for an answer. While the marketplace does not answer, what is stored without one need
    /// not.
    #[must_use]
    pub fn asks_about(&self, event: &SessionEvent) -> bool {
        let (sender, is_asked) = match event {
            SessionEvent::InRoom(RoomRequest::Message(Message { draft, is_asked, .. })) => {
                let may_be_first = || self.kinds.first_contact && !self.speakers.has(&draft.room, &draft.sender);
                if draft.kind == MessageKind::System || !(*is_asked || may_be_first()) {
                    return false;
                }
                (&draft.sender, *is_asked)
            }
            SessionEvent::Change(Change { write: Write::Edit { editor, .. }, is_asked: true, .. }) => (editor, true),
            _ => return false,
        };
        let now = self.clock.now();
        // One of whom much was refused has to wait for an answer now, too.
        let passes = self.fallback == ScreenFallback::Allow
            && self.screener.skips(now)
            && self.refusals.check(sender, now).is_ok();
        if passes && is_asked {
            self.screener.count_skipped();
        }
        !passes
    }

    /// Asks about an event. One whose question fails by a fault of haggle's own is decided as without an answer.
    pub async fn ask(&self, event: SessionEvent) -> Asked {
        let decided = AssertUnwindSafe(self.decide_event(&event)).catch_unwind().await;
        self.apply(event, decided.unwrap_or_else(|_| self.fall_back()))
    }

    async fn decide_event(&self, event: &SessionEvent) -> Decided {
        match event {
            SessionEvent::InRoom(RoomRequest::Message(Message { draft, is_asked, .. })) => {
                self.decide_message(draft, !is_asked).await
            }
            SessionEvent::Change(Change { write: Write::Edit { message, editor, text, .. }, .. }) => {
                self.decide_edit(message, editor, text).await
            }
            _ => Decided::Passed,
        }
    }

    fn apply(&self, mut event: SessionEvent, decided: Decided) -> Asked {
        match decided {
            Decided::Passed => Asked::Passed(event),
            Decided::Warned(notice) => Asked::Warned(event, Box::new(notice)),
            Decided::Replaced(text, inspected) => {
                match &mut event {
                    SessionEvent::InRoom(RoomRequest::Message(message)) => {
                        message.draft.text = Some(text);
                        (message.draft.screened, message.ends) = (inspected.screened, inspected.ends);
                    }
                    SessionEvent::Change(Change {
                        write: Write::Edit { text: words, inspected: known, .. }, ..
                    }) => {
                        (*words, *known) = (text, inspected);
                    }
                    _ => {}
                }
                Asked::Passed(event)
            }
            Decided::Refused(error) => match event {
                SessionEvent::InRoom(RoomRequest::Message(message)) => Asked::Refused(message.reply, error),
                SessionEvent::Change(change) => Asked::Refused(change.reply, error),
                other => Asked::Passed(other),
            },
        }
    }

    async fn decide_message(&self, draft: &Draft, if_first: bool) -> Decided {
        let subject = Subject {
            sender: &draft.sender,
            client_id: draft.client_id.as_ref(),
            edited: None,
            kind: draft.kind,
            text: draft.text.as_deref(),
            data: draft.data.as_ref(),
            if_first,
        };
        match self.find_room(&draft.room, &draft.sender).await {
            Ok(Some(context)) => self.decide(&context, subject).await,
            // The chat itself says why not.
            Ok(None) => Decided::Passed,
            Err(error) => self.decide_unasked(&error),
        }
    }

    async fn decide_edit(&self, message: &MessageId, editor: &UserId, text: &str) -> Decided {
        let (found, user, now) = (message.clone(), editor.clone(), self.clock.now());
        let find = Reading::check(editor.clone(), "find_edited_for_screen");
        let found = self.database.read(find, Scope::Message(message.clone()), move |conn| {
            db::find_edited_for_screen(conn, &found, &user, now)
        });
        let context = match found.await {
            Ok(Some(context)) => context,
            Ok(None) => return Decided::Passed,
            Err(error) => return self.decide_unasked(&error),
        };
        let subject = Subject {
            sender: editor,
            client_id: None,
            edited: Some(message),
            kind: MessageKind::Text,
            text: Some(text),
            data: None,
            if_first: false,
        };
        self.decide(&context, subject).await
    }

    /// The room of a message; `None` for a stranger, and where nothing can be said.
    async fn find_room(&self, room: &RoomId, sender: &UserId) -> Result<Option<ScreenContext>, DbError> {
        let has_spoken = self.speakers.has(room, sender);
        // What they said before may not be settled.
        let scope = if has_spoken { Scope::Nothing } else { Scope::Room(room.clone()) };
        let (id, user, now) = (room.clone(), sender.clone(), self.clock.now());
        let find = Reading::check(sender.clone(), "find_room_for_screen");
        let found = self
            .database
            .read(find, scope, move |conn| db::find_room_for_screen(conn, &id, &user, has_spoken, now))
            .await?;
        if found.as_ref().is_some_and(|context| !context.is_first) {
            self.speakers.add(room, sender);
        }
        Ok(found)
    }

    /// While the database does not say what to ask.
    fn decide_unasked(&self, error: &DbError) -> Decided {
        log::warn!("the marketplace can't be asked about a message: {error}");
        self.fall_back()
    }

    fn fall_back(&self) -> Decided {
        match self.fallback {
            ScreenFallback::Allow => Decided::Passed,
            ScreenFallback::Refuse => {
                let sentence = "the marketplace can't check this right now, try again in a moment";
                Decided::Refused(ChatError::new(ErrorCode::Unavailable, sentence))
            }
        }
    }

    async fn decide(&self, context: &ScreenContext, subject: Subject<'_>) -> Decided {
        if subject.if_first && !context.is_first {
            return Decided::Passed;
        }
        let now = self.clock.now();
        if let Err(retry_after_ms) = self.refusals.check(subject.sender, now) {
            if self.is_stored(&context.room_id, subject).await {
                return Decided::Passed;
            }
            metrics::count(&self.metrics.rate_limited, "screen_refusals");
            return Decided::Refused(ChatError::rate_limited(retry_after_ms));
        }
        let verdict = self.screener.ask(self.question(context, subject, now), now).await;
        match verdict {
            Some(Verdict::Allow) => Decided::Passed,
            // Its ack was lost, so it comes again: the other member has it, and the chat answers as it did.
            Some(_) if self.is_stored(&context.room_id, subject).await => Decided::Passed,
            Some(verdict) => self.carry_out(context, subject, verdict).await,
            None => self.fall_back(),
        }
    }

    async fn is_stored(&self, room: &RoomId, subject: Subject<'_>) -> bool {
        let Some(client) = subject.client_id.cloned() else { return false };
        let (scope, room, sender) = (Scope::Room(room.clone()), room.clone(), subject.sender.clone());
        let find = Reading::check(sender.clone(), "find_client_key");
        let found = self.database.read(find, scope, move |conn| db::is_stored(conn, &room, &sender, &client));
        found.await.unwrap_or_default()
    }

    fn question(&self, context: &ScreenContext, subject: Subject<'_>, at: Timestamp) -> Vec<u8> {
        let image = subject.data.filter(|_| subject.kind == MessageKind::Image).and_then(StoredImage::parse);
        let question = Question {
            event: "screen",
            action: if subject.edited.is_some() { "edit" } else { "send" },
            at,
            room_id: &context.room_id,
            room_kind: RoomKind::of(context.product.as_ref()),
            product: context.product.as_ref(),
            sender_id: subject.sender,
            recipient_id: &context.recipient_id,
            first_contact: context.is_first,
            message_id: subject.edited,
            kind: subject.kind,
            text: subject.text,
            data: subject.data.filter(|_| image.is_none()),
            images: image.iter().map(|image| self.image_urls.sign(&image.key)).collect(),
        };
        to_json(&question).to_vec()
    }

    /// Writes down what was decided, and has staff look at what is held.
    async fn carry_out(&self, context: &ScreenContext, subject: Subject<'_>, verdict: Verdict) -> Decided {
        let at = self.clock.now();
        if matches!(verdict, Verdict::Refuse(_) | Verdict::Hold(_)) {
            self.refusals.add(subject.sender, at);
        }
        let held = matches!(verdict, Verdict::Hold(_)).then(|| HeldMessage {
            kind: subject.kind,
            text: subject.text.map(str::to_owned),
            data: subject.data.cloned(),
        });
        let decision = ScreenDecision {
            room: context.room_id.clone(),
            sender: subject.sender.clone(),
            message: subject.edited.cloned(),
            verdict: verdict.clone(),
            held,
            at,
        };
        let note = Writing::change(subject.sender.clone(), "note_screened");
        let noted = self
            .database
            .write(note, Scope::Room(context.room_id.clone()), move |conn| db::note_screened(conn, &decision));
        let noted: Result<bool, DbError> = noted.await;
        let is_seen = match noted {
            Ok(is_seen) => is_seen,
            Err(error) => {
                log::error!("a decision of --screen-url is not in the audit log, and not carried out: {error}");
                return Decided::Refused(ChatError::unavailable());
            }
        };
        match verdict {
            Verdict::Allow => Decided::Passed,
            Verdict::Warn(text) => Decided::Warned(notice(context, subject.sender, text, at)),
            Verdict::Replace(text) => {
                let inspected = self.masking.inspect(Some(&text));
                Decided::Replaced(text, inspected)
            }
            Verdict::Refuse(reason) => {
                let own = || "the marketplace does not let this through".to_owned();
                let error = ChatError::new(ErrorCode::Refused, reason.clone().unwrap_or_else(own));
                let params = reason.map(|reason| Box::new(ErrorParams { reason }));
                Decided::Refused(ChatError { params, ..error })
            }
            Verdict::Hold(_) if is_seen => Decided::Refused(ChatError::new(
                ErrorCode::Held,
                "the marketplace reviews this before it lets it through: it was not sent",
            )),
            // Nobody would ever look at it.
            Verdict::Hold(_) => Decided::Refused(ChatError::unavailable()),
        }
    }
}

/// Says something in the room, about the sender.
fn notice(context: &ScreenContext, sender: &UserId, text: String, at: Timestamp) -> Notice {
    #[derive(Serialize)]
    struct NoticeAbout<'a> {
        about: &'a UserId,
    }
    let room = context.room_id.clone();
    let write = Write::Append(Draft {
        room: room.clone(),
        sender: UserId::from_stored(SYSTEM_SENDER),
        client_id: None,
        kind: MessageKind::System,
        text: Some(text),
        data: Some(Data::of(&NoticeAbout { about: sender })),
        reply_to: None,
        sent_at: at,
        screened: Screened::Clean,
        by_staff: false,
    });
    Notice { room, write }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tempfile::TempDir;

    use super::*;
    use crate::{auth::webhook_signature::WebhookSigner, db::test_db::open_alices_room, domain::screen::ScreenWhen};

    /// A fault.
    #[derive(Debug)]
    struct Faulty;

    impl SignImageUrls for Faulty {
        fn sign(&self, _: &str) -> String {
            panic!("a fault of haggle's own")
        }
    }

    #[actix_web::test]
    async fn an_event_whose_question_fails_by_a_fault_is_decided_as_without_an_answer() {
        let folder = TempDir::new().unwrap();
        let pool = db::open(folder.path().join("haggle.db").to_str().unwrap(), 2).unwrap();
        db::migrate(&pool).unwrap();
        let room = open_alices_room(&mut pool.get().unwrap());
        let metrics = Arc::new(Metrics::default());
        let signer = WebhookSigner::new("a secret of webhooks, 32 bytes or more");
        let url = "http://127.0.0.1:9/hook";
        let image = StoredImage {
            key: "k".to_owned(),
            thumbnail_key: "t".to_owned(),
            width: 1,
            height: 1,
            bytes: 1,
            content_type: "image/png".to_owned(),
        };
        for (fallback, is_refused) in [(ScreenFallback::Allow, false), (ScreenFallback::Refuse, true)] {
            let screen = MessageScreen {
                screener: Screener::new(url, signer.clone(), Duration::from_secs(1), 1024, Arc::clone(&metrics)),
                kinds: ScreenedKinds::from_iter([ScreenWhen::All]),
                fallback,
                masking: MaskingPolicy::Off,
                database: Database::start(&pool, 1, Arc::clone(&metrics)),
                clock: Clock::manual(Timestamp(0)),
                image_urls: Arc::new(Faulty),
                speakers: Speakers::default(),
                refusals: Refusals::default(),
                metrics: Arc::clone(&metrics),
            };
            let draft = Draft {
                room: room.clone(),
                sender: UserId::new("alice").unwrap(),
                client_id: None,
                kind: MessageKind::Image,
                text: None,
                data: Some(Data::of(&image)),
                reply_to: None,
                sent_at: Timestamp(0),
                screened: Screened::Clean,
                by_staff: false,
            };
            let message = Message { draft, ends: None, grant: None, is_asked: true, reply: ReplyTo::Nobody };
            match screen.ask(message.into()).await {
                Asked::Passed(SessionEvent::InRoom(RoomRequest::Message(_))) => assert!(!is_refused),
                Asked::Refused(ReplyTo::Nobody, error) => {
                    assert!(is_refused && error.code == ErrorCode::Unavailable, "{error}");
                }
                other => panic!("{other:?}"),
            }
        }
    }
}
