//! The library against a model of it. The model keeps every token ever issued and its state at each moment. Random
//! requests for two grants go to both; after every step introspection of every token must agree.

use std::time::Duration;

use proptest::prelude::*;
use regrant::clock::Timestamp;
use regrant::policy::{GracePeriod, Lifetime, OnReuse, RequirePkce};
use regrant::token::TokenKind;
use regrant::{GrantId, GrantType, Policy, Refusal, TokenError};

use crate::lifecycle::node::{Answer, Node, START, Tokens, approval, cases, client, public_client, run, scope};

/// The policy of the model, in milliseconds.
#[derive(Clone, Debug)]
struct Rules {
    code: i64,
    access: i64,
    refresh: Option<i64>,
    grant: Option<i64>,
    grace: Grace,
    window: i64,
    is_public: bool,
    revokes: bool,
    max_access: usize,
}

#[derive(Clone, Copy, Debug)]
enum Grace {
    Auto,
    UntilUse,
    Time(i64),
}

impl Rules {
    /// The time during which a token this many rotations behind is answered; `None` is without end.
    fn window(&self, steps: usize) -> Option<i64> {
        match (self.grace, steps) {
            (_, 9..) => Some(0),
            (Grace::Time(time), 1) => Some(time),
            (Grace::Time(time), _) => Some(time.min(self.window)),
            (Grace::Auto, 1) if self.is_public => Some(self.window.max(60_000)),
            (Grace::Auto | Grace::UntilUse, 1) => None,
            (Grace::Auto | Grace::UntilUse, _) => Some(self.window),
        }
    }

    fn policy(&self) -> Policy {
        let span = |millis: i64| Duration::from_millis(millis.try_into().unwrap());
        let lifetime = |millis: Option<i64>| millis.map_or(Lifetime::Never, |millis| Lifetime::Of(span(millis)));
        Policy::default()
            .with_authorization_code_lifetime(span(self.code))
            .with_access_token_lifetime(span(self.access))
            .with_refresh_token_lifetime(lifetime(self.refresh))
            .with_grant_lifetime(lifetime(self.grant))
            .with_grace_period(match self.grace {
                Grace::Auto => GracePeriod::Auto,
                Grace::UntilUse => GracePeriod::UntilSuccessorUse,
                Grace::Time(time) => span(time).into(),
            })
            .with_catch_up_window(span(self.window))
            .with_on_reuse(if self.revokes { OnReuse::Revoke } else { OnReuse::Refuse })
            .with_max_live_access_tokens(self.max_access.try_into().unwrap())
            .with_require_pkce(RequirePkce::Nobody)
    }
}

fn rules() -> impl Strategy<Value = Rules> {
    let spans = (
        prop_oneof![Just(5_000_i64), Just(60_000)],
        prop_oneof![Just(5_000_i64), Just(60_000), Just(3_600_000)],
        prop_oneof![Just(None), Just(Some(30_000_i64)), Just(Some(3_600_000))],
        prop_oneof![2 => Just(None), 1 => Just(Some(45_000_i64)), 1 => Just(Some(7_200_000))],
    );
    let kinds = (graces(), any::<bool>(), prop::bool::weighted(0.8), prop_oneof![Just(1_usize), Just(3), Just(16)]);
    (spans, kinds).prop_map(|((code, access, refresh, grant), ((grace, window), is_public, revokes, max_access))| {
        Rules { code, access, refresh, grant, grace, window, is_public, revokes, max_access }
    })
}

fn graces() -> impl Strategy<Value = (Grace, i64)> {
    let grace = prop_oneof![
        3 => Just(Grace::Auto),
        1 => Just(Grace::UntilUse),
        1 => Just(Grace::Time(0)),
        1 => Just(Grace::Time(1)),
        2 => Just(Grace::Time(5_000)),
        2 => Just(Grace::Time(60_000)),
    ];
    (grace, prop_oneof![1 => Just(0_i64), 3 => Just(10_000), 1 => Just(120_000)])
}

