//! Where a user's devices are notified.

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{read_own, user_of};
use crate::{
    actors::db_executor::purpose::{Reading, Writing},
    db::{self, Scope, Subscribed},
    domain::{NewPushSubscription, PushPlatform, PushSubscription, WebKeys, field::InvalidField},
    error::{ChatError, ErrorCode},
    http::{
        extract::{Body, InPath, SignedIn},
        problem::Problem,
        responses::{AsUser, Changed, WithBody},
        state::AppState,
    },
    protocol::web_push::check_subscription,
};

/// Longest id in a path, in characters.
const ID_CHARS_MAX: usize = 128;

/// A device that wants to be notified: a browser or a native app.
#[derive(Deserialize, ToSchema)]
#[serde(try_from = "PushSubscriptionFields", untagged)]
pub enum PostPushSubscription {
    /// A browser, as `PushSubscription.toJSON()` says it.
    Browser(BrowserSubscription),
    /// A native app, which the marketplace's backend reaches through FCM or APNs.
    NativeApp(NativeSubscription),
}

/// A browser, as `PushSubscription.toJSON()` says it.
#[derive(ToSchema)]
pub struct BrowserSubscription {
    /// Where its push service takes what is for it, an https:// address.
    #[schema(max_length = 1024, example = "https://fcm.googleapis.com/fcm/send/dpH5lCsTSSM:APA91bHqjZxM0VImWWqDRN7U")]
    endpoint: String,
    /// With which it decrypts.
    keys: BrowserKeys,
    /// In which language it shows what it is sent, as a BCP 47 tag.
    #[schema(max_length = 35, example = "ko")]
    language: Option<String>,
}

/// The keys of a browser, as base64url (RFC 8291).
#[derive(Deserialize, ToSchema)]
pub struct BrowserKeys {
    /// A point on P-256, uncompressed: 65 bytes.
    #[schema(example = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4")]
    p256dh: String,
    /// 16 bytes.
    #[schema(example = "BTBZMqHH6r4Tts7J_aSIgg")]
    auth: String,
}

/// A native app.
#[derive(ToSchema)]
pub struct NativeSubscription {
    /// Through which service it is reached.
    platform: NativePlatform,
    /// The device's token there.
    #[schema(
        min_length = 1,
        max_length = 1024,
        pattern = "^[!-~]+$",
        example = "bk3RNwTe3H0:CI2k_HHwgIpoDKCIZvvDMExUdFQ3P1"
    )]
    token: String,
    /// In which language it shows what it is sent, as a BCP 47 tag.
    #[schema(max_length = 35, example = "ko")]
    language: Option<String>,
}

/// Through which service a native app is reached.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NativePlatform {
    /// Firebase Cloud Messaging.
    Fcm,
    /// The Apple Push Notification service.
    Apns,
}

/// Either of the two, before it is known which.
#[derive(Deserialize)]
struct PushSubscriptionFields {
    endpoint: Option<String>,
    keys: Option<BrowserKeys>,
    platform: Option<PushPlatform>,
    token: Option<String>,
    language: Option<String>,
}

impl TryFrom<PushSubscriptionFields> for PostPushSubscription {
    type Error = InvalidField;

    fn try_from(fields: PushSubscriptionFields) -> Result<Self, InvalidField> {
        let PushSubscriptionFields { endpoint, keys, platform, token, language } = fields;
        match (endpoint, keys, platform, token) {
            (Some(endpoint), Some(keys), None | Some(PushPlatform::Web), None) => {
                Ok(Self::Browser(BrowserSubscription { endpoint, keys, language }))
            }
            (None, None, Some(PushPlatform::Fcm), Some(token)) => {
                Ok(Self::NativeApp(NativeSubscription { platform: NativePlatform::Fcm, token, language }))
            }
            (None, None, Some(PushPlatform::Apns), Some(token)) => {
                Ok(Self::NativeApp(NativeSubscription { platform: NativePlatform::Apns, token, language }))
            }
            _ => Err(InvalidField::new(
                "give `endpoint` and `keys` of a browser, or `platform` and `token` of a native app",
            )),
        }
    }
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
#[utoipa::path(
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

fn check(state: &AppState, posted: PostPushSubscription) -> Result<NewPushSubscription, ChatError> {
    let off = |what: &'static str| ChatError::new(ErrorCode::Conflict, what);
    match posted {
        PostPushSubscription::Browser(BrowserSubscription { endpoint, keys, language }) => {
            let Some(service) = &state.push_service else {
                return Err(off("this server does not notify browsers: its operator has given no --vapid-key-file"));
            };
            let keys = WebKeys { p256dh: keys.p256dh, auth: keys.auth };
            Ok(check_subscription(endpoint, keys, language, service.takes_private())?)
        }
        PostPushSubscription::NativeApp(NativeSubscription { platform, token, language }) => {
            if !state.notifies_devices() {
                return Err(off("this server does not notify native apps: its webhook is not sent what stays unread"));
            }
            let platform = match platform {
                NativePlatform::Fcm => PushPlatform::Fcm,
                NativePlatform::Apns => PushPlatform::Apns,
            };
            Ok(NewPushSubscription::native(platform, token, language)?)
        }
    }
}

/// Lists the caller's devices, without their addresses and keys.
///
/// # Errors
/// None of its own.
#[utoipa::path(
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
#[utoipa::path(
    delete,
    path = "/api/v1/me/push-subscriptions/{id}",
    operation_id = "unsubscribeFromPush",
    tag = "me",
    security(("userToken" = [])),
    params(("id" = String, Path, description = "The subscription's id", max_length = 128)),
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
