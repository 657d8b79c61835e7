//! TLS: both wires over it, and a certificate that is exchanged while connections live.

use std::time::Duration;

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{Launch, Process, WsClient, tls::Certificate, within};

async fn started(certificate: &Certificate) -> (Launch, Process) {
    let (cert, key) = (certificate.cert().display().to_string(), certificate.key().display().to_string());
    let launch = Launch::new().args(&["--tls-cert", &cert, "--tls-key", &key]);
    let server = launch.start().await;
    assert!(server.output().contains("listening on https://"), "{}", server.output());
    (launch, server)
}

async fn wss(server: &Process, certificate: &Certificate, user: &str) -> WsClient {
    let transport = certificate.connect(server.addr).await.unwrap();
    let authorization = format!("Bearer {}", server.token(user));
    let headers = [("authorization", authorization.as_str())];
    WsClient::over(Box::new(transport), server.addr, &headers, "/ws/chat").await.unwrap()
}

#[actix_web::test]
async fn wss_and_https_serve_the_same_chat() {
    let certificate = Certificate::new();
    let (launch, server) = started(&certificate).await;
    let room = launch.seed().room("alice", "bike").id.to_string();
    let (mut alice, mut sam) = (wss(&server, &certificate, "alice").await, wss(&server, &certificate, "sam").await);
    alice.enter(&room).await;
    sam.enter(&room).await;
    let stored = alice.say("over TLS").await;
    assert_eq!(sam.push("message").await, stored);
    // Longer than any buffer and any record of TLS.
    let text = "x".repeat(16_000);
    sam.say(&text).await;
    assert_eq!(alice.push("message").await["seq"], 1);
    assert_eq!(alice.push("message").await["text"], text.as_str());

    let mut https = certificate.connect(server.addr).await.unwrap();
    https.write_all(b"GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    within("an answer", https.read_to_end(&mut answer)).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
}

#[actix_web::test]
async fn a_close_over_tls_ends_promptly_and_quietly() {
    let certificate = Certificate::new();
    let (_launch, server) = started(&certificate).await;
    let client = wss(&server, &certificate, "alice").await;
    let began = std::time::Instant::now();
    client.close().await;
    eprintln!("closed after {:?}", began.elapsed());
    assert!(began.elapsed() < Duration::from_millis(500), "closed after {:?}", began.elapsed());
    server.logged("end=left").await;
    let output = server.output().to_lowercase();
    // A busy machine's slow steps are no part of it.
    let mut said = output.lines().filter(|line| !line.contains("a step took"));
    assert!(said.all(|line| !line.contains("error") && !line.contains("warn")), "{output}");
}

#[actix_web::test]
async fn only_http_1_1_is_agreed_on() {
    let certificate = Certificate::new();
    let (_launch, server) = started(&certificate).await;
    let alpn = |names: &'static [&'static [u8]]| {
        let certificate = &certificate;
        let addr = server.addr;
        async move { certificate.handshake(TcpStream::connect(addr).await.unwrap(), names).await }
    };
    let both = alpn(&[b"h2", b"http/1.1"]).await.unwrap();
    assert_eq!(both.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    assert!(alpn(&[b"h2"]).await.is_err(), "h2 alone is refused");
    assert_eq!(alpn(&[]).await.unwrap().get_ref().1.alpn_protocol(), None);
}

#[actix_web::test]
async fn sighup_exchanges_the_certificate_and_open_connections_live_on() {
    let mut certificate = Certificate::new();
    let (launch, server) = started(&certificate).await;
    let room = launch.seed().room("alice", "bike").id.to_string();
    let mut alice = wss(&server, &certificate, "alice").await;
    alice.enter(&room).await;
    let old_key = std::fs::read(certificate.key()).unwrap();

    certificate.renew();
    assert!(certificate.connect(server.addr).await.is_err(), "not before it is told");
    server.signal("HUP");
    server.logged("read the certificate again").await;
    let mut sam = wss(&server, &certificate, "sam").await;
    let stored = sam.request("message", json!({"roomId": room, "text": "by the new one"})).await.unwrap();
    assert_eq!(alice.push("message").await, stored);
    assert_eq!(alice.say("by the old one").await["seq"], 2);

    // A key of another certificate, then no file at all: the last good pair stays.
    let (cert, key) = (std::fs::read(certificate.cert()).unwrap(), std::fs::read(certificate.key()).unwrap());
    std::fs::write(certificate.key(), old_key).unwrap();
    server.signal("HUP");
    server.logged("kept the old certificate").await;
    wss(&server, &certificate, "sam").await.enter(&room).await;
    std::fs::remove_file(certificate.cert()).unwrap();
    server.signal("HUP");
    server.logged("can't be read").await;
    wss(&server, &certificate, "sam").await.enter(&room).await;
    assert!(!server.output().contains("BEGIN"), "a key is in the log");

    std::fs::write(certificate.cert(), cert).unwrap();
    std::fs::write(certificate.key(), key).unwrap();
    server.signal("HUP");
    crate::support::until("it is read again", || server.output().matches("read the certificate again").count() == 2)
        .await;
    assert_eq!(alice.say("still here").await["seq"], 3);
}

#[actix_web::test]
async fn without_a_certificate_a_sighup_changes_nothing() {
    let launch = Launch::new();
    let server = launch.start().await;
    let mut alice = server.ws("alice").await;
    server.signal("HUP");
    server.logged("certificate").await;
    alice.request("leaveRoom", "r").await.unwrap();
}

#[actix_web::test]
async fn plain_text_on_a_tls_port_is_cut_off_and_costs_nobody_anything() {
    let certificate = Certificate::new();
    let (_launch, server) = started(&certificate).await;
    let mut alice = wss(&server, &certificate, "alice").await;
    let mut plain = TcpStream::connect(server.addr).await.unwrap();
    plain.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = within("the end", plain.read_to_end(&mut answer)).await;
    assert!(!answer.starts_with(b"HTTP"));
    alice.request("leaveRoom", "r").await.unwrap();
}

#[actix_web::test]
async fn files_that_are_no_certificate_end_the_start_with_one_line() {
    let certificate = Certificate::new();
    std::fs::write(certificate.cert(), "not a certificate").unwrap();
    let (cert, key) = (certificate.cert().display().to_string(), certificate.key().display().to_string());
    let (status, output) = Launch::new().args(&["--tls-cert", &cert, "--tls-key", &key]).fails().await;
    assert_eq!(status.code(), Some(2), "{output}");
    assert!(output.contains("haggle: ") && output.contains("cert.pem"), "{output}");
    let (status, output) = Launch::new().args(&["--tls-cert", &cert]).fails().await;
    assert_eq!(status.code(), Some(2), "{output}");
    assert!(output.contains("--tls-key"), "{output}");
}
