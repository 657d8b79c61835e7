//! The masking rule: finds contacts that reach someone outside the conversation before an offer was accepted.
//!
//! Telephone numbers, e-mail addresses, bank accounts, and links to messengers, also if they are written to evade the rule:
//! full-width and circled digits, 공일공, zero-width characters, signs between the digits, digits split over three messages in
//! a row. Prices, sizes and model numbers are not meant. `tests/masking/` holds what it must find and what it must leave
//! alone.
//!
//! The rule takes time proportional to the length of the text, whatever the text: what one candidate is judged by has a
//! bounded length, and what is longer is read once for all candidates. `linear_tests.rs` counts the steps.

mod account;
mod address;
mod characters;
mod context;
mod digits;
mod ends;
mod inspected;
mod phone;
mod recent_digits;
mod steps;
mod words_around;

use std::{collections::BTreeMap, fmt, ops::Range, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, de};

use super::fold::{Case, Folded, segments};
use crate::api_docs::ToSchema;
use characters::{Class, classify};
use context::Context;
pub use digits::Ends;
use digits::{Scan, scan};
pub use ends::END_CHARS;
pub use inspected::{Inspected, InspectedEnds};
pub use recent_digits::RecentDigits;
use steps::count;

/// Stands for each character that is masked.
pub const MASK: char = '●';

/// Messages in a row that digits of one number may be split over.
pub const SPLIT_MESSAGES_MAX: usize = 3;

/// What happens to a message with a contact in it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum MaskingPolicy {
    /// Nothing; the text is not inspected.
    Off,
    /// It is stored as it is, and `warnings` names what was found, so that both members see the risk.
    #[default]
    Warn,
    /// It is stored with the contact masked, and `warnings` names it.
    Mask,
    /// It is refused as `invalid`.
    Block,
}

impl MaskingPolicy {
    const ALL: [Self; 4] = [Self::Off, Self::Warn, Self::Mask, Self::Block];

    /// Its name on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Warn => "warn",
            Self::Mask => "mask",
            Self::Block => "block",
        }
    }
}

impl fmt::Display for MaskingPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for MaskingPolicy {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|policy| policy.as_str() == name);
        found.ok_or_else(|| "must be off, warn, mask or block".to_owned())
    }
}

impl<'de> Deserialize<'de> for MaskingPolicy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// A way to reach someone outside the conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ContactKind {
    /// A telephone number.
    Phone,
    /// An e-mail address.
    Email,
    /// A bank account.
    BankAccount,
    /// A link to a messenger, or a name there.
    Messenger,
}

impl ContactKind {
    const ALL: [Self; 4] = [Self::Phone, Self::Email, Self::BankAccount, Self::Messenger];

    /// Name on every wire and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::Email => "email",
            Self::BankAccount => "bank_account",
            Self::Messenger => "messenger",
        }
    }

    /// Reads the name; `None` for any other word.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// A contact in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub kind: ContactKind,
    /// Where it is, in bytes of the text.
    pub range: Range<usize>,
}

/// Finds contacts in one text, in its order, none of them overlapping.
#[must_use]
pub fn find(text: &str) -> Vec<Finding> {
    read(text).0
}

/// Finds contacts in one text, also those that its sender's last messages began. `recent` is then ready for the next one.
#[must_use]
pub fn find_after(text: &str, recent: &mut RecentDigits) -> Vec<Finding> {
    let (mut findings, ends) = read(text);
    if let Some(range) = recent.go_on(&ends).filter(|_| findings.is_empty()) {
        findings.push(Finding { kind: ContactKind::Phone, range });
    }
    findings
}

/// Reads a text as it looks: finds the contacts in it and the digits at its ends, and says where they are in the text as
/// written.
fn read(text: &str) -> (Vec<Finding>, Ends) {
    let folded = Folded::new(text, Case::Kept);
    count(folded.as_str().len());
    let mut scan = scan(folded.as_str());
    let mut findings = find_in(folded.as_str(), &scan);
    let mut end = 0;
    findings.retain_mut(|finding| {
        let source = folded.source_of(finding.range.clone());
        // Two of them may share a character, such as a number in brackets.
        finding.range = source.start.max(end)..source.end;
        end = end.max(source.end);
        !finding.range.is_empty()
    });
    for edge in [&mut scan.ends.lead, &mut scan.ends.tail].into_iter().flatten() {
        Range { start: edge.start, end: edge.end } = folded.source_of(edge.start..edge.end);
    }
    (findings, scan.ends)
}

