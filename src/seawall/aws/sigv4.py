"""AWS Signature Version 4 of one request's header (docs.aws.amazon.com, "Create a signed AWS API request"); pure."""

import hashlib
import hmac
import time
from collections.abc import Iterable
from urllib.parse import quote_from_bytes

from seawall.aws.credentials import Credentials
from seawall.contracts.body import Headers

__all__ = ["Signer", "canonical_path", "canonical_query"]

_DAY = 86400
_KEYS = 8
_UNCHANGED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/")


class Signer:
    """Signs requests to one service in one region; keeps the day's signing keys, so that a signature costs one HMAC.

    Args:
        region: such as `us-east-1`.
        service: the signing name, such as `bedrock`.
    """

    __slots__ = ("_keys", "_scope")

    def __init__(self, region: str, service: str) -> None:
        self._scope = f"{region}/{service}/aws4_request"
        self._keys: dict[tuple[str, str, int], bytes] = {}

    def sign(
        self,
        credentials: Credentials,
        now: float,
        method: bytes,
        target: bytes,
        host: bytes,
        body: bytes = b"",
        signed: Iterable[tuple[bytes, bytes]] = (),
    ) -> Headers:
        """Return the headers that make a request a signed one: `x-amz-date`, the token's, `authorization`.

        Args:
            credentials: whose signature.
            now: seconds since the epoch; AWS takes five minutes either way.
            method: upper case.
            target: path and query exactly as they are sent.
            host: the value of Host.
            body: whole.
            signed: further headers to sign, names in lower case, each exactly as it is sent.
        """
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
        added: Headers = [(b"x-amz-date", stamp.encode())]
        if credentials.token is not None:
            added.append((b"x-amz-security-token", credentials.token.reveal().encode()))
        fields = _fields([(b"host", host), *added, *signed])
        names = b";".join(fields)
        path, _, query = target.partition(b"?")
        request = b"\n".join(
            (
                method,
                canonical_path(path),
                canonical_query(query),
                *(b"%b:%b" % field for field in fields.items()),
                b"",
                names,
                hashlib.sha256(body).hexdigest().encode(),
            )
        )
        scope = f"{stamp[:8]}/{self._scope}"
        text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(request).hexdigest()}"
        signature = hmac.digest(self._key(credentials, stamp[:8], int(now // _DAY)), text.encode(), "sha256").hex()
        value = (
            f"AWS4-HMAC-SHA256 Credential={credentials.access_key}/{scope}, "
            f"SignedHeaders={names.decode('latin-1')}, Signature={signature}"
        )
        added.append((b"authorization", value.encode("latin-1")))
        return added

    def _key(self, credentials: Credentials, date: str, day: int) -> bytes:
        secret = credentials.secret_key.reveal()
        found = self._keys.get((credentials.access_key, secret, day))
        if found is None:
            found = f"AWS4{secret}".encode()
            for part in (date, *self._scope.split("/")):
                found = hmac.digest(found, part.encode(), "sha256")
            if len(self._keys) >= _KEYS:
                self._keys.clear()
            self._keys[credentials.access_key, secret, day] = found
        return found


def canonical_path(path: bytes) -> bytes:
    """Return a path as it is signed: dot segments and empty ones taken out, and encoded once more than it is sent."""
    parts: list[bytes] = []
    for part in path.split(b"/"):
        if part == b"..":
            del parts[-1:]
        elif part not in (b"", b"."):
            parts.append(part)
    ended = b"/" if path.endswith(b"/") and parts else b""
    whole = b"/" + b"/".join(parts) + ended
    return whole if _UNCHANGED.issuperset(whole) else quote_from_bytes(whole, safe="/~").encode()


def canonical_query(query: bytes) -> bytes:
    """Return a query as it is signed: by name, then value, as they are sent; each with its equals sign."""
    if not query:
        return b""
    pairs = sorted(pair.partition(b"=")[::2] for pair in query.split(b"&"))
    return b"&".join(b"%b=%b" % pair for pair in pairs)


def _fields(headers: Headers) -> dict[bytes, bytes]:
    """Return headers by name in order, the values of one name joined, blanks inside each made one."""
    fields: dict[bytes, bytes] = {}
    for name, value in sorted(headers, key=_name):
        value = b" ".join(value.split())
        fields[name] = b"%b,%b" % (fields[name], value) if name in fields else value
    return fields


def _name(header: tuple[bytes, bytes]) -> bytes:
    return header[0]
