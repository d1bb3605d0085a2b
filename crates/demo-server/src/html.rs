//! The frame of the pages: plain HTML without script.

use std::fmt::{self, Display, Write as _};
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regrant::wire::Response;
use sha2::{Digest as _, Sha256};

/// Text for the content of an element, or for an attribute in double quotes. Every text that is not written in this
/// program is shown through it.
pub(crate) struct Escaped<'a>(pub(crate) &'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|character| match character {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            '\'' => f.write_str("&#39;"),
            // Marks of writing direction would let a name change the order of the words around it.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => f.write_char('\u{fffd}'),
            _ => f.write_char(character),
        })
    }
}

/// A page. `title` is its heading too; `body` is HTML.
pub(crate) struct Page<'a> {
    pub(crate) status: u16,
    pub(crate) title: &'a str,
    pub(crate) body: String,
    /// The sources of `form-action` besides the server itself.
    pub(crate) form_action: &'a str,
}

impl From<Page<'_>> for Response {
    fn from(page: Page<'_>) -> Self {
        let title = Escaped(page.title);
        let body = format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
             <style>{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n{}</main>\n</body>\n</html>\n",
            page.body
        );
        // Nothing is loaded and no script runs, whatever a text contains. Other sites cannot frame the page and let the
        // user click on it unseen (RFC 9700 section 4.16).
        let policy = format!(
            "default-src 'none'; style-src '{}'; form-action 'self'{}; frame-ancestors 'none'; base-uri 'none'",
            *STYLE_HASH, page.form_action
        );
        let headers = vec![
            ("content-type", "text/html; charset=utf-8".into()),
            ("content-security-policy", policy.into()),
            ("x-frame-options", "DENY".into()),
            ("x-content-type-options", "nosniff".into()),
            ("referrer-policy", "no-referrer".into()),
            ("cache-control", "no-store".into()),
        ];
        Self { status: page.status, headers, body: body.into_bytes() }
    }
}

/// A hidden field.
pub(crate) fn hidden(name: &str, value: &str) -> String {
    format!("<input type=\"hidden\" name=\"{name}\" value=\"{}\">\n", Escaped(value))
}

/// The colours of links are given: those of browsers are too weak on a dark page.
const STYLE: &str = ":root{color-scheme:light dark;--text:light-dark(#1b1b1f,#ececf1);--page:light-dark(#f4f5f7,#121215);\
    --card:light-dark(#fff,#1d1d22);--line:light-dark(#d5d6dd,#3c3c46);--edge:light-dark(#80808a,#85858f);\
    --link:light-dark(#0b4f9e,#8fc0ff);font:100%/1.5 system-ui,sans-serif;background:var(--page);color:var(--text)}\
    body{margin:0}main{max-width:26rem;margin:0 auto;padding:.5rem 1.5rem 1.5rem;overflow-wrap:anywhere;\
    background:var(--card);border:1px solid var(--line);border-radius:.75rem}\
    h1{font-size:1.5rem;line-height:1.25}h2{font-size:1rem;margin-bottom:.25rem}ul{margin:0;padding-left:1.25rem}\
    a{color:var(--link)}strong{unicode-bidi:isolate}label{display:block;margin-top:1rem;font-weight:600}\
    input:not([type=hidden]){box-sizing:border-box;width:100%;min-height:2.75rem;margin-top:.25rem;padding:.5rem .75rem;\
    font:inherit;color:var(--text);background:var(--card);border:1px solid var(--edge);border-radius:.5rem}\
    button{min-height:2.75rem;margin:1rem .5rem 0 0;padding:.25rem 1.5rem;font:inherit;color:var(--text);\
    background:var(--card);border:1px solid var(--edge);border-radius:.5rem;cursor:pointer}\
    button:only-of-type{color:var(--card);background:var(--link);border-color:var(--link);font-weight:600}\
    :focus-visible{outline:3px solid var(--link);outline-offset:2px}\
    [role=alert]{border-left:.25rem solid light-dark(#a3121f,#ff9d9d);padding-left:.75rem;font-weight:600}\
    @media(min-width:30rem){main{margin-top:3rem}}";

static STYLE_HASH: LazyLock<String> = LazyLock::new(|| format!("sha256-{}", STANDARD.encode(Sha256::digest(STYLE))));

#[cfg(test)]
mod tests {
    use super::Escaped;

    #[test]
    fn no_text_leaves_its_element_or_its_quotes() {
        let text = "<script>'\"&</script>\u{202e}\u{e9}";
        assert_eq!(Escaped(text).to_string(), "&lt;script&gt;&#39;&quot;&amp;&lt;/script&gt;\u{fffd}\u{e9}");
    }
}
