//! Comparison of the `htu` claim with the target of the request.

use fluent_uri::Uri;

/// Returns true if `htu` is the target `url`. Query and fragment are ignored (RFC 9449 section 4.3). Both sides are
/// normalized by syntax and scheme (RFC 3986 sections 6.2.2 and 6.2.3): case of scheme and host, default port, dot
/// segments, needless escapes. An invalid URI matches nothing.
pub(super) fn is_target(htu: &str, url: &str) -> bool {
    // Most clients spell the target as the metadata does.
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
