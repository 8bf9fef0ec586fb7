"""The door of the language-model routes: who calls, what is asked, which model, and the answer in its words."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Protocol

from seawall.contracts.admission import NOBODY, Admission, Admitted
from seawall.contracts.body import Source
from seawall.contracts.call import Call
from seawall.contracts.clock import Clock
from seawall.contracts.errors import CallError, Forbidden, QuotaExceeded, RequestBodyError
from seawall.contracts.reply import Reply
from seawall.contracts.request import Request
from seawall.contracts.sites import Sites
from seawall.gateway.decorate import with_own
from seawall.gateway.headers import clean_reply, with_limits
from seawall.gateway.models.asking import Asking
from seawall.gateway.models.flight import SharedBody
from seawall.gateway.models.heading import Heading
from seawall.gateway.models.kept import question_of
from seawall.gateway.models.listing import listed
from seawall.gateway.models.places import Place, place_of
from seawall.gateway.models.shape import shaped
from seawall.gateway.models.sharing import Asker, Sharing
from seawall.gateway.models.stream import ModelStream
from seawall.gateway.models.table import ModelRoute, Models
from seawall.gateway.record import Record
from seawall.gateway.refused import FULL, Refused, foreign, unreadable
from seawall.llm.seam import Api, Asked, NotUnderstood
from seawall.llm.understand import understand

__all__ = ["House", "ModelDoor"]

_NOT_FOUND = "No such model"


class House(Protocol):
    """The gateway, of which this is a door."""

    @property
    def sites(self) -> Sites:
        """Which Host names and browser origins are let in."""
        ...

    @property
    def admission(self) -> Admission:
        """Who is let in."""
        ...

    full: bool

    def record(self, request: Request) -> Record:
        """Return what a request is told with."""
        ...

    def refuse(self, record: Record, why: Refused) -> Reply:
        """Return the problem of a refusal, told when it is closed."""
        ...

    def fail(self, record: Record, error: CallError) -> Reply:
        """Return the problem of an error, told when it is closed."""
        ...


class ModelDoor:
    """Answers what stands below `/v1` and `/anthropic`, and model calls on plain mounts.

    Args:
        house: the gateway.
        models: every name a model has; replaced by `reload`.
        asking: asks them.
        sharing: answers questions whose answer is kept, or on its way for somebody else.
        clock: time.
        random_bits: `random.getrandbits`, for ids.
        cheaper: returns the share of a cap that a caller, its user and an alias have used.

    Attributes:
        serves: whether there is any model.
    """

    def __init__(
        self,
        house: House,
        models: Models,
        asking: Asking,
        sharing: Sharing,
        clock: Clock,
        random_bits: Callable[[int], int],
        cheaper: Callable[[str, str, str], float],
    ) -> None:
        self._models = models
        self.serves = bool(models)
        self._asking = asking
        self._sharing = sharing
        self._house = house
        self._clock = clock
        self._random_bits = random_bits
        self._share_used = cheaper

    def reload(self, models: Models) -> None:
        """Know other names from the next request on."""
        self._models = models
        self.serves = bool(models)

    async def __call__(self, request: Request) -> Reply:
        """Answer one request; raises only CancelledError, when the client leaves."""
        house = self._house
        record = house.record(request)
        heading = self._heading(request)
        place = heading.place
        dialect: Api = "anthropic" if request.target.startswith(b"/anthropic/") else "openai"
        try:
            reason = heading.reason
            if reason is not None:
                return shaped(self._house.refuse(record, foreign(reason)), dialect)
            record.admitted = admitted = await house.admission.admit(request, model_route=True)
            record.caller = admitted.caller
            if house.full:
                return shaped(self._house.refuse(record, FULL), dialect)
            if place is None:
                return shaped(self._house.refuse(record, _nowhere(request)), dialect)
            if place.operation is None:
                return self._list(place, record, admitted)
            return await self._model(request, record, admitted, heading, None)
        except QuotaExceeded as error:
            record.caller = error.caller
            return shaped(self._house.fail(record, error), dialect)
        except CallError as error:
            return shaped(self._house.fail(record, error), dialect)
        except RequestBodyError as error:
            return shaped(self._house.refuse(record, unreadable(error)), dialect)
        except asyncio.CancelledError:
            record.cancelled()
            raise
        except BaseException:  # nobody expected it; what the caller holds is given back all the same
            record.release()
            raise

    async def mounted(self, request: Request, record: Record, place: Place, upstream: str, own: str) -> Reply:
        """Answer a model call on the plain mount of an upstream: metered and checked like one below `/v1`.

        Args:
            request: to answer.
            record: of it; its caller has been let in.
            place: what it asks.
            upstream: whose mount it is.
            own: who asks where the gateway itself does, else `""`.

        Raises:
            CallError, RequestBodyError, CancelledError: for the gateway's door, which let the caller in.
        """
        record.caller = record.caller or own
        heading = Heading(request, place, None)
        return await self._model(request, record, record.admitted or NOBODY, heading, upstream)

    def _heading(self, request: Request) -> Heading:
        """Return what the head comes to, which its connection may just have had."""
        memory, sites = request.memory, self._house.sites
        kept = None if memory is None else memory.kept
        if type(kept) is Heading and kept.sites is sites:
            return kept
        heading = Heading(request, place_of(request.target), sites)
        if memory is not None:
            memory.kept = heading
        return heading

    def _list(self, place: Place, record: Record, admitted: Admitted) -> Reply:
        found = listed(self._models, place.dialect, place.path, admitted.may_use)
        if found is None:
            return shaped(self._house.refuse(record, self._unknown(admitted)), place.dialect)
        found.headers += admitted.headers
        return record.attach(found)

    async def _model(
        self, request: Request, record: Record, admitted: Admitted, heading: Heading, upstream: str | None
    ) -> Reply:
        if request.method != b"POST":
            why = Refused(405, "method-not-allowed", "That method does not work here", "Send POST.")
            reply = self._house.refuse(record, why)
            reply.headers.append((b"allow", b"POST"))
            return shaped(reply, _dialect(heading))
        body = request.body
        text = body if type(body) is bytes else await _collected(body)  # type: ignore[arg-type]  # exact type: a Source
        try:
            asked = _understood(heading, text)
            route = self._route(asked.model, admitted, upstream)
            if route is None:
                return shaped(self._house.refuse(record, self._unknown(admitted)), asked.dialect)
            caller, user = record.caller, admitted.user
            record.call = first = heading.call(request, asked, route, caller, user, self._random_bits)
            question = None if route.cache is None else question_of(asked, route, heading.cache_control)
            if question is None:
                await _hold(record, admitted, asked, route)
                reply, record.call = await self._asking(first, asked, route)
            else:
                hold = partial(_hold, record, admitted, asked, route)
                asker = Asker(first, asked, route, hold, admitted.settle_tokens)
                reply, record.call = await self._sharing(asker, question)
            return self._pass_on(record, reply, record.call, asked, admitted)
        except NotUnderstood as error:
            why = Refused(400, "bad-request", "The request cannot be used", error.message)
            return shaped(self._house.refuse(record, why), _dialect(heading), error.param)

    def _route(self, name: str, admitted: Admitted, upstream: str | None) -> ModelRoute | None:
        """Return the route of a name.

        Raises:
            Forbidden: the caller may not use it.
        """
        models = self._models
        alias = name if upstream is None else f"{upstream}/{name}"
        route = models.find(name) if upstream is None else models.direct(upstream, name, alias)
        if route is None:
            return None
        if not admitted.may_use(route.alias):
            allowed = ", ".join(filter(admitted.may_use, models.routes)) or "none"
            raise Forbidden(f"This caller may not use {route.alias}. It may use: {allowed}.", policy="callers")
        cheaper = route.cheaper
        if cheaper is not None and self._share_used(admitted.caller, admitted.user, route.alias) >= cheaper.at:
            return models.routes.get(cheaper.to, route)
        return route

    def _unknown(self, admitted: Admitted) -> Refused:
        names = ", ".join(filter(admitted.may_use, self._models.routes)) or "none"
        said = f"No model has that name. Models: {names}; or upstream/model, with an upstream of this gateway."
        return Refused(404, "not-found", _NOT_FOUND, said)

    def _pass_on(self, record: Record, reply: Reply, call: Call, asked: Asked, admitted: Admitted) -> Reply:
        reply.headers = clean_reply(reply.headers, frozenset())
        with_own(reply, call, self._clock.now())
        reply.headers = with_limits(reply.headers, admitted.headers)
        if isinstance(reply.body, ModelStream | SharedBody):
            record.relay = reply.body
            reply.streamed = asked.stream
        return record.attach(reply)


async def _hold(record: Record, admitted: Admitted, asked: Asked, route: ModelRoute) -> int:
    """Hold what a call may use against the caller's token limits; return how much."""
    estimate = (asked.input_bound or len(asked.body)) + route.max_output * asked.choices
    await admitted.hold_tokens(estimate)
    record.settles = True
    return estimate


def _dialect(heading: Heading) -> Api:
    return "openai" if heading.place is None else heading.place.dialect


def _understood(heading: Heading, body: bytes) -> Asked:
    place = heading.place
    if place is None or place.operation is None:
        raise NotUnderstood("The list of models is read with GET")
    return understand(place.dialect, place.operation, place.path, heading.content_type, body)


def _nowhere(request: Request) -> Refused:
    said = "The language-model routes are /v1/chat/completions and its like, and /anthropic/v1/messages."
    return Refused(404, "not-found", "No such route", said)


async def _collected(source: Source) -> bytes:
    """Return a body that comes in pieces; the server bounds its size and its time."""
    parts: list[bytes] = []
    while chunk := await source.read():
        parts.append(chunk)
    return b"".join(parts)
