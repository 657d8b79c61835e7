//! Bank accounts: by the shapes that Korean banks give them, by the bank's name next to them, and IBANs by their check.

use std::ops::Range;

use super::{
    context::{Context, Says},
    digits::{Digit, Gap, Run},
    steps::count,
};

/// Groups of digits as banks print them, without any word next to them.
const SHAPES: [&[usize]; 10] = [
    &[3, 3, 6],
    &[4, 3, 6],
    &[6, 2, 6],
    &[3, 6, 5],
    &[4, 2, 7],
    &[3, 4, 4, 2],
    &[3, 2, 6],
    &[3, 6, 2, 3],
    &[4, 4, 4, 1],
    &[6, 2, 5, 1],
];

/// Most digits of an account.
const DIGITS_MAX: usize = 16;

/// The accounts in one run of digits.
pub(super) fn find(run: &Run, context: &Context<'_>, found: &mut Vec<Range<usize>>) {
    let digits = &run.digits;
    if digits.len() < 10 || digits[0].gap == Gap::Loose || run.word_before.is_some() {
        return;
    }
    count(digits.len());
    if digits.iter().any(|digit| digit.spoken) {
        return;
    }
    let (groups, signs, length) = groups(digits);
    if !(10..=DIGITS_MAX).contains(&length) || is_date(digits, &groups) {
        return;
    }
    let by_shape = signs.iter().all(|sign| *sign == '-')
        && SHAPES.contains(&groups.as_slice())
        && !context.is_about(Says::NoAccount, Says::Account);
    let usual = signs.windows(2).all(|pair| pair[0] == pair[1])
        && signs.first().is_none_or(|sign| matches!(sign, '-' | ' ' | '.' | '/' | '_'))
        && groups.len() <= 5
        && (groups.len() == 1 || groups.iter().all(|length| *length >= 1))
        && !groups.iter().all(|length| *length <= 2);
    if by_shape || (usual && context.is_about(Says::Account, Says::NoAccount)) {
        found.push(digits[0].start..digits[length - 1].end);
    }
}

/// The groups of a run, the signs between them, and how many digits they are together; up to the first loose gap, or until
/// they are too many.
fn groups(digits: &[Digit]) -> (Vec<usize>, Vec<char>, usize) {
    let (mut groups, mut signs, mut length) = (vec![0], Vec::new(), 0);
    for digit in digits.iter().take(DIGITS_MAX + 1) {
        match digit.gap {
            Gap::None => {}
            Gap::Plain(sign) if signs.last().is_none_or(|last| *last == sign) => {
                signs.push(sign);
                groups.push(0);
            }
            _ => break,
        }
        if let Some(last) = groups.last_mut() {
            *last += 1;
        }
        length += 1;
    }
    (groups, signs, length)
}

/// 2026-11-23 or 20261123, and what follows it.
fn is_date(digits: &[Digit], groups: &[usize]) -> bool {
    let century = digits[0].value * 10 + digits[1].value;
    let month = digits[4].value * 10 + digits[5].value;
    let dashed = matches!(groups, [4, 1 | 2, 1 | 2, ..]);
    let stamp = matches!(groups, [8, 2 | 4 | 6]) && (1..=12).contains(&month);
    (dashed || stamp) && matches!(century, 19 | 20)
}

/// IBANs (ISO 13616): two letters, two digits, up to 30 more of both, and the remainder by 97 is 1.
pub(super) fn find_ibans(text: &str, found: &mut Vec<Range<usize>>) {
    let bytes = text.as_bytes();
    for start in 0..bytes.len().saturating_sub(14) {
        count(1);
        let begins = start == 0 || !bytes[start - 1].is_ascii_alphanumeric();
        let head = &bytes[start..start + 4];
        if !begins || !head[..2].iter().all(u8::is_ascii_uppercase) || !head[2..].iter().all(u8::is_ascii_digit) {
            continue;
        }
        if let Some(end) = iban_at(bytes, start) {
            found.push(start..end);
        }
    }
}

/// Where the longest IBAN ends that begins here. No two heads overlap, so each byte is read for at most nine of them.
fn iban_at(bytes: &[u8], start: usize) -> Option<usize> {
    const CHARS_MAX: usize = 34;
    let head = &bytes[start..start + 4];
    let (mut chars, mut rest, mut valid, mut place) = (0, 0, None, start);
    while let Some(byte) = bytes.get(place) {
        count(1);
        match byte {
            b'A'..=b'Z' | b'0'..=b'9' if chars < CHARS_MAX => {
                // The head is counted last.
                if chars >= head.len() {
                    rest = remainder(rest, *byte);
                }
                chars += 1;
            }
            b' ' | b'-' => {}
            _ => break,
        }
        place += 1;
        let ends = bytes.get(place).is_none_or(|next| !next.is_ascii_alphanumeric());
        if ends
            && chars >= 15
            && byte.is_ascii_alphanumeric()
            && head.iter().fold(rest, |rest, byte| remainder(rest, *byte)) == 1
        {
            valid = Some(place);
        }
    }
    valid
}

/// The remainder by 97 with one more character.
fn remainder(rest: u32, byte: u8) -> u32 {
    match byte {
        b'0'..=b'9' => (rest * 10 + u32::from(byte - b'0')) % 97,
        _ => (rest * 100 + u32::from(byte - b'A') + 10) % 97,
    }
}
