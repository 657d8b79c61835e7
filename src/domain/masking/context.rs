//! The words around a number, which say what it is.

use std::{cell::OnceCell, sync::LazyLock};

use aho_corasick::AhoCorasick;

use super::{
    digits::Run,
    steps::count,
    words_around::{ACCOUNT, CALLING, NO_ACCOUNT, NO_PHONE},
};

/// Bytes before a number in which words count.
const BEFORE: usize = 64;

/// Bytes after a number in which words count.
const AFTER: usize = 40;

/// What words say of the number next to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Says {
    /// One to call.
    Calling,
    /// No telephone number.
    NoPhone,
    /// A bank account.
    Account,
    /// No bank account.
    NoAccount,
}

/// All words, found in one pass, and what each says: a word may say several things.
struct Words {
    automaton: AhoCorasick,
    say: Vec<[bool; 4]>,
}

static WORDS: LazyLock<Words> = LazyLock::new(|| {
    let mut words: Vec<&str> = Vec::new();
    let mut say: Vec<[bool; 4]> = Vec::new();
    for (says, list) in [
        (Says::Calling, &CALLING[..]),
        (Says::NoPhone, &NO_PHONE),
        (Says::Account, &ACCOUNT),
        (Says::NoAccount, &NO_ACCOUNT),
    ] {
        for word in list {
            let place = words.iter().position(|known| known == word).unwrap_or_else(|| {
                words.push(word);
                say.push([false; 4]);
                words.len() - 1
            });
            say[place][says as usize] = true;
        }
    }
    #[expect(clippy::expect_used, reason = "the words are constants, and a test builds this")]
    let automaton = AhoCorasick::builder().ascii_case_insensitive(true).build(&words).expect("a few short words");
    Words { automaton, say }
});

/// The words around a run, inspected on first use.
pub(super) struct Context<'t> {
    before: &'t str,
    after: &'t str,
    nearest: OnceCell<Nearest>,
}

/// Where the nearest words of each kind begin, in bytes of what is before and after the run.
#[derive(Default)]
struct Nearest {
    last_before: [Option<usize>; 4],
    first_after: [Option<usize>; 4],
}

impl<'t> Context<'t> {
    /// Some words before and after a run.
    pub(super) fn around(text: &'t str, run: &Run) -> Self {
        let start = run.digits.first().map_or(0, |digit| digit.start);
        let end = run.digits.last().map_or(0, |digit| digit.end);
        let from = text.floor_char_boundary(start.saturating_sub(BEFORE));
        let to = text.floor_char_boundary((end + AFTER).min(text.len()));
        Self { before: &text[from..start], after: &text[end..to], nearest: OnceCell::new() }
    }

    /// Whether the nearest words say that this is a number to call.
    pub(super) fn is_calling(&self) -> bool {
        self.is_about(Says::Calling, Says::NoPhone)
    }

    /// Whether a unit follows: the digits count something.
    pub(super) fn is_counted(&self) -> bool {
        let after = self.after.trim_start().as_bytes();
        ["원", "건", "개", "명", "만", "krw", "usd", "won"]
            .iter()
            .any(|unit| after.get(..unit.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(unit.as_bytes())))
    }

    /// Whether a word that says one thing is nearer before the run than any that says another, or the first of both after
    /// it.
    pub(super) fn is_about(&self, about: Says, instead: Says) -> bool {
        let nearest = self.nearest.get_or_init(|| self.look());
        let (last, first) = (&nearest.last_before, &nearest.first_after);
        match (last[about as usize], last[instead as usize]) {
            (Some(about), Some(instead)) => about > instead,
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (None, None) => match (first[about as usize], first[instead as usize]) {
                (Some(about), Some(instead)) => about < instead,
                (found, _) => found.is_some(),
            },
        }
    }

    fn look(&self) -> Nearest {
        count(self.before.len() + self.after.len());
        let mut nearest = Nearest::default();
        for word in WORDS.automaton.find_overlapping_iter(self.before) {
            for (last, says) in nearest.last_before.iter_mut().zip(WORDS.say[word.pattern()]) {
                if says {
                    *last = (*last).max(Some(word.start()));
                }
            }
        }
        for word in WORDS.automaton.find_overlapping_iter(self.after) {
            for (first, says) in nearest.first_after.iter_mut().zip(WORDS.say[word.pattern()]) {
                if says {
                    *first = Some(first.map_or(word.start(), |first: usize| first.min(word.start())));
                }
            }
        }
        nearest
    }
}
