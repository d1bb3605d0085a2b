//! `on_unknown_scope`: tokens of a scope that the client is not registered for (OpenID Connect Core section 3.1.2.1,
//! RFC 6749 section 3.3).

use fixtures::{APP, Config, ORDERS, PASSWORD, Reply, Server, USER, scope};
use regrant::policy::{ClientPolicy, OnUnknownScope};
use regrant::wire::Endpoint;
use regrant::{Approval, GrantType, Policy, Refusal, Scope, TokenError};

/// The granted scope, or the status and word of the refusal.
type Answer = Result<String, (u16, String)>;

fn invalid_scope() -> Answer {
    Err((400, "invalid_scope".to_owned()))
}

#[expect(clippy::unnecessary_wraps, reason = "an answer of this kind")]
fn told(scope: &str) -> Answer {
    Ok(scope.to_owned())
}

fn config(policy: Policy) -> Config {
    let endpoints = |endpoints: regrant::wire::Endpoints<_>| {
        let mut paths = endpoints.paths().clone();
        paths.device_verification = Some("/device".to_owned());
        endpoints.with_paths(paths).with_token_exchange()
    };
    let all = [
        GrantType::AuthorizationCode,
        GrantType::RefreshToken,
        GrantType::ClientCredentials,
        GrantType::Password,
        GrantType::DeviceCode,
        GrantType::TokenExchange,
    ];
    Config { endpoints, ..Config::default() }
        .policy(policy)
        .with_client(APP, |client| client.with_grant_types(all.clone()))
}

fn ignoring() -> Policy {
    Policy::default().with_on_unknown_scope(OnUnknownScope::Ignore)
}

/// The scope of the answer, or its error.
fn granted(reply: &Reply) -> Answer {
    let (status, word) = reply.outcome();
    if status == 200 { told(reply.text("scope")) } else { Err((status, word.to_owned())) }
}

/// The answers of all flows to a request for `asked`.
async fn answers(server: &Server, asked: &str) -> Vec<Answer> {
    let password = [("grant_type", "password"), ("username", USER), ("password", PASSWORD), ("scope", asked)];
    let own = [("grant_type", "client_credentials"), ("scope", asked)];
    let subject_token = server.sign_in_for(APP, &[("resource", ORDERS)]).await.access;
    let mut answers = vec![
        granted(&server.token(APP, &password).await),
        granted(&server.token(APP, &own).await),
        granted(&server.exchange(APP, &subject_token, &[("scope", asked)]).await),
    ];
    let client = server.config.clients.iter().find(|(client, _)| client.id.as_str() == APP.id()).unwrap().0.clone();
    let approval = Approval::of(fixtures::subject(USER)).with_scope(scope(asked));
    let request = regrant::AuthorizeRequest::new(approval).with_redirect_uri(client.redirect_uris[0].clone());
    answers.push(match server.service().authorize(&client, request).await {
        Ok(response) => granted(&server.redeem(APP, response.code.expose()).await),
        Err(error) => Err((error.code().status(), error.code().as_str().to_owned())),
    });
    let device = server.post(Endpoint::DeviceAuthorization, APP, &[("scope", asked)]).await;
    answers.push(if device.status() == 200 {
        let user_code = regrant::device::UserCode::parse(device.text("user_code")).unwrap();
        let asked = server.service().device(&user_code).await.unwrap().unwrap().approval.scope;
        let approval = Approval::of(fixtures::subject(USER)).with_scope(asked);
        server.service().approve_device(&user_code, approval).await.unwrap();
        let device = fixtures::Device { code: device.text("device_code").to_owned(), user_code };
        granted(&server.poll(APP, &device).await)
    } else {
        granted(&device)
    });
    answers
}

#[tokio::test]
async fn by_default_an_unknown_scope_is_refused_in_every_flow() {
    let server = config(Policy::default()).start();
    for asked in ["read admin", "admin", "READ"] {
        assert_eq!(answers(&server, asked).await, [(); 5].map(|()| invalid_scope()), "{asked}");
    }
    assert_eq!(answers(&server, "read").await, [(); 5].map(|()| told("read")));
}

#[tokio::test]
async fn where_it_is_ignored_the_answer_tells_the_granted_scope_and_nothing_left_is_refused() {
    let server = config(ignoring()).start();
    assert_eq!(answers(&server, "admin read").await, [(); 5].map(|()| told("read")));
    assert_eq!(answers(&server, "admin").await, [(); 5].map(|()| invalid_scope()));
}

// Nobody approved it, because no consent page showed it.
#[tokio::test]
async fn an_ignored_scope_is_not_granted_when_the_client_is_registered_for_it_later() {
    let server = config(ignoring()).start();
    let approval = Approval::of(fixtures::subject(USER)).with_scope(scope("admin read"));
    let app = regrant::AuthenticatedClient::assertion(fixtures::client(APP).into());
    let request = regrant::IssueRequest::new(GrantType::Password, approval);
    let tokens = server.service().issue(&app, request).await.unwrap();
    let later = server.restarted(|config| config.with_client(APP, |client| client.with_scope(scope("admin read"))));
    let refreshed = later.refresh(APP, tokens.refresh_token.unwrap().expose()).await;
    assert_eq!(granted(&refreshed), told("read"));
}

