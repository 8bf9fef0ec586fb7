"""The tables [upstreams.<name>]: everything the gateway may call, and nothing else."""

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from seawall.config.headers import HeaderTable, header_fault
from seawall.config.kinds import OptionalSecret, SecretText, broken
from seawall.config.match import parse_match
from seawall.config.regions import BEDROCK_REGIONS
from seawall.config.route import PolicySettings, RouteSettings
from seawall.config.target import TargetSettings
from seawall.config.url import UrlText, parse_url
from seawall.contracts.secret import Secret
from seawall.contracts.units import Duration

__all__ = ["RESERVED", "UpstreamSettings"]

RESERVED = frozenset(
    (
        "api",
        "v1",
        "anthropic",
        "live",
        "ready",
        "health",
        "metrics",
        "diagnostics",
        "admin",
        "docs",
        "-",
        "openapi.json",
    )
)

_MOUNT = re.compile(r"/|(?:/[A-Za-z0-9._~-]+)+", re.ASCII)
_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9._-]*[a-z0-9])?", re.ASCII)


def _mount(text: str) -> str:
    if not _MOUNT.fullmatch(text) or text.split("/")[1] in RESERVED or "/.." in text or "/." in text:
        raise ValueError('must be a path that is not one of the gateway\'s own (for example "/weather")')
    return text


def _host(text: str) -> str:
    if not _HOST.fullmatch(text.lower()):
        raise ValueError('must be a host name without a port (for example "weather.home.lan")')
    return text.lower()


def _probe(text: str) -> str:
    match = parse_match(text)
    if "*" in text or match.methods is None or len(match.methods) != 1:
        raise ValueError('must be one method and one path (for example "GET /status")')
    return text


def _proxy(text: str) -> str:
    url = parse_url(text)
    if url.scheme != "http" or url.base:
        raise ValueError('must be an http:// address without a path (for example "http://proxy.lan:3128")')
    return text


