//! The outgoing HTTP agent: it fetches key sets, sends webhooks, and asks whether the server on this machine is ready.

use std::{sync::Arc, time::Duration};

use rustls::crypto::aws_lc_rs;
use ureq::{
    Agent,
    tls::{RootCerts, TlsConfig},
};

/// Whose certificates an agent takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// Those that lead to one of Mozilla's roots.
    PublicRoots,
    /// Any. For what sends nothing secret and believes nothing.
    Anyone,
}

/// An agent whose requests each end after `timeout`, and which goes nowhere but where it was sent.
#[must_use]
pub fn agent(timeout: Duration, trust: Trust) -> Agent {
    // The provider is named, since the process may have none, or two.
    let tls = TlsConfig::builder()
        .unversioned_rustls_crypto_provider(Arc::new(aws_lc_rs::default_provider()))
        .root_certs(RootCerts::WebPki)
        .disable_verification(trust == Trust::Anyone)
        .build();
    Agent::config_builder()
        .tls_config(tls)
        .timeout_global(Some(timeout))
        // A redirection could lead to another host, or from https to http.
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        // No surprise by an environment variable.
        .proxy(None)
        .build()
        .into()
}
