//! Parsing of the connection URL, with the options of libpq.

use std::error::Error as _;
use std::fs;
use std::net::IpAddr;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use crate::open_error::OpenError;

/// Options of libpq that an error may name in the keyword/value form. There any other word may be part of a password.
const OPTIONS: [&str; 15] = [
    "sslmode",
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

/// Parses a URL or the keyword/value form of libpq. Returns the root certificate too, if a file with it is named.
pub(crate) fn parse(url: &str) -> Result<(Config, Option<Vec<u8>>), OpenError> {
    let known = Known::of(url);
    let mut config: Config = known.url.parse().map_err(|error| invalid(url, &error))?;
    if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
        return Err(OpenError::InvalidUrl);
    }
    if !known.names_mode && config.get_password().is_some() && !is_local(&config) {
        config.ssl_mode(SslMode::Require);
    }
    let root = match known.root.as_deref() {
        None => None,
        Some(value) => root_file(url, value)?,
    };
    let root = root.map(fs::read).transpose().map_err(OpenError::UnreadableRootCertificate)?;
    Ok((config, root))
}

/// A URL in which the driver knows the parameters about TLS.
struct Known {
    url: String,
    names_mode: bool,
    /// Value of `sslrootcert` as it is written.
    root: Option<String>,
}

impl Known {
    /// Replaces the `sslmode` by one that the driver knows, and removes `sslrootcert`. Every certificate is verified,
    /// with its name, so `verify-full` and `verify-ca` mean the same as `require`.
    fn of(url: &str) -> Self {
        // Only in the parameters: a password may contain any word.
        let Some((place, parameters, between)) = parameters(url) else {
            return Self { url: url.to_owned(), names_mode: false, root: None };
        };
        let (mut names_mode, mut root, mut kept) = (false, None, Vec::new());
        for parameter in parameters.split(between) {
            match parameter.split_once('=').map(|(name, value)| (name.trim(), value.trim())) {
                Some(("sslmode", "verify-full" | "verify-ca")) => {
                    names_mode = true;
                    kept.push("sslmode=require");
                }
                Some(("sslrootcert", value)) => root = Some(value.to_owned()),
                name => {
                    names_mode |= matches!(name, Some(("sslmode", _)));
                    kept.push(parameter);
                }
            }
        }
        let place = if kept.is_empty() { place.trim_end_matches('?') } else { place };
        Self { url: place.to_owned() + &kept.join(&between.to_string()), names_mode, root }
    }
}

/// Splits a URL before its parameters; the last part is the character between them. The keyword/value form has nothing
/// else.
fn parameters(url: &str) -> Option<(&str, &str, char)> {
    if !url.contains("://") {
        return Some(("", url, ' '));
    }
    let at = url.rfind('?')? + 1;
    Some((&url[..at], &url[at..], '&'))
}

/// Path of the file with the root certificate; none for the roots of the system.
fn root_file(url: &str, value: &str) -> Result<Option<String>, OpenError> {
    // The driver decodes the value of another parameter.
    let form = if url.contains("://") { "postgres://localhost?application_name=" } else { "application_name=" };
    let config: Config = format!("{form}{value}").parse().map_err(|_| OpenError::InvalidUrl)?;
    Ok(config.get_application_name().filter(|path| *path != "system").map(str::to_owned))
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

fn invalid(url: &str, error: &tokio_postgres::Error) -> OpenError {
    let message = error.source().map(ToString::to_string).unwrap_or_default();
    let named = names(url).into_iter().find(|name| message.contains(&format!("`{name}`")));
    named.map_or(OpenError::InvalidUrl, |name| OpenError::UnsupportedOption { name: name.to_owned() })
}

/// Names of parameters that cannot be a part of a password.
fn names(url: &str) -> Vec<&str> {
    let is_word = |name: &&str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    match parameters(url) {
        // Not where an `@` follows: then this is the user and password. Nor where a parameter is a password.
        Some((_, parameters, '&')) if !parameters.contains('@') && !parameters.contains("password=") => {
            parameters.split('&').filter_map(|parameter| parameter.split('=').next()).filter(is_word).collect()
        }
        _ => OPTIONS.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(url: &str) -> SslMode {
        parse(url).unwrap().0.get_ssl_mode()
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
        let (config, _) = parse("postgres://app:sslmode=verify-full@localhost/auth").unwrap();
        assert_eq!(config.get_password(), Some(&b"sslmode=verify-full"[..]));
        assert_eq!(config.get_ssl_mode(), SslMode::Prefer);
    }

    #[test]
    fn an_unsupported_parameter_is_named_and_no_part_of_a_password_is() {
        for (parameter, expected) in [
            ("sslmode=allow", "sslmode"),
            ("sslcert=/etc/client.pem", "sslcert"),
            ("connect_timeout=soon", "connect_timeout"),
            ("application_name=auth&sslmod=require", "sslmod"),
        ] {
            let error = parse(&format!("postgres://app:secret@db.example/auth?{parameter}")).unwrap_err();
            assert!(matches!(&error, OpenError::UnsupportedOption { name } if name == expected), "{error:?}");
        }
        let error = parse("host=db.example user=app password=secret sslcert=client.pem").unwrap_err();
        assert!(matches!(&error, OpenError::UnsupportedOption { name } if name == "sslcert"), "{error:?}");
        for url in [
            "postgres://app:pass@se?cret=1@db.example/auth",
            "postgres://app@db.example/auth?password=se&cret=1",
            "host=db.example user=app password=se cret=1",
            "postgres://app:secret@db.example/auth?Se%20cret=1",
        ] {
            let error = parse(url).unwrap_err();
            assert!(matches!(error, OpenError::InvalidUrl), "{url}: {error:?}");
        }
    }

    #[test]
    fn the_file_of_sslrootcert_is_read() {
        let file = tempfile::Builder::new().prefix("a root").tempfile().unwrap();
        fs::write(file.path(), "certificate").unwrap();
        let path = file.path().to_str().unwrap().replace(' ', "%20");
        for url in [
            format!("postgres://app@db.example/auth?sslrootcert={path}"),
            format!("postgres://app:secret@db.example/auth?sslmode=verify-full&sslrootcert={path}&connect_timeout=1"),
        ] {
            assert_eq!(parse(&url).unwrap().1.unwrap(), b"certificate", "{url}");
        }
        assert_eq!(parse("postgres://app@localhost/auth?sslrootcert=system").unwrap().1, None);
        assert_eq!(parse("host=localhost user=app sslrootcert=system").unwrap().1, None);
        for url in
            ["postgres://app@localhost/auth?sslrootcert=/no/file", "host=localhost user=app sslrootcert=/no/file"]
        {
            let error = parse(url).unwrap_err();
            assert!(matches!(error, OpenError::UnreadableRootCertificate(_)), "{url}: {error:?}");
        }
    }
}
