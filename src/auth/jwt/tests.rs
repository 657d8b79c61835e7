use base64::Engine as _;
use jsonwebtoken::{Algorithm, EncodingKey};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::auth::{
    TOKEN_BYTES_MAX,
    fixtures::{NOW, Pair, SECRET, b64, claims, claims_with, hs256, sign, sign_text},
};

fn clock() -> Clock {
    Clock::manual(Timestamp(NOW * 1000))
}

fn verifier() -> Verifier {
    Verifier::hs256(SECRET).unwrap().with_clock(clock())
}

fn parties(issuer: &str) -> Parties {
    Parties { issuer: Some(issuer.to_owned()), audience: Some("haggle".to_owned()) }
}

fn hs(header: &Value, claims: &Value) -> String {
    sign(header, claims, &EncodingKey::from_secret(SECRET), Algorithm::HS256)
}

#[actix_web::test]
async fn a_good_token_names_its_user() {
    let claims =
        json!({"sub": "alice", "name": " Alice\n", "exp": NOW + 60, "nbf": NOW, "iat": NOW - 1, "role": ["buyer"]});
    let identity = verifier().verify(&hs256(&claims)).await.unwrap();
    assert_eq!(identity.user.as_str(), "alice");
    assert_eq!(identity.name.as_deref(), Some("Alice"));
    assert_eq!(identity.expires_at, Timestamp((NOW + 60) * 1000));
    assert_eq!(identity.ends_at(), Timestamp((NOW + 90) * 1000));
}

#[test]
fn a_token_of_our_own_signer_is_good_for_exactly_as_long_as_asked() {
    let clock = Clock::manual(Timestamp(NOW * 1000 + 1));
    let signer = Signer::hs256(SECRET).unwrap().between(parties("me"));
    let user = UserId::new("가나다").unwrap();
    let token = signer.sign(&user, Some("이름"), Duration::from_secs(60), &clock);
    let identity = verifier().between(parties("me")).verify_now(&token).unwrap();
    assert_eq!((identity.user, identity.name.as_deref()), (user, Some("이름")));
    assert_eq!(identity.expires_at, Timestamp((NOW + 61) * 1000));
}

#[test]
fn a_secret_of_31_bytes_is_refused() {
    assert_eq!(Verifier::hs256(&[7; 31]).unwrap_err(), KeyError::SecretTooShort);
    assert_eq!(Signer::hs256(&[7; 31]).unwrap_err(), KeyError::SecretTooShort);
    assert!(Verifier::hs256(&[7; 32]).is_ok());
}

#[test]
fn every_bad_claim_is_refused() {
    let table = [
        ("sub", Value::Null),
        ("sub", json!("")),
        ("sub", json!("x".repeat(129))),
        ("sub", json!("a\u{0}b")),
        ("sub", json!(42)),
        ("sub", json!(["alice"])),
        ("exp", Value::Null),
        ("exp", json!("2026-11-23T10:00:00Z")),
        ("exp", json!((NOW + 3600).to_string())),
        ("exp", json!(true)),
        ("exp", json!([NOW + 3600])),
        ("exp", json!({})),
        ("nbf", json!("0")),
        ("name", json!(7)),
        ("iss", json!(7)),
        ("aud", json!(7)),
        ("aud", json!(["haggle", 7])),
    ];
    for (name, value) in table {
        let token = hs256(&claims_with(name, value.clone()));
        assert_eq!(verifier().verify_now(&token), Err(AuthError::Malformed), "{name}: {value}");
    }
    assert_eq!(verifier().verify_now(&hs256(&claims_with("sub", json!("system")))), Err(AuthError::ReservedUser));
    let longest = "가".repeat(128);
    assert!(verifier().verify_now(&hs256(&claims_with("sub", json!(longest)))).is_ok());
}

