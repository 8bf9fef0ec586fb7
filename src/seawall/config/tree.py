"""The one tree: every table of the settings file."""

from pydantic import Field

from seawall.config.alerts import AlertsSettings
from seawall.config.caller import CallerSettings
from seawall.config.jobs import JobsSettings
from seawall.config.kinds import Table
from seawall.config.ledger import LedgerSettings
from seawall.config.log import LogSettings
from seawall.config.memory import MemorySettings
from seawall.config.model import ModelSettings
from seawall.config.schedule import ScheduleSettings
from seawall.config.sentry import SentrySettings
from seawall.config.server import ServerSettings
from seawall.config.spend import SpendSettings
from seawall.config.state import StateSettings
from seawall.config.trace import TraceSettings
from seawall.config.upstream import UpstreamSettings
from seawall.contracts.settings import Settings

__all__ = ["Tree"]


class Tree(Settings):
    """All settings, frozen."""

    server: ServerSettings = Field(ServerSettings(), description="Where the gateway listens and what it bears.")
    memory: MemorySettings = Field(MemorySettings(), description="How much memory the process may use.")
    log: LogSettings = Field(LogSettings(), description="What is written per call.")
    upstreams: Table[UpstreamSettings] = Field({}, description="The APIs the gateway may call, by name.")
    models: Table[ModelSettings] = Field({}, description="Aliases for language models, by name.")
    callers: Table[CallerSettings] = Field({}, description="Who may call, by name.")
    spend: SpendSettings = Field(SpendSettings(), description="Caps of the whole gateway.")
    schedules: Table[ScheduleSettings] = Field({}, description="Periodic calls, by name.")
    state: StateSettings = Field(StateSettings(), description="Shared state of replicas.")
    ledger: LedgerSettings = Field(LedgerSettings(), description="The durable record of spending.")
    jobs: JobsSettings = Field(JobsSettings(), description="Calls answered later.")
    alerts: AlertsSettings = Field(AlertsSettings(), description="Who is told when something breaks.")
    sentry: SentrySettings = Field(SentrySettings(), description="Reporting of unexpected errors.")
    trace: TraceSettings = Field(TraceSettings(), description="Export of spans.")
