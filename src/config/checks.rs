//! What an option, or several that belong together, may be. Each refusal is one sentence for the operator.

use std::{num::NonZeroU32, path::PathBuf, time::Duration};

use super::{
    ConfigError, JWT_SECRET_BYTES_MIN, KeySource, Limits, Options, ScreenTarget, Secret, Span, TlsFiles,
    WEBHOOK_SECRET_BYTES_MIN, WebhookTarget,
    url::{is_origin, parse_http_url, parse_public_url},
};
use crate::domain::{
    WebhookEvent, WebhookEvents,
    screen::{ScreenFallback, ScreenWhen},
};

pub(super) fn refused<T>(sentence: &str) -> Result<T, ConfigError> {
    Err(ConfigError(sentence.to_owned()))
}

pub(super) fn span(given: Option<Span>, default_secs: u64) -> Duration {
    given.map_or(Duration::from_secs(default_secs), |span| span.0)
}

pub(super) fn tls_files(cert: Option<PathBuf>, key: Option<PathBuf>) -> Result<Option<TlsFiles>, ConfigError> {
    match (cert, key) {
        (Some(cert), Some(key)) => Ok(Some(TlsFiles { cert, key })),
        (None, None) => Ok(None),
        _ => refused("--tls-cert and --tls-key go together: give both or none"),
    }
}

pub(super) fn key_source(
    secret: Option<Secret>,
    public_key: Option<PathBuf>,
    jwks_url: Option<String>,
) -> Result<KeySource, ConfigError> {
    match (secret, public_key, jwks_url) {
        (Some(secret), None, None) if secret.expose().len() >= JWT_SECRET_BYTES_MIN => Ok(KeySource::Secret(secret)),
        (Some(_), None, None) => refused("--jwt-secret must have at least 32 bytes"),
        (None, Some(file), None) => Ok(KeySource::PublicKey(file)),
        (None, None, Some(url)) => Ok(KeySource::Jwks(url)),
        (None, None, None) => {
            refused("no signing key: give --jwt-secret (at least 32 bytes), --jwt-public-key or --jwks-url")
        }
        _ => refused("give one of --jwt-secret, --jwt-public-key and --jwks-url, not several"),
    }
}

pub(super) fn webhook_target(
    url: Option<String>,
    secret: Option<Secret>,
    events: Option<Vec<WebhookEvent>>,
    notify_unread_after: Option<Span>,
) -> Result<Option<WebhookTarget>, ConfigError> {
    if events.as_ref().is_some_and(Vec::is_empty) {
        return refused("--webhook-events must name at least one");
    }
    match (url, secret) {
        (None, None) if events.is_none() && notify_unread_after.is_none() => Ok(None),
        (None, _) => {
            refused("--webhook-secret, --webhook-events and --notify-unread-after are for --webhook-url: give it, too")
        }
        (Some(url), _) if parse_http_url(&url).is_none() => {
            refused("--webhook-url must be an https:// (or http://) address without a user name or password")
        }
        (Some(_), None) => refused("--webhook-url needs --webhook-secret"),
        (Some(_), Some(secret)) if secret.expose().len() < WEBHOOK_SECRET_BYTES_MIN => {
            refused("--webhook-secret must have at least 32 bytes")
        }
        (Some(url), Some(secret)) => {
            let events = events.map_or_else(WebhookEvents::default, |events| events.into_iter().collect());
            Ok(Some(WebhookTarget { url, secret, events, notify_unread_after: span(notify_unread_after, 300) }))
        }
    }
}

/// How browsers are notified by their push services.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushTarget {
    /// The private key that identifies this server, in PEM.
    pub key: Secret,
    /// How push services reach its operator: a `mailto:` or `https:` address.
    pub subject: String,
    /// Whether push services may be at addresses of the operator's own network, and without TLS.
    pub allow_private: bool,
    /// How long a message stays unread before it is pushed.
    pub notify_unread_after: Duration,
}

pub(super) fn push_target(options: &mut Options) -> Result<Option<PushTarget>, ConfigError> {
    let (subject, allow_private) = (options.vapid_subject.take(), options.push_allow_private.unwrap_or_default());
    let Some(key) = options.vapid_key.take() else {
        return match subject {
            None if !allow_private => Ok(None),
            _ => refused("--vapid-subject and --push-allow-private are for --vapid-key-file: give it, too"),
        };
    };
    let is_contact = |subject: &String| match subject.strip_prefix("mailto:") {
        Some(mail) => mail.contains('@') && mail.bytes().all(|byte| byte.is_ascii_graphic()) && mail.len() <= 254,
        None => parse_http_url(subject).is_some_and(|url| url.scheme() == "https"),
    };
    let Some(subject) = subject.filter(is_contact) else {
        return refused("--vapid-key-file needs --vapid-subject, a mailto: or https:// address of the operator");
    };
    // Without a webhook the delay is push's alone.
    let notify_unread_after = match options.webhook_url {
        Some(_) => options.notify_unread_after,
        None => options.notify_unread_after.take(),
    };
    Ok(Some(PushTarget { key, subject, allow_private, notify_unread_after: span(notify_unread_after, 300) }))
}

