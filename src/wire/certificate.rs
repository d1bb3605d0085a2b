use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::{MalformedRequest, Request};
use crate::vocabulary::ClientCertificate;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The header in which a proxy that ends TLS hands on the client certificate that it verified.
///
/// **The proxy must remove the header from what clients send**, and nobody may reach the server around the proxy: whoever can
/// write the header is whoever they like.
///
/// ```
/// use regrant::wire::CertificateHeader;
///
/// let standard = CertificateHeader::rfc_9440();
/// let envoy = CertificateHeader::x_forwarded_client_cert();
/// let nginx = CertificateHeader::named("ssl-client-cert"); // proxy_set_header ssl-client-cert $ssl_client_escaped_cert;
/// let aws = CertificateHeader::named("x-amzn-mtls-clientcert-leaf"); // of the mode "verify": "passthrough" verifies nothing
/// let traefik = CertificateHeader::named("x-forwarded-tls-client-cert");
/// ```
#[derive(Clone, Debug)]
pub struct CertificateHeader {
    name: String,
    is_xfcc: bool,
}

impl CertificateHeader {
    /// `Client-Cert` (RFC 9440 section 2): the DER in base64, between colons.
    #[must_use]
    pub fn rfc_9440() -> Self {
        Self::named("client-cert")
    }

    /// A header whose whole value is the certificate: as RFC 9440 has it, or PEM, percent-encoded or with blanks for line
    /// ends, or the base64 of a PEM alone (nginx, Apache, `HAProxy`, AWS load balancers, Traefik).
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), is_xfcc: false }
    }

    /// `X-Forwarded-Client-Cert` of Envoy and Istio, with `Cert` among its fields, of one proxy: configure it to `SANITIZE_SET`.
    #[must_use]
    pub fn x_forwarded_client_cert() -> Self {
        Self { name: "x-forwarded-client-cert".to_owned(), is_xfcc: true }
    }

    /// The certificate that the proxy verified, if the connection had one.
    ///
    /// # Errors
    /// When the header is there twice, or is no certificate: then the proxy is not what the host takes it for.
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

/// The field `Cert` of the only element. What stands between quotes is text: the subject of a certificate is whatever its
/// holder wrote there, commas, semicolons and `Cert=` included.
fn cert_field(value: &str) -> Option<&str> {
    let (mut is_quoted, mut is_escaped, mut has_several) = (false, false, false);
    let is_border = |letter: char| {
        is_quoted ^= letter == '"' && !is_escaped;
        is_escaped = letter == '\\' && !is_escaped;
        // The border of two elements: one of them may be the client's own.
        has_several |= letter == ',' && !is_quoted;
        letter == ';' && !is_quoted
    };
    let fields: Vec<&str> = value.split(is_border).collect();
    let field = fields.into_iter().find_map(|field| field.trim().strip_prefix("Cert="))?;
    (!has_several).then(|| field.trim_matches('"'))
}

fn decode(value: &str) -> Option<Vec<u8>> {
    let text = unescaped(value)?;
    let armored = text.trim().strip_prefix("-----BEGIN CERTIFICATE-----");
    let body = match armored {
        // One certificate alone: what follows would be the issuers'.
        Some(armored) => armored.split_once("-----END CERTIFICATE-----")?.0,
        None => text.trim().trim_matches(':'),
    };
    let packed: String = body.chars().filter(|letter| !letter.is_ascii_whitespace()).collect();
    // An ASN.1 SEQUENCE, as every certificate is.
    BASE64.decode(packed).ok().filter(|der| der.first() == Some(&0x30))
}

/// Undoes percent-encoding. Unlike in a form `+` is a letter of base64.
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
