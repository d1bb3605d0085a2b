//! Parsing of the connection URL: `mysql://user:password@host:port,host/database?parameters`.

use std::net::IpAddr;

use mysql_async::{Opts, OptsBuilder};
use percent_encoding::percent_decode_str;

use crate::open_error::OpenError;

/// Servers of a URL in its order.
pub(crate) struct Servers {
    pub(crate) hosts: Vec<Opts>,
    /// True if the connections must have TLS.
    pub(crate) tls: bool,
}

/// Parameters of other clients, of MySQL and MariaDB, that an error may name. Any other word may be part of a password.
const OPTIONS: [&str; 34] = [
    "ssl-ca",
    "ssl-capath",
    "ssl-cert",
    "ssl-cipher",
    "ssl-crl",
    "ssl-key",
    "ssl-verify-server-cert",
    "sslmode",
    "ssl_mode",
    "sslMode",
    "ssl",
    "tls",
    "tls-version",
    "useSSL",
    "requireSSL",
    "require_ssl",
    "verify_ca",
    "verify_identity",
    "verifyServerCertificate",
    "allowPublicKeyRetrieval",
    "get-server-public-key",
    "default-auth",
    "charset",
    "character-set",
    "characterEncoding",
    "collation",
    "compression",
    "connect-timeout",
    "connect_timeout",
    "connectTimeout",
    "pool_max",
    "pool_min",
    "serverTimezone",
    "unix_socket",
];

const SSL_MODE: &str = "ssl-mode";

const PORT: u16 = 3306;

/// Parses a URL. TLS is on unless all hosts are on this machine, or the URL says otherwise: an attacker on the path to
/// another machine would read the grants, and only has to claim that the server has no TLS to receive the password.
pub(crate) fn parse(url: &str) -> Result<Servers, OpenError> {
    let (scheme, rest) = url.split_once("://").ok_or(OpenError::InvalidUrl)?;
    if !["mysql", "mariadb"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) || rest.contains('#') {
        return Err(OpenError::InvalidUrl);
    }
    let (place, parameters) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, database) = place.split_once('/').ok_or(OpenError::InvalidUrl)?;
    let (login, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (user, password) = login.split_once(':').map_or((login, None), |(user, password)| (user, Some(password)));
    let Parameters { tls, socket } = Parameters::parse(parameters)?;
    let database = decoded(database)?;
    if database.is_empty() || database.contains('/') {
        return Err(OpenError::InvalidUrl);
    }
    let base = OptsBuilder::default()
        .user(Some(decoded(user)?).filter(|user| !user.is_empty()))
        .pass(password.map(decoded).transpose()?)
        .db_name(Some(database));
    if let Some(path) = socket {
        return Ok(Servers { hosts: vec![base.socket(Some(path)).into()], tls: false });
    }
    let hosts: Vec<(String, u16)> = hosts.split(',').map(host).collect::<Result<_, _>>()?;
    let tls = tls.unwrap_or_else(|| !hosts.iter().all(|(name, _)| is_local(name)));
    let of = |(name, port)| base.clone().ip_or_hostname(name).tcp_port(port).into();
    Ok(Servers { hosts: hosts.into_iter().map(of).collect(), tls })
}

#[derive(Default)]
struct Parameters {
    tls: Option<bool>,
    /// Path of a Unix socket.
    socket: Option<String>,
}

impl Parameters {
    fn parse(text: &str) -> Result<Self, OpenError> {
        let mut parameters = Self::default();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match name {
                SSL_MODE => parameters.tls = Some(is_on(&decoded(value)?)?),
                "socket" => parameters.socket = Some(decoded(value)?),
                _ => return Err(unsupported(name)),
            }
        }
        Ok(parameters)
    }
}

/// Reads an `ssl-mode` in the spelling of the clients of MySQL. Every certificate is verified, with its name, so all
/// modes with TLS mean the same. `PREFERRED` is none of them: an attacker on the path would choose.
fn is_on(mode: &str) -> Result<bool, OpenError> {
    match mode.to_ascii_uppercase().replace('-', "_").as_str() {
        "DISABLED" => Ok(false),
        "REQUIRED" | "VERIFY_CA" | "VERIFY_IDENTITY" => Ok(true),
        _ => Err(OpenError::UnsupportedOption { name: SSL_MODE }),
    }
}

fn unsupported(name: &str) -> OpenError {
    match OPTIONS.iter().find(|known| **known == name) {
        Some(name) => OpenError::UnsupportedOption { name },
        None => OpenError::InvalidUrl,
    }
}

