//! Offers in a room: make one, answer one.

use actix_web::{HttpResponse, web};
use serde::Deserialize;

use super::{check_same, created_or_found, messages::check_place};
use crate::{
    api_docs::{self, ToSchema},
    chat::request::MakeOffer as Make,
    db::Write,
    domain::{MessageId, RoomId, field::optional_whole},
    http::{
        extract::{Body, InPath, SignedIn},
        problem::Problem,
        state::{AppState, json_body},
    },
    protocol::event::{MakeOffer, OfferAnswer},
};
#[cfg(test)]
use crate::{
    http::responses::{AsSpeaker, Changed, Unknown, WithBody},
    protocol::view::MessageView,
};

/// Makes an offer, as the event `offer` does: a message of the kind `offer` that expires after 48 hours without an answer.
///
/// A newer offer of the same member replaces the one that waits. With a `clientId` the request can be repeated: it is
/// stored once, and the first message is the answer (200).
///
/// # Errors
/// `conflict` once the product is sold or an offer on it was accepted, and while the other member's offer waits for an
/// answer; `invalid` for another currency than the product's; `blocked`; `forbidden` for anyone but the room's two members.
#[api_docs::path(
    post,
    path = "/api/v1/rooms/{id}/offers",
    operation_id = "makeOffer",
    tag = "offers",
    security(("userToken" = [])),
    params(("id" = RoomId, Path, description = "The room's id")),
    request_body(content = MakeOffer, example = json!({"amount": 900_000, "currency": "KRW", "clientId": "9b1c"})),
    responses(
        (status = 201, description = "The offer waits for its answer", body = MessageView),
        (status = 200, description = "An earlier message has this `clientId`: this is it", body = MessageView),
        AsSpeaker, WithBody, Changed,
    )
)]
pub async fn make_offer(
    state: web::Data<AppState>,
    user: SignedIn,
    room: InPath<RoomId>,
    body: Body<MakeOffer>,
) -> Result<HttpResponse, Problem> {
    let (SignedIn(identity), InPath(room), Body(offer)) = (user, room, body);
    check_same("roomId", offer.room_id.as_ref(), &room)?;
    state.accounts.admit_send(&identity.user)?;
    let (price, client_id) = (offer.price()?, offer.client_id);
    let answer = state.ask(|reply| Make { user: identity.user, room, price, client_id, reply }).await?;
    Ok(created_or_found(answer))
}

/// How an offer is answered.
#[derive(Debug, Deserialize, ToSchema)]
pub struct AnswerToOffer {
    /// `accept`, `decline` and `counter` are the other member's, `withdraw` its maker's.
    answer: OfferAnswer,
    /// For a counter, in the minor unit of the offer's currency.
    #[serde(default, deserialize_with = "optional_whole")]
    #[schema(minimum = 1, maximum = 9_007_199_254_740_991_i64)]
    amount: Option<i64>,
}

/// Answers an offer, or takes it back, as the event `answerOffer` does.
///
/// The first acceptance wins for the whole product: every other pending offer for it is declined, and the product becomes
/// `reserved`. A counter is a new offer with 48 hours of its own.
///
/// # Errors
/// `conflict` for an offer that is no longer pending, and when the product is sold or another offer was accepted;
/// `forbidden` for the wrong one of the two members; `not_found` for a message that is no offer of this room; `blocked`.
#[api_docs::path(
    post,
    path = "/api/v1/rooms/{id}/offers/{messageId}/answer",
    operation_id = "answerOffer",
    tag = "offers",
    security(("userToken" = [])),
    params(
        ("id" = RoomId, Path, description = "The room's id"),
        ("messageId" = MessageId, Path, description = "The offer's message"),
    ),
    request_body(content = AnswerToOffer, example = json!({"answer": "counter", "amount": 940_000})),
    responses(
        (status = 200, description = "The offer as it now stands", body = MessageView),
        AsSpeaker, WithBody, Unknown, Changed,
    )
)]
pub async fn answer_offer(
    state: web::Data<AppState>,
    user: SignedIn,
    ids: InPath<(RoomId, MessageId)>,
    body: Body<AnswerToOffer>,
) -> Result<HttpResponse, Problem> {
    let (SignedIn(identity), InPath((room, message)), Body(body)) = (user, ids, body);
    state.accounts.admit_send(&identity.user)?;
    let answer = body.answer.with_amount(body.amount)?;
    check_place(&state, room.clone(), &identity.user, &message).await?;
    let (actor, at) = (identity.user, state.clock.now());
    let write = Write::AnswerOffer { room: Some(room), message, actor, answer, at };
    Ok(json_body(state.change(write).await?.data))
}
