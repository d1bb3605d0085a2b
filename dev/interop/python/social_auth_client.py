"""Flows of social-auth-core with its part for Django: the backend `oidc`, which knows the issuer alone."""

import django_project
from demo import AFTER_LOGOUT, RP, address, allow, assert_ended, assert_repeated, end_session, log_out
from demo import lose_response, ok, run


def session():
    django_project.start(
        "social_django.urls",
        "",
        ["social_django"],
        ["social_core.backends.open_id_connect.OpenIdConnectAuth"],
        SOCIAL_AUTH_OIDC_OIDC_ENDPOINT=address(),
        SOCIAL_AUTH_OIDC_KEY=RP[0],
        SOCIAL_AUTH_OIDC_SECRET=RP[1],
        SOCIAL_AUTH_OIDC_SCOPE=["offline_access", "read"],
    )
    from django.contrib.auth import get_user_model
    from social_core.exceptions import AuthProviderError
    from social_django.utils import load_strategy

    browser = django_project.browser()
    link = browser.post("/login/oidc/").headers["location"]
    assert browser.get(allow(link)).status_code == 302
    user = get_user_model().objects.get(pk=browser.session["_auth_user_id"])
    account = user.social_auth.get(provider="oidc")
    assert account.uid == "demo"
    ok("log-in with the default settings: RS256, and the userinfo")

    lose_response()
    try:
        account.refresh_token(load_strategy())
        raise AssertionError("the response was not lost")
    except AuthProviderError:
        pass
    account.refresh_token(load_strategy())
    second = assert_repeated()
    assert account.extra_data["refresh_token"] == second["refresh_token"]
    assert account.access_token == second["access_token"]
    ok("a refresh whose response was lost is repeated with the same answer")

    # The library has no log-out at the server: the application sends the user there.
    assert log_out(end_session(account.extra_data["id_token"])) == AFTER_LOGOUT
    assert_ended(second["refresh_token"])
    ok("log-out at the server ends the refresh token")


run(session)
