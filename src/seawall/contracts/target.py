"""Where an attempt goes: one address of one upstream, parsed once from settings."""

from dataclasses import dataclass, field

__all__ = ["Target", "Timeouts"]


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """One upstream address. Compared by identity: the wire keeps one pool per target.

    Attributes:
        upstream: name in settings.
        label: the target's own label, the upstream's name where there is only one.
        scheme: `http` or `https`.
        host: name or address literal without brackets, lower case, IDNA-encoded.
        port: 1..65535.
        base: raw path that stands before every call's path, `b""` or starting with `/` and without a slash at its end.
        weight: share of calls under weighted balance, above 0.
        allow_private: whether loopback, private and other special addresses may be dialled.
        ca: PEM file with the certificate authorities to trust instead of the system's, or None.
        proxy: `http://host:port` of a forward proxy, or None.
        dns_ttl: seconds an answer of the resolver is kept.
        headers: added to every attempt, such as a key of this target alone.
    """

    upstream: str
    label: str
    scheme: str
    host: str
    port: int
    base: bytes = b""
    weight: float = 1.0
    allow_private: bool = False
    ca: str | None = None
    proxy: str | None = None
    dns_ttl: float = 30.0
    headers: tuple[tuple[bytes, bytes], ...] = field(default=(), repr=False)
    authority: bytes = field(init=False)

    def __post_init__(self) -> None:
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = {"http": 80, "https": 443}[self.scheme]
        text = host if self.port == usual else f"{host}:{self.port}"
        object.__setattr__(self, "authority", text.encode("ascii"))


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long each phase of one attempt may take, in seconds.

    Attributes:
        total: the call's one deadline, from its arrival.
        attempt: one attempt until its reply is handed over.
        connect: TCP and TLS handshake, DNS included.
        first_byte: from the request written to the first byte of the answer.
        idle: between two chunks of a body, either way.
        stream: the deadline of a streamed answer, from the call's arrival.
    """

    total: float = 30.0
    attempt: float = 30.0
    connect: float = 5.0
    first_byte: float = 30.0
    idle: float = 30.0
    stream: float = 600.0
