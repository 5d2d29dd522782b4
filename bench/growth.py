#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Zones that grow, shaped like a TLD: banyand beside Debian's NSD and Knot DNS, in one run. Load time, memory, CPU of a question.

growth.py BUILD_FOLDER [SERVER...]      servers: banyand nsd knot (those that are installed)

BENCH_SIZES ("1400 100000 1000000"; 10000000 needs 10 GB of disk in TMPDIR, 16 GB of memory for the peers and half an hour), BENCH_DENIAL ("nsec
nsec3"; nsec3 is opt-out), BENCH_RUNS (1), BENCH_QUESTIONS (200000), BENCH_ROOT (a file of the root zone: one more row). Signatures of the generated
zones are random bytes of the right length; no server is asked to check them. Loading may use all CPUs; the seconds are from the start of
the process to its first answer. The peak is that of the largest process, memory at rest is what all processes of the server have for themselves
and their share of what they have together (Pss), after the questions. For questions the server is on CPU 0 and the load on CPU 1: 67 % names below
or at delegations, all alike likely, 20 % names that do not exist, 10 % DS, 3 % apex; with DO.
"""
import json
import os
import shutil
import statistics
import sys
import time
from pathlib import Path

import common
import servers
from common import SERVER_CPU, Process, attempt, own, tool

SIZES = [int(n) for n in os.environ.get("BENCH_SIZES", "1400 100000 1000000").split()]
DENIAL = os.environ.get("BENCH_DENIAL", "nsec nsec3").split()
RUNS, QUESTIONS = (int(os.environ.get("BENCH_" + key, default)) for key, default in (("RUNS", 1), ("QUESTIONS", 200000)))
ROOT = os.environ.get("BENCH_ROOT", "")
FEW = ("-k", 16, "-w", 4)  # 64 questions in flight
ALL_CPUS = ",".join(str(cpu) for cpu in os.sched_getaffinity(0))


class Loading(Process):
    """A server that is measured while it loads its zone, and has one CPU from then on."""

    START_TIME_MAX = 900  # ten million names
    PATIENCE, PAUSE = 0.01, 0.01

    def __init__(self, words, folder, port, origin):
        begun = time.monotonic()
        super().__init__(words, folder, port, origin, cpu=ALL_CPUS)
        self.load_s, self.load_cpu_s = time.monotonic() - begun, self.cpu_s()
        self.peak = self.status("VmHWM", over=max) * 1024
        for pid in self.tree():
            tool("/", "taskset", "-a", "-c", "-p", SERVER_CPU, pid)

    def cpu_s(self):
        """Of threads that have ended too."""
        ticks = 0
        for pid in self.tree():
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(int(n) for n in fields[11:15])
        return ticks / os.sysconf("SC_CLK_TCK")

    def rest(self):
        return self.status("Pss", "smaps_rollup") * 1024


def measure(name, place, origin, zone, questions):
    tool("/", "dd", f"if={zone}", "of=/dev/null", "bs=1M")  # what is measured is not the disk
    port = next(common.PORTS)
    folder = place / f"{name}-{port}"
    folder.mkdir()
    server = Loading(servers.AUTHORITIES[name][0](folder, port, {origin: zone}), folder, port, origin)
    common.load("-p", port, "-f", questions, "-n", QUESTIONS // 10, *FEW)
    got = common.measure(server, "-f", questions, "-n", QUESTIONS, *FEW)
    found = {"load": server.load_s, "cpu": server.load_cpu_s, "peak": server.peak, "rest": server.rest(), "rss": server.rss(), "us": got["us"],
             "lost": got["lost"] + got["servfail"], "bytes": got["bytes"] / max(1, got["got"])}
    server.end()
    shutil.rmtree(folder)
    return found


def stages(origin, zone, questions, names):
    """What the stages cost, without the daemon around them."""
    cost = json.loads(tool("/", own("zone_cost"), zone, origin, questions, 1))
    parts = ", ".join(f"{stage} {cost[stage]['cpu_s']:.2f} s" for stage in ("read", "prove", "compile"))
    parts += f" (to touch as much memory as that needs at most: {cost['floor']['cpu_s']:.2f} s)"
    print(f"\nbanyand: {cost['records']} records; CPU: {parts}; the image has {cost['image_bytes'] / names:.0f} bytes a delegation; of an answer out "
          f"of it parse, look up, copy and patch are {cost['answer']['cpu_ns']:.0f} ns", flush=True)


def table(place, title, wanted, origin, zone, questions, names):
    common.title(title)
    results = {}
    for _ in range(RUNS):
        for name in wanted:
            found = attempt(name, lambda: measure(name, place, origin, zone, questions))  # noqa: B023
            if found is not None:
                results.setdefault(name, []).append(found)
    common.head("server", "load s", "load CPU s", "peak MB", "at rest MB (Pss)", "RSS MB", "CPU µs a question", "lost", "bytes a reply")
    for name, runs in results.items():
        median = lambda key: statistics.median(run[key] for run in runs)  # noqa: B023, E731
        common.row(name, f"{median('load'):.2f}", f"{median('cpu'):.2f}", *(f"{median(key) / 1e6:.1f}" for key in ("peak", "rest", "rss")),
                   f"{median('us'):.2f}", f"{median('lost'):.0f}", f"{median('bytes'):.0f}")
    if "banyand" in results:
        stages(origin, zone, questions, names)


def main(place):
    wanted = common.present({name: servers.AUTHORITIES[name][1] for name in ("banyand", "nsd", "knot")}, sys.argv[2:])
    if ROOT:
        lines = [line.split() for line in Path(ROOT).read_text().splitlines() if line[:1].strip()]
        tlds = sorted({words[0] for words in lines if len(words) > 4 and words[3].upper() == "NS" and words[0] != "."})
        (place / "questions").write_text("".join(f"www.{tld} 1\n{tld} 43\nno-such-{tld} 1\n" for tld in tlds))
        table(place, f"The root, {len(tlds)} delegations", wanted, ".", Path(ROOT).resolve(), place / "questions", len(tlds))
    for denial in DENIAL:
        for size in SIZES:
            zone, questions = place / "zone", place / "questions"
            tool("/", own("tld"), size, denial, zone, questions, min(QUESTIONS, 300000))
            table(place, f"{size} delegations, {denial.upper()}", wanted, "bench.", zone, questions, size)


if __name__ == "__main__":
    common.run(main)
