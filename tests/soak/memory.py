"""Memory of a server's workers, as time goes by."""

import re
from pathlib import Path


def workers(pid: int) -> list[int]:
    """Processes that the server with this id has started."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def resident(pids: list[int]) -> float:
    """MB that these processes have in memory together, what they share counted in each; 0 for one that is gone."""
    total = 0
    for pid in pids:
        try:
            found = re.search(r"^VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
        except FileNotFoundError:
            continue
        total += int(found[1]) * 1024 if found else 0
    return total / 1e6
