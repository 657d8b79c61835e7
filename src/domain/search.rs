//! Searching: the terms of a query, and a text with its hits marked. The database narrows down, this decides.

use std::ops::Range;

use serde::Serialize;

use super::{
    Room, StoredMessage,
    field::InvalidField,
    fold::{Case, Folded, fold, joins},
    message::json_text_bytes,
};
use crate::api_docs::ToSchema;

/// Longest query, in characters.
pub const QUERY_CHARS_MAX: usize = 100;

/// Most terms of a query: each narrows the search down, and costs a look.
pub const TERMS_MAX: usize = 8;

/// Characters of a text that are shown around its first hit.
const SNIPPET_CHARS: usize = 120;

/// Groups of three characters of a query that the index is asked for: one character may fold to as many as 18.
const TRIGRAMS_MAX: usize = QUERY_CHARS_MAX;

/// Characters before the first hit that are shown.
const SNIPPET_BEFORE: usize = 30;

/// A query: its words, all of which a text must hold, in any order, any case and any encoding, also in the middle of a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchTerms(Vec<String>);

/// A piece of a text, with its hits apart, so that a page needs no markup to show them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SnippetPart {
    /// The words.
    pub text: String,
    /// Whether they are what was searched for.
    pub hit: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct FoundMessage {
    /// The message.
    pub message: StoredMessage,
    pub room: Room,
    /// A piece of its text with the hits marked.
    pub snippet: Vec<SnippetPart>,
}

impl FoundMessage {
    /// Bytes that it takes as JSON, about.
    #[must_use]
    pub fn weight_bytes(&self) -> usize {
        let snippet: usize = self.snippet.iter().map(|part| 32 + json_text_bytes(&part.text)).sum();
        self.message.weight_bytes() + self.room.weight_bytes() + snippet
    }
}

impl SearchTerms {
    /// Reads a query.
    ///
    /// # Errors
    /// [`InvalidField`] when it is empty, too long, of too many words, or holds a control character.
    pub fn parse(query: &str) -> Result<Self, InvalidField> {
        if query.chars().count() > QUERY_CHARS_MAX || query.chars().any(char::is_control) {
            return Err(InvalidField(format!(
                "`q` must be 1 to {QUERY_CHARS_MAX} characters without control characters"
            )));
        }
        let mut terms: Vec<String> = Vec::new();
        for word in fold(query).split_whitespace() {
            if !terms.iter().any(|term| term == word) {
                terms.push(word.to_owned());
            }
        }
        match terms.len() {
            0 => Err(InvalidField::new("`q` must hold something to search for")),
            1..=TERMS_MAX => Ok(Self(terms)),
            _ => Err(InvalidField(format!("`q` must be at most {TERMS_MAX} words"))),
        }
    }

    /// Each three characters in a row of each term that has at least three, up to a maximum: what the index knows.
    pub fn trigrams(&self) -> impl Iterator<Item = String> {
        let of_term = |term: &String| {
            let chars: Vec<char> = term.chars().collect();
            chars.windows(3).map(|three| three.iter().collect()).collect::<Vec<String>>()
        };
        self.0.iter().flat_map(of_term).take(TRIGRAMS_MAX)
    }

    /// The terms, folded as [`fold`] does.
    #[cfg(feature = "postgres")]
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// A piece of a text around its first hit with the hits marked, as it was written; `None` when a term is missing from the
    /// text.
    #[must_use]
    pub fn snippet(&self, text: &str) -> Option<Vec<SnippetPart>> {
        let hits = self.hits(text)?;
        let shown = shown_around(text, hits.first().map_or(0, |hit| hit.start));
        let mut parts: Vec<SnippetPart> = Vec::new();
        let mut push = |text: &str, hit: bool| match parts.last_mut() {
            _ if text.is_empty() => {}
            Some(part) if part.hit == hit => part.text.push_str(text),
            _ => parts.push(SnippetPart { text: text.to_owned(), hit }),
        };
        if shown.start > 0 {
            push("…", false);
        }
        let mut from = shown.start;
        for hit in hits {
            let (start, end) = (hit.start.clamp(from, shown.end), hit.end.clamp(from, shown.end));
            push(&text[from..start], false);
            push(&text[start..end], true);
            from = end;
        }
        push(&text[from..shown.end], false);
        if shown.end < text.len() {
            push("…", false);
        }
        Some(parts)
    }

    /// Where the terms are in a text, in its order; `None` when one is missing.
    fn hits(&self, text: &str) -> Option<Vec<Range<usize>>> {
        let folded = Folded::new(text, Case::Folded);
        let mut hits: Vec<Range<usize>> = Vec::new();
        for term in &self.0 {
            let before = hits.len();
            let found = folded.as_str().match_indices(term.as_str());
            hits.extend(found.map(|(at, found)| folded.source_of(at..at + found.len())));
            if hits.len() == before {
                return None;
            }
        }
        hits.sort_unstable_by_key(|hit| hit.start);
        Some(hits)
    }
}

