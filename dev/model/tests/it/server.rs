//! The real service on two nodes, driven by the requests of the model.

use std::sync::Arc;
use std::time::Duration;

use fixtures::forge::{Content, Forger, REFRESH};
use fixtures::{APP, Config, OTHER, SCOPE, SPA, START, Seeded, StubVerifier, VERIFIER, WatchedStore, challenge, ready};
use model::rules::{Grace, Rules};
use model::state::{Client, Key, Ticks, Token};
use regrant::clock::ManualClock;
use regrant::policy::{GracePeriod, OnRollback};
use regrant::proof::{DpopProof, PresentedKeys};
use regrant::store::GrantRecord;
use regrant::{
    Approval, AuthenticatedClient, AuthorizeRequest, GrantId, GrantType, IssueRequest, Policy, RedeemRequest,
    RefreshRequest, TokenError, TokenResponse, TokenService,
};

const RING_KEY: (u8, [u8; 32]) = (1, *b"a test key of thirty-two bytes..");

/// A tick of this comparison. Finer than that of the explored model, so that both ends of each window are met.
pub(crate) const TICK: Duration = Duration::from_secs(1);

/// Two nodes on one store, with clocks of their own.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) store: WatchedStore,
    nodes: [TokenService<WatchedStore>; 2],
    clocks: [ManualClock; 2],
    holder: AuthenticatedClient,
    other: AuthenticatedClient,
    auditor: AuthenticatedClient,
    forger: Arc<Forger>,
}

impl Server {
    pub(crate) fn new(rules: &Rules, skew: Ticks, seed: u64) -> Self {
        let span = |ticks: Ticks| Duration::from_secs(u64::try_from(ticks).unwrap());
        let policy = Policy::default()
            .with_grace_period(match rules.grace {
                Grace::Auto(_) => GracePeriod::Auto,
                Grace::Of(ticks) => GracePeriod::Of(span(ticks)),
                Grace::UntilSuccessorUse => GracePeriod::UntilSuccessorUse,
            })
            .with_catch_up_window(span(rules.catch_up))
            .with_authorization_code_lifetime(span(rules.code_lifetime))
            .with_on_rollback(if rules.heals { OnRollback::Heal } else { OnRollback::Refuse });
        let ahead = START.as_millis() + 1000 * i64::from(skew);
        let clocks = [START, regrant::clock::Timestamp::from_millis(ahead)].map(ManualClock::starting_at);
        let config = Config {
            policy,
            keys: vec![RING_KEY],
            entropy: Arc::new(Seeded::new(seed)),
            proof_verifier: Some(StubVerifier::default()),
            ..Config::default()
        };
        let nodes = clocks.each_ref().map(|clock| Config { clock: clock.clone(), ..config.clone() }.service());
        let client = |auth| AuthenticatedClient::assertion(fixtures::client(auth).into());
        let holder = client(if rules.is_confidential { APP } else { SPA });
        let store = config.store.clone();
        let forger = Arc::new(Forger::new(RING_KEY.0, &RING_KEY.1));
        Self { store, nodes, clocks, holder, other: client(OTHER), auditor: client(APP), forger }
    }

    pub(crate) fn advance(&self, ticks: Ticks) {
        let span = TICK * u32::try_from(ticks).unwrap();
        self.clocks.iter().for_each(|clock| clock.advance(span));
    }

    fn client(&self, client: Client) -> &AuthenticatedClient {
        if client == Client::Holder { &self.holder } else { &self.other }
    }

    pub(crate) fn authorize(&self) -> (String, GrantId) {
        let request = AuthorizeRequest::new(approval()).with_code_challenge(challenge(VERIFIER));
        let response = ready(self.nodes[0].authorize(&self.holder, request)).unwrap();
        (response.code.expose().to_owned(), response.grant_id)
    }

    pub(crate) fn issue(&self, key: Option<Key>) -> (String, GrantId) {
        let request = IssueRequest::new(GrantType::Password, approval()).with_presented_keys(proof(key));
        let response = ready(self.nodes[0].issue(&self.holder, request)).unwrap();
        (text(&response), response.grant_id)
    }

    pub(crate) fn redeem(
        &self,
        node: usize,
        code: &str,
        is_complete: bool,
        client: Client,
        key: Option<Key>,
    ) -> Result<String, TokenError> {
        let verifier = if is_complete { VERIFIER.to_owned() } else { VERIFIER.replace('d', "e") };
        let request = RedeemRequest::new(code).with_code_verifier(verifier).with_presented_keys(proof(key));
        ready(self.nodes[node].redeem(self.client(client), &request)).map(|response| text(&response))
    }

    pub(crate) fn refresh(
        &self,
        node: usize,
        token: &str,
        client: Client,
        key: Option<Key>,
    ) -> Result<String, TokenError> {
        let request = RefreshRequest::new(token).with_presented_keys(proof(key));
        ready(self.nodes[node].refresh(self.client(client), &request)).map(|response| text(&response))
    }

    pub(crate) fn revoke(&self, node: usize, token: &str, client: Client) -> Result<(), TokenError> {
        ready(self.nodes[node].revoke(self.client(client), token))
    }

    /// Returns true when introspection, at node A, calls the token active.
    pub(crate) fn is_active(&self, token: &str, is_confidential: bool) -> bool {
        // A public client may not introspect, so its resource server asks.
        let caller = if is_confidential { self.holder.clone() } else { self.resource_server() };
        ready(self.nodes[0].introspect(&caller, token)).unwrap().is_some()
    }

    fn resource_server(&self) -> AuthenticatedClient {
        let auditor = (*self.auditor).clone().with_introspection(regrant::client::IntrospectionAccess::Any);
        AuthenticatedClient::assertion(auditor.into())
    }

    /// Returns the content of a token, as a thief with a key of the ring reads it.
    pub(crate) fn open(&self, token: &str) -> Content {
        self.forger.open(REFRESH, token)
    }

    /// Seals a token of `grant_id` with a secret of the thief.
    pub(crate) fn forge(&self, token: &Token, grant_id: GrantId, root: [u8; 16]) -> String {
        let root = if token.has_root { root } else { [0x77; 16] };
        let content = Content {
            grant_id: *grant_id.as_bytes(),
            number: token.generation.into(),
            secret: [token.secret; 32],
            lineage: Some((root, binding(token.key))),
        };
        self.forger.seal(REFRESH, &content)
    }

    pub(crate) fn record(&self, id: GrantId) -> GrantRecord {
        self.store.record(id).unwrap()
    }
}

fn approval() -> Approval {
    Approval::of(fixtures::subject("demo")).with_scope(fixtures::scope(SCOPE))
}

fn text(response: &TokenResponse) -> String {
    response.refresh_token.as_ref().unwrap().expose().to_owned()
}

const fn letter(key: Key) -> &'static str {
    match key {
        Key::Owner => "O",
        Key::Thief => "T",
    }
}

fn proof(key: Option<Key>) -> PresentedKeys {
    let jwt = |key| StubVerifier::proof(letter(key));
    let proof = key.map(|key| DpopProof { jwt: jwt(key), method: "POST".to_owned(), url: String::new() });
    PresentedKeys::none().with_dpop(proof)
}

/// Returns the bytes by which a token names its key: the first ones of its thumbprint.
pub(crate) fn binding(key: Option<Key>) -> [u8; 11] {
    key.map_or([0; 11], |key| [letter(key).as_bytes()[0]; 11])
}
