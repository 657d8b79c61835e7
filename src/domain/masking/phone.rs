//! Telephone numbers: Korean ones in any disguise, others in the shapes that people write them in.

use std::ops::Range;

use super::{
    context::{Context, Says},
    digits::{Digit, Gap, Run},
    steps::count,
};

/// Words that may touch a number and belong to it.
const PREFIXES: [&str; 10] = ["tel", "phone", "hp", "p", "m", "call", "no", "mobile", "cell", "num"];

/// The numbers in one run of digits.
pub(super) fn find(text: &str, run: &Run, context: &Context<'_>, found: &mut Vec<Range<usize>>) {
    let digits = &run.digits;
    let mut from = 0;
    while from < digits.len() {
        count(1);
        let length = match begins_number(text, run, from) {
            true => number_at(text, run, context, from),
            false => None,
        };
        match length {
            Some(length) => {
                found.push(span(text, run, from, length));
                from += length;
            }
            None => from += 1,
        }
    }
}

/// Whether digits that neighbouring messages add up to are a mobile number.
pub(super) fn is_split_mobile(values: &[u8]) -> bool {
    match values {
        [0, 1, 0, rest @ ..] => rest.len() == 8,
        [0, 1, 1 | 6 | 7 | 8 | 9, rest @ ..] => rest.len() == 7 || rest.len() == 8,
        [8, 2, 1, 0, rest @ ..] => rest.len() == 8,
        _ => false,
    }
}

fn begins_number(text: &str, run: &Run, at: usize) -> bool {
    if at > 0 {
        return run.digits[at].gap != Gap::None || run.digits[at - 1].spoken != run.digits[at].spoken;
    }
    run.word_before.is_none_or(|begin| {
        let word = &text[begin..run.digits[0].start];
        PREFIXES.iter().any(|prefix| prefix.eq_ignore_ascii_case(word))
    })
}

fn ends_number(digits: &[Digit], end: usize) -> bool {
    digits.get(end).is_none_or(|next| next.gap != Gap::None || next.spoken)
}

/// How many digits from `at` on are a number.
fn number_at(text: &str, run: &Run, context: &Context<'_>, at: usize) -> Option<usize> {
    let digits = &run.digits[at..];
    let value = |place: usize| digits.get(place).map(|digit| digit.value);
    if value(0) == Some(0) && value(1) == Some(1) {
        for length in [11, 10] {
            if digits.len() >= length && ends_number(digits, length) && is_mobile(&digits[..length]) {
                return Some(length);
            }
        }
    }
    if digits.iter().take(7).any(|digit| digit.spoken) {
        return None;
    }
    if has_plus(text, digits[0].start) {
        return international(digits);
    }
    let groups = Groups::of(digits);
    if let Some(length) = domestic(text, digits, &groups, context) {
        return Some(length);
    }
    (context.is_calling() && !context.is_counted() && at == 0).then(|| bare(digits, &groups)).flatten()
}

/// 010 and eight digits however they are kept apart; 011 and the other old ones only as they are usually written. What
/// begins with a group of two is a date or a time.
fn is_mobile(digits: &[Digit]) -> bool {
    let gap_at = |place: usize| digits.get(place).is_some_and(|digit| digit.gap != Gap::None);
    if gap_at(2) && !gap_at(1) {
        return false;
    }
    match (digits[2].value, digits.len()) {
        (0, 11) => true,
        (1 | 6 | 7 | 8 | 9, length) => {
            let spoken = digits.iter().any(|digit| digit.spoken);
            let usual = digits
                .iter()
                .enumerate()
                .skip(1)
                .all(|(place, digit)| digit.gap == Gap::None || place == 3 || place == length - 4);
            let exchange = digits[3].value >= 2;
            exchange && (spoken || usual)
        }
        _ => false,
    }
}

/// Groups that are looked at: no shape has more than four, and a fifth says that there are more.
const GROUPS_MAX: usize = 5;

/// Digits of a group that are counted: no shape has a longer one than 12.
const GROUP_DIGITS_MAX: usize = 17;

/// The groups that gaps make, as far as each gap is plain. Only as many as some shape asks for: these are looked at for each
/// digit that may begin a number.
struct Groups {
    lengths: [usize; GROUPS_MAX],
    signs: [char; GROUPS_MAX],
    len: usize,
}

impl Groups {
    fn of(digits: &[Digit]) -> Self {
        let mut groups = Self { lengths: [0; GROUPS_MAX], signs: [' '; GROUPS_MAX], len: 0 };
        for (place, digit) in digits.iter().enumerate() {
            count(1);
            let sign = match digit.gap {
                Gap::None if place > 0 && !digit.spoken => {
                    let length = &mut groups.lengths[groups.len - 1];
                    *length += 1;
                    if *length == GROUP_DIGITS_MAX {
                        break;
                    }
                    continue;
                }
                _ if place == 0 => ' ',
                Gap::Plain(sign) if !digit.spoken => sign,
                Gap::Loose if !digit.spoken => '?',
                _ => break,
            };
            groups.lengths[groups.len] = 1;
            groups.signs[groups.len] = sign;
            groups.len += 1;
            if groups.len == GROUPS_MAX {
                break;
            }
        }
        groups
    }

    fn lengths(&self) -> &[usize] {
        &self.lengths[..self.len]
    }

    /// What stands before a group; a space before one that isn't there.
    fn sign(&self, group: usize) -> char {
        self.signs[group]
    }
}

