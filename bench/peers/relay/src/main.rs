//! The floor: a relay on raw epoll that stores nothing, checks nothing and reads as little as it can.
//!
//! The first frame names the room (`{"event":"enterRoom","data":"<room>","id":1}`); every later one goes to everybody in the
//! room as it came, unmasked. A room lives on one thread, and its connections move there. Everything for one connection
//! leaves in one write a turn.
//!
//! Environment: `PORT`, `THREADS`.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io::{ErrorKind, Read as _, Write as _},
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, Sender, channel},
    },
};

use mio::{
    Events, Interest, Poll, Token, Waker,
    net::{TcpListener, TcpStream},
};

const LISTENER: Token = Token(usize::MAX);
const MOVED: Token = Token(usize::MAX - 1);
const READ_BYTES: usize = 256 * 1024;
/// A client that reads this far behind is dropped.
const OUTBOX_BYTES_MAX: usize = 64 * 1024 * 1024;
/// To the key of RFC 6455's example, which is the load generator's.
const SWITCH: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n\
    sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

struct Conn {
    stream: TcpStream,
    has_upgraded: bool,
    room: Option<usize>,
    inbox: Vec<u8>,
    outbox: Vec<u8>,
    is_dirty: bool,
}

/// A connection on its way to the thread of its room.
struct Moved {
    stream: TcpStream,
    room: String,
    rest: Vec<u8>,
}

type Address = (Sender<Moved>, Arc<Waker>);

struct Relay {
    poll: Poll,
    place: usize,
    threads: Vec<Address>,
    conns: Vec<Option<Conn>>,
    free: Vec<usize>,
    rooms: HashMap<String, usize>,
    members: Vec<Vec<usize>>,
    dirty: Vec<usize>,
}

fn main() {
    let env = |name| std::env::var(name).ok().and_then(|value| value.parse::<u16>().ok());
    let port = env("PORT").expect("PORT is a port");
    let listener = TcpListener::bind(([127, 0, 0, 1], port).into()).expect("the port is free");
    let polls: Vec<Poll> = (0..env("THREADS").unwrap_or(1).max(1)).map(|_| Poll::new().expect("epoll")).collect();
    let mut inboxes = Vec::new();
    let mut threads = Vec::new();
    for poll in &polls {
        let (into, from) = channel();
        inboxes.push(from);
        threads.push((into, Arc::new(Waker::new(poll.registry(), MOVED).expect("an eventfd"))));
    }
    let listener = Mutex::new(Some(listener));
    std::thread::scope(|scope| {
        for (place, (poll, inbox)) in polls.into_iter().zip(inboxes).enumerate() {
            let (threads, listener) = (threads.clone(), &listener);
            scope.spawn(move || {
                let relay = Relay {
                    poll,
                    place,
                    threads,
                    conns: Vec::new(),
                    free: Vec::new(),
                    rooms: HashMap::new(),
                    members: Vec::new(),
                    dirty: Vec::new(),
                };
                let listener = if place == 0 { listener.lock().expect("whole").take() } else { None };
                relay.run(listener, &inbox);
            });
        }
    });
}

impl Relay {
    fn run(mut self, mut listener: Option<TcpListener>, inbox: &Receiver<Moved>) {
        if let Some(listener) = &mut listener {
            self.poll.registry().register(listener, LISTENER, Interest::READABLE).expect("epoll takes it");
        }
        let mut events = Events::with_capacity(4096);
        let mut scratch = vec![0; READ_BYTES];
        loop {
            if self.poll.poll(&mut events, None).is_err() {
                continue;
            }
            for event in &events {
                match event.token() {
                    LISTENER => {
                        while let Some(Ok((stream, _))) = listener.as_ref().map(TcpListener::accept) {
                            self.add(stream, true);
                        }
                    }
                    MOVED => {
                        while let Ok(moved) = inbox.try_recv() {
                            let who = self.add(moved.stream, false);
                            self.enter(who, moved.room);
                            self.take(who, moved.rest);
                            // Its edge may have been seen by the thread that it came from.
                            self.read(who, &mut scratch);
                        }
                    }
                    Token(who) => {
                        if event.is_readable() {
                            self.read(who, &mut scratch);
                        }
                        if event.is_writable() && self.conns[who].as_ref().is_some_and(|conn| !conn.outbox.is_empty()) {
                            self.mark(who);
                        }
                    }
                }
            }
            self.flush();
        }
    }

    fn add(&mut self, mut stream: TcpStream, is_new: bool) -> usize {
        let _ = stream.set_nodelay(true);
        let who = self.free.pop().unwrap_or_else(|| {
            self.conns.push(None);
            self.conns.len() - 1
        });
        let both = Interest::READABLE | Interest::WRITABLE;
        let _ = self.poll.registry().register(&mut stream, Token(who), both);
        self.conns[who] = Some(Conn {
            stream,
            has_upgraded: !is_new,
            room: None,
            inbox: Vec::new(),
            outbox: Vec::new(),
            is_dirty: false,
        });
        who
    }

