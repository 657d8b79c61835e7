use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::{
    db::{
        Connection, MessagePage, find_product, list_messages, load_room,
        prelude::*,
        schema::{messages, offers},
        test_db::{NOW, TestDb, product, room, user_id, write},
    },
    domain::{
        MessageKind, StoredMessage,
        offer::{OFFER_LIFETIME_MS, OfferDecision, OfferStatus, StandingOffer},
    },
    error::ErrorCode,
};

const BUYERS: [&str; 3] = ["alice", "bob", "mallory"];

fn price(amount: i64) -> Price {
    Price { amount, currency: "USD".to_owned() }
}

fn make(room: &RoomId, maker: &str, amount: i64, at: Timestamp) -> Write {
    Write::MakeOffer { room: room.clone(), maker: user_id(maker), price: price(amount), client_id: None, at }
}

fn answer(message: &MessageId, actor: &str, answer: OfferDecision, at: Timestamp) -> Write {
    Write::AnswerOffer { room: None, message: message.clone(), actor: user_id(actor), answer, at }
}

fn moved(outcome: Result<Written, WriteError>) -> OfferMoved {
    match outcome {
        Ok(Written::OfferMoved(moved)) => *moved,
        other => panic!("{other:?}"),
    }
}

fn status(message: &StoredMessage) -> String {
    message.data.as_ref().unwrap().read::<serde_json::Value>().unwrap()["status"].as_str().unwrap().to_owned()
}

fn offered(conn: &mut Connection, room: &RoomId, maker: &str) -> MessageId {
    moved(write(conn, make(room, maker, 100, NOW))).answer.unwrap().id
}

#[test]
fn the_first_acceptance_wins_for_the_whole_product() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let rooms = BUYERS.map(|buyer| room(conn, buyer, "bike"));
    let ids: Vec<MessageId> = BUYERS.iter().zip(&rooms).map(|(buyer, room)| offered(conn, room, buyer)).collect();

    let won = moved(write(conn, answer(&ids[1], "carol", OfferDecision::Accept, NOW)));
    assert_eq!(status(won.answer.as_ref().unwrap()), "accepted");
    let lost: Vec<_> = won.changed.iter().filter(|message| message.id != ids[1]).collect();
    assert_eq!(lost.iter().map(|message| status(message)).collect::<Vec<_>>(), ["declined", "declined"]);
    let change = won.product.unwrap();
    assert_eq!((change.product.status, change.rooms.len(), change.notices.len()), (ProductStatus::Reserved, 3, 3));

    let second = write(conn, answer(&ids[0], "carol", OfferDecision::Accept, NOW)).unwrap_err();
    assert_eq!(second.code(), ErrorCode::Conflict);
    let late = write(conn, make(&rooms[0], "alice", 200, NOW)).unwrap_err();
    assert_eq!(late, WriteError::Offer(offer::OfferRefusal::Taken));
}

#[test]
fn a_counter_is_a_new_offer_whose_time_begins_anew() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let a = room(conn, "alice", "bike");
    let first = offered(conn, &a, "alice");
    let later = NOW.plus_ms(OFFER_LIFETIME_MS - 1);
    let countered = moved(write(conn, answer(&first, "carol", OfferDecision::Counter { amount: 110 }, later)));
    assert_eq!(status(&countered.answer.unwrap()), "countered");
    let (counter, expires_at) = countered.made.unwrap();
    assert_eq!((counter.sender_id.as_str(), expires_at), ("carol", later.plus_ms(OFFER_LIFETIME_MS)));
    assert_eq!(counter.data.as_ref().unwrap().read::<serde_json::Value>().unwrap()["currency"], "USD");
    let accepted =
        moved(write(conn, answer(&counter.id, "alice", OfferDecision::Accept, NOW.plus_ms(OFFER_LIFETIME_MS))));
    assert_eq!(status(&accepted.answer.unwrap()), "accepted");
}

#[test]
fn an_answer_that_comes_too_late_ends_the_offer_and_says_so() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let a = room(conn, "alice", "bike");
    let id = offered(conn, &a, "alice");
    let over = NOW.plus_ms(OFFER_LIFETIME_MS);
    let late = moved(write(conn, answer(&id, "carol", OfferDecision::Accept, over)));
    assert_eq!(late.answer.unwrap_err().code(), ErrorCode::Conflict);
    assert_eq!(late.changed.iter().map(status).collect::<Vec<_>>(), ["expired"]);
}

