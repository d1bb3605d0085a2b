"""Flows of idpyoidc, the library of the certified OpenID Connect test clients."""

from urllib.parse import parse_qsl, urlsplit

from cryptojwt.key_jar import KeyJar
from idpyoidc.client.rp_handler import RPHandler

from demo import AFTER_LOGOUT, RP, WEB_CALLBACK, address, allow, assert_ended, assert_repeated, log_out
from demo import lose_response, ok, run

SERVICES = {
    "discovery": "provider_info_discovery.ProviderInfoDiscovery",
    "registration": "registration.Registration",
    "authorization": "authorization.Authorization",
    "accesstoken": "access_token.AccessToken",
    "refresh_accesstoken": "refresh_access_token.RefreshAccessToken",
    "userinfo": "userinfo.UserInfo",
    "end_session": "end_session.EndSession",
}


def session():
    client_id, client_secret = RP
    configuration = {
        "issuer": address(),
        "client_id": client_id,
        "client_secret": client_secret,
        "client_type": "oidc",
        "httpc_params": {"verify": True},
        "client_authn_methods": ["client_secret_basic"],
        "redirect_uris": [WEB_CALLBACK],
        "post_logout_redirect_uris": [AFTER_LOGOUT],
        "preference": {
            "response_types_supported": ["code"],
            "scopes_supported": ["openid", "profile", "offline_access", "read"],
        },
        "add_ons": {
            "pkce": {
                "function": "idpyoidc.client.oauth2.add_on.pkce.add_support",
                "kwargs": {"code_challenge_length": 64, "code_challenge_method": "S256"},
            }
        },
        "services": {name: {"class": f"idpyoidc.client.oidc.{path}"} for name, path in SERVICES.items()},
    }
    # Without keys of its own, which it would write into the working folder.
    handler = RPHandler(
        "https://client.example",
        keyjar=KeyJar(),
        client_configs={"demo": configuration},
        httpc_params={"verify": True},
    )
    answer = dict(parse_qsl(urlsplit(allow(handler.begin("demo"))).query))
    first = handler.finalize(address(), answer)
    assert "error" not in first, first
    assert (first["userinfo"]["sub"], first["id_token"]["sub"]) == ("demo", "demo")
    ok("log-in with the default settings: discovery, RS256, and the userinfo")

    state = answer["state"]
    lose_response()
    try:
        handler.refresh_access_token(state)
        raise AssertionError("the response was not lost")
    except OSError:
        pass
    second = handler.refresh_access_token(state)
    assert second["refresh_token"] == assert_repeated()["refresh_token"]
    third = handler.refresh_access_token(state)
    assert third["refresh_token"] != second["refresh_token"]
    ok("a refresh whose response was lost is repeated with the same answer")

    link = handler.logout(state, post_logout_redirect_uri=AFTER_LOGOUT)["url"]
    assert urlsplit(log_out(link))._replace(query="").geturl() == AFTER_LOGOUT
    assert_ended(third["refresh_token"])
    ok("log-out at the server ends the refresh token")


run(session)
