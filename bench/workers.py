#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two workers instead of one: by how much more a server can do, on a machine that makes the load as well.

workers.py BUILD_FOLDER [SERVER...]     servers: banyand nsd knot unbound echo

BENCH_RUNS (3), BENCH_SECONDS (1). Two load generators run, one on each of two CPUs, and both with one worker (on the first CPU) and with two
(on both): so each worker gets the same mix of questions from its own CPU and from the other, has as many of them waiting, and shares its CPU
with the same load. What differs is only that there is a second worker. So the CPU time of a question says what the two cost each
other: had they nothing in common, it would be the same, and two would do twice as much. The echo shows how much of that is the kernel's.
"""
import sys

import authority
import common
import wildcache
from common import LOAD_CPU, SECONDS, SERVER_CPU, Calibrated, loads, median

CPUS = {1: SERVER_CPU, 2: f"{SERVER_CPU},{LOAD_CPU}"}


def one_run(server, words):
    cpu, (gave, lost) = server.cpu_us(), server.switches()
    got = loads([("-b", "-p", server.port, *words, "-t", SECONDS)] * 2, (SERVER_CPU, LOAD_CPU))
    after = server.switches()
    return {"us": (server.cpu_us() - cpu) / got["got"], "rate": got["got"] / got["seconds"], "lost": got["lost"],
            "switches": 1000 * (after[0] - gave + after[1] - lost) / got["got"]}


def table(text, runs):
    common.title(text)
    common.head("server", "CPU µs a question: one worker", "two", "capacity of two, × one", "questions a second: one worker", "two",
                "switches a thousand questions: one worker", "two", "lost")
    for name in dict.fromkeys(name for name, _ in runs):
        one, two = runs.get((name, 1)), runs.get((name, 2))
        if one is None or two is None:
            continue
        us, rate, switches = ([median(each, key) for each in (one, two)] for key in ("us", "rate", "switches"))
        common.row(name, f"{us[0]:.2f}", f"{us[1]:.2f}", f"{2 * us[0] / us[1]:.2f}", *(f"{r:.0f}" for r in rate),
                   *(f"{s:.1f}" for s in switches), sum(run["lost"] for run in one + two))


def main(place):
    wanted = common.present({"banyand": None, "nsd": "nsd", "knot": "knotd", "unbound": "unbound", "echo": None}, sys.argv[2:])
    with Calibrated():
        for text, stand in ("The root", authority.stand), ("Cached answers", wildcache.stand):
            started, words = stand(place, wanted, CPUS)
            table(f"{text}, by one worker and by two", common.in_turn(started, lambda server: one_run(server, words)))  # noqa: B023
            common.end_all(started)


if __name__ == "__main__":
    common.run(main)
