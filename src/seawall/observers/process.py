"""What the operating system says about this process."""

import os
import sys
import time

if sys.platform != "win32":
    import resource

__all__ = ["Process"]


class Process:
    """Memory, CPU and descriptors; what a platform does not tell is 0.

    Attributes:
        started: seconds since the epoch.
        open_fds: as of the last `count_fds`.
        max_fds: how many there may be.
    """

    def __init__(self, wall: float) -> None:
        self.started = wall
        self.open_fds = 0
        self.max_fds = 0
        self._page = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
        self._statm = -1
        if sys.platform == "linux":
            self._statm = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)
        if sys.platform != "win32":
            self.max_fds = resource.getrlimit(resource.RLIMIT_NOFILE)[0]

    def memory(self) -> tuple[int, int]:
        """Return virtual and resident bytes; where there is no /proc, the peak stands for the resident ones."""
        if self._statm >= 0:  # the kernel makes this text from memory: reading it waits for nothing
            size, resident = os.pread(self._statm, 128, 0).split()[:2]
            return int(size) * self._page, int(resident) * self._page
        if sys.platform == "win32":
            return 0, 0
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return 0, peak if sys.platform == "darwin" else peak * 1024

    def cpu(self) -> float:
        """Return seconds of CPU, user and system."""
        return time.process_time()

    def count_fds(self) -> None:
        """Count open descriptors; lists a directory, so not on the loop's thread."""
        if sys.platform == "linux":
            self.open_fds = len(os.listdir("/proc/self/fd")) - 1  # noqa: PTH208 - one of them is the listing's own

    def close(self) -> None:
        """Give the descriptor back."""
        if self._statm >= 0:
            os.close(self._statm)
            self._statm = -1
