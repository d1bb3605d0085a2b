//! RFC 8628: the device authorization grant.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

#[path = "../common/mod.rs"]
mod common;

mod decision;
mod faults;
mod polling;

use common::{APP, Auth, Config, OTHER, Outcome, Reply, SPA, Server, USER, scope, subject};
use regrant::wire::{Endpoint, Endpoints, Paths};
use regrant::{Approval, GrantId, GrantType, Refusal, TokenError, UserCode};

const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const PENDING: Outcome = (400, "authorization_pending");
const SLOW_DOWN: Outcome = (400, "slow_down");
const EXPIRED: Outcome = (400, "expired_token");
const DENIED: Outcome = (400, "access_denied");
const INVALID_GRANT: Outcome = (400, "invalid_grant");

/// What a device got to poll with, and its user to type.
#[derive(Clone, Debug)]
struct Device {
    code: String,
    user_code: UserCode,
}

fn with_page(endpoints: Endpoints<common::WatchedStore>) -> Endpoints<common::WatchedStore> {
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
    Approval::of(subject(USER)).with_scope(scope("openid read"))
}

impl Server {
    async fn device(&self, auth: Auth<'_>) -> Device {
        let reply = self.post(Endpoint::DeviceAuthorization, auth, &[]).await;
        assert_eq!(reply.status(), 200, "{reply:?}");
        Device {
            code: reply.text("device_code").to_owned(),
            user_code: UserCode::parse(reply.text("user_code")).unwrap(),
        }
    }

    async fn poll(&self, auth: Auth<'_>, device: &Device) -> Reply {
        self.token(auth, &[("grant_type", DEVICE_CODE), ("device_code", &device.code)]).await
    }

    async fn approve(&self, device: &Device) -> Result<GrantId, TokenError> {
        self.service().approve_device(&device.user_code, user()).await
    }
}

fn refusal<T>(answer: Result<T, TokenError>) -> Refusal {
    match answer {
        Err(TokenError::Refused(refusal)) => refusal,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it was answered"),
    }
}
