//! The form in which texts are compared: what looks the same is the same, however a keyboard or a file system has encoded it.
//!
//! [`Folded`] is the only place that normalizes: the masking rule and the search both read a text through it, and both map
//! what they find back to the text as it was written. It applies NFKC (UAX #15) and, for the search, full case folding, with
//! four additions:
//!
//! - Characters that show nothing are left out, and so are combining marks that have no composed form. İ folds to i and a
//!   dot above, and this makes it an i.
//! - A dotless ı is an i, so that `ISPARTA`, `Isparta` and `ısparta` are one word.
//! - Single letters of Hangul stay single letters. NFKC alone would join the ㅋ and the ㅠ of `ㅋㅠㅠ` to a syllable.
//! - A run of more than 32 marks is cut, so that no text takes more than linear time.

use std::{borrow::Cow, ops::Range};

use icu_normalizer::{ComposingNormalizer, ComposingNormalizerBorrowed};
use icu_properties::{
    CodePointMapData, CodePointMapDataBorrowed,
    props::{GeneralCategory, GeneralCategoryGroup},
};
use unicase::UniCase;

const NFKC: ComposingNormalizerBorrowed<'static> = ComposingNormalizer::new_nfkc();

const CATEGORIES: CodePointMapDataBorrowed<'static, GeneralCategory> = CodePointMapData::<GeneralCategory>::new();

/// Most characters that are normalized together: a letter and its marks. Unicode's stream-safe format allows 30 marks.
const SEGMENT_CHARS_MAX: usize = 32;

/// What becomes of upper and lower case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    /// It stays.
    Kept,
    /// It is folded.
    Folded,
}

/// A text in the form in which it is compared, and where each part of it came from.
#[derive(Debug)]
pub struct Folded<'t> {
    text: Cow<'t, str>,
    /// In their order. Empty when every byte is still in its place.
    pieces: Vec<Piece>,
}

/// A part of a folded text, and what it was made of.
#[derive(Debug, Clone)]
struct Piece {
    /// Where it begins in the folded text.
    at: usize,
    /// What it was made of, in bytes of the text as written.
    source: Range<usize>,
    /// Whether byte corresponds to byte; otherwise each part of it was made of the whole.
    is_exact: bool,
}

impl<'t> Folded<'t> {
    /// Folds a text. Takes time proportional to its length, and next to none where nothing has to change.
    #[must_use]
    pub fn new(text: &'t str, case: Case) -> Self {
        let is_ascii = text.is_ascii();
        if case == Case::Kept && (is_ascii || is_settled_text(text)) {
            return Self { text: Cow::Borrowed(text), pieces: Vec::new() };
        }
        if is_ascii {
            return Self { text: Cow::Owned(text.to_ascii_lowercase()), pieces: Vec::new() };
        }
        let mut folded = String::with_capacity(text.len());
        let mut pieces: Vec<Piece> = Vec::new();
        for source in segments(text) {
            let at = folded.len();
            let segment = &text[source.clone()];
            let is_exact = push_folded(&mut folded, segment, case);
            if folded.len() == at {
                continue;
            }
            match pieces.last_mut().filter(|last| is_exact && last.is_exact && last.source.end == source.start) {
                Some(last) => last.source.end = source.end,
                None => pieces.push(Piece { at, source, is_exact }),
            }
        }
        Self { text: Cow::Owned(folded), pieces }
    }

    /// The folded text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What a part of the folded text was made of, in bytes of the text as written. A part of a character is the whole of it.
    #[must_use]
    pub fn source_of(&self, range: Range<usize>) -> Range<usize> {
        if self.pieces.is_empty() || range.is_empty() {
            return range;
        }
        let piece = |place: usize| {
            let after = self.pieces.partition_point(|piece| piece.at <= place);
            &self.pieces[after.saturating_sub(1)]
        };
        let (first, last) = (piece(range.start), piece(range.end - 1));
        let start = first.source.start + if first.is_exact { range.start - first.at } else { 0 };
        let end = if last.is_exact { last.source.start + (range.end - last.at) } else { last.source.end };
        start..end
    }
}

/// A text as it is compared with other texts: normalized, and in one case.
#[must_use]
pub fn fold(text: &str) -> String {
    Folded::new(text, Case::Folded).text.into_owned()
}

