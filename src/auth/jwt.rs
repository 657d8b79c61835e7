//! User tokens: JSON Web Tokens (RFC 7519) in compact form (RFC 7515 section 7.1), read and written.

use std::{fmt, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    AuthError, Jwks, JwksState, KeyError,
    key::{SECRET_BYTES_MIN, VerifyingKey},
    room_token::ROOM_TOKEN_TYPE,
};
use crate::{
    clock::Clock,
    config::Parties,
    domain::{Timestamp, UserId, field::MaybeText, fold::is_blank, message::SYSTEM_SENDER, user::NAME_CHARS_MAX},
};

/// Longest token, in bytes. Checked before anything else is done with it.
pub const TOKEN_BYTES_MAX: usize = 8192;

/// How far the marketplace's clock may be off, in milliseconds: a token is accepted until this long after `exp`, and from this
/// long before `nbf`. `iat` is not read: it says when a token was made, not when it is good (RFC 7519 section 4.1.6).
pub const LEEWAY_MS: i64 = 30_000;

/// Who a token names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// `sub`: the marketplace's own user id.
    pub user: UserId,
    /// `name`, at most 200 characters; a longer one is cut.
    pub name: Option<String>,
    /// `exp`.
    pub expires_at: Timestamp,
}

impl Identity {
    /// When a live connection of this identity ends: `exp` and the leeway. [`Verifier::verify`] refuses the token from this same
    /// moment on, so a connection never outlives what a new handshake would be granted, nor the other way round.
    #[must_use]
    pub fn ends_at(&self) -> Timestamp {
        self.expires_at.plus_ms(LEEWAY_MS)
    }
}

/// Checks user tokens against the configured key or keys. Shared by all workers.
#[derive(Debug)]
pub struct Verifier {
    keys: Keys,
    parties: Parties,
    clock: Clock,
}

#[derive(Debug)]
enum Keys {
    One(VerifyingKey),
    Jwks(Jwks),
}

impl Verifier {
    /// Takes HS256 tokens signed with `secret`, at least 32 bytes.
    ///
    /// # Errors
    /// [`KeyError::SecretTooShort`].
    pub fn hs256(secret: &[u8]) -> Result<Self, KeyError> {
        VerifyingKey::hs256(secret).map(|key| Self::new(Keys::One(key)))
    }

    /// Takes RS256, ES256 or EdDSA tokens, by the type of the key in `pem`: RSA (2048 to 8192 bits), P-256 or Ed25519, as
    /// `PUBLIC KEY`, `RSA PUBLIC KEY` or `CERTIFICATE`.
    ///
    /// # Errors
    /// [`KeyError`] when there is no such key in it, or a private one.
    pub fn public_key(pem: &str) -> Result<Self, KeyError> {
        VerifyingKey::from_pem(pem).map(|key| Self::new(Keys::One(key)))
    }

    /// Takes tokens signed with any key of a JWKS.
    #[must_use]
    pub fn jwks(jwks: Jwks) -> Self {
        Self::new(Keys::Jwks(jwks))
    }

    fn new(keys: Keys) -> Self {
        Self { keys, parties: Parties::default(), clock: Clock::System }
    }

    /// Demands that `iss` is exactly the issuer, and that `aud` is the audience or a list that holds it. What is open is not
    /// looked at.
    #[must_use]
    pub fn between(mut self, parties: Parties) -> Self {
        self.parties = parties;
        self
    }

    /// Tells the time by `clock`; the machine's own by default.
    #[must_use]
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// How the JWKS stands, for `/readyz`; `None` when the key is configured itself and can't be missing.
    #[must_use]
    pub fn jwks_state(&self) -> Option<JwksState> {
        match &self.keys {
            Keys::One(_) => None,
            Keys::Jwks(jwks) => Some(jwks.state()),
        }
    }

    /// Says who `token` names.
    ///
    /// Answers at once in all but one case: a token signed with a key that the JWKS did not hold when it was last fetched waits for one
    /// fetch, at most every ten seconds, and is then judged by the result.
    ///
    /// # Errors
    /// [`AuthError`], of which [`AuthError::KeysUnavailable`] is worth another try and [`AuthError::Expired`] worth a new token.
    pub async fn verify(&self, token: &str) -> Result<Identity, AuthError> {
        let first = self.verify_now(token);
        let Keys::Jwks(jwks) = &self.keys else { return first };
        if first != Err(AuthError::UnknownKey) {
            return first;
        }
        jwks.refresh().await;
        match self.verify_now(token) {
            // The key may well be in the set that could not be fetched.
            Err(AuthError::UnknownKey) if jwks.state() != JwksState::Fresh => Err(AuthError::KeysUnavailable),
            second => second,
        }
    }