#[derive(Clone, Debug)]
enum Step {
    Issue,
    Authorize,
    Redeem {
        grant: usize,
        stranger: bool,
    },
    /// Any refresh token ever issued, counted back from the newest of its grant.
    Refresh {
        grant: usize,
        back: usize,
        scope: usize,
        stranger: bool,
    },
    /// The head, its answer lost, and the retry.
    LostResponse {
        grant: usize,
        scope: usize,
    },
    RevokeRefresh {
        grant: usize,
        back: usize,
        stranger: bool,
    },
    RevokeAccess {
        grant: usize,
        back: usize,
        stranger: bool,
    },
    Advance(i64),
    /// To so many milliseconds from the end of something: a lifetime or a grace period.
    AdvanceTo {
        which: usize,
        off: i64,
    },
    RotateKeys,
    Purge,
}

fn step() -> impl Strategy<Value = Step> {
    let grant = 0..2_usize;
    let back = prop_oneof![5 => Just(0_usize), 4 => Just(1), 2 => 2..4_usize, 1 => 0..40_usize];
    let stranger = prop::bool::weighted(0.1);
    prop_oneof![
        1 => Just(Step::Issue),
        1 => Just(Step::Authorize),
        3 => (grant.clone(), stranger).prop_map(|(grant, stranger)| Step::Redeem { grant, stranger }),
        16 => (grant.clone(), back.clone(), 0..SCOPES.len(), stranger)
            .prop_map(|(grant, back, scope, stranger)| Step::Refresh { grant, back, scope, stranger }),
        4 => (grant.clone(), 0..SCOPES.len()).prop_map(|(grant, scope)| Step::LostResponse { grant, scope }),
        1 => (grant.clone(), back.clone(), stranger)
            .prop_map(|(grant, back, stranger)| Step::RevokeRefresh { grant, back, stranger }),
        2 => (grant, back, stranger).prop_map(|(grant, back, stranger)| Step::RevokeAccess { grant, back, stranger }),
        6 => prop_oneof![4 => 0..3_000_i64, 1 => 0..100_000_i64, 1 => 0..8_000_000_i64].prop_map(Step::Advance),
        5 => (any::<prop::sample::Index>(), -1..=1_i64)
            .prop_map(|(which, off)| Step::AdvanceTo { which: which.index(64), off }),
        1 => Just(Step::RotateKeys),
        1 => Just(Step::Purge),
    ]
}

/// Absent is the whole scope; the last two are too much.
const SCOPES: [Option<&str>; 6] =
    [None, Some("read write"), Some("read"), Some(""), Some("delete"), Some("read delete")];

#[derive(Debug)]
struct Generation {
    token: String,
    issued: i64,
    end: Option<i64>,
    retired: Option<i64>,
}

#[derive(Debug)]
struct Access {
    token: String,
    scope: String,
    resources: regrant::Resources,
    issued: i64,
    end: i64,
    /// The generation from whose refresh it came.
    parent: Option<usize>,
    is_gone: bool,
}

#[derive(Debug, PartialEq)]
enum State {
    Waiting,
    Active,
    Revoked,
}

#[derive(Debug)]
struct Grant {
    id: GrantId,
    state: State,
    end: Option<i64>,
    /// The code with its end.
    code: Option<(String, i64)>,
    generations: Vec<Generation>,
    access: Vec<Access>,
    /// A purge may have removed the grant: none of its tokens was active.
    may_be_purged: bool,
}

/// The expected outcome of a refresh.
#[derive(Debug)]
enum Expected {
    Rotated,
    Replayed,
    Refused(Vec<Refusal>),
    /// Refused, and the grant is revoked if the policy says so.
    Reuse,
}

impl Grant {
    fn is_past(end: Option<i64>, now: i64) -> bool {
        end.is_some_and(|end| end <= now)
    }

    fn head(&self) -> usize {
        self.generations.len() - 1
    }

    fn is_live_access(&self, access: &Access, now: i64) -> bool {
        self.state == State::Active && !access.is_gone && now < access.end
    }

    fn is_live_refresh(&self, generation: usize, now: i64) -> bool {
        self.state == State::Active
            && generation == self.head()
            && !Self::is_past(self.generations[generation].end, now)
            && !Self::is_past(self.end, now)
    }

    fn is_anything_live(&self, now: i64) -> bool {
        (self.state == State::Waiting && self.code.as_ref().is_some_and(|(_, end)| now < *end))
            || self.access.iter().any(|access| self.is_live_access(access, now))
            || (!self.generations.is_empty() && self.is_live_refresh(self.head(), now))
    }

