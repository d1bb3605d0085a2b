//! The device authorization grant (RFC 8628): the calls of the device, and those of the page where its user enters the
//! code.

use super::call::Call;
use super::{TokenError, TokenService};
use crate::engine::{self, DeviceAuthorizationRequest, DeviceAuthorizationResponse, PollRequest, TokenResponse};
use crate::grant::{Approval, Grant, GrantSummary};
use crate::outcome::{EventKind, Operation, Refusal};
use crate::ports::authenticator::AuthenticatedClient;
use crate::ports::host::{AttemptKind, AttemptOutcome};
use crate::ports::store::TokenStore;
use crate::token::TokenKind;
use crate::vocabulary::{GrantId, GrantType, UserCode};

/// The number of user codes that are tried until one is free. Of 2.56e10 codes few are in use at once.
const MAX_DRAWS: usize = 8;

impl<S: TokenStore> TokenService<S> {
    /// Starts a device authorization (RFC 8628 section 3.1).
    ///
    /// # Errors
    /// [`TokenError::Refused`] when the client may not use the flow, the scope or a resource; otherwise as
    /// [`issue`](Self::issue).
    ///
    /// ```
    #[doc = include_str!("example/begin.txt")]
    /// use regrant::device::{DeviceAuthorizationRequest, PollRequest, UserCode};
    ///
    /// let device = service.authorize_device(&client, &DeviceAuthorizationRequest::new()).await?;
    /// println!("enter {} at https://as.example/device", device.user_code.expose());
    ///
    /// // On the page where the user enters the code, after signing in:
    /// let typed = UserCode::parse(&device.user_code.expose().to_lowercase())?;
    /// let asked = service.device(&typed).await?.ok_or("no device waits for this code")?;
    /// println!("{} asks for {}", asked.client_id, asked.approval.scope);
    /// service.approve_device(&typed, Approval::of(demo).with_scope(asked.approval.scope)).await?;
    ///
    /// // The device, meanwhile:
    /// let tokens = service.poll(&client, &PollRequest::new(device.device_code)).await?;
    /// assert!(tokens.refresh_token.is_some());
    #[doc = include_str!("example/end.txt")]
    /// ```
    pub async fn authorize_device(
        &self,
        client: &AuthenticatedClient,
        request: &DeviceAuthorizationRequest,
    ) -> Result<DeviceAuthorizationResponse, TokenError> {
        let call = Call::entitled(self, Operation::AuthorizeDevice, client, &GrantType::DeviceCode)?;
        let _timer = self.timer(call.operation);
        let terms = call.terms(client, &GrantType::DeviceCode)?;
        for _ in 0..MAX_DRAWS {
            let (mut device, response) = engine::authorize_device(request, &self.context(client, &terms))
                .map_err(|refusal| call.refuse(refusal))?;
            if call.try_insert(&mut device, EventKind::DeviceCodeIssued).await? {
                return Ok(response);
            }
        }
        Err(call.fail(TokenError::Contended))
    }

    /// Returns the device that waits for `user_code`, to show its user the client and the scope. `None`: the code was
    /// mistyped, has expired, or was decided. Each miss is reported as [`Refusal::UserCodeUnknown`].
    ///
    /// Limit the rate of guesses (RFC 8628 section 5.1): with a
    /// [`rate_limit`](super::TokenServiceBuilder::rate_limit), and [`for_peer`](Self::for_peer), by which it counts.
    ///
    /// # Errors
    /// [`TokenError::RateLimited`] after too many misses; otherwise the failure of the limit or the store.
    pub async fn device(&self, user_code: &UserCode) -> Result<Option<GrantSummary>, TokenError> {
        let call = Call::new(self, Operation::DecideDevice);
        let _timer = self.timer(call.operation);
        let device = self.find_device(&call, user_code).await?;
        let now = self.now();
        let waiting = device.filter(|device| engine::undecided(device, now).is_ok());
        if waiting.is_none() {
            call.emit(EventKind::Refused(Refusal::UserCodeUnknown));
        }
        Ok(waiting.map(Grant::summary))
    }

