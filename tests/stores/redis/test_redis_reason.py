"""What a server's error says is one clause, whether it comes as Redis 6 wraps it or as later ones send it."""

import pytest
from redis.exceptions import OutOfMemoryError, ReadOnlyError, ResponseError

from seawall.stores.redis.reason import fatal, reason

_REPLICA, _FULL = "it is a replica, and the primary is needed", "its memory is full (maxmemory)"
_SIX = "Error running script (call to f_20b6b337ba4f6d1ecef53f8b410e3cf5fe9803dd): @user_script:1: "


@pytest.mark.parametrize(
    ("error", "said", "ends"),
    [
        (ReadOnlyError("You can't write against a read only replica."), _REPLICA, True),
        (OutOfMemoryError("command not allowed when used memory > 'maxmemory'."), _FULL, True),
        (ResponseError(_SIX + "@user_script: 1: -READONLY You can't write against a read only replica."),
         _REPLICA, True),
        (ResponseError(_SIX + "@user_script: 1: -OOM command not allowed when used memory > 'maxmemory'."),
         _FULL, True),
        (ResponseError(_SIX + "@user_script: 1: -MISCONF Redis is configured to save RDB snapshots"),
         "it answered MISCONF", True),
        (ResponseError(_SIX + "WRONGTYPE Operation against a key holding the wrong kind of value"),
         "it answered WRONGTYPE", False),
        (ResponseError("WRONGTYPE Operation against a key"), "it answered WRONGTYPE", False),
        (ResponseError(_SIX + "@user_script: 1: Unknown Redis command called from Lua script"),
         "it answered an error", False),
    ],
)  # fmt: skip
def test_a_refusal_is_told_alike_by_every_version(error: ResponseError, said: str, ends: bool):
    """Nothing of the key or the value stands in it; only what concerns the server itself makes it lost."""
    assert (reason(error), fatal(error)) == (said, ends)
