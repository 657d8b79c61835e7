//! Web Push: where a browser's subscription may point, and how what it is sent is encrypted.
//!
//! A browser gives its subscription a point on P-256 and a secret of 16 bytes. Each message is encrypted for them with a key
//! pair of its own (RFC 8291), as one record of `aes128gcm` (RFC 8188): salt, record size and the sender's point, then the
//! words, a delimiter and zeros. The zeros hide how long the words are from the push service.

use std::net::IpAddr;

use aws_lc_rs::{
    aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree},
    error::Unspecified,
    hmac::{HMAC_SHA256, Key, sign},
    rand,
    signature::{ECDSA_P256_SHA256_FIXED, ParsedPublicKey},
};
use data_encoding::BASE64URL_NOPAD;
use thiserror::Error;

use crate::{
    config::parse_http_url,
    domain::{
        field::InvalidField,
        network,
        push_subscription::{ADDRESS_BYTES_MAX, NewPushSubscription, PushPlatform, WebKeys, check_language},
    },
};

/// Bytes of an uncompressed point on P-256, and what it begins with (SEC 1 section 2.3.3).
const POINT_BYTES: usize = 65;
const UNCOMPRESSED: u8 = 4;

/// Bytes of the secret (RFC 8291 section 3.2), and of the salt (RFC 8188 section 2.1).
const AUTH_BYTES: usize = 16;
const SALT_BYTES: usize = 16;

/// What every push service takes, in bytes with the header (RFC 8030 section 7.2). Also the record size.
const BODY_BYTES_MAX: usize = 4096;

/// Salt, record size, length of the key's id, and the key's id: the sender's point.
const HEADER_BYTES: usize = SALT_BYTES + 4 + 1 + POINT_BYTES;

/// The tag of AES-GCM, and the delimiter of the last record.
const TAG_BYTES: usize = 16;
const LAST_RECORD: u8 = 2;

/// Most bytes of what is sent.
pub const PLAIN_BYTES_MAX: usize = BODY_BYTES_MAX - HEADER_BYTES - TAG_BYTES - 1;

/// What is sent is filled up with zeros to a multiple of this, in bytes.
const PADDED_TO: usize = 512;

/// Why nothing was encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum EncryptError {
    #[error("it has more than {PLAIN_BYTES_MAX} bytes")]
    TooLong,
    #[error("the keys of the subscription can't be used")]
    BadKeys,
    #[error("the system's cryptography failed")]
    Failed,
}

impl From<Unspecified> for EncryptError {
    fn from(_: Unspecified) -> Self {
        Self::Failed
    }
}

/// Whom a message is encrypted for.
struct Receiver {
    point: Vec<u8>,
    auth: Vec<u8>,
}

impl Receiver {
    /// Reads the keys of a subscription. Whether the point is one of the curve is checked, too.
    fn parse(keys: &WebKeys) -> Result<Self, InvalidField> {
        let point = read(&keys.p256dh).filter(|point| {
            let is_whole = point.len() == POINT_BYTES && point[0] == UNCOMPRESSED;
            is_whole && ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point.clone()).is_ok()
        });
        let point = point
            .ok_or_else(|| InvalidField::new("`keys.p256dh` must be a point on P-256 of 65 bytes as base64url"))?;
        let auth = read(&keys.auth).filter(|auth| auth.len() == AUTH_BYTES);
        let auth = auth.ok_or_else(|| InvalidField::new("`keys.auth` must be 16 bytes as base64url"))?;
        Ok(Self { point, auth })
    }
}

/// Reads base64url, with or without its padding.
fn read(text: &str) -> Option<Vec<u8>> {
    BASE64URL_NOPAD.decode(text.trim_end_matches('=').as_bytes()).ok()
}

