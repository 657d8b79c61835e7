//! A WebSocket under a session: its frames in, its response's body out.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use actix::{ActorContext, Handler, Message as ActixMessage, Recipient, StreamHandler};
use actix_http::body::{BodySize, MessageBody};
use bytes::Bytes;

use super::{Application, EngineSession};
use crate::{
    actors::session::{
        outbox::{Frame, Outbox},
        transport::ReadError,
    },
    error::{ChatError, CloseCode, ErrorCode},
    protocol::{engine_io::Packet, websocket::Incoming},
};

/// A WebSocket is gone: its response's body → the session, once. No answer.
#[derive(Debug, ActixMessage)]
#[rtype(result = "()")]
pub struct WebSocketGone {
    /// The candidate's number, or 0 when it carried the session from the start.
    pub number: u32,
}

/// The body of a WebSocket's response: drains the candidate's outbox until it has taken over, then the session's.
pub struct WebSocketBody {
    number: u32,
    candidate: Option<Arc<Outbox>>,
    outbox: Arc<Outbox>,
    has_taken_over: Box<dyn Fn() -> bool>,
    session: Recipient<WebSocketGone>,
}

impl WebSocketBody {
    /// The body of a WebSocket that carries its session from the start.
    #[must_use]
    pub fn new(outbox: Arc<Outbox>, session: Recipient<WebSocketGone>) -> Self {
        Self { number: 0, candidate: None, outbox, has_taken_over: Box::new(|| true), session }
    }

    /// The body of a WebSocket that tries to take over.
    #[must_use]
    pub fn candidate(
        number: u32,
        candidate: Arc<Outbox>,
        outbox: Arc<Outbox>,
        has_taken_over: Box<dyn Fn() -> bool>,
        session: Recipient<WebSocketGone>,
    ) -> Self {
        Self { number, candidate: Some(candidate), outbox, has_taken_over, session }
    }
}

impl MessageBody for WebSocketBody {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = self.get_mut();
        if let Some(candidate) = &this.candidate {
            match ready!(candidate.poll_drain(cx)) {
                Some(frames) => return Poll::Ready(Some(Ok(frames))),
                None if (this.has_taken_over)() => this.candidate = None,
                None => return Poll::Ready(None),
            }
        }
        this.outbox.poll_drain(cx).map(|frames| frames.map(Ok))
    }
}

impl Drop for WebSocketBody {
    fn drop(&mut self) {
        match &self.candidate {
            Some(candidate) => candidate.abort(),
            None => self.outbox.abort(),
        }
        #[expect(clippy::disallowed_methods, reason = "once a connection, and connections have a cap")]
        self.session.do_send(WebSocketGone { number: self.number });
    }
}

impl<A: Application> Handler<WebSocketGone> for EngineSession<A> {
    type Result = ();

    fn handle(&mut self, WebSocketGone { number }: WebSocketGone, ctx: &mut Self::Context) {
        self.websocket_gone(number, ctx);
    }
}

impl<A: Application> StreamHandler<Result<Incoming, ReadError>> for EngineSession<A> {
    fn handle(&mut self, frame: Result<Incoming, ReadError>, ctx: &mut Self::Context) {
        self.frame(frame, ctx);
    }

    fn finished(&mut self, ctx: &mut Self::Context) {
        ctx.stop();
    }
}

impl<A: Application> EngineSession<A> {
    /// Takes up a frame of the WebSocket that carries the session.
    pub(super) fn frame(&mut self, frame: Result<Incoming, ReadError>, ctx: &mut actix::Context<Self>) {
        match frame {
            Ok(Incoming::Close(close)) => {
                // RFC 6455 section 5.5.1: the client's own code is given back.
                let outbox = &self.line.link.outbox;
                outbox.close(close.map_or(CloseCode::Normal.number(), |(code, _)| code), "");
                outbox.finish();
                self.line.ending.get_or_insert("left");
                ctx.stop();
            }
            Err(ReadError::Connection(_)) => ctx.stop(),
            Err(ReadError::Frame(error)) if self.line.ending.is_none() => {
                let code = error.close_code();
                let name = if code == CloseCode::TooBig { ErrorCode::TooLarge } else { ErrorCode::Invalid };
                let told = ChatError::new(name, error.to_string());
                self.with(ctx, |application, connection| application.refused(&told, connection));
                self.line.ending = Some("broken frame");
                self.line.link.outbox.close(code.number(), &told.message);
                self.line.link.outbox.finish();
                ctx.stop();
            }
            _ if self.line.ending.is_some() => {}
            Ok(Incoming::Text(text)) => match Packet::decode(&text) {
                Ok(packet) => self.packet(packet, ctx),
                Err(_) => self.refuse("a frame must be an Engine.IO packet", ctx),
            },
            Ok(Incoming::Binary(bytes)) => self.packet(Packet::Binary(bytes), ctx),
            Ok(Incoming::Ping(payload)) => self.with(ctx, |application, connection| {
                application.kept_alive(connection);
                // A full outbox ends by itself.
                let _ = connection.outbox().push(Frame::Pong(payload));
            }),
            Ok(Incoming::Pong(_)) => {
                self.with(ctx, |application, connection| application.kept_alive(connection));
            }
            Err(ReadError::Frame(_)) => {}
        }
    }
}
