//! The checks of an authorization request, in their order: the form, the client, the redirect URI, and then everything
//! else. An endpoint for pushed requests applies the same checks to a client that has authenticated.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::ask::{Ask, Prompt};
use super::error::{AuthorizationError, described};
use super::redirection::{Redirection, ResponseMode};
use super::request::AuthorizationRequest;
use crate::client::Client;
use crate::engine::AuthorizeRequest;
use crate::grant::Approval;
use crate::outcome::{Operation, Refusal};
use crate::ports::store::TokenStore;
use crate::vocabulary::{ClientId, CodeChallenge, Confirmation, Parameters, RedirectUri, RequestUri};
use crate::wire::failure::Failure;
use crate::wire::form::parse;
use crate::wire::{Endpoints, MalformedRequest, requested};

/// The maximum length of a nonce in bytes: the grant stores it, and writes it with each refresh.
const MAX_NONCE: usize = 255;

/// The beginning of every `request_uri` of the pushed authorization request endpoint (RFC 9126 section 2.2).
const PUSHED: &str = "urn:ietf:params:oauth:request_uri:";

/// The operation of events, for a request that a browser brings.
const AUTHORIZE: Operation = Operation::Authorize;

/// A request without a fault, before the user is asked.
pub(super) struct Judged {
    /// The request without a resource owner.
    pub(super) request: AuthorizeRequest,
    prompt: BTreeSet<Prompt>,
    max_age: Option<Duration>,
}

/// The parameters that count, and the `request_uri` if they were pushed.
struct Effective<'p, 'a> {
    parameters: Cow<'p, Parameters<'a>>,
    pushed: Option<RequestUri>,
}

