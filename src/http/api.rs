//! REST, base `/api/v1`: a file a resource.
//!
//! Reads ask the database each time, also whether the caller is a member. Changes go through the `ChatServer`. Its
//! transaction checks the caller's permission itself, and it notifies everyone concerned.

pub mod audit;
pub mod blocks;
pub mod currencies;
pub mod demo;
pub mod events;
pub mod features;
pub mod images;
pub mod me;
pub mod messages;
pub mod moderation;
pub mod notes;
pub mod offers;
pub mod operations;
pub mod origin;
pub mod products;
pub mod push_subscriptions;
pub mod reactions;
pub mod reports;
pub mod room_staff;
pub mod rooms;
pub mod sanctions;
pub mod search;
pub mod staff_rooms;
pub mod staff_views;
mod tag;
pub mod users;

use actix_web::HttpResponse;

use crate::{
    actors::db_executor::purpose::Reading,
    auth::Identity,
    chat::request::Answer,
    db::{self, DbError, Moderation},
    domain::{AuditAction, AuditSubject, Data, User, UserId},
    error::{ChatError, ErrorCode},
    http::{extract::Staff, problem::Problem, state::AppState},
};

/// 201 with what is new, 200 with what was there before.
fn created_or_found(answer: Answer) -> HttpResponse {
    let mut response = if answer.created { HttpResponse::Created() } else { HttpResponse::Ok() };
    response.content_type("application/json").body(answer.data)
}

/// A signed-in user as their token names them.
fn user_of(identity: &Identity) -> User {
    let name = identity.name.clone().unwrap_or_else(|| identity.user.as_str().to_owned());
    User::new(identity.user.clone(), name, None)
}

/// The path's id is the id: a body may repeat it, and not say another.
fn check_same<T: PartialEq>(field: &str, in_body: Option<&T>, in_path: &T) -> Result<(), ChatError> {
    match in_body {
        Some(id) if id != in_path => {
            Err(ChatError::invalid(format!("`{field}` must be the one in the path, or left out")))
        }
        _ => Ok(()),
    }
}

/// Writes down what staff has read: before the answer is sent, so that nobody reads what the audit log does not say.
async fn record(
    state: &AppState,
    staff: Staff,
    action: AuditAction,
    about: AuditSubject,
    details: Option<Data>,
) -> Result<(), ChatError> {
    let what = Moderation::Read { action, about, details };
    state.change(staff.does(state.clock.now(), what)).await.map(drop)
}

/// Most bytes of a page of messages, events, rooms or the like, as JSON. It ends early then, and has a `nextCursor`.
const PAGE_BYTES_MAX: usize = 256 * 1024;

/// Reads what is a user's own, unless they were removed.
async fn read_own<T, F>(state: &AppState, purpose: Reading, user: UserId, read: F) -> Result<T, Problem>
where
    T: Send + 'static,
    F: FnOnce(&mut db::Connection, &UserId) -> Result<T, DbError> + Send + 'static,
{
    let scope = db::Scope::User(user.clone());
    let found = state
        .database
        .read(
            purpose,
            scope,
            move |conn| if db::is_deleted(conn, &user)? { Ok(None) } else { read(conn, &user).map(Some) },
        )
        .await?;
    found.ok_or_else(|| ChatError::new(ErrorCode::Forbidden, "this user was removed").into())
}