// Client libraries ask for `openid profile email` by default.
#[tokio::test]
async fn an_openid_request_ignores_unknown_scopes_under_every_policy() {
    for policy in [Policy::default(), Policy::am_7_5(), ignoring()] {
        let server = config(policy).start();
        assert_eq!(answers(&server, "email openid profile read").await, [(); 5].map(|()| told("openid read")));
    }
}

#[tokio::test]
async fn a_request_with_openid_of_a_client_without_it_is_a_request_like_any_other() {
    let plain = |policy| config(policy).with_client(APP, |client| client.with_scope(scope("read write"))).start();
    assert_eq!(answers_alone(&plain(Policy::default()), "openid read").await, invalid_scope());
    assert_eq!(answers_alone(&plain(ignoring()), "openid read").await, told("read"));
}

async fn answers_alone(server: &Server, asked: &str) -> Answer {
    granted(&server.token(APP, &[("grant_type", "client_credentials"), ("scope", asked)]).await)
}

#[tokio::test]
async fn a_client_overrides_the_setting_also_for_one_flow() {
    let mut policy = ClientPolicy::default().with_on_unknown_scope(OnUnknownScope::Ignore);
    let strict = ClientPolicy::default().with_on_unknown_scope(OnUnknownScope::Refuse);
    policy.grant_types.insert(GrantType::ClientCredentials, strict);
    let server = config(Policy::default()).with_client(APP, |client| client.with_policy(policy.clone())).start();
    assert_eq!(answers_alone(&server, "admin read").await, invalid_scope());
    let password = [("grant_type", "password"), ("username", USER), ("password", PASSWORD), ("scope", "admin read")];
    assert_eq!(granted(&server.token(APP, &password).await), told("read"));
}

// RFC 6749 section 6: the scope of a refresh is a part of the granted one.
#[tokio::test]
async fn a_refresh_for_a_registered_scope_that_was_not_granted_is_refused_under_every_policy() {
    for policy in [Policy::default(), ignoring()] {
        let server = config(policy).start();
        let tokens = server.sign_in_for(APP, &[("scope", "openid profile read")]).await;
        let before = server.store().snapshot();
        for more in ["openid write", "openid profile write", "admin write"] {
            let refused = server.token(APP, &refresh(&tokens.refresh, more)).await;
            assert_eq!(granted(&refused), invalid_scope(), "{more}");
        }
        assert!(server.store().snapshot() == before, "a refusal writes nothing");
        assert_eq!(granted(&server.token(APP, &refresh(&tokens.refresh, "read")).await), told("read"));
    }
}

// mod_auth_openidc and oidc-agent repeat the scope of the authorization request.
#[tokio::test]
async fn a_refresh_that_repeats_the_first_request_ignores_what_was_ignored() {
    for (policy, first) in [(Policy::default(), "openid profile read"), (ignoring(), "admin read")] {
        let server = config(policy).start();
        let tokens = server.sign_in_for(APP, &[("scope", first)]).await;
        let whole = server.token(APP, &[("grant_type", "refresh_token"), ("refresh_token", &*tokens.refresh)]).await;
        let again = server.token(APP, &refresh(&tokens.refresh, first)).await;
        assert_eq!(granted(&again), granted(&whole), "{first}");
        assert_eq!(again.text("access_token"), whole.text("access_token"), "a replay of equal reach");
    }
    let server = config(Policy::default()).start();
    let tokens = server.sign_in_for(APP, &[("scope", "read")]).await;
    assert_eq!(granted(&server.token(APP, &refresh(&tokens.refresh, "admin read")).await), invalid_scope());
}

fn refresh<'a>(token: &'a str, scope: &'a str) -> [(&'a str, &'a str); 3] {
    [("grant_type", "refresh_token"), ("refresh_token", token), ("scope", scope)]
}

#[tokio::test]
async fn a_host_learns_the_scope_to_ask_the_user_for() {
    let server = config(Policy::default()).start();
    let client = server.config.clients[0].0.clone();
    let code = GrantType::AuthorizationCode;
    let asked = |text: Option<&str>| server.service().requested_scope(&client, &code, text.map(scope));
    assert_eq!(asked(Some("openid email read")).unwrap(), scope("openid read"));
    assert_eq!(asked(None).unwrap(), client.scope);
    // Left in, so that the user never sees a consent page: the grant is refused.
    assert_eq!(asked(Some("admin read")).unwrap(), scope("admin read"));
    let silent = client.clone().with_default_scope(Scope::empty());
    let refused = server.service().requested_scope(&silent, &code, None);
    assert!(matches!(refused, Err(TokenError::Refused(Refusal::ScopeMissing))));
    let other = server.service().requested_scope(&client, &GrantType::Implicit, None);
    assert!(matches!(other, Err(TokenError::Refused(Refusal::GrantTypeNotAllowed))));
}
