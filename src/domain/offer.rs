//! Offers: one state machine for the price that a member has named.
//!
//! Pure: what is stored, who acts and when go in, what becomes of it comes out. The transaction that applies it sees to it
//! that an acceptance is the only one of its product.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{
    Data, MessageId, MessageKind, ProductStatus, Role, StoredMessage, Timestamp, UserId, currency, field::InvalidField,
    product::PRICE_MAX,
};
use crate::api_docs::ToSchema;

/// For how long an offer waits for its answer.
pub const OFFER_LIFETIME_MS: i64 = 48 * 60 * 60 * 1000;

/// Where an offer stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OfferStatus {
    /// Waits for the other member's answer.
    Pending,
    /// Taken: the product is reserved for its room.
    Accepted,
    /// Refused by the other member, or lost because another offer was accepted or the product was sold.
    Declined,
    /// Withdrawn by the member who made it.
    Withdrawn,
    /// Answered with another price.
    Countered,
    /// Not answered in 48 hours.
    Expired,
    /// Replaced by a newer offer of the same member, or accepted once and the product is on sale again.
    Superseded,
}

impl OfferStatus {
    /// Every status.
    pub const ALL: [Self; 7] = [
        Self::Pending,
        Self::Accepted,
        Self::Declined,
        Self::Withdrawn,
        Self::Countered,
        Self::Expired,
        Self::Superseded,
    ];

    /// Name on every wire and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Accepted => "accepted",
            Self::Declined => "declined",
            Self::Withdrawn => "withdrawn",
            Self::Countered => "countered",
            Self::Expired => "expired",
            Self::Superseded => "superseded",
        }
    }

    /// Whether an offer of this status stands: it waits, or was accepted.
    #[must_use]
    pub const fn stands(self) -> bool {
        matches!(self, Self::Pending | Self::Accepted)
    }

    /// Reads the name; `None` for any other word.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }
}

/// A price that a member names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Price {
    /// In the currency's minor unit.
    pub amount: i64,
    /// ISO 4217 code.
    pub currency: String,
}

impl Price {
    /// Checks what the types alone don't.
    ///
    /// # Errors
    /// [`InvalidField`] for an amount or a currency out of range.
    pub fn check(&self) -> Result<(), InvalidField> {
        check_amount(self.amount)?;
        currency::check(&self.currency, "currency")
    }
}

/// Checks an offer's amount.
///
/// # Errors
/// [`InvalidField`] when it is out of range.
pub fn check_amount(amount: i64) -> Result<(), InvalidField> {
    if (1..=PRICE_MAX).contains(&amount) {
        Ok(())
    } else {
        Err(InvalidField(format!("`amount` must be 1 to {PRICE_MAX}, in the currency's minor unit")))
    }
}

/// An offer, as far as an answer to it depends on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The member who made it.
    pub offered_by: Role,
    pub price: Price,
    /// Where it stands.
    pub status: OfferStatus,
    /// When it stops to wait.
    pub expires_at: Timestamp,
}

impl Offer {
    /// A new offer.
    #[must_use]
    pub fn new(offered_by: Role, price: Price, at: Timestamp) -> Self {
        Self { offered_by, price, status: OfferStatus::Pending, expires_at: at.plus_ms(OFFER_LIFETIME_MS) }
    }

    /// Whether it has waited too long.
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.status == OfferStatus::Pending && self.expires_at <= now
    }

    /// Reads the `data` of a message that a member has sent; `None` when it describes no offer.
    #[must_use]
    pub fn from_data(offered_by: Role, data: &Data) -> Option<Self> {
        let OfferData { amount, currency, expires_at, status } = data.read()?;
        let price = Price { amount, currency };
        // What is stored may have a currency from before there was a table of them.
        check_amount(price.amount).ok()?;
        Some(Self { offered_by, price, status, expires_at })
    }

    /// The `data` of its message.
    #[must_use]
    pub fn to_data(&self) -> Data {
        Data::of(&OfferData {
            amount: self.price.amount,
            currency: self.price.currency.clone(),
            expires_at: self.expires_at,
            status: self.status,
        })
    }
}

