"""A running gateway's management API, as commands ask it."""

import http.client
import os
from typing import Any
from urllib.parse import urlsplit

import orjson

__all__ = ["VARIABLE", "Remote", "RemoteError"]

VARIABLE = "SEAWALL_ADMIN_TOKEN"  # never an option: other users of the machine see those
_PATIENCE = 10.0
_LARGEST = 16 << 20


class RemoteError(Exception):
    """The gateway cannot be asked, or refused; the text says what to do."""


class Remote:
    """A gateway, asked over one connection a question; no proxy of the environment is used (security.md 4).

    Args:
        url: where it listens, `http://127.0.0.1:8080`.
        token: its admin token, `""` where it needs none.

    Raises:
        RemoteError: the address is no HTTP address.
    """

    def __init__(self, url: str, token: str | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise RemoteError("--url must be the gateway's address, for example http://127.0.0.1:8080")
        self._kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._host, self._port = parts.hostname, parts.port
        # every gateway has its own paths there; elsewhere an upstream mounted at "/" would get question and token
        self._base = parts.path.rstrip("/").removesuffix("/-") + "/-"
        self._where = f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "")
        self._token = os.environ.get(VARIABLE, "") if token is None else token

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """Ask, and return the answer as plain values, None where it has no body.

        Args:
            method: of HTTP.
            path: raw and encoded, such as `/api/v1/callers`.
            body: plain values, sent as JSON.

        Raises:
            RemoteError: there is no gateway, or it refused.
        """
        headers = {"Accept": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        data = None
        if body is not None:
            data, headers["Content-Type"] = orjson.dumps(body), "application/json"
        connection = self._kind(self._host, self._port, timeout=_PATIENCE)
        try:
            connection.request(method, self._base + path, data, headers)
            reply = connection.getresponse()
            text = reply.read(_LARGEST)
        except (OSError, http.client.HTTPException) as exc:
            said = f"No gateway answers at {self._where}: {exc}. Start it, or say where with --url."
            raise RemoteError(said) from exc
        finally:
            connection.close()
        return self._heard(reply.status, text)

    def _heard(self, status: int, text: bytes) -> Any:
        try:
            said = orjson.loads(text) if text else None
        except orjson.JSONDecodeError as exc:
            raise RemoteError(f"{self._where} is no Seawall: its answer ({status}) is not JSON.") from exc
        if status < 400:
            if said is None and status != 204:
                raise RemoteError(f"{self._where} is no Seawall: its answer ({status}) is empty.")
            return said
        detail = said.get("detail", "") if isinstance(said, dict) else ""
        if status == 401:
            raise RemoteError(f"The admin token is needed: set {VARIABLE} to the server.admin_token of the gateway.")
        raise RemoteError(f"The gateway refused ({status}): {detail}")
