//! What a connection is doing while HTTP has it, and the deadline for that.
//!
//! [`HttpConnection`](super::connection::HttpConnection) notes what happens, the application's service notes when a request is being served, and
//! the [`Patrol`] of the worker looks at all of them a few times per second. So a request costs no timer of its own.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use futures_util::task::AtomicWaker;
use socket2::SockRef;
use tokio::net::TcpStream;

use crate::{
    actors::outbox::shut_down,
    metrics::{self, Metrics},
};

/// Most bytes of a request's head: its first line and its headers.
pub const HEAD_BYTES_MAX: u64 = 16 * 1024;

/// Bytes of a body that are read before its request, or one before it on the connection, has shown a good token; unless the
/// application [expects](Watch::expects_body) more.
const UNSIGNED_BODY_BYTES_MAX: u64 = 16 * 1024;

/// What is read beyond the bytes that an application expects, so that it notices that there are more.
const BEYOND_BYTES: u64 = 4 * 1024;

/// How long an answer may make no progress because its client does not read.
pub const UNREAD_WAIT: Duration = Duration::from_secs(10);

/// Most time between two looks of a patrol.
const LOOK_INTERVAL_MAX: Duration = Duration::from_millis(250);

/// The answer when there is no better one.
const REQUEST_TIMEOUT: &[u8] = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// One connection. Times are those of its worker's [`Patrol`], in milliseconds; 0 says that nothing has begun.
#[derive(Debug)]
pub struct Watch {
    stream: Weak<TcpStream>,
    began: Instant,
    is_plain: bool,
    /// A request is with the application.
    is_serving: AtomicBool,
    /// At least one was.
    has_served: AtomicBool,
    /// A token was shown on it.
    is_signed_in: AtomicBool,
    /// HTTP does not have it any more.
    is_upgraded: AtomicBool,
    /// When the head that is being read began.
    head_since: AtomicU64,
    head_bytes: AtomicU64,
    /// A request is being served, and its body has not been requested yet.
    has_body: AtomicBool,
    /// The length of the last request's body; [`CHUNKED`] when that is known only when its end comes.
    body_length: AtomicU64,
    /// Bytes of it that have been read.
    body_bytes: AtomicU64,
    /// How many of them are read without a token.
    unsigned_bytes_max: AtomicU64,
    /// Since when a write makes no progress.
    stalled_since: AtomicU64,
    /// When it ends in any case.
    ends_at: AtomicU64,
    /// Wakes a read that waits for [`Watch::may_read`].
    reader: AtomicWaker,
}

/// A body's length that is not known.
const CHUNKED: u64 = u64::MAX;

/// What a request brings after its head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyLength {
    /// This many bytes.
    Known(u64),
    /// Chunks until the last.
    Chunked,
}

/// A request is being served until this is dropped.
#[derive(Debug)]
pub struct Serving(Arc<Watch>);

/// Whether a connection may read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MayRead {
    /// It may.
    Yes,
    /// Not before something else has happened.
    Later,
    /// Not before actix-http has looked at what was read.
    AfterALook,
    /// The head is longer than a head may be.
    HeadTooLarge,
}

impl Watch {
    /// Watches over a stream.
    #[must_use]
    pub fn new(stream: &Arc<TcpStream>, is_plain: bool) -> Self {
        Self {
            stream: Arc::downgrade(stream),
            began: Instant::now(),
            is_plain,
            is_serving: AtomicBool::new(false),
            has_served: AtomicBool::new(false),
            is_signed_in: AtomicBool::new(false),
            is_upgraded: AtomicBool::new(false),
            head_since: AtomicU64::new(0),
            head_bytes: AtomicU64::new(0),
            has_body: AtomicBool::new(false),
            body_length: AtomicU64::new(0),
            body_bytes: AtomicU64::new(0),
            unsigned_bytes_max: AtomicU64::new(0),
            stalled_since: AtomicU64::new(0),
            ends_at: AtomicU64::new(0),
            reader: AtomicWaker::new(),
        }
    }

    /// A request begins to be served.
    #[must_use]
    pub fn serve(self: &Arc<Self>, body: BodyLength) -> Serving {
        let length = if let BodyLength::Known(length) = body { length } else { CHUNKED };
        self.body_length.store(length, Relaxed);
        self.body_bytes.store(0, Relaxed);
        self.unsigned_bytes_max.store(UNSIGNED_BODY_BYTES_MAX, Relaxed);
        self.has_body.store(true, Relaxed);
        self.has_served.store(true, Relaxed);
        self.is_serving.store(true, Relaxed);
        Serving(Arc::clone(self))
    }

