//! A room's messages: read, send, edit and delete.

use std::collections::HashMap;

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};

use super::{PAGE_BYTES_MAX, check_same, created_or_found, record};
#[cfg(test)]
use crate::http::{
    extract::Why,
    responses::{AsSpeaker, AsUser, Changed, Unknown, WithBody},
};
use crate::{
    actors::{chat_server::messages::AnnounceRoom, db_executor::purpose::Reading},
    api_docs::{self, IntoParams, ToSchema},
    db::{self, MessagePage, Moderation, Write},
    domain::{
        AuditAction, AuditSubject, Data, Draft, FormerText, MessageId, MessageKind, RemovedWords, RoomId, Seq,
        StoredMessage, UserId,
        id::SEQ_MAX,
        masking::Inspected,
        message::{SYSTEM_SENDER, check_size},
    },
    error::ChatError,
    http::{
        extract::{Body, Caller, InPath, InQuery, MemberOrStaff, SignedIn, Staff, whole_number},
        problem::Problem,
        state::{AppState, json_body},
    },
    protocol::{event::SendMessage, json::to_json, view::MessageView},
};

/// Most messages of a page.
const MESSAGES_MAX: i64 = 200;

/// Messages of a page when the caller does not say.
const MESSAGES_DEFAULT: i64 = 50;

/// Which page of a room's history: `before` or `after`, not both. Without either it is the newest page.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct MessagesQuery {
    /// Messages with a smaller `seq`, the last ones of them.
    #[param(value_type = Option<i64>, minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    before: Option<String>,
    /// Messages with a larger `seq`, the first ones of them.
    #[param(value_type = Option<i64>, minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    after: Option<String>,
    /// Most messages of the page.
    #[param(value_type = Option<i64>, minimum = 1, maximum = 200, default = 50)]
    limit: Option<String>,
}

impl MessagesQuery {
    fn page(&self) -> Result<MessagePage, ChatError> {
        let limit = whole_number("limit", self.limit.as_deref(), 1..=MESSAGES_MAX)?.unwrap_or(MESSAGES_DEFAULT);
        let before = whole_number("before", self.before.as_deref(), 0..=SEQ_MAX)?.map(Seq);
        let after = whole_number("after", self.after.as_deref(), 0..=SEQ_MAX)?.map(Seq);
        match (before, after) {
            (Some(_), Some(_)) => Err(ChatError::invalid("give `before` or `after`, not both")),
            (_, Some(seq)) => Ok(MessagePage::After { seq, limit }),
            (seq, None) => Ok(MessagePage::Before { seq, limit }),
        }
    }
}

/// A message of a page.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListedMessage<'a> {
    /// The message.
    #[serde(flatten)]
    message: MessageView<'a>,
    /// For staff alone: the message as it was before the marketplace removed it, for as long as that is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<serde_json::Value>)]
    before_removal: Option<MessageView<'a>>,
    /// For staff alone: what an edited message said before, oldest first, for as long as that is kept.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(value_type = Vec<FormerText>, required = false)]
    edits: &'a [FormerText],
}

/// A page of messages.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessageList<'a> {
    /// Oldest first.
    items: Vec<ListedMessage<'a>>,
    /// Whether there are more in the direction that was asked for.
    has_more: bool,
}

