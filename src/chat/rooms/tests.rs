//! Who is in which room, as sessions come and go.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::{
    db::MemberState,
    domain::{
        Listing, MessageId, MessageKind, Pair, Room, RoomKind, Seq, Settings, StoredMessage,
        offer::{Offer, OfferStatus, Price},
        sample::{self, bike, user},
    },
};

/// A room in which alice buys sam's bike.
pub(in crate::chat) fn state(id: &str) -> RoomState {
    let room = Room {
        id: RoomId::new(id).unwrap(),
        kind: RoomKind::Product,
        product: Some(bike()),
        buyer: user("alice"),
        seller: user("sam"),
        created_at: Timestamp(0),
    };
    let member = MemberState {
        read_seq: Seq(0),
        delivered_seq: Seq(0),
        last_seen_at: None,
        unread: 0,
        deleted: false,
        muted_until: None,
        has_blocked: false,
        settings: Settings::default(),
        listing: Listing::new(Role::Buyer),
    };
    RoomState {
        room,
        last_seq: Seq(0),
        last_message: None,
        offer: None,
        members: Pair { buyer: member, seller: member },
        frozen: false,
        staff: Vec::new(),
    }
}

#[derive(Debug, Clone)]
enum Step {
    Attach(u64, bool),
    Enter(u64, bool),
    Leave(u64, bool),
    Disconnect(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (0..6_u64, any::<bool>()).prop_map(|(session, room)| Step::Attach(session, room)),
        (0..6_u64, any::<bool>()).prop_map(|(session, room)| Step::Enter(session, room)),
        (0..6_u64, any::<bool>()).prop_map(|(session, room)| Step::Leave(session, room)),
        (0..6_u64).prop_map(Step::Disconnect),
    ];
    prop::collection::vec(step, 0..100)
}

fn room_id(second: bool) -> RoomId {
    RoomId::new(if second { "r2" } else { "r1" }).unwrap()
}

// Even sessions are alice's, odd ones are sam's.
fn owner(session: u64) -> (&'static str, Role) {
    if session.is_multiple_of(2) { ("alice", Role::Buyer) } else { ("sam", Role::Seller) }
}

proptest! {
    #[test]
    fn presence_is_sent_exactly_when_the_first_comes_and_the_last_goes(steps in steps()) {
        let mut rooms = Rooms::default();
        for session in 0..6 {
            rooms.connect(SessionId(session), UserId::new(owner(session).0).unwrap(), HubId(0), Feed::Chat);
        }
        // The model: who is in which room, and whom the others believe to be there.
        let mut entered: BTreeSet<(u64, bool)> = BTreeSet::new();
        let mut attached: HashMap<(u64, bool), EntryId> = HashMap::new();
        let mut believed: BTreeSet<(RoomId, UserId)> = BTreeSet::new();
        for step in steps {
            let changes = match step {
                Step::Attach(session, room) => {
                    if rooms.session(SessionId(session)).is_some() {
                        rooms.insert(state(room_id(room).as_str()));
                        let place = rooms.attach(SessionId(session), &room_id(room), owner(session).1, None);
                        attached.entry((session, room)).or_insert(place.unwrap());
                    }
                    Vec::new()
                }
                Step::Enter(session, room) => {
                    if let Some(place) = attached.get(&(session, room)) {
                        let live = rooms.room(&room_id(room)).unwrap();
                        prop_assert!(live.has(SessionId(session), *place), "attached and not left");
                        entered.insert((session, room));
                    }
                    rooms.enter(SessionId(session), &room_id(room)).into_iter().collect()
                }
                Step::Leave(session, room) => {
                    entered.remove(&(session, room));
                    let changes = rooms.detach(SessionId(session), &room_id(room)).into_iter().collect();
                    let left = attached.remove(&(session, room));
                    let live = rooms.room(&room_id(room));
                    prop_assert!(!live.zip(left).is_some_and(|(live, place)| live.has(SessionId(session), place)));
                    changes
                }
                Step::Disconnect(session) => {
                    entered.retain(|(other, _)| *other != session);
                    attached.retain(|(other, _), _| *other != session);
                    rooms.disconnect(SessionId(session))
                }
            };
            for PresenceChanged { room, user, online, .. } in changes {
                let key = (room, user);
                prop_assert!(if online { believed.insert(key) } else { believed.remove(&key) }, "sent twice");
            }
            let there: BTreeSet<_> = entered
                .iter()
                .map(|(session, room)| (room_id(*room), UserId::new(owner(*session).0).unwrap()))
                .collect();
            prop_assert_eq!(&believed, &there);
        }
        for session in 0..6 {
            rooms.disconnect(SessionId(session));
        }
        prop_assert_eq!(rooms.live_count(), 0, "a ghost keeps a room");
        prop_assert!(rooms.users.is_empty());
    }
}

