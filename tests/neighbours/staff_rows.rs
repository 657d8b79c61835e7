//! Rows for what staff and the marketplace's backend ask for in a dispute, after a user has made it as expensive as they can.

use serde_json::{Value, json};

use super::{
    Account, Attacker, CONNECTIONS, MALLORY, Request, Route, SERVICE_KEY, attack, get, nth, report, route, staff_token,
};

/// A body with the reason that each action needs.
fn because(mut body: Value) -> String {
    body["reason"] = json!("x".repeat(1000));
    body.to_string()
}

/// The routes.
pub(super) fn of_staff() -> Vec<Route> {
    let staff =
        |method, path, name, make: fn(&Attacker, u64) -> Request| route(Account::Service, method, path, name, make);
    let mut routes = vec![
        staff("GET", "/api/v1/audit", "two hundred entries", |_, _| get("/api/v1/audit?limit=200")),
        staff("GET", "/api/v1/operations", "over and over", |_, _| get("/api/v1/operations")),
        staff("GET", "/api/v1/staff/rooms", "a hundred support conversations", |_, _| {
            get("/api/v1/staff/rooms?list=support&limit=100")
        }),
        staff("GET", "/api/v1/bans", "a hundred", |_, _| get("/api/v1/bans?limit=100")),
        staff("GET", "/api/v1/mutes", "a hundred", |_, _| get("/api/v1/mutes?limit=100")),
        staff("GET", "/api/v1/products/{id}/rooms", "a thousand rooms, page by page", |_, _| {
            get("/api/v1/products/wide/rooms?limit=50")
        }),
        staff("GET", "/api/v1/users/{id}", "a user with a thousand rooms", |_, _| {
            get(format!("/api/v1/users/{MALLORY}"))
        }),
        staff("GET", "/api/v1/users/{id}/rooms", "a hundred heavy last messages", |_, _| {
            get(format!("/api/v1/users/{MALLORY}/rooms?limit=100"))
        }),
        staff("GET", "/api/v1/users/{id}/notes", "over and over", |_, _| {
            get(format!("/api/v1/users/{MALLORY}/notes?limit=100"))
        }),
        staff("GET", "/api/v1/search/all", "one character, after 16 MB of words", |_, n| {
            get(format!("/api/v1/search/all?limit=50&reason=x&q={:x}", n % 16))
        }),
        staff("GET", "/api/v1/users", "one character, of all names", |_, n| {
            get(format!("/api/v1/users?limit=50&name={:x}", n % 16))
        }),
        staff("POST", "/api/v1/users/{id}/notes", "the longest", |_, _| {
            let body = json!({"text": "x".repeat(2000)});
            Request::new("POST", format!("/api/v1/users/{MALLORY}/notes")).json(body.to_string())
        }),
        staff("POST", "/api/v1/rooms/{id}/warnings", "rooms that are not in memory", |it, n| {
            let body = because(json!({"userId": MALLORY, "template": "scam"}));
            Request::new("POST", format!("/api/v1/rooms/{}/warnings", nth("wide", n, it.size.wide_rooms))).json(body)
        }),
        staff("DELETE", "/api/v1/rooms/{id}/waiting", "rooms that are not in memory", |it, n| {
            Request::new("DELETE", format!("/api/v1/rooms/{}/waiting", nth("wide", n, it.size.wide_rooms)))
        }),
    ];
    for path in ["join", "leave"] {
        routes.push(comes_and_goes(path));
    }
    for method in ["PUT", "DELETE"] {
        routes.extend(toggled(method));
    }
    for method in ["GET", "POST"] {
        routes.push(notes_of_report(method));
    }
    routes.push(one_report());
    routes
}

/// Somebody of the staff who joins rooms and leaves them, one after the other.
fn comes_and_goes(act: &'static str) -> Route {
    let path = if act == "join" { "/api/v1/rooms/{id}/join" } else { "/api/v1/rooms/{id}/leave" };
    let attack = attack(|attacker| async move {
        let (token, rooms) = (staff_token("mina"), attacker.size.wide_rooms);
        let make = move |number: u64| {
            let act = if number.is_multiple_of(2) { "join" } else { "leave" };
            let address = format!("/api/v1/rooms/{}/{act}", nth("wide", number / 2, rooms));
            Request::new("POST", address).token(&token).json(because(json!({})))
        };
        attacker.requests(attacker.many(CONNECTIONS, 16), make).await;
    });
    Route { method: "POST", path, name: "rooms that are not in memory, in turns", account: Account::User, attack }
}

/// What is set and taken back, in turns.
fn toggled(method: &'static str) -> Vec<Route> {
    let toggle = |path, name, of: fn(&Attacker, u64) -> (String, Value)| {
        route(Account::Service, method, path, name, move |it, n| {
            let (address, body) = of(it, n / 2);
            Request::new(if n % 2 == 0 { "PUT" } else { "DELETE" }, address).json(because(body))
        })
    };
    vec![
        toggle("/api/v1/products/{id}/unlisted", "with a thousand rooms", |_, _| {
            ("/api/v1/products/wide/unlisted".to_owned(), json!({}))
        }),
        toggle("/api/v1/rooms/{id}/freeze", "rooms that are not in memory", |it, n| {
            (format!("/api/v1/rooms/{}/freeze", nth("wide", n, it.size.wide_rooms)), json!({}))
        }),
        toggle("/api/v1/users/{id}/ban", "a user each", |it, n| {
            (format!("/api/v1/users/{}/ban", nth("buyer", n, it.size.wide_rooms)), json!({}))
        }),
        toggle("/api/v1/users/{id}/mute", "one with a thousand rooms", |_, _| {
            (format!("/api/v1/users/{MALLORY}/mute"), json!({"until": "2099-01-01T00:00:00Z"}))
        }),
    ]
}

fn on_each_report(
    method: &'static str,
    path: &'static str,
    name: &'static str,
    make: impl Fn(&str) -> Request + Copy + Send + Sync + 'static,
) -> Route {
    let attack = attack(move |attacker| async move {
        let reports = report(&attacker).await;
        let make = move |number: u64| {
            let place = usize::try_from(number).unwrap_or(0) % reports.len().max(1);
            make(reports.get(place).map_or("none", String::as_str)).token(SERVICE_KEY)
        };
        attacker.requests(attacker.many(CONNECTIONS, 8), make).await;
    });
    Route { method, path, name, account: Account::Service, attack }
}

fn one_report() -> Route {
    on_each_report("GET", "/api/v1/reports/{id}", "amid heavy messages", |id| get(format!("/api/v1/reports/{id}")))
}

fn notes_of_report(method: &'static str) -> Route {
    on_each_report(method, "/api/v1/reports/{id}/notes", "the longest", move |id| {
        let request = Request::new(method, format!("/api/v1/reports/{id}/notes"));
        if method == "GET" { request } else { request.json(json!({"text": "x".repeat(2000)}).to_string()) }
    })
}
