//! The token endpoint (RFC 6749 section 3.2), top to bottom: read the request, dispatch by grant type, answer.
//!
//! Each flow has one function of a few lines: it takes the parameters of its RFC, authenticates the client and calls
//! the service. A missing parameter of the library's own flows is reported before the authentication.
//!
//! Unknown parameters are ignored (RFC 6749 section 3.2).

use super::endpoints::Claim;
use super::{Endpoint, Endpoints, MalformedRequest, Request, Response, body, failure::Failure, requested};
use crate::engine::{IssueRequest, PollRequest, RedeemRequest, RefreshRequest, TokenResponse};
use crate::grant::Approval;
use crate::outcome::{Operation, Refusal};
use crate::ports::authenticator::AuthenticatedClient;
use crate::ports::host::{ApproveError, ApproveRequest, AttemptKind, AttemptOutcome, GrantApprover};
use crate::ports::store::TokenStore;
use crate::vocabulary::{AuthorizationDetails, GrantType, Parameters, Peer, PresentedKeys, Resources, Scope};

/// A well-formed token request. The client has not authenticated yet.
///
/// The parts that all flows share are parsed already. A malformed scope is therefore `invalid_scope` for every flow,
/// also for one that does not read the scope.
struct TokenRequest<'a> {
    parameters: &'a Parameters<'a>,
    claim: &'a Claim<'a>,
    presented_keys: PresentedKeys,
    scope: Option<Scope>,
    resources: Resources,
    authorization_details: Option<AuthorizationDetails>,
}

impl<S: TokenStore> Endpoints<S> {
    /// Answers a token request. The form is parsed completely before the client authenticates, so a malformed request
    /// costs no call of the authenticator.
    pub(super) async fn token_request(&self, request: &Request<'_>) -> Result<Response, Failure> {
        let form = self.read(Endpoint::Token, request)?;
        let parameters = &form.parameters;
        let dpop = requested::proof(request, &self.issuer)?;
        let grant_type = parameters.required("grant_type")?.parse().map_err(|_| MalformedRequest::GrantType)?;
        let request = TokenRequest {
            parameters,
            claim: &form.claim,
            presented_keys: PresentedKeys::none().with_dpop(dpop).with_certificate(form.certificate),
            scope: requested::scope(parameters)?,
            resources: requested::resources(parameters)?,
            authorization_details: requested::authorization_details(parameters)?,
        };
        let tokens = self.by_grant_type(grant_type, request).await?;
        Ok(body::tokens(&tokens))
    }

    /// Calls the method of the grant type. A flow that the library does not serve itself goes to the host's approver.
    ///
    /// `implicit` has no token endpoint (RFC 6749 section 4.2), and an approver must not add one.
    ///
    /// The futures of the flows that create a grant at once are boxed: they are larger than that of a refresh, and the
    /// future of every request has the size of the largest flow.
    async fn by_grant_type(&self, grant_type: GrantType, request: TokenRequest<'_>) -> Result<TokenResponse, Failure> {
        match grant_type {
            GrantType::AuthorizationCode => self.redeem(request).await,
            GrantType::RefreshToken => self.refresh(request).await,
            GrantType::ClientCredentials => Box::pin(self.client_credentials(request)).await,
            GrantType::DeviceCode if self.paths.device_verification.is_some() => self.poll(request).await,
            GrantType::TokenExchange if self.exchanges_tokens => Box::pin(self.exchange(request)).await,
            GrantType::Implicit => Err(MalformedRequest::GrantType.into()),
            other => Box::pin(self.approved_by_host(other, request)).await,
        }
    }

    /// Redeems a code: `authorization_code` (RFC 6749 section 4.1.3, RFC 7636 section 4.5).
    ///
    /// The redirect URI stays a text here. Parsed and printed again, another URI could become equal to the recorded
    /// one.
    async fn redeem(&self, request: TokenRequest<'_>) -> Result<TokenResponse, Failure> {
        let parameters = request.parameters;
        let mut redemption =
            RedeemRequest::new(parameters.required("code")?).with_presented_keys(request.presented_keys);
        redemption.authorization_details = request.authorization_details;
        redemption.redirect_uri = parameters.get("redirect_uri").map(str::to_owned);
        redemption.code_verifier = parameters.get("code_verifier").map(Into::into);
        let client = self.authenticate(request.claim).await?;
        redemption.resources = requested::with_audience(request.resources, parameters, &client)?;
        Ok(self.service.redeem(&client, &redemption).await?)
    }

    /// Refreshes: `refresh_token` (RFC 6749 section 6).
    async fn refresh(&self, request: TokenRequest<'_>) -> Result<TokenResponse, Failure> {
        let mut refresh = RefreshRequest::new(request.parameters.required("refresh_token")?)
            .with_presented_keys(request.presented_keys);
        refresh.scope = request.scope;
        refresh.authorization_details = request.authorization_details;
        let client = self.authenticate(request.claim).await?;
        refresh.resources = requested::with_audience(request.resources, request.parameters, &client)?;
        Ok(self.service.refresh(&client, &refresh).await?)
    }

