//! What the masking rule knows of a text, computed in two steps: what depends on the text alone is computed where the text
//! comes in, in time proportional to its length; what depends on the sender's other messages takes the same few steps
//! whatever the text.

use std::ops::Range;

use super::{
    ContactKind, ContactRefused, MaskingPolicy, RecentDigits, SPLIT_MESSAGES_MAX, Screened,
    digits::{Edge, Ends},
    mask_range, read,
};

/// What the rule knows of a text on its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inspected {
    /// What the rule makes of the text on its own.
    pub screened: Screened,
    /// The digits at its ends, if there are any and the rule is on.
    pub ends: Option<Box<InspectedEnds>>,
}

/// The digits at a text's ends, and what they would be replaced by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InspectedEnds {
    policy: MaskingPolicy,
    ends: Ends,
    lead_masked: Option<Box<str>>,
    tail_masked: Option<Box<str>>,
}

impl MaskingPolicy {
    /// Inspects a text on its own. Takes time proportional to its length, so it belongs on the thread of the client that
    /// wrote it.
    #[must_use]
    pub fn inspect(self, text: Option<&str>) -> Inspected {
        let (Some(text), false) = (text, self == Self::Off) else { return Inspected::default() };
        let (findings, ends) = read(text);
        let screened = self.judge(text, &findings);
        if ends.is_empty() {
            return Inspected { screened, ends: None };
        }
        let masked = |edge: &Option<Edge>| {
            let edge = edge.as_ref().filter(|_| self == Self::Mask)?;
            let mut masked = String::new();
            mask_range(&mut masked, &text[edge.start..edge.end]);
            Some(masked.into_boxed_str())
        };
        let (lead_masked, tail_masked) = (masked(&ends.lead), masked(&ends.tail));
        Inspected { screened, ends: Some(Box::new(InspectedEnds { policy: self, ends, lead_masked, tail_masked })) }
    }

    /// What the rule makes of a text whose digits at one end are part of a number that other messages hold the rest of.
    fn judge_split(self, text: &str, digits: Range<usize>, masked: Option<&str>) -> Screened {
        match self {
            Self::Off => Screened::Clean,
            Self::Block => Screened::Refused(ContactRefused(ContactKind::Phone)),
            Self::Warn => Screened::Marked { warnings: vec![ContactKind::Phone], masked: None },
            Self::Mask => {
                let parts = [text.get(..digits.start), masked, text.get(digits.end..)];
                let masked = parts.into_iter().flatten().collect();
                Screened::Marked { warnings: vec![ContactKind::Phone], masked: Some(masked) }
            }
        }
    }
}

impl Inspected {
    /// What the rule makes of a text as its sender's next message. `recent` is then ready for the one after it.
    #[must_use]
    pub fn after(self, text: &str, recent: &mut RecentDigits) -> Screened {
        let Some(own) = &self.ends else {
            *recent = RecentDigits::default();
            return self.screened;
        };
        match recent.go_on(&own.ends) {
            Some(lead) if self.screened == Screened::Clean => {
                own.policy.judge_split(text, lead, own.lead_masked.as_deref())
            }
            _ => self.screened,
        }
    }

    /// What the rule makes of a text between messages of the same sender: up to two before it and two after it, in their
    /// order.
    #[must_use]
    pub fn between(&self, text: &str, before: &[Ends], after: &[Ends]) -> Screened {
        let screened = || self.screened.clone();
        let Some(own) = self.ends.as_ref().filter(|_| self.screened == Screened::Clean) else { return screened() };
        let before = &before[before.len().saturating_sub(SPLIT_MESSAGES_MAX - 1)..];
        let after = &after[..after.len().min(SPLIT_MESSAGES_MAX - 1)];
        let index = before.len();
        let mut recent = RecentDigits::default();
        for (place, ends) in before.iter().chain([&own.ends]).chain(after).enumerate() {
            let parts = recent.parts_before(ends);
            // A number that this text ends, goes through or begins is complete at this one or one of the next.
            if recent.go_on(ends).is_none() || place < index || place - index > parts {
                continue;
            }
            let (edge, masked) = match place == index {
                true => (&own.ends.lead, &own.lead_masked),
                false => (&own.ends.tail, &own.tail_masked),
            };
            if let Some(edge) = edge {
                return own.policy.judge_split(text, edge.start..edge.end, masked.as_deref());
            }
        }
        screened()
    }
}
