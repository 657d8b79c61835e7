//! The way from a worker's sessions to the `ChatServer`: the events that they have read in one turn of the worker are sent
//! as one list.
//!
//! So a turn costs one wake-up and not one per event. Events that arrived together stay together: they are committed and
//! delivered in one go.

use std::{
    future::poll_fn,
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use actix::Addr;
use futures_util::task::AtomicWaker;

use crate::{
    actors::chat_server::{ChatServer, messages::SessionEvents},
    chat::request::SessionEvent,
};

/// What a worker's sessions ask of the `ChatServer`, until the end of the turn. Share it with `Arc`.
#[derive(Debug)]
pub struct Uplink {
    chat: Addr<ChatServer>,
    turn: TurnEvents,
}

/// The list of a turn.
#[derive(Debug, Default)]
struct TurnEvents {
    /// In the order in which they came, over all sessions: in-flight caps bound it.
    gathered: Mutex<Vec<SessionEvent>>,
    sender: AtomicWaker,
}

impl Uplink {
    /// One without events. They wait until [`Uplink::run`] runs.
    #[must_use]
    pub fn new(chat: Addr<ChatServer>) -> Self {
        Self { chat, turn: TurnEvents::default() }
    }

    /// Adds an event to the turn's list.
    pub fn send(&self, event: impl Into<SessionEvent>) {
        self.turn.add(event.into());
    }

    /// Sends the lists. A task that lives as long as its worker. The first event of a turn wakes it, and it runs after the
    /// sessions that are ready by then.
    pub async fn run(&self) {
        loop {
            let events = poll_fn(|cx| self.turn.poll_take(cx)).await;
            #[expect(
                clippy::disallowed_methods,
                reason = "the sessions' in-flight caps bound what they can have queued"
            )]
            self.chat.do_send(SessionEvents(events));
        }
    }
}

impl TurnEvents {
    fn gathered(&self) -> MutexGuard<'_, Vec<SessionEvent>> {
        // A push is whole or has not been.
        self.gathered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, event: SessionEvent) {
        let mut gathered = self.gathered();
        gathered.push(event);
        let is_first = gathered.len() == 1;
        drop(gathered);
        if is_first {
            self.sender.wake();
        }
    }

    /// Ready when there is something, with all of it.
    fn poll_take(&self, cx: &mut Context<'_>) -> Poll<Vec<SessionEvent>> {
        self.sender.register(cx.waker());
        let events = mem::take(&mut *self.gathered());
        if events.is_empty() { Poll::Pending } else { Poll::Ready(events) }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
        task::Wake,
    };

    use super::*;
    use crate::{
        chat::request::Disconnect,
        domain::{SessionId, UserId},
    };

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_turn_is_one_wake_up_and_one_list_in_the_order_of_its_events() {
        let (turn, wakes) = (TurnEvents::default(), Arc::<Wakes>::default());
        let waker = Arc::clone(&wakes).into();
        let mut cx = Context::from_waker(&waker);
        let sessions: Vec<SessionId> = (0..6).map(|_| SessionId::next()).collect();
        for turn_of in sessions.chunks(3) {
            assert!(turn.poll_take(&mut cx).is_pending());
            let before = wakes.0.load(Ordering::Relaxed);
            for session in turn_of {
                let user = UserId::new("alice").unwrap();
                turn.add(Disconnect { session: *session, user, for_good: true, place: None }.into());
            }
            assert_eq!(wakes.0.load(Ordering::Relaxed) - before, 1);
            let Poll::Ready(events) = turn.poll_take(&mut cx) else { panic!("nothing was gathered") };
            let came = events.iter().map(|event| match event {
                SessionEvent::Disconnect(end) => end.session,
                other => panic!("{other:?}"),
            });
            assert_eq!(came.collect::<Vec<_>>(), turn_of);
        }
    }
}
