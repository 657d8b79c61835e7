//! Tags of lists that the staff watches: an answer that is known already is sent, and written into the audit log, once.

use std::sync::LazyLock;

use actix_web::{HttpRequest, HttpResponse, http::header, web::Bytes};
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{
    domain::Moderator,
    http::{compressed::has_already, state::json_body},
};

/// The tag of what one caller has read by one query. Only this server can make it, so nobody has it who has not read that: an
/// answer of 304 would say so without an entry in the audit log.
pub(super) struct Tag(String);

impl Tag {
    pub(super) fn of(by: &Moderator, request: &HttpRequest, body: &[u8]) -> Self {
        static KEY: LazyLock<Uuid> = LazyLock::new(Uuid::new_v4);
        let mut hash = Sha256::new_with_prefix(KEY.as_bytes());
        let (path, query) = (request.path().as_bytes(), request.query_string().as_bytes());
        // No id, no path and no query has a byte of zero in it.
        for part in [by.stored_id().unwrap_or_default().as_bytes(), path, query, body] {
            hash.update(part);
            hash.update([0]);
        }
        Self(format!("\"{}\"", HEXLOWER.encode(&hash.finalize()[..12])))
    }

    pub(super) fn is_known_to(&self, request: &HttpRequest) -> bool {
        has_already(request, &self.0)
    }

    /// The answer to who knows it.
    pub(super) fn not_modified(self) -> HttpResponse {
        HttpResponse::NotModified().insert_header((header::ETAG, self.0)).finish()
    }

    /// What it is the tag of.
    pub(super) fn with(self, body: Bytes) -> HttpResponse {
        let mut response = json_body(body);
        if let Ok(tag) = self.0.parse() {
            response.headers_mut().insert(header::ETAG, tag);
        }
        response
    }
}
