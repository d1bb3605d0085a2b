"""Authlib or oauthlib at the work of the part `process`: the bytes of a form in, the bytes of the JSON out.

    process.py authlib|oauthlib [--turn 0] [--grants 1000] [--calls 1000]

Both are frameworks: the host stores the tokens. Here a dictionary does. It keeps tokens in clear, hashes nothing, and
forgets spent tokens. The time is the CPU time of the process.
"""

import argparse
import json
import os
import random
import time
from urllib.parse import parse_qsl

# The interpreter answers bytes; TLS is for a proxy.
os.environ["AUTHLIB_INSECURE_TRANSPORT"] = os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"

SCOPE = "openid profile email offline_access"
SECRET = "hD3kq0vX7ZrYc2LmN8sTpWhD3kq0vX7Z"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Token:
    """One grant with its current tokens."""

    def __init__(self, owner):
        self.owner = owner
        self.client_id = "app"
        self.issued_at = time.time()
        self.expires_in = 3600
        self.refresh_token = self.access_token = None

    def is_expired(self):
        return time.time() >= self.issued_at + self.expires_in

    def is_revoked(self):
        return False

    def check_client(self, client):
        return client.client_id == self.client_id

    def get_scope(self):
        return SCOPE

    def facts(self):
        expires_at = int(self.issued_at) + self.expires_in
        facts = {"client_id": self.client_id, "scope": SCOPE, "sub": self.owner, "token_type": "Bearer"}
        return facts | {"exp": expires_at}


class Tokens:
    """The store."""

    def __init__(self):
        self.by_refresh, self.by_access = {}, {}

    def replace(self, token, refresh_token, access_token):
        self.by_refresh.pop(token.refresh_token, None)
        self.by_access.pop(token.access_token, None)
        token.refresh_token, token.access_token, token.issued_at = refresh_token, access_token, time.time()
        self.by_refresh[refresh_token] = self.by_access[access_token] = token


class Client:
    """The one client: public for refreshes, with a secret for introspections."""

    client_id = "app"

    def check_client_secret(self, secret):
        return secret == SECRET

    def check_endpoint_auth_method(self, method, endpoint):
        return True

    def check_grant_type(self, grant_type):
        return grant_type == "refresh_token"

    def get_allowed_scope(self, scope):
        return scope


def authlib(tokens):
    from authlib.common.security import generate_token
    from authlib.oauth2.rfc6749 import AuthorizationServer, OAuth2Request
    from authlib.oauth2.rfc6749.grants import RefreshTokenGrant
    from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
    from authlib.oauth2.rfc6750 import BearerTokenGenerator
    from authlib.oauth2.rfc7662 import IntrospectionEndpoint

    client = Client()

    class Request(OAuth2Request):
        def __init__(self, form):
            super().__init__("POST", "https://as.example/token", headers=FORM)
            self.values = dict(parse_qsl(form.decode()))
            self.payload = BasicOAuth2Payload(self.values)

        @property
        def args(self):
            return {}

        @property
        def form(self):
            return self.values

    class Server(AuthorizationServer):
        def query_client(self, client_id):
            return client if client_id == client.client_id else None

        def save_token(self, token, request):
            tokens.replace(request.refresh_token, token["refresh_token"], token["access_token"])

        def send_signal(self, name, *args, **kwargs):
            pass

        def create_oauth2_request(self, request):
            return request if isinstance(request, Request) else Request(request)

        def handle_response(self, status, body, headers):
            assert status == 200, body
            return json.dumps(body).encode()

    class Refresh(RefreshTokenGrant):
        TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_post", "none"]
        INCLUDE_NEW_REFRESH_TOKEN = True

        def authenticate_refresh_token(self, refresh_token):
            return tokens.by_refresh.get(refresh_token)

        def authenticate_user(self, token):
            return token.owner

        def revoke_old_credential(self, token):
            pass  # `save_token` replaced it

    class Introspection(IntrospectionEndpoint):
        CLIENT_AUTH_METHODS = ["client_secret_post"]

        def query_token(self, token, hint):
            return tokens.by_access.get(token)

        def check_permission(self, token, caller, request):
            return token.check_client(caller)

        def introspect_token(self, token):
            return token.facts()

    def text(**_):
        return generate_token(42)

    server = Server()
    server.register_token_generator("default", BearerTokenGenerator(text, text))
    server.register_grant(Refresh)
    server.register_endpoint(Introspection)
    return server.create_token_response, lambda form: server.create_endpoint_response("introspection", form)


