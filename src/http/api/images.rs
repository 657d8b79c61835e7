//! Images: sent into a room, and read by their signed addresses.

use actix_multipart::{Multipart, MultipartError};
use actix_web::{
    HttpRequest, HttpResponse,
    body::SizedStream,
    http::header::{self, ContentLength, Header as _},
    web,
};
use futures_util::StreamExt as _;
use serde::Deserialize;

use super::created_or_found;
use crate::{
    api_docs::{self, IntoParams, ToSchema},
    auth::Identity,
    chat::request::Answer,
    domain::{
        ClientId, Data, Draft, MessageKind, RoomId, Seq, id::SEQ_MAX, masking::Inspected, message::check_size,
        stored_image::StoredImage,
    },
    error::{ChatError, ErrorCode},
    http::{
        extract::{InPath, InQuery, SignedIn, whole_number},
        images::{
            TURN_MAX,
            uploads::{Pace, Received},
        },
        problem::Problem,
        state::AppState,
    },
    images::StoreError,
    metrics::{self, GaugeGuard},
};
#[cfg(test)]
use crate::{
    http::responses::{Anyone, AsSpeaker, BadAddress, FileBytes, Unknown, WithBody},
    protocol::view::MessageView,
};

/// Bytes of a form's other fields.
const FIELD_BYTES_MAX: usize = 64 * 1024;

/// Parts of a form: the image, a text, a client id, what it replies to, and as many that nobody reads.
const FIELDS_MAX: usize = 8;

/// A form with an image.
#[derive(ToSchema)]
#[allow(dead_code, reason = "describes the form for OpenAPI; the parts are read as they come")]
pub struct ImageForm {
    /// A JPEG, PNG or WebP image.
    #[schema(value_type = String, format = Binary, content_media_type = "application/octet-stream")]
    image: Vec<u8>,
    /// Words to it; nothing when it is empty.
    #[schema(nullable = false)]
    text: Option<String>,
    /// The sender's idempotency key, at most 64 characters.
    #[schema(rename = "clientId", value_type = ClientId, required = false)]
    client_id: Option<String>,
    /// The `seq` of an earlier message of the room, which this one replies to.
    #[schema(rename = "replyTo", value_type = Seq, minimum = 1, required = false)]
    reply_to: Option<String>,
}

#[derive(Default)]
struct Form {
    text: Option<String>,
    client_id: Option<ClientId>,
    reply_to: Option<Seq>,
}

/// Sends an image into a room, as `multipart/form-data` of at most 8 parts.
///
/// It is decoded and encoded again, upright, in the colours of sRGB, at most 2048 pixels per side and with a thumbnail, so
/// that nothing of the file except its pixels is kept. The result is a PNG if a pixel is transparent, and a JPEG otherwise,
/// whatever was sent. The message is of the kind `image`; its `data` has `url` and `thumbnailUrl`, which are valid for one
/// day and signed again each time the message is read. They are absolute with `--public-url`, and paths of this server
/// otherwise.
///
/// # Errors
/// `forbidden` for anyone but the room's two members, `invalid` for what is no JPEG, PNG or WebP image, `too_large`.
#[api_docs::path(
    post,
    path = "/api/v1/rooms/{id}/images",
    operation_id = "sendImage",
    tag = "messages",
    security(("userToken" = [])),
    params(("id" = RoomId, Path, description = "The room's id")),
    request_body(content = ImageForm, content_type = "multipart/form-data"),
    responses(
        (status = 201, description = "The message was stored", body = MessageView),
        (status = 200, description = "An earlier message has this `clientId`: this is it", body = MessageView),
        AsSpeaker, WithBody,
    )
)]
pub async fn send_image(
    state: web::Data<AppState>,
    user: SignedIn,
    room: InPath<RoomId>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let (SignedIn(identity), InPath(room)) = (user, room);
    let bytes_max = state.config.limits.image_bytes_max;
    let length = ContentLength::parse(&request).map_or(0, |length| length.0);
    if length > bytes_max + 2 * FIELD_BYTES_MAX {
        return Err(too_large(bytes_max).into());
    }
    state.accounts.admit_send(&identity.user)?;
    let _uploading = GaugeGuard::raise(&state.metrics.image_uploads);
    // Before any bytes are read: the sender may be refused.
    if !state.database.may_send(room.clone(), identity.user.clone(), identity.is_staff).await? {
        return Err(ChatError::forbidden().into());
    }
    let upload = state.images.accept_upload(&identity.user).inspect_err(|_| {
        metrics::count(&state.metrics.rate_limited, "uploads_per_user");
    })?;
    let turn = tokio::time::timeout(TURN_MAX, upload.turn()).await;
    let received = turn.map_err(|_| ChatError::rate_limited(1000))?;
    let (form, received) = read_form(Multipart::new(request.headers(), payload), bytes_max, received).await?;
    if received.image_bytes() == 0 {
        return Err(ChatError::invalid(
            "`image` is missing from the form, or empty: it must be a JPEG, PNG or WebP image",
        )
        .into());
    }
    if let Some(text) = &form.text {
        check_size(Some(text), None, state.config.limits.message_bytes_max).map_err(ChatError::from)?;
    }
    let encoded = state.images.encode(&identity.user, received).await?;
    let image = state.images.keep(encoded).await.map_err(|error| {
        state.metrics.image_store_failures.inc();
        log::error!("an image could not be kept: {error}");
        ChatError::unavailable()
    })?;
    state.metrics.images_stored.inc();
    let answer = store_message(&state, room, identity, form, &image).await;
    if !answer.as_ref().is_ok_and(|answer| answer.created) {
        state.images.discard(&image).await;
    }
    Ok(created_or_found(answer?))
}