    /// Approves the device of `user_code`: it gets its tokens with the next poll. Scope and resources of `approval`
    /// must be among those that the device asked for. Returns the grant. `revoke_subject` reaches it from now on, and
    /// `grants` lists it once the device has its tokens. See [`authorize_device`](Self::authorize_device) for an
    /// example.
    ///
    /// # Errors
    /// [`TokenError::Refused`] when no device waits for the code any more, or the approval exceeds its request;
    /// otherwise as for [`device`](Self::device).
    pub async fn approve_device(&self, user_code: &UserCode, approval: Approval) -> Result<GrantId, TokenError> {
        let call = Call::new(self, Operation::DecideDevice);
        let _timer = self.timer(call.operation);
        let device = self.find_device(&call, user_code).await?.ok_or_else(|| call.refuse(Refusal::UserCodeUnknown))?;
        let approved = engine::approve_device(&device, approval, &*self.0.entropy, self.now());
        let mut grant = approved.map_err(|refusal| call.refuse_for(refusal, &device))?;
        // The grant first: a device that learns of it must find it. If the second write fails, the grant expires
        // unused.
        call.insert(&mut grant, EventKind::DeviceDecided { approved: true }).await?;
        call.transact(device.id(), |device| engine::decide_device(device, Some(grant.id()), self.now())).await?;
        Ok(grant.id())
    }

    /// Denies the device of `user_code`: it learns of it with its next poll.
    ///
    /// # Errors
    /// As for [`approve_device`](Self::approve_device).
    ///
    /// ```
    #[doc = include_str!("example/begin.txt")]
    /// use regrant::device::{DeviceAuthorizationRequest, PollRequest};
    /// use regrant::{Refusal, TokenError};
    ///
    /// let device = service.authorize_device(&client, &DeviceAuthorizationRequest::new()).await?;
    /// service.deny_device(&device.user_code).await?;
    /// let answer = service.poll(&client, &PollRequest::new(device.device_code)).await;
    /// assert!(matches!(answer, Err(TokenError::Refused(Refusal::DeniedByOwner)))); // `access_denied`
    #[doc = include_str!("example/end.txt")]
    /// ```
    pub async fn deny_device(&self, user_code: &UserCode) -> Result<(), TokenError> {
        let call = Call::new(self, Operation::DecideDevice);
        let _timer = self.timer(call.operation);
        let device = self.find_device(&call, user_code).await?.ok_or_else(|| call.refuse(Refusal::UserCodeUnknown))?;
        call.transact(device.id(), |device| engine::decide_device(device, None, self.now())).await
    }

    /// Answers a poll (RFC 8628 section 3.4) with tokens, once, when the user has approved.
    ///
    /// # Errors
    /// [`TokenError::Refused`] with [`Refusal::AuthorizationPending`] or [`Refusal::PolledTooFast`] while the device
    /// must poll on. With any other refusal it must stop. After any other error it polls on.
    pub async fn poll(&self, client: &AuthenticatedClient, request: &PollRequest) -> Result<TokenResponse, TokenError> {
        let call = Call::entitled(self, Operation::Poll, client, &GrantType::DeviceCode)?;
        let _timer = self.timer(call.operation);
        let Some(presented) = self.0.tokens.open(TokenKind::DeviceCode, request.device_code.expose()) else {
            return Err(call.refuse(Refusal::TokenUnrecognized));
        };
        let terms = call.terms(client, &GrantType::DeviceCode)?;
        let grant_id = call
            .transact(presented.grant_id, |device| engine::poll(device, &presented, &self.context(client, &terms)))
            .await?;
        call.present(client, grant_id, &presented, &request.presented_keys, Some(terms), engine::redeem_device).await
    }

    /// Finds the record of a user code, if the limit admits the attempt. The code of a device that no longer waits is a
    /// wrong one.
    async fn find_device(&self, call: &Call<'_, S>, user_code: &UserCode) -> Result<Option<Box<Grant>>, TokenError> {
        let permit = call.permit(AttemptKind::UserCode, None).await?;
        let found = self.load_device(call, user_code).await;
        let outcome = match &found {
            Ok(Some(device)) if engine::undecided(device, self.now()).is_ok() => AttemptOutcome::Right,
            Ok(_) => AttemptOutcome::Wrong,
            Err(_) => AttemptOutcome::Unknown,
        };
        permit.settle(outcome).await;
        found
    }

    /// Loads the record of a user code: under the primary key, or under the one that was primary when the code was
    /// drawn.
    async fn load_device(&self, call: &Call<'_, S>, user_code: &UserCode) -> Result<Option<Box<Grant>>, TokenError> {
        for key in self.0.tokens.ring().iter() {
            if let Some((device, _)) = call.load(key.user_code_grant_id(user_code)).await? {
                return Ok(Some(device));
            }
        }
        Ok(None)
    }
}