#[test]
fn every_bad_payload_is_refused() {
    let key = EncodingKey::from_secret(SECRET);
    for payload in [
        "",
        "null",
        "7",
        "\"alice\"",
        "[\"me\", null, \"alice\", null, null, null, 9999999999]",
        "{\"sub\": \"alice\", \"exp\": 9999999999",
        "{\"sub\": \"alice\", \"exp\": 1e999}",
        "{\"sub\": \"alice\", \"exp\": NaN}",
        "{\"sub\": \"alice\", \"exp\": 1, \"exp\": 9999999999}",
        "{\"sub\": \"alice\", \"sub\": \"bob\", \"exp\": 9999999999}",
    ] {
        let token = sign_text("{\"alg\":\"HS256\"}", payload, &key, Algorithm::HS256);
        assert_eq!(verifier().verify_now(&token), Err(AuthError::Malformed), "{payload}");
    }
    let deep = format!("{{\"sub\":\"alice\",\"exp\":{},\"deep\":{}}}", NOW + 60, "[".repeat(3000));
    assert_eq!(
        verifier().verify_now(&sign_text("{\"alg\":\"HS256\"}", &deep, &key, Algorithm::HS256)),
        Err(AuthError::Malformed)
    );
}

#[test]
fn the_algorithm_is_the_keys_and_never_the_tokens() {
    for alg in ["none", "None", "NONE", "", "hs256", "HS384", "HS512", "RS256", "ES256", "EdDSA"] {
        let header = json!({"alg": alg, "typ": "JWT"});
        assert_eq!(verifier().verify_now(&hs(&header, &claims())), Err(AuthError::WrongAlgorithm), "{alg}");
        let unsigned = format!("{}.{}.", b64(header.to_string()), b64(claims().to_string()));
        assert_eq!(verifier().verify_now(&unsigned), Err(AuthError::WrongAlgorithm), "{alg}, unsigned");
    }
    for header in
        [json!({"typ": "JWT"}), json!({"alg": null}), json!({"alg": ["HS256"]}), json!({"alg": 256}), json!([])]
    {
        assert_eq!(verifier().verify_now(&hs(&header, &claims())), Err(AuthError::Malformed), "{header}");
    }
    let twice = sign_text(
        "{\"alg\":\"none\",\"alg\":\"HS256\"}",
        &claims().to_string(),
        &EncodingKey::from_secret(SECRET),
        Algorithm::HS256,
    );
    assert_eq!(verifier().verify_now(&twice), Err(AuthError::Malformed));
}

#[test]
fn a_public_key_is_no_secret() {
    for pair in [Pair::rsa(), &Pair::ec(), &Pair::ed()] {
        let verifier = Verifier::public_key(&pair.pem()).unwrap().with_clock(clock());
        for secret in [pair.pem().into_bytes(), pair.pem().trim_end().as_bytes().to_vec(), pair.spki()] {
            for alg in [json!("HS256"), pair.alg()] {
                let forged =
                    sign(&json!({"alg": alg}), &claims(), &EncodingKey::from_secret(&secret), Algorithm::HS256);
                let error = verifier.verify_now(&forged).unwrap_err();
                assert!(matches!(error, AuthError::WrongAlgorithm | AuthError::BadSignature), "{alg}: {error}");
            }
        }
    }
}

#[test]
fn each_kind_of_public_key_takes_its_own_tokens_only() {
    let (ec, ed) = (Pair::ec(), Pair::ed());
    let pairs = [Pair::rsa(), &ec, &ed];
    for (index, pair) in pairs.iter().enumerate() {
        let verifier = Verifier::public_key(&pair.pem()).unwrap().with_clock(clock());
        let good = pair.sign(&json!({"alg": pair.alg(), "typ": "JWT"}), &claims());
        assert_eq!(verifier.verify_now(&good).unwrap().user.as_str(), "alice");
        for (other, foreign) in pairs.iter().enumerate().filter(|(other, _)| *other != index) {
            let token = foreign.sign(&json!({"alg": foreign.alg()}), &claims());
            assert_eq!(verifier.verify_now(&token), Err(AuthError::WrongAlgorithm), "{index} {other}");
            let token = foreign.sign(&json!({"alg": pair.alg()}), &claims());
            assert_eq!(verifier.verify_now(&token), Err(AuthError::BadSignature), "{index} {other}");
        }
    }
    let verifier = Verifier::public_key(&ec.pem()).unwrap().with_clock(clock());
    let stranger = Pair::ec().sign(&json!({"alg": "ES256"}), &claims());
    assert_eq!(verifier.verify_now(&stranger), Err(AuthError::BadSignature));
    let verifier = Verifier::public_key(&ed.pem()).unwrap().with_clock(clock());
    assert!(verifier.verify_now(&ed.sign(&json!({"alg": "Ed25519"}), &claims())).is_ok(), "the name of RFC 9864");
}

