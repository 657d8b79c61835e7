//! Numbers that are split over messages: the digits that a sender's last messages ended with.

use std::ops::Range;

use super::{
    digits::{EDGE_DIGITS_MAX, Ends, FewDigits},
    phone::is_split_mobile,
};

/// The digits at the end of a sender's last two messages, for as long as they may be the beginning of a number. Holds at
/// most 22 digits and nothing else of the messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RecentDigits {
    /// The message before the last, when the last was nothing but digits.
    before: FewDigits,
    last: FewDigits,
}

impl RecentDigits {
    /// Whether there is nothing to remember.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.last.as_slice().is_empty()
    }

    /// Takes up the sender's next message. Returns where in it a number ends that the ones before it began.
    pub(super) fn go_on(&mut self, ends: &Ends) -> Option<Range<usize>> {
        let found =
            (self.parts_before(ends) > 0).then(|| ends.lead.as_ref().map(|lead| lead.start..lead.end)).flatten();
        let last = std::mem::take(&mut self.last);
        self.before = FewDigits::default();
        if let (None, Some(tail)) = (&found, &ends.tail) {
            self.last = tail.digits;
            if ends.whole {
                self.before = last;
            }
        }
        found
    }

    /// How many of the last messages make a number together with this one: 0, 1 or 2.
    pub(super) fn parts_before(&self, ends: &Ends) -> usize {
        let Some(lead) = &ends.lead else { return 0 };
        let (before, last, lead) = (self.before.as_slice(), self.last.as_slice(), lead.digits.as_slice());
        if last.is_empty() {
            0
        } else if are_split_mobile(&[last, lead]) {
            1
        } else if !before.is_empty() && are_split_mobile(&[before, last, lead]) {
            2
        } else {
            0
        }
    }
}

/// Whether the digits of several messages are a mobile number together.
fn are_split_mobile(parts: &[&[u8]]) -> bool {
    let mut digits = [0; 3 * EDGE_DIGITS_MAX];
    let mut length = 0;
    for value in parts.iter().copied().flatten() {
        digits[length] = *value;
        length += 1;
    }
    is_split_mobile(&digits[..length])
}
