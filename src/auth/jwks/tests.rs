//! Against a real HTTP server on a port of its own.

use std::{
    io::Write,
    net::TcpListener,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use actix_web::{App, HttpResponse, HttpServer, dev::ServerHandle, web};
use futures_util::future::join_all;
use jsonwebtoken::{Algorithm, EncodingKey};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::auth::{
    Verifier,
    fixtures::{NOW, Pair, b64, claims, sign},
};

/// A marketplace that publishes its keys.
struct Market {
    url: String,
    page: Arc<Page>,
    handle: ServerHandle,
    clock: Clock,
}

struct Page {
    hits: AtomicUsize,
    answer: Mutex<(u16, Option<&'static str>, String)>,
}

impl Market {
    async fn open(answer: &Value) -> Self {
        let page = Arc::new(Page { hits: AtomicUsize::new(0), answer: Mutex::new((200, None, answer.to_string())) });
        let data = web::Data::from(Arc::clone(&page));
        let server = HttpServer::new(move || {
            App::new().app_data(data.clone()).route(
                "/keys",
                web::get().to(async |page: web::Data<Page>| {
                    page.hits.fetch_add(1, Ordering::SeqCst);
                    let (status, cache_control, body) = page.answer.lock().unwrap().clone();
                    let mut response = HttpResponse::build(status.try_into().unwrap());
                    if let Some(cache_control) = cache_control {
                        response.insert_header((CACHE_CONTROL, cache_control));
                    }
                    if status == 302 {
                        response.insert_header(("location", "/keys"));
                    }
                    response.body(body)
                }),
            )
        })
        .workers(1)
        .disable_signals()
        .bind("127.0.0.1:0")
        .unwrap();
        let url = format!("http://{}/keys", server.addrs()[0]);
        let server = server.run();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        Self { url, page, handle, clock: Clock::manual(Timestamp(NOW * 1000)) }
    }

    async fn verifier(&self) -> Verifier {
        let jwks = Jwks::start(&self.url, self.clock.clone()).await.unwrap();
        Verifier::jwks(jwks).with_clock(self.clock.clone())
    }

    fn publish(&self, keys: &[Value]) {
        self.answer(200, None, &set(keys).to_string());
    }

    fn answer(&self, status: u16, cache_control: Option<&'static str>, body: &str) {
        *self.page.answer.lock().unwrap() = (status, cache_control, body.to_owned());
    }

    fn hits(&self) -> usize {
        self.page.hits.load(Ordering::SeqCst)
    }

    fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    async fn close(&self) {
        self.handle.stop(false).await;
    }
}

fn set(keys: &[Value]) -> Value {
    json!({ "keys": keys })
}

fn token(pair: &Pair, kid: &str) -> String {
    pair.sign(&json!({"alg": pair.alg(), "kid": kid}), &claims())
}

/// Waits until this many fetches have ended.
async fn fetched(jwks: &Jwks, fetches: u64) {
    let mut status = jwks.shared.status.subscribe();
    let wait = status.wait_for(|status| status.fetches >= fetches);
    tokio::time::timeout(Duration::from_secs(10), wait).await.expect("a fetch").unwrap();
}

#[actix_web::test]
async fn each_kind_of_key_in_one_set_is_used_for_its_own_tokens() {
    let (ec, ed) = (Pair::ec(), Pair::ed());
    let pairs = [(Pair::rsa(), "r"), (&ec, "c"), (&ed, "d")];
    let keys: Vec<_> = pairs.iter().map(|(pair, kid)| pair.jwk(kid)).collect();
    let market = Market::open(&set(&keys)).await;
    let verifier = market.verifier().await;
    assert_eq!(verifier.jwks_state(), Some(JwksState::Fresh));
    for (pair, kid) in pairs {
        assert_eq!(verifier.verify(&token(pair, kid)).await.unwrap().user.as_str(), "alice", "{kid}");
        let nameless = pair.sign(&json!({"alg": pair.alg()}), &claims());
        assert!(verifier.verify(&nameless).await.is_ok(), "{kid}, without saying so");
        let other = if kid == "r" { "c" } else { "r" };
        assert_eq!(verifier.verify(&token(pair, other)).await, Err(AuthError::WrongAlgorithm), "{kid}");
    }
    let stranger = Pair::ec();
    assert_eq!(verifier.verify(&token(&stranger, "c")).await, Err(AuthError::BadSignature));
    assert_eq!(market.hits(), 1, "none of these is worth a fetch");
}

#[actix_web::test]
async fn a_new_key_is_fetched_when_the_first_token_names_it() {
    let (old, new) = (Pair::ec(), Pair::ec());
    let market = Market::open(&set(&[old.jwk("old")])).await;
    let verifier = market.verifier().await;
    market.publish(&[new.jwk("new")]);
    market.advance(10);
    assert!(verifier.verify(&token(&old, "old")).await.is_ok());
    assert!(verifier.verify(&token(&new, "new")).await.is_ok());
    assert_eq!(market.hits(), 2);
    market.advance(10);
    assert_eq!(verifier.verify(&token(&old, "old")).await, Err(AuthError::UnknownKey), "taken back");
}

#[actix_web::test]
async fn unknown_keys_cause_one_fetch_in_ten_seconds_however_many_come() {
    let market = Market::open(&set(&[Pair::ec().jwk("known")])).await;
    let verifier = market.verifier().await;
    let stranger = Pair::ec();
    for round in 1..=3 {
        let tokens: Vec<_> = (0..50).map(|n| token(&stranger, &format!("guess-{round}-{n}"))).collect();
        // Right after a fetch none is made; after ten seconds one, for all of them together.
        for result in join_all(tokens.iter().map(|token| verifier.verify(token))).await {
            assert_eq!(result, Err(AuthError::UnknownKey));
        }
        assert_eq!(market.hits(), round);
        market.advance(9);
        // Answered at once, without waiting for a fetch that never starts.
        let refused = tokio::time::timeout(Duration::from_secs(4), verifier.verify(&tokens[0])).await.expect("no wait");
        assert_eq!(refused, Err(AuthError::UnknownKey));
        assert_eq!(market.hits(), round);
        market.advance(1);
    }
}

#[actix_web::test]
async fn a_wish_that_comes_late_causes_no_fetch() {
    let market = Market::open(&set(&[Pair::ec().jwk("a")])).await;
    let jwks = Jwks::start(&market.url, market.clock.clone()).await.unwrap();
    // The channel holds one, so that the third is sent only once the task has done with the first.
    for _ in 0..3 {
        jwks.wanted.send(()).await.unwrap();
    }
    assert_eq!((market.hits(), jwks.fetches()), (1, 1));
}

#[actix_web::test]
async fn a_foolish_algorithm_causes_no_fetch() {
    let market = Market::open(&set(&[Pair::rsa().jwk("r")])).await;
    let verifier = market.verifier().await;
    market.advance(10);
    let secret = EncodingKey::from_secret(Pair::rsa().pem().as_bytes());
    for alg in ["none", "HS256", "RS384", "PS256", "ES384"] {
        for kid in ["r", "unknown"] {
            let forged = sign(&json!({"alg": alg, "kid": kid}), &claims(), &secret, Algorithm::HS256);
            assert_eq!(verifier.verify(&forged).await, Err(AuthError::WrongAlgorithm), "{alg} {kid}");
        }
    }
    assert_eq!(market.hits(), 1);
}

#[actix_web::test]
async fn an_outage_costs_those_who_are_known_nothing() {
    let (old, new) = (Pair::ec(), Pair::ec());
    let market = Market::open(&set(&[old.jwk("old")])).await;
    let jwks = Jwks::start(&market.url, market.clock.clone()).await.unwrap();
    let verifier = Verifier::jwks(jwks.clone()).with_clock(market.clock.clone());

    market.answer(500, None, "oops");
    market.advance(600);
    fetched(&jwks, 2).await;
    assert_eq!(jwks.state(), JwksState::Stale);
    assert!(verifier.verify(&token(&old, "old")).await.is_ok());
    assert_eq!(verifier.verify(&token(&new, "new")).await, Err(AuthError::KeysUnavailable));
    assert_eq!(AuthError::KeysUnavailable.code().name(), "unavailable");

    market.publish(&[old.jwk("old"), new.jwk("new")]);
    market.advance(10);
    fetched(&jwks, 3).await;
    assert_eq!(jwks.state(), JwksState::Fresh);
    assert!(verifier.verify(&token(&new, "new")).await.is_ok());

    market.close().await;
    market.advance(600);
    fetched(&jwks, 4).await;
    assert_eq!(jwks.state(), JwksState::Stale);
    assert!(verifier.verify(&token(&new, "new")).await.is_ok());
}

#[actix_web::test]
async fn a_server_whose_keys_are_away_starts_and_finds_them_later() {
    let pair = Pair::ec();
    let market = Market::open(&set(&[])).await;
    market.answer(503, None, "");
    let verifier = market.verifier().await;
    assert_eq!(verifier.jwks_state(), Some(JwksState::Missing));
    assert_eq!(verifier.verify(&token(&pair, "a")).await, Err(AuthError::KeysUnavailable));
    market.publish(&[pair.jwk("a")]);
    market.advance(10);
    assert!(verifier.verify(&token(&pair, "a")).await.is_ok());
}

#[actix_web::test]
async fn an_answer_that_will_not_do_leaves_the_keys_as_they_are() {
    let pair = Pair::ec();
    let keys = set(&[pair.jwk("a")]);
    let market = Market::open(&keys).await;
    let jwks = Jwks::start(&market.url, market.clock.clone()).await.unwrap();
    let verifier = Verifier::jwks(jwks.clone()).with_clock(market.clock.clone());
    market.advance(600);
    let padded = json!({"keys": keys["keys"], "padding": "x".repeat(256 * 1024)}).to_string();
    let table = [
        (200, String::new()),
        (200, "<html>".to_owned()),
        (200, "[]".to_owned()),
        (200, "{}".to_owned()),
        (200, "{\"keys\": {}}".to_owned()),
        (200, "{\"keys\": []}".to_owned()),
        (200, set(&[json!(7), json!({"kty": "oct", "k": "AAAA"})]).to_string()),
        (200, padded),
        (204, String::new()),
        (302, keys.to_string()),
        (404, keys.to_string()),
    ];
    for (index, (status, body)) in table.iter().enumerate() {
        market.answer(*status, None, body);
        market.advance(10);
        fetched(&jwks, index as u64 + 2).await;
        assert_eq!(jwks.state(), JwksState::Stale, "{status} {body:.60}");
        assert!(verifier.verify(&token(&pair, "a")).await.is_ok(), "{status} {body:.60}");
    }
    assert_eq!(market.hits(), table.len() + 1, "a redirection is not followed");
}

#[actix_web::test]
async fn keys_are_fetched_again_when_the_answers_age_is_over() {
    for (cache_control, seconds) in [
        (None, 600),
        (Some("public, max-age=300"), 300),
        (Some("max-age=1"), 60),
        (Some("max-age=99999999"), 3600),
        (Some("no-store"), 60),
    ] {
        let market = Market::open(&set(&[])).await;
        market.answer(200, cache_control, &set(&[Pair::ec().jwk("a")]).to_string());
        let jwks = Jwks::start(&market.url, market.clock.clone()).await.unwrap();
        market.advance(seconds - 1);
        actix_web::rt::task::yield_now().await;
        assert_eq!((market.hits(), jwks.fetches()), (1, 1), "{cache_control:?}");
        market.advance(1);
        fetched(&jwks, 2).await;
        assert_eq!(market.hits(), 2, "{cache_control:?}");
        assert_eq!(
            jwks.shared.status.borrow().started_at,
            market.clock.now(),
            "{cache_control:?}: not a moment earlier"
        );
    }
}

#[test]
fn an_answer_that_does_not_end_is_given_up() {
    for start in ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n{"] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/keys", listener.local_addr().unwrap());
        let dripping = thread::spawn(move || {
            let (mut socket, _) = listener.accept().unwrap();
            socket.write_all(start.as_bytes()).unwrap();
            // A byte now and then keeps a timeout for each read from ever ending it.
            while !start.is_empty() && socket.write_all(b" ").is_ok() {
                thread::sleep(Duration::from_millis(10));
            }
            socket
        });
        let error = fetch(&agent(Duration::from_millis(200), Trust::PublicRoots), &url).unwrap_err();
        assert!(matches!(error, FetchError::Http(_)), "{start:?}: {error}");
        drop(dripping.join().unwrap());
    }
}

#[actix_web::test]
async fn a_certificate_that_nobody_vouches_for_is_not_trusted() {
    let folder = tempfile::TempDir::new().unwrap();
    let (cert_file, key_file) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    let pair = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&pair).unwrap();
    std::fs::write(&cert_file, certificate.pem()).unwrap();
    std::fs::write(&key_file, pair.serialize_pem()).unwrap();
    let tls = crate::tls::Tls::load(cert_file, key_file).unwrap().server_config().unwrap();
    let body = set(&[Pair::ec().jwk("a")]).to_string();
    let server = HttpServer::new(move || {
        App::new().route(
            "/keys",
            web::get().to({
                let body = body.clone();
                move || {
                    let body = body.clone();
                    async move { body }
                }
            }),
        )
    })
    .workers(1)
    .disable_signals()
    .bind_rustls_0_23("127.0.0.1:0", tls)
    .unwrap();
    let url = format!("https://localhost:{}/keys", server.addrs()[0].port());
    actix_web::rt::spawn(server.run());
    let fetched = web::block(move || fetch(&agent(FETCH_TIMEOUT, Trust::PublicRoots), &url)).await.unwrap();
    let error = fetched.unwrap_err().to_string();
    assert!(error.contains("certificate"), "{error}");
}

