//! The claims of the users, for the userinfo endpoint.

use async_trait::async_trait;
use regrant::host::{ClaimsRequest, ClaimsSource, ClaimsTarget, HostClaims, Unavailable};

use crate::users::Users;

/// Supplies the claims of the configuration, by scope (OpenID Connect Core section 5.4). As in AM, tokens have none of
/// them: clients ask the userinfo endpoint.
pub(crate) struct Profiles(pub(crate) Users);

#[async_trait]
impl ClaimsSource for Profiles {
    async fn claims(&self, request: &ClaimsRequest<'_>) -> Result<HostClaims, Unavailable> {
        let (ClaimsTarget::UserInfo, Some(username)) = (request.target, request.subject()) else {
            return Ok(HostClaims::default());
        };
        let claims = self.0.claims(username).into_iter();
        Ok(claims.filter(|(name, _)| request.scope.contains(scope_of(name))).collect())
    }

    fn claims_supported(&self) -> Vec<String> {
        self.0.claim_names()
    }
}

/// The scope that grants a claim. Claims that OpenID Connect does not define belong to the profile.
fn scope_of(claim: &str) -> &'static str {
    match claim {
        "email" | "email_verified" => "email",
        "phone_number" | "phone_number_verified" => "phone",
        "address" => "address",
        _ => "profile",
    }
}
