//! The userinfo endpoint (OpenID Connect Core section 5.3): a protected resource, whose clients authenticate by an
//! access token.
//!
//! | in the request | presented as |
//! |---|---|
//! | `Authorization: Bearer` | a bearer token (RFC 6750 section 2.1) |
//! | `Authorization: DPoP`, and a proof | a bound token (RFC 9449 section 7.1) |
//! | `access_token` in the form of a POST | a bearer token (RFC 6750 section 2.2) |
//!
//! Two of them in one request are an error (RFC 6750 section 2): a gateway could check one, and this server another. A
//! token in the URL is not read, because URLs end up in logs (RFC 6750 section 5.3).

use super::failure::{self, Failure};
use super::{Endpoint, Endpoints, MalformedRequest, Request, Response, form, json, requested};
use crate::engine::UserInfoRequest;
use crate::outcome::ErrorCode;
use crate::ports::store::TokenStore;
use crate::vocabulary::{AccessToken, PresentedKeys, TokenType};

/// The scope that the endpoint requires, for the challenge (RFC 6750 section 3.1).
const SCOPE: &str = "openid";

impl<S: TokenStore> Endpoints<S> {
    /// Answers with `sub` and the claims of the host, or with a JWT for a client that is registered for one (OpenID
    /// Connect Core section 5.3.2).
    pub(super) async fn user_info(&self, request: &Request<'_>) -> Result<Response, Failure> {
        let (token_type, access_token) = self.presented_token(request)?;
        let proof = match token_type {
            TokenType::Dpop => requested::proof(request, &self.issuer)?,
            _ => None,
        };
        let keys = PresentedKeys::none().with_dpop(proof).with_certificate(self.certificate(request)?);
        let asked = UserInfoRequest::new(access_token).with_token_type(token_type).with_presented_keys(keys);
        let answer = self.service.user_info(&asked).await?;
        if let Some(jwt) = answer.jwt {
            let response = Response { body: jwt.into_bytes(), ..Response::empty(200) };
            return Ok(response.with_header("content-type", "application/jwt").not_stored());
        }
        // A source cannot set `sub`, so no member is written twice.
        let sub = [("sub", Some(answer.subject.as_str().into()))];
        Ok(Response::with_json(200, json::object_with(&sub, &answer.host_claims)).not_stored())
    }

    /// Returns the access token of the request.
    ///
    /// # Errors
    /// [`MalformedRequest`]. No port was called.
    fn presented_token(&self, request: &Request<'_>) -> Result<(TokenType, AccessToken), MalformedRequest> {
        let in_body = match request.method {
            "GET" | "HEAD" => None,
            // A POST with the token in its header needs no body, and no content type then.
            "POST" if request.body? == b"" => None,
            "POST" => form(request, self.body_limit())?.get("access_token").map(AccessToken::from),
            _ => return Err(MalformedRequest::Method(Endpoint::UserInfo.methods())),
        };
        let in_header = authorization(request)?.filter(|(token_type, _)| self.supports(*token_type));
        match (in_header, in_body) {
            (Some(token), None) => Ok(token),
            (None, Some(token)) => Ok((TokenType::Bearer, token)),
            (Some(_), Some(_)) => Err(MalformedRequest::AccessToken),
            (None, None) => Err(MalformedRequest::NoAccessToken),
        }
    }

    /// Returns true if the service can verify tokens of this type.
    fn supports(&self, token_type: TokenType) -> bool {
        match token_type {
            TokenType::Bearer => true,
            TokenType::Dpop => !self.service.proof_algorithms().is_empty(),
        }
    }

