//! A store opens or reports the fault, before the first token depends on it.

use std::time::Duration;

use regrant_dynamodb::aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use regrant_dynamodb::{DynamoStore, DynamoStoreBuilder, OpenError};
use testbed::unused_address;

use crate::stand_in::StandIn;
use crate::support::{Own, SECRET, at, client, create, existing, fresh_table, key, new_table, record, server, text_of};

async fn refused(builder: DynamoStoreBuilder) -> OpenError {
    builder.open().await.expect_err("a store that must not open")
}

#[tokio::test]
async fn an_invalid_option_is_refused_and_named() {
    let error = refused(at(server().address(), "regrant").deadline(Duration::from_millis(99))).await;
    assert!(matches!(error, OpenError::Option { name: "deadline", .. }), "{error:?}");
}

#[tokio::test]
async fn a_stopped_server_is_unreachable() {
    let error = refused(at(unused_address(), "regrant")).await;
    assert!(matches!(error, OpenError::Unreachable(_)), "{error:?}");
    assert!(!text_of(&error).contains(SECRET), "{}", text_of(&error));
}

#[tokio::test]
async fn a_missing_table_is_named() {
    let error = refused(at(server().address(), "nowhere")).await;
    assert!(matches!(&error, OpenError::MissingTable { table } if table == "nowhere"), "{error:?}");
}

#[tokio::test]
async fn a_table_with_another_key_is_refused() {
    for (names, kind) in [(["id", "sk"], ScalarAttributeType::S), (["pk", "sk"], ScalarAttributeType::B)] {
        let table = fresh_table();
        let [definitions, keys] = [(), ()].map(|()| names);
        let definition = |name: &str| {
            AttributeDefinition::builder().attribute_name(name).attribute_type(kind.clone()).build().unwrap()
        };
        let element = |(name, kind): (&str, KeyType)| {
            KeySchemaElement::builder().attribute_name(name).key_type(kind).build().unwrap()
        };
        client(server().address())
            .create_table()
            .table_name(&table)
            .billing_mode(BillingMode::PayPerRequest)
            .set_attribute_definitions(Some(definitions.into_iter().map(definition).collect()))
            .set_key_schema(Some(keys.into_iter().zip([KeyType::Hash, KeyType::Range]).map(element).collect()))
            .send()
            .await
            .unwrap();
        let error = refused(at(server().address(), &table)).await;
        assert!(matches!(&error, OpenError::OtherKey { table: named } if *named == table), "{error:?}");
    }
}

/// The server of the tests has no time to live.
#[tokio::test]
async fn a_table_without_time_to_live_is_refused_unless_the_check_is_skipped() {
    let table = new_table().await;
    let error = refused(DynamoStore::builder(client(server().address()), &table)).await;
    assert!(matches!(&error, OpenError::NoTimeToLive { table: named } if *named == table), "{error:?}");
    at(server().address(), &table).open().await.unwrap();
    // `create_table` would enable it.
    let error = DynamoStore::builder(client(server().address()), &table).create_table().await.unwrap_err();
    assert!(matches!(&error, OpenError::Other(_)) && text_of(&error).contains("UpdateTimeToLive"), "{error:?}");
}

#[tokio::test]
async fn a_table_with_time_to_live_for_the_right_attribute_is_opened() {
    let (stand_in, table) = (StandIn::start(), new_table().await);
    let builder = DynamoStore::builder(client(stand_in.address), &table);
    for (status, attribute, is_right) in [
        ("ENABLED", "ttl", true),
        ("ENABLING", "ttl", true),
        ("DISABLED", "ttl", false),
        ("DISABLING", "ttl", false),
        ("ENABLED", "expires_at", false),
    ] {
        let body =
            format!(r#"{{"TimeToLiveDescription":{{"TimeToLiveStatus":"{status}","AttributeName":"{attribute}"}}}}"#);
        stand_in.answer(&["DescribeTimeToLive"], 200, &body);
        let opened = builder.open().await;
        assert_eq!(opened.is_ok(), is_right, "{status} {attribute}: {opened:?}");
    }
}

#[tokio::test]
async fn each_missing_right_is_named_when_the_store_is_opened() {
    let (stand_in, table) = (StandIn::start(), new_table().await);
    for denied in [
        &["GetItem"][..],
        &["BatchGetItem"],
        &["Query"],
        &["PutItem"],
        &["UpdateItem"],
        &["DeleteItem"],
        &["DescribeTable"],
        &["DescribeTable", "GetItem", "Query", "DeleteItem"],
    ] {
        stand_in.refuse(denied, 400, "AccessDeniedException", "User: arn:aws:iam::1:user/app is not authorized");
        let error = refused(at(stand_in.address, &table)).await;
        let expected = denied.iter().map(|name| format!("dynamodb:{name}")).collect::<Vec<_>>().join(", ");
        let OpenError::MissingPermission { missing, .. } = &error else { panic!("{error:?}") };
        assert_eq!(*missing, expected);
    }
    let builder = DynamoStore::builder(client(stand_in.address), &table);
    stand_in.refuse(&["DescribeTimeToLive"], 400, "AccessDeniedException", "no");
    let error = refused(builder).await;
    assert!(text_of(&error).contains("dynamodb:DescribeTimeToLive"), "{error:?}");
}

#[tokio::test]
async fn wrong_credentials_are_refused_and_not_shown() {
    let (stand_in, table) = (StandIn::start(), new_table().await);
    stand_in.refuse(&["DescribeTable"], 400, "InvalidSignatureException", "x-amz-security-token:hunter2-token");
    let error = refused(at(stand_in.address, &table)).await;
    assert!(matches!(error, OpenError::Refused(_)), "{error:?}");
    assert!(!text_of(&error).contains("hunter2"), "{}", text_of(&error));
}

#[tokio::test]
async fn a_table_that_is_being_deleted_is_refused() {
    let (stand_in, table) = (StandIn::start(), new_table().await);
    let body = format!(r#"{{"Table":{{"TableName":"{table}","TableStatus":"DELETING"}}}}"#);
    stand_in.answer(&["DescribeTable"], 200, &body);
    let error = refused(at(stand_in.address, &table)).await;
    assert!(matches!(&error, OpenError::NotReady { status, .. } if status == "DELETING"), "{error:?}");
}

#[tokio::test]
async fn a_table_is_created_once_and_opening_writes_nothing() {
    let own = Own::new().await;
    assert_eq!(own.items().await, [], "opening leaves nothing behind");
    create(&own.store, &key(1), record("kept")).await;
    at(server().address(), &own.table).create_table().await.unwrap();
    assert_eq!(*existing(&own.store, &key(1)).await.record.payload, *b"kept");
    let debug = format!("{:?} {:?}", own.store, at(server().address(), &own.table));
    assert!(debug.contains(&own.table) && !debug.contains(SECRET), "{debug}");
}