/// Checks the subscription of a browser. Unless `takes_private`, its endpoint is https at the usual port of a public host.
///
/// # Errors
/// [`InvalidField`] for an endpoint, key or language that can't be used.
pub fn check_subscription(
    endpoint: String,
    keys: WebKeys,
    language: Option<String>,
    takes_private: bool,
) -> Result<NewPushSubscription, InvalidField> {
    if endpoint.len() > ADDRESS_BYTES_MAX {
        return Err(InvalidField(format!("`endpoint` must be at most {ADDRESS_BYTES_MAX} bytes")));
    }
    if !is_endpoint(&endpoint, takes_private) {
        return Err(InvalidField::new("`endpoint` must be the https:// address of a public push service"));
    }
    Receiver::parse(&keys)?;
    check_language(language.as_deref())?;
    Ok(NewPushSubscription { platform: PushPlatform::Web, address: endpoint, keys: Some(keys), language })
}

fn is_endpoint(endpoint: &str, takes_private: bool) -> bool {
    let Some(url) = parse_http_url(endpoint).filter(|url| url.fragment().is_none()) else { return false };
    let is_public = match url.host() {
        Some(url::Host::Domain(name)) => name.contains('.'),
        Some(url::Host::Ipv4(address)) => network::is_public(IpAddr::V4(address)),
        Some(url::Host::Ipv6(address)) => network::is_public(IpAddr::V6(address)),
        None => false,
    };
    takes_private || (url.scheme() == "https" && url.port().is_none() && is_public)
}

/// Encrypts what a browser is sent.
///
/// # Errors
/// [`EncryptError`] for more than [`PLAIN_BYTES_MAX`] bytes, and keys that can't be used.
pub fn encrypt(keys: &WebKeys, plain: &[u8]) -> Result<Vec<u8>, EncryptError> {
    if plain.len() > PLAIN_BYTES_MAX {
        return Err(EncryptError::TooLong);
    }
    let receiver = Receiver::parse(keys).map_err(|_| EncryptError::BadKeys)?;
    let mut salt = [0; SALT_BYTES];
    rand::fill(&mut salt)?;
    let padded = (plain.len() + 1).next_multiple_of(PADDED_TO).min(PLAIN_BYTES_MAX + 1);
    encrypt_with(&receiver, plain, padded - plain.len() - 1, &PrivateKey::generate(&ECDH_P256)?, salt)
}

fn encrypt_with(
    receiver: &Receiver,
    plain: &[u8],
    zeros: usize,
    sender: &PrivateKey,
    salt: [u8; SALT_BYTES],
) -> Result<Vec<u8>, EncryptError> {
    let point = sender.compute_public_key()?;
    let shared = UnparsedPublicKey::new(&ECDH_P256, &receiver.point);
    // RFC 8291 section 3.3: both points are part of the key, so that nobody can pass a message on as another's.
    let info = [&b"WebPush: info\0"[..], &receiver.point, point.as_ref()].concat();
    let secret = agree(sender, shared, EncryptError::BadKeys, |secret| Ok(hmac(&receiver.auth, secret)))?;
    let pseudorandom = hmac(&salt, &expand(&secret, &info));
    let key = expand(&pseudorandom, b"Content-Encoding: aes128gcm\0");
    let nonce = expand(&pseudorandom, b"Content-Encoding: nonce\0");

    let mut record = Vec::with_capacity(plain.len() + 1 + zeros + TAG_BYTES);
    record.extend_from_slice(plain);
    record.push(LAST_RECORD);
    record.resize(record.len() + zeros, 0);
    let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key[..16])?);
    key.seal_in_place_append_tag(Nonce::try_assume_unique_for_key(&nonce[..12])?, Aad::empty(), &mut record)?;

    let mut body = Vec::with_capacity(HEADER_BYTES + record.len());
    body.extend_from_slice(&salt);
    body.extend_from_slice(&[0, 0, 0x10, 0, POINT_BYTES as u8]);
    body.extend_from_slice(point.as_ref());
    body.append(&mut record);
    Ok(body)
}

fn hmac(key: &[u8], text: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(sign(&Key::new(HMAC_SHA256, key), text).as_ref());
    out
}

