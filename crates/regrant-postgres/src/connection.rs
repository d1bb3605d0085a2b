//! Connection pool of the store.

use std::time::Duration;

use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Pool, QueueMode, RecyclingMethod};
use tokio_postgres::Config;
use tokio_postgres::config::{SslMode, TargetSessionAttrs};

use crate::open_error::OpenError;
use crate::tls::{self, Roots};

/// Creates a pool of at most `size` connections, opened on demand, whose statements end after `statement`.
pub(crate) fn pool(
    config: &Config,
    size: usize,
    deadline: Duration,
    statement: Duration,
    root: Option<&[u8]>,
) -> Result<Pool, OpenError> {
    let roots = match (config.get_ssl_mode(), root) {
        (SslMode::Disable, _) => Roots::None,
        (_, None) => Roots::System,
        (_, Some(pem)) => Roots::Pem(pem),
    };
    // The driver notices a closed connection. A test query before each use would double the round trips.
    let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = Manager::from_config(tuned(config, deadline), tls::connector(&roots)?, recycling);
    let settings = settings(statement);
    Pool::builder(manager)
        .max_size(size.max(1))
        // The process of the last used connection still has warm caches: under light load this is about twice as fast
        // as round robin.
        .queue_mode(QueueMode::Lifo)
        .post_create(Hook::async_fn(move |client, _| {
            let settings = settings.clone();
            Box::pin(async move { client.batch_execute(&settings).await.map_err(HookError::Backend) })
        }))
        .build()
        .map_err(|error| OpenError::Other(error.into()))
}

/// Sets the options that the URL leaves open. A connection that receives nothing any more should fail about as fast as
/// a call.
fn tuned(config: &Config, deadline: Duration) -> Config {
    let mut config = config.clone();
    config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    if config.get_application_name().is_none() {
        config.application_name("regrant");
    }
    if config.get_connect_timeout().is_none() {
        // If the first of two hosts is silent, the second still gets its turn within the deadline.
        let hosts = config.get_hosts().len().max(config.get_hostaddrs().len()).max(1);
        config.connect_timeout(deadline / u32::try_from(hosts).unwrap_or(u32::MAX));
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(deadline);
    }
    if config.get_keepalives_interval().is_none() && config.get_keepalives_retries().is_none() {
        config
            .keepalives_idle(Duration::from_secs(10))
            .keepalives_interval(Duration::from_secs(3))
            .keepalives_retries(3);
    }
    config
}

/// Session settings. A statement timeout, unless the server sets one: a statement that no caller waits for ends, and
/// soon releases its locks. (A cancel request is no substitute: it would report a commit that waits for a standby as
/// done.) Also turns on `synchronous_commit` if it is off: acknowledged writes must be stored.
fn settings(statement: Duration) -> String {
    let millis = statement.as_millis().clamp(1, i32::MAX.unsigned_abs().into());
    format!(
        "SELECT set_config('statement_timeout', '{millis}', false) WHERE current_setting('statement_timeout') = '0'; \
         SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
    )
}
