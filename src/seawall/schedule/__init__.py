"""The schedules' door: calls made periodically, through the same pipelines as everybody's."""

from seawall.schedule.plan import plan_of
from seawall.schedule.run import Runner
from seawall.schedule.scheduler import Scheduler

__all__ = ["Runner", "Scheduler", "plan_of"]
