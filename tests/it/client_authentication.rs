//! RFC 6749 sections 2.3 and 3.2.1: how clients say who they are, and what happens when they do not.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use fixtures::{
    APP, Auth, Config, EITHER, Form, OTHER, Outcome, POSTER, REDIRECT, Reply, SPA, Server, basic, client, either, form,
    seconds, unencoded_basic,
};
use regrant::authenticator::{AuthenticateError, ClientAuthenticator, RegistryError, VerifySecret};
use regrant::client::ClientAuthenticationMethod;
use regrant::wire::{Endpoint, Endpoints, Request};
use regrant::{
    AuthenticatedClient, Client, ClientCredentials, ClientId, ClientRegistry, ClientSecret, Key, KeyRing, MemoryStore,
    SecretHash, TokenService,
};

const DOORS: [Endpoint; 3] = [Endpoint::Token, Endpoint::Revocation, Endpoint::Introspection];
const INVALID_CLIENT: Outcome = (401, "invalid_client");
const INVALID_REQUEST: Outcome = (400, "invalid_request");

/// A request that needs nothing but a client to succeed, at each endpoint.
const fn request_at(door: Endpoint) -> Form<'static> {
    match door {
        Endpoint::Token => &[("grant_type", "client_credentials")],
        _ => &[("token", "garbage")],
    }
}

/// The same with any Authorization headers and any more parameters.
async fn ask(server: &Server, door: Endpoint, authorization: &[&[u8]], more: Form<'_>) -> Reply {
    let parameters: Vec<_> = request_at(door).iter().chain(more).copied().collect();
    let mut headers: Vec<(&str, &[u8])> = vec![("content-type", b"application/x-www-form-urlencoded")];
    headers.extend(authorization.iter().map(|value| ("authorization", *value)));
    server.raw(door, "POST", &headers, form(&parameters)).await
}

