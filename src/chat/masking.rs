//! The masking rule between messages: what the sender's last messages ended with, and what that makes of this one.

use std::collections::{HashMap, VecDeque};

use crate::domain::{
    Draft, MessageKind, RoomId, UserId,
    masking::{Inspected, InspectedEnds, RecentDigits},
};

/// Senders whose last message ended with digits and is remembered. Each holds a few dozen bytes; beyond that the oldest
/// are forgotten, and a number that was split over messages with so many others in between is not seen.
const REMEMBERED_MAX: usize = 10_000;

type Sender = (RoomId, UserId);

/// What senders' last messages ended with: digits, and nothing else of what was said.
#[derive(Debug, Default)]
pub(super) struct Screening {
    recent: HashMap<Sender, RecentDigits>,
    /// Senders in the order in which they came, some of them forgotten by now.
    order: VecDeque<Sender>,
}

impl Screening {
    /// Adds to what the rule makes of a draft's text by itself what it makes of it after its sender's last messages. Takes
    /// the same few steps whatever the text: it was inspected where it came in.
    pub(super) fn screen(&mut self, draft: &mut Draft, ends: Option<Box<InspectedEnds>>) {
        // Most messages neither begin nor end with digits, and nothing is remembered of most senders.
        if ends.is_none() && self.recent.is_empty() || draft.kind == MessageKind::System {
            return;
        }
        let Some(text) = &draft.text else { return };
        let sender = (draft.room.clone(), draft.sender.clone());
        let known = if self.recent.is_empty() { None } else { self.recent.remove(&sender) };
        let mut recent = known.unwrap_or_default();
        let inspected = Inspected { screened: std::mem::take(&mut draft.screened), ends };
        draft.screened = inspected.after(text, &mut recent);
        if !recent.is_empty() {
            if known.is_none() {
                self.make_room();
                self.order.push_back(sender.clone());
            }
            self.recent.insert(sender, recent);
        }
    }

    fn make_room(&mut self) {
        while self.order.len() >= REMEMBERED_MAX {
            if let Some(oldest) = self.order.pop_front() {
                self.recent.remove(&oldest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{MaskingPolicy, Screened, Timestamp};

    fn say(screening: &mut Screening, sender: usize, text: &str) -> Screened {
        let inspected = MaskingPolicy::Mask.inspect(Some(text));
        let mut draft = Draft {
            room: RoomId::new("r").unwrap(),
            sender: UserId::new(format!("u{sender}")).unwrap(),
            client_id: None,
            kind: MessageKind::Text,
            text: Some(text.to_owned()),
            data: None,
            reply_to: None,
            sent_at: Timestamp(0),
            screened: inspected.screened,
            by_staff: false,
        };
        screening.screen(&mut draft, inspected.ends);
        draft.screened
    }

    #[test]
    fn a_number_over_three_messages_is_seen_and_what_another_says_between_does_not_hide_it() {
        let mut screening = Screening::default();
        assert_eq!(say(&mut screening, 1, "010"), Screened::Clean);
        assert_eq!(say(&mut screening, 2, "네"), Screened::Clean);
        assert_eq!(say(&mut screening, 1, "1234"), Screened::Clean);
        assert!(
            matches!(say(&mut screening, 1, "5678"), Screened::Marked { masked: Some(text), .. } if text == "●●●●")
        );
        assert!(screening.recent.is_empty());
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut screening = Screening::default();
        for sender in 0..REMEMBERED_MAX * 2 {
            say(&mut screening, sender, "010");
            say(&mut screening, sender, "no digits");
            say(&mut screening, sender, "010");
        }
        assert!(screening.recent.len() <= REMEMBERED_MAX && screening.order.len() <= REMEMBERED_MAX);
    }
}
