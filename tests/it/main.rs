//! The tests of the core, in one binary: it links once. `lifecycle` drives
//! [`regrant::TokenService`] directly, and the other modules go through the endpoints.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::unchecked_time_subtraction,
    reason = "a test says what it expects by failing"
)]

mod access_token_jitter;
#[cfg(feature = "argon2")]
mod argon2;
mod authorization_request;
mod authorization_response;
mod browser;
mod claims;
mod client_authentication;
mod client_directory;
mod client_id_metadata_documents;
mod client_keys;
mod cors;
mod default_audience;
mod failure_events;
mod fapi2;
mod generated_keys;
mod head;
mod issuer;
mod jwt_tokens;
mod lifecycle;
mod native_apps;
mod offline_access;
mod openid_logout;
mod openid_userinfo;
mod operations_files;
mod policy_configuration;
mod purge;
mod rate_limit;
mod redaction;
mod refresh_token_expiration;
mod refused_clients;
mod rfc6749_token_endpoint;
mod rfc7009_revocation;
mod rfc7591_registration;
mod rfc7636_pkce;
mod rfc7662_introspection;
mod rfc8414_metadata;
mod rfc8628_device;
mod rfc8693_token_exchange;
mod rfc8705_mtls;
mod rfc8707_resources;
mod rfc9101_request_objects;
mod rfc9126_endpoint;
mod rfc9126_pushed_requests;
mod rfc9207_issuer;
mod rfc9396_authorization_details;
mod rfc9449_dpop;
mod right_to_the_flow;
mod secret_types;
mod sinks;
mod store_by_url;
mod timestamp;
mod unknown_scopes;
mod wire_events;
mod wire_malformed;
