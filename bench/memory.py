#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Memory of a cached name: banyand beside Debian's unbound, each with a million names of one zone in its cache, in one run.

memory.py BUILD_FOLDER [SERVER...]      servers: banyand unbound

BENCH_NAMES (1000000). The figure is what the resident memory grew by, divided by the names that were answered; then the authority is
ended and a sample of all names is asked again, which shows how many of them are really in the cache.
"""
import ctypes
import json
import os
import random
import shutil
import sys
import tempfile
from pathlib import Path

from resolver import BUILD, CLONE_NEWNET, ENV, LOAD_CPU, SERVER_CPU, Process, authority, run, unbound_config

NAMES = int(os.environ.get("BENCH_NAMES", "1000000"))
SAMPLE = 20000
PORT = 5311
WINDOW = 64


def banyand(folder):
    (folder / "banyan.yaml").write_text(f"""server: {{listen: [127.0.0.1@{PORT}], workers: 1, rundir: {folder}, user: root, log-level: warning}}
root: {{file: ""}}
resolver: {{cache-size: 256M, cache-keep: no, ipv6: false, client-questions-max: 0, client-rate: 0}}
stub: [{{zone: bench., servers: [127.0.0.30], validate: no}}]
""")
    return [str(BUILD / "src/cmd/banyand/banyand"), "-c", str(folder / "banyan.yaml")]


def unbound(folder):
    return unbound_config(folder, PORT, """  msg-cache-size: 1g
  rrset-cache-size: 1g
  domain-insecure: "bench."
""", """stub-zone:
  name: "bench."
  stub-addr: 127.0.0.30
""")


SERVERS = {"banyand": banyand, "unbound": unbound}


def ask(folder, file, count, window):
    return json.loads(run(folder, BUILD / "bench/load", "127.0.0.1", PORT, file, count, window, cpu=LOAD_CPU))


def measure(place, kind):
    """Bytes a name, and the share of the names that is answered without the authority."""
    folder = place / kind
    folder.mkdir()
    nsd = Process(authority(place, "127.0.0.30", {"bench.": place / "bench.zone"}), place / f"nsd-{kind}", LOAD_CPU, "127.0.0.30", 53, "bench.")
    server = Process(SERVERS[kind](folder), folder, SERVER_CPU, "127.0.0.1", PORT, "bench.")
    ask(place, "names", 100, WINDOW)
    before = server.rss()
    filled = ask(place, "names", NAMES, WINDOW)
    grown = server.rss() - before
    nsd.end()
    found = ask(place, "sample", SAMPLE, WINDOW)
    server.end()
    good = filled["got"] - filled["servfail"]
    return grown / max(1, good), good, (found["got"] - found["servfail"]) / SAMPLE


def main():
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        sys.exit("bench: needs root, for a network namespace")
    run("/", "ip", "link", "set", "lo", "up")
    kinds = sys.argv[2:] or [k for k in SERVERS if k == "banyand" or shutil.which(k, path=ENV["PATH"])]
    with tempfile.TemporaryDirectory(prefix="banyan-bench.", dir="/tmp") as name:
        place = Path(name)
        (place / "bench.zone").write_text("bench. 86400 SOA ns.bench. h.bench. 1 1800 900 604800 900\nbench. 86400 NS ns.bench.\n"
                                          "ns.bench. 86400 A 127.0.0.30\n*.bench. 86400 A 192.0.2.1\n")
        (place / "names").write_text("".join(f"host-{n:07}.bench. 1\n" for n in range(NAMES)))
        (place / "sample").write_text("".join(f"host-{n:07}.bench. 1\n" for n in random.Random(1).choices(range(NAMES), k=SAMPLE)))
        print(f"Memory of one of {NAMES} cached names (an A record of host-0000000.bench.)\n")
        print("| server | bytes a name | names answered | of a sample, in the cache afterwards |\n|---|---|---|---|")
        for kind in kinds:
            each, good, share = measure(place, kind)
            print(f"| {kind} | {each:.0f} | {good} | {100 * share:.1f} % |", flush=True)


if __name__ == "__main__":
    main()
