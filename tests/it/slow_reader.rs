//! One slow, broken or hostile client costs the others nothing, and holds a bounded amount of memory for a bounded time.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use haggle::internals::metrics::Reason;
use serde_json::json;
use socket2::SockRef;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};

use crate::support::{
    Launch, TestServer, WsClient,
    raw::{RawClient, frame},
    tls::Certificate,
    until, within,
};

/// Bytes of one message's text.
const TEXT_BYTES: usize = 8 * 1024;

/// A connection whose kernel takes little that nobody reads.
async fn narrow(addr: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    SockRef::from(&socket).set_recv_buffer_size(4096).unwrap();
    socket.connect(addr).await.unwrap()
}

async fn over(transport: impl crate::support::ws::Transport + 'static, addr: SocketAddr, token: &str) -> WsClient {
    let authorization = format!("Bearer {token}");
    WsClient::over(Box::new(transport), addr, &[("authorization", &authorization)], "/ws/chat").await.unwrap()
}

/// Sends `count` messages, a window of them at a time, and waits for every acknowledgement.
async fn send_fast(sender: &mut WsClient, room: &str, count: usize) {
    let text = "x".repeat(TEXT_BYTES);
    let mut waiting = std::collections::VecDeque::new();
    for _ in 0..count {
        waiting.push_back(sender.start("message", json!({"roomId": room, "text": text})).await);
        if waiting.len() == 16 {
            sender.answer(waiting.pop_front().unwrap()).await.unwrap();
        }
    }
    for request in waiting {
        sender.answer(request).await.unwrap();
    }
}

/// Receives messages up to and with `last`, each in its place.
async fn receive_all(reader: &mut WsClient, first: i64, last: i64) {
    for seq in first..=last {
        assert_eq!(reader.push("message").await["seq"], seq);
    }
}

fn evictions(server: &TestServer, reason: &'static str) -> u64 {
    server.metrics.evictions.get_or_create(&Reason { reason }).get()
}

/// A client enters a room and stops reading; the others keep sending.
async fn others_talk_on(server: &TestServer, slow: WsClient, healthy: WsClient, sam: WsClient) {
    const MESSAGES: usize = 600;
    let room = server.seed().room("alice", "bike").id.to_string();
    let (mut slow, mut healthy, mut sam) = (slow, healthy, sam);
    for client in [&mut slow, &mut healthy] {
        client.enter(&room).await;
    }
    let connections = server.metrics.connections.get();
    let began = Instant::now();
    let gone = async {
        until("the slow client is gone", || server.metrics.sessions.get() == 2).await;
        began.elapsed()
    };
    let talk =
        futures_util::future::join(send_fast(&mut sam, &room, MESSAGES), receive_all(&mut healthy, 1, MESSAGES as i64));
    let (gone_after, _) = futures_util::future::join(gone, talk).await;
    eprintln!("gone after {gone_after:?}, all {MESSAGES} messages there after {:?}", began.elapsed());
    assert!(gone_after < Duration::from_secs(10), "it held its memory for {gone_after:?}");
    assert_eq!(evictions(server, "too_slow"), 1);
    until("its connection is freed", || server.metrics.connections.get() == connections - 1).await;
    // What it reads now ends, with a code or without.
    assert!(matches!(slow.closed().await, None | Some(4008)));
    // A client that reconnects gets what it missed.
    let missed = healthy.request("enterRoom", json!({"roomId": room, "after": 0})).await.unwrap();
    assert_eq!((&missed["messages"][0]["seq"], &missed["hasMore"]), (&json!(1), &json!(true)));
}

#[actix_web::test]
async fn a_client_that_stops_reading_is_dropped_and_its_room_goes_on() {
    let server = TestServer::with(|config| config.limits.sends_per_second_max = None).await;
    let slow = over(narrow(server.addr).await, server.addr, &server.token("alice")).await;
    let (healthy, sam) = (server.ws("alice").await, server.ws("sam").await);
    others_talk_on(&server, slow, healthy, sam).await;
}

#[actix_web::test]
async fn a_client_that_stops_reading_tls_is_dropped_and_its_room_goes_on() {
    let certificate = Certificate::new();
    let server = TestServer::with(|config| {
        config.limits.sends_per_second_max = None;
        config.tls = Some(certificate.files());
    })
    .await;
    let slow = certificate.handshake(narrow(server.addr).await, &[]).await.unwrap();
    let slow = over(slow, server.addr, &server.token("alice")).await;
    let healthy = over(certificate.connect(server.addr).await.unwrap(), server.addr, &server.token("alice")).await;
    let sam = over(certificate.connect(server.addr).await.unwrap(), server.addr, &server.token("sam")).await;
    others_talk_on(&server, slow, healthy, sam).await;
}

