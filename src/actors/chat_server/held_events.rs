//! A say before a message is stored: what waits for the marketplace's answer, and what becomes of it.
//!
//! A message that the marketplace is asked about waits here, before the [`Chat`](crate::chat::Chat) has seen it. Whatever its
//! account wants meanwhile waits after it, so the order of an account is kept, and nobody else's. What waits is bounded by the caps
//! of unanswered events of a session and of a user.

use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    mem,
};

use actix::{Addr, ArbiterHandle, AsyncContext, Context, Handler};
use tokio::sync::oneshot;

use super::{
    ChatServer,
    messages::{Screened, SessionEvents, Then},
};
use crate::{
    actors::message_screen::{Asked, MessageScreen, Notice},
    chat::{
        input::Input,
        request::{Change, ReplyTo, RoomRequest, SessionEvent},
    },
    domain::Account,
};

/// What waits for answers.
#[derive(Debug)]
pub(super) struct HeldEvents {
    screen: MessageScreen,
    /// Where questions are put together and waited for.
    thread: ArbiterHandle,
    /// Of each account with a question on its way: what it wants after that.
    waiting: HashMap<Account, VecDeque<SessionEvent>>,
}

impl HeldEvents {
    pub(super) fn new(screen: MessageScreen, thread: ArbiterHandle) -> Self {
        Self { screen, thread, waiting: HashMap::new() }
    }

    /// Asks about an event, on the other thread: what a question costs is nobody else's time.
    fn ask(&self, account: Account, event: SessionEvent, addr: Addr<ChatServer>) {
        let screen = self.screen.clone();
        let is_begun = self.thread.spawn_fn(move || {
            actix::spawn(async move {
                let asked = screen.ask(event).await;
                #[expect(clippy::disallowed_methods, reason = "one per account, which has a session or a request")]
                addr.do_send(Screened { account, asked });
            });
        });
        if !is_begun {
            log::error!("a message can't be asked about: the thread for that has ended");
        }
    }

    /// Whether the marketplace is to be asked about an event, or it has to wait for another one of its account.
    fn takes(&self, event: &SessionEvent) -> bool {
        // What ends the sessions of an account has to find this one.
        let is_connect = matches!(event, SessionEvent::Connect(_));
        let has_to_wait = || !self.waiting.is_empty() && self.waiting.contains_key(&event.account());
        !is_connect && (has_to_wait() || self.screen.asks_about(event))
    }

    fn take(&mut self, event: SessionEvent, addr: Addr<ChatServer>) {
        match self.waiting.entry(event.account()) {
            Entry::Occupied(mut waiting) => waiting.get_mut().push_back(event),
            Entry::Vacant(place) => {
                let account = place.key().clone();
                place.insert(VecDeque::new());
                self.ask(account, event, addr);
            }
        }
    }

    /// How many events wait, those that are asked about among them.
    pub(super) fn len(&self) -> usize {
        self.waiting.values().map(|waiting| 1 + waiting.len()).sum()
    }
}

impl ChatServer {
    /// Keeps what the marketplace is to be asked about, and what has to wait for that. Returns the rest.
    pub(super) fn hold(&mut self, mut events: Vec<SessionEvent>, ctx: &Context<Self>) -> Vec<SessionEvent> {
        let Some(held) = &mut self.held else { return events };
        let Some(first) = events.iter().position(|event| held.takes(event)) else { return events };
        for event in events.split_off(first) {
            if held.takes(&event) {
                held.take(event, ctx.address());
            } else {
                events.push(event);
            }
        }
        events
    }

    fn screened(&mut self, account: &Account, asked: Asked, ctx: &mut Context<Self>) {
        let Some(waiting) = self.held.as_mut().and_then(|held| held.waiting.remove(account)) else { return };
        match asked {
            Asked::Passed(event) => self.take_up_held(vec![event], ctx),
            Asked::Warned(event, notice) => {
                let event = followed_by(event, *notice, ctx);
                self.take_up_held(vec![event], ctx);
            }
            Asked::Refused(reply, error) => self.happen(Input::Reply(reply, Err(error)), ctx),
        }
        if !waiting.is_empty() {
            self.take_up(waiting.into(), ctx);
        }
    }
}

impl Handler<Screened> for ChatServer {
    type Result = ();

    fn handle(&mut self, Screened { account, asked }: Screened, ctx: &mut Self::Context) {
        self.screened(&account, asked, ctx);
    }
}

/// Has a notice stored after a message or an edit, if that is stored and new.
fn followed_by(mut event: SessionEvent, notice: Notice, ctx: &Context<ChatServer>) -> SessionEvent {
    let (reply, is_edit) = match &mut event {
        SessionEvent::InRoom(RoomRequest::Message(message)) => (&mut message.reply, false),
        SessionEvent::Change(change) => (&mut change.reply, true),
        _ => return event,
    };
    let (seen, outcome) = oneshot::channel();
    // It is answered in its turn: an account's answers keep their order.
    *reply = ReplyTo::Observed(Box::new(mem::replace(reply, ReplyTo::Nobody)), seen);
    let addr = ctx.address();
    actix::spawn(async move {
        let is_stored = outcome.await.is_ok_and(|done| done.is_some_and(|created| created || is_edit));
        if is_stored {
            let Notice { room, write } = notice;
            let (stored, is_stored) = oneshot::channel();
            let change = Change { write, is_asked: false, reply: ReplyTo::Request(stored) };
            let sent = addr.send(SessionEvents(vec![change.into()])).await;
            if sent.is_ok() && matches!(is_stored.await, Ok(Ok(_))) {
                // It went past the room, which need not be in memory.
                let _ = addr.send(Then(Input::RoomOpened(room))).await;
            }
        }
    });
    event
}
