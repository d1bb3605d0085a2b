//! RFC 8705: tokens bound to the client certificate, and certificates forwarded by a proxy (RFC 9440 and others).

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use fixtures::{APP, AUDITOR, Config, Outcome, SPA, Server, StubVerifier};
use regrant::Policy;
use regrant::policy::SenderConstraint;
use regrant::proof::ClientCertificate;
use regrant::wire::{CertificateHeader, Endpoint, Endpoints};
use serde_json::json;

/// Made with openssl, of the subject `O = "Example, Inc.; Cert=x", CN = app`.
const PEM: &str = include_str!("certificates/app.pem");
const OTHER_PEM: &str = include_str!("certificates/other.pem");
/// `openssl dgst -sha256` of its DER, in base64url.
const THUMBPRINT: &str = "zMyAv_TcwiL0oRidhtglkJfJHDB1Qo4RQcZvQaU3Zxk";

const INVALID_GRANT: Outcome = (400, "invalid_grant");
const INVALID_REQUEST: Outcome = (400, "invalid_request");

fn base64(pem: &str) -> String {
    pem.lines().filter(|line| !line.starts_with("-----")).collect()
}

fn certificate(pem: &str) -> ClientCertificate {
    ClientCertificate::from_der(STANDARD.decode(base64(pem)).unwrap())
}

fn policy(constraint: SenderConstraint) -> Policy {
    Policy::default().with_sender_constraint(constraint)
}

fn start(constraint: SenderConstraint) -> Server {
    Config { proof_verifier: Some(StubVerifier::default()), ..Config::default() }.policy(policy(constraint)).start()
}

// RFC 8705 sections 3 and 3.2.
#[tokio::test]
async fn access_tokens_are_bound_to_the_certificate_of_the_connection() {
    let server = start(SenderConstraint::Certificate);
    let own = certificate(PEM);
    let code = server.code(APP).await;
    let before = server.store().snapshot();
    assert_eq!(server.redeem_over(APP, None, &code).await.outcome(), INVALID_REQUEST);
    assert_eq!(
        server.redeem_with(APP, &StubVerifier::proof("A"), &code).await.outcome(),
        INVALID_REQUEST,
        "a proof is none"
    );
    assert!(server.store().snapshot() == before, "a refusal wrote");
    let reply = server.redeem_over(APP, Some(&own), &code).await;
    // Section 3: such tokens are presented as Bearer ones, over the certificate.
    assert_eq!(reply.text("token_type"), "Bearer");
    let tokens = reply.tokens();
    let active = server.introspect(AUDITOR, &tokens.access).await;
    assert_eq!((&active.json["cnf"], active.text("token_type")), (&json!({ "x5t#S256": THUMBPRINT }), "Bearer"));
    assert_eq!(server.refresh(APP, &tokens.refresh).await.outcome(), INVALID_REQUEST);
    let metadata = server.document(Endpoint::Metadata).await.json;
    assert_eq!(metadata["tls_client_certificate_bound_access_tokens"], true, "section 3.3");
}

// Section 7.1: client authentication binds the refresh token, so certificates can be renewed.
#[tokio::test]
async fn a_confidential_client_may_renew_its_certificate() {
    let server = start(SenderConstraint::Certificate);
    let (old, new) = (certificate(PEM), certificate(OTHER_PEM));
    let first = server.redeem_over(APP, Some(&old), &server.code(APP).await).await.tokens();
    let second = server.refresh_over(APP, Some(&new), &first.refresh).await.tokens();
    let told = server.introspect(AUDITOR, &second.access).await.json["cnf"]["x5t#S256"].clone();
    assert!(told.is_string() && told != THUMBPRINT);
    // The retry over the old connection gets a token for that one, and the same refresh token.
    let again = server.refresh_over(APP, Some(&old), &first.refresh).await.tokens();
    assert_eq!(again.refresh, second.refresh);
    assert_eq!(server.introspect(AUDITOR, &again.access).await.json["cnf"], json!({ "x5t#S256": THUMBPRINT }));
}

