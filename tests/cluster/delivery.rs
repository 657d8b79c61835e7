//! What nodes tell each other when nothing goes wrong.

use crate::support::{Cluster, Load, load_time, turn};

#[actix_web::test]
async fn messages_reach_members_on_other_nodes_in_order_and_once() {
    let _turn = turn().await;
    let cluster = Cluster::start(3).await;
    let load = Load::start(&cluster, 1).await;

    load.run(load_time()).await;

    load.settle().await;
    let mut heard = 0.0;
    for node in &cluster.nodes {
        heard += node.metric("node_events_received_total").await;
    }
    assert!(heard > 0.0, "the nodes did not speak to each other");
}
