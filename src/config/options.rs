//! One layer of settings, as the command line, the environment or a file gives it.

use std::{net::SocketAddr, path::PathBuf, str::FromStr, time::Duration};

use clap::Args;
use serde::{Deserialize, Deserializer, de};

use super::{ConfigError, Secret};
use crate::domain::{
    AuthorizePolicy, MaskingPolicy, Network, WebhookEvent,
    field::without_value,
    screen::{ScreenFallback, ScreenWhen},
};

/// The longest span: a clock can still represent a time this far ahead.
const SPAN_MAX: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// A span of time as people write it: `25s`, `500ms`, `1h 30m`; a bare number is seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span(pub Duration);

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bare = text.parse::<f64>().ok().map(|secs| Duration::try_from_secs_f64(secs).ok());
        let span = bare.unwrap_or_else(|| humantime::parse_duration(text).ok());
        let span = span.filter(|span| *span <= SPAN_MAX);
        span.map(Self).ok_or_else(|| "must be a span of time like 25s, 500ms or 1h, at most 100 years".to_owned())
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Text(String),
            Whole(u64),
            Fraction(f64),
        }
        let text = match Written::deserialize(deserializer)? {
            Written::Text(text) => text,
            Written::Whole(secs) => secs.to_string(),
            Written::Fraction(secs) => secs.to_string(),
        };
        text.parse().map_err(de::Error::custom)
    }
}

