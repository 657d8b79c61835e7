//! A message's `data`: any JSON, kept as the bytes that arrived.
//!
//! The bytes are never turned into a tree of values: a tree takes up to 80 times the memory of its JSON. They are checked
//! once, where a client's message comes in ([`Data::check`]), and are written to every wire and to the database as they
//! are. So a client reads back exactly what was sent, spaces and long numbers included.

mod canonical;
mod check;

use std::{borrow::Cow, fmt, sync::Arc};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{DeserializeOwned, MapAccess, Visitor},
};
use serde_json::value::{RawValue, to_raw_value};

pub use check::UnfitData;

/// JSON as it arrived. Cheap to clone.
#[derive(Clone)]
pub struct Data(Arc<RawValue>);

impl Data {
    /// Takes JSON that was stored. Reading it never depends on how deeply it is nested.
    ///
    /// # Errors
    /// serde_json's, for what is not JSON.
    pub fn from_json(json: String) -> Result<Self, serde_json::Error> {
        RawValue::from_string(json).map(Self::from)
    }

    /// Writes one of haggle's own types.
    #[must_use]
    pub fn of<T: Serialize>(value: &T) -> Self {
        // haggle's types have string keys alone and write to memory: the only two ways in which this could fail.
        to_raw_value(value).unwrap_or_else(|_| RawValue::NULL.to_owned()).into()
    }

    /// Reads an object as one of haggle's own types; `None` for anything else. Unknown fields are ignored.
    #[must_use]
    pub fn read<T: DeserializeOwned>(&self) -> Option<T> {
        // Structs would also be read from arrays.
        self.json().starts_with('{').then(|| serde_json::from_str(self.json()).ok()).flatten()
    }

    #[must_use]
    pub fn json(&self) -> &str {
        self.0.get()
    }

    /// What it weighs in memory and on a wire: the bytes of its JSON.
    #[must_use]
    pub fn weight_bytes(&self) -> usize {
        self.json().len()
    }

    /// Checks what a client sent: at most 32 levels, no name of haggle's own, and nothing that other clients can't read.
    ///
    /// # Errors
    /// [`UnfitData`].
    pub fn check(&self) -> Result<(), UnfitData> {
        check::check(self.json(), check::OF_CLIENT)
    }

    /// Checks a line of an import: it may hold what was stored before there was a limit of 32 levels, and images' keys.
    ///
    /// # Errors
    /// [`UnfitData`].
    pub fn check_imported(&self) -> Result<(), UnfitData> {
        check::check(self.json(), check::OF_IMPORT)
    }

    /// The same JSON without its spaces and with sorted keys, so that two ways to write one value become one.
    /// `None` where a number or the depth is beyond what serde_json reads.
    #[must_use]
    pub fn canonical(&self) -> Option<String> {
        canonical::canonical(self.json())
    }

    /// The same object with these fields at its top level, in place of those that it has by these names. All other bytes
    /// of its values stay. Anything but an object stays as it is.
    #[must_use]
    pub fn with_fields(&self, fields: &[(&str, &str)]) -> Self {
        let mut reader = serde_json::Deserializer::from_str(self.json());
        match (&mut reader).deserialize_map(Rewrite(fields)).ok().and_then(|json| Self::from_json(json).ok()) {
            Some(rewritten) => rewritten,
            None => self.clone(),
        }
    }
}

/// Writes an object's fields again, some of them with another value.
struct Rewrite<'a>(&'a [(&'a str, &'a str)]);

impl<'de> Visitor<'de> for Rewrite<'_> {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<String, A::Error> {
        let mut json = String::from("{");
        let mut add = |key: &str, value: &str| {
            if json.len() > 1 {
                json.push(',');
            }
            json.push_str(&quoted(key));
            json.push(':');
            json.push_str(value);
        };
        while let Some((key, value)) = map.next_entry::<Key<'de>, &'de RawValue>()? {
            if self.0.iter().all(|(name, _)| *name != key.0) {
                add(&key.0, value.get());
            }
        }
        for (name, value) in self.0 {
            add(name, &quoted(value));
        }
        json.push('}');
        Ok(json)
    }
}

/// A key, without a copy where it needs none.
#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

/// A string as JSON.
fn quoted(text: &str) -> String {
    // A string can always be written.
    serde_json::to_string(text).unwrap_or_default()
}

impl From<Box<RawValue>> for Data {
    fn from(json: Box<RawValue>) -> Self {
        Self(json.into())
    }
}

impl Serialize for Data {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Data {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Box::<RawValue>::deserialize(deserializer).map(Self::from)
    }
}

impl PartialEq for Data {
    fn eq(&self, other: &Self) -> bool {
        self.json() == other.json()
    }
}

impl Eq for Data {}

// The size only: what people send must not reach a log.
impl fmt::Debug for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Data({} bytes)", self.weight_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(json: &str) -> Data {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn it_comes_back_byte_for_byte() {
        for json in [
            r#"{"a": 1.0,  "b":123456789012345678901234567890}"#,
            "[1e2,\t-0,\n{\"a\":1,\"a\":2}]",
            r#""\u0041\/\u0000""#,
            "false",
        ] {
            assert_eq!(serde_json::to_string(&data(json)).unwrap(), json);
            assert_eq!(serde_json::to_string(&Data::from_json(json.to_owned()).unwrap()).unwrap(), json);
            assert_eq!(data(json).weight_bytes(), json.len());
        }
    }

    #[test]
    fn reading_and_writing_do_not_depend_on_its_depth() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(serde_json::to_string(&data(&deep)).unwrap(), deep);
        assert!(Data::from_json("[".repeat(1000)).is_err() && Data::from_json(String::new()).is_err());
    }

    #[test]
    fn a_type_of_haggles_own_is_read_from_an_object_alone() {
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        struct Own {
            status: String,
        }
        let own = Own { status: "sold".to_owned() };
        assert_eq!(Data::of(&own).json(), r#"{"status":"sold"}"#);
        assert_eq!(data(r#" {"more": [], "status": "sold"}"#).read(), Some(own));
        for json in [r#"["sold"]"#, "\"sold\"", "null", "{}", r#"{"status":1}"#] {
            assert_eq!(data(json).read::<Own>(), None, "{json}");
        }
    }

    #[test]
    fn fields_are_replaced_and_all_other_bytes_of_values_stay() {
        let set = |json: &str| data(json).with_fields(&[("status", "sold"), ("at", "a\"b")]).json().to_owned();
        assert_eq!(
            set(r#"{"status": "new", "n": [1.0,  12345678901234567890123], "k\"": {}, "st\u0061tus": 1}"#),
            r#"{"n":[1.0,  12345678901234567890123],"k\"":{},"status":"sold","at":"a\"b"}"#
        );
        assert_eq!(set("{}"), r#"{"status":"sold","at":"a\"b"}"#);
        assert_eq!(set("[1]"), "[1]");
    }
}
