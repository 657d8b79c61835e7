//! Searching: the terms of a query, and a text with its hits marked. The database narrows down, this decides.

use serde::Serialize;
use utoipa::ToSchema;

use super::{Room, StoredMessage, field::InvalidField, message::json_text_bytes};

/// Longest query, in characters.
pub const QUERY_CHARS_MAX: usize = 100;

/// Most terms of a query: each narrows the search down, and costs a look.
pub const TERMS_MAX: usize = 8;

/// Characters of a text that are shown around its first hit.
const SNIPPET_CHARS: usize = 120;

/// Characters before the first hit that are shown.
const SNIPPET_BEFORE: usize = 30;

/// A query: its words, all of which a text must hold, in any order and any case, also in the middle of a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchTerms(Vec<Vec<char>>);

/// A piece of a text, with its hits apart, so that a page needs no markup to show them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SnippetPart {
    /// The words.
    pub text: String,
    /// Whether they are what was searched for.
    pub hit: bool,
}

/// A message that was found.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct FoundMessage {
    /// The message.
    pub message: StoredMessage,
    /// Its room.
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
        let mut terms: Vec<Vec<char>> = Vec::new();
        for word in query.split_whitespace() {
            let term: Vec<char> = word.chars().map(folded).collect();
            if !terms.contains(&term) {
                terms.push(term);
            }
        }
        match terms.len() {
            0 => Err(InvalidField::new("`q` must hold something to search for")),
            1..=TERMS_MAX => Ok(Self(terms)),
            _ => Err(InvalidField(format!("`q` must be at most {TERMS_MAX} words"))),
        }
    }

    /// Each three characters in a row of each term that has so many: what the index knows.
    pub fn trigrams(&self) -> impl Iterator<Item = String> {
        self.0.iter().flat_map(|term| term.windows(3)).map(|three| three.iter().collect())
    }

    /// The terms, folded as [`fold`] does.
    pub fn words(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(|term| term.iter().collect())
    }

    /// A piece of a text around its first hit with the hits marked; `None` when a term is missing from the text.
    #[must_use]
    pub fn snippet(&self, text: &str) -> Option<Vec<SnippetPart>> {
        let chars: Vec<char> = text.chars().collect();
        let plain: Vec<char> = chars.iter().copied().map(folded).collect();
        let mut hit = vec![false; chars.len()];
        for term in &self.0 {
            let mut found = false;
            let mut place = 0;
            while place + term.len() <= plain.len() {
                if plain[place..].starts_with(term) {
                    hit[place..place + term.len()].fill(true);
                    found = true;
                    place += term.len();
                } else {
                    place += 1;
                }
            }
            if !found {
                return None;
            }
        }
        let first = hit.iter().position(|hit| *hit).unwrap_or(0);
        let from = if chars.len() <= SNIPPET_CHARS { 0 } else { first.saturating_sub(SNIPPET_BEFORE) };
        let to = chars.len().min(from + SNIPPET_CHARS);
        let mut parts: Vec<SnippetPart> = Vec::new();
        if from > 0 {
            parts.push(SnippetPart { text: "…".to_owned(), hit: false });
        }
        for (c, hit) in chars[from..to].iter().zip(&hit[from..to]) {
            match parts.last_mut() {
                Some(part) if part.hit == *hit => part.text.push(*c),
                _ => parts.push(SnippetPart { text: c.to_string(), hit: *hit }),
            }
        }
        if to < chars.len() {
            parts.push(SnippetPart { text: "…".to_owned(), hit: false });
        }
        Some(parts)
    }
}

/// A text as it is compared with terms: in lower case.
#[must_use]
pub fn fold(text: &str) -> String {
    text.chars().map(folded).collect()
}

/// A character in lower case, where that is one character: places in a text stay what they are.
fn folded(c: char) -> char {
    let mut lower = c.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(one), None) => one,
        _ => c,
    }
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
    fn a_query_without_words_or_with_too_many_is_refused() {
        for query in ["", "   ", "a\u{0}b", "a b c d e f g h i", &"x".repeat(101)] {
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
