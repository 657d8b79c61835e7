//! Changes of products with many rooms.

use proptest::prelude::*;

use super::*;
use crate::{
    db::test_db::{NOW, TestDb, history, product, room, user, user_id, write},
    domain::StoredMessage,
    error::{ChatError, ErrorCode},
};

fn bike() -> ProductId {
    ProductId::new("bike").unwrap()
}

/// So many buyers' rooms for the bike.
fn rooms(conn: &mut Connection, count: usize) -> Vec<RoomId> {
    let buyers: Vec<String> = (0..count).map(|number| format!("buyer-{number:04}")).collect();
    let writes: Vec<Write> = buyers.iter().map(|id| Write::PutUser { user: user(id) }).collect();
    write_batch(conn, &writes, NOW).unwrap();
    buyers.iter().map(|buyer| room(conn, buyer, "bike")).collect()
}

/// The marketplace's backend sets a status.
fn put(conn: &mut Connection, status: ProductStatus, at: Timestamp) -> ProductChange {
    match write(conn, Write::PutProduct { keeps_status: false, product: Product { status, ..product("bike") }, at }) {
        Ok(Written::ProductPut { change, .. }) => change,
        other => panic!("{other:?}"),
    }
}

fn advance(conn: &mut Connection, at: Timestamp) -> ProductChange {
    match write(conn, Write::AdvanceWave { product: bike(), at }) {
        Ok(Written::WaveAdvanced(change)) => change,
        other => panic!("{other:?}"),
    }
}

/// Goes on until nothing is left to do at this time.
fn advance_all(conn: &mut Connection, at: Timestamp) -> usize {
    let mut steps = 0;
    loop {
        let change = advance(conn, at);
        assert!(change.rooms.len() <= 32, "{} rooms in one step", change.rooms.len());
        steps += 1;
        if change.next.is_none_or(|next| next > at) {
            return steps;
        }
    }
}

/// What was said in a room about the product.
fn heard(conn: &mut Connection, room: &RoomId) -> Vec<String> {
    let status = |message: StoredMessage| Some(message.text?.split(' ').next_back()?.to_owned());
    history(conn, room).into_iter().filter_map(status).collect()
}

#[test]
fn a_change_reaches_the_first_rooms_at_once_and_every_room_once_also_after_a_restart() {
    let db = TestDb::new();
    let rooms = rooms(&mut db.conn(), 100);
    let change = put(&mut db.conn(), ProductStatus::Reserved, NOW);
    assert_eq!((change.rooms.len(), change.notices.len(), change.next), (32, 32, Some(NOW)));
    assert_eq!(advance(&mut db.conn(), NOW).notices.len(), 32);
    assert_eq!(crate::db::list_waves(&mut db.conn()).unwrap(), [(bike(), user_id("carol"))]);

    let db = db.reopen();
    let conn = &mut db.conn();
    assert_eq!(advance_all(conn, NOW), 2);
    for room in &rooms {
        assert_eq!(heard(conn, room), ["reserved"]);
    }
    assert!(crate::db::list_waves(conn).unwrap().is_empty());
    assert_eq!(advance(conn, NOW).rooms.len(), 0, "another node that looks finds nothing to do");
}

#[test]
fn a_room_that_was_not_reached_hears_the_newest_status_alone_and_nothing_if_it_is_the_old_one() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let rooms = rooms(conn, 100);
    put(conn, ProductStatus::Reserved, NOW);
    // Changes that come while the wave is on its way begin no other.
    for status in [ProductStatus::Sold, ProductStatus::OnSale, ProductStatus::Sold, ProductStatus::OnSale] {
        assert_eq!(put(conn, status, NOW).rooms.len(), 0);
    }
    advance_all(conn, NOW);
    assert_eq!((heard(conn, &rooms[0]), heard(conn, &rooms[99]).len()), (vec!["reserved".to_owned()], 0));
    assert_eq!(advance(conn, NOW.plus_ms(9_999)).rooms.len(), 0, "two waves are ten seconds apart");
    advance_all(conn, NOW.plus_ms(10_000));
    assert_eq!(
        (heard(conn, &rooms[0]), heard(conn, &rooms[99]).len()),
        (vec!["reserved".to_owned(), "again".to_owned()], 0)
    );
}

#[test]
fn toggling_a_product_with_many_rooms_writes_a_bounded_number_of_messages() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let rooms = rooms(conn, 200);
    let mut said = 0;
    for ms in 0..200 {
        let at = NOW.plus_ms(ms * 50);
        let status = if ms % 2 == 0 { ProductStatus::Sold } else { ProductStatus::OnSale };
        said += put(conn, status, at).notices.len();
        said += advance(conn, at).notices.len();
    }
    assert!(said <= 2 * rooms.len(), "{said} messages in ten seconds");
}

