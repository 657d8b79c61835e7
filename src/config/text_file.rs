//! Text files that an operator writes: what their editor adds changes nothing.

use std::{fs, io, path::Path};

/// What some editors begin a file of UTF-8 with.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// Reads a text file without a byte order mark, and with one kind of line break, `\n`, after each line.
///
/// # Errors
/// The system's, and `InvalidData` where it is not UTF-8.
pub fn read_text(path: &Path) -> io::Result<String> {
    fs::read_to_string(path).map(|text| plain_text(&text))
}

/// The same for what was read already.
#[must_use]
pub fn plain_text(text: &str) -> String {
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    let mut plain = text.replace("\r\n", "\n");
    if !plain.is_empty() && !plain.ends_with('\n') {
        plain.push('\n');
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_editor_adds_changes_nothing() {
        for written in ["a\nb\n", "a\nb", "a\r\nb\r\n", "\u{feff}a\nb", "\u{feff}a\r\nb"] {
            assert_eq!(plain_text(written), "a\nb\n", "{written:?}");
        }
        for same in ["", "a \u{feff}b\n", "\n\n", "a\rb\n"] {
            assert_eq!(plain_text(same), same);
        }
    }
}
