"""What is given where every attempt failed."""

from typing import Any, Self

from pydantic import Field, model_validator

from seawall.contracts.settings import Settings
from seawall.contracts.units import Duration

__all__ = ["FallbackSettings"]

_FRAMING = frozenset(("content-length", "transfer-encoding", "connection", "keep-alive", "content-type"))


class FallbackSettings(Settings):
    """Settings of `fallback = { status, json }`, `{ status, body, type }` or `{ targets }`; marked in the headers."""

    targets: tuple[str, ...] = Field(
        (),
        description="Labels of targets that serve only when the others have failed, in order.",
        examples=[["backup"]],
    )
    try_for: Duration | None = Field(
        None,
        gt=0,
        description="Longest time for a target that is not the last. Default: 60 % of what is left.",
        examples=["20s"],
    )
    status: int = Field(200, ge=200, le=599, description="Status of the answer.")
    json_body: Any = Field(
        None, alias="json", description="Value sent as JSON.", examples=[{"on": False, "stale": True}]
    )
    body: str | None = Field(None, description="Text sent as it is, instead of json.", examples=["closed for now"])
    type: str | None = Field(
        None, description="Content-Type of body. Default: text/plain; charset=utf-8.", examples=["text/html"]
    )
    headers: dict[str, str] = Field(
        {}, description="Headers sent with the answer.", examples=[{"Cache-Control": "max-age=60"}]
    )

    @model_validator(mode="after")
    def _one_body(self) -> Self:
        if self.body is not None and "json_body" in self.model_fields_set:
            raise ValueError('body cannot stand beside json (for example body = "closed for now")')
        if self.type is not None and self.body is None:
            raise ValueError('type needs body (for example type = "text/html")')
        return self

    @model_validator(mode="after")
    def _headers_can_be_sent(self) -> Self:
        for name, value in self.headers.items():
            lower = name.lower()
            if not lower.isascii() or not lower.replace("-", "").isalnum() or lower in _FRAMING:
                raise ValueError(
                    'headers must be field names other than framing (for example { "Cache-Control" = "…" })'
                )
            if not value.isascii() or not (value.isprintable() or value == ""):
                raise ValueError('headers must have printable ASCII values (for example "max-age=60")')
        return self

    @property
    def fixed(self) -> bool:
        """Whether there is an answer of our own: always but where only targets are named."""
        return not self.targets or bool(self.model_fields_set & {"status", "json_body", "body", "headers"})