#[actix_web::test]
async fn the_task_ends_with_the_last_handle() {
    let market = Market::open(&set(&[Pair::ec().jwk("a")])).await;
    let jwks = Jwks::start(&market.url, market.clock.clone()).await.unwrap();
    let shared = Arc::downgrade(&jwks.shared);
    drop(jwks);
    tokio::time::timeout(Duration::from_secs(10), async {
        while shared.strong_count() > 0 {
            actix_web::rt::task::yield_now().await;
        }
    })
    .await
    .expect("the task lets go");
}

#[actix_web::test]
async fn an_address_that_can_not_be_fetched_is_refused() {
    for url in [
        "",
        "keys",
        "/keys",
        "ftp://market.example/keys",
        "file:///keys",
        "https://",
        "https://me:secret@market.example/",
        "http://[/",
    ] {
        assert_eq!(Jwks::start(url, Clock::System).await.unwrap_err(), JwksError::Url, "{url}");
    }
}

fn kids(keys: &[Value]) -> Vec<Option<String>> {
    KeySet::read(set(keys).to_string().as_bytes()).unwrap().0.into_iter().map(|(kid, _)| kid).collect()
}

#[test]
fn only_keys_for_signatures_that_are_strong_enough_are_used() {
    let (rsa, ec, ed) = (Pair::rsa().jwk("a"), Pair::ec().jwk("a"), Pair::ed().jwk("a"));
    let with = |jwk: &Value, name: &str, value: Value| {
        let mut jwk = jwk.clone();
        jwk[name] = value;
        jwk
    };
    for good in [
        &rsa,
        &ec,
        &ed,
        &with(&rsa, "alg", json!("RS256")),
        &with(&ec, "key_ops", json!(["verify"])),
        &with(&ed, "x5c", json!(7)),
    ] {
        assert_eq!(kids(std::slice::from_ref(good)).len(), 1, "{good}");
    }
    for bad in [
        with(&rsa, "use", json!("enc")),
        with(&rsa, "alg", json!("RS512")),
        with(&rsa, "alg", json!("RSA-OAEP")),
        with(&rsa, "alg", json!("HS256")),
        with(&rsa, "n", json!(b64([0xff; 128]))),
        with(&rsa, "n", json!(b64(vec![0xff; 2048]))),
        with(&rsa, "n", json!("")),
        with(&rsa, "n", json!("***")),
        with(&rsa, "e", json!(b64([0; 3]))),
        with(&rsa, "e", Value::Null),
        with(&rsa, "kty", json!("EC")),
        with(&rsa, "kid", json!(7)),
        with(&ec, "crv", json!("P-384")),
        with(&ec, "x", json!(b64([1; 32]))),
        with(&ec, "x", json!(b64([1; 31]))),
        with(&ec, "key_ops", json!(["sign"])),
        with(&ed, "crv", json!("X25519")),
        with(&ed, "x", json!(b64([1; 33]))),
        with(&ed, "alg", json!("ES256")),
        json!({"kty": "oct", "k": b64([1; 32]), "alg": "HS256"}),
        json!(null),
    ] {
        assert_eq!(kids(std::slice::from_ref(&bad)), [], "{bad}");
        assert_eq!(kids(&[bad, ec.clone()]).len(), 1, "the others stay");
    }
}

