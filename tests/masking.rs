//! The masking rule against its corpus: what it must find and what it must leave alone, in `tests/masking/`.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a failed expectation is a failed test"
)]

use std::{fs, path::Path};

use haggle::domain::masking::{ContactKind, RecentDigits, find, find_after, mask};

/// What the rule may not fall below, `hard.tsv` included.
const PRECISION_MIN: f64 = 0.985;
const RECALL_MIN: f64 = 0.93;

struct Line {
    expected: Option<ContactKind>,
    /// One sender's messages in a row; the last is the one that counts.
    texts: Vec<String>,
    place: String,
}

fn corpus() -> Vec<Line> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/masking");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut lines = Vec::new();
    for file in files {
        for (number, line) in fs::read_to_string(&file).unwrap().lines().enumerate() {
            if line.starts_with('#') || line.is_empty() {
                continue;
            }
            let place = format!("{}:{}", file.file_name().unwrap().to_string_lossy(), number + 1);
            let (expected, text) = line.split_once('\t').unwrap_or_else(|| panic!("{place} has no tab"));
            let expected = match expected {
                "none" => None,
                name => Some(ContactKind::parse(name).unwrap_or_else(|| panic!("{place}: {name}"))),
            };
            lines.push(Line { expected, texts: text.split('¶').map(unescaped).collect(), place });
        }
    }
    lines
}

/// `\u{200B}` and `\n`, so that the corpus can be read.
fn unescaped(text: &str) -> String {
    let mut parts = text.split("\\u{");
    let mut out = parts.next().unwrap().to_owned();
    for part in parts {
        let (number, rest) = part.split_once('}').unwrap();
        out.push(char::from_u32(u32::from_str_radix(number, 16).unwrap()).unwrap());
        out.push_str(rest);
    }
    out.replace("\\n", "\n")
}

#[test]
fn the_rule_finds_what_it_must_and_leaves_the_rest_alone() {
    let (mut right, mut missed, mut false_alarms) = (0, Vec::new(), Vec::new());
    let lines = corpus();
    for Line { expected, texts, place } in &lines {
        let mut recent = RecentDigits::default();
        let mut found = Vec::new();
        for text in texts {
            found = find_after(text, &mut recent);
        }
        match (expected, found.first()) {
            (Some(kind), _) if found.iter().any(|finding| finding.kind == *kind) => right += 1,
            (Some(kind), _) => missed.push(format!("{place} {kind:?}: {texts:?} gave {found:?}")),
            (None, Some(_)) => false_alarms.push(format!("{place}: {texts:?} gave {found:?}")),
            (None, None) => {}
        }
    }
    let contacts = lines.iter().filter(|line| line.expected.is_some()).count();
    let precision = f64::from(right) / (f64::from(right) + false_alarms.len() as f64);
    let recall = f64::from(right) / contacts as f64;
    println!("missed:\n{}\nfalse alarms:\n{}", missed.join("\n"), false_alarms.join("\n"));
    let figures = format!(
        "precision {:.1} %, recall {:.1} % over {contacts} contacts and {} harmless messages",
        precision * 100.0,
        recall * 100.0,
        lines.len() - contacts
    );
    println!("{figures}");
    assert!(precision >= PRECISION_MIN && recall >= RECALL_MIN, "{figures}");
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    assert!(readme.contains(&figures), "README.md must say: {figures}");
}

#[test]
fn a_masked_text_has_no_contact_left_and_keeps_the_rest() {
    for Line { texts, place, .. } in corpus() {
        let [text] = texts.as_slice() else { continue };
        let masked = mask(text, &find(text));
        assert_eq!(find(&masked), [], "{place}: {masked}");
    }
    let text = "980,000원? 제 번호는 010-1234-5678 입니다";
    assert_eq!(mask(text, &find(text)), "980,000원? 제 번호는 ●●●-●●●●-●●●● 입니다");
}
