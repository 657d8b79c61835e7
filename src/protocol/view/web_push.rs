//! What a browser's service worker is sent: little, since it is read on a lock screen.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{MessageView, Presenter, StaffSender};
use crate::domain::{MessageKind, RoomId, Timestamp, UnreadTotal, UserId, WebPush, currency, message::SYSTEM_SENDER};

/// Longest name, title and excerpt of a text, in characters.
const EXCERPT_CHARS_MAX: usize = 120;

/// What the newest message says, for words in the device's language.
const UNREAD: &str = "unread";

/// What a browser's service worker is sent.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WebPushView<'a> {
    id: &'a str,
    event: &'static str,
    room_id: &'a RoomId,
    user_id: &'a UserId,
    /// Absent in a support room.
    #[serde(skip_serializing_if = "Option::is_none")]
    product_title: Option<String>,
    /// Who writes: the other member, somebody of the staff, or the marketplace, which has no name here, but in a support room.
    #[serde(skip_serializing_if = "Option::is_none")]
    sender_name: Option<String>,
    /// `text`, `image`, `offer`, the code of a message of the marketplace, or `unread` where the newest message can't be shown.
    code: String,
    #[serde(skip_serializing_if = "Map::is_empty")]
    params: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<MessageKind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sent_at: Option<Timestamp>,
    unread: i64,
    unread_total: UnreadTotal,
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<&'a str>,
}

impl<'a> WebPushView<'a> {
    #[must_use]
    pub fn of(push: &'a WebPush, presenter: &Presenter<'_>) -> Self {
        let WebPush { notification, total, language } = push;
        let message = notification.last_message.as_ref().map(|message| MessageView::of(message, presenter));
        // One's own, one that is gone, and one that warns of itself has no words here.
        let message = message.filter(|message| {
            *message.sender_id != notification.user_id && message.deleted_at.is_none() && message.warnings.is_empty()
        });
        let (code, params) = message.as_ref().map_or((UNREAD.to_owned(), Map::new()), said);
        let is_system = message.as_ref().is_some_and(|message| message.sender_id.as_str() == SYSTEM_SENDER);
        Self {
            id: &notification.id,
            event: notification.event,
            room_id: &notification.room_id,
            user_id: &notification.user_id,
            product_title: notification.product.as_ref().map(|product| excerpt(&product.title)),
            // A notice in a support room has no product for its title.
            sender_name: (!is_system || notification.product.is_none()).then(|| {
                let staff = message.as_ref().and_then(|message| message.sender.as_ref());
                excerpt(staff.map_or(notification.other.name.as_str(), StaffSender::name))
            }),
            code,
            params,
            kind: message.as_ref().map(|message| message.kind),
            text: message.as_ref().and_then(|message| message.text).map(excerpt),
            sent_at: message.as_ref().map(|message| message.sent_at),
            unread: notification.unread,
            unread_total: *total,
            language: language.as_deref(),
        }
    }
}

/// What a message says without its words, and with which parameters.
fn said(message: &MessageView<'_>) -> (String, Map<String, Value>) {
    let data = message.data.as_ref().and_then(|data| serde_json::to_value(data).ok()).unwrap_or_default();
    let params = match message.kind {
        MessageKind::Text => return ("text".to_owned(), Map::new()),
        MessageKind::Image => return ("image".to_owned(), Map::new()),
        MessageKind::Offer => {
            let digits = data["currency"].as_str().and_then(currency::exponent);
            let of_offer = ["amount", "currency", "status"].map(|name| (name.to_owned(), data[name].clone()));
            let mut params = Map::from_iter(of_offer);
            params.insert("minorDigits".to_owned(), json!(digits));
            return ("offer".to_owned(), params);
        }
        // The marketplace's backend may send anything of its own.
        MessageKind::System => data["params"].as_object().filter(|params| is_small(params)).cloned(),
    };
    let code = data["code"].as_str().filter(|code| code.len() <= 64).unwrap_or("system");
    (code.to_owned(), params.unwrap_or_default())
}

/// Whether the parameters of a message are few and short ones.
fn is_small(params: &Map<String, Value>) -> bool {
    serde_json::to_string(params).is_ok_and(|json| json.len() <= 256)
}

