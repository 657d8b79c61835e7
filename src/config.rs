//! Settings: [`Options`] are one layer of them (flags and environment, or the file), [`Config`] is what they add up to.

#![warn(missing_docs)]

mod checks;
mod options;
mod sample;
mod secret_files;
mod text_file;
mod url;

pub use checks::PushTarget;
pub use options::{Options, Span};
pub use sample::SAMPLE;
pub(crate) use text_file::{plain_text, read_text};
pub(crate) use url::parse_http_url;

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    num::NonZeroU32,
    path::PathBuf,
    str::FromStr,
    time::Duration,
};

use serde::Deserialize;
use thiserror::Error;

use self::checks::{
    is_node_name, key_source, limits, origins, public_url, push_target, refused, screen_target, span,
    staff_sign_in_url, tls_files, webhook_target,
};
use crate::domain::{
    AuthorizePolicy, MaskingPolicy, Network, WebhookEvents,
    screen::{ScreenFallback, ScreenedKinds},
};

/// Between whom a token is: what a server demands of each, and what it writes into its own. `None` leaves one open.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parties {
    /// Who signs it, its `iss`.
    pub issuer: Option<String>,
    /// Whom it is for, its `aud` or one of them.
    pub audience: Option<String>,
}

/// A setting that can't be used; one sentence that names it.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{0}")]
pub struct ConfigError(pub String);

/// A text that must not reach a log: its `Debug` prints nothing of it.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Takes the text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the place that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl FromStr for Secret {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self::new(text))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// Where the keys of tokens come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// HS256 with a shared secret.
    Secret(Secret),
    /// RS256, ES256 or EdDSA with the public key in a PEM file.
    PublicKey(PathBuf),
    /// A JSON Web Key Set by its address.
    Jwks(String),
}

/// The files of TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// Certificate chain in PEM.
    pub cert: PathBuf,
    /// Its private key in PEM.
    pub key: PathBuf,
}

/// Where the marketplace's backend is notified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookTarget {
    /// Its address.
    pub url: String,
    /// Signs what it is sent.
    pub secret: Secret,
    /// What it is sent.
    pub events: WebhookEvents,
    /// How long a message stays unread before the backend is notified.
    pub notify_unread_after: Duration,
}

/// Where the marketplace is asked about messages before they are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScreenTarget {
    /// Its address.
    pub url: String,
    /// Signs the questions.
    pub secret: Secret,
    /// Which messages it is asked about.
    pub kinds: ScreenedKinds,
    /// How long a message waits.
    pub timeout: Duration,
    /// What happens to one without an answer.
    pub fallback: ScreenFallback,
}

/// Limits of what one client may cost. `None` where the operator lifted one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Longest message, its text and data together, in bytes.
    pub message_bytes_max: usize,
    /// Events per second of a user, over all sessions and REST.
    pub sends_per_second_max: Option<NonZeroU32>,
    /// New connections per second of an address.
    pub connects_per_second_max: Option<NonZeroU32>,
    /// Open connections of an address.
    pub connections_per_address_max: Option<NonZeroU32>,
    /// Live sessions of a user.
    pub sessions_per_user_max: Option<NonZeroU32>,
    /// Rooms that a session is in at once.
    pub rooms_per_session_max: Option<NonZeroU32>,
    /// REST requests per second of a user.
    pub requests_per_second_max: Option<NonZeroU32>,
    /// Largest image that may be sent, in bytes.
    pub image_bytes_max: usize,
    /// Bytes that wait for a client which reads slowly.
    pub outbox_bytes_max: usize,
    /// How long a frame may wait for a client which reads slowly.
    pub outbox_age_max: Duration,
}