class UpstreamSettings(PolicySettings):
    """One API the gateway may call."""

    url: UrlText | None = Field(
        None, description="Address of the API; calls go below its path.", examples=["https://api.example.com/v1"]
    )
    targets: tuple[TargetSettings, ...] = Field(
        (),
        description="Several addresses instead of url.",
        examples=[[{"url": "https://eu.orders.example", "weight": 90, "label": "eu"}]],
    )
    balance: Literal["weighted", "failover", "least_loaded"] = Field(
        "weighted", description="How a target is chosen; failover takes them in order."
    )
    sticky: Literal["caller"] | None = Field(
        None, description="caller keeps each caller on one target. Default: none.", examples=["caller"]
    )
    mount: Annotated[str, AfterValidator(_mount)] | None = Field(
        None,
        description='Path it stands under; "/" for a gateway in front of one API, whose own paths then stand under '
        '"/-/" only. Default: /<name>.',
        examples=["/weather"],
    )
    host: Annotated[str, AfterValidator(_host)] | None = Field(
        None,
        description="Host under which it is reached at its root, instead of a mount. Default: none.",
        examples=["weather.home.lan"],
    )
    allow_private: bool = Field(
        False, description="Whether loopback, private and other special addresses may be dialled."
    )
    headers: HeaderTable = Field(
        {}, description="Added on the way out, never shown anywhere.", examples=[{"X-Api-Key": "${WEATHER_KEY}"}]
    )
    key: OptionalSecret = Field(
        None, description="The API's key, sent as its `api` wants it, else as a Bearer token.", examples=["${API_KEY}"]
    )
    keys: tuple[SecretText, ...] = Field(
        (),
        description="Several keys: one that gets 401, 402, 403 or 429 rests while the others serve.",
        examples=[["${API_KEY_1}", "${API_KEY_2}"]],
    )
    required: bool = Field(False, description="true makes /ready fail while its breaker is open.")
    check: Annotated[str, AfterValidator(_probe)] | None = Field(
        None,
        description="A free call for `seawall check --live`. Default: only connects.",
        examples=["GET /status"],
    )
    proxy: Annotated[str, AfterValidator(_proxy)] | None = Field(
        None, description="Forward proxy to go through. Default: none.", examples=["http://proxy.lan:3128"]
    )
    ca: str | None = Field(
        None,
        min_length=1,
        description="PEM file of the certificate authorities to trust. Default: the system's.",
        examples=["/etc/seawall/ca.pem"],
    )
    dns_ttl: Duration = Field(30.0, ge=0, description="How long an answer of the resolver is kept.")
    api: Literal["openai", "anthropic", "bedrock"] | None = Field(
        None,
        description="How usage, errors and models are read. Default: none, a plain API.",
        examples=["openai"],
    )
    region: str | None = Field(None, description="AWS region, for bedrock only.", examples=["us-east-1"])
    stream_usage: bool = Field(True, description="false for servers that refuse stream_options.")
    routes: tuple[RouteSettings, ...] = Field(
        (),
        description="Parts of the API with settings of their own; the first match is used.",
        examples=[[{"match": "GET /v1/items/*", "timeout": "5s"}]],
    )

    @model_validator(mode="after")
    def _address(self) -> Self:
        if self.api == "bedrock":
            if self.region is None:
                raise broken('is needed with api = "bedrock"', '"us-east-1"', "region", "api")
            if self.region not in BEDROCK_REGIONS:
                raise broken("must be a region that has Bedrock", '"us-east-1"', "region")
        elif self.region is not None:
            raise broken('needs api = "bedrock"', '"us-east-1"', "region", "api")
        elif self.url is None and not self.targets:
            raise broken("is needed", '"https://api.example.com"', "url", "targets", "api")
        if self.url is not None and self.targets:
            raise broken("cannot stand beside url", "[]", "targets", "url")
        return self

    @model_validator(mode="after")
    def _place(self) -> Self:
        if self.host is not None and self.mount is not None:
            raise broken("cannot stand beside mount", '"weather.home.lan"', "host", "mount")
        return self

    @model_validator(mode="after")
    def _private_addresses(self) -> Self:
        if not self.allow_private:
            places: list[tuple[tuple[str | int, ...], str]] = [(("url",), self.url)] if self.url is not None else []
            places += [(("targets", number, "url"), item.url) for number, item in enumerate(self.targets)]
            for place, text in places:
                if parse_url(text).private:
                    rule = "needs allow_private = true, its address is private"
                    raise broken(rule, '"https://api.example.com"', place, "allow_private")
        return self

    @model_validator(mode="after")
    def _several_targets(self) -> Self:
        for key in ("balance", "sticky"):
            if key in self.model_fields_set and not self.targets:
                raise broken("needs targets", '"weighted"' if key == "balance" else '"caller"', key, "targets")
        labels = [item.label or parse_url(item.url).host for item in self.targets]
        for number, label in enumerate(labels):
            if label in labels[:number]:
                raise broken("must be a label of its own", '"eu"', ("targets", number, "label"))
        return self

    @model_validator(mode="after")
    def _fallback_targets(self) -> Self:
        labels = {item.label or parse_url(item.url).host for item in self.targets}
        places: list[tuple[tuple[str | int, ...], PolicySettings]] = [((), self)]
        places += [(("routes", number), route) for number, route in enumerate(self.routes)]
        for path, settings in places:
            for number, label in enumerate(settings.fallback.targets if settings.fallback is not None else ()):
                if label not in labels:
                    raise broken("must be the label of a target", '"backup"', (*path, "fallback", "targets", number))
        return self

    @model_validator(mode="after")
    def _credentials(self) -> Self:
        if self.key is not None and self.keys:
            raise broken("cannot stand beside key", '["${API_KEY_1}", "${API_KEY_2}"]', "keys", "key")
        if len(self.keys) == 1 or len({key.reveal() for key in self.keys}) != len(self.keys):
            raise broken("must be two or more different keys", '["${API_KEY_1}", "${API_KEY_2}"]', "keys")
        name = "x-api-key" if self.api == "anthropic" else "authorization"
        if self.keys and name in {header.lower() for header in self.headers}:
            raise broken(f"cannot stand beside a header {name} of its own", "{}", "keys", "headers")
        if self.keys and self.api == "bedrock":
            raise broken("cannot be set with api bedrock", "[]", "keys", "api")
        if self.keys and self._backs_up():
            raise broken("cannot stand beside targets of a fallback", "[]", "keys", "fallback")
        places: list[tuple[tuple[str | int, ...], Secret]] = [(("key",), self.key)] if self.key is not None else []
        places += [(("keys", number), key) for number, key in enumerate(self.keys)]
        for place, key in places:
            if not key or header_fault("authorization", key) is not None:
                raise broken("must be a key without control characters and blanks", '"${API_KEY}"', place)
        return self

    def _backs_up(self) -> bool:
        policies: tuple[PolicySettings, ...] = (self, *self.routes)
        return any(one.fallback is not None and one.fallback.targets for one in policies)

    @model_validator(mode="after")
    def _routes_differ(self) -> Self:
        names = [route.name or route.match for route in self.routes]
        for number, name in enumerate(names):
            if name in names[:number]:
                key = "match" if self.routes[number].name is None else "name"
                raise broken("must differ from every other route's", '"GET /v1/items/*"', ("routes", number, key))
        return self

    @model_validator(mode="after")
    def _slow_models(self) -> Self:
        if self.api is not None and self.breaker is not None and self.breaker.slow_after is not None:
            rule = "cannot be set with api, answers of models take their time"
            raise broken(rule, '"4s"', ("breaker", "slow_after"), "api")
        return self
