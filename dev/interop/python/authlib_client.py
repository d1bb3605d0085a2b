"""Authlib (PyPI): OAuth2Session on requests, and its validator for JWT access tokens."""

import requests
from authlib.common.security import generate_token
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import AssertionSession, OAuth2Session
from authlib.oauth2.rfc7523 import ClientSecretJWT, PrivateKeyJWT
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator
from authlib.oidc.core import CodeIDToken
from authlib.oidc.discovery import OpenIDProviderMetadata
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OKPKey

from demo import NATIVE_CALLBACK, WEB_CALLBACK, address, advance, allow, allow_device, metadata, ok, run, signing_key


class Client:
    """One client at the server."""

    def __init__(self, client_id, secret=None, redirect_uri=WEB_CALLBACK, scope="read write", **options):
        self.server = AuthorizationServerMetadata(metadata("oauth-authorization-server"))
        self.server.validate()
        self.session = OAuth2Session(
            client_id,
            secret,
            redirect_uri=redirect_uri,
            scope=scope,
            code_challenge_method="S256",
            token_endpoint=self.server["token_endpoint"],
            **options,
        )

    def sign_in(self, **parameters):
        """Code and PKCE; the library checks the state."""
        verifier = generate_token(48)
        endpoint = self.server["authorization_endpoint"]
        link, state = self.session.create_authorization_url(endpoint, code_verifier=verifier, **parameters)
        answer = allow(link)
        return self.session.fetch_token(authorization_response=answer, state=state, code_verifier=verifier)

    def refresh(self, token, **parameters):
        return self.session.refresh_token(refresh_token=token, **parameters)

    def introspect(self, token):
        answer = self.session.introspect_token(self.server["introspection_endpoint"], token=token)
        answer.raise_for_status()
        return answer.json()

    def revoke(self, token):
        self.session.revoke_token(self.server["revocation_endpoint"], token=token).raise_for_status()


def refused(error, call):
    try:
        call()
    except OAuthError as refusal:
        assert refusal.error == error, refusal
    else:
        raise AssertionError(f"not refused as {error}")


def live_and_die(client):
    first = client.sign_in()
    assert (first["token_type"], first["expires_in"], first["scope"]) == ("Bearer", 3600, "read write"), first
    ok("code and PKCE give tokens")

    second = client.refresh(first["refresh_token"])
    assert second["refresh_token"] != first["refresh_token"]
    ok("a refresh rotates")

    again = client.refresh(first["refresh_token"])
    assert (again["access_token"], again["refresh_token"]) == (second["access_token"], second["refresh_token"])
    ok("a lost response is answered again with the same tokens")

    narrowed = client.refresh(second["refresh_token"], scope="read")
    assert narrowed["scope"] == "read"
    refused("invalid_scope", lambda: client.refresh(narrowed["refresh_token"], scope="admin"))
    full = client.refresh(narrowed["refresh_token"])
    assert full["scope"] == "read write"
    ok("a refresh narrows the access token alone")

    active = client.introspect(narrowed["access_token"])
    assert (active["active"], active["scope"], active["sub"]) == (True, "read", "demo")
    ok("introspection knows the access token")

    client.revoke(full["refresh_token"])
    assert client.introspect(full["access_token"]) == {"active": False}
    refused("invalid_grant", lambda: client.refresh(full["refresh_token"]))
    ok("revocation ends the grant and its access tokens")


def lifecycle():
    live_and_die(Client("web", "web-secret"))


def public_client():
    client = Client("native", redirect_uri=NATIVE_CALLBACK)
    first = client.sign_in()
    second = client.refresh(first["refresh_token"])
    client.revoke(second["refresh_token"])
    refused("invalid_grant", lambda: client.refresh(second["refresh_token"]))
    ok("a public client refreshes and revokes")


def client_credentials():
    token = Client("service", "service-secret", scope="read").session.fetch_token()
    assert token["scope"] == "read"
    assert "refresh_token" not in token
    ok("client_credentials give an access token alone")


def client_secrets():
    method = "client_secret_post"
    live_and_die(
        Client(
            "web-post",
            "web-post-secret",
            token_endpoint_auth_method=method,
            revocation_endpoint_auth_method=method,
        )
    )
    refused("invalid_client", Client("service", "wrong").session.fetch_token)
    ok("a wrong secret is invalid_client")


def password():
    client = Client("legacy", "legacy-secret")
    token = client.session.fetch_token(username="demo", password="changeit")
    client.refresh(token["refresh_token"])
    ok("password gives tokens that refresh")


