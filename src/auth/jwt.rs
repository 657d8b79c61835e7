//! User tokens: JSON Web Tokens (RFC 7519), checked and signed.

use std::{
    fmt,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use jsonwebtoken::EncodingKey;
use serde::{Deserialize, Serialize};

use super::{
    AuthError, Jwks, JwksState, KeyError,
    key::{SECRET_BYTES_MIN, VerifyingKey},
    token_parts::{Parts, ROOM_TOKEN_TYPE, sign_hs256},
};
use crate::{
    clock::Clock,
    config::Parties,
    domain::{Timestamp, UserId, fold::is_blank, message::SYSTEM_SENDER, user::NAME_CHARS_MAX},
};

/// How far the marketplace's clock may be off, in milliseconds: a token is accepted until this long after `exp`, and from this
/// long before `nbf`. `iat` is not read: it says when a token was made, not when it is good (RFC 7519 section 4.1.6).
pub const LEEWAY_MS: i64 = 30_000;

/// A token that is good for longer than this, ten years in milliseconds, was most likely made with milliseconds in `exp`, which
/// counts seconds (RFC 7519 section 2, NumericDate).
const LIFE_MS_LONG: i64 = 315_360_000_000;

/// What `haggle_role` says of a member of the marketplace's staff. Any other word is an ordinary user's.
const STAFF_ROLE: &str = "staff";

/// Who a token names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// `sub`: the marketplace's own user id.
    pub user: UserId,
    /// `name`, at most 200 characters; a longer one is cut.
    pub name: Option<String>,
    /// `exp`.
    pub expires_at: Timestamp,
    /// Whether `haggle_role` is `staff`: a member of the marketplace's staff.
    pub is_staff: bool,
}

impl Identity {
    /// When a live connection of this identity ends: `exp` and the leeway. [`Verifier::verify`] refuses the token from this
    /// same moment on, so a connection lives exactly as long as a new handshake would be accepted.
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
    /// Which warnings are in the log: a bit for each of [`AuthError::ALL`], and one for a long life.
    warned: AtomicU32,
}

/// The bit of a life that is too long to be meant.
const WARNED_OF_LONG_LIFE: u32 = 1 << 31;

/// The bit of a reason to refuse a token.
fn bit_of(error: AuthError) -> u32 {
    1 << AuthError::ALL.iter().position(|known| *known == error).unwrap_or_default()
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
        Self { keys, parties: Parties::default(), clock: Clock::System, warned: AtomicU32::new(0) }
    }

    /// Demands that `iss` is exactly the issuer, and that `aud` is the audience or a list that holds it. What is not set is
    /// not checked.
    #[must_use]
    pub fn between(mut self, parties: Parties) -> Self {
        self.parties = parties;
        self
    }

    /// Reads the time from `clock`; the machine's own by default.
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
        let first = self.judge(token);
        let Keys::Jwks(jwks) = &self.keys else { return self.noted(first) };
        if first != Err(AuthError::UnknownKey) {
            return self.noted(first);
        }
        jwks.refresh().await;
        self.noted(match self.judge(token) {
            // The key may well be in the set that could not be fetched.
            Err(AuthError::UnknownKey) if jwks.state() != JwksState::Fresh => Err(AuthError::KeysUnavailable),
            second => second,
        })
    }

    /// Says who `token` names by the keys at hand, and never fetches.
    ///
    /// # Errors
    /// As [`Verifier::verify`]; [`AuthError::UnknownKey`] also when a fetch might bring the key.
    pub fn verify_now(&self, token: &str) -> Result<Identity, AuthError> {
        match self.judge(token) {
            Err(AuthError::UnknownKey) => Err(AuthError::UnknownKey),
            judged => self.noted(judged),
        }
    }

    fn judge(&self, token: &str) -> Result<Identity, AuthError> {
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

    /// Writes to the log, once for each reason, what has to be mended where tokens are signed or in the configuration: the answer
    /// says it, too, but a browser does not show why a handshake failed.
    fn noted(&self, judged: Result<Identity, AuthError>) -> Result<Identity, AuthError> {
        match &judged {
            Err(error) if error.is_of_the_signer() && self.warns_first(bit_of(*error)) => {
                log::warn!("a token was refused, and others like it are not named: {error}");
            }
            Ok(identity)
                if identity.expires_at > self.clock.now().plus_ms(LIFE_MS_LONG)
                    && self.warns_first(WARNED_OF_LONG_LIFE) =>
            {
                log::warn!("a token is good for over ten years: `exp` counts seconds, not milliseconds");
            }
            _ => {}
        }
        judged
    }

    fn warns_first(&self, bit: u32) -> bool {
        self.warned.load(Ordering::Relaxed) & bit == 0 && self.warned.fetch_or(bit, Ordering::Relaxed) & bit == 0
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
        let is_staff = claims.haggle_role.as_deref() == Some(STAFF_ROLE);
        Ok(Identity { user, name: claims.name.as_deref().and_then(tidy_name), expires_at, is_staff })
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

/// What a user's token may say. Unknown claims are ignored; a known one of the wrong type, or twice, is refused.
#[derive(Deserialize)]
struct Claims {
    iss: Option<String>,
    aud: Option<AudienceClaim>,
    sub: Option<String>,
    name: Option<String>,
    nbf: Option<f64>,
    exp: Option<f64>,
    haggle_role: Option<String>,
}

/// One audience or several (RFC 7519 section 4.1.3).
#[derive(Deserialize)]
#[serde(untagged)]
enum AudienceClaim {
    One(String),
    Many(Vec<String>),
}

impl AudienceClaim {
    fn holds(&self, audience: &str) -> bool {
        match self {
            Self::One(one) => one == audience,
            Self::Many(many) => many.iter().any(|one| one == audience),
        }
    }
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

    /// A token for `user` that is valid for `ttl` from now, rounded up to a whole second.
    #[must_use]
    pub fn sign(&self, user: &UserId, name: Option<&str>, ttl: Duration, clock: &Clock) -> String {
        self.sign_with_role(user, name, None, ttl, clock)
    }

    /// The same for a member of the marketplace's staff.
    #[must_use]
    pub fn sign_staff(&self, user: &UserId, name: Option<&str>, ttl: Duration, clock: &Clock) -> String {
        self.sign_with_role(user, name, Some(STAFF_ROLE), ttl, clock)
    }

    fn sign_with_role(
        &self,
        user: &UserId,
        name: Option<&str>,
        haggle_role: Option<&str>,
        ttl: Duration,
        clock: &Clock,
    ) -> String {
        let now = clock.now();
        let ttl_ms = i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX);
        let payload = UserPayload {
            iss: self.parties.issuer.as_deref(),
            aud: self.parties.audience.as_deref(),
            sub: user.as_str(),
            name,
            iat: now.as_secs(),
            exp: now.plus_ms(ttl_ms).plus_ms(999).as_secs(),
            haggle_role,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    haggle_role: Option<&'a str>,
}

#[cfg(test)]
mod tests;
