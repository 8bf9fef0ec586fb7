"""What the server itself answers when it refuses: one shape, whatever the reason."""

from collections.abc import Callable

from seawall.contracts.errors import RequestBodyError
from seawall.contracts.problem import problem
from seawall.contracts.reply import Reply

__all__ = ["Refused", "closed", "instead", "refusal"]

_KINDS = {
    400: ("bad-request", "The request is not valid HTTP/1.1"),
    405: ("method-not-allowed", "This method is not served"),
    408: ("request-timeout", "The request took too long to arrive"),
    413: ("too-large", "The request body is too large"),
    414: ("too-large", "The request target is too long"),
    417: ("expectation-failed", "This expectation cannot be met"),
    431: ("too-large", "The request header is too large"),
    500: ("internal", "The gateway failed"),
    501: ("not-implemented", "This is not implemented"),
    503: ("saturated", "Too much is already under way"),
    505: ("version-not-supported", "Only HTTP/1.1 and HTTP/1.0 are served"),
}


class Refused(Exception):
    """A request is refused before any handler sees it.

    Attributes:
        status: one of the statuses above.
        detail: which rule was broken; holds nothing the client sent.
    """

    def __init__(self, status: int, detail: str) -> None:
        self.status = status
        self.detail = detail
        super().__init__(detail)


def refusal(status: int, detail: str = "") -> Reply:
    """Return the problem reply of a refusal."""
    kind, title = _KINDS[status]
    reply = problem(status, kind, title, detail)
    if status == 405:  # RFC 9110 section 15.5.6: Allow is required
        reply.headers.append((b"allow", b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"))
    return reply


def instead(error: Exception, report: Callable[[BaseException], None]) -> Reply:
    """Return the answer in place of the one that a handler did not give; `report` is told what nobody expected."""
    if isinstance(error, RequestBodyError):
        return refusal(error.status if error.status != 499 else 400, str(error))
    report(error)
    return refusal(500)


def closed(reply: Reply, report: Callable[[BaseException], None]) -> None:
    """Close a reply; what a closer raises is reported, since the answer is out already."""
    try:
        reply.close()
    except Exception as error:  # noqa: BLE001 - closers are others' code
        report(error)
