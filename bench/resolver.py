#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""banyand as a resolver beside Debian's and a bare echo: CPU time a question, in one run, on a signed Internet of its own on loopback.

resolver.py BUILD_FOLDER [PART...] [SERVER...]      parts: hit nx miss; servers: banyand unbound pdns kresd bind echo

BENCH_RUNS (3), BENCH_SECONDS (1), BENCH_CHILDREN (10000 signed zones), BENCH_FLAT (12000 names in one), BENCH_NEW (3000 names of each
kind of miss). hit: names that are cached, after Zipf's law; nx: names below top-level domains that do not exist, each asked once; miss:
names that are new, in one signed zone, and in a new signed zone each.
"""
import os
import statistics
import sys

import common
import servers
from authority import start_echo
from common import RUNS, SECONDS, Calibrated, Process, attempt, load, measure, median
from internet import Internet

NEW = int(os.environ.get("BENCH_NEW", "3000"))
PARTS = {"hit": "Cached answers over UDP: CPU time of one worker", "nx": "Names below top-level domains that do not exist: CPU time of one worker"}
FEW = ("-k", 8, "-w", 4)  # in flight: enough to keep a server busy, too few to wait for each other


def start(net, place, name, workers=1, cpu=common.SERVER_CPU):
    port = next(common.PORTS)
    folder = place / f"{name}-{port}"
    folder.mkdir()
    return Process(servers.RESOLVERS[name][0](net, folder, port, workers=workers), folder, port, "com.", cpu=cpu)


def prime(net, server, part):
    """The names of `hit` come into the cache; for the others, what proves that they do not exist."""
    if part == "hit":
        asked = load("-p", server.port, "-f", net.folder / "first", *FEW, "-n", sum(1 for _ in open(net.folder / "first")))
        if asked["noerror"] < asked["sent"]:
            print(f"bench: {server.words[0]}: {asked['sent'] - asked['noerror']} of {asked['sent']} names found no answer\n", flush=True)
    return measure(server, "-f", net.folder / part, "-t", 1 if part == "hit" else 3)


def steady(net, place, part, wanted):
    """What does not leave the server: hit and nx. All servers stand, and take turns."""
    words = ("-f", net.folder / part)
    started = common.start_each(sorted(wanted, key="echo".__eq__), lambda name, size: start_echo(place, size) if name == "echo" else start(net, place, name),
                                lambda name, server: measure(server, *words, "-t", 1) if name == "echo" else prime(net, server, part))
    results = common.in_turn(started, lambda server: measure(server, *words, "-t", SECONDS))
    common.end_all(started)
    common.title(PARTS[part])
    common.speed_table(results)
    print("\nMessages to authorities per 1000 questions: "
          + ", ".join(f"{name} {1000 * median(runs, 'upstream'):.2f}" for name, runs in results.items() if name != "echo"), flush=True)


def cold(net, place, name):
    """A server with an empty cache: names in one signed zone, then names each in a new one; and its memory before them."""
    server = start(net, place, name)
    found = {"rss": server.rss() / 1e6}
    load("-p", server.port, "-f", net.folder / "flat", "-n", 1)
    for kind in ("flat", "deleg"):
        found[kind] = measure(server, "-f", net.folder / kind, "-n", NEW, *FEW)
    server.end()
    return found


def misses(net, place, wanted):
    results, before = {}, common.ecdsa_us()
    for _ in range(RUNS):
        for name in [n for n in wanted if n != "echo"]:
            found = attempt(name, lambda: cold(net, place, name))
            if found is not None:
                results.setdefault(name, []).append(found)
    check = (before + common.ecdsa_us()) / 2
    common.title("New names: CPU time of one worker")
    print(f"In brackets: messages to authorities a name; times the checks of its signatures alone, one for a name and three with a new signed "
          f"zone, of {check:.0f} µs each here (ECDSA P-256 by openssl).\n")
    peers = {what: min((statistics.median(r[what]["us"] for r in runs) for name, runs in results.items() if name != "banyand"), default=None)
             for what in ("flat", "deleg")}
    common.head("server", "new name, µs", "× best peer", "new name in a new signed zone, µs", "× best peer", "SERVFAIL or lost, %", "RSS at start, MB")
    for name, runs in results.items():
        cells = []
        for what, checks in ("flat", 1), ("deleg", 3):
            us, upstream = (statistics.median(r[what][key] for r in runs) for key in ("us", "upstream"))
            cells += [f"{us:.0f} ({upstream:.2f}; {us / checks / check:.2f} ×)", f"{us / peers[what]:.2f}" if peers[what] else "–"]
        failed = max((r[what]["lost"] + r[what]["servfail"]) / r[what]["sent"] for r in runs for what in ("flat", "deleg"))
        common.row(name, *cells, f"{100 * failed:.2f}", f"{statistics.median(r['rss'] for r in runs):.1f}")


def main(place):
    words = sys.argv[2:]
    parts = [word for word in words if word in ("hit", "nx", "miss")] or ["hit", "nx", "miss"]
    programs = {**{name: program for name, (_, program) in servers.RESOLVERS.items()}, "echo": None}
    wanted = common.present(programs, [word for word in words if word not in ("hit", "nx", "miss")])
    if not common.present({"nsd": "nsd"}, []):
        common.fail("the authorities of this bench are nsd: tools/install-needed bench installs it")
    net = Internet(place)
    authorities = net.serve()
    with Calibrated():
        for part in parts:
            if part == "miss":
                misses(net, place, wanted)
            else:
                steady(net, place, part, wanted)
    for each in authorities:
        each.end()


if __name__ == "__main__":
    common.run(main)
