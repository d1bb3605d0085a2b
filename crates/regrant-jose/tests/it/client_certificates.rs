//! Clients that authenticate with the certificate of their connection: RFC 8705 section 2.

use std::error::Error;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CustomExtension, DistinguishedName as Dn, DnType, DnValue,
    IsCa, KeyPair, SanType,
};
use regrant::authenticator::{ClientAuthenticator as _, CredentialError, CredentialRefusal, VerifyCredentials};
use regrant::client::ClientAuthenticationMethod;
use regrant::grant::Confirmation;
use regrant::proof::ClientCertificate;
use regrant::{ClientCredentials, ClientRegistry};
use regrant_jose::certificate::{CertificateSubject, DistinguishedName, SelfSignedTlsClientAuth, TlsClientAuth};
use regrant_jose::key::{PublishedKeys, ResolveKeys};
use regrant_jose::{JwkSet, KeySource, Signer as _};
use serde_json::json;
use time::OffsetDateTime;

use crate::support::{NOW, at, client, client_id, clock, key};

const APP: &str = "app";
const BY_AUTHORITY: ClientAuthenticationMethod = ClientAuthenticationMethod::TlsClientAuth;
const SELF_SIGNED: ClientAuthenticationMethod = ClientAuthenticationMethod::SelfSignedTlsClientAuth;

/// A certificate for the attributes of a subject, valid for an hour from [`NOW`].
fn certificate(attributes: &[(DnType, DnValue)]) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = Dn::new();
    for (kind, value) in attributes {
        params.distinguished_name.push(kind.clone(), value.clone());
    }
    params.not_before = OffsetDateTime::from_unix_timestamp(NOW).unwrap();
    params.not_after = OffsetDateTime::from_unix_timestamp(NOW + 3600).unwrap();
    params
}

fn named(common_name: &str) -> CertificateParams {
    certificate(&[
        (DnType::CountryName, printable("DE")),
        (DnType::OrganizationName, utf8("Example, Inc.")),
        (DnType::CommonName, utf8(common_name)),
    ])
}

fn utf8(text: &str) -> DnValue {
    DnValue::Utf8String(text.to_owned())
}

fn printable(text: &str) -> DnValue {
    DnValue::PrintableString(text.try_into().unwrap())
}

/// Issues a certificate. All clients have the same authority.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = certificate(&[(DnType::CommonName, utf8("authority"))]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn issue(&self, params: &CertificateParams) -> ClientCertificate {
        let certificate = params.signed_by(&KeyPair::generate().unwrap(), &self.0).unwrap();
        ClientCertificate::from_der(certificate.der().to_vec())
    }
}

fn self_signed(params: &CertificateParams) -> ClientCertificate {
    ClientCertificate::from_der(params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec())
}

fn thumbprint(certificate: &ClientCertificate) -> [u8; 32] {
    match certificate.confirmation() {
        Confirmation::Certificate(thumbprint) => thumbprint,
        other => panic!("{other:?}"),
    }
}

async fn shown(
    verifier: &dyn VerifyCredentials,
    method: ClientAuthenticationMethod,
    certificate: &ClientCertificate,
) -> Result<bool, CredentialError> {
    let credentials = ClientCredentials::Certificate(client_id(APP), certificate.clone());
    match verifier.verify(&client(APP, method), &credentials).await {
        Ok(()) => Ok(true),
        Err(CredentialError::Refused(_)) => Ok(false),
        Err(outage) => Err(outage),
    }
}

async fn accepts(subject: &CertificateSubject, certificate: &ClientCertificate) -> bool {
    shown(&TlsClientAuth::new(subject.clone(), Arc::new(clock())), BY_AUTHORITY, certificate).await.unwrap()
}

fn dn(text: &str) -> CertificateSubject {
    CertificateSubject::Dn(text.parse().unwrap())
}

// RFC 8705 section 2.1 (Keycloak CVE-2023-2422).
#[tokio::test]
async fn a_certificate_authenticates_only_its_own_client() {
    let authority = Authority::new();
    let clock = Arc::new(clock());
    let registered = |id: &str| {
        let subject = dn(&format!("CN={id},O=Example\\, Inc.,C=DE"));
        (client(id, BY_AUTHORITY), Arc::new(TlsClientAuth::new(subject, clock.clone())))
    };
    let mut clients = ClientRegistry::new();
    for id in [APP, "other"] {
        let (client, verifier) = registered(id);
        clients = clients.register_with_verifier(client, verifier).unwrap();
    }
    let certificates = [(APP, authority.issue(&named(APP))), ("other", authority.issue(&named("other")))];
    for (owner, certificate) in &certificates {
        for id in [APP, "other"] {
            let credentials = ClientCredentials::Certificate(client_id(id), certificate.clone());
            let outcome = clients.authenticate(&credentials).await;
            assert_eq!(outcome.is_ok(), *owner == id, "{id} with the certificate of {owner}");
            assert!(outcome.is_ok() || outcome.is_err_and(|error| error.is_refused()));
        }
    }
}