def private_key_jwt():
    for alg, kind in (("ES256", ECKey), ("EdDSA", OKPKey)):
        jwk = signing_key(alg)
        assertion(Client("web-key", kind.import_key(jwk)), PrivateKeyJWT(headers={"kid": jwk["kid"]}, alg=alg))
        ok(f"private_key_jwt, {alg}")


def client_secret_jwt():
    assertion(Client("web-secret-jwt", "web-secret-jwt-secret-of-32-bytes"), ClientSecretJWT())


def assertion(client, method):
    """The audience is the endpoint that is asked."""
    client.session.register_client_auth_method(method)
    client.session.token_endpoint_auth_method = method.name
    client.session.revocation_endpoint_auth_method = method.name
    live_and_die(client)


def id_token():
    server = metadata("openid-configuration")
    algorithms = server["id_token_signing_alg_values_supported"]
    OpenIDProviderMetadata(server).validate()
    keys = KeySet.import_key_set(requests.get(server["jwks_uri"], timeout=10).json())

    def claims_of(token, nonce=None):
        decoded = jwt.decode(token["id_token"], keys, algorithms=algorithms)
        expected = {"nonce": nonce, "client_id": "web", "access_token": token["access_token"]}
        issued_by = {"iss": {"values": [address()]}, "aud": {"values": ["web"]}}
        claims = CodeIDToken(decoded.claims, decoded.header, issued_by, expected)
        claims.validate(leeway=10)
        return claims

    client = Client("web", "web-secret", scope="openid read")
    nonce = generate_token()
    first = client.sign_in(nonce=nonce)
    signed_in = claims_of(first, nonce)
    assert (signed_in["sub"], signed_in["amr"]) == ("demo", ["pwd"])
    ok("the id_token has the nonce and a signature by the published keys")

    second = client.refresh(first["refresh_token"])
    refreshed = claims_of(second)
    assert (refreshed["sub"], refreshed["auth_time"]) == (signed_in["sub"], signed_in["auth_time"])
    ok("a refresh gives another one, of the same sign-in")

    assert "id_token" not in client.refresh(second["refresh_token"], scope="read")
    ok("without openid there is none")


def device():
    server = metadata("oauth-authorization-server")
    client = Client("tv", scope="read")
    begun = requests.post(
        server["device_authorization_endpoint"], data={"client_id": "tv", "scope": "read"}, timeout=10
    ).json()

    def poll():
        advance("10s")
        grant_type = "urn:ietf:params:oauth:grant-type:device_code"
        return client.session.fetch_token(grant_type=grant_type, device_code=begun["device_code"])

    refused("authorization_pending", poll)
    allow_device(begun)
    client.refresh(poll()["refresh_token"])
    ok("polling gets authorization_pending, and then tokens that refresh")


def token_exchange():
    subject = Client("web", "web-secret").sign_in()
    exchanged = Client("exchanger", "exchanger-secret", scope="read").session.fetch_token(
        grant_type="urn:ietf:params:oauth:grant-type:token-exchange",
        subject_token=subject["access_token"],
        subject_token_type="urn:ietf:params:oauth:token-type:access_token",
    )
    assert exchanged["issued_token_type"] == "urn:ietf:params:oauth:token-type:access_token"
    assert exchanged["scope"] == "read"
    assert "refresh_token" not in exchanged
    ok("an access token is exchanged for a narrower one")


def jwt_bearer():
    server = metadata("oauth-authorization-server")
    jwk = signing_key("ES256")
    session = AssertionSession(
        server["token_endpoint"],
        issuer="https://idp.example",
        subject="demo",
        audience=address(),
        scope="read",
        client_id="robot",
        key=ECKey.import_key(jwk),
        header={"alg": "ES256", "kid": jwk["kid"]},
    )
    token = session.refresh_token()
    assert token["scope"] == "read"
    assert "refresh_token" not in token
    ok("the assertion of a trusted issuer gives an access token alone")


def jwt_access_token():
    client = Client("web-jwt", "web-jwt-secret")
    token = client.sign_in(resource="https://api.example")

    class Validator(JWTBearerTokenValidator):
        def get_jwks(self):
            return KeySet.import_key_set(requests.get(client.server["jwks_uri"], timeout=10).json())

    validator = Validator(issuer=address(), resource_server="https://api.example")
    claims = validator.authenticate_token(token["access_token"])
    validator.validate_token(claims, ["read"], None)
    assert (claims["sub"], claims["client_id"]) == ("demo", "web-jwt")
    ok("the access token is a JWT of RFC 9068")


run(
    lifecycle,
    public_client,
    client_credentials,
    client_secrets,
    password,
    private_key_jwt,
    client_secret_jwt,
    id_token,
    device,
    token_exchange,
    jwt_bearer,
    jwt_access_token,
)
