//! A text without disguise, and where each of its characters came from.

use std::ops::Range;

use super::{
    super::{
        characters::{Class, classify, plain},
        steps::count,
    },
    words::spelt_from,
};

/// A text without disguise, and where each of its characters came from.
pub(super) struct Flat {
    pub(super) chars: Vec<char>,
    spans: Vec<(u32, u32)>,
}

impl Flat {
    /// Flattens a text. One of 4 GiB or more has nothing in it.
    pub(super) fn new(text: &str) -> Self {
        if u32::try_from(text.len()).is_err() {
            return Self { chars: Vec::new(), spans: Vec::new() };
        }
        let length = text.chars().count();
        let mut flat = Self { chars: Vec::with_capacity(length), spans: Vec::with_capacity(length) };
        for (start, c) in text.char_indices() {
            if classify(c) != Class::Ignored {
                flat.chars.push(if c.is_whitespace() { ' ' } else { plain(c) });
                #[expect(clippy::cast_possible_truncation, reason = "the text's length fits")]
                flat.spans.push((start as u32, (start + c.len_utf8()) as u32));
            }
        }
        flat.read_spelt_signs();
        flat
    }

    /// Replaces signs that are spelt out by the signs, in place.
    fn read_spelt_signs(&mut self) {
        let (mut from, mut to) = (0, 0);
        while from < self.chars.len() {
            count(1);
            let (c, taken) = self.spelt_at(from).unwrap_or((self.chars[from], 1));
            self.chars[to] = c;
            self.spans[to] = (self.spans[from].0, self.spans[from + taken - 1].1);
            from += taken;
            to += 1;
        }
        self.chars.truncate(to);
        self.spans.truncate(to);
    }

    /// The sign that is spelt out here, and by how many characters.
    fn spelt_at(&self, place: usize) -> Option<(char, usize)> {
        let spelt = spelt_from(self.chars[place], self.at(place + 1));
        spelt.iter().find(|(word, _)| self.has(place + 1, word)).map(|(word, sign)| (*sign, 1 + word.chars().count()))
    }

    /// Whether a word stands here.
    pub(super) fn has(&self, place: usize, word: &str) -> bool {
        word.chars().enumerate().all(|(offset, expected)| {
            count(1);
            self.at(place + offset) == expected
        })
    }

    pub(super) fn at(&self, place: usize) -> char {
        self.chars.get(place).copied().unwrap_or('\0')
    }

    /// How many characters from a place on are of a kind.
    pub(super) fn count_from(&self, place: usize, is: impl Fn(char) -> bool) -> usize {
        let length = self.chars.get(place..).map_or(0, |rest| rest.iter().take_while(|c| is(**c)).count());
        count(1 + length);
        length
    }

    /// How many characters before a place are of a kind.
    pub(super) fn count_before(&self, place: usize, is: impl Fn(char) -> bool) -> usize {
        let length = self.chars[..place].iter().rev().take_while(|c| is(**c)).count();
        count(1 + length);
        length
    }

    /// Where characters came from, in bytes of the text.
    pub(super) fn range(&self, from: usize, to: usize) -> Range<usize> {
        self.spans[from].0 as usize..self.spans[to - 1].1 as usize
    }

    /// Whether a word of Latin letters begins here.
    pub(super) fn begins_word(&self, place: usize) -> bool {
        self.chars[place].is_ascii_alphabetic() && (place == 0 || !self.chars[place - 1].is_ascii_alphanumeric())
    }
}
