//! Bank accounts: by the shapes that Korean banks give them, by the bank's name beside them, and IBANs by their check.

use std::ops::Range;

use super::{
    digits::{Digit, Gap, Run},
    phone::Context,
};

/// Words that say that the number beside them is an account.
const BANKING: [&str; 44] = [
    "계좌",
    "은행",
    "입금",
    "송금",
    "이체",
    "무통장",
    "국민",
    "신한",
    "농협",
    "하나은행",
    "우리은행",
    "기업은행",
    "기업 ",
    "카뱅",
    "카카오뱅크",
    "카카오 뱅크",
    "케이뱅크",
    "케뱅",
    "토스",
    "새마을",
    "우체국",
    "수협",
    "신협",
    "sc제일",
    "제일은행",
    "씨티",
    "대구은행",
    "부산은행",
    "경남은행",
    "광주은행",
    "전북은행",
    "예금주",
    "account",
    "acct",
    "a/c",
    "bank",
    "iban",
    "routing",
    "sort code",
    "wire it",
    "transfer it to",
    "chase",
    "wells fargo",
    "deposit to",
];

/// Words that say that the number beside them is something else.
const COUNTING: [&str; 26] = [
    "주문",
    "송장",
    "운송장",
    "택배",
    "등기",
    "모델",
    "시리얼",
    "일련",
    "접수",
    "예약",
    "우편번호",
    "바코드",
    "사업자",
    "품번",
    "카드번호",
    "isbn",
    "order",
    "tracking",
    "serial",
    "model",
    "s/n",
    "imei",
    "barcode",
    "upc",
    "part no",
    "fcc",
];

/// Groups of digits as banks print them, without any word beside them.
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

/// The accounts in one run of digits.
pub(super) fn find(text: &str, run: &Run, found: &mut Vec<Range<usize>>) {
    let digits = &run.digits;
    if digits.len() < 10 || digits[0].gap == Gap::Loose || digits.iter().any(|digit| digit.spoken) {
        return;
    }
    if run.word_before.is_some() {
        return;
    }
    let (groups, signs, count) = groups(digits);
    if !(10..=16).contains(&count) || is_date(digits, &groups) {
        return;
    }
    let context = Context::around(text, run);
    let by_shape = signs.iter().all(|sign| *sign == '-')
        && SHAPES.contains(&groups.as_slice())
        && !context.is_about(&COUNTING, &BANKING);
    let usual = signs.windows(2).all(|pair| pair[0] == pair[1])
        && signs.first().is_none_or(|sign| matches!(sign, '-' | ' ' | '.' | '/' | '_'))
        && groups.len() <= 5
        && (groups.len() == 1 || groups.iter().all(|length| *length >= 1))
        && !groups.iter().all(|length| *length <= 2);
    if by_shape || (usual && context.is_about(&BANKING, &COUNTING)) {
        found.push(digits[0].start..digits[count - 1].end);
    }
}

/// The groups of a run, the signs between them, and how many digits they are together; up to the first loose gap.
fn groups(digits: &[Digit]) -> (Vec<usize>, Vec<char>, usize) {
    let (mut groups, mut signs, mut count) = (vec![0], Vec::new(), 0);
    for digit in digits {
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
        count += 1;
    }
    (groups, signs, count)
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

fn iban_at(bytes: &[u8], start: usize) -> Option<usize> {
    const CHARS_MAX: usize = 34;
    let (mut chars, mut valid, mut place) = (Vec::with_capacity(CHARS_MAX), None, start);
    while let Some(byte) = bytes.get(place) {
        match byte {
            b'A'..=b'Z' | b'0'..=b'9' if chars.len() < CHARS_MAX => chars.push(*byte),
            b' ' | b'-' => {}
            _ => break,
        }
        place += 1;
        let ends = bytes.get(place).is_none_or(|next| !next.is_ascii_alphanumeric());
        if ends && chars.len() >= 15 && byte.is_ascii_alphanumeric() && remainder(&chars) == 1 {
            valid = Some(place);
        }
    }
    valid
}

fn remainder(chars: &[u8]) -> u32 {
    let turned = chars[4..].iter().chain(&chars[..4]);
    turned.fold(0, |rest, byte| match byte {
        b'0'..=b'9' => (rest * 10 + u32::from(byte - b'0')) % 97,
        _ => (rest * 100 + u32::from(byte - b'A') + 10) % 97,
    })
}
