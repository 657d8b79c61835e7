//! Room tokens: under `--authorize room-token`, the permission of one user to be in one room for five minutes.
//!
//! HS256 tokens of haggle's own, with a `typ` and a key that no user token has, so that neither can stand for the other:
//! `{"typ": "haggle-room+jwt"}` and `{"room", "sub", "exp"}`.

use std::fmt;

use aws_lc_rs::{error::Unspecified, hmac, rand};
use jsonwebtoken::EncodingKey;
use serde::{Deserialize, Serialize};

use super::{
    AuthError,
    key::VerifyingKey,
    token_parts::{Parts, ROOM_TOKEN_TYPE, sign_hs256},
};
use crate::domain::{RoomId, Timestamp, UserId};

/// How long a room token is valid, in milliseconds.
pub const ROOM_TOKEN_MS: i64 = 5 * 60 * 1000;

/// What the derived key is for. A JWT's signed part begins with `eyJ`, so no token ever has this label's HMAC as its signature.
const KEY_LABEL: &[u8] = b"haggle room token key v1";

/// Issues and checks room tokens.
pub struct RoomTokens {
    signing: EncodingKey,
    verifying: VerifyingKey,
}

#[derive(Serialize, Deserialize)]
struct RoomClaims {
    room: String,
    sub: String,
    exp: i64,
}

impl RoomTokens {
    /// Derives the key from a secret that all nodes share and that outlives a restart: the JWT secret, or else the service key.
    #[must_use]
    pub fn derived_from(secret: &[u8]) -> Self {
        Self::with_key(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), KEY_LABEL).as_ref())
    }

    /// Makes a key of its own, for a server that knows public keys only. Its room tokens are good on this node and until its restart:
    /// clients then get `forbidden` and fetch another.
    ///
    /// # Errors
    /// When the machine gives no random bytes.
    pub fn random() -> Result<Self, Unspecified> {
        let mut key = [0; 32];
        rand::fill(&mut key)?;
        Ok(Self::with_key(&key))
    }

    fn with_key(key: &[u8]) -> Self {
        // Both callers bring the 32 bytes of one SHA-256.
        let verifying = VerifyingKey::hs256(key).expect("32 bytes are long enough");
        Self { signing: EncodingKey::from_secret(key), verifying }
    }

    /// A token for `user` in `room`, and when it expires: a whole second, at most five minutes from `now`.
    ///
    /// Whether the user may be in the room is for the caller to know.
    #[must_use]
    pub fn issue(&self, room: &RoomId, user: &UserId, now: Timestamp) -> (String, Timestamp) {
        let exp = now.plus_ms(ROOM_TOKEN_MS).as_secs();
        let claims = RoomClaims { room: room.as_str().to_owned(), sub: user.as_str().to_owned(), exp };
        (sign_hs256(ROOM_TOKEN_TYPE, &claims, &self.signing), Timestamp(exp.saturating_mul(1000)))
    }

    /// When `token` lets `user` be in `room`, says until when. No leeway: haggle's own clock wrote the time.
    ///
    /// # Errors
    /// [`AuthError::RoomTokenExpired`] for one that was good, [`AuthError::RoomToken`] for any other.
    pub fn verify(&self, token: &str, room: &RoomId, user: &UserId, now: Timestamp) -> Result<Timestamp, AuthError> {
        let claims = self.read(token).map_err(|_| AuthError::RoomToken)?;
        if claims.room != room.as_str() || claims.sub != user.as_str() {
            return Err(AuthError::RoomToken);
        }
        let expires_at = Timestamp(claims.exp.saturating_mul(1000));
        if now >= expires_at {
            return Err(AuthError::RoomTokenExpired);
        }
        Ok(expires_at)
    }

    fn read(&self, token: &str) -> Result<RoomClaims, AuthError> {
        let parts = Parts::read(token)?;
        if !parts.is_of_type(ROOM_TOKEN_TYPE) {
            return Err(AuthError::WrongKind);
        }
        parts.check_signature(&self.verifying)?;
        parts.payload()
    }
}

