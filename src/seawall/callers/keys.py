"""Keys of callers: made, hashed, and looked up so that an answer's time tells nothing of them (security.md 11)."""

import hmac
import secrets
from collections.abc import Iterable
from hashlib import sha256
from typing import Generic, TypeVar

from seawall.contracts.body import Headers

__all__ = ["KeyRing", "digest", "key_of", "new_key"]

T = TypeVar("T")

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_BYTES = 32
_DIGITS = 43  # of 32 bytes in base 62
_DUMMY = bytes(32)
NO_KEY_WORD = b"anonymous"  # for programs that insist on a key where none is needed (decision 9)


def new_key() -> str:
    """Return a new key: `sw-` and 32 random bytes in base 62, always 46 characters."""
    number, digits = int.from_bytes(secrets.token_bytes(_BYTES)), []
    for _ in range(_DIGITS):
        number, digit = divmod(number, 62)
        digits.append(_ALPHABET[digit])
    return "sw-" + "".join(digits)


def digest(key: bytes) -> bytes:
    """Return what is kept of a key."""
    return sha256(key).digest()


class KeyRing(Generic[T]):
    """Whose a key is.

    Args:
        owners: digests of keys, each with whose it is.
    """

    __slots__ = ("_owners",)

    def __init__(self, owners: Iterable[tuple[bytes, T]] = ()) -> None:
        self._owners = {digest: (digest, owner) for digest, owner in owners}

    def find(self, key: bytes) -> T | None:
        """Return whose a key is, None nobody's; malformed and unknown ones take the same way."""
        return self.owner(digest(key))

    def owner(self, given: bytes) -> T | None:
        """Return whose the key with a digest is, None nobody's."""
        known, owner = self._owners.get(given) or (_DUMMY, None)
        return owner if hmac.compare_digest(given, known) else None

    def __len__(self) -> int:
        return len(self._owners)


def key_of(headers: Headers, model_route: bool) -> bytes | None:
    """Return the caller's key of a request, None where there is none.

    X-Seawall-Key goes first; on the language-model routes an Authorization follows, then x-api-key. Of one header that
    stands several times all values count, so that no key is found; an empty one is none. What is no `Bearer` is
    returned as it is, and is nobody's key. On those routes the word `anonymous` is no key.

    Args:
        headers: of the request.
        model_route: whether all three are a caller's key here, rather than X-Seawall-Key alone.
    """
    found = _value(headers, b"x-seawall-key")
    if found or not model_route:
        return found or None
    given = _value(headers, b"authorization")
    if given:
        scheme, _, token = given.partition(b" ")
        token = token.strip()
        if scheme.lower() != b"bearer":
            return given
        if token and token != NO_KEY_WORD:
            return token
    found = _value(headers, b"x-api-key")
    return found if found and found != NO_KEY_WORD else None


def _value(headers: Headers, name: bytes) -> bytes:
    found = b""
    for key, value in headers:
        if key == name:
            found = found + b", " + value if found else value
    return found
