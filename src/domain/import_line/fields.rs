//! Which fields a line has, and which of them haggle does not know.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, MapAccess, Visitor},
};

/// The fields of each type of line.
const KNOWN: [(&str, &[&str]); 4] = [
    ("user", &["id", "name", "avatarUrl", "createdAt", "updatedAt"]),
    ("product", &["id", "sellerId", "title", "price", "currency", "imageUrl", "status", "createdAt", "updatedAt"]),
    ("room", &["id", "kind", "productId", "buyerId", "userId", "createdAt", "readSeq"]),
    (
        "message",
        &[
            "roomId",
            "senderId",
            "text",
            "sentAt",
            "clientId",
            "kind",
            "data",
            "replyTo",
            "staffName",
            "editedAt",
            "deletedAt",
        ],
    ),
];

/// Fields of a user's line that an export has and an import leaves out: the devices that are notified, and when the user was last
/// active.
const EXPORTED: [&str; 2] = ["pushSubscriptions", "lastSeenAt"];

/// Unknown fields that are counted, each by its own; those beyond are left out without a count.
const UNKNOWN_MAX: usize = 100;

/// Characters of an unknown field's name that are kept.
const NAME_CHARS_MAX: usize = 64;

/// The type of a line, and the names of its other fields.
#[derive(Debug)]
pub(super) struct Names {
    pub(super) tag: String,
    fields: Vec<String>,
}

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Names;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Names, A::Error> {
                let (mut tag, mut fields) = (None, Vec::new());
                while let Some(name) = map.next_key::<String>()? {
                    if name == "type" {
                        tag = Some(map.next_value()?);
                    } else {
                        map.next_value::<IgnoredAny>()?;
                        fields.push(name);
                    }
                }
                Ok(Names { tag: tag.ok_or_else(|| A::Error::missing_field("type"))?, fields })
            }
        }

        deserializer.deserialize_map(Reader)
    }
}

/// A field that haggle does not know, in the lines of one type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownField {
    pub line_type: &'static str,
    /// Its name, cut where it is very long, without control characters.
    pub name: String,
    /// How many lines have it.
    pub lines: u64,
}

/// The fields that haggle does not know, over all lines of a load.
#[derive(Debug, Default)]
pub struct UnknownFields(BTreeMap<(&'static str, String), u64>);

impl UnknownFields {
    /// Notes those of a line.
    pub(super) fn note(&mut self, names: Names) {
        let Some((line_type, known)) = KNOWN.into_iter().find(|(line_type, _)| *line_type == names.tag) else { return };
        for name in names.fields {
            if known.contains(&name.as_str()) || line_type == "user" && EXPORTED.contains(&name.as_str()) {
                continue;
            }
            let visible = name.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c });
            let key = (line_type, visible.take(NAME_CHARS_MAX).collect());
            if self.0.len() < UNKNOWN_MAX || self.0.contains_key(&key) {
                *self.0.entry(key).or_default() += 1;
            }
        }
    }

    /// Each of them once, by type and name.
    #[must_use]
    pub fn into_list(self) -> Vec<UnknownField> {
        let field = |((line_type, name), lines)| UnknownField { line_type, name, lines };
        self.0.into_iter().map(field).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{super::ImportLine, *};

    fn unknown(lines: &[&str]) -> Vec<(&'static str, String, u64)> {
        let mut unknown = UnknownFields::default();
        for line in lines {
            ImportLine::parse(line.as_bytes(), &mut unknown).unwrap();
        }
        unknown.into_list().into_iter().map(|field| (field.line_type, field.name, field.lines)).collect()
    }

    #[test]
    fn an_unknown_field_is_counted_and_the_line_is_good() {
        let lines = [
            r#"{"age":7,"type":"user","id":"u","name":"U","avatarURL":"/u.png"}"#,
            r#"{"type":"user","id":"v","name":"V","age":{"type":[1]}}"#,
            r#"{"type":"room","productId":"p","buyerId":"b","age":7}"#,
            r#"{"type":"user","id":"w","name":"W"}"#,
        ];
        let expected = [("room", "age", 1), ("user", "age", 2), ("user", "avatarURL", 1)];
        assert_eq!(unknown(&lines), expected.map(|(line_type, name, lines)| (line_type, name.to_owned(), lines)));
    }

    #[test]
    fn every_field_that_a_line_can_have_is_known() {
        let lines = [
            r#"{"type":"user","id":"u","name":"U","avatarUrl":"/u.png","createdAt":"2026-01-01T00:00:00Z","updatedAt":"2026-01-01T00:00:00Z"}"#,
            r#"{"type":"product","id":"p","sellerId":"u","title":"P","price":0,"currency":"KRW","imageUrl":"https://x/y","status":"sold","createdAt":"2026-01-01T00:00:00Z","updatedAt":"2026-01-01T00:00:00Z"}"#,
            r#"{"type":"room","id":"r","productId":"p","buyerId":"b","createdAt":"2026-01-01T00:00:00Z","readSeq":{"buyer":1,"seller":2}}"#,
            r#"{"type":"message","roomId":"r","senderId":"b","text":"hi","sentAt":"2026-01-01T00:00:00Z","clientId":"k","kind":"text","data":{},"replyTo":1,"staffName":"M","editedAt":"2026-01-01T00:00:00Z","deletedAt":"2026-01-01T00:00:00Z"}"#,
        ];
        assert_eq!(unknown(&lines), []);
        let written = |line: &str| {
            // What is read is what is written, and nothing of it is missing here.
            let read = ImportLine::parse(line.as_bytes(), &mut UnknownFields::default()).unwrap();
            serde_json::to_value(read).unwrap()
        };
        let support = written(r#"{"type":"room","kind":"support","userId":"u"}"#);
        for (line, (line_type, known)) in lines.into_iter().zip(KNOWN) {
            let written = written(line);
            let others = support.as_object().unwrap().keys().filter(|_| line_type == "room");
            let mut names: BTreeSet<&str> =
                written.as_object().unwrap().keys().chain(others).map(String::as_str).collect();
            names.remove("type");
            assert_eq!(names, BTreeSet::from_iter(known.iter().copied()), "{line_type}");
        }
    }

    #[test]
    fn names_of_fields_are_bounded_and_hold_nothing_that_a_terminal_obeys() {
        let name = "x".repeat(500);
        let line = format!(r#"{{"type":"user","id":"u","name":"U","{name}":1,"\u001b[31m":2}}"#);
        let found = unknown(&[&line]);
        assert_eq!(found, [("user", "x".repeat(64), 1), ("user", "\u{fffd}[31m".to_owned(), 1)]);
        let many: String = (0..1000).map(|i| format!(r#","f{i}":1"#)).collect();
        let line = format!(r#"{{"type":"user","id":"u","name":"U"{many}}}"#);
        assert_eq!(unknown(&[&line, &line]).len(), UNKNOWN_MAX);
    }
}
