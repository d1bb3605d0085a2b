use regrant::Entropy;
use regrant::host::Unavailable;
use serde_json::{Map, Value};

use crate::base64url;
use crate::key::Signer;

/// Signs `claims` under a header that is in base64url already. For the tokens of clients; those of a server are in
/// `tokens`.
pub(crate) async fn sign(signer: &dyn Signer, header: &str, claims: Map<String, Value>) -> Result<String, Unavailable> {
    let claims = Value::Object(claims).to_string();
    // base64url makes four characters of three bytes. The longest signature is one of RSA with 8192 bits. A buffer that
    // grew would leave copies of the token behind.
    let mut token = String::with_capacity(header.len() + claims.len() * 4 / 3 + 1400);
    token.push_str(header);
    token.push('.');
    base64url::encode_into(claims, &mut token);
    let signature = signer.sign(token.as_bytes()).await?;
    token.push('.');
    base64url::encode_into(signature, &mut token);
    Ok(token)
}

/// A `jti` that was never used before: 16 random bytes.
pub(crate) fn new_jti(entropy: &dyn Entropy) -> Value {
    let mut jti = [0; 16];
    entropy.fill(&mut jti);
    base64url::encode(jti).into()
}