/// The current offer of a room: the pending one, or the accepted one. A room has at most one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StandingOffer {
    /// The message that made it.
    pub message_id: MessageId,
    /// The member who made it.
    pub sender_id: UserId,
    /// In the currency's minor unit.
    pub amount: i64,
    /// ISO 4217 code.
    pub currency: String,
    /// `pending` or `accepted`.
    pub status: OfferStatus,
    /// Until when it waits.
    pub expires_at: Timestamp,
}

impl StandingOffer {
    /// The offer that a message has made, if it is current.
    #[must_use]
    pub fn of(message: &StoredMessage) -> Option<Self> {
        let data = message.data.as_ref().filter(|_| message.kind == MessageKind::Offer)?;
        // The role has no part in what stands.
        let offer = Offer::from_data(Role::Buyer, data)?;
        offer.status.stands().then(|| Self::new(message.id.clone(), message.sender_id.clone(), offer))
    }

    /// An offer that stands.
    #[must_use]
    pub fn new(message_id: MessageId, sender_id: UserId, offer: Offer) -> Self {
        let Offer { price: Price { amount, currency }, status, expires_at, .. } = offer;
        Self { message_id, sender_id, amount, currency, status, expires_at }
    }

    /// Whether it has waited too long.
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.status == OfferStatus::Pending && self.expires_at <= now
    }

    /// Bytes that it takes as JSON, about.
    #[must_use]
    pub fn weight_bytes(&self) -> usize {
        160 + self.message_id.as_str().len() + self.sender_id.as_str().len()
    }
}

/// What the `data` of an offer's message holds, in addition to what an import brought along.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct OfferData {
    amount: i64,
    currency: String,
    expires_at: Timestamp,
    status: OfferStatus,
}

/// What a member does about an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OfferDecision {
    /// The other member takes it.
    Accept,
    /// The other member refuses it.
    Decline,
    /// Its maker takes it back.
    Withdraw,
    /// The other member names another price: a new offer, with 48 hours of its own.
    Counter {
        /// In the currency of the offer that it answers.
        amount: i64,
    },
}

/// What an offer depends on in addition to its room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Market {
    /// Where the product stands.
    pub product: ProductStatus,
    /// Whether an offer on it is accepted, in whichever room.
    pub taken: bool,
}

/// Why an offer can't be made or answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum OfferRefusal {
    /// Nothing is offered or accepted once it is sold.
    #[error("this product is sold")]
    Sold,
    /// The first acceptance wins.
    #[error("an offer on this product was accepted already")]
    Taken,
    /// The other member's offer waits for an answer.
    #[error("the other member's offer waits for your answer: accept, decline or counter it")]
    AnswerFirst,
    /// It does not wait any more.
    #[error("this offer is not pending any more, it is {}", .0.as_str())]
    NotPending(OfferStatus),
    /// Nobody answers their own offer.
    #[error("only the other member may answer this offer; you may withdraw it")]
    OwnOffer,
    /// Nobody withdraws the other member's offer.
    #[error("only the member who made this offer may withdraw it; you may decline it")]
    NotOwnOffer,
}

