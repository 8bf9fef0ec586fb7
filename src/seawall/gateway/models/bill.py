"""The bill of one language-model call at one target."""

from decimal import Decimal

from seawall.contracts.bill import Meter
from seawall.llm.extras import NOTHING, extras
from seawall.llm.seam import Asked, Spoken

__all__ = ["ModelBill"]


class ModelBill:
    """A `Bill` over a spoken request.

    Args:
        asked: what the client asks.
        spoken: in the provider's words.
        upstream, model, alias: of the target.
    """

    __slots__ = (
        "_spoken", "alias", "beyond", "fixed", "input_bound", "model", "output_bound", "tier", "tools_bound",
        "upstream",
    )  # fmt: skip

    def __init__(self, asked: Asked, spoken: Spoken, upstream: str, model: str, alias: str) -> None:
        self._spoken = spoken
        self.upstream = upstream
        self.model = model
        self.alias = alias
        self.input_bound = asked.input_bound
        self.output_bound = spoken.output_bound
        self.fixed = Decimal(0)
        document = asked.document
        self.tier, self.tools_bound, self.beyond = NOTHING if document is None else extras(asked.operation, document)

    def meter(self) -> Meter:
        """Return a meter for one more attempt."""
        return self._spoken.meter()
