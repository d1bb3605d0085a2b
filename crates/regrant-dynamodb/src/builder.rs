use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType, TableDescription, TableStatus,
    TimeToLiveDescription, TimeToLiveSpecification, TimeToLiveStatus,
};
use tokio::time::timeout;

use crate::call::Settings;
use crate::failure::{Failure, Overdue};
use crate::item::TTL;
use crate::key::{PARTITION, SORT};
use crate::open_error::OpenError;
use crate::rights::{self, Missing};
use crate::store::{DynamoStore, Inner};

/// Longest time of the checks of `open`: the first request may have to fetch credentials.
const OPENING: Duration = Duration::from_secs(10);

/// Longest time of the creation of a table, and the pause between two looks at it.
const CREATION: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_millis(200);

/// Options of a [`DynamoStore`].
///
/// ```no_run
/// use std::time::Duration;
///
/// use regrant_dynamodb::aws_sdk_dynamodb::Client;
/// use regrant_dynamodb::{DynamoStore, OpenError};
///
/// async fn store(client: Client) -> Result<DynamoStore, OpenError> {
///     let builder = DynamoStore::builder(client, "regrant").deadline(Duration::from_secs(1));
///     builder.create_table().await?;
///     builder.open().await
/// }
/// ```
#[derive(Clone)]
#[must_use = "a store is opened by `open`"]
pub struct DynamoStoreBuilder {
    client: Client,
    table: String,
    deadline: Duration,
    assumes_time_to_live: bool,
}

impl DynamoStore {
    /// Opens the store in `table` with the default options. The credentials, the region and the endpoint are those of
    /// `client`; its time-outs and retries do not count.
    ///
    /// # Errors
    /// If the table does not exist, is another one, or cannot be used with these credentials.
    pub async fn open(client: Client, table: impl Into<String>) -> Result<Self, OpenError> {
        Self::builder(client, table).open().await
    }

    /// Options for the store in `table`: its name or its ARN.
    pub fn builder(client: Client, table: impl Into<String>) -> DynamoStoreBuilder {
        DynamoStoreBuilder {
            client,
            table: table.into(),
            deadline: Duration::from_secs(2),
            assumes_time_to_live: false,
        }
    }
}

impl DynamoStoreBuilder {
    /// Longest time of a call; 100 ms or more. It covers the wait for credentials, connecting, and all requests with
    /// their repetitions. Default: 2 seconds.
    ///
    /// Connecting gets a quarter of it and the wait for an answer a half, so that a silent connection can be replaced
    /// in time. All checks of [`open`](Self::open) together get ten seconds, if that is longer.
    pub const fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Skips the check that time to live is enabled, for servers that do not have it or do not report it. Without it
    /// nothing is ever deleted, and the table grows with every grant and every DPoP proof.
    pub const fn assume_time_to_live(mut self) -> Self {
        self.assumes_time_to_live = true;
        self
    }

    /// Creates the table, with capacity on demand and time to live, and waits until it can be used. A table that exists
    /// is left as it is, but gets time to live. For tests and small hosts: others describe the table where they
    /// describe their other resources.
    ///
    /// Needs the rights `dynamodb:CreateTable`, `dynamodb:DescribeTable`, `dynamodb:DescribeTimeToLive` and
    /// `dynamodb:UpdateTimeToLive`.
    ///
    /// # Errors
    /// If the table cannot be created, or is not ready within two minutes.
    pub async fn create_table(&self) -> Result<(), OpenError> {
        let inner = self.inner(self.deadline.max(OPENING))?;
        timeout(CREATION, inner.create_table(!self.assumes_time_to_live)).await.map_err(overdue)?
    }

    /// Opens the store. Checks the table, its time to live, and with requests that change nothing whether the
    /// credentials have every right that the store needs.
    ///
    /// # Errors
    /// If an option is invalid, DynamoDB cannot be reached, the table is missing or another one, or a right is
    /// missing ([`OpenError::MissingPermission`] names it).
    pub async fn open(&self) -> Result<DynamoStore, OpenError> {
        let limit = self.deadline.max(OPENING);
        let patient = self.inner(limit)?;
        timeout(limit, patient.check(!self.assumes_time_to_live)).await.map_err(overdue)??;
        Ok(DynamoStore::new(self.inner(self.deadline)?))
    }

    fn inner(&self, deadline: Duration) -> Result<Inner, OpenError> {
        if self.deadline < Duration::from_millis(100) {
            return Err(OpenError::Option { name: "deadline", why: "must be 100 ms or more" });
        }
        let settings = Settings::new(deadline);
        Ok(Inner { client: self.client.clone(), table: self.table.clone(), settings, deadline })
    }
}

impl std::fmt::Debug for DynamoStoreBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DynamoStoreBuilder")
            .field("table", &self.table)
            .field("deadline", &self.deadline)
            .field("assumes_time_to_live", &self.assumes_time_to_live)
            .finish_non_exhaustive()
    }
}

fn overdue(_: tokio::time::error::Elapsed) -> OpenError {
    OpenError::Unreachable(Overdue.into())
}