// Section 4.
#[tokio::test]
async fn a_public_clients_refresh_token_is_bound_to_its_certificate() {
    for constraint in [SenderConstraint::Certificate, SenderConstraint::Either] {
        let server = start(constraint);
        let (own, other) = (certificate(PEM), certificate(OTHER_PEM));
        let first = server.redeem_over(SPA, Some(&own), &server.code(SPA).await).await.tokens();
        let before = server.store().snapshot();
        assert_eq!(server.refresh_over(SPA, Some(&other), &first.refresh).await.outcome(), INVALID_GRANT);
        assert!([400].contains(&server.refresh(SPA, &first.refresh).await.status()));
        assert!(server.store().snapshot() == before);
        let second = server.refresh_over(SPA, Some(&own), &first.refresh).await.tokens();
        assert_eq!(server.refresh_over(SPA, Some(&other), &first.refresh).await.outcome(), INVALID_GRANT, "in grace");
        assert_eq!(server.refresh_over(SPA, Some(&own), &first.refresh).await.tokens(), second, "the retry");
        // The binding outlives the policy that asked for it.
        let relaxed = server.restarted(|config| config.policy(Policy::default()));
        assert_eq!(relaxed.refresh_over(SPA, None, &second.refresh).await.outcome(), INVALID_GRANT);
        assert_eq!(relaxed.refresh_over(SPA, Some(&own), &second.refresh).await.status(), 200);
    }
}

#[tokio::test]
async fn where_either_will_do_a_proof_goes_before_a_certificate() {
    let server = start(SenderConstraint::Either);
    let own = certificate(PEM);
    let client_credentials = [("grant_type", "client_credentials")];
    let proof = StubVerifier::proof("A");
    let headers = [("DPoP", proof.as_bytes())];
    let both = server.post_with(Endpoint::Token, APP, &client_credentials, &headers, Some(&own)).await;
    assert_eq!(both.text("token_type"), "DPoP");
    let over = server.post_with(Endpoint::Token, APP, &client_credentials, &[], Some(&own)).await;
    assert_eq!(
        server.introspect(AUDITOR, over.text("access_token")).await.json["cnf"],
        json!({ "x5t#S256": THUMBPRINT })
    );
    assert_eq!(server.token(APP, &client_credentials).await.outcome(), (400, "invalid_dpop_proof"));
    // Without a verifier a proof is nothing, and must not stand in for a certificate.
    let server = Config::default().policy(policy(SenderConstraint::Either)).start();
    let reply = server.token_with(APP, &StubVerifier::proof("A"), &client_credentials).await;
    assert_eq!(reply.outcome(), (400, "invalid_dpop_proof"));
}

#[tokio::test]
async fn a_client_that_is_bound_to_its_certificate_may_add_proofs() {
    let server = start(SenderConstraint::Either);
    let own = certificate(PEM);
    let tokens = server.redeem_over(SPA, Some(&own), &server.code(SPA).await).await.tokens();
    let proof = StubVerifier::proof("A");
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", tokens.refresh.as_str())];
    let headers = [("DPoP", proof.as_bytes())];
    let reply = server.post_with(Endpoint::Token, SPA, &refresh, &headers, Some(&own)).await;
    assert_eq!(reply.status(), 200, "{reply:?}");
}

#[tokio::test]
async fn a_certificate_binds_nothing_unless_the_policy_says_so() {
    let server = start(SenderConstraint::Optional);
    let own = certificate(PEM);
    for auth in [APP, SPA] {
        let tokens = server.redeem_over(auth, Some(&own), &server.code(auth).await).await.tokens();
        assert_eq!(server.introspect(AUDITOR, &tokens.access).await.json.get("cnf"), None);
        assert_eq!(server.refresh(auth, &tokens.refresh).await.status(), 200, "{auth:?}");
    }
    assert_eq!(server.document(Endpoint::Metadata).await.json.get("tls_client_certificate_bound_access_tokens"), None);
}

fn escaped(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

/// AWS leaves `+`, `=` and `/` as they are.
fn escaped_by_aws(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'+' | b'=' | b'/' => char::from(byte).to_string(),
            _ => escaped(&char::from(byte).to_string()),
        })
        .collect()
}

fn named(endpoints: Endpoints<fixtures::WatchedStore>) -> Endpoints<fixtures::WatchedStore> {
    endpoints.with_certificate_header(CertificateHeader::named("x-cert"))
}

fn rfc_9440(endpoints: Endpoints<fixtures::WatchedStore>) -> Endpoints<fixtures::WatchedStore> {
    endpoints.with_certificate_header(CertificateHeader::rfc_9440())
}

