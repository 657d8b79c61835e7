//! A backend that takes events by webhook.

use std::sync::{Arc, Mutex};

use actix_web::{App, HttpResponse, HttpServer, dev::ServerHandle, web};
use serde_json::Value;

/// Keeps what it is sent, and answers with `status`.
#[derive(Clone)]
pub struct Receiver {
    pub url: String,
    items: Arc<Mutex<Vec<Value>>>,
    status: Arc<Mutex<u16>>,
    words: Arc<Mutex<&'static str>>,
}

impl Receiver {
    /// One that answers 200. It ends with the handle's `stop`, or with the test.
    pub fn start() -> (Self, ServerHandle) {
        let mut receiver = Self {
            url: String::new(),
            items: Arc::default(),
            status: Arc::new(Mutex::new(200)),
            words: Arc::default(),
        };
        let state = receiver.clone();
        let server = HttpServer::new(move || {
            App::new().app_data(web::Data::new(state.clone())).default_service(web::post().to(take))
        });
        let server = server.workers(1).disable_signals().bind(("127.0.0.1", 0)).unwrap();
        receiver.url = format!("http://{}/hook", server.addrs()[0]);
        let server = server.run();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        (receiver, handle)
    }

    /// From now on it answers with this status.
    pub fn answer(&self, status: u16) {
        *self.status.lock().unwrap() = status;
    }

    /// From now on it says this with 200.
    pub fn says(&self, words: &'static str) {
        *self.words.lock().unwrap() = words;
    }

    /// What it has accepted, in the order in which it came.
    pub fn items(&self) -> Vec<Value> {
        self.items.lock().unwrap().clone()
    }
}

async fn take(receiver: web::Data<Receiver>, body: web::Json<Value>) -> HttpResponse {
    let status = *receiver.status.lock().unwrap();
    if status == 200 {
        let items = body["items"].as_array().cloned();
        receiver.items.lock().unwrap().extend(items.unwrap_or_else(|| vec![body.0]));
    }
    let words = *receiver.words.lock().unwrap();
    HttpResponse::build(status.try_into().unwrap()).body(words)
}
