//! Numbers that are split over messages: the digits that a sender's last messages ended with.

use std::ops::Range;

use super::{digits::Scan, phone::is_split_mobile};

/// The digits at the end of a sender's last two messages, for as long as they may be the beginning of a number. Holds at
/// most 22 digits and nothing else of what was said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecentDigits {
    /// The message before the last, when the last was nothing but digits.
    before: Vec<u8>,
    last: Vec<u8>,
}

impl RecentDigits {
    /// Whether there is nothing to remember.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.last.is_empty()
    }

    /// Takes up the sender's next message. Returns where in it a number ends that the ones before it began.
    pub(super) fn go_on(&mut self, scan: &Scan) -> Option<Range<usize>> {
        let found =
            (self.parts_before(scan) > 0).then(|| scan.lead.as_ref().map(|lead| lead.start..lead.end)).flatten();
        let last = std::mem::take(&mut self.last);
        self.before.clear();
        if let (None, Some(tail)) = (&found, &scan.tail) {
            self.last.clone_from(&tail.values);
            if scan.whole {
                self.before = last;
            }
        }
        found
    }

    /// How many of the last messages make a number together with this one: 0, 1 or 2.
    pub(super) fn parts_before(&self, scan: &Scan) -> usize {
        let Some(lead) = &scan.lead else { return 0 };
        if self.last.is_empty() {
            return 0;
        }
        let two = [self.last.as_slice(), &lead.values].concat();
        if is_split_mobile(&two) {
            return 1;
        }
        let three = [self.before.as_slice(), &self.last, &lead.values].concat();
        if !self.before.is_empty() && is_split_mobile(&three) { 2 } else { 0 }
    }
}
