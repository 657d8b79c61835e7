//! E-mail addresses, links to messengers, and names to be found by there.

mod words;

use std::ops::Range;

use super::characters::{Class, classify, plain};
use words::{DOT_COM, LINKS, MESSENGERS, NAMES, PROVIDERS, SPELT, WORD_AT, WORD_DOT};

/// A text without disguise, and where each of its characters came from.
struct Flat {
    chars: Vec<char>,
    spans: Vec<(usize, usize)>,
}

/// Addresses and messengers of a text, in the order of the rules, not of the text.
pub(super) fn find(text: &str, emails: &mut Vec<Range<usize>>, messengers: &mut Vec<Range<usize>>) {
    let flat = Flat::new(text);
    flat.find_emails(emails);
    flat.find_links(messengers);
    flat.find_names(messengers);
}

impl Flat {
    fn new(text: &str) -> Self {
        let mut plain_chars = Vec::with_capacity(text.len());
        for (start, c) in text.char_indices() {
            if classify(c) != Class::Ignored {
                let flat = if c.is_whitespace() { ' ' } else { plain(c) };
                plain_chars.push((flat, start, start + c.len_utf8()));
            }
        }
        let mut flat =
            Self { chars: Vec::with_capacity(plain_chars.len()), spans: Vec::with_capacity(plain_chars.len()) };
        let mut place = 0;
        while let Some((c, start, end)) = plain_chars.get(place).copied() {
            let spelt = matches!(c, '(' | '[' | '{' | '<' | ' ' | '골' | '닷' | '쩜' | '점')
                .then(|| {
                    SPELT.iter().find(|(word, _)| {
                        word.chars().enumerate().all(|(offset, expected)| {
                            plain_chars.get(place + offset).is_some_and(|(c, ..)| *c == expected)
                        })
                    })
                })
                .flatten();
            let (c, end, taken) = match spelt {
                Some((word, sign)) => {
                    let taken = word.chars().count();
                    (*sign, plain_chars[place + taken - 1].2, taken)
                }
                None => (c, end, 1),
            };
            flat.chars.push(c);
            flat.spans.push((start, end));
            place += taken;
        }
        flat
    }

    fn at(&self, place: usize) -> char {
        self.chars.get(place).copied().unwrap_or('\0')
    }

    fn range(&self, from: usize, to: usize) -> Range<usize> {
        self.spans[from].0..self.spans[to - 1].1
    }

    // ---- e-mail -----------------------------------------------------------------------------------------------------

    fn find_emails(&self, found: &mut Vec<Range<usize>>) {
        for at in 1..self.chars.len() {
            let sign = self.chars[at];
            if !matches!(sign, '@' | WORD_AT) {
                continue;
            }
            if let Some((from, to)) = self.email_around(at, sign == WORD_AT) {
                found.push(self.range(from, to));
            }
        }
    }

    fn email_around(&self, at: usize, by_word: bool) -> Option<(usize, usize)> {
        let spaces_before = self.chars[..at].iter().rev().take_while(|c| **c == ' ').count();
        let local_end = at - spaces_before;
        let local = self.chars[..local_end].iter().rev().take_while(|c| is_local(**c)).count();
        let local = match (local, spaces_before) {
            (0, _) => return None,
            (local, 0..=2) => local,
            _ => return None,
        };
        let from = local_end - local;
        let spaces_after = self.chars[at + 1..].iter().take_while(|c| **c == ' ').count();
        if spaces_after > 2 {
            return None;
        }
        let domain = at + 1 + spaces_after;
        let labels = self.labels(domain);
        let (first, last) = (labels.first()?, labels.last()?);
        let text = |label: &(usize, usize, bool)| self.chars[label.0..label.1].iter().collect::<String>();
        let known = PROVIDERS.iter().any(|provider| {
            text(first) == *provider || text(first).starts_with(provider) && !first.2 && !provider.is_ascii()
        });
        let tight = spaces_before == 0 && spaces_after == 0;
        let top = text(last);
        let has_top =
            labels.len() >= 2 && (2..=24).contains(&top.len()) && top.chars().all(|c| c.is_ascii_alphabetic());
        let good = if by_word {
            known && labels.len() >= 2 || has_top && labels.iter().any(|label| label.2)
        } else {
            known
                || has_top && tight && !labels.iter().any(|label| label.2)
                || has_top && labels.len() >= 2 && !tight && self.is_common_top(&top)
        };
        good.then_some((from, last.1))
    }

    fn is_common_top(&self, top: &str) -> bool {
        matches!(top, "com" | "net" | "org" | "kr" | "co" | "io")
    }

