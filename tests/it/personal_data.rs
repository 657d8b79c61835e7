//! A person's data: all of it for them, and nothing left of it when they go.

use haggle::db::{self, ImportOptions};
use serde_json::Value;

use crate::support::{
    TestServer,
    rest::{self, Answer},
    server::{SERVICE_KEY, START},
};

async fn call(server: &TestServer, method: &str, path: &str) -> Answer {
    rest::call(server.addr, SERVICE_KEY, method, path, None).await
}

#[actix_web::test]
async fn an_export_is_what_import_reads_and_comes_out_the_same() {
    let server = TestServer::start().await;
    let seed = server.seed();
    for product in ["bike", "lamp", "boat"] {
        let room = seed.room("alice", product);
        seed.messages(&room.id, "alice", 2_000);
        seed.messages(&room.id, "sam", 1);
    }
    let path = "/api/v1/users/alice/export";
    let exported = call(&server, "GET", path).await;
    assert!(exported.head.contains("application/x-ndjson"), "{}", exported.head);
    let Value::String(lines) = exported.body else { panic!() };
    assert_eq!(lines.lines().count(), 2 + 3 + 3 + 3 * 2_000);

    let other = TestServer::start().await;
    let options = ImportOptions { now: START, shift_ms: 0 };
    let (_, bad) = db::import_str(&mut other.pool.get().unwrap(), &lines, options).unwrap();
    assert_eq!(bad, []);
    assert_eq!(call(&other, "GET", path).await.body, Value::String(lines));
    assert_eq!(call(&other, "GET", "/api/v1/users/nobody/export").await.status, 404);
    assert_eq!(rest::call(other.addr, &other.token("alice"), "GET", path, None).await.status, 403);
}
