//! Databases that fall silent while a service uses them. Each call of a store ends within two seconds and each call of
//! the service within five, with an error that asks for a retry. The retry succeeds.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use regrant::clock::{Clock as _, SystemClock};
use regrant::event::ErrorCode;
use regrant::store::{
    Expect, GrantIndex, GrantKey, GrantOwner, GrantRecord, PurgeExpired, SingleUse, StoreError, StoredGrant, Swap,
    TokenStore, UseId, Version,
};
use regrant::token::Realm;
use regrant::{
    Approval, AuthenticatedClient, AuthorizeRequest, Client, ClientId, ClientRegistry, GrantId, GrantType,
    IssueRequest, Key, KeyRing, RedeemRequest, RedirectUri, RefreshRequest, Subject, TokenError, TokenResponse,
    TokenService,
};
use regrant_mysql::MysqlStore;
use regrant_postgres::PostgresStore;
use regrant_redis::RedisStore;
use regrant_sqlite::SqliteStore;
use testbed::{Disturbance, Dynalite, LONG, MariaDb, Postgres, Proxy, Redis, RedisCluster, retry, short};
use tokio::sync::Barrier;
use tokio::time::timeout;

use crate::dynamodb;

const CALL_OF_A_STORE: Duration = Duration::from_secs(2);
const CALL_OF_THE_SERVICE: Duration = Duration::from_secs(5);

/// Starts the silence, or ends it.
type Silence = Arc<dyn Fn(bool) + Send + Sync>;

/// Silences these links; keeps their owner alive.
fn silence_of<T: Send + Sync + 'static>(owner: T, links: fn(&T) -> &[Proxy]) -> Silence {
    Arc::new(move |is_silent| {
        for link in links(&owner) {
            if is_silent {
                link.disturb(Disturbance::Blackhole(Duration::from_secs(600)));
            } else {
                link.clear();
            }
        }
    })
}

/// Waits for a call, which must end by its deadline. The factor is for busy machines.
async fn in_time<T>(what: &str, promised: Duration, call: impl Future<Output = T>) -> T {
    timeout(short(promised * 4), call).await.unwrap_or_else(|_| panic!("{what} does not end"))
}

/// Makes all calls of the store at once.
async fn each_call_of_the_store_ends<S>(store: &S, silence: &Silence)
where
    S: TokenStore + GrantIndex + SingleUse,
{
    silence(true);
    let key = GrantKey { realm: Realm::default(), id: GrantId::from_bytes([1; 16]) };
    let record = GrantRecord {
        payload: [1].into(),
        client_id: ClientId::new("app").unwrap(),
        subject: None,
        expires_at: Some(SystemClock.now()),
    };
    let owner = GrantOwner::Client(record.client_id.clone());
    let (realm, used) = (Realm::default(), UseId::from_bytes([1; 32]));
    let limit = CALL_OF_A_STORE;
    let (load, create, swap, page, mark) = tokio::join!(
        in_time("load", limit, store.load(&key)),
        in_time("creation", limit, store.compare_and_swap(&key, Expect::Absent, record.clone())),
        in_time("swap", limit, store.compare_and_swap(&key, Expect::Version(Version(1)), record.clone())),
        in_time("page", limit, store.page(&realm, &owner, None, 10)),
        in_time("use", limit, store.use_once(&used, SystemClock.now())),
    );
    silence(false);
    for error in [load.err(), create.err(), swap.err(), page.err(), mark.err()] {
        assert!(error.as_ref().is_some_and(StoreError::is_transient), "{error:?}");
    }
}

/// A store that collects writes and starts the silence before the first of them: all have loaded and none can store.
struct Collecting<S> {
    store: S,
    silence: Silence,
    /// None while writes are not collected.
    writes: Mutex<Option<Arc<Barrier>>>,
}

impl<S> Collecting<S> {
    fn collect(&self, writes: usize) {
        *self.writes.lock().unwrap() = Some(Arc::new(Barrier::new(writes)));
    }
}

#[async_trait]
impl<S: TokenStore> TokenStore for Collecting<S> {
    async fn load(&self, key: &GrantKey) -> Result<Option<StoredGrant>, StoreError> {
        loop {
            let loaded = self.store.load(key).await;
            // On a busy machine a load can fail before the silence. The other calls would wait for its write.
            if loaded.is_ok() || self.writes.lock().unwrap().is_none() {
                return loaded;
            }
            tokio::task::yield_now().await;
        }
    }

    async fn compare_and_swap(&self, key: &GrantKey, expect: Expect, record: GrantRecord) -> Result<Swap, StoreError> {
        let writes = self.writes.lock().unwrap().clone();
        if let Some(writes) = writes {
            if writes.wait().await.is_leader() {
                *self.writes.lock().unwrap() = None;
                (self.silence)(true);
            }
            writes.wait().await;
        }
        self.store.compare_and_swap(key, expect, record).await
    }
}

/// A service on the store, with a client.
struct Host<S> {
    store: Arc<Collecting<S>>,
    service: TokenService<Arc<Collecting<S>>>,
    client: AuthenticatedClient,
}

