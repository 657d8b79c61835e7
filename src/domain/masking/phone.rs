//! Telephone numbers: Korean ones in any disguise, others in the shapes that people write them in.

use std::ops::Range;

use super::digits::{Digit, Gap, Run};

/// Words that may touch a number and belong to it.
const PREFIXES: [&str; 10] = ["tel", "phone", "hp", "p", "m", "call", "no", "mobile", "cell", "num"];

/// Words that say that the number beside them is one to call.
const CALLING: [&str; 22] = [
    "전화",
    "연락",
    "문자",
    "핸드폰",
    "휴대폰",
    "폰번",
    "폰 번",
    "핸폰",
    "번호는",
    "제 번호",
    "내 번호",
    "call",
    "text me",
    "phone",
    "whatsapp",
    "my number",
    "mobile",
    "cell",
    "reach me",
    "tel",
    "wechat",
    "微信",
];

/// Words that say that the number beside them is something else.
const COUNTING: [&str; 17] = [
    "주문",
    "송장",
    "운송장",
    "모델",
    "시리얼",
    "일련",
    "접수",
    "예약",
    "우편",
    "바코드",
    "isbn",
    "order",
    "tracking",
    "serial",
    "model",
    "part no",
    "s/n",
];

/// The numbers in one run of digits.
pub(super) fn find(text: &str, run: &Run, found: &mut Vec<Range<usize>>) {
    let digits = &run.digits;
    let mut from = 0;
    while from < digits.len() {
        let length = match begins_number(text, run, from) {
            true => number_at(text, run, from),
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
fn number_at(text: &str, run: &Run, at: usize) -> Option<usize> {
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
    let groups = groups(digits);
    let context = Context::around(text, run);
    if let Some(length) = domestic(text, digits, &groups, &context) {
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

/// Lengths of the groups that gaps make, as far as each gap is plain.
fn groups(digits: &[Digit]) -> Vec<(usize, char)> {
    let mut groups: Vec<(usize, char)> = Vec::with_capacity(4);
    for (place, digit) in digits.iter().enumerate() {
        match digit.gap {
            Gap::None if place > 0 && !digit.spoken => {
                if let Some(last) = groups.last_mut() {
                    last.0 += 1;
                }
            }
            _ if place == 0 => groups.push((1, ' ')),
            Gap::Plain(sign) if !digit.spoken => groups.push((1, sign)),
            Gap::Loose if !digit.spoken => groups.push((1, '?')),
            _ => break,
        }
    }
    groups
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
fn domestic(text: &str, digits: &[Digit], groups: &[(usize, char)], context: &Context) -> Option<usize> {
    let value = |place: usize| digits.get(place).map_or(10, |digit| digit.value);
    let lengths: Vec<usize> = groups.iter().map(|(length, _)| *length).collect();
    let sign = groups.get(1).map_or(' ', |(_, sign)| *sign);
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
        let rest = match lengths.as_slice() {
            [first, 3 | 4, 4, ..] if *first == area && written => Some(lengths[1] + 4),
            [first, 7 | 8, ..] if *first == area && written && area > 2 => Some(lengths[1]),
            [first, ..] if *first == area + 7 && area > 2 => Some(7),
            [first, ..] if *first == area + 8 => Some(8),
            _ => None,
        };
        // 050 numbers also come as 3-4-4.
        let rest = rest.or(match lengths.as_slice() {
            [3, 4, 4, ..] if area == 4 && written => Some(7),
            _ => None,
        });
        if let Some(rest) = rest {
            return Some(area + rest);
        }
    }
    // The United Kingdom's mobile numbers.
    if value(0) == 0 && value(1) == 7 {
        match lengths.as_slice() {
            [5, 6, ..] | [5, 3, 3, ..] | [11, ..] => return Some(11),
            _ => {}
        }
    }
    let us = value(0) >= 2 && value(3) >= 2 && value(0) <= 9;
    let toll_free = value(0) == 8 && value(1) == value(2) && value(1) != 10;
    let bracketed = text[..digits[0].start].ends_with('(');
    if us && context.is_about(&COUNTING, &CALLING) {
        return None;
    }
    match lengths.as_slice() {
        [3, 3, 4, ..] if us && !toll_free => {
            let dashes = groups[2].1 == '-' && matches!(groups[1].1, '-' | ')' | ' ');
            let dots = groups[1].1 == '.' && groups[2].1 == '.';
            let brackets = bracketed && groups[1].1 == ')';
            (dashes || dots || brackets).then_some(10)
        }
        // With the country's 1, and no plus.
        [1, 3, 3, 4, ..] if value(0) == 1 && groups[2].1 == '-' && groups[3].1 == '-' && value(1) >= 2 => {
            let toll_free = value(1) == 8 && value(2) == value(3);
            (!toll_free).then_some(11)
        }
        _ => None,
    }
}

/// Numbers that are only known by the words around them: "call me 4155552671", "전화 5678-1234".
fn bare(digits: &[Digit], groups: &[(usize, char)]) -> Option<usize> {
    let lengths: Vec<usize> = groups.iter().map(|(length, _)| *length).collect();
    let first = digits[0].value;
    let head = u32::from(first) * 10 + u32::from(digits[1].value);
    match lengths.as_slice() {
        // 1588-0000 and its like are a company's, 2024-1123 is a date.
        [4, 4] if first >= 2 && !matches!(head, 19 | 20) && matches!(groups[1].1, '-' | ' ' | '.') => Some(8),
        [8] if first >= 2 && !matches!(head, 20) => Some(8),
        [10] if first >= 2 => Some(10),
        [3, 3, 4] if first >= 2 => Some(10),
        [3, 4] if first >= 2 && groups[1].1 == '-' => Some(7),
        // China.
        [11] | [3, 4, 4] if first == 1 && digits[1].value >= 3 => Some(11),
        _ => None,
    }
}

fn has_plus(text: &str, start: usize) -> bool {
    let before = text[..start].trim_end_matches(['(', ' ']);
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

/// The words around a run.
pub(super) struct Context {
    before: String,
    after: String,
}

impl Context {
    /// Some words before and after a run, in lower case.
    pub(super) fn around(text: &str, run: &Run) -> Self {
        const BEFORE: usize = 64;
        const AFTER: usize = 40;
        let start = run.digits.first().map_or(0, |digit| digit.start);
        let end = run.digits.last().map_or(0, |digit| digit.end);
        let from = text.floor_char_boundary(start.saturating_sub(BEFORE));
        let to = text.floor_char_boundary((end + AFTER).min(text.len()));
        Self { before: text[from..start].to_lowercase(), after: text[end..to].to_lowercase() }
    }

    /// Whether the nearest words say that this is a number to call.
    fn is_calling(&self) -> bool {
        self.is_about(&CALLING, &COUNTING)
    }

    /// Whether a unit follows: the digits count something.
    fn is_counted(&self) -> bool {
        ["원", "건", "개", "명", "만", "krw", "usd", "won"].iter().any(|unit| self.after.trim_start().starts_with(unit))
    }

    /// Whether a word of `about` is nearer before the run than any of `instead`, or the first of both after it.
    pub(super) fn is_about(&self, about: &[&str], instead: &[&str]) -> bool {
        let last = |words: &[&str]| words.iter().filter_map(|word| self.before.rfind(word)).max();
        let first = |words: &[&str]| words.iter().filter_map(|word| self.after.find(word)).min();
        match (last(about), last(instead)) {
            (Some(about), Some(instead)) => about > instead,
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (None, None) => match (first(about), first(instead)) {
                (Some(about), Some(instead)) => about < instead,
                (found, _) => found.is_some(),
            },
        }
    }
}
