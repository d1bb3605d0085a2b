//! The client certificate behind a proxy that ends TLS (RFC 9440, and the headers of common proxies).
//!
//! A certificate authenticates a client and binds tokens to it (RFC 8705). The proxy has verified the possession of its
//! key in the TLS handshake. This server cannot verify that again: it trusts the header, hence the proxy. Two attacks
//! follow from that (RFC 9440 section 4):
//!
//! * **A forged header.** A client sends the header itself, and the proxy adds its own or none. A repeated header is
//!   therefore an error, and the proxy must remove the header from every request.
//! * **A forged field.** The subject of a certificate is chosen by its holder. In `X-Forwarded-Client-Cert` the subject
//!   and the certificate are fields of one text, so quoted text must not count as a field.
//!
//! Only the certificate is read, never its subject or hash from the header: the service computes the thumbprint itself.

use base64::Engine as _;

use super::basic::BASE64;
use super::{MalformedRequest, Request};
use crate::vocabulary::ClientCertificate;

/// The header in which a TLS-terminating proxy passes on the client certificate that it verified.
///
/// **The proxy must remove this header from client requests**, and the server must be reachable only through the proxy.
/// Anyone who can set this header can impersonate any client.
///
/// ```
/// use regrant::wire::CertificateHeader;
///
/// let standard = CertificateHeader::rfc_9440();
/// let envoy = CertificateHeader::x_forwarded_client_cert();
/// // proxy_set_header ssl-client-cert $ssl_client_escaped_cert;
/// let nginx = CertificateHeader::named("ssl-client-cert");
/// // Mode "verify": the mode "passthrough" verifies nothing.
/// let aws = CertificateHeader::named("x-amzn-mtls-clientcert-leaf");
/// let traefik = CertificateHeader::named("x-forwarded-tls-client-cert");
/// ```
#[derive(Clone, Debug)]
pub struct CertificateHeader {
    name: String,
    is_xfcc: bool,
}

impl CertificateHeader {
    /// The header `Client-Cert` (RFC 9440 section 2): the DER in base64, between colons.
    ///
    /// ```
    /// use regrant::wire::{CertificateHeader, MalformedRequest, Request};
    ///
    /// let header = CertificateHeader::rfc_9440();
    /// let sent: [(&str, &[u8]); 1] = [("Client-Cert", b":MAA=:")]; // an empty ASN.1 SEQUENCE
    /// let certificate = header.read(&Request::new("POST", "/oauth2/token", &sent, b""))?;
    /// assert_eq!(certificate.map(|certificate| certificate.as_der().to_vec()), Some(vec![0x30, 0x00]));
    /// # Ok::<(), MalformedRequest>(())
    /// ```
    #[must_use]
    pub fn rfc_9440() -> Self {
        Self::named("client-cert")
    }

    /// A header with the certificate as its whole value. Accepted forms: as in RFC 9440, a PEM (percent-encoded, or
    /// with spaces instead of line ends), or only the base64 of a PEM. These are the forms of nginx, Apache,
    /// `HAProxy`, AWS load balancers and Traefik.
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), is_xfcc: false }
    }

    /// The header `X-Forwarded-Client-Cert` of Envoy and Istio, with the field `Cert`. Configure the proxy to
    /// `SANITIZE_SET`, so that the header has the one element that this proxy added.
    #[must_use]
    pub fn x_forwarded_client_cert() -> Self {
        Self { name: "x-forwarded-client-cert".to_owned(), is_xfcc: true }
    }

    /// Returns the certificate that the proxy verified, or `None` if the connection had none. For a host's own
    /// endpoints; [`Endpoints`](super::Endpoints) reads the header itself.
    ///
    /// The certificate is not parsed further. Its validity, and its chain if the server demands one, are the task of
    /// the proxy.
    ///
    /// # Errors
    /// [`MalformedRequest::Certificate`] when the header is repeated or is not a certificate. The proxy is then not
    /// configured as the host expects: repair it, a retry does not help.
    pub fn read(&self, request: &Request<'_>) -> Result<Option<ClientCertificate>, MalformedRequest> {
        let mut values = request.header(&self.name);
        let value = values.next();
        if values.next().is_some() {
            return Err(MalformedRequest::Certificate);
        }
        // Apache writes "(null)" for a variable that is not set.
        let Some(value) = value.filter(|value| !value.is_empty() && *value != b"(null)") else { return Ok(None) };
        let value = std::str::from_utf8(value).ok();
        let field = if self.is_xfcc { value.and_then(cert_field) } else { value };
        let der = field.and_then(decode).ok_or(MalformedRequest::Certificate)?;
        Ok(Some(ClientCertificate::from_der(der)))
    }
}

/// Returns the value of the field `Cert`; `None` when the element has none. `Hash` and `Subject` are not read.
fn cert_field(value: &str) -> Option<&str> {
    let field = fields(value)?.into_iter().find_map(|field| field.trim().strip_prefix("Cert="))?;
    Some(field.trim_matches('"'))
}

/// Splits an element into its fields, at the semicolons outside of quotes. Quoted text is ignored: the holder of a
/// certificate chooses its subject, which may contain commas, semicolons and `Cert=`.
///
/// Returns `None` for several elements, since the client itself may have sent one of them.
fn fields(element: &str) -> Option<Vec<&str>> {
    let mut fields = Vec::new();
    let (mut start, mut is_quoted, mut is_escaped) = (0, false, false);
    for (index, letter) in element.char_indices() {
        match letter {
            '"' if !is_escaped => is_quoted = !is_quoted,
            ',' if !is_quoted => return None,
            ';' if !is_quoted => {
                fields.push(&element[start..index]);
                start = index + 1;
            }
            _ => {}
        }
        is_escaped = letter == '\\' && !is_escaped;
    }
    fields.push(&element[start..]);
    Some(fields)
}

/// Returns the DER of a certificate in one of the forms of [`CertificateHeader::named`].
///
/// A value that is not a certificate is rejected, not ignored: ignored, a client with a broken certificate would become
/// a public client.
fn decode(value: &str) -> Option<Vec<u8>> {
    let text = unescaped(value)?;
    let armored = text.trim().strip_prefix("-----BEGIN CERTIFICATE-----");
    let body = match armored {
        // The first certificate only: the certificates of the issuers may follow.
        Some(armored) => armored.split_once("-----END CERTIFICATE-----")?.0,
        None => text.trim().trim_matches(':'),
    };
    let packed: String = body.chars().filter(|letter| !letter.is_ascii_whitespace()).collect();
    // Every certificate is an ASN.1 SEQUENCE.
    BASE64.decode(packed).ok().filter(|der| der.first() == Some(&0x30))
}

/// Decodes percent-encoding. Unlike in a form, `+` stays: it is a letter of base64.
fn unescaped(value: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let (digits, behind) =
            rest.split_at_checked(2).filter(|(digits, _)| digits.iter().all(u8::is_ascii_hexdigit))?;
        bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
        rest = behind;
    }
    String::from_utf8(bytes).ok()
}
