"""Flows of mozilla-django-oidc. The library has no refresh token: the server renews the session."""

import time

import django_project
from demo import AFTER_LOGOUT, RP, address, allow, end_session, log_out, metadata, ok, run


def end_of_session(request):
    """The link to the end of the session at the server, which the log-out of the library redirects to."""
    return end_session(request.session["oidc_id_token"])


def session():
    server = metadata("openid-configuration")
    django_project.start(
        "mozilla_django_oidc.urls",
        "oidc/",
        ["mozilla_django_oidc"],
        ["mozilla_django_oidc.auth.OIDCAuthenticationBackend"],
        MIDDLEWARE=["mozilla_django_oidc.middleware.SessionRefresh"],
        OIDC_RP_CLIENT_ID=RP[0],
        OIDC_RP_CLIENT_SECRET=RP[1],
        OIDC_RP_SIGN_ALGO="RS256",
        OIDC_OP_AUTHORIZATION_ENDPOINT=server["authorization_endpoint"],
        OIDC_OP_TOKEN_ENDPOINT=server["token_endpoint"],
        OIDC_OP_USER_ENDPOINT=server["userinfo_endpoint"],
        OIDC_OP_JWKS_ENDPOINT=server["jwks_uri"],
        OIDC_OP_LOGOUT_URL_METHOD=f"{__name__}.end_of_session",
        OIDC_STORE_ID_TOKEN=True,
        OIDC_USE_PKCE=True,
    )
    browser = django_project.browser()
    link = browser.get("/oidc/authenticate/").headers["location"]
    assert browser.get(allow(link)).headers["location"] == "/"
    user = browser.session["_auth_user_id"]
    ok("log-in with the default settings: RS256, and a user from the userinfo")

    kept = browser.session
    kept["oidc_id_token_expiration"] = time.time() - 1
    kept.save()
    link = browser.get("/").headers["location"]
    assert link.startswith(address()) and "prompt=none" in link, link
    browser.get(allow(link))
    assert browser.session["_auth_user_id"] == user
    assert browser.session["oidc_id_token_expiration"] > time.time()
    ok("the server renews the session, for the same user")

    link = browser.post("/oidc/logout/").headers["location"]
    assert log_out(link) == AFTER_LOGOUT
    assert "_auth_user_id" not in browser.session
    ok("log-out ends the session of both")


run(session)
