//! Links to messengers.

use std::ops::Range;

use super::{
    super::steps::count,
    flat::Flat,
    words::{WORD_DOT, links_from},
};

impl Flat {
    pub(super) fn find_links(&self, found: &mut Vec<Range<usize>>) {
        let mut place = 0;
        while place < self.chars.len() {
            count(1);
            if !self.begins_word(place) {
                place += 1;
                continue;
            }
            let end = links_from(self.chars[place])
                .iter()
                .find_map(|(link, needs_name)| self.link_at(place, link, *needs_name));
            match end {
                Some(end) => {
                    found.push(self.range(place, end));
                    place = end;
                }
                None => place += 1,
            }
        }
    }

    /// Where a link ends that begins here; spaces around its dots and slashes don't hide it.
    fn link_at(&self, from: usize, link: &str, needs_name: bool) -> Option<usize> {
        let before = if from == 0 { ' ' } else { self.chars[from - 1] };
        if before.is_ascii_alphanumeric() || matches!(before, '-' | '_' | '@' | '\'') {
            return None;
        }
        // "don't.me" has a letter before it, "www.t.me" a dot; other hosts that end the same way are other hosts.
        if before == '.' && !(from >= 4 && self.chars[from - 4..from] == ['w', 'w', 'w', '.']) {
            return None;
        }
        let (mut place, mut loose) = (from, false);
        for expected in link.chars() {
            let joint = matches!(expected, '.' | '/');
            while self.at(place) == ' '
                && (joint || place > from && matches!(self.at(place - 1), '.' | '/' | ' ' | WORD_DOT))
            {
                count(1);
                place += 1;
                loose = true;
            }
            count(1);
            let found = self.at(place);
            let fits = found == expected
                || (expected == '.' && (found == WORD_DOT || found == ','))
                || (expected == '/' && found == '\\');
            if !fits {
                return None;
            }
            loose |= found != expected;
            place += 1;
        }
        if !link.ends_with('/') && self.at(place).is_ascii_alphanumeric() {
            return None;
        }
        let mut end = place;
        while self.at(end) == ' ' && loose && end < place + 2 {
            end += 1;
        }
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '+');
        if needs_name && !(is_name(self.at(end)) && is_name(self.at(end + 1))) {
            return None;
        }
        // What follows a space is a path only after a slash.
        if end > place && self.at(end) != '/' && !link.ends_with('/') {
            return Some(place);
        }
        // Read only here, where the link takes it: each character is in one path.
        let path = self.count_from(end, |c| c.is_ascii_graphic());
        Some(if path == 0 { place } else { end + path })
    }
}
