//! Rooms to measure in: made through REST, or named by a file.

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use haggle_load::{http::HttpClient, workload::Room};
use indicatif::ProgressBar;

use super::super::{Failure, token};
use crate::{
    clock::Clock,
    config::{ConfigError, Options, read_text},
    domain::UserId,
};

/// How long the tokens are good: longer than all loads together.
const TOKENS_GOOD_FOR: Duration = Duration::from_secs(2 * 3600);

/// Reads rooms from a file: a line each, the id and both members' tokens, with tabs between.
pub(super) fn read(path: &Path) -> Result<Vec<Room>, Failure> {
    let refused = |why: String| ConfigError(format!("--tokens {}: {why}", path.display()));
    let text = read_text(path).map_err(|error| refused(error.to_string()))?;
    let mut rooms = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let [id, buyer, seller] = line.split('\t').collect::<Vec<_>>()[..] else {
            return Err(refused(format!("line {} wants a room's id and two tokens", number + 1)).into());
        };
        rooms.push(Room { id: id.into(), tokens: [buyer.into(), seller.into()], room_tokens: None });
    }
    if rooms.is_empty() {
        return Err(refused("names no room".to_owned()).into());
    }
    Ok(rooms)
}

/// Makes rooms with the service key. Existing rooms stay as they are, so the same command can run again.
pub(super) fn make(
    options: Options,
    addr: SocketAddr,
    host: &str,
    rooms: usize,
    bar: &ProgressBar,
) -> Result<Vec<Room>, Failure> {
    let options = options.with_secrets_read()?;
    let key = options.service_key.clone();
    let key = key.ok_or_else(|| ConfigError("give --service-key to make rooms, or --tokens for some".to_owned()))?;
    let key = key.expose();
    let signer = token::signer(options)?;
    let mut http = HttpClient::connect(addr, host).map_err(Failure::new)?;
    let mut ask = |method: &str, path: String, body: serde_json::Value| {
        let answer = http.ask(method, &format!("/api/v1{path}"), key, Some(&body.to_string())).map_err(Failure::new)?;
        match answer.status {
            200..=299 => Ok(serde_json::from_slice::<serde_json::Value>(&answer.body).unwrap_or_default()),
            401 | 403 => Err(Failure::new(format!("{method} {path}: {} refused --service-key", answer.status))),
            status => {
                let body = String::from_utf8_lossy(&answer.body).into_owned();
                Err(Failure::new(format!("{method} {path}: {status} {body}")))
            }
        }
    };
    bar.set_length(rooms as u64);
    let mut made = Vec::new();
    for number in 0..rooms {
        let [buyer, seller, product] =
            ["buyer", "seller", "product"].map(|what| format!("haggle-bench-{what}-{number}"));
        for user in [&buyer, &seller] {
            ask("PUT", format!("/users/{user}"), serde_json::json!({ "name": user }))?;
        }
        let about = serde_json::json!({ "sellerId": seller, "title": "A bicycle to be measured" });
        ask("PUT", format!("/products/{product}"), about)?;
        let room = ask("POST", "/rooms".to_owned(), serde_json::json!({ "productId": product, "buyerId": buyer }))?;
        let id = room["id"].as_str().ok_or_else(|| Failure::new(format!("POST /rooms: no room's id in {room}")))?;
        let sign = |user: &str| -> Result<Arc<str>, Failure> {
            let user = UserId::new(user).map_err(Failure::new)?;
            Ok(signer.sign(&user, None, TOKENS_GOOD_FOR, &Clock::System).into())
        };
        made.push(Room { id: id.into(), tokens: [sign(&buyer)?, sign(&seller)?], room_tokens: None });
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(made)
}