/// The smallest parts of a text that can be normalized by themselves: a character and the marks on it, a syllable.
pub(super) fn segments(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut from = 0;
    std::iter::from_fn(move || {
        let rest = text.get(from..).filter(|rest| !rest.is_empty())?;
        let mut chars = rest.char_indices().enumerate().skip(1);
        let end = chars.find(|(number, (_, c))| *number >= SEGMENT_CHARS_MAX || !joins(*c));
        let start = from;
        from += end.map_or(rest.len(), |(_, (place, _))| place);
        Some(start..from)
    })
}

/// Whether a character belongs to the one before it.
pub(super) fn joins(c: char) -> bool {
    match c {
        '\0'..='\u{AC}' | '\u{AE}'..='\u{2FF}' => false,
        // The vowel and the end of a syllable of Hangul.
        '\u{1160}'..='\u{11FF}' | '\u{D7B0}'..='\u{D7FB}' => true,
        // Halfwidth voiced sound marks.
        '\u{FF9E}' | '\u{FF9F}' => true,
        // A filler stands alone.
        '\u{115F}' | '\u{3164}' | '\u{FFA0}' => false,
        _ if is_settled(c) => false,
        _ => is_ignorable(c) || GeneralCategoryGroup::Mark.contains(CATEGORIES.get(c)),
    }
}

/// Whether a character on its own stays as it is, except for its case: the ones that most texts consist of, not all.
const fn is_settled(c: char) -> bool {
    matches!(c,
        '\0'..='\u{7F}' | '\u{2018}'..='\u{201F}' | '\u{3041}'..='\u{3096}' | '\u{30A1}'..='\u{30FE}'
        | '\u{3131}'..='\u{3163}' | '\u{3400}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7A3}' | '\u{1F300}'..='\u{1FAFF}')
}

/// Whether a text consists of settled characters alone, read by its bytes: this is on every message's way.
fn is_settled_text(text: &str) -> bool {
    let mut bytes = text.as_bytes();
    while let [lead, rest @ ..] = bytes {
        if lead.is_ascii() {
            bytes = rest;
            continue;
        }
        // The settled ones all take three bytes.
        let [next, last, rest @ ..] = rest else { return false };
        let is_settled = match lead {
            // Kana, and Hangul's single letters up to ㅣ.
            0xE3 => matches!([*next, *last],
                [0x81, 0x81..=0xBF] | [0x82, ..=0x96 | 0xA1..=0xBF] | [0x83, ..=0xBE] | [0x84, 0xB1..=0xBF] | [0x85, ..=0xA3]),
            0xE4..=0xE9 | 0xEB | 0xEC => true,
            // Hangul from 가 to 힣.
            0xEA => *next >= 0xB0,
            0xED => *next < 0x9E || *next == 0x9E && *last <= 0xA3,
            _ => false,
        };
        if !is_settled {
            return false;
        }
        bytes = rest;
    }
    true
}

/// Adds a segment as it is compared. Returns whether each byte of it has stayed in its place.
fn push_folded(folded: &mut String, segment: &str, case: Case) -> bool {
    let mut chars = segment.chars();
    if let (Some(c), None) = (chars.next(), chars.next())
        && is_settled(c)
    {
        // None of the others that are settled has a case.
        folded.push(if case == Case::Folded { c.to_ascii_lowercase() } else { c });
        return true;
    }
    let at = folded.len();
    // They would keep a mark from its letter.
    let visible: Cow<'_, str> = match segment.contains(is_ignorable) {
        true => Cow::Owned(segment.chars().filter(|c| !is_ignorable(*c)).collect()),
        false => Cow::Borrowed(segment),
    };
    let composed = NFKC.normalize(&visible);
    match case {
        Case::Kept => folded.extend(composed.chars().filter(|c| !is_invisible(*c)).map(single_letter)),
        Case::Folded => {
            let lower = UniCase::unicode(&*composed).to_folded_case();
            let lower = NFKC.normalize(&lower);
            folded.extend(lower.chars().filter(|c| !is_invisible(*c)).map(|c| match c {
                'ı' => 'i',
                _ => single_letter(c),
            }));
        }
    }
    &folded[at..] == segment
}

