//! How a server ends.

use std::{
    future::pending,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use actix::Arbiter;
use tokio::sync::oneshot;

use super::Server;
use crate::{
    actors::{
        bus::messages::LeaveNodes, chat_server::messages::WhatIsLeft, eraser::messages::StopEraser, hub::DrainSessions,
        notifier::messages::StopNotifier,
    },
    chat::input::Unfinished,
    db::{self, Pool},
};

/// How long the last frames of closed WebSockets have to leave when the server ends.
const GOODBYE_WAIT: Duration = Duration::from_secs(1);

/// How often a drain looks whether everything is finished.
const DRAIN_POLL: Duration = Duration::from_millis(20);

/// How long the log waits at the end for a reader that has not finished, after the drain's own deadline.
const FOLD_WAIT_MIN: Duration = Duration::from_millis(500);

impl Server {
    /// Drains the server: stops accepting, notifies the clients, finishes what was accepted. Returns whether it was done in
    /// time.
    pub async fn drain(self) -> bool {
        let deadline = Instant::now() + self.drain_timeout;
        self.draining.store(true, Ordering::Release);
        let chores: Vec<_> = self.chores.into_iter().map(|(_, chore)| chore).collect();
        // From here on sessions and handshakes are refused with `unavailable`. Connections are still accepted: a poller
        // opens one to receive the notice, and a refusal says more than silence. The notices are spread over a tenth of the
        // time, so that there is enough left to finish.
        let spread = (self.drain_timeout / 10).min(Duration::from_secs(1));
        let patience = self.drain_timeout / 2;
        let _ = self.chat.send(DrainSessions { spread, patience }).await;
        // Those that are in no namespace, which no hub knows of.
        self.socket_io.drain();
        let settled = loop {
            let left = self.chat.send(WhatIsLeft).await.unwrap_or_default();
            if self.metrics.sessions.get() == 0 && left.is_nothing() {
                break true;
            }
            if Instant::now() >= deadline {
                log_unfinished(self.metrics.sessions.get(), &left);
                break false;
            }
            tokio::time::sleep(DRAIN_POLL).await;
        };
        // What an erasure has left to do is in the database, for the next start.
        let left = deadline.saturating_duration_since(Instant::now());
        let _ = tokio::time::timeout(left, self.eraser.send(StopEraser)).await;
        if let Some((notifier, thread)) = self.notifier {
            // A try under way has its own time. What it does not finish is in the outbox, for the next start.
            let left = deadline.saturating_duration_since(Instant::now());
            let _ = tokio::time::timeout(left, notifier.send(StopNotifier)).await;
            stop_thread(thread, deadline).await;
        }
        for (stop, ended, thread) in [self.event_sender, self.web_pusher].into_iter().flatten() {
            // The same of the events and of what is pushed.
            drop(stop);
            let left = deadline.saturating_duration_since(Instant::now());
            let _ = tokio::time::timeout(left, ended).await;
            stop_thread(thread, deadline).await;
        }
        if let Some((bus, thread)) = self.bus {
            let left = deadline.saturating_duration_since(Instant::now());
            let _ = tokio::time::timeout(left, bus.send(LeaveNodes)).await;
            stop_thread(thread, deadline).await;
        }
        let goodbyes = Instant::now() + GOODBYE_WAIT;
        while self.metrics.websockets.get() > 0 && Instant::now() < goodbyes.min(deadline) {
            tokio::time::sleep(DRAIN_POLL).await;
        }
        // With its WebSockets closed this waits for requests alone, and they have one second.
        self.workers.stop(settled).await;
        stop_thread(self.chat_thread, deadline).await;
        if let Some(thread) = self.screen_thread {
            stop_thread(thread, deadline).await;
        }
        for chore in chores {
            let _ = chore.await;
        }
        // A query of a client that has disconnected by now still has its thread and its connection.
        while self.metrics.database_queue.get() > 0 && Instant::now() < deadline {
            tokio::time::sleep(DRAIN_POLL).await;
        }
        let left = deadline.saturating_duration_since(Instant::now());
        fold_log(self.pool, self.claim, left.max(FOLD_WAIT_MIN)).await;
        settled
    }
}

/// Stops a thread of actors, and waits until none of their tasks is left: some ask the database now and then.
async fn stop_thread(thread: Arbiter, deadline: Instant) {
    let (held, ended) = oneshot::channel::<()>();
    thread.spawn(async move {
        let _held = held;
        pending::<()>().await;
    });
    thread.stop();
    let left = deadline.saturating_duration_since(Instant::now());
    // Nothing is ever sent: the thread drops the other end with all that it holds.
    let _ = tokio::time::timeout(left, ended).await;
}

/// Says what a drain has left undone when its time was up.
fn log_unfinished(sessions: i64, left: &Unfinished) {
    let Unfinished { changes, events, rooms, members, .. } = left;
    log::warn!(
        "the drain's time is up. Left: {sessions} sessions, {changes} changes to commit, {events} events, \
         {rooms} rooms and {members} members that the database was asked for"
    );
}

/// Leaves a database file that is complete by itself.
async fn fold_log(pool: Pool, claim: Arc<db::Claim>, wait: Duration) {
    let folding = actix_web::rt::task::spawn_blocking(move || {
        let conn = &mut *pool.get()?;
        // An older haggle would not look for messages in the tail.
        db::settle_everything(conn)?;
        db::fold_log(conn, &claim, wait)
    });
    match folding.await {
        Ok(Ok(true)) => {}
        Ok(Ok(false)) => log::warn!("the log is in use and stays next to the database file: a copy needs both"),
        Ok(Err(error)) => log::warn!("the log stays next to the database file, a copy needs both: {error}"),
        Err(error) => log::error!("the log could not be folded into the database file: {error}"),
    }
}