    fn refresh(&self, generation: usize, wanted: Option<&str>, rules: &Rules, now: i64) -> Expected {
        let (head, presented) = (self.head(), &self.generations[generation]);
        if self.state == State::Revoked {
            return Expected::Refused(vec![Refusal::GrantRevoked]);
        }
        if Self::is_past(self.end, now) {
            return Expected::Refused(vec![Refusal::GrantExpired]);
        }
        let refused = if Self::is_past(self.generations[head].end, now) {
            Some(Refusal::RefreshTokenExpired)
        } else if wanted.is_some_and(|wanted| wanted.contains("delete")) {
            Some(Refusal::ScopeExceeded)
        } else if self.is_in_last_second(now) {
            Some(Refusal::GrantExpired)
        } else {
            None
        };
        let or_refused = |expected| refused.map_or(expected, |refusal| Expected::Refused(vec![refusal]));
        let Some(retired) = presented.retired else { return or_refused(Expected::Rotated) };
        match rules.window(head - generation) {
            Some(window) if now - retired >= window => Expected::Reuse,
            _ => or_refused(Expected::Replayed),
        }
    }

    /// No token could be issued for a whole second.
    fn is_in_last_second(&self, now: i64) -> bool {
        self.end.is_some_and(|end| end - now < 1000)
    }

    /// Enters an access token that is new.
    fn enter(&mut self, tokens: &Tokens, parent: Option<usize>, rules: &Rules, now: i64) {
        let live: Vec<usize> =
            (0..self.access.len()).filter(|index| self.is_live_access(&self.access[*index], now)).collect();
        for oldest in live.iter().take((live.len() + 1).saturating_sub(rules.max_access)) {
            self.access[*oldest].is_gone = true;
        }
        let end = self.end.map_or(now + rules.access, |end| end.min(now + rules.access));
        self.access.push(Access {
            token: tokens.access.clone(),
            scope: tokens.scope.to_string(),
            resources: tokens.resources.clone(),
            issued: now,
            end,
            parent,
            is_gone: false,
        });
    }

    fn enter_head(&mut self, tokens: &Tokens, rules: &Rules, now: i64) {
        let idle = rules.refresh.map(|span| now + span);
        let end = match (idle, self.end) {
            (Some(idle), Some(end)) => Some(idle.min(end)),
            (idle, end) => idle.or(end),
        };
        let token = tokens.refresh().to_owned();
        self.generations.push(Generation { token, issued: now, end, retired: None });
    }
}

struct Run {
    node: Node,
    stranger: Node,
    rules: Rules,
    grants: Vec<Grant>,
    keys: Vec<u8>,
    step: String,
}

impl Run {
    fn new(rules: Rules) -> Self {
        let own = if rules.is_public { public_client("app") } else { client("app") };
        let node = Node::new(rules.policy()).acting_as(own);
        let stranger = node.acting_as(client("stranger"));
        Self { node, stranger, rules, grants: Vec::new(), keys: vec![1], step: String::new() }
    }

    fn now(&self) -> i64 {
        self.node.service.now().as_millis()
    }

    fn take(&mut self, step: &Step) {
        self.step = format!("{step:?} at {} after {}", self.now() - START.as_millis(), self.step.len());
        match *step {
            Step::Issue => self.issue(),
            Step::Authorize => self.authorize(),
            Step::Redeem { grant, stranger } => self.redeem(grant, stranger),
            Step::Refresh { grant, back, scope, stranger } => {
                if let Some((grant, generation)) = self.generation(grant, back) {
                    self.refresh(grant, generation, SCOPES[scope], stranger);
                }
            }
            Step::LostResponse { grant, scope } => {
                if let Some((grant, generation)) = self.generation(grant, 0) {
                    let first = self.refresh(grant, generation, SCOPES[scope], false);
                    let again = self.refresh(grant, generation, SCOPES[scope], false);
                    // While grace is on the retry is answered with the same tokens.
                    if let (Some(first), true) = (first, self.rules.window(1) != Some(0)) {
                        assert_eq!(first, again.unwrap(), "{}", self.step);
                    }
                }
            }
            Step::RevokeRefresh { grant, back, stranger } => {
                if let Some((grant, generation)) = self.generation(grant, back) {
                    let token = self.grants[grant].generations[generation].token.clone();
                    self.by(stranger).revoke(&token);
                    if !stranger {
                        self.grants[grant].state = State::Revoked;
                    }
                }
            }
            Step::RevokeAccess { grant, back, stranger } => self.revoke_access(grant, back, stranger),
            Step::Advance(millis) => self.advance(millis),
            Step::AdvanceTo { which, off } => {
                let boundaries = self.boundaries();
                if !boundaries.is_empty() {
                    let to = boundaries[which % boundaries.len()] + off;
                    self.advance((to - self.now()).max(0));
                }
            }
            Step::RotateKeys => {
                let next = self.keys[0] + 1;
                self.keys.insert(0, next);
                self.node = self.node.with_keys(&self.keys);
                self.stranger = self.node.acting_as(client("stranger"));
            }
            Step::Purge => {
                run(self.node.service.purge_expired(100)).unwrap();
                let now = self.now();
                for grant in &mut self.grants {
                    grant.may_be_purged |= !grant.is_anything_live(now);
                }
            }
        }
    }

