//! A WebSocket under a session: the frames of its client.

use actix::{ActorContext, StreamHandler};

use super::{Application, EngineSession};
use crate::{
    actors::{outbox::OutFrame, session::transport::ReadError},
    error::{ChatError, CloseCode, ErrorCode},
    protocol::{engine_io::Packet, websocket::Incoming},
};

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
                let error_sent = ChatError::new(name, error.to_string());
                self.with(ctx, |application, connection| application.refused(&error_sent, connection));
                self.line.ending = Some("broken frame");
                self.line.link.outbox.close(code.number(), &error_sent.message);
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
                // A full outbox closes its socket.
                let _ = connection.outbox().push(OutFrame::Pong(payload));
            }),
            Ok(Incoming::Pong(_)) => {
                self.with(ctx, |application, connection| application.kept_alive(connection));
            }
            Err(ReadError::Frame(_)) => {}
        }
    }
}
