//! The demo page: in the binary, compressed on its way, and allowed to run nothing but itself.

use crate::support::{TestServer, rest::send};

async fn demo() -> TestServer {
    TestServer::with(|config| config.demo = true).await
}

#[actix_web::test]
async fn the_page_comes_compressed_and_may_run_nothing_inline() {
    let server = demo().await;
    let plain = send(server.addr, "GET", "/", &[], b"").await;
    assert_eq!(plain.status, 200);
    let policy = plain.header("content-security-policy").unwrap().to_owned();
    assert!(policy.contains("default-src 'self'") && !policy.contains("unsafe"), "{policy}");
    assert!(policy.contains("require-trusted-types-for 'script'"), "{policy}");

    let picture = send(server.addr, "GET", "/pictures/haggle.svg", &[], b"").await;
    let policy = picture.header("content-security-policy");
    assert_eq!(policy, Some("default-src 'none'; frame-ancestors 'none'"), "a drawing can be opened as a document");

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

#[actix_web::test]
async fn a_browser_that_comes_back_asks_for_the_index_alone() {
    let server = demo().await;
    let index = send(server.addr, "GET", "/", &[], b"").await;
    assert_eq!(index.header("cache-control"), Some("no-cache"));
    let html = index.body.as_str().unwrap();
    let named: Vec<&str> = html
        .split("=\"/")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .filter(|path| path.ends_with(".js") || path.ends_with(".css"))
        .collect();
    assert!(named.len() > 10 && named.iter().all(|path| path.starts_with('~')), "{named:?}");
    for path in &named {
        let answer = send(server.addr, "GET", &format!("/{path}"), &[], b"").await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.header("cache-control").unwrap().contains("immutable"), "{path}");
        for needless in ["etag", "x-request-id", "access-control-expose-headers", "content-security-policy"] {
            assert_eq!(answer.header(needless), None, "{path}");
        }
        assert_eq!(answer.header("vary"), Some("accept-encoding"), "{path}");
    }

    // What another build has named is still there, and is not kept.
    let other = send(server.addr, "GET", "/~0123456789abcdef/main.js", &[], b"").await;
    assert_eq!((other.status, other.header("cache-control")), (200, Some("no-cache")));
    let picture = send(server.addr, "GET", "/pictures/haggle.svg", &[], b"").await;
    assert_eq!(picture.header("cache-control"), Some("public, max-age=86400"));
    assert_eq!(send(server.addr, "GET", "/~0123456789abcdef/no-such-file.js", &[], b"").await.status, 404);
}

#[actix_web::test]
async fn a_server_that_is_no_demo_says_what_it_is_and_shows_no_sign_in() {
    let server = TestServer::start().await;
    for path in ["/", "/index.html"] {
        let page = send(server.addr, "GET", path, &[], b"").await;
        assert_eq!(page.status, 200, "{path}");
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.contains("default-src 'self'") && !policy.contains("unsafe"), "{policy}");
        let html = page.body.as_str().unwrap();
        assert!(!html.contains("<script") && !html.contains("style=") && !html.contains("/demo/"), "{html}");
        for part in ["href=\"/api/docs\"", "href=\"/readyz\"", "haggle demo", "lang=\"en\"", "lang=\"ko\""] {
            assert!(html.contains(part), "{part} is missing: {html}");
        }
        for named in html.split("=\"/").skip(1).filter_map(|rest| rest.split('"').next()) {
            let status = send(server.addr, "GET", &format!("/{named}"), &[], b"").await.status;
            assert!(matches!(status, 200 | 308 | 302 | 301), "{named}: {status}");
        }
    }
}

