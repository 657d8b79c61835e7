//! The digits at both ends of a text: all that the masking rule has to know of a sender's other messages.

use super::{
    digits::{Ends, scan_head, scan_tail},
    read,
};
use crate::domain::fold::{Case, Folded};

/// Characters at each end of a text that are enough to know its ends, where only these are read.
pub const END_CHARS: i32 = 512;

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
}