/// One layer of settings. Each is a flag, an environment variable `HAGGLE_<OPTION>`, and a key of the file.
#[derive(Debug, Clone, Default, PartialEq, Args, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Options {
    /// Address and port to listen on; port 0 picks a free one, which the log names [default: 127.0.0.1:5000]
    #[arg(long, env = "HAGGLE_BIND", global = true, value_name = "ADDRESS:PORT", help_heading = "Server")]
    pub bind: Option<SocketAddr>,
    /// Where images are kept: a folder, or s3://bucket/prefix with the feature `s3` [default: the database's path and `-images`]
    #[arg(long, env = "HAGGLE_IMAGE_STORE", global = true, value_name = "FOLDER", help_heading = "Server")]
    pub image_store: Option<String>,
    /// A SQLite file, or postgres://… in a build with PostgreSQL [default: haggle.db; of `haggle demo`: haggle-demo.db]
    #[arg(long, env = "HAGGLE_DATABASE_URL", global = true, value_name = "URL", help_heading = "Server")]
    pub database_url: Option<String>,
    /// A file that holds --database-url, where that has a password in it
    #[arg(long, env = "HAGGLE_DATABASE_URL_FILE", global = true, value_name = "FILE", help_heading = "Server")]
    pub database_url_file: Option<PathBuf>,
    /// How many threads serve connections [default: the number of cores]
    #[arg(long, env = "HAGGLE_WORKERS", global = true, value_name = "N", help_heading = "Server")]
    pub workers: Option<u32>,
    /// This node's name, where several serve together: 1 to 32 of a-z, 0-9 and -. The ids of its Socket.IO sessions begin with it, so that a load balancer finds their node [default: none]
    #[arg(long, env = "HAGGLE_NODE_NAME", global = true, value_name = "NAME", help_heading = "Server")]
    pub node_name: Option<String>,
    /// The address under which browsers reach this server, as scheme://host:port, with a path where there is one: the addresses of images begin with it [default: none, they are paths of this server]
    #[arg(long, env = "HAGGLE_PUBLIC_URL", global = true, value_name = "URL", help_heading = "Server")]
    pub public_url: Option<String>,
    /// An origin whose pages may use this server, as scheme://host:port; repeatable, `*` for any [default: the same origin only]
    #[arg(
        long,
        env = "HAGGLE_ALLOWED_ORIGIN",
        global = true,
        value_name = "ORIGIN",
        value_delimiter = ',',
        help_heading = "Server"
    )]
    pub allowed_origin: Option<Vec<String>>,
    /// An origin whose pages may show /embed/frame.html in an iframe, as scheme://host:port; repeatable, `*` for any [default: none]
    #[arg(
        long,
        env = "HAGGLE_FRAME_ANCESTORS",
        global = true,
        value_name = "ORIGIN",
        value_delimiter = ',',
        help_heading = "Server"
    )]
    pub frame_ancestors: Option<Vec<String>>,
    /// Where the marketplace signs its staff in, who come back to /staff with a token in the fragment [default: none]
    #[arg(long, env = "HAGGLE_STAFF_SIGN_IN_URL", global = true, value_name = "URL", help_heading = "Server")]
    pub staff_sign_in_url: Option<String>,
    /// Reverse proxies whose X-Forwarded-For is believed, as an address or a network like 10.0.0.0/8; repeatable [default: none]
    #[arg(
        long,
        env = "HAGGLE_TRUSTED_PROXIES",
        global = true,
        value_name = "NETWORK",
        value_delimiter = ',',
        help_heading = "Server"
    )]
    pub trusted_proxies: Option<Vec<Network>>,
    /// Certificate chain in PEM; with --tls-key the server speaks TLS. Read again on SIGHUP
    #[arg(long, env = "HAGGLE_TLS_CERT", global = true, value_name = "FILE.pem", help_heading = "Server")]
    pub tls_cert: Option<PathBuf>,
    /// Private key of the certificate in PEM
    #[arg(long, env = "HAGGLE_TLS_KEY", global = true, value_name = "FILE.pem", help_heading = "Server")]
    pub tls_key: Option<PathBuf>,
    /// How often an idle connection is pinged [default: 25s]
    #[arg(long, env = "HAGGLE_PING_INTERVAL", global = true, value_name = "SPAN", help_heading = "Server")]
    pub ping_interval: Option<Span>,
    /// How long a ping may stay unanswered before the connection ends [default: 20s]
    #[arg(long, env = "HAGGLE_PING_TIMEOUT", global = true, value_name = "SPAN", help_heading = "Server")]
    pub ping_timeout: Option<Span>,
    /// How long the headers of a request may take to arrive; a TLS handshake has as long, but no more than 3s [default: 10s]
    #[arg(long, env = "HAGGLE_HANDSHAKE_TIMEOUT", global = true, value_name = "SPAN", help_heading = "Server")]
    pub handshake_timeout: Option<Span>,
    /// How long a drain (SIGTERM, SIGINT) may take [default: 10s]
    #[arg(long, env = "HAGGLE_DRAIN_TIMEOUT", global = true, value_name = "SPAN", help_heading = "Server")]
    pub drain_timeout: Option<Span>,
    /// Addresses of NATS, with commas between them, which connects several nodes on one PostgreSQL; without it a server is alone
    #[arg(
        long,
        env = "HAGGLE_NATS_URL",
        global = true,
        value_name = "URL",
        hide_env_values = true,
        help_heading = "Server"
    )]
    pub nats_url: Option<Secret>,
    /// A file that holds --nats-url, where that has a password in it
    #[arg(long, env = "HAGGLE_NATS_URL_FILE", global = true, value_name = "FILE", help_heading = "Server")]
    pub nats_url_file: Option<PathBuf>,

    /// Secret of HS256 tokens, at least 32 bytes
    #[arg(
        long,
        env = "HAGGLE_JWT_SECRET",
        global = true,
        value_name = "SECRET",
        hide_env_values = true,
        help_heading = "Identity"
    )]
    pub jwt_secret: Option<Secret>,
    /// A file that holds --jwt-secret
    #[arg(long, env = "HAGGLE_JWT_SECRET_FILE", global = true, value_name = "FILE", help_heading = "Identity")]
    pub jwt_secret_file: Option<PathBuf>,
    /// Public key of RS256, ES256 or EdDSA tokens in PEM
    #[arg(long, env = "HAGGLE_JWT_PUBLIC_KEY", global = true, value_name = "FILE.pem", help_heading = "Identity")]
    pub jwt_public_key: Option<PathBuf>,
    /// Address of a JSON Web Key Set with the public keys of tokens
    #[arg(long, env = "HAGGLE_JWKS_URL", global = true, value_name = "URL", help_heading = "Identity")]
    pub jwks_url: Option<String>,
    /// The `iss` that tokens must have [default: any]
    #[arg(long, env = "HAGGLE_JWT_ISSUER", global = true, value_name = "ISSUER", help_heading = "Identity")]
    pub jwt_issuer: Option<String>,
    /// The `aud` that tokens must have [default: any]
    #[arg(long, env = "HAGGLE_JWT_AUDIENCE", global = true, value_name = "AUDIENCE", help_heading = "Identity")]
    pub jwt_audience: Option<String>,
    /// Key of the marketplace's own backend, at least 16 characters [default: none, the service routes are closed]
    #[arg(
        long,
        env = "HAGGLE_SERVICE_KEY",
        global = true,
        value_name = "KEY",
        hide_env_values = true,
        help_heading = "Identity"
    )]
    pub service_key: Option<Secret>,
    /// A file that holds --service-key
    #[arg(long, env = "HAGGLE_SERVICE_KEY_FILE", global = true, value_name = "FILE", help_heading = "Identity")]
    pub service_key_file: Option<PathBuf>,
    /// When the database is asked who may enter a room: on-enter, every-message or room-token, which covers being in a room, and neither lists nor edits [default: on-enter]
    #[arg(long, env = "HAGGLE_AUTHORIZE", global = true, value_name = "WHEN", help_heading = "Identity")]
    pub authorize: Option<AuthorizePolicy>,
    /// What happens to a phone number, an e-mail address, a bank account or a link to a messenger, until an offer is accepted: off, warn (both members see a notice), mask (stored as ●) or block (refused) [default: warn]
    #[arg(long, env = "HAGGLE_MASKING", global = true, value_name = "POLICY", help_heading = "Safety")]
    pub masking: Option<MaskingPolicy>,
    /// For how long the words of a message that staff has removed, and what an edited one said before, are kept for the audit; then they are erased [default: 30d]
    #[arg(long, env = "HAGGLE_KEEP_REMOVED", global = true, value_name = "SPAN", help_heading = "Safety")]
    pub keep_removed: Option<Span>,

    /// Address of the marketplace's backend that is notified of unread messages and of what --webhook-events says, http:// or https:// [default: none]
    #[arg(long, env = "HAGGLE_WEBHOOK_URL", global = true, value_name = "URL", help_heading = "Webhook")]
    pub webhook_url: Option<String>,
    /// Secret that signs what the webhook is sent, at least 32 bytes; needed with --webhook-url
    #[arg(
        long,
        env = "HAGGLE_WEBHOOK_SECRET",
        global = true,
        value_name = "SECRET",
        hide_env_values = true,
        help_heading = "Webhook"
    )]
    pub webhook_secret: Option<Secret>,
    /// A file that holds --webhook-secret
    #[arg(long, env = "HAGGLE_WEBHOOK_SECRET_FILE", global = true, value_name = "FILE", help_heading = "Webhook")]
    pub webhook_secret_file: Option<PathBuf>,
    /// What the webhook is sent, with commas between them or repeated: unread, and of the events message, offer, report, mute, block, product and user [default: unread]
    #[arg(
        long,
        env = "HAGGLE_WEBHOOK_EVENTS",
        global = true,
        value_name = "EVENT",
        value_delimiter = ',',
        help_heading = "Webhook"
    )]
    pub webhook_events: Option<Vec<WebhookEvent>>,
    /// How long a message stays unread before the backend (--webhook-url) and browsers (--vapid-key-file) are notified [default: 5m]
    #[arg(long, env = "HAGGLE_NOTIFY_UNREAD_AFTER", global = true, value_name = "SPAN", help_heading = "Webhook")]
    pub notify_unread_after: Option<Span>,

    /// Private key that identifies this server to the push services of browsers, in PEM; `haggle vapid` makes one. Without it nothing is pushed
    #[arg(
        long,
        env = "HAGGLE_VAPID_KEY",
        global = true,
        value_name = "PEM",
        hide_env_values = true,
        help_heading = "Push"
    )]
    pub vapid_key: Option<Secret>,
    /// A file that holds --vapid-key
    #[arg(long, env = "HAGGLE_VAPID_KEY_FILE", global = true, value_name = "FILE.pem", help_heading = "Push")]
    pub vapid_key_file: Option<PathBuf>,
    /// How push services reach the operator, a mailto: or https:// address; needed with --vapid-key-file
    #[arg(long, env = "HAGGLE_VAPID_SUBJECT", global = true, value_name = "URL", help_heading = "Push")]
    pub vapid_subject: Option<String>,
    /// Whether push services may be at addresses of one's own network, also with http://: for tests and for a push service of one's own [default: false]
    #[arg(long, env = "HAGGLE_PUSH_ALLOW_PRIVATE", global = true, value_name = "BOOL", help_heading = "Push")]
    pub push_allow_private: Option<bool>,

    /// Address of the marketplace's backend that is asked about each message before it is stored, http:// or https://; signed with --webhook-secret [default: none]
    #[arg(long, env = "HAGGLE_SCREEN_URL", global = true, value_name = "URL", help_heading = "Screen")]
    pub screen_url: Option<String>,
    /// Which messages it is asked about, with commas between them or repeated: all, or some of links, images and first-contact [default: all]
    #[arg(
        long,
        env = "HAGGLE_SCREEN_WHEN",
        global = true,
        value_name = "WHEN",
        value_delimiter = ',',
        help_heading = "Screen"
    )]
    pub screen_when: Option<Vec<ScreenWhen>>,
    /// How long a message waits for the answer, 10ms to 10s [default: 300ms]
    #[arg(long, env = "HAGGLE_SCREEN_TIMEOUT", global = true, value_name = "SPAN", help_heading = "Screen")]
    pub screen_timeout: Option<Span>,
    /// What happens to a message without an answer: allow or refuse [default: allow]
    #[arg(long, env = "HAGGLE_SCREEN_FALLBACK", global = true, value_name = "WHAT", help_heading = "Screen")]
    pub screen_fallback: Option<ScreenFallback>,

    /// Longest message, its text and data together, in bytes, 1 to 1048576 [default: 16384]
    #[arg(long, env = "HAGGLE_MAX_MESSAGE_BYTES", global = true, value_name = "BYTES", help_heading = "Limits")]
    pub max_message_bytes: Option<usize>,
    /// Events per second of a user over all sessions, twice as many in a burst; 0 lifts it [default: 50]
    #[arg(long, env = "HAGGLE_MAX_SENDS_PER_SECOND", global = true, value_name = "N", help_heading = "Limits")]
    pub max_sends_per_second: Option<u32>,
    /// New connections per second of an address; 0 lifts it [default: 200]
    #[arg(long, env = "HAGGLE_MAX_CONNECTS_PER_SECOND", global = true, value_name = "N", help_heading = "Limits")]
    pub max_connects_per_second: Option<u32>,
    /// Open connections of an address; 0 lifts it [default: 2000]
    #[arg(long, env = "HAGGLE_MAX_CONNECTIONS_PER_ADDRESS", global = true, value_name = "N", help_heading = "Limits")]
    pub max_connections_per_address: Option<u32>,
    /// Live sessions of a user; 0 lifts it [default: 20]
    #[arg(long, env = "HAGGLE_MAX_SESSIONS_PER_USER", global = true, value_name = "N", help_heading = "Limits")]
    pub max_sessions_per_user: Option<u32>,
    /// Rooms that a session is in at once; 0 lifts it [default: 100]
    #[arg(long, env = "HAGGLE_MAX_ROOMS_PER_SESSION", global = true, value_name = "N", help_heading = "Limits")]
    pub max_rooms_per_session: Option<u32>,
    /// REST requests per second of a user; 0 lifts it [default: 50]
    #[arg(long, env = "HAGGLE_MAX_REQUESTS_PER_SECOND", global = true, value_name = "N", help_heading = "Limits")]
    pub max_requests_per_second: Option<u32>,
    /// Largest image that may be sent, in bytes, 1024 to 104857600 [default: 10485760]
    #[arg(long, env = "HAGGLE_MAX_IMAGE_BYTES", global = true, value_name = "BYTES", help_heading = "Limits")]
    pub max_image_bytes: Option<usize>,
    /// Bytes that wait for a client which reads slowly, before it is dropped [default: 262144]
    #[arg(long, env = "HAGGLE_MAX_OUTBOX_BYTES", global = true, value_name = "BYTES", help_heading = "Limits")]
    pub max_outbox_bytes: Option<usize>,
    /// How long a frame may wait for a client which reads slowly, before it is dropped [default: 15s]
    #[arg(long, env = "HAGGLE_MAX_OUTBOX_AGE", global = true, value_name = "SPAN", help_heading = "Limits")]
    pub max_outbox_age: Option<Span>,
}

