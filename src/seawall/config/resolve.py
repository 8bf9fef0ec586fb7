"""From settings as written to upstreams as they are run: defaults that depend on others are put in, routes inherit."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from seawall.config.match import parse_match
from seawall.config.price import PriceSettings
from seawall.config.route import PolicySettings, RouteSettings
from seawall.config.rules import mount_of
from seawall.config.tree import Tree
from seawall.config.upstream import UpstreamSettings
from seawall.config.url import parse_url
from seawall.contracts.secret import Secret
from seawall.contracts.settings import Settings
from seawall.contracts.target import Target, Timeouts
from seawall.policies.balance.settings import BalanceSettings
from seawall.policies.deadline.settings import DeadlineSettings
from seawall.policies.keys.settings import KeysSettings
from seawall.policies.spend.settings import SpendStageSettings

__all__ = ["ResolvedRoute", "ResolvedUpstream", "resolve"]

POLICIES = ("retry", "breaker", "concurrency", "rate", "hedge", "fallback", "cache")
BESIDE = frozenset(("concurrency", "rate"))  # a route's own stand beside the upstream's
WHOLE = frozenset(("fallback",))  # one answer, not a table of values: a route's replaces the upstream's
API_BODY = 32 << 20
API_REPLAY = 8 << 20  # semantics 2.5

Policies = Mapping[str, Settings]


@dataclass(frozen=True, slots=True)
class ResolvedRoute:
    """One route of an upstream, nothing left to inherit.

    Attributes:
        name: label in logs and metrics, `""` for what no route matches.
        match: pattern text, `""` matches everything.
        methods: upper case, None for any.
        timeouts: seconds.
        shared: the upstream's policies that are in force here, by name; their state is the upstream's.
        own: the route's own, by name; rate and concurrency stand beside the upstream's, any other replaces it.
        idempotent: whether POST may be tried again as if it had an Idempotency-Key.
        attempts: the attempt budget of a call.
        price: of a call, None where it costs nothing.
    """

    name: str
    match: str
    methods: frozenset[str] | None
    timeouts: Timeouts
    shared: Policies
    own: Policies
    idempotent: bool
    attempts: int
    price: PriceSettings | None = None


@dataclass(frozen=True, slots=True)
class ResolvedUpstream:
    """One upstream, ready to be built.

    Attributes:
        name: from settings.
        mount: path it stands under, `"/"` for the root; None where it has a Host of its own.
        host: Host it is reached under, or None.
        targets: at least one.
        timeouts: seconds, of calls no route matches.
        policies: in force, by name; one that is off has no entry.
        headers: lower-case name and value added on the way out; they replace the client's.
        routes: in order; the last one matches everything.
        idempotent: as said for the upstream.
        required: whether /ready fails while its breaker is open.
        max_body: bytes of a request body.
        check: method and path of a free call, or None.
        settings: as written.
    """

    name: str
    mount: str | None
    host: str | None
    targets: tuple[Target, ...]
    timeouts: Timeouts
    policies: Policies
    headers: tuple[tuple[bytes, Secret], ...]
    routes: tuple[ResolvedRoute, ...]
    idempotent: bool
    required: bool
    max_body: int
    check: str | None
    settings: UpstreamSettings


def resolve(tree: Tree) -> tuple[ResolvedUpstream, ...]:
    """Return every upstream with a place to call, in the order of the file; Bedrock's follows from its region."""
    return tuple(_upstream(tree, name, settings) for name, settings in tree.upstreams.items() if _placed(settings))


def _placed(settings: UpstreamSettings) -> bool:
    return settings.url is not None or bool(settings.targets) or settings.api == "bedrock"


def _upstream(tree: Tree, name: str, settings: UpstreamSettings) -> ResolvedUpstream:
    policies: dict[str, Settings] = {"deadline": _deadline(settings), **_named(settings)}
    if settings.keys:
        policies["keys"] = KeysSettings(count=len(settings.keys))
    if settings.targets or settings.keys:
        policies["balance"] = BalanceSettings(mode=settings.balance, sticky=settings.sticky)
    if settings.price is not None or settings.api is not None:
        policies["spend"] = SpendStageSettings(price=_price(settings.price))
    retry = policies.get("retry")
    if settings.api is not None and retry is not None and "body" not in retry.model_fields_set:
        policies["retry"] = retry.model_copy(update={"body": API_REPLAY})
    everything = ResolvedRoute(
        "",
        "",
        None,
        _timeouts(settings),
        MappingProxyType(policies),
        _NONE,
        settings.idempotent,
        _attempts(policies),
        settings.price,
    )
    routes = tuple(_route(settings, policies, route) for route in settings.routes)
    raised = settings.api is not None and "max_body" not in tree.server.model_fields_set
    return ResolvedUpstream(
        name=name,
        mount=mount_of(name, settings),
        host=settings.host,
        targets=_targets(name, settings),
        timeouts=everything.timeouts,
        policies=everything.shared,
        headers=_headers(settings),
        routes=(*routes, everything),
        idempotent=settings.idempotent,
        required=settings.required,
        max_body=API_BODY if raised else tree.server.max_body,
        check=settings.check,
        settings=settings,
    )


_NONE: Policies = MappingProxyType({})


