"""What cannot be written as HTTP."""

from seawall.contracts.errors import Refusal

__all__ = ["InvalidRequest"]


class InvalidRequest(Refusal):
    """The request cannot be written as HTTP: a line break or NUL in a header, a blank in its path, foreign framing."""

    status_hint = 400
    type = "bad-request"
    title = "The request cannot be sent upstream as it is"
