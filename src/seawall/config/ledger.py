"""The table [ledger]: where what was spent is written."""

from typing import Self

from pydantic import Field, model_validator

from seawall.config.kinds import broken
from seawall.config.store import LedgerUrl
from seawall.contracts.secret import Secret
from seawall.contracts.settings import Settings
from seawall.contracts.units import Duration

__all__ = ["LedgerSettings", "PoolSettings"]


class PoolSettings(Settings):
    """Connections to the database."""

    min: int = Field(1, ge=0, description="Kept open.")
    max: int = Field(5, ge=1, description="Open at once.")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min > self.max:
            raise broken("must be at most pool.max", "1", "min", "max")
        return self


class LedgerSettings(Settings):
    """The durable record of spending."""

    url: LedgerUrl = Field(
        Secret("memory://"),
        description="memory://, sqlite:///path or postgresql://. With memory, day caps start afresh at each start, and "
        "month and total caps are refused.",
        examples=["sqlite:///var/lib/seawall/ledger.db"],
    )
    pool: PoolSettings = Field(PoolSettings(), description="Connections to the database.")
    spool: str = Field(
        "",
        description="File of rows not yet in the database; survives kill -9. Default: beside the sqlite file or in the "
        "state directory.",
        examples=["/var/lib/seawall/ledger.spool"],
    )
    keep: Duration = Field(90 * 86400.0, gt=0, description="How long rows are kept.")
