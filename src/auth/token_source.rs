//! Where a handshake carries its token, and how a request is written to a log without it.
//!
//! In this order: `Authorization: Bearer <token>`; `Sec-WebSocket-Protocol: haggle.v1, bearer.<token>`;
//! the query `access_token` or `token`. Socket.IO's `auth.token` comes later, in its CONNECT packet: see [`only_one`].

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use super::AuthError;

/// The subprotocol that the answer selects.
pub const SUBPROTOCOL: &str = "haggle.v1";

/// Before the token in a subprotocol.
const SUBPROTOCOL_BEARER: &str = "bearer.";

/// Most subprotocols in one handshake, over all its header lines.
const SUBPROTOCOLS_MAX: usize = 16;

/// Most bytes of subprotocols in one handshake: a token of the longest kind and a few names.
const SUBPROTOCOL_BYTES_MAX: usize = 2 * super::TOKEN_BYTES_MAX;

/// Query parameters that carry a token.
const QUERY_NAMES: [&str; 2] = ["access_token", "token"];

/// What a handshake carries.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenSource<'a> {
    /// The token, not yet checked.
    pub token: Cow<'a, str>,
    /// The client offered `haggle.v1`, so the answer must select it; a browser ends the connection otherwise.
    pub subprotocol: bool,
}

impl std::fmt::Debug for TokenSource<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenSource").field("subprotocol", &self.subprotocol).finish_non_exhaustive()
    }
}

/// Finds the one token of a handshake, in the values of its `Authorization` and `Sec-WebSocket-Protocol` headers and in its
/// query (without `?`). The same token in several places is one token. An `Authorization` of another scheme than Bearer is
/// ignored.
///
/// # Errors
/// [`AuthError::TwoTokens`], [`AuthError::BadSubprotocol`], and [`AuthError::Malformed`] for a token that is no text.
pub fn find_token<'a>(
    authorization: impl IntoIterator<Item = &'a [u8]>,
    subprotocols: impl IntoIterator<Item = &'a [u8]>,
    query: &'a str,
) -> Result<Option<TokenSource<'a>>, AuthError> {
    let mut token: Option<Cow<'a, str>> = None;
    for value in authorization {
        if let Some(bearer) = bearer(value)? {
            token = only_one(token, Some(Cow::Borrowed(bearer)))?;
        }
    }
    let offer = read_subprotocols(subprotocols)?;
    token = only_one(token, offer.token.map(Cow::Borrowed))?;
    for pair in query.split('&') {
        if let Some(value) = query_token(pair)? {
            token = only_one(token, Some(value))?;
        }
    }
    Ok(token.map(|token| TokenSource { token, subprotocol: offer.selects }))
}

/// The one token of two places, such as a handshake and the Socket.IO CONNECT that follows it.
///
/// # Errors
/// [`AuthError::TwoTokens`] when they differ.
pub fn only_one<T: PartialEq>(first: Option<T>, second: Option<T>) -> Result<Option<T>, AuthError> {
    match (first, second) {
        (Some(first), Some(second)) if first != second => Err(AuthError::TwoTokens),
        (first, second) => Ok(first.or(second)),
    }
}

/// The credentials of an `Authorization` header with the scheme Bearer, in any case (RFC 9110 section 11.1); also where REST finds the service key.
///
/// # Errors
/// [`AuthError::Malformed`] when they are empty or not of visible ASCII characters.
pub fn bearer(value: &[u8]) -> Result<Option<&str>, AuthError> {
    const SCHEME: &[u8] = b"bearer";
    let Some((scheme, rest)) = value.trim_ascii().split_at_checked(SCHEME.len()) else { return Ok(None) };
    if !scheme.eq_ignore_ascii_case(SCHEME) || rest.first().is_some_and(|byte| !matches!(byte, b' ' | b'\t')) {
        return Ok(None);
    }
    let token = rest.trim_ascii();
    if token.is_empty() || !token.iter().all(u8::is_ascii_graphic) {
        return Err(AuthError::Malformed);
    }
    str::from_utf8(token).map(Some).map_err(|_| AuthError::Malformed)
}

struct Subprotocols<'a> {
    selects: bool,
    token: Option<&'a str>,
}