    /// The application reads this many bytes of the body that is arriving, also from a client that has shown no token.
    pub fn expects_body(&self, bytes: u64) {
        self.unsigned_bytes_max.store(bytes.saturating_add(BEYOND_BYTES), Relaxed);
        self.reader.wake();
    }

    /// A good token was shown.
    pub fn signed_in(&self) {
        if !self.is_signed_in.swap(true, Relaxed) {
            self.reader.wake();
        }
    }

    /// Whether a good token was shown.
    #[must_use]
    pub fn is_signed_in(&self) -> bool {
        self.is_signed_in.load(Relaxed)
    }

    /// HTTP hands the socket over.
    pub fn upgraded(&self) {
        self.is_upgraded.store(true, Relaxed);
    }

    /// How long it has been open.
    #[must_use]
    pub fn age(&self) -> Duration {
        self.began.elapsed()
    }

    /// Whether it is open and HTTP has it.
    #[must_use]
    pub fn is_http(&self) -> bool {
        !self.is_upgraded.load(Relaxed) && self.stream.strong_count() > 0
    }

    /// Whether it can be ended without anybody missing an answer.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.is_http() && !self.is_serving.load(Relaxed) && self.stalled_since.load(Relaxed) == 0
    }

    /// Whether its client does not read an answer at the moment.
    #[must_use]
    pub fn is_unread(&self) -> bool {
        self.is_http() && self.stalled_since.load(Relaxed) != 0
    }

    /// Ends the connection. Its task notices by its next read.
    pub fn end(&self) {
        if let Some(stream) = self.stream.upgrade() {
            shut_down(&stream);
        }
    }

    /// Ends the connection with an answer, if nothing is being answered.
    pub fn end_with(&self, answer: &[u8]) {
        let Some(stream) = self.stream.upgrade() else { return };
        if self.is_plain && self.is_idle() {
            // Whether it arrives is the client's affair.
            let _ = SockRef::from(&*stream).send(answer);
        }
        shut_down(&stream);
    }

    /// The body of the request whose head was read last; once, and also when it has been answered already.
    pub(super) fn take_body(&self) -> Option<BodyLength> {
        let length = match self.body_length.load(Relaxed) {
            CHUNKED => BodyLength::Chunked,
            length => BodyLength::Known(length),
        };
        self.has_body.swap(false, Relaxed).then_some(length)
    }

    /// Whether a request is being served, or an answer waits to be read. When that ends, the task is woken.
    pub(super) fn is_busy(&self, cx: &Context<'_>) -> bool {
        let is_busy = || self.is_serving.load(Relaxed) || self.stalled_since.load(Relaxed) != 0;
        if !is_busy() {
            return false;
        }
        self.reader.register(cx.waker());
        is_busy()
    }

    /// Whether bytes of a head or of a body may be read now. After [`MayRead::Later`] the task is woken. `is_looked_at`: whether
    /// actix-http has seen everything that was read.
    pub(super) fn may_read(&self, cx: &Context<'_>, is_head: bool, is_looked_at: bool) -> MayRead {
        if is_head {
            return match self.head_bytes.load(Relaxed) >= HEAD_BYTES_MAX {
                true if is_looked_at => MayRead::HeadTooLarge,
                true => MayRead::AfterALook,
                false => MayRead::Yes,
            };
        }
        let is_held_back = || {
            let is_serving = self.is_serving.load(Relaxed) && !self.is_signed_in.load(Relaxed);
            is_serving && self.body_bytes.load(Relaxed) >= self.unsigned_bytes_max.load(Relaxed)
        };
        if is_held_back() {
            self.reader.register(cx.waker());
            if is_held_back() {
                return MayRead::Later;
            }
        }
        MayRead::Yes
    }

    /// Bytes of a head or of a body have been read.
    pub(super) fn has_read(&self, count: u64, is_head: bool, now: u64) {
        if !is_head {
            self.body_bytes.store(self.body_bytes.load(Relaxed).saturating_add(count), Relaxed);
            return;
        }
        if self.head_since.load(Relaxed) == 0 {
            self.head_since.store(now, Relaxed);
        }
        self.head_bytes.store(self.head_bytes.load(Relaxed) + count, Relaxed);
    }

    /// A write was tried: whether the kernel took something.
    pub(super) fn has_written<T>(&self, outcome: &Poll<T>, now: u64) {
        if outcome.is_pending() {
            if self.stalled_since.load(Relaxed) == 0 {
                self.stalled_since.store(now, Relaxed);
            }
        } else if self.stalled_since.load(Relaxed) != 0 {
            self.stalled_since.store(0, Relaxed);
            self.reader.wake();
        }
    }

    /// Ends it at a time, whatever it does until then.
    pub(super) fn end_at(&self, at: u64) {
        self.ends_at.store(at, Relaxed);
    }

    /// Checks whether its deadline has passed.
    fn check(&self, now: u64, deadlines: &Deadlines) -> Option<Overdue> {
        let is_over = |since: u64, wait: Duration| since != 0 && now.saturating_sub(since) > millis(wait);
        let ends_at = self.ends_at.load(Relaxed);
        if ends_at != 0 && now >= ends_at {
            return Some(Overdue::Refused);
        }
        let stalled_since = self.stalled_since.load(Relaxed);
        if is_over(stalled_since, deadlines.unread) {
            return Some(Overdue::Unread);
        }
        let head_since = self.head_since.load(Relaxed);
        if head_since != 0 && (self.is_serving.load(Relaxed) || stalled_since != 0) {
            // Not its turn yet: the requests before it are still being answered.
            self.head_since.store(now, Relaxed);
            return None;
        }
        // The first request's head has a timer of its own, which also runs while nothing has come at all.
        (self.has_served.load(Relaxed) && is_over(head_since, deadlines.head)).then_some(Overdue::Head)
    }

    fn end_for(&self, overdue: Overdue) {
        match overdue {
            Overdue::Head => self.end_with(REQUEST_TIMEOUT),
            Overdue::Unread | Overdue::Refused => self.end(),
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let Self(watch) = self;
        watch.head_since.store(0, Relaxed);
        watch.head_bytes.store(0, Relaxed);
        watch.is_serving.store(false, Relaxed);
        watch.reader.wake();
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Overdue {
    Head,
    Unread,
    Refused,
}

impl Overdue {
    fn reason(self) -> &'static str {
        match self {
            Self::Head => "slow_head",
            Self::Unread => "unread_answer",
            Self::Refused => "refused",
        }
    }
}

/// How long what may take.
#[derive(Debug, Clone, Copy)]
pub struct Deadlines {
    /// The head of a request, from its first byte.
    pub head: Duration,
    /// An answer that its client does not read.
    pub unread: Duration,
}

/// Looks after the HTTP connections of one worker.
pub struct Patrol {
    began: Instant,
    /// The time of the last look. Precise enough for what takes seconds, and costs nothing.
    now: Cell<u64>,
    watched: RefCell<Vec<Weak<Watch>>>,
    deadlines: Deadlines,
    metrics: Arc<Metrics>,
}

impl Patrol {
    /// Begins to look, on this worker.
    #[must_use]
    pub fn start(deadlines: Deadlines, metrics: Arc<Metrics>) -> Rc<Self> {
        let patrol =
            Rc::new(Self { began: Instant::now(), now: Cell::new(1), watched: RefCell::default(), deadlines, metrics });
        let interval = deadlines.head.min(deadlines.unread) / 4;
        let interval = interval.clamp(Duration::from_millis(5), LOOK_INTERVAL_MAX);
        let looking = Rc::downgrade(&patrol);
        actix_web::rt::spawn(async move {
            loop {
                tokio::time::sleep(interval).await;
                let Some(patrol) = looking.upgrade() else { return };
                patrol.look();
            }
        });
        patrol
    }

    /// The time, as of the last look.
    pub(super) fn now(&self) -> u64 {
        self.now.get()
    }

    /// Looks after one more. `ends_after`: how long it may stay open in any case.
    pub fn add(&self, watch: &Arc<Watch>, ends_after: Option<Duration>) {
        if let Some(wait) = ends_after {
            watch.end_at(self.now() + millis(wait));
        }
        self.watched.borrow_mut().push(Arc::downgrade(watch));
    }

    fn look(&self) {
        let now = millis(self.began.elapsed()).max(1);
        self.now.set(now);
        let mut watched = self.watched.borrow_mut();
        watched.retain(|watch| {
            let Some(watch) = watch.upgrade() else { return false };
            if watch.is_upgraded.load(Relaxed) {
                return false;
            }
            let overdue = watch.check(now, &self.deadlines);
            if let Some(overdue) = overdue {
                metrics::count(&self.metrics.evictions, overdue.reason());
                watch.end_for(overdue);
            }
            overdue.is_none()
        });
        let unused = watched.capacity() > 64 && watched.len() < watched.capacity() / 4;
        if unused {
            watched.shrink_to_fit();
        }
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use futures_util::task::noop_waker;
    use tokio::net::TcpListener;

    use super::*;

    async fn watched() -> (Arc<Watch>, Arc<TcpStream>, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let server = Arc::new(listener.accept().await.unwrap().0);
        (Arc::new(Watch::new(&server, true)), server, client)
    }

    fn may_read(watch: &Watch, is_head: bool) -> MayRead {
        watch.may_read(&Context::from_waker(&noop_waker()), is_head, true)
    }

    #[actix_web::test]
    async fn a_head_has_a_size() {
        let (watch, _server, _client) = watched().await;
        for _ in 0..2 {
            watch.has_read(HEAD_BYTES_MAX - 1, true, 1);
            assert_eq!(may_read(&watch, true), MayRead::Yes);
            watch.has_read(1, true, 1);
            assert_eq!(watch.may_read(&Context::from_waker(&noop_waker()), true, false), MayRead::AfterALook);
            assert_eq!(may_read(&watch, true), MayRead::HeadTooLarge);
            drop(watch.serve(BodyLength::Known(10)));
            watch.has_read(1_000_000, false, 1);
            assert_eq!(may_read(&watch, true), MayRead::Yes, "a body is no head");
        }
    }

    #[actix_web::test]
    async fn most_of_a_body_is_read_after_a_good_token_was_shown() {
        for body in [BodyLength::Known(100_000), BodyLength::Chunked] {
            let (watch, _server, _client) = watched().await;
            assert_eq!(watch.take_body(), None);
            let _serving = watch.serve(body);
            assert_eq!((watch.take_body(), watch.take_body()), (Some(body), None));
            watch.has_read(UNSIGNED_BODY_BYTES_MAX - 1, false, 1);
            assert_eq!(may_read(&watch, false), MayRead::Yes);
            watch.has_read(1, false, 1);
            assert_eq!(may_read(&watch, false), MayRead::Later);
            watch.expects_body(UNSIGNED_BODY_BYTES_MAX);
            assert_eq!(may_read(&watch, false), MayRead::Yes);
            watch.has_read(BEYOND_BYTES, false, 1);
            assert_eq!(may_read(&watch, false), MayRead::Later);
            watch.signed_in();
            assert_eq!(may_read(&watch, false), MayRead::Yes);
        }
    }

    #[actix_web::test]
    async fn a_connection_is_busy_until_its_answer_has_left() {
        let (watch, _server, _client) = watched().await;
        let is_busy = || watch.is_busy(&Context::from_waker(&noop_waker()));
        assert!(!is_busy());
        let serving = watch.serve(BodyLength::Known(0));
        assert!(is_busy());
        watch.has_written(&Poll::<()>::Pending, 1);
        drop(serving);
        assert!(is_busy(), "its client reads nothing");
        watch.has_written(&Poll::Ready(()), 2);
        assert!(!is_busy());
    }

    #[actix_web::test]
    async fn what_is_overdue_ends_by_what_it_is_busy_with() {
        let deadlines = Deadlines { head: Duration::from_secs(10), unread: Duration::from_secs(10) };
        let (watch, _server, _client) = watched().await;
        watch.has_read(1, true, 1);
        assert_eq!(watch.check(20_000, &deadlines), None, "the first head has a timer of its own");
        drop(watch.serve(BodyLength::Known(0)));
        watch.has_read(1, true, 20_000);
        assert_eq!(watch.check(30_000, &deadlines), None);
        assert_eq!(watch.check(30_001, &deadlines), Some(Overdue::Head));
        watch.has_written(&Poll::<()>::Pending, 30_000);
        assert_eq!(watch.check(40_000, &deadlines), None, "its turn comes after the answer before it");
        assert_eq!(watch.check(40_001, &deadlines), Some(Overdue::Unread));
        watch.has_written(&Poll::Ready(()), 40_001);
        assert_eq!(watch.check(40_002, &deadlines), None);
        watch.end_at(50_000);
        assert_eq!(watch.check(50_000, &deadlines), Some(Overdue::Refused));
    }
}
