//! Panics on request, for the tests of what one costs. Not part of any binary.

/// Panics where a text asks for it at this place.
pub(crate) fn if_asked(text: Option<&str>, place: &str) {
    assert!(!text.is_some_and(|text| text.contains(&format!("panic in {place}"))), "as a test has asked");
}
