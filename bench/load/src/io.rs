//! One thread's connections on one epoll: opens them, reads and writes frames, and hands received frames to a workload.

use std::{
    collections::VecDeque,
    io::{self, ErrorKind, Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use mio::{Events, Interest, Poll, Token, net::TcpStream};
use socket2::{Domain, Protocol, Socket, Type};

use crate::{
    frame::{self, Opcode, Template},
    ledger::Faults,
    stamp::{STAMP_BYTES, Stamp, client_id},
    texts,
    wire::{Heard, Wire, asked_wait},
};

/// How much is read at once.
const READ_BYTES: usize = 256 * 1024;
/// One address has 28,000 ports by default, so a load of many connections comes from several.
const CONNECTIONS_AN_ADDRESS: usize = 8000;
/// A turn that waits for nothing, receives little and sends little takes microseconds. If it takes longer, the thread was
/// not running in the meantime.
const STOOD_STILL_MIN: Duration = Duration::from_millis(1);
/// The limit of "little".
const LITTLE_MAX: usize = 64;
/// Longest answer to a handshake.
const HANDSHAKE_BYTES_MAX: usize = 16 * 1024;

/// Where the server is.
#[derive(Debug, Clone)]
pub struct Target {
    /// Its address.
    pub addr: SocketAddr,
    /// What it is called in `Host`.
    pub host: String,
    /// What is spoken.
    pub wire: Wire,
    /// Bytes of each message's text; without it they are as long as people write them.
    pub text_bytes: Option<usize>,
    /// Whether some texts have a person's telephone number, which a server may refuse.
    pub has_contacts: bool,
    /// Connections that a thread opens per second at most, for a server that limits them. If the server asks a client to
    /// wait, the client waits and tries again. Without a rate this is a refusal like any other.
    pub opens_per_second: Option<f64>,
}

/// A client that opens a connection and enters a room.
#[derive(Debug, Clone)]
pub struct Client {
    /// The room's number in this run.
    pub room: u32,
    /// Its id.
    pub room_id: Arc<str>,
    /// Who it is, for the server.
    pub token: Arc<str>,
    /// Its number among those of its room who send.
    pub sender: Option<u16>,
    /// The last `seq` that it has.
    pub after: Option<u64>,
    /// What it needs in addition, under `--authorize room-token`.
    pub room_token: Option<Arc<str>>,
}

/// What a load does with received frames.
pub trait Workload {
    /// A client has entered its room; this is the server's answer.
    fn entered(&mut self, io: &mut Io, who: usize, answer: &[u8]);
    /// A message came.
    fn message(&mut self, io: &mut Io, who: usize, stamp: Stamp);
    /// A connection ended that should not have, or was not taken.
    fn closed(&mut self, io: &mut Io, who: usize);
    /// Called once per turn, after all received frames. Returns when it wants to be called next, at the latest; `None` when
    /// it is done.
    fn turn(&mut self, io: &mut Io, now: Instant) -> Option<Instant>;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Waiting,
    Connecting,
    Upgrading,
    Greeting,
    Entering,
    In,
    Gone,
}

struct Conn {
    client: Client,
    stream: Option<TcpStream>,
    phase: Phase,
    /// The start of a frame whose end did not come yet.
    inbox: Vec<u8>,
    outbox: Vec<u8>,
    is_dirty: bool,
    hint: usize,
    opened: Instant,
}

/// One thread's connections.
pub struct Io {
    /// What all threads count time from.
    pub base: Instant,
    /// What was wrong.
    pub faults: Faults,
    /// The server's answer when it first refused something.
    pub first_refusal: Option<String>,
    /// Frames that were no message and no answer.
    pub others: u64,
    /// Bytes that came.
    pub bytes: u64,
    /// Reads of sockets.
    pub reads: u64,
    /// For how long, at least, this thread did not run although it was ready: another process had its core, or the machine's
    /// host did.
    pub stood_still: Duration,
    /// When a connection was first taken, since this was last emptied.
    pub first_taken: Option<Instant>,
    target: Target,
    poll: Poll,
    conns: Vec<Conn>,
    waiting: VecDeque<usize>,
    /// The clients that were asked to wait, and until when.
    postponed: Vec<(Instant, usize)>,
    asked_to_wait: Option<String>,
    opening: usize,
    opening_max: usize,
    next_open: Instant,
    dirty: Vec<usize>,
    /// One for each text.
    templates: Vec<Template>,
    scratch: Vec<u8>,
}

impl Io {
    /// Prepares a thread. `opening_max` handshakes run at once.
    ///
    /// # Errors
    /// There is no epoll to be had.
    pub fn new(target: Target, base: Instant, opening_max: usize) -> io::Result<Self> {
        let run = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_nanos() as u64);
        let templates = texts::all(target.text_bytes, target.has_contacts).into_iter().map(|text| {
            let (message, at) = target.wire.message(&client_id(run), &text);
            Template::new(&message, at)
        });
        Ok(Self {
            templates: templates.collect(),
            base,
            faults: Faults::default(),
            first_refusal: None,
            others: 0,
            bytes: 0,
            reads: 0,
            stood_still: Duration::ZERO,
            first_taken: None,
            target,
            poll: Poll::new()?,
            conns: Vec::new(),
            waiting: VecDeque::new(),
            postponed: Vec::new(),
            asked_to_wait: None,
            opening: 0,
            opening_max,
            next_open: base,
            dirty: Vec::new(),
            scratch: vec![0; READ_BYTES],
        })
    }

    /// Adds a client, and answers with its number. It is not opened yet.
    pub fn add(&mut self, client: Client) -> usize {
        self.conns.push(Conn {
            client,
            stream: None,
            phase: Phase::Gone,
            inbox: Vec::new(),
            outbox: Vec::new(),
            is_dirty: false,
            hint: 0,
            opened: self.base,
        });
        self.conns.len() - 1
    }

    /// The client as it was added.
    #[must_use]
    pub fn client(&self, who: usize) -> &Client {
        &self.conns[who].client
    }

    /// The client, to be changed before it is opened again.
    pub fn client_mut(&mut self, who: usize) -> &mut Client {
        &mut self.conns[who].client
    }

    /// How many clients there are.
    #[must_use]
    pub fn clients(&self) -> usize {
        self.conns.len()
    }

    /// Why a load gives up if its clients did not all enter in time.
    #[must_use]
    pub fn too_late(&self, entered: usize) -> String {
        let why = self.asked_to_wait.as_ref().map_or_else(String::new, |why| format!("; the server: {why}"));
        format!("{entered} of {} could enter in time{why}", self.clients())
    }

    /// How long ago a client began to connect.
    #[must_use]
    pub fn age(&self, who: usize) -> Duration {
        self.conns[who].opened.elapsed()
    }

    /// Opens a client's connection, as soon as fewer than `opening_max` are being opened.
    pub fn open(&mut self, who: usize) {
        self.conns[who].phase = Phase::Waiting;
        self.waiting.push_back(who);
    }

    /// Resets a connection at once, without a close: no port stays in use.
    pub fn cut(&mut self, who: usize) {
        if let Some(stream) = self.conns[who].stream.take() {
            let stream = std::net::TcpStream::from(stream);
            let _ = Socket::from(stream).set_linger(Some(Duration::ZERO));
        }
        self.conns[who].phase = Phase::Gone;
    }

    /// Says something. Written at the turn's end, with all else for this connection.
    pub fn say(&mut self, who: usize, stamp: Stamp) {
        let mut changing = [0; STAMP_BYTES];
        stamp.write(&mut changing);
        let conn = &mut self.conns[who];
        let text = texts::place(stamp.room, stamp.sender, stamp.number);
        self.templates[text].write(&mut conn.outbox, &changing);
        mark(conn, &mut self.dirty, who);
    }

    /// A moment as stamps count it.
    #[must_use]
    pub fn ticks(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.base).as_nanos() / 100).unwrap_or(u64::MAX)
    }

    /// A stamp's moment.
    #[must_use]
    pub fn moment(&self, ticks: u64) -> Instant {
        self.base + Duration::from_nanos(ticks * 100)
    }

    /// Runs a workload to its end.
    ///
    /// # Errors
    /// epoll failed.
    pub fn run(&mut self, workload: &mut impl Workload) -> io::Result<()> {
        let mut events = Events::with_capacity(4096);
        let mut short_turn_from = None;
        loop {
            self.open_some(workload);
            let now = Instant::now();
            let took = short_turn_from.map_or(Duration::ZERO, |from| now - from);
            if took >= STOOD_STILL_MIN {
                self.stood_still += took;
            }
            let Some(wake) = workload.turn(self, now) else { return Ok(()) };
            let said = self.dirty.len();
            self.flush(workload);
            // Whole milliseconds are slept; what is left of one is waited for awake, since epoll's clock is too coarse.
            let wait = wake.saturating_duration_since(now);
            let wait = Duration::from_millis(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).min(100));
            match self.poll.poll(&mut events, Some(wait)) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                other => other?,
            }
            let heard = events.iter().count();
            short_turn_from = (wait.is_zero() && heard.max(said) <= LITTLE_MAX).then_some(now);
            for event in &events {
                let who = event.token().0;
                if self.conns[who].phase == Phase::Connecting && (event.is_writable() || event.is_error()) {
                    self.connected(workload, who);
                }
                if event.is_readable() || event.is_error() {
                    self.read(workload, who);
                }
                if event.is_writable() && !self.conns[who].outbox.is_empty() {
                    mark(&mut self.conns[who], &mut self.dirty, who);
                }
            }
        }
    }

    fn open_some(&mut self, workload: &mut impl Workload) {
        let now = Instant::now();
        for (_, who) in self.postponed.extract_if(.., |(until, _)| *until <= now) {
            self.waiting.push_back(who);
        }
        // A refusal can come at once, and is followed by another try: one round per turn.
        for _ in 0..self.waiting.len().min(self.opening_max) {
            if self.opening >= self.opening_max {
                return;
            }
            if let Some(rate) = self.target.opens_per_second {
                let now = Instant::now();
                if self.next_open > now {
                    return;
                }
                self.next_open = now + Duration::from_secs_f64(1.0 / rate);
            }
            let Some(who) = self.waiting.pop_front() else { return };
            self.opening += 1;
            let opened = self.connect(who);
            let conn = &mut self.conns[who];
            (conn.phase, conn.opened) = (Phase::Connecting, Instant::now());
            conn.inbox.clear();
            conn.outbox.clear();
            match opened {
                Ok(stream) => conn.stream = Some(stream),
                Err(error) => self.end(workload, who, &format!("connect: {error}")),
            }
        }
    }

    fn connect(&self, who: usize) -> io::Result<TcpStream> {
        let addr = self.target.addr;
        let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_nonblocking(true)?;
        socket.set_tcp_nodelay(true)?;
        if addr.is_ipv4() && addr.ip().is_loopback() {
            let place = u8::try_from(who / CONNECTIONS_AN_ADDRESS).unwrap_or(0);
            if place > 0 {
                socket.bind(&SocketAddr::from((Ipv4Addr::new(127, 0, 1, place), 0)).into())?;
            }
        }
        match socket.connect(&addr.into()) {
            Err(error) if error.raw_os_error() != Some(115) && error.kind() != ErrorKind::WouldBlock => {
                return Err(error);
            }
            _ => {}
        }
        let mut stream = TcpStream::from_std(socket.into());
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(&mut stream, Token(who), interest)?;
        Ok(stream)
    }

    fn connected(&mut self, workload: &mut impl Workload, who: usize) {
        let Some(stream) = &self.conns[who].stream else { return };
        match stream.take_error() {
            Ok(None) => {}
            Ok(Some(error)) | Err(error) => return self.end(workload, who, &format!("connect: {error}")),
        }
        if stream.peer_addr().is_err() {
            // Not yet.
            return;
        }
        self.first_taken.get_or_insert_with(Instant::now);
        let conn = &mut self.conns[who];
        conn.phase = Phase::Upgrading;
        conn.outbox = self.target.wire.handshake(&self.target.host, &conn.client.token);
        mark(conn, &mut self.dirty, who);
    }

    fn flush(&mut self, workload: &mut impl Workload) {
        let mut dirty = std::mem::take(&mut self.dirty);
        for who in dirty.drain(..) {
            let conn = &mut self.conns[who];
            conn.is_dirty = false;
            let Some(stream) = &mut conn.stream else { continue };
            if conn.phase == Phase::Connecting {
                continue;
            }
            let mut written = 0;
            let failed = loop {
                if written == conn.outbox.len() {
                    break None;
                }
                match stream.write(&conn.outbox[written..]) {
                    Ok(0) => break Some("write: closed".to_owned()),
                    Ok(bytes) => written += bytes,
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break None,
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(error) => break Some(format!("write: {error}")),
                }
            };
            conn.outbox.drain(..written);
            if let Some(why) = failed {
                self.end(workload, who, &why);
            }
        }
        // What was marked in the meantime stays marked.
        if self.dirty.is_empty() {
            self.dirty = dirty;
        }
    }

    fn read(&mut self, workload: &mut impl Workload, who: usize) {
        let mut scratch = std::mem::take(&mut self.scratch);
        loop {
            let conn = &mut self.conns[who];
            let Some(stream) = &mut conn.stream else { break };
            let kept = conn.inbox.len();
            if scratch.len() < kept + READ_BYTES {
                scratch.resize(kept + READ_BYTES, 0);
            }
            scratch[..kept].copy_from_slice(&conn.inbox);
            conn.inbox.clear();
            self.reads += 1;
            let came = match stream.read(&mut scratch[kept..]) {
                Ok(0) => {
                    self.end(workload, who, "closed by the server");
                    break;
                }
                Ok(came) => came,
                Err(error) => {
                    conn.inbox.extend_from_slice(&scratch[..kept]);
                    if error.kind() == ErrorKind::Interrupted {
                        continue;
                    }
                    if error.kind() != ErrorKind::WouldBlock {
                        self.end(workload, who, &format!("read: {error}"));
                    }
                    break;
                }
            };
            self.bytes += came as u64;
            let len = scratch.len();
            match self.take_all(workload, who, &scratch[..kept + came]) {
                Ok(taken) => {
                    if let Some(rest) = scratch.get(taken..kept + came) {
                        let conn = &mut self.conns[who];
                        if conn.stream.is_some() {
                            conn.inbox.extend_from_slice(rest);
                        }
                    }
                }
                Err(why) => {
                    self.end(workload, who, &why);
                    break;
                }
            }
            // Less than was asked for: the socket is empty, and epoll reports when more comes.
            if kept + came < len {
                break;
            }
        }
        self.scratch = scratch;
    }

    /// Takes every whole frame; answers with the bytes taken.
    fn take_all(&mut self, workload: &mut impl Workload, who: usize, bytes: &[u8]) -> Result<usize, String> {
        let mut taken = 0;
        if self.conns[who].phase == Phase::Upgrading {
            let Some(end) = memchr::memmem::find(bytes, b"\r\n\r\n") else {
                return if bytes.len() > HANDSHAKE_BYTES_MAX { Err("an endless handshake".to_owned()) } else { Ok(0) };
            };
            if !bytes.starts_with(b"HTTP/1.1 101") {
                let text = String::from_utf8_lossy(&bytes[..bytes.len().min(600)]).into_owned();
                return Err(format!("handshake: {text}"));
            }
            taken = end + 4;
            if self.target.wire.greets() {
                self.conns[who].phase = Phase::Greeting;
            } else {
                self.enter(who);
            }
        }
        // A workload may have cut the connection in between.
        while self.conns[who].stream.is_some() {
            let Some(frame) = frame::read(&bytes[taken..]).map_err(|_| "a frame that can't be read".to_owned())? else {
                break;
            };
            taken += frame.bytes;
            match frame.opcode {
                Opcode::Text => self.hear(workload, who, frame.payload)?,
                Opcode::Ping => self.control(who, 10, frame.payload),
                Opcode::Close => {
                    let code = frame.payload.first_chunk::<2>().map_or(0, |code| u16::from_be_bytes(*code));
                    return Err(format!("closed by the server with {code}"));
                }
                Opcode::Other => {}
            }
        }
        Ok(taken)
    }

    fn hear(&mut self, workload: &mut impl Workload, who: usize, payload: &[u8]) -> Result<(), String> {
        let heard = self.target.wire.hear(payload);
        match heard {
            Heard::Message => {
                let Some(stamp) = Stamp::find(payload, &mut self.conns[who].hint) else {
                    self.others += 1;
                    return Ok(());
                };
                workload.message(self, who, stamp);
            }
            Heard::Open => {
                let connect = Wire::connect(&self.conns[who].client.token);
                self.control(who, 1, &connect);
            }
            Heard::Connected => self.enter(who),
            Heard::Heartbeat => self.control(who, 1, b"3"),
            Heard::Granted => {
                if self.conns[who].phase == Phase::Entering {
                    self.opening -= 1;
                    self.conns[who].phase = Phase::In;
                    workload.entered(self, who, payload);
                }
            }
            Heard::Refused => {
                let text = String::from_utf8_lossy(&payload[..payload.len().min(300)]).into_owned();
                if self.conns[who].phase != Phase::In {
                    return Err(text);
                }
                self.faults.refused += 1;
                self.first_refusal.get_or_insert(text);
            }
            Heard::Other => self.others += 1,
        }
        Ok(())
    }

    fn enter(&mut self, who: usize) {
        let client = &self.conns[who].client;
        let frame = self.target.wire.enter(&client.room_id, client.after, client.room_token.as_deref());
        self.conns[who].phase = Phase::Entering;
        self.control(who, 1, &frame);
    }

    fn control(&mut self, who: usize, opcode: u8, payload: &[u8]) {
        let conn = &mut self.conns[who];
        frame::write(&mut conn.outbox, opcode, payload);
        mark(conn, &mut self.dirty, who);
    }

    fn end(&mut self, workload: &mut impl Workload, who: usize, why: &str) {
        let conn = &mut self.conns[who];
        conn.stream = None;
        match conn.phase {
            Phase::In => self.faults.closed += 1,
            Phase::Gone | Phase::Waiting => return,
            _ => {
                self.opening -= 1;
                if let Some(wait) = self.target.opens_per_second.and_then(|_| asked_wait(why)) {
                    conn.phase = Phase::Waiting;
                    self.postponed.push((Instant::now() + wait, who));
                    self.asked_to_wait = Some(why.to_owned());
                    return;
                }
                self.faults.refused += 1;
            }
        }
        self.conns[who].phase = Phase::Gone;
        self.first_refusal.get_or_insert_with(|| why.to_owned());
        workload.closed(self, who);
    }
}

fn mark(conn: &mut Conn, dirty: &mut Vec<usize>, who: usize) {
    if !conn.is_dirty {
        conn.is_dirty = true;
        dirty.push(who);
    }
}

#[cfg(test)]
mod tests;