/// Tokens that the client holds before the silence.
struct Held {
    refresh_token: String,
    access_token: String,
    revoked: String,
    code: String,
}

impl<S: TokenStore + 'static> Host<S> {
    fn on(store: S, silence: &Silence) -> Self {
        let store = Arc::new(Collecting { store, silence: Arc::clone(silence), writes: Mutex::default() });
        let keys = KeyRing::new(Key::from_parts(1, *b"a test key of thirty-two bytes..").unwrap());
        let service = TokenService::builder(Arc::clone(&store), ClientRegistry::new(), keys).build().unwrap();
        let client = Client::new(ClientId::new("app").unwrap())
            .with_redirect_uris([RedirectUri::new("https://app.example/callback").unwrap()])
            .with_grant_types([GrantType::AuthorizationCode, GrantType::Password, GrantType::RefreshToken]);
        Self { store, service, client: AuthenticatedClient::assertion(client.into()) }
    }

    async fn issue(&self) -> Result<TokenResponse, TokenError> {
        let approval = Approval::of(Subject::new("demo").unwrap());
        self.service.issue(&self.client, IssueRequest::new(GrantType::Password, approval)).await
    }

    async fn held(&self) -> Held {
        let one = retry(async || retryable(self.issue().await)).await;
        let other = retry(async || retryable(self.issue().await)).await;
        let approval = || AuthorizeRequest::new(Approval::of(Subject::new("demo").unwrap()));
        let code = retry(async || retryable(self.service.authorize(&self.client, approval()).await)).await.code;
        Held {
            refresh_token: one.refresh_token.unwrap().expose().to_owned(),
            access_token: one.access_token.expose().to_owned(),
            revoked: other.refresh_token.unwrap().expose().to_owned(),
            code: code.expose().to_owned(),
        }
    }

    /// Makes the calls of `write_all` again, until each succeeds: the first may meet a connection that the end of the
    /// silence closes.
    async fn write_all_again(&self, held: &Held) {
        let (refresh, redeem) = (RefreshRequest::new(&*held.refresh_token), RedeemRequest::new(&*held.code));
        retry(async || retryable(self.service.refresh(&self.client, &refresh).await)).await;
        retry(async || retryable(self.service.redeem(&self.client, &redeem).await)).await;
        retry(async || retryable(self.issue().await)).await;
        retry(async || retryable(self.service.revoke(&self.client, &held.revoked).await)).await;
    }

    /// Makes all calls that write at once; returns their errors.
    async fn write_all(&self, held: &Held) -> [Option<TokenError>; 4] {
        let (refresh, redeem) = (RefreshRequest::new(&*held.refresh_token), RedeemRequest::new(&*held.code));
        let limit = CALL_OF_THE_SERVICE;
        let (refreshed, redeemed, issued, revoked) = tokio::join!(
            in_time("refresh", limit, self.service.refresh(&self.client, &refresh)),
            in_time("redeem", limit, self.service.redeem(&self.client, &redeem)),
            in_time("issue", limit, self.issue()),
            in_time("revoke", limit, self.service.revoke(&self.client, &held.revoked)),
        );
        [refreshed.err(), redeemed.err(), issued.err(), revoked.err()]
    }

    async fn introspect(&self, held: &Held) -> Result<bool, TokenError> {
        let call = self.service.introspect(&self.client, &held.access_token);
        in_time("introspect", CALL_OF_THE_SERVICE, call).await.map(|active| active.is_some())
    }
}

/// Returns the result of a call, whose error must ask for a retry.
fn retryable<T>(result: Result<T, TokenError>) -> Result<T, TokenError> {
    result.inspect_err(|error| assert_eq!(error.code(), ErrorCode::TemporarilyUnavailable, "{error:?}"))
}

fn assert_all_retryable(errors: [Option<TokenError>; 4]) {
    for error in errors {
        let code = error.as_ref().map(TokenError::code);
        assert_eq!(code, Some(ErrorCode::TemporarilyUnavailable), "{error:?}");
    }
}