/// The beginning of a text, on one line.
fn excerpt(text: &str) -> String {
    let line = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut line: String = line.take(EXCERPT_CHARS_MAX + 1).collect();
    if line.chars().count() > EXCERPT_CHARS_MAX {
        line.pop();
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{
            ContactKind, Data, Notice, Product, ProductStatus, Role, StoredMessage, User,
            offer::{Offer, Price},
            sample,
        },
        protocol::{view::PlainPaths, web_push::PLAIN_BYTES_MAX},
    };

    const NOW: Timestamp = Timestamp(1_800_000_000_000);

    fn shown(message: Option<StoredMessage>, name: &str) -> Value {
        shown_in(Some(sample::bike()), message, user_named("alice", name))
    }

    fn user_named(id: &str, name: &str) -> User {
        User::new(UserId::from_stored(id), name.to_owned(), None)
    }

    fn shown_in(product: Option<Product>, message: Option<StoredMessage>, other: User) -> Value {
        let notification = crate::domain::UnreadNotification {
            id: "n".to_owned(),
            event: "unread",
            created_at: NOW,
            room_id: RoomId::from_stored("r"),
            user_id: UserId::from_stored("sam"),
            unread: 2,
            read_seq: crate::domain::Seq(5),
            product,
            other,
            last_message: message,
            devices: Vec::new(),
        };
        let total = UnreadTotal { rooms: 1, messages: 2 };
        let push = WebPush { notification, total, language: Some("ko".to_owned()) };
        let json = serde_json::to_vec(&WebPushView::of(&push, &Presenter::new(NOW, &PlainPaths))).unwrap();
        assert!(json.len() <= PLAIN_BYTES_MAX, "{} bytes", json.len());
        serde_json::from_slice(&json).unwrap()
    }

    fn message(kind: MessageKind, sender: &str, text: &str, data: Option<Data>) -> StoredMessage {
        let text = Some(text.to_owned());
        StoredMessage { kind, text, data, ..sample::message(&RoomId::from_stored("r"), 7, sender) }
    }

    #[test]
    fn a_push_about_a_support_room_has_support_for_its_title() {
        let notice = message(MessageKind::System, SYSTEM_SENDER, "Support joined: Mina", None);
        let shown = shown_in(None, Some(notice), User::desk());
        assert_eq!((shown.get("productTitle"), &shown["senderName"]), (None, &json!("Support")));
    }

    #[test]
    fn each_kind_of_message_says_what_it_is_and_no_more() {
        let text = shown(Some(message(MessageKind::Text, "alice", "hello\nthere", None)), "Alice");
        assert_eq!((&text["code"], &text["text"]), (&json!("text"), &json!("hello there")));
        assert_eq!((&text["senderName"], &text["language"]), (&json!("Alice"), &json!("ko")));
        assert_eq!((&text["unread"], &text["unreadTotal"]["messages"]), (&json!(2), &json!(2)));

        let offer = Offer::new(Role::Buyer, Price { amount: 4200, currency: "USD".to_owned() }, NOW).to_data();
        let offer = shown(Some(message(MessageKind::Offer, "alice", "", Some(offer))), "Alice");
        let params = json!({"amount": 4200, "currency": "USD", "status": "pending", "minorDigits": 2});
        assert_eq!((&offer["code"], &offer["params"]), (&json!("offer"), &params));

        let notice = Notice::ProductStatus(ProductStatus::Sold).data(&UserId::from_stored("carol"));
        let notice = shown(Some(message(MessageKind::System, SYSTEM_SENDER, "sold", Some(notice))), "Alice");
        assert_eq!((&notice["code"], &notice["params"]), (&json!("product_status"), &json!({"status": "sold"})));
        assert_eq!(notice["senderName"], Value::Null);

        let stored =
            r#"{"key":"k.jpg","thumbnailKey":"t.jpg","width":1,"height":2,"bytes":3,"contentType":"image/jpeg"}"#;
        let stored = Data::from_json(stored.to_owned()).ok();
        let image =
            shown(Some(StoredMessage { text: None, ..message(MessageKind::Image, "alice", "", stored) }), "Alice");
        assert_eq!((&image["code"], image["params"].is_null()), (&json!("image"), true), "{image}");
    }

    #[test]
    fn what_can_not_be_shown_is_unread_without_words() {
        let said = message(MessageKind::Text, "alice", "call 555-0100", None);
        for hidden in [
            StoredMessage { warnings: vec![ContactKind::Phone], ..said.clone() },
            StoredMessage { deleted_at: Some(NOW), ..said.clone() },
            StoredMessage { sender_id: UserId::from_stored("sam"), ..said },
        ] {
            let shown = shown(Some(hidden), "Alice");
            assert_eq!((&shown["code"], &shown["text"]), (&json!("unread"), &Value::Null), "{shown}");
        }
        assert_eq!(shown(None, "Alice")["code"], "unread");
    }

    #[test]
    fn the_longest_fits() {
        let long = "\u{10ffff}".repeat(20_000);
        let params = json!({"code": "a".repeat(64), "params": {"a": "b".repeat(240)}});
        let data = Data::from_json(params.to_string()).ok();
        let shown = shown(Some(message(MessageKind::System, SYSTEM_SENDER, &long, data)), &long);
        assert_eq!(shown["text"].as_str().unwrap().chars().count(), EXCERPT_CHARS_MAX + 1);
        assert_eq!(shown["params"]["a"].as_str().unwrap().len(), 240);
    }
}
