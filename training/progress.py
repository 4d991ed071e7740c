"""How often progress is shown."""

import sys


def pace() -> float:
    """Seconds between two states of a progress bar: a log is not to be filled with them."""
    return 0.5 if sys.stderr.isatty() else 30
