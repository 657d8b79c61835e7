//! The keys that check signatures. A key knows its algorithm; a token never chooses one.

use std::fmt;

use aws_lc_rs::{
    encoding::{AsDer, PublicKeyX509Der},
    rsa::{PublicEncryptingKey, PublicKeyComponents},
    signature::{ECDSA_P256_SHA256_FIXED, ED25519, ED25519_PUBLIC_KEY_LEN, ParsedPublicKey, VerificationAlgorithm},
};
use jsonwebtoken::{Algorithm, DecodingKey};
use rustls::{
    pki_types::{AlgorithmIdentifier, CertificateDer, SubjectPublicKeyInfoDer, alg_id, pem::PemObject},
    server::ParsedCertificate,
    sign::public_key_to_spki,
};
use thiserror::Error;

/// Shortest secret, in bytes: an HMAC-SHA256 key has at least the hash's own length (RFC 7518 section 3.2).
pub const SECRET_BYTES_MIN: usize = 32;

/// What each SubjectPublicKeyInfo begins with.
const ASN1_SEQUENCE: u8 = 0x30;

/// Why a configured key can't be used. Each is one line for the operator; none holds any part of the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum KeyError {
    /// The secret is short enough to be guessed.
    #[error("the JWT secret must have at least {SECRET_BYTES_MIN} bytes")]
    SecretTooShort,
    /// No PEM, or one that is damaged.
    #[error("the JWT public key must be a PEM file that holds `PUBLIC KEY`, `RSA PUBLIC KEY` or `CERTIFICATE`")]
    NotPem,
    /// A private key, which haggle neither needs nor should hold.
    #[error("the JWT public key file holds a private key: give haggle the public one only")]
    PrivateKey,
    /// A key of a type or curve that haggle does not take.
    #[error("the JWT public key must be RSA of 2048 to 8192 bits, EC on P-256, or Ed25519")]
    Unsupported,
}

/// A key with its one algorithm. Cheap enough to clone, and `Debug` prints the algorithm only.
#[derive(Clone)]
pub(super) struct VerifyingKey {
    algorithm: Algorithm,
    key: DecodingKey,
    /// SubjectPublicKeyInfo of a public key; empty for a secret. Two keys with the same bytes are the same key.
    spki: Vec<u8>,
}

impl VerifyingKey {
    pub(super) fn hs256(secret: &[u8]) -> Result<Self, KeyError> {
        if secret.len() < SECRET_BYTES_MIN {
            return Err(KeyError::SecretTooShort);
        }
        Ok(Self { algorithm: Algorithm::HS256, key: DecodingKey::from_secret(secret), spki: Vec::new() })
    }

