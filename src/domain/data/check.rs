//! What a client may send as `data`, found in one pass that keeps nothing.

use std::{cell::Cell, fmt};

use serde::{
    Deserializer,
    de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor},
};
use thiserror::Error as ThisError;

/// What is allowed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    /// Levels of arrays and objects.
    depth_max: usize,
    /// Whether the top level may hold [`RESERVED`].
    reserved: bool,
}

/// A client's.
pub(super) const OF_CLIENT: Rules = Rules { depth_max: 32, reserved: false };

/// An import's: versions before the limit of 32 levels have stored, and exported, up to 127.
pub(super) const OF_IMPORT: Rules = Rules { depth_max: 127, reserved: true };

/// Why a client's `data` is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ThisError)]
pub enum UnfitData {
    /// More levels than allowed.
    #[error("`data` must be nested at most {0} levels deep")]
    TooDeep(usize),
    /// A name that only haggle itself may write.
    #[error("`data.thumbnailKey` is haggle's own: send images by `POST /rooms/{{id}}/images`")]
    Reserved,
    /// Valid as JSON, and still a text that many readers of JSON refuse as a whole.
    #[error("`data` must hold only numbers in the range of a 64-bit float, and no half of a surrogate pair")]
    Unreadable,
}

/// The name at the top level that stands for an image's key: anyone who knows a key could have its address signed again.
const RESERVED: &str = "thumbnailKey";

pub(super) fn check(json: &str, rules: Rules) -> Result<(), UnfitData> {
    let fault = Cell::new(None);
    let mut reader = serde_json::Deserializer::from_str(json);
    let walk = Walk { level: 0, rules, fault: &fault };
    match walk.deserialize(&mut reader) {
        Ok(()) => Ok(()),
        Err(_) => Err(fault.get().unwrap_or(UnfitData::Unreadable)),
    }
}

/// Passes over one value. It recurses once per level, and ends at the deepest one that is allowed.
#[derive(Clone, Copy)]
struct Walk<'a> {
    level: usize,
    rules: Rules,
    fault: &'a Cell<Option<UnfitData>>,
}

impl Walk<'_> {
    fn fail<E: Error>(self, fault: UnfitData) -> E {
        self.fault.set(Some(fault));
        E::custom(fault)
    }

    /// The same, one level deeper.
    fn inside<E: Error>(self) -> Result<Self, E> {
        if self.level == self.rules.depth_max {
            return Err(self.fail(UnfitData::TooDeep(self.rules.depth_max)));
        }
        Ok(Self { level: self.level + 1, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let inside = self.inside()?;
        while items.next_element_seed(inside)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let inside = self.inside()?;
        while let Some(reserved) = fields.next_key_seed(IsReserved)? {
            if reserved && self.level == 0 && !self.rules.reserved {
                return Err(self.fail(UnfitData::Reserved));
            }
            fields.next_value_seed(inside)?;
        }
        Ok(())
    }
}

/// Reads a key, its escapes resolved, and says whether it is [`RESERVED`].
struct IsReserved;

impl<'de> DeserializeSeed<'de> for IsReserved {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for IsReserved {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<bool, E> {
        Ok(key == RESERVED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(levels: usize) -> [String; 2] {
        [
            format!("{}{}", "[".repeat(levels), "]".repeat(levels)),
            format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels)),
        ]
    }

    #[test]
    fn data_is_nested_at_most_32_levels_deep() {
        for json in nested(32).iter().chain(&nested(0)[1..]) {
            assert_eq!(check(json, OF_CLIENT), Ok(()), "{json}");
        }
        for levels in [33, 126, 127, 128, 10_000] {
            for json in nested(levels) {
                assert_eq!(check(&json, OF_CLIENT), Err(UnfitData::TooDeep(32)), "{levels}");
            }
        }
        for json in nested(127) {
            assert_eq!(check(&json, OF_IMPORT), Ok(()));
        }
        for json in nested(128) {
            assert!(check(&json, OF_IMPORT).is_err());
        }
    }

    #[test]
    fn the_reserved_name_is_refused_at_the_top_level_however_it_is_written() {
        for json in [
            r#"{"thumbnailKey":1}"#,
            r#"{"a":{},"thumbnail\u004bey":null}"#,
            r#"{"thumbnailKe\u0079":1,"thumbnailKey":2}"#,
        ] {
            assert_eq!(check(json, OF_CLIENT), Err(UnfitData::Reserved), "{json}");
            assert_eq!(check(json, OF_IMPORT), Ok(()), "{json}");
        }
        for json in
            [r#"{"a":{"thumbnailKey":1}}"#, r#"[{"thumbnailKey":1}]"#, r#"["thumbnailKey"]"#, "\"thumbnailKey\""]
        {
            assert_eq!(check(json, OF_CLIENT), Ok(()), "{json}");
        }
    }

    #[test]
    fn what_other_readers_of_json_refuse_is_refused() {
        for json in [r#"["\ud800"]"#, r#"{"\udc00":1}"#, "1e400", "[-1e999]"] {
            assert_eq!(check(json, OF_CLIENT), Err(UnfitData::Unreadable), "{json}");
        }
        for json in [r#""\ud83d\udc4d\u0000""#, "123456789012345678901234567890", "-1e308", "0.1e-999"] {
            assert_eq!(check(json, OF_CLIENT), Ok(()), "{json}");
        }
    }
}