/// Reads a list of names (RFC 6455 section 4.2.1), of which each is an RFC 9110 token.
fn read_subprotocols<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> Result<Subprotocols<'a>, AuthError> {
    let mut offer = Subprotocols { selects: false, token: None };
    let (mut names, mut bytes) = (0, 0);
    for value in values {
        bytes += value.len();
        if bytes > SUBPROTOCOL_BYTES_MAX {
            return Err(AuthError::BadSubprotocol);
        }
        for name in value.split(|byte| *byte == b',') {
            let name = str::from_utf8(name.trim_ascii()).map_err(|_| AuthError::BadSubprotocol)?;
            names += 1;
            if names > SUBPROTOCOLS_MAX || name.is_empty() || !name.bytes().all(is_token_byte) {
                return Err(AuthError::BadSubprotocol);
            }
            if name == SUBPROTOCOL {
                offer.selects = true;
            } else if let Some(token) = name.strip_prefix(SUBPROTOCOL_BEARER) {
                if token.is_empty() {
                    return Err(AuthError::BadSubprotocol);
                }
                offer.token = only_one(offer.token, Some(token))?;
            }
        }
    }
    // An answer must select one of the names offered, and must never repeat the token.
    if offer.token.is_some() && !offer.selects {
        return Err(AuthError::BadSubprotocol);
    }
    Ok(offer)
}

/// `tchar` of RFC 9110 section 5.6.2.
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn query_token(pair: &str) -> Result<Option<Cow<'_, str>>, AuthError> {
    let Some((name, value)) = pair.split_once('=') else { return Ok(None) };
    let name = percent_decode_str(name).decode_utf8_lossy();
    if value.is_empty() || !QUERY_NAMES.contains(&&*name) {
        return Ok(None);
    }
    percent_decode_str(value).decode_utf8().map(Some).map_err(|_| AuthError::Malformed)
}

/// Longest path in a log line, in bytes.
const LOGGED_PATH_BYTES_MAX: usize = 256;

/// Parameters whose values are harmless and help to read a log.
const LOGGED_VALUES: [&str; 6] = ["EIO", "transport", "t", "limit", "before", "after"];

/// Parameters whose values are not logged, only their presence: tokens, session ids, and what a user searches for.
const LOGGED_NAMES: [&str; 6] = ["access_token", "token", "sid", "q", "cursor", "state"];

/// A path and query as a log may hold it: values that are secret or personal become `…`, and so do unknown parameters as a whole.
/// Long paths are cut, and what is no visible ASCII character becomes `?`, so that a log line stays one line.
#[must_use]
pub fn redact(path_and_query: &str) -> Cow<'_, str> {
    let (path, query) = match path_and_query.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (path_and_query, None),
    };
    let plain = path.len() <= LOGGED_PATH_BYTES_MAX && path.bytes().all(|byte| byte.is_ascii_graphic());
    let Some(query) = query else {
        return if plain { Cow::Borrowed(path) } else { Cow::Owned(plain_path(path)) };
    };
    let mut line = plain_path(path);
    for (index, pair) in query.split('&').take(LOGGED_VALUES.len() + LOGGED_NAMES.len()).enumerate() {
        line.push(if index == 0 { '?' } else { '&' });
        match pair.split_once('=') {
            Some((name, value)) if LOGGED_VALUES.contains(&name) && is_short_word(value) => line.push_str(pair),
            Some((name, _)) if LOGGED_VALUES.contains(&name) || LOGGED_NAMES.contains(&name) => {
                line.push_str(name);
                line.push_str("=…");
            }
            _ => line.push('…'),
        }
    }
    Cow::Owned(line)
}

fn plain_path(path: &str) -> String {
    let mut plain: String =
        path.chars().take(LOGGED_PATH_BYTES_MAX).map(|c| if c.is_ascii_graphic() { c } else { '?' }).collect();
    if path.chars().nth(LOGGED_PATH_BYTES_MAX).is_some() {
        plain.push('…');
    }
    plain
}