def _route(upstream: UpstreamSettings, policies: Policies, route: RouteSettings) -> ResolvedRoute:
    shared = dict(policies)
    own: dict[str, Settings] = {}
    whole = inherit(upstream, route)
    if _deadline(whole) != policies["deadline"]:
        del shared["deadline"]
        own["deadline"] = _deadline(whole)
    if "price" in route.model_fields_set and upstream.api is None:
        shared.pop("spend", None)
        if whole.price is not None:
            own["spend"] = SpendStageSettings(price=_price(whole.price))
    for name in POLICIES:
        if name not in route.model_fields_set:
            continue
        settings = getattr(route, name)
        if settings is None:
            shared.pop(name, None)
        elif name in BESIDE:
            own[name] = settings
        else:
            own[name] = merged(policies.get(name), settings) if name not in WHOLE else settings
            shared.pop(name, None)
    return ResolvedRoute(
        name=route.name or route.match,
        match=route.match,
        methods=parse_match(route.match).methods,
        timeouts=_timeouts(whole),
        shared=MappingProxyType(shared),
        own=MappingProxyType(own),
        idempotent=whole.idempotent,
        attempts=_attempts({**shared, **own}),
        price=whole.price,
    )


def inherit(upstream: UpstreamSettings, route: RouteSettings) -> PolicySettings:
    """Return the route's plain settings with the upstream's where it names none."""
    plain = [name for name in PolicySettings.model_fields if name not in POLICIES]
    said = {name: getattr(route, name) for name in plain if name in route.model_fields_set}
    given = {name: getattr(upstream, name) for name in plain if name in upstream.model_fields_set}
    return PolicySettings.model_construct(**{**given, **said})


def merged(upstream: Settings | None, route: Settings) -> Settings:
    """Return a policy's settings of a route: what it names, and the upstream's for the rest.

    Raises:
        ValidationError: what the two say together breaks a rule.
    """
    if upstream is None:
        return route
    both: dict[str, Any] = {}
    for settings in (upstream, route):
        both.update({name: getattr(settings, name) for name in settings.model_fields_set})
    return type(route).model_validate(both)


def _named(settings: PolicySettings) -> dict[str, Settings]:
    found = {name: getattr(settings, name) for name in POLICIES}
    return {name: value for name, value in found.items() if value is not None}


def _price(price: PriceSettings | None) -> str:
    if price is None:
        return "by the tokens of its model"
    told = f"header {price.header}" if price.header else f"JSON pointer {price.pointer}" if price.pointer else ""
    call = f"{price.call:f} USD for each call that reached the upstream"
    return f"what {told} of the answer tells, else {call}" if told else call


def _timeouts(settings: PolicySettings) -> Timeouts:
    attempt = settings.attempt_timeout if settings.attempt_timeout is not None else settings.timeout
    first_byte = settings.first_byte_timeout if settings.first_byte_timeout is not None else attempt
    return Timeouts(
        total=settings.timeout,
        attempt=attempt,
        connect=settings.connect_timeout,
        first_byte=first_byte,
        idle=settings.idle_timeout,
        stream=settings.stream_timeout,
    )


def _deadline(settings: PolicySettings) -> DeadlineSettings:
    timeouts = _timeouts(settings)
    return DeadlineSettings(
        timeout=timeouts.total,
        attempt_timeout=timeouts.attempt,
        stream_timeout=timeouts.stream,
        deadline_header=settings.deadline_header,
    )


def _attempts(policies: Policies) -> int:
    return getattr(policies.get("retry"), "attempts", 1)


def _targets(name: str, settings: UpstreamSettings) -> tuple[Target, ...]:
    url = settings.url
    if url is None and settings.api == "bedrock" and not settings.targets:
        url = f"https://bedrock-runtime.{settings.region}.amazonaws.com"
    if url is not None:
        places = [(name, url, 1.0)]
    else:
        places = [(item.label or parse_url(item.url).host, item.url, item.weight) for item in settings.targets]
    return tuple(target for label, url, weight in places for target in _target(name, label, url, weight, settings))


def _target(name: str, label: str, text: str, weight: float, settings: UpstreamSettings) -> Iterator[Target]:
    """Yield the targets of one address: one, or one for each of several keys, which breakers tell apart."""
    url = parse_url(text)
    made = Target(
        upstream=name,
        label=label,
        scheme=url.scheme,
        host=url.host,
        port=url.port,
        base=url.base.encode("ascii"),
        weight=weight,
        allow_private=settings.allow_private,
        ca=settings.ca,
        proxy=settings.proxy,
        dns_ttl=settings.dns_ttl,
    )
    if not settings.keys:
        yield made
    for number, key in enumerate(settings.keys, 1):
        header, value = credential(settings, key)
        headers = ((header, value.reveal().encode("latin-1")),)
        yield replace(made, label=f"{label} key {number}", headers=headers)


def credential(settings: UpstreamSettings, key: Secret) -> tuple[bytes, Secret]:
    """Return the header an API wants its key in, with the key."""
    name, before = (b"x-api-key", "") if settings.api == "anthropic" else (b"authorization", "Bearer ")
    return name, Secret(before + key.reveal())


def _headers(settings: UpstreamSettings) -> tuple[tuple[bytes, Secret], ...]:
    headers = {name.lower().encode("ascii"): value for name, value in settings.headers.items()}
    if settings.key is not None:
        headers.setdefault(*credential(settings, settings.key))
    return tuple(headers.items())