impl Limits {
    /// No limits but those of memory, for what is served without clients to fear.
    #[must_use]
    pub fn none() -> Self {
        Self {
            message_bytes_max: 1024 * 1024,
            sends_per_second_max: None,
            connects_per_second_max: None,
            connections_per_address_max: None,
            sessions_per_user_max: None,
            rooms_per_session_max: None,
            requests_per_second_max: None,
            image_bytes_max: 100 * 1024 * 1024,
            outbox_bytes_max: 256 * 1024,
            outbox_age_max: Duration::from_secs(15),
        }
    }

    /// Longest message of the transport. Well above the message's own limit, and JSON may write one byte as six
    /// (`\u0000`), so that a long message gets `too_large` and not a lost connection.
    #[must_use]
    pub fn transport_bytes_max(&self) -> usize {
        self.message_bytes_max.saturating_mul(8).saturating_add(64 * 1024)
    }
}

/// What the server runs with.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Where it listens.
    pub bind: SocketAddr,
    /// Where images are kept.
    pub image_store: String,
    /// Its database.
    pub database_url: String,
    /// NATS, where it is one node of several. The address may hold a password.
    pub nats_url: Option<Secret>,
    /// Threads that serve connections.
    pub workers: usize,
    /// The address under which browsers reach it, without a slash at its end.
    pub public_url: Option<String>,
    /// Its name among several nodes.
    pub node_name: Option<String>,
    /// Origins whose pages may use it, in addition to its own.
    pub allowed_origins: Vec<String>,
    /// Origins whose pages may show the messenger in a frame.
    pub frame_ancestors: Vec<String>,
    /// Where the marketplace signs its staff in, without a slash at its end.
    pub staff_sign_in_url: Option<String>,
    /// Reverse proxies that say for whom they ask.
    pub trusted_proxies: Vec<Network>,
    /// TLS, or plain when `None`.
    pub tls: Option<TlsFiles>,
    /// How often an idle connection is pinged.
    pub ping_interval: Duration,
    /// How long a ping may stay unanswered.
    pub ping_timeout: Duration,
    /// How long the headers of a request may take to arrive.
    pub handshake_timeout: Duration,
    /// How long a drain may take.
    pub drain_timeout: Duration,
    /// Who signs tokens.
    pub keys: KeySource,
    /// The issuer and audience that tokens must name in addition to the user.
    pub parties: Parties,
    /// The marketplace's own backend.
    pub service_key: Option<Secret>,
    /// When the database is asked who may enter.
    pub authorize: AuthorizePolicy,
    /// What happens to a message with a contact in it.
    pub masking: MaskingPolicy,
    /// For how long the words of removed messages are kept.
    pub keep_removed: Duration,
    /// Where notifications and events are sent, if anywhere.
    pub webhook: Option<WebhookTarget>,
    /// Where messages are asked about before they are stored, if anywhere.
    pub screen: Option<ScreenTarget>,
    /// How browsers are notified, if at all.
    pub push: Option<PushTarget>,
    /// What one client may cost.
    pub limits: Limits,
    /// Whether the demo's own routes exist.
    pub demo: bool,
}

/// Default of `--bind`.
pub const BIND_DEFAULT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 5000);

/// Default of `--database-url`.
pub const DATABASE_URL_DEFAULT: &str = "haggle.db";

/// Shortest secret of webhooks, in bytes: the hash's own length (RFC 2104 section 3).
pub const WEBHOOK_SECRET_BYTES_MIN: usize = 32;

/// Shortest secret of HS256, in bytes: the hash's own length (RFC 7518 section 3.2).
pub const JWT_SECRET_BYTES_MIN: usize = 32;

impl TryFrom<Options> for Config {
    type Error = ConfigError;