impl<S: TokenStore> Endpoints<S> {
    /// Judges an authorization request, for the authorization endpoint of the host. The host then signs the user in,
    /// asks for consent, and sends one of the answers of the [`Ask`]. Nothing is written, except that the first arrival
    /// of a pushed request is recorded ([`TokenService::pushed_request`](crate::TokenService::pushed_request)).
    ///
    /// The client is looked up with
    /// [`ClientAuthenticator::find_client`](crate::authenticator::ClientAuthenticator::find_client), which a directory
    /// of your own must implement.
    ///
    /// # Errors
    /// [`AuthorizationError`]: an error for the client, if the client and its redirect URI are known, or else for the
    /// user. Each has an event with its reason.
    ///
    /// ```
    /// use regrant::wire::{AuthorizationRequest, Endpoints, Request};
    /// use regrant::{
    ///     Approval, Client, ClientId, ClientRegistry, Issuer, KeyRing, MemoryStore, RedirectUri, Scope, Subject,
    ///     SystemEntropy, TokenService,
    /// };
    ///
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let spa = Client::public(ClientId::from_static("spa"))
    ///     .with_redirect_uris([RedirectUri::from_static("https://spa.example/callback")])
    ///     .with_scope(Scope::from_static("read write"));
    /// let clients = ClientRegistry::new().register(spa, [])?;
    /// let service = TokenService::builder(MemoryStore::new(), clients, KeyRing::generate(&SystemEntropy)).build()?;
    /// let endpoints = Endpoints::new(service, Issuer::from_static("https://as.example"))?;
    ///
    /// let query = "client_id=spa&response_type=code&scope=read&state=xyz\
    ///     &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";
    /// let http = Request::new("GET", "/authorize", &[], b"").with_query(query);
    ///
    /// let ask = endpoints.ask(&AuthorizationRequest::read(&http, endpoints.body_limit())).await?;
    /// assert_eq!((ask.client().id.as_str(), ask.scope().as_str()), ("spa", "read"));
    /// // The user "demo" has signed in and consents:
    /// let response = ask.approve(Approval::of(Subject::from_static("demo"))).await?;
    /// let (_, location) = &response.headers[0];
    /// assert!(location.starts_with("https://spa.example/callback?code=ac_"));
    /// assert!(location.ends_with("&iss=https%3A%2F%2Fas.example&state=xyz"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn ask(&self, request: &AuthorizationRequest<'_>) -> Result<Ask<S>, AuthorizationError> {
        let shown = |failure| self.reject(failure, None);
        let sent = request.parameters().map_err(|malformed| shown(malformed.into()))?;
        let client = self.find_client(sent).await.map_err(shown)?;
        let Effective { parameters, pushed } = match Box::pin(self.effective(&client, sent)).await {
            Ok(effective) => effective,
            Err(failure) => return Err(self.reject(failure, self.redirection_beside(&client, sent).as_ref())),
        };
        let redirection = self.redirection(AUTHORIZE, &client, &parameters).map_err(shown)?;
        // The dry run of the service comes last: a request that cannot be approved is refused before the user is asked.
        let judged = self.judge(AUTHORIZE, &client, &redirection, &parameters).and_then(|judged| {
            let request = judged.request.clone().with_pushed_request(pushed);
            self.service.check_authorization(&client, request.clone()).map_err(described)?;
            Ok(Judged { request, ..judged })
        });
        match judged {
            Ok(Judged { request, prompt, max_age }) => Ok(Ask {
                service: self.service.clone(),
                parameters: parameters.into_owned().into_owned(),
                client,
                redirection,
                request,
                prompt,
                max_age,
                added: Vec::new(),
            }),
            Err(failure) => Err(self.reject(failure, Some(&redirection))),
        }
    }

    /// Reports a malformed request to the host; all other failures were reported by the service.
    fn reject(&self, failure: Failure, redirection: Option<&Redirection>) -> AuthorizationError {
        if let Failure::Malformed(malformed) = failure {
            self.service.report_malformed(AUTHORIZE, malformed);
        }
        AuthorizationError::of(failure, redirection)
    }

    async fn find_client(&self, parameters: &Parameters<'_>) -> Result<Arc<Client>, Failure> {
        let client_id = ClientId::new(parameters.required("client_id")?).map_err(|_| MalformedRequest::ClientId)?;
        self.service.find_client_for_authorization(&client_id).await.map_err(described)
    }

    /// Returns the parameters that count: those of the request, of the request object in it (RFC 9101 section 6), or
    /// those that were pushed (RFC 9126 section 4).
    async fn effective<'p, 'a>(&self, client: &Client, sent: &'p Parameters<'a>) -> Result<Effective<'p, 'a>, Failure> {
        let Some(request_uri) = sent.get("request_uri") else {
            return Ok(Effective { parameters: self.signed(AUTHORIZE, client, sent).await?, pushed: None });
        };
        if sent.get("request").is_some() {
            return Err(MalformedRequest::SeveralRequests.into());
        }
        if !request_uri.starts_with(PUSHED) {
            return Err(MalformedRequest::RequestUriNotSupported.into());
        }
        let pushed = self.service.pushed_request(client, request_uri).await.map_err(described)?;
        let parameters = parse(&pushed.parameters)?.into_owned();
        Ok(Effective { parameters: Cow::Owned(parameters), pushed: Some(request_uri.into()) })
    }

    /// Returns the parameters of the request object, or those of the request of a client that need not sign it.
    pub(super) async fn signed<'p, 'a>(
        &self,
        operation: Operation,
        client: &Client,
        sent: &'p Parameters<'a>,
    ) -> Result<Cow<'p, Parameters<'a>>, Failure> {
        if let Some(request_object) = sent.get("request") {
            return Ok(Cow::Owned(self.open_request_object(operation, client, request_object).await?));
        }
        if self.service.requires_signed_request(operation, client).map_err(described)? {
            let refusal = Refusal::RequestObjectRequired;
            return Err(described(self.service.refuse_authorization(operation, client, refusal)));
        }
        Ok(Cow::Borrowed(sent))
    }

    /// Returns the way to the client: a registered URI, with the `state` for every answer.
    ///
    /// # Errors
    /// A failure for the user, since nobody else can be told.
    pub(super) fn redirection(
        &self,
        operation: Operation,
        client: &Client,
        parameters: &Parameters<'_>,
    ) -> Result<Redirection, Failure> {
        let requested = requested_uri(parameters)?;
        match client.redirect_uri(requested.as_ref()) {
            Some(redirect_uri) => Ok(self.to(redirect_uri.clone(), parameters)),
            None => {
                Err(described(self.service.refuse_authorization(operation, client, Refusal::RedirectUriNotRegistered)))
            }
        }
    }

    /// Returns the way to the client for the error of a request object or a `request_uri`: the registered URI that the
    /// request names beside it. Nothing else that is beside it counts.
    fn redirection_beside(&self, client: &Client, sent: &Parameters<'_>) -> Option<Redirection> {
        let requested = requested_uri(sent).ok()??;
        client.redirect_uri(Some(&requested)).map(|redirect_uri| self.to(redirect_uri.clone(), sent))
    }

    /// An unknown `response_mode` is answered in the query.
    fn to(&self, redirect_uri: RedirectUri, parameters: &Parameters<'_>) -> Redirection {
        let mode = ResponseMode::of(parameters.get("response_mode"), &redirect_uri).unwrap_or_default();
        let state = parameters.get("state").map(str::to_owned);
        Redirection { redirect_uri, mode, state, issuer: self.issuer.clone() }
    }

    /// Judges everything but the client and its redirect URI. The refusals of the service come last.
    pub(super) fn judge(
        &self,
        operation: Operation,
        client: &Client,
        redirection: &Redirection,
        parameters: &Parameters<'_>,
    ) -> Result<Judged, Failure> {
        check_response(&redirection.redirect_uri, parameters)?;
        let (prompt, max_age, nonce) = (prompt(parameters)?, max_age(parameters)?, nonce(parameters)?);
        let (challenge, confirmation) = (code_challenge(parameters)?, dpop_key(parameters)?);
        let (scope, resources) = (requested::scope(parameters)?, requested::requested_resources(parameters, client)?);
        let details = requested::authorization_details(parameters)?;
        let scope = self.service.authorization_scope(operation, client, scope).map_err(described)?;
        let approval = Approval::default()
            .with_scope(scope)
            .with_resources(resources)
            .with_authorization_details(details)
            .with_nonce(nonce);
        let request = AuthorizeRequest::new(approval)
            .with_redirect_uri(requested_uri(parameters)?)
            .with_code_challenge(challenge)
            .with_confirmation(confirmation);
        Ok(Judged { request, prompt, max_age })
    }
}

