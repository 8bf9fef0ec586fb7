"""Why Redis cannot be asked, in words that hold nothing of its address, of keys or of values."""

import re
import ssl

from redis import exceptions
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    MasterDownError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
)

__all__ = ["NotPrimary", "fatal", "reason"]


_ALWAYS = (AuthenticationError, MasterDownError, NoPermissionError, OutOfMemoryError, ReadOnlyError)
_FATAL = ("READONLY", "OOM", "MISCONF", "MASTERDOWN", "NOREPLICAS", "CLUSTERDOWN", "BUSY")
_REPLICA = "it is a replica, and the primary is needed"
_FULL = "its memory is full (maxmemory)"
# Redis 6 wraps what a command inside a script was refused for, with or without a dash:
# "Error running script (call to f_…): @user_script:1: @user_script: 1: -READONLY You can't write …"
_WRAPPED = re.compile(r"@user_script: ?\d+: -?([A-Z]+) ")


class NotPrimary(Exception):
    """What answers is no primary that stands alone; the message says what it is."""


def fatal(error: Exception) -> bool:
    """Whether an error of the server is about itself, so that no other script would do better."""
    if not isinstance(error, ResponseError) or isinstance(error, _ALWAYS):
        return True
    return any(word in str(error) for word in _FATAL)


def reason(error: Exception) -> str:
    """Return one clause."""
    match error:
        case NotPrimary():
            return str(error)
        case AuthenticationError() if "NOAUTH" in str(error) or "Authentication required" in str(error):
            return "it needs a user or a password"
        case AuthenticationError():
            return "its user or password is wrong"
        case NoPermissionError():
            return "its user may not run scripts on keys that start with seawall:"
        case ReadOnlyError():
            return _REPLICA
        case OutOfMemoryError():
            return _FULL
        case BusyLoadingError():
            return "it is loading its data"
        case exceptions.TimeoutError() | TimeoutError():
            return "it did not answer in time"
        case ResponseError():
            code = _code(error)
            return {"READONLY": _REPLICA, "OOM": _FULL}.get(code, f"it answered {code}")
        case exceptions.ConnectionError() | OSError():
            return _broken(error)
    return f"of an unexpected {type(error).__name__}"


def _code(error: ResponseError) -> str:
    """Return the first word of an error, by convention its code; the rest may quote keys and values."""
    wrapped = _WRAPPED.findall(str(error))
    word = wrapped[-1] if wrapped else str(error).partition(" ")[0]
    return word if word.isascii() and word.isalpha() and word.isupper() else "an error"


def _broken(error: BaseException) -> str:
    found: BaseException | None = error
    while found is not None:
        if isinstance(found, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted: {found.verify_message}"
        if isinstance(found, ssl.SSLError):
            return "TLS with it failed"
        if isinstance(found, OSError) and found.strerror:
            return f"of the connection: {found.strerror}"
        found = found.__cause__ or found.__context__
    return "the connection was closed"
