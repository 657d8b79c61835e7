//! The threads that serve connections, and the one that accepts them.
//!
//! Admission is checked where connections are accepted, one after the other. So a burst is counted before it can take too
//! many descriptors, and a refusal waits for no worker.

use std::{
    io,
    net::{SocketAddr, TcpListener, TcpStream},
    pin::{Pin, pin},
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use actix::Arbiter;
use actix_web::rt;
use futures_util::future::{Either, select};
use socket2::SockRef;
use tokio::sync::{mpsc, oneshot, watch};

use super::admission::{Admission, Refusal, Ticket};

/// How long requests have to finish when the server stops.
const SHUTDOWN_WAIT: Duration = Duration::from_secs(1);

/// How often a worker that stops checks whether its connections have ended.
const SHUTDOWN_POLL: Duration = Duration::from_millis(20);

/// How long nothing is accepted after the system could not: it has no descriptor left, or no memory.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// How often the log reports it.
const ACCEPT_LOG_INTERVAL: Duration = Duration::from_secs(60);

/// A connection that was let in.
pub struct Accepted {
    /// The connection, in non-blocking mode.
    pub tcp: TcpStream,
    /// The other end.
    pub address: SocketAddr,
    /// What counts it.
    pub ticket: Ticket,
}

/// Serves one connection to its end.
pub type Serve = Box<dyn Fn(Accepted) -> Pin<Box<dyn Future<Output = ()>>>>;

/// Makes what serves the connections of one worker, on that worker's thread; `None` when it can't.
pub type MakeServe = Pin<Box<dyn Future<Output = Option<Serve>>>>;

/// Running workers. Dropping them ends nothing: [`Workers::stop`] does.
pub struct Workers {
    threads: Vec<Arbiter>,
    /// `true` lets open requests finish.
    stop: watch::Sender<Option<bool>>,
    ended: Vec<oneshot::Receiver<()>>,
}

impl Workers {
    /// Starts this many workers, and accepts connections for them in turn.
    ///
    /// # Errors
    /// The system's, when the listener can't be used.
    pub fn start(
        listener: TcpListener,
        admission: Arc<Admission>,
        is_tls: bool,
        count: usize,
        make: impl Fn() -> MakeServe + Clone + Send + 'static,
    ) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let (stop, stopped) = watch::channel(None);
        let (mut threads, mut queues, mut ended) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..count {
            // Its length is bounded by admission.
            let (queue, accepted) = mpsc::unbounded_channel();
            let (done, is_done) = oneshot::channel();
            let (thread, make, stopped) = (Arbiter::new(), make.clone(), stopped.clone());
            thread.spawn_fn(move || {
                rt::spawn(async move {
                    match make().await {
                        Some(serve) => work(serve, accepted, stopped).await,
                        None => log::error!("a worker can't start"),
                    }
                    // Nobody may be waiting.
                    let _ = done.send(());
                });
            });
            threads.push(thread);
            queues.push(queue);
            ended.push(is_done);
        }
        let thread = Arbiter::new();
        thread.spawn(async move {
            match tokio::net::TcpListener::from_std(listener) {
                Ok(listener) => accept(listener, admission, is_tls, queues, stopped).await,
                Err(error) => log::error!("connections can't be accepted: {error}"),
            }
        });
        threads.push(thread);
        Ok(Self { threads, stop, ended })
    }

    /// Accepts no more, and ends the workers; `graceful` lets open requests finish for a moment.
    pub async fn stop(self, graceful: bool) {
        // Nobody may be left.
        let _ = self.stop.send(Some(graceful));
        for ended in self.ended {
            let _ = rt::time::timeout(2 * SHUTDOWN_WAIT, ended).await;
        }
        for thread in self.threads {
            thread.stop();
        }
    }
}

async fn work(serve: Serve, mut accepted: mpsc::UnboundedReceiver<Accepted>, stopped: watch::Receiver<Option<bool>>) {
    let open = Rc::new(());
    // The acceptor ends the queue.
    while let Some(accepted) = accepted.recv().await {
        let (held, serving) = (Rc::clone(&open), serve(accepted));
        rt::spawn(async move {
            serving.await;
            drop(held);
        });
    }
    let until = Instant::now() + SHUTDOWN_WAIT;
    let is_graceful = *stopped.borrow() == Some(true);
    while is_graceful && Rc::strong_count(&open) > 1 && Instant::now() < until {
        rt::time::sleep(SHUTDOWN_POLL).await;
    }
}

async fn accept(
    listener: tokio::net::TcpListener,
    admission: Arc<Admission>,
    is_tls: bool,
    queues: Vec<mpsc::UnboundedSender<Accepted>>,
    mut stopped: watch::Receiver<Option<bool>>,
) {
    let mut stopped = pin!(stopped.changed());
    let mut turn = 0;
    let mut said_at: Option<Instant> = None;
    loop {
        let accepted = match select(stopped.as_mut(), pin!(listener.accept())).await {
            Either::Left(_) => return,
            Either::Right((accepted, _)) => accepted,
        };
        match accepted {
            Ok((tcp, address)) => {
                let ticket = match admission.arrive(Some(address.ip()), is_tls) {
                    Ok(ticket) => ticket,
                    Err(refusal) => {
                        turn_away(&tcp, &refusal, is_tls);
                        continue;
                    }
                };
                // Registers it with the worker's own poll.
                let Ok(tcp) = tcp.into_std() else { continue };
                hand_over(Accepted { tcp, address, ticket }, &queues, &mut turn);
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                if said_at.is_none_or(|at| at.elapsed() >= ACCEPT_LOG_INTERVAL) {
                    log::error!("connections can't be accepted: {error} (said once per minute)");
                    said_at = Some(Instant::now());
                }
                rt::time::sleep(ACCEPT_RETRY).await;
            }
        }
    }
}

/// Gives each worker one in turn. A worker that has died is left out.
fn hand_over(accepted: Accepted, queues: &[mpsc::UnboundedSender<Accepted>], turn: &mut usize) {
    let mut accepted = accepted;
    for _ in 0..queues.len() {
        *turn = (*turn + 1) % queues.len();
        match queues[*turn].send(accepted) {
            Ok(()) => return,
            Err(returned) => accepted = returned.0,
        }
    }
    log::error!("no worker is left to serve a connection");
}

/// Says why not, without reading anything, and ends. Under TLS that would take a handshake: the connection just ends.
fn turn_away(tcp: &tokio::net::TcpStream, refusal: &Refusal, is_tls: bool) {
    let socket = SockRef::from(tcp);
    if !is_tls {
        // The kernel's buffer is empty and takes it whole.
        let _ = socket.send(&refusal.response());
        let _ = socket.shutdown(std::net::Shutdown::Write);
    }
}

/// Whether an error concerns a connection that was closed before it was accepted.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}
