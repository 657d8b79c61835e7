//! Where a user's devices are notified.

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};

use super::{read_own, user_of};
#[cfg(test)]
use crate::http::responses::{AsUser, Changed, WithBody};
use crate::{
    actors::db_executor::purpose::{Reading, Writing},
    api_docs::{self, ToSchema},
    db::{self, Scope, Subscribed},
    domain::{NewPushSubscription, PushPlatform, PushSubscription, WebKeys},
    error::{ChatError, ErrorCode},
    http::{
        extract::{Body, InPath, SignedIn},
        problem::Problem,
        state::AppState,
    },
    protocol::web_push::check_subscription,
};

/// Longest id in a path, in characters.
const ID_CHARS_MAX: usize = 128;

/// A device that wants to be notified: `endpoint` and `keys` of a browser, as `PushSubscription.toJSON()` says them, or `platform` and
/// `token` of a native app, which the marketplace's backend reaches through FCM or APNs.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PostPushSubscription {
    /// Where a browser's push service takes what is for it, the https:// address of a public host.
    #[schema(max_length = 1024, pattern = r"^https://[!-~]+$")]
    endpoint: Option<String>,
    /// With which a browser decrypts.
    keys: Option<BrowserKeys>,
    /// Who delivers to a native app: `fcm` or `apns`.
    platform: Option<PushPlatform>,
    /// A native app's token there.
    #[schema(min_length = 1, max_length = 1024, pattern = "^[!-~]+$")]
    token: Option<String>,
    /// In which language the device shows what it is sent, as a BCP 47 tag.
    #[schema(min_length = 1, max_length = 35, pattern = "^[A-Za-z0-9]+(-[A-Za-z0-9]+)*$")]
    language: Option<String>,
}

/// The keys of a browser, as base64url (RFC 8291).
#[derive(Deserialize, ToSchema)]
pub struct BrowserKeys {
    /// A point on P-256, uncompressed: 65 bytes.
    #[schema(pattern = "^[A-Za-z0-9_-]{87}=?$")]
    p256dh: String,
    /// 16 bytes.
    #[schema(pattern = "^[A-Za-z0-9_-]{22}(==)?$")]
    auth: String,
}

/// A user's devices.
#[derive(Debug, Serialize, ToSchema)]
pub struct PushSubscriptionList {
    /// The one that registered last comes first; 10 at most.
    items: Vec<PushSubscription>,
}

/// Registers a device of the caller, to be notified of what stays unread.
///
/// A browser's subscription is made with the `applicationServerKey` of `GET /features`. haggle pushes to it by itself, encrypted;
/// a native app's token is part of the `unread` webhook. The same device again changes its keys and language. One that another user
/// has registered is the caller's from then on. A user has 10; one more takes the place of the one that registered the longest ago.
///
/// # Errors
/// `conflict` on a server that does not notify such devices; `invalid` for an endpoint that is not the https:// address of a public
/// push service, for keys that are none, and for anything out of range.
#[api_docs::path(
    post,
    path = "/api/v1/me/push-subscriptions",
    operation_id = "subscribeToPush",
    tag = "me",
    security(("userToken" = [])),
    request_body(content = PostPushSubscription, example = json!({
        "endpoint": "https://fcm.googleapis.com/fcm/send/dpH5lCsTSSM:APA91bHqjZxM0VImWWqDRN7U",
        "expirationTime": null,
        "keys": {
            "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
            "auth": "BTBZMqHH6r4Tts7J_aSIgg"
        }
    })),
    responses(
        (status = 201, description = "The device is new", body = PushSubscription),
        (status = 200, description = "The caller had registered it before", body = PushSubscription),
        AsUser, WithBody, Changed,
    )
)]
pub async fn subscribe(
    state: web::Data<AppState>,
    user: SignedIn,
    body: Body<PostPushSubscription>,
) -> Result<HttpResponse, Problem> {
    let (SignedIn(identity), Body(posted)) = (user, body);
    let new = check(&state, posted)?;
    let (owner, at) = (user_of(&identity), state.clock.now());
    let purpose = Writing::change(identity.user, "put_push_subscription");
    let put = move |conn: &mut db::Connection| db::put_push_subscription(conn, &owner, &new, at);
    Ok(match state.database.write(purpose, Scope::Nothing, put).await? {
        Subscribed::New(subscription) => HttpResponse::Created().json(subscription),
        Subscribed::Existing(subscription) => HttpResponse::Ok().json(subscription),
    })
}

