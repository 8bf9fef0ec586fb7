"""A decision as Redis makes it: one Lua text that runs whole or not at all."""

from hashlib import sha1

__all__ = ["Script"]


class Script:
    """A Lua script, known to the server by its digest.

    Args:
        name: one word for metrics and notices.
        text: Lua 5.1. It must touch only keys it is given, and take the time from `TIME`, never from an argument:
            replicas' clocks differ.

    Attributes:
        digest: what `EVALSHA` calls it by.
    """

    __slots__ = ("digest", "name", "text")

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        self.digest = sha1(text.encode(), usedforsecurity=False).hexdigest()