#[actix_web::test]
async fn a_frame_that_waits_too_long_ends_its_client_even_when_few_wait() {
    let server = TestServer::with(|config| {
        config.limits.sends_per_second_max = None;
        config.limits.outbox_bytes_max = 64 * 1024 * 1024;
        config.limits.outbox_age_max = Duration::from_millis(300);
    })
    .await;
    let room = server.seed().room("alice", "bike").id.to_string();
    let mut slow = over(narrow(server.addr).await, server.addr, &server.token("alice")).await;
    slow.enter(&room).await;
    let mut sam = server.ws("sam").await;
    let began = Instant::now();
    send_fast(&mut sam, &room, 100).await;
    until("the slow client is gone", || server.metrics.sessions.get() == 1).await;
    eprintln!("gone after {:?}", began.elapsed());
    assert_eq!(evictions(&server, "too_slow"), 1);
}

#[actix_web::test]
async fn twenty_clients_that_stop_reading_hold_bounded_memory() {
    const SLOW: u64 = 20;
    const MESSAGES: usize = 1000;
    let launch = Launch::new();
    let room = launch.seed().room("alice", "bike").id.to_string();
    let server = launch.start().await;
    let mut sam = server.ws("sam").await;
    // What the server's own caches take is not the clients'.
    send_fast(&mut sam, &room, MESSAGES).await;
    let Some(before) = server.resident_kib() else {
        eprintln!("no /proc here, memory is not measured");
        return;
    };
    let mut slow = Vec::new();
    for _ in 0..SLOW {
        let mut client = over(narrow(server.addr).await, server.addr, &server.token("alice")).await;
        client.request("enterRoom", json!({"roomId": room, "after": MESSAGES})).await.unwrap();
        slow.push(client);
    }
    let mut peak = before;
    for _ in 0..4 {
        send_fast(&mut sam, &room, MESSAGES / 4).await;
        peak = peak.max(server.resident_kib().unwrap());
    }
    until("all are dropped", || server.output().matches("evicted: reads too slowly").count() as u64 == SLOW).await;
    eprintln!("{before} KiB before, {peak} KiB at the most");
    // Unbounded it would be 160 MiB. Each may hold its outbox of 256 KiB, a write buffer of as much, and a frame.
    assert!(peak - before < SLOW * 1024 + 8 * 1024, "{before} KiB before, {peak} KiB at the most");
}

/// Sends the same bytes again and again, reads nothing, and stops when the server has had enough.
async fn flood(addr: SocketAddr, token: &str, first: &[u8], bytes: &[u8], total: usize) -> usize {
    let mut client = RawClient { tcp: narrow(addr).await };
    client.upgrade(addr, token).await;
    client.send(first).await;
    let mut sent = 0;
    let flooding = async {
        while sent < total && client.tcp.write_all(bytes).await.is_ok() {
            sent += bytes.len();
        }
    };
    within("the flood is taken or refused", flooding).await;
    sent
}

#[actix_web::test]
async fn a_flood_of_small_frames_costs_no_memory() {
    const TOTAL: usize = 8 * 1024 * 1024;
    let launch = Launch::new().args(&["--max-outbox-age", "1s"]);
    let room = launch.seed().room("alice", "bike").id.to_string();
    let server = launch.start().await;
    let mut sam = server.ws("sam").await;
    sam.enter(&room).await;
    let token = server.token("alice");
    let before = server.resident_kib();
    for (what, one) in [
        ("pings", frame(0x89, b"0123456789")),
        ("pongs", frame(0x8A, b"")),
        ("fragments", frame(0x01, b"")),
        ("unknown events", frame(0x81, b"{}")),
    ] {
        let began = Instant::now();
        let sent = match what {
            // One message without an end.
            "fragments" => flood(server.addr, &token, &one, &frame(0x00, b"").repeat(10_000), TOTAL).await,
            _ => flood(server.addr, &token, b"", &one.repeat(10_000), TOTAL).await,
        };
        // The others are served in the meantime and afterwards.
        sam.say("still here").await;
        eprintln!("{what}: {sent} bytes in {:?}, {:?} KiB of memory", began.elapsed(), server.resident_kib());
    }
    if let (Some(before), Some(after)) = (before, server.resident_kib()) {
        assert!(after - before.min(after) < 24 * 1024, "{before} KiB before, {after} KiB after");
    }
}

#[actix_web::test]
async fn a_flood_of_heartbeats_ends_with_its_code() {
    for first in [0x89, 0x8A] {
        let server = TestServer::start().await;
        let mut client = RawClient::upgraded(server.addr, &server.token("alice")).await;
        client.send(&frame(first, b"").repeat(1000)).await;
        assert_eq!(client.closed().await, Some(4029));
    }
}

