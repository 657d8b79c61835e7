//! What one character can stand for: a digit in disguise, nothing at all, a gap, or a letter.

use std::ops::RangeInclusive;

use crate::domain::fold::is_invisible;

/// What one character stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// A digit, whatever it is dressed as.
    Digit(u8),
    /// A syllable or a sign that is read as a digit and is also a common part of words: 일, 이, 三.
    Spoken(u8),
    /// Nothing that one sees: zero-width characters, variation selectors, combining marks.
    Ignored,
    /// Anything that only keeps digits apart.
    Gap,
    /// A letter of a to z.
    Latin,
    /// Any other letter.
    Letter,
}

/// Single letters of Hangul, without the filler after them, which is invisible.
const COMPATIBILITY_JAMO: RangeInclusive<char> = '\u{3131}'..='\u{3163}';

/// Says what a character stands for.
#[inline]
pub(super) fn classify(c: char) -> Class {
    match c {
        '0'..='9' => Class::Digit(c as u8 - b'0'),
        'a'..='z' | 'A'..='Z' => Class::Latin,
        _ if c.is_ascii() => Class::Gap,
        _ => classify_beyond_ascii(c),
    }
}

fn classify_beyond_ascii(c: char) -> Class {
    // Hangul syllables, the bulk of what this server reads, before the long list below.
    if ('\u{AC00}'..='\u{D7A3}').contains(&c) {
        return match c {
            '공' | '영' | '령' | '빵' => Class::Spoken(0),
            '일' => Class::Spoken(1),
            '이' => Class::Spoken(2),
            '삼' => Class::Spoken(3),
            '사' => Class::Spoken(4),
            '오' => Class::Spoken(5),
            '육' | '륙' => Class::Spoken(6),
            '칠' => Class::Spoken(7),
            '팔' => Class::Spoken(8),
            '구' => Class::Spoken(9),
            _ => Class::Letter,
        };
    }
    // ㅋㅋ and ㅠㅠ, which many messages end with.
    if COMPATIBILITY_JAMO.contains(&c) {
        return if c == 'ㅡ' { Class::Gap } else { Class::Letter };
    }
    if is_invisible(c) {
        return Class::Ignored;
    }
    if let Some(value) = dressed_digit(c) {
        return Class::Digit(value);
    }
    match c {
        // Vowels that look like a dash.
        'ㅡ' | 'ᅳ' | 'ー' | 'ｰ' => Class::Gap,
        '〇' | '零' => Class::Spoken(0),
        '一' => Class::Spoken(1),
        '二' => Class::Spoken(2),
        '三' => Class::Spoken(3),
        '四' => Class::Spoken(4),
        '五' => Class::Spoken(5),
        '六' => Class::Spoken(6),
        '七' => Class::Spoken(7),
        '八' => Class::Spoken(8),
        '九' => Class::Spoken(9),
        _ if c.is_alphabetic() => match plain(c) {
            'a'..='z' => Class::Latin,
            _ => Class::Letter,
        },
        _ => Class::Gap,
    }
}

