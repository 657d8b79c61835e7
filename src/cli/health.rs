//! `haggle health`.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    process::ExitCode,
    time::Duration,
};

use super::{Failure, print};
use crate::{
    config::{BIND_DEFAULT, ConfigError, Options},
    http_agent::{Trust, agent},
};

/// How long the server may take to answer. Its own question to the database gives up after 5 s.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(6);

/// Longest answer that is printed, in bytes.
const ANSWER_BYTES_MAX: u64 = 16 * 1024;

/// Asks the server that runs here with the same --bind and --tls-cert whether traffic may come, and prints its answer.
///
/// For images without a shell: exit code 0 when it is ready, 1 when it is not or does not answer.
pub fn run(options: &Options) -> Result<ExitCode, Failure> {
    let addr = reached_at(options.bind.unwrap_or(BIND_DEFAULT));
    if addr.port() == 0 {
        return Err(ConfigError("--bind: `haggle health` needs the server's port, not 0".to_owned()).into());
    }
    let scheme = if options.tls_cert.is_some() { "https" } else { "http" };
    // The certificate names the public host, not this machine's own address.
    let asked = agent(ANSWER_TIMEOUT, Trust::Anyone).get(format!("{scheme}://{addr}/readyz")).call();
    let mut answer = asked.map_err(|error| Failure::new(format!("no answer from {scheme}://{addr}: {error}")))?;
    let status = answer.status().as_u16();
    let body = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_string();
    let body = body.map_err(|error| Failure::new(format!("the answer of {scheme}://{addr} broke off: {error}")))?;
    if status == 200 {
        print(body.trim_end());
        return Ok(ExitCode::SUCCESS);
    }
    Err(Failure::new(format!("{scheme}://{addr} is not ready ({status}): {}", body.trim_end().replace('\n', " "))))
}

/// Where a server that listens on `bind` is reached from its own machine.
const fn reached_at(bind: SocketAddr) -> SocketAddr {
    let ip = match bind.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, bind.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_listens_everywhere_is_reached_on_the_loopback() {
        for (bind, reached) in
            [("0.0.0.0:5000", "127.0.0.1:5000"), ("[::]:5000", "[::1]:5000"), ("192.0.2.7:80", "192.0.2.7:80")]
        {
            assert_eq!(reached_at(bind.parse().unwrap()), reached.parse().unwrap());
        }
    }
}
