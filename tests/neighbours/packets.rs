//! What is sent over Engine.IO and Socket.IO in addition to events.

use std::{io, rc::Rc};

use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt, task::JoinSet};

use super::{
    attack::{Attacker, Stage},
    hold::Hold,
    http::{Http, Request},
    server::token,
    session::{SOCKET_IO, Ws, frame},
    stream::{ATTACKER, Stream},
    world::MALLORY,
};

/// Where polls go.
const POLLING: &str = "/socket.io/?EIO=4&transport=polling";

/// Connections on which one attacker does the same.
const CONNECTIONS: usize = 20;

/// Packets between two of a payload.
const SEPARATOR: &str = "\u{1e}";

/// The most packets of a payload.
const PAYLOAD_PACKETS: usize = 4096;

/// A payload of the largest size, by default.
const PAYLOAD_BYTES: usize = 196_608;

/// Does the same on some connections, again and again while that is worth it.
async fn on_each<F>(attacker: Rc<Attacker>, connections: usize, run: impl Fn(Rc<Attacker>) -> F + Copy + 'static)
where
    F: Future<Output = io::Result<()>> + 'static,
{
    attacker.ready().await;
    let mut tasks = JoinSet::new();
    for _ in 0..connections {
        let attacker = Rc::clone(&attacker);
        tasks.spawn_local(async move {
            while attacker.take().is_some() {
                // Connections that the server ends are opened again.
                if run(Rc::clone(&attacker)).await.is_err() {
                    _ = attacker.returns().await;
                }
            }
        });
    }
    while tasks.join_next().await.is_some() {}
}

/// Opens a session over polls.
async fn open_polling(http: &mut Http, attacker: &Attacker) -> io::Result<String> {
    let answer = attacker.within("a poll", http.ask(&Request::new("GET", POLLING))).await?;
    attacker.tally.status("a poll", answer.status);
    let open: Value = serde_json::from_slice(answer.body.get(1..).unwrap_or_default()).unwrap_or_default();
    let sid = open["sid"].as_str().ok_or(io::ErrorKind::ConnectionRefused)?;
    Ok(format!("{POLLING}&sid={sid}"))
}

fn post(path: &str, body: impl Into<bytes::Bytes>) -> Request {
    let mut request = Request::new("POST", path).json(body);
    request.content_type = "text/plain;charset=UTF-8";
    request
}

/// Opens sessions over polls and leaves them.
pub async fn sessions_without_connect(attacker: Rc<Attacker>) {
    let connections = attacker.many(CONNECTIONS, 4);
    on_each(attacker, connections, |attacker| async move {
        let mut http = Http::open(&attacker.target, ATTACKER).await?;
        loop {
            open_polling(&mut http, &attacker).await?;
            if attacker.take().is_none() {
                return Ok(());
            }
        }
    })
    .await;
}

/// Opens WebSockets that begin to take over a session and disconnect.
pub async fn upgrade_probes(attacker: Rc<Attacker>) {
    let connections = attacker.many(CONNECTIONS, 4);
    on_each(attacker, connections, |attacker| async move {
        let mut http = Http::open(&attacker.target, ATTACKER).await?;
        let session = open_polling(&mut http, &attacker).await?;
        let path = session.replace("transport=polling", "transport=websocket");
        loop {
            let stream = attacker.within("a connection", attacker.target.open(ATTACKER)).await?;
            let opened = attacker.within("an upgrade", Ws::open(stream, &path, None)).await?;
            let mut ws = opened.map_err(|_| io::ErrorKind::ConnectionRefused)?;
            ws.send("2probe").await?;
            attacker.within("a probe", ws.text()).await?;
            attacker.tally.code("a probe", None);
            if attacker.take().is_none() {
                return Ok(());
            }
        }
    })
    .await;
}

/// Sends payloads of the largest size, all but their last byte.
pub async fn endless_posts(attacker: Rc<Attacker>) {
    let mut http = match Http::open(&attacker.target, ATTACKER).await {
        Ok(http) => http,
        Err(error) => return attacker.tally.fault(error.to_string()),
    };
    let Ok(path) = open_polling(&mut http, &attacker).await else { return };
    let mut sends = post(&path, vec![b'3'; PAYLOAD_BYTES]).head().into_bytes();
    sends.resize(sends.len() + PAYLOAD_BYTES - 1, b'3');
    attacker.hold(Hold::silent(2000, sends)).await;
}

/// Sends payloads of as many packets as they can hold.
pub async fn empty_packets(attacker: Rc<Attacker>) {
    let connections = attacker.many(CONNECTIONS, 4);
    on_each(attacker, connections, |attacker| async move {
        let mut http = Http::open(&attacker.target, ATTACKER).await?;
        let path = open_polling(&mut http, &attacker).await?;
        let request = post(&path, ["3"; PAYLOAD_PACKETS].join(SEPARATOR));
        loop {
            let answer = attacker.within("a payload", http.ask(&request)).await?;
            attacker.tally.status("a payload", answer.status);
            if answer.status != 200 {
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            if attacker.take().is_none() {
                return Ok(());
            }
        }
    })
    .await;
}

async fn open_websocket(attacker: &Attacker) -> io::Result<Ws> {
    let stream: Stream = attacker.within("a connection", attacker.target.open(ATTACKER)).await?;
    let opened = attacker.within("a handshake", Ws::open(stream, SOCKET_IO, None)).await?;
    let mut ws = opened.map_err(|status| {
        attacker.tally.status("a handshake", status);
        io::Error::from(io::ErrorKind::ConnectionRefused)
    })?;
    attacker.within("an open packet", ws.text()).await?;
    Ok(ws)
}

/// CONNECTs that are refused, until the server has enough of them.
pub async fn connect_without_a_token(attacker: Rc<Attacker>) {
    let connections = attacker.many(CONNECTIONS, 4);
    on_each(attacker, connections, |attacker| async move {
        let mut ws = open_websocket(&attacker).await?;
        loop {
            ws.send("40/chat,{}").await?;
            attacker.within("a CONNECT", ws.text()).await?;
            attacker.tally.code("a CONNECT", None);
            if attacker.take().is_none() {
                return Ok(());
            }
        }
    })
    .await;
}

/// CONNECT and DISCONNECT of a namespace, 50 pairs at once and without reading the answers first.
pub async fn connect_loop(attacker: Rc<Attacker>, namespace: &'static str) {
    let connections = attacker.many(CONNECTIONS, 4);
    on_each(attacker, connections, move |attacker| async move {
        let mut ws = open_websocket(&attacker).await?;
        let connect = format!("40{namespace},{}", json!({"token": token(MALLORY)}));
        let pair = [frame(0x81, connect.as_bytes()), frame(0x81, format!("41{namespace},").as_bytes())].concat();
        let pairs = pair.repeat(50);
        loop {
            // The answers are read in the meantime: a client that reads nothing is a row of its own.
            let mut sent = 0;
            while sent < pairs.len() {
                tokio::select! {
                    written = ws.stream.write(&pairs[sent..]) => sent += written?,
                    () = tokio::task::yield_now() => {}
                }
                while let Ok(packet) = tokio::time::timeout(std::time::Duration::ZERO, ws.text()).await {
                    packet?;
                    attacker.tally.code("a CONNECT", None);
                }
            }
            if attacker.take().is_none() {
                return Ok(());
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// Payloads full of events. Nobody reads their answers.
pub async fn packed_posts(attacker: Rc<Attacker>, event: &'static str) {
    let connections = attacker.many(CONNECTIONS, 4);
    on_each(attacker, connections, move |attacker| async move {
        let mut http = Http::open(&attacker.target, ATTACKER).await?;
        let path = open_polling(&mut http, &attacker).await?;
        let connect = format!("40/chat,{}", json!({"token": token(MALLORY)}));
        let answer = attacker.within("a CONNECT", http.ask(&post(&path, connect))).await?;
        attacker.tally.status("a CONNECT", answer.status);
        // An event before the answer would end the session.
        let answer = attacker.within("a CONNECT", http.ask(&Request::new("GET", &*path))).await?;
        if !answer.body.windows(8).any(|bytes| bytes == b"40/chat,") {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        let rooms = if event == "enterRoom" { attacker.size.heavy_rooms } else { attacker.size.wide_rooms };
        let packets: Vec<_> = (0..1000)
            .map(|place| match event {
                "enterRoom" => format!(
                    "42/chat,{place}{}",
                    json!([event, {"roomId": format!("heavy-{}", place % rooms), "after": 0}])
                ),
                _ if place % 2 == 0 => {
                    format!("42/chat,{}", json!(["enterRoom", format!("wide-{}", place / 2 % rooms)]))
                }
                _ => format!("42/chat,{}", json!([event, format!("wide-{}", place / 2 % rooms)])),
            })
            .collect();
        let request = post(&path, packets.join(SEPARATOR));
        loop {
            let answer = attacker.within("a payload", http.ask(&request)).await?;
            attacker.tally.status("a payload", answer.status);
            if answer.status != 200 {
                attacker.wait_ms(answer.retry_after_ms().unwrap_or(100)).await;
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            if attacker.take().is_none() {
                attacker.reached(Stage::Over).await;
                return Ok(());
            }
        }
    })
    .await;
}

/// Sessions in heavy rooms that are cut and reconnect for what they missed.
pub async fn recoveries(attacker: Rc<Attacker>) {
    let connections = attacker.many(CONNECTIONS, 4);
    on_each(attacker, connections, |attacker| async move {
        let mut auth = json!({"token": token(MALLORY)});
        loop {
            let mut ws = open_websocket(&attacker).await?;
            ws.send(&format!("40/chat,{auth}")).await?;
            // The first answer brings the secret, and the event after it the offset.
            let mut answered = false;
            while !answered || auth["offset"].is_null() {
                let packet = attacker.within("a CONNECT", ws.text()).await?;
                if let Some(answer) = packet.strip_prefix(b"40/chat,") {
                    let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
                    auth["pid"] = answer["pid"].clone();
                    answered = true;
                } else if let Some(event) = packet.strip_prefix(b"42/chat,") {
                    let event: Vec<Value> = serde_json::from_slice(event).unwrap_or_default();
                    if event.first().is_some_and(|name| name == "offset") {
                        auth["offset"] = event.get(1).cloned().unwrap_or_default();
                    }
                } else {
                    return Err(io::ErrorKind::ConnectionRefused.into());
                }
            }
            attacker.tally.code("a CONNECT", None);
            for place in 0..attacker.size.heavy_rooms {
                let room = json!(["enterRoom", {"roomId": format!("heavy-{place}")}]);
                ws.send(&format!("42/chat,{place}{room}")).await?;
            }
            if attacker.take().is_none() {
                return Ok(());
            }
        }
    })
    .await;
}
