//! RFC 6749: the token endpoint, beyond the cases of the conformance kit.

use std::collections::BTreeSet;

use fixtures::{
    APP, BILLING, Config, Form, ORDERS, OTHER, Outcome, PASSWORD, POSTER, REDIRECT, SCOPE, SPA, Server, USER, VERIFIER,
    client, resources, scope, seconds, subject,
};
use regrant::authenticator::CredentialRefusal;
use regrant::client::Registration;
use regrant::event::ErrorCode;
use regrant::proof::ProofFault;
use regrant::{Approval, AuthenticatedClient, AuthorizeRequest, GrantType, IssueRequest, Policy, RedirectUri, Refusal};

const INVALID_REQUEST: Outcome = (400, "invalid_request");
const INVALID_GRANT: Outcome = (400, "invalid_grant");
const INVALID_SCOPE: Outcome = (400, "invalid_scope");
const UNAUTHORIZED: Outcome = (400, "unauthorized_client");

#[tokio::test]
async fn a_policy_or_a_client_without_refresh_tokens_gets_none() {
    let without = client(APP).with_grant_types([GrantType::AuthorizationCode, GrantType::Password]);
    for (name, config) in [
        ("policy", Config::default().policy(Policy::default().with_issue_refresh_tokens(false))),
        ("client", Config::default().client(without, APP)),
    ] {
        let server = config.start();
        let reply = server.token(APP, &[("grant_type", "password"), ("username", USER), ("password", PASSWORD)]).await;
        assert_eq!(reply.members(), ["access_token", "expires_in", "scope", "token_type"], "{name}: {reply:?}");
        let code = server.code(APP).await;
        assert_eq!(server.redeem(APP, &code).await.json.get("refresh_token"), None, "{name}");
    }
}

// RFC 6749 section 5.2. Nothing is consumed.
#[tokio::test]
async fn a_grant_type_taken_from_a_client_is_refused_and_works_again_when_given_back() {
    let server = Server::start();
    let code = server.code(APP).await;
    let refresh_token = server.sign_in(APP).await.refresh;
    let password = [("grant_type", "password"), ("username", USER), ("password", PASSWORD)];
    let cases: [(GrantType, Vec<(&str, &str)>); 4] = [
        (GrantType::RefreshToken, vec![("grant_type", "refresh_token"), ("refresh_token", &refresh_token)]),
        (
            GrantType::AuthorizationCode,
            vec![("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", REDIRECT)],
        ),
        (GrantType::ClientCredentials, vec![("grant_type", "client_credentials")]),
        (GrantType::Password, password.to_vec()),
    ];
    for (taken, parameters) in cases {
        let mut reduced = client(APP);
        reduced.grant_types.retain(|grant_type| *grant_type != taken);
        let restricted = server.restarted(|config| config.client(reduced, APP));
        let before = server.store().snapshot();

        assert_eq!(restricted.token(APP, &parameters).await.outcome(), UNAUTHORIZED, "{taken}");

        assert!(server.store().snapshot() == before, "{taken}");
        assert_eq!(server.token(APP, &parameters).await.status(), 200, "{taken}");
    }
}

// Keycloak: GHSA-895x-rfqp-jh5c.
#[tokio::test]
async fn a_scope_withdrawn_from_the_registration_is_gone_from_living_grants() {
    let server = Server::start();
    let tokens = server.sign_in(APP).await;
    let reduced = server.restarted(|config| config.client(client(APP).with_scope(scope("openid read")), APP));
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", tokens.refresh.as_str())];

    assert_eq!(
        reduced.token(APP, &[refresh[0], refresh[1], ("scope", "write")]).await.outcome(),
        INVALID_SCOPE,
        "asking"
    );
    let reply = reduced.token(APP, &refresh).await;
    assert_eq!((reply.status(), reply.text("scope")), (200, "openid read"), "the rest, and it is told: {reply:?}");
    let gone = server.restarted(|config| config.client(client(APP).with_scope(scope("admin")), APP));
    assert_eq!(gone.refresh(APP, reply.text("refresh_token")).await.outcome(), INVALID_GRANT, "nothing is left");
}

