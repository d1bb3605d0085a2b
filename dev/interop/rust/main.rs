//! Third-party clients against the demo server, with each of its HTTP adapters.
//!
//! The table below has a line for each client and flow. Each flow is two tests, for example
//! `openid_client::lifecycle::axum`. Clients in Rust are modules here; the others are programs in the neighboring
//! folders. Each test has its own server, whose clock stands still until the flow moves it.

#![expect(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod browser;
mod listener;
mod oauth2_client;
mod openidconnect_client;
mod script;
mod server;

/// A test for each flow of a client and each adapter. `$start` is the constructor of the server.
macro_rules! client {
    ($client:ident, $run:expr, $($flow:ident,)+) => {
        client!(@ $client, start, $run, $($flow, axum, actix_web;)+);
    };
    // The issuer is the proxy, with https as in production.
    ($client:ident, behind proxy, $run:expr, $($flow:ident,)+) => {
        client!(@ $client, start_behind_proxy, $run, $($flow, axum, actix_web;)+);
    };
    // With one adapter: the client is slow to start.
    ($client:ident, behind proxy of axum, $run:expr, $($flow:ident,)+) => {
        client!(@ $client, start_behind_proxy, $run, $($flow, axum;)+);
    };
    (@ $client:ident, $start:ident, $run:expr, $($flow:ident, $($adapter:ident),+;)+) => {
        mod $client {
            $(
                mod $flow {
                    $(
                        #[test]
                        fn $adapter() {
                            $run(&crate::server::Server::$start(stringify!($adapter)), stringify!($flow));
                        }
                    )+
                }
            )+
        }
    };
}

client!(
    oauth2,
    crate::oauth2_client::run,
    lifecycle,
    public_client,
    client_credentials,
    client_secrets,
    password,
    device,
);

client!(openidconnect, crate::openidconnect_client::run, lifecycle, public_client,);

client!(
    openid_client,
    crate::script::node("openid-client.mjs"),
    lifecycle,
    denied,
    public_client,
    client_credentials,
    client_secrets,
    password,
    private_key_jwt,
    client_secret_jwt,
    id_token,
    dpop,
    device,
    token_exchange,
);

client!(
    oauth4webapi,
    crate::script::node("oauth4webapi.mjs"),
    lifecycle,
    public_client,
    client_credentials,
    client_secrets,
    private_key_jwt,
    client_secret_jwt,
    id_token,
    dpop,
    device,
    token_exchange,
    jwt_access_token,
    dpop_jwt_access_token,
    jwt_introspection,
);

client!(jose, crate::script::node("jose.mjs"), key_set, key_rotation,);

client!(
    authlib,
    crate::script::python("authlib_client.py"),
    lifecycle,
    public_client,
    client_credentials,
    client_secrets,
    password,
    private_key_jwt,
    client_secret_jwt,
    id_token,
    device,
    token_exchange,
    jwt_bearer,
    jwt_access_token,
);

client!(
    requests_oauthlib,
    crate::script::python("requests_oauthlib_client.py"),
    lifecycle,
    public_client,
    client_credentials,
    password,
    device,
);

client!(curl, crate::script::curl, lifecycle, client_credentials, client_secrets, password, private_key_jwt, device,);

client!(golang_oauth2, behind proxy of axum, crate::script::go, lifecycle, client_secret_post, public_client, client_credentials,);
client!(go_oidc, behind proxy of axum, crate::script::go, session,);
