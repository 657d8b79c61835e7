use std::{net::TcpListener, thread};

use super::*;

const HANDSHAKE: &str = "HTTP/1.1 101 Switching Protocols\r\n\r\n";

/// A frame of a server with a text of up to 125 bytes.
fn text(payload: &str) -> Vec<u8> {
    [&[0x81, u8::try_from(payload.len()).unwrap()], payload.as_bytes()].concat()
}

/// Answers one connection after the other: with each of its answers as soon as something came.
fn serve(connections: Vec<Vec<Vec<u8>>>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || {
        for answers in connections {
            let (mut stream, _) = listener.accept().unwrap();
            for answer in answers {
                assert_ne!(stream.read(&mut [0; 4096]).unwrap(), 0);
                stream.write_all(&answer).unwrap();
            }
        }
    });
    addr
}

/// Ends when its one client has entered or was refused.
#[derive(Default)]
struct Enters {
    entered: bool,
    closed: bool,
}

impl Workload for Enters {
    fn entered(&mut self, _: &mut Io, _: usize, _: &[u8]) {
        self.entered = true;
    }

    fn message(&mut self, _: &mut Io, _: usize, _: Stamp) {}

    fn closed(&mut self, _: &mut Io, _: usize) {
        self.closed = true;
    }

    fn turn(&mut self, _: &mut Io, now: Instant) -> Option<Instant> {
        (!self.entered && !self.closed).then(|| now + Duration::from_millis(5))
    }
}

#[test]
fn who_is_asked_to_wait_comes_again_where_the_server_has_limits() {
    let too_many = |head: &str, body: &str| format!("HTTP/1.1 429 Too Many Requests\r\n{head}\r\n{body}").into_bytes();
    let upgrade = || HANDSHAKE.as_bytes().to_vec();
    let open = || [upgrade(), text("0{}")].concat();
    let refused = text(r#"44/chat,{"data":{"code":"rate_limited","retryAfterMs":20}}"#);
    let plain_in = vec![upgrade(), text(r#"{"reply":1,"data":{}}"#)];
    let socket_io_in = vec![open(), text("40/chat,{}"), text(r#"43/chat,1[{"ok":true,"data":{}}]"#)];
    for (wire, asks, takes) in [
        (Wire::Plain, vec![too_many("", r#"{"retryAfterMs":20}"#)], plain_in.clone()),
        (Wire::Plain, vec![too_many("retry-after: 0\r\n", "")], plain_in),
        (Wire::SocketIo, vec![open(), refused], socket_io_in),
    ] {
        for opens_per_second in [Some(1000.0), None] {
            let addr = serve(vec![asks.clone(), takes.clone()]);
            let target = Target {
                addr,
                host: "here".to_owned(),
                wire,
                text_bytes: Some(40),
                has_contacts: false,
                opens_per_second,
            };
            let mut io = Io::new(target, Instant::now(), 1).unwrap();
            let (room_id, token) = (Arc::from("room"), Arc::from("token"));
            let who = io.add(Client { room: 0, room_id, token, sender: None, after: None, room_token: None });
            io.open(who);
            let mut enters = Enters::default();
            io.run(&mut enters).unwrap();
            let waits = opens_per_second.is_some();
            assert_eq!(
                (enters.entered, enters.closed, io.faults.refused),
                (waits, !waits, u64::from(!waits)),
                "{wire:?}"
            );
            assert_eq!(io.too_late(0).contains("the server: "), waits);
        }
    }
}
