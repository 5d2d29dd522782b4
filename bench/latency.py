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
import servers
import wildcache
from common import RUNS, SECONDS, Calibrated, attempt, measure, median

RATES = [int(rate) for rate in os.environ.get("BENCH_RATES", "1000 40000").split()]
NAMES = 10000


def table(text, started, words):
    results = {rate: {name: [] for name in started} for rate in RATES}
    for _ in range(RUNS):
        for rate in RATES:
            for name, server in started.items():
                results[rate][name].append(measure(server, *words, "-r", rate, "-t", SECONDS))
    common.title(text)
    common.head("questions a second", "server", "p50, µs", "p99, µs", "99.9 %, µs", "CPU µs a question", "× echo", "lost")
    for rate, each in results.items():
        for name, runs in each.items():
            floor = f"{median(runs, 'us') / median(each['echo'], 'us'):.2f}" if "echo" in each else "–"
            common.row(rate, name, *(f"{median(runs, key):.0f}" for key in ("p50", "p99", "p999")), f"{median(runs, 'us'):.2f}", floor,
                       sum(run["lost"] for run in runs))


def root(place, wanted):
    made = authority.Root(place)
    started, words, warm = {}, ("-f", made.questions), []
    for name in wanted:
        start = authority.start if name != "echo" else lambda _, place, __: authority.start_echo(place, common.mean_size(warm))
        server = attempt(name, lambda: start(name, place, made))
        if server is not None:
            warm.append([measure(server, *words, "-t", 0.5)])
            started[name] = server
    table("The root, at a steady rate", started, words)
    for server in started.values():
        server.end()


def cached(place, wanted):
    wild, started, warm = wildcache.wild(place), {}, []
    for name in wanted:
        make = {"banyand": wildcache.banyand, "unbound": wildcache.unbound}.get(name)
        server = attempt(name, lambda: wildcache.start(place, make) if make
                         else authority.start_echo(place, common.mean_size(warm)))
        if server is not None:
            warm.append([measure(server, "-k", 8, "-w", 8, "-e", NAMES, "-n", NAMES)])
            started[name] = server
    wild.end()
    table("Cached answers, at a steady rate", started, ("-a", NAMES))
    for server in started.values():
        server.end()


def main(place):
    programs = {"banyand": None, "nsd": "nsd", "knot": "knotd", "unbound": "unbound", "echo": None}
    wanted = common.present(programs, sys.argv[2:])
    with Calibrated():
        root(place, [name for name in wanted if name in servers.AUTHORITIES or name == "echo"])
        cached(place, [name for name in wanted if name in ("banyand", "unbound", "echo")])


if __name__ == "__main__":
    common.run(main)