async fn store_message(
    state: &AppState,
    room: RoomId,
    sender: Identity,
    Form { text, client_id, reply_to }: Form,
    image: &StoredImage,
) -> Result<Answer, ChatError> {
    let Inspected { screened, ends } = state.config.masking.inspect(text.as_deref());
    let draft = Draft {
        room,
        sender: sender.user,
        client_id,
        kind: MessageKind::Image,
        text,
        data: Some(Data::of(image)),
        reply_to,
        sent_at: state.clock.now(),
        screened,
        by_staff: sender.is_staff,
    };
    state.say(draft, ends).await
}

/// Reads a form at the pace at which it must come in.
async fn read_form(
    mut parts: Multipart,
    bytes_max: usize,
    mut received: Received,
) -> Result<(Form, Received), ChatError> {
    let mut form = Form::default();
    let mut pace = Pace::begin();
    for _ in 0..FIELDS_MAX {
        let Some(mut part) = in_time(&pace, parts.next()).await? else { return Ok((form, received)) };
        let name = part.name().unwrap_or_default().to_owned();
        let mut field = Vec::new();
        let mut bytes = 0;
        if name == "image" {
            received.restart();
        }
        while let Some(chunk) = in_time(&pace, part.next()).await? {
            pace.received(chunk.len());
            bytes += chunk.len();
            match name.as_str() {
                "image" if bytes > bytes_max => return Err(too_large(bytes_max)),
                "image" => received.keep(&chunk)?,
                _ if bytes > FIELD_BYTES_MAX => {
                    return Err(ChatError::new(ErrorCode::TooLarge, "a field of the form is too large"));
                }
                "text" | "clientId" | "replyTo" => {
                    received.count(chunk.len())?;
                    field.extend_from_slice(&chunk);
                }
                // Nobody reads it.
                _ => {}
            }
        }
        let text = || String::from_utf8(field).map_err(|_| ChatError::invalid(format!("`{name}` must be UTF-8")));
        match name.as_str() {
            // What a form sends for a field that nobody filled in.
            "text" => form.text = Some(text()?).filter(|text| !text.is_empty()),
            "clientId" => form.client_id = Some(ClientId::new(text()?)?),
            "replyTo" => {
                let text = Some(text()?).filter(|text| !text.is_empty());
                form.reply_to = whole_number("replyTo", text.as_deref(), 1..=SEQ_MAX)?.map(Seq);
            }
            _ => {}
        }
    }
    Err(ChatError::invalid(format!("the form must have at most {FIELDS_MAX} parts")))
}

/// Waits for the next part of a form for as long as its pace allows.
async fn in_time<T>(
    pace: &Pace,
    next: impl Future<Output = Option<Result<T, MultipartError>>>,
) -> Result<Option<T>, ChatError> {
    let next = tokio::time::timeout_at(pace.deadline().into(), next).await.map_err(|_| Pace::too_slow())?;
    next.transpose().map_err(|_| ChatError::invalid("the body must be `multipart/form-data` with a part `image`"))
}

fn too_large(bytes_max: usize) -> ChatError {
    ChatError::new(ErrorCode::TooLarge, format!("`image` must be at most {bytes_max} bytes"))
}

/// What makes an address valid.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SignedQuery {
    /// Until when, in seconds since 1970.
    #[param(value_type = i64, required = true, minimum = 0)]
    expires: Option<String>,
    /// haggle's signature over the key and the time.
    #[param(value_type = String, required = true)]
    signature: Option<String>,
}

/// An image or a thumbnail, by the address in its message.
///
/// The signature is the permission: it needs no token, so that a page can show it.
///
/// # Errors
/// `forbidden` for an address that has expired or is not haggle's: read the message again for a fresh one. `not_found` when
/// the message was deleted.
#[api_docs::path(
    get,
    path = "/api/v1/images/{key}",
    operation_id = "getImage",
    tag = "messages",
    params(("key" = String, Path, description = "The image's key"), SignedQuery),
    responses(
        (status = 200, description = "The image", content((FileBytes = "image/jpeg"), (FileBytes = "image/png"))),
        Anyone, BadAddress, Unknown,
    )
)]
pub async fn get_image(
    state: web::Data<AppState>,
    key: InPath<String>,
    query: InQuery<SignedQuery>,
) -> Result<HttpResponse, Problem> {
    let (InPath(key), InQuery(SignedQuery { expires, signature })) = (key, query);
    let expires = whole_number("expires", expires.as_deref(), 0..=i64::MAX)?;
    let good =
        expires.zip(signature).and_then(|(expires, signature)| state.image_urls.verify(&key, expires, &signature));
    let left = match good {
        Some(left) if left > 0 => left,
        _ => {
            return Err(ChatError::new(ErrorCode::Forbidden, "this address has expired: read the message again").into());
        }
    };
    let (bytes, parts) = state.images.store().read(&key).await.map_err(|error| match error {
        StoreError::NotFound => ChatError::not_found("there is no such image"),
        other => {
            state.metrics.image_store_failures.inc();
            log::error!("an image could not be read: {other}");
            ChatError::unavailable()
        }
    })?;
    let content_type = if key.ends_with(".png") { "image/png" } else { "image/jpeg" };
    Ok(HttpResponse::Ok()
        .content_type(content_type)
        .insert_header((header::CACHE_CONTROL, format!("private, max-age={left}, immutable")))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .body(SizedStream::new(bytes, Box::pin(parts))))
}
