//! ISO 4217: the currencies there are, and how many digits the minor unit of each has.
//!
//! The only such table: input is checked against it, and `GET /api/v1/currencies` gives it to clients. A browser's own
//! digits (`Intl`) are those that people usually write, and differ for more than a dozen currencies.

#[cfg(test)]
use utoipa::openapi::{
    Object, ObjectBuilder,
    schema::{SchemaType, Type},
};

use super::field::InvalidField;

/// Codes in their order, and the exponent of each: an amount of `n` in the minor unit is `n / 10^exponent`.
///
/// List One of ISO 4217 as of January 2026, without precious metals, test codes and units of account, which have no minor
/// unit; ANG and BGN stay for prices from before their countries changed to another currency.
const CURRENCIES: [(&str, u8); 167] = [
    ("AED", 2),
    ("AFN", 2),
    ("ALL", 2),
    ("AMD", 2),
    ("ANG", 2),
    ("AOA", 2),
    ("ARS", 2),
    ("AUD", 2),
    ("AWG", 2),
    ("AZN", 2),
    ("BAM", 2),
    ("BBD", 2),
    ("BDT", 2),
    ("BGN", 2),
    ("BHD", 3),
    ("BIF", 0),
    ("BMD", 2),
    ("BND", 2),
    ("BOB", 2),
    ("BOV", 2),
    ("BRL", 2),
    ("BSD", 2),
    ("BTN", 2),
    ("BWP", 2),
    ("BYN", 2),
    ("BZD", 2),
    ("CAD", 2),
    ("CDF", 2),
    ("CHE", 2),
    ("CHF", 2),
    ("CHW", 2),
    ("CLF", 4),
    ("CLP", 0),
    ("CNY", 2),
    ("COP", 2),
    ("COU", 2),
    ("CRC", 2),
    ("CUP", 2),
    ("CVE", 2),
    ("CZK", 2),
    ("DJF", 0),
    ("DKK", 2),
    ("DOP", 2),
    ("DZD", 2),
    ("EGP", 2),
    ("ERN", 2),
    ("ETB", 2),
    ("EUR", 2),
    ("FJD", 2),
    ("FKP", 2),
    ("GBP", 2),
    ("GEL", 2),
    ("GHS", 2),
    ("GIP", 2),
    ("GMD", 2),
    ("GNF", 0),
    ("GTQ", 2),
    ("GYD", 2),
    ("HKD", 2),
    ("HNL", 2),
    ("HTG", 2),
    ("HUF", 2),
    ("IDR", 2),
    ("ILS", 2),
    ("INR", 2),
    ("IQD", 3),
    ("IRR", 2),
    ("ISK", 0),
    ("JMD", 2),
    ("JOD", 3),
    ("JPY", 0),
    ("KES", 2),
    ("KGS", 2),
    ("KHR", 2),
    ("KMF", 0),
    ("KPW", 2),
    ("KRW", 0),
    ("KWD", 3),
    ("KYD", 2),
    ("KZT", 2),
    ("LAK", 2),
    ("LBP", 2),
    ("LKR", 2),
    ("LRD", 2),
    ("LSL", 2),
    ("LYD", 3),
    ("MAD", 2),
    ("MDL", 2),
    ("MGA", 2),
    ("MKD", 2),
    ("MMK", 2),
    ("MNT", 2),
    ("MOP", 2),
    ("MRU", 2),
    ("MUR", 2),
    ("MVR", 2),
    ("MWK", 2),
    ("MXN", 2),
    ("MXV", 2),
    ("MYR", 2),
    ("MZN", 2),
    ("NAD", 2),
    ("NGN", 2),
    ("NIO", 2),
    ("NOK", 2),
    ("NPR", 2),
    ("NZD", 2),
    ("OMR", 3),
    ("PAB", 2),
    ("PEN", 2),
    ("PGK", 2),
    ("PHP", 2),
    ("PKR", 2),
    ("PLN", 2),
    ("PYG", 0),
    ("QAR", 2),
    ("RON", 2),
    ("RSD", 2),
    ("RUB", 2),
    ("RWF", 0),
    ("SAR", 2),
    ("SBD", 2),
    ("SCR", 2),
    ("SDG", 2),
    ("SEK", 2),
    ("SGD", 2),
    ("SHP", 2),
    ("SLE", 2),
    ("SOS", 2),
    ("SRD", 2),
    ("SSP", 2),
    ("STN", 2),
    ("SVC", 2),
    ("SYP", 2),
    ("SZL", 2),
    ("THB", 2),
    ("TJS", 2),
    ("TMT", 2),
    ("TND", 3),
    ("TOP", 2),
    ("TRY", 2),
    ("TTD", 2),
    ("TWD", 2),
    ("TZS", 2),
    ("UAH", 2),
    ("UGX", 0),
    ("USD", 2),
    ("USN", 2),
    ("UYI", 0),
    ("UYU", 2),
    ("UYW", 4),
    ("UZS", 2),
    ("VED", 2),
    ("VES", 2),
    ("VND", 0),
    ("VUV", 0),
    ("WST", 2),
    ("XAD", 2),
    ("XAF", 0),
    ("XCD", 2),
    ("XCG", 2),
    ("XOF", 0),
    ("XPF", 0),
    ("YER", 2),
    ("ZAR", 2),
    ("ZMW", 2),
    ("ZWG", 2),
];

