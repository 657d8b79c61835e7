//! A row for each phase of a connection that is neither an event nor a documented request.

use serde_json::json;

use super::{
    hold::Hold,
    http::Request,
    packets,
    server::token,
    session::{SOCKET_IO, Wire, frame},
    table::{Account, OPERATIONS, Row, Subject, attack},
    world::{MALLORY, OWN},
};

/// The most connections of an address, by default.
const CONNECTIONS_MAX: usize = 2000;

/// The most sessions of a user, by default.
const SESSIONS_MAX: usize = 20;

/// A frame or payload of the largest size, by default.
const TRANSPORT_BYTES: usize = 196_608;

/// Packed payloads in the suite.
const PAYLOADS: u64 = 8;

/// A phase in which this many connections are held.
fn held(account: Account, name: &str, hold: impl Fn() -> Hold + Send + Sync + 'static) -> Row {
    Row {
        name: name.to_owned(),
        subject: Subject::Phase,
        account,
        tls: false,
        operations: OPERATIONS,
        attack: attack(move |attacker| attacker.hold(hold())),
    }
}

fn with_token(request: &str) -> String {
    format!("{request}authorization: Bearer {}\r\n", token(MALLORY))
}

/// A handshake of a WebSocket.
fn handshake(path: &str, token: Option<&str>) -> Vec<u8> {
    let bearer = token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
    format!(
        "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n{bearer}\r\n"
    )
    .into_bytes()
}

/// A frame of the largest size without its last byte.
fn endless_frame() -> Vec<u8> {
    let mut frame = frame(0x81, &vec![b'4'; TRANSPORT_BYTES - 1]);
    frame.pop();
    frame
}

