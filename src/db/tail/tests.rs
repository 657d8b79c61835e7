use std::collections::BTreeMap;

use super::*;
use crate::{
    db::{
        ImportOptions, Outcomes, Write, Written, import_str,
        models::message::MessageRow,
        schema::{messages, rooms},
        test_db::{NOW, TestDb, draft, is_postgres, room, user, user_id},
        write_batch, write_deferred,
    },
    domain::{
        Draft, Emoji, MessageId, ProductId, ProductStatus, RoomSettingsPatch, Seq,
        masking::Inspected,
        offer::{OfferDecision, Price},
    },
};

/// Numbers that a seed decides.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        // Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators" (2014).
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % bound
    }

    fn one_of<T: Copy>(&mut self, items: &[T]) -> T {
        items[usize::try_from(self.below(items.len() as u64)).unwrap()]
    }
}

/// A database, written with a tail or without.
struct World {
    db: TestDb,
    conn: crate::db::PooledConnection,
    tail: Option<Tail>,
    rooms: Vec<RoomId>,
    /// Ids of messages by their place, which is the same in both worlds.
    ids: BTreeMap<(usize, i64), MessageId>,
}

const BUYERS: [&str; 3] = ["alice", "bob", "mallory"];

impl World {
    fn new(tail: Option<Tail>) -> Self {
        let db = TestDb::new();
        let mut conn = db.conn();
        let rooms = ["bike", "lamp"].into_iter().flat_map(|product| BUYERS.map(|buyer| (buyer, product)));
        let rooms: Vec<_> = rooms
            .map(|(buyer, product)| (RoomId::new(format!("{product}-{buyer}")).unwrap(), buyer, product))
            .collect();
        let line = |(id, buyer, product): &(RoomId, &str, &str)| {
            format!(r#"{{"type":"room","id":"{id}","productId":"{product}","buyerId":"{buyer}"}}"#) + "\n"
        };
        let lines: String = rooms.iter().map(line).collect();
        import_str(&mut conn, &lines, ImportOptions { now: NOW, shift_ms: 0 }).unwrap();
        let rooms = rooms.into_iter().map(|(id, ..)| id).collect();
        Self { db, conn, tail, rooms, ids: BTreeMap::new() }
    }

    fn write(&mut self, writes: &[Write]) -> Outcomes {
        let outcomes = match &mut self.tail {
            Some(tail) => write_deferred(&mut self.conn, tail, writes, NOW).unwrap(),
            None => write_batch(&mut self.conn, writes, NOW).unwrap(),
        };
        self.note(outcomes)
    }

    /// As another process does it.
    fn write_elsewhere(&mut self, writes: &[Write]) -> Outcomes {
        let outcomes = write_batch(&mut self.db.conn(), writes, NOW).unwrap();
        self.note(outcomes)
    }

    fn note(&mut self, outcomes: Outcomes) -> Outcomes {
        for outcome in outcomes.iter().flatten() {
            let made: Vec<&StoredMessage> = match outcome {
                Written::Appended { message, .. } => vec![message],
                Written::OfferMoved(moved) => moved.made.iter().map(|(message, _)| message).collect(),
                _ => Vec::new(),
            };
            for message in made {
                let room = self.rooms.iter().position(|room| *room == message.room_id).unwrap();
                self.ids.insert((room, message.seq.0), message.id.clone());
            }
        }
        outcomes
    }

    /// What is stored, without what differs by chance.
    fn contents(&mut self) -> Contents {
        if let Some(tail) = &mut self.tail {
            tail.settle(&mut self.conn, &Scope::Everything).unwrap();
        }
        self.read()
    }

    fn read(&mut self) -> Contents {
        let conn = &mut *self.conn;
        let read = |conn: &mut Connection| Ok::<_, DbError>(contents_of(conn, &self.rooms));
        read_unsettled(conn, read).unwrap()
    }
}

type Contents = (Vec<String>, Vec<(i64, i64, i64, i64)>, Vec<(i64, i64, i64)>);

fn contents_of(conn: &mut Connection, all_rooms: &[RoomId]) -> Contents {
    let rows: Vec<MessageRow> =
        messages::table.order(messages::position).select(MessageRow::as_select()).load(conn).unwrap();
    let messages = rows.into_iter().map(|row| shape(&row.into_stored().unwrap(), all_rooms)).collect();
    let (mut of_rooms, mut of_lists) = (Vec::new(), Vec::new());
    for room in all_rooms {
        let columns = (rooms::buyer_place, rooms::seller_place, rooms::member_flags);
        of_lists.push(rooms::table.find(room.as_str()).select(columns).get_result(conn).unwrap());
        let columns = (rooms::last_seq, rooms::active_at, rooms::buyer_read_seq, rooms::seller_read_seq);
        of_rooms.push(rooms::table.find(room.as_str()).select(columns).get_result(conn).unwrap());
    }
    (messages, of_rooms, of_lists)
}

fn shape(message: &StoredMessage, rooms: &[RoomId]) -> String {
    let room = rooms.iter().position(|room| *room == message.room_id).unwrap();
    format!(
        "{} {room}/{} {} {:?} {:?} {:?} edited {} deleted {} replies {:?} {:?}",
        message.position,
        message.seq.0,
        message.sender_id,
        message.client_id,
        message.text,
        message.data,
        message.edited_at.is_some(),
        message.deleted_at.is_some(),
        message.reply_to,
        message.reactions.iter().map(|of| (&of.user_id, &of.emoji)).collect::<Vec<_>>()
    )
}

fn shapes(outcomes: &Outcomes, rooms: &[RoomId]) -> Vec<String> {
    let shape_of = |outcome: &Result<Written, _>| match outcome {
        Ok(Written::Appended { message, first_time }) => format!("{first_time} {}", shape(message, rooms)),
        Ok(Written::Changed(message) | Written::Reacted { message, .. }) => shape(message, rooms),
        Ok(Written::Read { reader, read_seq, unread, advanced, .. }) => {
            format!("{reader} {read_seq:?} {unread} {advanced}")
        }
        Ok(Written::OfferMoved(moved)) => {
            let made = moved.made.as_ref().map(|(message, _)| shape(message, rooms));
            let changed: Vec<String> = moved.changed.iter().map(|message| shape(message, rooms)).collect();
            let notices = moved.product.iter().flat_map(|change| &change.notices);
            let mut notices: Vec<String> = notices.map(|message| shape(message, rooms)).collect();
            notices.sort();
            format!("{made:?} {changed:?} {notices:?}")
        }
        Ok(Written::ProductPut { change, .. }) => {
            format!("{} notices, {} offers", change.notices.len(), change.offers.len())
        }
        Ok(Written::WordsErased { messages, progress, .. }) => format!("{} {progress:?}", messages.len()),
        Ok(other) => format!("{:?}", std::mem::discriminant(other)),
        Err(refused) => format!("{refused}"),
    };
    outcomes.iter().map(shape_of).collect()
}

/// A message, which may be a reply.
fn draw_message(dice: &mut Dice, room: &RoomId, member: &str) -> Write {
    let key = dice.below(12);
    let key = (key < 8).then(|| format!("key {key}"));
    let reply_to = dice.one_of(&[None, None, Some(Seq(1)), Some(Seq(5))]);
    let words = format!("words {}", dice.below(1000));
    Write::Append(Draft { reply_to, ..draft(room, member, &words, key.as_deref()) })
}

/// Something to write, for a world: both get the same.
fn draw(dice: &mut Dice, world: &World) -> Write {
    let room = usize::try_from(dice.below(6)).unwrap();
    let id = world.rooms[room].clone();
    let (buyer, product_id) = (BUYERS[room % 3], if room < 3 { "bike" } else { "lamp" });
    let member = dice.one_of(&[buyer, "carol"]);
    let known: Vec<&MessageId> = world.ids.iter().filter(|((of, _), _)| *of == room).map(|(_, id)| id).collect();
    let some = usize::try_from(dice.below(known.len().max(1) as u64)).unwrap();
    let message = known.get(some).copied().cloned().unwrap_or_else(|| MessageId::from_stored("none"));
    match dice.below(47) {
        0..=19 => draw_message(dice, &id, member),
        20..=25 => {
            Write::MarkRead { room: id, reader: user_id(member), seq: Seq(i64::try_from(dice.below(20)).unwrap()) }
        }
        26..=27 => Write::Edit {
            message,
            editor: user_id(member),
            text: format!("edited {}", dice.below(1000)),
            inspected: Inspected::default(),
            at: NOW,
        },
        28..=29 => Write::Delete { message, editor: user_id(member), at: NOW },
        30..=32 => Write::MakeOffer {
            room: id,
            maker: user_id(member),
            price: Price { amount: 100 + i64::try_from(dice.below(50)).unwrap(), currency: "USD".to_owned() },
            client_id: None,
            at: NOW,
        },
        33..=34 => {
            let answer = dice.one_of(&[OfferDecision::Accept, OfferDecision::Decline, OfferDecision::Withdraw]);
            Write::AnswerOffer { room: None, message, actor: user_id(member), answer, at: NOW }
        }
        35..=36 => {
            let status = dice.one_of(&[ProductStatus::OnSale, ProductStatus::Reserved]);
            let product = ProductId::new(product_id).unwrap();
            Write::SetProductStatus { product, seller: None, status, at: NOW }
        }
        37 => Write::Block {
            blocker: user(member),
            blocked: user_id(if member == "carol" { buyer } else { "carol" }),
            at: NOW,
        },
        38 => Write::Unblock {
            blocker: user_id(member),
            blocked: user_id(if member == "carol" { buyer } else { "carol" }),
        },
        39 if dice.below(12) == 0 => Write::DeleteUser { user: user_id(buyer), at: NOW },
        39 => Write::EraseWords { user: user_id(buyer), at: NOW },
        40..=42 => {
            let chosen = |dice: &mut Dice| dice.one_of(&[None, Some(true), Some(false)]);
            let (archived, muted, pinned) = (chosen(dice), chosen(dice), chosen(dice));
            let patch = RoomSettingsPatch { archived, muted, pinned, unread: chosen(dice) };
            Write::SetRoomSettings { room: id, member: user_id(member), patch }
        }
        43..=45 => {
            let emoji = dice.one_of(&["👍", "❤️", "none"]);
            Write::React { room: id, message, member: user_id(member), emoji: Emoji::parse(emoji), at: NOW }
        }
        _ => Write::PutUser { user: user(member) },
    }
}

/// A room that readers would not find as it is gets settled for them first, be it by the room or by one of its members.
fn assert_unsettled_is_known(plain: &mut World, deferred: &mut World, unsettled: &Unsettled) {
    let last_seq = |world: &mut World, room: usize| -> i64 {
        let id = world.rooms[room].as_str().to_owned();
        rooms::table.find(id).select(rooms::last_seq).get_result(&mut world.conn).unwrap()
    };
    for room in 0..plain.rooms.len() {
        if last_seq(plain, room) != last_seq(deferred, room) {
            let (id, buyer) = (deferred.rooms[room].clone(), user_id(BUYERS[room % 3]));
            let scopes =
                [Scope::Rooms(vec![id.clone()]), Scope::User(buyer), Scope::User(user_id("carol")), Scope::Everything];
            assert!(scopes.iter().all(|scope| unsettled.concerns(scope)) && unsettled.concerns(&Scope::Room(id)));
        }
    }
}

#[test]
fn a_room_that_is_named_twice_is_settled_once() {
    if is_postgres() {
        return;
    }
    let mut world = World::new(Some(Tail::new(Arc::new(Unsettled::default()))));
    let room = world.rooms[0].clone();
    // The first one changes how the room stands in lists, so it is settled at once.
    for text in ["hello", "is it still there?"] {
        world.write(&[Write::Append(draft(&room, "alice", text, None))]);
    }
    let (conn, tail) = (&mut world.conn, world.tail.as_mut().unwrap());
    let twice = vec![room.as_str().to_owned(); 2];
    tail.transaction(conn, |tail, conn| tail.settle_rooms(conn, twice)).unwrap();
    assert_eq!(messages::table.count().get_result::<i64>(conn).unwrap(), 2);
}

#[test]
fn a_tail_stores_what_is_stored_without_one() {
    if is_postgres() {
        return;
    }
    for seed in 0..30 {
        let mut dice = Dice(seed);
        let unsettled = Arc::new(Unsettled::default());
        let (mut plain, mut deferred) = (World::new(None), World::new(Some(Tail::new(Arc::clone(&unsettled)))));
        let mut history = Vec::new();
        for step in 0..60 {
            let writes = dice.below(6) + 1;
            let (mut of_plain, mut of_deferred) = (Vec::new(), Vec::new());
            for _ in 0..writes {
                let state = dice.0;
                of_plain.push(draw(&mut dice, &plain));
                dice.0 = state;
                of_deferred.push(draw(&mut dice, &deferred));
            }
            history.push(format!("{of_plain:?}"));
            let is_elsewhere = dice.below(20) == 0;
            let found =
                if is_elsewhere { deferred.write_elsewhere(&of_deferred) } else { deferred.write(&of_deferred) };
            let expected = plain.write(&of_plain);
            assert_eq!(
                shapes(&expected, &plain.rooms),
                shapes(&found, &deferred.rooms),
                "seed {seed}, step {step}: {history:#?}"
            );
            assert_unsettled_is_known(&mut plain, &mut deferred, &unsettled);
            let conn = &mut deferred.conn;
            let tail = deferred.tail.as_mut().unwrap();
            match dice.below(10) {
                0 => drop(tail.settle_some(conn, 4).unwrap()),
                1 => tail.settle(conn, &Scope::Room(deferred.rooms[0].clone())).unwrap(),
                2 => tail.settle(conn, &Scope::User(user_id(dice.one_of(&["alice", "bob"])))).unwrap(),
                3 => tail.settle(conn, &Scope::Product(ProductId::new("lamp").unwrap())).unwrap(),
                // A crash, and another process that writes.
                4 => *tail = Tail::new(Arc::clone(&unsettled)),
                // As the server itself does it for each new log.
                7 => deferred.db.conn().batch_execute(&format!("PRAGMA user_version = {step}")).unwrap(),
                5 => settle_everything(&mut deferred.db.conn()).unwrap(),
                6 => assert_eq!(plain.read(), deferred.read(), "seed {seed}, step {step}"),
                _ => {}
            }
        }
        let (expected, found) = (plain.contents(), deferred.contents());
        assert_eq!(expected, found, "seed {seed}");
        assert!(rows::is_empty(&mut deferred.conn).unwrap() && !unsettled.concerns(&Scope::Everything));
    }
}

/// The staff's list of support rooms is asked for every few seconds.
#[test]
fn support_rooms_are_settled_only_where_one_of_them_waits() {
    if is_postgres() {
        return;
    }
    let db = TestDb::new();
    let conn = &mut db.conn();
    let (bike, support) = (
        room(conn, "alice", "bike"),
        crate::db::open_support_room(conn, &user_id("alice"), NOW).unwrap().into_room().id,
    );
    let unsettled = Arc::new(Unsettled::default());
    let mut tail = Tail::new(Arc::clone(&unsettled));
    let scope = Scope::Product(ProductId::from_stored(crate::domain::support::SUPPORT_PRODUCT));
    let mut say = |conn: &mut Connection, room: &RoomId| {
        let (first, more) = (draft(room, "alice", "first", None), draft(room, "alice", "more", None));
        // The first message of a room changes its place in lists, and is settled at once.
        for write in [Write::Append(first), Write::Append(more)] {
            write_deferred(conn, &mut tail, &[write], NOW).unwrap().remove(0).unwrap();
        }
    };
    say(conn, &bike);
    assert!(unsettled.concerns(&Scope::Room(bike.clone())) && !unsettled.concerns(&scope));
    say(conn, &support);
    assert!(unsettled.concerns(&scope));
    tail.settle(conn, &scope).unwrap();
    let waits = |room: &RoomId| unsettled.concerns(&Scope::Room(room.clone()));
    assert_eq!((waits(&bike), waits(&support), unsettled.concerns(&scope)), (true, false, false));
}
