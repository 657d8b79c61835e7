//! A push service of browsers, and the browsers: it keeps what it is sent, and fails on request; they decrypt it.

use std::{
    collections::{HashMap, VecDeque},
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use aws_lc_rs::{
    aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree},
    hkdf::{HKDF_SHA256, KeyType, Salt},
};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
};

use super::{posted::Posted, until};

/// How one request is answered.
#[derive(Debug, Clone, Copy)]
pub enum Answer {
    Status(u16),
    /// 503, with this many seconds of `Retry-After`.
    Busy(u32),
    /// Never.
    Hang,
}

/// The push service. It answers 201 when nothing else is scripted for a path.
#[derive(Clone)]
pub struct PushService {
    pub addr: SocketAddr,
    pushed: Arc<Mutex<Vec<Posted>>>,
    script: Arc<Mutex<HashMap<String, VecDeque<Answer>>>>,
}

impl PushService {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let service = Self { addr, pushed: Arc::default(), script: Arc::default() };
        let serving = service.clone();
        actix_web::rt::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                actix_web::rt::spawn(serving.clone().serve(tcp));
            }
        });
        service
    }

    /// A browser that has subscribed here.
    pub fn browser(&self, name: &str) -> Browser {
        let mut auth = [0; 16];
        aws_lc_rs::rand::fill(&mut auth).unwrap();
        let private = PrivateKey::generate(&ECDH_P256).unwrap();
        Browser { path: format!("/push/{name}"), service: self.addr, private, auth }
    }

    /// Says how the next requests to a browser are answered.
    pub fn script(&self, browser: &Browser, answers: impl IntoIterator<Item = Answer>) {
        self.script.lock().unwrap().entry(browser.path.clone()).or_default().extend(answers);
    }

    /// Waits until a browser was sent this many requests in all.
    pub async fn pushed(&self, browser: &Browser, count: usize) -> Vec<Posted> {
        until("pushes", || self.of(browser).len() >= count).await;
        let pushed = self.of(browser);
        assert_eq!(pushed.len(), count);
        pushed
    }

    /// What a browser was sent so far.
    pub fn of(&self, browser: &Browser) -> Vec<Posted> {
        self.pushed.lock().unwrap().iter().filter(|pushed| pushed.path == browser.path).cloned().collect()
    }

    /// How many requests came for a path.
    pub fn at(&self, path: &str) -> usize {
        self.pushed.lock().unwrap().iter().filter(|pushed| pushed.path == path).count()
    }

    async fn serve(self, mut tcp: TcpStream) {
        while let Some(pushed) = Posted::read(&mut tcp).await {
            let answer = self.script.lock().unwrap().get_mut(&pushed.path).and_then(VecDeque::pop_front);
            self.pushed.lock().unwrap().push(pushed);
            let (status, header) = match answer.unwrap_or(Answer::Status(201)) {
                Answer::Status(status) => (status, "location: /elsewhere\r\n".to_owned()),
                Answer::Busy(seconds) => (503, format!("retry-after: {seconds}\r\n")),
                Answer::Hang => std::future::pending().await,
            };
            let answer = format!("HTTP/1.1 {status} X\r\n{header}content-length: 0\r\n\r\n");
            if tcp.write_all(answer.as_bytes()).await.is_err() {
                return;
            }
        }
    }
}

/// A browser with a subscription.
pub struct Browser {
    path: String,
    service: SocketAddr,
    private: PrivateKey,
    auth: [u8; 16],
}

impl Browser {
    /// What `PushSubscription.toJSON()` says.
    pub fn to_json(&self) -> Value {
        json!({
            "endpoint": format!("http://{}{}", self.service, self.path),
            "expirationTime": null,
            "keys": {
                "p256dh": BASE64URL_NOPAD.encode(self.private.compute_public_key().unwrap().as_ref()),
                "auth": BASE64URL_NOPAD.encode(&self.auth),
            },
        })
    }

    /// Decrypts what it was sent (RFC 8291 section 3.4), by the library's own HKDF.
    pub fn read(&self, pushed: &Posted) -> Value {
        let (salt, rest) = pushed.body.split_at(16);
        let (record_bytes, rest) = rest.split_at(4);
        let record_bytes = u32::from_be_bytes(record_bytes.try_into().unwrap()) as usize;
        let (sender, record) = rest[1..].split_at(usize::from(rest[0]));
        assert!(record.len() <= record_bytes && pushed.body.len() <= 4096);
        let own = self.private.compute_public_key().unwrap();
        let info = [&b"WebPush: info\0"[..], own.as_ref(), sender].concat();
        let shared = agree(&self.private, UnparsedPublicKey::new(&ECDH_P256, sender), (), |shared| {
            Ok(derive(&self.auth, shared, &info, 32))
        });
        let shared = shared.unwrap();
        let key = derive(salt, &shared, b"Content-Encoding: aes128gcm\0", 16);
        let nonce = derive(salt, &shared, b"Content-Encoding: nonce\0", 12);
        let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key).unwrap());
        let mut record = record.to_vec();
        let nonce = Nonce::try_assume_unique_for_key(&nonce).unwrap();
        let plain = key.open_in_place(nonce, Aad::empty(), &mut record).unwrap();
        let end = plain.iter().rposition(|byte| *byte != 0).unwrap();
        assert_eq!(plain[end], 2, "the delimiter of the last record");
        serde_json::from_slice(&plain[..end]).unwrap()
    }
}

struct Bytes(usize);

impl KeyType for Bytes {
    fn len(&self) -> usize {
        self.0
    }
}

fn derive(salt: &[u8], secret: &[u8], info: &[u8], bytes: usize) -> Vec<u8> {
    let mut out = vec![0; bytes];
    let key = Salt::new(HKDF_SHA256, salt).extract(secret);
    key.expand(&[info], Bytes(bytes)).unwrap().fill(&mut out).unwrap();
    out
}
