//! `haggle token`.

use std::process::ExitCode;

use super::{Failure, print};
use crate::{
    auth::Signer,
    clock::Clock,
    config::{Config, ConfigError, KeySource, Options, Span},
    domain::{UserId, message::SYSTEM_SENDER},
};

/// Whom the token names.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The user's id
    #[arg(long, value_name = "ID")]
    user: String,
    /// The user's name
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// The user is a member of the marketplace's staff
    #[arg(long)]
    staff: bool,
    /// For how long it is good
    #[arg(long, value_name = "SPAN", default_value = "1h")]
    expires_in: Span,
}

/// Prints a token.
pub fn run(options: Options, args: &Args) -> Result<ExitCode, Failure> {
    let user = UserId::new(&args.user).map_err(|error| ConfigError(format!("--user: {error}")))?;
    if user.as_str() == SYSTEM_SENDER {
        return Err(ConfigError("--user: `system` stands for the marketplace itself, name a user".to_owned()).into());
    }
    let signer = signer(options)?;
    let (name, ttl) = (args.name.as_deref(), args.expires_in.0);
    print(&match args.staff {
        true => signer.sign_staff(&user, name, ttl, &Clock::System),
        false => signer.sign(&user, name, ttl, &Clock::System),
    });
    Ok(ExitCode::SUCCESS)
}

/// What signs the tokens that this configuration takes. What else a server would need may be missing.
pub(super) fn signer(options: Options) -> Result<Signer, Failure> {
    let config = Config::try_from(Options {
        jwt_secret: options.jwt_secret,
        jwt_secret_file: options.jwt_secret_file,
        jwt_public_key: options.jwt_public_key,
        jwks_url: options.jwks_url,
        jwt_issuer: options.jwt_issuer,
        jwt_audience: options.jwt_audience,
        ..Options::default()
    })?;
    let KeySource::Secret(secret) = &config.keys else {
        return Err(ConfigError("tokens are signed with --jwt-secret alone, give that".to_owned()).into());
    };
    Ok(Signer::hs256(secret.expose().as_bytes()).map_err(Failure::new)?.between(config.parties))
}