#[test]
fn the_sweep_ends_what_is_over_and_names_the_next() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let (a, b) = (room(conn, "alice", "bike"), room(conn, "bob", "lamp"));
    let id = offered(conn, &a, "alice");
    moved(write(conn, make(&b, "bob", 100, NOW.plus_ms(5))));
    let over = NOW.plus_ms(OFFER_LIFETIME_MS);
    let Ok(Written::OffersExpired { offers, next }) = write(conn, Write::ExpireOffers { at: over }) else { panic!() };
    assert_eq!(
        offers.iter().map(|offer| (offer.id.clone(), status(offer))).collect::<Vec<_>>(),
        [(id, "expired".into())]
    );
    assert_eq!(next, Some(over.plus_ms(5)));
}

#[test]
fn a_stranger_learns_nothing_of_an_offer_and_a_wrong_currency_is_named() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let a = room(conn, "alice", "bike");
    let id = offered(conn, &a, "alice");
    assert_eq!(write(conn, answer(&id, "bob", OfferDecision::Accept, NOW)), Err(WriteError::NotFound("offer")));
    assert_eq!(write(conn, make(&a, "bob", 1, NOW)), Err(WriteError::Forbidden));
    let won = Write::MakeOffer {
        room: a,
        maker: user_id("alice"),
        price: Price { amount: 1, currency: "KRW".to_owned() },
        client_id: None,
        at: NOW,
    };
    assert_eq!(write(conn, won), Err(WriteError::WrongCurrency("USD".to_owned())));
}

#[test]
fn an_offer_with_a_known_client_id_is_made_once() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let a = room(conn, "alice", "bike");
    let offer = Write::MakeOffer {
        room: a,
        maker: user_id("alice"),
        price: price(100),
        client_id: Some(ClientId::new("k").unwrap()),
        at: NOW,
    };
    let first = moved(write(conn, offer.clone())).answer.unwrap();
    assert_eq!(write(conn, offer), Ok(Written::Appended { message: first, first_time: false }));
}

/// The marketplace undoes whatever came to be of the bike.
fn on_sale_again(at: Timestamp) -> Write {
    let product = product("bike").id;
    Write::SetProductStatus { product, seller: None, status: ProductStatus::OnSale, at }
}

#[test]
fn a_product_that_is_put_again_does_not_undo_an_acceptance() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let a = room(conn, "alice", "bike");
    let put = |status, keeps_status| Write::PutProduct {
        product: Product { title: "another".to_owned(), status, ..product("bike") },
        keeps_status,
        at: NOW,
    };
    let stands = |conn: &mut Connection| find_product(conn, &product("bike").id).unwrap().unwrap().status;
    write(conn, put(ProductStatus::Reserved, false)).unwrap();
    write(conn, put(ProductStatus::OnSale, false)).unwrap();
    assert_eq!(stands(conn), ProductStatus::OnSale, "nothing was accepted");
    let id = offered(conn, &a, "alice");
    moved(write(conn, answer(&id, "carol", OfferDecision::Accept, NOW)));

    let refused = write(conn, put(ProductStatus::OnSale, false)).unwrap_err();
    assert!(refused.code() == ErrorCode::Conflict && refused.to_string().contains(id.as_str()), "{refused}");
    for (given, keeps_status, stood) in [
        (ProductStatus::OnSale, true, ProductStatus::Reserved),
        (ProductStatus::Reserved, false, ProductStatus::Reserved),
        (ProductStatus::Sold, false, ProductStatus::Sold),
        (ProductStatus::OnSale, true, ProductStatus::Sold),
        (ProductStatus::Reserved, false, ProductStatus::Reserved),
    ] {
        let Ok(Written::ProductPut { change, .. }) = write(conn, put(given, keeps_status)) else { panic!() };
        assert_eq!((change.product.status, stands(conn), change.offers.len()), (stood, stood, 0));
    }
    let Ok(Written::ProductPut { change, .. }) = write(conn, on_sale_again(NOW)) else { panic!() };
    assert_eq!((status(&change.offers[0]), stands(conn)), ("superseded".to_owned(), ProductStatus::OnSale));
    write(conn, put(ProductStatus::OnSale, false)).unwrap();
}

#[test]
fn a_product_on_sale_again_may_be_accepted_again() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let (a, b) = (room(conn, "alice", "bike"), room(conn, "bob", "bike"));
    let id = offered(conn, &a, "alice");
    moved(write(conn, answer(&id, "carol", OfferDecision::Accept, NOW)));
    let Ok(Written::ProductPut { change, .. }) = write(conn, on_sale_again(NOW)) else { panic!() };
    assert_eq!(change.offers.iter().map(status).collect::<Vec<_>>(), ["superseded"]);
    let id = offered(conn, &b, "bob");
    assert_eq!(
        status(&moved(write(conn, answer(&id, "carol", OfferDecision::Accept, NOW))).answer.unwrap()),
        "accepted"
    );
}

