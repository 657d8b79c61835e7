//! Rooms: open one, list the caller's own, read one, mark one as read or delivered, change one's own settings of it, get a room token.

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};

use super::{PAGE_BYTES_MAX, read_own, record, staff_views::StaffRoomView, user_of};
use crate::{
    actors::{
        chat_server::messages::AnnounceRoom,
        db_executor::purpose::{Reading, Writing},
    },
    api_docs::{self, IntoParams, ToSchema},
    chat::request::{Read, Received},
    db::{self, Opened, RoomCursor, RoomList, Write},
    domain::{
        Account, AuditAction, AuditSubject, ProductId, RoomId, RoomKind, RoomSettingsPatch, Seq, Timestamp, User,
        UserId,
    },
    error::{ChatError, ErrorCode},
    http::{
        extract::{Body, Caller, InPath, InQuery, MemberOrStaff, PageOf, SignedIn},
        problem::Problem,
        state::{AppState, json_body},
    },
    protocol::{json::to_json, view::RoomSummaryView},
};
#[cfg(test)]
use crate::{
    domain::{Room, RoomSettings},
    http::{
        extract::Why,
        responses::{AsUser, OwnProduct, Unknown, WithBody},
    },
    protocol::event::{DeliveredUpTo, ReadUpTo},
};

/// Which page of the caller's rooms.
type WantedPage = PageOf<RoomCursor, 100, 50>;

/// Which room to open: a buyer's for a product, or a user's with the marketplace's staff.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OpenRoom {
    /// `support` for a user's conversation with the marketplace's staff, with the service key alone.
    #[serde(default)]
    kind: RoomKind,
    /// What it shall be about: needed, but for the kind `support`.
    #[serde(default)]
    product_id: Option<ProductId>,
    /// Who asks: needed with the service key. A user opens their own rooms and leaves it out.
    #[serde(default)]
    buyer_id: Option<UserId>,
    /// Who talks with the staff: for the kind `support` alone.
    #[serde(default)]
    user_id: Option<UserId>,
}

/// What a request to open a room comes to, by who sends it.
enum ToOpen {
    /// The caller's own.
    Own { product: ProductId, buyer: User },
    /// For a buyer, by the marketplace.
    For { product: ProductId, buyer: UserId },
    /// For somebody who needs help, by the marketplace.
    Support { user: UserId },
}

impl OpenRoom {
    fn by(self, caller: Caller) -> Result<ToOpen, ChatError> {
        let Self { kind, product_id, buyer_id, user_id } = self;
        match (kind, caller) {
            (RoomKind::Support, Caller::User(_)) => {
                let sentence = "the `kind` support is for the service key: your backend opens the room for its user";
                Err(ChatError::new(ErrorCode::Forbidden, sentence))
            }
            (RoomKind::Support, Caller::Service) => match (product_id, buyer_id, user_id) {
                (None, None, Some(user)) => Ok(ToOpen::Support { user }),
                (None, None, None) => Err(ChatError::invalid("`userId` is missing: say who needs support")),
                _ => Err(ChatError::invalid(
                    "`productId` and `buyerId` are not for the kind support: leave them out, and name the user in `userId`",
                )),
            },
            (RoomKind::Product, _) if user_id.is_some() => {
                Err(ChatError::invalid("`userId` is for the kind support: leave it out, or give `kind`"))
            }
            (RoomKind::Product, caller) => {
                let product = product_id
                    .ok_or_else(|| ChatError::invalid("`productId` is missing: say what the room shall be about"))?;
                match (caller, buyer_id) {
                    (Caller::User(identity), Some(buyer)) if buyer != identity.user => {
                        Err(ChatError::invalid("`buyerId` is for the service key: users open their own rooms"))
                    }
                    (Caller::User(identity), _) => Ok(ToOpen::Own { product, buyer: user_of(&identity) }),
                    (Caller::Service, Some(buyer)) => Ok(ToOpen::For { product, buyer }),
                    (Caller::Service, None) => {
                        Err(ChatError::invalid("`buyerId` is missing: say for whom the room is"))
                    }
                }
            }
        }
    }
}

