//! Judges an authorization request before the user is asked (RFC 6749 section 4.1.1, OpenID Connect Core section
//! 3.1.2.1).
//!
//! The order protects the user: the client first, then the redirect URI. Only an error after these two is sent to the
//! client, since until then the address could be an attacker's (RFC 6749 section 4.1.2.1).

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use regrant::grant::Confirmation;
use regrant::host::Parameters;
use regrant::wire::requested_resources;
use regrant::{Approval, AuthorizeRequest, Client, ClientId, CodeChallenge, GrantType, RedirectUri, Resources, Scope};

use crate::answer::Problem;
use crate::redirect::{Fault, Redirect};
use crate::server::Server;

/// The parameters that the consent page repeats in its form.
pub(crate) const PARAMETERS: [&str; 14] = [
    "client_id",
    "redirect_uri",
    "response_type",
    "response_mode",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "dpop_jkt",
    "prompt",
    "max_age",
    "resource",
    "audience",
];

/// The longest nonce: it is stored in the grant and written with each refresh.
const MAX_NONCE: usize = 255;

/// A request of a known client whose answer may be sent to its redirect URI.
pub(crate) struct AuthorizationRequest<'a> {
    pub(crate) client: Arc<Client>,
    pub(crate) redirect_uri: RedirectUri,
    requested: Option<RedirectUri>,
    parameters: &'a Parameters<'a>,
}

/// A request that the user can be asked about.
pub(crate) struct Ask {
    /// Without a resource owner.
    pub(crate) request: AuthorizeRequest,
    pub(crate) prompt: Prompt,
    pub(crate) max_age: Option<Duration>,
}

/// The values of `prompt` that have an effect. Unknown values are ignored, as OpenID Connect Core recommends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Prompt {
    /// Consent is always asked for here, so `consent` changes nothing.
    Consent,
    /// `login` and `select_account`: the user signs in again.
    SignIn,
    None,
}

impl<'a> AuthorizationRequest<'a> {
    /// Finds the client and its redirect URI.
    pub(crate) fn read(server: &Server, parameters: &'a Parameters<'a>) -> Result<Self, Problem> {
        let client_id = parameters.get("client_id").and_then(|client_id| ClientId::new(client_id).ok());
        let client = client_id.and_then(|client_id| server.clients.client(&client_id));
        let client = client.ok_or(Problem::invalid_request("The client is unknown."))?;
        let requested = parameters.get("redirect_uri").map(RedirectUri::new).transpose();
        let requested = requested.map_err(|_| Problem::invalid_request("The redirect_uri is malformed."))?;
        let redirect_uri = client.redirect_uri(requested.as_ref()).cloned();
        let unregistered = Problem::invalid_request("The redirect_uri is not registered for the client.");
        Ok(Self { redirect_uri: redirect_uri.ok_or(unregistered)?, client, requested, parameters })
    }

    pub(crate) const fn parameters(&self) -> &Parameters<'a> {
        self.parameters
    }

    /// Returns the way back to the client.
    pub(crate) fn redirect<'r>(&'r self, server: &'r Server) -> Redirect<'r> {
        Redirect {
            redirect_uri: &self.redirect_uri,
            issuer: server.issuer.as_str(),
            state: self.parameters.get("state"),
        }
    }

    /// Checks everything else, up to the refusals of the service.
    pub(crate) fn ask(&self, server: &Server) -> Result<Ask, Fault> {
        self.check_response()?;
        let (prompt, max_age) = (self.prompt()?, self.max_age()?);
        let (nonce, challenge) = (self.nonce()?, self.code_challenge()?);
        let confirmation = self.parameters.get("dpop_jkt").map(dpop_key).transpose()?;
        let approval =
            Approval::default().with_scope(self.scope(server)?).with_resources(self.resources()?).with_nonce(nonce);
        let request = AuthorizeRequest::new(approval)
            .with_redirect_uri(self.requested.clone())
            .with_code_challenge(challenge)
            .with_confirmation(confirmation);
        server.service.check_authorization(&self.client, request.clone())?;
        Ok(Ask { request, prompt, max_age })
    }

    fn check_response(&self) -> Result<(), Fault> {
        for (parameter, error) in [
            ("request", "request_not_supported"),
            ("request_uri", "request_uri_not_supported"),
            ("registration", "registration_not_supported"),
        ] {
            if self.parameters.get(parameter).is_some() {
                return Err(Fault::new(error, "The server does not read this parameter."));
            }
        }
        match self.parameters.get("response_type") {
            Some("code") => {}
            Some(_) => return Err(Fault::new("unsupported_response_type", "The response_type must be code.")),
            None => return Err(Fault::invalid_request("The parameter response_type is missing.")),
        }
        match self.parameters.get("response_mode") {
            None | Some("query") => Ok(()),
            Some(_) => Err(Fault::new("unsupported_response_mode", "The response_mode must be query.")),
        }
    }

    fn prompt(&self) -> Result<Prompt, Fault> {
        let values: Vec<&str> = self.parameters.get("prompt").unwrap_or_default().split(' ').collect();
        match values.as_slice() {
            ["none"] => Ok(Prompt::None),
            values if values.contains(&"none") => Err(Fault::invalid_request("prompt=none excludes other values.")),
            values if values.iter().any(|value| ["login", "select_account"].contains(value)) => Ok(Prompt::SignIn),
            _ => Ok(Prompt::Consent),
        }
    }

    fn max_age(&self) -> Result<Option<Duration>, Fault> {
        let seconds = self.parameters.get("max_age").map(str::parse::<u32>).transpose();
        let seconds = seconds.map_err(|_| Fault::invalid_request("The max_age must be a number of seconds."))?;
        Ok(seconds.map(|seconds| Duration::from_secs(seconds.into())))
    }

    fn nonce(&self) -> Result<Option<String>, Fault> {
        match self.parameters.get("nonce") {
            Some(nonce) if nonce.len() > MAX_NONCE => Err(Fault::invalid_request("The nonce is too long.")),
            nonce => Ok(nonce.map(str::to_owned)),
        }
    }

    fn code_challenge(&self) -> Result<Option<CodeChallenge>, Fault> {
        let malformed = "The code_challenge must be one of the code_challenge_method S256.";
        match (self.parameters.get("code_challenge"), self.parameters.get("code_challenge_method")) {
            (None, None) => Ok(None),
            (None, Some(_)) => Err(Fault::invalid_request("The parameter code_challenge is missing.")),
            (Some(challenge), method) => {
                let challenge = CodeChallenge::from_request(challenge, method);
                challenge.map(Some).map_err(|_| Fault::invalid_request(malformed))
            }
        }
    }

    fn scope(&self, server: &Server) -> Result<Scope, Fault> {
        let requested = self.parameters.get("scope").map(Scope::new).transpose();
        let requested = requested.map_err(|_| Fault::new("invalid_scope", "The scope is malformed."))?;
        Ok(server.service.requested_scope(&self.client, &GrantType::AuthorizationCode, requested)?)
    }

    fn resources(&self) -> Result<Resources, Fault> {
        requested_resources(self.parameters, &self.client)
            .map_err(|_| Fault::new("invalid_target", "A resource is malformed."))
    }
}

/// The DPoP key that must redeem the code (RFC 9449 section 10).
fn dpop_key(thumbprint: &str) -> Result<Confirmation, Fault> {
    let bytes = URL_SAFE_NO_PAD.decode(thumbprint).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.map(Confirmation::DpopKey).ok_or(Fault::invalid_request("The dpop_jkt must be a SHA-256 thumbprint."))
}
