//! The outgoing HTTP agent: it fetches key sets, sends webhooks, calls push services, and asks whether the server on this machine
//! is ready.

use std::{io, sync::Arc, time::Duration};

use rustls::crypto::aws_lc_rs;
use ureq::{
    Agent,
    config::{Config, ConfigBuilder},
    http::Uri,
    tls::{RootCerts, TlsConfig},
    typestate::AgentScope,
    unversioned::{
        resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver},
        transport::{DefaultConnector, NextTimeout},
    },
};

use crate::domain::network;

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
    config(timeout, trust).build().into()
}

/// The same for addresses that a stranger has given: it connects to nothing but the public internet, by https, whatever a name
/// resolves to.
#[must_use]
pub fn agent_to_the_public(timeout: Duration) -> Agent {
    let (connector, config) = (DefaultConnector::default(), config(timeout, Trust::PublicRoots));
    Agent::with_parts(config.https_only(true).build(), connector, PublicResolver(DefaultResolver::default()))
}

/// Finds the addresses of a name, and leaves out those that are not public. The agent connects to those that are left, and asks
/// nobody again: a name can't resolve to something else in between.
#[derive(Debug)]
struct PublicResolver(DefaultResolver);

impl Resolver for PublicResolver {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let mut public = self.empty();
        for address in self.0.resolve(uri, config, timeout)?.iter().filter(|address| network::is_public(address.ip())) {
            public.push(*address);
        }
        if public.is_empty() {
            let refused =
                io::Error::new(io::ErrorKind::PermissionDenied, "it is not an address of the public internet");
            return Err(refused.into());
        }
        Ok(public)
    }
}

fn config(timeout: Duration, trust: Trust) -> ConfigBuilder<AgentScope> {
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
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_name_of_this_machine_is_not_called_for_a_stranger() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let agent = agent_to_the_public(Duration::from_secs(5));
        for url in [format!("https://localhost:{port}/"), format!("https://127.0.0.1:{port}/")] {
            let error = agent.get(&url).call().unwrap_err();
            assert!(error.to_string().contains("public internet"), "{error}");
        }
        let error = agent.get("http://push.example/").call().unwrap_err();
        assert!(matches!(error, ureq::Error::RequireHttpsOnly(_)), "{error}");
        assert_eq!(listener.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock, "nobody has connected");
    }
}
