"""How late occurrences are: real beats on 100,000 schedules, beside edits, reads and retention, and at midnight.

    python3 dev.py bench lateness [steady|at-once|two-beats|fair ...] [--broker redis|rabbitmq] [--schedules N]

steady     28 schedules are due each second, while one client of the API changes a schedule and reads lists by turns,
           and retention deletes 30,000 old tasks. Late by what the API's histogram says: the bound that half, and 99 of
           100, keep to.
at-once    10,000 are due at one instant. The longest silence of the beat is that of its pulse and of its loop.
two-beats  the same for one beat and for two, and how many times the rate of one that is.
fair       schedules that are on time, 38 each second, ten of them every second, without and with 50,000 that are due at
           midnight and a catch-up of a day. Exact: from when each was due until the ledger knew that it was published.

Every figure is of this machine, whose cores the beats, the database, the broker and the client of the API share.
"""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import Final

from benchmarks._measure import Figures, arguments, report, rounds
from benchmarks.beat import Bench

MODES: Final = ("steady", "at-once", "two-beats", "fair")


def main() -> None:
    """Print a table for each mode."""
    parser = arguments(__doc__, count=1)
    parser.add_argument("modes", nargs="*", choices=[[], *MODES], help="which to measure; all where none is named")
    parser.add_argument("--broker", choices=["redis", "rabbitmq"], default="redis")
    parser.add_argument("--schedules", type=int, default=100_000)
    options = parser.parse_args()
    with ExitStack() as stack:
        bench = Bench(stack, "postgresql", options.broker)
        bench.fill("ledger", options.schedules)
        for mode in options.modes or MODES:

            def measured(mode: str = mode) -> Figures:
                answer: Figures = json.loads(bench.run("ledger", "benchmarks._lateness", mode).splitlines()[-1])
                return answer

            columns = rounds({"Tandem": measured}, options.rounds)
            title = f"{mode}, {options.schedules:,} schedules, {options.broker}"
            report(title, columns, options.json, rounds=options.rounds)


if __name__ == "__main__":
    main()