#[test]
fn an_rsa_key_takes_rs256_alone() {
    let rsa = Pair::rsa();
    let verifier = Verifier::public_key(&rsa.pem()).unwrap().with_clock(clock());
    for algorithm in [Algorithm::RS384, Algorithm::RS512, Algorithm::PS256, Algorithm::PS384, Algorithm::PS512] {
        let honest = sign(&json!({"alg": algorithm}), &claims(), &rsa.signing, algorithm);
        assert_eq!(verifier.verify_now(&honest), Err(AuthError::WrongAlgorithm), "{algorithm:?}");
        let relabelled = sign(&json!({"alg": "RS256"}), &claims(), &rsa.signing, algorithm);
        assert_eq!(verifier.verify_now(&relabelled), Err(AuthError::BadSignature), "{algorithm:?}");
    }
}

#[test]
fn a_key_in_the_header_opens_nothing() {
    let attacker = Pair::ec();
    let verifier = Verifier::public_key(&Pair::ec().pem()).unwrap().with_clock(clock());
    for extra in [
        json!({"jwk": attacker.jwk("attacker")}),
        json!({"jku": "http://127.0.0.1:1/keys"}),
        json!({"x5u": "http://127.0.0.1:1/cert"}),
        json!({"x5c": [b64(attacker.spki())]}),
        json!({"kid": "../../../../dev/null"}),
        json!({"kid": "' OR 1=1 --"}),
    ] {
        let mut header = json!({"alg": "ES256", "typ": "JWT"});
        header.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        assert_eq!(verifier.verify_now(&attacker.sign(&header, &claims())), Err(AuthError::BadSignature), "{header}");
    }
    // The same headers do no harm to an honest token, whatever is in them.
    for extra in
        [json!({"kid": 7}), json!({"kid": "x"}), json!({"jwk": {"kty": 7}}), json!({"jku": [], "x5u": {}, "x5c": 1})]
    {
        let mut header = json!({"alg": "HS256", "typ": "JWT"});
        header.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        assert!(super::tests::verifier().verify_now(&hs(&header, &claims())).is_ok(), "{header}");
    }
}

#[test]
fn an_extension_that_must_be_understood_is_not() {
    for crit in [json!(["exp"]), json!(["b64"]), json!([]), json!("x")] {
        let header = json!({"alg": "HS256", "crit": crit, "b64": false});
        assert_eq!(verifier().verify_now(&hs(&header, &claims())), Err(AuthError::Malformed));
    }
}

#[test]
fn any_type_will_do_but_the_room_tokens() {
    for typ in ["JWT", "jwt", "at+jwt", "application/at+jwt", "", "anything"] {
        assert!(verifier().verify_now(&hs(&json!({"alg": "HS256", "typ": typ}), &claims())).is_ok(), "{typ}");
    }
    assert!(verifier().verify_now(&hs(&json!({"alg": "HS256"}), &claims())).is_ok());
    for typ in ["haggle-room+jwt", "Haggle-Room+JWT", "application/haggle-room+jwt", "APPLICATION/haggle-room+jwt"] {
        let token = hs(&json!({"alg": "HS256", "typ": typ}), &claims());
        assert_eq!(verifier().verify_now(&token), Err(AuthError::WrongKind), "{typ}");
    }
    let token = hs(&json!({"alg": "HS256", "typ": 7}), &claims());
    assert_eq!(verifier().verify_now(&token), Err(AuthError::Malformed));
}