/// A letter of Hangul that is not part of a syllable, as a keyboard writes it; any other character as it is.
fn single_letter(c: char) -> char {
    const FIRST: [char; 19] = [
        'ㄱ', 'ㄲ', 'ㄴ', 'ㄷ', 'ㄸ', 'ㄹ', 'ㅁ', 'ㅂ', 'ㅃ', 'ㅅ', 'ㅆ', 'ㅇ', 'ㅈ', 'ㅉ', 'ㅊ', 'ㅋ', 'ㅌ', 'ㅍ',
        'ㅎ',
    ];
    const LAST: [char; 27] = [
        'ㄱ', 'ㄲ', 'ㄳ', 'ㄴ', 'ㄵ', 'ㄶ', 'ㄷ', 'ㄹ', 'ㄺ', 'ㄻ', 'ㄼ', 'ㄽ', 'ㄾ', 'ㄿ', 'ㅀ', 'ㅁ', 'ㅂ', 'ㅄ',
        'ㅅ', 'ㅆ', 'ㅇ', 'ㅈ', 'ㅊ', 'ㅋ', 'ㅌ', 'ㅍ', 'ㅎ',
    ];
    let place = |first: char| (c as usize) - (first as usize);
    match c {
        '\u{1100}'..='\u{1112}' => FIRST[place('\u{1100}')],
        '\u{1161}'..='\u{1175}' => char::from_u32(c as u32 - 0x1161 + 0x314F).unwrap_or(c),
        '\u{11A8}'..='\u{11C2}' => LAST[place('\u{11A8}')],
        _ => c,
    }
}

/// Characters that a text looks the same without: Unicode's `Default_Ignorable_Code_Point`, and annotations.
fn is_ignorable(c: char) -> bool {
    matches!(c,
        '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180F}'
        | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{3164}'
        | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}' | '\u{1BCA0}'..='\u{1BCA3}'
        | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
}

/// Characters that leave no trace on the screen by themselves: also combining marks.
pub(super) fn is_invisible(c: char) -> bool {
    is_ignorable(c)
        || matches!(c,
            '\u{0300}'..='\u{036F}' | '\u{1AB0}'..='\u{1AFF}' | '\u{1DC0}'..='\u{1DFF}' | '\u{20D0}'..='\u{20FF}'
            | '\u{FE20}'..='\u{FE2F}')
}