/// Reads a page of a room's history, oldest first. Every page costs the same, however deep in the room it lies. With a token of
/// the staff, or the service key: of any room, with what the marketplace has removed and what edited messages said before.
///
/// # Errors
/// `forbidden` for anyone but the room's two members, `not_found` for staff when there is no such room, `invalid` for a
/// parameter that does not fit.
#[api_docs::path(
    get,
    path = "/api/v1/rooms/{id}/messages",
    operation_id = "listMessages",
    tag = "messages",
    security(("userToken" = []), ("staffToken" = []), ("serviceKey" = [])),
    params(("id" = RoomId, Path, description = "The room's id"), MessagesQuery, Why),
    responses((status = 200, description = "A page of messages", body = MessageList), AsUser, Unknown)
)]
pub async fn list_messages(
    state: web::Data<AppState>,
    caller: MemberOrStaff,
    room: InPath<RoomId>,
    query: InQuery<MessagesQuery>,
) -> Result<HttpResponse, Problem> {
    let (InPath(room), InQuery(query)) = (room, query);
    let page = query.page()?;
    let identity = match caller {
        MemberOrStaff::Member(identity) => identity,
        MemberOrStaff::Staff(staff) => return list_messages_for_staff(&state, staff, room, page).await,
    };
    let scope = db::Scope::Room(room.clone());
    let found = state
        .database
        .read(Reading::list(identity.user.clone(), "list_messages"), scope, move |conn| {
            if !db::is_member(conn, &room, &identity.user)? {
                return Ok(None);
            }
            db::list_messages(conn, &room, page, PAGE_BYTES_MAX).map(Some)
        })
        .await?;
    let page = found.ok_or_else(ChatError::forbidden)?;
    let items = state.presenter().messages(&page.items);
    let items = items.into_iter().map(|message| ListedMessage { message, before_removal: None, edits: &[] }).collect();
    Ok(json_body(to_json(&MessageList { items, has_more: page.has_more })))
}

/// Which part of a conversation was read, for the audit log.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReadPart {
    from_seq: Option<Seq>,
    to_seq: Option<Seq>,
}

/// What the edited messages of a page said before. A page that becomes too large by that ends early: it loses those at its end.
fn page_with_edits(
    conn: &mut db::Connection,
    page: &mut db::Messages,
    is_backwards: bool,
) -> Result<HashMap<MessageId, Vec<FormerText>>, db::DbError> {
    let (edits, fit) = if is_backwards {
        db::find_former_texts(conn, page.items.iter().rev(), PAGE_BYTES_MAX)?
    } else {
        db::find_former_texts(conn, page.items.iter(), PAGE_BYTES_MAX)?
    };
    let over = page.items.len() - fit;
    if over > 0 {
        page.has_more = true;
        if is_backwards {
            page.items.drain(..over);
        } else {
            page.items.truncate(fit);
        }
    }
    Ok(edits)
}

async fn list_messages_for_staff(
    state: &AppState,
    staff: Staff,
    room: RoomId,
    page: MessagePage,
) -> Result<HttpResponse, Problem> {
    let about = AuditSubject::room(&room);
    let scope = db::Scope::Room(room.clone());
    let read = move |conn: &mut db::Connection| {
        if !db::has_room(conn, &room)? {
            return Ok(None);
        }
        let is_backwards = matches!(page, MessagePage::Before { .. });
        let mut page = db::list_messages(conn, &room, page, PAGE_BYTES_MAX)?;
        let edits = page_with_edits(conn, &mut page, is_backwards)?;
        let removed = page.items.iter().filter(|message| message.is_removed).map(|message| message.id.clone());
        let words = db::find_removed_words(conn, &removed.collect::<Vec<_>>())?;
        Ok::<_, db::DbError>(Some((page, words, edits)))
    };
    let found = state.database.read(Reading::list(staff.by.account(), "list_messages"), scope, read).await?;
    let (page, mut words, edits) = found.ok_or_else(|| ChatError::not_found("there is no such room"))?;
    let (first, last) = (page.items.first(), page.items.last());
    let part = ReadPart { from_seq: first.map(|message| message.seq), to_seq: last.map(|message| message.seq) };
    record(state, staff, AuditAction::ReadMessages, about, Some(Data::of(&part))).await?;
    let before: Vec<Option<StoredMessage>> = page
        .items
        .iter()
        .map(|message| {
            let RemovedWords { text, data } = words.remove(&message.id)?;
            Some(StoredMessage { text, data, deleted_at: None, is_removed: false, ..message.clone() })
        })
        .collect();
    let presenter = state.presenter();
    let items = page.items.iter().zip(&before).map(|(message, before)| ListedMessage {
        message: MessageView::of(message, &presenter),
        before_removal: before.as_ref().map(|before| MessageView::of(before, &presenter)),
        edits: edits.get(&message.id).map_or(&[], Vec::as_slice),
    });
    Ok(json_body(to_json(&MessageList { items: items.collect(), has_more: page.has_more })))
}

