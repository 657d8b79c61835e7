//! The messages that the [`Notifier`](super::Notifier) receives.

/// Begins nothing new. The server → `Notifier`, once, while it drains. Answers when nothing is under way any more: what was
/// not delivered by then is in the outbox, for the next start.
#[derive(Debug, actix::Message)]
#[rtype(result = "()")]
pub struct StopNotifier;