#[test]
fn a_token_that_was_touched_is_refused() {
    let token = hs256(&claims());
    let [header, _, signature] = *token.split('.').collect::<Vec<_>>() else { panic!("three parts") };
    let mallory = b64(claims_with("sub", json!("mallory")).to_string());
    assert_eq!(verifier().verify_now(&format!("{header}.{mallory}.{signature}")), Err(AuthError::BadSignature));
    // Any one character changed, wherever.
    for index in 0..token.len() {
        let mut touched = token.clone().into_bytes();
        touched[index] = if touched[index] == b'A' { b'B' } else { b'A' };
        let touched = String::from_utf8(touched).unwrap();
        assert!(verifier().verify_now(&touched).is_err(), "at {index}");
    }
    assert_eq!(verifier().verify_now(&token[..token.len() - 1]), Err(AuthError::BadSignature));
}

#[test]
fn what_is_no_token_is_refused() {
    let good = hs256(&claims());
    let (start, signature) = good.rsplit_once('.').unwrap();
    let (header, payload) = start.split_once('.').unwrap();
    assert_eq!(verifier().verify_now(""), Err(AuthError::Missing));
    let table = [
        ".".to_owned(),
        "..".to_owned(),
        "...".to_owned(),
        "a.b".to_owned(),
        "alice".to_owned(),
        " ".to_owned(),
        "\u{0}".to_owned(),
        "토큰.토큰.토큰".to_owned(),
        start.to_owned(),
        format!(".{payload}.{signature}"),
        format!("{header}..{signature}"),
        format!("{header}.{payload}."),
        format!("{good}."),
        format!("{good}.x"),
        format!(" {good}"),
        format!("{good} "),
        format!("{good}\n"),
        format!("{header} .{payload}.{signature}"),
        format!("{header}=.{payload}.{signature}"),
        format!("{start}.{signature}="),
        format!("{}.{payload}.{signature}", "A".repeat(9000)),
        format!("{good}{}", "A".repeat(TOKEN_BYTES_MAX)),
        "A".repeat(10_000_000),
    ];
    for token in table {
        let error = verifier().verify_now(&token).unwrap_err();
        assert!(matches!(error, AuthError::Malformed | AuthError::BadSignature), "{:.60}: {error}", token);
        assert_eq!(error.code().name(), "unauthenticated");
    }
}

#[test]
fn a_token_of_8192_bytes_is_the_longest() {
    let fill = |extra: usize| hs256(&claims_with("fill", json!("x".repeat(extra))));
    let size = (5000..8192).find(|extra| fill(*extra).len() >= TOKEN_BYTES_MAX).unwrap();
    // base64 grows in steps, so the longest that fits is found from both sides.
    assert!(verifier().verify_now(&fill(size - 3)).is_ok());
    assert_eq!(verifier().verify_now(&fill(size + 3)), Err(AuthError::Malformed));
}

#[test]
fn a_token_ends_at_its_expiry_and_the_leeway_to_the_millisecond() {
    let clock = clock();
    let verifier = Verifier::hs256(SECRET).unwrap().with_clock(clock.clone());
    let token = hs256(&claims_with("exp", json!(NOW + 1)));
    let ends_at = verifier.verify_now(&token).unwrap().ends_at();
    clock.advance(Duration::from_millis(30_999));
    assert!(verifier.verify_now(&token).is_ok());
    clock.advance(Duration::from_millis(1));
    assert_eq!(verifier.verify_now(&token), Err(AuthError::Expired));
    assert_eq!(clock.now(), ends_at);
    assert_eq!(AuthError::Expired.code().name(), "token_expired");
}

#[test]
fn expiry_may_have_a_fraction_and_be_far_away() {
    let expires_at =
        |exp: Value| verifier().verify_now(&hs256(&claims_with("exp", exp))).map(|identity| identity.expires_at);
    assert_eq!(expires_at(json!(1_795_424_400.25)), Ok(Timestamp(NOW * 1000 + 250)));
    assert_eq!(expires_at(json!(1.8e9)), Ok(Timestamp(1_800_000_000_000)));
    assert_eq!(expires_at(json!(u64::MAX)), Ok(Timestamp(i64::MAX)));
    assert_eq!(expires_at(json!(1e300)), Ok(Timestamp(i64::MAX)));
    for past in [json!(0), json!(-1), json!(-1e300), json!(i64::MIN)] {
        assert_eq!(expires_at(past), Err(AuthError::Expired));
    }
}

