//! One user who acts over any wire: the plain one, Socket.IO or REST. Requests and answers are the same in all three.

use std::{collections::VecDeque, time::Duration};

use serde_json::{Value, json};
use socket2::SockRef;
use tokio::net::TcpStream;

use super::{
    TestServer, WsClient,
    rest::{self, Answer},
    socket_io::PacketClient,
    ws::WireError,
};

/// A way in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    Json,
    SocketIo,
    Rest,
}

impl Route {
    pub const ALL: [Self; 3] = [Self::Json, Self::SocketIo, Self::Rest];
    pub const WIRES: [Self; 2] = [Self::Json, Self::SocketIo];
}

enum Way {
    Json(WsClient),
    SocketIo(PacketClient),
    Rest,
}

/// A signed-in user on one way in, acting in one room.
pub struct Caller {
    way: Way,
    addr: std::net::SocketAddr,
    token: String,
    pub room: String,
    /// Events about lists that no test step has taken yet.
    updates: VecDeque<Value>,
}

/// A request whose answer is waited for later.
pub enum Asked {
    Json(u64),
    SocketIo(u64),
    Rest(actix_web::rt::task::JoinHandle<Answer>),
}

/// A request's result, or its refusal.
pub type Outcome = Result<Value, WireError>;

impl Caller {
    /// Signs in.
    pub async fn new(server: &TestServer, user: &str, route: Route, room: &str) -> Self {
        let token = server.token(user);
        let way = match route {
            Route::Json => {
                let tcp = TcpStream::connect(server.addr).await.unwrap();
                // Dropped without a close frame it is reset, as by the kernel of a client that was killed.
                SockRef::from(&tcp).set_linger(Some(Duration::ZERO)).unwrap();
                let bearer = format!("Bearer {token}");
                let headers = [("authorization", &*bearer)];
                Way::Json(WsClient::over(Box::new(tcp), server.addr, &headers, "/ws/chat").await.unwrap())
            }
            Route::SocketIo => {
                let mut client = PacketClient::open(server.addr).await;
                client.join("/chat", json!({ "token": token })).await;
                Way::SocketIo(client)
            }
            Route::Rest => Way::Rest,
        };
        Self { way, addr: server.addr, token, room: room.to_owned(), updates: VecDeque::new() }
    }

    /// Signs in and enters the room, where the way in has that.
    pub async fn entered(server: &TestServer, user: &str, route: Route, room: &str) -> Self {
        let mut caller = Self::new(server, user, route, room).await;
        if route != Route::Rest {
            caller.ask("enterRoom", json!({ "roomId": room })).await.unwrap();
            caller.heard().await;
        }
        caller
    }

    /// Ends as when its process is killed: the connection is reset.
    pub fn reset(self) {
        if let Way::SocketIo(client) = self.way {
            client.reset();
        }
    }

    /// Asks and waits for the answer.
    pub async fn ask(&mut self, event: &str, data: Value) -> Outcome {
        let asked = self.start(event, data).await;
        self.answer(asked).await
    }

    /// Asks. The data are the event's; REST takes its path from them and from the room.
    pub async fn start(&mut self, event: &str, data: Value) -> Asked {
        match &mut self.way {
            Way::Json(client) => Asked::Json(client.start(event, data).await),
            Way::SocketIo(client) => Asked::SocketIo(client.start("/chat", event, data).await),
            Way::Rest => {
                let (method, path, body) = self.request(event, &data);
                let (addr, token) = (self.addr, self.token.clone());
                let call = async move { rest::call(addr, &token, method, &path, body).await };
                Asked::Rest(actix_web::rt::spawn(call))
            }
        }
    }

    /// Waits for the answer.
    pub async fn answer(&mut self, asked: Asked) -> Outcome {
        let error = |error: &Value, message: &str| WireError {
            code: error["code"].as_str().unwrap().to_owned(),
            message: error[message].as_str().unwrap().to_owned(),
            retry_after_ms: error["retryAfterMs"].as_u64(),
            until: error["until"].as_str().map(str::to_owned),
        };
        match (&mut self.way, asked) {
            (Way::Json(client), Asked::Json(id)) => client.answer(id).await,
            (Way::SocketIo(client), Asked::SocketIo(id)) => {
                let answer = client.answer("/chat", id).await;
                match answer["ok"].as_bool().unwrap() {
                    true => Ok(answer["data"].clone()),
                    false => Err(error(&answer["error"], "message")),
                }
            }
            (Way::Rest, Asked::Rest(answer)) => {
                let answer = answer.await.unwrap();
                match answer.status {
                    200..300 => Ok(answer.body),
                    _ => Err(error(&answer.body, "detail")),
                }
            }
            _ => panic!("asked elsewhere"),
        }
    }

    /// What was pushed before an answered request, without events about lists: these are debounced, and are kept.
    pub async fn heard(&mut self) -> Vec<(String, Value)> {
        let told = self.told().await;
        let (updates, heard): (Vec<_>, Vec<_>) = told.into_iter().partition(|(event, _)| event == "roomUpdated");
        self.updates.extend(updates.into_iter().map(|(_, data)| data));
        heard
    }

    async fn told(&mut self) -> Vec<(String, Value)> {
        match &mut self.way {
            Way::Json(client) => {
                let pushes = client.pushes_before_ack().await;
                let name = |push: &Value| push["event"].as_str().unwrap().to_owned();
                pushes.iter().map(|push| (name(push), push["data"].clone())).collect()
            }
            Way::SocketIo(client) => {
                let events = client.events_before_ack("/chat").await;
                // After a message comes its offset, which only this wire has.
                events
                    .into_iter()
                    .filter(|(event, _)| event != "offset")
                    .map(|(event, args)| (event, args[0].clone()))
                    .collect()
            }
            Way::Rest => Vec::new(),
        }
    }

    /// Waits for the next push of an event and returns its data.
    pub async fn push(&mut self, event: &str) -> Value {
        if let Some(update) = self.updates.pop_front_if(|_| event == "roomUpdated") {
            return update;
        }
        match &mut self.way {
            Way::Json(client) => client.push(event).await,
            Way::SocketIo(client) => client.event("/chat", event).await.remove(0),
            Way::Rest => panic!("nothing is pushed over REST"),
        }
    }

    /// The twin in REST of an event.
    fn request(&self, event: &str, data: &Value) -> (&'static str, String, Option<Value>) {
        let room = format!("/api/v1/rooms/{}", data["roomId"].as_str().unwrap_or(&self.room));
        let message = data["messageId"].as_str().unwrap_or_default();
        let mut body = data.clone();
        if let Some(fields) = body.as_object_mut() {
            fields.remove("messageId");
        }
        match event {
            "enterRoom" => ("GET", format!("{room}/messages"), None),
            "message" => ("POST", format!("{room}/messages"), Some(body)),
            "editMessage" => ("PATCH", format!("{room}/messages/{message}"), Some(body)),
            "deleteMessage" => ("DELETE", format!("{room}/messages/{message}"), None),
            "react" if body["emoji"].is_null() => ("DELETE", format!("{room}/messages/{message}/reaction"), None),
            "react" => ("PUT", format!("{room}/messages/{message}/reaction"), Some(body)),
            "read" => ("PUT", format!("{room}/read"), Some(body)),
            "delivered" => ("PUT", format!("{room}/delivered"), Some(body)),
            "offer" => ("POST", format!("{room}/offers"), Some(body)),
            "answerOffer" => ("POST", format!("{room}/offers/{message}/answer"), Some(body)),
            other => panic!("`{other}` has no twin in REST"),
        }
    }
}
