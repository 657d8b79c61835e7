//! A message that a search has found.

use serde::Serialize;

use super::{MessageView, Presenter};
use crate::{
    api_docs::ToSchema,
    domain::{
        Room,
        search::{FoundMessage, SnippetPart},
    },
};

/// A message that was found.
#[derive(Serialize, ToSchema)]
#[schema(as = FoundMessage)]
pub struct FoundMessageView<'a> {
    /// The message.
    message: MessageView<'a>,
    /// Its room.
    room: &'a Room,
    /// A piece of its text with the hits marked.
    snippet: &'a [SnippetPart],
}

impl<'a> FoundMessageView<'a> {
    #[must_use]
    pub fn of(found: &'a FoundMessage, presenter: &Presenter<'_>) -> Self {
        Self { message: MessageView::of(&found.message, presenter), room: &found.room, snippet: &found.snippet }
    }
}