/// Checks a silence from the first call on, then one between load and store. The calls before and after the silence use
/// `patient`, the same store with a long deadline.
async fn each_call_of_the_service_ends<S: TokenStore + 'static>(store: S, patient: S, silence: &Silence) {
    let (host, patient) = (Host::on(store, silence), Host::on(patient, silence));
    let held = patient.held().await;
    silence(true);
    let (errors, introspected) = tokio::join!(host.write_all(&held), host.introspect(&held));
    silence(false);
    assert_all_retryable(errors);
    assert_eq!(introspected.unwrap_err().code(), ErrorCode::TemporarilyUnavailable);

    host.store.collect(4);
    let errors = Box::pin(host.write_all(&held)).await;
    silence(false);
    assert_all_retryable(errors);

    assert!(patient.introspect(&held).await.unwrap());
    patient.write_all_again(&held).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_call_waits_for_a_silent_postgres() {
    let postgres = Postgres::start();
    let proxy = Proxy::before(postgres.address());
    let url = postgres.url_at(proxy.address());
    let builder = PostgresStore::builder(&url).unwrap();
    retry(async || builder.migrate().await).await;
    let store = retry(async || builder.open().await).await;
    let patient = builder.deadline(LONG).open().await.unwrap();
    let silence = silence_of(vec![proxy], Vec::as_slice);
    each_call_of_the_store_ends(&store, &silence).await;
    silence(true);
    let purged = in_time("purge", CALL_OF_A_STORE, store.purge_expired(SystemClock.now(), 10)).await;
    silence(false);
    assert!(purged.unwrap_err().is_transient());
    Box::pin(each_call_of_the_service_ends(store, patient, &silence)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_call_waits_for_a_silent_mariadb() {
    let mariadb = MariaDb::start();
    let proxy = Proxy::before(mariadb.address());
    let url = mariadb.url_at(proxy.address());
    let builder = MysqlStore::builder(&url).unwrap();
    retry(async || builder.migrate().await).await;
    let store = retry(async || builder.open().await).await;
    let patient = builder.deadline(LONG).open().await.unwrap();
    let silence = silence_of(vec![proxy], Vec::as_slice);
    each_call_of_the_store_ends(&store, &silence).await;
    silence(true);
    let purged = in_time("purge", CALL_OF_A_STORE, store.purge_expired(SystemClock.now(), 10)).await;
    silence(false);
    assert!(purged.unwrap_err().is_transient());
    Box::pin(each_call_of_the_service_ends(store, patient, &silence)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_call_waits_for_a_silent_redis() {
    let redis = Redis::start();
    let proxy = Proxy::before(redis.address());
    let url = format!("redis://{}", proxy.address());
    let store = retry(async || RedisStore::open(&url).await).await;
    let patient = RedisStore::builder(&url).deadline(LONG).open().await.unwrap();
    let silence = silence_of(vec![proxy], Vec::as_slice);
    each_call_of_the_store_ends(&store, &silence).await;
    Box::pin(each_call_of_the_service_ends(store, patient, &silence)).await;
}

/// The primary and its sentinel fall silent at once.
#[tokio::test(flavor = "multi_thread")]
async fn no_call_waits_for_a_silent_sentinel() {
    let redis = Redis::start();
    let primary = Proxy::before(redis.address());
    let sentinel = Redis::sentinel(&format!("sentinel monitor main 127.0.0.1 {} 1\n", primary.address().port()));
    let watcher = Proxy::before(sentinel.address());
    let url = format!("redis-sentinel://{}/main", watcher.address());
    let store = retry(async || RedisStore::open(&url).await).await;
    let patient = RedisStore::builder(&url).deadline(LONG).open().await.unwrap();
    let silence = silence_of(vec![primary, watcher], Vec::as_slice);
    each_call_of_the_store_ends(&store, &silence).await;
    Box::pin(each_call_of_the_service_ends(store, patient, &silence)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_call_waits_for_a_silent_cluster() {
    let cluster = RedisCluster::start_behind_proxies();
    let store = retry(async || RedisStore::cluster(cluster.urls()).open().await).await;
    let patient = RedisStore::cluster(cluster.urls()).deadline(LONG).open().await.unwrap();
    let silence = silence_of(cluster, RedisCluster::proxies);
    each_call_of_the_store_ends(&store, &silence).await;
    Box::pin(each_call_of_the_service_ends(store, patient, &silence)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_call_waits_for_a_silent_dynamodb() {
    let dynalite = Dynalite::start();
    let proxy = Proxy::before(dynalite.address());
    let builder = dynamodb::at(proxy.address());
    builder.create_table().await.unwrap();
    let store = builder.open().await.unwrap();
    let patient = builder.deadline(LONG).open().await.unwrap();
    let silence = silence_of(vec![proxy], Vec::as_slice);
    each_call_of_the_store_ends(&store, &silence).await;
    Box::pin(each_call_of_the_service_ends(store, patient, &silence)).await;
}

/// Reads continue; writes wait for the lock.
#[tokio::test(flavor = "multi_thread")]
async fn no_call_waits_for_a_locked_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("grants.db");
    let store = SqliteStore::open(&path).unwrap();
    let patient = SqliteStore::builder().deadline(LONG).open(&path).unwrap();
    let other = Mutex::new(rusqlite::Connection::open(&path).unwrap());
    let silence: Silence = Arc::new(move |is_silent| {
        let sql = if is_silent { "BEGIN IMMEDIATE" } else { "ROLLBACK" };
        other.lock().unwrap().execute_batch(sql).unwrap();
    });
    let (host, patient) = (Host::on(store, &silence), Host::on(patient, &silence));
    let held = patient.held().await;
    host.store.collect(4);
    let errors = Box::pin(host.write_all(&held)).await;
    assert!(patient.introspect(&held).await.unwrap());
    silence(false);
    assert_all_retryable(errors);
    patient.write_all_again(&held).await;
}