#[test]
fn a_seller_changes_a_status_five_times_at_once_and_then_once_a_minute() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let room = room(conn, "alice", "bike");
    let set = |conn: &mut Connection, number: i64, at: Timestamp| {
        let status = if number % 2 == 0 { ProductStatus::Sold } else { ProductStatus::OnSale };
        write(conn, Write::SetProductStatus { product: bike(), seller: Some(user_id("carol")), status, at })
    };
    for number in 0..5 {
        assert!(set(conn, number, NOW).is_ok(), "{number}");
        assert!(set(conn, number, NOW).is_ok(), "to set what is set already is no change");
    }
    let refused = set(conn, 5, NOW).unwrap_err();
    assert_eq!(refused, WriteError::TooManyStatusChanges { retry_after_ms: 60_000 });
    let error = ChatError::from(refused);
    assert_eq!((error.code, error.retry_after_ms), (ErrorCode::RateLimited, Some(60_000)));
    assert_eq!(heard(conn, &room).len(), 5, "a small product's rooms hear of each");
    assert!(set(conn, 5, NOW.plus_ms(60_000)).is_ok());
    assert!(set(conn, 6, NOW.plus_ms(60_000)).is_err());
    put(conn, ProductStatus::Reserved, NOW.plus_ms(60_000));
}

#[test]
fn who_accepts_an_offer_on_a_product_with_many_rooms_hears_of_it_at_once() {
    let db = TestDb::new();
    let conn = &mut db.conn();
    let rooms = rooms(conn, 100);
    put(conn, ProductStatus::Reserved, NOW);
    put(conn, ProductStatus::OnSale, NOW);
    let last = &rooms[99];
    let price = offer::Price { amount: 100, currency: "USD".to_owned() };
    let maker = user_id("buyer-0099");
    let make = Write::MakeOffer { room: last.clone(), maker, price, client_id: None, at: NOW };
    let Ok(Written::OfferMoved(made)) = write(conn, make) else { panic!() };
    let (message, actor, answer) = (made.answer.unwrap().id, user_id("carol"), offer::OfferDecision::Accept);
    let accept = Write::AnswerOffer { room: None, message, actor, answer, at: NOW };
    let Ok(Written::OfferMoved(moved)) = write(conn, accept) else { panic!() };
    let change = moved.product.unwrap();
    assert_eq!((change.rooms, change.notices.len()), (vec![last.clone()], 1));
    advance_all(conn, NOW);
    advance_all(conn, NOW.plus_ms(10_000));
    for room in &rooms {
        let heard = heard(conn, room);
        assert_eq!(heard.last().unwrap(), "reserved");
        assert!(heard.windows(2).all(|pair| pair[0] != pair[1]), "notified twice: {heard:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    /// Whatever changes when, and wherever the waves are then: in the end each room has heard the status last that stands,
    /// none twice in a row, and a room that was opened later hears nothing of what was before.
    #[test]
    fn every_room_knows_the_status_that_stands(
        steps in prop::collection::vec((0_usize..5, 0_i64..15_000), 1..25),
    ) {
        let db = TestDb::new();
        let conn = &mut db.conn();
        let mut rooms = rooms(conn, 40);
        let mut opened_at = vec![ProductStatus::OnSale; 40];
        let (mut at, mut status) = (NOW, ProductStatus::OnSale);
        for (step, wait) in steps {
            at = at.plus_ms(wait);
            match step {
                0 => drop(advance(conn, at)),
                1 if rooms.len() < 44 => {
                    let buyer = ["alice", "bob", "mallory", "zoe"][rooms.len() - 40];
                    write(conn, Write::PutUser { user: user(buyer) }).unwrap();
                    rooms.push(room(conn, buyer, "bike"));
                    opened_at.push(status);
                }
                step => {
                    status = [ProductStatus::OnSale, ProductStatus::Reserved, ProductStatus::Sold][step % 3];
                    put(conn, status, at);
                }
            }
        }
        for _ in 0..3 {
            at = at.plus_ms(60_000);
            advance_all(conn, at);
        }
        for (room, opened_at) in rooms.iter().zip(opened_at) {
            let mut heard = heard(conn, room);
            let word = |status| match status {
                ProductStatus::OnSale => "again",
                ProductStatus::Reserved => "reserved",
                ProductStatus::Sold => "sold",
            };
            heard.insert(0, word(opened_at).to_owned());
            prop_assert!(heard.windows(2).all(|pair| pair[0] != pair[1]), "{heard:?}");
            prop_assert_eq!(heard.last().unwrap().as_str(), word(status));
        }
    }
}
