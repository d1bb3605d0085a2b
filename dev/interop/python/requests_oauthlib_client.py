"""requests-oauthlib (PyPI), on oauthlib."""

import requests
from oauthlib.oauth2 import (
    BackendApplicationClient,
    DeviceClient,
    LegacyApplicationClient,
    OAuth2Error,
    WebApplicationClient,
)
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session

from demo import NATIVE_CALLBACK, WEB_CALLBACK, advance, allow, allow_device, metadata, ok, run


class Client:
    """One client at the server. The library asks for the authentication of each request but the first."""

    def __init__(self, client_id, secret=None, redirect_uri=WEB_CALLBACK, scope="read write"):
        self.server = metadata("oauth-authorization-server")
        self.client = WebApplicationClient(client_id)
        self.session = OAuth2Session(client=self.client, redirect_uri=redirect_uri, scope=scope.split(), pkce="S256")
        self.secret = secret
        self.auth = HTTPBasicAuth(client_id, secret) if secret else None
        self.parameters = {} if secret else {"client_id": client_id}

    def sign_in(self):
        """Code and PKCE; the library checks the state."""
        link, _ = self.session.authorization_url(self.server["authorization_endpoint"])
        return self.session.fetch_token(
            self.server["token_endpoint"],
            authorization_response=allow(link),
            client_secret=self.secret,
            # Without a secret it would send an empty one in a Basic header.
            include_client_id=None if self.secret else True,
        )

    def refresh(self, token, scope="read write"):
        # A scope other than the session's is an error to the library.
        self.session.scope = scope.split()
        endpoint = self.server["token_endpoint"]
        return self.session.refresh_token(endpoint, refresh_token=token, auth=self.auth, **self.parameters)

    def introspect(self, token):
        form = {"token": token, **self.parameters}
        endpoint = self.server["introspection_endpoint"]
        answer = self.session.post(endpoint, data=form, auth=self.auth, withhold_token=True)
        answer.raise_for_status()
        return answer.json()

    def revoke(self, token):
        url, headers, body = self.client.prepare_token_revocation_request(
            self.server["revocation_endpoint"], token, "refresh_token", **self.parameters
        )
        answer = self.session.post(url, data=body, headers=headers, auth=self.auth, withhold_token=True)
        answer.raise_for_status()


def refused(error, call):
    try:
        call()
    except OAuth2Error as refusal:
        assert refusal.error == error, refusal
    else:
        raise AssertionError(f"not refused as {error}")


def lifecycle():
    client = Client("web", "web-secret")
    first = client.sign_in()
    assert (first["token_type"], first["expires_in"], first["scope"]) == ("Bearer", 3600, ["read", "write"]), first
    ok("code and PKCE give tokens")

    second = client.refresh(first["refresh_token"])
    assert second["refresh_token"] != first["refresh_token"]
    ok("a refresh rotates")

    again = client.refresh(first["refresh_token"])
    assert (again["access_token"], again["refresh_token"]) == (second["access_token"], second["refresh_token"])
    ok("a lost response is answered again with the same tokens")

    narrowed = client.refresh(second["refresh_token"], "read")
    assert narrowed["scope"] == ["read"]
    refused("invalid_scope", lambda: client.refresh(narrowed["refresh_token"], "admin"))
    full = client.refresh(narrowed["refresh_token"])
    assert full["scope"] == ["read", "write"]
    ok("a refresh narrows the access token alone")

    active = client.introspect(narrowed["access_token"])
    assert (active["active"], active["scope"], active["sub"]) == (True, "read", "demo")
    ok("introspection knows the access token")

    client.revoke(full["refresh_token"])
    assert client.introspect(full["access_token"]) == {"active": False}
    refused("invalid_grant", lambda: client.refresh(full["refresh_token"]))
    ok("revocation ends the grant and its access tokens")


def public_client():
    client = Client("native", redirect_uri=NATIVE_CALLBACK)
    first = client.sign_in()
    second = client.refresh(first["refresh_token"])
    client.revoke(second["refresh_token"])
    refused("invalid_grant", lambda: client.refresh(second["refresh_token"]))
    ok("a public client refreshes and revokes")


def client_credentials():
    server = metadata("oauth-authorization-server")
    session = OAuth2Session(client=BackendApplicationClient("service", scope=["read"]))
    token = session.fetch_token(server["token_endpoint"], client_secret="service-secret")
    assert token["scope"] == ["read"]
    assert "refresh_token" not in token
    ok("client_credentials give an access token alone")

    refused("invalid_client", lambda: session.fetch_token(server["token_endpoint"], client_secret="wrong"))
    ok("a wrong secret is invalid_client")


def password():
    server = metadata("oauth-authorization-server")
    session = OAuth2Session(client=LegacyApplicationClient("legacy", scope=["read"]))
    token = session.fetch_token(
        server["token_endpoint"], username="demo", password="changeit", client_secret="legacy-secret"
    )
    assert token["refresh_token"]
    ok("password gives tokens")


def device():
    server = metadata("oauth-authorization-server")
    begun = requests.post(
        server["device_authorization_endpoint"], data={"client_id": "tv", "scope": "read"}, timeout=10
    ).json()
    session = OAuth2Session(client=DeviceClient("tv", scope=["read"]))

    def poll():
        advance("10s")
        return session.fetch_token(
            server["token_endpoint"], device_code=begun["device_code"], include_client_id=True
        )

    refused("authorization_pending", poll)
    allow_device(begun)
    assert poll()["refresh_token"]
    ok("polling gets authorization_pending, and then tokens")


run(lifecycle, public_client, client_credentials, password, device)
