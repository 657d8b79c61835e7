//! The demo page: in the binary, compressed on its way, and allowed to run nothing but itself.

use crate::support::{TestServer, rest::send};

#[actix_web::test]
async fn the_page_comes_compressed_and_may_run_nothing_inline() {
    let server = TestServer::start().await;
    let plain = send(server.addr, "GET", "/", &[], b"").await;
    assert_eq!(plain.status, 200);
    let policy = plain.header("content-security-policy").unwrap().to_owned();
    assert!(policy.contains("default-src 'self'") && !policy.contains("unsafe"), "{policy}");

    let headers = [("accept-encoding", "br;q=1.0, gzip;q=0.8")];
    let head = send(server.addr, "HEAD", "/client/client.js", &headers, b"").await;
    assert_eq!(head.header("content-encoding"), Some("gzip"));
    let whole = send(server.addr, "HEAD", "/client/client.js", &[("accept-encoding", "gzip;q=0")], b"").await;
    assert_eq!(whole.header("content-encoding"), None);
    let length =
        |answer: &crate::support::rest::Answer| answer.header("content-length").unwrap().parse::<u64>().unwrap();
    assert!(length(&head) * 2 < length(&whole), "{} of {}", length(&head), length(&whole));

    let tag = whole.header("etag").unwrap().to_owned();
    assert_eq!(send(server.addr, "GET", "/client/client.js", &[("if-none-match", &tag)], b"").await.status, 304);
    assert_eq!(send(server.addr, "GET", "/no-such-file.js", &[], b"").await.status, 404);
    assert_eq!(send(server.addr, "GET", "/../Cargo.toml", &[], b"").await.status, 404);
}