    /// Returns the response to a refused userinfo request (RFC 6750 section 3, RFC 9449 section 7.1).
    ///
    /// A 401, a 403 and a 400 have one challenge for each scheme. The error is in the challenge of the scheme that the
    /// client used. An outage has none: the client must keep its token.
    pub(super) fn resource_error(&self, failure: &Failure, request: &Request<'_>) -> Response {
        let (status, code, description) = match failure {
            Failure::Malformed(MalformedRequest::NoAccessToken) => {
                return self.challenged(Response::empty(401).not_stored(), request, None);
            }
            Failure::Malformed(malformed) if !matches!(malformed.status(), 400 | 401) => return malformed.response(),
            Failure::Malformed(malformed) => (malformed.status(), malformed.code(), malformed.to_string()),
            // RFC 6750 section 3.1: a resource has its own word for a token that is not accepted.
            Failure::Code(ErrorCode::InvalidGrant) => described(ErrorCode::InvalidToken),
            Failure::RateLimited(wait) => return failure::rate_limited(*wait),
            Failure::Code(code) | Failure::Described(code, _) => described(*code),
        };
        if matches!(code, ErrorCode::TemporarilyUnavailable | ErrorCode::ServerError) {
            return failure::error(code);
        }
        let is_proof = matches!(code, ErrorCode::InvalidDpopProof | ErrorCode::UseDpopNonce);
        let status = if is_proof { 401 } else { status };
        self.challenged(failure::described(status, code, &description), request, Some((code, &description)))
    }

    /// Adds the challenges. Without an error they only name the schemes (RFC 6750 section 3.1).
    fn challenged(&self, response: Response, request: &Request<'_>, error: Option<(ErrorCode, &str)>) -> Response {
        let used = match authorization(request) {
            Ok(Some((token_type, _))) if self.supports(token_type) => token_type,
            _ => TokenType::Bearer,
        };
        let schemes = [TokenType::Bearer, TokenType::Dpop].into_iter().filter(|scheme| self.supports(*scheme));
        schemes.fold(response, |response, scheme| {
            let mut challenge = format!("{} realm=\"oauth2\"", scheme.as_str());
            let mut add = |name: &str, value: &str| {
                challenge.extend([", ", name, "=\"", value, "\""]);
            };
            if let Some((code, description)) = error.filter(|_| scheme == used) {
                add("error", code.as_str());
                add("error_description", description);
                if code == ErrorCode::InsufficientScope {
                    add("scope", SCOPE);
                }
            }
            if scheme == TokenType::Dpop {
                add("algs", &self.service.proof_algorithms().join(" "));
            }
            response.with_header("www-authenticate", challenge)
        })
    }
}

/// Reads the token in the Authorization header. Returns `None` if there is none, or one of another scheme.
///
/// # Errors
/// [`MalformedRequest::AccessToken`] for two headers, and for a token that is no `b64token` (RFC 6750 section 2.1).
pub(super) fn authorization(request: &Request<'_>) -> Result<Option<(TokenType, AccessToken)>, MalformedRequest> {
    let mut headers = request.header("authorization");
    let Some(header) = headers.next() else { return Ok(None) };
    if headers.next().is_some() {
        return Err(MalformedRequest::AccessToken);
    }
    let (name, rest) = header.split_at(header.iter().position(|byte| *byte == b' ').unwrap_or(header.len()));
    // Schemes are compared without regard to case (RFC 9110 section 11.1).
    let is_named = |token_type: &TokenType| token_type.as_str().as_bytes().eq_ignore_ascii_case(name);
    let Some(token_type) = [TokenType::Bearer, TokenType::Dpop].into_iter().find(is_named) else { return Ok(None) };
    let token = str::from_utf8(rest).map_err(|_| MalformedRequest::AccessToken)?.trim_start_matches(' ');
    let body = token.trim_end_matches('=');
    let is_b64token = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
    if body.is_empty() || !body.bytes().all(is_b64token) {
        return Err(MalformedRequest::AccessToken);
    }
    Ok(Some((token_type, token.into())))
}

/// Returns the status, the code and its text.
fn described(code: ErrorCode) -> (u16, ErrorCode, String) {
    (code.status(), code, code.description().to_owned())
}
