//! Where a handshake carries its token, and how a request is written to a log without it.
//!
//! In this order (CONTRACT.md section 2): `Authorization: Bearer <token>`; `Sec-WebSocket-Protocol: haggle.v1, bearer.<token>`;
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

/// Finds the one token of a handshake, in the values of its `Authorization` and `Sec-WebSocket-Protocol` headers and in its query
/// (without `?`). The same token in several places is one token. An `Authorization` of another scheme than Bearer is someone else's, and passed over.
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

struct Offer<'a> {
    selects: bool,
    token: Option<&'a str>,
}

/// Reads a list of names (RFC 6455 section 4.2.1), of which each is an RFC 9110 token.
fn read_subprotocols<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> Result<Offer<'a>, AuthError> {
    let mut offer = Offer { selects: false, token: None };
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

/// Parameters of which a log names the presence alone: tokens, session ids, and what a user searches for.
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
