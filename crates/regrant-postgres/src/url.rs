//! Parsing of the connection URL, with the options of libpq.

use std::error::Error as _;
use std::net::IpAddr;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use crate::open_error::OpenError;

/// Options of libpq that an error may name. Any other word may be part of a password.
const OPTIONS: [&str; 16] = [
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "sslpassword",
    "sslcrl",
    "sslnegotiation",
    "channel_binding",
    "gssencmode",
    "krbsrvname",
    "passfile",
    "service",
    "require_auth",
    "target_session_attrs",
    "load_balance_hosts",
    "connect_timeout",
];

/// Parses a URL or the keyword/value form of libpq.
pub(crate) fn parse(url: &str) -> Result<Config, OpenError> {
    let (url, names_mode) = with_known_mode(url);
    let mut config: Config = url.parse().map_err(|error| invalid(&error))?;
    if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
        return Err(OpenError::InvalidUrl);
    }
    if !names_mode && config.get_password().is_some() && !is_local(&config) {
        config.ssl_mode(SslMode::Require);
    }
    Ok(config)
}

/// Rewrites the `sslmode` to one that the driver knows, and returns whether there is one. Every certificate is
/// verified, with its name, so `verify-full` and `verify-ca` mean the same as `require`.
fn with_known_mode(url: &str) -> (String, bool) {
    // Only in the options: a password may contain any word.
    let (place, options, between) = match url.rsplit_once('?') {
        Some((place, options)) if url.contains("://") => (format!("{place}?"), options, '&'),
        None if url.contains("://") => return (url.to_owned(), false),
        _ => (String::new(), url, ' '),
    };
    let is_mode = |option: &str| option.trim_start().starts_with("sslmode");
    let known = |option: &str| match option.split_once('=') {
        Some((name, mode)) if is_mode(name) && matches!(mode.trim(), "verify-full" | "verify-ca") => {
            format!("{name}=require")
        }
        _ => option.to_owned(),
    };
    let written: Vec<String> = options.split(between).map(known).collect();
    (place + &written.join(&between.to_string()), options.split(between).any(is_mode))
}

/// True if all servers are on this machine: then no attacker on the path can claim that there is no TLS and ask for the
/// password.
fn is_local(config: &Config) -> bool {
    let is_loopback = |name: &str| name == "localhost" || name.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    let is_local = |host: &Host| match host {
        Host::Tcp(name) => is_loopback(name),
        #[cfg(unix)]
        Host::Unix(_) => true,
    };
    match config.get_hostaddrs() {
        [] => config.get_hosts().iter().all(is_local),
        addresses => addresses.iter().all(IpAddr::is_loopback),
    }
}

fn invalid(error: &tokio_postgres::Error) -> OpenError {
    let message = error.source().map(ToString::to_string).unwrap_or_default();
    match OPTIONS.iter().find(|name| message.contains(&format!("`{name}`"))) {
        Some(name) => OpenError::UnsupportedOption { name },
        None => OpenError::InvalidUrl,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(url: &str) -> SslMode {
        parse(url).unwrap().get_ssl_mode()
    }

    #[test]
    fn a_password_is_never_sent_in_clear_unless_the_url_allows_it() {
        for url in [
            "postgres://app:secret@db.example/auth",
            "postgres://app:secret@192.0.2.1/auth",
            "postgres://app:secret@127.0.0.1,db.example/auth",
            "postgres://app:secret@localhost/auth?hostaddr=192.0.2.1",
            "postgres://app:secret@db.example/auth?application_name=sslmode",
            "host=db.example user=app password=secret",
        ] {
            assert_eq!(mode(url), SslMode::Require, "{url}");
        }
        for url in [
            "postgres://app@db.example/auth",
            "postgres://app:secret@localhost/auth",
            "postgres://app:secret@127.0.0.2:5433,[::1]/auth",
            "postgres://app:secret@%2Fvar%2Frun%2Fpostgresql/auth",
            "postgres://app:secret@db.example/auth?hostaddr=127.0.0.1",
            "postgres://app:secret@db.example/auth?sslmode=prefer",
            "host=db.example user=app password=secret sslmode=prefer",
        ] {
            assert_eq!(mode(url), SslMode::Prefer, "{url}");
        }
        assert_eq!(mode("postgres://app:secret@db.example/auth?sslmode=disable"), SslMode::Disable);
    }

    #[test]
    fn verifying_modes_of_libpq_mean_require() {
        for url in [
            "postgres://app@localhost/auth?sslmode=verify-full",
            "postgresql://app@localhost/auth?application_name=a&sslmode=verify-ca&connect_timeout=1",
            "host=localhost user=app sslmode=verify-full",
            "sslmode=verify-ca host=localhost",
        ] {
            assert_eq!(mode(url), SslMode::Require, "{url}");
        }
        assert_eq!(mode("postgres://app:se?cret@db.example/auth?sslmode=disable"), SslMode::Disable);
        let config = parse("postgres://app:sslmode=verify-full@localhost/auth").unwrap();
        assert_eq!(config.get_password(), Some(&b"sslmode=verify-full"[..]));
        assert_eq!(config.get_ssl_mode(), SslMode::Prefer);
    }

    #[test]
    fn an_unsupported_option_is_named_and_no_other_word_is() {
        for (option, expected) in [
            ("sslmode=allow", "sslmode"),
            ("sslrootcert=/etc/ca.pem", "sslrootcert"),
            ("connect_timeout=soon", "connect_timeout"),
        ] {
            let error = parse(&format!("postgres://app:secret@db.example/auth?{option}")).unwrap_err();
            assert!(matches!(error, OpenError::UnsupportedOption { name } if name == expected), "{error:?}");
        }
        assert!(matches!(parse("postgres://app:secret@db.example/auth?secret=secret"), Err(OpenError::InvalidUrl)));
    }
}
