//! Which pages may use this server: the same list for CORS and for WebSocket upgrades (RFC 6455 section 10.2).

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use actix_cors::Cors;
use actix_web::{
    HttpRequest,
    dev::RequestHead,
    http::{Method, header},
};

use crate::error::{ChatError, ErrorCode};

/// Any origin.
const ANY: &str = "*";

/// Refused origins that are named in the log. A client that is no browser can send any.
const NAMED_MAX: usize = 100;

/// Longest name of an origin in the log, in characters: a host name has at most 253.
const NAME_CHARS_MAX: usize = 280;

/// Which pages may use this server, and which others have tried. One for each server, shared by its workers.
#[derive(Debug, Default)]
pub struct Origins {
    allowed: Vec<String>,
    /// Those that are in the log already.
    refused: Mutex<BTreeSet<String>>,
}

impl Origins {
    /// The server's own pages, and those of the listed origins (`*` for all).
    #[must_use]
    pub fn new(allowed: Vec<String>) -> Arc<Self> {
        Arc::new(Self { allowed, refused: Mutex::default() })
    }

    /// Lets browsers of the listed origins use REST and polls, with any header, and with credentials (Socket.IO's
    /// `withCredentials`) where an origin is listed by its name. Without a list only the server's own pages can.
    pub fn cors(self: &Arc<Self>) -> Cors {
        let cors = Cors::default()
            .allowed_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
            .allow_any_header()
            .max_age(3600);
        // Without a list no answer depends on the origin, and these headers would be a fifth of a small answer.
        let cors = match self.allowed.as_slice() {
            [] => cors.disable_vary_header(),
            _ => cors.expose_headers(["date", "x-request-id", "retry-after", "etag"]),
        };
        if self.allows_any() {
            return cors.allow_any_origin();
        }
        let origins = Arc::clone(self);
        let cors = cors.allowed_origin_fn(move |origin, head| {
            let origin = origin.to_str().unwrap_or_default();
            let is_listed = origins.lists(origin);
            if !is_listed && !is_own(origin, head) {
                origins.note_refused(origin);
            }
            is_listed
        });
        if self.allowed.is_empty() { cors } else { cors.supports_credentials() }
    }

    /// Refuses a WebSocket upgrade from a foreign page. Clients that are no browsers send no origin.
    ///
    /// # Errors
    /// `forbidden` when the request has an `Origin` that is neither the server's own nor listed.
    pub fn check(&self, request: &HttpRequest) -> Result<(), ChatError> {
        let Some(origin) = request.headers().get(header::ORIGIN) else { return Ok(()) };
        let origin = origin.to_str().unwrap_or_default();
        if self.allows(origin, request.head()) {
            return Ok(());
        }
        Err(ChatError::new(ErrorCode::Forbidden, "this page's origin may not connect: add it with --allowed-origin"))
    }

    /// Whether pages of an origin may connect to the server that the request was sent to.
    #[must_use]
    pub fn allows(&self, origin: &str, head: &RequestHead) -> bool {
        self.allows_any() || self.lists(origin) || is_host(origin, head)
    }

    fn allows_any(&self) -> bool {
        self.allowed.iter().any(|listed| listed == ANY)
    }

    fn lists(&self, origin: &str) -> bool {
        self.allowed.iter().any(|listed| is_same(listed, origin))
    }

    /// Names a refused origin in the log, once.
    fn note_refused(&self, origin: &str) {
        let name: String = origin.chars().take(NAME_CHARS_MAX).collect();
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if refused.len() >= NAMED_MAX || refused.contains(&name) {
            return;
        }
        log::warn!("pages of {name:?} may not use this server: to allow them, add --allowed-origin with that origin");
        refused.insert(name);
        if refused.len() == NAMED_MAX {
            log::warn!("{NAMED_MAX} origins were refused: further ones are not named");
        }
    }
}

/// Whether a page of the server's own sent the request. Behind a proxy that changes `Host`, the browser still knows
/// (Fetch Metadata, `Sec-Fetch-Site`).
fn is_own(origin: &str, head: &RequestHead) -> bool {
    head.headers().get("sec-fetch-site").is_some_and(|site| site == "same-origin") || is_host(origin, head)
}

/// Whether an origin is that of the host which the request was sent to.
fn is_host(origin: &str, head: &RequestHead) -> bool {
    let host = head.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let scheme = origin.split_once("://").map(|(scheme, _)| scheme);
    host.zip(scheme).is_some_and(|(host, scheme)| is_same(origin, &format!("{scheme}://{host}")))
}

/// Whether two origins are the same, in whatever case, and with or without the scheme's default port (RFC 6454 section 4).
fn is_same(one: &str, other: &str) -> bool {
    without_default_port(one).eq_ignore_ascii_case(without_default_port(other))
}

fn without_default_port(origin: &str) -> &str {
    let port = match origin.split_once("://") {
        Some((scheme, _)) if scheme.eq_ignore_ascii_case("https") => ":443",
        Some((scheme, _)) if scheme.eq_ignore_ascii_case("http") => ":80",
        _ => return origin,
    };
    origin.strip_suffix(port).unwrap_or(origin)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn request(origin: &str, host: &str) -> HttpRequest {
        TestRequest::get().insert_header((header::ORIGIN, origin)).insert_header((header::HOST, host)).to_http_request()
    }

    #[test]
    fn the_default_port_of_a_scheme_may_be_written_out() {
        let own = Origins::new(Vec::new());
        for (origin, host, allowed) in [
            ("https://chat.example", "chat.example", true),
            ("https://chat.example", "chat.example:443", true),
            ("https://chat.example:443", "chat.example", true),
            ("http://chat.example", "chat.example:80", true),
            ("HTTP://Chat.Example", "chat.example:80", true),
            ("http://[::1]", "[::1]:80", true),
            ("http://127.0.0.1:5000", "127.0.0.1:5000", true),
            ("https://chat.example", "chat.example:80", false),
            ("http://chat.example", "chat.example:443", false),
            ("http://chat.example:8080", "chat.example", false),
            ("http://chat.example", "chat.example:8080", false),
            ("http://chat.example.evil.example", "chat.example", false),
            ("null", "chat.example", false),
            ("", "", false),
        ] {
            assert_eq!(own.check(&request(origin, host)).is_ok(), allowed, "{origin} at {host}");
        }
    }

    #[test]
    fn a_listed_origin_is_known_in_every_spelling() {
        let listed = Origins::new(vec!["https://Shop.example:443".to_owned(), "http://localhost:3000".to_owned()]);
        for (origin, allowed) in [
            ("https://shop.example", true),
            ("https://shop.example:443", true),
            ("http://shop.example", false),
            ("http://localhost:3000", true),
            ("http://localhost", false),
            ("null", false),
        ] {
            assert_eq!(listed.check(&request(origin, "chat.example")).is_ok(), allowed, "{origin}");
        }
    }

    #[test]
    fn refused_origins_are_named_once_and_not_without_end() {
        let origins = Origins::default();
        for _ in 0..3 {
            origins.note_refused("https://evil.example");
        }
        assert_eq!(origins.refused.lock().unwrap().len(), 1);
        origins.note_refused(&"x".repeat(100_000));
        (0..1_000).for_each(|number| origins.note_refused(&format!("https://{number}.example")));
        let refused = origins.refused.lock().unwrap();
        assert_eq!(refused.len(), NAMED_MAX);
        assert!(refused.iter().all(|name| name.len() <= NAME_CHARS_MAX));
    }
}
