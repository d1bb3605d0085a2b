//! Errors of the service: never reported as an absence, with names that an operator can act on and without secrets.

use regrant::clock::{Clock as _, SystemClock};
use regrant::store::{Expect, GrantIndex as _, SingleUse as _, StoreError, Swap, TokenStore as _, UseId, Version};
use regrant::token::Realm;
use regrant_dynamodb::DynamoStore;
use testbed::Dynalite;

use crate::stand_in::StandIn;
use crate::support::{
    HOUR, LONG, Own, SECRET, assert_transient, at, create, demo, existing, key, new_table, record, text_of,
};

const ALL: [&str; 6] = ["GetItem", "BatchGetItem", "Query", "PutItem", "UpdateItem", "DeleteItem"];

/// Errors of all calls, each of which must fail.
async fn failures(store: &DynamoStore, version: Version) -> Vec<StoreError> {
    let outcomes = [
        store.load(&key(1)).await.err(),
        store.load(&key(2)).await.err(),
        store.compare_and_swap(&key(1), Expect::Version(version), record("digest-of-a-token")).await.err(),
        store.compare_and_swap(&key(2), Expect::Absent, record("digest-of-a-token")).await.err(),
        store.page(&Realm::default(), &demo(), None, 10).await.err(),
        store.use_once(&UseId::from_bytes([1; 32]), SystemClock.now() + HOUR).await.err(),
    ];
    outcomes.map(|error| error.expect("the call fails")).into()
}

/// A store behind a stand-in, with a grant.
async fn behind_stand_in() -> (StandIn, DynamoStore, Version) {
    let (stand_in, table) = (StandIn::start(), new_table().await);
    let store = at(stand_in.address, &table).open().await.unwrap();
    let version = create(&store, &key(1), record("kept")).await;
    (stand_in, store, version)
}

#[tokio::test]
async fn throttling_and_failures_of_the_service_are_transient_and_named() {
    let (stand_in, store, version) = behind_stand_in().await;
    for (status, name) in [
        (400, "ProvisionedThroughputExceededException"),
        (400, "RequestLimitExceeded"),
        (400, "ThrottlingException"),
        (400, "TransactionConflictException"),
        (500, "InternalServerError"),
        (503, "ServiceUnavailable"),
    ] {
        stand_in.refuse(&ALL, status, name, "not now");
        for error in failures(&store, version).await {
            assert_transient(&error);
            let text = text_of(&error);
            assert!(text.contains(name) && text.contains("on the table test-"), "{text}");
        }
    }
    stand_in.answer(&[], 0, "");
    assert_eq!(existing(&store, &key(1)).await.version, version);
}

#[tokio::test]
async fn a_missing_right_is_rejected_and_named() {
    let (stand_in, store, version) = behind_stand_in().await;
    let message = "User: arn:aws:iam::123456789012:user/app is not authorized to perform: dynamodb:GetItem on resource: \
                   arn:aws:dynamodb:eu-central-1:123456789012:table/regrant";
    stand_in.refuse(&ALL, 400, "AccessDeniedException", message);
    for error in failures(&store, version).await {
        let text = text_of(&error);
        assert!(!error.is_transient() && !error.is_corrupt(), "{text}");
        assert!(text.contains("AccessDeniedException") && text.contains("not authorized to perform"), "{text}");
    }
}

#[tokio::test]
async fn a_missing_table_is_rejected_and_named() {
    let own = Own::new().await;
    let version = create(&own.store, &key(1), record("kept")).await;
    own.client.delete_table().table_name(&own.table).send().await.unwrap();
    for error in failures(&own.store, version).await {
        let text = text_of(&error);
        assert!(!error.is_transient() && !error.is_corrupt(), "{text}");
        assert!(text.contains("ResourceNotFoundException") && text.contains(&own.table), "{text}");
    }
}

