"""Every policy there is: a new one is one folder and one line here."""

from typing import Any

from seawall.contracts.policy import Spec
from seawall.policies import (
    balance,
    breaker,
    cache,
    concurrency,
    deadline,
    fallback,
    hedge,
    keys,
    ratelimit,
    retry,
    spend,
)

__all__ = ["BUILTIN"]

# Stages of one position keep this order: the breaker refuses, and a key that rests is passed over, before
# anybody waits for a pause.
BUILTIN: tuple[Spec[Any], ...] = (
    deadline.SPEC,
    cache.SPEC,
    fallback.SPEC,
    hedge.SPEC,
    breaker.SPEC,
    keys.SPEC,
    retry.SPEC,
    balance.SPEC,
    ratelimit.SPEC,
    concurrency.SPEC,
    spend.SPEC,
)
