//! `haggle serve`.

use std::process::ExitCode;

use actix_web::rt::signal::unix::{SignalKind, signal};
use futures_util::future::{Either, select};

use super::{Failure, start_logging};
use crate::{
    config::{Config, Options},
    server::{Server, ServerBuilder},
};

/// Runs the server until SIGTERM or SIGINT.
pub fn run(options: Options) -> Result<ExitCode, Failure> {
    let config = Config::try_from(options)?;
    start_logging();
    in_system(async {
        let server = ServerBuilder::new(config).start().await?;
        until_signal(server).await
    })
}

/// Runs a future in an actix system.
pub(super) fn in_system(command: impl Future<Output = Result<ExitCode, Failure>>) -> Result<ExitCode, Failure> {
    actix::System::new().block_on(command)
}

/// Serves until a signal ends it. SIGHUP reads the certificate again.
pub(super) async fn until_signal(server: Server) -> Result<ExitCode, Failure> {
    let scheme = if server.is_tls() { "https" } else { "http" };
    log::info!("listening on {scheme}://{}", server.addr());
    let signals = |kind| signal(kind).map_err(|error| Failure::new(format!("can't wait for signals: {error}")));
    let mut terminate = signals(SignalKind::terminate())?;
    let mut interrupt = signals(SignalKind::interrupt())?;
    let mut hangup = signals(SignalKind::hangup())?;
    loop {
        let ends = std::pin::pin!(async {
            select(std::pin::pin!(terminate.recv()), std::pin::pin!(interrupt.recv())).await;
        });
        match select(ends, std::pin::pin!(hangup.recv())).await {
            Either::Left(_) => break,
            Either::Right(_) if !server.is_tls() => log::info!("SIGHUP: there is no certificate to read again"),
            Either::Right(_) => match server.reload_tls() {
                Ok(()) => log::info!("read the certificate again"),
                Err(error) => log::error!("kept the old certificate: {error}"),
            },
        }
    }
    log::info!("draining");
    if !server.drain().await {
        log::warn!("the drain took longer than --drain-timeout, what was left was cut off");
    }
    log::info!("ended");
    Ok(ExitCode::SUCCESS)
}
