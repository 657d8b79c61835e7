//! What every request handler can reach.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use actix::Addr;
use bytes::Bytes;
use tokio::sync::oneshot;

use crate::{
    actors::{
        chat_server::{ChatServer, messages::SessionEvents},
        db_executor::Database,
        eraser::Eraser,
        push_service::PushService,
        session::{engine_io::Sessions, socket_io::SocketIo},
    },
    auth::{ImageUrls, RoomTokens, ServiceKey, Signer, Verifier},
    chat::{
        request::{Answer, Change, Message, ReplyTo, SessionEvent},
        user_limits::Accounts,
    },
    clock::Clock,
    config::Config,
    db::Write,
    domain::WebhookEvent,
    domain::{Draft, masking::InspectedEnds},
    error::ChatError,
    http::{images::Images, origin::Origins, readiness::DatabaseLooks},
    metrics::Metrics,
    protocol::view::Presenter,
};

/// What every request handler can reach. One for each server.
pub struct AppState {
    pub config: Config,
    /// Which pages may use the server.
    pub origins: Arc<Origins>,
    /// Owns the rooms.
    pub chat: Addr<ChatServer>,
    /// Carries out erasures.
    pub eraser: Addr<Eraser>,
    pub database: Database,
    /// Who signs tokens.
    pub verifier: Arc<Verifier>,
    pub room_tokens: Arc<RoomTokens>,
    /// The marketplace's own backend.
    pub service_key: Option<ServiceKey>,
    /// Keeps images.
    pub images: Images,
    /// Signs the addresses of images.
    pub image_urls: Arc<ImageUrls>,
    /// Signs the tokens of the demo's sign-in; nowhere else are tokens made.
    pub demo_signer: Option<Signer>,
    /// Calls push services, where the operator has given a key.
    pub push_service: Option<Arc<PushService>>,
    pub clock: Clock,
    pub metrics: Arc<Metrics>,
    /// Whether the server is about to end.
    pub draining: Arc<AtomicBool>,
    /// What readiness knows of the database.
    pub database_looks: DatabaseLooks,
    /// What each user takes.
    pub accounts: Arc<Accounts>,
    /// The live connections of Socket.IO, signed in or not.
    pub socket_io: Arc<Sessions<SocketIo>>,
}

impl AppState {
    /// Whether the server is about to end.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    /// Whether the backend is notified of what stays unread, and with it of native apps.
    #[must_use]
    pub fn notifies_devices(&self) -> bool {
        self.config.webhook.as_ref().is_some_and(|webhook| webhook.events.has(WebhookEvent::Unread))
    }

    /// Shows messages as they stand now.
    #[must_use]
    pub fn presenter(&self) -> Presenter<'_> {
        Presenter::new(self.clock.now(), &*self.image_urls)
    }

    /// Hands a message to the `ChatServer` and waits for its answer.
    ///
    /// # Errors
    /// The message's own, and `unavailable` when too much waits already.
    pub async fn ask<E: Into<SessionEvent>>(&self, event: impl FnOnce(ReplyTo) -> E) -> Result<Answer, ChatError> {
        let (reply, answer) = oneshot::channel();
        let events = SessionEvents(vec![event(ReplyTo::Request(reply)).into()]);
        self.chat.send(events).await.map_err(|_| ChatError::unavailable())?;
        answer.await.unwrap_or_else(|_| Err(ChatError::unavailable()))
    }

    /// Makes a change whose right the transaction itself checks.
    ///
    /// # Errors
    /// The change's own, and `unavailable`.
    pub async fn change(&self, write: Write) -> Result<Answer, ChatError> {
        let kinds = self.config.screen.as_ref().map(|screen| screen.kinds);
        let is_asked = match &write {
            Write::Edit { text, .. } => kinds.is_some_and(|kinds| kinds.has_text(Some(text))),
            _ => false,
        };
        self.ask(|reply| Change { write, is_asked, reply }).await
    }

    /// Has a member say something.
    ///
    /// # Errors
    /// The message's own, and `unavailable`.
    pub async fn say(&self, draft: Draft, ends: Option<Box<InspectedEnds>>) -> Result<Answer, ChatError> {
        let is_asked = self.config.screen.as_ref().is_some_and(|screen| screen.kinds.has(&draft));
        self.ask(|reply| Message { draft, ends, grant: None, is_asked, reply }).await
    }
}

/// JSON of the contract that is written already.
pub fn json_body(data: Bytes) -> actix_web::HttpResponse {
    actix_web::HttpResponse::Ok().content_type("application/json").body(data)
}
