"""A Django project in one module, for the clients that are parts of Django."""

import sys
from types import ModuleType

import django
from django.conf import settings
from django.core.management import call_command
from django.urls import include, path


def start(urls: str, prefix: str, apps: list, backends: list, **more):
    """Starts the project with the pages of one client. The database is in memory."""
    routes = ModuleType("routes")
    sys.modules["routes"] = routes
    settings.configure(
        SECRET_KEY="a secret of the application",
        ALLOWED_HOSTS=["client.example"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", *apps],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            *more.pop("MIDDLEWARE", []),
        ],
        AUTHENTICATION_BACKENDS=backends,
        ROOT_URLCONF="routes",
        LOGIN_REDIRECT_URL="/",
        LOGOUT_REDIRECT_URL="/",
        USE_TZ=True,
        **more,
    )
    django.setup()
    routes.urlpatterns = [path("", lambda request: None), path(prefix, include(urls))]
    call_command("migrate", verbosity=0)


def browser():
    """A browser, whose requests need no socket."""
    from django.test import Client

    class Https(Client):
        def generic(self, *arguments, **keywords):
            return super().generic(*arguments, **{**keywords, "secure": True})

    return Https(SERVER_NAME="client.example")