def oauthlib(tokens):
    from oauthlib.oauth2 import LegacyApplicationServer, RequestValidator

    client = Client()

    class Validator(RequestValidator):
        def client_authentication_required(self, request, *args, **kwargs):
            return request.client_secret is not None or request.grant_type is None

        def authenticate_client(self, request, *args, **kwargs):
            request.client = client
            return client.check_client_secret(request.client_secret)

        def authenticate_client_id(self, client_id, request, *args, **kwargs):
            request.client = client
            return client_id == client.client_id

        def validate_grant_type(self, client_id, grant_type, client, request, *args, **kwargs):
            return client.check_grant_type(grant_type)

        def validate_refresh_token(self, refresh_token, client, request, *args, **kwargs):
            request.grant = tokens.by_refresh.get(refresh_token)
            return request.grant is not None and request.grant.check_client(client)

        def get_original_scopes(self, refresh_token, request, *args, **kwargs):
            return SCOPE

        def save_bearer_token(self, token, request, *args, **kwargs):
            tokens.replace(request.grant, token["refresh_token"], token["access_token"])

        def introspect_token(self, token, token_type_hint, request, *args, **kwargs):
            grant = tokens.by_access.get(token)
            return grant.facts() if grant and not grant.is_expired() else None

    server = LegacyApplicationServer(Validator())

    def answer(create):
        def call(form):
            _, body, status = create("https://as.example/token", http_method="POST", body=form.decode(), headers=FORM)
            assert status == 200, body
            return body.encode()

        return call

    return answer(server.create_token_response), answer(server.create_introspect_response)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("subject", choices=["authlib", "oauthlib"])
    options.add_argument("--turn", type=int, default=0)
    options.add_argument("--grants", type=int, default=1000)
    options.add_argument("--calls", type=int, default=1000)
    options = options.parse_args()

    tokens = Tokens()
    grants = [Token(f"user-{number}@example.com") for number in range(options.grants)]
    for number, grant in enumerate(grants):
        tokens.replace(grant, f"refresh-token-{number:028}", f"access-token-{number:029}")
    random.Random(1).shuffle(grants)
    refresh, introspect = {"authlib": authlib, "oauthlib": oauthlib}[options.subject](tokens)

    def refresh_form(grant):
        return b"grant_type=refresh_token&client_id=app&refresh_token=" + grant.refresh_token.encode()

    def introspect_form(grant):
        return f"client_id=app&client_secret={SECRET}&token={grant.access_token}".encode()

    for work, call, form in ("refresh-form", refresh, refresh_form), ("introspect-form", introspect, introspect_form):
        for measured in False, True:  # the first time warms up
            taken = 0
            for first in range(0, options.calls, options.grants):
                batch = grants[: options.calls - first]
                forms = [form(grant) for grant in batch]
                begin = time.process_time_ns()
                answers = [call(form) for form in forms]
                taken += time.process_time_ns() - begin
                for grant, answer in zip(batch, map(json.loads, answers)):
                    assert answer.get("refresh_token", grant.refresh_token) == grant.refresh_token
                    assert work == "refresh-form" or answer["active"] is True
        work, nanos = f"{work}/{options.grants}", f"{taken / options.calls:.0f}"
        print("python", work, options.subject, options.turn, nanos, "ns", sep="\t")


if __name__ == "__main__":
    main()