#[actix_web::test]
async fn a_handshake_that_never_ends_is_cut_off() {
    let certificate = Certificate::new();
    for tls in [false, true] {
        let server = TestServer::with(|config| {
            config.handshake_timeout = Duration::from_millis(300);
            config.tls = tls.then(|| certificate.files());
        })
        .await;
        let silent = TcpStream::connect(server.addr).await.unwrap();
        let half = TcpStream::connect(server.addr).await.unwrap();
        let trickle = TcpStream::connect(server.addr).await.unwrap();
        let began = Instant::now();
        let ends = |mut tcp: TcpStream, begin: &'static [u8], rest: &'static [u8]| async move {
            let _ = tcp.write_all(begin).await;
            let (mut read, mut write) = tcp.into_split();
            let mut answer = Vec::new();
            let trickle = async {
                for byte in rest {
                    // A byte now and then must not count as progress.
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    let _ = write.write_all(&[*byte]).await;
                }
                std::future::pending::<()>().await;
            };
            let end = async { drop(read.read_to_end(&mut answer).await) };
            tokio::select! { () = trickle => {}, () = within("the connection ends", end) => {} }
        };
        const BEGIN: &[u8] = b"GET /ws/chat HTTP/1.1\r\nhost: x\r\n";
        const REST: &[u8] = &[b'x'; 500];
        futures_util::future::join3(ends(silent, b"", b""), ends(half, BEGIN, b""), ends(trickle, BEGIN, REST)).await;
        eprintln!("cut off after {:?}", began.elapsed());
        assert!(began.elapsed() < Duration::from_secs(5));
        until("no connection is left", || server.metrics.connections.get() == 0).await;
    }
}

#[actix_web::test]
async fn a_peer_that_vanished_without_a_word_is_gone_after_interval_and_timeout() {
    let server = TestServer::with(|config| {
        config.ping_interval = Duration::from_millis(100);
        config.ping_timeout = Duration::from_millis(100);
    })
    .await;
    let room = server.seed().room("alice", "bike").id.to_string();
    let mut vanished = over(narrow(server.addr).await, server.addr, &server.token("alice")).await;
    vanished.enter(&room).await;
    let began = Instant::now();
    // Held open and never polled again: to the server this looks like a cable that was cut.
    until("its session has ended", || server.metrics.sessions.get() == 0).await;
    until("its connection is freed", || server.metrics.connections.get() == 0).await;
    eprintln!("gone after {:?}", began.elapsed());
    assert_eq!(evictions(&server, "ping_timeout"), 1);
    drop(vanished);
}

#[actix_web::test]
async fn a_client_that_comes_back_gets_all_that_it_missed_however_much_it_is() {
    const ROOMS: usize = 20;
    const MESSAGES: usize = 60;
    let server = TestServer::with(|config| config.limits.sends_per_second_max = None).await;
    let seed = server.seed();
    let rooms: Vec<_> = (0..ROOMS).map(|place| seed.room("alice", &format!("bike-{place}")).id).collect();
    for room in &rooms {
        seed.long_messages(room, "sam", MESSAGES, 16 * 1024);
    }
    // Twenty megabytes for a window of four kilobytes: slow, but it reads.
    let mut alice = over(narrow(server.addr).await, server.addr, &server.token("alice")).await;
    let mut wanted: Vec<(u64, usize, i64)> = Vec::new();
    for (place, room) in rooms.iter().enumerate() {
        wanted.push((alice.start("enterRoom", json!({"roomId": room, "after": 0})).await, place, 0));
    }
    while let Some((request, place, after)) = wanted.pop() {
        let page = alice.answer(request).await.unwrap();
        let seqs: Vec<i64> =
            page["messages"].as_array().unwrap().iter().map(|message| message["seq"].as_i64().unwrap()).collect();
        let last = *seqs.last().unwrap();
        assert_eq!(seqs, (after + 1..=last).collect::<Vec<_>>());
        if page["hasMore"] == true {
            wanted.push((alice.start("enterRoom", json!({"roomId": rooms[place], "after": last})).await, place, last));
        } else {
            assert_eq!(last, MESSAGES as i64);
        }
    }
    assert_eq!(evictions(&server, "too_slow"), 0);
    // Without `after` it is the newest, as many as fit.
    let newest = alice.enter(rooms[0].as_str()).await;
    let seqs: Vec<&serde_json::Value> = newest["messages"].as_array().unwrap().iter().map(|m| &m["seq"]).collect();
    assert_eq!((seqs.last().unwrap(), &newest["hasMore"]), (&&json!(MESSAGES), &json!(true)));
}

#[actix_web::test]
async fn a_message_longer_than_an_outbox_reaches_those_who_read() {
    let server = TestServer::with(|config| {
        config.limits.message_bytes_max = 1024 * 1024;
        config.limits.outbox_bytes_max = 64 * 1024;
    })
    .await;
    let room = server.seed().room("alice", "bike").id.to_string();
    let (mut alice, mut sam) = (server.ws("alice").await, server.ws("sam").await);
    alice.enter(&room).await;
    sam.enter(&room).await;
    let text = "x".repeat(1024 * 1024);
    sam.emit("message", json!({"text": text})).await;
    assert_eq!(alice.push("message").await["text"], text.as_str());
    assert_eq!(evictions(&server, "too_slow"), 0);
}
