//! Client certificates: DER to the verifiers, and the headers of proxies.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fixtures::{START, ready};
use regrant::authenticator::VerifyCredentials;
use regrant::client::ClientAuthenticationMethod;
use regrant::clock::ManualClock;
use regrant::proof::ClientCertificate;
use regrant::wire::{CertificateHeader, Request};
use regrant::{Client, ClientCredentials, ClientId};
use regrant_jose::JwkSet;
use regrant_jose::certificate::{CertificateSubject, SelfSignedTlsClientAuth, TlsClientAuth};

use super::jose::{Kind, public_key};
use crate::product;

pub(crate) fn run(input: &[u8]) {
    let Some((mode, rest)) = input.split_first() else { return };
    match mode % 4 {
        0 => verify(&ClientCertificate::from_der(rest)),
        1 => read("client-cert", rest, &CertificateHeader::rfc_9440()),
        2 => read("ssl-client-cert", rest, &CertificateHeader::named("ssl-client-cert")),
        _ => read("x-forwarded-client-cert", rest, &CertificateHeader::x_forwarded_client_cert()),
    }
}

/// A certificate that is read from a header is the same in the standard header.
fn read(name: &str, value: &[u8], header: &CertificateHeader) {
    let headers = [(name, value)];
    let request = Request::new("POST", "/oauth2/token", &headers, b"");
    let Ok(Some(certificate)) = product(value.len(), || header.read(&request)) else { return };
    // Every certificate is an ASN.1 SEQUENCE.
    assert_eq!(certificate.as_der().first(), Some(&0x30));
    let standard = format!(":{}:", STANDARD.encode(certificate.as_der()));
    let headers = [("Client-Cert", standard.as_bytes())];
    let again = CertificateHeader::rfc_9440().read(&Request::new("POST", "/oauth2/token", &headers, b""));
    assert_eq!(again, Ok(Some(certificate.clone())));
    verify(&certificate);
}

fn verify(certificate: &ClientCertificate) {
    let clock = Arc::new(ManualClock::starting_at(START));
    let subjects = [
        CertificateSubject::Dn("CN=app,O=Example\\, Inc.,C=DE".parse().expect("a name")),
        CertificateSubject::SanDns("app.example".to_owned()),
        CertificateSubject::SanUri("https://app.example".to_owned()),
        CertificateSubject::SanIp([192, 0, 2, 1].into()),
        CertificateSubject::SanEmail("app@app.example".to_owned()),
    ];
    let keys: JwkSet = [public_key(Kind::Es256)].into_iter().collect();
    let by_key = SelfSignedTlsClientAuth::new(keys, clock.clone());
    let mut verifiers: Vec<(ClientAuthenticationMethod, Box<dyn VerifyCredentials>)> =
        vec![(ClientAuthenticationMethod::SelfSignedTlsClientAuth, Box::new(by_key))];
    for subject in subjects {
        let by_subject = TlsClientAuth::new(subject, clock.clone());
        verifiers.push((ClientAuthenticationMethod::TlsClientAuth, Box::new(by_subject)));
    }
    let id = ClientId::from_static("app");
    let credentials = ClientCredentials::Certificate(id.clone(), certificate.clone());
    for (method, verifier) in verifiers {
        let client = Client::new(id.clone()).with_authentication_methods(method);
        let length = certificate.as_der().len();
        let _ = product(length, || ready(verifier.verify(&client, &credentials)));
    }
}