#[tokio::test]
async fn a_subject_is_compared_part_by_part() {
    let authority = Authority::new();
    let own = authority.issue(&named(APP));
    for text in [
        "CN=app,O=Example\\, Inc.,C=DE",
        "cn=app,o=Example\\2C Inc.,c=DE",
        "2.5.4.3=app,2.5.4.10=Example\\, Inc.,2.5.4.6=DE",
        "CN=#0c03617070,O=Example\\, Inc.,C=DE",
        // The same text, encoded as a PrintableString.
        "CN=#1303617070,O=Example\\, Inc.,C=DE",
    ] {
        assert!(accepts(&dn(text), &own).await, "{text}");
    }
    for text in [
        "CN=app",
        "CN=app,C=DE",
        "O=Example\\, Inc.,C=DE",
        "C=DE,O=Example\\, Inc.,CN=app",
        "CN=app,O=Example\\, Inc.,C=DE,C=DE",
        "CN=app,OU=Example\\, Inc.,C=DE",
        "CN=APP,O=Example\\, Inc.,C=DE",
        "CN=app ,O=Example\\, Inc.,C=DE",
        "CN=ap,O=Example\\, Inc.,C=DE",
        "CN=app+O=Example\\, Inc.,C=DE",
        "CN=app\\,O=Example\\, Inc.,C=DE",
    ] {
        assert!(!accepts(&dn(text), &own).await, "{text}");
    }
    // One attribute whose text looks like three: it would equal them if names were compared as text.
    let disguised = authority.issue(&certificate(&[(DnType::CommonName, utf8("app,O=Example\\, Inc.,C=DE"))]));
    assert!(!accepts(&dn("CN=app,O=Example\\, Inc.,C=DE"), &disguised).await);
    let nobody = authority.issue(&certificate(&[]));
    assert!(!accepts(&dn("CN=app"), &nobody).await);
}

#[test]
fn a_distinguished_name_is_parsed_according_to_rfc_4514() {
    for text in ["", "app", "CN", "=app", "CN=app,", "XYZ=app", "CN=#zz", "CN=app, O=Example", "CN=a\\zb"] {
        assert!(text.parse::<DistinguishedName>().is_err(), "{text}");
    }
    // An escape of nothing is invalid.
    for text in
        ["CN=a\\", "CN=\\", "CN=a\\\\\\", "CN=a\\2", "CN=a\\2,O=b", "CN=a\\2g", "O=Example,CN=a\\", "CN=a+OU=b\\"]
    {
        assert!(text.parse::<DistinguishedName>().is_err(), "{text}");
    }
    assert!("CN=a\\\\".parse::<DistinguishedName>().is_ok(), "an escaped backslash");
    let [one, other] = ["CN=a+OU=b", "OU=b+CN=a"].map(|text| text.parse::<DistinguishedName>().unwrap());
    assert_eq!(one, other, "the attributes of one part are a set");
    // The same text in two encodings, instead of two attributes.
    let twice: DistinguishedName = "CN=#0c0161+CN=#130161".parse().unwrap();
    assert_ne!(twice, one);
    assert_ne!(one, twice);
    let name: DistinguishedName = "CN=app,O=Example\\, Inc.".parse().unwrap();
    assert_eq!(name.to_string().parse::<DistinguishedName>().as_ref(), Ok(&name));
}

/// One alternative name of each kind.
fn alternative_names() -> Vec<SanType> {
    vec![
        SanType::DnsName("app.example".try_into().unwrap()),
        SanType::URI("https://app.example/id".try_into().unwrap()),
        SanType::Rfc822Name("app@app.example".try_into().unwrap()),
        SanType::IpAddress("192.0.2.1".parse().unwrap()),
        SanType::IpAddress("2001:db8::1".parse().unwrap()),
    ]
}