#[actix_web::test]
async fn any_server_serves_the_desk_of_the_staff_under_the_strict_policy() {
    let url = || Some("https://shop.example/staff".to_owned());
    for demo in [false, true] {
        let server = TestServer::with(|config| (config.demo, config.staff_sign_in_url) = (demo, url())).await;
        assert_eq!(send(server.addr, "GET", "/staff/", &[], b"").await.status, 200);
        let page = send(server.addr, "GET", "/staff", &[], b"").await;
        assert_eq!((page.status, page.header("cache-control")), (200, Some("no-cache")));
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.contains("default-src 'self'") && !policy.contains("unsafe"), "{policy}");
        assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
        let html = page.body.as_str().unwrap();
        assert!(html.contains("/staff/main.js") && !html.contains("style="), "{html}");
        for named in html.split("=\"/").skip(1).filter_map(|rest| rest.split('"').next()) {
            let file = send(server.addr, "GET", &format!("/{named}"), &[], b"").await;
            assert_eq!(file.status, 200, "{named}");
        }
        // By which the desk knows where one signs in.
        let features = send(server.addr, "GET", "/api/v1/features", &[], b"").await.body;
        assert_eq!(features["staffSignInUrl"], "https://shop.example/staff");
        assert_eq!(features["demo"].as_bool().unwrap_or_default(), demo);
    }
}

#[actix_web::test]
async fn any_server_serves_the_components_to_the_pages_of_listed_origins() {
    let server = TestServer::with(|config| config.allowed_origins = vec!["https://shop.example".to_owned()]).await;
    let from = |origin| [("origin", origin)];
    let entry = send(server.addr, "GET", "/embed/haggle.js", &from("https://shop.example"), b"").await;
    assert_eq!((entry.status, entry.header("cache-control")), (200, Some("no-cache")));
    assert_eq!(entry.header("access-control-allow-origin"), Some("https://shop.example"));
    let tag = entry.header("etag").unwrap().to_owned();
    assert_eq!(send(server.addr, "GET", "/embed/haggle.js", &[("if-none-match", &tag)], b"").await.status, 304);
    let foreign = send(server.addr, "GET", "/embed/haggle.js", &from("https://evil.example"), b"").await;
    assert_eq!(foreign.header("access-control-allow-origin"), None);

    let text = entry.body.as_str().unwrap();
    let named: Vec<&str> = text.split("\"./").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!(named.len() > 40 && named.iter().all(|path| path.starts_with('~') && path.ends_with(".js")), "{named:?}");
    for path in named {
        let module = send(server.addr, "GET", &format!("/embed/{path}"), &from("https://shop.example"), b"").await;
        assert_eq!(module.status, 200, "{path}");
        assert!(module.header("content-type").unwrap().contains("javascript"), "{path}");
        assert!(module.header("cache-control").unwrap().contains("immutable"), "{path}");
        assert_eq!(module.header("access-control-allow-origin"), Some("https://shop.example"), "{path}");
        let vary = module.header("vary").unwrap().to_ascii_lowercase();
        assert!(vary.contains("origin") && vary.contains("accept-encoding"), "{path}: {vary}");
        // A browser finds no package by its name.
        let text = module.body.as_str().unwrap();
        assert!(!text.contains("from \"@haggle/client\""), "{path}");
    }
    // In a frame it may stand where the operator says, and nowhere else.
    for (ancestors, expected) in [
        (vec![], "frame-ancestors 'none';"),
        (vec!["https://shop.example".to_owned()], "frame-ancestors https://shop.example;"),
    ] {
        let server = TestServer::with(|config| config.frame_ancestors = ancestors).await;
        let frame = send(server.addr, "GET", "/embed/frame.html", &[], b"").await;
        let policy = frame.header("content-security-policy").unwrap();
        assert!(frame.status == 200 && policy.contains(expected) && !policy.contains("unsafe"), "{policy}");
    }
    // The demo page's own files are no part of it.
    for path in ["main.js", "embed/haggle.js", "index.html", "../main.js", "components/none.js", ""] {
        assert_eq!(send(server.addr, "GET", &format!("/embed/{path}"), &[], b"").await.status, 404, "{path}");
    }
}
