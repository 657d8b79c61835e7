//! The sample file of `--config`.

/// A configuration file with every option, all of them commented out.
pub const SAMPLE: &str = include_str!("haggle.toml");

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::Args;

    use super::*;
    use crate::config::{Config, Options, Secret};

    /// The file's options, each as a line that counts, and whether it stands under "Example".
    fn written() -> Vec<(bool, String)> {
        SAMPLE
            .split("\n\n")
            .flat_map(|paragraph| {
                let mut example = false;
                paragraph.lines().filter_map(move |line| match line.strip_prefix('#') {
                    Some(comment) if comment.starts_with(' ') => {
                        example |= comment.starts_with(" Example");
                        None
                    }
                    option => option.filter(|option| !option.is_empty()).map(|option| (example, option.to_owned())),
                })
            })
            .collect()
    }

    #[test]
    fn it_has_every_option_once() {
        let mut named = BTreeSet::new();
        for (_, line) in written() {
            let name = line.split(" = ").next().unwrap().to_owned();
            assert!(named.insert(name), "{line} is there twice");
        }
        let options = Options::augment_args(clap::Command::new("haggle"));
        let options: BTreeSet<_> =
            options.get_arguments().filter_map(|arg| arg.get_long()).map(str::to_owned).collect();
        assert_eq!(named, options);
    }

    #[test]
    fn every_line_can_be_read_by_itself() {
        for (_, line) in written() {
            assert_ne!(Options::from_toml(&line).unwrap(), Options::default(), "{line}");
        }
    }

    #[test]
    fn what_is_no_example_is_the_default() {
        let needed = || Options {
            jwt_secret: Some(Secret::new("0123456789abcdef0123456789abcdef")),
            webhook_url: Some("https://shop.example".to_owned()),
            screen_url: Some("https://shop.example".to_owned()),
            webhook_secret: Some(Secret::new("0123456789abcdef0123456789abcdef")),
            ..Options::default()
        };
        let defaults: String =
            written().into_iter().filter(|(example, _)| !example).map(|(_, line)| line + "\n").collect();
        let defaults = Options::from_toml(&defaults).unwrap();
        assert!(defaults.max_outbox_age.is_some() && defaults.jwks_url.is_none());
        assert_eq!(Config::try_from(needed().over(defaults)).unwrap(), Config::try_from(needed()).unwrap());
    }

    #[test]
    fn as_it_is_it_changes_nothing() {
        assert_eq!(Options::from_toml(SAMPLE).unwrap(), Options::default());
    }
}