fn find_in(text: &str, scan: &Scan) -> Vec<Finding> {
    let mut found = Found::default();
    // First, since an address may hold a number.
    if scan.has_address_sign {
        let (mut emails, mut messengers) = (Vec::new(), Vec::new());
        address::find(text, &mut emails, &mut messengers);
        found.add(ContactKind::Email, emails);
        found.add(ContactKind::Messenger, messengers);
    }
    if !scan.runs.is_empty() {
        let (mut phones, mut accounts) = (Vec::new(), Vec::new());
        for run in &scan.runs {
            let context = Context::around(text, run);
            phone::find(text, run, &context, &mut phones);
            account::find(run, &context, &mut accounts);
        }
        account::find_ibans(text, &mut accounts);
        found.add(ContactKind::Phone, phones);
        found.add(ContactKind::BankAccount, accounts);
    }
    found.in_order()
}

/// What was found so far, by where it begins; nothing in it overlaps.
#[derive(Default)]
struct Found(BTreeMap<usize, (usize, ContactKind)>);

impl Found {
    /// Adds what a rule found, unless another rule has taken it already.
    fn add(&mut self, kind: ContactKind, ranges: Vec<Range<usize>>) {
        for range in ranges {
            count(1);
            let before = self.0.range(..range.end).next_back();
            if before.is_none_or(|(_, (end, _))| *end <= range.start) {
                self.0.insert(range.start, (range.end, kind));
            }
        }
    }

    fn in_order(self) -> Vec<Finding> {
        self.0.into_iter().map(|(start, (end, kind))| Finding { kind, range: start..end }).collect()
    }
}

/// The text with every letter and digit of its findings masked.
#[must_use]
pub fn mask(text: &str, findings: &[Finding]) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut from = 0;
    for finding in findings {
        masked.push_str(&text[from..finding.range.start]);
        mask_range(&mut masked, &text[finding.range.clone()]);
        from = finding.range.end;
    }
    masked.push_str(&text[from..]);
    masked
}

fn mask_range(masked: &mut String, contact: &str) {
    count(contact.len());
    // A keycap or a joiner would dress the mask: the whole of a character and its marks is replaced.
    for segment in segments(contact) {
        let segment = &contact[segment];
        let folded = Folded::new(segment, Case::Kept);
        let mut classes = folded.as_str().chars().map(classify).filter(|class| *class != Class::Ignored).peekable();
        if classes.peek().is_some() {
            if classes.all(|class| class == Class::Gap) {
                masked.push_str(segment);
            } else {
                masked.push(MASK);
            }
        }
    }
}

/// The kinds of contacts among findings, each once.
#[must_use]
pub fn kinds(findings: &[Finding]) -> Vec<ContactKind> {
    let mut kinds: Vec<ContactKind> = findings.iter().map(|finding| finding.kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

/// What the rule makes of one text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Screened {
    /// Nothing to say.
    #[default]
    Clean,
    /// It may pass, with a notice.
    Marked {
        /// What was found, each kind once.
        warnings: Vec<ContactKind>,
        /// The text to store in place of the original; `None` if it stays as it is.
        masked: Option<String>,
    },
    /// It may not pass.
    Refused(ContactRefused),
}

impl Screened {
    /// Bytes of the text that it holds.
    #[must_use]
    pub fn weight_bytes(&self) -> usize {
        match self {
            Self::Marked { masked: Some(text), .. } => text.len(),
            _ => 0,
        }
    }
}

/// A text that must not be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("`text` must not hold {}: keep to this conversation until an offer is accepted", self.0.in_words())]
pub struct ContactRefused(pub ContactKind);

impl ContactKind {
    const fn in_words(self) -> &'static str {
        match self {
            Self::Phone => "a phone number",
            Self::Email => "an e-mail address",
            Self::BankAccount => "a bank account",
            Self::Messenger => "a link to a messenger",
        }
    }
}

impl MaskingPolicy {
    /// Applies the rule to a text and what was found in it.
    #[must_use]
    pub fn judge(self, text: &str, findings: &[Finding]) -> Screened {
        let Some(first) = findings.first() else { return Screened::Clean };
        match self {
            Self::Off => Screened::Clean,
            Self::Block => Screened::Refused(ContactRefused(first.kind)),
            Self::Warn => Screened::Marked { warnings: kinds(findings), masked: None },
            Self::Mask => Screened::Marked { warnings: kinds(findings), masked: Some(mask(text, findings)) },
        }
    }
}

#[cfg(test)]
mod linear_tests;
