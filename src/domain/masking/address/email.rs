//! E-mail addresses, also where their signs are spelt out.
//!
//! What is read for one `@` lies between the one before it and the one after it, so that each character is read a few times
//! at most.

use std::ops::Range;

use super::{
    super::{
        characters::{Class, classify},
        steps::count,
    },
    flat::Flat,
    words::{DOT_COM, WORD_AT, WORD_DOT, providers_from},
};

/// One label of a domain: begin, end, and whether its dot was a word or had spaces around.
type Label = (usize, usize, bool);

impl Flat {
    pub(super) fn find_emails(&self, found: &mut Vec<Range<usize>>) {
        for at in 1..self.chars.len() {
            count(1);
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
        let spaces_before = self.count_before(at, |c| c == ' ');
        let local_end = at - spaces_before;
        let local = self.count_before(local_end, is_local);
        let local = match (local, spaces_before) {
            (0, _) => return None,
            (local, 0..=2) => local,
            _ => return None,
        };
        let from = local_end - local;
        let spaces_after = self.count_from(at + 1, |c| c == ' ');
        if spaces_after > 2 {
            return None;
        }
        let domain = at + 1 + spaces_after;
        let labels = self.labels(domain);
        let (first, last) = (labels.first()?, labels.last()?);
        let known = self.is_provider(first);
        let tight = spaces_before == 0 && spaces_after == 0;
        let top = &self.chars[last.0..last.1];
        let has_top = labels.len() >= 2 && (2..=24).contains(&top.len()) && top.iter().all(char::is_ascii_alphabetic);
        let good = if by_word {
            known && labels.len() >= 2 || has_top && labels.iter().any(|label| label.2)
        } else {
            known
                || has_top && tight && !labels.iter().any(|label| label.2)
                || has_top && labels.len() >= 2 && !tight && is_common_top(top)
        };
        good.then_some((from, last.1))
    }

    /// Whether a label is the name of a mail provider, or begins with one in Korean and a particle follows.
    fn is_provider(&self, label: &Label) -> bool {
        let (from, to, loose) = *label;
        providers_from(self.at(from)).iter().any(|provider| {
            self.has(from, provider)
                && match from + provider.chars().count() {
                    end if end == to => true,
                    end => end < to && !loose && !provider.is_ascii(),
                }
        })
    }

    /// The labels of a domain from a place on: begin, end, and whether its dot was a word or had spaces around.
    fn labels(&self, from: usize) -> Vec<Label> {
        let mut labels = Vec::new();
        let (mut place, mut loose) = (from, false);
        loop {
            let length = self.count_from(place, is_label);
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
                // The end of a sentence after an address is no part of it.
                if !self.common_top_at(next) {
                    return labels;
                }
            }
            place = next;
        }
    }

    fn common_top_at(&self, place: usize) -> bool {
        ["com", "net", "org", "co", "kr"]
            .iter()
            .any(|top| self.has(place, top) && !self.at(place + top.len()).is_ascii_alphanumeric())
    }
}

fn is_local(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '%' | '+' | '-')
}

fn is_label(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-' || matches!(classify(c), Class::Letter | Class::Spoken(_))
}

fn is_common_top(top: &[char]) -> bool {
    ["com", "net", "org", "kr", "co", "io"].iter().any(|known| top.iter().copied().eq(known.chars()))
}