#[tokio::test]
async fn an_alternative_name_is_compared_with_those_of_its_kind() {
    let authority = Authority::new();
    let mut params = named("anything");
    params.subject_alt_names = alternative_names();
    let own = authority.issue(&params);
    let ip = |text: &str| CertificateSubject::SanIp(text.parse::<IpAddr>().unwrap());
    let dns = |text: &str| CertificateSubject::SanDns(text.to_owned());
    let uri = |text: &str| CertificateSubject::SanUri(text.to_owned());
    let email = |text: &str| CertificateSubject::SanEmail(text.to_owned());
    for subject in [
        dns("app.example"),
        dns("App.Example"),
        uri("https://app.example/id"),
        email("app@app.example"),
        ip("192.0.2.1"),
        ip("2001:DB8:0::1"),
    ] {
        assert!(accepts(&subject, &own).await, "{subject:?}");
    }
    for subject in [
        dns("pp.example"),
        dns("*.example"),
        dns("example"),
        dns("app.example."),
        dns("https://app.example/id"),
        dns("192.0.2.1"),
        dns(""),
        uri("https://app.example/"),
        uri("https://app.example/ID"),
        uri("app.example"),
        email("APP@app.example"),
        email("app.example"),
        ip("192.0.2.2"),
        ip("::ffff:192.0.2.1"),
        dn("CN=app.example"),
    ] {
        assert!(!accepts(&subject, &own).await, "{subject:?}");
    }
    // A wildcard is for host names of a server, not for clients.
    let mut wildcard = named("anything");
    wildcard.subject_alt_names = vec![SanType::DnsName("*.example".try_into().unwrap())];
    assert!(!accepts(&dns("app.example"), &authority.issue(&wildcard)).await);
    // The common name is not a host name (RFC 9525 section 6.3).
    assert!(!accepts(&dns("app.example"), &authority.issue(&named("app.example"))).await);
}

#[tokio::test]
async fn malformed_alternative_names_match_no_client() {
    const SUBJECT_ALT_NAME: &[u64] = &[2, 5, 29, 17];
    let authority = Authority::new();
    let app = CertificateSubject::SanDns("app.example".to_owned());
    let mut twice = named("anything");
    twice.subject_alt_names = alternative_names();
    // SEQUENCE { dNSName "app.example" }
    let names = [b"\x30\x0d\x82\x0b".as_slice(), b"app.example"].concat();
    twice.custom_extensions.push(CustomExtension::from_oid_content(SUBJECT_ALT_NAME, names.clone()));
    assert!(!accepts(&app, &authority.issue(&twice)).await);
    for (content, is_right) in [(names.clone(), true), (names[..8].to_vec(), false), (Vec::new(), false)] {
        let mut params = named("anything");
        params.custom_extensions.push(CustomExtension::from_oid_content(SUBJECT_ALT_NAME, content));
        assert_eq!(accepts(&app, &authority.issue(&params)).await, is_right);
    }
}

#[tokio::test]
async fn a_certificate_is_accepted_within_its_validity() {
    let clock = clock();
    let by_authority = TlsClientAuth::new(dn("CN=app,O=Example\\, Inc.,C=DE"), Arc::new(clock.clone()));
    let issued = Authority::new().issue(&named(APP));
    let own = self_signed(&named(APP));
    let by_registration =
        SelfSignedTlsClientAuth::new(JwkSet::default(), Arc::new(clock.clone())).with_thumbprints([thumbprint(&own)]);
    for (second, is_valid) in [(-1, false), (0, true), (3600, true), (3601, false), (-NOW - 1, false)] {
        clock.set(at(NOW + second));
        assert_eq!(shown(&by_authority, BY_AUTHORITY, &issued).await.unwrap(), is_valid, "{second} s");
        assert_eq!(shown(&by_registration, SELF_SIGNED, &own).await.unwrap(), is_valid, "{second} s");
    }
}

