//! How this node is doing, for the staff: the numbers of `/metrics`, as JSON.

use std::sync::LazyLock;

use actix_web::{HttpResponse, web};
use serde::Serialize;
use uuid::Uuid;

#[cfg(test)]
use crate::http::responses::AsStaff;
use crate::{
    api_docs::{self, ToSchema},
    domain::Timestamp,
    http::{
        extract::Staff,
        state::{AppState, json_body},
    },
    metrics::{Metrics, StepTimes},
    protocol::json::to_json,
};

/// How one node is doing. What is counted has been counted since its start; the rest is how it stands now.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Operations {
    /// Which start of which node it is. With another one, what is counted begins again.
    process: &'static str,
    /// When it was looked at.
    at: Timestamp,
    /// Open TCP connections.
    connections: i64,
    /// Live sessions.
    sessions: i64,
    /// Rooms in memory.
    rooms: i64,
    /// Messages committed, counted.
    messages: u64,
    /// Events written to sessions, counted.
    deliveries: u64,
    /// Events taken up and not yet answered.
    events_in_flight: i64,
    /// Changes waiting for the writer.
    writes_pending: i64,
    /// Batches that failed as a whole, counted.
    commit_failures: u64,
    /// Nodes that are heard of, this one among them; 0 without NATS.
    nodes: i64,
    /// Whether there is a connection to NATS.
    nats_up: bool,
    /// The threads that many share, and how long their steps took.
    threads: Vec<Thread>,
    /// What waits for the webhook. Each node says the same.
    webhook: Backlog,
    /// Whether the marketplace does not answer what it is asked about messages, and is not waited for.
    screen_open: bool,
}

/// The threads of one kind.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Thread {
    /// `chat_server`, `writer`, `reader` or `worker`.
    thread: &'static str,
    /// Seconds that its steps took, counted.
    seconds: f64,
    /// Its steps by how long they took, counted: each bucket has those of the shorter ones, too.
    buckets: Vec<Bucket>,
}

/// Steps of a thread that took no longer than a time.
#[derive(Serialize, ToSchema)]
pub struct Bucket {
    /// That time, in seconds; absent where there is no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    le: Option<f64>,
    /// How many.
    count: u64,
}

/// What waits for the webhook.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Backlog {
    /// Notifications of unread messages.
    notifications: i64,
    /// Seconds since the oldest of them was written.
    notifications_oldest_seconds: i64,
    /// Events, counted up to 10,000.
    events: i64,
    /// Seconds since the oldest of them was committed.
    events_oldest_seconds: i64,
}

impl Operations {
    fn of(metrics: &Metrics, at: Timestamp) -> Self {
        static PROCESS: LazyLock<String> = LazyLock::new(|| Uuid::new_v4().simple().to_string());
        Self {
            process: &PROCESS,
            at,
            connections: metrics.connections.get(),
            sessions: metrics.sessions.get(),
            rooms: metrics.rooms.get(),
            messages: metrics.messages.get(),
            deliveries: metrics.deliveries.get(),
            events_in_flight: metrics.events_in_flight.get(),
            writes_pending: metrics.writes_pending.get(),
            commit_failures: metrics.commit_failures.get(),
            nodes: metrics.nodes.get(),
            nats_up: metrics.nats_up.get() == 1,
            threads: metrics.step_times().into_iter().map(Thread::from).collect(),
            webhook: Backlog {
                notifications: metrics.notifications_pending.get(),
                notifications_oldest_seconds: metrics.notifications_oldest.get(),
                events: metrics.webhook_events_pending.get(),
                events_oldest_seconds: metrics.webhook_events_oldest.get(),
            },
            screen_open: metrics.screen_open.get() == 1,
        }
    }
}

impl From<StepTimes> for Thread {
    fn from(StepTimes { thread, seconds, buckets }: StepTimes) -> Self {
        let bucket = |(le, count): (f64, u64)| Bucket { le: Some(le).filter(|le| le.is_finite()), count };
        Self { thread, seconds, buckets: buckets.into_iter().map(bucket).collect() }
    }
}

/// How the node is doing that answers: the numbers of `/metrics` that one looks at first. It says nothing about anybody, so it
/// leaves no entry in the audit log.
///
/// # Errors
/// `forbidden` for anyone but staff and the service key.
#[api_docs::path(
    get,
    path = "/api/v1/operations",
    operation_id = "getOperations",
    tag = "staff",
    security(("staffToken" = []), ("serviceKey" = [])),
    responses((status = 200, description = "The numbers as they stand", body = Operations), AsStaff)
)]
pub async fn get_operations(state: web::Data<AppState>, _: Staff) -> HttpResponse {
    json_body(to_json(&Operations::of(&state.metrics, state.clock.now())))
}
