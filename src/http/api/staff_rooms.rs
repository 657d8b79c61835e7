//! The conversations that the staff looks after.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};

use super::{PAGE_BYTES_MAX, record, staff_views::StaffRoomView, tag::Tag};
#[cfg(test)]
use crate::http::{
    extract::Why,
    responses::{AsStaff, BadQuery, Unknown},
};
use crate::{
    actors::db_executor::purpose::Reading,
    api_docs::{self, IntoParams, ToSchema},
    db::{self, Moderation, StaffRoom, StaffRoomCursor, StaffRoomList},
    domain::{AuditAction, AuditSubject, Data, Moderator, ProductId, RoomId, Timestamp, support::SUPPORT_PRODUCT},
    error::ChatError,
    http::{
        extract::{InPath, InQuery, PageOf, Staff},
        problem::Problem,
        state::AppState,
    },
    protocol::{json::to_json, view::Presenter},
};

/// Which page of the conversations. A page ends early at 256 KiB.
type WantedPage = PageOf<StaffRoomCursor, 100, 50>;

/// Which conversations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ListName {
    /// Support conversations in which a user waits for an answer, longest first.
    Waiting,
    /// Support conversations in which somebody has said something, latest activity first.
    Support,
    /// Those that the caller has joined, latest activity first.
    Joined,
    /// Those that the marketplace has frozen, by their ids.
    Frozen,
}

/// Which conversations.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct WantedList {
    /// `waiting`: support conversations in which a user waits for an answer, longest first. `support`: those in which somebody has said
    /// something, latest activity first. `joined`: those that the caller has joined, latest activity first. `frozen`: those that the
    /// marketplace has frozen, by their ids.
    #[param(inline)]
    list: ListName,
}

/// A conversation as staff sees it in a list.
#[derive(Serialize, ToSchema)]
#[schema(as = StaffRoomItem)]
#[serde(rename_all = "camelCase")]
pub struct StaffRoomItemView<'a> {
    /// The conversation.
    #[serde(flatten)]
    room: StaffRoomView<'a>,
    /// Since when its user waits for an answer. Absent where nobody does.
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting_since: Option<Timestamp>,
}

/// A page of conversations.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StaffListPage<'a> {
    /// In the order that the list has.
    items: Vec<StaffRoomItemView<'a>>,
    /// Where the next page goes on; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

impl<'a> StaffListPage<'a> {
    fn of(rooms: &'a [StaffRoom], next: Option<&StaffRoomCursor>, presenter: &Presenter<'_>) -> Self {
        let item = |StaffRoom { state, waiting_since }: &'a StaffRoom| StaffRoomItemView {
            room: StaffRoomView::of(state, presenter),
            waiting_since: *waiting_since,
        };
        Self { items: rooms.iter().map(item).collect(), next_cursor: next.map(ToString::to_string) }
    }
}

/// Lists the conversations that wait for an answer of the staff, those with support, those that one has joined, or the frozen ones.
///
/// A user waits from the first message that no member of the staff has answered; a `system` message is no answer. An answer of 304,
/// that nothing has changed since, is no entry of the audit log: nothing was read.
///
/// # Errors
/// `invalid` for a parameter that does not fit, and for `joined` with the service key, which joins nothing.
#[api_docs::path(
    get,
    path = "/api/v1/staff/rooms",
    operation_id = "listStaffRooms",
    tag = "staff",
    security(("staffToken" = []), ("serviceKey" = [])),
    params(WantedList, WantedPage, Why),
    responses(
        (status = 200, description = "A page of conversations", body = StaffListPage,
            headers(("etag" = String, description = "Its tag, for `if-none-match`"))),
        (status = 304, description = "It is the one that `if-none-match` names"),
        AsStaff, BadQuery,
    )
)]
pub async fn list_staff_rooms(
    state: web::Data<AppState>,
    request: HttpRequest,
    staff: Staff,
    wanted: InQuery<WantedList>,
    page: WantedPage,
) -> Result<HttpResponse, Problem> {
    let (InQuery(WantedList { list: name }), WantedPage { limit, cursor }) = (wanted, page);
    let list = match (name, &staff.by) {
        (ListName::Waiting, _) => StaffRoomList::Waiting,
        (ListName::Support, _) => StaffRoomList::Support,
        (ListName::Joined, Moderator::Staff { id }) => StaffRoomList::Joined(id.clone()),
        (ListName::Joined, _) => {
            return Err(ChatError::invalid("`list` can't be joined: the service key is no member of the staff").into());
        }
        (ListName::Frozen, _) => StaffRoomList::Frozen,
    };
    let purpose = || Reading::heavy(staff.by.account(), "list_staff_rooms");
    let scope = scope_of_places(&state, purpose(), &list).await?;
    let places = move |conn: &mut db::Connection| db::list_staff_rooms(conn, &list, cursor.as_ref(), limit + 1);
    let mut places = state.database.read(purpose(), scope, places).await?;
    let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut more = places.len() > wanted;
    places.truncate(wanted);
    let scope = db::Scope::Rooms(places.iter().map(|place| place.room.clone()).collect());
    let asked = places.clone();
    let load = move |conn: &mut db::Connection| db::load_staff_rooms(conn, &asked, PAGE_BYTES_MAX);
    let (rooms, used) = state.database.read(purpose(), scope, load).await?;
    more |= used < places.len();
    let next = used.checked_sub(1).and_then(|last| places.get(last)).filter(|_| more);
    let body = to_json(&StaffListPage::of(&rooms, next, &state.presenter()));
    // Who watches the list asks every few seconds.
    let tag = Tag::of(&staff.by, &request, &body);
    if tag.is_known_to(&request) {
        return Ok(tag.not_modified());
    }
    #[derive(Serialize)]
    struct Details {
        list: ListName,
    }
    let details = Data::of(&Details { list: name });
    record(&state, staff, AuditAction::ListRooms, AuditSubject::default(), Some(details)).await?;
    Ok(tag.with(body))
}

/// Ends the wait of a support conversation's user, where no answer is needed: "Thanks!". They wait again from their next message on.
/// Ending the wait of somebody who does not wait changes nothing.
///
/// # Errors
/// `not_found` for an unknown room, and for one that is no support room.
#[api_docs::path(
    delete,
    path = "/api/v1/rooms/{id}/waiting",
    operation_id = "endWait",
    tag = "staff",
    security(("staffToken" = []), ("serviceKey" = [])),
    params(("id" = RoomId, Path, description = "The room's id"), Why),
    responses((status = 204, description = "Its user does not wait"), AsStaff, Unknown)
)]
pub async fn end_wait(state: web::Data<AppState>, staff: Staff, id: InPath<RoomId>) -> Result<HttpResponse, Problem> {
    let what = Moderation::EndWait { room: id.0 };
    state.change(staff.does(state.clock.now(), what)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// What has to be settled before the places are read: where something was said last decides of the order.
async fn scope_of_places(state: &AppState, purpose: Reading, list: &StaffRoomList) -> Result<db::Scope, Problem> {
    Ok(match list {
        StaffRoomList::Support => db::Scope::Product(ProductId::from_stored(SUPPORT_PRODUCT)),
        StaffRoomList::Joined(user) => {
            let user = user.clone();
            let joined = move |conn: &mut db::Connection| db::list_joined_rooms(conn, &user);
            db::Scope::Rooms(state.database.read(purpose, db::Scope::Nothing, joined).await?)
        }
        StaffRoomList::Waiting | StaffRoomList::Frozen => db::Scope::Nothing,
    })
}
