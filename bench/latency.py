#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a client waits, and what a question costs, when a server is not busy: banyand beside NSD and Knot DNS (the root mix), and beside
unbound (cached answers), with questions that leave by the clock.

latency.py BUILD_FOLDER [SERVER...]     servers: banyand nsd knot unbound echo

BENCH_RATES ("1000 40000" questions a second), BENCH_RUNS (3), BENCH_SECONDS (1). The load generator does not sleep.
"""
import os
import sys

import authority
import common
import wildcache
from common import SECONDS, Calibrated, measure, median

RATES = [int(rate) for rate in os.environ.get("BENCH_RATES", "1000 40000").split()]


def table(text, started, words):
    results = {rate: common.in_turn(started, lambda server: measure(server, *words, "-r", rate, "-t", SECONDS)) for rate in RATES}  # noqa: B023
    common.title(text)
    common.head("questions a second", "server", "p50, µs", "p99, µs", "99.9 %, µs", "CPU µs a question", "× echo", "lost")
    for rate, each in results.items():
        echo = each.get(("echo", 1))
        for (name, _), runs in each.items():
            floor = f"{median(runs, 'us') / median(echo, 'us'):.2f}" if echo else "–"
            common.row(rate, name, *(f"{median(runs, key):.0f}" for key in ("p50", "p99", "p999")), f"{median(runs, 'us'):.2f}", floor,
                       sum(run["lost"] for run in runs))


def main(place):
    wanted = common.present({"banyand": None, "nsd": "nsd", "knot": "knotd", "unbound": "unbound", "echo": None}, sys.argv[2:])
    with Calibrated():
        for text, stand in ("The root", authority.stand), ("Cached answers", wildcache.stand):
            started, words = stand(place, wanted)
            table(f"{text}, at a steady rate", started, words)
            common.end_all(started)


if __name__ == "__main__":
    common.run(main)