#[test]
fn offers_of_a_deleted_user_end() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let (a, b) = (room(conn, "alice", "bike"), room(conn, "bob", "bike"));
    let (of_alice, of_bob) = (offered(conn, &a, "alice"), offered(conn, &b, "bob"));
    write(conn, Write::DeleteUser { user: user_id("alice"), at: NOW }).unwrap();
    let Ok(Written::WordsErased { offers, .. }) = write(conn, Write::EraseWords { user: user_id("alice"), at: NOW })
    else {
        panic!()
    };
    assert_eq!(offers.iter().map(|o| (o.id.clone(), status(o))).collect::<Vec<_>>(), [(of_alice, "withdrawn".into())]);
    moved(write(conn, answer(&of_bob, "carol", OfferDecision::Accept, NOW)));
}

#[test]
fn anyone_who_is_muted_may_still_take_an_offer_back() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let a = room(conn, "alice", "bike");
    let id = offered(conn, &a, "alice");
    let new = crate::db::NewReport {
        reporter: user_id("carol"),
        room: a.clone(),
        message: Some(id.clone()),
        category: crate::domain::safety::ReportCategory::Spam,
        text: None,
        at: NOW,
    };
    let crate::db::Reported::New(report) = crate::db::store_report(conn, &new).unwrap() else { panic!() };
    let until = NOW.plus_ms(1000);
    let decision = Decision::Upheld;
    write(conn, Write::DecideReport { report: report.id, decision, mute_until: Some(until), at: NOW }).unwrap();
    assert_eq!(write(conn, make(&a, "alice", 200, NOW)), Err(WriteError::Muted(until)));
    assert_eq!(
        status(&moved(write(conn, answer(&id, "alice", OfferDecision::Withdraw, NOW))).answer.unwrap()),
        "withdrawn"
    );
    moved(write(conn, make(&a, "alice", 200, until)));
}

#[derive(Debug, Clone)]
enum Step {
    Make { buyer: usize, by_seller: bool, amount: i64 },
    OfferDecision { offer: usize, by_seller: bool, answer: OfferDecision },
    Pass { hours: i64 },
    Sweep,
    Sold,
    OnSaleAgain,
}

fn steps() -> impl Strategy<Value = Vec<(Step, bool)>> {
    let given = prop_oneof![
        3 => Just(OfferDecision::Accept),
        1 => Just(OfferDecision::Decline),
        1 => Just(OfferDecision::Withdraw),
        2 => (1..200_i64).prop_map(|amount| OfferDecision::Counter { amount }),
    ];
    let step = prop_oneof![
        8 => (0..3_usize, any::<bool>(), 1..200_i64)
            .prop_map(|(buyer, by_seller, amount)| Step::Make { buyer, by_seller, amount }),
        10 => (0..8_usize, any::<bool>(), given)
            .prop_map(|(offer, by_seller, answer)| Step::OfferDecision { offer, by_seller, answer }),
        2 => (1..40_i64).prop_map(|hours| Step::Pass { hours }),
        1 => Just(Step::Sweep),
        1 => Just(Step::Sold),
        1 => Just(Step::OnSaleAgain),
    ];
    // Each step may come from two devices at once, and with the next one in one batch.
    prop::collection::vec((step, any::<bool>()), 1..40)
}

/// What every device believes, from what it was sent.
#[derive(Default)]
struct Devices {
    known: HashMap<MessageId, String>,
    order: Vec<(MessageId, usize)>,
}

impl Devices {
    fn send(&mut self, message: &StoredMessage, rooms: &[RoomId]) {
        if message.kind != MessageKind::Offer {
            return;
        }
        let buyer = rooms.iter().position(|room| *room == message.room_id).unwrap();
        if self.known.insert(message.id.clone(), status(message)).is_none() {
            self.order.push((message.id.clone(), buyer));
        }
    }

    fn take(&mut self, outcomes: Outcomes, rooms: &[RoomId]) -> Result<(), TestCaseError> {
        for outcome in outcomes {
            match outcome {
                Ok(Written::OfferMoved(moved)) => {
                    let OfferMoved { answer, made, changed, product, read: _ } = *moved;
                    changed.iter().for_each(|message| self.send(message, rooms));
                    made.iter().for_each(|(message, _)| self.send(message, rooms));
                    if let Some(change) = product {
                        change.offers.iter().for_each(|message| self.send(message, rooms));
                        prop_assert_eq!(change.rooms.len(), 3, "a room is not notified that the product is reserved");
                    }
                    if let Err(error) = answer {
                        prop_assert!(matches!(error, WriteError::Offer(_)), "{error}");
                    }
                }
                Ok(Written::OffersExpired { offers, .. }) => offers.iter().for_each(|offer| self.send(offer, rooms)),
                Ok(Written::ProductPut { change, .. }) => {
                    change.offers.iter().for_each(|offer| self.send(offer, rooms))
                }
                Ok(other) => prop_assert!(false, "{other:?}"),
                Err(error) => prop_assert!(matches!(error, WriteError::Offer(_)), "{error}"),
            }
        }
        Ok(())
    }
}

