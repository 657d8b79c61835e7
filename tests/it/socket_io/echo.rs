//! `examples/wire_echo.rs`: the wires alone, as protocol suites from outside find them.

use std::{
    net::{SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};

use crate::support::{
    rest,
    socket_io::{PacketClient, text},
    until,
};

/// Builds the example, which `cargo test --test it` alone does not.
fn build() -> PathBuf {
    let built = Command::new(env!("CARGO")).args(["build", "--quiet", "--example", "wire_echo"]).status();
    assert!(built.unwrap().success());
    let deps: PathBuf = std::env::current_exe().unwrap().parent().unwrap().to_owned();
    deps.parent().unwrap().join("examples/wire_echo")
}

/// The example, running. Ended when this is dropped.
struct WireEcho {
    addr: SocketAddr,
    child: Child,
}

impl WireEcho {
    async fn start() -> Self {
        let program = std::env::var_os("WIRE_ECHO_BIN").map_or_else(build, PathBuf::from);
        let addr = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let options = ["--ping-interval", "300", "--ping-timeout", "200", "--connect-timeout", "1000"];
        let child = Command::new(program)
            .args(["--bind", &addr.to_string(), "--max-payload", "1000000"])
            .args(options)
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        until("it listens", || TcpStream::connect(addr).is_ok()).await;
        Self { addr, child }
    }

    async fn socket_io(&self) -> PacketClient {
        let mut client = PacketClient::handshake(self.addr, "/socket.io/?EIO=4&transport=websocket").await.unwrap();
        client.expect("0{").await;
        client
    }
}

impl Drop for WireEcho {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[actix_web::test]
async fn socket_io_is_echoed_in_both_of_its_namespaces_and_no_other() {
    let echo = WireEcho::start().await;
    for (namespace, auth) in [("", "{}"), ("", r#"{"token":"123"}"#), ("/custom,", "{}"), ("/custom,", r#"{"a":[1]}"#)]
    {
        let mut client = echo.socket_io().await;
        client.send(&format!("40{namespace}{}", if auth == "{}" { "" } else { auth })).await;
        let answer = client.packet().await.unwrap();
        let answer: Value = serde_json::from_str(answer.strip_prefix(&format!("40{namespace}")).unwrap()).unwrap();
        assert_eq!(answer.as_object().unwrap().keys().collect::<Vec<_>>(), ["sid"]);
        assert_eq!(client.packet().await.unwrap(), format!("42{namespace}[\"auth\",{auth}]"));

        client.send(&format!("42{namespace}[\"message\",1,\"2\",{{\"3\":[true]}}]")).await;
        assert_eq!(client.packet().await.unwrap(), format!("42{namespace}[\"message-back\",1,\"2\",{{\"3\":[true]}}]"));
        let two = r#"{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}"#;
        for (sent, back) in [
            (format!("452-{namespace}[\"message\",{two}]"), format!("452-{namespace}[\"message-back\",{two}]")),
            (format!("452-{namespace}789[\"message-with-ack\",{two}]"), format!("462-{namespace}789[{two}]")),
        ] {
            client.send(&sent).await;
            client.send_binary(&[1, 2, 3]).await;
            client.send_binary(&[4, 5, 6]).await;
            let packets = [client.packet().await, client.packet().await, client.packet().await];
            assert_eq!(packets.map(Option::unwrap), [back, "[1, 2, 3]".to_owned(), "[4, 5, 6]".to_owned()]);
        }
        client.send(&format!("42{namespace}456[\"message-with-ack\",1,\"2\"]")).await;
        assert_eq!(client.packet().await.unwrap(), format!("43{namespace}456[1,\"2\"]"));
    }
    let mut client = echo.socket_io().await;
    client.send("40/random").await;
    assert_eq!(client.packet().await.unwrap(), "44/random,{\"message\":\"Invalid namespace\"}");
    assert_eq!(client.closed().await, Some(1000), "without a namespace for a second");
}

#[actix_web::test]
async fn engine_io_and_the_plain_websocket_are_echoed() {
    let echo = WireEcho::start().await;
    let path = "/engine.io/?EIO=4&transport=polling";
    let open = text(&rest::send(echo.addr, "GET", path, &[], b"").await);
    let terms: Value = serde_json::from_str(open.strip_prefix('0').unwrap()).unwrap();
    let expected = json!([["websocket"], 300, 200, 1_000_000]);
    assert_eq!(json!([terms["upgrades"], terms["pingInterval"], terms["pingTimeout"], terms["maxPayload"]]), expected);
    let path = format!("{path}&sid={}", terms["sid"].as_str().unwrap());
    let body = "4hello\u{1e}bAQIDBA==\u{1e}4";
    let origin = ("origin", "https://anywhere.example");
    let answer = rest::send(echo.addr, "POST", &path, &[origin], body.as_bytes()).await;
    assert_eq!((answer.status, text(&answer).as_str()), (200, "ok"));
    assert_eq!(answer.header("access-control-allow-origin"), Some(origin.1));
    assert_eq!(text(&rest::send(echo.addr, "GET", &path, &[], b"").await), body);

    let mut client = PacketClient::handshake(echo.addr, "/engine.io/?EIO=4&transport=websocket").await.unwrap();
    client.expect("0{").await;
    client.send("4hello").await;
    client.send_binary(&[1, 2, 3, 4]).await;
    assert_eq!([client.packet().await.unwrap(), client.packet().await.unwrap()], ["4hello", "[1, 2, 3, 4]"]);
    client.send("1").await;
    assert_eq!(client.closed().await, Some(1000));

    let mut client = PacketClient::handshake(echo.addr, "/ws/echo").await.unwrap();
    client.send("as it came").await;
    client.send_binary(&[0, 255]).await;
    assert_eq!([client.packet().await.unwrap(), client.packet().await.unwrap()], ["as it came", "[0, 255]"]);
}
