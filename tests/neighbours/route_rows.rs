//! A row for each route of the OpenAPI document: the costliest request that it takes.

#[path = "staff_rows.rs"]
mod staff;

use std::rc::Rc;

use serde_json::json;

use super::{
    attack::Attacker,
    event_rows::make_offers,
    hostile_webp,
    http::Request,
    png,
    server::{SERVICE_KEY, token},
    table::{Account, Attack, OPERATIONS, Row, Subject, attack},
    world::{MALLORY, MESSAGE_BYTES, OWN, heavy_data},
};

/// Connections over which one client asks.
const CONNECTIONS: usize = 40;

/// The demo's own routes exist under `haggle demo` alone, which has no strangers.
struct Route {
    method: &'static str,
    path: &'static str,
    /// What makes it costly.
    name: &'static str,
    account: Account,
    attack: Attack,
}

/// A route whose requests need no preparation.
fn route(
    account: Account,
    method: &'static str,
    path: &'static str,
    name: &'static str,
    make: impl Fn(&Attacker, u64) -> Request + Copy + Send + Sync + 'static,
) -> Route {
    let attack = attack(move |attacker: Rc<Attacker>| async move {
        let (token, asking) = (token_of(account), Rc::clone(&attacker));
        let make = move |number| {
            let request = make(&asking, number);
            match &token {
                Some(token) => request.token(token),
                None => request,
            }
        };
        attacker.requests(attacker.many(CONNECTIONS, 16), make).await;
    });
    Route { method, path, name, account, attack }
}

fn token_of(account: Account) -> Option<String> {
    match account {
        Account::Nobody => None,
        Account::User => Some(token(MALLORY)),
        Account::Service => Some(SERVICE_KEY.to_owned()),
    }
}

/// A route with an attack of its own.
fn prepared(method: &'static str, path: &'static str, name: &'static str, attack: Attack) -> Route {
    Route { method, path, name, account: Account::User, attack }
}

fn get(path: impl Into<String>) -> Request {
    Request::new("GET", path)
}

fn digits() -> String {
    "1-".repeat(MESSAGE_BYTES / 2)
}

/// One of the rooms `wide-N`, and so on.
fn nth(product: &str, number: u64, rooms: usize) -> String {
    format!("{product}-{}", number % rooms as u64)
}

/// Routes without a token.
fn open_routes() -> Vec<Route> {
    let page = |path, name, asked: &'static str| route(Account::Nobody, "GET", path, name, move |_, _| get(asked));
    vec![
        page("/healthz", "over and over", "/healthz"),
        page("/readyz", "over and over", "/readyz"),
        page("/metrics", "over and over", "/metrics"),
        route(Account::Nobody, "GET", "/api/v1/origin", "another origin each", |_, n| {
            get(format!("/api/v1/origin?of=https://{n}.example"))
        }),
        page("/api/v1/openapi.json", "over and over", "/api/v1/openapi.json"),
        page("/api/v1/currencies", "over and over", "/api/v1/currencies"),
        page("/api/v1/features", "over and over", "/api/v1/features"),
        page("/embed/{file}", "the largest file", "/embed/components/ui/message_list.js"),
        page("/api/docs", "over and over", "/api/docs"),
        page("/api/docs/{file}", "the largest file", "/api/docs/swagger-ui-bundle.js"),
        page("/api/v1/images/{key}", "bad signatures", "/api/v1/images/a.png?expires=9999999999&signature=AAAA"),
    ]
}

/// What a user reads.
fn reads() -> Vec<Route> {
    let read = |path, name, make: fn(&Attacker, u64) -> Request| route(Account::User, "GET", path, name, make);
    vec![
        read("/api/v1/me", "over and over", |_, _| get("/api/v1/me")),
        read("/api/v1/me/settings", "over and over", |_, _| get("/api/v1/me/settings")),
        read("/api/v1/me/unread", "counted over a thousand rooms", |_, _| get("/api/v1/me/unread")),
        read("/api/v1/me/push-subscriptions", "over and over", |_, _| get("/api/v1/me/push-subscriptions")),
        read("/api/v1/rooms", "a hundred heavy last messages", |_, _| get("/api/v1/rooms?limit=100")),
        read("/api/v1/rooms/{id}", "a heavy last message", |it, n| {
            get(format!("/api/v1/rooms/{}", nth("wide", n, it.size.wide_rooms.min(100))))
        }),
        read("/api/v1/rooms/{id}/messages", "two hundred heavy messages", |it, n| {
            get(format!("/api/v1/rooms/{}/messages?limit=200", nth("heavy", n, it.size.heavy_rooms)))
        }),
        read("/api/v1/search", "one character, after 16 MB of words", |_, n| {
            get(format!("/api/v1/search?limit=50&q={:x}", n % 16))
        }),
        read("/api/v1/search", "eight terms", |_, n| {
            let terms: Vec<_> = (0..8).map(|term| format!("{:x}", (n * 7919 + term) % 4096)).collect();
            get(format!("/api/v1/search?limit=50&q={}", terms.join("%20")))
        }),
        read("/api/v1/blocks", "over and over", |_, _| get("/api/v1/blocks?limit=100")),
    ]
}

