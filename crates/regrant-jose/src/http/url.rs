use std::net::IpAddr;

use hyper::Uri;

use super::HttpSetupError;
use super::address::is_public;

/// Parses the URL of a server: `https`, or `http` to this machine, for development.
pub(super) fn parse(text: &str, public_only: bool) -> Result<Uri, HttpSetupError> {
    let refused = |why| HttpSetupError::InvalidUrl { why };
    let url: Uri = text.parse().map_err(|_| refused("is not a URL"))?;
    let authority = url.authority().ok_or(refused("must begin with https://host"))?;
    // A password in a URL ends up in logs. A fragment is never sent.
    if authority.as_str().contains('@') || text.contains('#') {
        return Err(refused("must have no user name, password or fragment"));
    }
    let host = authority.host();
    let address: Option<IpAddr> = host.trim_start_matches('[').trim_end_matches(']').parse().ok();
    let is_this_machine = host == "localhost" || address.is_some_and(|address| address.is_loopback());
    match url.scheme_str() {
        Some("https") => {}
        Some("http") if is_this_machine && !public_only => {}
        _ => return Err(refused("must be https, or http to localhost")),
    }
    if public_only && (is_this_machine || address.is_some_and(|address| !is_public(address))) {
        return Err(refused("must not name an address of a private network"));
    }
    Ok(url)
}
