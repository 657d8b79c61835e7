//! What may happen to nodes, to NATS, to PostgreSQL and to the network between them, while people talk.

use std::time::Duration;

use crate::support::{Cluster, Load, load_time, turn, until};

/// How long something stays down: longer than a node waits for a connection, a third of the load's time at least.
fn away() -> Duration {
    (load_time() / 3).max(Duration::from_secs(7))
}

#[actix_web::test]
async fn a_node_that_is_killed_takes_no_message_with_it() {
    let _turn = turn().await;
    let mut cluster = Cluster::start(3).await;
    let load = Load::start(&cluster, 2).await;
    load.run(load_time() / 3).await;

    cluster.nodes[1].kill();
    load.run(away()).await;
    load.goes_on().await;
    cluster.nodes[1].start().await;

    load.run(load_time() / 3).await;
    load.settle().await;
}

#[actix_web::test]
async fn nodes_serve_on_while_nats_is_away_and_catch_up_when_it_is_back() {
    let _turn = turn().await;
    let mut cluster = Cluster::start(3).await;
    let load = Load::start(&cluster, 3).await;
    load.run(load_time() / 3).await;

    cluster.nats.stop();
    for node in &cluster.nodes {
        until("a node says that NATS is away", async || {
            node.readiness().await.is_some_and(|ready| ready["nats"] == "down" && ready["ready"] == true)
        })
        .await;
    }
    load.run(away()).await;
    load.rest().await;
    cluster.nats.start_again();
    for node in &cluster.nodes {
        until("a node says that NATS is back", async || {
            node.readiness().await.is_some_and(|ready| ready["nats"] == "ok")
        })
        .await;
    }

    load.run(load_time() / 3).await;
    load.settle().await;
}

#[actix_web::test]
async fn nothing_is_lost_or_doubled_when_postgresql_is_restarted() {
    let _turn = turn().await;
    let mut cluster = Cluster::start(3).await;
    let load = Load::start(&cluster, 4).await;
    load.run(load_time() / 3).await;

    cluster.postgres.stop();
    load.run(away()).await;
    cluster.postgres.start_again();
    load.goes_on().await;
    // Each node polls the database again for what others do not publish.
    cluster.nats.stop();
    load.rest().await;
    cluster.nats.start_again();

    load.run(load_time() / 3).await;
    load.settle().await;
}

#[actix_web::test]
async fn a_rolling_restart_loses_and_doubles_nothing() {
    let _turn = turn().await;
    let mut cluster = Cluster::start(3).await;
    let load = Load::start(&cluster, 5).await;
    load.run(load_time() / 4).await;

    for place in 0..3 {
        let status = cluster.nodes[place].drain().await;
        assert!(status.success(), "{status}: {}", cluster.nodes[place].output());
        cluster.nodes[place].start().await;
        load.run(load_time() / 4).await;
    }

    load.goes_on().await;
    load.settle().await;
}

#[actix_web::test]
async fn a_node_that_is_cut_off_from_nats_without_a_word_loses_nothing() {
    let _turn = turn().await;
    let cluster = Cluster::start(3).await;
    let load = Load::start(&cluster, 6).await;
    load.run(load_time() / 3).await;

    cluster.to_nats[0].cut();
    load.run(away()).await;
    load.rest().await;
    load.goes_on().await;
    cluster.to_nats[0].heal();

    load.run(load_time() / 3).await;
    load.settle().await;
}

#[actix_web::test]
async fn a_node_that_is_cut_off_from_postgresql_without_a_word_loses_nothing() {
    let _turn = turn().await;
    let cluster = Cluster::start(3).await;
    let load = Load::start(&cluster, 7).await;
    load.run(load_time() / 3).await;

    cluster.to_postgres[2].cut();
    load.run(away()).await;
    cluster.to_postgres[2].heal();
    load.goes_on().await;

    load.run(load_time() / 3).await;
    load.settle().await;
}
