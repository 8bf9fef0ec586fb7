"""The key `fallback` of an upstream: the answer of last resort."""

from typing import Any, Self

from pydantic import Field, model_validator

from seawall.config.kinds import broken
from seawall.contracts.settings import Settings

__all__ = ["FallbackSettings"]


class FallbackSettings(Settings):
    """Settings of `fallback = { status, json }` or `{ status, body, type }`; marked in the response headers."""

    status: int = Field(200, ge=200, le=599, description="Status of the answer.")
    json_body: Any = Field(
        None, alias="json", description="Value sent as JSON.", examples=[{"on": False, "stale": True}]
    )
    body: str | None = Field(None, description="Text sent as it is, instead of json.", examples=["closed for now"])
    type: str | None = Field(
        None, description="Content-Type of body. Default: text/plain; charset=utf-8.", examples=["text/html"]
    )

    @model_validator(mode="after")
    def _one_body(self) -> Self:
        if self.body is not None and "json_body" in self.model_fields_set:
            raise broken("cannot stand beside json", '"closed for now"', "body", "json")
        if self.type is not None and self.body is None:
            raise broken("needs body", '"text/html"', "type", "body")
        return self
