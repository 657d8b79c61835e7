//! Runs of digits as people write them around a rule: with gaps, in other alphabets, spelt out.

use super::{
    characters::{Class, classify, plain},
    steps::count,
};

/// Shortest run worth a look: a local number.
const RUN_DIGITS_MIN: usize = 7;

/// Characters that may stand between two digits of one number.
const GAP_CHARS_MAX: usize = 8;

/// What stands between a digit and the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gap {
    /// Nothing; also before the first digit of a run.
    None,
    /// One kind of sign, such as `-`, or only spaces.
    Plain(char),
    /// Several signs, or a word like "dash".
    Loose,
}

/// One digit and where it stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Digit {
    pub(super) value: u8,
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) gap: Gap,
    /// A syllable, word or letter that is read as a digit.
    pub(super) spoken: bool,
}

/// Digits with nothing but gaps between them.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) digits: Vec<Digit>,
    /// Where the word of Latin letters begins that touches the first digit.
    pub(super) word_before: Option<usize>,
}

/// Longest run that an [`Edge`] is made of: more is no part of a telephone number.
pub(super) const EDGE_DIGITS_MAX: usize = 11;

/// A few digits, in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct FewDigits {
    values: [u8; EDGE_DIGITS_MAX],
    len: u8,
}

impl FewDigits {
    pub(super) fn as_slice(&self) -> &[u8] {
        &self.values[..usize::from(self.len)]
    }
}

/// The digits at one end of a message, which a neighbour may go on with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Edge {
    pub(super) digits: FewDigits,
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Edge {
    fn of(run: &[Digit]) -> Option<Self> {
        let (first, last) = (run.first()?, run.last()?);
        let mut digits = FewDigits { len: u8::try_from(run.len()).ok()?, ..FewDigits::default() };
        let values = digits.values.get_mut(..run.len())?;
        for (value, digit) in values.iter_mut().zip(run) {
            *value = digit.value;
        }
        Some(Self { digits, start: first.start, end: last.end })
    }
}

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
    /// Whether there are no digits at either end.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.lead.is_none() && self.tail.is_none()
    }
}

/// What one reading of a text finds.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// Runs of at least seven digits.
    pub(super) runs: Vec<Run>,
    /// Digits that the text begins and ends with.
    pub(super) ends: Ends,
    /// Whether the rules for addresses have to look.
    pub(super) has_address_sign: bool,
}

/// Reads a text once. A text without digits, `@`, `.` or the name of a messenger allocates nothing.
pub(super) fn scan(text: &str) -> Scan {
    Scanner::default().read(text).finish(true)
}

/// Reads the beginning of a text that goes on.
pub(super) fn scan_head(head: &str) -> Scan {
    Scanner::default().read(head).finish(false)
}

/// Reads the end of a text that began earlier.
pub(super) fn scan_tail(tail: &str) -> Scan {
    Scanner { said_something: true, ..Scanner::default() }.read(tail).finish(true)
}

#[derive(Default)]
struct Scanner {
    found: Scan,
    digits: Vec<Digit>,
    /// Whether anything but gaps came before the current run.
    said_something: bool,
    gap: Option<Gap>,
    gap_chars: usize,
    word_before: Option<usize>,
    /// Where the last letters end, and where their word began.
    last_word: Option<(usize, usize)>,
}

