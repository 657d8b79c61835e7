//! A row for each event and wire: the costliest data that it takes.

use std::rc::Rc;

use serde_json::json;

use super::{
    attack::{Attacker, Flood},
    http::Request,
    server::{token, token_named},
    session::Wire,
    table::{Account, OPERATIONS, Row, Subject, attack},
    world::{MALLORY, MESSAGE_BYTES, OWN, heavy_data},
};

/// The most sessions of a user, by default.
const SESSIONS_MAX: usize = 20;

/// The most events of a session that may be unanswered.
const WINDOW: usize = 32;

/// Sessions and unanswered events where each session gets what the others say: more would be cut for not reading fast enough.
const SESSIONS_TOGETHER: usize = 5;
const WINDOW_TOGETHER: usize = 2;

/// What makes the data of each event, given what was read in preparation.
type Make = fn(&Prepared, u64) -> (&'static str, String);

/// The costliest input of an event.
struct Input {
    event: &'static str,
    /// What makes it costly.
    name: &'static str,
    /// Whether every session is in the attacker's own room and gets what the others send there.
    entered: bool,
    make: Make,
}

/// What an attack reads before it begins.
struct Prepared {
    rooms_heavy: u64,
    rooms_wide: u64,
    /// Messages of the attacker's own and their rooms.
    messages: Vec<(String, String)>,
    /// Offers that wait for the attacker's answer, and their rooms.
    offers: Vec<(String, String)>,
    /// The longest token that is taken.
    token: String,
    heavy: String,
    digits: String,
}

/// Data of `message` to the attacker's own room.
fn say(text: &str) -> (&'static str, String) {
    ("message", json!({"roomId": OWN, "text": text}).to_string())
}

/// A pattern, repeated to the longest message.
fn repeated(pattern: &str) -> String {
    pattern.repeat(MESSAGE_BYTES / pattern.len())
}

/// The costliest inputs. Each event has one at least.
fn inputs() -> Vec<Input> {
    let input = |event, name, make: Make| Input { event, name, entered: false, make };
    let entered = |event, name, make: Make| Input { event, name, entered: true, make };
    vec![
        input("enterRoom", "pages of heavy data", |it, n| {
            ("enterRoom", json!({"roomId": format!("heavy-{}", n % it.rooms_heavy), "after": 0}).to_string())
        }),
        input("leaveRoom", "rooms that are not in memory", |it, n| {
            let event = if n % 2 == 0 { "enterRoom" } else { "leaveRoom" };
            (event, json!({"roomId": format!("wide-{}", n / 2 % it.rooms_wide)}).to_string())
        }),
        entered("message", "digits and hyphens", |it, _| say(&it.digits)),
        entered("message", "names of messengers", |_, _| say(&repeated("kakao-"))),
        entered("message", "broken links", |_, _| say(&repeated("t.me/!"))),
        entered("message", "at signs", |_, _| say(&repeated("a@"))),
        entered("message", "control characters", |_, _| say(&repeated("\u{1}"))),
        entered("message", "data of small objects", |it, _| {
            ("message", format!(r#"{{"roomId":"{OWN}","data":{}}}"#, it.heavy))
        }),
        entered("message", "deep data", |_, _| {
            let deep = format!("{}0{}", "[".repeat(30), "]".repeat(30));
            let data = vec![deep.as_str(); MESSAGE_BYTES / 64].join(",");
            ("message", format!(r#"{{"roomId":"{OWN}","data":[{data}]}}"#))
        }),
        input("message", "digits and hyphens, from all sessions at once", |it, _| say(&it.digits)),
        input("message", "control characters, from all sessions at once", |_, _| say(&repeated("\u{1}"))),
        input("message", "without a room", |it, _| ("message", format!(r#"{{"data":{}}}"#, it.heavy))),
        input("message", "rooms that are not in memory", |it, n| {
            ("message", json!({"roomId": format!("wide-{}", n % it.rooms_wide), "text": it.digits}).to_string())
        }),
        entered("editMessage", "digits and hyphens", |it, n| {
            ("editMessage", json!({"messageId": it.message(n), "text": it.digits}).to_string())
        }),
        input("deleteMessage", "heavy messages", |it, n| {
            ("deleteMessage", json!({"messageId": it.message(n)}).to_string())
        }),
        input("react", "heavy messages", |it, n| it.react(n)),
        input("typing", "rooms that are not in memory", |it, n| {
            ("typing", json!({"roomId": format!("wide-{}", n % it.rooms_wide), "typing": n % 2 == 0}).to_string())
        }),
        input("offer", "a room each", |it, n| {
            let room = format!("wide-{}", n % it.rooms_wide);
            ("offer", json!({"roomId": room, "amount": 9_007_199_254_740_991_i64, "currency": "KRW"}).to_string())
        }),
        input("answerOffer", "the first of many", |it, n| {
            let (answer, amount) = if n == 0 { ("accept", None) } else { ("counter", Some(n)) };
            let offer = &it.offers[usize::try_from(n).unwrap_or(0) % it.offers.len().max(1)];
            (
                "answerOffer",
                json!({"roomId": offer.0, "messageId": offer.1, "answer": answer, "amount": amount}).to_string(),
            )
        }),
        input("read", "rooms that are not in memory", |it, n| {
            ("read", json!({"roomId": format!("wide-{}", n % it.rooms_wide), "seq": n + 1}).to_string())
        }),
        input("delivered", "rooms that are not in memory", |it, n| {
            ("delivered", json!({"roomId": format!("wide-{}", n % it.rooms_wide), "seq": n + 1}).to_string())
        }),
        input("heartbeat", "over and over", |_, _| ("heartbeat", "{}".to_owned())),
        input("authenticate", "the longest token", |it, _| ("authenticate", json!({"token": it.token}).to_string())),
    ]
}

impl Prepared {
    /// Reads what the inputs of an event need.
    async fn for_event(attacker: &Attacker, event: &str) -> Self {
        let size = attacker.size;
        let heavy_rooms: Vec<_> = (0..size.heavy_rooms).map(|place| format!("heavy-{place}")).collect();
        let messages = match event {
            "editMessage" | "deleteMessage" | "react" => attacker.message_ids(MALLORY, &heavy_rooms).await,
            _ => Vec::new(),
        };
        let offers = match event {
            "answerOffer" => make_offers(attacker).await,
            _ => Vec::new(),
        };
        Self {
            rooms_heavy: size.heavy_rooms as u64,
            rooms_wide: size.wide_rooms as u64,
            messages,
            offers,
            token: token_named(MALLORY, Some(&"n".repeat(5_900))),
            heavy: heavy_data(),
            digits: repeated("1-"),
        }
    }

    /// A reaction to one of them, another one each time.
    fn react(&self, number: u64) -> (&'static str, String) {
        let place = usize::try_from(number).unwrap_or(0) % self.messages.len().max(1);
        let (room, id) = self.messages.get(place).map_or(("none", "none"), |(room, id)| (room, id));
        let emoji = if number.is_multiple_of(2) { "👍" } else { "🏴󠁧󠁢󠁳󠁣󠁴󠁿" };
        ("react", json!({"roomId": room, "messageId": id, "emoji": emoji}).to_string())
    }

    /// The id of a message of the attacker's own.
    fn message(&self, number: u64) -> &str {
        let place = usize::try_from(number).unwrap_or(0) % self.messages.len().max(1);
        self.messages.get(place).map_or("none", |(_, id)| id)
    }
}

/// Lets each buyer of the bazaar make an offer; gives the rooms and the offers.
pub async fn make_offers(attacker: &Attacker) -> Vec<(String, String)> {
    let mut offers = Vec::new();
    for place in 0..attacker.size.bazaar_rooms {
        let room = format!("bazaar-{place}");
        let request = Request::new("POST", format!("/api/v1/rooms/{room}/offers"))
            .token(&token(&format!("buyer-{place}")))
            .json(r#"{"amount":900000,"currency":"KRW"}"#);
        let Ok(answer) = attacker.prepare(&request).await else { continue };
        offers.push((room, answer.json()["id"].as_str().unwrap_or_default().to_owned()));
    }
    offers
}

/// The rows.
pub fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for wire in Wire::ALL {
        for input in inputs() {
            rows.push(Row {
                name: format!("{} ({}): {}", input.event, wire.name(), input.name),
                subject: Subject::Event(input.event, wire.name()),
                account: Account::User,
                tls: false,
                operations: OPERATIONS,
                attack: attack(move |attacker| flood(attacker, wire, input.event, input.entered, input.make)),
            });
        }
        rows.push(without_waiting(wire));
    }
    rows
}

async fn flood(attacker: Rc<Attacker>, wire: Wire, event: &'static str, entered: bool, make: Make) {
    let prepared = Prepared::for_event(&attacker, event).await;
    let enter = if entered { vec![OWN.to_owned()] } else { Vec::new() };
    let (sessions, window) = match entered {
        true => (SESSIONS_TOGETHER, WINDOW_TOGETHER),
        false => (attacker.many(SESSIONS_MAX, 4), WINDOW),
    };
    let make = Box::new(move |number| make(&prepared, number));
    attacker.events(Flood { user: MALLORY, wire, sessions, window, enter, waits: true, make }).await;
}

/// Events of a client that ignores `rate_limited` and reconnects when it is disconnected.
fn without_waiting(wire: Wire) -> Row {
    Row {
        name: format!("message ({}): without waiting as asked", wire.name()),
        subject: Subject::Event("message", wire.name()),
        account: Account::User,
        tls: false,
        operations: 3 * OPERATIONS,
        attack: attack(move |attacker| async move {
            let (sessions, enter) = (attacker.many(SESSIONS_MAX, 4), vec![OWN.to_owned()]);
            let make = Box::new(|_| say("again"));
            attacker.events(Flood { user: MALLORY, wire, sessions, window: WINDOW, enter, waits: false, make }).await;
        }),
    }
}
