//! The way from a worker's sessions to the `ChatServer`: what they have read in one turn of the worker goes as one list.
//!
//! So a turn costs one wake-up and not one an event, and events that came together stay together: they are committed, and
//! delivered, in one go.

use std::{
    future::poll_fn,
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
    task::Poll,
};

use actix::Addr;
use futures_util::task::AtomicWaker;

use crate::actors::chat_server::{
    ChatServer,
    messages::{SessionEvent, SessionEvents},
};

/// What a worker's sessions want of the `ChatServer`, until the end of the turn. Share it with `Arc`.
#[derive(Debug)]
pub struct Uplink {
    chat: Addr<ChatServer>,
    /// In the order in which they came, over all sessions: in-flight caps bound it.
    gathered: Mutex<Vec<SessionEvent>>,
    sender: AtomicWaker,
}

impl Uplink {
    /// One without events. They wait until [`Uplink::run`] runs.
    #[must_use]
    pub fn new(chat: Addr<ChatServer>) -> Self {
        Self { chat, gathered: Mutex::default(), sender: AtomicWaker::new() }
    }

    fn gathered(&self) -> MutexGuard<'_, Vec<SessionEvent>> {
        // A push is whole or has not been.
        self.gathered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an event to the turn's list.
    pub fn send(&self, event: impl Into<SessionEvent>) {
        let mut gathered = self.gathered();
        gathered.push(event.into());
        let is_first = gathered.len() == 1;
        drop(gathered);
        if is_first {
            self.sender.wake();
        }
    }

    /// Sends the lists. A task of the worker, for as long as that lives: woken by the first event of a turn, it comes behind
    /// the sessions that are ready by then.
    pub async fn run(&self) {
        loop {
            let events = poll_fn(|cx| {
                self.sender.register(cx.waker());
                let events = mem::take(&mut *self.gathered());
                if events.is_empty() { Poll::Pending } else { Poll::Ready(events) }
            })
            .await;
            #[expect(
                clippy::disallowed_methods,
                reason = "the sessions' in-flight caps bound what they can have queued"
            )]
            self.chat.do_send(SessionEvents(events));
        }
    }
}
