//! What is sent on a connection that is ended before anything is read from it.

use actix_web::http::StatusCode;

use crate::{error::ChatError, http::problem::ProblemDocument};

/// Why a connection is ended at once.
#[derive(Debug, Clone)]
pub struct Refusal(pub ChatError);

impl Refusal {
    /// A whole answer in HTTP/1.1.
    #[must_use]
    pub fn response(&self) -> Vec<u8> {
        let Self(error) = self;
        let status = StatusCode::from_u16(error.code.status()).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
        let body = ProblemDocument::of(error, status, None).to_json();
        let mut response = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/problem+json\r\ncontent-length: {}\r\nretry-after: {}\r\n\
             connection: close\r\n\r\n",
            body.len(),
            error.retry_after_ms.unwrap_or(1000).div_ceil(1000),
        )
        .into_bytes();
        response.extend_from_slice(&body);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_a_whole_answer() {
        let response = String::from_utf8(Refusal(ChatError::rate_limited(1500)).response()).unwrap();
        let (head, body) = response.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 429 Too Many Requests\r\n"), "{head}");
        assert!(head.contains("retry-after: 2") && head.contains("connection: close"), "{head}");
        assert!(head.contains(&format!("content-length: {}", body.len())), "{head}");
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!((body["code"].as_str(), body["retryAfterMs"].as_u64()), (Some("rate_limited"), Some(1500)));
    }
}
