//! Tests that drive the engine directly: a grant and a request go in, and the response, the grant, the commit and the
//! events are asserted. No store, no clock, no service.

mod answer;
mod device;
mod generation;
mod owner_proof_life;
mod proof;
mod push;
mod reach;
mod revoke;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::{
    AccessTokenForm, Context, IssueRequest, RefreshRequest, ResponseFacts, UnsignedResponse, admit, check_owner, issue,
    refresh,
};
use crate::client::Client;
use crate::grant::{Approval, Grant, Phase, RevocationReason};
use crate::outcome::{EventKind, Refusal};
use crate::policy::Policy;
use crate::token::{Key, KeyRing, TokenFormat, TokenKind, TokenPrefixes};
use crate::vocabulary::{
    ClientId, Confirmation, Entropy, GrantType, KeyId, Realm, RefreshToken, Resource, Resources, Scope, Subject,
    Timestamp,
};

const MILLISECOND: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

const KEY: Confirmation = Confirmation::DpopKey([7; 32]);
const OTHER_KEY: Confirmation = Confirmation::DpopKey([8; 32]);

/// A grant of the scope `read write`, its client, and everything else that a decision needs.
struct Fixture {
    client: Client,
    policy: Policy,
    tokens: TokenFormat,
    /// The keys of the node that decides, when they differ from those that sealed the tokens.
    other_node: Option<TokenFormat>,
    entropy: Numbers,
    now: Timestamp,
    /// The key that requests prove.
    key: Option<Confirmation>,
    /// The key that signs access tokens; `None` when they are opaque.
    signing_key: Option<KeyId>,
    has_raced: bool,
    /// The default audience of the service.
    default_audience: Option<Resource>,
    grant: Grant,
    first: RefreshToken,
}

impl Fixture {
    /// A confidential client with a grant under the default policy.
    fn new() -> Self {
        Self::of(Client::new(client_id("app")), Policy::default(), None)
    }

    fn with_policy(policy: Policy) -> Self {
        Self::of(Client::new(client_id("app")), policy, None)
    }

    /// A public client, whose first refresh token is bound to `key`.
    fn public(key: Option<Confirmation>) -> Self {
        Self::of(Client::public(client_id("app")), Policy::default(), key)
    }

    fn of(client: Client, policy: Policy, key: Option<Confirmation>) -> Self {
        let client = client
            .with_grant_types([GrantType::Password, GrantType::RefreshToken])
            .with_scope(scope("read write"))
            .with_resources(resources(&["https://api.example"]));
        let (tokens, entropy) = (format_of(1), Numbers::default());
        let now = Timestamp::from_millis(1_000_000_000_000);
        let approval = Approval::of(Subject::new("demo").unwrap())
            .with_scope(scope("read write"))
            .with_resources(resources(&["https://api.example"]));
        let ctx = Context {
            client: &client,
            policy: &policy,
            default_audience: client.default_audience_or(None),
            tokens: &tokens,
            entropy: &entropy,
            now,
            key,
            signing_key: None,
            has_raced: false,
        };
        let (grant, response) = issue(IssueRequest::new(GrantType::Password, approval), &ctx).unwrap();
        let first = response.facts.refresh_token.unwrap().token;
        Self {
            client,
            policy,
            tokens,
            other_node: None,
            entropy,
            now,
            key,
            signing_key: None,
            has_raced: false,
            default_audience: None,
            grant,
            first,
        }
    }

