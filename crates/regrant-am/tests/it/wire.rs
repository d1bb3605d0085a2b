//! An imported configuration on the wire: lifetimes, rotation and grace are those of the export.

use fixtures::{Auth, Config, REDIRECT, Server, seconds};
use regrant_am::{Credential, Import};

use crate::{CONFIDENTIAL, FRODO_APPLICATIONS, PROVIDER, client, import};

const SECRET: &str = "hD3kq0vX7ZrYc2LmN8sTpW";
const WEB: Auth<'static> = Auth::Basic("orders-web", SECRET);
const SPA: Auth<'static> = Auth::Public("orders-spa");

fn serve(import: &Import) -> Server {
    let config = Config::default().policy(import.provider.policy.clone());
    let config = import.clients.iter().fold(config, |config, registration| {
        let secrets: &[&str] = match registration.credential {
            Credential::None => &[],
            Credential::SecretNeeded => &[SECRET],
            ref other => panic!("{other:?}"),
        };
        config.client_with(registration.client.clone(), secrets)
    });
    config.start()
}

#[tokio::test]
async fn lifetimes_and_grace_are_those_of_the_export() {
    let server = serve(&import(&[PROVIDER, CONFIDENTIAL, FRODO_APPLICATIONS]));
    let first = server.sign_in(WEB).await;
    let reply = server.refresh(WEB, &first.refresh).await;
    // The client's 300 s against the provider's 600 s.
    assert_eq!(reply.json["expires_in"], 300);
    let second = reply.tokens();
    assert_ne!(second.refresh, first.refresh, "issueRefreshTokenOnRefreshedToken");

    // refreshTokenGracePeriod: 30 s, even if the new token is in use. The old token is then refused; AM does nothing
    // else.
    let third = server.refresh(WEB, &second.refresh).await.tokens();
    server.advance(seconds(29));
    assert_eq!(server.refresh(WEB, &second.refresh).await.tokens().refresh, third.refresh);
    server.advance(seconds(1));
    assert_eq!(server.refresh(WEB, &second.refresh).await.outcome(), (400, "invalid_grant"));
    assert!(server.is_active(&third.refresh).await);

    // The group's refreshTokenLifetime of 12 h, counted anew from each refresh.
    server.advance(seconds(43_200 - 30 - 1));
    let fourth = server.refresh(WEB, &third.refresh).await.tokens();
    server.advance(seconds(43_200));
    assert_eq!(server.refresh(WEB, &fourth.refresh).await.outcome(), (400, "invalid_grant"));
}

#[tokio::test]
async fn minus_one_of_a_client_means_never_and_off() {
    let import = import(&[PROVIDER, CONFIDENTIAL, FRODO_APPLICATIONS]);
    let server = serve(&import);
    let code = spa_code(&server, &import).await;
    let redemption = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", "https://spa.example/cb"),
        ("code_verifier", fixtures::VERIFIER),
    ];
    let reply = server.token(SPA, &redemption).await;
    // The client has 0, so the provider's 600 s apply.
    assert_eq!(reply.json["expires_in"], 600);
    let first = reply.tokens();
    server.advance(seconds(10 * 365 * 86_400));
    let second = server.refresh(SPA, &first.refresh).await.tokens();
    assert_eq!(server.refresh(SPA, &first.refresh).await.outcome(), (400, "invalid_grant"));
    assert!(server.is_active(&second.refresh).await);
}

async fn spa_code(server: &Server, import: &Import) -> String {
    use regrant::{Approval, AuthorizeRequest, RedirectUri};
    let spa = &client(import, "orders-spa").client;
    let approval = Approval::of(fixtures::subject("demo")).with_scope(spa.scope.clone());
    let request = AuthorizeRequest::new(approval)
        .with_redirect_uri(Some(RedirectUri::new("https://spa.example/cb").unwrap()))
        .with_code_challenge(Some(fixtures::challenge(fixtures::VERIFIER)));
    server.service().authorize(spa, request).await.unwrap().code.expose().to_owned()
}

#[tokio::test]
async fn only_what_the_export_allows_is_served() {
    let server = serve(&import(&[PROVIDER, CONFIDENTIAL, FRODO_APPLICATIONS]));
    let credentials = [("grant_type", "client_credentials")];
    assert_eq!(server.token(WEB, &credentials).await.status(), 200);
    assert_eq!(server.token(SPA, &credentials).await.outcome(), (400, "unauthorized_client"));
    assert_eq!(server.token(Auth::Post("orders-web", SECRET), &credentials).await.outcome(), (400, "invalid_client"));
    assert_eq!(server.token(Auth::Basic("old-portal", SECRET), &credentials).await.outcome(), (401, "invalid_client"));
    let wide = server.token(WEB, &[("grant_type", "client_credentials"), ("scope", "admin")]).await;
    assert_eq!(wide.outcome(), (400, "invalid_scope"));
    // codeVerifierEnforced is "public": a code of the confidential client needs no challenge. It lives for
    // codeLifetime.
    let code = server.code(WEB).await;
    server.advance(seconds(60));
    let late = [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", REDIRECT)];
    assert_eq!(server.token(WEB, &late).await.outcome(), (400, "invalid_grant"));
}
