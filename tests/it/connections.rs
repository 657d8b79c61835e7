//! Connections before a token is shown: the address is the account, from the first packet on.

#[cfg(target_os = "linux")]
use std::collections::HashMap;
use std::{
    net::{Ipv4Addr, SocketAddr},
    num::NonZeroU32,
    time::Duration,
};

use haggle::internals::metrics::Reason;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};

use crate::support::{Launch, TestServer, raw::frame, rest, tls::Certificate, until, within};

/// Another address than everybody else's.
const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// Connects from an address of its own.
async fn connect_from(from: Ipv4Addr, addr: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    // What a client does not read waits in the server, and not in the client's own buffer.
    socket.set_recv_buffer_size(4096).unwrap();
    socket.bind((from, 0).into()).unwrap();
    socket.connect(addr).await.unwrap()
}

/// Reads to the end, which may be a reset.
async fn rest_of(tcp: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let _ = within("the end of the connection", tcp.read_to_end(&mut answer)).await;
    String::from_utf8_lossy(&answer).into_owned()
}

/// Sends a request and reads its answer, which must have a length. The connection goes on.
async fn ask(tcp: &mut TcpStream, path: &str) -> String {
    tcp.write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).await.unwrap();
    answer(tcp).await
}

async fn answer(tcp: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(within("an answer", tcp.read_u8()).await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
    within("a body", tcp.read_exact(&mut vec![0; length])).await.unwrap();
    head
}

async fn impatient() -> TestServer {
    TestServer::with(|config| config.handshake_timeout = Duration::from_secs(1)).await
}

#[actix_web::test]
async fn the_headers_of_every_request_have_a_deadline() {
    let server = impatient().await;
    for requests_before in [0, 1, 3] {
        let mut tcp = TcpStream::connect(server.addr).await.unwrap();
        for _ in 0..requests_before {
            let answer = ask(&mut tcp, "/healthz").await;
            assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        }
        let (mut reader, mut writer) = tcp.into_split();
        writer.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\nx: ").await.unwrap();
        // A byte now and then is not enough.
        let trickle = tokio::spawn(async move {
            while writer.write_all(b"x").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        let mut answer = Vec::new();
        let _ = within("the end of a slow head", reader.read_to_end(&mut answer)).await;
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with("HTTP/1.1 408"), "after {requests_before} requests: {answer}");
        trickle.abort();
    }
    until("no connection is left", || server.metrics.connections.get() == 0).await;
}

#[actix_web::test]
async fn the_headers_of_every_request_have_a_size() {
    let server = TestServer::start().await;
    for requests_before in [0, 1] {
        let mut tcp = TcpStream::connect(server.addr).await.unwrap();
        for _ in 0..requests_before {
            ask(&mut tcp, "/healthz").await;
        }
        let token = "x".repeat(12 * 1024);
        let long = format!("GET /healthz HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n");
        tcp.write_all(long.as_bytes()).await.unwrap();
        assert!(answer(&mut tcp).await.starts_with("HTTP/1.1 200"), "as long as a token may be");
        let head = format!("GET /healthz HTTP/1.1\r\nhost: x\r\nx: {}", "x".repeat(20_000));
        let _ = tcp.write_all(head.as_bytes()).await;
        let answer = rest_of(&mut tcp).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
    }
    until("no connection is left", || server.metrics.connections.get() == 0).await;
}

#[actix_web::test]
async fn a_body_may_follow_its_headers_in_one_piece_and_requests_may_be_pipelined() {
    let server = TestServer::start().await;
    let token = server.token("alice");
    let room = server.seed().room("alice", "bike").id;
    let body = format!("{{\"text\":\"{}\"}}", "x".repeat(16_000));
    let post = format!(
        "POST /api/v1/rooms/{room}/messages HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut tcp = TcpStream::connect(server.addr).await.unwrap();
    let (mut reader, mut writer) = tcp.split();
    let all = post.repeat(20);
    let sent = writer.write_all(all.as_bytes());
    let read = async {
        let mut got = String::new();
        let mut buffer = vec![0; 64 * 1024];
        while got.matches("HTTP/1.1 ").count() < 20 || !got.ends_with('}') {
            let count = within("an answer", reader.read(&mut buffer)).await.unwrap();
            assert!(count > 0, "{got}");
            got.push_str(&String::from_utf8_lossy(&buffer[..count]));
        }
        got
    };
    let (sent, got) = tokio::join!(sent, read);
    sent.unwrap();
    assert_eq!(got.matches("HTTP/1.1 201").count(), 20, "{}", &got[..2000]);
}

#[actix_web::test]
async fn requests_and_what_follows_them_are_separated_however_they_arrive() {
    let server = TestServer::start().await;
    let token = server.token("alice");
    let room = server.seed().room("alice", "bike").id;
    let head = format!(
        "POST /api/v1/rooms/{room}/messages HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\n"
    );
    let refused = "GET /api/nothing HTTP/1.1\r\nhost: x\r\n\r\n";
    let whole = format!("{refused}\r\n{head}content-length: 16\r\n\r\n{{\"text\":\r\n\r\n\"a\"}}{refused}");
    let upgrade = format!(
        "GET /ws/chat HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
         sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\nauthorization: Bearer {token}\r\n\r\n"
    );
    let mut bytes = [whole.as_bytes(), upgrade.as_bytes()].concat();
    bytes.extend(frame(0x81, br#"{"event":"leaveRoom","data":"r","id":7}"#));
    // The frame comes together with the handshake, or cut anywhere.
    for piece in [bytes.len(), 700, 61, 1] {
        let mut tcp = TcpStream::connect(server.addr).await.unwrap();
        tcp.set_nodelay(true).unwrap();
        let (mut reader, mut writer) = tcp.split();
        let write = async {
            for part in bytes.chunks(piece) {
                writer.write_all(part).await.unwrap();
            }
        };
        let read = async {
            let mut got = Vec::new();
            while !String::from_utf8_lossy(&got).contains(r#""reply":7"#) {
                let count = within("the frame's answer", reader.read_buf(&mut got)).await.unwrap();
                assert!(count > 0, "{}", String::from_utf8_lossy(&got));
            }
            String::from_utf8_lossy(&got).into_owned()
        };
        let ((), got) = tokio::join!(write, read);
        let statuses: Vec<_> = got.match_indices("HTTP/1.1 ").map(|(at, _)| &got[at + 9..at + 12]).collect();
        assert_eq!(statuses, ["404", "201", "404", "101"], "in pieces of {piece}");
    }
}

#[actix_web::test]
async fn a_client_that_asks_before_it_sends_a_body_is_answered() {
    let server = TestServer::start().await;
    let token = server.token("alice");
    let room = server.seed().room("alice", "bike").id;
    let body = format!("{{\"text\":\"{}\"}}", "x".repeat(16_000));
    let mut tcp = TcpStream::connect(server.addr).await.unwrap();
    let head = format!(
        "POST /api/v1/rooms/{room}/messages HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\nexpect: 100-continue\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    for _ in 0..2 {
        tcp.write_all(head.as_bytes()).await.unwrap();
        assert!(answer(&mut tcp).await.starts_with("HTTP/1.1 100"));
        tcp.write_all(body.as_bytes()).await.unwrap();
        assert!(answer(&mut tcp).await.starts_with("HTTP/1.1 201"));
    }
}

#[actix_web::test]
async fn a_client_that_does_not_read_an_answer_is_let_go() {
    let server = impatient().await;
    let request = b"GET /api/docs/swagger-ui-bundle.js HTTP/1.1\r\nhost: x\r\n\r\n";
    let upgrade =
        b"GET /api/docs/swagger-ui-bundle.js HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
    let mut unread = Vec::new();
    for request in [&request[..], upgrade] {
        let mut tcp = connect_from(ELSEWHERE, server.addr).await;
        for _ in 0..8 {
            tcp.write_all(request).await.unwrap();
        }
        unread.push(tcp);
    }
    until("they are connected", || server.metrics.connections.get() == 2).await;
    until("they are let go", || server.metrics.connections.get() == 0).await;
    // A client that reads gets all of it, however slowly it comes.
    let whole = rest::call(server.addr, "", "GET", "/api/docs/swagger-ui-bundle.js", None).await;
    let length: usize = whole.header("content-length").unwrap().parse().unwrap();
    assert!(length > 500_000, "{length}");
}

#[actix_web::test]
async fn silent_tls_handshakes_delay_nobody_and_are_few() {
    let certificate = Certificate::new();
    let files = certificate.files();
    let server = TestServer::with(|config| {
        config.tls = Some(files);
        config.handshake_timeout = Duration::from_millis(1000);
    })
    .await;
    let mut silent = Vec::new();
    for _ in 0..300 {
        silent.push(connect_from(ELSEWHERE, server.addr).await);
    }
    // Refused without a wait: the read ends at once.
    let mut waiting = Vec::new();
    for mut tcp in silent {
        let is_over = tokio::time::timeout(Duration::from_millis(1), tcp.read_u8()).await;
        if is_over.is_err() {
            waiting.push(tcp);
        }
    }
    assert!(waiting.len() <= 32 * 2, "{} handshakes of one address", waiting.len());
    let mut other = certificate.connect(server.addr).await.unwrap();
    other.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    within("an answer", other.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    for mut tcp in waiting {
        rest_of(&mut tcp).await;
    }
    // And then the address itself is served again.
    let tcp = connect_from(ELSEWHERE, server.addr).await;
    certificate.handshake(tcp, &[]).await.unwrap();
}

#[actix_web::test]
async fn an_address_over_its_limit_is_refused_and_others_are_not() {
    let certificate = Certificate::new();
    let files = certificate.files();
    let server = TestServer::with(|config| {
        config.tls = Some(files);
        config.limits.connections_per_address_max = NonZeroU32::new(2);
    })
    .await;
    let mut open = Vec::new();
    for _ in 0..2 {
        open.push(certificate.handshake(connect_from(ELSEWHERE, server.addr).await, &[]).await.unwrap());
    }
    let mut third = certificate.handshake(connect_from(ELSEWHERE, server.addr).await, &[]).await.unwrap();
    third.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    let _ = within("an answer", third.read_to_string(&mut answer)).await;
    assert!(answer.starts_with("HTTP/1.1 429") && answer.contains("retry-after: 5"), "{answer}");
    certificate.connect(server.addr).await.unwrap();
}

#[actix_web::test]
async fn the_addresses_of_one_ipv6_network_share_its_limits() {
    let server = TestServer::with(|config| {
        config.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
        config.limits.connections_per_address_max = NonZeroU32::new(2);
    })
    .await;
    let open = async |client: &str| {
        let path = "/socket.io/?EIO=4&transport=polling";
        rest::send(server.addr, "GET", path, &[("x-forwarded-for", client)], b"").await.status
    };
    assert_eq!(open("2001:db8:1:2::1").await, 200);
    assert_eq!(open("2001:db8:1:2:ffff::2").await, 200);
    assert_eq!(open("2001:db8:1:2::3").await, 429);
    assert_eq!(open("2001:db8:1:3::1").await, 200);
}

#[actix_web::test]
async fn requests_without_a_token_have_a_rate_and_those_with_one_do_not_count() {
    let server = TestServer::with(|config| {
        config.limits.connects_per_second_max = NonZeroU32::new(1);
        config.limits.requests_per_second_max = None;
    })
    .await;
    let token = server.token("alice");
    let mut alice = TcpStream::connect(server.addr).await.unwrap();
    let mut stranger = connect_from(ELSEWHERE, server.addr).await;
    let mut answers = Vec::new();
    for _ in 0..1000 {
        stranger.write_all(b"GET /nothing HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let answer = answer(&mut stranger).await;
        let is_last = answer.starts_with("HTTP/1.1 429");
        answers.push(answer);
        if is_last {
            break;
        }
    }
    let last = answers.pop().unwrap();
    assert!(last.starts_with("HTTP/1.1 429") && last.contains("retry-after: "), "{last}");
    assert!(answers.len() >= 10, "ten in a burst: {}", answers.len());
    assert_eq!(rest_of(&mut stranger).await, "", "the connection ends");
    for _ in 0..150 {
        let request = format!("GET /api/v1/rooms HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n");
        alice.write_all(request.as_bytes()).await.unwrap();
        assert!(answer(&mut alice).await.starts_with("HTTP/1.1 200"));
    }
}

#[actix_web::test]
async fn an_address_with_many_connections_without_a_token_loses_its_oldest_idle_ones() {
    let server = TestServer::start().await;
    let token = server.token("alice");
    let mut known = connect_from(ELSEWHERE, server.addr).await;
    let request = format!("GET /api/v1/rooms HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n");
    known.write_all(request.as_bytes()).await.unwrap();
    assert!(answer(&mut known).await.starts_with("HTTP/1.1 200"));
    let mut open = Vec::new();
    let ended = || server.metrics.evictions.get_or_create(&Reason { reason: "without_token" }).get();
    while ended() == 0 {
        let mut tcp = connect_from(ELSEWHERE, server.addr).await;
        assert!(ask(&mut tcp, "/healthz").await.starts_with("HTTP/1.1 200"), "the newest is served");
        open.push(tcp);
    }
    assert!(open.len() > 300, "{}", open.len());
    assert_eq!(rest_of(&mut open[0]).await, "");
    assert!(ask(open.last_mut().unwrap(), "/healthz").await.starts_with("HTTP/1.1 200"));
    known.write_all(request.as_bytes()).await.unwrap();
    assert!(answer(&mut known).await.starts_with("HTTP/1.1 200"), "where a token was shown nothing is lost");
}

#[actix_web::test]
async fn an_address_with_many_connections_without_a_token_loses_those_that_read_no_answer() {
    let server = TestServer::start().await;
    let ended = || server.metrics.evictions.get_or_create(&Reason { reason: "without_token" }).get();
    let requests = "GET /api/v1/openapi.json HTTP/1.1\r\nhost: x\r\n\r\n".repeat(50);
    let mut deaf = Vec::new();
    while ended() == 0 {
        assert!(deaf.len() < 1000, "nothing has ended");
        let mut tcp = connect_from(ELSEWHERE, server.addr).await;
        tcp.write_all(requests.as_bytes()).await.unwrap();
        // It is being answered, and reads no more than this.
        tcp.read_exact(&mut [0]).await.unwrap();
        deaf.push(tcp);
    }
    assert!(deaf.len() > 300, "{}", deaf.len());
    let mut newest = connect_from(ELSEWHERE, server.addr).await;
    assert!(ask(&mut newest, "/healthz").await.starts_with("HTTP/1.1 200"), "the newest is served");
}

#[cfg(target_os = "linux")]
#[actix_web::test]
async fn a_connection_takes_one_file_descriptor() {
    let launch = Launch::new().args(&["--max-sessions-per-user", "0"]);
    let server = launch.start().await;
    let before = descriptors(server.id(), server.addr).other;
    let mut sockets = Vec::new();
    for _ in 0..20 {
        sockets.push(server.ws("alice").await);
    }
    let Descriptors { connections, other } = descriptors(server.id(), server.addr);
    assert!(connections.len() >= 20 && connections.values().all(|count| *count == 1), "{connections:?}");
    // The database's own come and go.
    assert!(other < before + 20, "{before} and {other}");
}

/// The file descriptors of a server.
#[cfg(target_os = "linux")]
struct Descriptors {
    /// How many each open connection of a client takes, by the inode of its socket.
    connections: HashMap<String, usize>,
    /// All others.
    other: usize,
}

#[cfg(target_os = "linux")]
fn descriptors(pid: u32, addr: SocketAddr) -> Descriptors {
    const ESTABLISHED: &str = "01";
    let table = std::fs::read_to_string(format!("/proc/{pid}/net/tcp")).unwrap();
    let port = format!(":{:04X}", addr.port());
    let mut connections: HashMap<String, usize> = HashMap::new();
    for line in table.lines().skip(1) {
        let fields: Vec<&str> = line.split_whitespace().collect();
        // Local address, state and inode: proc_net_tcp(5).
        if fields[1].ends_with(&port) && fields[3] == ESTABLISHED {
            connections.insert(fields[9].to_owned(), 0);
        }
    }
    let mut other = 0;
    for entry in std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap() {
        // A connection that was closed in the meantime does not count.
        let Ok(target) = std::fs::read_link(entry.unwrap().path()) else { continue };
        let target = target.to_string_lossy();
        let inode = target.strip_prefix("socket:[").and_then(|inode| inode.strip_suffix(']'));
        match inode.and_then(|inode| connections.get_mut(inode)) {
            Some(count) => *count += 1,
            None => other += 1,
        }
    }
    connections.retain(|_, count| *count > 0);
    Descriptors { connections, other }
}

#[cfg(target_os = "linux")]
#[actix_web::test]
async fn beyond_its_file_descriptors_a_server_says_so_and_health_is_answered() {
    let launch = Launch::new().before("ulimit -n 200").args(&["--max-sessions-per-user", "0"]);
    let room = launch.seed().room("alice", "bike").id.to_string();
    let server = launch.start().await;
    assert!(server.output().contains("connections, of 200 files"), "{}", server.output());
    let (mut alice, mut sam) = (server.ws("alice").await, server.ws("sam").await);
    alice.enter(&room).await;
    sam.enter(&room).await;
    let mut crowd = Vec::new();
    for _ in 0..300 {
        crowd.push(TcpStream::connect(server.addr).await.unwrap());
    }
    server.logged("connections are taken").await;
    for _ in 0..20 {
        let refused = rest::call(server.addr, "", "GET", "/api/v1/rooms", None).await;
        assert_eq!((refused.status, refused.body["code"].as_str()), (503, Some("unavailable")), "{}", refused.head);
        assert_eq!(refused.header("retry-after"), Some("5"));
    }
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(rest::call(server.addr, "", "GET", path, None).await.status, 200, "{path}");
    }
    let refused = crate::support::WsClient::connect(server.addr, &server.token("alice")).await.err().unwrap();
    assert_eq!(refused.status, 503);
    let stored = sam.say("still here?").await;
    assert_eq!(alice.push("message").await, stored);
    // Another address replaces an idle connection of the address with the most.
    let mut other = connect_from(ELSEWHERE, server.addr).await;
    assert!(ask(&mut other, "/api/docs/index.css").await.starts_with("HTTP/1.1 200"));
    drop(crowd);
    until("there is room again", || std::fs::read_dir(format!("/proc/{}/fd", server.id())).unwrap().count() < 100)
        .await;
    within("accepting resumes", server.ws("alice")).await.enter(&room).await;
    let output = server.output();
    assert_eq!(output.matches("connections are taken").count(), 1, "{output}");
    assert!(!output.contains("ERROR") && !output.contains("panicked"), "{output}");
}

#[cfg(target_os = "linux")]
#[actix_web::test]
async fn health_is_answered_at_once_while_refused_clients_keep_their_connections_open() {
    let launch = Launch::new().before("ulimit -n 200").args(&["--max-connects-per-second", "0"]);
    let server = launch.start().await;
    let upgrade = "GET /ws/chat HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                   sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    let post = "POST /api/v1/rooms HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n";
    let mut crowd = Vec::new();
    for _ in 0..300 {
        crowd.push(TcpStream::connect(server.addr).await.unwrap());
    }
    server.logged("connections are taken").await;
    for request in [upgrade, post] {
        let first = crowd.len();
        for _ in 0..40 {
            let mut refused = TcpStream::connect(server.addr).await.unwrap();
            // It may have been refused already.
            let _ = refused.write_all(request.as_bytes()).await;
            crowd.push(refused);
        }
        for refused in &mut crowd[first..] {
            let mut status = [0; 12];
            let _ = within("an answer, or the end", refused.read_exact(&mut status)).await;
        }
        for path in ["/healthz", "/readyz", "/metrics"] {
            assert_eq!(rest::call(server.addr, "", "GET", path, None).await.status, 200, "{path}");
        }
    }
}

#[actix_web::test]
async fn before_signing_in_an_address_has_few_sessions_and_short_messages() {
    let server = TestServer::start().await;
    let open = async || {
        let answer = rest::send(server.addr, "GET", "/socket.io/?EIO=4&transport=polling", &[], b"").await;
        let text = answer.body.as_str().unwrap_or_default().to_owned();
        let sid = text.split("\"sid\":\"").nth(1).and_then(|rest| rest.split('"').next()).map(str::to_owned);
        (answer.status, sid)
    };
    let (_, sid) = open().await;
    let path = format!("/socket.io/?EIO=4&transport=polling&sid={}", sid.unwrap());
    let long = format!("4{}", "x".repeat(20_000));
    assert_eq!(rest::send(server.addr, "POST", &path, &[], long.as_bytes()).await.status, 413);
    let connect = format!("40/chat,{{\"token\":\"{}\"}}", server.token("alice"));
    assert_eq!(rest::send(server.addr, "POST", &path, &[], connect.as_bytes()).await.status, 200);
    assert_eq!(rest::send(server.addr, "POST", &path, &[], long.as_bytes()).await.status, 200);
    for _ in 0..300 {
        assert_eq!(open().await.0, 200, "those that have signed in don't count");
    }
    assert_eq!(open().await.0, 429);
}

#[actix_web::test]
async fn an_account_that_does_not_read_its_answers_gets_no_more_of_them() {
    let server = TestServer::with(|config| config.limits.requests_per_second_max = None).await;
    let room = server.seed().room("alice", "bike").id.to_string();
    let token = server.token("alice");
    let path = format!("/api/v1/rooms/{room}/messages");
    for _ in 0..40 {
        let body = serde_json::json!({"text": "x".repeat(16_000)});
        assert_eq!(rest::call(server.addr, &token, "POST", &path, Some(body)).await.status, 201);
    }
    let request = format!("GET {path}?limit=100 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n");
    let mut unread = Vec::new();
    let mut is_refused = false;
    while !is_refused && unread.len() < 200 {
        let mut tcp = connect_from(ELSEWHERE, server.addr).await;
        tcp.write_all(request.as_bytes()).await.unwrap();
        let mut status = [0; 12];
        within("a status", tcp.read_exact(&mut status)).await.unwrap();
        is_refused = &status == b"HTTP/1.1 429";
        assert!(is_refused || &status == b"HTTP/1.1 200");
        unread.push(tcp);
    }
    assert!(is_refused && unread.len() > 8, "{}", unread.len());
    let path = format!("{path}?limit=100");
    assert_eq!(rest::call(server.addr, &server.token("sam"), "GET", &path, None).await.status, 200);
    drop(unread);
    until("they are gone", || server.metrics.connections.get() == 0).await;
    assert_eq!(rest::call(server.addr, &token, "GET", &path, None).await.status, 200);
}

#[actix_web::test]
async fn a_body_that_nobody_reads_does_not_get_in_the_way_of_its_answer() {
    let server = TestServer::start().await;
    let token = server.token("alice");
    for head in
        ["content-length: 3000000\r\n\r\n".to_owned(), "transfer-encoding: chunked\r\n\r\n2dc6c0\r\n".to_owned()]
    {
        let mut tcp = TcpStream::connect(server.addr).await.unwrap();
        let head = format!(
            "POST /api/v1/rooms HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nauthorization: Bearer {token}\r\n{head}"
        );
        let _ = tcp.write_all(head.as_bytes()).await;
        let _ = tcp.write_all(&vec![b' '; 3_000_000]).await;
        let answer = rest_of(&mut tcp).await;
        assert!(answer.starts_with("HTTP/1.1 413") && answer.ends_with('}'), "{answer}");
    }
}