/// Before a token is shown.
fn before_a_token() -> Vec<Row> {
    let held = |name, hold: fn() -> Hold| held(Account::Nobody, name, hold);
    let mut tls = held("TLS: silent connections", || Hold::silent(CONNECTIONS_MAX, ""));
    tls.tls = true;
    let mut tls_slow = held("TLS: slow handshakes", || Hold::slow(CONNECTIONS_MAX, [22, 3, 1, 2, 0], 1));
    tls_slow.tls = true;
    vec![
        tls,
        tls_slow,
        held("TCP: silent connections", || Hold::silent(CONNECTIONS_MAX, "")),
        held("head: slow", || Hold::slow(CONNECTIONS_MAX, "GET /healthz HTTP/1.1\r\nhost: ", b'a')),
        held("head: slow and long", || {
            let start = format!("GET /healthz HTTP/1.1\r\nhost: localhost\r\nx: {}", "a".repeat(100_000));
            Hold::slow(CONNECTIONS_MAX, start, b'a')
        }),
        held("head: a slow second one", || {
            Hold::slow(
                CONNECTIONS_MAX,
                "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\nGET /healthz HTTP/1.1\r\nhost: ",
                b'a',
            )
        }),
        held("body: slow, without a token", || {
            let head = "POST /api/v1/rooms HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 100000\r\n\r\n{";
            Hold::slow(CONNECTIONS_MAX, head, b' ')
        }),
        held("answers: the documentation's files, unread", || {
            Hold::deaf(500, "GET /api/docs/swagger-ui-bundle.js HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(50))
        }),
        held("answers: one that is unread, with short requests after it", || {
            let unread = "GET /api/docs/swagger-ui-bundle.js HTTP/1.1\r\n\r\n";
            let chunked = "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n";
            Hold::deaf(500, format!("{chunked}{unread}{}", "GET / HTTP/1.1\r\n\r\n".repeat(200)))
        }),
        held("answers: the page, unread", || Hold::deaf(500, "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(50))),
        held("answers: the OpenAPI document, unread", || {
            Hold::deaf(500, "GET /api/v1/openapi.json HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(50))
        }),
        held("engine.io: a WebSocket without CONNECT", || Hold::silent(CONNECTIONS_MAX, handshake(SOCKET_IO, None))),
        held("engine.io: a frame that does not end, without CONNECT", || {
            Hold::silent(CONNECTIONS_MAX, [handshake(SOCKET_IO, None), endless_frame()].concat())
        }),
        held("websocket: handshakes with a bad token", || {
            Hold::silent(CONNECTIONS_MAX, handshake("/ws/chat", Some(&"a.".repeat(4000))))
        }),
        asked("requests: nothing at this address", "/api/nothing"),
        asked("requests: the page", "/"),
    ]
}

/// A request that anyone may send, over and over.
fn asked(name: &str, path: &'static str) -> Row {
    Row {
        name: name.to_owned(),
        subject: Subject::Phase,
        account: Account::Nobody,
        tls: false,
        operations: OPERATIONS,
        attack: attack(move |attacker| async move {
            attacker.requests(attacker.many(40, 16), move |_| Request::new("GET", path)).await;
        }),
    }
}

/// With a token.
fn with_a_token() -> Vec<Row> {
    let held = |name, hold: fn() -> Hold| held(Account::User, name, hold);
    vec![
        held("body: slow", || {
            let head = with_token(&format!("POST /api/v1/rooms/{OWN}/messages HTTP/1.1\r\nhost: localhost\r\n"));
            let head = format!(
                "{head}content-type: application/json\r\ncontent-length: 190000\r\n\r\n{{{}",
                " ".repeat(180_000)
            );
            Hold::slow(500, head, b' ')
        }),
        held("uploads: slow", || {
            let head = with_token(&format!("POST /api/v1/rooms/{OWN}/images HTTP/1.1\r\nhost: localhost\r\n"));
            let part = "--part\r\ncontent-disposition: form-data; name=\"image\"; filename=\"a.png\"\r\n\r\n";
            let rest = "content-type: multipart/form-data; boundary=part\r\ncontent-length: 10000000";
            Hold::slow(40, format!("{head}{rest}\r\n\r\n{part}{}", "a".repeat(4_000_000)), b'a')
        }),
        held("answers: pages of heavy data, unread", || {
            let request = with_token("GET /api/v1/rooms/heavy-0/messages?limit=200 HTTP/1.1\r\nhost: localhost\r\n");
            Hold::deaf(100, format!("{request}\r\n").repeat(20))
        }),
        held("answers: lists of rooms, unread", || {
            let request = with_token("GET /api/v1/rooms?limit=100 HTTP/1.1\r\nhost: localhost\r\n");
            Hold::deaf(100, format!("{request}\r\n").repeat(20))
        }),
        held("websocket: a handshake, then silence", || {
            Hold::silent(SESSIONS_MAX, handshake("/ws/chat", Some(&token(MALLORY))))
        }),
        held("websocket: handshakes over and over", || {
            Hold::silent(CONNECTIONS_MAX, handshake("/ws/chat", Some(&token(MALLORY))))
        }),
        held("websocket: frames that do not end", || {
            Hold::silent(SESSIONS_MAX, [handshake("/ws/chat", Some(&token(MALLORY))), endless_frame()].concat())
        }),
        held("websocket: history, unread", || unread(Wire::Plain)),
        held("websocket: pings", || flooded(&frame(0x89, &[b'p'; 125]), 20_000)),
        held("websocket: fragments", || flooded(&fragments(), 100)),
        held("websocket: frames that can't be read", || flooded(&frame(0x81, b"{"), 20_000)),
        held("websocket: events that nobody knows", || flooded(&frame(0x81, br#"{"event":"nothing","id":1}"#), 20_000)),
        held("websocket: long frames that can't be read", || {
            flooded(&frame(0x81, format!("[{}", "[".repeat(100_000)).as_bytes()), 50)
        }),
    ]
}

/// Sessions that send the same frame over and over, and read nothing.
fn flooded(frame: &[u8], times: usize) -> Hold {
    Hold::deaf(SESSIONS_MAX, [handshake("/ws/chat", Some(&token(MALLORY))), frame.repeat(times)].concat())
}

/// A text in as many frames as it may have.
fn fragments() -> Vec<u8> {
    let mut frames = frame(0x01, b"{");
    for _ in 0..500 {
        frames.extend(frame(0x00, b" "));
    }
    frames.extend(frame(0x80, b"}"));
    frames
}

/// Sessions that ask for heavy rooms and read nothing.
fn unread(wire: Wire) -> Hold {
    let (path, bearer) = match wire {
        Wire::Plain => ("/ws/chat", Some(token(MALLORY))),
        Wire::SocketIo => (SOCKET_IO, None),
    };
    let mut sends = handshake(path, bearer.as_deref());
    if wire == Wire::SocketIo {
        sends.extend(frame(0x81, format!("40/chat,{}", json!({"token": token(MALLORY)})).as_bytes()));
    }
    for place in 0..30 {
        let room = json!({"roomId": format!("heavy-{}", place % 4), "after": 0});
        let text = match wire {
            Wire::Plain => json!({"event": "enterRoom", "data": room, "id": place}).to_string(),
            Wire::SocketIo => format!("42/chat,{place}{}", json!(["enterRoom", room])),
        };
        sends.extend(frame(0x81, text.as_bytes()));
    }
    Hold::deaf(SESSIONS_MAX, sends)
}

/// Over Socket.IO.
fn socket_io() -> Vec<Row> {
    // A packed payload holds a thousand events, and its answer waits for them.
    let row = |account, name: &str, attack| Row {
        name: name.to_owned(),
        subject: Subject::Phase,
        account,
        tls: false,
        operations: if name.contains("a POST of") { PAYLOADS } else { OPERATIONS },
        attack,
    };
    vec![
        held(Account::User, "socket.io: history, unread", || unread(Wire::SocketIo)),
        row(Account::Nobody, "engine.io: sessions without CONNECT", attack(packets::sessions_without_connect)),
        row(Account::Nobody, "engine.io: upgrade probes", attack(packets::upgrade_probes)),
        row(Account::Nobody, "engine.io: a POST that does not end", attack(packets::endless_posts)),
        row(Account::Nobody, "engine.io: a POST of empty packets", attack(packets::empty_packets)),
        row(Account::Nobody, "socket.io: CONNECT without a token", attack(packets::connect_without_a_token)),
        row(
            Account::User,
            "socket.io: CONNECT and DISCONNECT of /chat",
            attack(|it| packets::connect_loop(it, "/chat")),
        ),
        row(
            Account::User,
            "socket.io: CONNECT and DISCONNECT of /inbox",
            attack(|it| packets::connect_loop(it, "/inbox")),
        ),
        row(Account::User, "socket.io: a POST of heavy rooms", attack(|it| packets::packed_posts(it, "enterRoom"))),
        row(Account::User, "socket.io: a POST of rooms to leave", attack(|it| packets::packed_posts(it, "leaveRoom"))),
        row(Account::User, "socket.io: recoveries", attack(packets::recoveries)),
    ]
}

/// The rows.
pub fn rows() -> Vec<Row> {
    let mut rows = before_a_token();
    rows.extend(with_a_token());
    rows.extend(socket_io());
    rows
}
