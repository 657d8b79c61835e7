//! A message between nodes: as it is stored, with its place in the order of commits, by short names.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::domain::{
    ClientId, ContactKind, Data, MessageId, MessageKind, Reaction, RoomId, Seq, StoredMessage, Timestamp, UserId,
};

#[derive(Serialize, Deserialize)]
#[serde(remote = "StoredMessage")]
struct Short {
    #[serde(rename = "i")]
    id: MessageId,
    #[serde(rename = "r")]
    room_id: RoomId,
    #[serde(rename = "q")]
    seq: Seq,
    #[serde(rename = "p")]
    position: i64,
    #[serde(rename = "s")]
    sender_id: UserId,
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    client_id: Option<ClientId>,
    #[serde(rename = "k")]
    kind: MessageKind,
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    data: Option<Data>,
    #[serde(rename = "a", with = "Ms")]
    sent_at: Timestamp,
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none", with = "optional_ms")]
    edited_at: Option<Timestamp>,
    #[serde(rename = "x", default, skip_serializing_if = "Option::is_none", with = "optional_ms")]
    deleted_at: Option<Timestamp>,
    #[serde(rename = "w", default, skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<ContactKind>,
    #[serde(rename = "y", default, skip_serializing_if = "Option::is_none")]
    reply_to: Option<Seq>,
    #[serde(rename = "l", default, skip_serializing_if = "Vec::is_empty")]
    reactions: Vec<Reaction>,
    #[serde(rename = "z", default, skip_serializing_if = "std::ops::Not::not")]
    is_removed: bool,
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    staff_name: Option<String>,
}

/// A moment in milliseconds.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Timestamp")]
struct Ms(i64);

pub(super) mod optional_ms {
    use super::{Deserialize, Deserializer, Serialize, Serializer, Timestamp};

    pub(in crate::broker::event) fn serialize<S: Serializer>(at: &Option<Timestamp>, to: S) -> Result<S::Ok, S::Error> {
        at.map(|at| at.0).serialize(to)
    }

    pub(in crate::broker::event) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Timestamp>, D::Error> {
        Ok(Option::deserialize(from)?.map(Timestamp))
    }
}

#[derive(Serialize)]
struct Written<'a>(#[serde(with = "Short")] &'a StoredMessage);

#[derive(Deserialize)]
struct Read(#[serde(with = "Short")] StoredMessage);

pub(super) fn serialize<S: Serializer>(message: &Option<StoredMessage>, to: S) -> Result<S::Ok, S::Error> {
    message.as_ref().map(Written).serialize(to)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<StoredMessage>, D::Error> {
    Ok(Option::deserialize(from)?.map(|Read(message)| message))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nodes of two releases share messages while an update rolls through.
    #[test]
    fn the_form_stays_the_one_that_other_releases_write_and_read() {
        let small = r#"{"i":"m","r":"r","q":7,"p":9,"s":"alice","k":"text","a":1}"#;
        let whole = r#"{"i":"m","r":"r","q":7,"p":9,"s":"alice","c":"c","k":"image","t":"hi","d":{"key": "k"},"a":1,"e":2,"x":3,"w":["email"],"y":3,"l":[{"userId":"bob","emoji":"👍"}],"z":true,"n":"Mina"}"#;
        for json in [small, whole] {
            let Read(message) = serde_json::from_str(json).unwrap();
            assert_eq!(serde_json::to_string(&Written(&message)).unwrap(), json);
        }
        let newer = small.replace('{', r#"{"new":1,"#);
        assert!(serde_json::from_str::<Read>(&newer).is_ok(), "an unknown field is passed over");
    }
}
