//! `Bus`: this node's place among the others. Publishes the events of the `ChatServer`, and brings it those of the other
//! nodes.
//!
//! It has an arbiter of its own, on which the connection lives and on which events are written and read. Both directions are
//! bounded. Outgoing: the mailbox holds a fixed number of lists, and the `ChatServer` drops the events that exceed it.
//! Incoming: one list is with the `ChatServer` at a time; NATS's own queues hold the rest, or lose it and report the loss.
//! In both cases the nodes read what was lost from the database.

pub mod messages;

use std::{sync::Arc, time::Duration};

use actix::{Actor, ActorFutureExt, Addr, AsyncContext, Context, Handler, Recipient, WrapFuture, dev::ToEnvelope};

use crate::{
    broker::{
        Envelope, NodeId, Subjects, Topic,
        nats::{self, Arrivals, Nats, NatsEvent},
    },
    chat::effects::BusOp,
    metrics::Metrics,
};
use messages::{Arrived, LeaveNodes, LinkChanged, PublishOps};

/// Lists of the `ChatServer` that wait. It sends one per turn.
pub const LISTS_MAX: usize = 1024;

/// Events in one list of arrivals.
const ARRIVALS_MAX: usize = 512;

/// How long NATS may take to answer for the first time before the log reports it.
const FIRST_ANSWER_WAIT: Duration = Duration::from_secs(5);

/// This node's place among the others.
#[derive(Debug)]
pub struct Bus {
    node: NodeId,
    urls: String,
    subjects: Subjects,
    chat: ChatRecipients,
    metrics: Arc<Metrics>,
    nats: Option<Nats>,
}

/// The `ChatServer`, as far as it is known here.
#[derive(Debug, Clone)]
struct ChatRecipients {
    arrived: Recipient<Arrived>,
    link_changed: Recipient<LinkChanged>,
}

impl Bus {
    /// One that will connect when it is started, and sends what arrives to `chat`. `urls` have passed [`nats::check_addresses`].
    #[must_use]
    pub fn new<C>(node: NodeId, urls: String, subjects: Subjects, chat: Addr<C>, metrics: Arc<Metrics>) -> Self
    where
        C: Actor + Handler<Arrived> + Handler<LinkChanged>,
        C::Context: ToEnvelope<C, Arrived> + ToEnvelope<C, LinkChanged>,
    {
        let chat = ChatRecipients { arrived: chat.clone().recipient(), link_changed: chat.recipient() };
        Self { node, urls, subjects, chat, metrics, nats: None }
    }
}

impl Actor for Bus {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(LISTS_MAX);
        let (urls, subjects) = (self.urls.clone(), self.subjects.clone());
        let (chat, metrics) = (self.chat.clone(), Arc::clone(&self.metrics));
        let connecting = async move {
            match nats::connect(&urls, subjects).await {
                Ok((mut nats, arrivals)) => {
                    nats.watch(Topic::Nodes).await;
                    actix::spawn(bring(arrivals, chat, metrics));
                    Some(nats)
                }
                Err(error) => {
                    log::error!("--nats-url {error}");
                    None
                }
            }
        };
        ctx.wait(connecting.into_actor(self).map(|nats, bus, _| bus.nats = nats));
        // A lost connection is reported as an event. A connection that was never made is not, hence this check.
        ctx.run_later(FIRST_ANSWER_WAIT, |bus, _| {
            if bus.nats.as_ref().is_some_and(|nats| !nats.is_up()) {
                log::warn!("no answer from NATS: is --nats-url right? This node serves without it, and goes on trying");
            }
        });
    }
}

/// Brings what arrives to the `ChatServer`, one list at a time.
async fn bring(mut arrivals: Arrivals, chat: ChatRecipients, metrics: Arc<Metrics>) {
    while let Some(arrival) = arrivals.next(ARRIVALS_MAX).await {
        let taken = match arrival {
            NatsEvent::Link { up } => {
                metrics.nats_up.set(i64::from(up));
                chat.link_changed.send(LinkChanged { up }).await
            }
            NatsEvent::Events(payloads) => {
                metrics.node_events_received.inc_by(payloads.len() as u64);
                let events = payloads.iter().filter_map(|payload| Envelope::decode(payload)).collect();
                chat.arrived.send(Arrived(events)).await
            }
        };
        if taken.is_err() {
            return;
        }
    }
}

impl Handler<PublishOps> for Bus {
    type Result = ();

    fn handle(&mut self, PublishOps(ops): PublishOps, ctx: &mut Self::Context) {
        let Some(mut nats) = self.nats.take() else { return };
        let (node, metrics) = (self.node, Arc::clone(&self.metrics));
        let work = async move {
            for op in ops {
                match op {
                    BusOp::Watch(topic) => nats.watch(topic).await,
                    BusOp::Unwatch(topic) => nats.unwatch(&topic),
                    BusOp::Publish(topic, event) => {
                        if nats.is_up() && nats.publish(&topic, Envelope { node, event: *event }.encode()).await {
                            metrics.node_events_published.inc();
                        } else {
                            metrics.node_events_unsent.inc();
                        }
                    }
                }
            }
            nats
        };
        // The next list waits until the connection has taken this one. This bounds the connection's queue.
        ctx.wait(work.into_actor(self).map(|nats, bus, _| bus.nats = Some(nats)));
    }
}

impl Handler<LeaveNodes> for Bus {
    type Result = actix::ResponseFuture<()>;

    fn handle(&mut self, _: LeaveNodes, _: &mut Self::Context) -> Self::Result {
        let (nats, node) = (self.nats.take(), self.node);
        Box::pin(async move {
            if let Some(nats) = nats {
                let bye = crate::broker::NodeEvent::Bye;
                nats.publish(&Topic::Nodes, Envelope { node, event: bye }.encode()).await;
                nats.flush().await;
            }
        })
    }
}