    fn try_from(options: Options) -> Result<Self, ConfigError> {
        let mut options = options.with_secrets_read()?;
        let limits = limits(&options)?;
        let push = push_target(&mut options)?;
        let tls = tls_files(options.tls_cert, options.tls_key)?;
        let keys = key_source(options.jwt_secret, options.jwt_public_key, options.jwks_url)?;
        if options.service_key.as_ref().is_some_and(|key| key.expose().chars().count() < 16) {
            return refused("--service-key must have at least 16 characters");
        }
        let screen = screen_target(
            options.screen_url,
            options.webhook_secret.as_ref(),
            (options.screen_when, options.screen_timeout, options.screen_fallback),
        )?;
        // Without a webhook the secret is the screen's alone.
        let webhook_secret = options.webhook_secret.filter(|_| options.webhook_url.is_some() || screen.is_none());
        let webhook =
            webhook_target(options.webhook_url, webhook_secret, options.webhook_events, options.notify_unread_after)?;
        let database_url = options.database_url.unwrap_or_else(|| DATABASE_URL_DEFAULT.to_owned());
        let workers = match options.workers {
            Some(workers @ 1..=1024) => workers as usize,
            Some(_) => return refused("--workers must be 1 to 1024"),
            None => std::thread::available_parallelism().map_or(1, usize::from),
        };
        let (ping_interval, ping_timeout) = (span(options.ping_interval, 25), span(options.ping_timeout, 20));
        if ping_interval.is_zero() || ping_timeout.is_zero() {
            return refused("--ping-interval and --ping-timeout must be longer than 0");
        }
        let allowed_origins = origins("--allowed-origin", options.allowed_origin)?;
        let frame_ancestors = origins("--frame-ancestors", options.frame_ancestors)?;
        if options.node_name.as_ref().is_some_and(|name| !is_node_name(name)) {
            return refused("--node-name must be 1 to 32 characters of a-z, 0-9 and -");
        }
        Ok(Self {
            bind: options.bind.unwrap_or(BIND_DEFAULT),
            image_store: options.image_store.unwrap_or_else(|| image_store_beside(&database_url)),
            database_url,
            nats_url: options.nats_url,
            workers,
            public_url: options.public_url.as_deref().map(public_url).transpose()?,
            node_name: options.node_name,
            allowed_origins,
            frame_ancestors,
            staff_sign_in_url: options.staff_sign_in_url.map(staff_sign_in_url).transpose()?,
            trusted_proxies: options.trusted_proxies.unwrap_or_default(),
            tls,
            ping_interval,
            ping_timeout,
            handshake_timeout: span(options.handshake_timeout, 10),
            drain_timeout: span(options.drain_timeout, 10),
            keys,
            parties: Parties { issuer: options.jwt_issuer, audience: options.jwt_audience },
            service_key: options.service_key,
            authorize: options.authorize.unwrap_or_default(),
            masking: options.masking.unwrap_or_default(),
            keep_removed: span(options.keep_removed, 30 * 24 * 60 * 60),
            webhook,
            screen,
            push,
            limits,
            demo: false,
        })
    }
}

/// Default of `--image-store`: next to the database.
#[must_use]
pub(crate) fn image_store_beside(database_url: &str) -> String {
    format!("{}-images", folder_of(database_url))
}

