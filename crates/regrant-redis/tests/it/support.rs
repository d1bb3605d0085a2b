//! Stores for tests, and records to put into them.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::time::Duration;

use redis::ConnectionLike as _;
use regrant::clock::{Clock as _, SystemClock, Timestamp};
use regrant::store::{Expect, GrantKey, GrantRecord, StoreError, StoredGrant, Swap, TokenStore as _, Version};
use regrant_redis::{OpenError, RedisStore, RedisStoreBuilder};
pub(crate) use testbed::{LONG, key, text_of};
use testbed::{Redis, RedisCluster};

pub(crate) use crate::common::{at, behind_proxy, connected, fresh_prefix};

pub(crate) const HOUR: Duration = Duration::from_secs(3600);

/// One cluster for all tests that change nothing in it.
pub(crate) fn shared_cluster() -> &'static RedisCluster {
    static CLUSTER: LazyLock<RedisCluster> = LazyLock::new(RedisCluster::start);
    &CLUSTER
}

/// Makes a primary a replica of another server, which does not send its data, so that the replica keeps its own.
pub(crate) fn demote(server: &Redis) -> Redis {
    let successor = Redis::start_with(&["--repl-diskless-sync-delay", "3600"]);
    server.command(&["REPLICAOF", "127.0.0.1", &successor.address().port().to_string()]);
    successor
}

/// Key of a grant under the default prefix.
pub(crate) fn name(key: &GrantKey) -> String {
    format!("regrant:g:{{{}}}:{}", key.id, key.realm)
}

/// Index key of the subject "demo" in the default realm: "ids" or "ends".
pub(crate) fn subject_index(part: &str) -> String {
    format!("regrant:s:{{.ZGVtbw}}:{part}")
}

/// Index key of the client "app".
pub(crate) fn client_index(part: &str) -> String {
    format!("regrant:c:{{.YXBw}}:{part}")
}

/// A record of "app" and "demo" that expires in an hour.
pub(crate) fn record(payload: impl Into<Vec<u8>>) -> GrantRecord {
    record_until(payload, Some(SystemClock.now() + HOUR))
}

pub(crate) fn record_until(payload: impl Into<Vec<u8>>, expires_at: Option<Timestamp>) -> GrantRecord {
    GrantRecord { expires_at, ..testbed::record(payload) }
}

pub(crate) async fn create(store: &RedisStore, key: &GrantKey, record: GrantRecord) -> Version {
    assert_eq!(store.compare_and_swap(key, Expect::Absent, record).await.unwrap(), Swap::Stored);
    existing(store, key).await.version
}

/// Replaces `version` by `record`.
pub(crate) async fn swap(
    store: &RedisStore,
    key: GrantKey,
    version: Version,
    record: GrantRecord,
) -> Result<Swap, StoreError> {
    store.compare_and_swap(&key, Expect::Version(version), record).await
}

pub(crate) async fn existing(store: &RedisStore, key: &GrantKey) -> StoredGrant {
    store.load(key).await.unwrap().unwrap()
}

pub(crate) async fn replace(store: &RedisStore, key: &GrantKey, record: GrantRecord) {
    let version = existing(store, key).await.version;
    assert_eq!(swap(store, key.clone(), version, record).await.unwrap(), Swap::Stored, "there is no other writer");
}

/// Adds one to the number in the payload, against other writers and short outages. `None` means that the outcome is
/// unknown.
pub(crate) async fn count_up(store: &RedisStore, key: &GrantKey) -> Option<()> {
    loop {
        let Ok(stored) = store.load(key).await.inspect_err(assert_transient) else { continue };
        let StoredGrant { version, record: mut counter } = stored.unwrap();
        let count = u64::from_be_bytes((*counter.payload).try_into().unwrap());
        counter.payload = (count + 1).to_be_bytes().into();
        match swap(store, key.clone(), version, counter).await {
            Ok(Swap::Stored) => return Some(()),
            Ok(Swap::Conflict) => {}
            Err(error) => {
                assert_transient(&error);
                return None;
            }
        }
    }
}

pub(crate) async fn count(store: &RedisStore, key: &GrantKey) -> u64 {
    u64::from_be_bytes((*existing(store, key).await.record.payload).try_into().unwrap())
}

pub(crate) fn assert_transient(error: &StoreError) {
    assert!(error.is_transient(), "{error:?}");
}

/// Sends a command to the server directly, not through the store.
pub(crate) fn ask<T: redis::FromRedisValue>(server: &Redis, command: &redis::Cmd) -> T {
    let mut connection = redis::Client::open(server.url()).unwrap().get_connection().unwrap();
    let reply = connection.req_command(command).unwrap();
    redis::from_redis_value(reply).unwrap()
}

pub(crate) async fn refused(builder: RedisStoreBuilder) -> OpenError {
    builder.open().await.expect_err("a store that must not open")
}

/// A server that answers `HELLO` and `SENTINEL` with these replies, and `OK` to all else.
pub(crate) fn stand_in(hello: String, sentinel: String) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let (hello, sentinel) = (hello.clone(), sentinel.clone());
            std::thread::spawn(move || {
                let mut request = [0; 4096];
                while let Ok(length @ 1..) = client.read(&mut request) {
                    for command in String::from_utf8_lossy(&request[..length]).split('*').skip(1) {
                        let reply = match command {
                            _ if command.contains("HELLO") => &hello,
                            _ if command.contains("SENTINEL") => &sentinel,
                            _ => "+OK\r\n",
                        };
                        client.write_all(reply.as_bytes()).unwrap();
                    }
                }
            });
        }
    });
    address
}

/// A self-signed certificate for `localhost` and 127.0.0.1, and its key, in files.
pub(crate) struct Certificate(tempfile::TempDir);

impl Certificate {
    pub(crate) fn make() -> Self {
        let files = Self(tempfile::tempdir().unwrap());
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"])
            .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"])
            .args(["-addext", "basicConstraints=critical,CA:FALSE"])
            .args(["-keyout", &files.key(), "-out", &files.certificate()])
            .stderr(Stdio::null())
            .status();
        assert!(made.unwrap().success());
        files
    }

    pub(crate) fn key(&self) -> String {
        self.0.path().join("key.pem").display().to_string()
    }

    pub(crate) fn certificate(&self) -> String {
        self.0.path().join("certificate.pem").display().to_string()
    }
}
