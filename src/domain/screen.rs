//! A say before a message is stored: which messages the marketplace is asked about, and what it may answer.

use std::str::FromStr;

use serde::{Deserialize, Deserializer, de};
use thiserror::Error;

use super::{Data, Draft, MessageKind, field::without_value, fold::is_blank};

/// Longest reason or notice of an answer, in characters.
pub const WORDS_CHARS_MAX: usize = 1000;

/// Which messages the marketplace is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScreenWhen {
    /// All.
    All,
    /// Those with something that looks like the address of a page.
    Links,
    /// Images.
    Images,
    /// The first ones that a member sends in a room.
    FirstContact,
}

/// What happens to a message when the marketplace has not answered in time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ScreenFallback {
    /// It is stored.
    #[default]
    Allow,
    /// It is refused as `unavailable`.
    Refuse,
}

macro_rules! names {
    ($type:ident, $sentence:literal, $($value:ident = $name:literal),+) => {
        impl $type {
            const ALL: &[(Self, &str)] = &[$((Self::$value, $name)),+];
        }

        impl FromStr for $type {
            type Err = String;

            fn from_str(name: &str) -> Result<Self, String> {
                let found = Self::ALL.iter().find(|(_, known)| *known == name);
                found.map(|(value, _)| *value).ok_or_else(|| $sentence.to_owned())
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }
    };
}

names!(
    ScreenWhen,
    "must be all, or some of links, images, first-contact",
    All = "all",
    Links = "links",
    Images = "images",
    FirstContact = "first-contact"
);
names!(ScreenFallback, "must be allow or refuse", Allow = "allow", Refuse = "refuse");

/// Which messages the marketplace is asked about: those of any of these kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScreenedKinds {
    links: bool,
    images: bool,
    /// Those that a member sends first.
    pub first_contact: bool,
    all: bool,
}

impl FromIterator<ScreenWhen> for ScreenedKinds {
    fn from_iter<I: IntoIterator<Item = ScreenWhen>>(when: I) -> Self {
        let mut kinds = Self { links: false, images: false, first_contact: false, all: false };
        for when in when {
            match when {
                ScreenWhen::All => kinds.all = true,
                ScreenWhen::Links => kinds.links = true,
                ScreenWhen::Images => kinds.images = true,
                ScreenWhen::FirstContact => kinds.first_contact = true,
            }
        }
        kinds
    }
}

impl ScreenedKinds {
    /// Whether a message is of one of the kinds by what it holds.
    #[must_use]
    pub fn has(&self, draft: &Draft) -> bool {
        // An image's has haggle's own keys.
        let is_client_data = draft.kind != MessageKind::Image;
        self.all
            || (self.images && draft.kind == MessageKind::Image)
            || self.has_text(draft.text.as_deref())
            || (self.links && is_client_data && draft.data.as_ref().is_some_and(has_link_within))
    }

    /// The same of new words for a message. Both take time proportional to the length, so they belong on the thread of the client
    /// that wrote it.
    #[must_use]
    pub fn has_text(&self, text: Option<&str>) -> bool {
        self.all || (self.links && text.is_some_and(has_link))
    }
}

/// Whether a text has something that looks like the address of a page. It may take a name with a full stop for one: then the
/// marketplace is asked once too often.
fn has_link(text: &str) -> bool {
    text.contains("://") || text.split(|c: char| c.is_whitespace() || "()<>[]{}\"'`,;|".contains(c)).any(is_address)
}

/// The same of the strings of some JSON.
fn has_link_within(data: &Data) -> bool {
    let mut rest = data.json();
    while let Some(begin) = rest.find('"') {
        let inside = &rest[begin + 1..];
        let mut is_escaped = false;
        let end = inside.find(|c| {
            let ends = c == '"' && !is_escaped;
            is_escaped = c == '\\' && !is_escaped;
            ends
        });
        let Some(end) = end else { return false };
        let has_none = serde_json::from_str::<String>(&rest[begin..begin + end + 2]).is_ok_and(|text| !has_link(&text));
        if !has_none {
            return true;
        }
        rest = &inside[end + 1..];
    }
    false
}

fn is_address(word: &str) -> bool {
    let host = word.split(['/', '?', '#', ':']).find(|part| !part.is_empty()).unwrap_or_default();
    let host = host.trim_matches(|c: char| !c.is_alphanumeric());
    let Some((names, last)) = host.rsplit_once(['.', '。', '．']) else { return false };
    let is_name = last.chars().count() >= 2 && last.chars().all(char::is_alphabetic);
    let is_top = is_name || last.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("xn--"));
    is_top && names.chars().next_back().is_some_and(char::is_alphanumeric)
}

/// What the marketplace says of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is stored.
    Allow,
    /// It is stored, and followed by a notice.
    Warn(String),
    /// It is stored with other words.
    Replace(String),
    /// It is not stored.
    Refuse(Option<String>),
    /// It is not stored, and staff has a look at it.
    Hold(Option<String>),
}

/// An answer that is none.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct InvalidVerdict(String);