/// Sends a message to a room, as the event `message` does.
///
/// With a token of the staff it goes into any room that its user has joined, blocked or frozen, and neither the masking rule nor the
/// marketplace's screen looks at it.
///
/// With a `clientId` the request can be repeated: it is stored once, and the first message is the answer (200). With the
/// service key it is a message of the marketplace itself, of the kind `system`.
///
/// # Errors
/// `forbidden` for anyone but the room's two members, `not_found` with the service key when there is no such room,
/// `invalid` for an empty message or another kind, `too_large`.
#[api_docs::path(
    post,
    path = "/api/v1/rooms/{id}/messages",
    operation_id = "sendMessage",
    tag = "messages",
    security(("userToken" = []), ("serviceKey" = [])),
    params(("id" = RoomId, Path, description = "The room's id")),
    request_body(content = SendMessage, example = json!({"text": "Is it still available?", "clientId": "3f6c"})),
    responses(
        (status = 201, description = "The message was stored", body = MessageView),
        (status = 200, description = "An earlier message has this `clientId`: this is it", body = MessageView),
        AsSpeaker, WithBody, Unknown,
    )
)]
pub async fn send_message(
    state: web::Data<AppState>,
    caller: Caller,
    room: InPath<RoomId>,
    body: Body<SendMessage>,
) -> Result<HttpResponse, Problem> {
    let (InPath(room), Body(message)) = (room, body);
    check_same("roomId", message.room_id.as_ref(), &room)?;
    check_size(message.text.as_deref(), message.data.as_ref(), state.config.limits.message_bytes_max)
        .map_err(ChatError::from)?;
    let (sender, kind, by_staff) = match caller {
        Caller::User(identity) => {
            state.accounts.admit_send(&identity.user)?;
            (identity.user, MessageKind::Text, identity.is_staff)
        }
        Caller::Service => (UserId::from_stored(SYSTEM_SENDER), MessageKind::System, false),
    };
    // The marketplace may leave the kind out, which reads as `text`.
    if message.kind != MessageKind::Text && message.kind != kind {
        let kind = kind.as_str();
        return Err(
            ChatError::invalid(format!("`kind` must be {kind}: the other kinds have routes of their own")).into()
        );
    }
    let Inspected { screened, ends } = match kind {
        MessageKind::System => Inspected::default(),
        _ => state.config.masking.inspect(message.text.as_deref()),
    };
    let draft = Draft {
        room: room.clone(),
        sender,
        client_id: message.client_id,
        kind,
        text: message.text,
        data: message.data,
        reply_to: message.reply_to,
        sent_at: state.clock.now(),
        screened,
        by_staff,
    };
    let answer = match kind {
        MessageKind::System => {
            let answer = state.change(Write::Append(draft)).await?;
            if answer.created {
                // It went past the room, which need not be in memory. The message is stored even if no list is notified.
                let _ = state.chat.send(AnnounceRoom(room)).await;
            }
            answer
        }
        _ => state.say(draft, ends).await?,
    };
    Ok(created_or_found(answer))
}

/// New words for a message.
#[derive(Deserialize, ToSchema)]
pub struct NewText {
    /// The words, more than blanks.
    #[schema(min_length = 1)]
    text: String,
}

