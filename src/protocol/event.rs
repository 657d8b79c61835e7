//! The event vocabulary: one set of types for every wire.
//!
//! A wire finds an event's name and its data in its own frame, [`ClientEvent::decode`] does the rest.
//! What goes out is a [`Push`](super::push::Push), encoded once for each wire and then shared.

mod client;
mod server;

pub use client::*;
pub use server::*;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{CloseCode, ErrorCode};

    #[test]
    fn an_event_is_read_from_a_string_or_an_object() {
        let by_string = ClientEvent::decode("enterRoom", Some("\"r1\"")).unwrap();
        let by_object = ClientEvent::decode("enterRoom", Some("{\"roomId\":\"r1\"}")).unwrap();
        assert_eq!(by_string, by_object);
        assert_eq!(ClientEvent::decode("leaveRoom", None).unwrap(), ClientEvent::LeaveRoom(None));
    }

    #[test]
    fn a_wrong_field_is_named_and_its_value_is_not_repeated() {
        let error = ClientEvent::decode("read", Some("{\"roomId\":\"r1\"}")).unwrap_err();
        assert!(error.message.contains("`seq`"), "{error}");
        let error = ClientEvent::decode("read", Some("{\"seq\":\"secret\"}")).unwrap_err();
        assert!(error.message.contains("`seq`") && !error.message.contains("secret"), "{error}");
        for data in [None, Some("[]"), Some("7"), Some("null"), Some("{"), Some("\"")] {
            assert_eq!(ClientEvent::decode("read", data).unwrap_err().code, ErrorCode::Invalid);
        }
    }

    const PAGE: &str = include_str!("../../docs/protocol.md");

    /// The clients' names, and those in the server's function `name`, from its source: a list of them could be incomplete.
    fn names() -> Vec<&'static str> {
        let functions = include_str!("event/server.rs").split("pub const fn name(&self)").skip(1);
        let bodies = functions.map(|rest| rest.split("\n    }\n").next().unwrap());
        let server = bodies.flat_map(|body| body.split('"').skip(1).step_by(2));
        ClientEvent::NAMES.into_iter().chain(server).collect()
    }

    #[test]
    fn the_page_has_every_event_every_error_code_and_every_close_code() {
        let names = names();
        assert!(names.len() > 16, "{names:?}");
        for name in names {
            let described = PAGE.contains(&format!("### `{name}`")) || PAGE.contains(&format!("| `{name}` |"));
            assert!(described, "the event `{name}` is missing from docs/protocol.md");
        }
        for code in ErrorCode::ALL {
            let row = PAGE.lines().find(|line| line.starts_with(&format!("| `{code}` |")));
            let status = format!("| {} |", code.status());
            assert!(row.is_some_and(|row| row.ends_with(&status)), "the code {code} is missing from docs/protocol.md");
        }
        let (_, ends) = PAGE.split_once("## The end of a connection").unwrap();
        for code in CloseCode::ALL {
            let number = code.number().to_string();
            assert!(ends.contains(&number), "the close code {number} is missing from docs/protocol.md");
        }
    }

    #[test]
    fn the_requests_of_the_page_can_be_read_and_show_every_event() {
        let blocks = PAGE.split("```json client\n").skip(1).map(|rest| rest.split("```").next().unwrap());
        let mut shown = std::collections::BTreeSet::new();
        for line in blocks.flat_map(str::lines) {
            let request = crate::protocol::json::decode(line);
            shown.insert(request.event.unwrap_or_else(|error| panic!("{line}: {error}")).name());
        }
        assert_eq!(shown.len(), ClientEvent::NAMES.len(), "{shown:?}");
    }
}
