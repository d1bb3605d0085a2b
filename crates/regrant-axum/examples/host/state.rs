//! The parts of the host: the service, people and their sessions, and the log of the administrators.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::error::Error;
use std::net::TcpListener;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use regrant::authenticator::{ClientStore, DirectoryAuthenticator, RegisteredClient};
use regrant::clock::Timestamp;
use regrant::grant::GrantSummary;
use regrant::host::{Admission, Attempt, AttemptKind, AttemptLimit, AttemptOutcome, Peer, RateLimit as _};
use regrant::policy::RequirePkce;
use regrant::store::{GrantOwner, SharedStore};
use regrant::wire::{AuthorizationRequest, Endpoints, Paths, Request, Response};
use regrant::{Client, ClientId, ClientSecret, Entropy as _, GrantId, GrantType, Issuer, Key, KeyRing, Policy};
use regrant::{RedirectUri, Scope, SecretHash, Subject, SystemEntropy, TokenError, TokenService};
use regrant_postgres::PostgresStore;
use regrant_sqlite::SqliteStore;

use super::pages;

/// The grants of one page. The next page begins after the last of them, so a page costs the same at any depth.
const PAGE: usize = 50;

/// The number of pages without a live grant that one request reads over.
const EMPTY_PAGES: usize = 20;

/// The time for which a browser stays signed in.
const SESSION: Duration = Duration::from_secs(12 * 3600);

pub(crate) struct Host {
    pub(crate) endpoints: Arc<Endpoints<SharedStore>>,
    clients: Arc<dyn ClientStore>,
    origin: String,
    attempts: Arc<AttemptLimit>,
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
    /// The role at the sign-in. Read yours with each request, so that one that is withdrawn ends at once.
    pub(crate) is_admin: bool,
    pub(crate) signed_in_at: Timestamp,
    /// The request for which the user signed in. For five minutes it does not ask again, even with `prompt=login`.
    pub(crate) signed_in_for: String,
}

impl Session {
    fn is_alive(&self, now: Timestamp) -> bool {
        now.since(self.signed_in_at) < Some(SESSION)
    }
}

