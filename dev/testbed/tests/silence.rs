//! Databases that fall silent while a service is at work on them: each call of a store ends within two seconds and each
//! call of the service within five, with an error that says to try again; and the next attempt settles it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper that cannot go on fails the test")]

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
use regrant_postgres::PostgresStore;
use regrant_redis::RedisStore;
use regrant_sqlite::SqliteStore;
use testbed::{Disturbance, Postgres, Proxy, Redis, RedisCluster};
use tokio::sync::Barrier;
use tokio::time::timeout;

const CALL_OF_A_STORE: Duration = Duration::from_secs(2);
const CALL_OF_THE_SERVICE: Duration = Duration::from_secs(5);

/// Brings the silence, or ends it.
type Silence = Arc<dyn Fn(bool) + Send + Sync>;

/// The silence of these links, with what they belong to.
fn silence_of<T: Send + Sync + 'static>(owner: T, links: fn(&T) -> &[Proxy]) -> Silence {
    Arc::new(move |is_silent| {
        for link in links(&owner) {
            if is_silent {
                link.disturb(Disturbance::Blackhole(Duration::from_secs(600)));
            } else {
                link.calm();
            }
        }
    })
}

/// Ends in time. Only a deadline that is missing takes twice as long: machines that test are busy.
async fn in_time<T>(what: &str, promised: Duration, call: impl Future<Output = T>) -> T {
    timeout(promised * 2, call).await.unwrap_or_else(|_| panic!("{what} does not end"))
}