    fn by(&self, stranger: bool) -> &Node {
        if stranger { &self.stranger } else { &self.node }
    }

    fn advance(&self, millis: i64) {
        self.node.advance(Duration::from_millis(millis.try_into().unwrap()));
    }

    /// The grant meant, among the latest two, and the generation so many before its head.
    fn generation(&self, grant: usize, back: usize) -> Option<(usize, usize)> {
        let grant = self.grants.len().checked_sub(1 + grant)?;
        let generations = self.grants[grant].generations.len();
        generations.checked_sub(1)?;
        Some((grant, (generations - 1).saturating_sub(back)))
    }

    /// An end.
    fn boundaries(&self) -> Vec<i64> {
        let of = |grant: &Grant| {
            let codes = grant.code.iter().map(|(_, end)| *end);
            let accesses = grant.access.iter().map(|access| access.end);
            let ends = grant.generations.iter().filter_map(|generation| generation.end);
            let graces = grant.generations.iter().filter_map(|generation| generation.retired);
            let windows = [1, 2].map(|steps| self.rules.window(steps));
            let graces = graces.flat_map(move |at| windows.into_iter().flatten().map(move |window| at + window));
            codes.chain(accesses).chain(ends).chain(graces).chain(grant.end).collect::<Vec<i64>>()
        };
        let mut all: Vec<i64> = self.grants.iter().flat_map(of).filter(|end| *end > self.now()).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    fn found(&mut self, id: GrantId, code: Option<(String, i64)>) {
        let now = self.now();
        let state = if code.is_some() { State::Waiting } else { State::Active };
        let end = self.rules.grant.map(|span| now + span);
        assert!(self.grants.iter().all(|grant| grant.id != id));
        self.grants.push(Grant {
            id,
            state,
            end,
            code,
            generations: Vec::new(),
            access: Vec::new(),
            may_be_purged: false,
        });
    }

    fn issue(&mut self) {
        let tokens = self.node.try_issue(GrantType::Password, approval()).unwrap();
        self.found(tokens.grant_id, None);
        let last = self.grants.len() - 1;
        self.first_tokens(last, &tokens);
    }

    fn authorize(&mut self) {
        let (code, id) = self.node.authorize_plainly(approval());
        let end = self.now() + self.rules.code;
        self.found(id, Some((code, end)));
    }

    fn first_tokens(&mut self, grant: usize, tokens: &Tokens) {
        let (now, rules) = (self.now(), self.rules.clone());
        self.assert_new(tokens);
        self.grants[grant].enter(tokens, None, &rules, now);
        self.grants[grant].enter_head(tokens, &rules, now);
        self.assert_told(grant, tokens);
    }

    fn redeem(&mut self, grant: usize, stranger: bool) {
        let Some(grant) = self.grants.len().checked_sub(1 + grant) else { return };
        let Some((code, end)) = self.grants[grant].code.clone() else { return };
        let now = self.now();
        let answer = self.by(stranger).redeem_with(&regrant::RedeemRequest::new(code));
        let (state, is_past) = (&self.grants[grant].state, Grant::is_past(self.grants[grant].end, now));
        let expected = match state {
            _ if stranger => vec![Refusal::OtherClient],
            State::Revoked => vec![Refusal::GrantRevoked],
            _ if is_past => vec![Refusal::GrantExpired],
            State::Waiting if now < end && self.grants[grant].is_in_last_second(now) => vec![Refusal::GrantExpired],
            State::Waiting if now < end => {
                let tokens = answer.unwrap_or_else(|error| panic!("{error:?} for {}", self.step));
                self.grants[grant].state = State::Active;
                self.first_tokens(grant, &tokens);
                return;
            }
            State::Waiting => vec![Refusal::CodeExpired],
            // A second use counts until the end of the code.
            State::Active if now < end => {
                self.grants[grant].state = State::Revoked;
                vec![Refusal::CodeReused]
            }
            State::Active => vec![Refusal::CodeSpent],
        };
        self.assert_refused(grant, &answer, &expected);
    }

    fn refresh(&mut self, grant: usize, generation: usize, wanted: Option<&str>, stranger: bool) -> Option<Tokens> {
        let (now, rules) = (self.now(), self.rules.clone());
        let token = self.grants[grant].generations[generation].token.clone();
        let before = self.node.store.record(self.grants[grant].id);
        let mut request = regrant::RefreshRequest::new(token);
        request.scope = wanted.map(scope);
        let answer = self.by(stranger).refresh_with(&request);
        let expected = if stranger {
            Expected::Refused(vec![Refusal::OtherClient])
        } else {
            self.grants[grant].refresh(generation, wanted, &rules, now)
        };
        match expected {
            Expected::Rotated => {
                let tokens = answer.unwrap_or_else(|error| panic!("{error:?} for {}", self.step));
                self.assert_new(&tokens);
                self.grants[grant].generations[generation].retired = Some(now);
                self.grants[grant].enter(&tokens, Some(generation), &rules, now);
                self.grants[grant].enter_head(&tokens, &rules, now);
                self.assert_told(grant, &tokens);
                Some(tokens)
            }
            Expected::Replayed => {
                let tokens = answer.unwrap_or_else(|error| panic!("{error:?} for {}", self.step));
                self.replayed(grant, &tokens, before.as_ref());
                Some(tokens)
            }
            Expected::Refused(refusals) => {
                self.assert_refused(grant, &answer, &refusals);
                // A refusal changes nothing.
                assert_eq!(self.node.store.record(self.grants[grant].id), before, "{}", self.step);
                None
            }
            Expected::Reuse => {
                self.assert_refused(grant, &answer, &[Refusal::RefreshTokenReused]);
                self.reused(grant);
                None
            }
        }
    }

    fn reused(&mut self, grant: usize) {
        if self.rules.revokes {
            self.grants[grant].state = State::Revoked;
        }
    }

    /// The head; the access token of its rotation if there is one to repeat.
    fn replayed(&mut self, grant: usize, tokens: &Tokens, before: Option<&regrant::store::GrantRecord>) {
        let (now, rules) = (self.now(), self.rules.clone());
        let state = &self.grants[grant];
        let generation = state.head() - 1;
        assert_eq!(tokens.refresh(), state.generations[state.head()].token, "{}", self.step);
        let is_repeatable = |access: &&Access| {
            access.parent == Some(generation)
                && access.scope == tokens.scope.as_str()
                && access.resources == tokens.resources
                && state.is_live_access(access, now)
        };
        let repeatable: Vec<&Access> = state.access.iter().filter(is_repeatable).collect();
        if repeatable.iter().any(|access| access.token == tokens.access) {
            assert_eq!(self.node.store.record(state.id).as_ref(), before, "a repetition writes nothing");
        } else {
            // A new token, since there is none to repeat, or only one in its last second.
            assert!(repeatable.iter().all(|access| access.end - now < 1000), "{}", self.step);
            assert!(state.access.iter().all(|access| access.token != tokens.access), "{}", self.step);
            self.grants[grant].enter(tokens, Some(generation), &rules, now);
        }
        self.assert_told(grant, tokens);
    }

    fn revoke_access(&mut self, grant: usize, back: usize, stranger: bool) {
        let Some(grant) = self.grants.len().checked_sub(1 + grant) else { return };
        let Some(last) = self.grants[grant].access.len().checked_sub(1) else { return };
        let index = last.saturating_sub(back);
        let token = self.grants[grant].access[index].token.clone();
        self.by(stranger).revoke(&token);
        self.grants[grant].access[index].is_gone |= !stranger;
    }

    fn assert_new(&self, tokens: &Tokens) {
        for grant in &self.grants {
            assert!(grant.access.iter().all(|access| access.token != tokens.access), "{}", self.step);
            let refresh = tokens.refresh();
            assert!(grant.generations.iter().all(|generation| generation.token != refresh), "{}", self.step);
        }
    }

    fn assert_refused(&self, grant: usize, answer: &Answer, expected: &[Refusal]) {
        let Err(TokenError::Refused(refused)) = answer else {
            panic!("{answer:?} instead of {expected:?} for {}", self.step);
        };
        let is_gone = self.grants[grant].may_be_purged && *refused == Refusal::GrantUnknown;
        assert!(expected.contains(refused) || is_gone, "{refused:?} instead of {expected:?} for {}", self.step);
    }

    /// The reported lifetimes are the real ones.
    fn assert_told(&self, grant: usize, tokens: &Tokens) {
        let grant = &self.grants[grant];
        let access = grant.access.iter().find(|access| access.token == tokens.access).unwrap();
        let left = u64::try_from(access.end - self.now()).unwrap();
        assert_eq!(tokens.expires_in, Duration::from_millis(left), "{}", self.step);
        let generation = grant.generations.iter().find(|generation| generation.token == tokens.refresh()).unwrap();
        assert_eq!(tokens.refresh_expires_at, generation.end.map(Timestamp::from_millis), "{}", self.step);
        assert_eq!(tokens.grant_id, grant.id);
    }

    /// Every token ever issued is active exactly when the model says so.
    fn check(&self) {
        let now = self.now();
        for grant in &self.grants {
            for access in &grant.access {
                let active = self.node.introspect(&access.token);
                assert_eq!(active.is_some(), grant.is_live_access(access, now), "{access:?} after {}", self.step);
                if let Some(active) = active {
                    assert_eq!((active.kind, active.scope.as_str()), (TokenKind::AccessToken, &*access.scope));
                    assert_eq!(active.issued_at.as_millis(), access.issued);
                    assert_eq!(active.expires_at, Some(Timestamp::from_millis(access.end)), "{}", self.step);
                    assert_eq!((active.grant_id, active.approval), (grant.id, approval()));
                }
            }
            for (number, generation) in grant.generations.iter().enumerate() {
                let active = self.node.introspect(&generation.token);
                let is_live = grant.is_live_refresh(number, now);
                assert_eq!(active.is_some(), is_live, "generation {number} after {}", self.step);
                if let Some(active) = active {
                    assert_eq!((active.kind, active.scope), (TokenKind::RefreshToken, approval().scope));
                    assert_eq!(active.issued_at.as_millis(), generation.issued);
                    assert_eq!(active.expires_at, generation.end.map(Timestamp::from_millis), "{}", self.step);
                }
            }
            if let Some((code, _)) = &grant.code {
                assert!(!self.node.is_active(code));
            }
            // Strangers learn nothing, of the newest tokens least of all.
            if let (Some(access), Some(generation)) = (grant.access.last(), grant.generations.last()) {
                assert!(!self.stranger.is_active(&access.token) && !self.stranger.is_active(&generation.token));
            }
            // Active grants are not purged, and records stay small.
            let record = self.node.store.record(grant.id);
            assert!(record.is_some() || grant.may_be_purged, "{}", self.step);
            assert!(record.is_none_or(|record| record.payload.len() < 2600), "{}", self.step);
        }
    }
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn random_lives_agree_with_the_model(rules in rules(), steps in proptest::collection::vec(step(), 1..60)) {
        let mut run = Run::new(rules);
        run.issue();
        run.check();
        for step in &steps {
            run.take(step);
            run.check();
        }
    }

    #[test]
    fn random_lives_of_many_quick_rotations_agree_with_the_model(
        (grace, window) in graces(),
        is_public in any::<bool>(),
        pauses in proptest::collection::vec((0..4_000_i64, prop_oneof![6 => Just(0_usize), 2 => 1..14_usize]), 10..40),
    ) {
        let rules = Rules {
            code: 60_000,
            access: 3_600_000,
            refresh: None,
            grant: None,
            grace,
            window,
            is_public,
            revokes: true,
            max_access: 4,
        };
        let mut run = Run::new(rules);
        run.issue();
        for (pause, back) in pauses {
            run.take(&Step::Advance(pause));
            run.take(&Step::Refresh { grant: 0, back, scope: 0, stranger: false });
            run.check();
        }
    }
}
