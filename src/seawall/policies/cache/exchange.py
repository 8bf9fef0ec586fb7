"""Asking the upstream, with conditions where something is kept (RFC 9111 section 4.3)."""

from seawall.contracts.call import Call
from seawall.contracts.policy import Proceed
from seawall.contracts.reply import Reply
from seawall.policies.cache.entry import Entry
from seawall.policies.cache.key import Asked
from seawall.policies.cache.shelf import Shelf, Ticket, Verdict
from seawall.policies.cache.validation import selects, tags, unconditional, validating, weak_match

__all__ = ["Question", "exchange"]


class Question:
    """What the upstream is to be asked.

    Attributes:
        ticket: of the request.
        call: of the client.
        asked: what its headers say.
        old: the entry that may be good still, or None.
        keep: whether the request lets anything be kept.
        forward: the client's own conditions are passed on, where nothing is kept.
        once: a stale copy is given where it fails: neither sent again nor waited for.
    """

    __slots__ = ("asked", "call", "forward", "keep", "old", "once", "ticket")

    def __init__(
        self, ticket: Ticket, call: Call, asked: Asked, old: Entry | None, *, keep: bool = True, forward: bool = False,
        once: bool = False,
    ) -> None:  # fmt: skip
        self.ticket = ticket
        self.call = call
        self.asked = asked
        self.old = old
        self.keep = keep
        self.forward = forward
        self.once = once


async def exchange(question: Question, shelf: Shelf, proceed: Proceed) -> Verdict:
    """Ask, and judge the answer.

    A 304 that is about neither what is kept nor what the client has is no answer: it is asked again, without
    conditions (RFC 9111 section 4.3.3).

    Raises:
        CallError: there is no answer.
    """
    call, asked, old = question.call, question.asked, question.old
    call.run.once = question.once
    trial = call
    if old is not None:
        trial = call.fork()
        trial.headers = validating(call.headers, old, asked)
    elif asked.conditional and not question.forward:
        trial = call.fork()
        trial.headers = unconditional(call.headers)
    asked_at = shelf.now()
    reply = await proceed(trial)
    if reply.status == 304 and old is not None and not selects(old, reply.headers, asked.if_none_match is None):
        if _clients_own(asked, reply):
            old = None
        else:
            reply.close()
            trial.headers = unconditional(call.headers)
            asked_at = shelf.now()
            reply = await proceed(trial)
            old = old if reply.status != 304 else None
    try:
        return shelf.judge(question.ticket, call, asked, old, reply, asked_at, question.keep)
    except BaseException:
        reply.close()
        raise


def _clients_own(asked: Asked, reply: Reply) -> bool:
    """Whether a 304 confirms what the client has rather than what is kept."""
    etag = reply.header(b"etag")
    if etag is None or asked.if_none_match is None:
        return False
    return any(weak_match(etag, tag) for tag in tags(asked.if_none_match))
