"""What this machine lets a process have: cores, memory, disk. Limits of containers (cgroups) count."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_CGROUPS = Path("/sys/fs/cgroup")
_MINE = Path("/proc/self/cgroup")
_UNLIMITED = 1 << 60  # version 1 writes a number near 2^63 for "no limit"


@dataclass(frozen=True)
class Memory:
    """Bytes that this process may have in all, and those free now; None where the system doesn't say."""

    total: int | None
    available: int | None


def usable_cores() -> float:
    """Cores that this process may use: its affinity, and the quota of its container (may be a fraction)."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, cpu_quota() or cores)


def cpu_quota(mine: Path = _MINE, root: Path = _CGROUPS) -> float | None:
    """Cores that the containers around this process grant it, None without a limit."""
    quotas = []
    for folder in _folders("cpu", mine, root):
        with suppress(OSError, ValueError, IndexError):
            if (folder / "cpu.max").exists():
                quota, period = (folder / "cpu.max").read_text().split()
            else:
                quota, period = ((folder / f"cpu.cfs_{part}_us").read_text() for part in ("quota", "period"))
            if quota != "max" and int(quota) > 0:
                quotas.append(int(quota) / int(period))
    return min(quotas, default=None)


def memory(mine: Path = _MINE, root: Path = _CGROUPS, system: Path = Path("/proc/meminfo")) -> Memory:
    """The system's memory, or the container's where that is less."""
    said: dict[str, int] = {}
    with suppress(OSError):
        lines = (line.split() for line in system.read_text().splitlines())
        said = {words[0].rstrip(":"): int(words[1]) * 1024 for words in lines if len(words) > 1}
    total, available = said.get("MemTotal"), said.get("MemAvailable")
    for folder in _folders("memory", mine, root):
        for limit_name, used_name in (
            ("memory.max", "memory.current"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes"),
        ):
            with suppress(OSError, ValueError):
                limit = int((folder / limit_name).read_text())  # "max" is no number
                if limit < _UNLIMITED:
                    total = min(limit, total or limit)
                    left = max(0, limit - int((folder / used_name).read_text()))
                    available = min(left, left if available is None else available)
    return Memory(total, available)


def _folders(controller: str, mine: Path, root: Path) -> Iterator[Path]:
    """The folders of this process's group and of those around it, for versions 2 and 1 of cgroups."""
    with suppress(OSError):
        for line in mine.read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers and controller not in controllers.split(","):
                continue
            base = root / controller if controllers else root
            inside = Path(path.lstrip("/"))
            yield from (base / part for part in (inside, *inside.parents))


def peak_memory() -> int:
    """The most bytes of memory that this process has held at once."""
    if known := _own_memory("VmHWM"):  # getrusage's number is inherited from the process that started us
        return known
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if platform.system() == "Darwin" else peak * 1024


def resident_memory() -> int | None:
    """The bytes of memory that this process holds now; None where the system doesn't say (proc(5))."""
    return _own_memory("VmRSS")


def _own_memory(name: str) -> int | None:
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith(name):
                return int(line.split()[1]) * 1024
    return None


def free_disk(path: Path) -> int:
    """Free bytes of the disk that holds `path` or its nearest folder that exists."""
    while not path.exists():
        path = path.parent
    return shutil.disk_usage(path).free


def processor() -> str:
    """The processor's name, as the system says it."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
