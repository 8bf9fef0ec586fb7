"""The tables [models.<alias>]: which upstream's model answers under a name of ours."""

import re
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema, model_validator

from seawall.config.caller import CapSettings
from seawall.config.kinds import Name, Short, broken
from seawall.contracts.settings import Settings
from seawall.contracts.units import Duration, Money, Share, TokenPrice, parse_duration, show_duration

__all__ = ["CheaperSettings", "ModelSettings", "ModelTarget", "TokenPrices"]

_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]*/[^\s/][^\s]*", re.ASCII)


def _model(text: str) -> str:
    if not _MODEL.fullmatch(text):
        raise ValueError('must be an upstream and one of its models (for example "openai/gpt-5-mini")')
    return text


class ModelTarget(Settings):
    """One model of one upstream: `"openai/gpt-5-mini"` or `{ to, weight }`."""

    to: Annotated[str, AfterValidator(_model)] = Field(
        description="Upstream and model, with a slash between.", examples=["openai/gpt-5-mini"]
    )
    weight: float | None = Field(
        None,
        gt=0,
        le=1_000_000,
        description="Share of calls. Default: none, targets are tried in order.",
        examples=[90],
    )

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        return {"to": value} if isinstance(value, str) else value

    @property
    def upstream(self) -> str:
        """Name of the upstream."""
        return self.to.partition("/")[0]

    @property
    def model(self) -> str:
        """The model as the upstream knows it."""
        return self.to.partition("/")[2]


class TokenPrices(Settings):
    """Prices per million tokens of one model; a kind left out costs as much as input or output."""

    input: TokenPrice = Field(description="Input tokens.", examples=["0.15 USD/M"])
    output: TokenPrice = Field(description="Output tokens.", examples=["0.60 USD/M"])
    cache_read: TokenPrice | None = Field(
        None, description="Input tokens read from the provider's cache. Default: input.", examples=["0.02 USD/M"]
    )
    cache_write: TokenPrice | None = Field(
        None, description="Input tokens written to the provider's cache. Default: input.", examples=["0.19 USD/M"]
    )

    cache_write_1h: TokenPrice | None = Field(
        None, description="Of those, kept for an hour. Default: cache_write.", examples=["0.30 USD/M"]
    )
    reasoning: TokenPrice | None = Field(
        None, description="Output tokens that are not shown. Default: output.", examples=["0.60 USD/M"]
    )
    audio_input: TokenPrice | None = Field(
        None, description="Input tokens of sound. Default: input.", examples=["10 USD/M"]
    )
    audio_output: TokenPrice | None = Field(
        None, description="Output tokens of sound. Default: output.", examples=["20 USD/M"]
    )
    tools: Money = Field(
        Decimal(0), description="A call of a tool that the provider runs, such as a web search.", examples=["0.01 USD"]
    )


class CheaperSettings(Settings):
    """Settings of `cheaper = { at, to }`."""

    at: Share = Field(gt=0, description="Share of a cap a caller has used.", examples=["80%"])
    to: Name = Field(description="Alias that answers from then on.", examples=["fast"])


def _cache(value: object) -> object:
    return None if value is False else parse_duration(value)


class ModelSettings(Settings):
    """One alias for models."""

    targets: tuple[Annotated[ModelTarget, Short({"type": "string"})], ...] = Field(
        min_length=1,
        description="Models that answer, tried in order or by weight, under the one deadline.",
        examples=[["openai/gpt-5-mini", "claude/claude-sonnet-4-5"]],
    )
    timeout: Duration | None = Field(
        None, gt=0, description="One deadline for the whole call. Default: the first target's.", examples=["45s"]
    )
    try_for: Duration | None = Field(
        None,
        gt=0,
        description="The most a target that is not the last may use. Default: 60 % of what is left.",
        examples=["20s"],
    )
    max_output: int = Field(
        4096, ge=1, description="Output tokens reserved, and put into the request, where the client set no limit."
    )
    commit_after: Duration = Field(
        5.0, ge=0, description="A stream that has sent no content by then is passed on as it is."
    )
    cache: Annotated[
        float | None,
        BeforeValidator(_cache),
        PlainSerializer(lambda value: False if value is None else show_duration(value)),
        WithJsonSchema({"anyOf": [{"type": "string", "pattern": r"^\d+(\.\d+)?(ms|s|m|h|d)$"}, {"const": False}]}),
    ] = Field(
        False,
        validate_default=True,
        description="How long an answer to the same request is kept. Default: false.",
        examples=["1h"],
    )
    price: TokenPrices | None = Field(
        None,
        description="Prices per million tokens. Default: from the price table.",
        examples=[{"input": "0.15 USD/M", "output": "0.60 USD/M"}],
    )
    fallback: str | None = Field(
        None,
        min_length=1,
        description="Said when every target failed. Default: none.",
        examples=["The assistant is not available right now."],
    )
    sticky: Literal["caller"] | None = Field(
        None, description="caller keeps each caller on one target. Default: none.", examples=["caller"]
    )
    spend: CapSettings = Field(
        CapSettings(), description="Caps of this alias, all callers together.", examples=[{"day": "5 USD"}]
    )
    cheaper: CheaperSettings | None = Field(
        None,
        description="Another alias once a caller has used a share of a cap. Default: none.",
        examples=[{"at": "80%", "to": "fast"}],
    )

    @model_validator(mode="after")
    def _weights(self) -> Self:
        weighted = [target.weight is not None for target in self.targets]
        if any(weighted) and not all(weighted):
            raise broken("must have a weight for every target or for none", "90", ("targets", weighted.index(False)))
        return self