/// The sender of a request, by its headers.
pub(crate) struct Visitor {
    pub(crate) session: Option<Session>,
    cookie: Option<String>,
    peer: Option<Peer>,
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
        let argument = |number, otherwise: &str| std::env::args().nth(number).unwrap_or_else(|| otherwise.to_owned());
        let (address, store) = (argument(1, "127.0.0.1:8080"), argument(2, "host.db"));
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
        for (id, name) in [("spa", "Photo Album"), ("print", "Print Shop")] {
            let client = Client::public(ClientId::from_static(id))
                .with_name(name.to_owned())
                .with_redirect_uris([RedirectUri::from_static("http://127.0.0.1/callback")])
                .with_grant_types([GrantType::AuthorizationCode, GrantType::RefreshToken])
                .with_scope(Scope::from_static("read write"));
            clients.put(&RegisteredClient::new(client, [])?).await?;
        }
        let attempts = Arc::new(AttemptLimit::new(10, Duration::from_secs(60)));
        let service = TokenService::builder(store, DirectoryAuthenticator::new(Arc::clone(&clients)), keys)
            .policy(Policy::default().with_require_pkce(RequirePkce::Everybody))
            .rate_limit(Arc::clone(&attempts))
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
        Ok(Arc::new(Self { endpoints, clients, origin: origin.to_owned(), attempts, people, sessions, audit }))
    }

    /// Answers the sign-in form. The request that it interrupts is its query.
    pub(crate) async fn sign_in(&self, visitor: &Visitor, request: &AuthorizationRequest<'_>) -> Response {
        let field = |name| request.form().and_then(|form| form.get(name)).unwrap_or_default();
        let is_authorization = request.parameter("client_id").is_some();
        // Without a query the parameters are the form, and it has a password.
        let query = if is_authorization { request.query_without(&[]) } else { String::new() };
        if !visitor.is_own_form {
            return pages::sign_in(
                403,
                &query,
                Some("This form is of another site, or out of date. Please try again."),
            );
        }
        let now = self.endpoints.service().now();
        let attempt = Attempt::new(AttemptKind::SignIn, now).with_peer(&visitor.peer);
        if !matches!(self.attempts.admit(&attempt).await, Ok(Admission::Admitted)) {
            return pages::sign_in(429, &query, Some("There were too many attempts. Please try again in a minute."));
        }
        let person = self.person(field("user"), field("password")).await;
        let outcome = if person.is_some() { AttemptOutcome::Right } else { AttemptOutcome::Wrong };
        self.attempts.settle(&attempt, outcome).await;
        let Some(person) = person else {
            return pages::sign_in(403, &query, Some("The user name or the password is wrong."));
        };
        // Back to the request, or to the page of this host: no parameter names another target.
        let target = if is_authorization { format!("/authorize?{query}") } else { "/sessions".to_owned() };
        let session = Session {
            id: random(),
            user: person.name.clone(),
            is_admin: person.is_admin,
            signed_in_at: now,
            signed_in_for: query,
        };
        // A new secret: one that an attacker has put into the browser is worth nothing (session fixation).
        let secret = random();
        let mut sessions = lock(&self.sessions);
        sessions.retain(|cookie, session| visitor.cookie.as_ref() != Some(cookie) && session.is_alive(now));
        sessions.insert(secret.clone(), session);
        with_cookie(target, &secret, "")
    }

    /// Ends the session of this browser. The apps keep their access.
    pub(crate) fn sign_out(&self, visitor: &Visitor) -> Response {
        let Some(cookie) = visitor.cookie.as_ref().filter(|_| visitor.is_own_form) else {
            return pages::redirect("/sessions");
        };
        lock(&self.sessions).remove(cookie);
        with_cookie("/sign-in", "", "; Max-Age=0")
    }

    async fn person(&self, name: &str, password: &str) -> Option<&Person> {
        let known = self.people.iter().find(|person| person.name.as_str() == name);
        // An unknown name costs the work of a known one: the time of the answer does not tell which names exist.
        let [decoy, _] = &self.people;
        let is_right = known.unwrap_or(decoy).password.verify(&ClientSecret::new(password)).await;
        known.filter(|_| is_right)
    }

    /// Judges the headers of a request.
    pub(crate) fn visitor(&self, http: &Request<'_>) -> Visitor {
        let texts = |name| http.header(name).filter_map(|value| str::from_utf8(value).ok());
        // HTTP/2 may send each cookie in a header of its own (RFC 9113 section 8.2.3).
        let mut cookies = texts("cookie").flat_map(|cookies| cookies.split("; "));
        let cookie = cookies.find_map(|cookie| cookie.strip_prefix("session=")).map(str::to_owned);
        let session = cookie.as_ref().and_then(|cookie| lock(&self.sessions).get(cookie).cloned());
        let now = self.endpoints.service().now();
        Visitor {
            session: session.filter(|session| session.is_alive(now)),
            cookie,
            peer: http.peer.cloned(),
            is_own_form: texts("origin").eq([&*self.origin]),
            device: pages::device(texts("user-agent").next().unwrap_or_default()),
        }
    }

    /// Returns a page of the grants of `owner`, behind the grant `after` of the page before. In the page, the last used
    /// grant is the first.
    pub(crate) async fn access(&self, owner: &GrantOwner, after: Option<&str>) -> Result<Access, TokenError> {
        let mut after = after.and_then(|after| after.parse().ok());
        // Grants that have ended are not shown, but they are there until the purge.
        for _ in 0..EMPTY_PAGES {
            let page = self.endpoints.service().grants(owner, after, PAGE).await?;
            if page.next.is_none() || !page.grants.is_empty() {
                return Ok(self.with_names(page.grants, page.next).await);
            }
            after = page.next;
        }
        Ok(self.with_names(Vec::new(), after).await)
    }

    /// Returns the grant with this id, which comes from a browser: compare the subject before you show it to a user.
    pub(crate) async fn grant(&self, id: &str) -> Result<Access, TokenError> {
        let Ok(id) = id.parse() else { return Ok(self.with_names(Vec::new(), None).await) };
        let grant = self.endpoints.service().grant(id).await?;
        Ok(self.with_names(grant.into_iter().collect(), None).await)
    }

    async fn with_names(&self, mut grants: Vec<GrantSummary>, next: Option<GrantId>) -> Access {
        grants.sort_by_key(|grant| Reverse(grant.last_used_at));
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

/// Sends the browser on, with another cookie. With https, add `Secure`, and `__Host-` in front of the name: then no
/// other host of the domain can set it.
fn with_cookie(target: impl Into<String>, value: &str, attributes: &str) -> Response {
    let cookie = format!("session={value}; HttpOnly; SameSite=Lax; Path=/{attributes}");
    pages::redirect(target).with_header("set-cookie", cookie)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn random() -> String {
    let mut bytes = [0; 16];
    SystemEntropy.fill(&mut bytes);
    format!("{:032x}", u128::from_ne_bytes(bytes))
}
