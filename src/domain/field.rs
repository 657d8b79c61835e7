//! What a JSON field may hold, and the sentence that names the one that does not fit.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error, IgnoredAny, MapAccess, SeqAccess, Unexpected, Visitor},
};
use thiserror::Error;

use super::fold::is_blank;

/// Longest URL, in characters.
pub const URL_CHARS_MAX: usize = 2048;

/// A field that is missing or out of range: a sentence that names it and repeats none of its value.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct InvalidField(pub String);

impl InvalidField {
    /// Takes the sentence.
    pub fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}

/// A whole number, however JSON writes it: `5` and `5.0` are the same one (JSON Schema 2020-12, 4.2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WholeNumber(i64);

impl From<WholeNumber> for i64 {
    fn from(number: WholeNumber) -> Self {
        number.0
    }
}

impl<'de> Deserialize<'de> for WholeNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl Visitor<'_> for Reader {
            type Value = WholeNumber;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number")
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<WholeNumber, E> {
                Ok(WholeNumber(number))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<WholeNumber, E> {
                // Beyond the range of every field.
                Ok(WholeNumber(i64::try_from(number).unwrap_or(i64::MAX)))
            }

            #[expect(clippy::cast_possible_truncation, reason = "the cast saturates, and no field goes that far")]
            fn visit_f64<E: Error>(self, number: f64) -> Result<WholeNumber, E> {
                if number.fract() == 0.0 {
                    Ok(WholeNumber(number as i64))
                } else {
                    Err(E::invalid_type(Unexpected::Float(number), &self))
                }
            }
        }

        // Any, since numbers come in three forms.
        deserializer.deserialize_any(Reader)
    }
}

/// Reads a [`WholeNumber`] into a field.
///
/// # Errors
/// The deserializer's, for anything else.
pub fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    WholeNumber::deserialize(deserializer).map(i64::from)
}

/// Reads a [`WholeNumber`] or `null` into a field.
///
/// # Errors
/// The deserializer's, for anything else.
pub fn optional_whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    Ok(Option::<WholeNumber>::deserialize(deserializer)?.map(i64::from))
}

/// A field that means something as a string alone. Of any other value nothing is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum MaybeText {
    /// Missing, or `null`.
    #[default]
    Nothing,
    Text(String),
    /// Anything else.
    Other,
}

impl MaybeText {
    /// The string, if it is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Nothing | Self::Other => None,
        }
    }
}

impl<'de> Deserialize<'de> for MaybeText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = MaybeText;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any JSON")
            }

            fn visit_unit<E>(self) -> Result<MaybeText, E> {
                Ok(MaybeText::Nothing)
            }

            fn visit_bool<E>(self, _: bool) -> Result<MaybeText, E> {
                Ok(MaybeText::Other)
            }

            fn visit_i64<E>(self, _: i64) -> Result<MaybeText, E> {
                Ok(MaybeText::Other)
            }

            fn visit_u64<E>(self, _: u64) -> Result<MaybeText, E> {
                Ok(MaybeText::Other)
            }

            fn visit_f64<E>(self, _: f64) -> Result<MaybeText, E> {
                Ok(MaybeText::Other)
            }

            fn visit_str<E>(self, text: &str) -> Result<MaybeText, E> {
                Ok(MaybeText::Text(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<MaybeText, A::Error> {
                IgnoredAny.visit_seq(items).map(|_| MaybeText::Other)
            }

            fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<MaybeText, A::Error> {
                IgnoredAny.visit_map(fields).map(|_| MaybeText::Other)
            }
        }

        deserializer.deserialize_any(Reader)
    }
}

/// Reads one JSON object. The field of an error is looked for only when there is one: that takes a second reading.
///
/// # Errors
/// [`InvalidField`] when it is not JSON, no object, or has a field of the wrong type.
pub fn read_object<T: DeserializeOwned>(json: &str) -> Result<T, InvalidField> {
    // Structs would also be read from arrays.
    if !json.trim_start().starts_with('{') {
        return Err(InvalidField::new("it must be a JSON object"));
    }
    serde_json::from_str(json).or_else(|_| {
        let mut reader = serde_json::Deserializer::from_str(json);
        let error = match serde_path_to_error::deserialize::<_, T>(&mut reader) {
            Ok(value) => {
                return reader.end().map(|()| value).map_err(|_| InvalidField::new("it holds more than one object"));
            }
            Err(error) => error,
        };
        Err(InvalidField(match what_does_not_fit(json, &error) {
            (None, reason) => reason,
            (Some(field), reason) => format!("`{field}`: {reason}"),
        }))
    })
}

/// The field of an error, where there is one to name, and a reason that repeats none of its value.
#[must_use]
pub fn what_does_not_fit(
    json: &str,
    error: &serde_path_to_error::Error<serde_json::Error>,
) -> (Option<String>, String) {
    // Read once more without any type: serde_json's own kinds of errors don't distinguish the two.
    if let Err(broken) = IgnoredAny::deserialize(&mut serde_json::Deserializer::from_str(json)) {
        return (None, format!("it is not valid JSON: {broken}"));
    }
    let text = error.inner().to_string();
    // The last one is serde_json's own; a value may hold these words, too.
    let reason = without_value(text.rsplit_once(" at line ").map_or(text.as_str(), |(reason, _)| reason));
    let field = error.path().to_string();
    // `?` stands for a place without a name.
    (Some(field).filter(|field| field != "." && !field.contains('?')), reason)
}

