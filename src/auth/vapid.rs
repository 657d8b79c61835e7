//! Tells push services who sends (VAPID, RFC 8292): a JWT for the push service's origin, signed with a key of this server.

use std::fmt;

use aws_lc_rs::{
    error::Unspecified,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use rustls::pki_types::{PrivateKeyDer, pem::PemObject};
use serde::Serialize;
use thiserror::Error;

use crate::domain::Timestamp;

/// For how long a token is good: a push service refuses more than 24 hours (RFC 8292 section 2).
const TOKEN_SECS: i64 = 12 * 60 * 60;

/// Characters in a line of PEM (RFC 7468 section 2).
const PEM_LINE_CHARS: usize = 64;

/// A key that can't be used. Holds no part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must hold a private key on P-256 in PEM, as `haggle vapid` writes it")]
pub struct BadVapidKey;

/// The key that identifies this server to push services. Subscriptions are bound to it: with another one they end.
pub struct VapidKey {
    pair: EcdsaKeyPair,
    public: String,
}

#[derive(Serialize)]
struct Claims<'a> {
    aud: &'a str,
    exp: i64,
    sub: &'a str,
}

impl VapidKey {
    /// Makes a key. Returns it as PEM.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub fn generate() -> Result<String, Unspecified> {
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())?;
        let text = BASE64.encode(document.as_ref());
        let mut pem = String::from("-----BEGIN PRIVATE KEY-----\n");
        let mut rest = text.as_str();
        while !rest.is_empty() {
            let (line, after) = rest.split_at(rest.len().min(PEM_LINE_CHARS));
            pem.push_str(line);
            pem.push('\n');
            rest = after;
        }
        pem.push_str("-----END PRIVATE KEY-----\n");
        Ok(pem)
    }

    /// Reads PEM: PKCS#8 (RFC 5958), or what older tools write (RFC 5915).
    ///
    /// # Errors
    /// [`BadVapidKey`] for anything but a private key on P-256.
    pub fn from_pem(pem: &str) -> Result<Self, BadVapidKey> {
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pair = match PrivateKeyDer::from_pem_slice(pem.as_bytes()) {
            Ok(PrivateKeyDer::Pkcs8(key)) => EcdsaKeyPair::from_pkcs8(algorithm, key.secret_pkcs8_der()).ok(),
            Ok(PrivateKeyDer::Sec1(key)) => EcdsaKeyPair::from_private_key_der(algorithm, key.secret_sec1_der()).ok(),
            _ => None,
        };
        let pair = pair.ok_or(BadVapidKey)?;
        let public = BASE64URL_NOPAD.encode(pair.public_key().as_ref());
        Ok(Self { pair, public })
    }

    /// The public key as browsers take it for `applicationServerKey`.
    #[must_use]
    pub fn public_key(&self) -> &str {
        &self.public
    }

    /// The header `Authorization` for a push service, named by its origin. `subject` is how its operator reaches this one.
    ///
    /// # Errors
    /// When the system's cryptography fails.
    pub fn authorization(&self, origin: &str, subject: &str, now: Timestamp) -> Result<String, Unspecified> {
        let claims = Claims { aud: origin, exp: now.as_secs() + TOKEN_SECS, sub: subject };
        let claims = serde_json::to_vec(&claims).map_err(|_| Unspecified)?;
        let header = BASE64URL_NOPAD.encode(br#"{"typ":"JWT","alg":"ES256"}"#);
        let text = format!("{header}.{}", BASE64URL_NOPAD.encode(&claims));
        let signature = self.pair.sign(&SystemRandom::new(), text.as_bytes())?;
        Ok(format!("vapid t={text}.{}, k={}", BASE64URL_NOPAD.encode(signature.as_ref()), self.public))
    }
}

impl fmt::Debug for VapidKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VapidKey({})", self.public)
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
    use serde_json::Value;

    use super::*;

    /// openssl ecparam -name prime256v1 -genkey -noout
    const SEC1: &str = "-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIOoV++bp4BVS2FVFC2bnc4Gf40Jz7PABRBufJLYlNPOJoAoGCCqGSM49
AwEHoUQDQgAEpM4Bh5iX7EdNF5YVThSjraz0hCFQ2SuzcJ6X7EuuhkmxcUnvwlna
PBQ8qZZkwHKdAM7Qtvi/Af6zA7HF2wXLew==
-----END EC PRIVATE KEY-----
";

    #[test]
    fn a_push_service_can_check_who_sends() {
        let key = VapidKey::from_pem(&VapidKey::generate().unwrap()).unwrap();
        let now = Timestamp(1_800_000_000_000);
        let header = key.authorization("https://push.example", "mailto:ops@shop.example", now).unwrap();
        let (token, public) = header.strip_prefix("vapid t=").unwrap().split_once(", k=").unwrap();
        assert_eq!(public, key.public_key());

        let point = BASE64URL_NOPAD.decode(public.as_bytes()).unwrap();
        let mut rules = Validation::new(Algorithm::ES256);
        rules.validate_exp = false;
        rules.set_audience(&["https://push.example"]);
        let decoded = decode::<Value>(token, &DecodingKey::from_ec_der(&point), &rules).unwrap();
        assert_eq!(decoded.claims["sub"], "mailto:ops@shop.example");
        assert_eq!(decoded.claims["exp"], 1_800_000_000 + TOKEN_SECS);
        assert!(!format!("{key:?}").contains("PRIVATE"));
    }

    #[test]
    fn anything_but_a_private_key_on_p256_is_refused() {
        let good = VapidKey::generate().unwrap();
        assert!(good.lines().all(|line| line.len() <= PEM_LINE_CHARS));
        VapidKey::from_pem(SEC1).unwrap();
        for bad in ["", "key", &SEC1.replace("MHcC", "MHcD"), &good.replace("PRIVATE", "PUBLIC"), &good[..80]] {
            assert_eq!(VapidKey::from_pem(bad).err(), Some(BadVapidKey), "{bad}");
        }
    }
}
