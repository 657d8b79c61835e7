//! What a client says: new messages, those that wait until it is known in which room, and other words in place of some.

use super::{ChatSession, Next, not_in_room};
use crate::{
    chat::request::{Message, ReplyTo},
    db::Write,
    domain::{
        Data, Draft, MessageKind,
        masking::Inspected,
        message::{UnfitText, check_size},
    },
    error::ChatError,
    protocol::{
        event::{EditMessage, SendMessage},
        json::RequestId,
    },
};

impl ChatSession {
    pub(super) fn send_waiting(&mut self) {
        for (message, request) in self.waiting.take(&self.share) {
            self.message(request, message);
        }
    }

    pub(super) fn message(&mut self, request: Option<RequestId>, message: SendMessage) -> Next {
        let name = "message";
        if message.kind != MessageKind::Text {
            let error =
                ChatError::invalid("`kind` of `message` must be text: the other kinds have events of their own");
            return self.refuse(request.as_ref(), name, &error);
        }
        if let Err(error) = self.check_text(message.text.as_deref(), message.data.as_ref()) {
            return self.refuse(request.as_ref(), name, &error);
        }
        let Some(room) = message.room_id.clone().or_else(|| self.rooms.last().cloned()) else {
            return self.await_room(request, message);
        };
        let grant = match self.grant(&room, message.token.as_deref()) {
            Ok(grant) => grant,
            Err(error) => return self.refuse(request.as_ref(), name, &error),
        };
        let Inspected { screened, ends } = self.services.masking.inspect(message.text.as_deref());
        let draft = Draft {
            room,
            sender: self.user.clone(),
            client_id: message.client_id,
            kind: MessageKind::Text,
            text: message.text,
            data: message.data,
            reply_to: message.reply_to,
            sent_at: self.services.clock.now(),
            screened,
            by_staff: self.is_staff,
        };
        let reply = ReplyTo::Session(self.asker(draft.weight_bytes(), request, name));
        let is_asked = self.services.asked.is_some_and(|kinds| kinds.has(&draft));
        self.send(Message { draft, ends, grant, is_asked, reply });
        Next::Continue
    }

    /// The official client sends what was typed offline before its `connect` handlers run, so `enterRoom` may come second.
    fn await_room(&mut self, request: Option<RequestId>, message: SendMessage) -> Next {
        match self.waiting.push(message, request, &self.share) {
            Ok(true) => Next::AwaitRoom,
            Ok(false) => Next::Continue,
            Err(request) => self.refuse(request.as_ref(), "message", &not_in_room()),
        }
    }

    /// The time for an `enterRoom` has ended: refuses what waited for it.
    pub fn give_up_waiting(&mut self) {
        for (_, request) in self.waiting.take(&self.share) {
            self.refuse(request.as_ref(), "message", &not_in_room());
        }
    }

    fn check_text(&self, text: Option<&str>, data: Option<&Data>) -> Result<(), ChatError> {
        check_size(text, data, self.services.limits.message_bytes_max).map_err(UnfitText::into)
    }

    pub(super) fn edit(&mut self, request: Option<RequestId>, name: &'static str, event: EditMessage) -> Next {
        if let Err(error) = self.check_text(Some(&event.text), None) {
            return self.refuse(request.as_ref(), name, &error);
        }
        let write = Write::Edit {
            message: event.message_id,
            editor: self.user.clone(),
            inspected: self.services.masking.inspect(Some(&event.text)),
            text: event.text,
            at: self.services.clock.now(),
        };
        self.change(request, name, write)
    }
}
