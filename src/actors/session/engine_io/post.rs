//! The packets of a POST, where polls carry the session.
//!
//! They are taken as a WebSocket's frames are: one after the other, and none while too many events are unanswered or too
//! many answers unread. Until the last one is taken the request waits for its answer. What came whole is taken also when its
//! client does not wait for that; only the end of the session drops what is left.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use actix::{AsyncContext, Handler, Message as ActixMessage, StreamHandler};
use futures_util::Stream;
use tokio::sync::oneshot;

use super::{Application, EngineSession, Link, sessions::PostTurn};
use crate::protocol::engine_io::{Packet, payload::Packets};

/// The packets of one POST: the request's handler → the session, one at a time. Answers when the session has them; `taken`
/// closes when all of them have been taken up, or the session has ended.
#[derive(ActixMessage)]
#[rtype(result = "()")]
pub struct Post<A: Application> {
    pub packets: Packets,
    /// The turn of the one POST that may be open.
    pub turn: PostTurn<A>,
    /// Held until then.
    pub taken: oneshot::Sender<()>,
}

impl<A: Application> Handler<Post<A>> for EngineSession<A> {
    type Result = ();

    fn handle(&mut self, Post { packets, turn, taken }: Post<A>, ctx: &mut Self::Context) {
        let link = Arc::clone(&self.line.link);
        ctx.add_stream(PostStream { link, packets, _turn: turn, _taken: taken });
    }
}

/// The packets of a POST, as the session may take them.
struct PostStream<A: Application> {
    link: Arc<Link<A>>,
    packets: Packets,
    // Free again before the answer leaves: the next POST may come at once.
    _turn: PostTurn<A>,
    _taken: oneshot::Sender<()>,
}

struct Posted(Packet);

impl<A: Application> Stream for PostStream<A> {
    type Item = Posted;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Posted>> {
        let this = self.get_mut();
        if this.link.is_ending() {
            return Poll::Ready(None);
        }
        // Also after the last one: the answer is what lets the client send more.
        ready!(this.link.in_flight.poll_free_for_post(cx));
        if this.link.is_polling() {
            ready!(this.link.outbox.poll_light(cx));
        }
        Poll::Ready(this.packets.next().map(Posted))
    }
}

impl<A: Application> StreamHandler<Posted> for EngineSession<A> {
    fn handle(&mut self, Posted(packet): Posted, ctx: &mut Self::Context) {
        self.packet(packet, ctx);
    }

    fn finished(&mut self, _: &mut Self::Context) {
        // The session goes on.
    }
}
