//! The digits at both ends of a text: all that the masking rule has to know of a sender's other messages.

use super::{
    digits::{Edge, scan_head, scan_tail},
    read,
};
use crate::domain::fold::{Case, Folded};

/// Characters at each end of a text that are enough to know its ends, where only these are read.
pub const END_CHARS: i32 = 512;

/// The digits at both ends of a text. At most 22 digits and where they stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ends {
    /// Digits that the text begins with.
    pub(super) lead: Option<Edge>,
    /// Digits that the text ends with.
    pub(super) tail: Option<Edge>,
    /// Whether the text is nothing but one run.
    pub(super) whole: bool,
}

impl Ends {
    /// The ends of a text of which the first [`END_CHARS`] are known and, where there are more, the last as many.
    #[must_use]
    pub fn of_parts(head: &str, tail: Option<&str>) -> Self {
        match tail {
            None => read(head).1,
            Some(tail) => {
                let (head, tail) = (Folded::new(head, Case::Kept), Folded::new(tail, Case::Kept));
                let (head, tail) = (scan_head(head.as_str()), scan_tail(tail.as_str()));
                Self { lead: head.ends.lead, tail: tail.ends.tail, whole: false }
            }
        }
    }

    /// Whether there are no digits at either end.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.lead.is_none() && self.tail.is_none()
    }
}
