//! Items that the store did not write are reported as corrupt and not changed.

use regrant::store::{Expect, GrantIndex as _, StoreError, Swap, TokenStore as _};
use regrant::token::Realm;
use regrant_dynamodb::aws_sdk_dynamodb::primitives::Blob;
use regrant_dynamodb::aws_sdk_dynamodb::types::AttributeValue;

use crate::support::{Own, create, demo, key, record, text_of};

fn assert_corrupt<T>(result: Result<T, StoreError>, what: &str) {
    assert!(result.is_err_and(|error| error.is_corrupt()), "{what}");
}

#[tokio::test]
async fn an_item_that_is_not_a_record_is_corrupt_and_not_changed() {
    let own = Own::new().await;
    let version = create(&own.store, &key(1), record("payload")).await;
    let good = own.grant(&key(1)).await;
    let blob = |bytes: &[u8]| AttributeValue::B(Blob::new(bytes));
    let text = |text: &str| AttributeValue::S(text.to_owned());
    for (what, name, value) in [
        ("no payload", "payload", None),
        ("a payload of another type", "payload", Some(text("payload"))),
        ("a newer layout", "payload", Some(blob(b"\x02payload"))),
        ("no version", "version", None),
        ("a version that is no number", "version", Some(text("one"))),
        ("a version of more bits", "version", Some(AttributeValue::N("18446744073709551616".to_owned()))),
        ("no client", "client", None),
        ("an invalid client", "client", Some(text("\u{1f511}"))),
        ("an invalid subject", "subject", Some(text("a\nb"))),
        ("a fraction of an end", "expires_at", Some(AttributeValue::N("1.5".to_owned()))),
    ] {
        let mut item = good.clone();
        item.remove(name);
        item.extend(value.map(|value| (name.to_owned(), value)));
        own.put(item.clone()).await;
        assert_corrupt(own.store.load(&key(1)).await, what);
        assert_corrupt(own.store.page(&Realm::default(), &demo(), None, 10).await, what);
        let swap = own.store.compare_and_swap(&key(1), Expect::Absent, record("new")).await;
        assert_eq!(swap.unwrap(), Swap::Conflict, "{what}");
        if name == "version" {
            let swap = own.store.compare_and_swap(&key(1), Expect::Version(version), record("new")).await;
            assert_corrupt(swap, what);
        }
        assert_eq!(own.grant(&key(1)).await, item, "{what}");
    }
}

#[tokio::test]
async fn an_entry_that_is_not_of_the_index_is_corrupt() {
    let own = Own::new().await;
    create(&own.store, &key(1), record("payload")).await;
    for sort in ["profile", "0#1", "g"] {
        let mut entry = own.entries('s').await.remove(0);
        entry.insert("sk".to_owned(), AttributeValue::S(sort.to_owned()));
        own.put(entry.clone()).await;
        assert_corrupt(own.store.page(&Realm::default(), &demo(), None, 10).await, sort);
        own.delete(&entry).await;
    }
    assert_eq!(own.store.page(&Realm::default(), &demo(), None, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn no_record_is_in_an_error() {
    let own = Own::new().await;
    create(&own.store, &key(1), record("digest-of-a-token")).await;
    let mut item = own.grant(&key(1)).await;
    item.remove("version");
    own.put(item).await;
    let error = own.store.load(&key(1)).await.unwrap_err();
    assert!(!text_of(&error).contains("digest-of-a-token"), "{}", text_of(&error));
    assert!(!text_of(&error).contains("demo"), "{}", text_of(&error));
}
