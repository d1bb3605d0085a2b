//! The addresses of the documents that state the rules.

/// Returns the addresses of the documents that a [source](super::Case::source) names.
pub(super) fn links(source: &str) -> Vec<String> {
    source.split(", ").filter_map(link).collect()
}

fn link(part: &str) -> Option<String> {
    if let Some(rest) = part.strip_prefix("RFC ") {
        let (number, place) = rest.split_once(' ').unwrap_or((rest, ""));
        // "section 2.3" and "appendix B" are the fragments "section-2.3" and "appendix-B".
        let fragment = if place.is_empty() { String::new() } else { format!("#{}", place.replace(' ', "-")) };
        return Some(format!("https://www.rfc-editor.org/rfc/rfc{number}{fragment}"));
    }
    if part.starts_with("CVE-") {
        return Some(format!("https://www.cve.org/CVERecord?id={part}"));
    }
    if part.starts_with("draft-") {
        let draft = part.split(' ').next().unwrap_or_default();
        return Some(format!("https://datatracker.ietf.org/doc/{draft}/"));
    }
    if part.starts_with("Fetch standard") {
        return Some("https://fetch.spec.whatwg.org/#http-cors-protocol".to_owned());
    }
    for (name, document) in [
        ("OpenID Connect Core ", "openid-connect-core-1_0"),
        ("OpenID Connect Discovery ", "openid-connect-discovery-1_0"),
        ("OpenID Connect RP-Initiated Logout ", "openid-connect-rpinitiated-1_0"),
    ] {
        if part.starts_with(name) {
            return Some(format!("https://openid.net/specs/{document}.html"));
        }
    }
    let (repository, number) = part.split_once('#')?;
    Some(format!("https://github.com/{repository}/issues/{number}"))
}