/// Opens the buyer's room for a product, or a user's room with the marketplace's staff.
///
/// There is one room for each buyer and product: the first call makes it (201), later ones find it (200). A user opens
/// their own; with the service key the marketplace opens one for a buyer whom it has put, and names them in `buyerId`.
///
/// With `kind: "support"` and the service key it is a conversation with the staff: one for each user whom the marketplace has put,
/// named in `userId`. It has no product, and its other side is the marketplace itself.
///
/// # Errors
/// `own_product` for the product's seller, `not_found` for a product that is unknown or takes no new rooms, `invalid`, `forbidden` for a removed
/// user, and for a user who asks for the kind `support`.
#[api_docs::path(
    post,
    path = "/api/v1/rooms",
    operation_id = "openRoom",
    tag = "rooms",
    security(("userToken" = []), ("serviceKey" = [])),
    request_body(content = OpenRoom, example = json!({"productId": "camera-x100"})),
    responses(
        (status = 201, description = "The room is new", body = Room),
        (status = 200, description = "The room was there before", body = Room),
        AsUser, WithBody, Unknown, OwnProduct,
    )
)]
pub async fn open_room(
    state: web::Data<AppState>,
    caller: Caller,
    body: Body<OpenRoom>,
) -> Result<HttpResponse, Problem> {
    let at = state.clock.now();
    let opened = match body.0.by(caller)? {
        ToOpen::Own { product, buyer } => {
            let purpose = Writing::change(buyer.id.clone(), "open_room");
            let scope = db::Scope::User(buyer.id.clone());
            state.database.write(purpose, scope, move |conn| db::open_room(conn, &product, &buyer, at)).await?
        }
        ToOpen::For { product, buyer } => {
            let purpose = Writing::change(Account::Service, "open_room");
            let scope = db::Scope::User(buyer.clone());
            state.database.write(purpose, scope, move |conn| db::open_room_for(conn, &product, &buyer, at)).await?
        }
        ToOpen::Support { user } => {
            let purpose = Writing::change(Account::Service, "open_room");
            let scope = db::Scope::User(user.clone());
            state.database.write(purpose, scope, move |conn| db::open_support_room(conn, &user, at)).await?
        }
    };
    Ok(match opened {
        Opened::New(room) => {
            // It is stored. Lists that are not notified now show it when they are read the next time.
            let _ = state.chat.send(AnnounceRoom(room.id.clone())).await;
            HttpResponse::Created().json(room)
        }
        Opened::Existing(room) => HttpResponse::Ok().json(room),
    })
}

/// A page of rooms.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RoomPage<'a> {
    /// Pinned rooms first, then latest activity first.
    items: Vec<RoomSummaryView<'a>>,
    /// Where the next page goes on; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

impl<'a> RoomPage<'a> {
    /// A page, and where the next one goes on.
    pub(super) fn new(items: Vec<RoomSummaryView<'a>>, next: Option<RoomCursor>) -> Self {
        Self { items, next_cursor: next.map(|cursor| cursor.to_string()) }
    }
}

/// Which of the caller's rooms.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct WantedRooms {
    /// `true` lists the archive. Otherwise the rooms that are not archived are listed.
    #[param(value_type = bool, default = false, required = false)]
    archived: Option<String>,
}

impl WantedRooms {
    pub(super) fn list(&self) -> Result<RoomList, ChatError> {
        match self.archived.as_deref() {
            None | Some("false") => Ok(RoomList::Inbox),
            Some("true") => Ok(RoomList::Archive),
            Some(_) => Err(ChatError::invalid("`archived` must be true or false")),
        }
    }
}

