//! What every session of a worker shares.

use std::sync::Arc;

use actix::Addr;

use super::uplink::Uplink;
use crate::{
    actors::{db_executor::Database, hub::Hub},
    auth::{RoomTokens, Verifier},
    chat::hub_op::HubId,
    clock::Clock,
    config::Limits,
    domain::{AuthorizePolicy, MaskingPolicy, screen::ScreenedKinds},
    metrics::Metrics,
    protocol::event::HeartbeatTerms,
};

/// What every session of a worker shares.
#[derive(Debug)]
pub struct Services {
    /// The way to who owns the rooms.
    pub uplink: Arc<Uplink>,
    /// This worker's outboxes.
    pub hub: Addr<Hub>,
    /// This worker's place.
    pub hub_id: HubId,
    /// Knows which users were removed.
    pub database: Database,
    /// Who signs tokens.
    pub verifier: Arc<Verifier>,
    pub room_tokens: Arc<RoomTokens>,
    /// When the database is asked who may enter.
    pub policy: AuthorizePolicy,
    /// What happens to words with a contact in them.
    pub masking: MaskingPolicy,
    /// Which messages the marketplace is asked about before they are stored, if it is.
    pub asked: Option<ScreenedKinds>,
    /// What one client may cost.
    pub limits: Limits,
    /// How a client can notice that its connection is dead.
    pub heartbeat: HeartbeatTerms,
    pub clock: Clock,
    pub metrics: Arc<Metrics>,
}
