//! Tokens in compact form (RFC 7515 section 7.1): taken apart and put together. Both kinds of tokens, of users and for rooms, are
//! made of these parts.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{AuthError, key::VerifyingKey};
use crate::domain::field::MaybeText;

/// Longest token, in bytes. Checked before anything else is done with it.
pub const TOKEN_BYTES_MAX: usize = 8192;

/// The `typ` of room tokens, which distinguishes the two kinds (RFC 8725 section 3.11).
pub(super) const ROOM_TOKEN_TYPE: &str = "haggle-room+jwt";

/// The header fields that count. `jwk`, `jku`, `x5u` and `x5c` would let a token bring its own key, so they are not even read.
#[derive(Deserialize)]
struct TokenHeader {
    alg: String,
    typ: Option<String>,
    /// Any JSON: only a JWKS looks at it.
    #[serde(default)]
    kid: MaybeText,
    /// Names extensions that must be understood. None is, so its presence alone refuses the token (RFC 7515 section 4.1.11).
    crit: Option<serde::de::IgnoredAny>,
}

/// A token taken apart: nothing in it is trusted yet.
pub(super) struct Parts<'a> {
    alg: String,
    typ: Option<String>,
    kid: MaybeText,
    /// Header and payload as they were signed.
    message: &'a str,
    payload: &'a str,
    signature: &'a str,
}

impl<'a> Parts<'a> {
    /// Reads the header alone.
    pub(super) fn read(token: &'a str) -> Result<Self, AuthError> {
        if token.is_empty() {
            return Err(AuthError::Missing);
        }
        if token.len() > TOKEN_BYTES_MAX {
            return Err(AuthError::Malformed);
        }
        let (message, signature) = token.rsplit_once('.').ok_or(AuthError::Malformed)?;
        let (header, payload) = message.split_once('.').ok_or(AuthError::Malformed)?;
        let header = decode_part(header)?;
        let header: TokenHeader = read_object(&header)?;
        if header.crit.is_some() {
            return Err(AuthError::Malformed);
        }
        Ok(Self { alg: header.alg, typ: header.typ, kid: header.kid, message, payload, signature })
    }

    /// The header's `alg`, as the token would like it.
    pub(super) fn alg(&self) -> &str {
        &self.alg
    }

    /// The header's `kid`; one that is no string is none.
    pub(super) fn kid(&self) -> Option<&str> {
        self.kid.as_str()
    }

    /// Whether `typ` is this, in any case and with or without `application/` (RFC 7515 section 4.1.9).
    pub(super) fn is_of_type(&self, expected: &str) -> bool {
        self.typ.as_deref().is_some_and(|typ| {
            let typ = match typ.split_at_checked("application/".len()) {
                Some((prefix, rest)) if prefix.eq_ignore_ascii_case("application/") => rest,
                _ => typ,
            };
            typ.eq_ignore_ascii_case(expected)
        })
    }

    /// Checks algorithm and signature with one key.
    pub(super) fn check_signature(&self, key: &VerifyingKey) -> Result<(), AuthError> {
        if !key.takes(&self.alg) {
            return Err(AuthError::WrongAlgorithm);
        }
        if !key.verifies(self.message, self.signature) {
            return Err(AuthError::BadSignature);
        }
        Ok(())
    }

    /// The payload. Call it after [`Parts::check_signature`].
    pub(super) fn payload<T: DeserializeOwned>(&self) -> Result<T, AuthError> {
        read_object(&decode_part(self.payload)?)
    }
}

fn decode_part(part: &str) -> Result<Vec<u8>, AuthError> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| AuthError::Malformed)
}

fn read_object<T: DeserializeOwned>(json: &[u8]) -> Result<T, AuthError> {
    // serde would also take an array for a struct, field by field.
    if json.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
        return Err(AuthError::Malformed);
    }
    serde_json::from_slice(json).map_err(|_| AuthError::Malformed)
}

/// Signs `payload` as an HS256 token of this `typ`.
pub(super) fn sign_hs256<T: Serialize>(typ: &str, payload: &T, key: &EncodingKey) -> String {
    // The payloads are structs of strings and integers, which JSON can always hold.
    let payload = serde_json::to_vec(payload).expect("a plain struct becomes JSON");
    let header = serde_json::json!({"alg": "HS256", "typ": typ}).to_string();
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    // HMAC takes a key and a message of any length, and `key` was made from a secret.
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), key, Algorithm::HS256).expect("HMAC can't fail");
    format!("{message}.{signature}")
}
