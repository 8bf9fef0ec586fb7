"""The table [server]: where the doors are and what they bear."""

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from seawall.config.bind import Bind, BindText, parse_bind
from seawall.config.kinds import OptionalSecret, broken
from seawall.config.url import parse_url
from seawall.contracts.settings import Settings
from seawall.contracts.units import Duration, Size

__all__ = ["ServerSettings", "TlsSettings"]


_ORIGIN = re.compile(r"https?://(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:]+\])(?::\d{1,5})?", re.ASCII)


def _origin(text: str) -> str:
    if not _ORIGIN.fullmatch(text):  # RFC 6454 section 6.2
        raise ValueError('must be scheme://host[:port] without a path (for example "https://home.example")')
    return text.lower()


def _host(text: str) -> str:
    try:
        parse_url(f"http://{text}")
    except ValueError as exc:
        raise ValueError('must be a host name (for example "gateway.home.lan")') from exc
    return text.lower()


class TlsSettings(Settings):
    """Settings of `tls = { certificate, key }`: HTTPS on the listen address."""

    certificate: str = Field(
        min_length=1, description="PEM file with the certificate and its chain.", examples=["/etc/seawall/tls.pem"]
    )
    key: str = Field(min_length=1, description="PEM file with the private key.", examples=["/etc/seawall/tls.key"])


class ServerSettings(Settings):
    """Where the gateway listens, whom it knows and what it bears."""

    listen: BindText = Field(
        "127.0.0.1:8080",
        description="Address of the gateway: host:port, unix:/path, or fd://3 for a socket handed over.",
    )
    admin_listen: BindText | None = Field(
        None,
        description="Address for /admin, /api, /metrics, /diagnostics and /docs. Default: the same bind.",
        examples=["127.0.0.1:8081"],
    )
    admin_token: OptionalSecret = Field(
        None,
        description="Needed for the management paths once their bind is not loopback. /live and /ready never need it.",
        examples=["${SEAWALL_ADMIN_TOKEN}"],
    )
    anonymous: Literal["auto", "yes", "no"] = Field(
        "auto",
        description="Whether callers without a key are let in: auto only on loopback and only while there are no "
        "[callers]; yes needs [callers.anonymous] with limits of its own off loopback; no never. An unknown key is "
        "401 always.",
    )
    origins: tuple[Annotated[str, AfterValidator(_origin)], ...] = Field(
        (),
        description="Origins whose pages may call the gateway from a browser; all others get 403. Their preflights are "
        "answered without a key, and answers say that they may be read.",
        examples=[["https://home.example"]],
    )
    hosts: tuple[Annotated[str, AfterValidator(_host)], ...] = Field(
        (),
        description="Names besides the listen address under which this gateway is known; other Hosts get 403.",
        examples=[["gateway.home.lan"]],
    )
    trusted_hops: int = Field(
        0, ge=0, le=16, description="How many proxies in front may be believed about X-Forwarded-For."
    )
    tls: TlsSettings | None = Field(
        None,
        description="HTTPS on the listen address. Default: plain HTTP.",
        examples=[{"certificate": "/etc/seawall/tls.pem", "key": "/etc/seawall/tls.key"}],
    )
    max_body: Size = Field(
        4 << 20,
        description="Largest request body, counted while streaming; 413 above. Where it is not set, upstreams with "
        "`api` take 32MiB.",
    )
    max_header: Size = Field(16 << 10, ge=1024, description="Largest request head; 431 above.")
    max_headers: int = Field(100, ge=10, description="Most header fields of a request; 431 above.")
    header_timeout: Duration = Field(10.0, gt=0, description="A client that dribbles its headers longer is closed.")
    body_timeout: Duration = Field(30.0, gt=0, description="No byte of a request body for this long is 408.")
    write_timeout: Duration = Field(
        30.0, gt=0, description="A client that takes no byte of its answer for this long is closed."
    )
    keepalive_timeout: Duration = Field(75.0, gt=0, description="An idle connection is closed after this long.")
    max_connections: int = Field(1024, ge=1, description="Client connections at once; more are closed at once.")
    max_connections_per_address: int | None = Field(
        None,
        ge=0,
        description="Connections of one client address at once; 0 is no bound. Default: 0 on loopback, 256 elsewhere.",
        examples=[256],
    )
    max_inflight: int = Field(512, ge=1, description="Calls under way at once; above, 503 at once with Retry-After.")
    drain: Duration = Field(
        20.0, ge=0, description="On SIGTERM /ready fails first, then calls under way have this long to end."
    )

    @property
    def bind(self) -> Bind:
        """The listen address in parts."""
        return parse_bind(self.listen)

    @property
    def admin_bind(self) -> Bind:
        """The management address in parts; the listen address where it has none of its own."""
        return parse_bind(self.admin_listen or self.listen)

    @property
    def connections_per_address(self) -> int:
        """The bound in force, 0 for none."""
        if self.max_connections_per_address is not None:
            return self.max_connections_per_address
        return 0 if self.bind.loopback else 256

    @model_validator(mode="after")
    def _binds_differ(self) -> Self:
        if self.admin_listen is not None and parse_bind(self.admin_listen) == self.bind and self.bind.port != 0:
            raise broken("must differ from server.listen", '"127.0.0.1:8081"', "admin_listen", "listen")
        return self

    @model_validator(mode="after")
    def _token_is_long(self) -> Self:
        if self.admin_token is not None and len(self.admin_token.reveal()) < 16:
            raise broken("must be at least 16 characters long", '"${SEAWALL_ADMIN_TOKEN}"', "admin_token")
        return self