#[derive(Deserialize)]
struct Answer {
    action: Action,
    text: Option<String>,
    reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Action {
    Allow,
    Warn,
    Replace,
    Refuse,
    Hold,
}

impl Verdict {
    /// Reads an answer's body. What it says instead of a message may have `text_bytes_max`.
    ///
    /// # Errors
    /// [`InvalidVerdict`] for anything that is none, with what is wrong and nothing of what it holds.
    pub fn parse(body: &[u8], text_bytes_max: usize) -> Result<Self, InvalidVerdict> {
        let invalid = |error: serde_json::Error| InvalidVerdict(without_value(&error.to_string()));
        let Answer { action, text, reason } = serde_json::from_slice(body).map_err(invalid)?;
        Ok(match action {
            Action::Allow => Self::Allow,
            Action::Warn => Self::Warn(words("text", text)?.ok_or_else(|| missing("text"))?),
            Action::Replace => {
                let text = text.filter(|text| !is_blank(text)).ok_or_else(|| missing("text"))?;
                if text.len() > text_bytes_max || text.contains('\0') {
                    return Err(InvalidVerdict("`text` is longer than a message, or holds U+0000".to_owned()));
                }
                Self::Replace(text)
            }
            Action::Refuse => Self::Refuse(words("reason", reason)?),
            Action::Hold => Self::Hold(words("reason", reason)?),
        })
    }

    /// Its name in the audit log and the metrics.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Warn(_) => "warn",
            Self::Replace(_) => "replace",
            Self::Refuse(_) => "refuse",
            Self::Hold(_) => "hold",
        }
    }
}

fn missing(field: &str) -> InvalidVerdict {
    InvalidVerdict(format!("`{field}` is missing"))
}

fn words(field: &str, words: Option<String>) -> Result<Option<String>, InvalidVerdict> {
    let words = words.filter(|words| !is_blank(words));
    if words.as_ref().is_some_and(|words| words.chars().count() > WORDS_CHARS_MAX || words.contains('\0')) {
        return Err(InvalidVerdict(format!("`{field}` has more than {WORDS_CHARS_MAX} characters, or holds U+0000")));
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{RoomId, Screened, Timestamp, UserId};

    #[test]
    fn a_link_is_seen_however_it_is_written() {
        for text in [
            "see https://example.com/a",
            "HTTP://EXAMPLE.COM",
            "it is on example.com",
            "(www.example.co.kr/x?y=1)",
            "go to 예시.한국 now",
            "bit.ly/abc.",
            "tg://resolve?domain=x",
            "example.com~",
            "example.com…",
            "example.com。",
            "*example.com*",
            "→example.com",
            "xn--2e0b.xn--3e0b707e",
        ] {
            assert!(has_link(text), "{text}");
        }
        for text in
            ["", "hello", "it costs 12.900 won", "3.5kg", "wait... what?", "e.g. this", "...", ".com", "2026.11.29"]
        {
            assert!(!has_link(text), "{text}");
        }
    }

    #[test]
    fn a_link_is_seen_in_the_data_too() {
        let links = ScreenedKinds::from_iter([ScreenWhen::Links]);
        let draft = |data: &str| Draft {
            room: RoomId::from_stored("r".to_owned()),
            sender: UserId::from_stored("alice"),
            client_id: None,
            kind: MessageKind::Text,
            text: None,
            data: Some(Data::from_json(data.to_owned()).unwrap()),
            reply_to: None,
            sent_at: Timestamp(0),
            screened: Screened::Clean,
            by_staff: false,
        };
        for data in [r#"{"a":["https:\/\/example.com\/a"]}"#, r#"{"a":"\"\nexample\u002ecom"}"#, r#""a://b""#] {
            assert!(links.has(&draft(data)), "{data}");
        }
        for data in [r#"{"price":12.50,"at":"2026-11-29"}"#, r#"[true,null,"hello.",1.5e10]"#] {
            assert!(!links.has(&draft(data)), "{data}");
        }
    }

    #[test]
    fn an_answer_is_one_of_five_and_anything_else_is_none() {
        let parse = |body: &str| Verdict::parse(body.as_bytes(), 5);
        assert_eq!(parse(r#"{"action":"allow","more":1}"#), Ok(Verdict::Allow));
        assert_eq!(parse(r#"{"action":"warn","text":"take care"}"#), Ok(Verdict::Warn("take care".into())));
        assert_eq!(parse(r#"{"action":"replace","text":"five!"}"#), Ok(Verdict::Replace("five!".into())));
        assert_eq!(parse(r#"{"action":"refuse"}"#), Ok(Verdict::Refuse(None)));
        assert_eq!(parse(r#"{"action":"refuse","reason":"no"}"#), Ok(Verdict::Refuse(Some("no".into()))));
        assert_eq!(parse(r#"{"action":"hold","reason":" "}"#), Ok(Verdict::Hold(None)));
        let long = format!(r#"{{"action":"refuse","reason":"{}"}}"#, "a".repeat(1001));
        for none in [
            "",
            "null",
            "{}",
            r#"{"action":"secret"}"#,
            r#"{"action":"warn"}"#,
            r#"{"action":"warn","text":" "}"#,
            r#"{"action":"replace","text":"longer"}"#,
            r#"{"action":"replace","text":"\u0000"}"#,
            r#"{"action":"replace"}"#,
            r#"{"action":"hold","reason":7}"#,
            &long,
        ] {
            let error = parse(none).unwrap_err();
            assert!(!error.0.contains("secret"), "{none}: {error}");
        }
    }
}
