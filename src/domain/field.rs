//! What a JSON field may hold, and the sentence that names the one that does not fit.

use serde::de::DeserializeOwned;
use thiserror::Error;

/// Longest URL, in bytes.
pub const URL_BYTES_MAX: usize = 2048;

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
        let text = error.inner().to_string();
        let reason = text.split(" at line ").next().unwrap_or_default();
        // "invalid type: string "secret", expected i64" and its like repeat the value before the comma.
        let reason = match reason.rsplit_once(", expected ") {
            Some((_, expected)) if !reason.starts_with("unknown field") => format!("expected {expected}"),
            _ => reason.to_owned(),
        };
        Err(InvalidField(match error.path().to_string().as_str() {
            "." => reason,
            field => format!("`{field}`: {reason}"),
        }))
    })
}

/// Checks a line of text that people read.
///
/// # Errors
/// [`InvalidField`] when it is blank, longer than `chars_max` characters, or holds a control character.
pub fn check_text(text: &str, field: &str, chars_max: usize) -> Result<(), InvalidField> {
    if text.trim().is_empty() || text.chars().count() > chars_max || text.chars().any(char::is_control) {
        return Err(InvalidField(format!("`{field}` must be 1 to {chars_max} characters without control characters")));
    }
    Ok(())
}

/// Checks the address of a picture. A page shows these: a URL that runs as a script must not get in.
///
/// # Errors
/// [`InvalidField`] when it is neither http(s) nor a path of the page's own server, or longer than [`URL_BYTES_MAX`].
pub fn check_url(url: Option<&str>, field: &str) -> Result<(), InvalidField> {
    let fits = |url: &str| {
        let local = url.starts_with('/') && !url.starts_with("//");
        (local || url.starts_with("https://") || url.starts_with("http://"))
            && url.len() <= URL_BYTES_MAX
            && !url.chars().any(|c| c.is_control() || c.is_whitespace())
    };
    match url {
        Some(url) if !fits(url) => {
            Err(InvalidField(format!("`{field}` must be an http(s) URL or a path, at most {URL_BYTES_MAX} bytes")))
        }
        _ => Ok(()),
    }
}