/// Lists the caller's own rooms: pinned ones first, then those with the latest activity.
///
/// Archived rooms are a list of their own, with `archived=true`. A room in which nobody has written yet is in its buyer's list
/// alone; the seller's list shows it from its first message on.
///
/// # Errors
/// `invalid` for a `limit`, `cursor` or `archived` that does not fit, `forbidden` for a removed user.
#[api_docs::path(
    get,
    path = "/api/v1/rooms",
    operation_id = "listRooms",
    tag = "rooms",
    security(("userToken" = [])),
    params(WantedRooms, WantedPage),
    responses((status = 200, description = "A page of one's rooms", body = RoomPage), AsUser)
)]
pub async fn list_rooms(
    state: web::Data<AppState>,
    user: SignedIn,
    page: WantedPage,
    wanted: InQuery<WantedRooms>,
) -> Result<HttpResponse, Problem> {
    let (SignedIn(identity), WantedPage { limit, cursor }, InQuery(wanted)) = (user, page, wanted);
    let wanted = wanted.list()?;
    let list = move |conn: &mut db::Connection, user: &UserId| {
        db::list_rooms(conn, user, wanted, cursor.as_ref(), limit, PAGE_BYTES_MAX)
    };
    let (rooms, next) =
        read_own(&state, Reading::list(identity.user.clone(), "list_rooms"), identity.user, list).await?;
    let presenter = state.presenter();
    let items = rooms.iter().map(|room| RoomSummaryView::of(room, &presenter)).collect();
    Ok(json_body(to_json(&RoomPage::new(items, next))))
}

/// A room: to each their own.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub enum RoomAnswer<'a> {
    /// As a member sees it in their list.
    Member(RoomSummaryView<'a>),
    /// As staff sees it.
    Staff(StaffRoomView<'a>),
}

/// A room as it stands in the caller's own list. With a token of the staff, or the service key: any room, as staff sees it.
///
/// # Errors
/// `forbidden` for anyone but its two members, and for a room that does not exist; `not_found` for staff.
#[api_docs::path(
    get,
    path = "/api/v1/rooms/{id}",
    operation_id = "getRoom",
    tag = "rooms",
    security(("userToken" = []), ("staffToken" = []), ("serviceKey" = [])),
    params(("id" = RoomId, Path, description = "The room's id"), Why),
    responses((status = 200, description = "The room", body = RoomAnswer), AsUser, Unknown)
)]
pub async fn get_room(
    state: web::Data<AppState>,
    caller: MemberOrStaff,
    room: InPath<RoomId>,
) -> Result<HttpResponse, Problem> {
    let InPath(room) = room;
    match caller {
        MemberOrStaff::Member(identity) => {
            let purpose = Reading::check(identity.user.clone(), "find_room");
            let scope = db::Scope::Room(room.clone());
            let found =
                state.database.read(purpose, scope, move |conn| db::find_room(conn, &room, &identity.user)).await?;
            let room = found.ok_or_else(ChatError::forbidden)?;
            Ok(json_body(to_json(&RoomAnswer::Member(RoomSummaryView::of(&room, &state.presenter())))))
        }
        MemberOrStaff::Staff(staff) => {
            let about = AuditSubject::room(&room);
            let purpose = Reading::check(staff.by.account(), "load_room");
            let scope = db::Scope::Room(room.clone());
            let found = state.database.read(purpose, scope, move |conn| db::load_room(conn, &room)).await?;
            let room = found.ok_or_else(|| ChatError::not_found("there is no such room"))?;
            record(&state, staff, AuditAction::ReadRoom, about, None).await?;
            Ok(json_body(to_json(&RoomAnswer::Staff(StaffRoomView::of(&room, &state.presenter())))))
        }
    }
}

/// How far one has read.
#[derive(Debug, Deserialize, ToSchema)]
pub struct SetRead {
    /// `seq` of the last message seen; one after the newest counts as the newest.
    seq: Seq,
}

/// Says how far one has read. It never goes back.
///
/// # Errors
/// `forbidden` for anyone but the room's two members, `invalid` for a `seq` out of range.
#[api_docs::path(
    put,
    path = "/api/v1/rooms/{id}/read",
    operation_id = "markRead",
    tag = "rooms",
    security(("userToken" = [])),
    params(("id" = RoomId, Path, description = "The room's id")),
    request_body(content = SetRead, example = json!({"seq": 12})),
    responses((status = 200, description = "How far one has read now", body = ReadUpTo), AsUser, WithBody)
)]
pub async fn mark_read(
    state: web::Data<AppState>,
    user: SignedIn,
    room: InPath<RoomId>,
    body: Body<SetRead>,
) -> Result<HttpResponse, Problem> {
    let (SignedIn(identity), InPath(room), Body(SetRead { seq })) = (user, room, body);
    state.accounts.admit_send(&identity.user)?;
    let answer = state.ask(|reply| Read { user: identity.user, room, seq, reply }).await?;
    Ok(json_body(answer.data))
}