// A29 (zeroid #201), C133, C124. RFC 7662 section 2.3 wants 401 of introspection.
#[tokio::test]
async fn no_endpoint_answers_a_request_without_any_client() {
    let server = Server::start();
    let tokens = server.sign_in(APP).await;
    let code = server.code(APP).await;
    let before = (server.store().calls(), server.store().snapshot());
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", tokens.refresh.as_str())];
    let redeem = [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", REDIRECT)];
    let cases: [(Endpoint, Form<'_>, Outcome); 6] = [
        (Endpoint::Token, &refresh, INVALID_REQUEST),
        (Endpoint::Token, &redeem, INVALID_REQUEST),
        (Endpoint::Token, &[("grant_type", "client_credentials")], INVALID_REQUEST),
        (Endpoint::Revocation, &[("token", &tokens.refresh)], INVALID_REQUEST),
        (Endpoint::Introspection, &[("token", &tokens.access)], INVALID_CLIENT),
        (Endpoint::Introspection, &[], INVALID_CLIENT),
    ];
    for (door, parameters, expected) in cases {
        let reply = server.post(door, Auth::Nobody, parameters).await;
        assert_eq!(reply.outcome(), expected, "{door:?} {parameters:?}");
        assert_eq!(reply.header("www-authenticate").is_some(), expected == INVALID_CLIENT, "{door:?}");
    }
    assert!((server.store().calls(), server.store().snapshot()) == before);
}

// RFC 6749 section 5.2, RFC 7662 section 2.3: the challenge goes to those who used the header,
// and to all at introspection. RFC 9110 section 15.5.2: whoever gets no challenge gets no 401. `Reply` checks both.
#[tokio::test]
async fn wrong_credentials_are_invalid_client_whatever_is_wrong_with_them() {
    let server = Server::start();
    let secret = APP.secret().unwrap();
    for door in DOORS {
        let mut with_header = Vec::new();
        for (name, auth) in [
            ("unknown client", Auth::Basic("nobody", secret)),
            ("wrong secret", Auth::Basic("app", "wrong")),
            ("empty secret", Auth::Basic("app", "")),
            ("secret of another client", Auth::Basic("app", OTHER.secret().unwrap())),
            ("secret cut", Auth::Basic("app", &secret[..secret.len() - 1])),
            ("secret with something behind it", Auth::Basic("app", "hD3kq0vX7ZrYc2LmN8sTpW ")),
            ("client id in another case", Auth::Basic("APP", secret)),
            ("client id with a space", Auth::Basic("app ", secret)),
            ("a client registered for the body", Auth::Basic("poster", POSTER.secret().unwrap())),
            ("a public client with a secret", Auth::Basic("spa", "anything")),
            ("a public client with an empty password", Auth::Basic("spa", "")),
        ] {
            let reply = server.post(door, auth, request_at(door)).await;
            assert_eq!(reply.outcome(), INVALID_CLIENT, "{door:?}: {name}");
            assert!(reply.header("www-authenticate").is_some_and(|text| text.starts_with("Basic ")), "{name}");
            with_header.push(reply.response);
        }
        assert!(with_header.windows(2).all(|pair| pair[0] == pair[1]), "{door:?}: the answers tell what is wrong");

        let mut without_header = Vec::new();
        for (name, auth) in [
            ("unknown client", Auth::Post("nobody", secret)),
            ("wrong secret", Auth::Post("poster", "wrong")),
            ("a client registered for the header", Auth::Post("app", secret)),
            ("a public client with a secret", Auth::Post("spa", "anything")),
            ("unknown public client", Auth::Public("nobody")),
            ("a confidential client without its secret", Auth::Public("app")),
            ("a confidential client without its secret", Auth::Public("poster")),
            ("a confidential client with an empty secret", Auth::Post("poster", "")),
        ] {
            let reply = server.post(door, auth, request_at(door)).await;
            assert_eq!(reply.outcome(), auth.refused_at(door), "{door:?}: {name}");
            without_header.push(reply.response);
        }
        assert!(without_header.windows(2).all(|pair| pair[0] == pair[1]), "{door:?}: the answers tell what is wrong");
    }
    assert_eq!(server.store().calls(), 0);
}

#[tokio::test]
async fn a_client_that_is_registered_for_no_method_in_particular_may_use_either_way_for_its_secret() {
    let server = Config::default().client(either(), EITHER[0]).start();
    for door in DOORS {
        for auth in EITHER {
            assert_eq!(server.post(door, auth, request_at(door)).await.status(), 200, "{auth:?} {door:?}");
        }
        for auth in [Auth::Basic("either", "wrong"), Auth::Post("either", "wrong"), Auth::Public("either")] {
            assert_eq!(server.post(door, auth, request_at(door)).await.outcome(), auth.refused_at(door), "{auth:?}");
        }
        // RFC 6749 section 2.3: one of them in a request.
        let [header, body] = EITHER;
        let header = basic(header.id(), header.secret().unwrap());
        let body = [("client_id", body.id()), ("client_secret", body.secret().unwrap())];
        assert_eq!(ask(&server, door, &[header.as_bytes()], &body).await.outcome(), INVALID_REQUEST, "{door:?}");
    }
}

// Claude.ai sends the secret in the body and the MCP SDK by Basic, for one client id. social-auth-core logs in by Basic
// and refreshes in the body.
#[tokio::test]
async fn one_grant_is_begun_refreshed_and_revoked_by_either_way() {
    let server = Config::default().client(either(), EITHER[0]).start();
    let [header, body] = EITHER;
    for (first, then) in [(header, body), (body, header)] {
        let code = server.code(first).await;
        let tokens = server.redeem(first, &code).await.tokens();
        let tokens = server.refresh(then, &tokens.refresh).await.tokens();
        let lost = server.refresh(first, &tokens.refresh).await.tokens();
        assert_eq!(server.refresh(then, &tokens.refresh).await.tokens(), lost, "a retry the other way");
        assert_eq!(server.introspect(then, &lost.access).await.json["active"], true);
        assert_eq!(server.revoke(then, &lost.refresh).await.status(), 200);
        assert!(!server.is_active(&lost.access).await);
    }
}

#[test]
fn the_methods_of_a_client_are_those_of_its_kind() {
    use ClientAuthenticationMethod as Method;
    let id = || ClientId::new("app").unwrap();
    let methods = |client: &Client| {
        let all = [
            Method::ClientSecretBasic,
            Method::ClientSecretPost,
            Method::ClientSecretJwt,
            Method::PrivateKeyJwt,
            Method::TlsClientAuth,
            Method::SelfSignedTlsClientAuth,
            Method::None,
        ];
        all.into_iter().filter(|method| client.authentication_methods.contains(*method)).collect::<Vec<_>>()
    };
    assert_eq!(methods(&Client::new(id())), [Method::ClientSecretBasic, Method::ClientSecretPost]);
    assert_eq!(methods(&Client::public(id())), [Method::None]);
    assert!(Client::new(id()).is_confidential() && !Client::public(id()).is_confidential());
    for method in [Method::ClientSecretPost, Method::PrivateKeyJwt, Method::TlsClientAuth] {
        let client = Client::new(id()).with_authentication_methods(method);
        assert_eq!(methods(&client), [method]);
        assert_eq!(client.authentication_methods.are_asymmetric(), method.is_asymmetric(), "{method}");
    }
    assert!(!Client::new(id()).authentication_methods.are_asymmetric());
}

#[tokio::test]
async fn a_copy_of_a_registry_knows_the_same_clients() {
    let hash = SecretHash::sha256(&ClientSecret::new(APP.secret().unwrap()));
    let first = ClientRegistry::new().with(client(APP), [hash.clone()]).unwrap();
    let second = first.clone().with(client(OTHER), [hash]).unwrap();
    let credentials = |id| ClientCredentials::Basic(ClientId::new(id).unwrap(), APP.secret().unwrap().into());
    for (registry, known) in [(&first, &["app"][..]), (&second, &["app", "other"])] {
        for id in ["app", "other"] {
            assert_eq!(registry.authenticate(&credentials(id)).await.is_ok(), known.contains(&id), "{id}");
        }
    }
}

#[tokio::test]
async fn each_client_is_served_by_its_registered_method() {
    let server = Server::start();
    for (auth, doors) in [(APP, &DOORS[..]), (POSTER, &DOORS[..]), (SPA, &[Endpoint::Revocation][..])] {
        for door in doors {
            assert_eq!(server.post(*door, auth, request_at(*door)).await.status(), 200, "{auth:?} {door:?}");
        }
    }
}

// RFC 6749 section 3.2: a parameter without value is an omitted one. node-oidc-provider answers 400 (C142); the RFC wins.
#[tokio::test]
async fn an_empty_secret_parameter_of_a_public_client_is_an_omitted_one() {
    let server = Server::start();
    let tokens = server.sign_in(SPA).await;
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", tokens.refresh.as_str())];
    let parameters: Vec<_> = refresh.into_iter().chain([("client_id", "spa"), ("client_secret", "")]).collect();
    assert_eq!(server.post(Endpoint::Token, Auth::Nobody, &parameters).await.status(), 200);
}

// C136. RFC 6749 section 2.3.1 and appendix B.
#[tokio::test]
async fn basic_credentials_are_form_encoded_before_they_are_joined() {
    for (id, secret) in [
        ("app", "with space"),
        ("app", "100%+more"),
        ("app", "a&b=c"),
        ("app", "colon:and:colon"),
        ("https://app.example/?x=1", "s3cr3t"),
        ("a:b", "c:d"),
        ("app", "Zur\u{fc}ckgesetzt-\u{20ac}"),
        ("app", "\u{1f511}"),
    ] {
        let server = Config::default().client(client(Auth::Basic(id, secret)), Auth::Basic(id, secret)).start();
        for door in DOORS {
            let reply = ask(&server, door, &[basic(id, secret).as_bytes()], &[]).await;
            assert_eq!(reply.status(), 200, "{id} {secret}: {reply:?}");
        }
    }
}

// Section 5.4 of the protocol notes: requests and curl do not encode. Such secrets read the same either way.
#[tokio::test]
async fn a_secret_of_letters_digits_dash_and_underscore_may_come_unencoded() {
    let server = Server::start();
    for auth in [APP, OTHER] {
        let header = unencoded_basic(auth.id(), auth.secret().unwrap());
        assert_eq!(ask(&server, Endpoint::Token, &[header.as_bytes()], &[]).await.status(), 200, "{auth:?}");
    }
}

// C139, RFC 9110 section 11.1; RFC 7617 with and without padding.
#[tokio::test]
async fn the_basic_scheme_has_no_case_and_its_padding_does_not_matter() {
    let server = Server::start();
    let pair = format!("{}:{}", APP.id(), APP.secret().unwrap());
    for scheme in ["Basic", "basic", "BASIC", "bAsIc"] {
        for credentials in [STANDARD.encode(&pair), STANDARD_NO_PAD.encode(&pair)] {
            let header = format!("{scheme} {credentials}");
            assert_eq!(ask(&server, Endpoint::Token, &[header.as_bytes()], &[]).await.status(), 200, "{header}");
        }
    }
}

// C137, C138.
#[tokio::test]
async fn a_malformed_authorization_header_is_invalid_request() {
    let server = Server::start();
    let encoded = |pair: &[u8]| format!("Basic {}", STANDARD.encode(pair)).into_bytes();
    let good = basic("app", APP.secret().unwrap());
    let headers: Vec<(&str, Vec<u8>)> = vec![
        ("empty", Vec::new()),
        ("scheme alone", b"Basic".to_vec()),
        ("scheme and space", b"Basic ".to_vec()),
        ("no scheme", good.as_bytes()[6..].to_vec()),
        ("no space", good.replace(' ', "").into_bytes()),
        ("a tab", good.replace(' ', "\t").into_bytes()),
        ("bad base64", b"Basic !!!!".to_vec()),
        ("base64 of the URL alphabet", b"Basic YXBwOn4_fn4_".to_vec()),
        ("base64 cut", good.as_bytes()[..good.len() - 3].to_vec()),
        ("something behind", format!("{good} x").into_bytes()),
        ("two in one", format!("{good}, {good}").into_bytes()),
        ("no colon", encoded(b"app")),
        ("no client id", encoded(b":secret")),
        ("broken escape", encoded(b"app:%")),
        ("broken escape", encoded(b"app:%4")),
        ("broken escape", encoded(b"app:%zz")),
        ("broken escape in the id", encoded(b"%G1:secret")),
        ("escaped bad UTF-8", encoded(b"app:%ff")),
        ("bad UTF-8", encoded(b"app:\xff")),
        ("NUL", encoded(b"app:%00")),
        // C145.
        ("a client id with a line feed", encoded(b"app%0a:secret")),
        ("a client id that is not ASCII", encoded("caf\u{e9}:secret".as_bytes())),
        ("a client id that is too long", encoded(format!("{}:secret", "a".repeat(256)).as_bytes())),
        ("Bearer", b"Bearer at_AAAA".to_vec()),
        ("Digest", b"Digest username=\"app\"".to_vec()),
        ("not UTF-8", b"Basic \xff\xfe".to_vec()),
    ];
    for door in DOORS {
        for (name, header) in &headers {
            let reply = ask(&server, door, &[header], &[]).await;
            assert_eq!(reply.outcome(), INVALID_REQUEST, "{door:?}: {name}");
            // The body's client id does not rescue it.
            let reply = ask(&server, door, &[header], &[("client_id", "spa")]).await;
            assert_eq!(reply.outcome(), INVALID_REQUEST, "{door:?}: {name} beside a client_id");
        }
    }
    assert_eq!(server.store().calls(), 0);
}

// C140, C141, C111. RFC 6749 section 2.3: not more than one method per request.
#[tokio::test]
async fn two_ways_of_authentication_are_refused_and_a_repeated_client_id_is_not() {
    let server = Server::start();
    let header = basic("app", APP.secret().unwrap());
    let header = header.as_bytes();
    let secret = APP.secret().unwrap();
    let cases: [(&str, &[&[u8]], Form<'_>, u16); 9] = [
        ("the same id", &[header], &[("client_id", "app")], 200),
        ("a blank id", &[header], &[("client_id", "")], 200),
        ("a blank secret", &[header], &[("client_secret", "")], 200),
        ("another id", &[header], &[("client_id", "other")], 400),
        ("the id in another case", &[header], &[("client_id", "App")], 400),
        ("the secret", &[header], &[("client_secret", secret)], 400),
        ("id and secret", &[header], &[("client_id", "app"), ("client_secret", secret)], 400),
        ("a malformed id", &[header], &[("client_id", "app\n")], 400),
        ("the header twice", &[header, header], &[], 400),
    ];
    for door in DOORS {
        for (name, headers, more, status) in cases {
            let reply = ask(&server, door, headers, more).await;
            assert_eq!(reply.status(), status, "{door:?}: {name}: {reply:?}");
            if status == 400 {
                assert_eq!(reply.outcome(), INVALID_REQUEST, "{door:?}: {name}");
            }
        }
        // A secret without an id authenticates nobody.
        let reply = ask(&server, door, &[], &[("client_secret", secret)]).await;
        assert!([400, 401].contains(&reply.status()), "{door:?} {reply:?}");
    }
}

// C145. RFC 6749 appendix A.1.
#[tokio::test]
async fn a_client_id_that_no_client_can_have_is_invalid_request() {
    let server = Server::start();
    for door in DOORS {
        for id in ["app\n", "app\u{7f}", "caf\u{e9}", "\u{feff}app", &"a".repeat(256)] {
            let reply = server.post(door, Auth::Post(id, "secret"), request_at(door)).await;
            assert_eq!(reply.outcome(), INVALID_REQUEST, "{door:?} {id:?}");
            let reply = server.post(door, Auth::Public(id), request_at(door)).await;
            assert_eq!(reply.outcome(), INVALID_REQUEST, "{door:?} {id:?}");
        }
    }
}

// C13: the one in use and the one that replaces it. C144: not the one before.
#[tokio::test]
async fn while_a_secret_is_replaced_both_work_and_afterwards_only_the_new_one() {
    let (old, new) = (Auth::Basic("app", "0ld-secret-000000000000"), Auth::Basic("app", "n3w-secret-000000000000"));
    let server = Config::default().client(client(old), old).start();
    let tokens = server.sign_in(old).await;
    assert_eq!(server.refresh(new, &tokens.refresh).await.outcome(), INVALID_CLIENT, "before");

    let both = [old.secret().unwrap(), new.secret().unwrap()];
    let overlap = server.restarted(|config| config.client_with(client(old), &both));
    let tokens = overlap.refresh(old, &tokens.refresh).await.tokens();
    let tokens = overlap.refresh(new, &tokens.refresh).await.tokens();

    let after = server.restarted(|config| config.client(client(new), new));
    assert_eq!(after.refresh(old, &tokens.refresh).await.outcome(), INVALID_CLIENT, "after");
    assert_eq!(after.refresh(new, &tokens.refresh).await.status(), 200);
}

// A28 (pomerium #1513, openauth #231, Go oauth2 #718): Go tries Basic, then the body, with the same code.
#[tokio::test]
async fn a_failed_authentication_consumes_nothing() {
    let server = Server::start();
    let secret = POSTER.secret().unwrap();
    let code = server.code(POSTER).await;
    assert_eq!(server.redeem(Auth::Basic("poster", secret), &code).await.outcome(), INVALID_CLIENT);
    let tokens = server.redeem(POSTER, &code).await.tokens();

    let before = (server.store().calls(), server.store().snapshot());
    for auth in [Auth::Basic("poster", secret), Auth::Post("poster", "wrong"), Auth::Public("poster"), Auth::Nobody] {
        assert!([400, 401].contains(&server.refresh(auth, &tokens.refresh).await.status()), "{auth:?}");
        assert!([400, 401].contains(&server.revoke(auth, &tokens.refresh).await.status()), "{auth:?}");
        assert!([400, 401].contains(&server.introspect(auth, &tokens.access).await.status()), "{auth:?}");
    }
    assert!((server.store().calls(), server.store().snapshot()) == before, "the store was touched");
    server.advance(seconds(1));
    assert_eq!(server.refresh(POSTER, &tokens.refresh).await.status(), 200);
}

/// Accepts one secret and counts how often it is asked.
struct Counting {
    secret: &'static str,
    asked: Arc<AtomicUsize>,
}

#[async_trait]
impl VerifySecret for Counting {
    async fn verify(&self, presented: &ClientSecret) -> bool {
        self.asked.fetch_add(1, Ordering::SeqCst);
        presented.expose() == self.secret
    }
}

// Section 5.1 of the protocol notes, "Constant time": an unknown client costs the same work as a wrong secret.
#[tokio::test]
async fn an_unknown_client_takes_as_many_secret_comparisons_as_a_known_one() {
    let asked = Arc::new(AtomicUsize::new(0));
    let hash = |secret| SecretHash::custom(Arc::new(Counting { secret, asked: Arc::clone(&asked) }));
    let registry = ClientRegistry::new()
        .with_decoy(hash("never"))
        .with(client(Auth::Basic("one", "")), [hash("right")])
        .and_then(|registry| registry.with(client(Auth::Basic("two", "")), [hash("right"), hash("next")]))
        .and_then(|registry| registry.with(client(SPA), []))
        .unwrap();
    let basic =
        |id: &str, secret: &str| ClientCredentials::Basic(ClientId::new(id).unwrap(), ClientSecret::new(secret));
    let post = |id: &str, secret: &str| ClientCredentials::Post(ClientId::new(id).unwrap(), ClientSecret::new(secret));
    let mut counts = Vec::new();
    for (name, credentials, accepted) in [
        ("right", basic("one", "right"), true),
        ("first of two", basic("two", "right"), true),
        ("second of two", basic("two", "next"), true),
        ("wrong", basic("one", "wrong"), false),
        ("unknown", basic("nobody", "right"), false),
        ("what the decoy accepts", basic("nobody", "never"), false),
        ("what the decoy accepts, known client", basic("one", "never"), false),
        ("public", basic("spa", "right"), false),
        ("wrong method", post("one", "right"), false),
    ] {
        asked.store(0, Ordering::SeqCst);
        let answer = registry.authenticate(&credentials).await;
        assert_eq!(answer.is_ok(), accepted, "{name}");
        assert!(answer.is_ok() || answer.is_err_and(|error| error.is_refused()), "{name}");
        counts.push((name, asked.load(Ordering::SeqCst)));
    }
    assert!(counts.iter().all(|(_, count)| *count == counts[0].1 && *count > 0), "{counts:?}");
}

/// An authenticator whose directory is down.
struct Unreachable;

#[async_trait]
impl ClientAuthenticator for Unreachable {
    async fn authenticate(&self, _: &ClientCredentials) -> Result<AuthenticatedClient, AuthenticateError> {
        Err(AuthenticateError::unavailable("directory unreachable"))
    }
}

// DESIGN section 7: an outage is never a refusal.
#[tokio::test]
async fn an_authenticator_that_cannot_tell_asks_to_try_again() {
    let service = TokenService::builder(
        MemoryStore::new(),
        Unreachable,
        KeyRing::new(Key::new(*b"a test key of thirty-two bytes..").unwrap()),
    )
    .build();
    let endpoints = Endpoints::new(service.unwrap(), fixtures::ISSUER);
    let header = basic("app", "secret");
    for door in DOORS {
        let body = form(request_at(door));
        let headers: [(&str, &[u8]); 2] =
            [("content-type", b"application/x-www-form-urlencoded"), ("authorization", header.as_bytes())];
        let request = Request::new("POST", "/oauth2/token", &headers, body.as_bytes());
        let reply = Reply::checked(door, &request, endpoints.handle(door, &request).await);
        assert_eq!(reply.outcome(), (503, "temporarily_unavailable"), "{door:?}");
    }
}

#[test]
fn a_registry_takes_each_client_once_and_only_with_fitting_secrets() {
    let hash = || SecretHash::sha256(&ClientSecret::new("secret"));
    let app = || ClientId::new("app").unwrap();
    let public = || Client::public(app());
    let wrong_count = Err(RegistryError::SecretCount(app()));
    for (name, client, secrets, expected) in [
        ("confidential without", Client::new(app()), 0, wrong_count.clone()),
        ("confidential with one", Client::new(app()), 1, Ok(())),
        ("confidential with two", Client::new(app()), 2, Ok(())),
        ("confidential with three", Client::new(app()), 3, wrong_count.clone()),
        ("public without", public(), 0, Ok(())),
        ("public with one", public(), 1, wrong_count),
    ] {
        let added = ClientRegistry::new().with(client, (0..secrets).map(|_| hash()));
        assert_eq!(added.map(drop), expected, "{name}");
    }
    let twice = ClientRegistry::new().with(Client::new(app()), [hash()]).unwrap().with(public(), []);
    assert_eq!(twice.map(drop), Err(RegistryError::DuplicateClient(app())));
}

#[test]
fn authentication_methods_are_spelled_as_in_client_metadata() {
    for (name, method) in [
        ("client_secret_basic", ClientAuthenticationMethod::ClientSecretBasic),
        ("client_secret_post", ClientAuthenticationMethod::ClientSecretPost),
        ("client_secret_jwt", ClientAuthenticationMethod::ClientSecretJwt),
        ("private_key_jwt", ClientAuthenticationMethod::PrivateKeyJwt),
        ("tls_client_auth", ClientAuthenticationMethod::TlsClientAuth),
        ("self_signed_tls_client_auth", ClientAuthenticationMethod::SelfSignedTlsClientAuth),
        ("none", ClientAuthenticationMethod::None),
    ] {
        assert_eq!(name.parse(), Ok(method));
        assert_eq!(method.to_string(), name);
        assert_eq!(serde_json::to_value(method).unwrap(), name);
        assert_eq!(serde_json::from_value::<ClientAuthenticationMethod>(name.into()).unwrap(), method);
    }
    assert!("client_secret".parse::<ClientAuthenticationMethod>().is_err());
}
