"""US dollars for one token of each kind, and what a usage costs at them.

Our own arithmetic, since the price library takes 100 us for what takes 2 here; a test holds the two against each other
for every model there is. As there, a kind without a price of its own costs what its whole costs.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Self

from seawall.contracts.usage import Usage

__all__ = ["Units"]

_ZERO = Decimal(0)
_MILLION = Decimal(10**6)


class Units:
    """Unit prices of one model.

    Args:
        input, output: US dollars for one token.
        kinds: of kinds with prices of their own: `cache_read`, `cache_write`, `cache_write_1h`, `audio_input`,
            `reasoning`, `audio_output`, and `tools`, `file_searches` and `request` for one call.

    Attributes:
        dearest_input, dearest_output: of the kinds of token, what a reservation is made at (semantics 8.1).
        dearest_tool: of calls of the provider's tools.
        free: everything costs nothing.
        shown: by kind, as text for the ledger; never changed.
    """

    __slots__ = (
        "_audio_input", "_audio_output", "_cache_read", "_cache_write", "_cache_write_1h", "_files", "_input",
        "_output", "_reasoning", "_request", "_tools", "dearest_input", "dearest_output", "dearest_tool", "free",
        "shown",
    )  # fmt: skip

    def __init__(self, input: Decimal, output: Decimal, kinds: Mapping[str, Decimal] | None = None) -> None:
        own = kinds or {}
        self._input, self._output = input, output
        self._cache_read = own.get("cache_read", input)
        self._cache_write = own.get("cache_write", input)
        self._cache_write_1h = own.get("cache_write_1h", self._cache_write)
        self._audio_input = own.get("audio_input", input)
        self._reasoning = own.get("reasoning", output)
        self._audio_output = own.get("audio_output", output)
        self._tools = own.get("tools", _ZERO)
        self._files = own.get("file_searches")
        self._request = own.get("request", _ZERO)
        self.dearest_tool = max(self._tools, self._files or _ZERO)
        self.dearest_input = max(input, self._cache_read, self._cache_write, self._cache_write_1h, self._audio_input)
        self.dearest_output = max(output, self._reasoning, self._audio_output)
        self.free = not any((input, output, *own.values()))
        self.shown: Mapping[str, str] = {
            name: f"{price.normalize():f}" for name, price in {"input": input, "output": output, **own}.items()
        }

    @classmethod
    def per_million(cls, input: Decimal, output: Decimal, kinds: Mapping[str, Decimal] | None = None) -> Self:
        """Return prices given per million tokens."""
        return cls(
            input / _MILLION, output / _MILLION, {name: price / _MILLION for name, price in (kinds or {}).items()}
        )

    def cost(self, usage: Usage) -> Decimal:
        """Return US dollars, exact.

        A part that exceeds its whole counts as it is told, and what is left of the whole is not below zero.
        """
        written = usage.cache_write - usage.cache_write_1h
        plain = usage.input - usage.cache_read - usage.cache_write - usage.audio_input
        said = usage.output - usage.reasoning - usage.audio_output
        cost = max(plain, 0) * self._input + max(said, 0) * self._output + self._request
        if usage.cache_read:
            cost += usage.cache_read * self._cache_read
        if usage.cache_write:
            cost += max(written, 0) * self._cache_write + usage.cache_write_1h * self._cache_write_1h
        if usage.audio_input:
            cost += usage.audio_input * self._audio_input
        if usage.reasoning:
            cost += usage.reasoning * self._reasoning
        if usage.audio_output:
            cost += usage.audio_output * self._audio_output
        return cost + usage.tools * self._tools if usage.tools else cost

    def searched(self, tools: int, files: int) -> Decimal | None:
        """Return what `cost` lacks for the searches of stored files among the calls of tools; None where a price does.

        Args:
            tools: calls of the provider's tools, which `cost` takes for searches of the web.
            files: those of them that searched stored files.
        """
        if (tools > files and not self._tools) or (files and self._files is None):
            return None
        return files * ((self._files or _ZERO) - self._tools)

    def most(self, input_bound: int, output_bound: int) -> Decimal:
        """Return US dollars for a call that uses all it may, each token of the dearest kind."""
        return input_bound * self.dearest_input + output_bound * self.dearest_output + self._request
