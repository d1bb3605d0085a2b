//! Checks when a store is opened that the credentials have every right that the store needs. Otherwise the first
//! request would find a missing one.

use aws_sdk_dynamodb::types::AttributeValue;
use regrant::store::Version;

use crate::failure::Failure;
use crate::item;
use crate::key::Key;
use crate::open_error::OpenError;
use crate::store::Inner;
use crate::table::{Change, Reach};

/// Missing actions, in the words of an IAM policy.
#[derive(Default)]
pub(crate) struct Missing(Vec<&'static str>);

impl Missing {
    /// Notes a refusal for want of a right, and passes on what else an attempt returned.
    pub(crate) fn note<T>(
        &mut self,
        action: &'static str,
        table: &str,
        outcome: Result<T, Failure>,
    ) -> Result<Option<T>, OpenError> {
        match outcome {
            Ok(value) => Ok(Some(value)),
            Err(failure) if failure.is_denied() => {
                self.0.push(action);
                Ok(None)
            }
            Err(failure) => Err(OpenError::from_failure(failure, table)),
        }
    }

    pub(crate) fn none(self, table: &str) -> Result<(), OpenError> {
        if self.0.is_empty() {
            return Ok(());
        }
        Err(OpenError::MissingPermission { table: table.to_owned(), missing: self.0.join(", ") })
    }
}

/// Tries every operation of the store on a key at which nothing is ever stored. The writes have conditions that do not
/// hold there.
pub(crate) async fn check(inner: &Inner, missing: &mut Missing) -> Result<(), OpenError> {
    let (probe, zero) = (Key::probe(), || AttributeValue::N("0".to_owned()));
    let change = Change {
        version: item::version(Version(0)),
        payload: AttributeValue::Bool(false),
        expires_at: None,
        ttl: None,
        expected: item::version(Version(0)),
        reach: Reach::Moved(zero()),
    };
    let keys = [probe.clone()];
    let (got, batch, found, put, updated, deleted) = tokio::join!(
        inner.get(&probe),
        inner.get_all(&keys),
        inner.query(&probe.partition, " ".to_owned(), 1),
        inner.put_if(probe.item(), "attribute_exists(#partition)"),
        inner.change(&probe, change),
        inner.delete(&probe, zero()),
    );
    missing.note("dynamodb:GetItem", &inner.table, got)?;
    missing.note("dynamodb:BatchGetItem", &inner.table, batch)?;
    missing.note("dynamodb:Query", &inner.table, found)?;
    missing.note("dynamodb:PutItem", &inner.table, put)?;
    missing.note("dynamodb:UpdateItem", &inner.table, updated)?;
    missing.note("dynamodb:DeleteItem", &inner.table, deleted)?;
    Ok(())
}
