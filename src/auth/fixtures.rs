//! Keys and tokens for the tests of this folder.

use std::sync::OnceLock;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey};
use rcgen::{KeyPair, PublicKeyData, SignatureAlgorithm};
use serde_json::{Value, json};

pub(super) const SECRET: &[u8] = b"a secret of at least thirty-two bytes";

/// 2026-11-23T09:00:00Z in seconds.
pub(super) const NOW: i64 = 1_795_424_400;

/// A pair of keys with the algorithm that it signs with.
pub(super) struct Pair {
    pub(super) algorithm: Algorithm,
    pub(super) pair: KeyPair,
    pub(super) signing: EncodingKey,
}

impl Pair {
    fn new(algorithm: Algorithm, kind: &'static SignatureAlgorithm) -> Self {
        let pair = KeyPair::generate_for(kind).unwrap();
        let pem = pair.serialize_pem();
        let signing = match algorithm {
            Algorithm::ES256 | Algorithm::ES384 => EncodingKey::from_ec_pem(pem.as_bytes()),
            Algorithm::EdDSA => EncodingKey::from_ed_pem(pem.as_bytes()),
            _ => EncodingKey::from_rsa_pem(pem.as_bytes()),
        };
        Self { algorithm, pair, signing: signing.unwrap() }
    }

    pub(super) fn ec() -> Self {
        Self::new(Algorithm::ES256, &rcgen::PKCS_ECDSA_P256_SHA256)
    }

    pub(super) fn ec_384() -> Self {
        Self::new(Algorithm::ES384, &rcgen::PKCS_ECDSA_P384_SHA384)
    }

    pub(super) fn ed() -> Self {
        Self::new(Algorithm::EdDSA, &rcgen::PKCS_ED25519)
    }

    /// Made once: an RSA key takes its time.
    pub(super) fn rsa() -> &'static Self {
        static RSA: OnceLock<Pair> = OnceLock::new();
        RSA.get_or_init(|| Self::new(Algorithm::RS256, &rcgen::PKCS_RSA_SHA256))
    }

    pub(super) fn pem(&self) -> String {
        self.pair.public_key_pem()
    }

    pub(super) fn alg(&self) -> Value {
        json!(self.algorithm)
    }

    pub(super) fn sign(&self, header: &Value, claims: &Value) -> String {
        sign(header, claims, &self.signing, self.algorithm)
    }

    /// The public key as a JWK.
    pub(super) fn jwk(&self, kid: &str) -> Value {
        let raw = self.pair.public_key_raw();
        match self.algorithm {
            Algorithm::ES256 => {
                json!({"kty": "EC", "crv": "P-256", "kid": kid, "use": "sig", "x": b64(&raw[1..33]), "y": b64(&raw[33..])})
            }
            Algorithm::EdDSA => json!({"kty": "OKP", "crv": "Ed25519", "kid": kid, "alg": "EdDSA", "x": b64(raw)}),
            _ => {
                let key = jsonwebtoken::jwk::Jwk::from_encoding_key(&self.signing, self.algorithm).unwrap();
                let mut jwk = serde_json::to_value(key).unwrap();
                jwk["kid"] = json!(kid);
                jwk
            }
        }
    }

    /// SubjectPublicKeyInfo.
    pub(super) fn spki(&self) -> Vec<u8> {
        self.pair.subject_public_key_info()
    }
}

pub(super) fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(super) fn sign(header: &Value, claims: &Value, key: &EncodingKey, algorithm: Algorithm) -> String {
    sign_text(&header.to_string(), &claims.to_string(), key, algorithm)
}

pub(super) fn sign_text(header: &str, claims: &str, key: &EncodingKey, algorithm: Algorithm) -> String {
    let message = format!("{}.{}", b64(header), b64(claims));
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), key, algorithm).unwrap();
    format!("{message}.{signature}")
}

/// An HS256 token with these claims, signed with [`SECRET`].
pub(super) fn hs256(claims: &Value) -> String {
    sign(&json!({"alg": "HS256", "typ": "JWT"}), claims, &EncodingKey::from_secret(SECRET), Algorithm::HS256)
}

/// Claims of alice, valid for one hour.
pub(super) fn claims() -> Value {
    json!({"sub": "alice", "exp": NOW + 3600})
}

/// [`claims`] with one changed; `null` removes it.
pub(super) fn claims_with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    if value.is_null() {
        claims.as_object_mut().unwrap().remove(name);
    } else {
        claims[name] = value;
    }
    claims
}