/// +82 10 1234 5678, +1 (415) 555-2671 and their like (ITU-T E.164: at most 15 digits).
fn international(digits: &[Digit]) -> Option<usize> {
    let length = digits
        .iter()
        .enumerate()
        .position(|(place, digit)| {
            let inside = match digit.gap {
                Gap::None => true,
                Gap::Plain(sign) => matches!(sign, ' ' | '-' | '.' | '(' | ')'),
                Gap::Loose => true,
            };
            place > 0 && (!inside || digit.spoken) || place == 15
        })
        .unwrap_or(digits.len());
    // A price with a plus, as in +1000000원, has no country code that begins with 0, and no zeros to its end.
    let round = digits[..length].iter().rev().take(4).all(|digit| digit.value == 0);
    (length >= 9 && digits[0].value != 0 && !round).then_some(length)
}

/// Numbers with the shape of one country: 02-123-4567, 070-1234-5678, (415) 555-2671, 07700 900123.
fn domestic(text: &str, digits: &[Digit], groups: &Groups, context: &Context<'_>) -> Option<usize> {
    let value = |place: usize| digits.get(place).map_or(10, |digit| digit.value);
    let lengths = groups.lengths();
    let sign = groups.sign(1);
    let written = matches!(sign, '-' | '.' | ')' | ' ' | '~' | '/' | '?' | '_');
    let area = match (value(0), value(1), value(2)) {
        (0, 2, _) => Some(2),
        (0, 3..=6, 1..=5) | (0, 7, 0) => Some(3),
        (0, 5, 0) => Some(4),
        // Japan. Its 080 is a company's free number in Korea.
        (0, 9, 0) => Some(3),
        _ => None,
    };
    if let Some(area) = area {
        let rest = match lengths {
            [first, 3 | 4, 4, ..] if *first == area && written => Some(lengths[1] + 4),
            [first, 7 | 8, ..] if *first == area && written && area > 2 => Some(lengths[1]),
            [first, ..] if *first == area + 7 && area > 2 => Some(7),
            [first, ..] if *first == area + 8 => Some(8),
            _ => None,
        };
        // 050 numbers also come as 3-4-4.
        let rest = rest.or(match lengths {
            [3, 4, 4, ..] if area == 4 && written => Some(7),
            _ => None,
        });
        if let Some(rest) = rest {
            return Some(area + rest);
        }
    }
    // The United Kingdom's mobile numbers.
    if value(0) == 0 && value(1) == 7 {
        match lengths {
            [5, 6, ..] | [5, 3, 3, ..] | [11, ..] => return Some(11),
            _ => {}
        }
    }
    let us = value(0) >= 2 && value(3) >= 2 && value(0) <= 9;
    let toll_free = value(0) == 8 && value(1) == value(2) && value(1) != 10;
    let bracketed = text[..digits[0].start].ends_with('(');
    if us && context.is_about(Says::NoPhone, Says::Calling) {
        return None;
    }
    match lengths {
        [3, 3, 4, ..] if us && !toll_free => {
            let dashes = groups.sign(2) == '-' && matches!(groups.sign(1), '-' | ')' | ' ');
            let dots = groups.sign(1) == '.' && groups.sign(2) == '.';
            let brackets = bracketed && groups.sign(1) == ')';
            (dashes || dots || brackets).then_some(10)
        }
        // With the country's 1, and no plus.
        [1, 3, 3, 4, ..] if value(0) == 1 && groups.sign(2) == '-' && groups.sign(3) == '-' && value(1) >= 2 => {
            let toll_free = value(1) == 8 && value(2) == value(3);
            (!toll_free).then_some(11)
        }
        _ => None,
    }
}

/// Numbers that are only known by the words around them: "call me 4155552671", "전화 5678-1234".
fn bare(digits: &[Digit], groups: &Groups) -> Option<usize> {
    let lengths = groups.lengths();
    let first = digits[0].value;
    let head = u32::from(first) * 10 + u32::from(digits[1].value);
    match lengths {
        // 1588-0000 and its like are a company's, 2024-1123 is a date.
        [4, 4] if first >= 2 && !matches!(head, 19 | 20) && matches!(groups.sign(1), '-' | ' ' | '.') => Some(8),
        [8] if first >= 2 && !matches!(head, 20) => Some(8),
        [10] if first >= 2 => Some(10),
        [3, 3, 4] if first >= 2 => Some(10),
        [3, 4] if first >= 2 && groups.sign(1) == '-' => Some(7),
        // China.
        [11] | [3, 4, 4] if first == 1 && digits[1].value >= 3 => Some(11),
        _ => None,
    }
}

fn has_plus(text: &str, start: usize) -> bool {
    let before = text[..start].trim_end_matches(['(', ' ']);
    count(start - before.len());
    let Some(before) = before.strip_suffix(['+', '＋', '﹢', '➕']) else { return false };
    // A sum is no country code.
    !before.ends_with(|c: char| c.is_ascii_digit())
}

fn span(text: &str, run: &Run, from: usize, length: usize) -> Range<usize> {
    let (first, last) = (run.digits[from], run.digits[from + length - 1]);
    let before = text[..first.start].trim_end_matches(['(', ' ']);
    let start = match before.strip_suffix(['+', '＋', '﹢', '➕']) {
        Some(sign) => sign.len(),
        None => first.start,
    };
    start..last.end
}
