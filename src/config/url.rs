//! Addresses that an operator gives.

use ::url::Url;

/// Reads an address of any scheme with a host that is written out, perhaps a port, and neither user nor password.
pub(super) fn parse(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    // The crate repairs what a browser repairs; a setting is as it should be, or refused.
    let (_, after_scheme) = text.split_once("://")?;
    let authority = after_scheme.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    let names_host = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
    let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic()) && authority.bytes().all(names_host);
    let is_whole = !authority.is_empty() && !authority.ends_with(':') && url.port() != Some(0);
    (is_plain && is_whole).then_some(url)
}

/// Reads an address of http or https.
#[must_use]
pub fn parse_http_url(text: &str) -> Option<Url> {
    parse(text).filter(|url| matches!(url.scheme(), "http" | "https"))
}

/// Reads `--public-url`: http or https, a host, perhaps a port and a path, and no more. Returns it without a slash at its end, so
/// that a path of the server can follow.
pub(super) fn parse_public_url(text: &str) -> Option<String> {
    let text = text.trim_end_matches('/');
    let url = parse_http_url(text)?;
    (url.query().is_none() && url.fragment().is_none()).then(|| text.to_owned())
}

/// Whether a text is an origin as browsers write it (RFC 6454 section 6.2), scheme, host and perhaps a port, or `*`.
pub(super) fn is_origin(text: &str) -> bool {
    let has_rest = |url: &Url| !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some();
    text == "*" || (!text.ends_with('/') && parse(text).is_some_and(|url| !has_rest(&url)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_url_has_a_scheme_a_host_and_perhaps_a_port_and_a_path() {
        for (url, read) in [
            ("https://chat.example", "https://chat.example"),
            ("https://chat.example/", "https://chat.example"),
            ("http://127.0.0.1:5000", "http://127.0.0.1:5000"),
            ("http://[::1]:5000", "http://[::1]:5000"),
            ("https://shop.example/chat/", "https://shop.example/chat"),
        ] {
            assert_eq!(parse_public_url(url).as_deref(), Some(read));
        }
        for url in [
            "",
            "chat.example",
            "//chat.example",
            "/chat",
            "ftp://chat.example",
            "wss://chat.example",
            "https://",
            "https:///chat",
            "https://:443",
            "https:\\\\chat.example",
            "https:chat.example",
            "https://chat.example:",
            "https://chat.example:x",
            "https://chat.example:0",
            "https://chat.example:99999",
            "https://user:key@chat.example",
            "https://user@chat.example",
            "https://chat.example?a=b",
            "https://chat.example#a",
            "https://chat example",
        ] {
            assert_eq!(parse_public_url(url), None, "{url}");
        }
    }

    #[test]
    fn an_origin_that_no_browser_sends_is_refused() {
        for origin in ["*", "https://shop.example", "http://localhost:3000", "http://[::1]:80", "capacitor://localhost"]
        {
            assert!(is_origin(origin), "{origin}");
        }
        for other in [
            "",
            "null",
            "shop.example",
            "https://",
            "https://a.b/",
            "https://a.b/a",
            "https://a.b?a",
            "https://u@a.b",
            "http://exa\"mple",
            "https://[::1",
            "ht tp://x",
        ] {
            assert!(!is_origin(other), "{other}");
        }
    }
}
