//! Three nodes, and what is between them.

use haggle::internals::{
    db::{self, ImportOptions},
    domain::Timestamp,
};

use super::{nats::Nats, node::Node, postgres::Postgres, proxy::Proxy, until};

/// Everything of one test.
pub struct Cluster {
    // First, so that they end first.
    pub nodes: Vec<Node>,
    pub postgres: Postgres,
    pub nats: Nats,
    /// Each node's own way to PostgreSQL and to NATS.
    pub to_postgres: Vec<Proxy>,
    pub to_nats: Vec<Proxy>,
}

impl Cluster {
    /// Starts this many nodes.
    pub async fn start(count: usize) -> Self {
        Self::start_with(count, &[]).await
    }

    /// Starts this many nodes with options of the test's own, by their variables.
    pub async fn start_with(count: usize, options: &[(&'static str, String)]) -> Self {
        let (postgres, nats) = (Postgres::start(), Nats::start());
        let (mut nodes, mut to_postgres, mut to_nats) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..count {
            let (database, broker) = (Proxy::to(postgres.port()).await, Proxy::to(nats.port()).await);
            let nats_url = format!("nats://127.0.0.1:{}", broker.port());
            let mut node = Node::new(postgres.url(database.port()), nats_url, options.to_vec());
            node.start().await;
            nodes.push(node);
            to_postgres.push(database);
            to_nats.push(broker);
        }
        let cluster = Self { nodes, postgres, nats, to_postgres, to_nats };
        cluster.meet().await;
        cluster
    }

    /// Waits until all nodes know of each other.
    pub async fn meet(&self) {
        let count = self.nodes.len() as f64;
        for node in &self.nodes {
            until("the nodes know of each other", async || node.metric("nodes").await >= count).await;
        }
    }

    /// Rooms of one product each: `room-0` of `buyer-0` and `seller-0`, and so on.
    pub fn seed(&self, rooms: usize) {
        let mut lines = String::new();
        for place in 0..rooms {
            lines += &format!("{{\"type\":\"user\",\"id\":\"buyer-{place}\",\"name\":\"Buyer\"}}\n");
            lines += &format!("{{\"type\":\"user\",\"id\":\"seller-{place}\",\"name\":\"Seller\"}}\n");
            lines += &format!(
                "{{\"type\":\"product\",\"id\":\"product-{place}\",\"sellerId\":\"seller-{place}\",\"title\":\"A thing\"}}\n"
            );
            lines += &format!(
                "{{\"type\":\"room\",\"id\":\"room-{place}\",\"productId\":\"product-{place}\",\"buyerId\":\"buyer-{place}\"}}\n"
            );
        }
        let pool = db::open(&self.postgres.url(self.postgres.port()), 1).unwrap();
        let options = ImportOptions { now: Timestamp(1_700_000_000_000), shift_ms: 0 };
        let (imported, bad) = db::import_str(&mut pool.get().unwrap(), &lines, options).unwrap();
        assert_eq!((imported.rooms, bad), (rooms as u64, vec![]));
    }
}
