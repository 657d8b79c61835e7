//! Messages without a room, from before any was entered: what a client typed while it was offline.

use std::{mem, sync::Arc};

use crate::{
    chat::user_limits::UserShare,
    domain::{ClientId, Data},
    protocol::{event::SendMessage, json::RequestId},
};

/// Messages of one session that may wait for the first `enterRoom`.
const MESSAGES_MAX: usize = 256;

/// Bytes of them, with all that they hold.
const BYTES_MAX: usize = 256 * 1024;

/// Messages of one session that wait. What they hold also counts among what all of its user's sessions have waiting.
#[derive(Debug, Default)]
pub(super) struct WaitingMessages {
    messages: Vec<(SendMessage, Option<RequestId>)>,
    bytes: usize,
}

impl WaitingMessages {
    /// Adds a message. Returns whether it is the first one.
    ///
    /// # Errors
    /// Gives the request back when too much waits already.
    pub(super) fn push(
        &mut self,
        message: SendMessage,
        request: Option<RequestId>,
        share: &Arc<UserShare>,
    ) -> Result<bool, Option<RequestId>> {
        let weight = weight_bytes(&message, request.as_ref());
        if self.messages.len() >= MESSAGES_MAX || self.bytes + weight > BYTES_MAX || !share.wait(weight) {
            return Err(request);
        }
        self.bytes += weight;
        self.messages.push((message, request));
        Ok(self.messages.len() == 1)
    }

    /// Takes all of them.
    pub(super) fn take(&mut self, share: &UserShare) -> Vec<(SendMessage, Option<RequestId>)> {
        share.waited(mem::take(&mut self.bytes));
        mem::take(&mut self.messages)
    }
}

/// Bytes that it holds: its place in the list, its texts, and what its ids are made of.
fn weight_bytes(message: &SendMessage, request: Option<&RequestId>) -> usize {
    let SendMessage { text, data, client_id, token, .. } = message;
    size_of::<(SendMessage, Option<RequestId>)>()
        + text.as_ref().map_or(0, String::capacity)
        + data.as_ref().map_or(0, Data::weight_bytes)
        + client_id.as_ref().map_or(0, |id: &ClientId| id.as_str().len())
        + token.as_ref().map_or(0, String::capacity)
        + request.map_or(0, |id| id.as_json().len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{chat::user_limits::Accounts, config::Limits, domain::UserId};

    fn message(data_bytes: usize) -> SendMessage {
        serde_json::from_value(serde_json::json!({"text": "x", "data": "x".repeat(data_bytes - 2)})).unwrap()
    }

    #[test]
    fn what_waits_is_weighed_with_all_that_it_holds_for_a_session_and_for_a_user() {
        let share = Accounts::new(&Limits::none(), Arc::default()).of(&UserId::new("alice").unwrap());
        let mut sessions: Vec<WaitingMessages> = (0..8).map(|_| WaitingMessages::default()).collect();
        let fill = |waiting: &mut WaitingMessages| {
            (0..1000).take_while(|_| waiting.push(message(10_000), None, &share).is_ok()).count()
        };
        assert_eq!(sessions.iter_mut().map(fill).collect::<Vec<_>>(), [25, 25, 25, 25, 3, 0, 0, 0]);
        assert_eq!(sessions[0].take(&share).len(), 25);
        assert_eq!(fill(&mut sessions[7]), 25);
        let tokens = std::iter::repeat_with(|| {
            let with_token = serde_json::json!({"text": "x", "token": "x".repeat(10_000)});
            serde_json::from_value(with_token).unwrap()
        });
        sessions.iter_mut().for_each(|session| drop(session.take(&share)));
        let taken = tokens.take_while(|message: &SendMessage| sessions[0].push(message.clone(), None, &share).is_ok());
        assert_eq!(taken.count(), 25);
    }
}
