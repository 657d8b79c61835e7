//! What carries events between nodes: in order for each sender and topic, and not at all while a link is down.

use std::collections::{BTreeMap, VecDeque};

use haggle::internals::broker::{Envelope, NodeId};

/// From whom, to which node, about what.
type Channel = (usize, NodeId, String);

/// What is under way.
#[derive(Default)]
pub struct Network {
    channels: BTreeMap<Channel, VecDeque<Vec<u8>>>,
    /// Whether each node is cut off.
    pub is_down: Vec<bool>,
}

impl Network {
    pub fn new(nodes: usize) -> Self {
        Self { is_down: vec![false; nodes], ..Self::default() }
    }

    pub fn send(&mut self, to: usize, from: NodeId, topic: String, envelope: &[u8], copies: usize) {
        let channel = self.channels.entry((to, from, topic)).or_default();
        for _ in 0..copies {
            channel.push_back(envelope.to_vec());
        }
    }

    /// Channels that lead to a node and hold something.
    pub fn to(&self, node: usize) -> Vec<Channel> {
        self.channels.keys().filter(|(to, ..)| *to == node).cloned().collect()
    }

    /// What arrives next in a channel, at most so many.
    pub fn take(&mut self, channel: &Channel, max: usize) -> Vec<Envelope> {
        let Some(waiting) = self.channels.get_mut(channel) else { return Vec::new() };
        let count = waiting.len().min(max);
        let taken = waiting.drain(..count).filter_map(|bytes| Envelope::decode(&bytes)).collect();
        if waiting.is_empty() {
            self.channels.remove(channel);
        }
        taken
    }

    /// What is under way to a node is lost.
    pub fn lose_all_to(&mut self, node: usize) {
        self.channels.retain(|(to, ..), _| *to != node);
    }

    /// What is under way from a node is lost.
    pub fn lose_all_from(&mut self, node: NodeId) {
        self.channels.retain(|(_, from, _), _| *from != node);
    }

    pub fn is_empty(&self) -> bool {
        self.channels.is_empty()
    }
}
