"""What is printed: the machine in a line, figures in Markdown tables."""

import os
import platform
import re
import sys
from collections.abc import Sequence
from pathlib import Path


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def machine() -> str:
    """Cores, processor, system and Python, in a line."""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{cores()} x {_processor()}, {platform.system()} {platform.machine()}, {python}"


def _processor() -> str:
    try:
        name = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except FileNotFoundError:
        name = None
    return name[1].strip() if name else platform.processor() or "unknown processor"


def table(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]], note: str = "") -> None:
    """Print a Markdown table, its first column text and the others figures."""
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    print(f"\n### {title}\n")
    for row in (heads, rule, *rows):
        first, *others = zip(row, widths, strict=True)
        cells = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]
        print(f"| {' | '.join(cells)} |")
    if note:
        print(f"\n{note}")
    sys.stdout.flush()


def ms(value: float) -> str:
    """Milliseconds with the digits that mean something."""
    return f"{value:.3f}" if value < 1 else f"{value:.2f}" if value < 10 else f"{value:.1f}"


def progress(text: str) -> None:
    """Say on stderr what is being measured."""
    print(f"... {text}", file=sys.stderr, flush=True)