/// Decides what becomes of an offer when a member answers it.
///
/// # Errors
/// [`OfferRefusal`], and then everything stays as it is.
pub fn answer(
    offer: &Offer,
    actor: Role,
    answer: OfferDecision,
    market: Market,
    now: Timestamp,
) -> Result<OfferStatus, OfferRefusal> {
    let own = offer.offered_by == actor;
    match answer {
        OfferDecision::Withdraw if !own => return Err(OfferRefusal::NotOwnOffer),
        OfferDecision::Accept | OfferDecision::Decline | OfferDecision::Counter { .. } if own => {
            return Err(OfferRefusal::OwnOffer);
        }
        _ => {}
    }
    if offer.is_over(now) {
        return Err(OfferRefusal::NotPending(OfferStatus::Expired));
    }
    if offer.status != OfferStatus::Pending {
        return Err(OfferRefusal::NotPending(offer.status));
    }
    match answer {
        OfferDecision::Decline => Ok(OfferStatus::Declined),
        OfferDecision::Withdraw => Ok(OfferStatus::Withdrawn),
        OfferDecision::Accept => check_open(market).map(|()| OfferStatus::Accepted),
        OfferDecision::Counter { .. } => check_open(market).map(|()| OfferStatus::Countered),
    }
}

/// Decides whether a member may make an offer, and what becomes of the one that waits in the room.
///
/// # Errors
/// [`OfferRefusal`], and then nothing is offered.
pub fn make(
    waiting: Option<&Offer>,
    actor: Role,
    market: Market,
    now: Timestamp,
) -> Result<Option<OfferStatus>, OfferRefusal> {
    check_open(market)?;
    match waiting {
        Some(offer) if offer.status != OfferStatus::Pending => Ok(None),
        Some(offer) if offer.is_over(now) => Ok(Some(OfferStatus::Expired)),
        Some(offer) if offer.offered_by == actor => Ok(Some(OfferStatus::Superseded)),
        Some(_) => Err(OfferRefusal::AnswerFirst),
        None => Ok(None),
    }
}

fn check_open(market: Market) -> Result<(), OfferRefusal> {
    if market.product == ProductStatus::Sold {
        Err(OfferRefusal::Sold)
    } else if market.taken {
        Err(OfferRefusal::Taken)
    } else {
        Ok(())
    }
}

