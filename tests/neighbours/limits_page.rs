//! docs/protocol.md names every limit, with the default that the server has.

use std::{collections::BTreeMap, process::Command};

use crate::server::binary;

const PAGE: &str = include_str!("../../docs/protocol.md");

/// The options whose defaults are numbers or spans of time, as `--help` has them.
fn defaults() -> BTreeMap<String, String> {
    let help = Command::new(binary()).args(["serve", "--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let mut defaults = BTreeMap::new();
    let mut option = String::new();
    for line in help.lines() {
        let words: Vec<_> = line.split_whitespace().collect();
        if let Some(name) = words.iter().take(2).find(|word| word.starts_with("--")) {
            option = (*name).to_owned();
        }
        let Some((_, default)) = line.split_once("[default: ") else { continue };
        let default = default.split(']').next().unwrap();
        if default.starts_with(|first: char| first.is_ascii_digit()) && !default.contains(':') {
            defaults.insert(option.clone(), default.to_owned());
        }
    }
    defaults
}

/// The table's rows of options: what stands in the column of defaults.
fn documented() -> BTreeMap<String, String> {
    let (_, section) = PAGE.split_once("\n## Limits\n").unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `--"));
    rows.map(|row| {
        let mut cells = row.split(" | ");
        let option = cells.next().unwrap().split('`').next().unwrap();
        (format!("--{option}"), cells.next().unwrap().replace(',', ""))
    })
    .collect()
}

/// Whether a cell begins with a default: `262144` with `262144 bytes (256 KiB)`, and `15s` with `15 s`.
fn begins_with(cell: &str, default: &str) -> bool {
    let rest = cell.replace(' ', "");
    rest.strip_prefix(default).is_some_and(|rest| !rest.starts_with(|next: char| next.is_ascii_digit()))
}

#[test]
fn every_limit_that_is_an_option_is_documented_with_its_default() {
    let (defaults, documented) = (defaults(), documented());
    let wanted: BTreeMap<_, _> = defaults.iter().filter(|(option, _)| option.starts_with("--max-")).collect();
    assert!(wanted.len() >= 10, "{wanted:?}");
    for (option, default) in wanted {
        let cell = documented.get(option).unwrap_or_else(|| panic!("docs/protocol.md, Limits: {option} is missing"));
        assert!(
            begins_with(cell, default),
            "docs/protocol.md, Limits: {option} is {cell}, but its default is {default}"
        );
    }
    for (option, cell) in &documented {
        let default = defaults.get(option).unwrap_or_else(|| panic!("docs/protocol.md, Limits: there is no {option}"));
        assert!(
            begins_with(cell, default),
            "docs/protocol.md, Limits: {option} is {cell}, but its default is {default}"
        );
    }
}
