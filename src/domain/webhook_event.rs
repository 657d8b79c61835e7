//! What the marketplace's backend wants to be sent by webhook.

use std::str::FromStr;

use serde::{Deserialize, Deserializer, de};

/// A kind of what the webhook is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebhookEvent {
    /// A member has messages that stay unread.
    Unread,
    /// A message was stored, edited, deleted or removed.
    Message,
    /// An offer was made, or has another status.
    Offer,
    /// A report was made or decided.
    Report,
    /// The marketplace keeps a user from writing or signing in, or a room from being written to, or no longer does.
    Mute,
    /// A user has blocked another one, or lifted the block.
    Block,
    /// A product was put, or has another status.
    Product,
    /// A user was put or deleted, has changed a switch, or had their sessions ended.
    User,
}

impl WebhookEvent {
    const ALL: [Self; 8] =
        [Self::Unread, Self::Message, Self::Offer, Self::Report, Self::Mute, Self::Block, Self::Product, Self::User];

    /// Its name on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unread => "unread",
            Self::Message => "message",
            Self::Offer => "offer",
            Self::Report => "report",
            Self::Mute => "mute",
            Self::Block => "block",
            Self::Product => "product",
            Self::User => "user",
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl FromStr for WebhookEvent {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|event| event.as_str() == name);
        found.ok_or_else(|| {
            let known = Self::ALL.map(Self::as_str).join(", ");
            format!("must be some of {known}")
        })
    }
}

impl<'de> Deserialize<'de> for WebhookEvent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// A set of them; by default [`WebhookEvent::Unread`] alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WebhookEvents(u8);

impl WebhookEvents {
    /// Whether one is in the set.
    #[must_use]
    pub const fn has(self, event: WebhookEvent) -> bool {
        self.0 & event.bit() != 0
    }

    /// Whether any is in the set that comes from the stream of events, as all but [`WebhookEvent::Unread`] do.
    #[must_use]
    pub const fn has_streamed(self) -> bool {
        self.0 & !WebhookEvent::Unread.bit() != 0
    }
}

impl Default for WebhookEvents {
    fn default() -> Self {
        [WebhookEvent::Unread].into_iter().collect()
    }
}

impl FromIterator<WebhookEvent> for WebhookEvents {
    fn from_iter<I: IntoIterator<Item = WebhookEvent>>(events: I) -> Self {
        Self(events.into_iter().fold(0, |set, event| set | event.bit()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_known_by_its_name_and_an_unknown_one_hears_of_all() {
        for event in WebhookEvent::ALL {
            assert_eq!(event.as_str().parse(), Ok(event));
        }
        let refused = "messages".parse::<WebhookEvent>().unwrap_err();
        assert_eq!(refused, "must be some of unread, message, offer, report, mute, block, product, user");
    }

    #[test]
    fn a_set_has_what_was_put_into_it() {
        let none: WebhookEvents = [].into_iter().collect();
        let unread = WebhookEvents::default();
        let all: WebhookEvents = WebhookEvent::ALL.into_iter().collect();
        assert!(!none.has_streamed() && !unread.has_streamed() && all.has_streamed());
        for event in WebhookEvent::ALL {
            let one: WebhookEvents = [event, event].into_iter().collect();
            assert!(WebhookEvent::ALL.into_iter().all(|other| one.has(other) == (other == event)), "{event:?}");
            assert_eq!((all.has(event), none.has(event)), (true, false));
            assert_eq!(
                (unread.has(event), one.has_streamed()),
                (event == WebhookEvent::Unread, event != WebhookEvent::Unread)
            );
        }
    }
}