/// The data of an offer whose time has passed, while the sweep has yet to write that down; `None` for any other message.
#[must_use]
pub fn expired_data(message: &StoredMessage, now: Timestamp) -> Option<Data> {
    let data = message.data.as_ref().filter(|_| message.kind == MessageKind::Offer)?;
    // Its sender does not matter here.
    let is_over = Offer::from_data(Role::Buyer, data).is_some_and(|offer| offer.is_over(now));
    is_over.then(|| data.with_fields(&[("status", OfferStatus::Expired.as_str())]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{RoomId, sample};

    const NOW: Timestamp = Timestamp(1_800_000_000_000);
    const OPEN: Market = Market { product: ProductStatus::OnSale, taken: false };
    const COUNTER: OfferDecision = OfferDecision::Counter { amount: 90 };
    const ANSWERS: [OfferDecision; 4] =
        [OfferDecision::Accept, OfferDecision::Decline, OfferDecision::Withdraw, COUNTER];

    fn offer(status: OfferStatus) -> Offer {
        let price = Price { amount: 100, currency: "USD".to_owned() };
        Offer { status, ..Offer::new(Role::Buyer, price, NOW) }
    }

    #[test]
    fn an_offer_is_read_as_it_was_written() {
        for status in OfferStatus::ALL {
            assert_eq!(Offer::from_data(Role::Buyer, &offer(status).to_data()), Some(offer(status)));
        }
        assert_eq!(
            Offer::from_data(Role::Buyer, &Data::from_json(r#"{"amount":1,"currency":"USD"}"#.to_owned()).unwrap()),
            None
        );
    }

    #[test]
    fn an_offer_stands_while_it_waits_and_when_it_was_accepted() {
        let stands = [OfferStatus::Pending, OfferStatus::Accepted];
        for status in OfferStatus::ALL {
            let mut message = sample::message(&RoomId::random(), 1, "alice");
            (message.kind, message.data) = (MessageKind::Offer, Some(offer(status).to_data()));
            let standing = StandingOffer::of(&message);
            assert_eq!(
                standing.as_ref().map(|offer| offer.status),
                stands.into_iter().find(|stands| *stands == status)
            );
            message.kind = MessageKind::Text;
            assert_eq!(StandingOffer::of(&message), None);
        }
    }

    #[test]
    fn only_the_other_member_answers_and_only_the_maker_withdraws() {
        let pending = offer(OfferStatus::Pending);
        for (by_buyer, by_seller, given) in [
            (Err(OfferRefusal::OwnOffer), Ok(OfferStatus::Accepted), OfferDecision::Accept),
            (Err(OfferRefusal::OwnOffer), Ok(OfferStatus::Declined), OfferDecision::Decline),
            (Err(OfferRefusal::OwnOffer), Ok(OfferStatus::Countered), COUNTER),
            (Ok(OfferStatus::Withdrawn), Err(OfferRefusal::NotOwnOffer), OfferDecision::Withdraw),
        ] {
            assert_eq!(answer(&pending, Role::Buyer, given, OPEN, NOW), by_buyer);
            assert_eq!(answer(&pending, Role::Seller, given, OPEN, NOW), by_seller);
        }
    }

    #[test]
    fn what_is_answered_is_not_answered_again() {
        for status in OfferStatus::ALL.into_iter().filter(|status| *status != OfferStatus::Pending) {
            for given in ANSWERS {
                let actor = if given == OfferDecision::Withdraw { Role::Buyer } else { Role::Seller };
                assert_eq!(answer(&offer(status), actor, given, OPEN, NOW), Err(OfferRefusal::NotPending(status)));
            }
        }
    }

    #[test]
    fn an_offer_waits_48_hours_and_not_a_millisecond_longer() {
        let pending = offer(OfferStatus::Pending);
        let last = NOW.plus_ms(OFFER_LIFETIME_MS - 1);
        assert_eq!(answer(&pending, Role::Seller, OfferDecision::Accept, OPEN, last), Ok(OfferStatus::Accepted));
        let over = NOW.plus_ms(OFFER_LIFETIME_MS);
        let expired = Err(OfferRefusal::NotPending(OfferStatus::Expired));
        assert_eq!(answer(&pending, Role::Seller, OfferDecision::Accept, OPEN, over), expired);
        assert_eq!(make(Some(&pending), Role::Seller, OPEN, over), Ok(Some(OfferStatus::Expired)));
    }

    #[test]
    fn nothing_is_offered_or_accepted_once_it_is_sold_or_taken() {
        let pending = offer(OfferStatus::Pending);
        for (product, taken, refusal) in [
            (ProductStatus::Sold, false, OfferRefusal::Sold),
            (ProductStatus::Sold, true, OfferRefusal::Sold),
            (ProductStatus::Reserved, true, OfferRefusal::Taken),
        ] {
            let market = Market { product, taken };
            assert_eq!(make(None, Role::Buyer, market, NOW), Err(refusal));
            for given in [OfferDecision::Accept, COUNTER] {
                assert_eq!(answer(&pending, Role::Seller, given, market, NOW), Err(refusal));
            }
            assert_eq!(answer(&pending, Role::Seller, OfferDecision::Decline, market, NOW), Ok(OfferStatus::Declined));
        }
        // Reserved by hand, for a buyer who has made no offer yet.
        let by_hand = Market { product: ProductStatus::Reserved, taken: false };
        assert_eq!(answer(&pending, Role::Seller, OfferDecision::Accept, by_hand, NOW), Ok(OfferStatus::Accepted));
    }

    #[test]
    fn ones_own_newer_offer_replaces_the_older_and_the_others_must_be_answered() {
        let pending = offer(OfferStatus::Pending);
        assert_eq!(make(Some(&pending), Role::Buyer, OPEN, NOW), Ok(Some(OfferStatus::Superseded)));
        assert_eq!(make(Some(&pending), Role::Seller, OPEN, NOW), Err(OfferRefusal::AnswerFirst));
        assert_eq!(make(None, Role::Seller, OPEN, NOW), Ok(None));
    }
}
