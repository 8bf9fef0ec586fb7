"""The last step before anything is written: known secrets become `***` (security.md 10)."""

from collections.abc import Iterable
from urllib.parse import quote

import orjson

from seawall.contracts.secret import Secret

__all__ = ["Redactor"]

SHORTEST = 6  # a shorter text is no secret, and its letters stand in too many words


class Redactor:
    """Knows every secret in the forms in which it may be written: plain, inside JSON, percent-encoded.

    Args:
        secrets: those of the settings; shorter than six characters are left alone.
    """

    def __init__(self, secrets: Iterable[Secret] = ()) -> None:
        self._newest: frozenset[str] = frozenset()
        self._before: frozenset[str] = frozenset()
        self._learnt: frozenset[str] = frozenset()
        self.renew(secrets)

    def renew(self, secrets: Iterable[Secret]) -> None:
        """Know other secrets, and those before them still: calls under way end on the old settings."""
        self._before, self._newest = self._newest, frozenset(secret.reveal() for secret in secrets)
        self._bind()

    def learn(self, secrets: Iterable[Secret]) -> None:
        """Know secrets that stand in no settings, such as credentials that were found; those learnt before go."""
        self._learnt = frozenset(secret.reveal() for secret in secrets)
        self._bind()

    def _bind(self) -> None:
        texts = self._newest | self._before | self._learnt
        long = sorted((text for text in texts if len(text) >= SHORTEST), key=len, reverse=True)
        forms = dict.fromkeys(form for text in long for form in (text, quote(text, safe=""), quote(text)))
        self._texts = tuple(sorted(forms, key=len, reverse=True))
        encoded = dict.fromkeys(form for text in self._texts for form in (text.encode(), orjson.dumps(text)[1:-1]))
        self._bytes = tuple(sorted(encoded, key=len, reverse=True))

    def text(self, text: str) -> str:
        """Return `text` without secrets."""
        for secret in self._texts:
            if secret in text:
                text = text.replace(secret, "***")
        return text

    def line(self, line: bytes) -> bytes:
        """Return encoded text or JSON without secrets."""
        for secret in self._bytes:
            if secret in line:
                line = line.replace(secret, b"***")
        return line