/// Whether it fits comes first, and whether anybody is notified then.
fn check(state: &AppState, posted: PostPushSubscription) -> Result<NewPushSubscription, ChatError> {
    let PostPushSubscription { endpoint, keys, platform, token, language } = posted;
    let off = |what: &'static str| ChatError::new(ErrorCode::Conflict, what);
    match (endpoint, keys, platform, token) {
        (Some(endpoint), Some(keys), None | Some(PushPlatform::Web), None) => {
            let keys = WebKeys { p256dh: keys.p256dh, auth: keys.auth };
            let takes_private = state.push_service.as_ref().is_some_and(|service| service.takes_private());
            let new = check_subscription(endpoint, keys, language, takes_private)?;
            match state.push_service {
                Some(_) => Ok(new),
                None => Err(off("this server does not notify browsers: its operator has given no --vapid-key-file")),
            }
        }
        (None, None, Some(platform @ (PushPlatform::Fcm | PushPlatform::Apns)), Some(token)) => {
            let new = NewPushSubscription::native(platform, token, language)?;
            match state.notifies_devices() {
                true => Ok(new),
                false => Err(off("this server does not notify native apps: its webhook is not sent what stays unread")),
            }
        }
        _ => Err(ChatError::invalid(
            "give `endpoint` and `keys` of a browser, or `token` and the `platform` `fcm` or `apns` of a native app",
        )),
    }
}

/// Lists the caller's devices, without their addresses and keys.
///
/// # Errors
/// None of its own.
#[api_docs::path(
    get,
    path = "/api/v1/me/push-subscriptions",
    operation_id = "listPushSubscriptions",
    tag = "me",
    security(("userToken" = [])),
    responses((status = 200, description = "One's devices", body = PushSubscriptionList), AsUser)
)]
pub async fn list_push_subscriptions(
    state: web::Data<AppState>,
    user: SignedIn,
) -> Result<web::Json<PushSubscriptionList>, Problem> {
    let SignedIn(identity) = user;
    let purpose = Reading::list(identity.user.clone(), "list_push_subscriptions");
    let items = read_own(&state, purpose, identity.user, db::list_push_subscriptions).await?;
    Ok(web::Json(PushSubscriptionList { items }))
}

/// Removes a device of the caller. It is not notified any more. If there is none, nothing changes.
///
/// # Errors
/// None of its own.
#[api_docs::path(
    delete,
    path = "/api/v1/me/push-subscriptions/{id}",
    operation_id = "unsubscribeFromPush",
    tag = "me",
    security(("userToken" = [])),
    params(("id" = String, Path, description = "The subscription's id")),
    responses((status = 204, description = "There is no such device of one's own"), AsUser)
)]
pub async fn unsubscribe(
    state: web::Data<AppState>,
    user: SignedIn,
    id: InPath<String>,
) -> Result<HttpResponse, Problem> {
    let (SignedIn(identity), InPath(id)) = (user, id);
    // What haggle has never given out names nothing.
    if id.len() <= ID_CHARS_MAX && id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        let (purpose, user) = (Writing::change(identity.user.clone(), "remove_push_subscription"), identity.user);
        let remove = move |conn: &mut db::Connection| db::remove_push_subscription(conn, &user, &id);
        state.database.write(purpose, Scope::Nothing, remove).await?;
    }
    Ok(HttpResponse::NoContent().finish())
}