/// The status of every offer, in its own row and in its message.
fn stored(conn: &mut Connection) -> HashMap<MessageId, (String, String)> {
    let rows: Vec<(String, String, Option<String>)> = offers::table
        .inner_join(messages::table.on(messages::id.eq(offers::message_id)))
        .select((offers::message_id, offers::status, messages::data))
        .load(conn)
        .unwrap();
    let data = |json: Option<String>| serde_json::from_str::<serde_json::Value>(&json.unwrap()).unwrap();
    rows.into_iter()
        .map(|(id, status, json)| {
            (MessageId::from_stored(id), (status, data(json)["status"].as_str().unwrap().to_owned()))
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    // Three buyers and a seller, each with two devices that act on what they were sent last.
    #[test]
    fn whatever_comes_at_most_one_offer_is_accepted_and_every_loser_is_notified(steps in steps()) {
        let db = TestDb::new();
        let conn = &mut db.conn();
        let rooms = BUYERS.map(|buyer| room(conn, buyer, "bike"));
        let mut devices = Devices::default();
        let mut now = NOW;
        let mut batch: Vec<Write> = Vec::new();
        let mut sold = false;
        for (step, together) in steps {
            let write = match step {
                Step::Make { buyer, by_seller, amount } => {
                    make(&rooms[buyer], if by_seller { "carol" } else { BUYERS[buyer] }, amount, now)
                }
                Step::OfferDecision { offer, by_seller, answer: given } => {
                    let Some((id, buyer)) = devices.order.iter().rev().nth(offer) else { continue };
                    let write = answer(id, if by_seller { "carol" } else { BUYERS[*buyer] }, given, now);
                    // The other device does the same at the same time.
                    if together {
                        batch.push(write.clone());
                    }
                    write
                }
                Step::Pass { hours } => {
                    now = now.plus_ms(hours * 3_600_000);
                    continue;
                }
                Step::Sweep => Write::ExpireOffers { at: now },
                Step::Sold => {
                    sold = true;
                    Write::PutProduct { keeps_status: false, product: Product { status: ProductStatus::Sold, ..product("bike") }, at: now }
                }
                Step::OnSaleAgain => {
                    sold = false;
                    on_sale_again(now)
                }
            };
            batch.push(write);
            if !together {
                devices.take(write_batch(conn, &std::mem::take(&mut batch), NOW).unwrap(), &rooms)?;
            }
        }
        devices.take(write_batch(conn, &batch, NOW).unwrap(), &rooms)?;
        devices.take(write_batch(conn, &[Write::ExpireOffers { at: now }], NOW).unwrap(), &rooms)?;

        let stored = stored(conn);
        let accepted = stored.values().filter(|(status, _)| *status == OfferStatus::Accepted.as_str()).count();
        let pending = stored.values().filter(|(status, _)| *status == OfferStatus::Pending.as_str()).count();
        prop_assert!(accepted <= 1);
        prop_assert!(accepted == 0 || pending == 0, "a loser was left waiting");
        prop_assert!(!sold || pending == 0, "an offer on a sold product was left waiting");
        prop_assert_eq!(stored.len(), devices.known.len(), "an offer that nobody was sent");
        for (id, (own, in_message)) in &stored {
            prop_assert_eq!(own, in_message);
            prop_assert_eq!(Some(own), devices.known.get(id), "somebody believes something else");
        }
        // The rooms count on without a hole.
        for room in &rooms {
            let page = list_messages(conn, room, MessagePage::Before { seq: None, limit: 1000 }, usize::MAX).unwrap();
            let seqs: Vec<i64> = page.items.iter().map(|message| message.seq.0).collect();
            prop_assert_eq!(seqs, (1..=page.last_seq.0).collect::<Vec<_>>());
            // What stands in a room is what its messages say.
            let standing: Vec<StandingOffer> = page.items.iter().filter_map(StandingOffer::of).collect();
            let found: Vec<StandingOffer> = load_room(conn, room).unwrap().unwrap().offer.into_iter().collect();
            prop_assert_eq!(found, standing);
        }
    }
}
