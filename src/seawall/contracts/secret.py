"""A string that does not print."""

import hmac

__all__ = ["Secret"]


class Secret:
    """Holds a key or password; `repr`, `str`, `format` and JSON show `***`. Only `reveal` gives it out."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the text itself, at the one place that needs it."""
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return "***" if self._value else "''"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        # bytes, since compare_digest raises for text outside ASCII (security.md 11)
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash(("Secret", self._value))

    def __deepcopy__(self, memo: dict[int, object]) -> "Secret":
        return self  # immutable; copies of settings share it

    def __reduce__(self) -> str:
        raise TypeError("a Secret is not pickled")