/// The path of a SQLite file without its scheme; images of any other database go into haggle's working directory.
fn folder_of(database_url: &str) -> &str {
    let path = database_url.strip_prefix("sqlite://").or_else(|| database_url.strip_prefix("sqlite:"));
    match path.unwrap_or(database_url) {
        other if other.contains("://") => "haggle",
        path => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{WebhookEvent, screen::ScreenWhen};

    fn secret() -> Option<Secret> {
        Some(Secret::new("0123456789abcdef0123456789abcdef"))
    }

    #[test]
    fn a_flag_counts_before_the_file_and_the_file_before_the_default() {
        let file = Options::from_toml("max-message-bytes = 100\nping_interval = '2s'\nworkers = 3").unwrap();
        let flags = Options { max_message_bytes: Some(7), jwt_secret: secret(), ..Options::default() };
        let config = Config::try_from(flags.over(file)).unwrap();
        assert_eq!(config.limits.message_bytes_max, 7);
        assert_eq!(config.ping_interval, Duration::from_secs(2));
        assert_eq!(config.workers, 3);
        assert_eq!(config.ping_timeout, Duration::from_secs(20));
    }

    #[test]
    fn an_unknown_key_or_a_bad_value_is_named() {
        assert!(Options::from_toml("colour = 1").unwrap_err().0.contains("colour"));
        assert!(Options::from_toml("ping-interval = 'soon'").unwrap_err().0.contains("ping-interval"));
        assert!(Options::from_toml("workers = -1").unwrap_err().0.contains("workers"));
    }

    #[test]
    fn the_address_of_the_staffs_sign_in_stays_as_it_was_given() {
        let read = |url: &str| {
            let options =
                Options { jwt_secret: secret(), staff_sign_in_url: Some(url.to_owned()), ..Options::default() };
            Config::try_from(options).map(|config| config.staff_sign_in_url)
        };
        for url in ["https://shop.example/staff/", "http://localhost:3000/sign-in?next=chat"] {
            assert_eq!(read(url).unwrap().as_deref(), Some(url));
        }
        for url in ["shop.example", "javascript:alert(1)", "https://user@shop.example", "https://shop.example/#chat"] {
            assert!(read(url).unwrap_err().0.contains("--staff-sign-in-url"), "{url}");
        }
    }

    #[test]
    fn a_server_without_a_signing_key_does_not_start() {
        assert!(Config::try_from(Options::default()).unwrap_err().0.contains("no signing key"));
        let short = Options { jwt_secret: Some(Secret::new("short")), ..Options::default() };
        assert!(Config::try_from(short).unwrap_err().0.contains("32 bytes"));
    }

    #[test]
    fn what_no_machine_can_do_is_refused() {
        let workers = Options { workers: Some(100_000), jwt_secret: secret(), ..Options::default() };
        assert!(Config::try_from(workers).unwrap_err().0.contains("--workers"));
        assert!("1e19".parse::<Span>().is_err());
    }

    #[test]
    fn a_node_has_a_name_that_a_load_balancer_can_match() {
        let named = |name: &str| {
            let options = Options { node_name: Some(name.to_owned()), jwt_secret: secret(), ..Options::default() };
            Config::try_from(options)
        };
        assert_eq!(named("node-1").unwrap().node_name.as_deref(), Some("node-1"));
        for bad in ["", "a.b", "Node", "a b", &"a".repeat(33)] {
            assert!(named(bad).unwrap_err().0.contains("--node-name"), "{bad}");
        }
    }

    #[test]
    fn a_bad_network_of_proxies_is_named() {
        let file = Options::from_toml("trusted-proxies = ['10.0.0.0/8', '::1']").unwrap();
        assert_eq!(file.trusted_proxies.map(|networks| networks.len()), Some(2));
        assert!(Options::from_toml("trusted-proxies = ['10.0.0.0/99']").unwrap_err().0.contains("trusted-proxies"));
    }

    #[test]
    fn zero_lifts_a_limit() {
        let options = Options { max_sends_per_second: Some(0), jwt_secret: secret(), ..Options::default() };
        assert_eq!(Config::try_from(options).unwrap().limits.sends_per_second_max, None);
    }

    #[test]
    fn a_bare_number_is_seconds() {
        assert_eq!("5".parse(), Ok(Span(Duration::from_secs(5))));
        assert_eq!("0.5".parse(), Ok(Span(Duration::from_millis(500))));
        assert_eq!("300ms".parse(), Ok(Span(Duration::from_millis(300))));
        assert!("-1".parse::<Span>().is_err() && "x".parse::<Span>().is_err());
    }

    #[test]
    fn a_webhook_needs_an_address_and_a_secret() {
        let good = || Options {
            jwt_secret: secret(),
            webhook_url: Some("https://shop.example/haggle".to_owned()),
            webhook_secret: secret(),
            ..Options::default()
        };
        let webhook = Config::try_from(good()).unwrap().webhook.unwrap();
        assert_eq!((webhook.notify_unread_after, webhook.events), (Duration::from_secs(300), WebhookEvents::default()));
        let some = Options::from_toml("webhook-events = ['message', 'report']").unwrap();
        let events = Config::try_from(good().over(some)).unwrap().webhook.unwrap().events;
        assert_eq!(events, [WebhookEvent::Report, WebhookEvent::Message].into_iter().collect());
        let unknown = Options::from_toml("webhook-events = ['massage']").unwrap_err();
        assert!(unknown.0.contains("webhook-events") && unknown.0.contains("unread, message, offer"), "{unknown}");
        for (options, part) in [
            (Options { webhook_secret: None, ..good() }, "--webhook-secret"),
            (Options { webhook_secret: Some(Secret::new("short")), ..good() }, "32 bytes"),
            (Options { webhook_url: None, ..good() }, "--webhook-url"),
            (
                Options {
                    webhook_url: None,
                    webhook_secret: None,
                    webhook_events: Some(vec![WebhookEvent::Message]),
                    ..good()
                },
                "--webhook-url",
            ),
            (Options { webhook_events: Some(vec![]), ..good() }, "--webhook-events"),
            (Options { webhook_url: Some("ftp://shop.example".to_owned()), ..good() }, "--webhook-url"),
            (Options { webhook_url: Some("https://user:key@shop.example".to_owned()), ..good() }, "--webhook-url"),
            (Options { webhook_url: Some("https:///path".to_owned()), ..good() }, "--webhook-url"),
        ] {
            let error = Config::try_from(options).unwrap_err();
            assert!(error.0.contains(part) && !error.0.contains("key@"), "{error}");
        }
    }

    #[test]
    fn a_screen_needs_an_address_a_secret_and_a_deadline() {
        let good = || Options {
            jwt_secret: secret(),
            screen_url: Some("https://shop.example/screen".to_owned()),
            webhook_secret: secret(),
            ..Options::default()
        };
        let config = Config::try_from(good()).unwrap();
        let screen = config.screen.unwrap();
        assert_eq!((screen.timeout, screen.fallback), (Duration::from_millis(300), ScreenFallback::Allow));
        assert_eq!((screen.kinds, config.webhook), ([ScreenWhen::All].into_iter().collect(), None));
        let both = Options { webhook_url: Some("https://shop.example/hook".to_owned()), ..good() };
        let config = Config::try_from(both).unwrap();
        assert!(config.screen.is_some() && config.webhook.is_some());
        let some = Options::from_toml("screen-when = ['links', 'first-contact']\nscreen-fallback = 'refuse'").unwrap();
        let screen = Config::try_from(good().over(some)).unwrap().screen.unwrap();
        assert_eq!(screen.kinds, [ScreenWhen::FirstContact, ScreenWhen::Links].into_iter().collect());
        assert_eq!(screen.fallback, ScreenFallback::Refuse);
        for (options, part) in [
            (Options { webhook_secret: None, ..good() }, "--webhook-secret"),
            (Options { webhook_secret: Some(Secret::new("short")), ..good() }, "32 bytes"),
            (Options { screen_url: Some("shop.example".to_owned()), ..good() }, "--screen-url"),
            (Options { screen_url: None, webhook_secret: None, screen_when: Some(vec![]), ..good() }, "--screen-url"),
            (Options { screen_when: Some(vec![]), ..good() }, "--screen-when"),
            (Options { screen_when: Some(vec![ScreenWhen::All, ScreenWhen::Links]), ..good() }, "--screen-when"),
            (Options { screen_timeout: Some(Span(Duration::ZERO)), ..good() }, "--screen-timeout"),
        ] {
            let error = Config::try_from(options).unwrap_err();
            assert!(error.0.contains(part), "{error}");
        }
        assert!(Options::from_toml("screen-when = ['sometimes']").unwrap_err().0.contains("links, images"));
    }
}
