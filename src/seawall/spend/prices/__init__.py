"""What tokens cost: unit prices by kind, from settings or from the price table."""

from seawall.spend.prices.listed import Listed
from seawall.spend.prices.table import NO_TABLE, PriceTable
from seawall.spend.prices.units import Units

__all__ = ["NO_TABLE", "Listed", "PriceTable", "Units"]
