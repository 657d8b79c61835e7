//! `--public-url`: the address under which browsers reach the server.

use actix_web::http::Uri;

/// Reads the address: `http://` or `https://`, a host, perhaps a port and a path, and no more. Returns it without a slash at
/// its end, so that a path of the server can follow; `None` for anything else.
pub(super) fn parse(url: &str) -> Option<String> {
    let url = url.trim_end_matches('/');
    let uri: Uri = url.parse().ok()?;
    let authority = uri.authority()?;
    let port = authority.as_str().strip_prefix(authority.host()).unwrap_or("?");
    let good_port = port.is_empty() || uri.port_u16().is_some_and(|number| number > 0 && port == format!(":{number}"));
    let http = matches!(uri.scheme_str(), Some("http" | "https"));
    (http && good_port && !authority.host().is_empty() && uri.query().is_none() && !url.contains('#'))
        .then(|| url.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_scheme_a_host_and_perhaps_a_port_and_a_path() {
        for (url, read) in [
            ("https://chat.example", "https://chat.example"),
            ("https://chat.example/", "https://chat.example"),
            ("http://127.0.0.1:5000", "http://127.0.0.1:5000"),
            ("http://[::1]:5000", "http://[::1]:5000"),
            ("https://shop.example/chat/", "https://shop.example/chat"),
        ] {
            assert_eq!(parse(url).as_deref(), Some(read));
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
            "https://chat.example:x",
            "https://chat.example:0",
            "https://chat.example:99999",
            "https://user:key@chat.example",
            "https://user@chat.example",
            "https://chat.example?a=b",
            "https://chat.example#a",
            "https://chat example",
        ] {
            assert_eq!(parse(url), None, "{url}");
        }
    }
}
