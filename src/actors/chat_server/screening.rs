//! The masking rule on the way of a message: what the sender's last messages ended with, and what that makes of this one.

use std::collections::{HashMap, VecDeque};

use crate::domain::{
    Draft, MaskingPolicy, MessageKind, RoomId, UserId,
    masking::{RecentDigits, find_after},
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
    /// Says of a draft what the rule makes of it. Messages without digits and without an address cost a reading of their
    /// text, and no question to the database.
    pub(super) fn screen(&mut self, policy: MaskingPolicy, draft: &mut Draft) {
        if policy == MaskingPolicy::Off || draft.kind == MessageKind::System {
            return;
        }
        let Some(text) = &draft.text else { return };
        let sender = (draft.room.clone(), draft.sender.clone());
        // Most senders have none, and an empty map is asked for nothing.
        let known = if self.recent.is_empty() { None } else { self.recent.remove(&sender) };
        let was_known = known.is_some();
        let mut recent = known.unwrap_or_default();
        let findings = find_after(text, &mut recent);
        if !recent.is_empty() {
            if !was_known {
                self.make_room();
                self.order.push_back(sender.clone());
            }
            self.recent.insert(sender, recent);
        }
        draft.screened = policy.judge(text, &findings);
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
    use crate::domain::{Screened, Timestamp};

    fn say(screening: &mut Screening, sender: usize, text: &str) -> Screened {
        let mut draft = Draft {
            room: RoomId::new("r").unwrap(),
            sender: UserId::new(format!("u{sender}")).unwrap(),
            client_id: None,
            kind: MessageKind::Text,
            text: Some(text.to_owned()),
            data: None,
            sent_at: Timestamp(0),
            screened: Screened::Clean,
        };
        screening.screen(MaskingPolicy::Mask, &mut draft);
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