/// HKDF-Expand for at most 32 bytes: one round (RFC 5869 section 2.3).
fn expand(key: &[u8], info: &[u8]) -> [u8; 32] {
    hmac(key, &[info, &[1]].concat())
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::agreement;

    use super::*;

    /// RFC 8291 appendix A.
    const PLAIN: &[u8] = b"When I grow up, I want to be a watermelon";
    const SENDER: &str = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw";
    const SALT: &str = "DGv6ra1nlYgDCS1FRnbzlw";
    const BODY: &str = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN";

    fn keys() -> WebKeys {
        let p256dh = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
        WebKeys { p256dh: p256dh.to_owned(), auth: "BTBZMqHH6r4Tts7J_aSIgg".to_owned() }
    }

    #[test]
    fn the_example_of_the_standard_comes_out_byte_for_byte() {
        let sender = PrivateKey::from_private_key(&ECDH_P256, &read(SENDER).unwrap()).unwrap();
        let salt = read(SALT).unwrap().try_into().unwrap();
        let body = encrypt_with(&Receiver::parse(&keys()).unwrap(), PLAIN, 0, &sender, salt).unwrap();
        assert_eq!(BASE64URL_NOPAD.encode(&body), BODY);
    }

    #[test]
    fn what_is_sent_hides_its_length_and_is_never_the_same() {
        let [short, long, full] = [1, 500, PLAIN_BYTES_MAX].map(|bytes| encrypt(&keys(), &vec![b'a'; bytes]).unwrap());
        assert_eq!((short.len(), full.len()), (long.len(), BODY_BYTES_MAX));
        assert_ne!(short, encrypt(&keys(), b"a").unwrap());
        assert_eq!(encrypt(&keys(), &[0; PLAIN_BYTES_MAX + 1]), Err(EncryptError::TooLong));
    }

    #[test]
    fn keys_are_a_point_of_the_curve_and_sixteen_bytes() {
        let good = keys();
        let mut off_the_curve = read(&good.p256dh).unwrap();
        off_the_curve[64] ^= 1;
        let compressed = agreement::PrivateKey::generate(&ECDH_P256).unwrap().compute_public_key().unwrap();
        let compressed = [&[2][..], &compressed.as_ref()[1..33]].concat();
        for bad in ["", "!", &BASE64URL_NOPAD.encode(&off_the_curve), &BASE64URL_NOPAD.encode(&compressed)] {
            let keys = WebKeys { p256dh: bad.to_owned(), ..good.clone() };
            assert!(Receiver::parse(&keys).err().unwrap().0.contains("p256dh"), "{bad}");
            assert_eq!(encrypt(&keys, b"a"), Err(EncryptError::BadKeys));
        }
        for bad in ["", "AAAA", &good.p256dh] {
            let keys = WebKeys { auth: bad.to_owned(), ..good.clone() };
            assert!(Receiver::parse(&keys).err().unwrap().0.contains("auth"), "{bad}");
        }
        let padded = WebKeys { auth: format!("{}==", good.auth), ..good };
        Receiver::parse(&padded).unwrap();
    }

    #[test]
    fn an_endpoint_is_https_at_a_public_host() {
        let check = |endpoint: &str, takes_private| {
            check_subscription(endpoint.to_owned(), keys(), None, takes_private).map(|_| ()).map_err(|error| error.0)
        };
        for good in
            ["https://fcm.googleapis.com/fcm/send/abc:def", "https://web.push.apple.com/QH", "https://8.8.8.8/a"]
        {
            assert_eq!(check(good, false), Ok(()));
        }
        let long = format!("https://push.example/{}", "a".repeat(ADDRESS_BYTES_MAX));
        for bad in [
            "",
            "push.example",
            "http://push.example/a",
            "https://push.example:8443/a",
            "https://user@push.example/a",
            "https://push.example/a#b",
            "https://localhost/a",
            "https://intranet/a",
            "https://127.0.0.1/a",
            "https://2130706433/a",
            "https://10.0.0.1/a",
            "https://169.254.169.254/latest",
            "https://[::1]/a",
            "https://[::ffff:10.0.0.1]/a",
            "https://[fd00::1]/a",
            &long,
        ] {
            assert!(check(bad, false).unwrap_err().contains("`endpoint`"), "{bad}");
        }
        assert_eq!(check("http://127.0.0.1:5000/push/1", true), Ok(()));
        assert!(check("ftp://127.0.0.1/push", true).is_err() && check(&long, true).is_err());
    }
}