impl Inner {
    async fn check(&self, has_time_to_live: bool) -> Result<(), OpenError> {
        let mut missing = Missing::default();
        // Without the right to describe the table, the others are tried all the same, so that all missing ones are
        // named.
        if let Some(table) = missing.note("dynamodb:DescribeTable", &self.table, self.describe().await)? {
            self.check_table(table.as_ref())?;
        }
        rights::check(self, &mut missing).await?;
        if has_time_to_live {
            let told = missing.note("dynamodb:DescribeTimeToLive", &self.table, self.time_to_live().await)?;
            if !told.is_none_or(is_enabled) {
                return Err(OpenError::NoTimeToLive { table: self.table.clone() });
            }
        }
        missing.none(&self.table)
    }

    fn check_table(&self, described: Option<&TableDescription>) -> Result<(), OpenError> {
        let table = || self.table.clone();
        let described = described.ok_or_else(|| OpenError::MissingTable { table: table() })?;
        match described.table_status() {
            Some(TableStatus::Active | TableStatus::Updating) if has_key(described) => Ok(()),
            Some(TableStatus::Active | TableStatus::Updating) => Err(OpenError::OtherKey { table: table() }),
            status => {
                let status = status.map_or("in no status", TableStatus::as_str).to_owned();
                Err(OpenError::NotReady { table: table(), status })
            }
        }
    }

    async fn create_table(&self, has_time_to_live: bool) -> Result<(), OpenError> {
        let failed = |failure| OpenError::from_failure(failure, &self.table);
        match self.send_creation().await {
            Err(failure) if failure.code() == Some("ResourceInUseException") => {}
            created => created.map_err(failed)?,
        }
        loop {
            match self.describe().await {
                Ok(Some(table)) if table.table_status() == Some(&TableStatus::Active) => break,
                Err(failure) if !failure.is_missing_table() => return Err(failed(failure)),
                // Not ready; the description of a new table may even lag behind its creation.
                _ => tokio::time::sleep(PAUSE).await,
            }
        }
        if has_time_to_live && !is_enabled(self.time_to_live().await.map_err(failed)?) {
            self.enable_time_to_live().await.map_err(failed)?;
        }
        Ok(())
    }

    async fn describe(&self) -> Result<Option<TableDescription>, Failure> {
        let describe = self.client.describe_table().table_name(&self.table);
        let described = describe.customize().config_override(self.settings.read.clone()).send().await;
        Ok(described.map_err(|error| self.failed("DescribeTable", error))?.table)
    }

    async fn time_to_live(&self) -> Result<Option<TimeToLiveDescription>, Failure> {
        let describe = self.client.describe_time_to_live().table_name(&self.table);
        let described = describe.customize().config_override(self.settings.read.clone()).send().await;
        Ok(described.map_err(|error| self.failed("DescribeTimeToLive", error))?.time_to_live_description)
    }

    async fn send_creation(&self) -> Result<(), Failure> {
        const OPERATION: &str = "CreateTable";
        let attributes: Result<Vec<_>, BuildError> = [PARTITION, SORT].into_iter().map(attribute).collect();
        let keys: Result<Vec<_>, BuildError> =
            [key_element(PARTITION, KeyType::Hash), key_element(SORT, KeyType::Range)].into_iter().collect();
        let incomplete = |error| Failure::not_sent(OPERATION, &self.table, error);
        let create = self
            .client
            .create_table()
            .table_name(&self.table)
            .billing_mode(BillingMode::PayPerRequest)
            .set_attribute_definitions(Some(attributes.map_err(incomplete)?))
            .set_key_schema(Some(keys.map_err(incomplete)?));
        let created = create.customize().config_override(self.settings.write.clone()).send().await;
        created.map(drop).map_err(|error| self.failed(OPERATION, error))
    }

    async fn enable_time_to_live(&self) -> Result<(), Failure> {
        const OPERATION: &str = "UpdateTimeToLive";
        let specification = TimeToLiveSpecification::builder().enabled(true).attribute_name(TTL).build();
        let specification = specification.map_err(|error| Failure::not_sent(OPERATION, &self.table, error))?;
        let update = self.client.update_time_to_live().table_name(&self.table);
        let update = update.time_to_live_specification(specification);
        let updated = update.customize().config_override(self.settings.write.clone()).send().await;
        updated.map(drop).map_err(|error| self.failed(OPERATION, error))
    }
}

fn attribute(name: &str) -> Result<AttributeDefinition, BuildError> {
    AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S).build()
}

fn key_element(name: &str, kind: KeyType) -> Result<KeySchemaElement, BuildError> {
    KeySchemaElement::builder().attribute_name(name).key_type(kind).build()
}

fn has_key(table: &TableDescription) -> bool {
    let is_key = |(name, kind): (&str, KeyType)| {
        table.key_schema().iter().any(|element| element.attribute_name() == name && *element.key_type() == kind)
    };
    let is_text = |name: &str| {
        table.attribute_definitions().iter().any(|definition| {
            definition.attribute_name() == name && *definition.attribute_type() == ScalarAttributeType::S
        })
    };
    [(PARTITION, KeyType::Hash), (SORT, KeyType::Range)].into_iter().all(is_key)
        && [PARTITION, SORT].into_iter().all(is_text)
}

fn is_enabled(described: Option<TimeToLiveDescription>) -> bool {
    described.is_some_and(|described| {
        let status = described.time_to_live_status();
        let is_on = matches!(status, Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling));
        is_on && described.attribute_name() == Some(TTL)
    })
}
