#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small and large caches: CPU time of a hit, memory, and whether clients wait while entries go or are refreshed.

cachesize.py BUILD_FOLDER [sizes] [pauses]

BENCH_SIZES ("10000 1000000 20000000" names), BENCH_RUNS (3), BENCH_SECONDS (1). The cache comes from a file that is written for the purpose
(bench/cache_fill). sizes: any of all names is asked for, so that nothing is in the processor's caches but by chance. pauses: 20,000
questions a second by the clock, of which 2,000 are for new names that come into a cache with room, and into one that is full; and while what
is asked for is refreshed ahead of its end.
"""
import os
import sys

import common
import wildcache
from authority import start_echo
from common import RUNS, SECONDS, Calibrated, LOAD_CPU, load, measure, median, own, tool

SIZES = [int(n) for n in os.environ.get("BENCH_SIZES", "10000 1000000 20000000").split()]
ENTRY_BYTES = 110  # more than any takes, tables included
HOT, FIRST_NEW = 10000, 30000000
RATE, EVERY = 20000, 10  # questions a second; one of so many is for a new name
TTL = 8
FULL = 1000000


def memory_free():
    return next(int(line.split()[1]) * 1024 for line in open("/proc/meminfo", encoding="ascii") if line.startswith("MemAvailable:"))


def start_full(place, names, cache=None):
    """banyand with so many names in its cache."""
    port = next(common.PORTS)
    folder = place / f"full-{port}"
    folder.mkdir()
    size = cache or f"{(names * ENTRY_BYTES >> 20) + 64}M"
    words = wildcache.banyand(folder, port, size, keep=True)
    common.Process(words, folder, port, "bench.").end()  # it leaves a file that knows its settings
    file = folder / "cache.bin"
    tool(folder, own("cache_fill"), file, names, cpu=LOAD_CPU)
    server = common.Process(words, folder, port, "bench.")
    server.folder, server.file = folder, file
    return server


def end(server):
    server.process.kill()  # it would write its cache
    server.process.wait()
    server.file.unlink(missing_ok=True)


def sizes(place):
    started = {}
    for names in SIZES:
        if names * ENTRY_BYTES * 3 > memory_free():
            print(f"bench: {names} names are left out: they need {names * ENTRY_BYTES * 3 >> 20} MB of memory\n", flush=True)
            continue
        started[names] = start_full(place, names)
    results = {names: [] for names in started}
    floor = start_echo(place, 60)
    echo = []
    for names, server in started.items():
        load("-p", server.port, "-a", names, "-t", 0.5)
    for _ in range(RUNS):
        for names, server in started.items():
            results[names].append(measure(server, "-a", names, "-t", SECONDS))
        echo.append(measure(floor, "-a", 1000000, "-t", SECONDS))
    common.title("Hits in small and in large caches")
    common.head("names in the cache", "CPU µs a hit", "× the smallest", "× echo", "hits, %", "RSS, MB", "bytes a name", "99.9 %, µs")
    least, empty = None, None
    for names, runs in results.items():
        us, rss = median(runs, "us"), started[names].rss()
        least, empty = least or us, empty or rss
        common.row(names, f"{us:.2f}", f"{us / least:.2f}", f"{us / median(echo, 'us'):.2f}", f"{100 * (1 - median(runs, 'upstream')):.2f}",
                   f"{rss / 1e6:.0f}", f"{(rss - empty) / names:.0f}" if rss > empty else "–", f"{median(runs, 'p999'):.0f}")
    for server in (*started.values(),):
        end(server)
    floor.end()


def pauses(place):
    room, full = start_full(place, FULL, "1G"), start_full(place, FULL, "32M")
    new = f"and {RATE // EVERY} new names a second"
    states = {"hits alone": (room, False), f"{new}, room for them": (room, True), f"{new}, others go for them": (full, True)}
    runs, first = {state: [] for state in states}, FIRST_NEW
    for _ in range(RUNS):
        for state, (server, new) in states.items():
            load("-p", server.port, "-a", HOT, "-n", 4 * HOT)
            fresh = ("-m", EVERY, "-x", first) if new else ()
            runs[state].append(load("-p", server.port, "-a", HOT, *fresh, "-r", RATE, "-t", SECONDS))
            first += int(RATE * SECONDS)
    table(f"Hits among a million names, {RATE} questions a second by the clock", runs)
    end(room)
    end(full)


def prefetch(place):
    """Names that live for seconds: with and without a refresh ahead of their end."""
    authority = wildcache.wild(place, TTL)
    states = {"not refreshed": ", prefetch: no", "refreshed ahead": ", prefetch: yes"}
    started = {state: wildcache.start(place, wildcache.banyand, more=more) for state, more in states.items()}
    runs = {state: [] for state in states}
    for state, server in started.items():
        load("-p", server.port, "-a", HOT, "-r", RATE, "-t", TTL)  # their ends are spread
    for _ in range(RUNS):
        for state, server in started.items():
            load("-p", server.port, "-a", HOT, "-r", RATE, "-t", TTL)
            runs[state].append(measure(server, "-a", HOT, "-r", RATE, "-t", max(SECONDS, TTL)))
    table(f"Names of {TTL} s, {RATE} questions a second by the clock for {HOT} of them", runs)
    for each in (*started.values(), authority):
        each.end()


def table(text, runs):
    common.title(text)
    common.head("state", "p50, µs", "p99, µs", "99.9 %, µs", "longest, µs", "lost", "× the first")
    first = None
    for state, each in runs.items():
        first = first or median(each, "p999")
        common.row(state, *(f"{median(each, key):.0f}" for key in ("p50", "p99", "p999", "max")), sum(run["lost"] for run in each),
                   f"{median(each, 'p999') / first:.2f}")


def main(place):
    parts = sys.argv[2:] or ["sizes", "pauses"]
    with Calibrated():
        if "sizes" in parts:
            authority = wildcache.wild(place)
            sizes(place)
            authority.end()
        if "pauses" in parts:
            authority = wildcache.wild(place)
            pauses(place)
            authority.end()
            prefetch(place)


if __name__ == "__main__":
    common.run(main)