/// The part of a text that is shown: from a little before a place on. No letter is cut from its marks.
fn shown_around(text: &str, place: usize) -> Range<usize> {
    if text.chars().count() <= SNIPPET_CHARS {
        return 0..text.len();
    }
    let before = text[..place].char_indices().rev().take(SNIPPET_BEFORE).map(|(at, _)| at);
    let from = before.filter(|at| !text[*at..].starts_with(joins)).last().unwrap_or(place);
    let mut ends = text[from..].char_indices().skip(SNIPPET_CHARS).map(|(at, _)| from + at);
    // After this many marks it is cut all the same.
    let end = ends.clone().take(SNIPPET_CHARS).find(|at| !text[*at..].starts_with(joins)).or_else(|| ends.next());
    from..end.unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn marked(query: &str, text: &str) -> Option<String> {
        let parts = SearchTerms::parse(query).unwrap().snippet(text)?;
        Some(parts.iter().map(|part| if part.hit { format!("[{}]", part.text) } else { part.text.clone() }).collect())
    }

    #[test]
    fn every_term_must_be_there_and_every_hit_is_marked() {
        assert_eq!(marked("자전거", "빨간 자전거 팔아요, 자전거요").unwrap(), "빨간 [자전거] 팔아요, [자전거]요");
        assert_eq!(marked("BIKE red", "A Red bike").unwrap(), "A [Red] [bike]");
        assert_eq!(marked("네", "네네 알겠어요").unwrap(), "[네네] 알겠어요");
        assert_eq!(marked("bike car", "A red bike"), None);
        assert_eq!(marked("<b>", "a <b>bold</b> word").unwrap(), "a [<b>]bold</b> word");
        let long = format!("{}needle{}", "x".repeat(500), "y".repeat(500));
        let snippet = marked("needle", &long).unwrap();
        assert!(snippet.starts_with("…xxx") && snippet.contains("[needle]") && snippet.ends_with("y…"));
        assert!(snippet.chars().count() < 140);
    }

    #[test]
    fn a_hit_is_marked_as_it_was_written_however_it_is_encoded() {
        assert_eq!(marked("istanbul", "Wir sehen uns in İstanbul!").unwrap(), "Wir sehen uns in [İstanbul]!");
        assert_eq!(marked("İSTANBUL", "istanbul, I\u{307}stanbul").unwrap(), "[istanbul], [I\u{307}stanbul]");
        assert_eq!(marked("strasse", "Hauptstraße 5").unwrap(), "Haupt[straße] 5");
        assert_eq!(marked("s", "Straße").unwrap(), "[S]tra[ß]e");
        assert_eq!(marked("010-1234", "tel ０１０－１２３４").unwrap(), "tel [０１０－１２３４]");
        assert_eq!(marked("office", "the oﬃce").unwrap(), "the [oﬃce]");
        let apart = |text: &str| icu_normalizer::DecomposingNormalizer::new_nfd().normalize(text).into_owned();
        assert_eq!(marked("자전거", &apart("빨간 자전거요")).unwrap(), apart("빨간 [자전거]요"));
        assert_eq!(marked(&apart("자전거"), "빨간 자전거요").unwrap(), "빨간 [자전거]요");
        assert_eq!(marked("café", "Cafe\u{301} Roma").unwrap(), "[Cafe\u{301}] Roma");
        assert_eq!(marked("cafe\u{301}", "CAFÉ").unwrap(), "[CAFÉ]");
        assert_eq!(
            marked("자전거", "자\u{200B}전\u{200B}거").unwrap(),
            "[자\u{200B}전\u{200B}거\u{200B}]".replace("\u{200B}]", "]")
        );
        assert_eq!(marked("ㅋㅋㅋ", "ㅋㅋㅋㅠㅠ").unwrap(), "[ㅋㅋㅋ]ㅠㅠ");
        assert_eq!(marked("cafe", "café"), None);
        // A snippet does not begin or end between a letter and its mark.
        let long = apart(&format!("{}자전거{}", "각".repeat(100), "각".repeat(200)));
        let snippet = marked("자전거", &long).unwrap();
        assert!(snippet.starts_with(&apart("…각")) && snippet.ends_with(&apart("각…")), "{snippet}");
    }

    #[test]
    fn a_query_without_words_or_with_too_many_is_refused() {
        for query in ["", "   ", "\u{200B}", "\u{301}", "a\u{0}b", "a b c d e f g h i", &"x".repeat(101)] {
            assert!(SearchTerms::parse(query).is_err(), "{query:?}");
        }
        assert_eq!(SearchTerms::parse("a a A").unwrap().0.len(), 1);
    }

    proptest! {
        #[test]
        fn a_piece_of_a_text_is_found_in_it(text in "[가-힣a-zA-Z .,]{1,80}", from in 0..80_usize, length in 1..10_usize) {
            let chars: Vec<char> = text.chars().collect();
            let from = from.min(chars.len() - 1);
            let piece: String = chars[from..chars.len().min(from + length)].iter().collect();
            if let Ok(terms) = SearchTerms::parse(&piece) {
                let parts = terms.snippet(&text).unwrap();
                prop_assert!(parts.iter().any(|part| part.hit));
                prop_assert_eq!(parts.iter().map(|part| part.text.as_str()).collect::<String>(), text);
            }
        }
    }
}