/// Edits the caller's own message, for 15 minutes after it was sent.
///
/// # Errors
/// `forbidden` for anyone but the room's two members, for the other's message, and when the time has expired; `not_found`
/// for a message that is not in this room; `conflict` for one that was deleted.
#[api_docs::path(
    patch,
    path = "/api/v1/rooms/{id}/messages/{messageId}",
    operation_id = "editMessage",
    tag = "messages",
    security(("userToken" = [])),
    params(
        ("id" = RoomId, Path, description = "The room's id"),
        ("messageId" = MessageId, Path, description = "The message's id"),
    ),
    request_body(content = NewText, example = json!({"text": "Is it still available, and where?"})),
    responses(
        (status = 200, description = "The message as it now stands", body = MessageView),
        AsSpeaker, WithBody, Unknown, Changed,
    )
)]
pub async fn edit_message(
    state: web::Data<AppState>,
    user: SignedIn,
    ids: InPath<(RoomId, MessageId)>,
    body: Body<NewText>,
) -> Result<HttpResponse, Problem> {
    let (SignedIn(identity), InPath((room, message)), Body(NewText { text })) = (user, ids, body);
    state.accounts.admit_send(&identity.user)?;
    check_size(Some(&text), None, state.config.limits.message_bytes_max).map_err(ChatError::from)?;
    check_place(&state, room, &identity.user, &message).await?;
    let inspected = state.config.masking.inspect(Some(&text));
    let write = Write::Edit { message, editor: identity.user, text, inspected, at: state.clock.now() };
    Ok(json_body(state.change(write).await?.data))
}

/// Deletes the caller's own message, for 15 minutes after it was sent. It keeps its position and its `seq`.
///
/// With a token of the staff, or the service key, it removes anybody's message but an offer: both members see that the
/// marketplace has removed it. The query's `reason` is required then. The words are kept for the time that
/// `--keep-removed` says.
///
/// # Errors
/// As for changing its words; for staff `not_found` for a message that is not in this room, `conflict` for an offer.
#[api_docs::path(
    delete,
    path = "/api/v1/rooms/{id}/messages/{messageId}",
    operation_id = "deleteMessage",
    tag = "messages",
    security(("userToken" = []), ("staffToken" = []), ("serviceKey" = [])),
    params(
        ("id" = RoomId, Path, description = "The room's id"),
        ("messageId" = MessageId, Path, description = "The message's id"),
        Why,
    ),
    responses(
        (status = 200, description = "The message as it now stands", body = MessageView),
        AsSpeaker, Unknown, Changed,
    )
)]
pub async fn delete_message(
    state: web::Data<AppState>,
    caller: MemberOrStaff,
    ids: InPath<(RoomId, MessageId)>,
) -> Result<HttpResponse, Problem> {
    let InPath((room, message)) = ids;
    let identity = match caller {
        MemberOrStaff::Member(identity) => identity,
        MemberOrStaff::Staff(staff) => {
            staff.require_reason()?;
            let write = staff.does(state.clock.now(), Moderation::RemoveMessage { room, message });
            return Ok(json_body(state.change(write).await?.data));
        }
    };
    state.accounts.admit_send(&identity.user)?;
    check_place(&state, room, &identity.user, &message).await?;
    let write = Write::Delete { message, editor: identity.user, at: state.clock.now() };
    Ok(json_body(state.change(write).await?.data))
}

/// Checks that the message is in the path's room, and that the caller is a member. A message never moves, so checking before
/// the change is enough.
pub(super) async fn check_place(
    state: &AppState,
    room: RoomId,
    user: &UserId,
    message: &MessageId,
) -> Result<(), Problem> {
    let (user, message) = (user.clone(), message.clone());
    let scope = db::Scope::Room(room.clone());
    let refusal = state
        .database
        .read(Reading::check(user.clone(), "find_message"), scope, move |conn| {
            Ok::<_, db::DbError>(if !db::is_member(conn, &room, &user)? {
                Some(ChatError::forbidden())
            } else if !db::is_message_in(conn, &message, &room)? {
                Some(ChatError::not_found("there is no such message in this room"))
            } else {
                None
            })
        })
        .await?;
    refusal.map_or(Ok(()), |refusal| Err(refusal.into()))
}