    /// RS256, ES256 or EdDSA by what the PEM holds: SubjectPublicKeyInfo (RFC 5280), PKCS#1 (RFC 8017), or a certificate,
    /// of which the key alone counts: neither its dates nor who signed it.
    pub(super) fn from_pem(pem: &str) -> Result<Self, KeyError> {
        if pem.contains("PRIVATE KEY-----") {
            return Err(KeyError::PrivateKey);
        }
        if pem.contains("-----BEGIN RSA PUBLIC KEY-----") {
            let pkcs1 = DecodingKey::from_rsa_pem(pem.as_bytes()).map_err(|_| KeyError::NotPem)?;
            let pkcs1 = pkcs1.try_get_as_bytes().map_err(|_| KeyError::NotPem)?;
            return Self::from_raw(alg_id::RSA_ENCRYPTION, pkcs1);
        }
        if pem.contains("-----BEGIN CERTIFICATE-----") {
            let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|_| KeyError::NotPem)?;
            let certificate = ParsedCertificate::try_from(&certificate).map_err(|_| KeyError::NotPem)?;
            return Self::from_spki(certificate.subject_public_key_info().to_vec());
        }
        let spki = SubjectPublicKeyInfoDer::from_pem_slice(pem.as_bytes()).map_err(|_| KeyError::NotPem)?;
        Self::from_spki(spki.to_vec())
    }

    /// RS256 with modulus and exponent, big-endian (RFC 7518 section 6.3.1).
    pub(super) fn from_rsa_components(n: &[u8], e: &[u8]) -> Result<Self, KeyError> {
        // A modulus of more than 8192 bits is refused before any arithmetic on it.
        if n.len() > 1025 || e.len() > 8 {
            return Err(KeyError::Unsupported);
        }
        let strip = |bytes: &[u8]| bytes.iter().copied().skip_while(|byte| *byte == 0).collect::<Vec<u8>>();
        let components = PublicKeyComponents { n: strip(n), e: strip(e) };
        let spki: PublicKeyX509Der<'_> = components.as_der().map_err(|_| KeyError::Unsupported)?;
        Self::from_spki(spki.as_ref().to_vec())
    }

    /// ES256 with a point on P-256, each coordinate of exactly 32 bytes (RFC 7518 section 6.2.1).
    pub(super) fn from_p256_point(x: &[u8], y: &[u8]) -> Result<Self, KeyError> {
        if x.len() != 32 || y.len() != 32 {
            return Err(KeyError::Unsupported);
        }
        Self::from_raw(alg_id::ECDSA_P256, &[&[4][..], x, y].concat())
    }

    /// EdDSA with an Ed25519 public key of 32 bytes (RFC 8037 section 2).
    pub(super) fn from_ed25519(x: &[u8]) -> Result<Self, KeyError> {
        if x.len() != 32 {
            return Err(KeyError::Unsupported);
        }
        Self::from_raw(alg_id::ED25519, x)
    }

    fn from_raw(algorithm: AlgorithmIdentifier, key: &[u8]) -> Result<Self, KeyError> {
        Self::from_spki(public_key_to_spki(&algorithm, key).to_vec())
    }

    fn from_spki(spki: Vec<u8>) -> Result<Self, KeyError> {
        // The library would also take the bare bytes of an Ed25519 key or of a point: any 32 bytes between PEM lines would do.
        if spki.first() != Some(&ASN1_SEQUENCE) || spki.len() <= ED25519_PUBLIC_KEY_LEN {
            return Err(KeyError::Unsupported);
        }
        let is = |algorithm: &'static dyn VerificationAlgorithm| ParsedPublicKey::new(algorithm, &spki).is_ok();
        // The RSA type of encryption is the one that checks the size when the key is read; that of signatures does at each signature.
        let (algorithm, key) = if PublicEncryptingKey::from_der(&spki).is_ok() {
            (Algorithm::RS256, DecodingKey::from_rsa_der(&spki))
        } else if is(&ECDSA_P256_SHA256_FIXED) {
            (Algorithm::ES256, DecodingKey::from_ec_der(&spki))
        } else if is(&ED25519) {
            (Algorithm::EdDSA, DecodingKey::from_ed_der(&spki))
        } else {
            return Err(KeyError::Unsupported);
        };
        Ok(Self { algorithm, key, spki })
    }

    /// Whether a header's `alg` is this key's.
    ///
    /// `Ed25519` is the name that RFC 9864 gives to what `EdDSA` means with such a key.
    pub(super) fn takes(&self, alg: &str) -> bool {
        match self.algorithm {
            Algorithm::HS256 => alg == "HS256",
            Algorithm::RS256 => alg == "RS256",
            Algorithm::ES256 => alg == "ES256",
            Algorithm::EdDSA => alg == "EdDSA" || alg == "Ed25519",
            _ => false,
        }
    }

    /// Whether `signature` (base64url) is this key's over `message`.
    pub(super) fn verifies(&self, message: &str, signature: &str) -> bool {
        jsonwebtoken::crypto::verify(signature, message.as_bytes(), &self.key, self.algorithm).unwrap_or(false)
    }

    /// Whether both are the same public key.
    pub(super) fn is_same_public_key(&self, other: &Self) -> bool {
        self.spki == other.spki
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({:?})", self.algorithm)
    }
}
