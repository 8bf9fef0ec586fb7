"""Keys: how they are made, whose they are, and where in a request they stand."""

import hmac

import pytest

from seawall.callers import keys
from seawall.callers.keys import KeyRing, digest, key_of, new_key


def test_a_new_key_is_long_random_and_safe_to_copy():
    """32 bytes in base 62 after `sw-`, always as long, never twice."""
    made = {new_key() for _ in range(500)}
    assert len(made) == 500
    assert {len(key) for key in made} == {46}
    assert all(key.startswith("sw-") and key[3:].isalnum() and key.isascii() for key in made)
    assert len({key[3] for key in made}) > 5


def test_a_small_number_keeps_its_zeros(monkeypatch: pytest.MonkeyPatch):
    """The length tells nothing of the key."""
    monkeypatch.setattr(keys.secrets, "token_bytes", lambda count: bytes(count - 1) + b"\1")
    assert new_key() == "sw-" + "1" + "0" * 42


def test_a_key_finds_its_owner_and_nothing_else_does():
    """Whatever the bytes are; text outside ASCII raises nothing."""
    ring = KeyRing([(digest(b"sw-a"), "a"), (digest(b"sw-old"), "b"), (digest(b"sw-new"), "b")])
    assert [ring.find(key) for key in (b"sw-a", b"sw-old", b"sw-new")] == ["a", "b", "b"]
    for key in (
        b"",
        b"sw-b",
        b"SW-A",
        b"sw-a ",
        b"\xe9\xff",
        b"sw-a\0",
        digest(b"sw-a"),
        digest(b"sw-a").hex().encode(),
    ):
        assert ring.find(key) is None
    assert KeyRing().find(b"sw-a") is None


@pytest.mark.pure("replaces a module a function imports")
def test_every_lookup_compares_once(monkeypatch: pytest.MonkeyPatch):
    """An unknown key is compared with a dummy of the same length, in bytes (security.md 11)."""
    compared: list[tuple[bytes, bytes]] = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return hmac.compare_digest(one, other)

    ring = KeyRing([(digest(b"sw-a"), "a")])
    monkeypatch.setattr(keys, "hmac", type("Watched", (), {"compare_digest": staticmethod(compare)}))
    assert (ring.find(b"sw-a"), ring.find(b"sw-b"), ring.find(b"")) == ("a", None, None)
    assert [len(one) == len(other) == 32 for one, other in compared] == [True] * 3


@pytest.mark.parametrize(
    ("headers", "plain", "model"),
    [
        ([], None, None),
        ([("x-seawall-key", "k")], "k", "k"),
        ([("x-seawall-key", "")], None, None),
        ([("authorization", "Bearer k")], None, "k"),
        ([("authorization", "bearer  k ")], None, "k"),
        ([("authorization", "Bearer ")], None, None),
        ([("authorization", "Basic eA==")], None, "Basic eA=="),
        ([("x-api-key", "k")], None, "k"),
        ([("authorization", "Bearer "), ("x-api-key", "k")], None, "k"),
        ([("authorization", "Bearer a"), ("x-api-key", "b"), ("x-seawall-key", "c")], "c", "c"),
        ([("authorization", "Bearer a"), ("x-api-key", "b")], None, "a"),
        ([("x-seawall-key", "a"), ("x-seawall-key", "b")], "a, b", "a, b"),
        ([("x-api-key", "a"), ("x-api-key", "a")], None, "a, a"),
        ([("cookie", "k"), ("proxy-authorization", "Bearer k"), ("x-seawall-keys", "k")], None, None),
    ],
)
def test_where_a_request_holds_its_key(headers: list[tuple[str, str]], plain: str | None, model: str | None):
    """On plain mounts X-Seawall-Key alone; the other two belong to the upstream there."""
    sent = [(name.encode(), value.encode()) for name, value in headers]
    assert key_of(sent, model_route=False) == (None if plain is None else plain.encode())
    assert key_of(sent, model_route=True) == (None if model is None else model.encode())


def test_the_word_anonymous_is_no_key_where_sdks_insist_on_one():
    """On the language-model routes only, exactly that word, in either header; a real key beside it counts."""
    bearer, plain = [(b"authorization", b"Bearer anonymous")], [(b"x-api-key", b"anonymous")]
    assert key_of(bearer, model_route=True) is None
    assert key_of(plain, model_route=True) is None
    assert key_of([*bearer, (b"x-api-key", b"sw-1")], model_route=True) == b"sw-1"
    assert key_of([(b"authorization", b"Bearer Anonymous")], model_route=True) == b"Anonymous"
    assert key_of([(b"x-seawall-key", b"anonymous")], model_route=True) == b"anonymous"