    /// Says who `token` names by the keys at hand, and never fetches.
    ///
    /// # Errors
    /// As [`Verifier::verify`]; [`AuthError::UnknownKey`] also when a fetch might bring the key.
    pub fn verify_now(&self, token: &str) -> Result<Identity, AuthError> {
        let parts = Parts::read(token)?;
        if parts.is_of_type(ROOM_TOKEN_TYPE) {
            return Err(AuthError::WrongKind);
        }
        match &self.keys {
            Keys::One(key) => parts.check_signature(key)?,
            Keys::Jwks(jwks) => jwks.check_signature(&parts)?,
        }
        self.check_claims(parts.payload()?)
    }

    fn check_claims(&self, claims: Claims) -> Result<Identity, AuthError> {
        let now = self.clock.now();
        let expires_at = numeric_date(claims.exp.ok_or(AuthError::Malformed)?);
        if now >= expires_at.plus_ms(LEEWAY_MS) {
            return Err(AuthError::Expired);
        }
        if claims.nbf.is_some_and(|from| now.plus_ms(LEEWAY_MS) < numeric_date(from)) {
            return Err(AuthError::NotYetValid);
        }
        let Parties { issuer, audience } = &self.parties;
        if issuer.is_some() && *issuer != claims.iss {
            return Err(AuthError::WrongIssuer);
        }
        if let Some(audience) = audience
            && !claims.aud.as_ref().is_some_and(|aud| aud.holds(audience))
        {
            return Err(AuthError::WrongAudience);
        }
        let user = claims.sub.and_then(|sub| UserId::new(sub).ok()).ok_or(AuthError::Malformed)?;
        if user.as_str() == SYSTEM_SENDER {
            return Err(AuthError::ReservedUser);
        }
        Ok(Identity { user, name: claims.name.as_deref().and_then(tidy_name), expires_at })
    }
}

/// A name as others may see it: no control characters, no blanks around it, cut at its limit, and something that one sees.
fn tidy_name(name: &str) -> Option<String> {
    let name: String = name.trim().chars().filter(|c| !c.is_control()).take(NAME_CHARS_MAX).collect();
    (!is_blank(&name)).then_some(name)
}

/// Seconds since 1970, possibly with a fraction (RFC 7519 section 2).
#[expect(
    clippy::cast_possible_truncation,
    reason = "the cast saturates, and a time beyond the range is as good as its end"
)]
fn numeric_date(seconds: f64) -> Timestamp {
    Timestamp((seconds * 1000.0).round() as i64)
}

/// What a user's token may say. Unknown claims are passed over; a known one of the wrong type, or twice, is refused.
#[derive(Deserialize)]
struct Claims {
    iss: Option<String>,
    aud: Option<Audience>,
    sub: Option<String>,
    name: Option<String>,
    nbf: Option<f64>,
    exp: Option<f64>,
}

/// One audience or several (RFC 7519 section 4.1.3).
#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Audience {
    fn holds(&self, audience: &str) -> bool {
        match self {
            Self::One(one) => one == audience,
            Self::Many(many) => many.iter().any(|one| one == audience),
        }
    }
}

/// The header fields that count. `jwk`, `jku`, `x5u` and `x5c` would let a token bring its own key, so they are not even read.
#[derive(Deserialize)]
struct Header {
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
        let header: Header = read_object(&header)?;
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

/// Signs user tokens with the HS256 secret: for `haggle token` and the demo's sign-in. A marketplace signs its own.
pub struct Signer {
    key: EncodingKey,
    parties: Parties,
}

impl Signer {
    /// Signs with `secret`, at least 32 bytes.
    ///
    /// # Errors
    /// [`KeyError::SecretTooShort`].
    pub fn hs256(secret: &[u8]) -> Result<Self, KeyError> {
        if secret.len() < SECRET_BYTES_MIN {
            return Err(KeyError::SecretTooShort);
        }
        Ok(Self { key: EncodingKey::from_secret(secret), parties: Parties::default() })
    }

    /// Writes `iss` and `aud`, so that a verifier that demands them takes the token.
    #[must_use]
    pub fn between(mut self, parties: Parties) -> Self {
        self.parties = parties;
        self
    }

    /// A token for `user` that is good for `ttl` from now, rounded up to a whole second.
    #[must_use]
    pub fn sign(&self, user: &UserId, name: Option<&str>, ttl: Duration, clock: &Clock) -> String {
        let now = clock.now();
        let ttl_ms = i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX);
        let payload = UserPayload {
            iss: self.parties.issuer.as_deref(),
            aud: self.parties.audience.as_deref(),
            sub: user.as_str(),
            name,
            iat: now.as_secs(),
            exp: now.plus_ms(ttl_ms).plus_ms(999).as_secs(),
        };
        sign_hs256("JWT", &payload, &self.key)
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer")
    }
}

#[derive(Serialize)]
struct UserPayload<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<&'a str>,
    sub: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    iat: i64,
    exp: i64,
}

#[cfg(test)]
mod tests;