#[tokio::test]
async fn a_self_signed_certificate_must_be_registered() {
    let own = self_signed(&named(APP));
    // The same subject, signed by another key.
    let forged = self_signed(&named(APP));
    let mut jwk = key(regrant_jose::Algorithm::Es256).public_key().to_value();
    let mut keys = Vec::new();
    for (name, value) in [
        ("x5c", json!([BASE64_STANDARD.encode(own.as_der())])),
        ("x5t#S256", json!(crate::support::encoded(thumbprint(&own)))),
    ] {
        let mut jwk = jwk.clone();
        jwk[name] = value;
        keys.push(JwkSet::from_value(&json!({ "keys": [jwk] })).unwrap());
    }
    let mut verifiers: Vec<_> =
        keys.into_iter().map(|keys| SelfSignedTlsClientAuth::new(keys, Arc::new(clock()))).collect();
    verifiers
        .push(SelfSignedTlsClientAuth::new(JwkSet::default(), Arc::new(clock())).with_thumbprints([thumbprint(&own)]));
    for verifier in verifiers {
        assert!(shown(&verifier, SELF_SIGNED, &own).await.unwrap());
        assert!(!shown(&verifier, SELF_SIGNED, &forged).await.unwrap());
        assert!(!shown(&verifier, BY_AUTHORITY, &own).await.unwrap());
    }
    // The issuers in a chain do not identify the client.
    jwk["x5c"] = json!([BASE64_STANDARD.encode(forged.as_der()), BASE64_STANDARD.encode(own.as_der())]);
    let keys = JwkSet::from_value(&json!({ "keys": [jwk] })).unwrap();
    assert!(!shown(&SelfSignedTlsClientAuth::new(keys, Arc::new(clock())), SELF_SIGNED, &own).await.unwrap());
}

/// Publishes one certificate, or is unreachable.
struct Publisher(AtomicBool, ClientCertificate);

#[async_trait]
impl ResolveKeys for Publisher {
    async fn resolve(&self) -> Result<PublishedKeys, Box<dyn Error + Send + Sync>> {
        if self.0.load(Ordering::SeqCst) {
            return Err("connection refused".into());
        }
        let mut jwk = key(regrant_jose::Algorithm::Es256).public_key().to_value();
        jwk["x5c"] = json!([BASE64_STANDARD.encode(self.1.as_der())]);
        Ok(JwkSet::from_value(&json!({ "keys": [jwk] }))?.into())
    }
}

#[tokio::test]
async fn a_published_certificate_is_fetched_and_an_outage_is_not_a_refusal() {
    let (own, unknown) = (self_signed(&named(APP)), self_signed(&named(APP)));
    let publisher = Arc::new(Publisher(AtomicBool::new(false), own.clone()));
    let clock = clock();
    let keys = KeySource::resolved_by(Arc::clone(&publisher) as Arc<dyn ResolveKeys>);
    let verifier = SelfSignedTlsClientAuth::new(keys, Arc::new(clock.clone()));
    assert!(shown(&verifier, SELF_SIGNED, &own).await.unwrap());
    assert!(!shown(&verifier, SELF_SIGNED, &unknown).await.unwrap());
    publisher.0.store(true, Ordering::SeqCst);
    clock.advance(KeySource::COOLDOWN);
    assert!(shown(&verifier, SELF_SIGNED, &own).await.unwrap());
    assert!(shown(&verifier, SELF_SIGNED, &unknown).await.is_err());
}

#[tokio::test]
async fn anything_but_a_certificate_is_refused() {
    let own = Authority::new().issue(&named(APP));
    let der = own.as_der();
    let by_authority = TlsClientAuth::new(dn("CN=app,O=Example\\, Inc.,C=DE"), Arc::new(clock()));
    for bytes in [&der[..0], &der[..der.len() - 1], &der[1..], &[0x30, 0x80, 0, 0], &[0xff; 64]] {
        let no_certificate = ClientCertificate::from_der(bytes.to_vec());
        let by_registration = SelfSignedTlsClientAuth::new(JwkSet::default(), Arc::new(clock()))
            .with_thumbprints([thumbprint(&no_certificate)]);
        assert!(!shown(&by_authority, BY_AUTHORITY, &no_certificate).await.unwrap());
        assert!(!shown(&by_registration, SELF_SIGNED, &no_certificate).await.unwrap());
    }
    let appended = ClientCertificate::from_der([der, &[0]].concat());
    assert!(!shown(&by_authority, BY_AUTHORITY, &appended).await.unwrap());
    assert!(shown(&by_authority, BY_AUTHORITY, &own).await.unwrap());
    assert!(!shown(&by_authority, SELF_SIGNED, &own).await.unwrap());
    let client = client(APP, BY_AUTHORITY);
    let refused = by_authority.verify(&client, &ClientCredentials::Public(client_id(APP))).await;
    assert!(matches!(refused, Err(CredentialError::Refused(CredentialRefusal::MethodNotRegistered))));
    assert!(by_authority.algorithms().is_empty());
}
