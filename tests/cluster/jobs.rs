//! What a node does in addition to serving its clients, and which node continues it when that node is down.

use haggle::internals::{
    db::{self, MessagePage, Write},
    domain::{RoomId, Seq, Timestamp, UserId},
};
use serde_json::json;

use crate::support::{Cluster, turn, until, wire::Wire};

#[actix_web::test]
async fn an_erasure_that_a_dead_node_has_begun_is_finished_by_another_that_runs() {
    let _turn = turn().await;
    let cluster = Cluster::start(2).await;
    cluster.seed(1);
    let mut buyer = Wire::connect(cluster.nodes[0].addr(), "buyer-0").await.unwrap();
    buyer.request("enterRoom", json!({ "roomId": "room-0" })).await.unwrap();
    for _ in 0..3 {
        buyer.request("message", json!("words that have to go")).await.unwrap();
    }
    let pool = db::open(&cluster.postgres.url(cluster.postgres.port()), 1).unwrap();
    let texts = || {
        let page = MessagePage::After { seq: Seq(0), limit: 10 };
        let page =
            db::list_messages(&mut pool.get().unwrap(), &RoomId::new("room-0").unwrap(), page, usize::MAX).unwrap();
        page.items.into_iter().map(|message| message.text).collect::<Vec<_>>()
    };
    assert_eq!(texts().iter().flatten().count(), 3);

    // The state after a node has died at this step: the job is stored, and nobody was notified of it.
    let begun = Write::DeleteUser { user: UserId::new("buyer-0").unwrap(), at: Timestamp(1_800_000_000_000) };
    db::write_batch(&mut pool.get().unwrap(), &[begun], Timestamp(1_800_000_000_000)).unwrap().pop().unwrap().unwrap();

    until("the erasure is crossed out", async || db::list_erasures(&mut pool.get().unwrap()).unwrap().is_empty()).await;
    assert_eq!(texts(), [None, None, None]);
}