pub(super) fn screen_target(
    url: Option<String>,
    secret: Option<&Secret>,
    (when, timeout, fallback): (Option<Vec<ScreenWhen>>, Option<Span>, Option<ScreenFallback>),
) -> Result<Option<ScreenTarget>, ConfigError> {
    let Some(url) = url else {
        return if when.is_some() || timeout.is_some() || fallback.is_some() {
            refused("--screen-when, --screen-timeout and --screen-fallback are for --screen-url: give it, too")
        } else {
            Ok(None)
        };
    };
    if parse_http_url(&url).is_none() {
        return refused("--screen-url must be an https:// (or http://) address without a user name or password");
    }
    let Some(secret) = secret.filter(|secret| secret.expose().len() >= WEBHOOK_SECRET_BYTES_MIN) else {
        return refused("--screen-url needs --webhook-secret with at least 32 bytes");
    };
    let when = when.unwrap_or_else(|| vec![ScreenWhen::All]);
    if when.is_empty() || when.len() > 1 && when.contains(&ScreenWhen::All) {
        return refused("--screen-when must be all, or some of links, images, first-contact");
    }
    let timeout = timeout.map_or(Duration::from_millis(300), |span| span.0);
    if !(Duration::from_millis(10)..=Duration::from_secs(10)).contains(&timeout) {
        return refused("--screen-timeout must be 10ms to 10s");
    }
    let (kinds, fallback) = (when.into_iter().collect(), fallback.unwrap_or_default());
    Ok(Some(ScreenTarget { url, secret: secret.clone(), kinds, timeout, fallback }))
}

pub(super) fn limits(options: &Options) -> Result<Limits, ConfigError> {
    let message_bytes_max = options.max_message_bytes.unwrap_or(16 * 1024);
    if !(1..=1024 * 1024).contains(&message_bytes_max) {
        return refused("--max-message-bytes must be 1 to 1048576");
    }
    let image_bytes_max = options.max_image_bytes.unwrap_or(10 * 1024 * 1024);
    if !(1024..=100 * 1024 * 1024).contains(&image_bytes_max) {
        return refused("--max-image-bytes must be 1024 to 104857600");
    }
    let outbox_bytes_max = options.max_outbox_bytes.unwrap_or(256 * 1024);
    if outbox_bytes_max < 4096 {
        return refused("--max-outbox-bytes must be at least 4096");
    }
    let lifted = |limit: Option<u32>, default: u32| NonZeroU32::new(limit.unwrap_or(default));
    Ok(Limits {
        message_bytes_max,
        sends_per_second_max: lifted(options.max_sends_per_second, 50),
        connects_per_second_max: lifted(options.max_connects_per_second, 200),
        connections_per_address_max: lifted(options.max_connections_per_address, 2000),
        sessions_per_user_max: lifted(options.max_sessions_per_user, 20),
        rooms_per_session_max: lifted(options.max_rooms_per_session, 100),
        requests_per_second_max: lifted(options.max_requests_per_second, 50),
        image_bytes_max,
        outbox_bytes_max,
        outbox_age_max: span(options.max_outbox_age, 15),
    })
}

/// The origins of an option, each as a browser sends it.
pub(super) fn origins(option: &str, given: Option<Vec<String>>) -> Result<Vec<String>, ConfigError> {
    let origins = given.unwrap_or_default();
    match origins.iter().find(|origin| !is_origin(origin)) {
        Some(bad) => refused(&format!("{option} {bad}: must be scheme://host[:port] without a path, or *")),
        None => Ok(origins),
    }
}

pub(super) fn public_url(text: &str) -> Result<String, ConfigError> {
    let sentence = "--public-url must be http:// or https://, a host, and perhaps a port and a path";
    parse_public_url(text).ok_or_else(|| ConfigError(sentence.to_owned()))
}

/// An address as it was given: the marketplace may want a query or a slash at the end. The fragment is for the way back.
pub(super) fn staff_sign_in_url(text: String) -> Result<String, ConfigError> {
    match parse_http_url(&text).filter(|url| url.fragment().is_none()) {
        Some(_) => Ok(text),
        None => {
            refused("--staff-sign-in-url must be http:// or https:// and a host, without a user name and a fragment")
        }
    }
}

/// What stands in an address without an escape, and ends at a full stop.
pub(super) fn is_node_name(name: &str) -> bool {
    let plain = name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    plain && (1..=32).contains(&name.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn push_needs_a_key_and_somebody_to_complain_to() {
        let good = || Options {
            jwt_secret: Some(Secret::new("0123456789abcdef0123456789abcdef")),
            vapid_key: Some(Secret::new("checked at the start")),
            vapid_subject: Some("mailto:ops@shop.example".to_owned()),
            ..Options::default()
        };
        let config = Config::try_from(good()).unwrap();
        let push = config.push.unwrap();
        assert_eq!((push.notify_unread_after, push.allow_private), (Duration::from_secs(300), false));
        assert_eq!(config.webhook, None);
        let soon = Options::from_toml("notify-unread-after = '10s'").unwrap();
        let push = Config::try_from(good().over(soon)).unwrap().push.unwrap();
        assert_eq!(push.notify_unread_after, Duration::from_secs(10));
        for (options, part) in [
            (Options { vapid_subject: None, ..good() }, "--vapid-subject"),
            (Options { vapid_subject: Some("ops@shop.example".to_owned()), ..good() }, "--vapid-subject"),
            (Options { vapid_subject: Some("http://shop.example".to_owned()), ..good() }, "--vapid-subject"),
            (Options { vapid_key: None, ..good() }, "--vapid-key-file"),
        ] {
            let error = Config::try_from(options).unwrap_err();
            assert!(error.0.contains(part), "{error}");
        }
    }
}
