"""Flows of httpx-oauth, the client of FastAPI Users and others."""

import asyncio
import base64
import hashlib
import secrets
from urllib.parse import parse_qs, urlsplit

from httpx_oauth.clients.openid import OpenID
from httpx_oauth.oauth2 import RefreshTokenError

from demo import RP, WEB_CALLBACK, address, allow, assert_ended, assert_repeated, lose_response, ok, run


def session():
    asyncio.run(_session())


async def _session():
    client = OpenID(*RP, f"{address()}/.well-known/openid-configuration")
    verifier, state = secrets.token_urlsafe(40), secrets.token_urlsafe(16)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    link = await client.get_authorization_url(
        WEB_CALLBACK, state, scope=["openid", "email", "read"], code_challenge=challenge, code_challenge_method="S256"
    )
    answer = parse_qs(urlsplit(allow(link)).query)
    assert answer["state"] == [state]
    first = await client.get_access_token(answer["code"][0], WEB_CALLBACK, verifier)
    assert not first.is_expired()
    ok("code and PKCE give tokens")

    subject, _ = await client.get_id_email(first["access_token"])
    assert subject == "demo"
    ok("userinfo names the subject")

    lose_response()
    try:
        await client.refresh_token(first["refresh_token"])
        raise AssertionError("the response was not lost")
    except RefreshTokenError as error:
        assert error.response is None
    second = await client.refresh_token(first["refresh_token"])
    assert second["refresh_token"] == assert_repeated()["refresh_token"]
    ok("a refresh whose response was lost is repeated with the same answer")

    await client.revoke_token(second["refresh_token"], token_type_hint="refresh_token")
    try:
        await client.refresh_token(second["refresh_token"])
        raise AssertionError("the refresh token works after revocation")
    except RefreshTokenError as error:
        assert error.response.json()["error"] == "invalid_grant"
    assert_ended(second["refresh_token"])
    ok("revocation ends the refresh token")


run(session)
