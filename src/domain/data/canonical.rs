//! One way to write each JSON value: without spaces, with sorted keys, the last of two equal ones.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_json::Number;

use super::quoted;

pub(super) fn canonical(json: &str) -> Option<String> {
    serde_json::from_str::<Canonical>(json).ok().map(|value| value.0)
}

/// A value that is written again. Each level holds the text of its children, and never a tree of them.
#[derive(Deserialize)]
#[serde(transparent)]
struct Canonical(#[serde(deserialize_with = "write")] String);

fn write<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    deserializer.deserialize_any(CanonicalVisitor)
}

struct CanonicalVisitor;

impl<'de> Visitor<'de> for CanonicalVisitor {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_unit<E>(self) -> Result<String, E> {
        Ok("null".to_owned())
    }

    fn visit_bool<E>(self, value: bool) -> Result<String, E> {
        Ok(value.to_string())
    }

    fn visit_i64<E>(self, value: i64) -> Result<String, E> {
        Ok(value.to_string())
    }

    fn visit_u64<E>(self, value: u64) -> Result<String, E> {
        Ok(value.to_string())
    }

    fn visit_f64<E>(self, value: f64) -> Result<String, E> {
        Ok(Number::from_f64(value).map_or_else(|| "null".to_owned(), |number| number.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<String, E> {
        Ok(quoted(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<String, A::Error> {
        let mut json = String::from("[");
        while let Some(item) = items.next_element::<Canonical>()? {
            if json.len() > 1 {
                json.push(',');
            }
            json.push_str(&item.0);
        }
        json.push(']');
        Ok(json)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<String, A::Error> {
        let mut fields = BTreeMap::new();
        while let Some((key, value)) = map.next_entry::<String, Canonical>()? {
            fields.insert(key, value.0);
        }
        let fields: Vec<String> = fields.iter().map(|(key, value)| format!("{}:{value}", quoted(key))).collect();
        Ok(format!("{{{}}}", fields.join(",")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_ways_to_write_a_value_become_one_and_it_is_that_of_a_tree() {
        for json in [
            r#" {"b": [1, 2.50, -0.0, 1e3, {}, []], "a": "\u0041\n", "b": [true, null, 18446744073709551615, -5]} "#,
            r#"{"": {"z": {"y": 1}, "a": 12345678901234567890123}, "é": "é\u0001"}"#,
            "7",
        ] {
            let tree: serde_json::Value = serde_json::from_str(json).unwrap();
            assert_eq!(canonical(json), Some(tree.to_string()));
        }
        assert_eq!(canonical("1e999"), None);
    }
}