/// How far messages have arrived.
#[derive(Debug, Deserialize, ToSchema)]
pub struct SetDelivered {
    /// `seq` of the last message that has reached the device; one after the newest counts as the newest.
    seq: Seq,
}

/// Says how far messages have reached a device of the caller's. It never goes back, and what was read has been delivered.
///
/// # Errors
/// `forbidden` for anyone but the room's two members, `invalid` for a `seq` out of range.
#[api_docs::path(
    put,
    path = "/api/v1/rooms/{id}/delivered",
    operation_id = "markDelivered",
    tag = "rooms",
    security(("userToken" = [])),
    params(("id" = RoomId, Path, description = "The room's id")),
    request_body(content = SetDelivered, example = json!({"seq": 12})),
    responses((status = 200, description = "How far messages have arrived now", body = DeliveredUpTo), AsUser, WithBody)
)]
pub async fn mark_delivered(
    state: web::Data<AppState>,
    user: SignedIn,
    room: InPath<RoomId>,
    body: Body<SetDelivered>,
) -> Result<HttpResponse, Problem> {
    let (SignedIn(identity), InPath(room), Body(SetDelivered { seq })) = (user, room, body);
    state.accounts.admit_send(&identity.user)?;
    let answer = state.ask(|reply| Received { user: identity.user, room, seq, reply }).await?;
    Ok(json_body(answer.data))
}

/// Changes the caller's own settings of a room, which the other member never sees.
///
/// Settings that are left out stay. An archived room leaves the list for the archive until the next message of the other side, or
/// of the marketplace; a muted one notifies of nothing and counts in no total; a pinned one stands before the others; one that
/// is marked as unread stays so until it is read again. The caller's other sessions get `roomUpdated`.
///
/// # Errors
/// `forbidden` for anyone but the room's two members, `invalid` for a setting that is neither true nor false, and for `archived`
/// and `pinned` together.
#[api_docs::path(
    patch,
    path = "/api/v1/rooms/{id}/settings",
    operation_id = "setRoomSettings",
    tag = "rooms",
    security(("userToken" = [])),
    params(("id" = RoomId, Path, description = "The room's id")),
    request_body(content = RoomSettingsPatch, example = json!({"archived": true})),
    responses((status = 200, description = "The settings as they now stand", body = RoomSettings), AsUser, WithBody)
)]
pub async fn set_room_settings(
    state: web::Data<AppState>,
    user: SignedIn,
    room: InPath<RoomId>,
    body: Body<RoomSettingsPatch>,
) -> Result<HttpResponse, Problem> {
    let (SignedIn(identity), InPath(room), Body(patch)) = (user, room, body);
    if patch.contradicts_itself() {
        return Err(ChatError::invalid("`archived` and `pinned` can't both be true: a room is one of the two").into());
    }
    state.accounts.admit_send(&identity.user)?;
    let write = Write::SetRoomSettings { room, member: identity.user, patch };
    Ok(json_body(state.change(write).await?.data))
}

/// A room token.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RoomToken {
    /// Goes into `enterRoom`'s `token`, where the server runs with `--authorize room-token`.
    token: String,
    /// Five minutes from now.
    expires_at: Timestamp,
}

/// Issues a room token: the permission of the signed-in user to enter this room, for five minutes.
///
/// # Errors
/// `forbidden` for anyone but the room's two members, and for a room that does not exist.
#[api_docs::path(
    post,
    path = "/api/v1/rooms/{id}/token",
    operation_id = "issueRoomToken",
    tag = "rooms",
    security(("userToken" = [])),
    params(("id" = RoomId, Path, description = "The room's id")),
    responses((status = 200, description = "The room token", body = RoomToken), AsUser)
)]
pub async fn issue_room_token(
    state: web::Data<AppState>,
    user: SignedIn,
    room: InPath<RoomId>,
) -> Result<web::Json<RoomToken>, Problem> {
    let (SignedIn(identity), InPath(room)) = (user, room);
    if !state.database.authorize(room.clone(), identity.user.clone()).await? {
        return Err(ChatError::forbidden().into());
    }
    let (token, expires_at) = state.room_tokens.issue(&room, &identity.user, state.clock.now());
    Ok(web::Json(RoomToken { token, expires_at }))
}
