use super::{MalformedRequest, Request, basic};
use crate::authenticator::ClientCredentials;
use crate::parameters::Parameters;
use crate::secret::ClientSecret;
use crate::vocabulary::ClientId;

/// What the client showed of itself: in the Authorization header or in the body, not in both (RFC 6749 section 2.3).
pub(super) fn credentials(
    request: &Request<'_>,
    parameters: &Parameters,
) -> Result<ClientCredentials, MalformedRequest> {
    let mut headers = request.header("authorization");
    let header = headers.next();
    if headers.next().is_some() {
        return Err(MalformedRequest::SeveralAuthentications);
    }
    let client_id = parameters.get("client_id").map(parsed).transpose()?;
    let secret = parameters.get("client_secret").map(ClientSecret::from);
    match (header, client_id, secret) {
        (Some(_), _, Some(_)) => Err(MalformedRequest::SeveralAuthentications),
        (Some(header), client_id, None) => {
            let (id, secret) = basic::parse(header).ok_or(MalformedRequest::Authorization)?;
            let id = parsed(&id)?;
            // The body may repeat the same client id (RFC 6749 section 3.2.1), not name another.
            if client_id.is_some_and(|client_id| client_id != id) {
                return Err(MalformedRequest::SeveralAuthentications);
            }
            Ok(ClientCredentials::Basic(id, ClientSecret::new(secret.as_str())))
        }
        (None, Some(client_id), Some(secret)) => Ok(ClientCredentials::Post(client_id, secret)),
        (None, Some(client_id), None) => Ok(ClientCredentials::Public(client_id)),
        (None, None, _) => Err(MalformedRequest::NoClient),
    }
}

fn parsed(client_id: &str) -> Result<ClientId, MalformedRequest> {
    ClientId::new(client_id).map_err(|_| MalformedRequest::ClientId)
}