/// Every currency's code and exponent, by code.
pub fn all() -> impl ExactSizeIterator<Item = (&'static str, u8)> {
    CURRENCIES.iter().copied()
}

/// How many digits the minor unit of a currency has: 2 for USD, 0 for KRW. `None` for what is no currency.
#[must_use]
pub fn exponent(code: &str) -> Option<u8> {
    CURRENCIES.binary_search_by_key(&code, |(known, _)| known).ok().map(|place| CURRENCIES[place].1)
}

/// Checks the code of a currency that comes in.
///
/// # Errors
/// [`InvalidField`] when ISO 4217 does not have it.
pub fn check(code: &str, field: &str) -> Result<(), InvalidField> {
    match exponent(code) {
        Some(_) => Ok(()),
        None => Err(InvalidField(format!("`{field}` must be a code of ISO 4217 in capitals, such as EUR"))),
    }
}

/// The schema of a currency that comes in.
#[must_use]
#[cfg(test)]
pub fn schema() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some("ISO 4217 code."))
        .enum_values(Some(all().map(|(code, _)| code)))
        .examples(["KRW"])
        .build()
}

/// The schema of a currency that may be left out, or `null`.
#[must_use]
#[cfg(test)]
pub fn optional_schema() -> Object {
    let codes = all().map(|(code, _)| code.into()).chain([serde_json::Value::Null]);
    ObjectBuilder::from(schema())
        .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
        .enum_values(Some(codes))
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_in_order_each_once_and_have_a_known_exponent() {
        assert!(CURRENCIES.windows(2).all(|pair| pair[0].0 < pair[1].0));
        for (code, digits) in all() {
            assert!(code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase()), "{code}");
            assert!(matches!(digits, 0 | 2 | 3 | 4), "{code}");
            assert_eq!(exponent(code), Some(digits));
            assert_eq!(check(code, "currency"), Ok(()));
        }
    }

    #[test]
    fn the_exponents_are_those_of_the_standard_and_not_the_usual_digits() {
        let of = |digits: u8| all().filter(|(_, known)| *known == digits).map(|(code, _)| code).collect::<Vec<_>>();
        let none = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF";
        assert_eq!(of(0).join(" "), none);
        assert_eq!(of(3).join(" "), "BHD IQD JOD KWD LYD OMR TND");
        assert_eq!(of(4).join(" "), "CLF UYW");
        // Browsers write these without decimals.
        for code in "AFN ALL AMD COP HUF IDR IRR KPW LAK LBP MGA MMK PKR RSD SLE SOS SYP TZS UZS YER".split(' ') {
            assert_eq!(exponent(code), Some(2), "{code}");
        }
    }

    #[test]
    fn what_is_no_currency_is_refused_by_name() {
        for code in ["", "WON", "BTC", "krw", "KRWX", "KR", "XXX", "XTS", "XAU", "HRK", "ZWL", " USD", "usd", "ＵＳＤ"]
        {
            assert_eq!(exponent(code), None, "{code}");
            assert!(check(code, "currency").unwrap_err().0.starts_with("`currency` must be"), "{code}");
        }
    }
}
