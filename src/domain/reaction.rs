//! Reactions: a member's emoji on a message.

use std::sync::Arc;

use icu_properties::{
    CodePointSetData, CodePointSetDataBorrowed,
    props::{Emoji as EmojiProperty, EmojiModifier, EmojiModifierBase, EmojiPresentation, RegionalIndicator},
};
use serde::{Deserialize, Deserializer, Serialize};

use super::UserId;
use crate::api_docs::ToSchema;

/// Longest emoji, in bytes of UTF-8: a family of four takes 25, the flag of Scotland 28.
pub const EMOJI_BYTES_MAX: usize = 32;

const EMOJI: CodePointSetDataBorrowed<'static> = CodePointSetData::new::<EmojiProperty>();
const PICTURES: CodePointSetDataBorrowed<'static> = CodePointSetData::new::<EmojiPresentation>();
const MODIFIERS: CodePointSetDataBorrowed<'static> = CodePointSetData::new::<EmojiModifier>();
const MODIFIED: CodePointSetDataBorrowed<'static> = CodePointSetData::new::<EmojiModifierBase>();
const REGIONS: CodePointSetDataBorrowed<'static> = CodePointSetData::new::<RegionalIndicator>();

const JOINER: char = '\u{200d}';
const AS_PICTURE: char = '\u{fe0f}';
const KEYCAP: char = '\u{20e3}';
const BLACK_FLAG: char = '\u{1f3f4}';
const LAST_TAG: char = '\u{e007f}';

/// A single emoji. What is stored is read back as it is: an emoji of a newer Unicode stays one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String, example = "👍")]
pub struct Emoji(Arc<str>);

impl Emoji {
    /// Reads one; `None` for anything else: more than one, a letter, a symbol that is shown as text, or more than
    /// [`EMOJI_BYTES_MAX`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let fits = text.len() <= EMOJI_BYTES_MAX && is_emoji(text);
        fits.then(|| Self(text.into()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A member's reaction to a message.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Reaction {
    /// Id of the user.
    pub user_id: UserId,
    /// What they have reacted with.
    pub emoji: Emoji,
}

/// Reads an emoji that a client sends, or `null`. The field can't be left out.
///
/// # Errors
/// The deserializer's, for anything else.
pub fn sent_emoji<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Emoji>, D::Error> {
    Option::<String>::deserialize(deserializer)?.map(|text| parse(&text)).transpose()
}

/// Reads an emoji that a client sends.
///
/// # Errors
/// The deserializer's, for anything else.
pub fn one_emoji<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Emoji, D::Error> {
    parse(&String::deserialize(deserializer)?)
}

fn parse<E: serde::de::Error>(text: &str) -> Result<Emoji, E> {
    Emoji::parse(text).ok_or_else(|| E::custom(format!("must be a single emoji, at most {EMOJI_BYTES_MAX} bytes")))
}

/// Whether a text is one emoji and nothing else: a flag, a keycap, or pictures that joiners make one (UTS #51 section 1.4.9).
fn is_emoji(text: &str) -> bool {
    let mut rest = text;
    if take(&mut rest, |c| REGIONS.contains(c)).is_some() {
        return take(&mut rest, |c| REGIONS.contains(c)).is_some() && rest.is_empty();
    }
    if take(&mut rest, |c| matches!(c, '0'..='9' | '#' | '*')).is_some() {
        return rest.strip_prefix(AS_PICTURE).is_some_and(|rest| rest == KEYCAP.encode_utf8(&mut [0; 4]));
    }
    let is_alone = !text.contains(JOINER);
    loop {
        if !take_picture(&mut rest, is_alone) {
            return false;
        }
        if rest.is_empty() {
            return true;
        }
        if take(&mut rest, |c| c == JOINER).is_none() {
            return false;
        }
    }
}

/// Takes one picture with what modifies it. One that is alone must not be a symbol that is shown as text.
fn take_picture(rest: &mut &str, is_alone: bool) -> bool {
    let is_first = |c| EMOJI.contains(c) && !c.is_ascii() && !MODIFIERS.contains(c) && !REGIONS.contains(c);
    let Some(picture) = take(rest, is_first) else { return false };
    if MODIFIED.contains(picture) && take(rest, |c| MODIFIERS.contains(c)).is_some() {
        return true;
    }
    if picture == BLACK_FLAG && take(rest, |c| matches!(c, '\u{e0020}'..='\u{e007e}')).is_some() {
        while take(rest, |c| matches!(c, '\u{e0020}'..='\u{e007e}')).is_some() {}
        return take(rest, |c| c == LAST_TAG).is_some();
    }
    take(rest, |c| c == AS_PICTURE).is_some() || PICTURES.contains(picture) || !is_alone
}

/// Takes the next character, if it is such a one.
fn take(rest: &mut &str, is_one: impl Fn(char) -> bool) -> Option<char> {
    let next = rest.chars().next().filter(|c| is_one(*c))?;
    *rest = rest.get(next.len_utf8()..).unwrap_or_default();
    Some(next)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_emoji_is_one_whatever_it_is_made_of() {
        let emoji = [
            "👍",
            "👍🏽",
            "❤️",
            "☺️",
            "©️",
            "1️⃣",
            "#️⃣",
            "🇰🇷",
            "🏴󠁧󠁢󠁳󠁣󠁴󠁿",
            "👨‍👩‍👧‍👦",
            "🏳️‍🌈",
            "🏳‍🌈",
            "❤️‍🔥",
            "👩‍⚕",
            "👩🏽‍⚕️",
            "⚡️",
            "🫠",
            "🧑🏻‍🤝‍🧑🏿",
        ];
        for one in emoji {
            assert_eq!(Emoji::parse(one).as_ref().map(Emoji::as_str), Some(one), "{one}");
        }
    }

    #[test]
    fn anything_else_is_none() {
        let others = [
            "",
            " ",
            "a",
            "ok",
            "1",
            "#",
            "1️",
            "❤",
            "☺",
            "©",
            "👍👍",
            "👍 ",
            " 👍",
            "👍a",
            "🏽",
            "🇰",
            "🇰🇷🇰",
            "🇰🇷🇰🇷",
            "👍‍",
            "‍👍",
            "👨‍‍👩",
            "👨‍a",
            "\u{fe0f}",
            "\u{20e3}",
            "🏴\u{e0067}",
            "👍🏽🏽",
            "😀🏽",
            "가",
            "<b>",
            "1️⃣1️⃣",
            "👍\u{200b}",
            "👩‍❤️‍💋‍👨👩‍❤️‍💋‍👨",
        ];
        for other in others {
            assert_eq!(Emoji::parse(other), None, "{other:?}");
        }
        let long = ["👨"; 6].join("\u{200d}");
        assert!(is_emoji(&long) && long.len() > EMOJI_BYTES_MAX && Emoji::parse(&long).is_none());
    }

    proptest! {
        #[test]
        fn any_text_is_an_emoji_or_none(text in "(\\PC|[\u{200d}\u{fe0f}\u{20e3}👍🏽🇰1#🏴\u{e0067}\u{e007f}]){0,8}") {
            prop_assert!(Emoji::parse(&text).is_none_or(|emoji| emoji.as_str().len() <= EMOJI_BYTES_MAX));
        }
    }
}
