//! RFC 8628: the device authorization grant.

mod decision;
mod faults;
mod polling;

use fixtures::{APP, Config, OTHER, Outcome, SPA, Server};
use regrant::wire::{Endpoints, Paths};
use regrant::{Approval, GrantType, Refusal, TokenError};

const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const PENDING: Outcome = (400, "authorization_pending");
const SLOW_DOWN: Outcome = (400, "slow_down");
const EXPIRED: Outcome = (400, "expired_token");
const DENIED: Outcome = (400, "access_denied");
const INVALID_GRANT: Outcome = (400, "invalid_grant");

fn with_page(endpoints: Endpoints<fixtures::WatchedStore>) -> Endpoints<fixtures::WatchedStore> {
    endpoints.with_paths(Paths { device_verification: Some("/device".to_owned()), ..Paths::default() })
}

fn config() -> Config {
    let flows = [GrantType::DeviceCode, GrantType::RefreshToken, GrantType::Password, GrantType::AuthorizationCode];
    let config = Config { endpoints: with_page, ..Config::default() };
    [APP, OTHER, SPA]
        .into_iter()
        .fold(config, |config, auth| config.with_client(auth, |client| client.with_grant_types(flows.clone())))
}

fn start() -> Server {
    config().start()
}

fn user() -> Approval {
    Server::device_approval()
}

fn refusal<T>(answer: Result<T, TokenError>) -> Refusal {
    match answer {
        Err(TokenError::Refused(refusal)) => refusal,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it was answered"),
    }
}
