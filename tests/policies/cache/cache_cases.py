"""Every case, section by section."""

import cases_conditions
import cases_freshness
import cases_head
import cases_keeping
import cases_requests
import cases_stale
import cases_status
import cases_validation
import cases_vary

__all__ = ["CASES"]

CASES = [
    *cases_keeping.CASES,
    *cases_vary.CASES,
    *cases_freshness.CASES,
    *cases_validation.CASES,
    *cases_conditions.CASES,
    *cases_head.CASES,
    *cases_requests.CASES,
    *cases_stale.CASES,
    *cases_status.CASES,
]