    fn context(&self) -> Context<'_> {
        Context {
            client: &self.client,
            policy: &self.policy,
            default_audience: self.client.default_audience_or(self.default_audience.as_ref()),
            tokens: self.other_node.as_ref().unwrap_or(&self.tokens),
            entropy: &self.entropy,
            now: self.now,
            key: self.key,
            signing_key: self.signing_key.as_ref(),
            has_raced: self.has_raced,
        }
    }

    fn advance(&mut self, by: Duration) {
        self.now = self.now + by;
    }

    fn step_back(&mut self, by: Duration) {
        self.now = Timestamp::from_millis(self.now.as_millis() - i64::try_from(by.as_millis()).unwrap());
    }

    /// Decides a refresh as the service does: owner, proof and life first. The grant of the fixture stays as it is.
    fn refresh(&self, request: &RefreshRequest) -> Outcome {
        let ctx = self.context();
        let mut grant = self.grant.clone();
        let token = self.tokens.open(TokenKind::RefreshToken, request.refresh_token.expose()).unwrap();
        let owned = check_owner(&self.client, &grant, &token);
        match owned.and_then(|owned| admit(&grant, owned, &ctx)) {
            Err(refusal) => Outcome { result: Err(refusal), grant, commits: false, events: Vec::new() },
            Ok(admitted) => {
                let decision = refresh(&mut grant, admitted, request, &ctx);
                Outcome { result: decision.outcome, grant, commits: decision.commits, events: decision.events.to_vec() }
            }
        }
    }

    fn present(&self, token: &RefreshToken) -> Outcome {
        self.refresh(&RefreshRequest::new(token.clone()))
    }

    /// Presents `token`, commits the decision, and returns the refresh token of the response.
    fn rotate(&mut self, token: &RefreshToken) -> RefreshToken {
        let outcome = self.present(token);
        let next = RefreshToken::new(outcome.refresh_token());
        self.commit(outcome);
        next
    }

    fn commit(&mut self, outcome: Outcome) {
        assert!(outcome.commits, "the decision commits");
        self.grant = outcome.grant;
    }

    fn generation(&self) -> u32 {
        self.grant.head().unwrap().generation
    }
}

/// The result of one decision, and the grant as the decision left it.
#[derive(Debug)]
struct Outcome {
    result: Result<UnsignedResponse, Refusal>,
    grant: Grant,
    commits: bool,
    events: Vec<EventKind>,
}

impl Outcome {
    #[track_caller]
    fn response(&self) -> &ResponseFacts {
        &self.result.as_ref().unwrap().facts
    }

    #[track_caller]
    fn refresh_token(&self) -> String {
        self.response().refresh_token.as_ref().unwrap().token.expose().to_owned()
    }

    /// The opaque access token, or the `jti` of a JWT.
    #[track_caller]
    fn access_token(&self) -> String {
        match &self.result.as_ref().unwrap().access_token {
            AccessTokenForm::Opaque(token) => token.expose().to_owned(),
            AccessTokenForm::Jwt { jti, .. } => jti.clone(),
        }
    }

    /// Asserts a refusal that leaves no trace: the grant is discarded, and no event but the refusal is reported.
    #[track_caller]
    fn assert_refused(&self, expected: Refusal) {
        assert_eq!(self.result.as_ref().err(), Some(&expected));
        assert!(!self.commits, "a refusal changes nothing");
        assert_eq!(self.events, []);
    }

    /// Asserts that the grant is revoked for reuse, and that the revocation is committed.
    #[track_caller]
    fn assert_reuse(&self, cause: Refusal) {
        let reason = RevocationReason::RefreshTokenReuse;
        assert_eq!(self.result.as_ref().err(), Some(&cause));
        assert!(self.commits, "the revocation is stored");
        let events = [EventKind::ReuseDetected { cause, revoked: true }, EventKind::GrantRevoked(reason)];
        assert_eq!(self.events, events);
        assert!(matches!(self.grant.phase(), Phase::Revoked { reason: recorded, .. } if *recorded == reason));
        assert_eq!(self.grant.access_tokens().len(), 0);
    }
}

/// Numbers that never repeat, spread over all bytes.
#[derive(Default)]
struct Numbers(AtomicU64);

impl Entropy for Numbers {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let number = self.0.fetch_add(1, Ordering::Relaxed).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            chunk.copy_from_slice(&number.to_be_bytes()[..chunk.len()]);
        }
    }
}

/// A token format with one key of id 0, whose secret follows from `seed`.
fn format_of(seed: u8) -> TokenFormat {
    let mut secret = [seed; 32];
    secret[0] = !seed;
    let ring = KeyRing::new(Key::from_parts(0, secret).unwrap());
    TokenFormat::new(ring, &Realm::default(), TokenPrefixes::default())
}

fn client_id(id: &str) -> ClientId {
    ClientId::new(id).unwrap()
}

fn scope(text: &str) -> Scope {
    text.parse().unwrap()
}

fn resources(uris: &[&str]) -> Resources {
    uris.iter().map(|uri| Resource::new(*uri).unwrap()).collect::<Vec<_>>().into()
}