fn xfcc(endpoints: Endpoints<fixtures::WatchedStore>) -> Endpoints<fixtures::WatchedStore> {
    endpoints.with_certificate_header(CertificateHeader::x_forwarded_client_cert())
}

type Shape = fn(Endpoints<fixtures::WatchedStore>) -> Endpoints<fixtures::WatchedStore>;

fn behind(shape: Shape) -> Server {
    Config { endpoints: shape, ..Config::default() }.policy(policy(SenderConstraint::Certificate)).start()
}

/// Returns the thumbprint of the certificate that the server reads.
async fn thumbprint(server: &Server, headers: &[(&str, &[u8])]) -> Result<String, (u16, String)> {
    let client_credentials = [("grant_type", "client_credentials")];
    let reply = server.post_with(Endpoint::Token, APP, &client_credentials, headers, None).await;
    if reply.status() != 200 {
        return Err((reply.status(), reply.text("error_description").to_owned()));
    }
    let active = server.introspect(AUDITOR, reply.text("access_token")).await;
    Ok(active.json["cnf"]["x5t#S256"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_certificate_comes_through_every_common_proxy() {
    let own = base64(PEM);
    let xfcc_of = |fields: &str| fields.replace('@', &escaped(PEM));
    let forms: Vec<(&str, Shape, &str, String)> = vec![
        ("RFC 9440", rfc_9440, "Client-Cert", format!(":{own}:")),
        ("nginx, $ssl_client_escaped_cert", named, "X-Cert", escaped(PEM)),
        ("nginx, $ssl_client_cert in one line", named, "X-Cert", PEM.replace('\n', "\t")),
        ("Apache, %{SSL_CLIENT_CERT}s", named, "X-Cert", PEM.replace('\n', " ")),
        ("HAProxy, ssl_c_der,base64", named, "X-Cert", own.clone()),
        ("without padding", named, "X-Cert", STANDARD_NO_PAD.encode(STANDARD.decode(&own).unwrap())),
        ("AWS, verify", named, "X-Cert", escaped_by_aws(PEM)),
        ("Traefik", named, "X-Cert", own.clone()),
        ("Traefik 2, escaped", named, "X-Cert", escaped(&own)),
        ("lower-case escapes", named, "X-Cert", lower_escapes(PEM)),
        ("a chain, the client's first", named, "X-Cert", escaped(&format!("{PEM}{OTHER_PEM}"))),
        (
            "Envoy",
            xfcc,
            "X-Forwarded-Client-Cert",
            xfcc_of("Hash=468ed33be74eee6556d90c0149c1309e9ba61d6425303443c0748a02dd8de688;Cert=\"@\""),
        ),
        ("the certificate alone", xfcc, "X-Forwarded-Client-Cert", xfcc_of("Cert=\"@\"")),
        (
            "Istio",
            xfcc,
            "X-Forwarded-Client-Cert",
            xfcc_of("By=spiffe://a/ns/b/sa/c;Hash=46;Cert=\"@\";Subject=\"O=Example\\, Inc.,CN=app\";URI=spiffe://x"),
        ),
        (
            "a subject that says it were one",
            xfcc,
            "X-Forwarded-Client-Cert",
            format!("Subject=\"CN=x;Cert={}\";Cert=\"{}\"", escaped(OTHER_PEM), escaped(PEM)),
        ),
        (
            "a subject with quotes",
            xfcc,
            "X-Forwarded-Client-Cert",
            format!("Subject=\"CN=\\\";Cert={};\\\"\";Cert=\"{}\"", escaped(OTHER_PEM), escaped(PEM)),
        ),
    ];
    for (name, shape, header, value) in forms {
        let server = behind(shape);
        assert_eq!(
            thumbprint(&server, &[(header, value.as_bytes())]).await.as_deref(),
            Ok(THUMBPRINT),
            "{name}: {value}"
        );
    }
}

fn lower_escapes(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02x}") })
        .collect()
}

// A header that is not what the configured proxy sends may be the client's own.
#[tokio::test]
async fn a_header_that_is_no_certificate_is_refused() {
    let own = base64(PEM);
    let good = escaped(PEM);
    let cases: Vec<(&str, Shape, &str, Vec<Vec<u8>>)> = vec![
        ("garbage", named, "x-cert", vec![b"garbage!".to_vec()]),
        ("base64 of something else", named, "x-cert", vec![STANDARD.encode("not a certificate").into_bytes()]),
        ("blank", named, "x-cert", vec![b" ".to_vec()]),
        ("not UTF-8", named, "x-cert", vec![b"\xff".to_vec()]),
        ("broken escape", named, "x-cert", vec![format!("{good}%2").into_bytes()]),
        ("escape with a sign", named, "x-cert", vec![good.replacen("%2D", "%+D", 1).into_bytes()]),
        ("no end", named, "x-cert", vec![escaped(PEM.split("-----END").next().unwrap()).into_bytes()]),
        (
            "another kind of PEM",
            named,
            "x-cert",
            vec![escaped(&PEM.replace("CERTIFICATE", "PRIVATE KEY")).into_bytes()],
        ),
        ("text before", named, "x-cert", vec![escaped(&format!("x{PEM}")).into_bytes()]),
        ("twice", named, "x-cert", vec![good.clone().into_bytes(), good.clone().into_bytes()]),
        ("twice, the first one empty", named, "x-cert", vec![Vec::new(), good.clone().into_bytes()]),
        ("two in one", named, "x-cert", vec![format!("{own},{own}").into_bytes()]),
        ("Envoy's where another is configured", named, "x-cert", vec![format!("Cert=\"{good}\"").into_bytes()]),
        (
            "two elements",
            xfcc,
            "x-forwarded-client-cert",
            vec![format!("Cert=\"{good}\",Cert=\"{good}\"").into_bytes()],
        ),
        (
            "an element of the client's before",
            xfcc,
            "x-forwarded-client-cert",
            vec![format!("By=x,Cert=\"{good}\"").into_bytes()],
        ),
        ("no such field", xfcc, "x-forwarded-client-cert", vec![b"Hash=46;Subject=\"CN=x\"".to_vec()]),
        (
            "only in the subject",
            xfcc,
            "x-forwarded-client-cert",
            vec![format!("Hash=46;Subject=\"CN=x;Cert={good}\"").into_bytes()],
        ),
        ("RFC 9440 with something else", rfc_9440, "client-cert", vec![b":AAAA:".to_vec()]),
    ];
    for (name, shape, header, values) in cases {
        let server = behind(shape);
        let headers: Vec<(&str, &[u8])> = values.iter().map(|value| (header, value.as_slice())).collect();
        let refused = Err((400, "The client certificate is malformed.".to_owned()));
        assert_eq!(thumbprint(&server, &headers).await, refused, "{name}");
        // At every endpoint, since a certificate may be the client's credential.
        for endpoint in [Endpoint::Revocation, Endpoint::Introspection] {
            let reply = server.post_with(endpoint, APP, &[("token", "x")], &headers, None).await;
            assert_eq!(reply.outcome(), INVALID_REQUEST, "{name}");
        }
    }
}

#[tokio::test]
async fn a_connection_without_a_certificate_has_none() {
    let server = behind(named);
    let missing = Err((400, regrant::event::ErrorCode::InvalidRequest.description().to_owned()));
    for value in [None, Some(""), Some("(null)")] {
        let header = value.map(|value| ("x-cert", value.as_bytes()));
        assert_eq!(thumbprint(&server, header.as_slice()).await, missing, "{value:?}");
    }
    // A header that is not configured comes from the client.
    let server = start(SenderConstraint::Certificate);
    let own = format!(":{}:", base64(PEM));
    for header in ["client-cert", "x-cert", "x-forwarded-client-cert", "ssl-client-cert"] {
        assert_eq!(thumbprint(&server, &[(header, own.as_bytes())]).await, missing, "{header}");
    }
}

// Between a proxy and the server there may be mutual TLS too: its certificate is the same for all clients.
#[tokio::test]
async fn behind_a_proxy_the_certificate_of_the_connection_is_the_proxys() {
    let server = behind(named);
    let proxy = certificate(OTHER_PEM);
    let client_credentials = [("grant_type", "client_credentials")];
    let reply = server.post_with(Endpoint::Token, APP, &client_credentials, &[], Some(&proxy)).await;
    assert_eq!(reply.outcome(), INVALID_REQUEST);
    let value = escaped(PEM);
    let headers = [("x-cert", value.as_bytes())];
    let reply = server.post_with(Endpoint::Token, APP, &client_credentials, &headers, Some(&proxy)).await;
    let active = server.introspect(AUDITOR, reply.text("access_token")).await;
    assert_eq!(active.json["cnf"], json!({ "x5t#S256": THUMBPRINT }));
}
