//! What nodes send each other when nothing goes wrong.

use crate::support::{Cluster, Load, load_time, turn};

#[actix_web::test]
async fn messages_reach_members_on_other_nodes_in_order_and_once() {
    let _turn = turn().await;
    let cluster = Cluster::start(3).await;
    let load = Load::start(&cluster, 1).await;

    load.run(load_time()).await;

    let said = load.acknowledged() as f64;
    load.settle().await;
    let mut made_good = 0.0;
    for node in &cluster.nodes {
        made_good += node.metric("messages_made_good_total").await;
    }
    assert!(made_good < said / 10.0, "of {said} messages {made_good} were found in the database, and not published");
}
