//! The URLs of SQLite stores, which mean what they mean to sqlx: `sqlite://grants.db` is a file in the working
//! directory, and `sqlite:///grants.db` one in the root of the file system.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use regrant::MemoryStore;
use regrant::store::{OpenUrl, SharedStore};

use crate::open_error::OpenError;
use crate::store::SqliteStore;

#[async_trait]
impl OpenUrl for SqliteStore {
    const SCHEMES: &'static [&'static str] = &["sqlite"];

    /// Opens a file: `sqlite://relative.db`, `sqlite:relative.db`, `sqlite:///absolute.db`. Percent-encodings are
    /// decoded. The only option is `?mode=rwc`, which changes nothing: a missing file is created. `sqlite::memory:` is
    /// a new [`MemoryStore`], which makes the same promises until the process ends.
    async fn open_url(url: &str) -> Result<SharedStore, Box<dyn Error + Send + Sync>> {
        let Some(path) = parse(url)? else { return Ok(Arc::new(MemoryStore::new())) };
        let opened = Self::open(&path).map_err(|error| OpenFileError::new(&path, error))?;
        Ok(Arc::new(opened))
    }
}

/// Returns the path of the file; `None` for a database in memory.
fn parse(url: &str) -> Result<Option<PathBuf>, UrlError> {
    let (scheme, rest) = url.split_once(':').ok_or(UrlError::Scheme)?;
    if !scheme.eq_ignore_ascii_case("sqlite") {
        return Err(UrlError::Scheme);
    }
    let (file, options) = rest.split_once('?').unwrap_or((rest, ""));
    if !matches!(options, "" | "mode=rwc") {
        return Err(UrlError::Option);
    }
    let file = file.strip_prefix("//").unwrap_or(file);
    if file == ":memory:" {
        return Ok(None);
    }
    decode(file).map(|path| Some(path.into())).ok_or(UrlError::Encoding)
}

/// Decodes percent-encodings (RFC 3986 section 2.1). A percent sign that begins none stands for itself.
fn decode(text: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let digits = behind.first_chunk().filter(|_| *first == b'%').and_then(|[high, low]: &[u8; 2]| {
            let digit = |byte: &u8| char::from(*byte).to_digit(16);
            u8::try_from(digit(high)? * 16 + digit(low)?).ok()
        });
        decoded.push(digits.unwrap_or(*first));
        rest = if digits.is_some() { &behind[2..] } else { behind };
    }
    String::from_utf8(decoded).ok()
}

/// The fault of a URL.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum UrlError {
    #[error("not a URL of a SQLite file: sqlite://relative.db, sqlite:///absolute.db or sqlite::memory:")]
    Scheme,
    #[error("the URL of a SQLite file has an option that is not supported; the only one is mode=rwc")]
    Option,
    #[error("the path in the URL of a SQLite file is not UTF-8")]
    Encoding,
}

/// A file that cannot be used as a store.
#[derive(Debug, thiserror::Error)]
#[error("the file {} cannot be used as a store", .path.display())]
struct OpenFileError {
    path: PathBuf,
    #[source]
    error: OpenError,
}

impl OpenFileError {
    /// Names the absolute path: a relative one is often taken for another one.
    fn new(path: &Path, error: OpenError) -> Self {
        Self { path: std::path::absolute(path).unwrap_or_else(|_| path.to_owned()), error }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_means_the_file_that_sqlx_opens() {
        for (url, path) in [
            ("sqlite:grants.db", "grants.db"),
            ("sqlite://grants.db", "grants.db"),
            ("sqlite://data/grants.db", "data/grants.db"),
            ("sqlite:/data/grants.db", "/data/grants.db"),
            ("sqlite:///data/grants.db", "/data/grants.db"),
            ("sqlite:///data/grants.db?mode=rwc", "/data/grants.db"),
            ("SQLite:grants.db", "grants.db"),
            ("sqlite:a%20b%3f.db", "a b?.db"),
            ("sqlite:100%.db", "100%.db"),
            ("sqlite:a:b.db", "a:b.db"),
        ] {
            assert_eq!(parse(url), Ok(Some(path.into())), "{url}");
        }
        for url in ["sqlite::memory:", "sqlite://:memory:"] {
            assert_eq!(parse(url), Ok(None), "{url}");
        }
    }

    #[test]
    fn a_url_that_would_mean_something_else_is_refused() {
        for (url, fault) in [
            ("grants.db", UrlError::Scheme),
            ("file:grants.db", UrlError::Scheme),
            ("sqlite:grants.db?mode=ro", UrlError::Option),
            ("sqlite:grants.db?cache=shared", UrlError::Option),
            ("sqlite:%ff.db", UrlError::Encoding),
        ] {
            assert_eq!(parse(url), Err(fault), "{url}");
        }
    }
}
