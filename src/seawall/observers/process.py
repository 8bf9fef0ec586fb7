"""What the operating system says about this process."""

import os
import sys
import time
from pathlib import Path

if sys.platform != "win32":
    import resource

__all__ = ["Process"]

_STATM = Path("/proc/self/statm")
_FDS = Path("/proc/self/fd")


class Process:
    """Memory, CPU and descriptors; what a platform does not tell is 0."""

    def __init__(self, wall: float) -> None:
        self.started = wall
        self._page = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
        self._linux = _STATM.exists()

    def memory(self) -> tuple[int, int]:
        """Return virtual and resident bytes; where there is no /proc, the peak stands for the resident ones."""
        if self._linux:
            size, resident = _STATM.read_bytes().split()[:2]
            return int(size) * self._page, int(resident) * self._page
        if sys.platform == "win32":
            return 0, 0
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return 0, peak if sys.platform == "darwin" else peak * 1024

    def cpu(self) -> float:
        """Return seconds of CPU, user and system."""
        return time.process_time()

    def descriptors(self) -> tuple[int, int]:
        """Return open descriptors and how many there may be."""
        if sys.platform == "win32":
            return 0, 0
        opened = len(os.listdir(_FDS)) - 1 if self._linux else 0  # noqa: PTH208 - one descriptor is the listing's own
        return opened, resource.getrlimit(resource.RLIMIT_NOFILE)[0]