/// The message of the service repeats the signed headers, and so the session token.
#[tokio::test]
async fn wrong_credentials_are_rejected_and_no_secret_is_shown() {
    let (stand_in, store, version) = behind_stand_in().await;
    for name in ["InvalidSignatureException", "IncompleteSignatureException", "UnrecognizedClientException"] {
        let message = match name {
            "UnrecognizedClientException" => "The security token included in the request is invalid.",
            _ => "The Canonical String should have been x-amz-security-token:hunter2-session-token",
        };
        stand_in.refuse(&ALL, 400, name, message);
        for error in failures(&store, version).await {
            let text = text_of(&error);
            assert!(!error.is_transient() && !error.is_corrupt(), "{text}");
            assert!(text.contains(name) && !text.contains("hunter2"), "{text}");
        }
    }
}

/// A proxy in between, for instance. Nothing of it is shown: it may be a record that was cut off.
#[tokio::test]
async fn an_answer_that_is_not_one_of_the_service_is_transient_and_not_shown() {
    let (stand_in, store, version) = behind_stand_in().await;
    for (status, body) in [
        (200, r#"{"Item":{"payload":{"B":"hunter2"#),
        (200, "<html>hunter2</html>"),
        (502, "<html>hunter2</html>"),
        (504, ""),
    ] {
        stand_in.answer(&ALL, status, body);
        for error in failures(&store, version).await {
            let text = text_of(&error);
            assert!(error.is_transient(), "{status} {body}: {text}");
            assert!(!text.contains("hunter2"), "{text}");
        }
    }
}

#[tokio::test]
async fn no_record_no_owner_and_no_secret_key_is_in_an_error() {
    let (stand_in, store, version) = behind_stand_in().await;
    let mut texts = vec![format!("{store:?}")];
    for (status, name) in [(500, "InternalServerError"), (400, "ValidationException"), (400, "AccessDeniedException")] {
        stand_in.refuse(&ALL, status, name, "no");
        texts.extend(failures(&store, version).await.iter().map(|error| text_of(error)));
    }
    for text in texts {
        for secret in ["digest-of-a-token", "demo", SECRET, "AKIDEXAMPLE"] {
            assert!(!text.contains(secret), "{secret}: {text}");
        }
    }
}

#[tokio::test]
async fn a_stopped_server_is_not_an_absent_grant() {
    let server = Dynalite::start();
    let builder = at(server.address(), "stopped");
    builder.create_table().await.unwrap();
    let store = builder.open().await.unwrap();
    let version = create(&store, &key(1), record("kept")).await;
    server.kill();
    for error in failures(&store, version).await {
        assert_transient(&error);
    }
    server.restart();
    // Its tables are gone, which somebody has to mend.
    for error in failures(&store, version).await {
        assert!(!error.is_transient() && text_of(&error).contains("stopped"), "{}", text_of(&error));
    }
    builder.create_table().await.unwrap();
    assert_eq!(store.load(&key(1)).await.unwrap(), None);
    assert_eq!(store.compare_and_swap(&key(1), Expect::Absent, record("new")).await.unwrap(), Swap::Stored);
}

/// A dropped call leaves nothing behind that another call would wait for.
#[tokio::test]
async fn a_dropped_call_blocks_no_other() {
    let table = new_table().await;
    let proxy = testbed::Proxy::before(crate::support::server().address());
    let store = at(proxy.address(), &table).open().await.unwrap();
    create(&store, &key(1), record("kept")).await;
    proxy.disturb(testbed::Disturbance::Blackhole(10 * LONG));
    let limit = std::time::Duration::from_millis(50);
    assert!(tokio::time::timeout(limit, store.load(&key(1))).await.is_err());
    let kept = key(1);
    let swap = store.compare_and_swap(&kept, Expect::Version(Version(7)), record("never"));
    assert!(tokio::time::timeout(limit, swap).await.is_err());
    proxy.clear();
    assert_eq!(*existing(&store, &key(1)).await.record.payload, *b"kept");
}
