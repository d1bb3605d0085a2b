//! The target of a request, as its proof names it.

use fluent_uri::Uri;

/// Whether `htu` is the target `url`, without regard to query and fragment, after normalization by syntax and scheme (RFC 9449
/// section 4.3, RFC 3986 sections 6.2.2 and 6.2.3): upper and lower case of scheme and host, default port, dot segments,
/// escapes of what needs none. What is no URI is no target.
pub(super) fn is_target(htu: &str, url: &str) -> bool {
    // The usual client spells it as we publish it.
    htu == url || target(htu).is_some_and(|htu| target(url) == Some(htu))
}

fn target(text: &str) -> Option<String> {
    let uri = Uri::parse(text).ok()?;
    let mut target = uri.normalize().into_string();
    target.truncate(target.find(['?', '#']).unwrap_or(target.len()));
    if uri.path().is_empty() {
        target.push('/');
    }
    Some(target)
}
