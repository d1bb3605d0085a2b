//! RFC 6749: the token endpoint. Who gets tokens for what, and who does not.

use std::collections::BTreeSet;

use fixtures::{
    APP, Auth, BILLING, Config, Form, GateState, ORDERS, ORDERS_API, OTHER, Outcome, PASSWORD, POSTER, REDIRECT, SCOPE,
    SPA, Server, USER, VERIFIER, client, resources, scope, seconds, subject,
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
const UNAVAILABLE: Outcome = (503, "temporarily_unavailable");

const WHOLE_ANSWER: [&str; 5] = ["access_token", "expires_in", "refresh_token", "scope", "token_type"];

// C1. RFC 6749 sections 4.1.4 and 5.1.
#[tokio::test]
async fn a_code_gives_exactly_the_members_of_a_token_response() {
    for auth in [APP, POSTER, SPA] {
        let server = Server::start();
        let code = server.code(auth).await;
        let mut parameters = vec![("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", REDIRECT)];
        parameters.extend(auth.secret().is_none().then_some(("code_verifier", VERIFIER)));

        let reply = server.token(auth, &parameters).await;

        assert_eq!(reply.status(), 200, "{auth:?} {reply:?}");
        assert_eq!(reply.members(), WHOLE_ANSWER, "{auth:?}");
        assert_eq!(reply.text("token_type"), "Bearer", "{auth:?}");
        assert_eq!(reply.text("scope"), SCOPE, "{auth:?}");
        assert_eq!(reply.json["expires_in"], 3600, "{auth:?}");
        let tokens = reply.tokens();
        assert!(server.is_active(&tokens.access).await && server.is_active(&tokens.refresh).await, "{auth:?}");
    }
}

// C81. RFC 6749 section 4.1.2: a code is used once; the second use revokes what the first one gave.
#[tokio::test]
async fn a_code_used_twice_is_refused_and_kills_what_it_gave() {
    let server = Server::start();
    let code = server.code(APP).await;
    let first = server.redeem(APP, &code).await.tokens();
    let refreshed = server.refresh(APP, &first.refresh).await.tokens();

    assert_eq!(server.redeem(APP, &code).await.outcome(), INVALID_GRANT);

    for token in [&first.access, &first.refresh, &refreshed.access, &refreshed.refresh] {
        assert!(!server.is_active(token).await);
    }
    assert_eq!(server.refresh(APP, &refreshed.refresh).await.outcome(), INVALID_GRANT);
}

// C82: who does not hold all that the redeemer held proves nothing, and must not be able to end a session.
#[tokio::test]
async fn a_second_use_of_a_code_that_fails_another_check_kills_nothing() {
    let other_uri = [("redirect_uri", "https://app.example/other")];
    let wrong_verifier =
        [("redirect_uri", REDIRECT), ("code_verifier", "0123456789012345678901234567890123456789-wrong")];
    let cases: [(&str, Auth<'_>, Form<'_>); 6] = [
        ("no redirect URI", APP, &[("code_verifier", VERIFIER)]),
        ("another redirect URI", APP, &[other_uri[0], ("code_verifier", VERIFIER)]),
        ("no verifier", APP, &[("redirect_uri", REDIRECT)]),
        ("a wrong verifier", APP, &wrong_verifier),
        ("another client", OTHER, &[("redirect_uri", REDIRECT), ("code_verifier", VERIFIER)]),
        ("a wrong secret", Auth::Basic("app", "guess"), &[("redirect_uri", REDIRECT), ("code_verifier", VERIFIER)]),
    ];
    for (name, auth, more) in cases {
        let server = Server::start();
        let code =
            server.code_for(APP, |request| request.with_code_challenge(Some(fixtures::challenge(VERIFIER)))).await;
        let mut parameters = vec![("grant_type", "authorization_code"), ("code", code.as_str())];
        let base = parameters.clone();
        parameters.extend([("redirect_uri", REDIRECT), ("code_verifier", VERIFIER)]);
        let tokens = server.token(APP, &parameters).await.tokens();
        let before = server.store().snapshot();

        let mut second = base;
        second.extend(more);
        assert_ne!(server.token(auth, &second).await.status(), 200, "{name}");

        assert!(server.store().snapshot() == before, "{name}");
        assert!(server.is_active(&tokens.access).await && server.is_active(&tokens.refresh).await, "{name}");
    }
}

// C2. RFC 6749 section 6.
#[tokio::test]
async fn a_refresh_gives_new_tokens_of_the_same_shape() {
    for auth in [APP, POSTER, SPA] {
        let server = Server::start();
        let first = server.sign_in(auth).await;

        let reply = server.refresh(auth, &first.refresh).await;

        assert_eq!(reply.members(), WHOLE_ANSWER, "{auth:?} {reply:?}");
        assert_eq!(reply.text("scope"), SCOPE, "{auth:?}");
        let second = reply.tokens();
        let all: BTreeSet<_> = [&first.access, &first.refresh, &second.access, &second.refresh].into();
        assert_eq!(all.len(), 4, "{auth:?}: a token came twice");
        assert!(server.is_active(&second.refresh).await && !server.is_active(&first.refresh).await, "{auth:?}");
        assert!(server.is_active(&first.access).await, "{auth:?}: the earlier access token lives until it expires");
    }
}

// C3.
#[tokio::test]
async fn without_rotation_a_refresh_answers_without_a_refresh_token_and_the_old_one_stays_valid() {
    let server = Server::with_policy(Policy::default().with_issue_refresh_tokens_on_refresh(false));
    let tokens = server.sign_in(APP).await;
    let mut access = BTreeSet::from([tokens.access]);

    for round in 1..=3 {
        server.advance(seconds(300));
        let reply = server.refresh(APP, &tokens.refresh).await;
        assert_eq!(reply.members(), ["access_token", "expires_in", "scope", "token_type"], "round {round}: {reply:?}");
        assert!(access.insert(reply.text("access_token").to_owned()), "round {round}");
        assert!(server.is_active(&tokens.refresh).await, "round {round}");
    }
}

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

// C4, C25: and nothing is consumed.
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

// RFC 6749 section 4.4.3; OAuth 2.1 section 4.2: for confidential clients only.
#[tokio::test]
async fn client_credentials_give_an_access_token_alone_and_only_to_a_client_that_authenticates() {
    let server = Server::start();
    for auth in [APP, POSTER] {
        let reply = server.token(auth, &[("grant_type", "client_credentials")]).await;
        assert_eq!(reply.members(), ["access_token", "expires_in", "scope", "token_type"], "{auth:?} {reply:?}");
        assert_eq!(reply.text("scope"), SCOPE, "{auth:?}");
    }
    assert_eq!(server.token(SPA, &[("grant_type", "client_credentials")]).await.outcome(), UNAUTHORIZED);
}

// C34 to C38. RFC 6749 sections 3.3 and 6.
#[tokio::test]
async fn a_refresh_grants_the_scope_asked_for_within_the_grant() {
    let cases: [(&str, Option<&str>, Result<&str, Outcome>); 13] = [
        ("omitted", None, Ok(SCOPE)),
        ("empty is omitted", Some(""), Ok(SCOPE)),
        ("equal", Some(SCOPE), Ok(SCOPE)),
        ("order means nothing", Some("write read openid"), Ok(SCOPE)),
        ("repetition means nothing", Some("read read"), Ok("read")),
        ("narrower", Some("read write"), Ok("read write")),
        ("one", Some("write"), Ok("write")),
        ("wider", Some("openid read write admin"), Err(INVALID_SCOPE)),
        ("foreign", Some("admin"), Err(INVALID_SCOPE)),
        ("case means something", Some("READ"), Err(INVALID_SCOPE)),
        ("a part of a token", Some("rea"), Err(INVALID_SCOPE)),
        ("two spaces", Some("read  write"), Err(INVALID_SCOPE)),
        ("a character outside the grammar", Some("read \"write\""), Err(INVALID_SCOPE)),
    ];
    let server = Server::start();
    let mut refresh_token = server.sign_in(APP).await.refresh;
    for (name, asked, expected) in cases {
        let before = server.store().snapshot();
        let mut parameters = vec![("grant_type", "refresh_token"), ("refresh_token", refresh_token.as_str())];
        parameters.extend(asked.map(|scope| ("scope", scope)));
        let reply = server.token(APP, &parameters).await;
        match expected {
            Ok(granted) => {
                assert_eq!((reply.status(), reply.text("scope")), (200, granted), "{name}: {reply:?}");
                let tokens = reply.tokens();
                let access = server.introspect(APP, &tokens.access).await;
                assert_eq!(access.text("scope"), granted, "{name}");
                // C37, RFC 6749 section 6: narrowing touches the access token only.
                assert_eq!(server.introspect(APP, &tokens.refresh).await.text("scope"), SCOPE, "{name}");
                refresh_token = tokens.refresh;
            }
            Err(expected) => {
                assert_eq!(reply.outcome(), expected, "{name}");
                assert!(server.store().snapshot() == before, "{name}: a refused refresh wrote");
            }
        }
    }
    let reply = server.refresh(APP, &refresh_token).await;
    assert_eq!(reply.text("scope"), SCOPE, "after all that narrowing the whole is still there: {reply:?}");
}

// RFC 6749 sections 3.3 and 5.1: the default is documented, and what is granted is told.
#[tokio::test]
async fn a_token_request_without_scope_gets_the_clients_registered_scope_and_never_more() {
    let server = Server::start();
    for grant in [
        &[("grant_type", "client_credentials")][..],
        &[("grant_type", "password"), ("username", USER), ("password", PASSWORD)],
    ] {
        for (asked, expected) in
            [(None, Ok(SCOPE)), (Some("read"), Ok("read")), (Some("read admin"), Err(INVALID_SCOPE))]
        {
            let mut parameters = grant.to_vec();
            parameters.extend(asked.map(|scope| ("scope", scope)));
            let reply = server.token(APP, &parameters).await;
            match expected {
                Ok(scope) => assert_eq!(reply.text("scope"), scope, "{parameters:?} {reply:?}"),
                Err(error) => assert_eq!(reply.outcome(), error, "{parameters:?}"),
            }
        }
    }
}

// C41: "+" is a space, "%2B" a plus.
#[tokio::test]
async fn a_plus_in_a_scope_parameter_separates_and_an_escaped_one_does_not() {
    let server = Server::start();
    let headers: [(&str, &[u8]); 2] = [
        ("content-type", b"application/x-www-form-urlencoded"),
        ("authorization", b"Basic YXBwOmhEM2txMHZYN1pyWWMyTG1OOHNUcFc="),
    ];
    for (body, expected) in [
        ("grant_type=client_credentials&scope=read+write", Ok("read write")),
        ("grant_type=client_credentials&scope=read%20write", Ok("read write")),
        ("grant_type=client_credentials&scope=read%2Bwrite", Err(INVALID_SCOPE)),
    ] {
        let reply = server.raw(regrant::wire::Endpoint::Token, "POST", &headers, body).await;
        match expected {
            Ok(scope) => assert_eq!(reply.text("scope"), scope, "{body} {reply:?}"),
            Err(error) => assert_eq!(reply.outcome(), error, "{body}"),
        }
    }
}

// C40: RFC 6749 section 4.1.3 knows no scope there.
#[tokio::test]
async fn a_scope_sent_with_a_code_is_ignored_and_the_granted_one_told() {
    let server = Server::start();
    for asked in ["read", "admin"] {
        let code = server.code(APP).await;
        let parameters =
            [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", REDIRECT), ("scope", asked)];
        let reply = server.token(APP, &parameters).await;
        assert_eq!((reply.status(), reply.text("scope")), (200, SCOPE), "{asked}: {reply:?}");
    }
}

// C42, Keycloak GHSA-895x-rfqp-jh5c.
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

// C18, C19, C21, C23; A21 (ZITADEL CVE-2026-55672), A22 (Tinyauth CVE-2026-32245), A14 (keystone #1262).
#[tokio::test]
async fn every_artefact_of_another_client_is_refused_at_every_door_and_stays_usable() {
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

// C20, C22; keystone #1262: the owner is checked before reuse.
#[tokio::test]
async fn a_spent_refresh_token_shown_by_another_client_does_not_end_the_owners_session() {
    for age in [0, 59, 60, 100_000] {
        let server = Server::start();
        let first = server.sign_in(APP).await;
        let second = server.refresh(APP, &first.refresh).await.tokens();
        server.advance(seconds(age));
        let before = server.store().snapshot();

        assert_eq!(server.refresh(OTHER, &first.refresh).await.outcome(), INVALID_GRANT, "after {age} s");

        assert!(server.store().snapshot() == before, "after {age} s");
        assert_eq!(server.refresh(APP, &second.refresh).await.status(), 200, "after {age} s");
    }
}

// C24: deleted. DESIGN section 2: re-created under the same id.
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

// C30, A42 (Keycloak CVE-2023-0657): each kind at each door.
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
        for (prefix, door) in [("ac_", "code"), ("rt_", "refresh token"), ("at_", "access token")] {
            let relabelled = format!("{prefix}{}", &artefact[3..]);
            if relabelled != artefact {
                assert_eq!(server.redeem(APP, &relabelled).await.outcome(), INVALID_GRANT, "{name} as {door}");
                assert_eq!(server.refresh(APP, &relabelled).await.outcome(), INVALID_GRANT, "{name} as {door}");
                assert!(!server.is_active(&relabelled).await, "{name} as {door}");
                assert_eq!(server.revoke(APP, &relabelled).await.status(), 200, "{name} as {door}");
            }
        }
        assert!(server.store().snapshot() == before, "{name}");
    }
    assert!(!server.is_active(&own.code).await, "a code is no token to introspect");
    assert_eq!(server.revoke(APP, &own.code).await.status(), 200);
    assert_eq!(server.redeem(APP, &own.code).await.status(), 200, "nor one to revoke");
}

// C31. DESIGN section 3: realm.
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

// C32, C33.
#[tokio::test]
async fn two_sessions_of_one_user_and_client_live_and_die_apart() {
    let server = Server::start();
    let first = server.sign_in(APP).await;
    let second = server.sign_in(APP).await;

    assert_eq!(server.revoke(APP, &first.refresh).await.status(), 200);
    assert_eq!(server.refresh(APP, &first.refresh).await.outcome(), INVALID_GRANT);
    let second = server.refresh(APP, &second.refresh).await.tokens();
    assert!(server.is_active(&second.access).await);

    let third = server.sign_in(APP).await;
    assert_eq!(server.refresh(APP, &first.refresh).await.outcome(), INVALID_GRANT, "signing in again revives nothing");
    assert_eq!(server.refresh(APP, &third.refresh).await.status(), 200);
}

// C163, I18; A22 (pocket-id CVE-2026-28513): each condition alone, all others met.
#[tokio::test]
async fn every_refused_refresh_token_is_answered_with_the_same_bytes() {
    let server = Server::start();
    let tokens = server.sign_in(APP).await;
    let foreign = server.sign_in(OTHER).await;
    let revoked = server.sign_in(APP).await;
    server.revoke(APP, &revoked.refresh).await;
    let realm = server.restarted(|config| Config { realm: "other", ..config }).sign_in(APP).await;
    let keys = server
        .restarted(|config| Config { keys: vec![(1, *b"another key of thirty-two bytes.")], ..config })
        .sign_in(APP)
        .await;
    let purged = server.restarted(|config| Config { store: fixtures::WatchedStore::default(), ..config });
    let unknown = purged.sign_in(APP).await;
    let spent = server.sign_in(APP).await;
    let successor = server.refresh(APP, &spent.refresh).await.tokens();
    server.refresh(APP, &successor.refresh).await.tokens();
    server.advance(seconds(61));
    let code = server.code(APP).await;
    let short =
        server.restarted(|config| config.policy(Policy::default().with_refresh_token_lifetime(seconds(10).into())));
    let expired = short.sign_in(APP).await;
    let ended = server.restarted(|config| config.policy(Policy::default().with_grant_lifetime(seconds(10).into())));
    let ended = ended.sign_in(APP).await;
    server.advance(seconds(10));

    let expected = server.refresh(APP, "garbage").await;
    assert_eq!(expected.outcome(), INVALID_GRANT);
    let cut = &tokens.refresh[..tokens.refresh.len() - 1];
    for (name, token) in [
        ("of another client", foreign.refresh.as_str()),
        ("revoked", &revoked.refresh),
        ("of another realm", &realm.refresh),
        ("of another key", &keys.refresh),
        ("unknown", &unknown.refresh),
        ("spent", &spent.refresh),
        ("spent, and now revoked for it", &spent.refresh),
        ("expired", &expired.refresh),
        ("of an ended grant", &ended.refresh),
        ("an access token", &tokens.access),
        ("a code", &code),
        ("cut", cut),
        ("not ASCII", "rt_\u{e9}"),
        ("a space", " "),
        ("long", &"x".repeat(10_000)),
    ] {
        let reply = server.refresh(APP, token).await;
        assert!(reply.response == expected.response, "{name}: {reply:?}");
    }
    let closed = server.sign_in(APP).await;
    server.config.gate.set(GateState::Closed);
    let reply = server.refresh(APP, &closed.refresh).await;
    assert!(reply.response == expected.response, "of an account that is closed: {reply:?}");
}

// The same for codes; A22: each condition alone refuses.
#[tokio::test]
async fn every_refused_code_is_answered_with_the_same_bytes_and_stays_redeemable_by_its_owner() {
    let server = Server::start();
    let tokens = server.sign_in(APP).await;
    let foreign = server.code(OTHER).await;
    let expired = server.code(APP).await;
    let realm = server.restarted(|config| Config { realm: "other", ..config }).code(APP).await;
    let unknown =
        server.restarted(|config| Config { store: fixtures::WatchedStore::default(), ..config }).code(APP).await;
    server.advance(seconds(120));
    let spent = server.code(APP).await;
    server.redeem(APP, &spent).await.tokens();
    let pkce = server.code_for(APP, |request| request.with_code_challenge(Some(fixtures::challenge(VERIFIER)))).await;
    let code = server.code(APP).await;

    let expected = server.redeem(APP, "garbage").await;
    assert_eq!(expected.outcome(), INVALID_GRANT);
    let uri = Some(REDIRECT);
    for (name, code, uri, verifier) in [
        ("of another client", foreign.as_str(), uri, None),
        ("expired", &expired, uri, None),
        ("of another realm", &realm, uri, None),
        ("unknown", &unknown, uri, None),
        ("an access token", &tokens.access, uri, None),
        ("a refresh token", &tokens.refresh, uri, None),
        ("without its redirect URI", &code, None, None),
        ("with another redirect URI", &code, Some("https://app.example/CB"), None),
        ("with a verifier nobody asked for", &code, uri, Some(VERIFIER)),
        ("without its verifier", &pkce, uri, None),
        ("with another verifier", &pkce, uri, Some("0123456789012345678901234567890123456789-wrong")),
        ("spent", &spent, uri, None),
        ("spent, and now revoked for it", &spent, uri, None),
    ] {
        let mut parameters = vec![("grant_type", "authorization_code"), ("code", code)];
        parameters.extend(uri.map(|uri| ("redirect_uri", uri)));
        parameters.extend(verifier.map(|verifier| ("code_verifier", verifier)));
        let reply = server.token(APP, &parameters).await;
        assert!(reply.response == expected.response, "{name}: {reply:?}");
    }
    // A28: none of those attempts burnt a code.
    assert_eq!(server.redeem(APP, &code).await.status(), 200);
}

// C164; A33 (workers-oauth-provider CVE-2025-4143, fosite CVE-2020-15233). RFC 6749 section 4.1.3.
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

// C153, C154. RFC 6749 section 3.2: a parameter without value is an omitted one.
#[tokio::test]
async fn a_missing_parameter_is_named_and_an_empty_one_is_missing() {
    let server = Server::start();
    let cases: [(&str, Form<'_>); 6] = [
        ("grant_type", &[]),
        ("code", &[("grant_type", "authorization_code"), ("redirect_uri", REDIRECT)]),
        ("refresh_token", &[("grant_type", "refresh_token")]),
        ("username", &[("grant_type", "password"), ("password", PASSWORD)]),
        ("password", &[("grant_type", "password"), ("username", USER)]),
        ("grant_type", &[("refresh_token", "x"), ("code", "y")]),
    ];
    for (missing, rest) in cases {
        let omitted = server.token(APP, rest).await;
        assert_eq!(omitted.outcome(), INVALID_REQUEST, "{missing}");
        assert!(omitted.text("error_description").contains(missing), "{missing}: {omitted:?}");
        let empty: Vec<_> = rest.iter().copied().chain([(missing, "")]).collect();
        assert!(server.token(APP, &empty).await.response == omitted.response, "{missing}");
    }
    assert_eq!(server.store().calls(), 0);
}

// C155.
#[tokio::test]
async fn a_grant_type_that_is_not_served_is_unsupported_and_an_unknown_parameter_ignored() {
    let server = Server::start();
    for grant_type in [
        "implicit",
        "PASSWORD",
        "password ",
        "vending_machine",
        "none",
        "urn:ietf:params:oauth:grant-type:device_code",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "urn:ietf:params:oauth:grant-type:token-exchange",
        "urn:example:params:vending-machine",
        "\u{e9}",
    ] {
        let reply = server.token(APP, &[("grant_type", grant_type)]).await;
        assert_eq!(reply.outcome(), (400, "unsupported_grant_type"), "{grant_type}");
    }
    let reply = server.token(APP, &[("grant_type", "client_credentials"), ("foo", "bar"), ("code", "x")]).await;
    assert_eq!(reply.status(), 200, "{reply:?}");
}

// DESIGN section 7: invalid_grant only when it is terminal.
#[tokio::test]
async fn an_approver_that_says_no_ends_the_flow_and_one_that_cannot_tell_asks_to_try_again() {
    let server = Server::start();
    for (password, expected) in [("wrong", INVALID_GRANT), ("unreachable", UNAVAILABLE)] {
        let parameters = [("grant_type", "password"), ("username", USER), ("password", password)];
        assert_eq!(server.token(APP, &parameters).await.outcome(), expected, "{password}");
    }
    assert_eq!(server.store().calls(), 0);
}

// A grant type that the client lacks must not become an oracle for passwords.
#[tokio::test]
async fn a_client_that_may_not_use_a_flow_gets_one_answer_for_right_and_wrong_passwords() {
    let server = Server::start();
    for password in [PASSWORD, "wrong", "unreachable"] {
        let parameters = [("grant_type", "password"), ("username", USER), ("password", password)];
        assert_eq!(server.token(ORDERS_API, &parameters).await.outcome(), UNAUTHORIZED, "{password}");
    }
}

// C27. AM security advisory #201801-06.
#[tokio::test]
async fn a_closed_account_is_refused_and_an_unreachable_directory_is_not_held_against_it() {
    let server = Server::start();
    let tokens = server.sign_in(APP).await;
    let code = server.code(APP).await;
    let before = server.store().snapshot();
    for (state, expected) in [(GateState::Closed, INVALID_GRANT), (GateState::Broken, UNAVAILABLE)] {
        server.config.gate.set(state);
        assert_eq!(server.refresh(APP, &tokens.refresh).await.outcome(), expected, "{state:?}");
        assert_eq!(server.redeem(APP, &code).await.outcome(), expected, "{state:?}");
    }
    assert!(server.store().snapshot() == before, "nothing was consumed");
    server.config.gate.set(GateState::Open);
    assert_eq!(server.refresh(APP, &tokens.refresh).await.status(), 200);
    assert_eq!(server.redeem(APP, &code).await.status(), 200);
}

// DESIGN section 1, promise 4.
#[tokio::test]
async fn a_store_outage_is_never_invalid_grant_and_consumes_nothing() {
    let server = Server::start();
    let tokens = server.sign_in(APP).await;
    let code = server.code(APP).await;
    server.store().set_down(true);
    assert_eq!(server.refresh(APP, &tokens.refresh).await.outcome(), UNAVAILABLE);
    assert_eq!(server.redeem(APP, &code).await.outcome(), UNAVAILABLE);
    assert_eq!(server.token(APP, &[("grant_type", "client_credentials")]).await.outcome(), UNAVAILABLE);
    server.store().set_down(false);
    assert_eq!(server.refresh(APP, &tokens.refresh).await.status(), 200);
    assert_eq!(server.redeem(APP, &code).await.status(), 200);
}

// A41 (ZITADEL CVE-2026-27840), C161, C162.
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

// A43, openid-client: expires_in 0 is a hard error there.
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

// A replay tells the truth (DESIGN section 3).
#[tokio::test]
async fn a_repeated_refresh_gives_the_same_tokens_and_what_is_left_of_their_life() {
    let server = Server::start();
    let refresh_token = server.sign_in(APP).await.refresh;
    let first = server.refresh(APP, &refresh_token).await;
    server.advance(seconds(59));
    let again = server.refresh(APP, &refresh_token).await;
    assert_eq!(again.tokens(), first.tokens());
    assert_eq!(again.json["expires_in"], 3600 - 59);
}

// A34 (dex CVE-2022-39222). RFC 6749 section 10.10.
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

// A code is good before its end, and not at it.
#[tokio::test]
async fn a_code_lives_up_to_its_last_millisecond_and_not_beyond() {
    for (age, expected) in [(119_999, 200), (120_000, 400)] {
        let server = Server::start();
        let code = server.code(APP).await;
        server.advance(std::time::Duration::from_millis(age));
        assert_eq!(server.redeem(APP, &code).await.status(), expected, "{age} ms");
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

// What a host may ask for is bounded by the client's registration too.
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

// DESIGN section 7. The list is compared with the source, so a new fact must be entered here.
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
        (Refusal::CodeVerifierUnexpected, InvalidGrant),
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
    assert_eq!(
        table.len(),
        include_str!("../../src/outcome/refusal.rs").matches("#[error(").count(),
        "a refusal is missing"
    );
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
            // Who names one gets what the registration allows, default or not.
            let named = [flow, &[("scope", "write")]].concat();
            assert_eq!(server.token(APP, &named).await.text("scope"), "write", "{flow:?}");
        }
        // At refresh the default is the grant's (section 6).
        let tokens = server.sign_in_for(APP, &[("scope", "openid write")]).await;
        assert_eq!(server.refresh(APP, &tokens.refresh).await.text("scope"), "openid write");
    }
}