/// Everything that a client may hold, fresh.
struct Artefacts {
    code: String,
    refresh: String,
    access: String,
}

impl Artefacts {
    async fn of(server: &Server) -> Self {
        let tokens = server.sign_in(APP).await;
        Self { code: server.code(APP).await, refresh: tokens.refresh, access: tokens.access }
    }

    fn all(&self) -> [(&'static str, &str); 3] {
        [("code", &self.code), ("refresh token", &self.refresh), ("access token", &self.access)]
    }
}

// RFC 6749 section 10.4. ZITADEL: CVE-2026-55672; Tinyauth: CVE-2026-32245.
#[tokio::test]
async fn every_artefact_of_another_client_is_refused_at_every_endpoint_and_stays_usable() {
    for thief in [OTHER, POSTER, SPA] {
        let server = Server::start();
        let victim = Artefacts::of(&server).await;
        let before = server.store().snapshot();
        for (name, artefact) in victim.all() {
            for verifier in [None, Some(("code_verifier", VERIFIER))] {
                let mut parameters =
                    vec![("grant_type", "authorization_code"), ("code", artefact), ("redirect_uri", REDIRECT)];
                parameters.extend(verifier);
                assert_eq!(server.token(thief, &parameters).await.outcome(), INVALID_GRANT, "{thief:?} {name}");
            }
            assert_eq!(server.refresh(thief, artefact).await.outcome(), INVALID_GRANT, "{thief:?} {name}");
            assert_eq!(server.revoke(thief, artefact).await.status(), 200, "{thief:?} {name}");
            let told = server.introspect(thief, artefact).await;
            let expected = if thief.secret().is_some() { 200 } else { 401 };
            assert_eq!(told.status(), expected, "{thief:?} {name} {told:?}");
            assert!(told.json["active"] != true, "{thief:?} {name} {told:?}");
        }
        assert!(server.store().snapshot() == before, "{thief:?} changed something");

        assert!(server.is_active(&victim.access).await, "{thief:?}");
        assert_eq!(server.refresh(APP, &victim.refresh).await.status(), 200, "{thief:?}");
        assert_eq!(server.redeem(APP, &victim.code).await.status(), 200, "{thief:?}");
    }
}

// A client that was deleted and created again under the same id.
#[tokio::test]
async fn a_deleted_client_is_unknown_and_its_successor_of_the_same_id_inherits_nothing() {
    let server = Server::start();
    let tokens = server.sign_in(APP).await;
    let code = server.code(APP).await;

    let deleted = server.restarted(|config| config.without("app"));
    assert_eq!(deleted.refresh(APP, &tokens.refresh).await.outcome(), (401, "invalid_client"));
    assert_eq!(deleted.redeem(APP, &code).await.outcome(), (401, "invalid_client"));
    assert!(deleted.is_active(&tokens.access).await, "until it expires, or `revoke_client` is called");

    let recreated = server.restarted(|config| config.client(client(APP).with_registration(Registration(2)), APP));
    let before = server.store().snapshot();
    assert_eq!(recreated.refresh(APP, &tokens.refresh).await.outcome(), INVALID_GRANT);
    assert_eq!(recreated.redeem(APP, &code).await.outcome(), INVALID_GRANT);
    assert_eq!(recreated.revoke(APP, &tokens.refresh).await.status(), 200);
    assert_eq!(recreated.introspect(APP, &tokens.access).await.json["active"], false);
    assert!(server.store().snapshot() == before);
}

// Each kind at each endpoint (Keycloak: CVE-2023-0657).
#[tokio::test]
async fn a_token_of_one_kind_never_passes_as_another() {
    let server = Server::start();
    let own = Artefacts::of(&server).await;
    for (name, artefact) in own.all() {
        let before = server.store().snapshot();
        if name != "code" {
            assert_eq!(server.redeem(APP, artefact).await.outcome(), INVALID_GRANT, "{name} as code");
        }
        if name != "refresh token" {
            assert_eq!(server.refresh(APP, artefact).await.outcome(), INVALID_GRANT, "{name} as refresh token");
        }
        // Neither does a new prefix make another kind of it.
        for (prefix, endpoint) in [("ac_", "code"), ("rt_", "refresh token"), ("at_", "access token")] {
            let relabelled = format!("{prefix}{}", &artefact[3..]);
            if relabelled != artefact {
                assert_eq!(server.redeem(APP, &relabelled).await.outcome(), INVALID_GRANT, "{name} as {endpoint}");
                assert_eq!(server.refresh(APP, &relabelled).await.outcome(), INVALID_GRANT, "{name} as {endpoint}");
                assert!(!server.is_active(&relabelled).await, "{name} as {endpoint}");
                assert_eq!(server.revoke(APP, &relabelled).await.status(), 200, "{name} as {endpoint}");
            }
        }
        assert!(server.store().snapshot() == before, "{name}");
    }
    assert!(!server.is_active(&own.code).await, "a code is no token to introspect");
    assert_eq!(server.revoke(APP, &own.code).await.status(), 200);
    assert_eq!(server.redeem(APP, &own.code).await.status(), 200, "nor one to revoke");
}

// A realm and a key are part of each token.
#[tokio::test]
async fn tokens_mean_nothing_in_another_realm_or_under_another_key() {
    let server = Server::start();
    let own = Artefacts::of(&server).await;
    let realm = |config: Config| Config { realm: "/customers", ..config };
    let key = |config: Config| Config { keys: vec![(1, *b"another key of thirty-two bytes.")], ..config };
    for (name, stranger) in [("realm", server.restarted(realm)), ("key", server.restarted(key))] {
        let calls = server.store().calls();
        for (kind, artefact) in own.all() {
            assert_eq!(stranger.redeem(APP, artefact).await.outcome(), INVALID_GRANT, "{name}: {kind}");
            assert_eq!(stranger.refresh(APP, artefact).await.outcome(), INVALID_GRANT, "{name}: {kind}");
            assert_eq!(stranger.revoke(APP, artefact).await.status(), 200, "{name}: {kind}");
            assert!(!stranger.is_active(artefact).await, "{name}: {kind}");
        }
        assert_eq!(server.store().calls(), calls, "{name}: the store was asked");
    }
    assert!(server.is_active(&own.access).await);
    assert_eq!(server.refresh(APP, &own.refresh).await.status(), 200);
    assert_eq!(server.redeem(APP, &own.code).await.status(), 200);
}

// One answer for every reason, so that no caller learns the reason. The conformance kit has the other reasons.
#[tokio::test]
async fn tokens_and_codes_from_elsewhere_are_answered_like_garbage() {
    let server = Server::start();
    let answers = async |refresh_token: &str, access_token: &str, code: &str| {
        let refreshed = server.refresh(APP, refresh_token).await.response;
        let introspected = server.introspect(APP, access_token).await.response;
        [refreshed, introspected, server.redeem(APP, code).await.response]
    };
    let expected = answers("garbage", "garbage", "garbage").await;
    let key = |config| Config { keys: vec![(1, *b"another key of thirty-two bytes.")], ..config };
    for (name, elsewhere) in [
        ("realm", server.restarted(|config| Config { realm: "other", ..config })),
        ("key", server.restarted(key)),
        ("store", server.restarted(|config| Config { store: fixtures::WatchedStore::default(), ..config })),
    ] {
        let (tokens, code) = (elsewhere.sign_in(APP).await, elsewhere.code(APP).await);
        assert!(answers(&tokens.refresh, &tokens.access, &code).await == expected, "of another {name}");
    }
    let short = server.restarted(|config| config.policy(Policy::default().with_grant_lifetime(seconds(10).into())));
    let ended = short.sign_in(APP).await;
    server.advance(seconds(10));
    assert!(answers(&ended.refresh, &ended.access, "garbage").await == expected, "of an ended grant");
}

// RFC 6749 section 4.1.3. workers-oauth-provider: CVE-2025-4143; fosite: CVE-2020-15233.
#[tokio::test]
async fn the_redirect_uri_of_a_code_is_compared_character_for_character() {
    let asked = "https://app.example/cb?tenant=a&x=%2f";
    let registered =
        client(APP).with_redirect_uris([RedirectUri::new(asked).unwrap(), RedirectUri::new(REDIRECT).unwrap()]);
    let server = Config::default().client(registered, APP).start();
    let code = server.code_for(APP, |request| request.with_redirect_uri(Some(RedirectUri::new(asked).unwrap()))).await;
    for shown in [
        None,
        Some(""),
        Some(REDIRECT),
        Some("https://app.example/cb?tenant=a"),
        Some("https://app.example/cb?tenant=a&x=%2F"),
        Some("https://app.example/cb?tenant=a&x=/"),
        Some("https://app.example/cb?x=%2f&tenant=a"),
        Some("https://app.example:443/cb?tenant=a&x=%2f"),
        Some("https://APP.example/cb?tenant=a&x=%2f"),
        Some("HTTPS://app.example/cb?tenant=a&x=%2f"),
        Some("https://app.example/cb/?tenant=a&x=%2f"),
        Some("https://app.example/cb?tenant=a&x=%2f "),
        Some("https://app.example/cb?tenant=a&x=%2f#"),
        Some("not a uri"),
    ] {
        let mut parameters = vec![("grant_type", "authorization_code"), ("code", code.as_str())];
        parameters.extend(shown.map(|uri| ("redirect_uri", uri)));
        assert_eq!(server.token(APP, &parameters).await.outcome(), INVALID_GRANT, "{shown:?}");
    }
    let exact = [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", asked)];
    assert_eq!(server.token(APP, &exact).await.status(), 200);
}

// RFC 8252 section 7.3: the port that a native app chose for its request is the one its redemption must name.
#[tokio::test]
async fn a_loopback_port_may_differ_from_the_registered_one_but_not_between_request_and_redemption() {
    let native = client(SPA).with_redirect_uris([RedirectUri::new("http://127.0.0.1/cb").unwrap()]);
    let server = Config::default().client(native, SPA).start();
    let asked = "http://127.0.0.1:49152/cb";
    let code = server.code_for(SPA, |request| request.with_redirect_uri(Some(asked.parse().unwrap()))).await;
    for (shown, status) in [("http://127.0.0.1/cb", 400), ("http://127.0.0.1:49153/cb", 400), (asked, 200)] {
        let parameters = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", shown),
            ("code_verifier", VERIFIER),
        ];
        assert_eq!(server.token(SPA, &parameters).await.status(), status, "{shown}");
    }
}

// RFC 6749 section 4.1.3: required exactly when it was in the authorization request.
#[tokio::test]
async fn a_redirect_uri_that_was_not_in_the_request_may_not_come_with_the_code() {
    let server = Server::start();
    let code = server.code_for(APP, |request| request.with_redirect_uri(None)).await;
    assert_eq!(server.redeem(APP, &code).await.outcome(), INVALID_GRANT);
    let reply = server.token(APP, &[("grant_type", "authorization_code"), ("code", &code)]).await;
    assert_eq!(reply.status(), 200, "{reply:?}");
}

#[tokio::test]
async fn an_unregistered_redirect_uri_gets_no_code() {
    let server = Server::start();
    let request = |uri: &str| {
        let approval = Approval::of(subject(USER)).with_scope(scope(SCOPE));
        AuthorizeRequest::new(approval).with_redirect_uri(Some(uri.parse().unwrap()))
    };
    for uri in ["https://evil.example/cb", "https://app.example/cb/", "https://app.example.evil.example/cb"] {
        let refused = server.service().authorize(&client(APP), request(uri)).await.unwrap_err();
        assert_eq!(refused.code(), ErrorCode::InvalidRequest, "{uri}");
    }
    assert_eq!(server.store().writes(), 0);
}

// ZITADEL: CVE-2026-27840.
#[tokio::test]
async fn no_token_survives_a_changed_cut_or_added_character() {
    let server = Server::start();
    let own = Artefacts::of(&server).await;
    let calls = server.store().calls();
    for (name, artefact) in own.all() {
        for mangled in mangled(artefact) {
            let replies = match name {
                "code" => [server.redeem(APP, &mangled).await, server.revoke(APP, &mangled).await],
                "refresh token" => [server.refresh(APP, &mangled).await, server.revoke(APP, &mangled).await],
                _ => [server.introspect(APP, &mangled).await, server.revoke(APP, &mangled).await],
            };
            let expected = if name == "access token" { (200, "") } else { INVALID_GRANT };
            if mangled.is_empty() {
                assert_eq!(replies[0].outcome(), INVALID_REQUEST, "{name}");
                continue;
            }
            assert_eq!(replies[0].outcome(), expected, "{name}: {mangled:?}");
            assert!(replies[0].json["active"] != true, "{name}: {mangled:?}");
        }
    }
    assert_eq!(server.store().calls(), calls, "garbage is refused without touching the store");
    assert!(server.is_active(&own.access).await);
    assert_eq!(server.refresh(APP, &own.refresh).await.status(), 200);
    assert_eq!(server.redeem(APP, &own.code).await.status(), 200);
}

/// Every prefix and suffix, every character changed in several ways, everything that a lax decoder would overlook.
fn mangled(token: &str) -> Vec<String> {
    let swapped = |at: usize, with: char| format!("{}{with}{}", &token[..at], &token[at + 1..]);
    let mut all: Vec<String> =
        (0..token.len()).flat_map(|at| [token[..at].to_owned(), token[at..].to_owned()]).collect();
    for at in 0..token.len() {
        let own = char::from(token.as_bytes()[at]);
        let other_case = if own.is_ascii_lowercase() { own.to_ascii_uppercase() } else { own.to_ascii_lowercase() };
        for with in ['A', 'B', '_', '-', '+', '/', '=', ' ', '\u{e9}', other_case] {
            all.push(swapped(at, with));
        }
        all.push(format!("{}{}", &token[..at], &token[at + 1..]));
        all.push(format!("{}A{}", &token[..at], &token[at..]));
    }
    for added in ["=", "==", "A", "AA", "AAA", "AAAA", " ", "\n", "\t", ".", "~", "\u{200b}", "%00"] {
        all.push(format!("{token}{added}"));
        all.push(format!("{added}{token}"));
    }
    all.push(format!("{token}{token}"));
    all.push(format!("{token} {token}"));
    all.push(token.to_uppercase());
    all.push(token.to_lowercase());
    all.push(token.replacen('_', "", 1));
    all.retain(|mangled| mangled != token);
    all
}

// openid-client treats `expires_in` 0 as an error.
#[tokio::test]
async fn expires_in_counts_whole_seconds_and_is_never_zero() {
    let server = Server::with_policy(Policy::default().with_grant_lifetime(seconds(100).into()));
    let refresh_token = server.sign_in(APP).await.refresh;
    let first = server.refresh(APP, &refresh_token).await;
    assert_eq!(first.json["expires_in"], 100, "an access token does not outlive its grant: {first:?}");

    server.advance(seconds(99) + std::time::Duration::from_millis(500));
    let before = server.store().snapshot();
    let last = server.refresh(APP, first.text("refresh_token")).await;
    assert_eq!(last.outcome(), INVALID_GRANT, "half a second is no number of seconds: {last:?}");
    assert!(server.store().snapshot() == before);
}

// RFC 6749 section 10.10 (dex: CVE-2022-39222).
#[tokio::test]
async fn codes_and_tokens_for_equal_requests_have_nothing_in_common_but_their_prefix() {
    let server = Server::start();
    let mut seen = BTreeSet::new();
    for _ in 0..200 {
        let tokens = server.sign_in(APP).await;
        for token in [server.code(APP).await, tokens.access, tokens.refresh] {
            // Behind the prefix and the two characters that tell the key.
            assert!(seen.insert(token[5..13].to_owned()) && seen.insert(token[60..68].to_owned()), "{token}");
        }
    }
}

// RFC 6749 section 5.1 with a grant that the host made without any scope.
#[tokio::test]
async fn a_grant_without_scope_is_answered_without_an_empty_scope_member() {
    let server = Server::start();
    let app = AuthenticatedClient::assertion(client(APP).into());
    let issued =
        server.service().issue(&app, IssueRequest::new(GrantType::Password, Approval::of(subject(USER)))).await;
    let refresh_token = issued.unwrap().refresh_token.unwrap();
    let reply = server.refresh(APP, refresh_token.expose()).await;
    assert_eq!(reply.members(), ["access_token", "expires_in", "refresh_token", "token_type"], "{reply:?}");
}

// The registration of the client also bounds the requests of the host.
#[tokio::test]
async fn a_host_cannot_issue_more_than_the_client_may_have() {
    let server = Server::start();
    let app = AuthenticatedClient::assertion(client(APP).with_resources(resources(&[ORDERS])).into());
    for (name, approval, expected) in [
        ("scope", Approval::default().with_scope(scope("admin")), ErrorCode::InvalidScope),
        ("resource", Approval::default().with_resources(resources(&[BILLING])), ErrorCode::InvalidTarget),
    ] {
        let refused = server.service().issue(&app, IssueRequest::new(GrantType::Password, approval.clone())).await;
        assert_eq!(refused.unwrap_err().code(), expected, "{name}");
        let refused = server.service().authorize(&app, AuthorizeRequest::new(approval)).await;
        assert_eq!(refused.unwrap_err().code(), expected, "{name}");
    }
    assert_eq!(server.store().writes(), 0);
}

// The list is compared with the source, so that a new refusal must be entered here.
#[test]
fn every_refusal_has_its_protocol_word() {
    use ErrorCode::{
        AccessDenied, AuthorizationPending, ExpiredToken, InvalidClient, InvalidDpopProof, InvalidGrant,
        InvalidRequest, InvalidScope, InvalidTarget, SlowDown, TemporarilyUnavailable, UnauthorizedClient,
        UseDpopNonce,
    };
    let table = [
        (Refusal::ClientAuthenticationFailed(CredentialRefusal::WrongSecret), InvalidClient),
        (Refusal::TokenUnrecognized, InvalidGrant),
        (Refusal::GrantUnknown, InvalidGrant),
        (Refusal::OtherClient, InvalidGrant),
        (Refusal::OtherRegistration, InvalidGrant),
        (Refusal::ProofOfPossessionFailed, InvalidGrant),
        (Refusal::GrantRevoked, InvalidGrant),
        (Refusal::GrantExpired, InvalidGrant),
        (Refusal::SubjectNotServed, InvalidGrant),
        (Refusal::RefreshTokenExpired, InvalidGrant),
        (Refusal::RootMismatch, InvalidGrant),
        (Refusal::ReplayLimitReached, InvalidGrant),
        (Refusal::ClockBehind, TemporarilyUnavailable),
        (Refusal::SuccessorMismatch, TemporarilyUnavailable),
        (Refusal::RefreshTokenReused, InvalidGrant),
        (Refusal::RefreshTokenForked, InvalidGrant),
        (Refusal::RefreshTokenAhead, InvalidGrant),
        (Refusal::CodeExpired, InvalidGrant),
        (Refusal::CodeReused, InvalidGrant),
        (Refusal::CodeSpent, InvalidGrant),
        (Refusal::RedirectUriMismatch, InvalidGrant),
        (Refusal::CodeVerifierMismatch, InvalidGrant),
        (Refusal::CodeVerifierMalformed, InvalidGrant),
        (Refusal::CodeVerifierUnexpected, InvalidGrant),
        (Refusal::OfflineAccessNotGranted, InvalidGrant),
        (Refusal::CodeChallengeRequired, InvalidRequest),
        (Refusal::RedirectUriNotRegistered, InvalidRequest),
        (Refusal::GrantTypeNotAllowed, UnauthorizedClient),
        (Refusal::ScopeExceeded, InvalidScope),
        (Refusal::ScopeMissing, InvalidScope),
        (Refusal::ScopeWithdrawn, InvalidGrant),
        (Refusal::ResourceWithdrawn, InvalidGrant),
        (Refusal::ResourceExceeded, InvalidTarget),
        (Refusal::ApprovalDenied, InvalidGrant),
        (Refusal::PublicCaller, InvalidClient),
        (Refusal::GrantExhausted, InvalidGrant),
        (Refusal::ProofMissing, InvalidDpopProof),
        (Refusal::ProofInvalid(ProofFault::Used), InvalidDpopProof),
        (Refusal::ProofNonceRequired, UseDpopNonce),
        (Refusal::CertificateMissing, InvalidRequest),
        (Refusal::AuthenticationTooWeak, InvalidClient),
        (Refusal::AuthorizationPending, AuthorizationPending),
        (Refusal::PolledTooFast, SlowDown),
        (Refusal::DeviceCodeExpired, ExpiredToken),
        (Refusal::DeniedByOwner, AccessDenied),
        (Refusal::UserCodeUnknown, InvalidGrant),
        (Refusal::SubjectTokenInvalid, InvalidRequest),
        (Refusal::ActorNotAllowed, InvalidRequest),
    ];
    for (refusal, code) in table {
        assert_eq!(refusal.code(), code, "{refusal:?}");
        let text = refusal.to_string();
        assert!(!text.ends_with('.') && text.len() > 5, "{text}");
    }
    let distinct: std::collections::HashSet<_> = table.iter().map(|(refusal, _)| refusal).collect();
    assert_eq!(distinct.len(), table.len(), "a refusal is in the table twice");
}

// RFC 6749 section 5.2, RFC 8707 section 2, RFC 7009 section 2.2.1, RFC 8628 section 3.5, RFC 9449 sections 5 and 8.
#[test]
fn every_error_code_has_the_word_and_status_of_its_specification() {
    for (code, word, status) in [
        (ErrorCode::InvalidRequest, "invalid_request", 400),
        // 401 where the answer has a challenge: RFC 9110 section 15.5.2.
        (ErrorCode::InvalidClient, "invalid_client", 400),
        (ErrorCode::InvalidGrant, "invalid_grant", 400),
        (ErrorCode::UnauthorizedClient, "unauthorized_client", 400),
        (ErrorCode::UnsupportedGrantType, "unsupported_grant_type", 400),
        (ErrorCode::InvalidScope, "invalid_scope", 400),
        (ErrorCode::InvalidTarget, "invalid_target", 400),
        (ErrorCode::TemporarilyUnavailable, "temporarily_unavailable", 503),
        (ErrorCode::ServerError, "server_error", 500),
        (ErrorCode::AccessDenied, "access_denied", 400),
        (ErrorCode::UnsupportedResponseType, "unsupported_response_type", 400),
        (ErrorCode::InvalidDpopProof, "invalid_dpop_proof", 400),
        (ErrorCode::UseDpopNonce, "use_dpop_nonce", 400),
        (ErrorCode::AuthorizationPending, "authorization_pending", 400),
        (ErrorCode::SlowDown, "slow_down", 400),
        (ErrorCode::ExpiredToken, "expired_token", 400),
        (ErrorCode::UnsupportedGrantType, "unsupported_grant_type", 400),
    ] {
        assert_eq!((code.as_str(), code.status()), (word, status));
        let allowed = |byte: u8| matches!(byte, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e);
        assert!(!code.description().is_empty() && code.description().bytes().all(allowed), "{word}");
    }
}

// RFC 6749 section 3.3: a documented default, or invalid_scope.
#[tokio::test]
async fn a_request_without_a_scope_gets_the_clients_default_or_is_refused() {
    for (default, expected) in [(None, Ok(SCOPE)), (Some("read"), Ok("read")), (Some(""), Err((400, "invalid_scope")))]
    {
        let default = default.map(scope);
        let server = Config::default().with_client(APP, |client| client.with_default_scope(default.clone())).start();
        let flows: [Form<'_>; 2] = [
            &[("grant_type", "client_credentials")],
            &[("grant_type", "password"), ("username", USER), ("password", PASSWORD)],
        ];
        for flow in flows {
            let reply = server.token(APP, flow).await;
            match expected {
                Ok(scope) => assert_eq!(reply.text("scope"), scope, "{flow:?}"),
                Err(outcome) => assert_eq!(reply.outcome(), outcome, "{flow:?}"),
            }
            // A requested scope is granted as registered, whatever the default.
            let named = [flow, &[("scope", "write")]].concat();
            assert_eq!(server.token(APP, &named).await.text("scope"), "write", "{flow:?}");
        }
        // At refresh the default is the grant's (section 6).
        let tokens = server.sign_in_for(APP, &[("scope", "openid write")]).await;
        assert_eq!(server.refresh(APP, &tokens.refresh).await.text("scope"), "openid write");
    }
}
