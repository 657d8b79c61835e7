//! What the [`Eraser`](super::Eraser) is asked.

use crate::domain::UserId;

/// Carries an erasure out that is written down.
///
/// REST → `Eraser`, after a user was deleted. Answers `true` when nothing is left of the user, and `false` when the server
/// ends before: the next start goes on.
#[derive(Debug, actix::Message)]
#[rtype(result = "bool")]
pub struct Erase(pub UserId);

/// Begins nothing new. The server → `Eraser`, once, while it drains. Answers when no step is under way any more.
#[derive(Debug, actix::Message)]
#[rtype(result = "()")]
pub struct StopEraser;
