//! The choice of a store by a URL.

use std::error::Error;
use std::sync::Arc;

use async_trait::async_trait;
use regrant::MemoryStore;
use regrant::store::{OpenStoreError, OpenUrl, SharedStore, StoreError, StoreOpener};

/// A store that opens only with the right password.
struct Guarded;

#[async_trait]
impl OpenUrl for Guarded {
    const SCHEMES: &'static [&'static str] = &["guarded", "guardeds"];

    async fn open_url(url: &str) -> Result<SharedStore, Box<dyn Error + Send + Sync>> {
        if url.ends_with("//app:right@host") {
            Ok(Arc::new(MemoryStore::new()))
        } else {
            Err(StoreError::rejected("wrong password").into())
        }
    }
}

#[tokio::test]
async fn the_scheme_chooses_the_store() {
    let opener = StoreOpener::new().with::<Guarded>();
    for url in
        ["memory:", "memory", "guarded://app:right@host", "guardeds://app:right@host", "GUARDED://app:right@host"]
    {
        assert!(opener.open(url).await.is_ok(), "{url}");
    }
}

#[tokio::test]
async fn an_error_names_the_known_schemes_or_the_cause_and_never_the_url() {
    let opener = StoreOpener::new().with::<Guarded>();
    for url in ["mysql://app:hunter2@host", "hunter2", "", "/hunter2.db", "guarde://hunter2"] {
        let error = opener.open(url).await.err().unwrap();
        assert!(matches!(&error, OpenStoreError::UnknownScheme { known } if known.len() == 3), "{url}");
        assert_eq!(error.to_string(), "no store has a URL of this scheme; known are memory, guarded, guardeds");
    }
    let error = opener.open("guarded://app:hunter2@host").await.err().unwrap();
    let cause = error.source().map(ToString::to_string);
    assert_eq!(
        (error.to_string().as_str(), cause.as_deref()),
        ("the store rejected the operation", Some("wrong password"))
    );
}