impl fmt::Debug for RoomTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RoomTokens")
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::Algorithm;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::{
        auth::{
            Verifier,
            fixtures::{NOW, SECRET, claims, hs256, sign},
        },
        clock::Clock,
    };

    const START: Timestamp = Timestamp(NOW * 1000);

    fn tokens() -> RoomTokens {
        RoomTokens::derived_from(SECRET)
    }

    fn room(id: &str) -> RoomId {
        RoomId::new(id).unwrap()
    }

    fn user(id: &str) -> UserId {
        UserId::new(id).unwrap()
    }

    #[test]
    fn a_room_token_is_good_for_its_room_and_its_user_for_five_minutes() {
        let (token, expires_at) = tokens().issue(&room("r1"), &user("alice"), START);
        assert_eq!(expires_at, START.plus_ms(300_000));
        let check = |id: &str, who: &str, now: Timestamp| tokens().verify(&token, &room(id), &user(who), now);
        assert_eq!(check("r1", "alice", START), Ok(expires_at));
        assert_eq!(check("r1", "alice", expires_at.plus_ms(-1)), Ok(expires_at));
        assert_eq!(check("r1", "alice", expires_at), Err(AuthError::RoomTokenExpired));
        assert_eq!(check("r2", "alice", START), Err(AuthError::RoomToken));
        assert_eq!(check("r1", "mallory", START), Err(AuthError::RoomToken));
        assert_eq!(
            check("r1", "mallory", expires_at),
            Err(AuthError::RoomToken),
            "a stranger does not learn that it expired"
        );
        assert_eq!(AuthError::RoomToken.code().name(), "forbidden");
        assert_eq!(AuthError::RoomTokenExpired.code().name(), "token_expired");
    }

    #[test]
    fn neither_kind_of_token_stands_for_the_other() {
        let clock = Clock::manual(START);
        let verifier = Verifier::hs256(SECRET).unwrap().with_clock(clock);
        let (token, _) = tokens().issue(&room("r1"), &user("alice"), START);
        assert_eq!(verifier.verify_now(&token), Err(AuthError::WrongKind));
        // The same without its type: it is signed with another key.
        let header = |typ: &str| json!({"alg": "HS256", "typ": typ});
        let as_room = json!({"room": "r1", "sub": "alice", "exp": NOW + 60});
        let relabelled = sign(&header("JWT"), &as_room, &tokens().signing, Algorithm::HS256);
        assert_eq!(verifier.verify_now(&relabelled), Err(AuthError::BadSignature));

        let secret = EncodingKey::from_secret(SECRET);
        for forged in [
            hs256(&claims()),
            hs256(&as_room),
            sign(&header(ROOM_TOKEN_TYPE), &as_room, &secret, Algorithm::HS256),
            relabelled,
            sign(&json!({"alg": "HS256"}), &as_room, &tokens().signing, Algorithm::HS256),
            sign(&json!({"alg": "none", "typ": ROOM_TOKEN_TYPE}), &as_room, &tokens().signing, Algorithm::HS256),
        ] {
            assert_eq!(tokens().verify(&forged, &room("r1"), &user("alice"), START), Err(AuthError::RoomToken));
        }
    }

    #[test]
    fn the_same_secret_gives_the_same_key_and_a_random_one_another() {
        let (token, expires_at) = tokens().issue(&room("r1"), &user("alice"), START);
        let check = |tokens: &RoomTokens| tokens.verify(&token, &room("r1"), &user("alice"), START);
        assert_eq!(check(&tokens()), Ok(expires_at));
        assert_eq!(check(&RoomTokens::derived_from(b"another secret of thirty-two bytes")), Err(AuthError::RoomToken));
        assert_eq!(check(&RoomTokens::random().unwrap()), Err(AuthError::RoomToken));
        assert_eq!(format!("{:?}", tokens()), "RoomTokens");
    }

    proptest! {
        #[test]
        fn any_text_ends_in_an_error(token in any::<String>()) {
            prop_assert_eq!(tokens().verify(&token, &room("r1"), &user("alice"), START), Err(AuthError::RoomToken));
        }
    }
}
