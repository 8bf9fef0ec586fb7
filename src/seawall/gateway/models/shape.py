"""What of a client's headers goes to a model's provider, and errors in the shape of the client's dialect."""

import orjson

from seawall.contracts.body import Headers
from seawall.contracts.reply import Reply
from seawall.gateway.headers import Actions, actions_for
from seawall.llm.refused import error_body
from seawall.llm.seam import Api

__all__ = ["ACTIONS", "OF_DIALECT", "passed", "shaped"]

ACTIONS: Actions = actions_for(())
OF_DIALECT = frozenset((b"anthropic-beta", b"anthropic-version", b"openai-beta"))
# Named, not guessed: everything else a client sends says who it is, which is not the provider's business.
_PASSED = OF_DIALECT | {b"idempotency-key", b"user-agent"}


def passed(headers: Headers) -> Headers:
    """Return the client's headers that go to a provider."""
    return [pair for pair in headers if pair[0] in _PASSED]


def shaped(reply: Reply, dialect: Api, param: str | None = None) -> Reply:
    """Return a problem of ours in the client's dialect.

    OpenAI's SDKs read the problem itself, whose `error` has their form; Anthropic's want a form of their own.

    Args:
        reply: a problem.
        dialect: of the client.
        param: the field at fault, or None.
    """
    body = reply.body
    if not isinstance(body, bytes) or reply.status < 400:
        return reply
    problem = orjson.loads(body)
    if dialect == "anthropic":
        reply.headers = [pair for pair in reply.headers if pair[0] != b"content-type"]
        reply.headers.append((b"content-type", b"application/json"))
        reply.body = error_body(dialect, reply.status, problem["detail"])
    elif param is not None:
        problem["error"]["param"] = param
        reply.body = orjson.dumps(problem)
    return reply