impl Scanner {
    fn read(mut self, text: &str) -> Self {
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let at = text.len() - rest.len();
            let taken = self.take(c, rest, at);
            count(taken);
            rest = &rest[taken..];
        }
        self
    }

    /// Takes up what `rest` begins with and says how many bytes that is.
    fn take(&mut self, c: char, rest: &str, at: usize) -> usize {
        let bytes = c.len_utf8();
        match classify(c) {
            Class::Digit(value) => self.digit(value, at, at + bytes, false),
            Class::Spoken(value) => {
                self.found.has_address_sign |= c == '이' && rest.starts_with("이메일");
                self.digit(value, at, at + bytes, true);
            }
            Class::Ignored => {}
            Class::Gap => {
                let sign = if c.is_whitespace() { ' ' } else { plain(c) };
                let after = &rest[bytes..];
                self.found.has_address_sign |=
                    sign == '@' || (sign == '.' && joins(after)) || (sign == ':' && after.starts_with("//"));
                self.gap(sign);
            }
            Class::Latin => return self.word(rest, at),
            Class::Letter => {
                for word in ["다시", "하이픈", "대시", "대쉬", "그리고", "에", "의", "점"] {
                    if !self.digits.is_empty() && rest.starts_with(word) {
                        self.gap = Some(Gap::Loose);
                        self.gap_chars += 1;
                        return word.len();
                    }
                }
                // 골뱅이, 카톡, 텔레, 위챗, 인스타, 디코, 라인: a look, and no verdict.
                self.found.has_address_sign |=
                    matches!(c, '뱅' | '톡' | '텔' | '챗' | '스' | '디' | '라' | '닷' | '친');
                self.letters(at, at + bytes, false);
            }
        }
        bytes
    }

    fn digit(&mut self, value: u8, start: usize, end: usize, spoken: bool) {
        if self.gap_chars > GAP_CHARS_MAX {
            self.end_run(false);
            self.said_something = true;
        }
        if self.digits.is_empty() {
            self.word_before = self.last_word.filter(|(_, word_end)| *word_end == start).map(|(begin, _)| begin);
            self.gap = None;
        }
        let gap = self.gap.take().unwrap_or(Gap::None);
        self.gap_chars = 0;
        self.digits.push(Digit { value, start, end, gap, spoken });
    }

    fn gap(&mut self, sign: char) {
        if self.digits.is_empty() {
            return;
        }
        self.gap_chars += 1;
        self.gap = Some(match (self.gap, sign) {
            (None, sign) => Gap::Plain(sign),
            (Some(gap), ' ') => gap,
            (Some(Gap::Plain(' ')), sign) => Gap::Plain(sign),
            (Some(Gap::Plain(one)), sign) if one == sign => Gap::Plain(one),
            _ => Gap::Loose,
        });
    }

    /// A word of Latin letters: digits in words, letters that look like digits, or just a word.
    fn word(&mut self, rest: &str, at: usize) -> usize {
        let plain = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let end = match rest.as_bytes().get(plain) {
            Some(next) if !next.is_ascii() => rest.find(|c: char| classify(c) != Class::Latin).unwrap_or(rest.len()),
            _ => plain,
        };
        let word = &rest[..end];
        if word.len() > 40 {
            self.letters(at, at + end, true);
            return end;
        }
        let first = word.as_bytes()[0].to_ascii_lowercase();
        // Words that are digits begin with one of these, and so do o, l and I.
        if matches!(first, b'z' | b'o' | b't' | b'f' | b's' | b'e' | b'n' | b'l' | b'i') && self.spelt(word, at) {
            return end;
        }
        if !self.digits.is_empty() && ["dash", "hyphen", "then", "and"].iter().any(|gap| word.eq_ignore_ascii_case(gap))
        {
            self.gap = Some(Gap::Loose);
            self.gap_chars += 1;
            return end;
        }
        self.found.has_address_sign |= names_an_address(word);
        self.letters(at, at + end, true);
        end
    }

    /// Reads a word as digits. Words are tried longest first, so that "one" is not "o" and something.
    fn spelt(&mut self, word: &str, at: usize) -> bool {
        let mut found: [(u8, usize, usize); 16] = [(0, 0, 0); 16];
        let (mut count, mut place) = (0, 0);
        while place < word.len() {
            let rest = &word.as_bytes()[place..];
            let words: &[(&str, u8)] = match rest[0].to_ascii_lowercase() {
                b'z' => &[("zero", 0)],
                b'o' => &[("one", 1), ("oh", 0), ("o", 0)],
                b't' => &[("two", 2), ("three", 3)],
                b'f' => &[("four", 4), ("five", 5)],
                b's' => &[("six", 6), ("seven", 7)],
                b'e' => &[("eight", 8)],
                b'n' => &[("nine", 9)],
                // These only look like a digit.
                b'l' => &[("l", 1)],
                b'i' => &[("i", 1)],
                _ => return false,
            };
            let spelt = words
                .iter()
                .find(|(name, _)| rest.len() >= name.len() && rest[..name.len()].eq_ignore_ascii_case(name.as_bytes()));
            let Some((name, value)) = spelt else { return false };
            let (value, bytes) = (*value, name.len());
            if count == found.len() {
                return false;
            }
            found[count] = (value, at + place, at + place + bytes);
            count += 1;
            place += bytes;
        }
        for (value, start, end) in &found[..count] {
            self.digit(*value, *start, *end, true);
        }
        true
    }

    fn letters(&mut self, start: usize, end: usize, latin: bool) {
        self.end_run(false);
        self.said_something = true;
        self.last_word = latin.then_some((start, end));
    }

    fn end_run(&mut self, at_end: bool) {
        self.gap_chars = 0;
        self.gap = None;
        if self.digits.is_empty() {
            return;
        }
        let digits = std::mem::take(&mut self.digits);
        if !self.said_something {
            // A syllable that goes on as a word is none of the digits before it: 5678이요.
            let spoken = digits.iter().rev().take_while(|digit| !at_end && digit.spoken).count();
            let number = if spoken < digits.len() { &digits[..digits.len() - spoken] } else { &digits };
            self.found.ends.lead = Edge::of(number);
            self.found.ends.whole = at_end && self.found.ends.lead.is_some();
        }
        if at_end {
            self.found.ends.tail = Edge::of(&digits);
        }
        if digits.len() >= RUN_DIGITS_MIN {
            self.found.runs.push(Run { digits, word_before: self.word_before });
        }
    }

    /// Ends the reading. `at_end`: this is where the text ends.
    fn finish(mut self, at_end: bool) -> Scan {
        self.end_run(at_end);
        self.found
    }
}

