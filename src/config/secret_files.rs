//! Secrets from files, as containers, orchestrators and service managers hand them out: a secret on a command line or in the
//! environment is seen by anyone who may list processes.

use std::{convert::Infallible, fs::File, io::Read, path::PathBuf, str::FromStr};

use super::{ConfigError, Options, plain_text};

/// Largest file that is taken for a secret, in bytes. Keeps a wrong path, such as a device, from being read without an end.
const SECRET_FILE_BYTES_MAX: u64 = 64 * 1024;

impl Options {
    /// Puts what the files of this layer hold in the place of their names. Once that is done it changes nothing.
    ///
    /// Done for each layer before one goes [`over`](Self::over) the next, so that a file named by a flag counts before a
    /// secret that stands in the configuration file.
    ///
    /// # Errors
    /// One sentence that names the option: a file that can't be read, is empty, is larger than 64 KiB or no UTF-8, and an
    /// option that is given both ways.
    pub fn with_secrets_read(mut self) -> Result<Self, ConfigError> {
        fill("--jwt-secret", &mut self.jwt_secret, self.jwt_secret_file.take())?;
        fill("--service-key", &mut self.service_key, self.service_key_file.take())?;
        fill("--webhook-secret", &mut self.webhook_secret, self.webhook_secret_file.take())?;
        fill("--vapid-key", &mut self.vapid_key, self.vapid_key_file.take())?;
        fill("--database-url", &mut self.database_url, self.database_url_file.take())?;
        fill("--nats-url", &mut self.nats_url, self.nats_url_file.take())?;
        Ok(self)
    }
}

fn fill<T>(option: &str, value: &mut Option<T>, file: Option<PathBuf>) -> Result<(), ConfigError>
where
    T: FromStr<Err = Infallible>,
{
    let Some(path) = file else { return Ok(()) };
    if value.is_some() {
        return Err(ConfigError(format!("give one of {option} and {option}-file, not both")));
    }
    let refused = |why: &str| ConfigError(format!("{option}-file {}: {why}", path.display()));
    let mut text = String::new();
    let read = File::open(&path).and_then(|file| file.take(SECRET_FILE_BYTES_MAX + 1).read_to_string(&mut text));
    read.map_err(|error| refused(&error.to_string()))?;
    if text.len() as u64 > SECRET_FILE_BYTES_MAX {
        return Err(refused("is larger than 64 KiB"));
    }
    // Editors and `echo` end a file with a newline, which is not part of the secret; some begin it with a mark.
    let text = plain_text(&text);
    let text = text.trim_end_matches(['\n', '\r']);
    if text.is_empty() {
        return Err(refused("is empty"));
    }
    *value = text.parse().ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::config::Secret;

    fn file(folder: &TempDir, name: &str, text: impl AsRef<[u8]>) -> Option<PathBuf> {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        Some(path)
    }

    #[test]
    fn a_file_is_read_without_the_newline_at_its_end() {
        let folder = TempDir::new().unwrap();
        let options = Options {
            jwt_secret_file: file(&folder, "jwt", "a secret \n"),
            service_key_file: file(&folder, "key", "\u{feff}key\r\n"),
            webhook_secret_file: file(&folder, "hook", "\u{feff}hook"),
            database_url_file: file(&folder, "db", "postgres://haggle:pw@db/haggle\n\n"),
            nats_url_file: file(&folder, "nats", "nats://nats"),
            ..Options::default()
        };
        let read = options.with_secrets_read().unwrap();
        assert_eq!(read.jwt_secret, Some(Secret::new("a secret ")));
        assert_eq!(read.service_key, Some(Secret::new("key")));
        assert_eq!(read.webhook_secret, Some(Secret::new("hook")));
        assert_eq!(read.database_url.as_deref(), Some("postgres://haggle:pw@db/haggle"));
        assert_eq!(read.nats_url, Some(Secret::new("nats://nats")));
        assert_eq!(read.clone().with_secrets_read(), Ok(read));
    }

    #[test]
    fn a_file_of_a_higher_layer_counts_before_a_secret_of_a_lower_one() {
        let folder = TempDir::new().unwrap();
        let above = Options { jwt_secret_file: file(&folder, "jwt", "above"), ..Options::default() };
        let below = Options::from_toml("jwt-secret = 'below'\nservice_key_file = '/nowhere'").unwrap();
        assert_eq!(below.service_key_file, Some(PathBuf::from("/nowhere")));
        let below = Options { service_key_file: None, ..below };
        let options = above.with_secrets_read().unwrap().over(below.with_secrets_read().unwrap());
        assert_eq!(options.jwt_secret, Some(Secret::new("above")));
    }

    #[test]
    fn a_file_that_holds_no_secret_is_refused_by_its_options_name() {
        let folder = TempDir::new().unwrap();
        let large = "x".repeat(64 * 1024 + 1);
        for (path, why) in [
            (file(&folder, "empty", "\n"), "is empty"),
            (file(&folder, "large", large), "64 KiB"),
            (file(&folder, "binary", [0xff, 0xfe]), "UTF-8"),
            (Some(folder.path().join("absent")), "No such file"),
            (Some(PathBuf::from("/dev/zero")), "64 KiB"),
        ] {
            let options = Options { service_key_file: path, ..Options::default() };
            let error = options.with_secrets_read().unwrap_err().0;
            assert!(error.starts_with("--service-key-file ") && error.contains(why), "{error}");
        }
        let both = Options {
            jwt_secret: Some(Secret::new("one")),
            jwt_secret_file: file(&folder, "jwt", "two"),
            ..Options::default()
        };
        let error = both.with_secrets_read().unwrap_err().0;
        assert!(error.contains("--jwt-secret and --jwt-secret-file"), "{error}");
    }
}