    fn read(&mut self, who: usize, scratch: &mut [u8]) {
        loop {
            let Some(conn) = &mut self.conns[who] else { return };
            match conn.stream.read(scratch) {
                Ok(0) => return self.drop(who),
                Ok(came) => {
                    let mut bytes = std::mem::take(&mut conn.inbox);
                    bytes.extend_from_slice(&scratch[..came]);
                    self.take(who, bytes);
                    if came < scratch.len() {
                        return;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return self.drop(who),
            }
        }
    }

    fn take(&mut self, who: usize, mut bytes: Vec<u8>) {
        let mut at = 0;
        let Some(conn) = &mut self.conns[who] else { return };
        if !conn.has_upgraded {
            let Some(end) = memchr::memmem::find(&bytes, b"\r\n\r\n") else {
                conn.inbox = bytes;
                return;
            };
            at = end + 4;
            conn.has_upgraded = true;
            conn.outbox.extend_from_slice(SWITCH);
            self.mark(who);
        }
        while let Some((opcode, payload)) = frame(&bytes[at..]) {
            let (from, to) = (at + payload.start, at + payload.end);
            let mask = [bytes[from - 4], bytes[from - 3], bytes[from - 2], bytes[from - 1]];
            for (byte, mask) in bytes[from..to].iter_mut().zip(mask.iter().cycle()) {
                *byte ^= mask;
            }
            at = to;
            match opcode {
                1 => {
                    let Some(conn) = &self.conns[who] else { return };
                    match conn.room {
                        Some(room) => self.tell(room, &bytes[from..to]),
                        None => {
                            let Some(room) = room_of(&bytes[from..to]) else { return self.drop(who) };
                            if self.move_to_its_thread(who, &room, &bytes[at..]) {
                                return;
                            }
                            self.enter(who, room);
                        }
                    }
                }
                8 => return self.drop(who),
                _ => {}
            }
        }
        if let Some(conn) = &mut self.conns[who] {
            bytes.drain(..at);
            conn.inbox = bytes;
        }
    }

    fn move_to_its_thread(&mut self, who: usize, room: &str, rest: &[u8]) -> bool {
        let mut hasher = DefaultHasher::new();
        room.hash(&mut hasher);
        let place = (hasher.finish() % self.threads.len() as u64) as usize;
        if place == self.place {
            return false;
        }
        self.write(who);
        let Some(mut conn) = self.conns[who].take() else { return true };
        self.free.push(who);
        let _ = self.poll.registry().deregister(&mut conn.stream);
        let (into, waker) = &self.threads[place];
        let _ = into.send(Moved { stream: conn.stream, room: room.to_owned(), rest: rest.to_vec() });
        let _ = waker.wake();
        true
    }

    fn enter(&mut self, who: usize, room: String) {
        let next = self.members.len();
        let room = *self.rooms.entry(room).or_insert(next);
        if room == next {
            self.members.push(Vec::new());
        }
        self.members[room].push(who);
        if let Some(conn) = &mut self.conns[who] {
            conn.room = Some(room);
            write_frame(&mut conn.outbox, b"{\"reply\":1,\"data\":{}}");
        }
        self.mark(who);
    }

    fn tell(&mut self, room: usize, payload: &[u8]) {
        for place in 0..self.members[room].len() {
            let member = self.members[room][place];
            if let Some(conn) = &mut self.conns[member] {
                write_frame(&mut conn.outbox, payload);
                self.mark(member);
            }
        }
    }

    fn mark(&mut self, who: usize) {
        if let Some(conn) = self.conns[who].as_mut().filter(|conn| !conn.is_dirty) {
            conn.is_dirty = true;
            self.dirty.push(who);
        }
    }

    fn flush(&mut self) {
        for who in std::mem::take(&mut self.dirty) {
            self.write(who);
        }
    }

    fn write(&mut self, who: usize) {
        let Some(conn) = &mut self.conns[who] else { return };
        conn.is_dirty = false;
        let mut written = 0;
        while written < conn.outbox.len() {
            match conn.stream.write(&conn.outbox[written..]) {
                Ok(bytes) => written += bytes,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock && conn.outbox.len() < OUTBOX_BYTES_MAX => break,
                Err(_) => return self.drop(who),
            }
        }
        conn.outbox.drain(..written);
    }

    fn drop(&mut self, who: usize) {
        let Some(conn) = self.conns[who].take() else { return };
        if let Some(room) = conn.room {
            self.members[room].retain(|member| *member != who);
        }
        self.free.push(who);
    }
}

/// The opcode and the payload's place of a masked frame, when it is whole.
fn frame(bytes: &[u8]) -> Option<(u8, std::ops::Range<usize>)> {
    let (head, len): (usize, usize) = match bytes.get(1)? & 127 {
        126 => (4, usize::from(u16::from_be_bytes([*bytes.get(2)?, *bytes.get(3)?]))),
        127 => (10, u64::from_be_bytes(*bytes.get(2..)?.first_chunk()?) as usize),
        len => (2, usize::from(len)),
    };
    let payload = head + 4..(head + 4).checked_add(len)?;
    (payload.end <= bytes.len()).then_some((bytes[0] & 15, payload))
}

fn room_of(payload: &[u8]) -> Option<String> {
    let at = memchr::memmem::find(payload, b"\"data\":\"")? + 8;
    let len = memchr::memchr(b'"', &payload[at..])?;
    String::from_utf8(payload[at..at + len].to_vec()).ok()
}

fn write_frame(out: &mut Vec<u8>, payload: &[u8]) {
    out.push(0x81);
    match payload.len() {
        len @ 0..126 => out.push(len as u8),
        len @ 126..65536 => {
            out.push(126);
            out.extend((len as u16).to_be_bytes());
        }
        len => {
            out.push(127);
            out.extend((len as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(payload);
}
