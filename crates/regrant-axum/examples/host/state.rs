//! The host without HTTP: people and their sessions, the service, and the log of the administrators. The examples for
//! axum and actix-web share this file.

use std::collections::{HashMap, HashSet};
use std::error::Error;
use std::net::TcpListener;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use regrant::authenticator::{ClientStore, DirectoryAuthenticator, RegisteredClient};
use regrant::clock::Timestamp;
use regrant::grant::GrantSummary;
use regrant::host::AttemptLimit;
use regrant::policy::RequirePkce;
use regrant::store::{GrantOwner, SharedStore};
use regrant::wire::{AuthorizationRequest, Endpoints, Paths};
use regrant::{Client, ClientId, ClientSecret, Entropy as _, GrantId, GrantType, Issuer, Key, KeyRing, Policy};
use regrant::{RedirectUri, Scope, SecretHash, Subject, SystemEntropy, TokenError, TokenService};
use regrant_postgres::PostgresStore;
use regrant_sqlite::SqliteStore;

use super::pages::{self, Shown};

/// The grants of one page. The next page begins after the last of them, so a page costs the same at any depth.
const PAGE: usize = 50;

pub(crate) struct Host {
    pub(crate) endpoints: Arc<Endpoints<SharedStore>>,
    clients: Arc<dyn ClientStore>,
    origin: String,
    people: [Person; 2],
    sessions: Mutex<HashMap<String, Session>>,
    audit: Mutex<Vec<Entry>>,
}

struct Person {
    name: Subject,
    password: SecretHash,
    is_admin: bool,
}

/// A signed-in browser. Its key in the map is the cookie, a secret. The id is public: grants of the session have it.
#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) user: Subject,
    pub(crate) is_admin: bool,
    pub(crate) signed_in_at: Timestamp,
    /// The request for which the user signed in. For five minutes it does not ask again, even with `prompt=login`.
    pub(crate) signed_in_for: String,
}

/// The sender of a request, by its headers.
pub(crate) struct Visitor {
    pub(crate) session: Option<Session>,
    /// True if a page of this host sent the form. Browsers send the header `origin` with each POST; no page can change
    /// it.
    pub(crate) is_own_form: bool,
    /// The device in words, for the list of sessions.
    pub(crate) device: String,
}

/// A line of the audit log. Yours is a table to which this program can only add.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) at: Timestamp,
    pub(crate) by: Subject,
    pub(crate) what: String,
}

/// Grants as a page shows them.
pub(crate) struct Access {
    pub(crate) grants: Vec<GrantSummary>,
    /// The names of the clients that have one.
    pub(crate) names: HashMap<ClientId, String>,
    pub(crate) next: Option<GrantId>,
    pub(crate) now: Timestamp,
}

impl Host {
    /// Reads the arguments of the program: the address to listen on, and the store.
    pub(crate) async fn start() -> Result<(Arc<Self>, TcpListener), Box<dyn Error>> {
        let mut arguments = std::env::args().skip(1);
        let address = arguments.next().unwrap_or_else(|| "127.0.0.1:8080".to_owned());
        let store = arguments.next().unwrap_or_else(|| "host.db".to_owned());
        // The same key on every start, from your secret manager. With a new one all users sign in again.
        let keys = match std::env::var("REGRANT_KEY") {
            Ok(key) => KeyRing::new(Key::from_base64url(&key)?),
            Err(_) => KeyRing::generate(&SystemEntropy),
        };
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let origin = format!("http://{}", listener.local_addr()?);
        let host = Self::open(&origin, &store, keys).await?;
        println!("listening on {origin}");
        Ok((host, listener))
    }

    pub(crate) async fn open(origin: &str, store: &str, keys: KeyRing) -> Result<Arc<Self>, Box<dyn Error>> {
        let (store, clients) = open(store).await?;
        // Clients are rows. A back office adds and deletes them while the server runs.
        let spa = Client::public(ClientId::from_static("spa"))
            .with_name("Photo Album".to_owned())
            .with_redirect_uris([RedirectUri::from_static("http://127.0.0.1/callback")])
            .with_grant_types([GrantType::AuthorizationCode, GrantType::RefreshToken])
            .with_scope(Scope::from_static("read write"));
        clients.put(&RegisteredClient::new(spa, [])?).await?;
        let service = TokenService::builder(store, DirectoryAuthenticator::new(Arc::clone(&clients)), keys)
            .policy(Policy::default().with_require_pkce(RequirePkce::Everybody))
            .rate_limit(AttemptLimit::new(10, Duration::from_secs(60)))
            .build()?;
        tokio::spawn(service.clone().purge_continuously(Duration::from_secs(600), tokio::time::sleep));
        let paths = Paths { authorization: Some("/authorize".to_owned()), ..Paths::default() };
        let endpoints = Arc::new(Endpoints::new(service, Issuer::new(origin)?)?.with_paths(paths));
        let person = |name, is_admin| Person {
            name: Subject::from_static(name),
            password: SecretHash::argon2(&ClientSecret::new("changeit"), &SystemEntropy),
            is_admin,
        };
        let people = [person("demo", false), person("admin", true)]; // yours are in your database
        let (sessions, audit) = (Mutex::default(), Mutex::default());
        Ok(Arc::new(Self { endpoints, clients, origin: origin.to_owned(), people, sessions, audit }))
    }

