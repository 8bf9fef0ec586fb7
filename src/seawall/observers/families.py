"""Every metric, as data: what is exposed, documented and tested are the same rows."""

from typing import NamedTuple

__all__ = ["FAMILIES", "Family", "family"]


class Family(NamedTuple):
    """One metric family.

    Attributes:
        name: without `_total`, `_bucket` and the like; ends in its unit where it has one.
        kind: `counter`, `gauge`, `histogram` or `info`.
        labels: in the order of a child's values.
        help: one sentence.
        unit: `seconds`, `bytes` or `""`.
    """

    name: str
    kind: str
    labels: tuple[str, ...]
    help: str
    unit: str = ""

    @property
    def exposed(self) -> str:
        """The name a query uses."""
        return self.name + {"counter": "_total", "info": "_info"}.get(self.kind, "")


FAMILIES = (
    Family(
        "seawall_calls",
        "counter",
        ("upstream", "route", "method", "outcome", "status_class"),
        "Calls that ended, by what the client got.",
    ),
    Family(
        "seawall_caller_calls",
        "counter",
        ("caller", "outcome"),
        "Calls that ended, by who made them; those of nobody by name and of schedules are not counted here.",
    ),
    Family(
        "seawall_caller_keyed",
        "gauge",
        ("caller",),
        "End users of a caller, or addresses without a key, whose limits are in use or were lately.",
    ),
    Family(
        "seawall_caller_keyed_limit",
        "gauge",
        ("caller",),
        "How many of them are told apart; above, new ones share one limit.",
    ),
    Family(
        "seawall_call_duration_seconds",
        "histogram",
        ("upstream", "route"),
        "Time from a call's arrival to the end of its answer.",
        "seconds",
    ),
    Family(
        "seawall_received_bytes",
        "counter",
        ("upstream", "route"),
        "Body bytes received from clients.",
        "bytes",
    ),
    Family(
        "seawall_sent_bytes",
        "counter",
        ("upstream", "route"),
        "Body bytes sent to clients.",
        "bytes",
    ),
    Family(
        "seawall_queue_wait_seconds",
        "counter",
        ("upstream", "route"),
        "Time calls waited for rate or concurrency, added up.",
        "seconds",
    ),
    Family(
        "seawall_attempts",
        "counter",
        ("upstream", "target", "result"),
        "Attempts that reached the wire, by status class or by connect, reset, timeout, cancelled.",
    ),
    Family(
        "seawall_upstream_duration_seconds",
        "histogram",
        ("upstream", "target"),
        "Time of one attempt until its reply was handed over.",
        "seconds",
    ),
    Family("seawall_retries", "counter", ("upstream",), "Attempts of a call after its first."),
    Family(
        "seawall_breaker_state",
        "gauge",
        ("upstream", "target", "state"),
        "1 for the state a breaker is in (closed, open, half_open), 0 for the others.",
    ),
    Family(
        "seawall_breaker_changes",
        "counter",
        ("upstream", "target", "state"),
        "Moves of a breaker, by the state it moved to.",
    ),
    Family(
        "seawall_upstream_pauses",
        "counter",
        ("upstream",),
        "Times an upstream asked with Retry-After to be left alone.",
    ),
    Family(
        "seawall_requests_refused",
        "counter",
        ("status",),
        "Requests the server refused before any door saw them: malformed, too large, too slow, too many.",
    ),
    Family(
        "seawall_cost_usd",
        "counter",
        ("upstream", "model", "caller"),
        "US dollars of attempts, estimates included; the ledger has them to the last digit.",
    ),
    Family(
        "seawall_tokens",
        "counter",
        ("upstream", "model", "caller", "kind"),
        "Tokens of language models; parts stand in their whole too: cache and audio in input, reasoning in output.",
    ),
    Family(
        "seawall_estimated",
        "counter",
        ("upstream", "model", "caller"),
        "Attempts whose cost is an estimate, since nothing was reported.",
    ),
    Family(
        "seawall_tokens_without_cost",
        "counter",
        ("upstream", "model", "caller"),
        "Attempts with tokens that cost nothing though the model has a price: always an error.",
    ),
    Family(
        "seawall_price_unknown",
        "counter",
        ("upstream",),
        "Attempts at models that nobody has a price for.",
    ),
    Family("seawall_reserved_usd", "gauge", (), "US dollars held for attempts under way."),
    Family(
        "seawall_cap_used_ratio",
        "gauge",
        ("scope", "name", "period"),
        "Share of a cap that is spent or held; end users' are not shown.",
    ),
    Family("seawall_spool_rows", "gauge", (), "Settled rows that are not in the ledger's database yet."),
    Family("seawall_spool_bytes", "gauge", (), "Size of the spool file.", "bytes"),
    Family("seawall_spool_dropped", "counter", (), "Settled rows that the spool had no room for: always an error."),
    Family(
        "seawall_cache_lookups",
        "counter",
        ("upstream", "route", "result"),
        "Calls by what the cache came to: hit, stale, miss, bypass.",
    ),
    Family("seawall_cache_bytes", "gauge", (), "Bytes of kept answers, books and those on their way in.", "bytes"),
    Family("seawall_cache_limit_bytes", "gauge", (), "Bytes of kept answers at most.", "bytes"),
    Family("seawall_cache_entries", "gauge", (), "Kept answers."),
    Family("seawall_cache_evictions", "counter", (), "Kept answers that had to make room."),
    Family("seawall_cache_flights", "gauge", ("upstream",), "Requests upstream that others may wait for."),
    Family("seawall_cache_refreshes", "counter", ("upstream",), "Refreshes behind a stale answer."),
    Family("seawall_inflight", "gauge", (), "Calls under way."),
    Family("seawall_connections", "gauge", (), "Open connections of clients."),
    Family(
        "seawall_upstream_connections",
        "gauge",
        ("upstream", "target", "state"),
        "Open connections to upstreams, idle or busy.",
    ),
    Family("seawall_queue_length", "gauge", ("upstream", "route"), "Calls that wait for a slot."),
    Family("seawall_queue_limit", "gauge", ("upstream", "route"), "Calls that may wait for a slot."),
    Family("seawall_slots_used", "gauge", ("upstream", "route"), "Slots of a concurrency limit in use."),
    Family("seawall_slots_limit", "gauge", ("upstream", "route"), "Slots of a concurrency limit."),
    Family(
        "seawall_schedule_runs",
        "counter",
        ("schedule", "result"),
        "Runs of a schedule that ended, by ok, failed, or unpublished: a good answer that could not be published.",
    ),
    Family(
        "seawall_schedule_late_seconds",
        "gauge",
        ("schedule",),
        "How long a run has been due that has not begun, else 0.",
        "seconds",
    ),
    Family(
        "seawall_schedule_next_timestamp_seconds",
        "gauge",
        ("schedule",),
        "When the next run starts, since the epoch.",
        "seconds",
    ),
    Family(
        "seawall_schedule_success_timestamp_seconds",
        "gauge",
        ("schedule",),
        "When the latest run that was ok started, since the epoch.",
        "seconds",
    ),
    Family(
        "seawall_schedule_last_duration_seconds",
        "gauge",
        ("schedule",),
        "How long the latest run took.",
        "seconds",
    ),
    Family("seawall_event_listeners", "gauge", (), "Clients that listen to /api/v1/events."),
    Family("seawall_event_messages", "counter", (), "Messages published by this process."),
    Family("seawall_event_messages_lost", "counter", (), "Messages that slow listeners lost."),
    Family("seawall_replay_bytes", "gauge", (), "Bytes of request bodies kept for replay.", "bytes"),
    Family("seawall_state_up", "gauge", (), "1 while shared state on Redis can be asked, 0 while it is lost."),
    Family("seawall_state_losses", "counter", (), "Times shared state was lost."),
    Family("seawall_state_replicas", "gauge", (), "Replicas last seen on the shared state, this one included."),
    Family("seawall_state_scripts", "counter", (), "Scripts that shared state answered."),
    Family(
        "seawall_state_script_seconds",
        "counter",
        (),
        "Time those scripts took, waiting to be sent included, added up.",
        "seconds",
    ),
    Family("seawall_state_waiting", "gauge", (), "Scripts that wait to be sent to shared state."),
    Family("seawall_log_dropped", "counter", (), "Log lines dropped because the buffer was full."),
    Family("seawall_log_suppressed", "counter", (), "Log lines left out because of log.rate."),
    Family("seawall_log_failed_bytes", "counter", (), "Bytes of log lines that could not be written.", "bytes"),
    Family("seawall_observer_failures", "counter", (), "Observers that failed and were taken out."),
    Family("seawall_loop_lag_seconds", "gauge", (), "How late the event loop last woke up.", "seconds"),
    Family(
        "seawall_loop_lag_max_seconds",
        "gauge",
        (),
        "The latest the event loop woke up within the last minute.",
        "seconds",
    ),
    Family("seawall_tasks", "gauge", (), "Tasks of the event loop."),
    Family("seawall_series_limit_reached", "gauge", (), "1 once a label set went to the overflow child, else 0."),
    Family("seawall_build", "info", ("version", "python", "loop"), "What is running."),
    Family("process_resident_memory_bytes", "gauge", (), "Resident memory.", "bytes"),
    Family("process_virtual_memory_bytes", "gauge", (), "Virtual memory.", "bytes"),
    Family("process_cpu_seconds", "counter", (), "CPU time, user and system.", "seconds"),
    Family("process_start_time_seconds", "gauge", (), "When the process started, since the epoch.", "seconds"),
    Family("process_open_fds", "gauge", (), "Open file descriptors."),
    Family("process_max_fds", "gauge", (), "The most file descriptors there may be."),
)

_BY_NAME = {one.name: one for one in FAMILIES}


def family(name: str) -> Family:
    """Return the row of `name`.

    Raises:
        KeyError: there is none.
    """
    return _BY_NAME[name]
