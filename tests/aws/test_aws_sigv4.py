"""Signature Version 4 against AWS's published vectors, botocore's signer and the AWS common runtime's."""

import datetime
from unittest.mock import patch

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as Theirs
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.aws.credentials import Credentials
from seawall.aws.sigv4 import Signer
from seawall.contracts.secret import Secret

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
TOKEN = "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267"
NOW = 1440938160.0  # 2015-08-30T12:36:00Z
LETTERS = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

# awslabs/aws-c-auth, tests/aws-signing-test-suite/v4: request line, headers signed, signature
VECTORS = {
    "get-vanilla-with-session-token": (
        "GET /", [], "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8"),
    "get-header-value-trim": (
        "GET /", [("my-header1", " value1"), ("my-header2", ' "a   b   c"')],
        "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"),
    "get-header-key-duplicate": (
        "GET /", [("my-header1", "value2"), ("my-header1", "value2"), ("my-header1", "value1")],
        "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"),
    "get-vanilla-query-order-key-case": (
        "GET /?Param2=value2&Param1=value1", [], "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"),
    "get-slash-dot-slash-normalized": (
        "GET /./", [], "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
    "get-slashes-normalized": (
        "GET //example//", [], "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"),
    "get-utf8": ("GET /\u1234", [], "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"),
    "get-vanilla-query-unreserved": (
        f"GET /?{LETTERS}={LETTERS}", [], "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197"),
    "post-x-www-form-urlencoded": (
        "POST /",
        [("content-type", "application/x-www-form-urlencoded"), ("content-length", "13"),
         ("x-amz-content-sha256", "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e")],
        "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b"),
}  # fmt: skip


@pytest.mark.parametrize("name", VECTORS)
def test_published_vectors(name):
    """Each signature AWS publishes is made from the request it publishes."""
    line, headers, signature = VECTORS[name]
    method, _, target = line.partition(" ")
    token = Secret(TOKEN) if name.endswith("session-token") else None
    added = Signer("us-east-1", "service").sign(
        Credentials("AKIDEXAMPLE", Secret(SECRET), token), NOW, method.encode(), target.encode(),
        b"example.amazonaws.com", b"Param1=value1" if method == "POST" else b"",
        [(name.encode(), value.encode()) for name, value in headers],
    )  # fmt: skip
    assert dict(added)[b"authorization"].decode().rpartition("=")[2] == signature


def theirs(access, secret, token, region, when, request):
    """Sign as botocore does; return its Authorization."""
    moment = datetime.datetime.fromtimestamp(when, datetime.UTC)
    with patch("botocore.auth.get_current_datetime", lambda *_, **__: moment):
        SigV4Auth(Theirs(access, secret, token), "bedrock", region).add_auth(request)
    return request.headers["Authorization"]


WORD = st.text("abcdefghijklmnopqrstuvwxyzABCXYZ0123456789-", min_size=1, max_size=20)
PATH = st.text("abAZ09/.~-_:%+=@!$&'()*,; ü", max_size=40).map(lambda text: "/" + text.replace("%", "%3A"))
QUERY = st.lists(st.tuples(st.text("abAZ09.~-_%", max_size=8), st.text("abAZ09.~-_:/", max_size=8)), max_size=4)
VALUE = st.text("abcABC019 ;=/,\t", max_size=30)


REQUESTS = st.fixed_dictionaries({
    "access": WORD, "secret": st.text("abAZ09+/=", min_size=1, max_size=40), "token": st.none() | WORD,
    "region": st.sampled_from(["us-east-1", "eu-central-1", "us-gov-west-1"]), "when": st.integers(0, 4_000_000_000),
    "method": st.sampled_from(["GET", "POST", "PUT"]), "path": PATH, "query": QUERY, "body": st.binary(max_size=200),
    "headers": st.dictionaries(WORD.map(lambda name: "x-" + name.lower()), VALUE, max_size=4),
})  # fmt: skip


def same(access, secret, token, region, when, method, path, query, body, headers):
    """Check that one request is signed as botocore's own signer signs it."""
    target = path + ("?" + "&".join(f"{name}={value}" for name, value in query) if query else "")
    for name in ("x-amz-date", "x-amz-security-token", "x-amz-content-sha256", "x-amzn-trace-id"):
        headers.pop(name, None)
    request = AWSRequest(method, f"https://bedrock.example{target}", dict(headers), body)
    added = Signer(region, "bedrock").sign(
        Credentials(access, Secret(secret), Secret(token) if token else None), float(when), method.encode(),
        target.encode(), b"bedrock.example", body, [(name.encode(), value.encode()) for name, value in headers.items()],
    )  # fmt: skip
    assert dict(added)[b"authorization"].decode() == theirs(access, secret, token, region, when, request)


@settings(max_examples=500, deadline=None)
@given(REQUESTS)
def test_the_same_as_botocore(request):
    """Random requests are signed as botocore's own signer signs them, character for character."""
    same(**request)


@pytest.mark.verify
@settings(max_examples=20_000, deadline=None)
@given(REQUESTS)
def test_the_same_as_botocore_over_many(request):
    """The same over 20,000 random requests."""
    same(**request)


def test_the_signing_key_follows_day_and_credentials():
    """One signer serves several days and several credentials, each with the key of its own, and keeps few."""
    signer = Signer("us-east-1", "bedrock")
    for number in range(40):
        access, secret, when = f"AK{number % 3}", f"s{number % 5}", 86400 * (number // 2)
        added = signer.sign(Credentials(access, Secret(secret)), when, b"GET", b"/", b"h")
        expected = theirs(access, secret, None, "us-east-1", when, AWSRequest("GET", "https://h/", {}, b""))
        assert dict(added)[b"authorization"].decode() == expected
    assert len(signer._keys) <= 8


def test_credentials_do_not_print():
    """Neither the secret key nor the token is in any text of credentials."""
    shown = repr(Credentials("AKIDEXAMPLE", Secret(SECRET), Secret(TOKEN), 1.0, "environment"))
    assert SECRET not in shown
    assert TOKEN not in shown
    assert "environment" in shown
