//! Finding people by the beginning of their names, in the form in which texts are compared.

use super::{field::InvalidField, fold::fold};

/// Longest beginning, in characters.
pub const NAME_QUERY_CHARS_MAX: usize = 100;

/// What is kept of a name as it is compared, in characters. One of these takes up to 4 bytes, and a key of an index of
/// PostgreSQL's 2,704: some names of 200 characters fold to thousands.
const KEPT_CHARS_MAX: usize = 100;

/// A name as it is compared, cut.
#[must_use]
pub fn comparable_name(name: &str) -> String {
    fold(name).trim().chars().take(KEPT_CHARS_MAX).collect()
}

/// The beginning of a name, as it is compared. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameBeginning(String);

impl NameBeginning {
    /// Reads a query.
    ///
    /// # Errors
    /// [`InvalidField`] when it is empty, too long, or holds a control character.
    pub fn parse(query: &str) -> Result<Self, InvalidField> {
        if query.chars().count() > NAME_QUERY_CHARS_MAX || query.chars().any(char::is_control) {
            return Err(InvalidField(format!(
                "`name` must be 1 to {NAME_QUERY_CHARS_MAX} characters without control characters"
            )));
        }
        match comparable_name(query) {
            name if name.is_empty() => Err(InvalidField::new("`name` must hold something to search for")),
            name => Ok(Self(name)),
        }
    }

    /// The first name that begins with it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first text after all that begin with it, in the order of code points. Only what consists of the last code point has
    /// none, which is no character.
    #[must_use]
    pub fn end(&self) -> String {
        let mut end = self.0.clone();
        while let Some(last) = end.pop() {
            // The code points of surrogates are no characters.
            let next = if last == '\u{D7FF}' { Some('\u{E000}') } else { char::from_u32(u32::from(last) + 1) };
            if let Some(next) = next {
                end.push(next);
                return end;
            }
        }
        format!("{}{}", self.0, char::MAX)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_begins_with_what_looks_like_its_beginning() {
        for (name, query) in [
            ("İSTANBUL Bazaar", "istanbul"),
            ("istanbul", "İSTANBUL"),
            ("김민아", "\u{1100}\u{1175}\u{11B7}"),
            ("\u{1100}\u{1175}\u{11B7}민아", " 김민"),
            ("Straße 5", "STRASSE"),
            ("  José  ", "jose\u{301}"),
            ("ＭＩＮＡ", "mi"),
        ] {
            let beginning = NameBeginning::parse(query).unwrap();
            assert!(comparable_name(name).starts_with(beginning.as_str()), "{name:?} {query:?}");
        }
        assert!(!comparable_name("김민아").starts_with(NameBeginning::parse("민").unwrap().as_str()));
    }

    #[test]
    fn what_shows_nothing_and_what_is_too_long_is_refused() {
        let long = "x".repeat(NAME_QUERY_CHARS_MAX + 1);
        for query in ["", " ", "\u{200B}", "\u{301}", "a\u{7}", "a\n", long.as_str()] {
            assert!(NameBeginning::parse(query).is_err(), "{query:?}");
        }
    }

    #[test]
    fn what_is_kept_of_a_name_fits_a_key_of_an_index() {
        assert!(comparable_name(&"\u{FDFA}".repeat(200)).len() <= 400);
    }

    proptest! {
        #[test]
        fn the_end_is_after_all_that_begin_so_and_before_all_others(query in "\\PC{1,8}", rest in "\\PC{0,8}", other in "\\PC{0,8}") {
            let Ok(beginning) = NameBeginning::parse(&query) else { return Ok(()) };
            let (first, end) = (beginning.as_str(), beginning.end());
            let is_inside = |name: &str| name >= first && name < end.as_str();
            let long = format!("{first}{rest}");
            prop_assert!(is_inside(&long));
            prop_assert_eq!(is_inside(&other), other.starts_with(first));
        }
    }
}
