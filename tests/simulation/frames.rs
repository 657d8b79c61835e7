//! What a client reads off its wire.

use serde::Deserialize;
use serde_json::value::RawValue;

/// One frame.
pub enum Frame<'a> {
    Event {
        name: &'a str,
        data: &'a RawValue,
        offset: Option<&'a str>,
    },
    Reply {
        id: u64,
        answer: Result<&'a RawValue, Refusal>,
    },
    Connected {
        pid: Option<String>,
    },
    /// The server ends the session.
    Ended,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Refusal {
    pub code: String,
}

#[derive(Deserialize)]
struct Plain<'a> {
    #[serde(borrow)]
    event: Option<&'a str>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    reply: Option<u64>,
    error: Option<Refusal>,
}

#[derive(Deserialize)]
struct Ack<'a> {
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    error: Option<Refusal>,
}

#[derive(Deserialize)]
struct Connected {
    pid: Option<String>,
}

/// Reads a frame of either wire.
pub fn parse(frame: &str) -> Result<Frame<'_>, String> {
    let wrong = |error: serde_json::Error| format!("a frame can't be read: {error}: {frame}");
    if frame.starts_with('{') {
        let Plain { event, data, reply, error } = serde_json::from_str(frame).map_err(wrong)?;
        return match (event, data, reply, error) {
            (Some(name), Some(data), None, None) => Ok(Frame::Event { name, data, offset: None }),
            (None, Some(data), Some(id), None) => Ok(Frame::Reply { id, answer: Ok(data) }),
            (None, None, Some(id), Some(error)) => Ok(Frame::Reply { id, answer: Err(error) }),
            _ => Err(format!("a frame is nothing: {frame}")),
        };
    }
    let Some((head, rest)) = frame.split_once(',') else {
        return if frame == "1" { Ok(Frame::Ended) } else { Err(format!("a frame is nothing: {frame}")) };
    };
    let body = |text: &'static str| format!("{text}: {frame}");
    match head.get(..2) {
        Some("40") => {
            serde_json::from_str::<Connected>(rest).map(|new| Frame::Connected { pid: new.pid }).map_err(wrong)
        }
        Some("41") => Ok(Frame::Ended),
        Some("42") => {
            let parts: Vec<&RawValue> = serde_json::from_str(rest).map_err(wrong)?;
            let name = parts.first().ok_or_else(|| body("no name"))?.get().trim_matches('"');
            if name == "offset" {
                let offset = parts.get(1).map(|offset| offset.get().trim_matches('"'));
                return Ok(Frame::Event { name, data: parts[0], offset });
            }
            let offset = parts.get(2).map(|offset| offset.get().trim_matches('"'));
            Ok(Frame::Event { name, data: parts.get(1).ok_or_else(|| body("no data"))?, offset })
        }
        Some("43") => {
            let at = rest.find('[').ok_or_else(|| body("no arguments"))?;
            let id = rest[..at].parse().map_err(|_| body("no id"))?;
            let [Ack { data, error }] = serde_json::from_str(&rest[at..]).map_err(wrong)?;
            match (data, error) {
                (Some(data), None) => Ok(Frame::Reply { id, answer: Ok(data) }),
                (None, Some(error)) => Ok(Frame::Reply { id, answer: Err(error) }),
                _ => Err(body("no answer")),
            }
        }
        _ => Err(body("a frame is nothing")),
    }
}

/// An `error` event.
#[derive(Deserialize)]
pub struct Trouble {
    pub code: String,
    /// The event that has failed; without one something ends.
    pub event: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entered<'a> {
    pub last_seq: i64,
    #[serde(borrow)]
    pub messages: Vec<&'a RawValue>,
    #[serde(borrow)]
    pub members: Vec<Member<'a>>,
    pub has_more: bool,
}

#[derive(Deserialize)]
pub struct Member<'a> {
    pub id: &'a str,
    pub online: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    pub id: String,
    pub room_id: String,
    pub seq: i64,
    pub sender_id: String,
    pub client_id: Option<String>,
    pub kind: String,
    pub data: Option<OfferData>,
    pub deleted_at: Option<String>,
}

#[derive(Deserialize)]
pub struct OfferData {
    pub status: Option<String>,
}

/// Any event of a room.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OfRoom<'a> {
    pub room_id: &'a str,
    #[serde(default)]
    pub user_id: Option<&'a str>,
    #[serde(default)]
    pub online: bool,
    #[serde(default)]
    pub typing: bool,
    #[serde(default)]
    pub seq: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReadUpTo {
    pub read_seq: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeliveredUpTo {
    pub delivered_seq: i64,
}
