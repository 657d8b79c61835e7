//! A moment, in the one form that the contract knows.

use std::fmt;

use crate::api_docs::ToSchema;
use jiff::fmt::temporal::DateTimePrinter;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Milliseconds since 1970-01-01T00:00:00Z. JSON: RFC 3339 in UTC with three digits of milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, ToSchema)]
#[schema(value_type = String, format = DateTime, example = "2026-11-23T09:00:00.000Z")]
pub struct Timestamp(pub i64);

/// 0001-01-01T00:00:00.000Z to 9999-12-30T22:00:00.000Z: what RFC 3339 can write and jiff reads from milliseconds. A moment
/// outside is written as the nearest one inside.
const MS_RANGE: std::ops::RangeInclusive<i64> = -62_135_596_800_000..=253_402_207_200_000;

impl Timestamp {
    /// This moment plus this many milliseconds.
    #[must_use]
    pub fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Whole seconds since 1970, rounded down: a JWT's NumericDate (RFC 7519 section 2).
    #[must_use]
    pub fn as_secs(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Reads RFC 3339 with any offset.
    ///
    /// # Errors
    /// A sentence for the caller when the text is no such moment.
    pub fn parse(text: &str) -> Result<Self, String> {
        text.parse::<jiff::Timestamp>()
            .map(|at| Self(at.as_millisecond()))
            .map_err(|_| "must be a moment as in RFC 3339, like 2026-11-23T09:00:00.000Z".to_owned())
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.0.clamp(*MS_RANGE.start(), *MS_RANGE.end());
        let at = jiff::Timestamp::from_millisecond(ms).unwrap_or(jiff::Timestamp::MAX);
        let printer = DateTimePrinter::new().precision(Some(3));
        f.write_str(&printer.timestamp_to_string(&at))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_in_utc_with_milliseconds() {
        assert_eq!(Timestamp(1_763_888_400_000).to_string(), "2025-11-23T09:00:00.000Z");
        assert_eq!(Timestamp::parse("2025-11-23T18:00:00+09:00"), Ok(Timestamp(1_763_888_400_000)));
        assert!(Timestamp::parse("yesterday").is_err());
    }

    #[test]
    fn a_moment_beyond_the_range_is_written_as_its_end() {
        assert!([MS_RANGE.start(), MS_RANGE.end()].iter().all(|ms| jiff::Timestamp::from_millisecond(**ms).is_ok()));
        for far in [*MS_RANGE.end(), MS_RANGE.end() + 1, 253_402_300_799_999, i64::MAX] {
            assert_eq!(Timestamp(far).to_string(), "9999-12-30T22:00:00.000Z");
        }
        for old in [*MS_RANGE.start(), MS_RANGE.start() - 1, i64::MIN] {
            assert_eq!(Timestamp(old).to_string(), "0001-01-01T00:00:00.000Z");
        }
    }
}
