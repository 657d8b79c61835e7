//! `haggle vapid`.

use std::{
    fs::OpenOptions,
    io::{ErrorKind, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::PathBuf,
    process::ExitCode,
};

use super::{Failure, print};
use crate::{auth::VapidKey, config::read_text};

/// Where the key is.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The private key in PEM, which only its owner can read; made where there is none
    #[arg(value_name = "FILE.pem")]
    file: PathBuf,
}

/// Prints the public key of the file, and makes the file where there is none. It never changes one: subscriptions are bound to
/// their key.
pub fn run(args: &Args) -> Result<ExitCode, Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::new(format!("{}: {error}", args.file.display()));
    let pem = match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&args.file) {
        Ok(mut file) => {
            let pem = VapidKey::generate().map_err(|_| failed(&"the system gives no random bytes"))?;
            file.write_all(pem.as_bytes()).and_then(|()| file.sync_all()).map_err(|error| failed(&error))?;
            pem
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            read_text(&args.file).map_err(|error| failed(&error))?
        }
        Err(error) => return Err(failed(&error)),
    };
    let key = VapidKey::from_pem(&pem).map_err(|error| failed(&error))?;
    print(key.public_key());
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::*;

    #[test]
    fn a_key_is_made_once_and_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("vapid.pem");
        let args = Args { file: file.clone() };
        run(&args).unwrap();
        let made = fs::read(&file).unwrap();
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        run(&args).unwrap();
        assert_eq!(fs::read(&file).unwrap(), made);
        fs::write(&file, "no key").unwrap();
        assert!(run(&args).is_err());
        assert_eq!(fs::read(&file).unwrap(), b"no key");
    }
}
