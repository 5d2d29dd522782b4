#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Memory of a cached name: banyand beside Debian's unbound, each with a million names of one zone in its cache, in one run.

memory.py BUILD_FOLDER [SERVER...]      servers: banyand unbound

BENCH_NAMES (1000000). The figure is what the resident memory grew by, divided by the names that were answered; then the authority is
ended and a sample of all names is asked again, which shows how many of them are really in the cache.
"""
import os
import sys

import common
import wildcache
from common import load

NAMES = int(os.environ.get("BENCH_NAMES", "1000000"))
SAMPLE = 20000
FEW = ("-k", 8, "-w", 8)
SERVERS = {"banyand": (wildcache.banyand, None), "unbound": (wildcache.unbound, "unbound")}


def measure(place, name):
    """Bytes a name, and the share of the names that is answered without the authority."""
    authority = wildcache.wild(place)
    server = wildcache.start(place, SERVERS[name][0])
    load("-p", server.port, *FEW, "-e", NAMES, "-n", 100)
    before = server.rss()
    filled = load("-p", server.port, *FEW, "-e", NAMES, "-n", NAMES)
    grown = server.rss() - before
    authority.end()
    found = load("-p", server.port, *FEW, "-a", NAMES, "-n", SAMPLE)
    server.end()
    return grown / max(1, filled["noerror"]), filled["noerror"], found["noerror"] / SAMPLE


def main(place):
    common.title(f"Memory of one of {NAMES} cached names (an A record of host-00000000.bench.)")
    common.head("server", "bytes a name", "names answered", "of a sample, in the cache afterwards")
    for name in common.present({name: program for name, (_, program) in SERVERS.items()}, sys.argv[2:]):
        found = common.attempt(name, lambda: measure(place, name))
        if found is not None:
            common.row(name, f"{found[0]:.0f}", found[1], f"{100 * found[2]:.1f} %")


if __name__ == "__main__":
    common.run(main)
