//! Third-party clients against the demo server, with each of its HTTP adapters.
//!
//! The table below has a line for each client and flow. Each flow is two tests, for example
//! `openid_client::lifecycle::axum`. Clients in Rust are modules here; the others are programs in the neighboring
//! folders. Each test has its own server, whose clock stands still until the flow moves it.

#![expect(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod browser;
mod oauth2_client;
mod openidconnect_client;
mod script;
mod server;

/// Two tests for each flow of a client, one for each adapter.
macro_rules! client {
    ($client:ident, $run:expr, $($flow:ident,)+) => {
        mod $client {
            $(
                mod $flow {
                    #[test]
                    fn axum() {
                        $run(&crate::server::Server::start("axum"), stringify!($flow));
                    }

                    #[test]
                    fn actix_web() {
                        $run(&crate::server::Server::start("actix-web"), stringify!($flow));
                    }
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