/// All calls of the store at once.
async fn each_call_of_the_store_ends<S>(store: &S, silence: &Silence)
where
    S: TokenStore + GrantIndex + SingleUse,
{
    silence(true);
    let key = GrantKey { realm: Realm::default(), id: GrantId::from_bytes([1; 16]) };
    let record = GrantRecord {
        payload: vec![1],
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

/// A store before which all writes gather, and then the silence begins: they have loaded, and cannot store.
struct Gathering<S> {
    store: S,
    silence: Silence,
    /// Nothing while nobody gathers.
    writes: Mutex<Option<Arc<Barrier>>>,
}

impl<S> Gathering<S> {
    fn gather(&self, writes: usize) {
        *self.writes.lock().unwrap() = (writes > 0).then(|| Arc::new(Barrier::new(writes)));
    }
}

#[async_trait]
impl<S: TokenStore> TokenStore for Gathering<S> {
    async fn load(&self, key: &GrantKey) -> Result<Option<StoredGrant>, StoreError> {
        self.store.load(key).await
    }

    async fn compare_and_swap(&self, key: &GrantKey, expect: Expect, record: GrantRecord) -> Result<Swap, StoreError> {
        let writes = self.writes.lock().unwrap().clone();
        if let Some(writes) = writes {
            if writes.wait().await.is_leader() {
                (self.silence)(true);
            }
            writes.wait().await;
        }
        self.store.compare_and_swap(key, expect, record).await
    }
}

/// A service on the store, and its client.
struct Host<S> {
    store: Arc<Gathering<S>>,
    service: TokenService<Arc<Gathering<S>>>,
    client: AuthenticatedClient,
}

/// The tokens that the client holds before the silence.
struct Held {
    refresh_token: String,
    access_token: String,
    revoked: String,
    code: String,
}

impl<S: TokenStore + 'static> Host<S> {
    fn on(store: S, silence: &Silence) -> Self {
        let store = Arc::new(Gathering { store, silence: Arc::clone(silence), writes: Mutex::default() });
        let keys = KeyRing::new(Key::with_id(1, *b"a test key of thirty-two bytes..").unwrap());
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
        let (one, other) = (self.issue().await.unwrap(), self.issue().await.unwrap());
        let approval = Approval::of(Subject::new("demo").unwrap());
        let code = self.service.authorize(&self.client, AuthorizeRequest::new(approval)).await.unwrap().code;
        Held {
            refresh_token: one.refresh_token.unwrap().expose().to_owned(),
            access_token: one.access_token.expose().to_owned(),
            revoked: other.refresh_token.unwrap().expose().to_owned(),
            code: code.expose().to_owned(),
        }
    }

    /// All calls that write, at once; those that fail.
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

fn assert_all_retryable(errors: [Option<TokenError>; 4]) {
    for error in errors {
        let code = error.as_ref().map(TokenError::code);
        assert_eq!(code, Some(ErrorCode::TemporarilyUnavailable), "{error:?}");
    }
}

/// Silent from the first call on, then silent between what is loaded and what is to be stored.
async fn each_call_of_the_service_ends<S: TokenStore + 'static>(store: S, silence: &Silence) {
    let host = Host::on(store, silence);
    let held = host.held().await;
    silence(true);
    let (errors, introspected) = tokio::join!(host.write_all(&held), host.introspect(&held));
    silence(false);
    assert_all_retryable(errors);
    assert_eq!(introspected.unwrap_err().code(), ErrorCode::TemporarilyUnavailable);

    host.store.gather(4);
    let errors = Box::pin(host.write_all(&held)).await;
    silence(false);
    assert_all_retryable(errors);

    host.store.gather(0);
    assert!(host.introspect(&held).await.unwrap());
    for error in Box::pin(host.write_all(&held)).await {
        assert!(error.is_none(), "the retry did not settle it: {error:?}");
    }
}

/// Opening has the same default deadline, and no second chance.
async fn opened<S, E: std::fmt::Debug>(open: impl AsyncFn() -> Result<S, E>) -> S {
    let mut failure = None;
    for _ in 0..10 {
        match open().await {
            Ok(store) => return store,
            Err(error) => failure = Some(error),
        }
    }
    panic!("{failure:?}")
}

#[tokio::test(flavor = "multi_thread")]
async fn no_call_waits_for_a_silent_postgres() {
    let postgres = Postgres::start();
    let proxy = Proxy::before(postgres.address());
    let url = postgres.url().replace(&postgres.address().to_string(), &proxy.address().to_string());
    let builder = PostgresStore::builder(&url).unwrap();
    builder.migrate().await.unwrap();
    let store = opened(async || builder.open().await).await;
    let silence = silence_of(vec![proxy], Vec::as_slice);
    each_call_of_the_store_ends(&store, &silence).await;
    silence(true);
    let purged = in_time("purge", CALL_OF_A_STORE, store.purge_expired(SystemClock.now(), 10)).await;
    silence(false);
    assert!(purged.unwrap_err().is_transient());
    Box::pin(each_call_of_the_service_ends(store, &silence)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_call_waits_for_a_silent_redis() {
    let redis = Redis::start();
    let proxy = Proxy::before(redis.address());
    let url = format!("redis://{}", proxy.address());
    let store = opened(async || RedisStore::open(&url).await).await;
    let silence = silence_of(vec![proxy], Vec::as_slice);
    each_call_of_the_store_ends(&store, &silence).await;
    Box::pin(each_call_of_the_service_ends(store, &silence)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_call_waits_for_a_silent_cluster() {
    let cluster = RedisCluster::start_behind_proxies();
    let store = opened(async || RedisStore::cluster(cluster.urls()).open().await).await;
    let silence = silence_of(cluster, RedisCluster::proxies);
    each_call_of_the_store_ends(&store, &silence).await;
    Box::pin(each_call_of_the_service_ends(store, &silence)).await;
}

/// Reads go on; what writes waits for the lock.
#[tokio::test(flavor = "multi_thread")]
async fn no_call_waits_for_a_locked_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("grants.db");
    let store = SqliteStore::open(&path).unwrap();
    let stranger = Mutex::new(rusqlite::Connection::open(&path).unwrap());
    let silence: Silence = Arc::new(move |is_silent| {
        let sql = if is_silent { "BEGIN IMMEDIATE" } else { "ROLLBACK" };
        stranger.lock().unwrap().execute_batch(sql).unwrap();
    });
    let host = Host::on(store, &silence);
    let held = host.held().await;
    host.store.gather(4);
    let errors = Box::pin(host.write_all(&held)).await;
    assert!(host.introspect(&held).await.unwrap());
    silence(false);
    assert_all_retryable(errors);
    host.store.gather(0);
    for error in Box::pin(host.write_all(&held)).await {
        assert!(error.is_none(), "the retry did not settle it: {error:?}");
    }
}
