//! The rule takes a bounded number of steps per byte, whatever the text.

use super::*;
use steps::counted;

/// Steps per byte that no text may exceed, however long it is.
const STEPS_PER_BYTE_MAX: usize = 32;

/// What texts are made of to make a rule look far: signs, digits, letters, and the words of each rule.
const PIECES: [&str; 46] = [
    "1",
    "0",
    "01",
    "010",
    "+",
    "-",
    ".",
    " ",
    "(",
    ")",
    "/",
    ":",
    "@",
    "_",
    "!",
    ",",
    "\n",
    "a",
    "o",
    "one",
    "x",
    "가",
    "공",
    "일",
    "에",
    "점",
    "골뱅이",
    "카톡",
    "라인",
    "아이디",
    "계좌",
    "전화",
    "원",
    "kakao",
    "id",
    "t.me/",
    "line",
    "www.",
    "com",
    "gmail",
    "AB12",
    "KR",
    "account",
    "call",
    "\u{200b}",
    "１",
];

/// Pieces that only units of two are made of.
const MORE_PIECES: [&str; 14] = [
    " at ",
    "(at)",
    " dot ",
    "닷컴",
    "a@",
    "telegram.me",
    "open.kakao.com",
    "add",
    "handle",
    "5678",
    "송장",
    "dash",
    "ㅋㅌ",
    "이메일",
];

fn assert_linear(unit: &str, length: usize) {
    let text = unit.repeat(length.div_ceil(unit.len()));
    let (steps, _) = counted(|| MaskingPolicy::Mask.inspect(Some(&text)));
    let most = STEPS_PER_BYTE_MAX * text.len();
    assert!(steps <= most, "{unit:?} × {} takes {} steps per byte", text.len() / unit.len(), steps / text.len());
}

#[test]
fn what_once_took_quadratic_time_is_linear() {
    for unit in
        ["1-", "kakao-", "kakao1-", "t.me/!", "t.me/", "AB12 ", "a@", "1 ", "0-1-", "010-", "line,me ", "( ", "a"]
    {
        for length in [1024, 16 * 1024, 64 * 1024] {
            assert_linear(unit, length);
        }
    }
}

#[test]
fn any_two_pieces_over_and_over_take_a_bounded_number_of_steps_per_byte() {
    let pieces: Vec<&str> = PIECES.iter().chain(&MORE_PIECES).copied().collect();
    for first in &pieces {
        for second in &pieces {
            assert_linear(&format!("{first}{second}"), 1024);
        }
    }
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(64))]

    /// Long beginnings and ends that differ, too: what is read far from one place must not be read again from the next.
    #[test]
    fn any_mixture_takes_a_bounded_number_of_steps_per_byte(
        head in proptest::sample::select(&PIECES[..]),
        unit in proptest::collection::vec(proptest::sample::select(&PIECES[..]), 1..6),
        tail in proptest::sample::select(&PIECES[..]),
        length in 1000_usize..8_000,
    ) {
        let text = format!("{}{}{}", head.repeat(length / head.len()), unit.concat().repeat(length / unit.concat().len()), tail.repeat(length));
        let (steps, _) = counted(|| MaskingPolicy::Mask.inspect(Some(&text)));
        proptest::prop_assert!(steps <= STEPS_PER_BYTE_MAX * text.len(), "{} steps per byte", steps / text.len());
    }
}

#[test]
fn what_is_known_of_a_text_whose_middle_is_not_read_is_what_its_ends_hold() {
    for (text, same) in [("010", true), ("010 hello 1234", true), ("hello", true), ("5678이요", true)] {
        assert_eq!(Ends::of_parts(text, None) == scan(text).ends, same);
    }
    let long = format!("010{}1234", "가".repeat(2000));
    let end = usize::try_from(END_CHARS).unwrap();
    let head: String = long.chars().take(end).collect();
    let tail: String = long.chars().skip(long.chars().count() - end).collect();
    let (ends, whole) = (Ends::of_parts(&head, Some(&tail)), scan(&long).ends);
    assert_eq!(ends.lead, whole.lead);
    assert_eq!(ends.tail.map(|tail| tail.digits), whole.tail.map(|tail| tail.digits));
}
