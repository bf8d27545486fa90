"""What the benchmarks share: CPU time of processes, interleaved rounds with their medians, the table, the JSON file.

options = arguments(__doc__).parse_args()
with cpu_of({"worker": worker.pid, "database": database.pid}) as cpu:
    ...  # inside a function that returns {"tasks a second": ..., **cpu.milliseconds_each(tasks)}
columns = rounds({"stock": measure_stock, "Tandem": measure_ours}, options.rounds)
report("1,000 tasks", columns, options.json)
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Final

# Figures by name, such as {"tasks a second": 402.0, "worker's CPU, ms": 2.1}.
Figures = dict[str, float]

_TICKS: Final = os.sysconf("SC_CLK_TCK")


@dataclass(slots=True)
class Cpu:
    """CPU seconds that each of the named processes has used inside the block of `cpu_of`; filled when it ends."""

    seconds: dict[str, float] = field(default_factory=dict)

    def milliseconds_each(self, count: float) -> Figures:
        """Milliseconds for each of `count` things done, by process and together, ready for a table."""
        each = {f"CPU of {name}, ms": spent * 1000 / count for name, spent in self.seconds.items()}
        return each | {"CPU in all, ms": sum(each.values())}


@contextmanager
def cpu_of(processes: Mapping[str, int | None]) -> Iterator[Cpu]:
    """The CPU time that the processes with these ids, and all that they start, use inside the block."""
    pids = {name: pid for name, pid in processes.items() if pid is not None}
    before = {name: cpu_seconds(pid) for name, pid in pids.items()}
    used = Cpu()
    yield used
    used.seconds = {name: cpu_seconds(pid) - before[name] for name, pid in pids.items()}


def cpu_seconds(pid: int) -> float:
    """The CPU seconds so far of a process and of all its descendants, living or ended. 0.0 where it has ended.

    proc(5), /proc/PID/stat, fields 14 to 17: its own time, and that of the children that it has waited for.
    """
    own = _stat(pid)
    if own is None:
        return 0.0
    total = sum(map(int, own[11:15])) / _TICKS
    return total + sum(cpu_seconds(child) for child in _children(pid))


def resident_mb(pid: int) -> float:
    """The resident memory of one process, in MB."""
    return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def rounds(contenders: Mapping[str, Callable[[], Figures]], count: int) -> dict[str, Figures]:
    """Call each contender once a round, in turn, for `count` rounds. Returns the medians of its figures.

    They take turns, so that what else the machine does meets all of them.
    """
    found: dict[str, list[Figures]] = {name: [] for name in contenders}
    for _ in range(count):
        for name, measure in contenders.items():
            found[name].append(measure())
    return {name: medians(figures) for name, figures in found.items()}


def medians(figures: list[Figures]) -> Figures:
    """The median of each figure that all rounds have."""
    return {name: median(each[name] for each in figures) for name in figures[0] if all(name in one for one in figures)}


def percentile(values: list[float], percent: int) -> float:
    """The value that `percent` of the values do not exceed. Raises IndexError where there are none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) * percent // 100, len(ordered) - 1)]


def arguments(about: str | None, *, count: int = 3) -> argparse.ArgumentParser:
    """A parser with `--rounds N` and `--json FILE`; a benchmark may add its own options."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=count, help="each figure is the median of so many rounds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there, too")
    return parser


def report(title: str, columns: Mapping[str, Figures], file: Path | None = None, **about: Any) -> None:
    """Print a table with a column for each contender and a line for each figure; to `file`, write the same as JSON.

    `about` says more about the run in the JSON. A second report to the same file is added to the first.
    """
    print(table(title, columns), flush=True)
    if file is not None:
        known = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
        known[title] = {"figures": columns, "cores": os.cpu_count(), **about}
        file.write_text(json.dumps(known, indent=2) + "\n", encoding="utf-8")


def table(title: str, columns: Mapping[str, Figures]) -> str:
    """The table as text. What a contender has no figure for is a dash."""
    names = list(dict.fromkeys(name for figures in columns.values() for name in figures))
    first = max(len(title), *map(len, names)) + 2
    widths = {column: max(len(column), 9) + 2 for column in columns}
    lines = [title.ljust(first) + "".join(column.rjust(width) for column, width in widths.items())]
    for name in names:
        cells = (_cell(columns[column].get(name)).rjust(width) for column, width in widths.items())
        lines.append(name.ljust(first) + "".join(cells))
    return "\n".join(lines)


def _cell(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.2f}"


def _stat(pid: int) -> list[str] | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The name of the program, in parentheses, may hold blanks and parentheses itself.
    return stat.rpartition(")")[2].split()


def _children(pid: int) -> list[int]:
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
        return [int(child) for thread in threads for child in (thread / "children").read_text().split()]
    except OSError:  # it has just ended
        return []