impl Options {
    /// Reads the file's layer. Keys are the options' names, with `-` or `_`.
    ///
    /// # Errors
    /// One sentence that names the key that is unknown or has a bad value.
    pub fn from_toml(text: &str) -> Result<Self, ConfigError> {
        let table: toml::Table =
            text.parse().map_err(|error: toml::de::Error| ConfigError(error.message().to_owned()))?;
        let table: toml::Table = table.into_iter().map(|(key, value)| (key.replace('_', "-"), value)).collect();
        serde_path_to_error::deserialize(toml::Value::Table(table)).map_err(|error| {
            let message = without_value(error.inner().message().trim());
            match error.path().to_string().as_str() {
                "." => ConfigError(message),
                key => ConfigError(format!("`{key}`: {message}")),
            }
        })
    }

    /// This layer above another: what is set here counts.
    #[must_use]
    pub fn over(self, below: Self) -> Self {
        macro_rules! layered {
            ($($field:ident),* $(,)?) => { Self { $($field: self.$field.or(below.$field)),* } };
        }
        layered!(
            bind,
            image_store,
            database_url,
            database_url_file,
            workers,
            node_name,
            public_url,
            allowed_origin,
            frame_ancestors,
            staff_sign_in_url,
            trusted_proxies,
            tls_cert,
            tls_key,
            ping_interval,
            ping_timeout,
            handshake_timeout,
            drain_timeout,
            nats_url,
            nats_url_file,
            jwt_secret,
            jwt_secret_file,
            jwt_public_key,
            jwks_url,
            jwt_issuer,
            jwt_audience,
            service_key,
            service_key_file,
            authorize,
            masking,
            keep_removed,
            webhook_url,
            webhook_secret,
            webhook_secret_file,
            webhook_events,
            notify_unread_after,
            vapid_key,
            vapid_key_file,
            vapid_subject,
            push_allow_private,
            screen_url,
            screen_when,
            screen_timeout,
            screen_fallback,
            max_message_bytes,
            max_sends_per_second,
            max_connects_per_second,
            max_connections_per_address,
            max_sessions_per_user,
            max_rooms_per_session,
            max_requests_per_second,
            max_image_bytes,
            max_outbox_bytes,
            max_outbox_age,
        )
    }
}
