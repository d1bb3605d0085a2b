//! A node: the real endpoints over the simulated world. A change of configuration builds the node anew.

use std::sync::Arc;
use std::time::Duration;

use fixtures::{Gate, Passwords, REDIRECT, StubIssuer, StubVerifier, scope, subject};
use regrant::client::{AuthenticationMethods, ClientAuthenticationMethod, IntrospectionAccess, Registration};
use regrant::policy::{AccessTokenFormat, GracePeriod, Lifetime, Limit, OnReuse, OnRollback, PreviousAccessToken};
use regrant::wire::{Endpoints, Paths};
use regrant::{
    Client, ClientId, ClientRegistry, ClientSecret, Entropy, GrantType, Issuer, Key, KeyRing, Policy, SecretHash,
    Subject, TokenService,
};

use crate::world::{NodeClock, Verifier, World};

pub(crate) struct Registered {
    pub(crate) id: &'static str,
    pub(crate) secret: &'static str,
    pub(crate) is_confidential: bool,
}

/// A confidential client.
pub(crate) const APP: usize = 0;
/// A public client that shows no key.
pub(crate) const SPA: usize = 1;
/// A public client that shows keys.
pub(crate) const MOBILE: usize = 2;
/// The client of a thief.
pub(crate) const EVIL: usize = 3;
/// A resource server that may introspect every token.
pub(crate) const API: usize = 4;

pub(crate) const CLIENTS: [Registered; 5] = [
    Registered { id: "app", secret: "hD3kq0vX7ZrYc2LmN8sTpW", is_confidential: true },
    Registered { id: "spa", secret: "", is_confidential: false },
    Registered { id: "mobile", secret: "", is_confidential: false },
    Registered { id: "evil", secret: "Qx81LwPz-5nVbRt_0KdYgE", is_confidential: true },
    Registered { id: "api", secret: "Ju4Cb9TfVi7oKx3PnZa2Wr", is_confidential: true },
];

/// The number of the account of the thieves, as that of an owner.
pub(crate) const THIEVES: usize = 2;

/// The keys that the rings of a life are made of.
pub(crate) const KEYS: [(u8, [u8; 32]); 2] =
    [(1, *b"the first key, of 32 bytes in it"), (2, *b"another key, also 32 bytes long.")];

/// The stages of the rotation of a key ring, in the order of UPGRADING.md: the primary key, then the former ones.
pub(crate) const RINGS: [&[usize]; 3] = [&[0], &[0, 1], &[1, 0]];

/// The account of an owner. Behind the two owners is that of the thieves.
pub(crate) fn user(owner: usize) -> Subject {
    subject([fixtures::USER, "another-user", "thief"][owner.min(THIEVES)])
}

/// The part of the configuration that may change while a life goes on.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) policy: Policy,
    /// The number in [`RINGS`].
    pub(crate) ring: usize,
    pub(crate) registrations: [u64; CLIENTS.len()],
    pub(crate) may_refresh: bool,
}

pub(crate) struct Node {
    pub(crate) endpoints: Endpoints<World>,
    clients: Vec<Client>,
}

/// The ports that all nodes of a life share.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) world: World,
    pub(crate) gate: Gate,
    pub(crate) verifier: StubVerifier,
    pub(crate) issuer: StubIssuer,
    pub(crate) entropy: Arc<dyn Entropy>,
}

impl Node {
    /// Builds node `number` with `settings`.
    pub(crate) fn new(shared: &Shared, number: usize, settings: &Settings) -> Arc<Self> {
        let clients: Vec<Client> = (0..CLIENTS.len()).map(|client| registration(client, settings)).collect();
        let registry = clients.iter().zip(&CLIENTS).fold(ClientRegistry::new(), |registry, (client, registered)| {
            let hash = registered.is_confidential.then(|| SecretHash::sha256(&ClientSecret::new(registered.secret)));
            registry.register(client.clone(), hash).expect("a new client")
        });
        let service = TokenService::builder(shared.world.clone(), registry, ring(settings.ring))
            .policy(settings.policy.clone())
            .clock(NodeClock { world: shared.world.clone(), node: number })
            .entropy(Arc::clone(&shared.entropy))
            .events(shared.world.clone())
            .gate(shared.gate.clone())
            .proof_verifier(Verifier { world: shared.world.clone(), proofs: shared.verifier.clone() })
            .jwt_issuer(shared.issuer.clone())
            .build()
            .expect("a valid policy");
        let paths = Paths {
            authorization: Some("/authorize".to_owned()),
            device_verification: Some("/device".to_owned()),
            ..Paths::default()
        };
        let endpoints = Endpoints::new(service, Issuer::from_static(fixtures::ISSUER))
            .expect("one issuer")
            .with_paths(paths)
            .with_approver(GrantType::Password, Passwords)
            .with_token_exchange();
        Arc::new(Self { endpoints, clients })
    }

    pub(crate) fn client(&self, number: usize) -> Option<&Client> {
        self.clients.get(number)
    }
}

fn registration(number: usize, settings: &Settings) -> Client {
    let Registered { id, is_confidential, .. } = CLIENTS[number];
    let methods: AuthenticationMethods = if is_confidential {
        ClientAuthenticationMethod::ClientSecretBasic.into()
    } else {
        ClientAuthenticationMethod::None.into()
    };
    let mut grant_types = vec![
        GrantType::AuthorizationCode,
        GrantType::ClientCredentials,
        GrantType::Password,
        GrantType::DeviceCode,
        GrantType::TokenExchange,
    ];
    grant_types.extend(settings.may_refresh.then_some(GrantType::RefreshToken));
    let client = Client::new(ClientId::new(id).expect("client id"))
        .with_registration(Registration(settings.registrations[number]))
        .with_authentication_methods(methods)
        .with_redirect_uris([REDIRECT.parse().expect("URI")])
        .with_grant_types(grant_types)
        .with_scope(scope(fixtures::SCOPE));
    if number == API { client.with_introspection(IntrospectionAccess::Any) } else { client }
}

fn ring(stage: usize) -> KeyRing {
    let mut keys = RINGS[stage].iter().map(|&key| Key::from_parts(KEYS[key].0, KEYS[key].1).expect("random"));
    let primary = KeyRing::new(keys.next().expect("a primary key"));
    keys.fold(primary, |ring, key| ring.add_former(key).expect("a free id"))
}

/// Policies that differ in what matters to a chain of tokens.
pub(crate) fn policies() -> Vec<Policy> {
    let seconds = Duration::from_secs;
    let base = Policy::default;
    vec![
        base(),
        base().with_grace_period(GracePeriod::Of(seconds(30))).with_catch_up_window(Duration::ZERO),
        base().with_grace_period(GracePeriod::Of(Duration::ZERO)),
        base().with_grace_period(GracePeriod::UntilSuccessorUse),
        base().with_catch_up_window(seconds(3600)),
        base().with_issue_refresh_tokens_on_refresh(false),
        Policy::am_7_5(),
        base()
            .with_access_token_lifetime(seconds(60))
            .with_refresh_token_lifetime(Lifetime::Of(seconds(600)))
            .with_grant_lifetime(Lifetime::Of(seconds(3600))),
        base().with_max_replays(Limit::AtMost(2)),
        base().with_previous_access_token(PreviousAccessToken::Revoke),
        base().with_on_rollback(OnRollback::Refuse),
        base().with_on_reuse(OnReuse::Refuse),
        base().with_max_live_access_tokens(2),
        base().with_access_token_format(AccessTokenFormat::Jwt),
    ]
}