/// What a user changes.
fn writes() -> Vec<Route> {
    let write =
        |method, path, name, make: fn(&Attacker, u64) -> Request| route(Account::User, method, path, name, make);
    let block = |method: &'static str, it: &Attacker, n: u64| {
        Request::new(method, format!("/api/v1/blocks/{}", nth("buyer", n, it.size.wide_rooms)))
    };
    vec![
        write("PATCH", "/api/v1/me/settings", "toggled in a thousand rooms", |_, n| {
            let on = n % 2 == 0;
            let body = json!({
                "readReceipts": on, "typing": on, "presence": on, "deliveryReceipts": on, "lastSeen": on,
            });
            Request::new("PATCH", "/api/v1/me/settings").json(body.to_string())
        }),
        write("POST", "/api/v1/me/push-subscriptions", "a device each", |_, n| {
            let keys = json!({
                "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
                "auth": "BTBZMqHH6r4Tts7J_aSIgg",
            });
            let body = json!({"endpoint": format!("https://push.example/{n:01000}"), "keys": keys});
            Request::new("POST", "/api/v1/me/push-subscriptions").json(body.to_string())
        }),
        write("DELETE", "/api/v1/me/push-subscriptions/{id}", "over and over", |_, n| {
            Request::new("DELETE", format!("/api/v1/me/push-subscriptions/{n}"))
        }),
        write("POST", "/api/v1/rooms", "a product each", |it, n| {
            let body = json!({"productId": nth("goods", n, it.size.goods)});
            Request::new("POST", "/api/v1/rooms").json(body.to_string())
        }),
        write("PUT", "/api/v1/rooms/{id}/read", "rooms that are not in memory", |it, n| {
            Request::new("PUT", format!("/api/v1/rooms/{}/read", nth("wide", n, it.size.wide_rooms)))
                .json(json!({"seq": n + 1}).to_string())
        }),
        write("PUT", "/api/v1/rooms/{id}/delivered", "rooms that are not in memory", |it, n| {
            Request::new("PUT", format!("/api/v1/rooms/{}/delivered", nth("wide", n, it.size.wide_rooms)))
                .json(json!({"seq": n + 1}).to_string())
        }),
        write("PATCH", "/api/v1/rooms/{id}/settings", "rooms that are not in memory", |it, n| {
            let on = (n / it.size.wide_rooms as u64).is_multiple_of(2);
            Request::new("PATCH", format!("/api/v1/rooms/{}/settings", nth("wide", n, it.size.wide_rooms)))
                .json(json!({"pinned": on, "muted": on}).to_string())
        }),
        write("POST", "/api/v1/rooms/{id}/token", "over and over", |it, n| {
            Request::new("POST", format!("/api/v1/rooms/{}/token", nth("wide", n, it.size.wide_rooms)))
        }),
        write("POST", "/api/v1/rooms/{id}/messages", "digits and hyphens", |_, _| {
            Request::new("POST", format!("/api/v1/rooms/{OWN}/messages")).json(json!({"text": digits()}).to_string())
        }),
        write("POST", "/api/v1/rooms/{id}/messages", "data of small objects", |it, n| {
            Request::new("POST", format!("/api/v1/rooms/{}/messages", nth("heavy", n, it.size.heavy_rooms)))
                .json(format!(r#"{{"data":{}}}"#, heavy_data()))
        }),
        write("POST", "/api/v1/rooms/{id}/offers", "a room each", |it, n| {
            Request::new("POST", format!("/api/v1/rooms/{}/offers", nth("wide", n, it.size.wide_rooms)))
                .json(json!({"amount": n + 1, "currency": "KRW"}).to_string())
        }),
        route(Account::User, "PUT", "/api/v1/blocks/{userId}", "a user each", move |it, n| block("PUT", it, n)),
        route(Account::User, "DELETE", "/api/v1/blocks/{userId}", "a user each", move |it, n| {
            block(if n % 2 == 0 { "PUT" } else { "DELETE" }, it, n / 2)
        }),
        write("PATCH", "/api/v1/products/{id}", "toggled with a thousand rooms", |_, n| {
            let status = if n % 2 == 0 { "reserved" } else { "on_sale" };
            Request::new("PATCH", "/api/v1/products/wide").json(json!({"status": status}).to_string())
        }),
    ]
}

/// What needs ids that have to be read first.
fn on_messages() -> Vec<Route> {
    vec![
        prepared(
            "PATCH",
            "/api/v1/rooms/{id}/messages/{messageId}",
            "digits and hyphens",
            attack(|attacker| async move {
                let body = json!({"text": digits()}).to_string();
                on_each_message(attacker, move |room, id| {
                    Request::new("PATCH", format!("/api/v1/rooms/{room}/messages/{id}")).json(body.clone())
                })
                .await;
            }),
        ),
        prepared(
            "DELETE",
            "/api/v1/rooms/{id}/messages/{messageId}",
            "heavy messages",
            attack(|attacker| {
                on_each_message(attacker, |room, id| {
                    Request::new("DELETE", format!("/api/v1/rooms/{room}/messages/{id}"))
                })
            }),
        ),
        prepared(
            "POST",
            "/api/v1/reports",
            "over and over, amid heavy messages",
            attack(|attacker| {
                on_each_message(attacker, |room, id| {
                    let body = json!({"roomId": room, "messageId": id, "category": "spam", "text": "x".repeat(2000)});
                    Request::new("POST", "/api/v1/reports").json(body.to_string())
                })
            }),
        ),
        prepared(
            "POST",
            "/api/v1/rooms/{id}/offers/{messageId}/answer",
            "the first of many",
            attack(|attacker| async move {
                let offers = make_offers(&attacker).await;
                let make = move |number: u64| {
                    let (room, offer) = &offers[usize::try_from(number).unwrap_or(0) % offers.len()];
                    let answer = if number == 0 { "accept" } else { "decline" };
                    Request::new("POST", format!("/api/v1/rooms/{room}/offers/{offer}/answer"))
                        .token(&token(MALLORY))
                        .json(json!({"answer": answer}).to_string())
                };
                attacker.requests(CONNECTIONS, make).await;
            }),
        ),
    ]
}

/// Reactions to them.
fn reactions() -> Vec<Route> {
    vec![
        prepared(
            "PUT",
            "/api/v1/rooms/{id}/messages/{messageId}/reaction",
            "heavy messages",
            attack(|attacker| {
                on_each_message(attacker, |room, id| {
                    Request::new("PUT", format!("/api/v1/rooms/{room}/messages/{id}/reaction"))
                        .json(json!({"emoji": "👍"}).to_string())
                })
            }),
        ),
        prepared(
            "DELETE",
            "/api/v1/rooms/{id}/messages/{messageId}/reaction",
            "where there is none",
            attack(|attacker| {
                on_each_message(attacker, |room, id| {
                    Request::new("DELETE", format!("/api/v1/rooms/{room}/messages/{id}/reaction"))
                })
            }),
        ),
    ]
}

/// A request for each of the attacker's heavy messages.
async fn on_each_message(attacker: Rc<Attacker>, make: impl Fn(&str, &str) -> Request + 'static) {
    let rooms: Vec<_> = (0..attacker.size.heavy_rooms).map(|place| format!("heavy-{place}")).collect();
    let ids = attacker.message_ids(MALLORY, &rooms).await;
    let token = token(MALLORY);
    let make = move |number: u64| {
        let place = usize::try_from(number).unwrap_or(0) % ids.len().max(1);
        let (room, id) = ids.get(place).map_or(("none", "none"), |(room, id)| (room, id));
        make(room, id).token(&token)
    };
    attacker.requests(attacker.many(CONNECTIONS, 16), make).await;
}

/// Images: the largest that are allowed, and those that are read.
fn images() -> Vec<Route> {
    let upload =
        |image: &[u8]| Request::new("POST", format!("/api/v1/rooms/{OWN}/images")).token(&token(MALLORY)).image(image);
    vec![
        prepared(
            "POST",
            "/api/v1/rooms/{id}/images",
            "7,000 × 7,000 pixels of 16 bits",
            attack(move |attacker| async move {
                let request = upload(&png::black(7000));
                attacker.requests(attacker.many(CONNECTIONS, 2), move |_| request.clone()).await;
            }),
        ),
        prepared(
            "POST",
            "/api/v1/rooms/{id}/images",
            "lossless WebP with 65,536 tables",
            attack(move |attacker| async move {
                let request = upload(&hostile_webp::codes());
                attacker.requests(attacker.many(CONNECTIONS, 2), move |_| request.clone()).await;
            }),
        ),
        prepared(
            "POST",
            "/api/v1/rooms/{id}/images",
            "lossy WebP of 12 million pixels",
            attack(move |attacker| async move {
                let request = upload(include_bytes!("../images/photo_4000x3000.webp"));
                attacker.requests(attacker.many(CONNECTIONS, 2), move |_| request.clone()).await;
            }),
        ),
        prepared(
            "GET",
            "/api/v1/images/{key}",
            "over and over",
            attack(move |attacker| async move {
                let stored = attacker.prepare(&upload(&png::black(1500))).await;
                let stored = stored.map(|answer| answer.json()).unwrap_or_default();
                let url = stored["data"]["url"].as_str().unwrap_or("/api/v1/images/none").to_owned();
                attacker.requests(CONNECTIONS, move |_| get(&*url)).await;
            }),
        ),
    ]
}

/// What the marketplace's own backend asks for, after a user has made it as expensive as they can.
fn of_the_service() -> Vec<Route> {
    let service =
        |method, path, name, make: fn(&Attacker, u64) -> Request| route(Account::Service, method, path, name, make);
    vec![
        service("GET", "/api/v1/events", "five hundred heavy messages", |_, _| get("/api/v1/events?limit=500")),
        service("GET", "/api/v1/users/{id}/export", "heavy messages", |_, _| {
            get(format!("/api/v1/users/{MALLORY}/export"))
        }),
        service("POST", "/api/v1/users/{id}/disconnect", "over and over", |_, _| {
            Request::new("POST", format!("/api/v1/users/{MALLORY}/disconnect"))
        }),
        service("PUT", "/api/v1/users/{id}", "a name in a thousand rooms", |_, n| {
            Request::new("PUT", format!("/api/v1/users/{MALLORY}"))
                .json(json!({"name": format!("Mallory {n}")}).to_string())
        }),
        service("GET", "/api/v1/products/{id}", "over and over", |_, _| get("/api/v1/products/wide")),
        service("PUT", "/api/v1/products/{id}", "toggled with a thousand rooms", |_, n| {
            let status = if n % 2 == 0 { "reserved" } else { "on_sale" };
            let body = json!({"sellerId": MALLORY, "title": "wide", "price": 1, "currency": "KRW", "status": status});
            Request::new("PUT", "/api/v1/products/wide").json(body.to_string())
        }),
        service("DELETE", "/api/v1/users/{id}", "the one with heavy messages", |it, n| {
            let user = if n == 0 { MALLORY.to_owned() } else { nth("buyer", n, it.size.wide_rooms) };
            Request::new("DELETE", format!("/api/v1/users/{user}"))
        }),
        Route {
            method: "GET",
            path: "/api/v1/reports",
            name: "a hundred amid heavy messages",
            account: Account::Service,
            attack: attack(|attacker| async move {
                report(&attacker).await;
                let request = get("/api/v1/reports?limit=100").token(SERVICE_KEY);
                attacker.requests(attacker.many(CONNECTIONS, 8), move |_| request.clone()).await;
            }),
        },
        Route {
            method: "PATCH",
            path: "/api/v1/reports/{id}",
            name: "amid heavy messages",
            account: Account::Service,
            attack: attack(|attacker| async move {
                let reports = report(&attacker).await;
                let make = move |number: u64| {
                    let place = usize::try_from(number).unwrap_or(0) % reports.len().max(1);
                    let id = reports.get(place).map_or("none", String::as_str);
                    let body = json!({"decision": "dismissed"}).to_string();
                    Request::new("PATCH", format!("/api/v1/reports/{id}")).token(SERVICE_KEY).json(body)
                };
                attacker.requests(attacker.many(CONNECTIONS, 8), make).await;
            }),
        },
    ]
}

/// Reports heavy messages by the buyers of their rooms, and gives the reports' ids.
async fn report(attacker: &Attacker) -> Vec<String> {
    let mut reports = Vec::new();
    for place in 0..attacker.size.heavy_rooms {
        let room = format!("heavy-{place}");
        let ids = attacker.message_ids(MALLORY, &[room]).await;
        for (room, id) in ids.iter().skip(10).step_by(10).take(10) {
            let body = json!({"roomId": room, "messageId": id, "category": "spam"});
            let request =
                Request::new("POST", "/api/v1/reports").token(&token(&format!("buyer-{place}"))).json(body.to_string());
            let Ok(answer) = attacker.prepare(&request).await else { continue };
            reports.push(answer.json()["id"].as_str().unwrap_or_default().to_owned());
        }
    }
    reports
}

/// The rows.
pub fn rows() -> Vec<Row> {
    let routes =
        [open_routes(), reads(), writes(), on_messages(), reactions(), images(), of_the_service(), staff::of_staff()];
    let row = |Route { method, path, name, account, attack }| Row {
        name: format!("{method} {path}: {name}"),
        subject: Subject::Route(method, path),
        account,
        tls: false,
        operations: match path {
            path if path.ends_with("/images") => 2,
            // Each is as long as all that one has written.
            path if path.ends_with("/export") || path.ends_with("/events") => 20,
            _ => OPERATIONS,
        },
        attack,
    };
    routes.into_iter().flatten().map(row).collect()
}
