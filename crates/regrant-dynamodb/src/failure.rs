//! Failures of a call and their consequences.

use std::error::Error;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::RequestId;
use regrant::store::StoreError;

type Source = Box<dyn Error + Send + Sync>;

/// A failed operation. It has the words of the service and nothing of the request: no record, no key of an item.
#[derive(Debug, thiserror::Error)]
#[error("{operation} on the table {table} failed")]
pub(crate) struct Failure {
    operation: &'static str,
    table: String,
    #[source]
    cause: Cause,
}

#[derive(Debug, thiserror::Error)]
enum Cause {
    #[error("{code}{message} (HTTP status {status}, request {request})")]
    Service { code: String, message: String, status: u16, request: String },
    /// Credentials, connection or reply are missing: the outcome is unknown.
    #[error("there was no answer")]
    NoAnswer(#[source] Source),
    /// For example the client of the application has no region.
    #[error("the request could not be made")]
    NotSent(#[source] Source),
    /// Of a proxy, or cut off. It is not shown: it may contain a record.
    #[error("the answer with HTTP status {0} cannot be read")]
    Unreadable(u16),
}

/// The deadline of a call has passed.
#[derive(Debug, thiserror::Error)]
#[error("no answer within the deadline")]
pub(crate) struct Overdue;

impl Failure {
    pub(crate) fn new<E>(operation: &'static str, table: &str, error: SdkError<E>) -> Self
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let cause = match error {
            SdkError::ServiceError(context) => {
                let status = context.raw().status().as_u16();
                let told = context.err().meta();
                match told.code() {
                    Some(code) => Cause::Service {
                        code: code.to_owned(),
                        message: told
                            .message()
                            .filter(|_| may_be_shown(code))
                            .map_or_else(String::new, |message| format!(": {message}")),
                        status,
                        request: told.request_id().unwrap_or("unknown").to_owned(),
                    },
                    None => Cause::Unreadable(status),
                }
            }
            SdkError::ResponseError(context) => Cause::Unreadable(context.raw().status().as_u16()),
            SdkError::ConstructionFailure(_) => Cause::NotSent(source(error)),
            _ => Cause::NoAnswer(source(error)),
        };
        Self { operation, table: table.to_owned(), cause }
    }

    /// The request could not even be built.
    pub(crate) fn not_sent(operation: &'static str, table: &str, source: impl Into<Source>) -> Self {
        Self { operation, table: table.to_owned(), cause: Cause::NotSent(source.into()) }
    }

    /// The name of the error, if the service returned one.
    pub(crate) fn code(&self) -> Option<&str> {
        match &self.cause {
            Cause::Service { code, .. } => Some(code),
            _ => None,
        }
    }

    /// True if the condition of a write did not hold. Then nothing was written.
    pub(crate) fn is_condition(&self) -> bool {
        self.code() == Some("ConditionalCheckFailedException")
    }

    /// True if the credentials lack the right to the operation.
    pub(crate) fn is_denied(&self) -> bool {
        self.code() == Some("AccessDeniedException")
    }

    /// True if the credentials are not accepted at all.
    pub(crate) fn is_login(&self) -> bool {
        self.code().is_some_and(|code| {
            matches!(
                code,
                "ExpiredTokenException"
                    | "IncompleteSignatureException"
                    | "InvalidClientTokenId"
                    | "InvalidSignatureException"
                    | "MissingAuthenticationTokenException"
                    | "UnrecognizedClientException"
            )
        })
    }

    /// True if there is no such table.
    pub(crate) fn is_missing_table(&self) -> bool {
        self.code() == Some("ResourceNotFoundException")
    }

    /// True if the next attempt may succeed without intervention.
    pub(crate) fn is_transient(&self) -> bool {
        match &self.cause {
            Cause::NoAnswer(_) | Cause::Unreadable(_) => true,
            Cause::NotSent(_) => false,
            Cause::Service { status, code, .. } => {
                *status >= 500
                    || *status == 429
                    || matches!(
                        code.as_str(),
                        "LimitExceededException"
                            | "ProvisionedThroughputExceededException"
                            | "ReplicatedWriteConflictException"
                            | "RequestLimitExceeded"
                            | "ThrottlingException"
                            | "TransactionConflictException"
                            | "TransactionInProgressException"
                    )
            }
        }
    }
}

/// The message of a rejected signature repeats the signed headers, and so the session token.
fn may_be_shown(code: &str) -> bool {
    !code.contains("Signature")
}

/// The source of an error without the request and the response.
fn source<E: Error + Send + Sync + 'static>(error: SdkError<E>) -> Source {
    error.into_source().unwrap_or_else(|error| error.to_string().into())
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        if failure.is_transient() { Self::unavailable(failure) } else { Self::rejected(failure) }
    }
}