fn requested_uri(parameters: &Parameters<'_>) -> Result<Option<RedirectUri>, MalformedRequest> {
    parameters.get("redirect_uri").map(RedirectUri::new).transpose().map_err(|_| MalformedRequest::RedirectUri)
}

fn check_response(redirect_uri: &RedirectUri, parameters: &Parameters<'_>) -> Result<(), MalformedRequest> {
    ResponseMode::of(parameters.get("response_mode"), redirect_uri).ok_or(MalformedRequest::ResponseMode)?;
    if parameters.get("registration").is_some() {
        return Err(MalformedRequest::RegistrationNotSupported);
    }
    match parameters.required("response_type")? {
        "code" => Ok(()),
        _ => Err(MalformedRequest::ResponseType),
    }
}

fn prompt(parameters: &Parameters<'_>) -> Result<BTreeSet<Prompt>, MalformedRequest> {
    let names = parameters.get("prompt").unwrap_or_default().split(' ').filter(|name| !name.is_empty());
    let names: Vec<&str> = names.collect();
    if names.len() > 1 && names.contains(&"none") {
        return Err(MalformedRequest::Prompt);
    }
    Ok(names.into_iter().filter_map(Prompt::of).collect())
}

fn max_age(parameters: &Parameters<'_>) -> Result<Option<Duration>, MalformedRequest> {
    let Some(text) = parameters.get("max_age") else { return Ok(None) };
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = text.parse::<u32>().ok().filter(|_| is_number).ok_or(MalformedRequest::MaxAge)?;
    Ok(Some(Duration::from_secs(seconds.into())))
}

fn nonce(parameters: &Parameters<'_>) -> Result<Option<String>, MalformedRequest> {
    match parameters.get("nonce") {
        Some(nonce) if nonce.len() > MAX_NONCE => Err(MalformedRequest::Nonce),
        nonce => Ok(nonce.map(str::to_owned)),
    }
}

/// Reads the PKCE challenge (RFC 7636 section 4.3). A method alone is a mistake, and no request without PKCE.
fn code_challenge(parameters: &Parameters<'_>) -> Result<Option<CodeChallenge>, MalformedRequest> {
    match (parameters.get("code_challenge"), parameters.get("code_challenge_method")) {
        (None, None) => Ok(None),
        (None, Some(_)) => Err(MalformedRequest::Missing("code_challenge")),
        (Some(challenge), method) => {
            CodeChallenge::from_request(challenge, method).map(Some).map_err(|_| MalformedRequest::CodeChallenge)
        }
    }
}

/// Reads the DPoP key that must redeem the code (RFC 9449 section 10).
fn dpop_key(parameters: &Parameters<'_>) -> Result<Option<Confirmation>, MalformedRequest> {
    let Some(thumbprint) = parameters.get("dpop_jkt") else { return Ok(None) };
    let bytes = URL_SAFE_NO_PAD.decode(thumbprint).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.map(|bytes| Some(Confirmation::DpopKey(bytes))).ok_or(MalformedRequest::DpopJkt)
}