#[test]
fn a_token_from_the_future_waits() {
    let clock = clock();
    let verifier = Verifier::hs256(SECRET).unwrap().with_clock(clock.clone());
    let token = hs256(&claims_with("nbf", json!(NOW + 31)));
    clock.advance(Duration::from_millis(999));
    assert_eq!(verifier.verify_now(&token), Err(AuthError::NotYetValid));
    clock.advance(Duration::from_millis(1));
    assert!(verifier.verify_now(&token).is_ok());
    for far in [json!(1e300), json!(u64::MAX)] {
        assert_eq!(verifier.verify_now(&hs256(&claims_with("nbf", far))), Err(AuthError::NotYetValid));
    }
}

#[test]
fn when_a_token_was_made_decides_nothing() {
    for iat in [json!(NOW + 86_400), json!(0), json!(-1), json!(1e300), json!("yesterday"), json!([]), json!(true)] {
        let token = hs256(&claims_with("iat", iat.clone()));
        assert!(verifier().verify_now(&token).is_ok(), "{iat}");
    }
    let twice = format!("{{\"sub\":\"alice\",\"exp\":{},\"iat\":1,\"iat\":2}}", NOW + 60);
    let token = sign_text("{\"alg\":\"HS256\"}", &twice, &EncodingKey::from_secret(SECRET), Algorithm::HS256);
    assert!(verifier().verify_now(&token).is_ok());
}

#[test]
fn issuer_and_audience_count_when_they_are_configured() {
    let strict = || verifier().between(parties("https://market.example"));
    let claims = |iss: Value, aud: Value| json!({"sub": "alice", "exp": NOW + 60, "iss": iss, "aud": aud});
    let right = json!("https://market.example");
    for aud in [json!("haggle"), json!(["haggle"]), json!(["other", "haggle"])] {
        assert!(strict().verify_now(&hs256(&claims(right.clone(), aud))).is_ok());
    }
    for iss in [Value::Null, json!(""), json!("https://market.example/"), json!("HTTPS://MARKET.EXAMPLE")] {
        assert_eq!(strict().verify_now(&hs256(&claims(iss, json!("haggle")))), Err(AuthError::WrongIssuer));
    }
    for aud in [Value::Null, json!(""), json!("Haggle"), json!([]), json!(["other"]), json!("haggle,other")] {
        assert_eq!(strict().verify_now(&hs256(&claims(right.clone(), aud))), Err(AuthError::WrongAudience));
    }
    assert!(verifier().verify_now(&hs256(&claims(json!("anyone"), json!(["anything"])))).is_ok());
}

#[test]
fn a_name_is_tidied_rather_than_refused() {
    let name = |name: Value| verifier().verify_now(&hs256(&claims_with("name", name))).unwrap().name;
    assert_eq!(name(json!("  ")), None);
    assert_eq!(name(json!("")), None);
    assert_eq!(name(json!("\u{200B}\u{3164}")), None);
    assert_eq!(name(json!("A\u{7}l")).as_deref(), Some("Al"));
    assert_eq!(name(json!("가".repeat(300))), Some("가".repeat(200)));
}

#[test]
fn a_key_is_found_in_each_kind_of_pem() {
    let rsa = Pair::rsa();
    let pkcs1 = {
        // The key itself follows 24 bytes of algorithm and length in the SubjectPublicKeyInfo of a 2048-bit key.
        let der = rsa.spki()[24..].to_vec();
        let text = base64::engine::general_purpose::STANDARD.encode(der);
        let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap()).collect();
        format!("-----BEGIN RSA PUBLIC KEY-----\n{}\n-----END RSA PUBLIC KEY-----\n", lines.join("\n"))
    };
    let certificate = |pair: &Pair| {
        rcgen::CertificateParams::new(vec!["market.example".to_owned()]).unwrap().self_signed(&pair.pair).unwrap().pem()
    };
    let (ec, ed) = (Pair::ec(), Pair::ed());
    for (pem, pair) in [
        (pkcs1, rsa),
        (certificate(rsa), rsa),
        (certificate(&ec), &ec),
        (certificate(&ed), &ed),
        (format!("# our key\r\n{}", ec.pem().replace('\n', "\r\n")), &ec),
    ] {
        let verifier = Verifier::public_key(&pem).unwrap().with_clock(clock());
        assert!(verifier.verify_now(&pair.sign(&json!({"alg": pair.alg()}), &claims())).is_ok(), "{pem}");
    }
}

