"""What a process holds in memory, as Linux tells it; 0 where nobody does."""

from pathlib import Path
from typing import Literal


def mebibytes(process: int | Literal["self"], what: Literal["VmRSS", "VmHWM"]) -> float:
    """Resident memory now, or the most since the program was started (`getrusage` counts its parent's, too)."""
    status = Path(f"/proc/{process}/status")
    if not status.exists():
        return 0.0
    line = next(line for line in status.read_text().splitlines() if line.startswith(what))
    return int(line.split()[1]) / 1024


def resident_with_children(pid: int) -> float:
    """Resident memory of a process and of all it started, in MiB; some servers start behind a launcher."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    started = children.read_text().split() if children.exists() else []
    return mebibytes(pid, "VmRSS") + sum(resident_with_children(int(child)) for child in started)