fn is_short_word(value: &str) -> bool {
    value.len() <= 32 && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Found = Result<Option<(String, bool)>, AuthError>;

    fn find(authorization: &[&str], subprotocols: &[&str], query: &str) -> Found {
        find_token(authorization.iter().map(|v| v.as_bytes()), subprotocols.iter().map(|v| v.as_bytes()), query)
            .map(|found| found.map(|source| (source.token.into_owned(), source.subprotocol)))
    }

    fn token(subprotocol: bool) -> Found {
        Ok(Some(("t.o.k".to_owned(), subprotocol)))
    }

    #[test]
    fn the_token_is_found_in_each_place() {
        for value in ["Bearer t.o.k", "bearer t.o.k", "BEARER \t t.o.k ", " Bearer t.o.k"] {
            assert_eq!(find(&[value], &[], ""), token(false), "{value}");
        }
        for values in [
            &["haggle.v1, bearer.t.o.k"][..],
            &["bearer.t.o.k,haggle.v1"],
            &["haggle.v1", "bearer.t.o.k"],
            &["other, haggle.v1 ,\tbearer.t.o.k"],
            &["haggle.v1, haggle.v1, bearer.t.o.k, bearer.t.o.k"],
        ] {
            assert_eq!(find(&[], values, ""), token(true), "{values:?}");
        }
        for query in
            ["access_token=t.o.k", "token=t.o.k", "EIO=4&token=t.o.k&t=x", "access%5Ftoken=t%2eo.k", "&&token=t.o.k&"]
        {
            assert_eq!(find(&[], &[], query), token(false), "{query}");
        }
        assert_eq!(find(&["Bearer t.o.k"], &["haggle.v1"], ""), token(true), "the answer must still select it");
    }

    #[test]
    fn without_a_token_nothing_is_found() {
        for (authorization, subprotocols, query) in [
            (&[][..], &[][..], ""),
            (&["Basic dXNlcjpwYXNz"], &[], "a=b"),
            (&["Bearerish x", "", "B"], &["haggle.v1"], "token"),
            (&[], &["mqtt, graphql-ws"], "token=&access_token="),
            (&[], &[], "accesstoken=x&Token=x&tokens=x"),
        ] {
            assert_eq!(
                find(authorization, subprotocols, query),
                Ok(None),
                "{authorization:?} {subprotocols:?} {query}"
            );
        }
    }

    #[test]
    fn the_same_token_twice_is_one_and_two_different_ones_are_refused() {
        assert_eq!(
            find(&["Bearer t.o.k", "bearer t.o.k"], &["haggle.v1,bearer.t.o.k"], "token=t.o.k&access_token=t.o.k"),
            token(true)
        );
        for (authorization, subprotocols, query) in [
            (&["Bearer t.o.k", "Bearer x"][..], &[][..], ""),
            (&["Bearer t.o.k"], &["haggle.v1,bearer.x"], ""),
            (&["Bearer t.o.k"], &[], "token=x"),
            (&[], &["haggle.v1,bearer.t.o.k,bearer.x"], ""),
            (&[], &["haggle.v1,bearer.t.o.k", "bearer.x"], ""),
            (&[], &["haggle.v1,bearer.t.o.k"], "access_token=x"),
            (&[], &[], "access_token=t.o.k&token=x"),
            (&[], &[], "token=t.o.k&token=x"),
            (&[], &[], "token=t.o.k&token=T.o.k"),
        ] {
            let found = find(authorization, subprotocols, query);
            assert_eq!(found, Err(AuthError::TwoTokens), "{authorization:?} {subprotocols:?} {query}");
        }
        assert_eq!(only_one(Some("a"), Some("a")), Ok(Some("a")));
        assert_eq!(only_one(None, Some("a")), Ok(Some("a")));
        assert_eq!(only_one(Some("a"), Some("b")), Err(AuthError::TwoTokens));
    }

    #[test]
    fn a_crafted_header_is_an_error() {
        let many = vec!["haggle.v1"; 17].join(",");
        let lines = vec!["haggle.v1"; 17];
        let huge = format!("haggle.v1, bearer.{}", "x".repeat(20_000));
        for subprotocols in [
            &[""][..],
            &[","],
            &["haggle.v1,"],
            &["haggle.v1,,bearer.t.o.k"],
            &["haggle.v1", ""],
            &["bearer."],
            &["haggle.v1, bearer."],
            &["bearer.t.o.k"],
            &["haggle.v2, bearer.t.o.k"],
            &["haggle.v1, bearer.t o k"],
            &["haggle.v1, bearer.t=o"],
            &["haggle.v1, bearer.토큰"],
            &["haggle.v1\u{0}"],
            &["\"haggle.v1\""],
            &[&many],
            &[&huge],
            &lines,
        ] {
            assert_eq!(find(&[], subprotocols, ""), Err(AuthError::BadSubprotocol), "{subprotocols:.80?}");
        }
        for value in
            [&b"Bearer"[..], b"Bearer ", b"Bearer \xff", b"Bearer a b", b"Bearer a\0", "Bearer 토큰".as_bytes()]
        {
            assert_eq!(find_token([value], [], ""), Err(AuthError::Malformed), "{value:?}");
        }
        assert_eq!(find_token([], [&b"haggle.v1, \xff\xfe"[..]], ""), Err(AuthError::BadSubprotocol));
        assert_eq!(find(&[], &[], "token=%ff"), Err(AuthError::Malformed));
    }

    #[test]
    fn debug_does_not_print_the_token() {
        let source = find_token([&b"Bearer s3cret"[..]], [], "").unwrap();
        assert!(!format!("{source:?}").contains("s3cret"));
    }

    #[test]
    fn a_log_names_what_was_asked_and_none_of_the_secrets() {
        for (given, logged) in [
            ("/ws/chat", "/ws/chat"),
            ("/ws/chat?", "/ws/chat?…"),
            ("/ws/chat?access_token=eyJ.x.y", "/ws/chat?access_token=…"),
            ("/ws/chat?token=eyJ.x.y&token=z", "/ws/chat?token=…&token=…"),
            ("/ws/chat?access%5Ftoken=eyJ.x.y", "/ws/chat?…"),
            ("/ws/chat?eyJ.x.y", "/ws/chat?…"),
            (
                "/socket.io/?EIO=4&transport=polling&t=abc.1&sid=s3cret",
                "/socket.io/?EIO=4&transport=polling&t=abc.1&sid=…",
            ),
            ("/api/v1/search?q=my+phone+number&limit=20", "/api/v1/search?q=…&limit=20"),
            ("/x?limit=<script>&transport=eyJ/x", "/x?limit=…&transport=…"),
            ("/x?a=1?token=2", "/x?…"),
            ("/a\nb", "/a?b"),
            ("/가", "/?"),
        ] {
            assert_eq!(redact(given), logged, "{given}");
        }
        assert!(redact(&format!("/{}", "x".repeat(10_000))).len() < 300);
        assert!(redact(&format!("/?{}", "a=b&".repeat(10_000))).len() < 300);
    }

    proptest! {
        #[test]
        fn any_headers_end_in_a_value_or_an_error(
            authorization in proptest::collection::vec(any::<Vec<u8>>(), 0..4),
            subprotocols in proptest::collection::vec(any::<Vec<u8>>(), 0..4),
            query in any::<String>(),
        ) {
            let _ = find_token(authorization.iter().map(Vec::as_slice), subprotocols.iter().map(Vec::as_slice), &query);
        }

        #[test]
        fn any_near_miss_ends_in_a_value_or_an_error(subprotocols in "[ ,.a-c]{0,8}(haggle.v1)?[ ,]{0,3}(bearer.)?[ -~]{0,8}", query in "(&?(access_)?token=?[%0-9a-f]{0,6}){0,4}") {
            let found = find_token([], [subprotocols.as_bytes()], &query);
            if let Ok(Some(source)) = found {
                prop_assert!(!source.token.is_empty());
            }
        }

        #[test]
        fn a_token_never_reaches_a_log(secret in "[A-Za-z0-9_-]{33,60}", name in "[a-zA-Z_]{0,12}", before in "[a-z=&?]{0,10}") {
            for line in [
                format!("/ws/chat?{before}&{name}={secret}"),
                format!("/ws/chat?{name}={secret}"),
                format!("/ws/chat?{secret}"),
                format!("/ws/chat?access_token={secret}&{name}={secret}"),
            ] {
                prop_assert!(!redact(&line).contains(&secret), "{}", line);
            }
        }

        #[test]
        fn a_log_line_is_one_line_of_bounded_length(path_and_query in any::<String>()) {
            let line = redact(&path_and_query);
            prop_assert!(line.len() < 1024 && !line.contains(char::is_control));
        }
    }
}
