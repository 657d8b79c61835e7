//! The masking rule against its corpus: what it must find and what it must leave alone, in `tests/masking/`.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a failed expectation is a failed test"
)]

use std::{fs, path::Path};

use haggle::internals::domain::masking::{ContactKind, RecentDigits, find, find_after, mask};

/// The minimum for the rule, `hard.tsv` included.
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
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/measurements.md")).unwrap();
    assert!(page.contains(&figures), "docs/measurements.md must say: {figures}");
}

/// A text in another encoding that looks the same, or nearly.
fn encoded(text: &str, map: impl Fn(char) -> u32) -> String {
    text.chars().map(|c| char::from_u32(map(c)).unwrap()).collect()
}

#[test]
fn the_rule_finds_the_same_in_every_encoding_and_says_where_it_is_in_the_text_as_written() {
    let apart = icu_normalizer::DecomposingNormalizer::new_nfd();
    let together = icu_normalizer::ComposingNormalizer::new_nfkc();
    for Line { texts, place, .. } in corpus() {
        let found = |texts: &[String]| {
            let mut recent = RecentDigits::default();
            let last = texts.iter().map(|text| find_after(text, &mut recent)).last().unwrap();
            let text = texts.last().unwrap();
            let part = |range: std::ops::Range<usize>| together.normalize(&text[range]).into_owned();
            last.into_iter().map(|finding| (finding.kind, part(finding.range))).collect::<Vec<_>>()
        };
        let expected = found(&texts);
        let in_all = |encode: &dyn Fn(&str) -> String| texts.iter().map(|text| encode(text)).collect::<Vec<_>>();
        for (name, encoding) in [
            ("decomposed", in_all(&|text| apart.normalize(text).into_owned())),
            // Spaces, too.
            (
                "full-width",
                in_all(&|text| {
                    encoded(text, |c| match c {
                        ' ' => 0x3000,
                        '!'..='~' => c as u32 + 0xFEE0,
                        _ => c as u32,
                    })
                }),
            ),
            (
                "mathematical",
                in_all(&|text| {
                    encoded(text, |c| match c {
                        '0'..='9' => c as u32 - '0' as u32 + 0x1D7EC,
                        'a'..='z' => c as u32 - 'a' as u32 + 0x1D5EE,
                        _ => c as u32,
                    })
                }),
            ),
        ] {
            assert_eq!(found(&encoding), expected, "{place} {name}: {encoding:?}");
        }
    }
}

#[test]
fn a_contact_is_masked_as_written_and_the_rest_stays() {
    for (text, masked) in [
        (
            "제 번호는 \u{1100}\u{1169}\u{11BC}일\u{1100}\u{1169}\u{11BC} 일이삼사 오육칠팔요",
            "제 번호는 ●●● ●●●● ●●●●요",
        ),
        ("cafe\u{301} ０１０－１２３４－５６７８ cafe\u{301}", "cafe\u{301} ●●●－●●●●－●●●● cafe\u{301}"),
        ("ﬁne: 𝟎𝟏𝟎-𝟏𝟐𝟑𝟒-𝟓𝟔𝟕𝟖 …", "ﬁne: ●●●-●●●●-●●●● …"),
        ("⑴ alice@example.com ⑵", "⑴ ●●●●●@●●●●●●●.●●● ⑵"),
        ("०१०-१२३४-५६७८", "●●●-●●●●-●●●●"),
        ("౦౧౦-౧౨౩౪-౫౬౭౮", "●●●-●●●●-●●●●"),
        ("0\u{FE0F}\u{20E3}10 1234 5678", "●●● ●●●● ●●●●"),
        ("𝓪𝓵𝓲𝓬𝓮@𝓰𝓶𝓪𝓲𝓵.𝓬𝓸𝓶", "●●●●●@●●●●●.●●●"),
    ] {
        assert_eq!(mask(text, &find(text)), masked);
    }
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
