//! RFC 7009: token revocation, beyond the cases of the conformance kit.

use fixtures::{APP, BILLING, ORDERS, Server};

// Keycloak: CVE-2023-0091.
#[tokio::test]
async fn an_access_token_of_every_flow_can_be_revoked() {
    let server = Server::start();
    let code = server.code(APP).await;
    let client_credentials = server.token(APP, &[("grant_type", "client_credentials")]).await;
    let redeemed = server.redeem(APP, &code).await;
    let password = server.sign_in(APP).await;
    for (flow, token) in [
        ("client credentials", client_credentials.text("access_token")),
        ("code", redeemed.text("access_token")),
        ("password", &password.access),
    ] {
        assert!(server.is_active(token).await, "{flow}");
        assert_eq!(server.revoke(APP, token).await.status(), 200, "{flow}");
        assert!(!server.is_active(token).await, "{flow}");
    }
}

// A narrowed token ends with its grant too.
#[tokio::test]
async fn a_narrowed_access_token_dies_with_its_grant() {
    let server = Server::start();
    let tokens = server.sign_in_for(APP, &[("resource", ORDERS), ("resource", BILLING)]).await;
    let narrow = server
        .token(
            APP,
            &[
                ("grant_type", "refresh_token"),
                ("refresh_token", &tokens.refresh),
                ("scope", "read"),
                ("resource", ORDERS),
            ],
        )
        .await
        .tokens();
    assert!(server.is_active(&narrow.access).await);
    server.revoke(APP, &narrow.refresh).await;
    assert!(!server.is_active(&narrow.access).await);
}