/// What serde says of a value that does not fit, without the value and without Rust's names of types:
/// `invalid type: string "secret", expected i64` becomes `expected a whole number`. The name of an unknown field stays.
#[must_use]
pub fn without_value(reason: &str) -> String {
    let expected = reason.rsplit_once(", expected ").filter(|_| !reason.starts_with("unknown field"));
    let Some((_, expected)) = expected else { return reason.to_owned() };
    let between = |min: i64, max: i64| format!("a whole number from {min} to {max}");
    let words = match expected {
        "i64" | "isize" => "a whole number".to_owned(),
        "u64" | "usize" => "a whole number from 0 up".to_owned(),
        "i8" => between(i8::MIN.into(), i8::MAX.into()),
        "i16" => between(i16::MIN.into(), i16::MAX.into()),
        "i32" => between(i32::MIN.into(), i32::MAX.into()),
        "u8" => between(0, u8::MAX.into()),
        "u16" => between(0, u16::MAX.into()),
        "u32" => between(0, u32::MAX.into()),
        "f32" | "f64" => "a number".to_owned(),
        "a borrowed string" => "a string".to_owned(),
        "a sequence" => "a list".to_owned(),
        "a map" => "an object".to_owned(),
        "unit" => "null".to_owned(),
        other if other.starts_with("struct ") => "an object".to_owned(),
        other => other.to_owned(),
    };
    format!("expected {words}")
}

/// Checks a line of text that people read.
///
/// # Errors
/// [`InvalidField`] when it shows nothing, is longer than `chars_max` characters, or holds a control character.
pub fn check_text(text: &str, field: &str, chars_max: usize) -> Result<(), InvalidField> {
    if is_blank(text) || text.chars().count() > chars_max || text.chars().any(char::is_control) {
        return Err(InvalidField(format!(
            "`{field}` must be 1 to {chars_max} characters, a visible one among them and no control characters"
        )));
    }
    Ok(())
}

/// Checks the address of a picture. A page shows these: a URL that runs as a script must not get in.
///
/// # Errors
/// [`InvalidField`] when it is neither http(s) nor a path of the page's own server, or longer than [`URL_CHARS_MAX`].
pub fn check_url(url: Option<&str>, field: &str) -> Result<(), InvalidField> {
    let fits = |url: &str| {
        let local = url.starts_with('/') && !url.starts_with("//");
        (local || url.starts_with("https://") || url.starts_with("http://"))
            && url.chars().count() <= URL_CHARS_MAX
            && !url.chars().any(|c| c.is_control() || c.is_whitespace())
    };
    match url {
        Some(url) if !fits(url) => {
            Err(InvalidField(format!("`{field}` must be an http(s) URL or a path, at most {URL_CHARS_MAX} characters")))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_string_is_known_as_such_and_not_kept() {
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        let read = |json: &str| serde_json::from_str::<MaybeText>(json).unwrap();
        assert_eq!(read("\"\\u0041\""), MaybeText::Text("A".to_owned()));
        assert_eq!(read("null"), MaybeText::Nothing);
        for json in ["true", "-1", "1", "1.5", "[1]", "{\"a\":{}}", &deep] {
            assert_eq!(read(json), MaybeText::Other, "{json:.20}");
        }
    }

    #[test]
    fn a_whole_number_may_be_written_with_a_fraction_of_nothing() {
        #[derive(Deserialize)]
        struct Price {
            #[serde(deserialize_with = "whole")]
            amount: i64,
            #[serde(default, deserialize_with = "optional_whole")]
            least: Option<i64>,
        }
        let read = |json: &str| read_object::<Price>(json).map(|price| (price.amount, price.least));
        assert_eq!(read(r#"{"amount":5}"#), Ok((5, None)));
        assert_eq!(read(r#"{"amount":-5.0,"least":1e3}"#), Ok((-5, Some(1000))));
        assert_eq!(read(r#"{"amount":9223372036854775808,"least":null}"#), Ok((i64::MAX, None)));
        for amount in ["5.5", "\"5\"", "true", "null", "[5]"] {
            let error = read(&format!("{{\"amount\":{amount}}}")).unwrap_err();
            assert_eq!(error.0, "`amount`: expected a whole number", "{amount}");
        }
    }

    #[test]
    fn what_does_not_fit_is_said_in_words_of_json_and_without_the_value() {
        #[derive(Debug, Deserialize)]
        struct Size {
            #[serde(rename = "width")]
            _width: u16,
        }
        #[derive(Debug, Default, Deserialize)]
        #[serde(default, rename_all = "camelCase")]
        struct Every {
            #[serde(rename = "price")]
            _price: Option<i64>,
            #[serde(rename = "seq")]
            _seq: Option<u64>,
            #[serde(rename = "share")]
            _share: Option<f64>,
            #[serde(rename = "sold")]
            _sold: Option<bool>,
            #[serde(rename = "title")]
            _title: Option<String>,
            #[serde(rename = "tags")]
            _tags: Option<Vec<String>>,
            #[serde(rename = "size")]
            _size: Option<Size>,
        }
        for (field, bad, expected) in [
            ("price", "1.5", "`price`: expected a whole number"),
            ("price", "\"secret, expected u8\"", "`price`: expected a whole number"),
            ("seq", "-1", "`seq`: expected a whole number from 0 up"),
            ("share", "\"half at line 7\"", "`share`: expected a number"),
            ("sold", "1", "`sold`: expected a boolean"),
            ("title", "7", "`title`: expected a string"),
            ("tags", "{}", "`tags`: expected a list"),
            ("size", "7", "`size`: expected an object"),
            ("size", "{\"width\":70000}", "`size.width`: expected a whole number from 0 to 65535"),
        ] {
            let error = read_object::<Every>(&format!("{{\"{field}\":{bad}}}")).unwrap_err();
            assert_eq!(error.0, expected, "{bad}");
        }
    }
}
