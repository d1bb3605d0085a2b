//! Third-party clients against the demo server, with each of its HTTP adapters.
//!
//! The table below has a line for each client and flow. Each flow is a test, for example
//! `openid_client::lifecycle::axum`. The flows of a client take turns with the adapters, which the conformance kit
//! compares by whole answers; only pages have both. Clients in Rust are modules here; the others are programs in the
//! neighboring folders. Each test has its own server, whose clock stands still until the flow moves it.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod browser;
mod listener;
mod oauth2_client;
mod openidconnect_client;
mod script;
mod server;

/// A test for each flow of a client. `$start` is the constructor of the server.
macro_rules! client {
    // The adapters take turns.
    ($client:ident, $run:expr, $($flow:ident,)+) => {
        client!(@turns $client, $run, [] $($flow,)+);
    };
    ($client:ident, on both, $run:expr, $($flow:ident,)+) => {
        client!(@ $client, start, $run, $($flow, axum, actix_web;)+);
    };
    // The issuer is the proxy, with https as in production.
    ($client:ident, behind proxy of $adapter:ident, $run:expr, $($flow:ident,)+) => {
        client!(@ $client, start_behind_proxy, $run, $($flow, $adapter;)+);
    };
    // With a database behind the server.
    ($client:ident, on sqlite of $adapter:ident, $run:expr, $($flow:ident,)+) => {
        client!(@ $client, start_on_sqlite, $run, $($flow, $adapter;)+);
    };
    ($client:ident, on postgres of $adapter:ident, $run:expr, $($flow:ident,)+) => {
        client!(@ $client, start_on_postgres, $run, $($flow, $adapter;)+);
    };
    (@turns $client:ident, $run:expr, [$($done:tt)*] $first:ident, $second:ident, $($rest:ident,)*) => {
        client!(@turns $client, $run, [$($done)* $first, axum; $second, actix_web;] $($rest,)*);
    };
    (@turns $client:ident, $run:expr, [$($done:tt)*] $last:ident,) => {
        client!(@turns $client, $run, [$($done)* $last, axum;]);
    };
    (@turns $client:ident, $run:expr, [$($done:tt)*]) => {
        client!(@ $client, start, $run, $($done)*);
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

/// A test for each flow of the pages of the example hosts, each adapter and each store.
macro_rules! host {
    ($($flow:ident,)+) => {
        mod host {
            $(
                mod $flow {
                    host!(@ $flow, axum_and_sqlite, axum, sqlite);
                    host!(@ $flow, axum_and_postgres, axum, postgres);
                    host!(@ $flow, actix_web_and_sqlite, actix_web, sqlite);
                    host!(@ $flow, actix_web_and_postgres, actix_web, postgres);
                }
            )+
        }
    };
    (@ $flow:ident, $test:ident, $adapter:ident, $store:ident) => {
        #[test]
        fn $test() {
            let server = crate::server::Server::start_host(stringify!($adapter), stringify!($store));
            crate::script::node_with("host.mjs", &["chromium"])(&server, stringify!($flow));
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

client!(
    oidc_client_ts,
    behind proxy of axum,
    crate::script::node("oidc-client-ts.mjs"),
    session,
);

client!(authjs, behind proxy of actix_web, crate::script::node("authjs.mjs"), session,);

client!(express_openid_connect, behind proxy of axum, crate::script::node("express-openid-connect.mjs"), session,);

client!(mcp_sdk, behind proxy of actix_web, crate::script::node("mcp.mjs"), session,);

#[test]
fn the_client_of_the_mcp_sdk_registers_itself_at_the_example_mcp_host() {
    script::node("mcp-host.mjs")(&server::Server::start_example("mcp_host"), "session");
}

client!(httpx_oauth, behind proxy of axum, crate::script::python("httpx_oauth_client.py"), session,);

client!(idpyoidc, behind proxy of actix_web, crate::script::python("idpyoidc_client.py"), session,);

client!(mozilla_django_oidc, behind proxy of axum, crate::script::python("mozilla_django_oidc_client.py"), session,);

client!(social_auth, behind proxy of actix_web, crate::script::python("social_auth_client.py"), session,);

client!(
    golang_oauth2,
    behind proxy of axum,
    crate::script::go,
    lifecycle,
    client_secret_post,
    public_client,
    client_credentials,
);

client!(go_oidc, behind proxy of axum, crate::script::go, session,);

client!(
    google_oauth_client,
    behind proxy of axum,
    crate::script::java,
    lifecycle,
    client_secret_post,
    public_client,
    client_credentials,
    threads,
);

client!(ruby_openid_connect, behind proxy of axum, crate::script::ruby, session, revocation,);

client!(
    mod_auth_openidc,
    behind proxy of axum,
    crate::script::node_with("mod_auth_openidc.mjs", &["apache2-bin", "libapache2-mod-auth-openidc"]),
    relying_party,
    resource_server,
);

client!(oidc_agent, behind proxy of axum, crate::script::oidc_agent, device, code,);

client!(
    chromium,
    behind proxy of axum,
    crate::script::node_with("chromium.mjs", &["chromium"]),
    consent_page,
    device_page,
    accessible_pages,
    oidc_client_ts,
);

client!(
    live,
    on both,
    crate::script::node_with("live.mjs", &["chromium"]),
    client,
    thief,
    operator,
    access,
    without_script,
);

// With a database behind the page. The adapters have been compared above, so each database has one of them.
client!(
    live_on_sqlite,
    on sqlite of axum,
    crate::script::node_with("live.mjs", &["chromium"]),
    client,
    thief,
    operator,
);

client!(
    live_on_postgres,
    on postgres of actix_web,
    crate::script::node_with("live.mjs", &["chromium"]),
    client,
    thief,
    operator,
);

host!(my_sessions, without_script, administrator,);
