//! `haggle bench` against a server of its own: it makes its rooms, checks every delivery, and says what it saw.

use std::process::Command;

use serde_json::Value;

use crate::support::{
    process::{Launch, Process},
    server::{SECRET, SERVICE_KEY},
};

/// Runs it in a thread of its own, and answers with its exit code and what it printed.
async fn bench(server: &Process, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_haggle"));
    command.args(["bench", "--url", &format!("http://{}", server.addr), "--rooms", "3", "--seconds", "1"]);
    command.args(["--jwt-secret", SECRET, "--service-key", SERVICE_KEY]).args(arguments);
    let output = actix_web::web::block(move || command.output().unwrap()).await.unwrap();
    let told = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    (output.status.code(), told)
}

#[actix_web::test]
async fn every_load_runs_on_both_wires_and_nothing_is_wrong() {
    // This test does not depend on the machine's speed: nothing is refused for its rate.
    let unlimited = Launch::new().env("HAGGLE_MAX_REQUESTS_PER_SECOND", "0").env("HAGGLE_MAX_SESSIONS_PER_USER", "0");
    let server = unlimited.start().await;
    let loads = ["pairs", "pairs-saturated", "fan-out", "fan-out-saturated", "connect", "idle", "history", "room-list"];
    for wire in ["plain", "socket-io"] {
        // The same rooms again the second time.
        let rest = if wire == "plain" { &loads[..] } else { &loads[..6] };
        let (code, told) = bench(&server, &[&["--json", "--wire", wire], rest].concat()).await;
        let lines: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
        assert_eq!((code, lines.len()), (Some(0), rest.len()), "{told}");
        for line in lines {
            let outcome = &line["outcome"];
            assert!(outcome["count"].as_u64().unwrap() > 0, "{line}");
            assert!(outcome["faults"].as_object().unwrap().values().all(|count| count == 0), "{line}");
            if line["load"].as_str().unwrap().starts_with("pairs") {
                let [p50, p99, p999] =
                    ["p50", "p99", "p999"].map(|share| outcome["latencyUs"][share].as_f64().unwrap());
                assert!(0.0 < p50 && p50 <= p99 && p99 <= p999, "{line}");
            }
        }
    }
}

#[actix_web::test]
async fn what_the_server_refuses_is_said_with_what_to_do_about_it() {
    let server = Launch::new().env("HAGGLE_MAX_SENDS_PER_SECOND", "1").start().await;
    let (code, told) = bench(&server, &["pairs", "--rate", "200"]).await;
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("rate_limited") && told.contains("--max-… options lift them"), "{told}");
    assert!(told.contains(" lost"), "a message that was refused never came: {told}");
}