#[test]
fn a_key_that_will_not_do_is_refused_at_the_start() {
    // 1024 bits, made for this test; the private half was discarded.
    const RSA_1024: &str = "-----BEGIN PUBLIC KEY-----
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDFr+l2noCpH1Kw6rkWYzmaossW
tss8PthhZ7oZNHeR611MXc0GIyyo3weAsOVcd0zze1g3mg2+Fc0mKitJiUL+qYsi
md2RLHrwPxuLXNZOCvMgG1/SsKd9y6i3M3N62Azx1phHgtEACTrKU8hYnmnae4UB
yGOH5djEx1VbD9ipIQIDAQAB
-----END PUBLIC KEY-----
";
    let ec = Pair::ec();
    let table = [
        (String::new(), KeyError::NotPem),
        ("secret".to_owned(), KeyError::NotPem),
        ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n".to_owned(), KeyError::Unsupported),
        ("-----BEGIN RSA PUBLIC KEY-----\nAAAA\n-----END RSA PUBLIC KEY-----\n".to_owned(), KeyError::NotPem),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_owned(), KeyError::NotPem),
        ("-----BEGIN PUBLIC KEY-----\n".to_owned(), KeyError::NotPem),
        (RSA_1024.to_owned(), KeyError::Unsupported),
        (Pair::ec_384().pem(), KeyError::Unsupported),
        (ec.pair.serialize_pem(), KeyError::PrivateKey),
        (Pair::rsa().pair.serialize_pem(), KeyError::PrivateKey),
    ];
    for (pem, expected) in table {
        assert_eq!(Verifier::public_key(&pem).unwrap_err(), expected, "{pem}");
    }
}

#[test]
fn nothing_that_debug_prints_is_secret() {
    let secret = str::from_utf8(SECRET).unwrap();
    for printed in [format!("{:?}", verifier()), format!("{:?}", Signer::hs256(SECRET).unwrap())] {
        assert!(!printed.contains(secret) && !printed.contains(&format!("{SECRET:?}")), "{printed}");
    }
}

proptest! {
    #[test]
    fn any_text_ends_in_an_error(token in any::<String>()) {
        prop_assert!(verifier().verify_now(&token).is_err());
    }

    #[test]
    fn any_three_parts_end_in_an_error(header in any::<Vec<u8>>(), payload in any::<Vec<u8>>(), signature in any::<Vec<u8>>()) {
        let token = format!("{}.{}.{}", b64(header), b64(payload), b64(signature));
        prop_assert!(verifier().verify_now(&token).is_err());
    }

    #[test]
    fn any_signed_payload_ends_in_a_value_or_an_error(payload in any::<Vec<u8>>(), exp in any::<f64>(), sub in any::<String>()) {
        let key = EncodingKey::from_secret(SECRET);
        let header = b64("{\"alg\":\"HS256\"}");
        for payload in [payload, json!({"sub": sub, "exp": exp}).to_string().into_bytes()] {
            let message = format!("{header}.{}", b64(payload));
            let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::HS256).unwrap();
            let _ = verifier().verify_now(&format!("{message}.{signature}"));
        }
    }

    #[test]
    fn any_pem_ends_in_an_error(der in any::<Vec<u8>>(), label in "(RSA )?PUBLIC KEY|CERTIFICATE") {
        let text = base64::engine::general_purpose::STANDARD.encode(der);
        let pem = format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n");
        prop_assert!(Verifier::public_key(&pem).is_err());
    }
}
