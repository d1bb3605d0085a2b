"""The parts that all clients share: the address of the demo server, a signed-in user, and control of the clock."""

import json
import os
import sys
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import requests

WEB_CALLBACK = "https://client.example/callback"
NATIVE_CALLBACK = "http://127.0.0.1/callback"
# A relying party of OpenID Connect.
RP = ("rp", "rp-secret-of-more-than-16-characters")
AFTER_LOGOUT = "https://client.example/bye"

# The server is on loopback, without TLS.
os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"


def address() -> str:
    return sys.argv[2]


def run(*flows):
    """Runs the flow that the command line names; whatever it raises is the exit code."""
    {flow.__name__: flow for flow in flows}[sys.argv[1]]()


def ok(claim: str):
    """One line for what has just been shown."""
    print(f"ok: {claim}")


def metadata(document: str) -> dict:
    """The server's description of itself, `oauth-authorization-server` or `openid-configuration`."""
    answer = requests.get(f"{address()}/.well-known/{document}", timeout=10)
    answer.raise_for_status()
    assert answer.json()["issuer"] == address()
    return answer.json()


def allow(link: str) -> str:
    """The user follows a link to the authorization endpoint and allows what it asks; where the browser is sent then."""
    parts = urlsplit(link)
    answer = _decide(urlunsplit(parts._replace(query="")), dict(parse_qsl(parts.query)))
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def allow_device(begun: dict):
    """The user types the code that the device shows, and allows what it asks."""
    answer = _decide(begun["verification_uri"], {"user_code": begun["user_code"]})
    assert answer.ok, answer.text


def _decide(url: str, parameters: dict) -> requests.Response:
    credentials = {"X-OpenAM-Username": "demo", "X-OpenAM-Password": "changeit"}
    session = requests.post(f"{address()}/json/authenticate", headers=credentials, timeout=10).json()["tokenId"]
    form = {**parameters, "csrf": session, "decision": "allow"}
    cookies = {"iPlanetDirectoryPro": session}
    return requests.post(url, data=form, cookies=cookies, allow_redirects=False, timeout=10)


def log_out(link: str) -> str:
    """The user follows a link to the end of the session at the server; where the browser is sent then."""
    answer = requests.get(link, allow_redirects=False, timeout=10)
    assert answer.is_redirect, answer.text
    return answer.headers["location"]


def lose_response():
    """Cuts the connection of the next refresh, after the server has answered."""
    requests.post(f"{address()}/proxy/lose", timeout=10).raise_for_status()


def assert_repeated() -> dict:
    """Of two refreshes the first answer was lost. The client has sent the same token again, and has the same answer."""
    lost, repeated = requests.post(f"{address()}/proxy/refreshes", timeout=10).json()
    assert lost == repeated
    assert lost["status"] == 200
    assert lost["received"]["refresh_token"] != lost["sent"]
    return lost["received"]


def assert_ended(refresh_token: str):
    """The refresh token of a session that has ended."""
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    answer = requests.post(f"{address()}/oauth2/access_token", data=form, auth=RP, timeout=10)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def end_session(id_token: str) -> str:
    """The link that ends the session at the server."""
    parameters = {"id_token_hint": id_token, "post_logout_redirect_uri": AFTER_LOGOUT}
    return metadata("openid-configuration")["end_session_endpoint"] + "?" + urlencode(parameters)


def advance(span: str):
    """Moves the server's clock, by a span like `61s`."""
    requests.post(f"{address()}/dev/clock", data={"advance": span}, timeout=10).raise_for_status()


def signing_key(alg: str) -> dict:
    """The private JWK of `alg` that a client signs with; the server has its public half."""
    return json.loads((Path(__file__).parent.parent / "keys.json").read_text())[alg]
