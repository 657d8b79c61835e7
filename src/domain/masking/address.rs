//! E-mail addresses, links to messengers, and names to be found by there.

mod email;
mod flat;
mod link;
mod name;
mod words;

use std::ops::Range;

use flat::Flat;

/// Addresses and messengers of a text, in the order of the rules, not of the text.
pub(super) fn find(text: &str, emails: &mut Vec<Range<usize>>, messengers: &mut Vec<Range<usize>>) {
    let flat = Flat::new(text);
    flat.find_emails(emails);
    flat.find_links(messengers);
    flat.find_names(messengers);
}