/// The decimal digits (Nd) of Unicode 16 in their order, and subscripts.
const DIGITS_FROM_ZERO: [char; 77] = [
    '\u{660}',
    '\u{6F0}',
    '\u{7C0}',
    '\u{966}',
    '\u{9E6}',
    '\u{A66}',
    '\u{AE6}',
    '\u{B66}',
    '\u{BE6}',
    '\u{C66}',
    '\u{CE6}',
    '\u{D66}',
    '\u{DE6}',
    '\u{E50}',
    '\u{ED0}',
    '\u{F20}',
    '\u{1040}',
    '\u{1090}',
    '\u{17E0}',
    '\u{1810}',
    '\u{1946}',
    '\u{19D0}',
    '\u{1A80}',
    '\u{1A90}',
    '\u{1B50}',
    '\u{1BB0}',
    '\u{1C40}',
    '\u{1C50}',
    '\u{2080}',
    '\u{A620}',
    '\u{A8D0}',
    '\u{A900}',
    '\u{A9D0}',
    '\u{A9F0}',
    '\u{AA50}',
    '\u{ABF0}',
    '\u{FF10}',
    '\u{104A0}',
    '\u{10D30}',
    '\u{10D40}',
    '\u{11066}',
    '\u{110F0}',
    '\u{11136}',
    '\u{111D0}',
    '\u{112F0}',
    '\u{11450}',
    '\u{114D0}',
    '\u{11650}',
    '\u{116C0}',
    '\u{116D0}',
    '\u{116DA}',
    '\u{11730}',
    '\u{118E0}',
    '\u{11950}',
    '\u{11BF0}',
    '\u{11C50}',
    '\u{11D50}',
    '\u{11DA0}',
    '\u{11DE0}',
    '\u{11F50}',
    '\u{16130}',
    '\u{16A60}',
    '\u{16AC0}',
    '\u{16B50}',
    '\u{16D70}',
    '\u{1CCF0}',
    '\u{1D7CE}',
    '\u{1D7D8}',
    '\u{1D7E2}',
    '\u{1D7EC}',
    '\u{1D7F6}',
    '\u{1E140}',
    '\u{1E2F0}',
    '\u{1E4F0}',
    '\u{1E5F1}',
    '\u{1E950}',
    '\u{1FBF0}',
];

/// Circled ones and such.
const DIGITS_FROM_ONE: [char; 8] =
    ['\u{2460}', '\u{2474}', '\u{2488}', '\u{24F5}', '\u{2776}', '\u{2780}', '\u{278A}', '\u{3220}'];

/// Unicode's other ways to write 0 to 9. Circled and such begin at 1.
fn dressed_digit(c: char) -> Option<u8> {
    let value = match c {
        '⁰' | '⓪' | '⓿' | '🄋' | '🄌' | '🄀' => 0,
        '¹' => 1,
        '²' => 2,
        '³' => 3,
        '⁴'..='⁹' => c as u32 - '⁰' as u32,
        _ => {
            let within = |first: char, count: u32| {
                let place = (c as u32).wrapping_sub(first as u32);
                (place < count).then_some(place)
            };
            let zero = DIGITS_FROM_ZERO[..DIGITS_FROM_ZERO.partition_point(|first| *first <= c)].last();
            zero.and_then(|first| within(*first, 10))
                .or_else(|| DIGITS_FROM_ONE.into_iter().find_map(|first| within(first, 9).map(|place| place + 1)))?
        }
    };
    u8::try_from(value).ok()
}

/// A Latin letter or a sign without its disguise, in lower case; any other character as it is.
pub(super) fn plain(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    if ('\u{AC00}'..='\u{D7A3}').contains(&c) || COMPATIBILITY_JAMO.contains(&c) {
        return c;
    }
    let c = match c {
        // Full-width forms of ASCII.
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(c as u32 - 0xFEE0).unwrap_or(c),
        'ⓐ'..='ⓩ' => char::from_u32(c as u32 - 'ⓐ' as u32 + 'a' as u32).unwrap_or(c),
        'Ⓐ'..='Ⓩ' => char::from_u32(c as u32 - 'Ⓐ' as u32 + 'a' as u32).unwrap_or(c),
        // The mathematical alphabets, 26 capitals and 26 small letters each.
        '\u{1D400}'..='\u{1D6A3}' => char::from_u32((c as u32 - 0x1D400) % 26 + 'a' as u32).unwrap_or(c),
        // Letters of other scripts that look the same.
        'а' => 'a',
        'е' => 'e',
        'о' => 'o',
        'с' => 'c',
        'р' => 'p',
        'м' => 'm',
        'т' => 't',
        'к' => 'k',
        '﹫' => '@',
        '。' | '｡' | '․' => '.',
        '∕' | '⁄' => '/',
        _ => c,
    };
    match dressed_digit(c) {
        Some(value) => char::from(b'0' + value),
        None => c.to_ascii_lowercase(),
    }
}