#[test]
fn doubles_are_dropped_and_a_key_without_a_name_fits_any() {
    let (first, second, nameless) = (Pair::ec(), Pair::ec(), Pair::ec());
    let mut unnamed = nameless.jwk("");
    unnamed.as_object_mut().unwrap().remove("kid");
    let document = [first.jwk("a"), first.jwk("a"), second.jwk("a"), first.jwk("b"), unnamed];
    let name = |kid: &str| Some(kid.to_owned());
    assert_eq!(kids(&document), [name("a"), name("a"), name("b"), None]);

    let keys = KeySet::read(set(&document).to_string().as_bytes()).unwrap();
    let check = |pair: &Pair, kid: &str| keys.check_signature(&Parts::read(&token(pair, kid)).unwrap());
    assert_eq!(check(&first, "a"), Ok(()));
    assert_eq!(check(&second, "a"), Ok(()), "two keys of one name");
    assert_eq!(check(&second, "b"), Err(AuthError::BadSignature));
    assert_eq!(check(&nameless, "whatever"), Ok(()));
    assert_eq!(check(&second, "whatever"), Err(AuthError::UnknownKey));
}

#[test]
fn a_set_is_used_up_to_its_bound() {
    let jwk = Pair::ec();
    let many: Vec<_> = (0..1000).map(|n| jwk.jwk(&n.to_string())).collect();
    assert_eq!(kids(&many).len(), KEYS_MAX);
}

proptest! {
    #[test]
    fn any_document_ends_in_keys_or_none(document in any::<Vec<u8>>(), text in any::<String>(), bytes in any::<Vec<u8>>()) {
        let _ = KeySet::read(&document);
        for (kty, crv) in [("RSA", ""), ("EC", "P-256"), ("OKP", "Ed25519")] {
            let fields = b64(&bytes);
            let jwk = json!({"kty": kty, "crv": crv, "kid": text, "n": fields, "e": fields, "x": fields, "y": fields});
            let _ = KeySet::read(set(&[jwk]).to_string().as_bytes());
        }
        let _ = max_age_ms([text.as_str()]);
    }
}