    /// Answers the sign-in form. The request that it interrupts is its query.
    pub(crate) async fn sign_in(&self, visitor: &Visitor, request: &AuthorizationRequest<'_>) -> Shown {
        let field = |name| request.form().and_then(|form| form.get(name)).unwrap_or_default();
        let is_authorization = request.parameter("client_id").is_some();
        // Without a query the parameters are the form, and it has a password.
        let query = if is_authorization { request.query_without(&[]) } else { String::new() };
        let user = if visitor.is_own_form { self.person(field("user"), field("password")).await } else { None };
        let Some(person) = user else { return pages::sign_in(&query, true) };
        // Back to the request, or to the page of this host: no parameter names another target.
        let target = if is_authorization { format!("/authorize?{query}") } else { "/sessions".to_owned() };
        let session = Session {
            id: random(),
            user: person.name.clone(),
            is_admin: person.is_admin,
            signed_in_at: self.endpoints.service().now(),
            signed_in_for: query,
        };
        let secret = random();
        let cookie = format!("session={secret}; HttpOnly; SameSite=Lax; Path=/"); // and Secure, with https
        lock(&self.sessions).insert(secret, session);
        Shown::SignedIn { cookie, target }
    }

    async fn person(&self, name: &str, password: &str) -> Option<&Person> {
        let known = self.people.iter().find(|person| person.name.as_str() == name);
        // An unknown name costs the work of a known one: the time of the answer does not tell which names exist.
        let [decoy, _] = &self.people;
        let is_right = known.unwrap_or(decoy).password.verify(&ClientSecret::new(password)).await;
        known.filter(|_| is_right)
    }

    /// Judges the headers of a request: `cookie`, `origin` and `user-agent`.
    pub(crate) fn visitor(&self, cookie: Option<&str>, origin: Option<&str>, user_agent: Option<&str>) -> Visitor {
        let name =
            |cookies: &str| cookies.split("; ").find_map(|pair| pair.strip_prefix("session=")).map(str::to_owned);
        let session = cookie.and_then(name).and_then(|cookie| lock(&self.sessions).get(&cookie).cloned());
        let is_own_form = origin == Some(self.origin.as_str());
        Visitor { session, is_own_form, device: pages::device(user_agent.unwrap_or_default()) }
    }

    /// Returns a page of the grants of `owner`, behind the grant `after` of the page before.
    pub(crate) async fn access(&self, owner: &GrantOwner, after: Option<&str>) -> Result<Access, TokenError> {
        let after = after.and_then(|after| after.parse().ok());
        let page = self.endpoints.service().grants(owner, after, PAGE).await?;
        Ok(self.with_names(page.grants, page.next).await)
    }

    /// Returns the grant with this id, which comes from a browser: compare the subject before you show it to a user.
    pub(crate) async fn grant(&self, id: &str) -> Result<Access, TokenError> {
        let Ok(id) = id.parse() else { return Ok(self.with_names(Vec::new(), None).await) };
        let grant = self.endpoints.service().grant(id).await?;
        Ok(self.with_names(grant.into_iter().collect(), None).await)
    }

    async fn with_names(&self, grants: Vec<GrantSummary>, next: Option<GrantId>) -> Access {
        let ids: HashSet<&ClientId> = grants.iter().map(|grant| &grant.client_id).collect();
        let mut names = HashMap::new();
        for id in ids {
            // A page without the names is better than none, so a failure of the directory is no failure here.
            let client = self.clients.find(id).await.ok().flatten();
            if let Some(name) = client.and_then(|client| client.client().name.clone()) {
                names.insert(id.clone(), name);
            }
        }
        Access { grants, names, next, now: self.endpoints.service().now() }
    }

    /// Ends all grants of a user, and then all sessions here: a session that stays could approve new grants.
    pub(crate) async fn end_all(&self, user: &Subject) -> Result<(), TokenError> {
        self.endpoints.service().revoke_subject(user).await?;
        lock(&self.sessions).retain(|_, session| session.user != *user);
        Ok(())
    }

    /// Writes what an administrator is about to end. It is written first: a crash between the two must not leave an end
    /// that nobody did.
    pub(crate) fn record(&self, admin: &Session, what: String) {
        let (at, by) = (self.endpoints.service().now(), admin.user.clone());
        lock(&self.audit).push(Entry { at, by, what });
    }

    /// Returns the last entries of the audit log, the newest first.
    pub(crate) fn audit(&self) -> Vec<Entry> {
        lock(&self.audit).iter().rev().take(20).cloned().collect()
    }
}

/// Opens a file of SQLite, or the URL of a PostgreSQL, with the directory of clients beside the grants.
async fn open(store: &str) -> Result<(SharedStore, Arc<dyn ClientStore>), Box<dyn Error>> {
    if store.starts_with("postgres:") {
        let builder = PostgresStore::builder(store)?;
        builder.migrate().await?; // yours migrates during deployment, under a role with that privilege
        let store = builder.open().await?;
        let clients = store.clients().await?;
        return Ok((Arc::new(store), Arc::new(clients)));
    }
    let store = SqliteStore::open(store)?;
    let clients = store.clients();
    Ok((Arc::new(store), Arc::new(clients)))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn random() -> String {
    let mut bytes = [0; 16];
    SystemEntropy.fill(&mut bytes);
    format!("{:032x}", u128::from_ne_bytes(bytes))
}