    /// The labels of a domain from a place on: begin, end, and whether its dot was a word or had spaces around.
    fn labels(&self, from: usize) -> Vec<(usize, usize, bool)> {
        let mut labels = Vec::new();
        let (mut place, mut loose) = (from, false);
        loop {
            let length = self.chars[place.min(self.chars.len())..]
                .iter()
                .take_while(|c| {
                    c.is_ascii_alphanumeric() || **c == '-' || matches!(classify(**c), Class::Letter | Class::Spoken(_))
                })
                .count();
            if length == 0 || labels.len() == 5 {
                return labels;
            }
            labels.push((place, place + length, loose));
            place += length;
            let mut next = place;
            while self.at(next) == ' ' && next < place + 2 {
                next += 1;
            }
            let spaced = next > place;
            match self.at(next) {
                DOT_COM => {
                    labels.push((next, next + 1, true));
                    return labels;
                }
                '.' | ',' if self.at(next) == '.' || self.common_top_at(next + 1) => {}
                WORD_DOT => {}
                _ => return labels,
            }
            loose = spaced || self.at(next) != '.';
            next += 1;
            let after = next;
            while self.at(next) == ' ' && next < after + 2 {
                next += 1;
            }
            if next > after {
                loose = true;
                // A sentence that ends behind an address is no part of it.
                if !self.common_top_at(next) {
                    return labels;
                }
            }
            place = next;
        }
    }

    fn common_top_at(&self, place: usize) -> bool {
        ["com", "net", "org", "co", "kr"].iter().any(|top| {
            let end = place + top.len();
            top.chars().enumerate().all(|(offset, c)| self.at(place + offset) == c)
                && !self.at(end).is_ascii_alphanumeric()
        })
    }

    // ---- messengers -------------------------------------------------------------------------------------------------

    fn find_links(&self, found: &mut Vec<Range<usize>>) {
        let mut place = 0;
        while place < self.chars.len() {
            if !self.begins_word(place) {
                place += 1;
                continue;
            }
            let end = LINKS.iter().find_map(|(link, needs_name)| self.link_at(place, link, *needs_name));
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
        if !link.starts_with(self.chars[from]) {
            return None;
        }
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
                place += 1;
                loose = true;
            }
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
        let path = self.chars[end..].iter().take_while(|c| c.is_ascii_graphic()).count();
        let name = self.chars[end..].iter().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '+')).count();
        match needs_name {
            true if name < 2 => None,
            _ if path == 0 => Some(place),
            // What follows a space is a path only behind a slash.
            _ if end > place && self.at(end) != '/' && !link.ends_with('/') => Some(place),
            _ => Some(end + path),
        }
    }

    /// "카톡 아이디 hong77", "telegram @hong": a messenger, what says that a name follows, and a name.
    fn find_names(&self, found: &mut Vec<Range<usize>>) {
        let mut place = 0;
        while place < self.chars.len() {
            let may_begin = match self.chars[place] {
                'k' | 't' | 'w' | 'l' | 'd' | 'i' | 'v' | 's' => self.begins_word(place),
                first => matches!(first, '카' | '까' | 'ㅋ' | '갠' | '오' | '텔' | '라' | '위' | '디' | '인' | '왓'),
            };
            if !may_begin {
                place += 1;
                continue;
            }
            match MESSENGERS.iter().find_map(|name| self.word_at(place, name)) {
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

    /// Whether a word of Latin letters begins here.
    fn begins_word(&self, place: usize) -> bool {
        self.chars[place].is_ascii_alphabetic() && (place == 0 || !self.chars[place - 1].is_ascii_alphanumeric())
    }

    fn word_at(&self, place: usize, word: &str) -> Option<usize> {
        let length = word.chars().count();
        let fits = word.chars().enumerate().all(|(offset, c)| self.at(place + offset) == c);
        if !fits {
            return None;
        }
        if word.is_ascii() {
            let before = place > 0 && self.chars[place - 1].is_ascii_alphanumeric();
            if before || self.at(place + length).is_ascii_alphanumeric() && !self.id_at(place + length) {
                return None;
            }
        }
        Some(place + length)
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
            if let Some(end) = NAMES.iter().find_map(|name| {
                let fits = name.chars().enumerate().all(|(offset, c)| self.at(place + offset) == c);
                let end = place + name.chars().count();
                let whole = !name.starts_with(|c: char| c.is_ascii_alphabetic())
                    || !self.at(end).is_ascii_alphanumeric()
                        && (place == 0 || !self.chars[place - 1].is_ascii_alphanumeric());
                (fits && whole).then_some(end)
            }) {
                announced = true;
                place = end;
                continue;
            }
            let word = self.chars[place..].iter().take_while(|c| is_name(**c)).count();
            if word > 0 {
                let name = &self.chars[place..place + word];
                let letter = name.iter().any(char::is_ascii_alphabetic);
                let marked = name.iter().any(|c| c.is_ascii_digit() || *c == '_');
                let marked = name.contains(&'_') || marked && self.chars[from..place].contains(&':');
                if letter && word >= 4 && (announced && !is_filler(name) || marked) {
                    return Some((place, place + word));
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
}

fn is_local(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '%' | '+' | '-')
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-')
}

/// English words that stand between "id" and a name.
fn is_filler(name: &[char]) -> bool {
    let name: String = name.iter().collect();
    matches!(
        name.as_str(),
        "please"
            | "there"
            | "with"
            | "here"
            | "your"
            | "mine"
            | "have"
            | "card"
            | "when"
            | "that"
            | "this"
            | "from"
            | "story"
            | "link"
            | "post"
            | "number"
            | "them"
            | "theirs"
            | "which"
            | "will"
            | "about"
    )
}
