//! Variables of the environment that look like haggle's and are none: a mistyped one would be ignored without a warning.

use std::collections::BTreeSet;

use clap::{Command, CommandFactory as _};

use super::CommandLine;

/// What every variable of haggle's begins with.
const PREFIX: &str = "HAGGLE_";

/// Warns of each variable that looks like one of haggle's and is none, and names the nearest that is. The warning does not
/// contain the value.
pub(super) fn warn_of_unknown_variables() {
    let known = known_variables(&CommandLine::command());
    for (name, value) in std::env::vars_os() {
        let (name, value) = (name.to_string_lossy(), value.to_string_lossy());
        if is_of_kubernetes(&name, &value) {
            continue;
        }
        if let Some(nearest) = nearest_of_unknown(&name, &known) {
            log::warn!("{name} is not a variable of haggle's and counts for nothing; the nearest is {nearest}");
        }
    }
}

fn known_variables(command: &Command) -> BTreeSet<String> {
    let own = command.get_arguments().filter_map(|argument| argument.get_env()?.to_str().map(str::to_owned));
    own.chain(command.get_subcommands().flat_map(known_variables)).collect()
}

/// The known variable that an unknown one is nearest to; `None` for a known one, and for one of another prefix.
fn nearest_of_unknown<'a>(name: &str, known: &'a BTreeSet<String>) -> Option<&'a str> {
    if !name.starts_with(PREFIX) || known.contains(name) {
        return None;
    }
    known.iter().map(String::as_str).min_by_key(|candidate| strsim::levenshtein(name, candidate))
}

/// Kubernetes sets variables for its services in each container: HAGGLE_SERVICE_HOST, HAGGLE_PORT_80_TCP_ADDR, and
/// HAGGLE_PORT with an address and not the number that an operator may have meant.
fn is_of_kubernetes(name: &str, value: &str) -> bool {
    match name.strip_prefix(PREFIX) {
        Some("PORT") => value.contains("://"),
        Some(rest) => ["SERVICE_HOST", "SERVICE_PORT", "PORT_"].iter().any(|own| rest.starts_with(own)),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_name_is_answered_with_the_nearest_and_others_are_left_alone() {
        let known = known_variables(&CommandLine::command());
        assert!(known.contains("HAGGLE_BIND") && known.contains("HAGGLE_CONFIG"), "{known:?}");
        for (name, nearest) in [
            ("HAGGLE_DATABSE_URL", Some("HAGGLE_DATABASE_URL")),
            ("HAGGLE_JWT_SECRETS", Some("HAGGLE_JWT_SECRET")),
            ("HAGGLE_ALLOWED_ORIGINS", Some("HAGGLE_ALLOWED_ORIGIN")),
            ("HAGGLE_ÅLLOWED_ORIGIN", Some("HAGGLE_ALLOWED_ORIGIN")),
            ("HAGGLE_BIND", None),
            ("PATH", None),
        ] {
            assert_eq!(nearest_of_unknown(name, &known), nearest, "{name}");
        }
    }

    #[test]
    fn what_kubernetes_says_of_a_service_called_haggle_is_left_alone() {
        for (name, value, is_its) in [
            ("HAGGLE_SERVICE_HOST", "10.0.0.1", true),
            ("HAGGLE_SERVICE_PORT_HTTP", "80", true),
            ("HAGGLE_PORT", "tcp://10.0.0.1:80", true),
            ("HAGGLE_PORT", "8080", false),
            ("HAGGLE_PORT_80_TCP_ADDR", "10.0.0.1", true),
            ("HAGGLE_SERVICEKEY", "key", false),
        ] {
            assert_eq!(is_of_kubernetes(name, value), is_its, "{name}={value}");
        }
    }
}