fn message(seq: i64, sender: &str) -> StoredMessage {
    sample::message(&room_id(false), seq, sender)
}

fn stands(live: &LiveRoom) -> [(i64, i64); 2] {
    [Role::Buyer, Role::Seller].map(|role| {
        let member = live.state().member(role);
        (member.read_seq.0, member.unread)
    })
}

#[test]
fn a_message_is_read_by_its_sender_and_so_is_what_was_said_before_it() {
    let mut live = LiveRoom::new(state("r1"));
    let senders = ["sam", "sam", "alice", "alice", "system", "sam", "alice"];
    let read: Vec<bool> = (1..).zip(senders).map(|(seq, sender)| live.stored(&message(seq, sender))).collect();
    assert_eq!(read, [false, false, true, false, false, true, true], "sent where the other's are passed");
    assert_eq!(stands(&live), [(7, 0), (6, 1)]);
    // A mark that came before its messages.
    live.read(&UserId::new("sam").unwrap(), Seq(9), 0);
    for seq in 8..=10 {
        live.stored(&message(seq, "alice"));
    }
    assert_eq!(stands(&live), [(10, 0), (9, 1)]);
}

#[test]
fn what_the_database_knows_and_was_not_delivered_is_counted_once() {
    let mut live = LiveRoom::new(state("r1"));
    live.stored(&message(1, "sam"));
    // 2 to 4 are on their way: alice has answered with 3.
    let mut fresh = live.state().clone();
    (fresh.last_seq, fresh.members.buyer.read_seq, fresh.members.buyer.unread) = (Seq(4), Seq(3), 1);
    live.refresh(&fresh, true);
    for (seq, sender) in [(2, "sam"), (3, "alice"), (4, "sam")] {
        live.stored(&message(seq, sender));
    }
    assert_eq!(stands(&live)[0], (3, 1));
}

/// An offer of alice's, as it stands.
fn offer(seq: i64, status: OfferStatus) -> StoredMessage {
    let price = Price { amount: 100, currency: "USD".to_owned() };
    let offer = Offer { status, ..Offer::new(Role::Buyer, price, Timestamp(0)) };
    StoredMessage {
        id: MessageId::from_stored(format!("offer {seq}")),
        kind: MessageKind::Offer,
        data: Some(offer.to_data()),
        ..message(seq, "alice")
    }
}

#[test]
fn the_offer_that_stands_follows_its_messages_in_either_order() {
    let mut live = LiveRoom::new(state("r1"));
    let standing = |live: &LiveRoom| live.summary(Role::Seller).offer.map(|offer| (offer.message_id, offer.status));
    let (first, second) = (offer(1, OfferStatus::Pending), offer(2, OfferStatus::Pending));
    live.stored(&first);
    assert_eq!(standing(&live), Some((first.id.clone(), OfferStatus::Pending)));
    // The one that replaces it is known before what became of the first, and after it.
    live.stored(&second);
    assert!(!live.changed(&offer(1, OfferStatus::Superseded), true), "no list shows it");
    assert_eq!(standing(&live), Some((second.id.clone(), OfferStatus::Pending)));
    assert!(live.changed(&offer(2, OfferStatus::Superseded), true));
    assert_eq!(standing(&live), None);
    live.stored(&offer(3, OfferStatus::Pending));
    live.stored(&message(4, "sam"));
    // It is not the last message, and lists show it all the same.
    assert!(live.changed(&offer(3, OfferStatus::Accepted), true));
    assert!(!live.changed(&offer(3, OfferStatus::Accepted), true), "the same again");
    assert_eq!(standing(&live).map(|(_, status)| status), Some(OfferStatus::Accepted));
    // Erased with its maker.
    assert!(live.changed(&StoredMessage { data: None, ..offer(3, OfferStatus::Accepted) }, true));
    assert_eq!(standing(&live), None);
}

#[test]
fn an_answer_to_an_entry_that_was_left_is_not_taken_for_one_to_the_next() {
    let mut rooms = Rooms::default();
    let (session, room) = (SessionId(0), room_id(false));
    rooms.connect(session, UserId::new("alice").unwrap(), HubId(0), Feed::Chat);
    rooms.insert(state(room.as_str()));
    let first = rooms.attach(session, &room, Role::Buyer, None).unwrap();
    assert_eq!(rooms.attach(session, &room, Role::Buyer, None), Some(first), "entering twice is one place");
    rooms.detach(session, &room);
    rooms.insert(state(room.as_str()));
    let second = rooms.attach(session, &room, Role::Buyer, None).unwrap();
    let live = rooms.room(&room).unwrap();
    assert!(live.has(session, second) && !live.has(session, first));
}
