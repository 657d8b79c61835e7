//! What each command's `--help` lists: the options that it reads, of those that all commands take.

use clap::CommandFactory as _;

use super::CommandLine;

/// What names the database.
const DATABASE: [&str; 2] = ["database_url", "database_url_file"];
/// What signs tokens, and what they must name.
const SIGNER: [&str; 4] = ["jwt_secret", "jwt_secret_file", "jwt_issuer", "jwt_audience"];

/// Whether a command reads an option, by the option's field in [`crate::config::Options`].
fn reads(command: &str, option: &str) -> bool {
    match command {
        "config" | "vapid" => false,
        _ if option == "config" => true,
        "token" => SIGNER.contains(&option),
        "bench" => SIGNER.contains(&option) || ["service_key", "service_key_file"].contains(&option),
        "health" => ["bind", "tls_cert"].contains(&option),
        "migrate" => DATABASE.contains(&option),
        "import" | "backup" | "restore" | "verify" => DATABASE.contains(&option) || option == "image_store",
        _ => true,
    }
}

/// The command line, in which each command's help hides what the command does not read. It is still taken: one environment or
/// file serves all commands.
pub(super) fn command_line() -> clap::Command {
    let mut whole = CommandLine::command();
    // Hands the options on to the commands.
    whole.build();
    whole.mut_subcommands(|command| {
        let name = command.get_name().to_owned();
        command.mut_args(|arg| {
            let is_read = !arg.is_global_set() || reads(&name, arg.get_id().as_str());
            if is_read { arg } else { arg.hide(true) }
        })
    })
}