/// Splits `name`, `name:port` or `[address]:port`.
fn host(text: &str) -> Result<(String, u16), OpenError> {
    let (name, port) = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']').ok_or(OpenError::InvalidUrl)?,
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let port = match port.strip_prefix(':') {
        Some(digits) => digits.parse().map_err(|_| OpenError::InvalidUrl)?,
        None if port.is_empty() => PORT,
        None => return Err(OpenError::InvalidUrl),
    };
    let name = decoded(name)?;
    if name.is_empty() { Err(OpenError::InvalidUrl) } else { Ok((name, port)) }
}

fn is_local(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

fn decoded(text: &str) -> Result<String, OpenError> {
    percent_decode_str(text).decode_utf8().map(Into::into).map_err(|_| OpenError::InvalidUrl)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(url: &str) -> Servers {
        parse(url).unwrap_or_else(|error| panic!("{url}: {error}"))
    }

    #[test]
    fn nothing_is_sent_in_clear_to_another_machine_unless_the_url_allows_it() {
        for url in [
            "mysql://app:secret@db.example/auth",
            "mariadb://app@192.0.2.1/auth",
            "MySQL://app:secret@127.0.0.1,db.example/auth",
            "mysql://app:secret@localhost/auth?ssl-mode=REQUIRED",
            "mysql://app:secret@localhost/auth?ssl-mode=verify-ca",
            "mysql://app:secret@localhost/auth?ssl-mode=Verify_Identity",
        ] {
            assert!(parsed(url).tls, "{url}");
        }
        for url in [
            "mysql://app:secret@localhost/auth",
            "mysql://app:secret@127.0.0.2:3307,[::1]/auth",
            "mysql://app:secret@db.example/auth?ssl-mode=DISABLED",
            "mysql://app:secret@db.example/auth?socket=%2Frun%2Fmysqld%2Fmysqld.sock",
        ] {
            assert!(!parsed(url).tls, "{url}");
        }
    }

    #[test]
    fn each_part_is_decoded() {
        let servers = parsed("mysql://a%40b:p%3Aw%2F@a.example:3307,[2001:db8::1],b.example/au%20th");
        let places: Vec<_> = servers.hosts.iter().map(|opts| (opts.ip_or_hostname(), opts.tcp_port())).collect();
        assert_eq!(places, [("a.example", 3307), ("2001:db8::1", 3306), ("b.example", 3306)]);
        let first = &servers.hosts[0];
        assert_eq!((first.user(), first.pass(), first.db_name()), (Some("a@b"), Some("p:w/"), Some("au th")));
        let first = &parsed("mysql://localhost/auth?socket=/run/mysqld/mysqld.sock").hosts[0];
        assert_eq!((first.user(), first.pass(), first.socket()), (None, None, Some("/run/mysqld/mysqld.sock")));
    }

    #[test]
    fn a_malformed_url_is_refused() {
        for url in [
            "",
            "mysql:",
            "postgres://app@db/auth",
            "mysql://app@db",
            "mysql://app@db/",
            "mysql://app@/auth",
            "mysql://app@db,/auth",
            "mysql://app@db:port/auth",
            "mysql://app@db:70000/auth",
            "mysql://app@[::1/auth",
            "mysql://app@[::1]3306/auth",
            "mysql://app@db/auth/more",
            "mysql://app@db/auth#more",
            "mysql://app@db/%ff",
        ] {
            assert!(matches!(parse(url), Err(OpenError::InvalidUrl)), "{url}");
        }
    }

    #[test]
    fn an_unsupported_parameter_is_named_and_no_other_word_is() {
        for (parameter, expected) in [
            ("ssl-mode=PREFERRED", "ssl-mode"),
            ("ssl-mode", "ssl-mode"),
            ("ssl-ca=/etc/ca.pem", "ssl-ca"),
            ("useSSL=true", "useSSL"),
            ("charset", "charset"),
        ] {
            let error = parse(&format!("mysql://app:secret@db.example/auth?{parameter}")).err();
            assert!(matches!(error, Some(OpenError::UnsupportedOption { name }) if name == expected), "{parameter}");
        }
        // A question mark in a password must be encoded.
        assert!(matches!(parse("mysql://app:se?cret=1@db.example/auth"), Err(OpenError::InvalidUrl)));
        assert!(matches!(parse("mysql://app@db.example/auth?secret=1"), Err(OpenError::InvalidUrl)));
    }
}
