//! The database file alone holds everything: after a clean stop, and while nothing is written.

use std::{path::Path, process::Command};

use serde_json::{Value, json};

use crate::support::{Launch, Process, database, until};

/// The room's messages as its buyer reads them.
async fn history(server: &Process, room: &str) -> Vec<Value> {
    let page = server.ws("alice").await.request("enterRoom", json!({"roomId": room, "after": 0})).await.unwrap();
    page["messages"].as_array().unwrap().clone()
}

fn log_bytes(folder: &Path) -> u64 {
    std::fs::metadata(folder.join("haggle.db-wal")).map_or(0, |file| file.len())
}

/// The answers of a server that has nothing but a copy of the one file.
async fn history_of_a_copy(launch: &Launch, room: &str) -> Vec<Value> {
    let copy = Launch::new();
    std::fs::copy(launch.database(), copy.database()).unwrap();
    history(&copy.start().await, room).await
}

#[actix_web::test]
async fn after_a_clean_stop_the_one_file_holds_everything() {
    if database::is_about_sqlite_files() {
        return;
    }
    for signal in ["TERM", "INT"] {
        let launch = Launch::new();
        let room = launch.seed().room("alice", "bike").id.to_string();
        let mut server = launch.start().await;
        let mut alice = server.ws("alice").await;
        alice.enter(&room).await;
        let mut said = Vec::new();
        for number in 0..20 {
            said.push(alice.say(&format!("message {number}")).await);
        }
        server.signal(signal);
        assert_eq!(server.ended().await.code(), Some(0), "{}", server.output());
        assert_eq!(log_bytes(launch.folder()), 0, "{signal}: {}", server.output());
        assert_eq!(history_of_a_copy(&launch, &room).await, said, "{signal}");
    }
}

#[actix_web::test]
async fn while_nothing_is_written_the_one_file_holds_everything() {
    if database::is_about_sqlite_files() {
        return;
    }
    let launch = Launch::new();
    let room = launch.seed().room("alice", "bike").id.to_string();
    let server = launch.start().await;
    let mut alice = server.ws("alice").await;
    alice.enter(&room).await;
    let mut said = vec![alice.say("one").await];
    until("the log is folded in", || log_bytes(launch.folder()) == 0).await;
    assert_eq!(history_of_a_copy(&launch, &room).await, said);
    // And the server goes on as before.
    said.push(alice.say("two").await);
    assert_eq!(history(&server, &room).await, said);
}

#[test]
fn commands_that_write_leave_one_file() {
    if database::is_about_sqlite_files() {
        return;
    }
    let launch = Launch::new();
    let line = r#"{"type":"user","id":"alice","name":"Alice"}"#;
    std::fs::write(launch.folder().join("lines.ndjson"), line).unwrap();
    for arguments in [&["migrate"][..], &["import", "lines.ndjson"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_haggle"));
        command.current_dir(launch.folder()).args(arguments).args(["--database-url", "haggle.db"]);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(log_bytes(launch.folder()), 0, "{arguments:?}");
    }
}
