//! The pool that the store makes for itself.

use std::time::Duration;

use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Pool, QueueMode, RecyclingMethod};
use tokio_postgres::Config;
use tokio_postgres::config::{SslMode, TargetSessionAttrs};

use crate::open_error::OpenError;
use crate::tls::{self, Roots};

/// A pool of at most `size` connections, made when they are needed, on which no statement takes longer than
/// `statement`.
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
    // A connection that was closed is known as closed: to ask each one whether it lives would double the round trips.
    let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = Manager::from_config(tuned(config, deadline), tls::connector(&roots)?, recycling);
    let settings = settings(statement);
    Pool::builder(manager)
        .max_size(size.max(1))
        // The connection that was used last is the one whose process is still warm: under a light load about twice as fast
        // as to go round all of them.
        .queue_mode(QueueMode::Lifo)
        .post_create(Hook::async_fn(move |client, _| {
            let settings = settings.clone();
            Box::pin(async move { client.batch_execute(&settings).await.map_err(HookError::Backend) })
        }))
        .build()
        .map_err(|error| OpenError::Other(error.into()))
}

/// What the URL left open. A connection across which nothing comes back any more shall die about as fast as a call does.
fn tuned(config: &Config, deadline: Duration) -> Config {
    let mut config = config.clone();
    config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    if config.get_application_name().is_none() {
        config.application_name("regrant");
    }
    if config.get_connect_timeout().is_none() {
        // So that the second of two hosts has its turn within the deadline, when the first is silent.
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

/// Where the server says nothing: a statement that nobody waits for any more ends by itself, and holds no lock for long.
/// (A cancel request would not do: a commit that waits for a standby would be reported as done.) And where it says that a
/// commit need not be on disk, this session thinks otherwise: what is acknowledged is stored.
fn settings(statement: Duration) -> String {
    let millis = statement.as_millis().clamp(1, i32::MAX.unsigned_abs().into());
    format!(
        "SELECT set_config('statement_timeout', '{millis}', false) WHERE current_setting('statement_timeout') = '0'; \
         SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
    )
}