    /// Issues a token to the client itself: `client_credentials` (RFC 6749 section 4.4.2). Without a scope the client
    /// gets its default scope; RFC 6749 section 3.3 demands an error if it has none.
    ///
    /// Authorization details are refused: no one but the host can check their members (RFC 9396 section 5), and this
    /// flow does not ask the host.
    async fn client_credentials(&self, request: TokenRequest<'_>) -> Result<TokenResponse, Failure> {
        let client = self.authenticate(request.claim).await?;
        if request.authorization_details.is_some() {
            return Err(self.service.refuse_approval(&client, Refusal::AuthorizationDetailsExceeded).into());
        }
        let scope = self.service.requested_scope(&client, &GrantType::ClientCredentials, request.scope)?;
        let mut issue = IssueRequest::client_credentials(scope).with_presented_keys(request.presented_keys);
        issue.approval.resources = requested::with_audience(request.resources, request.parameters, &client)?;
        Ok(self.service.issue(&client, issue).await?)
    }

    /// Answers the poll of a device: `urn:ietf:params:oauth:grant-type:device_code` (RFC 8628 section 3.4).
    async fn poll(&self, request: TokenRequest<'_>) -> Result<TokenResponse, Failure> {
        let device_code = request.parameters.required("device_code")?;
        let poll = PollRequest::new(device_code).with_presented_keys(request.presented_keys);
        let client = self.authenticate(request.claim).await?;
        Ok(self.service.poll(&client, &poll).await?)
    }

    /// Exchanges a token: `urn:ietf:params:oauth:grant-type:token-exchange` (RFC 8693 section 2.1).
    async fn exchange(&self, request: TokenRequest<'_>) -> Result<TokenResponse, Failure> {
        let exchange = requested::exchange(request.parameters, request.scope, &request.resources)?;
        let exchange = exchange
            .with_authorization_details(request.authorization_details)
            .with_presented_keys(request.presented_keys);
        let client = self.authenticate(request.claim).await?;
        Ok(self.service.exchange(&client, &exchange).await?)
    }

    /// Serves a flow of the host's own, such as `password` or an assertion. The order of the steps matters:
    ///
    /// 1. The client authenticates, and is refused if it may not use the flow: a stranger must not try passwords here.
    /// 2. The proof is verified. The approver may use up an assertion, and a proof that only lacks its nonce must cost
    ///    nothing.
    /// 3. The approver decides, if the rate limit admits the attempt.
    /// 4. The service issues the tokens, bound to the key that was verified in step 2.
    ///
    /// # Errors
    /// `unsupported_grant_type` when no approver is registered for the flow.
    async fn approved_by_host(
        &self,
        grant_type: GrantType,
        request: TokenRequest<'_>,
    ) -> Result<TokenResponse, Failure> {
        let approver = self.approvers.get(&grant_type).ok_or(MalformedRequest::GrantType)?;
        let client = self.authenticate(request.claim).await?;
        let scope = self.service.requested_scope(&client, &grant_type, request.scope)?;
        let TokenRequest { parameters, resources, authorization_details, presented_keys, claim, .. } = request;
        let resources = requested::with_audience(resources, parameters, &client)?;
        let request = ApproveRequest { grant_type, scope, resources, authorization_details, parameters };
        let presented_keys = self.service.proven(&client, &request.grant_type, presented_keys).await?;
        let approval = self.ask_approver(&**approver, &client, &request, claim.peer).await?;
        let issue = IssueRequest::new(request.grant_type, approval).with_presented_keys(presented_keys);
        Ok(self.service.issue(&client, issue).await?)
    }

    /// Asks the approver, and reports a refusal or an outage to the host. A denied approval is a wrong attempt:
    /// somebody may be guessing passwords.
    ///
    /// A denied approval is `invalid_grant` (RFC 6749 section 5.2). An approver that cannot decide is 503: a client
    /// would delete the user's session if an outage of the directory looked like a wrong password.
    async fn ask_approver(
        &self,
        approver: &dyn GrantApprover,
        client: &AuthenticatedClient,
        request: &ApproveRequest<'_>,
        peer: Option<&Peer>,
    ) -> Result<Approval, Failure> {
        let permit = self.service.permit(Operation::Issue, AttemptKind::Approval, Some(&client.id), peer).await?;
        let verdict = approver.approve(client, request).await;
        permit
            .settle(match &verdict {
                Ok(_) => AttemptOutcome::Right,
                Err(ApproveError::Denied) => AttemptOutcome::Wrong,
                Err(ApproveError::Missing(_) | ApproveError::Unavailable(_)) => AttemptOutcome::Unknown,
            })
            .await;
        match verdict {
            Ok(approval) => Ok(approval),
            Err(ApproveError::Denied) => Err(self.service.refuse_approval(client, Refusal::ApprovalDenied).into()),
            Err(ApproveError::Missing(missing)) => Err(missing.into()),
            Err(ApproveError::Unavailable(outage)) => Err(self.service.fail_approval(client, outage).into()),
        }
    }
}
