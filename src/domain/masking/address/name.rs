//! Names to be found by at a messenger.

use std::ops::Range;

use super::{
    super::steps::count,
    flat::Flat,
    words::{FILLERS, messengers_from, names_from},
};

/// Characters of a word that are looked at to say whether it is a name.
const NAME_LOOK: usize = 64;

impl Flat {
    /// "카톡 아이디 hong77", "telegram @hong": a messenger, what says that a name follows, and a name.
    pub(super) fn find_names(&self, found: &mut Vec<Range<usize>>) {
        let mut place = 0;
        while place < self.chars.len() {
            count(1);
            let names = messengers_from(self.chars[place]);
            match names.iter().find_map(|name| self.messenger_at(place, name)) {
                Some(end) => {
                    if let Some((from, to)) = self.name_after(end) {
                        found.push(self.range(from, to));
                        place = to;
                    } else {
                        place = end;
                    }
                }
                None => place += 1,
            }
        }
    }

    /// Where the name of a messenger ends that begins here.
    fn messenger_at(&self, place: usize, name: &str) -> Option<usize> {
        if !self.has(place, name) {
            return None;
        }
        let end = place + name.chars().count();
        if name.is_ascii() {
            let before = place > 0 && self.chars[place - 1].is_ascii_alphanumeric();
            if before || self.at(end).is_ascii_alphanumeric() && !self.id_at(end) {
                return None;
            }
        }
        Some(end)
    }

    fn id_at(&self, place: usize) -> bool {
        self.at(place) == 'i' && self.at(place + 1) == 'd' && !self.at(place + 2).is_ascii_alphanumeric()
    }

    /// A name that is announced within a few characters.
    fn name_after(&self, from: usize) -> Option<(usize, usize)> {
        const DISTANCE: usize = 14;
        let mut announced = false;
        let mut place = from;
        while place < self.chars.len() && place < from + DISTANCE {
            if let Some(end) = names_from(self.chars[place]).iter().find_map(|name| self.announced_at(place, name)) {
                announced = true;
                place = end;
                continue;
            }
            let word = self.chars[place..].iter().take(NAME_LOOK).take_while(|c| is_name(**c)).count();
            count(1 + word);
            if word > 0 {
                let name = &self.chars[place..place + word];
                let letter = name.iter().any(char::is_ascii_alphabetic);
                let marked = name.iter().any(|c| c.is_ascii_digit() || *c == '_');
                let marked = name.contains(&'_') || marked && self.chars[from..place].contains(&':');
                if letter && word >= 4 && (announced && !is_filler(name) || marked) {
                    // The rest of it is read only where it is taken.
                    return Some((place, place + self.count_from(place, is_name)));
                }
                place += word;
                continue;
            }
            // A sentence ends the search.
            if matches!(self.chars[place], '.' | '?' | '!' | '\n') {
                return None;
            }
            place += 1;
        }
        None
    }

    /// Where a word ends that says that a name follows.
    fn announced_at(&self, place: usize, word: &str) -> Option<usize> {
        if !self.has(place, word) {
            return None;
        }
        let end = place + word.chars().count();
        let whole = !word.starts_with(|c: char| c.is_ascii_alphabetic())
            || !self.at(end).is_ascii_alphanumeric() && (place == 0 || !self.chars[place - 1].is_ascii_alphanumeric());
        whole.then_some(end)
    }
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-')
}

/// Whether a word only stands between "id" and a name.
fn is_filler(name: &[char]) -> bool {
    FILLERS.iter().any(|filler| name.iter().copied().eq(filler.chars()))
}