/// Whether a text shows nothing: white space, control characters, and what has no width or no ink.
#[must_use]
pub fn is_blank(text: &str) -> bool {
    text.chars().all(|c| {
        // A pattern of no dots, a note without a head, blanks of hieroglyphs, a filler of Khitan.
        let inkless = matches!(c, '\u{2800}' | '\u{1D159}' | '\u{13441}' | '\u{13442}' | '\u{16FE4}');
        c.is_whitespace() || c.is_control() || inkless || is_invisible(c)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_looks_the_same_folds_to_the_same() {
        for (one, other) in [
            ("자전거", "\u{110C}\u{1161}\u{110C}\u{1165}\u{11AB}\u{1100}\u{1165}"),
            ("자전거", "\u{110C}\u{1161}저\u{11AB}거"),
            ("각", "가\u{11A8}"),
            ("café", "cafe\u{301}"),
            ("CAFÉ", "cafe\u{301}"),
            ("ậ", "a\u{323}\u{302}"),
            ("ậ", "a\u{302}\u{323}"),
            ("ậ", "â\u{323}"),
            ("ガ", "カ\u{3099}"),
            ("ガ", "ｶﾞ"),
            ("ﬁne ﬂat", "fine flat"),
            ("straße", "STRASSE"),
            ("STRAẞE", "strasse"),
            ("ΟΔΟΣ", "οδος"),
            ("istanbul", "İSTANBUL"),
            ("istanbul", "I\u{307}stanbul"),
            ("ısparta", "ISPARTA"),
            ("０１０−①②③", "010−123"),
            ("𝟎𝟏𝟎 𝒶𝓫ⓒ", "010 abc"),
            ("㎏ ㈜", "kg (주)"),
            ("ㅋㅋ", "\u{110F}\u{110F}"),
            ("ㅋㅋ", "ﾻﾻ"),
            ("a\u{200B}b\u{AD}c\u{FEFF}", "abc"),
            ("e\u{200D}\u{301}", "é"),
            ("ᾳ", "ΑΙ"),
            ("Å", "\u{212B}"),
            ("கொ", "\u{B95}\u{BC6}\u{BBE}"),
        ] {
            assert_eq!(fold(one), fold(other), "{one:?} {other:?}");
        }
    }

    #[test]
    fn what_looks_different_stays_different() {
        for (one, other) in [("cafe", "café"), ("가", "각"), ("か", "が"), ("ㅋㅠ", "큐"), ("o", "ø"), ("a", "а")]
        {
            assert_ne!(fold(one), fold(other), "{one:?} {other:?}");
        }
    }

    #[test]
    fn a_part_of_a_folded_text_knows_what_it_was_made_of() {
        let source = |text: &'static str, part: &str| {
            let folded = Folded::new(text, Case::Folded);
            let at = folded.as_str().find(part).unwrap();
            &text[folded.source_of(at..at + part.len())]
        };
        assert_eq!(source("Hello World", "world"), "World");
        assert_eq!(source("eine Straße hier", "strasse"), "Straße");
        assert_eq!(source("eine Straße hier", "s"), "S");
        assert_eq!(source("Straße", "as"), "aß");
        assert_eq!(source("ein Cafe\u{301} hier", "café"), "Cafe\u{301}");
        assert_eq!(source("\u{1100}\u{1169}\u{11BC} \u{110B}\u{1175}\u{11AF}", "일"), "\u{110B}\u{1175}\u{11AF}");
        assert_eq!(source("x\u{200B}\u{200B}yz", "y"), "y");
        assert_eq!(source("x\u{200B}yz", "xy"), "x\u{200B}y");
        assert_eq!(source("a ㎏ b", "g"), "㎏");
    }

    #[test]
    fn a_text_of_settled_characters_is_not_copied() {
        for text in ["", "a", "Hello 010-1234", "자전거 아직 있나요? ㅋㅋㅠㅠ", "自転車 100", "힣"] {
            let folded = Folded::new(text, Case::Kept);
            assert!(matches!(folded.text, Cow::Borrowed(_)), "{text:?}");
        }
        for text in ["é", "０", "ㅤ", "\u{110C}\u{1161}", "가\u{11A8}", "\u{A69C}", "\u{D7B0}", "\u{3000}", "😀\u{FE0F}"]
        {
            assert!(!is_settled_text(text), "{text:?}");
        }
    }

    #[test]
    fn marks_without_end_take_linear_time() {
        let text = format!("a{}", "\u{301}\u{323}".repeat(100_000));
        assert!(fold(&text).starts_with('ạ') || fold(&text).starts_with("ạ"));
    }

    #[test]
    fn what_shows_nothing_is_blank() {
        for text in ["", " \t", "\u{200B}", "\u{3164}\u{2800}", "\u{E0100}", "\u{180E}", "\u{1D173}", "\u{301}"] {
            assert!(is_blank(text), "{text:?}");
        }
        assert!(!is_blank("\u{200B}가"));
    }

    proptest! {
        /// Every settled character stays as it is, and the quick way over the bytes says the same as the long one.
        #[test]
        fn the_quick_way_and_the_long_way_agree(text in "[a-zA-Z0-9 ㄱ-ㅣ가-힣一-龥ぁ-ゖァ-ヾ\u{A000}-\u{ABFF}\u{D7A0}-\u{D7FB}é\u{301}]{0,20}") {
            let mut long = String::new();
            let mut exact = true;
            for source in segments(&text) {
                exact &= push_folded(&mut long, &text[source], Case::Kept);
            }
            if is_settled_text(&text) {
                prop_assert!(exact);
                prop_assert_eq!(&long, &text);
            }
            let folded = Folded::new(&text, Case::Kept);
            prop_assert_eq!(folded.as_str(), long);
        }

        #[test]
        fn any_text_folds_once_and_every_part_of_it_came_from_somewhere(text in any::<String>()) {
            for case in [Case::Kept, Case::Folded] {
                let folded = Folded::new(&text, case);
                let mut before = 0..0;
                for (at, c) in folded.as_str().char_indices() {
                    let source = folded.source_of(at..at + c.len_utf8());
                    prop_assert!(text.get(source.clone()).is_some_and(|part| !part.is_empty()));
                    prop_assert!(source.start >= before.start && source.end >= before.end);
                    before = source;
                }
            }
            prop_assert_eq!(fold(&fold(&text)), fold(&text));
        }

        #[test]
        fn nfd_and_nfkd_fold_as_the_text_does(text in "[가-힣a-zÀ-ỹ０-９ｱ-ﾝ ]{0,20}") {
            let apart = icu_normalizer::DecomposingNormalizer::new_nfd().normalize(&text).into_owned();
            prop_assert_eq!(fold(&apart), fold(&text));
            let apart = icu_normalizer::DecomposingNormalizer::new_nfkd().normalize(&text).into_owned();
            prop_assert_eq!(fold(&apart), fold(&text));
        }
    }
}