/// Whether a dot may be one inside an address, by what comes after it: most dots end a sentence.
fn joins(after: &str) -> bool {
    let next = after.trim_start_matches([' ', ')', ']']);
    count(after.len() - next.len());
    if next.len() == after.len() {
        return next.chars().next().is_some_and(|c| !c.is_ascii_digit() && matches!(classify(c), Class::Latin));
    }
    ["me", "com", "co", "gg", "kakao", "net"].iter().any(|top| {
        let begins = next.get(..top.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(top));
        begins && !next[top.len()..].starts_with(|c: char| c.is_ascii_alphanumeric())
    })
}

/// Whether a word is one that addresses are written with.
fn names_an_address(word: &str) -> bool {
    let words: &[&str] = match word.as_bytes().first().map(u8::to_ascii_lowercase) {
        Some(b'd') => &["dot", "discord", "daum"],
        Some(b'g') => &["gmail"],
        Some(b'h') => &["hanmail", "hotmail"],
        Some(b'i') => &["id", "insta", "instagram", "icloud"],
        Some(b'k') => &["kakao", "kakaotalk", "katalk", "ktalk", "kkt"],
        Some(b'n') => &["naver"],
        Some(b'o') => &["outlook"],
        Some(b's') => &["snapchat", "skype"],
        Some(b't') => &["telegram"],
        Some(b'v') => &["viber"],
        Some(b'w') => &["whatsapp", "wechat", "weixin"],
        Some(b'y') => &["yahoo"],
        Some(other) => return !other.is_ascii(),
        None => return false,
    };
    words.iter().any(|known| known.eq_ignore_ascii_case(word))
}
